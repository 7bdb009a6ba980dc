// RUN: n2uq-opt %s --convert-n2uq-to-x86=target-cpu=x86-64 --split-input-file --verify-diagnostics
// RUN: not n2uq-opt %s --convert-n2uq-to-x86=target-cpu=z80 2>&1 | FileCheck %s
//
// CHECK: error: 'z80' is not a CPU that LLVM knows

func.func @vectors_wider_than_the_target(%acc: vector<16xi32>, %u: vector<64xi8>) -> vector<16xi32> {
  // expected-error @+1 {{'n2uq.dot4' op needs vectors of 16 lanes, but x86-64 has 4}}
  %0 = n2uq.dot4 %acc, %u, %u code_bits = 2 : vector<16xi32>, vector<64xi8>
  return %0 : vector<16xi32>
}

// -----

func.func @pairs_wider_than_the_target(%u: vector<64xi8>) -> vector<32xi16> {
  // expected-error @+1 {{'n2uq.dot2' op needs vectors of 16 lanes, but x86-64 has 4}}
  %0 = n2uq.dot2 %u, %u : vector<64xi8> -> vector<32xi16>
  return %0 : vector<32xi16>
}

// -----

func.func @words_wider_than_the_target(%acc: vector<16xi32>, %x: vector<32xi16>) -> vector<16xi32> {
  // expected-error @+1 {{'n2uq.dot2_words' op needs vectors of 16 lanes, but x86-64 has 4}}
  %0 = n2uq.dot2_words %acc, %x, %x : vector<16xi32>, vector<32xi16>
  return %0 : vector<16xi32>
}

// -----

func.func @odd_vectors(%acc: vector<3xi32>, %u: vector<12xi8>) -> vector<3xi32> {
  // expected-error @+1 {{'n2uq.dot4' op expects 4, 8 or 16 accumulators, but got 3}}
  %0 = n2uq.dot4 %acc, %u, %u code_bits = 2 : vector<3xi32>, vector<12xi8>
  return %0 : vector<3xi32>
}

// -----

func.func @codes_of_narrow_vectors(%z: vector<4xf32>) -> vector<4xi8> {
  // expected-error @+1 {{'n2uq.cell_codes' op expects at most 4 vectors of 16 values}}
  %0 = n2uq.cell_codes %z width = 16 table = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] : (vector<4xf32>) -> vector<4xi8>
  return %0 : vector<4xi8>
}

// -----

func.func @codes_wider_than_the_target(%z: vector<16xf32>) -> vector<16xi8> {
  // expected-error @+1 {{'n2uq.cell_codes' op needs vectors of 16 lanes, but x86-64 has 4}}
  %0 = n2uq.cell_codes %z width = 16 table = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] : (vector<16xf32>) -> vector<16xi8>
  return %0 : vector<16xi8>
}

// -----

func.func @permutation_wider_than_the_target(%f: vector<8xf32>, %i: vector<8xi32>) -> vector<8xf32> {
  // expected-error @+1 {{'n2uq.permute' op needs vectors of 8 lanes, but x86-64 has 4}}
  %0 = n2uq.permute %f, %i : vector<8xf32>, vector<8xi32>
  return %0 : vector<8xf32>
}

// -----

func.func @permutation_of_few(%f: vector<4xf32>, %i: vector<4xi32>) -> vector<4xf32> {
  // expected-error @+1 {{'n2uq.permute' op expects vectors of 8 or 16 elements, but got 4}}
  %0 = n2uq.permute %f, %i : vector<4xf32>, vector<4xi32>
  return %0 : vector<4xf32>
}
