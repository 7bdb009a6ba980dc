// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What to do about a node that is not imported: a list is only useful when it says how to get on.
#include "Importer.h"

#include "llvm/ADT/StringSwitch.h"

using llvm::StringRef;

namespace n2uq::onnx {

/// Advice by what an op of ONNX is for.
static StringRef standardAdvice(StringRef op) {
  constexpr StringRef head = "remove it from the end of the graph: the order of the classes stays the same";
  constexpr StringRef activation = "train the network with ReLU, ReLU6, PReLU, LeakyReLU or HardSwish instead";
  constexpr StringRef shapes = "export with a fixed image size and fold constants first (for example with onnxsim)";
  constexpr StringRef sequence = "recurrent networks and attention are outside of what this compiler is for";
  return llvm::StringSwitch<StringRef>(op)
      .Cases({"Softmax", "LogSoftmax", "ArgMax", "TopK"}, head)
      .Cases({"Swish", "Tanh", "Elu", "Selu", "Celu", "Gelu", "Erf", "Mish", "Softplus", "ThresholdedRelu"}, activation)
      .Cases({"Shape", "Cast", "ConstantOfShape", "Expand", "Range"}, shapes)
      .Case("DynamicQuantizeLinear", "quantize with constant scales (QuantizeLinear, DequantizeLinear)")
      .Cases({"QLinearConv", "QLinearMatMul", "QLinearAdd", "ConvInteger", "MatMulInteger"},
             "export the model in QONNX or QCDQ form instead of the integer-operator form")
      .Cases({"LSTM", "GRU", "RNN", "Attention", "LayerNormalization", "Einsum"}, sequence)
      .Cases({"InstanceNormalization", "GroupNormalization", "LpNormalization", "LRN"},
             "use batch normalization, which is a constant scale and offset at inference")
      .Cases({"If", "Loop", "Scan"}, "export with constant control flow (torch.jit.trace rather than script)")
      .Case("ConvTranspose", "enlarge images with Resize or Upsample of the mode 'nearest'")
      .Default(
          "only networks of convolutions, pools, rectifiers, additions and a final matrix product can be imported");
}

std::string adviceFor(StringRef op, StringRef domain) {
  bool isQuantOp =
      llvm::StringSwitch<bool>(op).Cases({"Quant", "IntQuant", "BipolarQuant", "MultiThreshold"}, true).Default(false);
  if (domain == "ai.onnx")
    return isQuantOp ? "this op is read in the domain 'qonnx.custom_op.general' only; set the node's domain"
                     : standardAdvice(op).str();
  if (isQuantOp)
    return "this op is read in the domain 'qonnx.custom_op.general' only; set the node's domain if it is meant";
  if (op == "Trunc" || op == "TruncQuant")
    return "train the average pool without Brevitas' TruncAvgPool2d";
  if (op == "FloatQuant")
    return "quantize to integers (Quant) instead of small floats";
  if (domain == "ai.onnx.ml")
    return "classical machine-learning ops are outside of what this compiler is for";
  if (domain == "com.microsoft")
    return "export the model without ONNX Runtime's graph optimizations";
  return "ops of this domain are not known; replace the node by ops of ai.onnx or qonnx.custom_op.general, or inline "
         "it if "
         "it is a local function";
}

} // namespace n2uq::onnx
