// RUN: n2uq-opt %s --convert-n2uq-to-x86=target-cpu=znver4 | FileCheck %s --check-prefixes=CHECK,VNNI
// RUN: n2uq-opt %s --convert-n2uq-to-x86=target-cpu=skylake-avx512 | FileCheck %s --check-prefixes=CHECK,PAIRS
//
// One vpdpwssd where there is VNNI, else the sums of two products and an addition.

// CHECK-LABEL: @sixteen_lanes
//   CHECK-NOT: n2uq.dot2_words
//        VNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpwssd.512"(%arg0, %arg1, %arg2)
//       PAIRS: %[[SUMS:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"(%arg1, %arg2)
//       PAIRS: arith.addi %arg0, %[[SUMS]]
func.func @sixteen_lanes(%acc: vector<16xi32>, %x: vector<32xi16>, %y: vector<32xi16>) -> vector<16xi32> {
  %0 = n2uq.dot2_words %acc, %x, %y : vector<16xi32>, vector<32xi16>
  return %0 : vector<16xi32>
}

// CHECK-LABEL: @four_lanes
//        VNNI: llvm.x86.avx512.vpdpwssd.128
//       PAIRS: llvm.x86.sse2.pmadd.wd
func.func @four_lanes(%acc: vector<4xi32>, %x: vector<8xi16>, %y: vector<8xi16>) -> vector<4xi32> {
  %0 = n2uq.dot2_words %acc, %x, %y : vector<4xi32>, vector<8xi16>
  return %0 : vector<4xi32>
}
