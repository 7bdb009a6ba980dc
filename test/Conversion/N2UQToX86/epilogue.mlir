// RUN: n2uq-opt %s --convert-n2uq-to-x86=target-cpu=znver4 | FileCheck %s
// RUN: n2uq-opt %s --convert-n2uq-to-x86=target-cpu=znver4 | n2uq-opt --n2uq-convert=target-cpu=znver4 -o /dev/null
//
// Codes of four vectors: rounded, packed to 16 bits, two permutations, one shuffle of the upper bytes.

// CHECK-LABEL: @narrow
//   CHECK-NOT: n2uq.cell_codes
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.mask.cvtps2dq.512"
//       CHECK: llvm.call_intrinsic "llvm.x86.avx512.packssdw.512"
//       CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.hi.512"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.mask.cvtps2dq.512"
//       CHECK: llvm.call_intrinsic "llvm.x86.avx512.packssdw.512"
//       CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.hi.512"
//       CHECK: vector.shuffle {{.*}} [1, 3, 5, 7, 17, 19, 21, 23, 33,
//       CHECK: arith.shrui {{.*}} : vector<64xi8>
func.func @narrow(%z: vector<16xf32>) -> vector<64xi8> {
  %0 = n2uq.cell_codes %z, %z, %z, %z width = 16 table = [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]
      : (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) -> vector<64xi8>
  return %0 : vector<64xi8>
}

// Three vectors, 32 cells: one register holds the table.
// CHECK-LABEL: @odd
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.permvar.hi.512"
func.func @odd(%z: vector<16xf32>) -> vector<48xi8> {
  %0 = n2uq.cell_codes %z, %z, %z width = 16 table = [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]
      : (vector<16xf32>, vector<16xf32>, vector<16xf32>) -> vector<48xi8>
  return %0 : vector<48xi8>
}

// An axis of 32 bits: held below 2^31 first, then one permutation a vector.
// CHECK-LABEL: @wide
//       CHECK: arith.cmpf olt
//       CHECK: llvm.call_intrinsic "llvm.x86.avx512.mask.cvtps2dq.512"
//       CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.d.512"
//       CHECK: vector.shuffle
func.func @wide(%z: vector<16xf32>) -> vector<16xi8> {
  %0 = n2uq.cell_codes %z width = 32 table = [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]
      : (vector<16xf32>) -> vector<16xi8>
  return %0 : vector<16xi8>
}

// 64 of them: the sign chooses between two.
// CHECK-LABEL: @wide_64
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.d.512"
//       CHECK: arith.select
func.func @wide_64(%z: vector<16xf32>) -> vector<16xi8> {
  %0 = n2uq.cell_codes %z width = 32 table = [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]
      : (vector<16xf32>) -> vector<16xi8>
  return %0 : vector<16xi8>
}

// CHECK-LABEL: @permute
//       CHECK: llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"
//       CHECK: llvm.call_intrinsic "llvm.x86.avx512.permvar.si.512"
//       CHECK: llvm.call_intrinsic "llvm.x86.avx2.permps"
//       CHECK: llvm.call_intrinsic "llvm.x86.avx2.permd"
func.func @permute(%f: vector<16xf32>, %i: vector<16xi32>, %g: vector<8xf32>, %j: vector<8xi32>)
    -> (vector<16xf32>, vector<16xi32>, vector<8xf32>, vector<8xi32>) {
  %0 = n2uq.permute %f, %i : vector<16xf32>, vector<16xi32>
  %1 = n2uq.permute %i, %i : vector<16xi32>, vector<16xi32>
  %2 = n2uq.permute %g, %j : vector<8xf32>, vector<8xi32>
  %3 = n2uq.permute %j, %j : vector<8xi32>, vector<8xi32>
  return %0, %1, %2, %3 : vector<16xf32>, vector<16xi32>, vector<8xf32>, vector<8xi32>
}
