// RUN: n2uq-opt %s --convert-n2uq-to-x86=target-cpu=znver4 | FileCheck %s
// RUN: n2uq-opt %s --convert-n2uq-to-x86=target-cpu=icelake-server | FileCheck %s
// RUN: not n2uq-opt %s --convert-n2uq-to-x86=target-cpu=x86-64-v4 2>&1 | FileCheck %s --check-prefix=NONE
//
// NONE: error: 'n2uq.table_lookup' op needs a permutation of 64 bytes (avx512vbmi), which x86-64-v4 has not
//
// The table is the first operand of the instruction's intrinsic, the indices are the second.
// CHECK-LABEL: @sixty_four_bytes(
//  CHECK-SAME: %[[TABLE:.*]]: vector<64xi8>, %[[INDICES:.*]]: vector<64xi8>
//       CHECK: llvm.call_intrinsic "llvm.x86.avx512.permvar.qi.512"(%[[TABLE]], %[[INDICES]])
func.func @sixty_four_bytes(%table: vector<64xi8>, %indices: vector<64xi8>) -> vector<64xi8> {
  %0 = n2uq.table_lookup %table, %indices : vector<64xi8>
  return %0 : vector<64xi8>
}
