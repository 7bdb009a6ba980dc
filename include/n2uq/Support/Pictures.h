// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What users say about pictures: names of classes, and how a picture becomes an input. n2uq-compile stores it in a
// model, n2uq-run takes it in place of what is stored. All functions return an empty string or one sentence.
#ifndef N2UQ_SUPPORT_PICTURES_H
#define N2UQ_SUPPORT_PICTURES_H

#include "n2uq/model.h"

#include <string>
#include <vector>

namespace n2uq {

/// Reads names of classes, one a line.
std::string readLabels(const std::string &path, std::vector<std::string> &labels);

/// "bilinear" or "bicubic". `option` is for the sentence.
std::string readFilter(const std::string &option, const std::string &name, int32_t &filter);

/// Three numbers with `separator` between them.
std::string readChannels(const std::string &option, const std::string &text, char separator, float (&channels)[3]);

/// A resize that was not given: the usual one for the network's input.
constexpr int64_t usualResize = -1;

/// Reads `resize=N,filter=NAME,mean=R/G/B,std=R/G/B`, each of which may be left out: `resize` is `usualResize` then,
/// the rest is ImageNet's.
std::string readPictures(const std::string &option, const std::string &text, n2uq_pictures &pictures);

} // namespace n2uq

#endif // N2UQ_SUPPORT_PICTURES_H
