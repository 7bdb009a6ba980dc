// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "OnnxWriter.h"

#include "n2uq/Support/Version.h"

#include "llvm/ADT/STLExtras.h"
#include <limits>

using namespace llvm;

namespace n2uq::onnx {

static constexpr StringRef qonnxDomain = "qonnx.custom_op.general";

AttributeProto &NodeWriter::add(StringRef name, AttributeProto::AttributeType type) {
  AttributeProto &attribute = *proto.add_attribute();
  attribute.set_name(name.str());
  attribute.set_type(type);
  return attribute;
}

NodeWriter &NodeWriter::integer(StringRef name, int64_t value) {
  add(name, AttributeProto::INT).set_i(value);
  return *this;
}
NodeWriter &NodeWriter::number(StringRef name, float value) {
  add(name, AttributeProto::FLOAT).set_f(value);
  return *this;
}
NodeWriter &NodeWriter::text(StringRef name, StringRef value) {
  add(name, AttributeProto::STRING).set_s(value.str());
  return *this;
}
NodeWriter &NodeWriter::integers(StringRef name, ArrayRef<int64_t> values) {
  AttributeProto &attribute = add(name, AttributeProto::INTS);
  for (int64_t value : values)
    attribute.add_ints(value);
  return *this;
}

OnnxWriter::OnnxWriter() : graph(*model.mutable_graph()) {
  model.set_ir_version(8);
  model.set_producer_name("n2uq");
  model.set_producer_version(N2UQ_VERSION);
  graph.set_name("main");
  OperatorSetIdProto &standard = *model.add_opset_import(), &qonnx = *model.add_opset_import();
  standard.set_domain("");
  standard.set_version(17);
  qonnx.set_domain(qonnxDomain.str());
  qonnx.set_version(1);
}

static void describe(ValueInfoProto &info, StringRef name, ArrayRef<int64_t> extents) {
  info.set_name(name.str());
  TypeProto::Tensor &type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(TensorProto::FLOAT);
  for (int64_t extent : extents) {
    TensorShapeProto::Dimension &dimension = *type.mutable_shape()->add_dim();
    if (extent < 0)
      dimension.set_dim_param("N");
    else
      dimension.set_dim_value(extent);
  }
}

void OnnxWriter::setNames(StringRef input, StringRef output) {
  inputName = uniqueTensor(input.str());
  outputName = uniqueTensor(output.str());
}

void OnnxWriter::setInput(ArrayRef<int64_t> extents) { describe(*graph.add_input(), inputName, extents); }

void OnnxWriter::setOutput(ArrayRef<int64_t> extents, const std::string &tensor) {
  describe(*graph.add_output(), outputName, extents);
  bool isProduced = false;
  for (NodeProto &node : *graph.mutable_node())
    for (std::string &output : *node.mutable_output())
      isProduced |= output == tensor;
  if (!isProduced) {
    // The input itself.
    node("Identity", uniqueName("identity"), {tensor});
    *graph.mutable_node(graph.node_size() - 1)->mutable_output(0) = outputName;
    return;
  }
  for (NodeProto &node : *graph.mutable_node())
    for (auto *list : {node.mutable_input(), node.mutable_output()})
      for (std::string &used : *list)
        if (used == tensor)
          used = outputName;
}

std::string OnnxWriter::uniqueName(StringRef wanted, ArrayRef<StringRef> suffixes) {
  std::string name = wanted.str();
  auto isTaken = [&](StringRef suffix) { return nodeNames.contains(name + suffix.str()); };
  for (int number = 2; any_of(suffixes, isTaken); ++number)
    name = wanted.str() + "_" + std::to_string(number);
  return name;
}

std::string OnnxWriter::uniqueTensor(const std::string &wanted) {
  std::string name = wanted;
  for (int number = 2; !tensorNames.insert(name).second; ++number)
    name = wanted + "_" + std::to_string(number);
  return name;
}

NodeWriter OnnxWriter::node(StringRef opType, const std::string &name, ArrayRef<std::string> inputs) {
  NodeProto &proto = *graph.add_node();
  nodeNames.insert(name);
  proto.set_name(name);
  proto.set_op_type(opType.str());
  for (const std::string &input : inputs)
    proto.add_input(input);
  proto.add_output(uniqueTensor(name + "_out"));
  return NodeWriter(proto);
}

NodeWriter OnnxWriter::qonnxNode(StringRef opType, const std::string &name, ArrayRef<std::string> inputs) {
  NodeWriter writer = node(opType, name, inputs);
  graph.mutable_node(graph.node_size() - 1)->set_domain(qonnxDomain.str());
  return writer;
}

std::string OnnxWriter::constant(const std::string &name, ArrayRef<int64_t> shape, ArrayRef<float> data) {
  TensorProto &tensor = *graph.add_initializer();
  tensor.set_name(uniqueTensor(name));
  tensor.set_data_type(TensorProto::FLOAT);
  for (int64_t extent : shape)
    tensor.add_dims(extent);
  tensor.set_raw_data(data.data(), data.size() * sizeof(float));
  dataBytes += data.size() * sizeof(float);
  return tensor.name();
}

std::string OnnxWriter::integerList(const std::string &name, ArrayRef<int64_t> data) {
  TensorProto &tensor = *graph.add_initializer();
  tensor.set_name(uniqueTensor(name));
  tensor.set_data_type(TensorProto::INT64);
  tensor.add_dims(data.size());
  tensor.set_raw_data(data.data(), data.size() * sizeof(int64_t));
  dataBytes += data.size() * sizeof(int64_t);
  return tensor.name();
}

std::string OnnxWriter::finish(std::string &bytes) {
  // Protocol buffers end at 2 GiB; asking before serializing keeps its complaint off stderr.
  if (dataBytes > static_cast<uint64_t>(std::numeric_limits<int>::max()) - (64 << 20) ||
      !model.SerializeToString(&bytes))
    return "the model's parameters are larger than the 2 GiB that one ONNX file holds";
  return "";
}

} // namespace n2uq::onnx
