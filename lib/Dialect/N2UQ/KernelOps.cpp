// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ShapeRules.h"
#include "n2uq/Dialect/N2UQ/N2UQ.h"
#include "n2uq/Support/CookToom.h"

using namespace mlir;
using namespace n2uq;

static ArrayRef<int64_t> shapeOf(Value value) { return cast<ShapedType>(value.getType()).getShape(); }
static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

Operation *KernelOp::getRoot() {
  for (Operation &op : getBody().front())
    if (isa<KernelRootOpInterface>(op) && !isa<ToNHWCOp>(op))
      return &op;
  for (Operation &op : getBody().front())
    if (isa<ToNHWCOp>(op))
      return &op;
  return nullptr;
}

/// Whether a kernel may have both as its roots.
static bool mayShareKernel(Operation *a, Operation *b) {
  if (a->getResultTypes() != b->getResultTypes())
    return false;
  auto first = dyn_cast<Conv2DOp>(a), second = dyn_cast<Conv2DOp>(b);
  if (first && second)
    return first.getGroups() == 1 && second.getGroups() == 1;
  return isa<PackedLookupConv2DOp>(a) && isa<PackedLookupConv2DOp>(b);
}

SmallVector<Operation *> KernelOp::getRoots() {
  SmallVector<Operation *> roots;
  if (Operation *root = getRoot())
    for (Operation &op : getBody().front())
      if (&op == root || mayShareKernel(root, &op))
        roots.push_back(&op);
  return roots;
}

MaxPoolOp KernelOp::getPool() {
  Operation *root = getRoot();
  for (Operation &op : getBody().front())
    if (auto pool = dyn_cast<MaxPoolOp>(op); pool && &op != root)
      return pool;
  return nullptr;
}

SmallVector<Operation *> KernelOp::getOpsBeforePool() {
  SmallVector<Operation *> ops;
  MaxPoolOp pool = getPool();
  if (!pool)
    return ops;
  // Backwards through the block, so that every reader of an op is known before the op.
  llvm::SmallPtrSet<Operation *, 8> wanted{pool.getInput().getDefiningOp()};
  for (Operation *op = pool->getPrevNode(); op; op = op->getPrevNode())
    if (wanted.contains(op)) {
      ops.push_back(op);
      for (Value operand : op->getOperands())
        wanted.insert(operand.getDefiningOp());
    }
  std::reverse(ops.begin(), ops.end());
  return ops;
}

Value KernelOp::getYielded(unsigned index) { return getBody().front().getTerminator()->getOperand(index); }

BufferAttr KernelOp::getBuffer(unsigned index) { return cast<BufferAttr>((*getBuffers())[index]); }

LogicalResult KernelOp::verify() {
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield || yield.getValues().empty() || TypeRange(yield.getValues()) != TypeRange(getResults())) // (C1)
    return emitOpError() << "expects a body that yields at least one value and the types of its results";
  SmallVector<Operation *> roots;
  unsigned pools = 0;
  Operation *root = getRoot();
  for (Operation &op : getBody().front().without_terminator()) {
    // A float convolution may read the image as it comes, channels first; that is not a second loop nest.
    bool readInPlace = isa<ToNHWCOp>(op) && op.hasOneUse() && isa<FloatConv2DOp, PackedFloatConv2DOp>(*op.user_begin());
    bool isPoolBehind = &op != root && isa<MaxPoolOp>(op) && getElementTypeOrSelf(op.getResult(0)).isF32() &&
                        isa<FloatConv2DOp, PackedFloatConv2DOp, ImageConv2DOp, PackedImageConv2DOp>(root);
    if (isPoolBehind)
      ++pools;
    else if (isa<KernelRootOpInterface>(op) && !readInPlace)
      roots.push_back(&op);
    else if (!isElementwise(&op) && !readInPlace) // (C2)
      return emitOpError() << "expects element-by-element ops behind its root, but got '" << op.getName() << "'";
  }
  if (roots.size() > 2 && !isa<Conv2DOp>(roots.front())) // (C6)
    return emitOpError() << "expects at most two contractions, but got " << roots.size();
  for (Operation *other : llvm::drop_begin(roots, roots.empty() ? 0 : 1))
    if (!mayShareKernel(roots.front(), other)) // (C6)
      return emitOpError() << "expects one contraction or pool, or convolutions of codes with results of one type";
  if (pools > 1) // (C2)
    return emitOpError() << "expects at most one pool behind its convolution, but got " << pools;
  if (pools == 1) { // (C5)
    SmallVector<Operation *> before = getOpsBeforePool();
    bool readsRoot = llvm::is_contained(before, root);
    for (Operation *op : before)
      for (Operation *user : op->getUsers())
        readsRoot &= user == getPool() || llvm::is_contained(before, user);
    if (!readsRoot)
      return emitOpError() << "expects a pool that reads its convolution and is alone in reading it";
  }
  for (Value result : getResults())
    if (shapeOf(result) != shapeOf(getResults().front())) // (C3)
      return emitOpError() << "expects results of one shape, but got " << result.getType() << " beside "
                           << getResults().front().getType();
  if (getBuffers() && getBuffers()->size() != getNumResults()) // (C4)
    return emitOpError() << "expects one buffer per result (" << getNumResults() << "), but got "
                         << getBuffers()->size();
  return success();
}

