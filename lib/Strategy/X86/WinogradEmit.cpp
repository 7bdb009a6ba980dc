// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exact integer Winograd in three stages over a chunk of tiles, with two small buffers between them (Winograd.h).
//
//   1. codes[r][t][c]    = (By d Bx^T)[position(r)] + 128           one byte each, d the codes under tile t
//   2. products[t][r][o] = sum over c of (codes[r][t][c] - 128) * u[r][o][c]
//   3. (Ay products Ax^T) / scale                                   the convolution's sums; the tail follows on
//   registers
//
// The dot products of stage 2 multiply unsigned with signed bytes, so codes are shifted by 128 and sums start from
// -128 * sum over c of the packed weights, a constant. At a halved position u = 2v + 1: the sum is doubled and
// sum over c of (codes - 128), which stage 1 has added up, comes on top.
//
// Where sums are multiplied, stage 2 makes one product of eight channels' codes x1, x2 (four each) and weights y1, y2:
//
//   x1*y1 + x2*y2 = (x1 + 128 + y2) * (x2 + y1) - x2 * (x1 + 128) - y1 * (y2 + 128)
//
// The second term is one number a tile and position; the third one is a constant of each output. Packed weights y1 have
// 128 added as codes have, which cancels out in a byte. Of the first vectors of a block the products are plain.
//
// Everything is exact: stages 1 and 2 because no number leaves its range, stage 3 modulo 2^32 (or 2^16) because the sum
// times the power of two in the scale does not; the scale's odd part is divided out by a multiplication with its
// inverse. Where tiles overlap, some outputs are computed twice, to the same codes.
#include "../Emit/LinearForms.h"
#include "Winograd.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include <map>
#include <numeric>
#include <tuple>

using namespace mlir;
using namespace n2uq;

namespace {

class Stages {
public:
  Stages(KernelOp kernel, ItemEmitter &e)
      : e(e), b(e.b), conv(cast<PackedWinogradConv2DOp>(kernel.getRoot())), l(winogradLayout(kernel)),
        order(conv.getPositions()), vectors(l.block / l.lanes), products(e.at(e.scratch(), l.productsOffset())),
        sums(e.at(e.scratch(), l.sumsOffset())), terms(e.at(e.scratch(), l.termsOffset())) {
    block = e.modulo(e.item, l.blocks);
    Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, block, e.number(0));
    Value isAlone = arith::XOrIOp::create(b, e.continues, arith::ConstantOp::create(b, b.getBoolAttr(true)));
    isNewChunk = arith::OrIOp::create(b, isFirst, isAlone);
  }

  void emit() { emitChunks(e.divide(e.item, l.blocks), 0); }

private:
  ItemEmitter &e;
  ImplicitLocOpBuilder &b;
  PackedWinogradConv2DOp conv;
  const WinogradLayout l;
  const SmallVector<int64_t> order; // packed place -> position
  const int64_t vectors;
  const Value products, sums, terms;
  Value block;      // of output channels that the item computes
  Value isNewChunk; // whether scratch memory does not hold the chunk's codes yet

  /// The code for chunks of make-up `index` and behind, `chunk` counted from the first of them.
  void emitChunks(Value chunk, size_t index) {
    const WinogradChunks &chunks = l.chunks[index];
    if (index + 1 == l.chunks.size())
      return emitChunk(chunks, chunk);
    Value isHere = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, chunk, e.number(chunks.number));
    auto ifOp = scf::IfOp::create(b, isHere, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(ifOp.thenBlock());
    emitChunk(chunks, chunk);
    b.setInsertionPointToStart(ifOp.elseBlock());
    emitChunks(e.add(chunk, -chunks.number), index + 1);
  }

  /// Tiles of one class in the chunk at hand: their algorithm, and where they lie.
  struct Tiles {
    Tiles(const WinogradLayout &l, const WinogradPiece &piece, Value first)
        : piece(piece), algorithm(l.y.outputsOf(piece.kind.briefY), l.x.outputsOf(piece.kind.briefX)), first(first) {}

    const WinogradPiece &piece;
    Winograd algorithm;
    Value first; // its number in its class
  };

