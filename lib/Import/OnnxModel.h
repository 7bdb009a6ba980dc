// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model's file as checked plain data: what can be said about it without knowing any op.
#ifndef N2UQ_LIB_IMPORT_ONNXMODEL_H
#define N2UQ_LIB_IMPORT_ONNXMODEL_H

#include "onnx.pb.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace n2uq::onnx {

/// Every integer list of a file (strides, shapes, axes) is short; a longer one is damage.
constexpr int maxRank = 8;

/// A name as it can be shown in one line of a message: in quotes, unprintable bytes replaced, shortened.
std::string quoted(llvm::StringRef name);
/// "1x3x224x224", "scalar" for no extents.
std::string shapeText(llvm::ArrayRef<int64_t> shape);

/// A constant: numbers of one of two kinds, as many as its shape says.
struct Tensor {
  std::vector<int64_t> shape;
  bool isFloat = true;
  int32_t type = TensorProto::FLOAT; // ONNX's number of the element type
  std::vector<float> floats;         // where isFloat
  std::vector<int64_t> ints;         // otherwise
  int64_t elements() const { return isFloat ? floats.size() : ints.size(); }
};

/// Decodes an initializer or an attribute's tensor. Returns an empty string, or what is wrong as the rest of a sentence
/// that begins with the tensor's name.
std::string decodeTensor(const TensorProto &proto, Tensor &tensor);

/// Bits and sign of an element type of small integers (1 to 8 bits); none for another type.
struct SmallInteger {
  int bits;
  bool isSigned;
  int64_t lowest() const { return isSigned ? -(int64_t(1) << (bits - 1)) : 0; }
  int64_t highest() const { return (int64_t(1) << (isSigned ? bits - 1 : bits)) - 1; }
};
std::optional<SmallInteger> smallInteger(int32_t type);

struct Node {
  const NodeProto *proto = nullptr;
  std::string name;   // unique; made up from the op where the file has none
  std::string domain; // "ai.onnx" for the default one
};

struct Model {
  ModelProto proto;
  std::vector<Node> nodes;
  llvm::StringMap<const TensorProto *> initializers;
  llvm::StringMap<int> readers;      // of a tensor's name: inputs of nodes and the graph's output
  llvm::StringMap<size_t> producers; // of a tensor's name: index of the node that makes it
  int64_t opset = 0;                 // of the default domain

  std::string inputName, outputName;
  /// Extents of the input; -1 for a symbolic batch.
  std::vector<int64_t> inputShape;
  /// Declared extents of the output, -1 where symbolic; none where the file does not say.
  std::optional<std::vector<int64_t>> outputShape;
};

/// Parses and checks the graph as such: one input and one output of sensible type and shape, unique names, every tensor
/// produced once and before it is read. Returns an empty string or one sentence.
std::string decodeModel(llvm::StringRef bytes, Model &model);

/// The attributes of a node, typed. The first wrong one is remembered in `problem`, and so is the first that nobody
/// asked for: an attribute may change what a node means, so none is passed over in silence.
class Attributes {
public:
  explicit Attributes(const NodeProto &node);

  bool has(llvm::StringRef name) const { return find(name) != nullptr; }
  int64_t integer(llvm::StringRef name, int64_t absent);
  float number(llvm::StringRef name, float absent);
  std::string text(llvm::StringRef name, llvm::StringRef absent);
  std::optional<std::vector<int64_t>> integers(llvm::StringRef name);
  std::optional<std::vector<float>> numbers(llvm::StringRef name);
  const TensorProto *tensor(llvm::StringRef name);
  /// The attribute changes nothing here (a training detail, an annotation).
  void ignore(llvm::StringRef name) { asked.insert(name.str()); }

  /// What is wrong with the attributes, after all known ones have been asked for; empty where nothing is.
  std::string problem();

private:
  const AttributeProto *find(llvm::StringRef name) const;
  const AttributeProto *typed(llvm::StringRef name, AttributeProto::AttributeType type,
                              bool present(const AttributeProto &));

  const NodeProto &node;
  std::set<std::string> asked;
  std::string first;
};

} // namespace n2uq::onnx

#endif // N2UQ_LIB_IMPORT_ONNXMODEL_H