/// Checks that are the same for the packed convolutions.
template <typename Op>
static LogicalResult verifyPackedConv(Op op, ArrayRef<int64_t> dilations) {
  if (failed(verifyExtents(op, "its input", op.getInput())) ||
      failed(verifyParameter(op, "its filter", op.getPacked())) ||
      failed(verifyExtents(op, "its result", op.getResult())) ||
      failed(verifyWindowAttributes(op, op.getStrides(), op.getPadding(), dilations)))
    return failure();
  return verifyWindowResult(op, op.getWindow(), op.getInput(), op.getResult());
}

Window PackedConv2DOp::getWindow() {
  auto packed = shapeOf(getPacked());
  return makeWindow(packed[1], packed[2], getStrides(), getPadding(), getDilations());
}

int64_t PackedConv2DOp::getPackedBlock() { return shapeOf(getPacked())[4]; }
int64_t PackedConv2DOp::getPackedRowChannels() { return shapeOf(getPacked())[3] * 4; }
std::optional<Window> PackedConv2DOp::getPaddedWindow() { return getWindow(); }
int64_t PackedConv2DOp::getMacsPerOutput() { return getWindow().macs(channelsOf(getInput())); }

LogicalResult PackedConv2DOp::verify() {
  if (failed(verifyPackedConv(*this, getDilations()))) // (C2)
    return failure();
  auto packed = shapeOf(getPacked());
  int64_t lanes = packed[4], rowChannels = packed[3] * 4;
  if (packed[5] != 4 || packed[0] != ceilDiv(channelsOf(getResult()), lanes) || rowChannels % 16 != 0 ||
      rowChannels < channelsOf(getInput())) // (C1)
    return emitOpError() << "expects a packed filter for " << channelsOf(getInput()) << " to "
                         << channelsOf(getResult()) << " channels, but got " << getPacked().getType();
  return success();
}

Window PackedLookupConv2DOp::getWindow() {
  auto packed = shapeOf(getPacked());
  return makeWindow(packed[1], packed[2], getStrides(), getPadding(), getDilations());
}

int64_t PackedLookupConv2DOp::getPackedBlock() { return shapeOf(getPacked())[4]; }
std::optional<Window> PackedLookupConv2DOp::getPaddedWindow() { return getWindow(); }
int64_t PackedLookupConv2DOp::getMacsPerOutput() { return getWindow().macs(channelsOf(getInput())); }

LogicalResult PackedLookupConv2DOp::verify() {
  int64_t perIndex = getCodesPerIndex();
  if (perIndex != 2 && perIndex != 3 && perIndex != 6) // (C3)
    return emitOpError() << "expects 2, 3 or 6 codes in an index, but got " << perIndex;
  if (failed(verifyPackedConv(*this, getDilations()))) // (C2)
    return failure();
  auto packed = shapeOf(getPacked());
  if (packed[4] % 64 != 0 || packed[0] != ceilDiv(channelsOf(getResult()), packed[4]) ||
      packed[3] != ceilDiv(channelsOf(getInput()), perIndex)) // (C1)
    return emitOpError() << "expects a packed filter for " << channelsOf(getInput()) << " to "
                         << channelsOf(getResult()) << " channels, but got " << getPacked().getType();
  return success();
}

