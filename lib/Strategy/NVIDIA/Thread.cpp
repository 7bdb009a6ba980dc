// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Any kernel, a few neighbouring channels of one pixel a thread: the family that computes whatever no faster one does.
//
// A contraction of codes without groups reads 32 bits of codes at once. `(word >> j * bits) & mask` picks every (8 /
// bits)th code into a byte of its own, four codes a dot product; weights lie in the order in which that takes them:
//
//   weight of tap t, code 8/bits * i + j of word w, output o:    byte i of [t][w][j][o]
//
// Taps outside of the image are not read. A float sum leaves them out, as the network says it.
#include "n2uq/Dialect/N2UQ/Constants.h"
#include "n2uq/Dialect/N2UQ/Upstream.h"
#include "n2uq/Strategy/GpuFamily.h"
#include "n2uq/Strategy/ThreadEmit.h"

#include "llvm/ADT/TypeSwitch.h"
#include <limits>

using namespace mlir;
using namespace n2uq;
namespace LLVM = mlir::LLVM;

namespace {

constexpr int64_t blockThreads = 256;
/// Weights are padded to this many outputs, more than a thread computes.
constexpr int64_t outputUnit = 16;
/// Forms of a filter's data.
enum Form : int64_t { bytesForm = 100, floatsForm, lowLimbsForm, highLimbsForm, packedForm };

bool mayRun(KernelOp kernel, const GpuTarget &, std::string &why) {
  for (Operation &op : kernel.getBody().front())
    if (!isElementwise(&op) && !isa<Conv2DOp, FloatConv2DOp, ImageConv2DOp, FullyConnectedOp, MaxPoolOp, AvgPoolOp,
                                    ToNHWCOp, FlattenOp, YieldOp>(op)) {
      why = "it has a " + op.getName().getStringRef().str() + ", which is a CPU's";
      return false;
    } else if (isUpstreamElementwise(&op) || isa<SigmoidOp>(op)) {
      why = "it has a " + op.getName().getStringRef().str() + ", which GPUs' kernels do not compute yet";
      return false;
    } else if (isa<SharedThresholdOp>(op)) {
      why = "it has thresholds in a CPU's form";
      return false;
    }
  if (kernel.getPool()) {
    why = "it has a pool behind its root";
    return false;
  }
  return true;
}

/// Channels of one thread: so many that whole bytes of every code are written, and that bytes are read.
int64_t channelsPerThread(KernelOp kernel) {
  int64_t count = 1;
  for (Value result : kernel.getResults())
    count = std::max(count, 8 / deviceBits(result.getType()));
  for (Operation &op : kernel.getBody().front())
    for (Value operand : op.getOperands())
      if (isElementwise(&op) && codeBitsOf(operand.getType()))
        count = std::max(count, 8 / deviceBits(operand.getType()));
  return count;
}

/// The shape of what the kernel computes, and the channels that its results have room for.
ImageShape outputOf(KernelOp kernel) { return ImageShape(kernel.getResult(0).getType()); }

int64_t groupsOf(KernelOp kernel, int64_t count) {
  int64_t room = 0;
  for (auto [index, result] : llvm::enumerate(kernel.getResults())) {
    bool isOutput = kernel.getBuffers() && kernel.getBuffer(index).getSpace() == "output";
    room = std::max(room, isOutput ? outputOf(kernel).channels : deviceChannels(result.getType()));
  }
  return ceilDiv(room, count);
}

Plan plan(KernelOp kernel, const GpuTarget &target) {
  Plan plan;
  int64_t count = channelsPerThread(kernel);
  plan.lanes = 1;
  plan.tile = {blockThreads, count};
  ImageShape out = outputOf(kernel);
  bool codes = isa_and_nonnull<Conv2DOp>(kernel.getRoot());
  // Every product is an instruction of its own for floats, a quarter of one for codes, with about as much beside it.
  double instructions =
      double(macsOf(kernel)) * (codes ? 1.0 : 2.0) + double(out.height) * out.width * out.channels * 20;
  plan.cycles = instructions / (target.floats / 2 * target.multiprocessors);
  return plan;
}

bool checkTile(KernelOp kernel, std::string &why) {
  ArrayRef<int64_t> tile = kernel.getStrategy()->getTile();
  int64_t count = channelsPerThread(kernel);
  if (tile[0] < 32 || tile[0] > 1024 || tile[0] % 32 != 0)
    why = "a block has 32 to 1024 threads, in warps of 32";
  else if (tile[1] < count || tile[1] > outputUnit || (tile[1] & (tile[1] - 1)) != 0)
    why = "a thread computes " + std::to_string(count) + " to 16 channels here, a power of two";
  return why.empty();
}

Launch launch(KernelOp kernel) {
  ImageShape out = outputOf(kernel);
  ArrayRef<int64_t> tile = kernel.getStrategy()->getTile();
  Launch launch;
  launch.unitsPerImage = out.height * out.width * groupsOf(kernel, tile[1]);
  launch.unitsPerBlock = launch.threads = tile[0];
  return launch;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

std::vector<char> packWords(Conv2DOp conv, int64_t words) {
  std::vector<int8_t> filter = *constantBytes(conv.getFilter());
  Window window = conv.getWindow();
  int64_t outputs = channelsOf(conv.getResult()), channels = channelsOf(conv.getInput());
  int64_t taps = window.kernel[0] * window.kernel[1], bits = deviceBits(conv.getInput().getType()), parts = 8 / bits;
  int64_t room = roundUp(outputs, outputUnit);
  std::vector<char> packed(taps * words * parts * room * 4, 0);
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t c = 0; c < channels; ++c) {
        int64_t word = c / (4 * parts), part = c % parts, byte = c % (4 * parts) / parts;
        packed[(((tap * words + word) * parts + part) * room + o) * 4 + byte] = filter[(o * taps + tap) * channels + c];
      }
  return packed;
}

/// [o][k] to [k][o], with room for whole units of outputs.
template <typename T>
std::vector<char> transposed(const std::vector<T> &weights, int64_t outputs) {
  int64_t inner = weights.size() / outputs, room = roundUp(outputs, outputUnit);
  std::vector<T> result(inner * room, T(0));
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t k = 0; k < inner; ++k)
      result[k * room + o] = weights[o * inner + k];
  return bytesOf(result);
}

