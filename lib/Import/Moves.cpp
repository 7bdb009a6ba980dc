// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ops that put elements of images to other places: Pad, Slice, Split, Gather, Resize and Upsample of the nearest
// neighbour are lists of places (n2uq.gather), Concat is n2uq.concat. Codes stay codes.
#include "../Dialect/N2UQ/ShapeRules.h"
#include "Importer.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using llvm::StringRef;

namespace n2uq::onnx {

/// Places that a node may list along an axis; more of them are damage, and would fill memory before anything is
/// refused.
static constexpr int64_t mostPlaces = int64_t(1) << 20;

std::vector<int64_t> paddedPlaces(int64_t extent, int64_t before, int64_t after) {
  std::vector<int64_t> places(before + extent + after, -1);
  std::iota(places.begin() + before, places.end() - after, 0);
  return places;
}

static bool isIdentity(ArrayRef<int64_t> places, int64_t extent) {
  if (places.empty())
    return true;
  if (static_cast<int64_t>(places.size()) != extent)
    return false;
  for (auto [at, place] : llvm::enumerate(places))
    if (place != static_cast<int64_t>(at))
      return false;
  return true;
}

/// The places of `outer` in a tensor that was gathered from the places of `inner`.
static std::vector<int64_t> composed(ArrayRef<int64_t> inner, ArrayRef<int64_t> outer) {
  if (inner.empty() || outer.empty())
    return inner.empty() ? outer.vec() : inner.vec();
  std::vector<int64_t> places;
  for (int64_t place : outer)
    places.push_back(place < 0 ? -1 : inner[place]);
  return places;
}

std::optional<Known> createGather(NodeImport &node, Location loc, Known &known, ArrayRef<int64_t> rows,
                                  ArrayRef<int64_t> columns, ArrayRef<int64_t> channels, float fill) {
  auto hasFill = [](ArrayRef<int64_t> places) { return llvm::is_contained(places, -1); };
  bool fills = hasFill(rows) || hasFill(columns) || hasFill(channels);
  // A number between two codes has none.
  int64_t top = known.areCodes() ? (int64_t(1) << codeBitsOf(known.integers.getType())) - 1 : 0;
  float fillCode = known.areCodes() ? fill / known.scale.front() + static_cast<float>(known.zero) : 0;
  bool keepsCodes = known.areCodes() && !known.offset &&
                    (!fills || (llvm::all_equal(known.scale) && fillCode >= 0 && fillCode <= static_cast<float>(top) &&
                                fillCode == std::floor(fillCode) &&
                                (fillCode - static_cast<float>(known.zero)) * known.scale.front() == fill));
  if (known.offset && known.areCodes() && !fills)
    keepsCodes = true;
  Value input = keepsCodes ? known.integers : node.importer.floatsOf(known);
  std::vector<int64_t> lists[] = {rows.vec(), columns.vec(), channels.vec()};
  float number = !fills ? 0.0f : keepsCodes ? fillCode : fill;

  // Neighbours that nobody reads between are one: the axes of a gather do not know of each other.
  auto inner = input.getDefiningOp<GatherOp>();
  if (inner && inner->use_empty() && node.isOnlyReaderOf(0) && node.node.proto->output_size() == 1) {
    bool innerFills = hasFill(inner.getRows()) || hasFill(inner.getColumns()) || hasFill(inner.getChannels());
    float innerNumber = inner.getFill().convertToFloat();
    if (!innerFills || !fills || innerNumber == number) {
      ArrayRef<int64_t> innerLists[] = {inner.getRows(), inner.getColumns(), inner.getChannels()};
      for (auto [list, innerList] : llvm::zip_equal(lists, innerLists))
        list = composed(innerList, list);
      number = innerFills ? innerNumber : number;
      input = inner.getInput();
      inner->erase();
    }
  }
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<int64_t> extents;
  for (auto [axis, list] : llvm::enumerate(lists)) {
    if (isIdentity(list, type.getDimSize(axis + 1)))
      list.clear();
    extents.push_back(list.empty() ? type.getDimSize(axis + 1) : list.size());
  }
  RankedTensorType resultType = node.typeOf(extents, type.getElementType());
  if (!resultType)
    return std::nullopt;
  Known result;
  if (keepsCodes) {
    result = known;
    result.floats = nullptr;
    if (known.scale.size() > 1 && !channels.empty()) {
      result.scale.clear();
      for (int64_t channel : channels)
        result.scale.push_back(known.scale[channel]); // no fill, or all are equal
    }
  }
  bool moves = llvm::any_of(lists, [](const std::vector<int64_t> &list) { return !list.empty(); });
  Value moved = !moves ? input
                       : GatherOp::create(node.builder, loc, resultType, input, lists[0], lists[1], lists[2],
                                          llvm::APFloat(number));
  (keepsCodes ? result.integers : result.floats) = moved;
  return result;
}

//===----------------------------------------------------------------------===//
// Lists of places from nodes
//===----------------------------------------------------------------------===//

namespace {
/// Lists by axis in the file's order: 1 is the channels, 2 the rows, 3 the columns.
struct Places {
  std::vector<int64_t> of[4];
  int64_t extents[4];
};
} // namespace

/// The node's image, whose extents are entered in `places`; null where it is none.
static Known *readImage(NodeImport &node, Places &places) {
  Known *known = node.tensor(0);
  if (!known)
    return nullptr;
  if (known->rank() != 4)
    return node.refuse("has an input of two dimensions, but [batch, channels, height, width] is expected");
  ArrayRef<int64_t> shape = cast<ShapedType>(known->tensor().getType()).getShape();
  places.extents[1] = shape[3];
  places.extents[2] = shape[1];
  places.extents[3] = shape[2];
  return known;
}

static void gather(NodeImport &node, Known &known, const Places &places, float fill, int output = 0) {
  if (std::optional<Known> result = createGather(node, node.loc, known, places.of[2], places.of[3], places.of[1], fill))
    node.result(std::move(*result), output);
}

/// A constant list of integers of any length.
static std::optional<std::vector<int64_t>> integerList(NodeImport &node, int index, StringRef what) {
  Known *known = node.input(index);
  if (!known)
    return std::nullopt;
  if (!known->constant || known->constant->isFloat || known->constant->shape.size() > 1) {
    node.refuse("has " + what.str() + " that is not a constant list of integers");
    return std::nullopt;
  }
  return known->constant->ints;
}

/// An axis of an image other than the batch, in any spelling; none after `refuse`.
static std::optional<int64_t> imageAxis(NodeImport &node, int64_t axis) {
  axis += axis < 0 ? 4 : 0;
  if (axis >= 1 && axis <= 3)
    return axis;
  node.refuse("works along axis " + std::to_string(axis) + ", but only channels, height and width are supported");
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Pad, Slice, Split, Gather
//===----------------------------------------------------------------------===//

/// Padding is an attribute before opset 11 and an input from there on.
static void importPad(NodeImport &node) {
  std::string mode = node.attributes.text("mode", "constant");
  std::optional<std::vector<int64_t>> pads = node.attributes.integers("pads");
  std::optional<float> fill = node.attributes.number("value", 0.0f);
  if (!node.attributesAreFine())
    return;
  if (node.hasInput(1))
    pads = node.integerConstant(1, "its padding");
  if (node.hasInput(2))
    fill = node.scalarConstant(2, "the number that it pads with");
  if (node.hasInput(3))
    return void(node.refuse("pads a list of axes, which is not supported; give the padding of all axes"));
  if (node.isRefused() || !pads || !fill)
    return void(pads || node.isRefused() ? nullptr : node.refuse("lacks its padding"));
  if (mode != "constant" && mode != "edge" && mode != "reflect")
    return void(node.refuse("has a mode of " + quoted(mode) + ", but only constant, edge and reflect are supported"));
  Places places;
  Known *known = readImage(node, places);
  if (!known)
    return;
  if (pads->size() != 8 || (*pads)[0] != 0 || (*pads)[4] != 0 ||
      llvm::any_of(*pads, [](int64_t pad) { return pad < -mostPlaces || pad > mostPlaces; }))
    return void(node.refuse("has padding that is not 8 numbers within bounds and 0 for the batch"));
  for (int axis : {1, 2, 3}) {
    int64_t extent = places.extents[axis], last = extent - 1;
    for (int64_t at = -(*pads)[axis]; at < extent + (*pads)[axis + 4]; ++at) {
      bool isOutside = at < 0 || at > last;
      int64_t mirrored = at < 0 ? -at : 2 * last - at;
      if (isOutside && mode == "reflect" && (mirrored < 0 || mirrored > last))
        return void(node.refuse("reflects more than the image has"));
      places.of[axis].push_back(!isOutside           ? at
                                : mode == "constant" ? -1
                                : mode == "edge"     ? std::clamp<int64_t>(at, 0, last)
                                                     : mirrored);
    }
    if (places.of[axis].empty())
      return void(node.refuse("cuts everything away"));
  }
  gather(node, *known, places, *fill);
}

static void importSlice(NodeImport &node) {
  std::optional<std::vector<int64_t>> starts = node.attributes.integers("starts"),
                                      ends = node.attributes.integers("ends"), axes = node.attributes.integers("axes"),
                                      steps;
  if (!node.attributesAreFine())
    return;
  if (node.hasInput(1))
    starts = node.integerConstant(1, "its starts");
  if (node.hasInput(2))
    ends = node.integerConstant(2, "its ends");
  if (node.hasInput(3))
    axes = node.integerConstant(3, "its axes");
  if (node.hasInput(4))
    steps = node.integerConstant(4, "its steps");
  if (node.isRefused() || !starts || !ends)
    return void(node.isRefused() ? nullptr : node.refuse("lacks starts or ends"));
  Places places;
  Known *known = readImage(node, places);
  if (!known)
    return;
  if (!axes) {
    axes.emplace(starts->size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  if (!steps)
    steps.emplace(starts->size(), 1);
  if (ends->size() != starts->size() || axes->size() != starts->size() || steps->size() != starts->size())
    return void(node.refuse("has starts, ends, axes and steps of different lengths"));
  for (auto [start, end, axis, step] : llvm::zip_equal(*starts, *ends, *axes, *steps)) {
    std::optional<int64_t> known = imageAxis(node, axis);
    if (!known)
      return;
    int64_t extent = places.extents[*known];
    if (step == 0 || step < -maxExtent || step > maxExtent || !places.of[*known].empty())
      return void(node.refuse("has a step that is out of bounds or an axis twice"));
    // As ONNX clamps them: a downward slice may end before the first place.
    auto place = [&](int64_t at, int64_t least, int64_t most) {
      return std::clamp(at < 0 && at >= -extent ? at + extent : at < 0 ? int64_t(-1) : at, least, most);
    };
    int64_t first = step > 0 ? place(start, 0, extent) : place(start, 0, extent - 1);
    int64_t last = step > 0 ? place(end, 0, extent) : place(end, -1, extent - 1);
    for (int64_t at = first; step > 0 ? at < last : at > last; at += step)
      places.of[*known].push_back(at);
    if (places.of[*known].empty())
      return void(node.refuse("cuts everything away"));
  }
  gather(node, *known, places, 0.0f);
}

static void importSplit(NodeImport &node) {
  int64_t axis = node.attributes.integer("axis", 0), count = node.node.proto->output_size();
  std::optional<std::vector<int64_t>> sizes = node.attributes.integers("split");
  node.attributes.ignore("num_outputs"); // there are as many as the node has
  if (!node.attributesAreFine())
    return;
  if (node.hasInput(1))
    sizes = node.integerConstant(1, "its sizes");
  Places places;
  Known *known = node.isRefused() ? nullptr : readImage(node, places);
  std::optional<int64_t> imageAxisOf = known ? imageAxis(node, axis) : std::nullopt;
  if (!imageAxisOf)
    return;
  int64_t extent = places.extents[*imageAxisOf], size = (extent + count - 1) / count, first = 0;
  if (sizes && (static_cast<int64_t>(sizes->size()) != count ||
                llvm::any_of(*sizes, [&](int64_t s) { return s <= 0 || s > extent; }) ||
                std::accumulate(sizes->begin(), sizes->end(), int64_t(0)) != extent))
    return void(node.refuse("has sizes that are not " + std::to_string(count) + " parts of " + std::to_string(extent)));
  if (!sizes && size * (count - 1) >= extent)
    return void(node.refuse("splits " + std::to_string(extent) + " places into " + std::to_string(count) + " parts"));
  for (int64_t output = 0; output < count; ++output) {
    int64_t own = sizes ? (*sizes)[output] : std::min(size, extent - first);
    places.of[*imageAxisOf].resize(own);
    std::iota(places.of[*imageAxisOf].begin(), places.of[*imageAxisOf].end(), first);
    first += own;
    gather(node, *known, places, 0.0f, output);
  }
}

static void importGather(NodeImport &node) {
  int64_t axis = node.attributes.integer("axis", 0);
  if (!node.attributesAreFine())
    return;
  std::optional<std::vector<int64_t>> list = integerList(node, 1, "its places");
  Places places;
  Known *known = list ? readImage(node, places) : nullptr;
  std::optional<int64_t> imageAxisOf = known ? imageAxis(node, axis) : std::nullopt;
  if (!imageAxisOf)
    return;
  int64_t extent = places.extents[*imageAxisOf];
  for (int64_t place : *list) {
    if (place < -extent || place >= extent)
      return void(node.refuse("gathers from place " + std::to_string(place) + " of " + std::to_string(extent)));
    places.of[*imageAxisOf].push_back(place < 0 ? place + extent : place);
  }
  if (list->empty() || node.input(1)->constant->shape.empty())
    return void(node.refuse("takes a dimension away, which is not supported; gather a list of places"));
  gather(node, *known, places, 0.0f);
}

//===----------------------------------------------------------------------===//
// Resize, Upsample
//===----------------------------------------------------------------------===//

/// The place in the input that is nearest to place `at` of `out`, as ONNX defines it.
static std::optional<int64_t> nearest(int64_t at, int64_t in, int64_t out, float scale, StringRef coordinates,
                                      StringRef rounding) {
  auto x = static_cast<float>(at);
  float from;
  if (coordinates == "asymmetric")
    from = x / scale;
  else if (coordinates == "half_pixel" || (coordinates == "pytorch_half_pixel" && out > 1))
    from = (x + 0.5f) / scale - 0.5f;
  else if (coordinates == "pytorch_half_pixel" || (coordinates == "align_corners" && out == 1))
    from = 0;
  else if (coordinates == "align_corners")
    from = x * static_cast<float>(in - 1) / static_cast<float>(out - 1);
  else
    return std::nullopt;
  float whole = rounding == "floor"                ? std::floor(from)
                : rounding == "ceil"               ? std::ceil(from)
                : rounding == "round_prefer_floor" ? std::ceil(from - 0.5f)
                : rounding == "round_prefer_ceil"  ? std::floor(from + 0.5f)
                                                   : std::nanf("");
  if (std::isnan(whole))
    return std::nullopt;
  return std::clamp<int64_t>(static_cast<int64_t>(whole), 0, in - 1);
}

/// `scales` or, where these are absent, `sizes` hold four numbers in the file's order.
static void resize(NodeImport &node, ArrayRef<float> scales, ArrayRef<int64_t> sizes, StringRef coordinates,
                   StringRef rounding) {
  Places places;
  Known *known = readImage(node, places);
  if (!known)
    return;
  if (sizes.empty() ? scales.size() != 4 || scales[0] != 1.0f : sizes.size() != 4)
    return void(node.refuse("has scales or sizes that are not four numbers which leave the batch as it is"));
  for (int axis : {1, 2, 3}) {
    int64_t in = places.extents[axis];
    float scale = sizes.empty() ? scales[axis] : static_cast<float>(sizes[axis]) / static_cast<float>(in);
    float extent = sizes.empty() ? std::floor(static_cast<float>(in) * scale) : static_cast<float>(sizes[axis]);
    if (!(extent >= 1 && extent <= static_cast<float>(mostPlaces)))
      return void(node.refuse("has a scale or size that is out of bounds"));
    auto out = static_cast<int64_t>(extent);
    for (int64_t at = 0; at < out; ++at) {
      std::optional<int64_t> place = nearest(at, in, out, scale, coordinates, rounding);
      if (!place)
        return void(node.refuse("has the coordinates " + quoted(coordinates) + " and the rounding " + quoted(rounding) +
                                ", which are not supported together"));
      places.of[axis].push_back(*place);
    }
  }
  gather(node, *known, places, 0.0f);
}

static void refuseMode(NodeImport &node, StringRef mode) {
  if (mode != "nearest")
    node.refuse("enlarges with the mode " + quoted(mode) + ", but only 'nearest' is supported");
}

static void importResize(NodeImport &node) {
  refuseMode(node, node.attributes.text("mode", "nearest"));
  std::string coordinates = node.attributes.text("coordinate_transformation_mode", "half_pixel"),
              rounding = node.attributes.text("nearest_mode", "round_prefer_floor"),
              policy = node.attributes.text("keep_aspect_ratio_policy", "stretch");
  if (policy != "stretch" || node.attributes.integer("antialias", 0) != 0 || node.attributes.has("axes"))
    node.refuse("keeps an aspect ratio, removes aliases or names axes, which is not supported");
  for (StringRef name : {"cubic_coeff_a", "exclude_outside", "extrapolation_value"})
    node.attributes.ignore(name); // of other modes
  if (!node.attributesAreFine())
    return;
  std::vector<float> scales;
  std::vector<int64_t> sizes;
  if (node.hasInput(3)) {
    std::optional<std::vector<int64_t>> list = node.integerConstant(3, "its sizes");
    if (!list)
      return;
    sizes = *list;
  } else if (const Tensor *tensor = node.floatConstant(2, "its scales")) {
    scales = tensor->floats;
  } else {
    return;
  }
  // A batch that the file fixes stays as it is.
  if (!sizes.empty() && sizes.front() != node.importer.model.inputShape[0])
    return void(node.refuse("changes the batch"));
  resize(node, scales, sizes, coordinates, rounding);
}

static void importUpsample(NodeImport &node) {
  refuseMode(node, node.attributes.text("mode", "nearest"));
  std::optional<std::vector<float>> scales = node.attributes.numbers("scales");
  if (!node.attributesAreFine())
    return;
  if (node.hasInput(1)) {
    const Tensor *tensor = node.floatConstant(1, "its scales");
    if (!tensor)
      return;
    scales = tensor->floats;
  }
  resize(node, scales.value_or(std::vector<float>()), {}, "asymmetric", "floor");
}

//===----------------------------------------------------------------------===//
// Concat
//===----------------------------------------------------------------------===//

static void importConcat(NodeImport &node) {
  int64_t axis = node.attributes.integer("axis", 1);
  if (!node.attributesAreFine())
    return;
  SmallVector<Known *> inputs;
  for (int i = 0; i < static_cast<int>(node.inputCount()); ++i) {
    Known *known = node.tensor(i);
    if (!known)
      return;
    inputs.push_back(known);
  }
  int64_t rank = inputs.empty() ? 0 : inputs.front()->rank();
  if (inputs.empty() || llvm::any_of(inputs, [&](Known *known) { return known->rank() != rank; }))
    return void(node.refuse("joins no tensors, or tensors of different numbers of dimensions"));
  if (axis != 1 && axis != 1 - rank)
    return void(node.refuse("joins along axis " + std::to_string(axis) + ", but only channels (axis 1) are supported"));
  const Known &first = *inputs.front();
  bool areCodes = llvm::all_of(inputs, [&](Known *known) {
    return known->areCodes() && getElementTypeOrSelf(known->integers) == getElementTypeOrSelf(first.integers) &&
           known->zero == first.zero && known->offset == first.offset && llvm::all_equal(known->scale) &&
           known->scale.front() == first.scale.front() && known->isRow == first.isRow;
  });
  bool asRows = llvm::any_of(inputs, [&](Known *known) { return known->isRow != first.isRow; });
  SmallVector<Value> values;
  int64_t channels = 0;
  for (Known *known : inputs) {
    values.push_back(areCodes ? known->integers
                     : asRows ? node.importer.rowsOf(*known)
                              : node.importer.floatsOf(*known));
    channels += channelsOf(values.back());
  }
  auto type = cast<RankedTensorType>(values.front().getType());
  SmallVector<int64_t> extents(type.getShape().drop_front());
  for (Value value : values)
    if (cast<ShapedType>(value.getType()).getShape().drop_back() != type.getShape().drop_back())
      return void(node.refuse("joins images of different sizes"));
  extents.back() = channels;
  RankedTensorType resultType = node.typeOf(extents, type.getElementType());
  if (!resultType)
    return;
  Value joined = ConcatOp::create(node.builder, node.loc, resultType, values);
  Known result;
  if (areCodes) {
    result = first;
    result.floats = nullptr;
    result.scale.resize(1);
  }
  (areCodes ? result.integers : result.floats) = joined;
  node.result(std::move(result));
}

Handler moveHandler(StringRef op) {
  return llvm::StringSwitch<Handler>(op)
      .Case("Pad", importPad)
      .Case("Slice", importSlice)
      .Case("Split", importSplit)
      .Case("Gather", importGather)
      .Case("Resize", importResize)
      .Case("Upsample", importUpsample)
      .Case("Concat", importConcat)
      .Default(nullptr);
}

} // namespace n2uq::onnx