Window PackedInnerProductConv2DOp::getWindow() {
  auto packed = shapeOf(getPacked());
  return makeWindow(packed[1], packed[2], getStrides(), getPadding(), getDilations());
}

int64_t PackedInnerProductConv2DOp::getPackedBlock() { return shapeOf(getPacked())[5]; }
int64_t PackedInnerProductConv2DOp::getPackedRowChannels() { return shapeOf(getPacked())[3] * 8; }
std::optional<Window> PackedInnerProductConv2DOp::getPaddedWindow() { return getWindow(); }
int64_t PackedInnerProductConv2DOp::getMacsPerOutput() { return getWindow().macs(channelsOf(getInput())); }

LogicalResult PackedInnerProductConv2DOp::verify() {
  int64_t bias = getBias();
  if (bias < 0 || bias > 127) // (C3)
    return emitOpError() << "expects a bias between 0 and 127, but got " << bias;
  if (failed(verifyPackedConv(*this, getDilations()))) // (C2)
    return failure();
  auto packed = shapeOf(getPacked());
  int64_t rowChannels = packed[3] * 8;
  if (packed[4] != 2 || packed[6] != 4 || packed[0] != ceilDiv(channelsOf(getResult()), packed[5]) ||
      rowChannels % 16 != 0 || rowChannels < channelsOf(getInput())) // (C1)
    return emitOpError() << "expects a packed filter for " << channelsOf(getInput()) << " to "
                         << channelsOf(getResult()) << " channels, but got " << getPacked().getType();
  return success();
}

Window PackedWinogradConv2DOp::getWindow() { return makeWindow(3, 3, {1, 1}, getPadding(), {1, 1}); }

SmallVector<int64_t> PackedWinogradConv2DOp::getPositions() {
  SmallVector<int64_t> positions;
  for (int64_t position = 0; position < shapeOf(getPacked())[1]; ++position)
    if (!llvm::is_contained(getHalved(), position))
      positions.push_back(position);
  positions.append(getHalved().begin(), getHalved().end());
  return positions;
}

std::vector<int32_t> PackedWinogradConv2DOp::recoverFilter(ArrayRef<int8_t> packed, bool &isTransform) {
  Winograd algorithm(getOutputs()[0], getOutputs()[1]);
  SmallVector<int64_t> order = getPositions();
  int64_t plain = order.size() - getHalved().size();
  int64_t inputs = channelsOf(getInput()), outputs = channelsOf(getResult());
  int64_t fours = shapeOf(getPacked())[2], block = shapeOf(getPacked())[3];
  std::vector<int32_t> filter(outputs * 9 * inputs);
  isTransform = true;
  std::vector<int64_t> transformed(order.size());
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t c = 0; c < inputs; ++c) {
      for (auto [r, position] : llvm::enumerate(order)) {
        int64_t place = ((o / block * int64_t(order.size()) + r) * fours + c / 4) * block + o % block;
        int64_t stored = packed[place * 4 + c % 4];
        transformed[position] = int64_t(r) < plain ? stored : 2 * stored + 1;
      }
      std::array<int64_t, 9> taps = algorithm.recoverFilter(transformed);
      isTransform &= algorithm.transformFilter(taps) == transformed;
      for (auto [tap, weight] : llvm::enumerate(taps))
        filter[(o * 9 + tap) * inputs + c] = weight;
    }
  return filter;
}

int64_t PackedWinogradConv2DOp::getPackedBlock() { return shapeOf(getPacked())[3]; }
int64_t PackedWinogradConv2DOp::getPackedRowChannels() { return shapeOf(getPacked())[2] * 4; }
std::optional<Window> PackedWinogradConv2DOp::getPaddedWindow() { return getWindow(); }
int64_t PackedWinogradConv2DOp::getMacsPerOutput() { return getWindow().macs(channelsOf(getInput())); }