//===----------------------------------------------------------------------===//
// Roots
//===----------------------------------------------------------------------===//

/// Where a thread is.
struct Place {
  Value image, y, x, channel;
  int64_t count;
};

/// Calls body(tap, address of the input's pixel, carried) for every tap of the window that meets the image, in order.
using TapBody = llvm::function_ref<SmallVector<Value>(Value tap, Value pixel, ValueRange carried)>;
Channels overTaps(ThreadEmitter &e, const Window &window, Value source, const Place &at, ValueRange start,
                  TapBody body) {
  DeviceAccess input = e.read(source);
  ImageShape in(source.getType());
  Value originY = e.add(e.mul(at.y, window.strides[0]), -window.before[0]);
  Value originX = e.add(e.mul(at.x, window.strides[1]), -window.before[1]);
  return e.loop(e.number(0), e.number(window.kernel[0]), start, [&](Value kh, ValueRange rowCarried) {
    Value y = e.add(originY, e.mul(kh, window.dilations[0]));
    Value rowIsInside = e.isBelow(y, in.height);
    return e.loop(e.number(0), e.number(window.kernel[1]), rowCarried, [&](Value kw, ValueRange carried) {
      Value x = e.add(originX, e.mul(kw, window.dilations[1]));
      auto tap = [&] {
        return body(e.add(e.mul(kh, window.kernel[1]), kw), e.pixelAddress(input, at.image, y, x), carried);
      };
      return e.when(e.both(rowIsInside, e.isBelow(x, in.width)), tap, carried);
    });
  });
}

