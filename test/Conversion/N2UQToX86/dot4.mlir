// RUN: n2uq-opt %s --convert-n2uq-to-x86=target-cpu=znver4 | FileCheck %s --check-prefixes=CHECK,VNNI
// RUN: n2uq-opt %s --convert-n2uq-to-x86=target-cpu=skylake-avx512 | FileCheck %s --check-prefixes=CHECK,PAIRS
//
// One vpdpbusd where there is VNNI; else products in pairs where two of them fit into 16 bits; else bytes widened to words.

// CHECK-LABEL: @narrow_codes
//   CHECK-NOT: n2uq.dot4
//        VNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
//       PAIRS: llvm.call_intrinsic "llvm.x86.avx512.pmaddubs.w.512"
//       PAIRS: llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"
func.func @narrow_codes(%acc: vector<16xi32>, %u: vector<64xi8>, %s: vector<64xi8>) -> vector<16xi32> {
  %0 = n2uq.dot4 %acc, %u, %s code_bits = 2 : vector<16xi32>, vector<64xi8>
  return %0 : vector<16xi32>
}

// The largest codes whose pairs of products still fit: 2 * 127 * 128 < 2^15.
// CHECK-LABEL: @seven_bits
//        VNNI: llvm.x86.avx512.vpdpbusd.512
//       PAIRS: llvm.x86.avx512.pmaddubs.w.512
func.func @seven_bits(%acc: vector<16xi32>, %u: vector<64xi8>, %s: vector<64xi8>) -> vector<16xi32> {
  %0 = n2uq.dot4 %acc, %u, %s code_bits = 7 : vector<16xi32>, vector<64xi8>
  return %0 : vector<16xi32>
}

// CHECK-LABEL: @eight_bits
//        VNNI: llvm.x86.avx512.vpdpbusd.512
//   PAIRS-NOT: pmaddubs
//       PAIRS: llvm.x86.avx512.pmaddw.d.512
//       PAIRS: llvm.x86.avx512.pmaddw.d.512
//   PAIRS-NOT: pmaddubs
func.func @eight_bits(%acc: vector<16xi32>, %u: vector<64xi8>, %s: vector<64xi8>) -> vector<16xi32> {
  %0 = n2uq.dot4 %acc, %u, %s code_bits = 8 : vector<16xi32>, vector<64xi8>
  return %0 : vector<16xi32>
}
