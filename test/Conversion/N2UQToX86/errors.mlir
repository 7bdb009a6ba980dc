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

func.func @odd_vectors(%acc: vector<3xi32>, %u: vector<12xi8>) -> vector<3xi32> {
  // expected-error @+1 {{'n2uq.dot4' op expects 4, 8 or 16 accumulators, but got 3}}
  %0 = n2uq.dot4 %acc, %u, %u code_bits = 2 : vector<3xi32>, vector<12xi8>
  return %0 : vector<3xi32>
}
