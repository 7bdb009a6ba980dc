// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ops that move elements: tosa counts them in any order of dimensions, we channels last.
#include "Converter.h"

#include "llvm/ADT/TypeSwitch.h"
#include <numeric>

using namespace mlir;

namespace n2uq::fromtosa {

static ArrayRef<int64_t> shapeOf(Value value) { return cast<ShapedType>(value.getType()).getShape(); }

/// The rows, columns and channels that a result is gathered from, by the axis of our image; empty for all in order.
struct Places {
  std::vector<int64_t> of[4];
};

/// Gathers codes as codes, and fills with `fill`, which is 0 for codes.
static void gather(Converter &c, Operation *op, Converted &input, const Places &places, float fill) {
  bool onCodes = input.codes && fill == 0;
  Value from = onCodes ? input.codes : c.floatsOf(input);
  auto type = cast<RankedTensorType>(from.getType());
  SmallVector<int64_t> shape(type.getShape());
  for (unsigned axis = 1; axis < 4; ++axis)
    if (!places.of[axis].empty())
      shape[axis] = places.of[axis].size();
  Converted result = input;
  result.floats = result.codes = nullptr;
  (onCodes ? result.codes : result.floats) = GatherOp::create(c.builder, c.loc, type.clone(shape), from, places.of[1],
                                                              places.of[2], places.of[3], llvm::APFloat(fill));
  c.define(op->getResult(0), result);
}

/// Our axis of axis `axis` of an image in tosa; none for the batch.
static std::optional<unsigned> ownAxis(Form form, int64_t axis) {
  constexpr unsigned fromFirst[] = {0, 3, 1, 2};
  if (axis < 1 || axis > 3)
    return std::nullopt;
  return form == Form::ChannelsFirst ? fromFirst[axis] : axis;
}

static Converted *imageOf(Converter &c, Operation *op) {
  Converted *input = c.tensor(op, 0);
  if (input && shapeOf(input->tensor()).size() != 4)
    return c.refuse(op, "is converted for images (four dimensions) only");
  return input;
}

static void convertTranspose(Converter &c, tosa::TransposeOp op) {
  Converted *input = imageOf(c, op);
  if (!input)
    return;
  Converted result = *input;
  if (op.getPerms() == ArrayRef<int32_t>{0, 2, 3, 1} && input->form == Form::ChannelsFirst)
    result.form = Form::Same;
  else if (op.getPerms() == ArrayRef<int32_t>{0, 3, 1, 2} && input->form == Form::Same)
    result.form = Form::ChannelsFirst;
  else if (!llvm::is_sorted(op.getPerms()))
    return void(
        c.refuse(op, "moves other dimensions than an image's channels from the first place to the last or back"));
  c.define(op.getResult(), result);
}

/// An image of channels last as one row in its own order, of which n2uq.flatten gives the order with channels first.
static Value flattenChannelsLast(Converter &c, Value image) {
  ArrayRef<int64_t> shape = shapeOf(image);
  int64_t height = shape[1], width = shape[2], channels = shape[3], features = height * width * channels;
  auto type = cast<RankedTensorType>(image.getType());
  RankedTensorType rowType = type.clone({shape[0], features});
  Value row = FlattenOp::create(c.builder, c.loc, rowType, image);
  if (height * width == 1 || channels == 1)
    return row;
  std::vector<int64_t> places;
  for (int64_t pixel = 0; pixel < height * width; ++pixel)
    for (int64_t channel = 0; channel < channels; ++channel)
      places.push_back(channel * height * width + pixel);
  RankedTensorType pixelType = type.clone({shape[0], 1, 1, features});
  Value pixels = UnflattenOp::create(c.builder, c.loc, pixelType, row);
  Value moved = GatherOp::create(c.builder, c.loc, pixelType, pixels, ArrayRef<int64_t>(), ArrayRef<int64_t>(), places,
                                 llvm::APFloat(0.0f));
  return FlattenOp::create(c.builder, c.loc, rowType, moved);
}

/// What keeps the batch: [N,F], [1,N,F] and images into each other.
static void convertReshape(Converter &c, tosa::ReshapeOp op) {
  Converted *input = c.tensor(op, 0);
  if (!input)
    return;
  auto target = cast<RankedTensorType>(op.getResult().getType());
  ArrayRef<int64_t> to = target.getShape(), from = shapeOf(op.getInput1());
  auto complain = [&] {
    c.refuse(op, "is converted where it makes a row [batch, features] of an image, an image of a row, or the operand "
                 "[1, batch, features] of a tosa.matmul, with extents that are known");
  };
  if (to == from)
    return c.define(op.getResult(), *input);
  if ((to.size() != 2 && to.size() != 3 && to.size() != 4) ||
      (to.size() == 3 ? to[0] != 1 || ShapedType::isDynamic(to[2])
                      : llvm::any_of(to.drop_front(), ShapedType::isDynamic)))
    return complain();
  bool isImage = shapeOf(input->tensor()).size() == 4;
  if (isImage && to.size() == 4) {
    // A pixel is one in either layout.
    ArrayRef<int64_t> own = shapeOf(input->tensor());
    if (own[1] * own[2] != 1 || to[0] != from[0] || to[1] * to[2] * to[3] != own[3] ||
        (to[3] != own[3] && to[1] != own[3]))
      return complain();
    Converted result = *input;
    result.form = to[3] == own[3] ? Form::Same : Form::ChannelsFirst;
    return c.define(op.getResult(), result);
  }
  Value floats = c.floatsOf(*input);
  auto type = cast<RankedTensorType>(floats.getType());
  ArrayRef<int64_t> own = type.getShape();
  int64_t features = own.size() == 4 ? own[1] * own[2] * own[3] : own[1];
  int64_t batch = to.size() == 3 ? to[1] : to[0], held = from[input->form == Form::Matrix ? 1 : 0];
  int64_t wanted = to.size() == 4 ? to[1] * to[2] * to[3] : to.back();
  // The batch stays what it is where both sides say it.
  if (wanted != features || (!ShapedType::isDynamic(batch) && !ShapedType::isDynamic(held) && batch != held))
    return complain();
  if (isImage)
    floats = input->form == Form::ChannelsFirst
                 ? FlattenOp::create(c.builder, c.loc, type.clone({own[0], features}), floats).getResult()
                 : flattenChannelsLast(c, floats);
  if (to.size() != 4)
    return c.define(op.getResult(), floats, to.size() == 3 ? Form::Matrix : Form::Same);
  if (to[1] == 1 && to[2] == 1) {
    Value pixel = UnflattenOp::create(c.builder, c.loc, type.clone({own[0], 1, 1, to[3]}), floats);
    return c.define(op.getResult(), pixel);
  }
  // Rows count an image with channels first, so an image that does is made without a move.
  Value image = UnflattenOp::create(c.builder, c.loc, type.clone({own[0], to[2], to[3], to[1]}), floats);
  for (Operation *user : op->getUsers())
    if (auto transpose = dyn_cast<tosa::TransposeOp>(user); !transpose)
      return complain();
  c.define(op.getResult(), image, Form::ChannelsFirst);
}

static void convertConcat(Converter &c, tosa::ConcatOp op) {
  SmallVector<Converted *> inputs;
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    Converted *input = c.tensor(op, i);
    if (!input)
      return;
    inputs.push_back(input);
  }
  Form form = inputs.front()->form;
  bool isImage = shapeOf(inputs.front()->tensor()).size() == 4;
  bool alongChannels = isImage ? ownAxis(form, op.getAxis()) == 3u : form == Form::Same && op.getAxis() == 1;
  if (!alongChannels || llvm::any_of(inputs, [&](Converted *input) { return input->form != form; }))
    return void(c.refuse(op, "joins along another dimension than channels, or tensors of different layouts"));
  bool onCodes = llvm::all_of(inputs, [&](Converted *input) {
    return input->codes && input->step == inputs.front()->step &&
           getElementTypeOrSelf(input->codes.getType()) == getElementTypeOrSelf(inputs.front()->codes.getType());
  });
  SmallVector<Value> values;
  int64_t channels = 0;
  for (Converted *input : inputs) {
    values.push_back(onCodes ? input->codes : c.floatsOf(*input));
    channels += channelsOf(values.back());
  }
  auto type = cast<RankedTensorType>(values.front().getType());
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = channels;
  Converted result;
  result.form = form;
  result.step = inputs.front()->step;
  (onCodes ? result.codes : result.floats) = ConcatOp::create(c.builder, c.loc, type.clone(shape), values);
  c.define(op.getResult(), result);
}

