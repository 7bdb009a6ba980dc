// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OnnxModel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include <cstring>
#include <limits>

using namespace llvm;

namespace n2uq::onnx {

/// Parameters are far smaller; the bound keeps products of extents from overflowing.
static constexpr int64_t maxTensorElements = int64_t(1) << 32;
/// Extents beyond this are damage, and no op of the dialect takes them.
static constexpr int64_t maxTensorExtent = int64_t(1) << 24;

std::string quoted(StringRef name) {
  constexpr size_t shown = 120;
  std::string text = "'";
  for (char c : name.take_front(shown))
    text += isPrint(c) ? c : '?';
  return text + (name.size() > shown ? "...'" : "'");
}

std::string shapeText(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "scalar";
  std::string text;
  for (int64_t extent : shape)
    text += (text.empty() ? "" : "x") + (extent < 0 ? std::string("N") : std::to_string(extent));
  return text;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

static StringRef typeName(int32_t type) {
  switch (type) {
  case TensorProto::FLOAT:
    return "FLOAT";
  case TensorProto::UINT8:
    return "UINT8";
  case TensorProto::INT8:
    return "INT8";
  case TensorProto::UINT16:
    return "UINT16";
  case TensorProto::INT16:
    return "INT16";
  case TensorProto::INT32:
    return "INT32";
  case TensorProto::INT64:
    return "INT64";
  case TensorProto::STRING:
    return "STRING";
  case TensorProto::BOOL:
    return "BOOL";
  case TensorProto::FLOAT16:
    return "FLOAT16";
  case TensorProto::DOUBLE:
    return "DOUBLE";
  case TensorProto::UINT32:
    return "UINT32";
  case TensorProto::UINT64:
    return "UINT64";
  case TensorProto::BFLOAT16:
    return "BFLOAT16";
  }
  return "an unknown one";
}

/// Elements from the raw bytes of a tensor, little endian as ONNX has them and as every target of ours is.
template <typename Stored, typename Element>
static bool fromRaw(StringRef raw, int64_t count, std::vector<Element> &elements) {
  if (raw.size() % sizeof(Stored) != 0 || static_cast<int64_t>(raw.size() / sizeof(Stored)) != count)
    return false;
  elements.resize(count);
  for (int64_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, raw.data() + i * sizeof(Stored), sizeof(Stored));
    elements[i] = stored;
  }
  return true;
}

template <typename Field, typename Element>
static bool fromField(const Field &field, int64_t count, std::vector<Element> &elements) {
  if (field.size() != count)
    return false;
  elements.assign(field.begin(), field.end());
  return true;
}

std::optional<SmallInteger> smallInteger(int32_t type) {
  switch (type) {
  case TensorProto::INT8:
    return SmallInteger{8, true};
  case TensorProto::UINT8:
    return SmallInteger{8, false};
  case TensorProto::INT4:
    return SmallInteger{4, true};
  case TensorProto::UINT4:
    return SmallInteger{4, false};
  case TensorProto::INT2:
    return SmallInteger{2, true};
  case TensorProto::UINT2:
    return SmallInteger{2, false};
  }
  return std::nullopt;
}

/// Elements of less than a byte: several in a byte, the first in its lowest bits; bytes raw or one in each number of a
/// field.
static bool fromPacked(const TensorProto &proto, SmallInteger type, int64_t count, std::vector<int64_t> &elements) {
  int64_t perByte = 8 / type.bits, bytes = (count + perByte - 1) / perByte;
  bool raw = proto.has_raw_data();
  if ((raw ? static_cast<int64_t>(proto.raw_data().size()) : proto.int32_data_size()) != bytes)
    return false;
  elements.resize(count);
  for (int64_t i = 0; i < count; ++i) {
    unsigned byte = raw ? static_cast<uint8_t>(proto.raw_data()[i / perByte]) : proto.int32_data(i / perByte);
    int64_t element = byte >> (i % perByte * type.bits) & ((1u << type.bits) - 1);
    elements[i] = element > type.highest() ? element - (int64_t(1) << type.bits) : element;
  }
  return true;
}

std::string decodeTensor(const TensorProto &proto, Tensor &tensor) {
  if (proto.data_location() == TensorProto::EXTERNAL || proto.external_data_size() > 0)
    return "keeps its data in another file; save the model as one file (onnx.save without save_as_external_data, "
           "torch.onnx.export with external_data=False)";
  if (proto.dims_size() > maxRank)
    return "has " + std::to_string(proto.dims_size()) + " dimensions, more than " + std::to_string(maxRank);
  int64_t count = 1;
  for (int64_t extent : proto.dims()) {
    if (extent < 0 || extent > maxTensorExtent)
      return "has an extent of " + std::to_string(extent) + ", which is not between 0 and " +
             std::to_string(maxTensorExtent);
    if (extent != 0 && count > maxTensorElements / extent)
      return "has more than " + std::to_string(maxTensorElements) + " elements";
    count *= extent;
  }
  tensor.shape.assign(proto.dims().begin(), proto.dims().end());

  bool raw = proto.has_raw_data(), fits = false;
  StringRef bytes = proto.raw_data();
  tensor.isFloat = proto.data_type() == TensorProto::FLOAT;
  tensor.type = proto.data_type();
  switch (proto.data_type()) {
  case TensorProto::FLOAT:
    fits = raw ? fromRaw<float>(bytes, count, tensor.floats) : fromField(proto.float_data(), count, tensor.floats);
    break;
  case TensorProto::INT64:
    fits = raw ? fromRaw<int64_t>(bytes, count, tensor.ints) : fromField(proto.int64_data(), count, tensor.ints);
    break;
  case TensorProto::INT32:
    fits = raw ? fromRaw<int32_t>(bytes, count, tensor.ints) : fromField(proto.int32_data(), count, tensor.ints);
    break;
  case TensorProto::INT8:
    fits = raw ? fromRaw<int8_t>(bytes, count, tensor.ints) : fromField(proto.int32_data(), count, tensor.ints);
    break;
  case TensorProto::UINT8:
  case TensorProto::BOOL:
    fits = raw ? fromRaw<uint8_t>(bytes, count, tensor.ints) : fromField(proto.int32_data(), count, tensor.ints);
    break;
  case TensorProto::UINT4:
  case TensorProto::INT4:
  case TensorProto::UINT2:
  case TensorProto::INT2:
    fits = fromPacked(proto, *smallInteger(proto.data_type()), count, tensor.ints);
    break;
  default:
    return "has element type " + typeName(proto.data_type()).str() +
           ", which is not read here; export the model with float32 parameters";
  }
  if (!fits)
    return "does not hold the " + std::to_string(count) + " elements that its shape " + shapeText(tensor.shape) +
           " asks for; the file is damaged";
  return "";
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

Attributes::Attributes(const NodeProto &node) : node(node) {
  StringSet<> names;
  for (const AttributeProto &attribute : node.attribute())
    if (!names.insert(attribute.name()).second && first.empty())
      first = "has two attributes " + quoted(attribute.name());
}

const AttributeProto *Attributes::find(StringRef name) const {
  for (const AttributeProto &attribute : node.attribute())
    if (attribute.name() == name)
      return &attribute;
  return nullptr;
}

const AttributeProto *Attributes::typed(StringRef name, AttributeProto::AttributeType type,
                                        bool present(const AttributeProto &)) {
  asked.insert(name.str());
  const AttributeProto *attribute = find(name);
  if (!attribute)
    return nullptr;
  // Old files leave the type out; the value that is there then says it.
  if (attribute->has_type() ? attribute->type() == type : present(*attribute))
    return attribute;
  if (first.empty())
    first = "has an attribute " + quoted(name) + " of another type than expected";
  return nullptr;
}

int64_t Attributes::integer(StringRef name, int64_t absent) {
  auto *found = typed(name, AttributeProto::INT, [](const AttributeProto &a) { return a.has_i(); });
  return found ? found->i() : absent;
}
float Attributes::number(StringRef name, float absent) {
  auto *found = typed(name, AttributeProto::FLOAT, [](const AttributeProto &a) { return a.has_f(); });
  return found ? found->f() : absent;
}
std::string Attributes::text(StringRef name, StringRef absent) {
  auto *found = typed(name, AttributeProto::STRING, [](const AttributeProto &a) { return a.has_s(); });
  return found ? found->s() : absent.str();
}
std::optional<std::vector<int64_t>> Attributes::integers(StringRef name) {
  auto *found = typed(name, AttributeProto::INTS, [](const AttributeProto &a) { return a.ints_size() > 0; });
  if (!found)
    return std::nullopt;
  return std::vector<int64_t>(found->ints().begin(), found->ints().end());
}
std::optional<std::vector<float>> Attributes::numbers(StringRef name) {
  auto *found = typed(name, AttributeProto::FLOATS, [](const AttributeProto &a) { return a.floats_size() > 0; });
  if (!found)
    return std::nullopt;
  return std::vector<float>(found->floats().begin(), found->floats().end());
}
const TensorProto *Attributes::tensor(StringRef name) {
  auto *found = typed(name, AttributeProto::TENSOR, [](const AttributeProto &a) { return a.has_t(); });
  return found ? &found->t() : nullptr;
}

std::string Attributes::problem() {
  if (!first.empty())
    return first;
  for (const AttributeProto &attribute : node.attribute())
    if (!asked.count(attribute.name()))
      return "has an attribute " + quoted(attribute.name()) +
             " that is not known here; remove it if it changes nothing";
  return "";
}

//===----------------------------------------------------------------------===//
// The graph
//===----------------------------------------------------------------------===//

/// Extents of a declared float tensor, -1 for symbolic ones; none, with a reason, where it is something else.
static std::optional<std::vector<int64_t>> declaredShape(const ValueInfoProto &info, std::string &reason) {
  if (!info.type().has_tensor_type()) {
    reason = "is not a tensor";
    return std::nullopt;
  }
  const TypeProto::Tensor &type = info.type().tensor_type();
  if (type.elem_type() != TensorProto::FLOAT) {
    reason = "has element type " + typeName(type.elem_type()).str() + ", but float32 is expected";
    return std::nullopt;
  }
  if (!type.has_shape()) {
    reason = "has no shape";
    return std::nullopt;
  }
  std::vector<int64_t> shape;
  for (const TensorShapeProto::Dimension &dim : type.shape().dim()) {
    if (dim.has_dim_value() && (dim.dim_value() <= 0 || dim.dim_value() > maxTensorExtent)) {
      reason = "has an extent of " + std::to_string(dim.dim_value()) + ", which is not between 1 and " +
               std::to_string(maxTensorExtent);
      return std::nullopt;
    }
    shape.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
  }
  return shape;
}

static std::string decodeBorders(Model &model) {
  const GraphProto &graph = model.proto.graph();
  const ValueInfoProto *input = nullptr;
  for (const ValueInfoProto &info : graph.input()) {
    if (model.initializers.count(info.name()))
      continue; // before IR version 4 every initializer is listed as an input too
    if (input)
      return "the graph has more than one input (" + quoted(input->name()) + ", " + quoted(info.name()) +
             "), but exactly one is expected";
    input = &info;
  }
  if (!input || input->name().empty())
    return "the graph has no input";
  std::string reason;
  std::optional<std::vector<int64_t>> shape = declaredShape(*input, reason);
  if (!shape)
    return "input " + quoted(input->name()) + " " + reason;
  if (shape->size() != 4 && shape->size() != 2)
    return "input " + quoted(input->name()) + " has " + std::to_string(shape->size()) +
           " dimensions, but [batch, channels, height, width] or [batch, features] is expected";
  if (is_contained(ArrayRef<int64_t>(*shape).drop_front(), -1))
    return "input " + quoted(input->name()) + " has the shape " + shapeText(*shape) +
           ", but only the batch may be symbolic; export the model for a fixed image size";
  model.inputName = input->name();
  model.inputShape = *shape;

  if (graph.output_size() != 1)
    return "the graph has " + std::to_string(graph.output_size()) + " outputs, but exactly one is expected";
  model.outputName = graph.output(0).name();
  if (graph.output(0).has_type()) {
    std::optional<std::vector<int64_t>> output = declaredShape(graph.output(0), reason);
    if (output)
      model.outputShape = output;
    else if (graph.output(0).type().tensor_type().elem_type() != TensorProto::FLOAT ||
             graph.output(0).type().tensor_type().has_shape())
      return "output " + quoted(model.outputName) + " " + reason;
  }
  return "";
}

static std::string decodeNodes(Model &model) {
  const GraphProto &graph = model.proto.graph();
  StringSet<> names, later;
  for (const NodeProto &proto : graph.node()) {
    if (!proto.name().empty() && !names.insert(proto.name()).second)
      return "two nodes have the name " + quoted(proto.name()) + "; give every node a name of its own";
    for (const std::string &output : proto.output())
      if (!output.empty() && !later.insert(output).second)
        return "tensor " + quoted(output) + " is produced by two nodes";
  }
  StringSet<> produced;
  produced.insert(model.inputName);
  if (later.contains(model.inputName))
    return "tensor " + quoted(model.inputName) + " is the graph's input and is produced by a node too";
  for (const auto &entry : model.initializers) {
    if (later.contains(entry.getKey()))
      return "tensor " + quoted(entry.getKey()) + " is an initializer and is produced by a node too";
    produced.insert(entry.getKey());
  }
  for (const auto &[index, proto] : enumerate(graph.node())) {
    Node node;
    node.proto = &proto;
    node.domain = proto.domain().empty() ? "ai.onnx" : proto.domain();
    node.name = proto.name();
    for (size_t k = index; node.name.empty(); ++k)
      if (std::string name = proto.op_type() + "_" + std::to_string(k); names.insert(name).second)
        node.name = name;
    for (const std::string &input : proto.input()) {
      if (input.empty())
        continue;
      if (!produced.contains(input))
        return "node " + quoted(node.name) + " reads " + quoted(input) +
               (later.contains(input)
                    ? ", which a later node produces; sort the nodes topologically (a cycle has no order)"
                    : ", which nothing produces");
      ++model.readers[input];
    }
    for (const std::string &output : proto.output()) {
      produced.insert(output);
      model.producers[output] = index;
    }
    model.nodes.push_back(std::move(node));
  }
  if (model.outputName.empty() || !produced.contains(model.outputName))
    return "output " + quoted(model.outputName) + " is produced by no node";
  ++model.readers[model.outputName];
  return "";
}

std::string decodeModel(StringRef bytes, Model &model) {
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max()))
    return "the file is larger than 2 GiB, which no ONNX model in one file can be";
  if (!model.proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return "this is not an ONNX model, or it is damaged";
  if (!model.proto.has_graph())
    return "this is not an ONNX model: it holds no graph";
  for (const OperatorSetIdProto &opset : model.proto.opset_import())
    if (opset.domain().empty() || opset.domain() == "ai.onnx")
      model.opset = opset.version();
  // Before opset 7 the same ops broadcast differently.
  if (model.opset < 7)
    return "the model is of opset " + std::to_string(model.opset) +
           ", but 7 or later is expected; convert it with onnx.version_converter or export it again";
  for (const TensorProto &initializer : model.proto.graph().initializer()) {
    if (initializer.name().empty())
      return "the graph has an initializer without a name";
    if (!model.initializers.try_emplace(initializer.name(), &initializer).second)
      return "two initializers have the name " + quoted(initializer.name());
  }
  if (std::string problem = decodeBorders(model); !problem.empty())
    return problem;
  return decodeNodes(model);
}

} // namespace n2uq::onnx