Channels convolve(ThreadEmitter &e, Conv2DOp conv, const Place &at) {
  Window window = conv.getWindow();
  DeviceAccess input = e.read(conv.getInput());
  int64_t outputs = channelsOf(conv.getResult()), room = roundUp(outputs, outputUnit);
  Channels start(at.count, e.number(0));
  if (window.groups == 1 && !input.isDense) {
    int64_t bits = input.bits, parts = 8 / bits, words = ceilDiv(input.channels * bits, 32);
    // One filter may be read with codes of other widths.
    Value weights = e.data(conv.getFilter(), packedForm + bits, [&] { return packWords(conv, words); });
    weights = e.at(weights, e.mul(at.channel, 4));
    return overTaps(e, window, conv.getInput(), at, start, [&](Value tap, Value pixel, ValueRange carried) {
      return e.loop(e.number(0), e.number(words), carried, [&](Value w, ValueRange accs) {
        Value word = e.load(e.b.getI32Type(), e.at(pixel, e.mul(w, 4)), 4);
        Value row = e.at(weights, e.mul(e.add(e.mul(tap, words), w), parts * room * 4));
        Channels next(accs);
        for (int64_t j = 0; j < parts; ++j) {
          Value codes = bits == 8 ? word : e.mask(e.shiftRight(word, j * bits), 0x01010101u * ((1u << bits) - 1));
          auto four = e.loadWords(e.b.getI32Type(), e.at(row, j * room * 4), at.count, /*isConstant=*/true);
          for (auto [acc, weight] : llvm::zip_equal(next, four))
            acc = e.dot4(codes, weight, acc);
        }
        return next;
      });
    });
  }
  // A group's channels start anywhere in a word: code by code.
  int64_t groupIn = input.channels / window.groups, groupOut = outputs / window.groups;
  Value weights =
      e.data(conv.getFilter(), bytesForm, [&] { return transposed(*constantBytes(conv.getFilter()), outputs); });
  weights = e.at(weights, at.channel);
  return overTaps(e, window, conv.getInput(), at, start, [&](Value tap, Value pixel, ValueRange carried) {
    return e.loop(e.number(0), e.number(groupIn), carried, [&](Value c, ValueRange accs) {
      Value row = e.at(weights, e.mul(e.add(e.mul(tap, groupIn), c), room));
      Channels next(accs);
      for (int64_t i = 0; i < at.count; ++i) {
        Value o = e.add(at.channel, i);
        if (outputs % at.count != 0)
          o = arith::MinSIOp::create(e.b, o, e.number(outputs - 1));
        Value code = e.loadElement(input, pixel, e.add(e.mul(e.divide(o, groupOut), groupIn), c));
        Value weight = arith::ExtSIOp::create(e.b, e.b.getI32Type(),
                                              e.load(e.b.getI8Type(), e.at(row, i), 1, /*isConstant=*/true));
        next[i] = e.add(next[i], arith::MulIOp::create(e.b, code, weight).getResult());
      }
      return next;
    });
  });
}

Channels convolveFloats(ThreadEmitter &e, FloatConv2DOp conv, const Place &at) {
  Window window = conv.getWindow();
  DeviceAccess input = e.read(conv.getInput());
  int64_t outputs = channelsOf(conv.getResult()), room = roundUp(outputs, outputUnit);
  int64_t groupIn = input.channels / window.groups, groupOut = outputs / window.groups;
  Value weights =
      e.data(conv.getFilter(), floatsForm, [&] { return transposed(*constantFloats(conv.getFilter()), outputs); });
  weights = e.at(weights, e.mul(at.channel, 4));
  return overTaps(e, window, conv.getInput(), at, Channels(at.count, e.real(0)),
                  [&](Value tap, Value pixel, ValueRange carried) {
                    return e.loop(e.number(0), e.number(groupIn), carried, [&](Value c, ValueRange accs) {
                      Value row = e.at(weights, e.mul(e.add(e.mul(tap, groupIn), c), room * 4));
                      auto factors = e.loadWords(e.b.getF32Type(), row, at.count, /*isConstant=*/true);
                      Channels next(accs);
                      for (int64_t i = 0; i < at.count; ++i) {
                        Value from = c;
                        if (window.groups > 1) {
                          Value o = arith::MinSIOp::create(e.b, e.add(at.channel, i), e.number(outputs - 1));
                          from = e.add(e.mul(e.divide(o, groupOut), groupIn), c);
                        }
                        next[i] = e.fma(e.loadElement(input, pixel, from), factors[i], next[i]);
                      }
                      return next;
                    });
                  });
}

/// The number of the class of borders in which row (or column) `index` lies.
Value borderClass(ThreadEmitter &e, const Window &window, unsigned axis, Value index, int64_t input, int64_t outputs) {
  Value result = e.number(0);
  for (int64_t first : llvm::drop_begin(window.borderClasses(axis, input, outputs))) {
    Value isBehind = arith::CmpIOp::create(e.b, arith::CmpIPredicate::sge, index, e.number(first));
    result = e.add(result, arith::ExtUIOp::create(e.b, e.b.getI32Type(), isBehind).getResult());
  }
  return result;
}

