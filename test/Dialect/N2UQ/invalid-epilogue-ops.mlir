// RUN: n2uq-opt %s --split-input-file --verify-diagnostics

func.func @shared_threshold_c1(%acc: tensor<?x8x8x64xi32>, %lines: tensor<1x1xf32>, %table: tensor<64xi32>) {
  // expected-error @+1 {{'n2uq.shared_threshold' op expects one row of lines per channel (64), but got 1}}
  %0 = n2uq.shared_threshold %acc, %lines, %lines, %table width = 16 : tensor<?x8x8x64xi32>, tensor<1x1xf32>, tensor<64xi32> -> tensor<?x8x8x64xui4>
  return
}

// -----

func.func @shared_threshold_c1_lines(%acc: tensor<?x8x8x64xi32>, %lines: tensor<64x3xf32>, %table: tensor<64xi32>) {
  // expected-error @+1 {{'n2uq.shared_threshold' op expects one or two lines per channel, but got 3}}
  %0 = n2uq.shared_threshold %acc, %lines, %lines, %table width = 16 : tensor<?x8x8x64xi32>, tensor<64x3xf32>, tensor<64xi32> -> tensor<?x8x8x64xui4>
  return
}

// -----

func.func @shared_threshold_c2(%acc: tensor<?x8x8x64xi32>, %lines: tensor<64x1xf32>, %table: tensor<64xi32>) {
  // expected-error @+1 {{'n2uq.shared_threshold' op expects an axis of 16 or 32 bits, but got 24}}
  %0 = n2uq.shared_threshold %acc, %lines, %lines, %table width = 24 : tensor<?x8x8x64xi32>, tensor<64x1xf32>, tensor<64xi32> -> tensor<?x8x8x64xui4>
  return
}

// -----

func.func @shared_threshold_c2_cells(%acc: tensor<?x8x8x64xi32>, %lines: tensor<64x1xf32>, %table: tensor<16xi32>) {
  // expected-error @+1 {{'n2uq.shared_threshold' op expects a table of 32 or 64 cells, but got 16}}
  %0 = n2uq.shared_threshold %acc, %lines, %lines, %table width = 16 : tensor<?x8x8x64xi32>, tensor<64x1xf32>, tensor<16xi32> -> tensor<?x8x8x64xui4>
  return
}

// -----

func.func @shared_threshold_c3(%acc: tensor<?x8x8x64xi32>, %lines: tensor<64x1xf32>, %table: tensor<64xi32>) {
  // expected-error @+1 {{'n2uq.shared_threshold' op expects a result of the shape of its input, 'tensor<?x8x8x64xi32>', but got 'tensor<?x8x8x32xui4>'}}
  %0 = n2uq.shared_threshold %acc, %lines, %lines, %table width = 16 : tensor<?x8x8x64xi32>, tensor<64x1xf32>, tensor<64xi32> -> tensor<?x8x8x32xui4>
  return
}

// -----

func.func @shared_threshold_c4(%acc: tensor<?x8x8x64xi32>, %lines: tensor<64x1xf32>, %table: tensor<64xi32>) {
  // expected-error @+1 {{'n2uq.shared_threshold' op expects codes of at most 4 bits, but got 5}}
  %0 = n2uq.shared_threshold %acc, %lines, %lines, %table width = 16 : tensor<?x8x8x64xi32>, tensor<64x1xf32>, tensor<64xi32> -> tensor<?x8x8x64xui5>
  return
}

// -----

func.func @shared_threshold_c5(%acc: tensor<?x8x8x64xi32>, %lines: tensor<64x1xf32>, %table: tensor<64xi32>, %sign: tensor<2xf32>) {
  // expected-error @+1 {{'n2uq.shared_threshold' op expects one number of its sign per channel (64) or one for all, but got 2}}
  %0 = n2uq.shared_threshold %acc, %lines, %lines, %table sign(%sign : tensor<2xf32>) width = 16 : tensor<?x8x8x64xi32>, tensor<64x1xf32>, tensor<64xi32> -> tensor<?x8x8x64xui4>
  return
}

// -----

func.func @cell_codes_c1(%a: vector<16xf32>) {
  // expected-error @+1 {{'n2uq.cell_codes' op expects a byte for each of its 32 values, but got 16}}
  %0 = n2uq.cell_codes %a, %a width = 16 table = [0] : (vector<16xf32>, vector<16xf32>) -> vector<16xi8>
  return
}

// -----

func.func @cell_codes_c2(%a: vector<16xf32>) {
  // expected-error @+1 {{'n2uq.cell_codes' op expects a table of 32 or 64 cells, but got 1}}
  %0 = n2uq.cell_codes %a width = 16 table = [0] : (vector<16xf32>) -> vector<16xi8>
  return
}

// -----

func.func @permute_c1(%a: vector<12xf32>, %i: vector<12xi32>) {
  // expected-error @+1 {{'n2uq.permute' op expects vectors of a power of two elements, but got 12}}
  %0 = n2uq.permute %a, %i : vector<12xf32>, vector<12xi32>
  return
}
