// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The C header of a model's object: what a program needs that links it and has no runtime.
#include "n2uq/Support/Version.h"
#include "n2uq/Target/Target.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace n2uq {

/// A name from outside, in a comment: no end of it, no end of the line.
static std::string inComment(StringRef text) {
  std::string safe;
  for (char c : text)
    safe += static_cast<unsigned char>(c) < ' ' || c == 127 || c == '*' ? '?' : c;
  return safe;
}

namespace {
/// A network input or output of one image, in C.
struct Values {
  explicit Values(mlir::Type type) {
    auto shaped = mlir::cast<mlir::ShapedType>(type);
    element = shaped.getElementType().isF32() ? "float" : "uint8_t";
    for (int64_t i = 1; i < shaped.getRank(); ++i) {
      count *= shaped.getDimSize(i);
      shape += (i > 1 ? ", " : "") + std::to_string(shaped.getDimSize(i));
    }
  }
  std::string element, shape;
  int64_t count = 1;
};
} // namespace

std::string describeObject(mlir::ModuleOp module, const TargetOptions &options, StringRef object) {
  auto model = module->getAttrOfType<mlir::DictionaryAttr>("n2uq.model");
  Values input(model.getAs<mlir::TypeAttr>("input").getValue()),
      output(model.getAs<mlir::TypeAttr>("output").getValue());
  int64_t arena = model.getAs<mlir::IntegerAttr>("arena_bytes_per_image").getInt();
  const std::string &symbol = options.symbol;
  std::string macro = StringRef(symbol).upper();
  return formatv(R"(/* Made by n2uq-compile {0}: the model '{1}' as {2}, which needs libc and a CPU like {3}.
 *
 *   _Alignas(N2UQ_ARENA_ALIGNMENT) static uint8_t arena[{5}_ARENA_BYTES(1)];
 *   {4}_run(arena, input, 1, output);
 *
 * n2uq/model.h says what else the descriptor tells, and how kernels are shared by threads. --symbol=NAME of n2uq-compile
 * gives every model a name of its own where a program links several.
 */
#ifndef {5}_H
#define {5}_H

#include <n2uq/model.h>

#ifdef __cplusplus
extern "C" {{
#endif

extern const n2uq_model {4};

#define {5}_INPUT_VALUES {6} /* {7} of an image: [{8}] */
#define {5}_OUTPUT_VALUES {9} /* {10} of an image: [{11}] */
#define {5}_ARENA_BYTES(batch) (INT64_C({12}) * (batch))

/* Computes `batch` images, at least 1, in the calling thread, whose stack has room for N2UQ_STACK_BYTES. All arrays are
 * the caller's: `arena` has {5}_ARENA_BYTES(batch), is aligned to N2UQ_ARENA_ALIGNMENT, and holds nothing
 * before or after; `input` and `output` are dense, image after image. Threads need an arena each. The floating-point
 * modes are those that a program starts with. It cannot fail. */
static inline void {4}_run(uint8_t *arena, const {7} *input, int64_t batch, {10} *output) {{
  n2uq_frame frame = {{arena, input, output, batch};
  {4}.run(&frame, 0, 0);
}

#ifdef __cplusplus
}
#endif

#endif /* {5}_H */
)",
                 N2UQ_VERSION, inComment(options.modelName), inComment(object), options.cpu.name, symbol, macro,
                 input.count, input.element, input.shape, output.count, output.element, output.shape, arena)
      .str();
}

} // namespace n2uq
