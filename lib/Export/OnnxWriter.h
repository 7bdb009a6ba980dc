// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An ONNX file while it is written: nodes, initializers, and names that stay unique.
#ifndef N2UQ_LIB_EXPORT_ONNXWRITER_H
#define N2UQ_LIB_EXPORT_ONNXWRITER_H

#include "onnx.pb.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSet.h"
#include <string>

namespace n2uq::onnx {

/// One node; attributes are added one after the other.
class NodeWriter {
public:
  explicit NodeWriter(NodeProto &proto) : proto(proto) {}
  NodeWriter &integer(llvm::StringRef name, int64_t value);
  NodeWriter &number(llvm::StringRef name, float value);
  NodeWriter &text(llvm::StringRef name, llvm::StringRef value);
  NodeWriter &integers(llvm::StringRef name, llvm::ArrayRef<int64_t> values);
  /// The name of its one output.
  const std::string &output() const { return proto.output(0); }

private:
  AttributeProto &add(llvm::StringRef name, AttributeProto::AttributeType type);
  NodeProto &proto;
};

class OnnxWriter {
public:
  OnnxWriter();

  /// The names of both ends, before anything else takes them.
  void setNames(llvm::StringRef input, llvm::StringRef output);
  void setInput(llvm::ArrayRef<int64_t> extents);
  /// Ends the graph: `tensor` becomes its output.
  void setOutput(llvm::ArrayRef<int64_t> extents, const std::string &tensor);
  const std::string &input() const { return inputName; }

  /// `wanted`, or with a number behind it where it, or one of its names with the given suffixes, is taken by a node.
  /// The caller makes the nodes.
  std::string uniqueName(llvm::StringRef wanted, llvm::ArrayRef<llvm::StringRef> suffixes = {""});

  /// A node of the default domain, or of QONNX's.
  NodeWriter node(llvm::StringRef opType, const std::string &name, llvm::ArrayRef<std::string> inputs);
  NodeWriter qonnxNode(llvm::StringRef opType, const std::string &name, llvm::ArrayRef<std::string> inputs);

  /// An initializer; returns its name.
  std::string constant(const std::string &name, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<float> data);
  /// The same of a list of int64.
  std::string integerList(const std::string &name, llvm::ArrayRef<int64_t> data);

  /// The file's bytes; an empty string, or one sentence where they cannot be.
  std::string finish(std::string &bytes);

private:
  std::string uniqueTensor(const std::string &wanted);

  ModelProto model;
  GraphProto &graph;
  llvm::StringSet<> nodeNames, tensorNames;
  std::string inputName, outputName;
  uint64_t dataBytes = 0;
};

} // namespace n2uq::onnx

#endif // N2UQ_LIB_EXPORT_ONNXWRITER_H
