// RUN: n2uq-opt %s --n2uq-expand-fma | FileCheck %s
// RUN: n2uq-opt %s --n2uq-expand-fma --canonicalize | FileCheck %s --check-prefix=FOLDED
//
// The product is exact in float64; the sum is rounded to odd there, so that the last rounding is the only one that counts.

// CHECK-LABEL: @vector
//   CHECK-NOT: math.fma
//       CHECK: arith.mulf %{{.*}}, %{{.*}} : vector<4xf64>
//       CHECK: arith.cmpf one
//       CHECK: arith.truncf %{{.*}} : vector<4xf64> to vector<4xf32>
func.func @vector(%x: vector<4xf32>, %y: vector<4xf32>, %z: vector<4xf32>) -> vector<4xf32> {
  %0 = math.fma %x, %y, %z : vector<4xf32>
  return %0 : vector<4xf32>
}

// CHECK-LABEL: @double_precision_stays
//       CHECK: math.fma
func.func @double_precision_stays(%x: f64) -> f64 {
  %0 = math.fma %x, %x, %x : f64
  return %0 : f64
}

// A sum that float64 cannot hold and whose plain rounding in two steps is wrong: (1 + 2^-12) * (1 + 2^-12) = 1 + 2^-11 + 2^-24 is
// a tie of float32; plus 2^-70 it is above the tie. float64 has no number between the two, so rounding to nearest there gives the
// tie, 1.0004883408546448, and the second rounding goes down. Rounding to odd gives the next number, which goes up.
// FOLDED-LABEL: @above_a_tie
//       FOLDED: arith.constant 1.000488340854645 : f64
//  FOLDED-NEXT: arith.truncf
func.func @above_a_tie() -> f32 {
  %x = arith.constant 0x3F800800 : f32
  %tiny = arith.constant 0x1C800000 : f32
  %0 = math.fma %x, %x, %tiny : f32
  return %0 : f32
}

// The same below the tie: the number before it, which goes down.
// FOLDED-LABEL: @below_a_tie
//       FOLDED: arith.constant 1.0004883408546446 : f64
//  FOLDED-NEXT: arith.truncf
func.func @below_a_tie() -> f32 {
  %x = arith.constant 0x3F800800 : f32
  %tiny = arith.constant 0x9C800000 : f32
  %0 = math.fma %x, %x, %tiny : f32
  return %0 : f32
}
