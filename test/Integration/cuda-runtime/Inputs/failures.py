# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""failures.py CALLS MODEL FAKE SOURCE: lets the n-th call of each function of the driver fail. The program must say so in one
sentence and end by itself. Functions that give something back cannot fail anybody."""
import os
import pathlib
import re
import subprocess
import sys

calls, model, fake, source = sys.argv[1:]
header = (pathlib.Path(source) / "runtime/src/cuda_driver.h").read_text(encoding="utf-8")
functions = re.findall(r'X\(\w+, "(\w+)"', header)
assert len(functions) > 30
never = {"cuGetErrorName", "cuGetErrorString"}
give_back = {"cuDevicePrimaryCtxRelease_v2", "cuMemFree_v2", "cuMemFreeHost", "cuModuleUnload", "cuStreamDestroy_v2", "cuGraphDestroy",
             "cuGraphExecDestroy", "cuEventDestroy_v2"}
failures = 0
for function in functions:
    for call in (1, 2, 5) if function not in never else ():
        ran = subprocess.run([calls, model], capture_output=True, text=True, timeout=60,
                             env={**os.environ, "LD_LIBRARY_PATH": fake, "N2UQ_FAKE_CUDA": f"fail={function}:{call}"})
        place = f"{function}, call {call}: exit {ran.returncode}, {ran.stdout!r}, {ran.stderr!r}"
        if ran.returncode == 0 or function in give_back:
            # Nobody hears of it, or there is no such call in the program's course.
            assert ran.returncode == 0 and "all calls are right" in ran.stdout and (call > 1 or function in give_back), place
            continue
        assert ran.returncode == 1 and ran.stdout.count("\n") == 1 and not ran.stderr, place
        assert "planted failure" in ran.stdout or "CUDA driver on this machine" in ran.stdout or "is no CUDA driver" in ran.stdout, place
        failures += 1
print(f"{failures} failures of {len(functions) - len(never)} functions, each a sentence")
