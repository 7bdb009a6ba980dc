// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arithmetic, rectifiers and what else works element by element.
#include "Converter.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace n2uq::fromtosa {

enum class Arithmetic { Add, Sub, Mul, Max, Min };

static Value createClamp(Converter &c, Value input, float min, float max) {
  return ClampOp::create(c.builder, c.loc, input.getType(), input, llvm::APFloat(min), llvm::APFloat(max));
}

/// A tensor and a constant. c - x = -1 * x + c and x - c = x + -c, both exactly.
static void convertWithConstant(Converter &c, Operation *op, Arithmetic kind, unsigned operand) {
  Converted *input = c.tensor(op, operand);
  if (!input)
    return;
  Value constant = op->getOperand(1 - operand);
  std::optional<std::vector<float>> numbers = c.channelNumbers(constant, *input);
  if (!numbers)
    return void(c.refuse(op, "expects a constant that is one number for all or one per channel, but got " +
                                 llvm::Twine(channelsOf(input->tensor())) + " channels and another shape"));
  // A constant larger than the tensor would make the result larger.
  if (cast<ShapedType>(op->getResult(0).getType()).getShape().drop_front() !=
      cast<ShapedType>(op->getOperand(operand).getType()).getShape().drop_front())
    return void(c.refuse(op, "makes its operand larger (a broadcast), which is not supported"));
  constexpr float infinity = std::numeric_limits<float>::infinity();
  Form form = input->form;
  Value floats = c.floatsOf(*input), result;
  switch (kind) {
  case Arithmetic::Mul:
    result = createAffine(c.builder, c.loc, floats, *numbers, {});
    break;
  case Arithmetic::Sub:
    if (operand == 1) {
      result = createAffine(c.builder, c.loc, floats, {-1.0f}, *numbers);
      break;
    }
    for (float &number : *numbers)
      number = -number;
    [[fallthrough]];
  case Arithmetic::Add:
    result = createAffine(c.builder, c.loc, floats, {}, *numbers);
    break;
  case Arithmetic::Max:
  case Arithmetic::Min:
    if (!llvm::all_equal(*numbers) || std::isnan(numbers->front()))
      return void(c.refuse(op, "expects bounds that are one number"));
    result = kind == Arithmetic::Max ? createClamp(c, floats, numbers->front(), infinity)
                                     : createClamp(c, floats, -infinity, numbers->front());
    break;
  }
  c.define(op->getResult(0), result, form);
}

static void convertArithmetic(Converter &c, Operation *op, Arithmetic kind) {
  for (unsigned operand : {0u, 1u})
    if (c.constant(op->getOperand(1 - operand)))
      return convertWithConstant(c, op, kind, operand);
  Converted *one = c.tensor(op, 0), *two = one ? c.tensor(op, 1) : nullptr;
  if (!two)
    return;
  Form form = one->form;
  Value lhs = c.floatsOf(*one), rhs = c.floatsOf(*two);
  if (form != two->form || lhs.getType() != rhs.getType())
    return void(c.refuse(op, "combines tensors of different shapes or layouts, which is not supported"));
  Value result;
  switch (kind) {
  case Arithmetic::Add:
    result = AddOp::create(c.builder, c.loc, lhs.getType(), lhs, rhs);
    break;
  case Arithmetic::Sub:
    result = arith::SubFOp::create(c.builder, c.loc, lhs, rhs);
    break;
  case Arithmetic::Mul:
    result = arith::MulFOp::create(c.builder, c.loc, lhs, rhs);
    break;
  case Arithmetic::Max:
    result = arith::MaximumFOp::create(c.builder, c.loc, lhs, rhs);
    break;
  case Arithmetic::Min:
    result = arith::MinimumFOp::create(c.builder, c.loc, lhs, rhs);
    break;
  }
  c.define(op->getResult(0), result, form);
}

static void convertClamp(Converter &c, tosa::ClampOp op) {
  auto min = dyn_cast<FloatAttr>(op.getMinVal()), max = dyn_cast<FloatAttr>(op.getMaxVal());
  if (!min || !max || !min.getType().isF32() || op.getNanMode() != tosa::NanPropagationMode::PROPAGATE)
    return void(c.refuse(op, "expects bounds of f32 and a nan_mode that propagates"));
  Form form;
  if (Value input = c.floats(op, 0, form))
    c.define(op.getResult(), createClamp(c, input, min.getValue().convertToFloat(), max.getValue().convertToFloat()),
             form);
}

