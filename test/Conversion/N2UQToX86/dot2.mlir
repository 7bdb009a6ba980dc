// RUN: n2uq-opt %s --convert-n2uq-to-x86=target-cpu=x86-64 | FileCheck %s --check-prefixes=CHECK,SSE2
// RUN: n2uq-opt %s --convert-n2uq-to-x86=target-cpu=x86-64-v2 | FileCheck %s --check-prefixes=CHECK,SSSE3
//
// One pmaddubsw, which cannot saturate by the op's promise; without it two products of words.
// CHECK-NOT: n2uq.dot2
// SSE2-COUNT-2: arith.muli
// SSSE3: llvm.x86.ssse3.pmadd.ub.sw.128
func.func @four_lanes(%u: vector<16xi8>, %s: vector<16xi8>) -> vector<8xi16> {
  %0 = n2uq.dot2 %u, %s : vector<16xi8> -> vector<8xi16>
  return %0 : vector<8xi16>
}
