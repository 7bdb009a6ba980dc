// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the passes ask of an op without knowing it: a new contraction or a new form of packed weights is one op that
// answers these questions, and no list elsewhere that names it.
#ifndef N2UQ_INTERFACES_TD
#define N2UQ_INTERFACES_TD

include "mlir/IR/OpBase.td"

def KernelRootOpInterface : OpInterface<"KernelRootOpInterface"> {
  let cppNamespace = "::n2uq";
  let description = [{
    An op that can be the root of a kernel: a contraction, a pool, or an op that moves elements to another place.
  }];
  let methods = [InterfaceMethod<"Multiply-accumulates behind one element of the result; 0 where nothing is multiplied.",
      "int64_t", "getMacsPerOutput", (ins), "", "return 0;">];
}

def PackedWeightsOpInterface : OpInterface<"PackedWeightsOpInterface"> {
  let cppNamespace = "::n2uq";
  let description = [{
    A contraction whose weights are in the form that one kernel family reads.
  }];
  let methods = [
    InterfaceMethod<"The packed weights.", "::mlir::Value", "getPacked">,
    InterfaceMethod<"Outputs in one block of the packed weights; 0 where there are no blocks.", "int64_t",
                    "getPackedBlock", (ins), "", "return 0;">,
    InterfaceMethod<[{
        Input channels that a pixel must have room for in memory, where the weights were packed for a certain number of
        them; 0 where only channels that exist are read.
      }], "int64_t", "getPackedRowChannels", (ins), "", "return 0;">,
    InterfaceMethod<[{
        The window with which the op reads codes from memory that must hold the padding; none for ops that clip their
        window at the image's border.
      }], "std::optional<::n2uq::Window>", "getPaddedWindow", (ins), "", "return std::nullopt;">,
  ];
}

#endif // N2UQ_INTERFACES_TD
