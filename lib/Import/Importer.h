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
#include "n2uq/Dialect/N2UQ/Build.h"
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringSet.h"
#include <map>
#include <memory>

namespace n2uq::onnx {

/// Behind QuantizeLinear, until DequantizeLinear says what its levels are worth: a Clip in between takes some away.
struct PendingLevels {
  LinearGrid grid;
  /// What is quantized: a constant, or else floats.
  std::shared_ptr<const Tensor> constant;
  mlir::Value floats;
};

/// What a tensor's name stands for. All members null: unknown, because its node could not be imported.
struct Known {
  std::shared_ptr<const Tensor> constant;
  /// A constant behind a quantizer; `constant` is its value then.
  std::shared_ptr<const QuantizedTensor> quantized;
  std::shared_ptr<const PendingLevels> pending;
  /// A float tensor, channels last.
  mlir::Value floats;
  /// An integer tensor (codes, or accumulators) that stands for `(integers - zero) * scale`, with one scale for all or
  /// one per channel; `floats` is made when somebody asks.
  mlir::Value integers;
  int64_t zero = 0;
  std::vector<float> scale = {1.0f};
  /// The value is `fl(fl(integers * scale) + offset)`, as MultiThreshold says, which is the above within a rounding.
  std::optional<float> offset;
  /// Where `floats` are said to be made; the integers' own place by default.
  std::optional<mlir::Location> floatsLoc;

  /// [batch, features] in the file, but an image of one pixel here: what an integer matrix product works on.
  bool isRow = false;
  /// [batch, height, width, channels] in the file as well.
  bool isChannelsLast = false;
  /// Channels that the file counts in several dimensions of these extents (a shuffle of channels), which come from
  /// `order` of the tensor here. Empty where there is one dimension of channels.
  std::vector<int64_t> split, order;

  /// The tensor, as floats or as integers.
  mlir::Value tensor() const { return integers ? integers : floats; }
  /// Whether it is codes, not floats or accumulators.
  bool areCodes() const { return integers && codeBitsOf(integers.getType()) > 0; }
  /// Dimensions in the file.
  int64_t rank() const {
    return isRow ? 2
                 : static_cast<int64_t>(split.empty() ? 0 : split.size() - 1) +
                       mlir::cast<mlir::ShapedType>(tensor().getType()).getRank();
  }
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

  /// The input where it is a tensor that flows through the network; null where it is unknown (silently), a constant, or
  /// of a form that this node does not take (after `refuse`).
  Known *tensor(int index);
  /// The same as floats.
  mlir::Value floats(int index);
  /// The same of four dimensions only.
  mlir::Value image(int index);
  /// Codes, if that is what the input is; null otherwise, without a complaint.
  Known *codes(int index);
  /// Whether that input is read by this node alone.
  bool isOnlyReaderOf(int index) const;
  /// Whether a node that can do with codes reads the result.
  bool isReadForCodes() const;

  /// Ends the reading of attributes; false after `refuse`.
  bool attributesAreFine();
  /// Whether outputs from `first` on are unused; refuses otherwise.
  bool hasOnlyOutputs(int count);

  /// A result type with the given extents behind the batch; null after `refuse` where they are out of bounds.
  mlir::RankedTensorType typeOf(llvm::ArrayRef<int64_t> extents, mlir::Type element);

  void result(mlir::Value floats);
  void result(Known known, int output = 0);
  /// A tensor that the file keeps in another form than the inputs: rows become images, or the other way round.
  void resultOfOtherForm(Known known);

  /// The node works element by element and has no parameter per channel, so it takes channels in any place.
  bool takesAnyLayout = false;

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
Handler moveHandler(llvm::StringRef op);
Handler linearHandler(llvm::StringRef op);
Handler quantHandler(llvm::StringRef op);
/// For a node that reads constants only.
Handler constantHandler(llvm::StringRef op);

/// What to do about an op that is not imported.
std::string adviceFor(llvm::StringRef op, llvm::StringRef domain);

class Importer {
public:
  Importer(const Model &model, mlir::MLIRContext &context);

  /// The module; null with `error` set as importOnnx says, but for the name of the file.
  mlir::OwningOpRef<mlir::ModuleOp> run(std::string &error);

  /// The tensor in floats: made now where only integers are there. Null where unknown.
  mlir::Value floatsOf(Known &known);
  /// The same as [batch, features], where the file says so.
  mlir::Value rowsOf(Known &known);

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
  llvm::StringSet<> readForCodes; // names of tensors
  std::vector<std::string> refusals;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

//===----------------------------------------------------------------------===//
// Shared by handlers
//===----------------------------------------------------------------------===//

/// A constant that broadcasts to a tensor of `rank` and `channels` (ONNX's order of dimensions) as one number for all
/// or one per channel; none otherwise.
std::optional<std::vector<float>> channelNumbers(const Tensor &constant, int64_t rank, int64_t channels);

/// Quantizes a tensor to levels.lo, ..., levels.hi, worth (level - zeroPoint) * scale each.
void importLevels(NodeImport &node, mlir::Value input, const Levels &levels, double zeroPoint,
                  llvm::ArrayRef<float> scale);
/// Takes a Clip behind QuantizeLinear; false where its input is something else.
bool importClipOfLevels(NodeImport &node);
/// Enters a constant behind a quantizer.
void resultConstant(NodeImport &node, std::shared_ptr<QuantizedTensor> quantized);

/// A constant with its dimensions in another order, and so its integers and their scale.
Known transposedConstant(const Known &known, llvm::ArrayRef<int64_t> order);

/// `known` gathered from the listed places (n2uq.gather), each list empty for all in their order; -1 is the number
/// `fill`. Null after `refuse`.
std::optional<Known> createGather(NodeImport &node, mlir::Location loc, Known &known, llvm::ArrayRef<int64_t> rows,
                                  llvm::ArrayRef<int64_t> columns, llvm::ArrayRef<int64_t> channels, float fill);
/// Places of an axis with `before` and `after` times -1 around them.
std::vector<int64_t> paddedPlaces(int64_t extent, int64_t before, int64_t after);

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
