// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Descriptors that cannot be, one fault each.
#include "SmallModel.h"
#include "internal.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

namespace {

constexpr int64_t most = std::numeric_limits<int64_t>::max(), least = std::numeric_limits<int64_t>::min();

/// The sentence about the small model after `change`; empty where it is accepted.
std::string complaint(const std::function<void(n2uq_model &)> &change) {
  n2uq_model model = SmallModel::descriptor();
  change(model);
  return n2uq_check_descriptor("m", &model, nullptr, 0) == N2UQ_OK ? "" : n2uq_last_error();
}

TEST(Descriptor, SmallModelIsAccepted) {
  EXPECT_EQ(complaint([](n2uq_model &) {}), "");
}

TEST(Descriptor, Null) { EXPECT_EQ(n2uq_check_descriptor("m", nullptr, nullptr, 0), N2UQ_BAD_FILE); }

TEST(Descriptor, Header) {
  EXPECT_NE(complaint([](n2uq_model &m) { m.magic ^= 1; }), "");
  EXPECT_NE(complaint([](n2uq_model &m) { m.abi_version = 3; }).find("version 3"), std::string::npos);
  EXPECT_NE(complaint([](n2uq_model &m) { m.size -= 8; }), "");
  EXPECT_NE(complaint([](n2uq_model &m) { m.name = nullptr; }), "");
  EXPECT_NE(complaint([](n2uq_model &m) { m.target_cpu = nullptr; }), "");
  EXPECT_NE(complaint([](n2uq_model &m) { m.run = nullptr; }), "");
}

TEST(Descriptor, Tensors) {
  for (n2uq_tensor n2uq_model::*which : {&n2uq_model::input, &n2uq_model::output}) {
    EXPECT_NE(complaint([&](n2uq_model &m) { (m.*which).name = nullptr; }), "");
    EXPECT_NE(complaint([&](n2uq_model &m) { (m.*which).dtype = 3; }), "");
    EXPECT_NE(complaint([&](n2uq_model &m) { (m.*which).rank = 3; }), "");
    EXPECT_NE(complaint([&](n2uq_model &m) { (m.*which).rank = -1; }), "");
    EXPECT_NE(complaint([&](n2uq_model &m) { (m.*which).dims[0] = 1; }), "");
    for (int64_t extent : {int64_t(0), int64_t(-1), most, least})
      EXPECT_NE(complaint([&](n2uq_model &m) { (m.*which).dims[1] = extent; }), "") << extent;
  }
  EXPECT_NE(complaint([](n2uq_model &m) { m.input.dims[1] = m.input.dims[2] = m.input.dims[3] = 1 << 24; }), "");
}

TEST(Descriptor, Sizes) {
  for (int64_t n2uq_model::*which :
       {&n2uq_model::arena_bytes_per_image, &n2uq_model::arena_bytes_fixed, &n2uq_model::weight_bytes})
    for (int64_t bytes : {int64_t(-1), most, least})
      EXPECT_NE(complaint([&](n2uq_model &m) { m.*which = bytes; }), "") << bytes;
  for (int64_t count : {int64_t(-1), most, least}) {
    EXPECT_NE(complaint([&](n2uq_model &m) { m.kernel_count = count; }), "") << count;
    EXPECT_NE(complaint([&](n2uq_model &m) { m.codes_count = count; }), "") << count;
  }
  EXPECT_NE(complaint([](n2uq_model &m) { m.kernels = nullptr; }), "");
  EXPECT_NE(complaint([](n2uq_model &m) { m.codes = nullptr; }), "");
}

TEST(Descriptor, Kernels) {
  auto with = [](const std::function<void(n2uq_kernel &)> &change) {
    n2uq_kernel kernels[2] = {SmallModel::kernels[0], SmallModel::kernels[1]};
    change(kernels[1]);
    return complaint([&](n2uq_model &m) { m.kernels = kernels; });
  };
  EXPECT_EQ(with([](n2uq_kernel &) {}), "");
  EXPECT_NE(with([](n2uq_kernel &k) { k.name = nullptr; }).find("kernel 1 has no name"), std::string::npos);
  EXPECT_NE(with([](n2uq_kernel &k) { k.strategy = nullptr; }), "");
  EXPECT_NE(with([](n2uq_kernel &k) { k.run = nullptr; }), "");
  for (int64_t size : {int64_t(-1), most, least})
    EXPECT_NE(with([&](n2uq_kernel &k) { k.items_per_image = size; }), "") << size;
}

TEST(Descriptor, ModelsForGpus) {
  auto with = [](const std::function<void(n2uq_model &, n2uq_cuda_module &, n2uq_cuda_launch &)> &change) {
    n2uq_kernel kernels[2] = {SmallModel::kernels[0], SmallModel::kernels[1]};
    kernels[0].run = kernels[1].run = nullptr;
    n2uq_cuda_launch launches[2] = {{"quan", 1, 256, 1, 256, 0}, {"fc", 1, 256, 1, 256, 0}};
    n2uq_cuda_module cuda = {".version 7.0\n", 13, 80, nullptr, 0, 2, launches};
    return complaint([&](n2uq_model &m) {
      m.run = nullptr;
      m.kernels = kernels;
      m.cuda = &cuda;
      change(m, cuda, launches[1]);
    });
  };
  auto cuda = [&](const std::function<void(n2uq_cuda_module &)> &change) {
    return with([&](n2uq_model &, n2uq_cuda_module &c, n2uq_cuda_launch &) { change(c); });
  };
  auto launch = [&](const std::function<void(n2uq_cuda_launch &)> &change) {
    return with([&](n2uq_model &, n2uq_cuda_module &, n2uq_cuda_launch &l) { change(l); });
  };
  EXPECT_EQ(cuda([](n2uq_cuda_module &) {}), "");
  EXPECT_NE(with([](n2uq_model &m, auto &, auto &) { m.run = SmallModel::descriptor().run; }), "");
  EXPECT_NE(with([](n2uq_model &m, auto &, auto &) { m.kernels = SmallModel::kernels; }), "");
  EXPECT_NE(cuda([](n2uq_cuda_module &c) { c.ptx = nullptr; }), "");
  EXPECT_NE(cuda([](n2uq_cuda_module &c) { c.ptx_bytes = 12; }), "");
  EXPECT_NE(cuda([](n2uq_cuda_module &c) { c.compute_capability = 0; }), "");
  EXPECT_NE(cuda([](n2uq_cuda_module &c) { c.weight_bytes = 1; }), "");
  EXPECT_NE(cuda([](n2uq_cuda_module &c) { c.launch_count = 1; }), "");
  EXPECT_NE(launch([](n2uq_cuda_launch &l) { l.entry = nullptr; }).find("kernel 1 has no entry"), std::string::npos);
  for (int64_t n2uq_cuda_launch::*which :
       {&n2uq_cuda_launch::units_per_image, &n2uq_cuda_launch::units_per_block, &n2uq_cuda_launch::grid_y,
        &n2uq_cuda_launch::threads, &n2uq_cuda_launch::shared_bytes})
    for (int64_t value : {int64_t(-1), most, least})
      EXPECT_NE(launch([&](n2uq_cuda_launch &l) { l.*which = value; }), "") << value;
}

TEST(Descriptor, CodesLieInTheArena) {
  auto with = [](const std::function<void(n2uq_codes &)> &change) {
    n2uq_codes codes[1] = {SmallModel::codes[0]};
    change(codes[0]);
    return complaint([&](n2uq_model &m) { m.codes = codes; });
  };
  EXPECT_EQ(with([](n2uq_codes &) {}), "");
  EXPECT_NE(with([](n2uq_codes &c) { c.kernel = 2; }), "");
  EXPECT_NE(with([](n2uq_codes &c) { c.kernel = -1; }), "");
  EXPECT_NE(with([](n2uq_codes &c) { c.bits = 0; }), "");
  EXPECT_NE(with([](n2uq_codes &c) { c.bits = 9; }), "");
  EXPECT_NE(with([](n2uq_codes &c) { c.origin = 1; }), "");
  EXPECT_NE(with([](n2uq_codes &c) { c.channels = 3; }), "");
  EXPECT_NE(with([](n2uq_codes &c) { c.row_bytes = 5; }), "");
  EXPECT_NE(with([](n2uq_codes &c) { c.offset_per_batch = 1; }), "");
  // Right for one image, but not for two.
  EXPECT_NE(with([](n2uq_codes &c) { c.image_bytes = 9; }), "");
  for (int64_t n2uq_codes::*which :
       {&n2uq_codes::height, &n2uq_codes::width, &n2uq_codes::channels, &n2uq_codes::offset_per_batch,
        &n2uq_codes::image_bytes, &n2uq_codes::origin, &n2uq_codes::row_bytes, &n2uq_codes::pixel_bytes})
    for (int64_t value : {int64_t(-1), int64_t(1) << 45, most, least})
      EXPECT_NE(with([&](n2uq_codes &c) { c.*which = value; }), "") << value;
}

TEST(Descriptor, ArenaBytesOfABatch) {
  n2uq_model model = SmallModel::descriptor();
  model.arena_bytes_fixed = 100;
  EXPECT_EQ(n2uq_checked_arena_bytes(&model, 3), 3 * SmallModel::values + 100);
  for (int64_t batch : {int64_t(0), int64_t(-1), least, most, int64_t(1) << 45})
    EXPECT_EQ(n2uq_checked_arena_bytes(&model, batch), -1) << batch;
  EXPECT_EQ(n2uq_tensor_bytes(&model.input, 2), 2 * 4 * SmallModel::values);
  EXPECT_EQ(n2uq_tensor_bytes(&model.input, most), -1);
  EXPECT_EQ(n2uq_tensor_bytes(nullptr, 1), -1);
}

} // namespace
