# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The one exception of this package: its text is a sentence for the user (what, where, what to do)."""


class Error(Exception):
    pass
