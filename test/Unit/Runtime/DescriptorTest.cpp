// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Descriptors that cannot be, one fault each.
#include "SmallModel.h"
#include "internal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <cstring>
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
  EXPECT_NE(complaint([](n2uq_model &m) { m.abi_version = 4; }).find("version 4"), std::string::npos);
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

TEST(Descriptor, Labels) {
  const char *labels[3] = {"cat", "dog", nullptr};
  auto with = [&](int64_t classes, int64_t count, const char *const *names) {
    return complaint([&](n2uq_model &m) {
      m.output.dims[1] = classes;
      m.label_count = count;
      m.labels = names;
    });
  };
  EXPECT_EQ(with(2, 2, labels), "");
  EXPECT_EQ(with(2, 0, nullptr), "");
  EXPECT_NE(with(3, 2, labels).find("labels are not one for each class"), std::string::npos);
  EXPECT_NE(with(3, 3, labels).find("labels are not all texts"), std::string::npos);
  EXPECT_NE(with(2, 2, nullptr).find("labels do not lie in it"), std::string::npos);
  for (int64_t count : {int64_t(-1), most, least})
    EXPECT_NE(with(2, count, labels), "") << count;
  std::string longest(N2UQ_STRING_BYTES, 'x');
  const char *one[1] = {longest.c_str()};
  EXPECT_NE(with(1, 1, one), "");
  longest.pop_back();
  one[0] = longest.c_str();
  EXPECT_EQ(with(1, 1, one), "");
}

TEST(Descriptor, Pictures) {
  auto with = [](const std::function<void(n2uq_model &, n2uq_pictures &)> &change) {
    n2uq_pictures pictures = {256, N2UQ_BICUBIC, {0.5f, 0.5f, 0.5f}, {0.25f, 0.25f, 0.25f}};
    return complaint([&](n2uq_model &m) {
      m.input.dims[1] = 3;
      m.pictures = &pictures;
      change(m, pictures);
    });
  };
  EXPECT_EQ(with([](n2uq_model &, n2uq_pictures &) {}), "");
  EXPECT_EQ(with([](n2uq_model &, n2uq_pictures &p) { p.resize = 0; }), "");
  EXPECT_NE(with([](n2uq_model &m, n2uq_pictures &) { m.input.dims[1] = 1; }), "");
  EXPECT_NE(with([](n2uq_model &m, n2uq_pictures &) { m.input.rank = 2; }), "");
  for (int64_t resize : {int64_t(-1), int64_t(1) << 21, most, least})
    EXPECT_NE(with([&](n2uq_model &, n2uq_pictures &p) { p.resize = resize; }), "") << resize;
  for (int32_t filter : {0, 3, -1})
    EXPECT_NE(with([&](n2uq_model &, n2uq_pictures &p) { p.filter = filter; }), "") << filter;
  EXPECT_NE(with([](n2uq_model &, n2uq_pictures &p) { p.mean[2] = std::nanf(""); }), "");
  EXPECT_NE(with([](n2uq_model &, n2uq_pictures &p) { p.deviation[1] = 0; }), "");
  EXPECT_NE(with([](n2uq_model &, n2uq_pictures &p) { p.deviation[0] = HUGE_VALF; }), "");
}

/// A descriptor of version 1: rows of codes without their last field, and nothing behind `run`.
struct FirstVersion {
  static constexpr int64_t rowBytes = offsetof(n2uq_codes, storage_bits);
  n2uq_model model = SmallModel::descriptor();
  unsigned char codes[2 * rowBytes];
  n2uq_model *upgraded = nullptr;
  n2uq_segment block = {};

  FirstVersion() {
    model.abi_version = 1;
    model.size = offsetof(n2uq_model, cuda);
    model.cuda = reinterpret_cast<const n2uq_cuda_module *>(8); // what lies behind an old descriptor is not read
    model.label_count = 77;
    model.codes_count = 2;
    for (int i = 0; i < 2; ++i)
      std::memcpy(codes + i * rowBytes, SmallModel::codes, rowBytes);
    model.codes = reinterpret_cast<const n2uq_codes *>(codes);
  }
  ~FirstVersion() { std::free(upgraded); }
  std::string upgrade(const n2uq_segment *segments = nullptr, int64_t count = 0) {
    n2uq_status status = n2uq_upgrade_descriptor("m", &model, segments, count, &upgraded, &block);
    if (status == N2UQ_OK && upgraded)
      status = n2uq_check_descriptor("m", upgraded, nullptr, 0);
    return status == N2UQ_OK ? "" : n2uq_last_error();
  }
};

TEST(Descriptor, OfTheFirstVersion) {
  FirstVersion old;
  ASSERT_EQ(old.upgrade(), "");
  ASSERT_NE(old.upgraded, nullptr);
  EXPECT_EQ(old.upgraded->abi_version, N2UQ_ABI_VERSION);
  EXPECT_EQ(old.upgraded->cuda, nullptr);
  EXPECT_EQ(old.upgraded->label_count, 0);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(old.upgraded->codes[i].storage_bits, 8);
    EXPECT_STREQ(old.upgraded->codes[i].name, "quan");
    EXPECT_EQ(old.upgraded->codes[i].pixel_bytes, SmallModel::channels);
  }
  EXPECT_EQ(old.block.begin, reinterpret_cast<uintptr_t>(old.upgraded));
  EXPECT_EQ(old.block.end - old.block.begin, sizeof(n2uq_model) + 2 * sizeof(n2uq_codes));
}

TEST(Descriptor, OfTheFirstVersionDamaged) {
  auto with = [](const std::function<void(n2uq_model &)> &change) {
    FirstVersion old;
    change(old.model);
    return old.upgrade();
  };
  EXPECT_NE(with([](n2uq_model &m) { m.size += 8; }).find("of another size than those of version 1"),
            std::string::npos);
  for (int64_t count : {int64_t(-1), most, least, int64_t(1) << 17})
    EXPECT_NE(with([&](n2uq_model &m) { m.codes_count = count; }), "") << count;
  EXPECT_NE(with([](n2uq_model &m) { m.codes = nullptr; }), "");
  EXPECT_NE(with([](n2uq_model &m) { m.name = nullptr; }), "");
  // Its table of codes has to lie in the library, like everything.
  FirstVersion old;
  auto at = [](const void *place) { return reinterpret_cast<uintptr_t>(place); };
  n2uq_segment model = {at(&old.model), at(&old.model) + sizeof(n2uq_model), false, false};
  EXPECT_NE(old.upgrade(&model, 1).find("table of codes does not lie in it"), std::string::npos);
  n2uq_segment shorter = {at(&old.model), at(&old.model) + 100, false, false};
  EXPECT_NE(old.upgrade(&shorter, 1), "");
}

TEST(Descriptor, OfThisVersionOrOfNoneIsNotUpgraded) {
  for (uint32_t version : {0u, N2UQ_ABI_VERSION, 99u}) {
    FirstVersion other;
    other.model.abi_version = version;
    EXPECT_EQ(other.upgrade(), "");
    EXPECT_EQ(other.upgraded, nullptr);
  }
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
