// Every wrong use of --interpret ends in one sentence, exit code 1 and no file.
//
// RUN: rm -rf %t && mkdir -p %t
// DEFINE: %{make} = %python %S/../../Reference/Inputs/npy.py make
// DEFINE: %{check} = FileCheck %s --check-prefix
// DEFINE: %{run} = not n2uq-translate --interpret %s --output-dir=%t/out
// RUN: %{make} %t/x.npy f4 2x1 1 2 && %{make} %t/y.npy f4 3x1 1 2 3 && %{make} %t/i.npy i4 2x1 1 2 && %{make} %t/wide.npy f4 2x2 1 2 3 4
// RUN: %{make} %t/none.npy f4 0x1 && %{make} %t/u.npy u1 2x1 3 4

// RUN: not n2uq-translate --interpret %s --input=input=%t/x.npy 2>&1 | %{check}=NO-DIR
// NO-DIR: n2uq-translate: --interpret needs --output-dir=DIR
// RUN: not n2uq-translate --interpret --output-dir=%t/out 2>&1 | %{check}=NO-MODEL
// NO-MODEL: n2uq-translate: name a model; --help tells more
// RUN: not n2uq-translate %s --dump-codes 2>&1 | %{check}=NO-INTERPRET
// NO-INTERPRET: n2uq-translate: --input, --output-dir, --function and --dump-codes go with --interpret
// RUN: not n2uq-translate --interpret %t/absent.mlir --output-dir=%t/out 2>&1 | %{check}=NO-FILE
// NO-FILE: n2uq-translate: cannot open '{{.*}}absent.mlir': No such file or directory
// RUN: %{run} 2>&1 | %{check}=NO-FUNCTION
// NO-FUNCTION: n2uq-translate: the model has no function 'main'; it has 'one', 'two', 'codes', 'foreign', 'twice'
// RUN: %{run} --function=one 2>&1 | %{check}=NO-INPUT
// NO-INPUT: n2uq-translate: the model needs --input=input=FILE.npy
// RUN: %{run} --function=one --input=%t/x.npy 2>&1 | %{check}=NO-NAME
// NO-NAME: n2uq-translate: --input takes NAME=FILE.npy, but got '{{.*}}x.npy'
// RUN: %{run} --function=one --input=images=%t/x.npy 2>&1 | %{check}=OTHER-NAME
// OTHER-NAME: n2uq-translate: the model has no input 'images'; it has 'input'
// RUN: %{run} --function=one --input=input=%t/x.npy --input=input=%t/x.npy 2>&1 | %{check}=TWICE
// TWICE: n2uq-translate: --input gives 'input' twice
// RUN: %{run} --function=one --input=input=%t/absent.npy 2>&1 | %{check}=NO-ARRAY
// NO-ARRAY: n2uq-translate: cannot open '{{.*}}absent.npy': No such file or directory
// RUN: %{run} --function=one --input=input=%t/i.npy 2>&1 | %{check}=TYPE
// TYPE: n2uq-translate: '{{.*}}i.npy' holds int32 numbers, but the model takes float32
// RUN: %{run} --function=one --input=input=%t/wide.npy 2>&1 | %{check}=SHAPE
// SHAPE: n2uq-translate: '{{.*}}wide.npy' has shape [2, 2], but the model takes [N, 1] with N at least 1
// RUN: %{run} --function=one --input=input=%t/none.npy 2>&1 | %{check}=EMPTY
// EMPTY: n2uq-translate: '{{.*}}none.npy' has shape [0, 1], but the model takes [N, 1] with N at least 1
// RUN: %{run} --function=two --input=input0=%t/x.npy --input=input1=%t/y.npy 2>&1 | %{check}=BATCHES
// BATCHES: n2uq-translate: 'input0' holds 2 images, but 'input1' holds 3
// RUN: %{run} --function=codes --input=input=%t/u.npy 2>&1 | %{check}=CODES
// CODES: n2uq-translate: '{{.*}}u.npy' holds the code 4, but codes of 2 bits are at most 3
// RUN: %{run} --function=foreign --input=input=%t/x.npy 2>&1 | %{check}=FOREIGN
// FOREIGN: n2uq-translate: cannot interpret 'arith.remf' (rest): the reference gives a meaning to the ops of the n2uq dialect, to constants, and to arith.addf
// RUN: ls %t | %{check}=NOTHING --allow-empty
// NOTHING-NOT: out
// RUN: %{run} --function=twice --input=input=%t/x.npy --dump-codes 2>&1 | %{check}=SAME
// SAME: n2uq-translate: 'a/b' and 'a_b' would both be written to 'a_b.npy': give them different names
// RUN: ls %t/out | count 0
func.func @one(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  return %x : tensor<?x1xf32>
}
func.func @two(%x: tensor<?x1xf32>, %y: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %0 = n2uq.add %x, %y : tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}
func.func @codes(%x: tensor<?x1xui2>) -> tensor<?x1xui2> {
  return %x : tensor<?x1xui2>
}
func.func @foreign(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %0 = arith.remf %x, %x : tensor<?x1xf32> loc("rest")
  return %0 : tensor<?x1xf32>
}
func.func @twice(%x: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %t = arith.constant dense<[[1.0]]> : tensor<1x1xf32>
  %0 = n2uq.quantize %x, %t : tensor<?x1xf32>, tensor<1x1xf32> -> tensor<?x1xui1> loc("a/b")
  %1 = n2uq.quantize %x, %t : tensor<?x1xf32>, tensor<1x1xf32> -> tensor<?x1xui1> loc("a_b")
  return %x : tensor<?x1xf32>
}