template <typename Make>
static void convertUnary(Converter &c, Operation *op, Make make) {
  Form form;
  if (Value input = c.floats(op, 0, form))
    c.define(op->getResult(0), make(input), form);
}

/// select(x > 0, x, x * slope): how a parametric rectifier is written.
static void convertSelect(Converter &c, tosa::SelectOp op) {
  Value x = op.getInput2();
  auto greater = op.getInput1().getDefiningOp<tosa::GreaterOp>();
  auto product = op.getInput3().getDefiningOp<tosa::MulOp>();
  std::optional<std::vector<float>> zero =
      greater && greater.getInput1() == x ? c.constant(greater.getInput2()) : std::nullopt;
  Value slope;
  if (product && product.getInput1() == x)
    slope = product.getInput2();
  else if (product && product.getInput2() == x)
    slope = product.getInput1();
  if (!zero || !slope || llvm::any_of(*zero, [](float z) { return z != 0; }))
    return void(c.refuse(op, "is converted where it is a rectifier only: select(x > 0, x, x * slope)"));
  Converted *input = c.tensor(op, 1);
  if (!input)
    return;
  std::optional<std::vector<float>> slopes = c.channelNumbers(slope, *input);
  if (!slopes)
    return void(c.refuse(op, "expects a slope that is one number for all or one per channel"));
  Form form = input->form;
  Value floats = c.floatsOf(*input);
  Value table =
      createFloats(c.builder, parameterLocation(c.loc, "slope"), {static_cast<int64_t>(slopes->size())}, *slopes);
  c.define(op.getResult(), PReLUOp::create(c.builder, c.loc, floats.getType(), floats, table), form);
}

/// Read by selects only, which look through it.
static void convertGreater(Converter &c, tosa::GreaterOp op) {
  for (Operation *user : op->getUsers())
    if (!isa<tosa::SelectOp>(user))
      return void(c.refuse(op, "is converted as the condition of a tosa.select only"));
}

bool convertElementwise(Converter &c, Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](tosa::AddOp op) { return convertArithmetic(c, op, Arithmetic::Add), true; })
      .Case([&](tosa::SubOp op) { return convertArithmetic(c, op, Arithmetic::Sub), true; })
      .Case([&](tosa::MulOp op) { return convertArithmetic(c, op, Arithmetic::Mul), true; })
      .Case([&](tosa::MaximumOp op) { return convertArithmetic(c, op, Arithmetic::Max), true; })
      .Case([&](tosa::MinimumOp op) { return convertArithmetic(c, op, Arithmetic::Min), true; })
      .Case([&](tosa::ClampOp op) { return convertClamp(c, op), true; })
      .Case([&](tosa::SelectOp op) { return convertSelect(c, op), true; })
      .Case([&](tosa::GreaterOp op) { return convertGreater(c, op), true; })
      .Case([&](tosa::SigmoidOp op) {
        convertUnary(c, op, [&](Value x) { return SigmoidOp::create(c.builder, c.loc, x.getType(), x).getResult(); });
        return true;
      })
      .Case([&](tosa::AbsOp op) {
        convertUnary(c, op, [&](Value x) { return math::AbsFOp::create(c.builder, c.loc, x).getResult(); });
        return true;
      })
      .Case([&](tosa::NegateOp op) {
        if (c.hasNoZeroPoints(op, {op.getInput1Zp(), op.getOutputZp()}))
          convertUnary(c, op, [&](Value x) { return arith::NegFOp::create(c.builder, c.loc, x).getResult(); });
        return true;
      })
      // Upstream's own ops stay, on the tensors that their operands have become.
      .Case<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp, arith::NegFOp, arith::MaximumFOp,
            arith::MinimumFOp, math::AbsFOp, math::SqrtOp>([&](Operation *op) {
        SmallVector<Value> operands;
        Form form = Form::Same, first = Form::Same;
        for (unsigned operand = 0; operand < op->getNumOperands(); ++operand) {
          Value value = c.floats(op, operand, form);
          if (!value)
            return true;
          if (operand > 0 && (form != first || value.getType() != operands.front().getType()))
            return c.refuse(op, "combines tensors of different shapes or layouts, which is not supported"), true;
          first = form;
          operands.push_back(value);
        }
        OperationState state(c.loc, op->getName(), operands, operands.front().getType(), op->getAttrs());
        c.define(op->getResult(0), c.builder.create(state)->getResult(0), form);
        return true;
      })
      .Default(false);
}

} // namespace n2uq::fromtosa