Channels convolvePixels(ThreadEmitter &e, ImageConv2DOp conv, const Place &at) {
  Window window = conv.getWindow();
  DeviceAccess input = e.read(conv.getInput());
  ImageShape in(conv.getInput().getType()), out(conv.getResult().getType());
  int64_t limbCount = cast<ShapedType>(conv.getLimbs().getType()).getDimSize(0),
          room = roundUp(out.channels, outputUnit);
  auto limbs = [&](int64_t first, int64_t last) {
    std::vector<int8_t> bytes = *constantBytes(conv.getLimbs());
    int64_t size = bytes.size() / limbCount;
    std::vector<int32_t> words(size, 0);
    for (int64_t i = first; i < std::min(last, limbCount); ++i)
      for (int64_t k = 0; k < size; ++k)
        words[k] += int32_t(bytes[i * size + k]) * (int32_t(1) << 8 * (i - first));
    return transposed(words, out.channels);
  };
  Value low = e.at(e.data(conv.getLimbs(), lowLimbsForm, [&] { return limbs(0, 2); }), e.mul(at.channel, 4)), high;
  if (limbCount == 3)
    high = e.at(e.data(conv.getLimbs(), highLimbsForm, [&] { return limbs(2, 3); }), e.mul(at.channel, 4));
  Channels sums = overTaps(
      e, window, conv.getInput(), at, Channels(at.count * (high ? 2 : 1), e.number(0)),
      [&](Value tap, Value pixel, ValueRange carried) {
        return e.loop(e.number(0), e.number(in.channels), carried, [&](Value c, ValueRange accs) {
          Value number = e.loadElement(input, pixel, c);
          Value offset = e.mul(e.add(e.mul(tap, in.channels), c), room * 4);
          Channels next(accs);
          for (auto [part, from] : llvm::enumerate(high ? SmallVector<Value>{low, high} : SmallVector<Value>{low})) {
            auto words = e.loadWords(e.b.getI32Type(), e.at(from, offset), at.count, /*isConstant=*/true);
            for (int64_t i = 0; i < at.count; ++i) {
              Value &sum = next[part * at.count + i];
              sum = e.add(sum, arith::MulIOp::create(e.b, number, words[i]).getResult());
            }
          }
          return next;
        });
      });

  Channels scale = e.loadParameters(conv.getScale(), at.channel, at.count);
  auto classes = cast<ShapedType>(conv.getOffset().getType()).getShape();
  Value offsets = e.data(conv.getOffset(), floatsForm, [&] {
    std::vector<float> floats = *constantFloats(conv.getOffset()), padded(classes[0] * classes[1] * room, 0.0f);
    for (size_t i = 0; i < floats.size(); ++i)
      padded[i / out.channels * room + i % out.channels] = floats[i];
    return bytesOf(padded);
  });
  Value i = borderClass(e, window, 0, at.y, in.height, out.height);
  Value j = borderClass(e, window, 1, at.x, in.width, out.width);
  Value row = e.at(e.at(offsets, e.mul(e.add(e.mul(i, classes[1]), j), room * 4)), e.mul(at.channel, 4));
  Channels results = e.loadWords(e.b.getF32Type(), row, at.count, /*isConstant=*/true);
  auto toFloat = [&](Value sum) { return arith::SIToFPOp::create(e.b, e.b.getF32Type(), sum).getResult(); };
  for (int64_t k = 0; k < at.count; ++k) {
    results[k] = e.fma(toFloat(sums[k]), scale[k], results[k]);
    if (high)
      // A product with a power of two is exact.
      results[k] = e.fma(toFloat(sums[at.count + k]), arith::MulFOp::create(e.b, scale[k], e.real(65536)), results[k]);
  }
  return results;
}

Channels multiply(ThreadEmitter &e, FullyConnectedOp op, const Place &at) {
  DeviceAccess input = e.read(op.getInput());
  int64_t outputs = channelsOf(op.getResult()), room = roundUp(outputs, outputUnit);
  Value weights =
      e.data(op.getWeights(), floatsForm, [&] { return transposed(*constantFloats(op.getWeights()), outputs); });
  weights = e.at(weights, e.mul(at.channel, 4));
  Value pixel = e.pixelAddress(input, at.image, at.y, at.x);
  return e.loop(e.number(0), e.number(input.channels), Channels(at.count, e.real(0)), [&](Value k, ValueRange accs) {
    Value number = e.loadElement(input, pixel, k);
    auto factors = e.loadWords(e.b.getF32Type(), e.at(weights, e.mul(k, room * 4)), at.count, /*isConstant=*/true);
    Channels next(accs);
    for (auto [acc, factor] : llvm::zip_equal(next, factors))
      acc = e.fma(number, factor, acc);
    return next;
  });
}

