# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""n2uq-compile and n2uq-diff in this process. Arguments are those of the tools."""

from collections.abc import Callable, Sequence
from typing import Any, Optional

import numpy as np

_Listener = Optional[Callable[[str], object]]

def compile(arguments: Sequence[str], progress: _Listener, warning: _Listener) -> None: ...
def diff(arguments: Sequence[str], images: np.ndarray) -> dict[str, Any]: ...