LogicalResult PackedWinogradConv2DOp::verify() {
  auto outputs = getOutputs();
  if (outputs.size() != 2 || llvm::any_of(outputs, [](int64_t m) { // (C2)
        return m < minCookToomOutputs || m > maxCookToomOutputs;
      }))
    return emitOpError() << "expects outputs of two numbers between " << minCookToomOutputs << " and "
                         << maxCookToomOutputs;
  if (failed(verifyExtents(*this, "its input", getInput())) ||
      failed(verifyParameter(*this, "its filter", getPacked())) ||
      failed(verifyExtents(*this, "its result", getResult())) ||
      failed(verifyWindowAttributes(*this, {1, 1}, getPadding(), {1, 1})) ||
      failed(verifyWindowResult(*this, getWindow(), getInput(), getResult()))) // (C4)
    return failure();
  auto result = shapeOf(getResult()), packed = shapeOf(getPacked());
  if (outputs[0] > result[1] || outputs[1] > result[2]) // (C2)
    return emitOpError() << "expects at least " << outputs[0] << "x" << outputs[1] << " outputs, but has " << result[1]
                         << "x" << result[2];
  int64_t positions = (outputs[0] + 2) * (outputs[1] + 2);
  if (packed[0] != ceilDiv(result[3], packed[3]) || packed[1] != positions || packed[2] % 4 != 0 ||
      packed[2] * 4 < channelsOf(getInput()) || packed[4] != 4) // (C1)
    return emitOpError() << "expects a filter of " << positions << " positions packed for " << channelsOf(getInput())
                         << " to " << result[3] << " channels, but got " << getPacked().getType();
  int64_t last = -1;
  for (int64_t position : getHalved()) { // (C3)
    if (position <= last || position >= positions)
      return emitOpError() << "expects halved positions in ascending order below " << positions << ", but got "
                           << position;
    last = position;
  }
  return success();
}

Window PackedDepthwiseConv2DOp::getWindow() {
  auto packed = shapeOf(getPacked());
  return makeWindow(packed[0], packed[1], getStrides(), getPadding(), getDilations(), channelsOf(getInput()));
}

int64_t PackedDepthwiseConv2DOp::getPackedRowChannels() { return shapeOf(getPacked())[2]; }
std::optional<Window> PackedDepthwiseConv2DOp::getPaddedWindow() { return getWindow(); }
int64_t PackedDepthwiseConv2DOp::getMacsPerOutput() { return getWindow().macs(channelsOf(getInput())); }

LogicalResult PackedDepthwiseConv2DOp::verify() {
  if (failed(verifyPackedConv(*this, getDilations()))) // (C2)
    return failure();
  auto packed = shapeOf(getPacked());
  if (channelsOf(getInput()) != channelsOf(getResult())) // (C2)
    return emitOpError() << "expects a result with the channels of its input";
  if (packed[2] % 16 != 0 || packed[2] < channelsOf(getInput())) // (C1)
    return emitOpError() << "expects a packed filter for " << channelsOf(getInput()) << " channels, but got "
                         << getPacked().getType();
  return success();
}

Window PackedFloatConv2DOp::getWindow() {
  auto packed = shapeOf(getPacked());
  return makeWindow(packed[1], packed[2], getStrides(), getPadding(), getDilations(), getGroups());
}

int64_t PackedFloatConv2DOp::getPackedBlock() { return shapeOf(getPacked())[4]; }
int64_t PackedFloatConv2DOp::getMacsPerOutput() { return getWindow().macs(channelsOf(getInput())); }

LogicalResult PackedFloatConv2DOp::verify() {
  if (failed(verifyPackedConv(*this, getDilations()))) // (C2)
    return failure();
  auto packed = shapeOf(getPacked());
  int64_t groups = getGroups(), in = channelsOf(getInput()), out = channelsOf(getResult());
  if (groups <= 0 || in % groups != 0 || out % groups != 0) // (C2)
    return emitOpError() << "expects a number of groups that divides " << in << " and " << out << " channels, but got "
                         << groups;
  if (packed[0] != ceilDiv(out, packed[4]) || packed[3] != in / groups || (groups > 1 && packed[4] != 1)) // (C1)
    return emitOpError() << "expects a packed filter for " << in / groups << " to " << out << " channels, but got "
                         << getPacked().getType();
  return success();
}