Channels poolOver(ThreadEmitter &e, Operation *root, const Place &at) {
  auto maxPool = dyn_cast<MaxPoolOp>(root);
  Window window = maxPool ? maxPool.getWindow() : cast<AvgPoolOp>(root).getWindow();
  DeviceAccess input = e.read(root->getOperand(0));
  // Every window meets the image; what a maximum starts from is never the result but for equal elements.
  Value start = !maxPool        ? e.real(0)
                : input.isFloat ? e.real(-std::numeric_limits<float>::infinity())
                                : e.number(std::numeric_limits<int32_t>::min());
  Channels sums = overTaps(e, window, root->getOperand(0), at, Channels(at.count, start),
                           [&](Value, Value pixel, ValueRange carried) {
                             Channels next = e.loadChannels(input, pixel, at.channel, at.count);
                             for (auto [value, acc] : llvm::zip_equal(next, carried)) {
                               if (!maxPool)
                                 value = arith::AddFOp::create(e.b, acc, value);
                               else if (input.isFloat)
                                 value = LLVM::MaximumOp::create(e.b, acc, value);
                               else
                                 value = arith::MaxSIOp::create(e.b, acc, value);
                             }
                             return next;
                           });
  if (!maxPool)
    for (Value &sum : sums)
      sum = arith::DivFOp::create(e.b, sum, e.real(float(window.kernel[0] * window.kernel[1])));
  return sums;
}

Channels flatten(ThreadEmitter &e, FlattenOp op, const Place &at) {
  ImageShape in(op.getInput().getType());
  DeviceAccess input = e.read(op.getInput());
  Channels values;
  for (int64_t i = 0; i < at.count; ++i) {
    Value feature = e.add(at.channel, i);
    int64_t features = channelsOf(op.getResult());
    if (features % at.count != 0)
      feature = arith::MinSIOp::create(e.b, feature, e.number(features - 1));
    Value rows = e.divide(feature, in.width);
    Value pixel = e.pixelAddress(input, at.image, e.modulo(rows, in.height), e.modulo(feature, in.width));
    values.push_back(e.loadElement(input, pixel, e.divide(rows, in.height)));
  }
  return values;
}

Channels rootOf(ThreadEmitter &e, const Place &at) {
  Operation *root = e.kernel.getRoot();
  if (!root)
    return {};
  return llvm::TypeSwitch<Operation *, Channels>(root)
      .Case([&](Conv2DOp conv) { return convolve(e, conv, at); })
      .Case([&](FloatConv2DOp conv) { return convolveFloats(e, conv, at); })
      .Case([&](ImageConv2DOp conv) { return convolvePixels(e, conv, at); })
      .Case([&](FullyConnectedOp op) { return multiply(e, op, at); })
      .Case([&](FlattenOp op) { return flatten(e, op, at); })
      .Case([&](ToNHWCOp op) {
        // read() gives the network's input behind its to_nhwc as an image with channels last, whatever its strides are.
        DeviceAccess input = e.read(op.getResult());
        return e.loadChannels(input, e.pixelAddress(input, at.image, at.y, at.x), at.channel, at.count);
      })
      .Default([&](Operation *op) { return poolOver(e, op, at); });
}

void emit(KernelOp kernel, ThreadEmitter &e) {
  ImageShape out = outputOf(kernel);
  ArrayRef<int64_t> tile = kernel.getStrategy()->getTile();
  int64_t count = tile[1], groups = groupsOf(kernel, count), perImage = out.height * out.width * groups;
  Value unit = e.add(e.mul(e.blockIndex(), tile[0]), e.threadIndex());
  Value units = e.mul(e.parameters.batch, perImage);
  e.when(e.isLess(unit, units), [&] {
    Value pixel = e.divide(unit, groups), row = e.divide(pixel, out.width);
    Place at{e.divide(row, out.height), e.modulo(row, out.height), e.modulo(pixel, out.width),
             e.mul(e.modulo(unit, groups), count), count};
    auto compute = [&] { e.finish(rootOf(e, at), at.image, at.y, at.x, at.channel, count); };
    if (groups * count <= roundUp(out.channels, count))
      return compute();
    e.when(e.isLess(at.channel, out.channels), compute, [&] { e.clear(at.image, at.y, at.x, at.channel, count); });
  });
}

} // namespace

namespace n2uq {
extern const GpuFamily cudaThread = {"cuda_thread", 2, mayRun, plan, checkTile, launch, emit};
} // namespace n2uq
