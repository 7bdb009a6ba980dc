// What --interpret does around the reference: names, batches, threads, files.
//
// RUN: rm -rf %t && mkdir -p %t
// DEFINE: %{make} = %python %S/../../Reference/Inputs/npy.py make
// DEFINE: %{show} = %python %S/../../Reference/Inputs/npy.py show
//
// A long input goes through in chunks of at most 1024 images; the files are whole and do not depend on threads.
// RUN: %{make} %t/long.npy f4 2500x3 range
// RUN: n2uq-translate --interpret %s --input=input=%t/long.npy --output-dir=%t/one --dump-codes --threads=1
// RUN: n2uq-translate --interpret %s --input=input=%t/long.npy --output-dir=%t/three --dump-codes --threads=3
// RUN: diff -r %t/one %t/three
// RUN: %{show} %t/one/quan.npy | FileCheck %s --check-prefix=LONG
// LONG: uint8 2500x3 0 1 1 1 {{.*}} 1 2 2 3 3 3{{$}}
//
// The dump does not change what is already there under other names, and a second run replaces its own files.
// RUN: touch %t/one/other && n2uq-translate --interpret %s --input=input=%t/long.npy --output-dir=%t/one --dump-codes
// RUN: ls %t/one | FileCheck %s --check-prefix=FILES
// FILES: other
// FILES-NEXT: output.npy
// FILES-NEXT: quan.npy
// FILES-NOT: {{.}}
//
// Bytecode is read as text is, and standard input as a file.
// RUN: n2uq-translate %s -o %t/m.mlirbc && n2uq-translate --interpret %t/m.mlirbc --input=input=%t/long.npy --output-dir=%t/bytecode
// RUN: n2uq-translate --interpret - --input=input=%t/long.npy --output-dir=%t/stdin < %t/m.mlirbc
// RUN: cmp %t/one/output.npy %t/bytecode/output.npy && cmp %t/one/output.npy %t/stdin/output.npy
//
// Names of arguments and results come from n2uq.name, and hostile names stay in the folder.
// RUN: %{make} %t/a.npy f4 2x1 1 2 && %{make} %t/b.npy f4 2x1 10 20
// RUN: n2uq-translate --interpret %s --function=named --input=image=%t/a.npy --input=input1=%t/b.npy --output-dir=%t/named/deep --dump-codes
// RUN: %{show} %t/named/deep/sum.npy | FileCheck %s --check-prefix=NAMED
// NAMED: float32 2x1 11.0 22.0
// RUN: ls -A %t/named %t/named/deep | FileCheck %s --check-prefix=HOSTILE
// HOSTILE: deep
// HOSTILE: _._.._evil_.npy
// HOSTILE-NEXT: sum.npy
// HOSTILE-NOT: {{.}}
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %t = arith.constant dense<[[1.0, 7495.0, 7497.0]]> : tensor<1x3xf32>
  %q = n2uq.quantize %x, %t : tensor<?x3xf32>, tensor<1x3xf32> -> tensor<?x3xui2> loc("quan")
  %0 = n2uq.affine %q : tensor<?x3xui2> -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

func.func @named(%a: tensor<?x1xf32> {n2uq.name = "image"}, %b: tensor<?x1xf32>) -> (tensor<?x1xf32> {n2uq.name = "sum"}) {
  %0 = n2uq.add %a, %b : tensor<?x1xf32>
  %t = arith.constant dense<[[1.0]]> : tensor<1x1xf32>
  %q = n2uq.quantize %0, %t : tensor<?x1xf32>, tensor<1x1xf32> -> tensor<?x1xui1> loc("../../evil\0A")
  return %0 : tensor<?x1xf32>
}
