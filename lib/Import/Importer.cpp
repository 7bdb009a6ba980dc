// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Importer.h"
#include "../Dialect/N2UQ/ShapeRules.h"
#include "n2uq/Import/Onnx.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include <cmath>

using namespace mlir;
using llvm::StringRef;
using llvm::Twine;

namespace n2uq {
namespace onnx {

//===----------------------------------------------------------------------===//
// One node
//===----------------------------------------------------------------------===//

NodeImport::NodeImport(Importer &importer, const Node &node)
    : importer(importer), node(node), builder(importer.builder), loc(importer.locationOf(node.name)),
      attributes(*node.proto) {}

std::nullptr_t NodeImport::refuse(const Twine &why) {
  if (reason.empty())
    reason = why.str();
  return nullptr;
}

bool NodeImport::hasInput(int index) const {
  return index < node.proto->input_size() && !node.proto->input(index).empty();
}

Known *NodeImport::input(int index) {
  if (!hasInput(index))
    return refuse("lacks input " + Twine(index + 1));
  StringRef name = node.proto->input(index);
  auto [entry, isNew] = importer.known.try_emplace(name);
  if (isNew) {
    // Everything else is entered when it is made, so this is an initializer that is read for the first time.
    auto initializer = importer.model.initializers.find(name);
    if (initializer == importer.model.initializers.end())
      return refuse("reads " + quoted(name) + ", which nothing produces");
    auto tensor = std::make_shared<Tensor>();
    if (std::string problem = decodeTensor(*initializer->second, *tensor); !problem.empty()) {
      importer.known.erase(name);
      return refuse("reads initializer " + quoted(name) + ", which " + problem);
    }
    entry->second.constant = std::move(tensor);
  }
  return &entry->second;
}

bool NodeImport::isConstant(int index) const {
  if (!hasInput(index))
    return false;
  auto entry = importer.known.find(node.proto->input(index));
  if (entry != importer.known.end())
    return entry->second.constant != nullptr;
  return importer.model.initializers.count(node.proto->input(index));
}

const Tensor *NodeImport::floatConstant(int index, StringRef what) {
  Known *known = input(index);
  if (!known)
    return nullptr;
  if (!known->constant) {
    // Unknown behind a refused node: that node is the one to report.
    if (known->floats || known->integers)
      refuse("computes " + what +
             " at run time, but it must be constant; fold constants first (for example with qonnx-cleanup)");
    return nullptr;
  }
  if (!known->constant->isFloat)
    return refuse("has " + what + " of integers, but float32 is expected");
  return known->constant.get();
}

std::optional<std::vector<int64_t>> NodeImport::integerConstant(int index, StringRef what) {
  Known *known = input(index);
  if (!known)
    return std::nullopt;
  if (!known->constant) {
    if (known->floats || known->integers)
      refuse("computes " + what +
             " at run time, but it must be constant; fold constants first (for example with onnxsim)");
    return std::nullopt;
  }
  if (known->constant->isFloat || known->constant->shape.size() > 1 || known->constant->elements() > maxRank) {
    refuse("has " + what + " that is not a short list of integers");
    return std::nullopt;
  }
  return known->constant->ints;
}

std::optional<float> NodeImport::scalarConstant(int index, StringRef what) {
  const Tensor *tensor = floatConstant(index, what);
  if (!tensor)
    return std::nullopt;
  if (tensor->elements() != 1 || !std::isfinite(tensor->floats[0])) {
    refuse("has " + what + " that is not one finite number");
    return std::nullopt;
  }
  return tensor->floats[0];
}

Known *NodeImport::tensor(int index) {
  Known *known = input(index);
  if (!known)
    return nullptr;
  if (known->constant)
    return refuse("computes on the constant " + quoted(node.proto->input(index)) +
                  "; fold constants first (for example with qonnx-cleanup)");
  if (known->pending)
    return refuse("computes on the integers behind a QuantizeLinear; only Clip and DequantizeLinear may follow it");
  if (!known->split.empty())
    return refuse("computes on a tensor of " + Twine(known->rank()) +
                  " dimensions; only a shuffle of channels (Reshape, Transpose, Reshape) may have one");
  if (known->isChannelsLast && !takesAnyLayout)
    return refuse("computes on a tensor with channels last; export the model with channels first (NCHW)");
  return known->tensor() ? known : nullptr;
}

Value NodeImport::floats(int index) {
  Known *known = tensor(index);
  return known ? importer.floatsOf(*known) : Value();
}

Value NodeImport::image(int index) {
  Known *known = tensor(index);
  if (!known)
    return nullptr;
  if (known->rank() != 4) {
    refuse("has an input of two dimensions, but [batch, channels, height, width] is expected");
    return nullptr;
  }
  return importer.floatsOf(*known);
}

Known *NodeImport::codes(int index) {
  Known *known = hasInput(index) ? input(index) : nullptr;
  return known && known->areCodes() && known->split.empty() && (takesAnyLayout || !known->isChannelsLast) ? known
                                                                                                          : nullptr;
}

bool NodeImport::isOnlyReaderOf(int index) const {
  return importer.model.readers.lookup(node.proto->input(index)) == 1;
}

bool NodeImport::isReadForCodes() const {
  return node.proto->output_size() > 0 && importer.readForCodes.contains(node.proto->output(0));
}

bool NodeImport::attributesAreFine() {
  if (std::string problem = attributes.problem(); !problem.empty())
    refuse(problem);
  return !isRefused();
}

bool NodeImport::hasOnlyOutputs(int count) {
  for (int i = count; i < node.proto->output_size(); ++i)
    if (!node.proto->output(i).empty() && importer.model.readers.lookup(node.proto->output(i)) > 0) {
      refuse("has output " + Twine(i + 1) + " in use, which is not supported");
      return false;
    }
  return true;
}

RankedTensorType NodeImport::typeOf(ArrayRef<int64_t> extents, Type element) {
  SmallVector<int64_t> shape = {ShapedType::kDynamic};
  int64_t elements = 1;
  for (int64_t extent : extents) {
    if (extent <= 0 || extent > maxExtent || elements > maxElements / extent) {
      refuse("has a result of " + shapeText(extents) + " elements an image, which is out of bounds");
      return {};
    }
    elements *= extent;
    shape.push_back(extent);
  }
  return RankedTensorType::get(shape, element);
}

void NodeImport::result(Value floats) {
  Known known;
  known.floats = floats;
  result(std::move(known));
}

void NodeImport::result(Known known, int output) {
  if (node.proto->output_size() <= output || node.proto->output(output).empty())
    return;
  // A form that the file knows nothing of is kept until a node changes it.
  Value value = known.tensor();
  if (value && cast<ShapedType>(value.getType()).getRank() == 4)
    for (const std::string &name : node.proto->input()) {
      auto input = importer.known.find(name);
      if (input == importer.known.end() || input->second.constant)
        continue;
      known.isRow |= input->second.isRow;
      known.isChannelsLast |= input->second.isChannelsLast;
    }
  importer.known[node.proto->output(output)] = std::move(known);
}

void NodeImport::resultOfOtherForm(Known known) {
  if (node.proto->output_size() > 0 && !node.proto->output(0).empty())
    importer.known[node.proto->output(0)] = std::move(known);
}

//===----------------------------------------------------------------------===//
// Shared by handlers
//===----------------------------------------------------------------------===//

std::optional<std::vector<float>> channelNumbers(const Tensor &constant, int64_t rank, int64_t channels) {
  int64_t own = constant.shape.size();
  if (!constant.isFloat || own > rank || constant.elements() == 0)
    return std::nullopt;
  if (constant.elements() == 1)
    return constant.floats;
  // Right-aligned with the tensor's dimensions, of which number 1 is the channel.
  for (int64_t axis = 0; axis < own; ++axis)
    if (constant.shape[axis] != (rank - own + axis == 1 ? channels : 1))
      return std::nullopt;
  return constant.floats;
}

//===----------------------------------------------------------------------===//
// The graph
//===----------------------------------------------------------------------===//

Importer::Importer(const Model &model, MLIRContext &context) : model(model), builder(&context) {
  // Behind anything else codes would only be made floats later.
  constexpr StringRef takers[] = {"Conv",    "Gemm",      "MatMul",  "MaxPool",   "Concat",   "Pad",
                                  "Slice",   "Split",     "Gather",  "Resize",    "Upsample", "Flatten",
                                  "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Identity"};
  constexpr StringRef arithmetic[] = {"Add", "Sub", "Mul", "Div"};
  for (const Node &node : model.nodes) {
    bool takes = llvm::is_contained(takers, node.proto->op_type());
    if (llvm::is_contained(arithmetic, node.proto->op_type()))
      for (const std::string &input : node.proto->input())
        takes |= model.initializers.count(input) > 0;
    for (const std::string &input : node.proto->input())
      if (takes)
        readForCodes.insert(input);
  }
}

Location Importer::locationOf(StringRef name) { return NameLoc::get(builder.getStringAttr(name)); }

Value Importer::floatsOf(Known &known) {
  if (!known.floats && known.integers) {
    // Right behind the integers, or at the first reader of what a node made of them; every later reader can use it.
    OpBuilder::InsertionGuard guard(builder);
    if (!known.floatsLoc)
      builder.setInsertionPointAfterValue(known.integers);
    Location loc = known.floatsLoc.value_or(known.integers.getLoc());
    ArrayRef<float> scale = known.scale;
    if (llvm::all_equal(scale))
      scale = scale.take_front(scale.front() == 1.0f ? 0 : 1);
    Value codes = known.integers;
    if (known.offset) {
      known.floats = createAffine(builder, loc, codes, scale, {*known.offset});
    } else {
      // The difference is exact, so that the product is the only rounding, as in Quant and DequantizeLinear.
      if (known.zero != 0) {
        codes = createAffine(builder, loc, codes, {}, {-static_cast<float>(known.zero)});
        if (scale.empty())
          return known.floats = codes;
      }
      known.floats = createAffine(builder, loc, codes, scale, {});
    }
  }
  return known.floats;
}

Value Importer::rowsOf(Known &known) {
  Value floats = floatsOf(known);
  if (!floats || !known.isRow)
    return floats;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfterValue(floats);
  auto type = RankedTensorType::get({ShapedType::kDynamic, channelsOf(floats)}, builder.getF32Type());
  return FlattenOp::create(builder, floats.getLoc(), type, floats);
}

static Handler handlerOf(StringRef op, StringRef domain) {
  if (domain == "ai.onnx") {
    for (auto table : {elementwiseHandler, contractionHandler, poolHandler, layoutHandler, moveHandler, linearHandler})
      if (Handler handler = table(op))
        return handler;
    return nullptr;
  }
  for (StringRef known : {"qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general", "finn"})
    if (domain == known)
      return quantHandler(op);
  return nullptr;
}

void Importer::importNode(const Node &node) {
  // Unknown until the handler says otherwise.
  for (const std::string &output : node.proto->output())
    if (!output.empty())
      known[output] = {};
  NodeImport state(*this, node);
  bool readsConstants = node.proto->input_size() > 0;
  for (int i = 0; i < node.proto->input_size(); ++i)
    readsConstants &= !state.hasInput(i) || state.isConstant(i);
  Handler fold = readsConstants && node.domain == "ai.onnx" ? constantHandler(node.proto->op_type()) : nullptr;
  if (node.proto->output_size() == 0)
    state.refuse("has no output");
  else if (fold)
    fold(state);
  else if (Handler handler = handlerOf(node.proto->op_type(), node.domain))
    handler(state);
  else
    state.refuse("is not supported; " + adviceFor(node.proto->op_type(), node.domain));
  if (state.isRefused()) {
    refusals.push_back("node " + quoted(node.name) + " (op " + quoted(node.proto->op_type()) + ", domain " +
                       quoted(node.domain) + ") " + state.reason);
    for (const std::string &output : node.proto->output())
      if (!output.empty())
        known[output] = {};
  }
}

std::string Importer::finish(func::FuncOp function) {
  auto entry = known.find(model.outputName);
  if (entry == known.end() || entry->second.constant)
    return "output " + quoted(model.outputName) + " is constant";
  Known &known = entry->second;
  if (known.pending || !known.split.empty() || known.isChannelsLast)
    return "output " + quoted(model.outputName) + " is neither [batch, classes] nor an image with channels first";
  Value output = rowsOf(known);
  if (!output)
    return "output " + quoted(model.outputName) + " is not known";
  auto type = cast<RankedTensorType>(output.getType());
  SmallVector<int64_t> shape(type.getShape().drop_front());
  if (shape.size() == 3)
    std::rotate(shape.begin(), shape.end() - 1, shape.end()); // channels first, as the file has it
  bool isDeclared = model.outputShape.has_value();
  bool agrees = !isDeclared || model.outputShape->size() == shape.size() + 1;
  for (size_t axis = 0; isDeclared && agrees && axis < shape.size(); ++axis)
    agrees = (*model.outputShape)[axis + 1] < 0 || (*model.outputShape)[axis + 1] == shape[axis];
  if (!agrees)
    return "output " + quoted(model.outputName) + " is declared with the shape " + shapeText(*model.outputShape) +
           ", but the nodes make Nx" + shapeText(shape);
  if (shape.size() == 3) {
    // In memory that row is the image.
    type = type.clone({type.getDimSize(0), shape[0] * shape[1] * shape[2]});
    output = FlattenOp::create(builder, parameterLocation(locationOf(model.outputName), "flatten"), type, output);
    emitWarning(locationOf(model.outputName))
        << "output " << quoted(model.outputName) << " is an image of " << shapeText(shape)
        << " (channels, height, width); the model gives it as a row of that order";
  }
  func::ReturnOp::create(builder, locationOf(model.outputName), output);
  function.setFunctionType(builder.getFunctionType(function.getFunctionType().getInputs(), type));
  function.setResultAttr(0, "n2uq.name", builder.getStringAttr(model.outputName));
  return "";
}

OwningOpRef<ModuleOp> Importer::run(std::string &error) {
  Location fileLoc = builder.getUnknownLoc(), inputLoc = locationOf(model.inputName);
  module = ModuleOp::create(builder, fileLoc);
  builder.setInsertionPointToEnd(module->getBody());
  std::vector<int64_t> shape = model.inputShape;
  // A batch that the file fixes is still a run-time value here.
  shape[0] = ShapedType::kDynamic;
  int64_t elements = 1;
  for (int64_t extent : ArrayRef<int64_t>(shape).drop_front()) {
    if (extent > maxExtent || elements > maxElements / extent) {
      error = "input " + quoted(model.inputName) + " of the shape " + shapeText(model.inputShape) + " is too large";
      return nullptr;
    }
    elements *= extent;
  }
  auto inputType = RankedTensorType::get(shape, builder.getF32Type());
  auto function = func::FuncOp::create(builder, fileLoc, "main", builder.getFunctionType(inputType, {}));
  function.setArgAttr(0, "n2uq.name", builder.getStringAttr(model.inputName));
  Block *body = function.addEntryBlock();
  body->getArgument(0).setLoc(inputLoc);
  builder.setInsertionPointToEnd(body);

  Value input = body->getArgument(0);
  if (shape.size() == 4)
    input =
        ToNHWCOp::create(builder, inputLoc,
                         RankedTensorType::get({shape[0], shape[2], shape[3], shape[1]}, builder.getF32Type()), input);
  known[model.inputName].floats = input;
  for (const Node &node : model.nodes)
    importNode(node);

  if (refusals.size() == 1) {
    error = refusals.front();
    return nullptr;
  }
  if (!refusals.empty()) {
    error = std::to_string(refusals.size()) + " nodes cannot be imported:";
    for (const std::string &refusal : refusals)
      error += "\n  " + refusal;
    return nullptr;
  }
  error = finish(function);
  if (!error.empty())
    return nullptr;
  for (const auto &[attribute, count] : quantsWithout)
    emitWarning(inputLoc) << count << (count == 1 ? " Quant node lacks" : " Quant nodes lack") << " the attribute '"
                          << attribute << "'; taken as " << (attribute == "signed" ? 1 : 0);
  return std::move(module);
}

} // namespace onnx

OwningOpRef<ModuleOp> importOnnx(StringRef bytes, StringRef fileName, MLIRContext &context, std::string &error) {
  context.loadDialect<N2UQDialect, arith::ArithDialect, func::FuncDialect, math::MathDialect>();
  // Checks of ours come first; should one be missing, the verifier's sentence is the error, not output on the side.
  std::string diagnostics;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
      return failure(); // for whoever listens next
    if (diagnostics.empty()) {
      if (auto name = dyn_cast<NameLoc>(diagnostic.getLocation()))
        diagnostics = "node " + onnx::quoted(name.getName().getValue()) + ": " + diagnostic.str();
      else
        diagnostics = diagnostic.str();
    }
    return success();
  });
  onnx::Model model;
  OwningOpRef<ModuleOp> module;
  error = onnx::decodeModel(bytes, model);
  if (error.empty()) {
    module = onnx::Importer(model, context).run(error);
    if (module && failed(verify(*module))) {
      module = nullptr;
      error = diagnostics.empty() ? "the imported module does not verify" : diagnostics;
    }
  }
  if (!error.empty()) {
    error = fileName.str() + ": " + error;
    return nullptr;
  }
  return module;
}

} // namespace n2uq