static void convertSlice(Converter &c, tosa::SliceOp op) {
  std::optional<std::vector<int64_t>> start = c.shapeConstant(op.getStart()), size = c.shapeConstant(op.getSize());
  if (!start || !size)
    return void(c.refuse(op, "expects a start and a size that are tosa.const_shape"));
  Converted *input = imageOf(c, op);
  if (!input)
    return;
  ArrayRef<int64_t> from = shapeOf(op.getInput1());
  if ((*start)[0] != 0 || ((*size)[0] != from[0] && !ShapedType::isDynamic(from[0]) && (*size)[0] != -1))
    return void(c.refuse(op, "takes a part of the batch"));
  Places places;
  for (int64_t axis = 1; axis < 4; ++axis) {
    int64_t extent = shapeOf(input->tensor())[*ownAxis(input->form, axis)];
    int64_t first = (*start)[axis], count = (*size)[axis] == -1 ? extent - first : (*size)[axis];
    if (first < 0 || count < 1 || first > extent - count)
      return void(c.refuse(op, "takes a part that is not inside of its operand"));
    std::vector<int64_t> list(count);
    std::iota(list.begin(), list.end(), first);
    places.of[*ownAxis(input->form, axis)] = list;
  }
  gather(c, op, *input, places, 0);
}