Window PackedImageConv2DOp::getWindow() {
  return makeWindow(getKernel()[0], getKernel()[1], getStrides(), getPadding(), {});
}

int64_t PackedImageConv2DOp::getPackedBlock() { return shapeOf(getPacked())[3]; }
int64_t PackedImageConv2DOp::getMacsPerOutput() { return getWindow().macs(channelsOf(getInput())); }

LogicalResult PackedImageConv2DOp::verify() {
  if (failed(verifyExtents(*this, "its input", getInput())) ||
      failed(verifyParameter(*this, "its limbs", getPacked())) ||
      failed(verifyExtents(*this, "its result", getResult())) ||
      failed(verifyWindowAttributes(*this, getStrides(), getPadding(), {1, 1}))) // (C2)
    return failure();
  auto packed = shapeOf(getPacked()), kernel = getKernel();
  if (kernel.size() != 2 || kernel[0] <= 0 || kernel[1] <= 0 || kernel[0] > maxExtent || kernel[1] > maxExtent) // (C1)
    return emitOpError() << "expects a kernel of two positive extents";
  int64_t in = channelsOf(getInput()), out = channelsOf(getResult());
  // The extents are at most 2^24: two of them and the packed taps, at most 2^28, are compared without a product of
  // three.
  int64_t taps = packed[1] * 4, row = kernel[1] * in;
  if (packed[0] != ceilDiv(out, packed[3]) || row > taps || kernel[0] > taps ||
      packed[1] != ceilDiv(kernel[0] * row, 4) || packed[2] > 3 || packed[4] != 4) // (C1)
    return emitOpError() << "expects one to three packed limbs of weights from " << in << " to " << out
                         << " channels, but got " << getPacked().getType();
  return verifyImageConv(*this, getWindow(), getInput(), packed[2], getScale(), getOffset(), getResult()); // (C2)
}

int64_t PackedFullyConnectedOp::getPackedBlock() { return shapeOf(getPacked())[2]; }
int64_t PackedFullyConnectedOp::getMacsPerOutput() { return channelsOf(getInput()); }

LogicalResult PackedFullyConnectedOp::verify() {
  if (failed(verifyExtents(*this, "its input", getInput())) ||
      failed(verifyParameter(*this, "its weights", getPacked())) ||
      failed(verifyExtents(*this, "its result", getResult())))
    return failure();
  auto in = shapeOf(getInput()), packed = shapeOf(getPacked()), out = shapeOf(getResult());
  if (packed[0] != ceilDiv(out[1], packed[2]) || packed[1] != in[1] || in[0] != out[0]) // (C1)
    return emitOpError() << "expects packed weights for " << in[1] << " to " << out[1] << " features, but got "
                         << getPacked().getType();
  return success();
}

LogicalResult Dot2Op::verify() {
  auto count = [](Value vector) { return cast<VectorType>(vector.getType()).getNumElements(); };
  if (count(getCodes()) != 2 * count(getResult())) // (C1)
    return emitOpError() << "expects two bytes for each of its " << count(getResult()) << " results, but got "
                         << count(getCodes());
  return success();
}

LogicalResult Dot2WordsOp::verify() {
  auto count = [](Value vector) { return cast<VectorType>(vector.getType()).getNumElements(); };
  if (count(getLhs()) != 2 * count(getAcc())) // (C1)
    return emitOpError() << "expects two numbers for each of its " << count(getAcc()) << " accumulators, but got "
                         << count(getLhs());
  return success();
}

LogicalResult Dot4Op::verify() {
  auto count = [](Value vector) { return cast<VectorType>(vector.getType()).getNumElements(); };
  if (count(getCodes()) != 4 * count(getAcc())) // (C1)
    return emitOpError() << "expects four bytes for each of its " << count(getAcc()) << " accumulators, but got "
                         << count(getCodes());
  if (getCodeBits() < 1 || getCodeBits() > 8) // (C2)
    return emitOpError() << "expects codes of 1 to 8 bits, but got " << getCodeBits();
  return success();
}

LogicalResult TableLookupOp::verify() {
  int64_t count = cast<VectorType>(getTable().getType()).getNumElements();
  if (count != 64) // (C1)
    return emitOpError() << "expects a table of 64 bytes, but got " << count;
  return success();
}
