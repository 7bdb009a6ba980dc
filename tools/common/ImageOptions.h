// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `--image-input` and what belongs to it, the same for every tool that reads a model: n2uq-compile makes a library of
// the rewritten network, n2uq-translate writes or interprets it, n2uq-diff compares both.
#ifndef N2UQ_TOOLS_COMMON_IMAGEOPTIONS_H
#define N2UQ_TOOLS_COMMON_IMAGEOPTIONS_H

#include "n2uq/Support/CommandLine.h"

#include "mlir/IR/BuiltinOps.h"

namespace n2uq {

/// Lines for a tool's help.
#define N2UQ_IMAGE_OPTIONS_HELP                                                                                        \
  "  --image-input           rewrite the network to take uint8 pixels [N, H, W, C], normalisation inside\n"            \
  "  --stem-bits=8|16|24     bits of the rewritten first layer's weights (default 24)\n"                               \
  "  --mean=M[,M…]           what the network's images were normalised with, pixels in 0..1: a number for each "       \
  "channel\n"                                                                                                          \
  "  --std=S[,S…]            or one for all (default: ImageNet's, for images of three channels)\n"

class ImageOptions {
public:
  void addTo(CommandLine &line);
  /// Rewrites the network where `--image-input` is given. Returns an empty string or one sentence.
  std::string apply(mlir::ModuleOp module) const;

private:
  bool imageInput = false;
  int64_t stemBits = 0; // 0: not given
  std::string mean, deviation;
};

} // namespace n2uq

#endif // N2UQ_TOOLS_COMMON_IMAGEOPTIONS_H
