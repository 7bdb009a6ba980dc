// Text to bytecode and back loses nothing: names of layers, large constants as resources.
//
// RUN: rm -rf %t && mkdir -p %t
// RUN: n2uq-translate %s -o %t/1.mlir && n2uq-translate %t/1.mlir --emit=mlirbc > %t/2.mlirbc && n2uq-translate %t/2.mlirbc -o %t/3.mlirbc
// RUN: cmp %t/2.mlirbc %t/3.mlirbc && n2uq-translate %t/3.mlirbc | diff %t/1.mlir -
// RUN: FileCheck %s < %t/1.mlir
//
// What is no ordinary file is written in place.
// RUN: n2uq-translate %s -o /dev/null && test -c /dev/null
//
// RUN: not n2uq-translate %s -o %t 2>&1 | FileCheck %s --check-prefix=FOLDER
// FOLDER: n2uq-translate: cannot write '{{.*}}': it is a folder
// RUN: not n2uq-translate %s -o %t/absent/x.mlir 2>&1 | FileCheck %s --check-prefix=NO-FOLDER
// NO-FOLDER: n2uq-translate: cannot write '{{.*}}/absent/x.mlir': No such file or directory
// RUN: not n2uq-translate %s --emit=onnx 2>&1 | FileCheck %s --check-prefix=EMIT
// EMIT: n2uq-translate: --emit takes mlir or mlirbc, not 'onnx'
// RUN: not n2uq-translate %s %s 2>&1 | FileCheck %s --check-prefix=TWO
// TWO: n2uq-translate: one model at a time
// RUN: ls -A %t | FileCheck %s --check-prefix=FILES
// FILES: 1.mlir
// FILES-NEXT: 2.mlirbc
// FILES-NEXT: 3.mlirbc
// FILES-NOT: {{.}}
//
// RUN: n2uq-translate --help | FileCheck %s --check-prefix=HELP
// HELP: usage: n2uq-translate MODEL
// RUN: n2uq-translate --version | FileCheck %s --check-prefix=VERSION
// VERSION: n2uq-translate {{[0-9.]+}} (LLVM 22.

// CHECK: %[[QUAN:.*]] = n2uq.quantize {{.*}} loc(#[[LOC:.*]])
// CHECK: #[[LOC]] = loc("layer1.0.quan1")
// CHECK: dialect_resources
// CHECK: thresholds: "0x
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xui1> {
  %t = arith.constant dense_resource<thresholds> : tensor<2x1xf32>
  %q = n2uq.quantize %x, %t : tensor<?x2xf32>, tensor<2x1xf32> -> tensor<?x2xui1> loc("layer1.0.quan1")
  return %q : tensor<?x2xui1>
}
{-#
  dialect_resources: {
    builtin: {
      thresholds: "0x040000000000803F00000040"
    }
  }
#-}