  /// Row (or column) of the result at which tile `index` of an axis begins.
  Value beginOf(const WinogradAxis &axis, bool isBrief, Value index) {
    if (isBrief)
      return e.add(e.mul(index, axis.outputs - 1), axis.full * axis.outputs);
    Value begin = e.mul(index, axis.outputs);
    return axis.full * axis.outputs > axis.extent ? e.min(begin, e.number(axis.extent - axis.outputs)) : begin;
  }
  Value rowOf(const Tiles &tiles, Value tile) {
    bool isBrief = tiles.piece.kind.briefY;
    return beginOf(l.y, isBrief, e.divide(tile, l.x.count(tiles.piece.kind.briefX)));
  }
  Value columnOf(const Tiles &tiles, Value tile) {
    bool isBrief = tiles.piece.kind.briefX;
    return beginOf(l.x, isBrief, e.modulo(tile, l.x.count(isBrief)));
  }

  /// Place of each position of a class's algorithm among those of the packed filter: the point at infinity is the last
  /// one of every algorithm.
  SmallVector<int64_t> placesOf(const Winograd &algorithm) {
    SmallVector<int64_t> places;
    for (int64_t row = 0; row < algorithm.y.points; ++row)
      for (int64_t column = 0; column < algorithm.x.points; ++column) {
        int64_t fullRow = row == algorithm.y.points - 1 ? l.y.outputs + 1 : row;
        int64_t fullColumn = column == algorithm.x.points - 1 ? l.x.outputs + 1 : column;
        places.push_back(llvm::find(order, fullRow * (l.x.outputs + 2) + fullColumn) - order.begin());
      }
    return places;
  }

