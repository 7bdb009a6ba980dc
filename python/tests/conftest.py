# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What holds for all tests here: a compilation compiles, unless the test says that it is about the cache."""

import os

os.environ["N2UQ_CACHE_MIB"] = "0"
