# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""tools/dev/new-pass on a scratch copy of the tree: what it makes builds, passes its test, and satisfies the lint tests.

The slowest test of tools/check (about a minute): the copy compiles what the new definition touches; the rest comes from
ccache.
"""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRATCH = ROOT / "build/new-pass-scratch"


def run(command, **options):
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert ran.returncode == 0, f"{' '.join(map(str, command))}\n{ran.stdout[-4000:]}\n{ran.stderr[-4000:]}"
    return ran.stdout


@pytest.fixture
def scratch():
    """The tree as it is now: tracked and new files, no build."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    names = run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]).split("\0")
    for name in names:
        if name and (ROOT / name).is_file():
            (SCRATCH / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, SCRATCH / name)
    yield SCRATCH
    shutil.rmtree(SCRATCH, ignore_errors=True)


def test_a_new_pass_builds_and_passes_at_once(scratch):
    run([scratch / "tools/dev/new-pass", "FoldScratchExample", "--op=PReLUOp", "--summary=fold an example"])
    # The copy has no environment of its own to find Halide in.
    halide = next((ROOT / "build/venv/lib").glob("python3*/site-packages/halide"))
    run(["cmake", "--preset", "release", f"-DN2UQ_HALIDE_ROOT={halide}"], cwd=scratch)
    run(["cmake", "--build", "build", "-j", os.cpu_count() or 1, "--target", "n2uq-opt"], cwd=scratch)
    assert "--n2uq-fold-scratch-example" in run([scratch / "build/bin/n2uq-opt", "--help"])

    lit = pathlib.Path(run(["llvm-config-22", "--bindir"]).strip()) / "lit"
    shown = run([lit, "-v", scratch / "build/test/Transforms/fold-scratch-example.mlir"])
    assert "PASS: N2UQ :: Transforms/fold-scratch-example.mlir" in shown

    run([scratch / "tools/dev/docs", "--check"])
    assert "fold-scratch-example" in (scratch / "lib/Transforms/Passes.md").read_text(encoding="utf-8")
    run(["clang-format-22", "--dry-run", "--Werror", scratch / "lib/Transforms/FoldScratchExample.cpp"])
    run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test/lint/test_passes.py"], cwd=scratch)


@pytest.mark.parametrize("arguments, sentence", [
    ([], "name the pass, for example FoldBatchNorm"),
    (["foldBatchNorm"], "'foldBatchNorm' is not a name like FoldBatchNorm"),
    (["FooPass"], "leave 'Pass' away: the name is Foo"),
    (["Foo", "--folder=Support"], "lib/Support has no passes"),
    (["Foo", "--op=SubtractOp"], "the n2uq dialect has no op SubtractOp"),
    (["NormalizeSigns"], "NormalizeSigns is already there"),
])
def test_bad_calls_say_why_and_change_nothing(arguments, sentence):
    before = (ROOT / "include/n2uq/Transforms/Passes.td").read_bytes()
    ran = subprocess.run([ROOT / "tools/dev/new-pass", *arguments], capture_output=True, text=True)
    assert ran.returncode == 1 and sentence in ran.stderr and len(ran.stderr.splitlines()) == 1
    assert (ROOT / "include/n2uq/Transforms/Passes.td").read_bytes() == before