  void emitChunk(const WinogradChunks &chunks, Value chunk) {
    SmallVector<Tiles> classes;
    for (const WinogradPiece &piece : chunks.pieces)
      classes.emplace_back(l, piece,
                           chunks.number == 1
                               ? e.number(0)
                               : e.min(e.mul(chunk, piece.count), e.number(l.tilesOf(piece.kind) - piece.count)));
    {
      auto ifOp = scf::IfOp::create(b, isNewChunk, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(ifOp.thenBlock());
      for (const Tiles &tiles : classes) {
        transformCodes(tiles);
        if (l.kind.multipliesSums())
          multiplyCodes(tiles);
      }
    }
    multiply(chunks);
    for (const Tiles &tiles : classes) {
      Value firstRow = rowOf(tiles, tiles.first);
      Value lastRow = e.add(rowOf(tiles, e.add(tiles.first, tiles.piece.count - 1)), tiles.algorithm.y.outputs);
      clearBorder(firstRow, lastRow);
      transformProducts(tiles);
    }
  }

  /// Channels that the result has in memory. The last block may have more: those are computed and left there.
  int64_t memory() { return memoryChannels(channelsOf(conv.getResult())); }

  void clearBorder(Value firstRow, Value lastRow) {
    Value channel = e.mul(block, l.block);
    if (memory() % l.block == 0)
      return e.clearBorder(firstRow, lastRow, channel, l.block);
    Value end = e.min(e.add(channel, l.block), e.number(memory()));
    e.loop(e.divide(channel, channelUnit), e.divide(end, channelUnit),
           [&](Value unit) { e.clearBorder(firstRow, lastRow, e.mul(unit, channelUnit), channelUnit); });
  }

  Value constant(VectorType type, int64_t number) {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, APInt(type.getElementTypeBitWidth(), number, /*isSigned=*/true)));
  }

  /// matrixY * inputs * matrixX^T by `product`, inputs and results row by row.
  template <typename Product>
  SmallVector<Value> onBothSides(const IntMatrix &matrixY, const IntMatrix &matrixX, ArrayRef<Value> inputs,
                                 Product product) {
    size_t columns = matrixX.front().size(), rows = matrixY.front().size();
    SmallVector<SmallVector<Value>> wide; // rows of inputs * matrixX^T
    for (size_t k = 0; k < rows; ++k)
      wide.push_back(product(matrixX, inputs.slice(k * columns, columns), /*isX=*/true));
    SmallVector<Value> results(matrixY.size() * matrixX.size());
    for (size_t i = 0; i < matrixX.size(); ++i) {
      SmallVector<Value> column;
      for (size_t k = 0; k < rows; ++k)
        column.push_back(wide[k][i]);
      for (auto [j, value] : llvm::enumerate(product(matrixY, column, /*isX=*/false)))
        results[j * matrixX.size() + i] = value;
    }
    return results;
  }

  /// Stage 1.
  void transformCodes(const Tiles &tiles) {
    Access in = e.read(conv.getInput());
    const Winograd &algorithm = tiles.algorithm;
    SmallVector<int64_t> places = placesOf(algorithm);
    // Whole vectors of the channels that a pixel has in memory.
    int64_t bytes = std::gcd(l.rowChannels, l.lanes * 4), alignment = std::min<int64_t>(bytes, 16);
    VectorType type = e.vector(b.getI8Type(), bytes), partial = e.vector(b.getI32Type(), bytes / 4);
    int64_t plain = l.positions - l.halved;
    e.loop(e.number(0), e.number(tiles.piece.count), [&](Value t) {
      Value tile = e.add(tiles.first, t), slot = e.add(t, tiles.piece.slot);
      Value corner = windowCorner(e, in, conv.getWindow(), rowOf(tiles, tile), columnOf(tiles, tile));
      Value to = e.at(e.scratch(), e.mul(slot, l.rowChannels));
      SmallVector<Value> partials(l.halved, constant(partial, 0));
      partials = e.loop(e.number(0), e.number(l.rowChannels / bytes), partials, [&](Value v, ValueRange carried) {
        Value channel = e.mul(v, bytes), from = e.at(corner, channel);
        Value inImage = l.halved ? channelsInImage(type, channel) : Value();
        SmallVector<Value> codes;
        for (int64_t k = 0; k < algorithm.y.points; ++k)
          for (int64_t i = 0; i < algorithm.x.points; ++i)
            codes.push_back(e.load(type, e.at(from, k * in.row + i * in.pixel), alignment));
        SmallVector<Value> transformed =
            onBothSides(algorithm.y.b, algorithm.x.b, codes,
                        [&](const IntMatrix &m, ValueRange x, bool) { return emitProduct(b, m, x); });
        SmallVector<Value> next(carried.begin(), carried.end());
        Value place = e.at(to, channel);
        for (auto [r, code] : llvm::zip_equal(places, transformed)) {
          if (r >= plain) {
            Value &sum = next[r - plain];
            sum = Dot4Op::create(b, partial, sum, inImage, code, b.getI64IntegerAttr(1));
          }
          e.store(arith::XOrIOp::create(b, code, constant(type, -128)), e.at(place, r * l.codeStride()), alignment);
        }
        return next;
      });
      for (auto [h, sum] : llvm::enumerate(partials)) {
        Value total = vector::ReductionOp::create(b, vector::CombiningKind::ADD, sum);
        e.store(total, e.at(sums, e.add(e.mul(slot, l.halved * 4), h * 4)), 4);
      }
    });
  }

  /// 1 for channels of the image. What stands behind the last one in memory is no code: its weights are 0, but the sums
  /// of codes have none.
  Value channelsInImage(VectorType type, Value channel) {
    int64_t channels = channelsOf(conv.getInput());
    if (channels == l.rowChannels)
      return constant(type, 1);
    Value ones = e.data(
        conv.getPacked(),
        [&] {
          std::vector<char> bytes(l.rowChannels, 0);
          std::fill_n(bytes.begin(), channels, 1);
          return bytes;
        },
        Ones);
    return e.load(type, e.at(ones, channel), 16);
  }

  /// Forms of the packed filter's data; tables of places come behind them.
  enum Form : int64_t { Starts = 1, Ones, ShiftedWeights, StartsOfSums, Places };

  /// The products of codes with each other, after stage 1. Two places share a vector: of each eight bytes, the product
  /// of the one stands in the lower half and that of the other in the upper half.
  void multiplyCodes(const Tiles &tiles) {
    int64_t bytes = std::gcd(l.rowChannels, l.lanes * 4), alignment = std::min<int64_t>(bytes, 16);
    VectorType type = e.vector(b.getI8Type(), bytes), partial = e.vector(b.getI32Type(), bytes / 4);
    VectorType eights = e.vector(b.getI64Type(), bytes / 8);
    Value half = constant(eights, 32), sign = constant(type, -128);
    SmallVector<int64_t> places = placesOf(tiles.algorithm);
    // As many vectors at a time as are added up to one.
    int64_t together = bytes / 8;
    e.loop(e.number(0), e.number(tiles.piece.count), [&](Value t) {
      Value slot = e.add(t, tiles.piece.slot);
      Value from = e.at(e.scratch(), e.mul(slot, l.rowChannels)), to = e.at(terms, e.mul(slot, l.termStride()));
      for (int64_t first = 0; first < l.positions; first += 2 * together) {
        SmallVector<Value> partials(together, constant(partial, 0));
        partials = e.loop(e.number(0), e.number(l.rowChannels / bytes), partials, [&](Value v, ValueRange carried) {
          SmallVector<Value> next(carried.begin(), carried.end());
          Value channel = e.mul(v, bytes);
          for (int64_t i = 0; i < 2 * together; ++i) {
            if (!llvm::is_contained(places, first + i))
              continue; // no such place, or none of these tiles
            Value codes = e.load(type, e.at(e.at(from, channel), (first + i) * l.codeStride()), alignment);
            Value x1 = codes, x2 = vector::BitCastOp::create(b, eights, arith::XOrIOp::create(b, codes, sign));
            if (i % 2 == 0)
              x2 = arith::ShRUIOp::create(b, x2, half);
            else
              x1 = vector::BitCastOp::create(
                  b, type, arith::ShLIOp::create(b, vector::BitCastOp::create(b, eights, codes), half));
            Value &sum = next[i / 2];
            sum = Dot4Op::create(b, partial, sum, x1, vector::BitCastOp::create(b, type, x2), b.getI64IntegerAttr(8));
          }
          return next;
        });
        for (Value &sum : partials)
          sum = vector::BitCastOp::create(b, eights, sum);
        int64_t count = std::min(2 * together, l.termStride() / 4 - first);
        Value totals = vector::BitCastOp::create(b, partial, sumsOfHalves(partials));
        if (count < 2 * together)
          totals = vector::ExtractStridedSliceOp::create(b, totals, 0, count, 1);
        e.store(totals, e.at(to, first * 4), 4);
      }
    });
  }

  /// The sums of each vector's elements, one behind the other; halves of an element are numbers of their own, and there
  /// are as many vectors as elements.
  Value sumsOfHalves(SmallVector<Value> columns) {
    auto type = cast<VectorType>(columns.front().getType());
    VectorType halves = e.vector(b.getI32Type(), 2 * type.getNumElements());
    // Vectors hold groups of elements that remain to be added up: two vectors become one of groups half as long.
    for (int64_t group = type.getNumElements(); group > 1; group /= 2) {
      SmallVector<int64_t> lower, upper;
      for (int64_t at = 0; at < 2 * type.getNumElements(); ++at)
        (at % group < group / 2 ? lower : upper).push_back(at);
      for (size_t i = 0; i < columns.size() / 2; ++i) {
        Value x = columns[2 * i], y = columns[2 * i + 1];
        Value low = vector::ShuffleOp::create(b, x, y, lower), high = vector::ShuffleOp::create(b, x, y, upper);
        columns[i] = vector::BitCastOp::create(b, type,
                                               arith::AddIOp::create(b, vector::BitCastOp::create(b, halves, low),
                                                                     vector::BitCastOp::create(b, halves, high)));
      }
      columns.resize(columns.size() / 2);
    }
    return columns.front();
  }

  /// Stage 2.
  void multiply(const WinogradChunks &chunks) {
    int64_t stepBytes = l.block * 4, positionBytes = l.rowChannels / 4 * stepBytes;
    bool factorsAreSums = l.kind.multipliesSums();
    Value packed = factorsAreSums ? e.data(
                                        conv.getPacked(), [&] { return shiftedWeights(); }, ShiftedWeights)
                                  : weightData(e, conv.getPacked());
    Value weights = e.at(packed, e.mul(block, l.positions * positionBytes));
    Value starts = e.at(e.data(
                            conv.getPacked(), [&] { return startOfSums(); }, factorsAreSums ? StartsOfSums : Starts),
                        e.mul(block, l.positions * stepBytes));
    // Places that are treated alike share one loop: the same tiles, halved or not.
    std::map<Alike, std::vector<int64_t>> alike;
    for (auto [r, position] : llvm::enumerate(order)) {
      auto [first, last] = l.slotsUsing(chunks, position / (l.x.outputs + 2), position % (l.x.outputs + 2));
      if (first < last)
        alike[{int64_t(r) >= l.positions - l.halved, first, last}].push_back(r);
    }
    for (const auto &entry : alike)
      multiplyPlaces(entry.first, entry.second, weights, starts);
  }

  using Alike = std::tuple<bool, int64_t, int64_t>; ///< is halved, first and last slot

  void multiplyPlaces(const Alike &alike, const std::vector<int64_t> &places, Value weights, Value starts) {
    int64_t stepBytes = l.block * 4, positionBytes = l.rowChannels / 4 * stepBytes;
    int64_t first = std::get<1>(alike), count = std::get<2>(alike) - first;
    bool isRun = places.back() - places.front() + 1 == int64_t(places.size());
    Value table = isRun ? Value() : placesData(places);
    e.loop(e.number(0), e.number(places.size()), [&](Value index) {
      Value r = isRun ? e.add(index, places.front()) : e.load(b.getI64Type(), e.at(table, e.mul(index, 8)), 8);
      Position at = {r, e.at(weights, e.mul(r, positionBytes)), e.at(starts, e.mul(r, stepBytes)),
                     e.at(e.scratch(), e.mul(r, l.codeStride())), std::get<0>(alike)};
      int64_t m = winogradRegisterTiles(count, vectors, l.lanes == 16 ? 32 : 16, l.kind), rounds = ceilDiv(count, m);
      e.loop(e.number(0), e.number(count / m),
             [&](Value g) { multiplyTiles(at, e.add(e.mul(g, m), first), m, g, rounds); });
      if (count % m)
        multiplyTiles(at, e.number(first + count / m * m), count % m, e.number(count / m), rounds);
    });
  }

  /// Numbers of places, in memory.
  Value placesData(const std::vector<int64_t> &places) {
    return e.data(
        conv.getPacked(),
        [&] {
          std::vector<char> bytes(places.size() * sizeof(int64_t));
          std::memcpy(bytes.data(), places.data(), bytes.size());
          return bytes;
        },
        Places + placesForms++);
  }
  int64_t placesForms = 0;

  /// Whether vector `j` of a block is made of products of sums.
  bool multipliesSums(int64_t j) const { return l.kind.multipliesSums() && j >= winogradPlainVectors; }

  struct Position {
    Value r, weights, starts, codes;
    bool isHalved;
  };

  /// The sums of `m` tiles from `tile` on, round `round` of `rounds` over the same weights.
  void multiplyTiles(const Position &p, Value tile, int64_t m, Value round, int64_t rounds) {
    VectorType bytes = e.vector(b.getI8Type(), l.lanes * 4);
    int64_t stepBytes = l.block * 4;
    SmallVector<Value> accumulators;
    for (int64_t i = 0; i < m; ++i) {
      Value term;
      if (l.kind.multipliesSums()) {
        Value from = e.at(terms, e.add(e.mul(e.add(tile, i), l.termStride()), e.mul(p.r, 4)));
        term = vector::BroadcastOp::create(b, e.ints(), e.load(b.getI32Type(), from, 4));
      }
      for (int64_t j = 0; j < vectors; ++j) {
        Value start = e.load(e.ints(), e.at(p.starts, j * l.lanes * 4), l.lanes * 4);
        accumulators.push_back(multipliesSums(j) ? arith::SubIOp::create(b, start, term).getResult() : start);
      }
    }
    Value codes = e.at(p.codes, e.mul(tile, l.rowChannels));
    // Four channels a step, or two times four.
    int64_t fours = l.kind.multipliesSums() ? 2 : 1, steps = l.rowChannels / 4 / fours;
    accumulators = e.loop(e.number(0), e.number(steps), accumulators, [&](Value step, ValueRange carried) {
      Value w = e.at(p.weights, e.mul(step, fours * stepBytes)), c = e.at(codes, e.mul(step, fours * 4));
      SmallVector<Value> columns, next(carried.begin(), carried.end());
      for (int64_t j = 0; j < fours * vectors; ++j)
        columns.push_back(e.load(bytes, e.at(w, j * l.lanes * 4), l.lanes * 4));
      if (l.weightBytes() > winogradFarWeights) {
        // Each round fetches its share of the next position's weights, into the first-level cache where it has room for
        // both positions'.
        int32_t near = l.rowChannels * l.block <= 16 * 1024 ? 3 : 2;
        int64_t share = ceilDiv(fours * vectors, rounds);
        Value ahead = e.at(p.weights, e.add(e.mul(round, steps * share * l.lanes * 4), steps * fours * stepBytes));
        ahead = e.at(ahead, e.mul(step, share * l.lanes * 4));
        for (int64_t j = 0; j < share; ++j)
          LLVM::Prefetch::create(b, e.at(ahead, j * l.lanes * 4), /*rw=*/0, near, /*cache=*/1);
      }
      for (int64_t i = 0; i < m; ++i) {
        SmallVector<Value> spread;
        for (int64_t k = 0; k < fours; ++k) {
          Value four = e.load(b.getI32Type(), e.at(c, i * l.rowChannels + k * 4), 4);
          spread.push_back(vector::BitCastOp::create(b, bytes, vector::BroadcastOp::create(b, e.ints(), four)));
        }
        for (int64_t j = 0; j < vectors; ++j) {
          Value &sum = next[i * vectors + j];
          auto add = [&](Value x, Value y) {
            sum = Dot4Op::create(b, sum.getType(), sum, x, y, b.getI64IntegerAttr(8));
          };
          if (multipliesSums(j))
            add(arith::AddIOp::create(b, spread[0], columns[vectors + j]),
                arith::AddIOp::create(b, spread[1], columns[j]));
          else
            for (int64_t k = 0; k < fours; ++k)
              add(spread[k], columns[k * vectors + j]);
        }
      }
      return next;
    });
    int64_t positionBytes = l.block * l.kind.tailBytes;
    Value to = e.at(products, e.add(e.mul(tile, l.positions * positionBytes), e.mul(p.r, positionBytes)));
    for (int64_t i = 0; i < m; ++i) {
      Value codeSum;
      if (p.isHalved) {
        Value h = e.add(p.r, -(l.positions - l.halved));
        Value from = e.at(sums, e.add(e.mul(e.add(tile, i), l.halved * 4), e.mul(h, 4)));
        codeSum = vector::BroadcastOp::create(b, e.ints(), e.load(b.getI32Type(), from, 4));
      }
      auto sum = [&](int64_t j) {
        Value value = accumulators[i * vectors + j];
        if (codeSum)
          value = arith::AddIOp::create(b, arith::AddIOp::create(b, value, value), codeSum);
        return value;
      };
      Value tileAddress = e.at(to, i * l.positions * positionBytes);
      for (int64_t j = 0; j < vectors; j += 4 / l.kind.tailBytes) {
        Value value = l.kind.tailBytes == 4 ? sum(j) : lowHalves(sum(j), sum(j + 1));
        e.store(value, e.at(tileAddress, j * l.lanes * l.kind.tailBytes),
                l.lanes * l.kind.tailBytes * (4 / l.kind.tailBytes));
      }
    }
  }

  /// The low 16 bits of every element of both vectors.
  Value lowHalves(Value x, Value y) {
    VectorType words = e.vector(b.getI16Type(), 2 * l.lanes);
    SmallVector<int64_t> even;
    for (int64_t i = 0; i < 2 * l.lanes; ++i)
      even.push_back(2 * i);
    return vector::ShuffleOp::create(b, vector::BitCastOp::create(b, words, x), vector::BitCastOp::create(b, words, y),
                                     even);
  }

  /// What the sums of each position and output start from.
  std::vector<char> startOfSums() {
    std::vector<int8_t> packed = *constantBytes(conv.getPacked());
    std::vector<int32_t> starts(packed.size() / l.rowChannels, 0);
    int64_t positionBytes = l.rowChannels * l.block, stepBytes = l.block * 4;
    for (int64_t i = 0; i < int64_t(packed.size()); ++i) {
      int32_t &start = starts[i / positionBytes * l.block + i / 4 % l.block];
      if (!multipliesSums(i / 4 % l.block / l.lanes))
        start -= 128 * packed[i];
      else if (i / stepBytes % 2 == 0)
        start -= packed[i] * (packed[i + stepBytes] + 128);
    }
    std::vector<char> bytes(starts.size() * sizeof(int32_t));
    std::memcpy(bytes.data(), starts.data(), bytes.size());
    return bytes;
  }

  /// Packed weights where factors are sums: 128 stands added to y1.
  std::vector<char> shiftedWeights() {
    std::vector<int8_t> packed = *constantBytes(conv.getPacked());
    std::vector<char> bytes(packed.begin(), packed.end());
    for (int64_t i = 0; i < int64_t(bytes.size()); ++i)
      if (multipliesSums(i / 4 % l.block / l.lanes) && i / (l.block * 4) % 2 == 0)
        bytes[i] = char(bytes[i] ^ 0x80);
    return bytes;
  }

  /// Stage 3.
  void transformProducts(const Tiles &tiles) {
    const Winograd &algorithm = tiles.algorithm;
    SmallVector<int64_t> places = placesOf(algorithm);
    int64_t perVector = l.lanes * 4 / l.kind.tailBytes;
    VectorType type = e.vector(b.getIntegerType(l.kind.tailBytes * 8), perVector);
    Value shift = constant(type, algorithm.scaleShift());
    int64_t oddY = oddPart(algorithm.y.scale), oddX = oddPart(algorithm.x.scale);
    e.loop(e.number(0), e.number(tiles.piece.count), [&](Value t) {
      Value tile = e.add(tiles.first, t), y = rowOf(tiles, tile), x = columnOf(tiles, tile);
      Value from = e.at(products, e.mul(e.add(t, tiles.piece.slot), l.positions * l.block * l.kind.tailBytes));
      Value vectorsHere = e.number(l.block / perVector);
      if (memory() % l.block != 0)
        vectorsHere = e.min(vectorsHere,
                            e.divide(arith::SubIOp::create(b, e.number(memory()), e.mul(block, l.block)), perVector));
      e.loop(e.number(0), vectorsHere, [&](Value v) {
        Value here = e.at(from, e.mul(v, l.lanes * 4));
        SmallVector<Value> inputs;
        for (int64_t r : places)
          inputs.push_back(e.load(type, e.at(here, r * l.block * l.kind.tailBytes), l.lanes * 4));
        SmallVector<Value> outputs =
            onBothSides(algorithm.y.a, algorithm.x.a, inputs, [&](const IntMatrix &m, ValueRange in, bool isX) {
              return emitExactQuotient(b, m, isX ? oddX : oddY, in);
            });
        Value channel = e.add(e.mul(block, l.block), e.mul(v, perVector));
        for (int64_t i = 0; i < algorithm.y.outputs; ++i) {
          Column row;
          for (int64_t j = 0; j < algorithm.x.outputs; ++j)
            row.push_back(arith::ShRSIOp::create(b, outputs[i * algorithm.x.outputs + j], shift));
          finishRow(row, e.add(y, i), x, channel);
        }
      });
    });
  }

  static int64_t oddPart(int64_t number) {
    while (number % 2 == 0)
      number /= 2;
    return number;
  }

  /// Sums of 16 bits go on as they are where they only meet thresholds, else as two vectors of 32 bits.
  void finishRow(const Column &row, Value y, Value x, Value channel) {
    if (l.kind.tailBytes == 4 || hasOnlyThresholds())
      return e.finish(row, y, x, row.size(), channel);
    SmallVector<Value> halves;
    for (Value sum : row)
      for (int64_t half : {0, 1}) {
        Value part = vector::ExtractStridedSliceOp::create(b, sum, ArrayRef<int64_t>{half * l.lanes},
                                                           ArrayRef<int64_t>{l.lanes}, ArrayRef<int64_t>{1});
        halves.push_back(arith::ExtSIOp::create(b, e.ints(), part));
      }
    e.finishTile(halves, 2, y, x, row.size(), channel);
  }

  bool hasOnlyThresholds() {
    return llvm::all_of(e.kernel.getBody().front().without_terminator(), [&](Operation &op) {
      return &op == conv.getOperation() || isa<ThresholdOp, TwoSidedThresholdOp>(op);
    });
  }
};

} // namespace

void n2uq::emitWinograd(KernelOp kernel, ItemEmitter &emitter) { Stages(kernel, emitter).emit(); }
