// RUN: n2uq-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: @shared_threshold_signs
func.func @shared_threshold_signs(%acc: tensor<?x8x8x64xi32>, %lines: tensor<64x2xf32>, %table: tensor<64xi32>, %sign: tensor<64xf32>) -> tensor<?x8x8x64xui4> {
  // CHECK: n2uq.shared_threshold %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} sign(%{{.*}} : tensor<64xf32>) width = 32 : tensor<?x8x8x64xi32>, tensor<64x2xf32>, tensor<64xi32> -> tensor<?x8x8x64xui4>
  %0 = n2uq.shared_threshold %acc, %lines, %lines, %table sign(%sign : tensor<64xf32>) width = 32
      : tensor<?x8x8x64xi32>, tensor<64x2xf32>, tensor<64xi32> -> tensor<?x8x8x64xui4>
  return %0 : tensor<?x8x8x64xui4>
}

// CHECK-LABEL: @shared_threshold(
func.func @shared_threshold(%acc: tensor<?x8x8x64xi32>, %lines: tensor<64x2xf32>, %table: tensor<64xi32>) -> tensor<?x8x8x64xui4> {
  // CHECK: n2uq.shared_threshold %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} width = 16 : tensor<?x8x8x64xi32>, tensor<64x2xf32>, tensor<64xi32> -> tensor<?x8x8x64xui4>
  %0 = n2uq.shared_threshold %acc, %lines, %lines, %table width = 16
      : tensor<?x8x8x64xi32>, tensor<64x2xf32>, tensor<64xi32> -> tensor<?x8x8x64xui4>
  return %0 : tensor<?x8x8x64xui4>
}

// CHECK-LABEL: @registers
func.func @registers(%a: vector<8xf32>, %i: vector<8xi32>) -> (vector<16xi8>, vector<8xf32>) {
  // CHECK: n2uq.cell_codes %{{.*}}, %{{.*}} width = 32 table = [0, 1, {{.*}}] : (vector<8xf32>, vector<8xf32>) -> vector<16xi8>
  %0 = n2uq.cell_codes %a, %a width = 32 table = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
                                                  16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]
      : (vector<8xf32>, vector<8xf32>) -> vector<16xi8>
  // CHECK: n2uq.permute %{{.*}}, %{{.*}} : vector<8xf32>, vector<8xi32>
  %1 = n2uq.permute %a, %i : vector<8xf32>, vector<8xi32>
  return %0, %1 : vector<16xi8>, vector<8xf32>
}
