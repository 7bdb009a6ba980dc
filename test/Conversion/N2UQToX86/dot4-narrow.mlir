// RUN: n2uq-opt %s --convert-n2uq-to-x86=target-cpu=x86-64 | FileCheck %s --check-prefix=SSE2
// RUN: n2uq-opt %s --convert-n2uq-to-x86=target-cpu=x86-64-v2 | FileCheck %s --check-prefix=SSSE3
//
// Plain x86-64 has no products of bytes: they are widened to words.
// SSE2-COUNT-2: llvm.x86.sse2.pmadd.wd
//        SSE2-NOT: n2uq.dot4
// SSSE3: llvm.x86.ssse3.pmadd.ub.sw.128
func.func @four_lanes(%acc: vector<4xi32>, %u: vector<16xi8>, %s: vector<16xi8>) -> vector<4xi32> {
  %0 = n2uq.dot4 %acc, %u, %s code_bits = 2 : vector<4xi32>, vector<16xi8>
  return %0 : vector<4xi32>
}
