// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From checked nodes to ops. A handler reads all attributes and constants of its node first and its tensors last:
// behind a node that cannot be imported the tensors are unknown, and the nodes there are still checked as far as they
// go.
#ifndef N2UQ_LIB_IMPORT_IMPORTER_H
#define N2UQ_LIB_IMPORT_IMPORTER_H

#include "OnnxModel.h"
#include "QuantOps.h"
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <map>
#include <memory>

namespace n2uq::onnx {

/// What a tensor's name stands for. All members null: unknown, because its node could not be imported.
struct Known {
  std::shared_ptr<const Tensor> constant;
  /// A constant behind Quant; `constant` is its value then.
  std::shared_ptr<const QuantizedTensor> quantized;
  /// A float tensor, channels last.
  mlir::Value floats;
  /// An integer tensor (codes, or accumulators) that stands for `integers * scale`; `floats` is made when somebody
  /// asks.
  mlir::Value integers;
  float scale = 1.0f;
};

class Importer;

/// One node while it is imported.
class NodeImport {
public:
  NodeImport(Importer &importer, const Node &node);

  /// Says why the node cannot be imported; the first reason counts. Always returns a null value, for `return
  /// refuse(...)`.
  std::nullptr_t refuse(const llvm::Twine &why);
  bool isRefused() const { return !reason.empty(); }

  size_t inputCount() const { return node.proto->input_size(); }
  bool hasInput(int index) const;
  /// The input, or null (after `refuse`) where the node has no such input.
  Known *input(int index);
  bool isConstant(int index) const;
  /// A constant of floats; null after `refuse`. `what` is a noun phrase: "its weights".
  const Tensor *floatConstant(int index, llvm::StringRef what);
  /// A constant list of integers.
  std::optional<std::vector<int64_t>> integerConstant(int index, llvm::StringRef what);
  /// A constant of one finite number.
  std::optional<float> scalarConstant(int index, llvm::StringRef what);

  /// The input as a float tensor; null where it is unknown (silently) or a constant (after `refuse`).
  mlir::Value floats(int index);
  /// The same of four dimensions only.
  mlir::Value image(int index);
  /// Integers that stand for their number times a scale, if that is what the input is; null otherwise, without a
  /// complaint.
  Known *integers(int index);

  /// Ends the reading of attributes; false after `refuse`.
  bool attributesAreFine();
  /// Whether outputs from `first` on are unused; refuses otherwise.
  bool hasOnlyOutputs(int count);

  /// A result type with the given extents behind the batch; null after `refuse` where they are out of bounds.
  mlir::RankedTensorType typeOf(llvm::ArrayRef<int64_t> extents, mlir::Type element);

  void result(mlir::Value floats);
  void result(Known known);

  Importer &importer;
  const Node &node;
  mlir::OpBuilder &builder;
  mlir::Location loc;
  Attributes attributes;

private:
  friend class Importer;
  std::string reason;
};

using Handler = void (*)(NodeImport &);

/// The handler of an op of that domain, or null. One table a topic; each in the file of its handlers.
Handler elementwiseHandler(llvm::StringRef op);
Handler contractionHandler(llvm::StringRef op);
Handler poolHandler(llvm::StringRef op);
Handler layoutHandler(llvm::StringRef op);
Handler quantHandler(llvm::StringRef op);

/// What to do about an op that is not imported.
std::string adviceFor(llvm::StringRef op, llvm::StringRef domain);

class Importer {
public:
  Importer(const Model &model, mlir::MLIRContext &context);

  /// The module; null with `error` set as importOnnx says, but for the name of the file.
  mlir::OwningOpRef<mlir::ModuleOp> run(std::string &error);

  /// The tensor in floats: made now where only integers are there. Null where unknown.
  mlir::Value floatsOf(Known &known);

  mlir::Location locationOf(llvm::StringRef name);

  /// Quant nodes that leave an attribute to its default, which exporters do not agree on.
  std::map<std::string, int> quantsWithout;

  const Model &model;
  mlir::OpBuilder builder;

private:
  friend class NodeImport;
  void importNode(const Node &node);
  std::string finish(mlir::func::FuncOp function);

  llvm::StringMap<Known> known;
  std::vector<std::string> refusals;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

//===----------------------------------------------------------------------===//
// Shared by handlers
//===----------------------------------------------------------------------===//

/// A constant that broadcasts to a tensor of `rank` and `channels` (ONNX's order of dimensions) as one number for all
/// or one per channel; none otherwise.
std::optional<std::vector<float>> channelNumbers(const Tensor &constant, int64_t rank, int64_t channels);

/// Where a parameter of the op at `loc` is said to be: `conv1.weight` of `conv1`. Text then shows each under its own
/// name.
mlir::Location parameterLocation(mlir::Location loc, llvm::StringRef role);

/// `scale` and `offset` as an `n2uq.affine`; an empty one leaves its step out.
mlir::Value createAffine(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value input, llvm::ArrayRef<float> scale,
                         llvm::ArrayRef<float> offset);

/// Reads the axes of a node, its last attribute or (in newer opsets) its second input, which must be height and width
/// in any order and spelling. False after `refuse`, for which `does` says what the node does with others: "drops".
bool namesHeightAndWidth(NodeImport &node, llvm::StringRef does);

/// The window of a convolution or pool from its node's attributes. Padding from `auto_pad` needs the image's extents.
struct WindowAttributes {
  llvm::SmallVector<int64_t, 2> strides = {1, 1}, dilations = {1, 1};
  llvm::SmallVector<int64_t, 4> padding = {0, 0, 0, 0}; // top, bottom, left, right
  std::string autoPad = "NOTSET";
  bool roundsUp = false;

  /// Reads strides, dilations, pads, auto_pad (and ceil_mode); false after `refuse`.
  bool read(NodeImport &node, bool isPool);
  /// Height and width of the result; settles `padding` for auto_pad. None after `refuse`.
  std::optional<llvm::SmallVector<int64_t, 2>> resultExtents(NodeImport &node, llvm::ArrayRef<int64_t> kernel,
                                                             llvm::ArrayRef<int64_t> image);
};

} // namespace n2uq::onnx

#endif // N2UQ_LIB_IMPORT_IMPORTER_H