static void convertPad(Converter &c, tosa::PadOp op) {
  constexpr int64_t maxPadding = 1 << 16;
  std::optional<std::vector<int64_t>> padding = c.shapeConstant(op.getPadding());
  std::optional<std::vector<float>> fill = c.constant(op.getPadConst());
  if (!padding || padding->size() != 8 || !fill || fill->size() != 1)
    return void(c.refuse(op, "expects padding of an image that is a tosa.const_shape, and a constant of f32"));
  Converted *input = imageOf(c, op);
  if (!input)
    return;
  if (llvm::any_of(*padding, [](int64_t pad) { return pad < 0 || pad > maxPadding; }) || (*padding)[0] != 0 ||
      (*padding)[1] != 0)
    return void(c.refuse(op, "pads the batch, or by less than 0 or more than 65536"));
  Places places;
  for (int64_t axis = 1; axis < 4; ++axis) {
    unsigned own = *ownAxis(input->form, axis);
    std::vector<int64_t> &list = places.of[own];
    list.assign((*padding)[2 * axis], -1);
    for (int64_t place = 0, extent = shapeOf(input->tensor())[own]; place < extent; ++place)
      list.push_back(place);
    list.insert(list.end(), (*padding)[2 * axis + 1], -1);
  }
  gather(c, op, *input, places, fill->front());
}

/// The nearest element, by the rule of the specification: the place is y * denominator + offset in units of 1 /
/// numerator, and a half goes up.
static void convertResize(Converter &c, tosa::ResizeOp op) {
  std::optional<std::vector<int64_t>> scale = c.shapeConstant(op.getScale()), offset = c.shapeConstant(op.getOffset());
  if (op.getMode() != tosa::ResizeMode::NEAREST_NEIGHBOR || !scale || !offset)
    return void(c.refuse(op, "is converted in the mode NEAREST_NEIGHBOR and with constant scales only"));
  Converted *input = c.tensor(op, 0);
  if (!input)
    return;
  if (input->form != Form::Same || shapeOf(input->tensor()).size() != 4)
    return void(c.refuse(op, "expects an image with channels last (NHWC)"));
  ArrayRef<int64_t> to = shapeOf(op.getResult());
  Places places;
  for (unsigned axis : {1u, 2u}) {
    int64_t numerator = (*scale)[2 * axis - 2], denominator = (*scale)[2 * axis - 1];
    int64_t extent = shapeOf(input->tensor())[axis];
    if (ShapedType::isDynamic(to[axis]) || numerator < 1 || denominator < 1)
      return void(c.refuse(op, "has a result or a scale that is not known"));
    for (int64_t out = 0; out < to[axis]; ++out) {
      int64_t at = out * denominator + (*offset)[axis - 1];
      int64_t place = llvm::divideFloorSigned(2 * at + numerator, 2 * numerator);
      places.of[axis].push_back(std::clamp<int64_t>(place, 0, extent - 1));
    }
  }
  gather(c, op, *input, places, 0);
}

bool convertMove(Converter &c, Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](tosa::TransposeOp op) { return convertTranspose(c, op), true; })
      .Case([&](tosa::ReshapeOp op) { return convertReshape(c, op), true; })
      .Case([&](tosa::ConcatOp op) { return convertConcat(c, op), true; })
      .Case([&](tosa::SliceOp op) { return convertSlice(c, op), true; })
      .Case([&](tosa::PadOp op) { return convertPad(c, op), true; })
      .Case([&](tosa::ResizeOp op) { return convertResize(c, op), true; })
      .Case([&](tosa::IdentityOp op) {
        if (Converted *input = c.tensor(op, 0))
          c.define(op.getResult(), *input);
        return true;
      })
      .Default(false);
}

} // namespace n2uq::fromtosa
