# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""lit's view of the gtest binaries: every executable below build/test/Unit whose name ends in Tests."""
import os

import lit.formats

config.name = "N2UQ-Unit"
config.test_format = lit.formats.GoogleTest(".", "Tests")
config.test_exec_root = os.path.join(config.n2uq_build_dir, "test", "Unit")
config.test_source_root = config.test_exec_root
for name in ("TMPDIR", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
