// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Transforms/Passes.h"
#include "n2uq/image.h"

#include "mlir/IR/Remarks.h"
#include <cmath>

#define DEBUG_TYPE "n2uq-image-input"

using namespace mlir;

namespace n2uq {
#define GEN_PASS_DEF_IMAGEINPUTPASS
#include "n2uq/Transforms/Passes.h.inc"

/// Lets the network take bytes instead of normalised floats. With x = (pixel / 255 - mean[c]) / std[c],
///
///   sum of x * w  =  sum of pixel * v  -  255 * sum of mean[c] * v,      v = w / (255 * std[c])
///
/// both sums over the taps inside of the image, for padding is 0 behind the normalisation. Each output channel's v
/// becomes q * scale with q of 8, 16 or 24 bits, balanced limbs of -127 .. 127; the mean is taken off with the rounded
/// weights, so that the rounding errors of v weigh the distance of a pixel from the mean and not the pixel.
///
/// This is the one pass that changes what a network computes: by the rounding of v, and by the order of float32
/// roundings that the stem no longer has.
namespace {
struct ImageInputPass final : impl::ImageInputPassBase<ImageInputPass> {
  using Base::Base;
  void runOnOperation() override;
};

/// The first layer of a network, as far as the pass can take it.
struct Stem {
  ToNHWCOp move;
  FloatConv2DOp conv;
  std::vector<float> weights;
};

/// A filter in fixed point.
struct FixedPoint {
  std::vector<int32_t> q; // [O, KH, KW, C]
  std::vector<float> scale;
};
} // namespace

/// The largest number of `limbs` balanced limbs: 127 * (1 + 256 + 65536).
static int32_t largestOf(int64_t limbs) {
  int32_t largest = 0;
  for (int64_t i = 0; i < limbs; ++i)
    largest = largest * 256 + 127;
  return largest;
}

/// Finds the stem, or says in `why` what is in the way.
static std::optional<Stem> findStem(func::FuncOp function, std::string &why) {
  auto refuse = [&](std::string reason) {
    why = std::move(reason);
    return std::nullopt;
  };
  if (function.getNumArguments() != 1 || !function.getBody().hasOneBlock())
    return refuse("the network has more than one input or block");
  BlockArgument image = function.getArgument(0);
  if (codeBitsOf(image.getType()))
    return refuse("the network takes bytes already");
  auto move = image.hasOneUse() ? dyn_cast<ToNHWCOp>(*image.user_begin()) : ToNHWCOp();
  auto conv = move && move->hasOneUse() ? dyn_cast<FloatConv2DOp>(*move->user_begin()) : FloatConv2DOp();
  if (!conv)
    return refuse("the network's input is not read by one float convolution and by nothing else");
  if (conv.getGroups() != 1 || llvm::any_of(conv.getDilations(), [](int64_t d) { return d != 1; }))
    return refuse("the first convolution has groups or dilations");
  std::optional<std::vector<float>> weights = constantFloats(conv.getFilter());
  if (!weights || !llvm::all_of(*weights, [](float w) { return std::isfinite(w); }))
    return refuse("the first convolution has weights that are not finite constants");
  return Stem{move, conv, std::move(*weights)};
}

/// ImageNet's, of red, green and blue in 0..1.
static constexpr float usualMean[] = N2UQ_IMAGENET_MEAN, usualDeviation[] = N2UQ_IMAGENET_DEVIATION;

/// A number per channel out of the pass's option: one for each, or one for all; `usual` where nothing is given.
static std::optional<std::vector<double>> perChannel(ArrayRef<float> numbers, ArrayRef<float> usual, int64_t channels) {
  std::vector<double> result(numbers.begin(), numbers.end());
  if (result.empty())
    result.assign(usual.begin(), usual.end());
  if (result.size() == 1)
    result.resize(channels, result.front());
  if (static_cast<int64_t>(result.size()) != channels)
    return std::nullopt;
  return result;
}

/// v of every weight, rounded to the grid of its output channel.
static FixedPoint quantize(ArrayRef<float> weights, int64_t outputs, ArrayRef<double> deviation, int32_t largest) {
  FixedPoint fixed{std::vector<int32_t>(weights.size()), std::vector<float>(outputs)};
  size_t taps = weights.size() / outputs;
  for (int64_t o = 0; o < outputs; ++o) {
    auto v = [&](size_t k) { return weights[o * taps + k] / (255 * deviation[k % deviation.size()]); };
    double top = 0;
    for (size_t k = 0; k < taps; ++k)
      top = std::max(top, std::abs(v(k)));
    if (top == 0)
      continue; // a channel without weights: q = 0, scale = 0
    float scale = static_cast<float>(top / largest);
    if (scale * double(largest) < top) // rounded down: the largest weight would leave the limbs
      scale = std::nextafter(scale, INFINITY);
    fixed.scale[o] = scale;
    for (size_t k = 0; k < taps; ++k)
      fixed.q[o * taps + k] = static_cast<int32_t>(std::nearbyint(v(k) / scale));
  }
  return fixed;
}

/// limbs[i, ...] of q = sum of 256^i * limbs[i, ...], each the residue between -128 and 127.
static std::vector<int8_t> splitIntoLimbs(std::vector<int32_t> q, int64_t limbs) {
  std::vector<int8_t> result;
  for (int64_t i = 0; i < limbs; ++i)
    for (int32_t &number : q) {
      result.push_back(static_cast<int8_t>(number & 255));
      number = (number - result.back()) / 256;
    }
  return result;
}

/// What the mean takes off, for each class of rows and of columns: [classes, classes, O].
static std::vector<float> offsetsOf(const Stem &stem, const FixedPoint &fixed, ArrayRef<double> mean,
                                    ArrayRef<int64_t> in, ArrayRef<int64_t> out, std::vector<int64_t> &shape) {
  FloatConv2DOp conv = stem.conv;
  Window window = conv.getWindow();
  std::vector<int64_t> rows = window.borderClasses(0, in[1], out[1]), columns = window.borderClasses(1, in[2], out[2]);
  shape = {static_cast<int64_t>(rows.size()), static_cast<int64_t>(columns.size()), out[3]};
  std::vector<float> offsets;
  for (int64_t y : rows)
    for (int64_t x : columns) {
      auto [firstH, lastH] = window.taps(0, y, in[1]);
      auto [firstW, lastW] = window.taps(1, x, in[2]);
      for (int64_t o = 0; o < out[3]; ++o) {
        double sum = 0;
        for (int64_t kh = firstH; kh < lastH; ++kh)
          for (int64_t kw = firstW; kw < lastW; ++kw)
            for (int64_t c = 0; c < in[3]; ++c)
              sum += mean[c] * fixed.q[((o * window.kernel[0] + kh) * window.kernel[1] + kw) * in[3] + c];
        offsets.push_back(static_cast<float>(0.0 - 255 * sum * fixed.scale[o])); // never -0
      }
    }
  return offsets;
}

void ImageInputPass::runOnOperation() {
  func::FuncOp function = getOperation();
  if (function.isDeclaration())
    return;
  auto refuse = [&](const std::string &why) {
    function.emitError() << "cannot take images of bytes: " << why;
    signalPassFailure();
  };
  if (stemBits != 8 && stemBits != 16 && stemBits != 24)
    return refuse("a stem has 8, 16 or 24 bits, not " + std::to_string(stemBits));
  std::string why;
  std::optional<Stem> stem = findStem(function, why);
  if (!stem)
    return refuse(why);
  FloatConv2DOp conv = stem->conv;
  auto in = cast<RankedTensorType>(conv.getInput().getType()).getShape(),
       out = cast<RankedTensorType>(conv.getType()).getShape(),
       filter = cast<RankedTensorType>(conv.getFilter().getType()).getShape();
  std::optional<std::vector<double>> means = perChannel(SmallVector<float>(mean.begin(), mean.end()), usualMean, in[3]);
  std::optional<std::vector<double>> deviations =
      perChannel(SmallVector<float>(deviation.begin(), deviation.end()), usualDeviation, in[3]);
  if (!means || !deviations)
    return refuse("its images have " + std::to_string(in[3]) +
                  " channels; give a mean and a standard deviation for each of them, or one for all");
  if (!llvm::all_of(*means, [](double m) { return std::isfinite(m); }) ||
      !llvm::all_of(*deviations, [](double d) { return std::isfinite(d) && d > 0; }))
    return refuse("means are finite numbers, standard deviations positive ones");
  int64_t limbs = stemBits / 8, taps = filter[1] * filter[2] * filter[3];
  if (taps > std::numeric_limits<int32_t>::max() / (255 * (limbs == 1 ? 128 : 128 * 257)))
    return refuse("sums of " + std::to_string(taps) + " taps of " + std::to_string(stemBits) +
                  " bits may leave 32 bits; take fewer bits for the stem");

  FixedPoint fixed = quantize(stem->weights, out[3], *deviations, largestOf(limbs));
  std::vector<int64_t> offsetShape;
  std::vector<float> offsets = offsetsOf(*stem, fixed, *means, in, out, offsetShape);
  OpBuilder builder(conv);
  Location loc = conv.getLoc();
  Value limbConstant =
      createBytes(builder, loc, {limbs, filter[0], filter[1], filter[2], filter[3]}, splitIntoLimbs(fixed.q, limbs));
  Value scale = createFloats(builder, loc, {out[3]}, fixed.scale, "scale");
  Value offset = createFloats(builder, loc, offsetShape, offsets, "offset");
  BlockArgument image = function.getArgument(0);
  image.setType(RankedTensorType::get(in, builder.getIntegerType(8, /*isSigned=*/false)));
  auto pixels = ImageConv2DOp::create(builder, loc, conv.getType(), image, limbConstant, scale, offset,
                                      conv.getStrides(), conv.getPadding());
  Operation *weights = conv.getFilter().getDefiningOp();
  conv.replaceAllUsesWith(pixels.getResult());
  conv.erase();
  stem->move.erase();
  if (weights->use_empty())
    weights->erase();
  function.setFunctionType(
      builder.getFunctionType(function.getBody().getArgumentTypes(), function.getFunctionType().getResults()));
  remark::passed(loc, remark::RemarkOpts::name("ImageInput").category(DEBUG_TYPE)) << remark::metric("bits", limbs * 8);
}

} // namespace n2uq
