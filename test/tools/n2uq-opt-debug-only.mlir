// REQUIRES: release
// RUN: not n2uq-opt --n2uq-debug-only=canonicalize %s 2>&1 | FileCheck %s --match-full-lines
//
// In a build without messages the option says so instead of saying nothing.
// CHECK: --n2uq-debug-only=canonicalize needs code that is compiled with its messages; use the debug preset (cmake --preset debug)
