# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""n2uq.Model on a model written by hand in C (the runtime's own test model), so that no compiler is in question."""

import os
import pathlib
import shutil
import struct
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch

import n2uq

ROOT = pathlib.Path(__file__).resolve().parents[2]


def seal(path):
    """Appends the trailer of n2uq/model.h: magic, size, FNV-1a over 64-bit words with a shift."""
    content, mask = path.read_bytes(), (1 << 64) - 1
    state = 0xcbf29ce484222325
    for word, in struct.iter_unpack("<Q", content + b"\0" * (-len(content) % 8)):
        state = ((state ^ word) * 0x100000001b3) & mask
        state ^= state >> 32
    path.write_bytes(content + struct.pack("<QQQ", 0x31304c444d51324e, len(content), state))


def build(folder, *flags):
    path = folder / "model.so"
    source = ROOT / "test" / "Integration" / "runtime" / "Inputs" / "fake_model.c"
    subprocess.run([shutil.which("cc") or "clang-22", "-shared", "-fPIC", "-O1", f"-I{ROOT}/runtime/include", *flags, "-o",
                    path, source], check=True)
    seal(path)
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return build(tmp_path_factory.mktemp("model"))


def expected(x):
    """The fake model's three kernels."""
    codes = sum((x > t).astype(np.uint8) for t in (0.5, 1.0, 1.5)).transpose(0, 2, 3, 1)
    padded = np.pad(codes, ((0, 0), (1, 1), (1, 1), (0, 0))).astype(int)
    sums = sum(padded[:, i:i + 6, j:j + 5].sum(-1) for i in range(3) for j in range(3))
    ones = (sums >= 9).astype(np.uint8)[..., None]
    return (ones.reshape(len(x), 3, -1).sum(-1).astype("f") / np.float32(10)), codes, ones


def images(count=3, seed=1):
    return np.random.default_rng(seed).uniform(0, 2, (count, 2, 6, 5)).astype("f")


def test_runs(path):
    model = n2uq.Model(path)
    for count in (1, 3, 40):
        x = images(count)
        for threads in (None, 1, 2):
            assert np.array_equal(model(x, threads=threads), expected(x)[0])
            assert np.array_equal(model(x, streams=threads or 3), expected(x)[0])
    assert np.array_equal(model(images()[:, :, ::-1, ::-1]), expected(images()[:, :, ::-1, ::-1])[0])  # not contiguous


def test_a_call_costs_few_microseconds(path):
    """The model's own work is below a microsecond, so a call is what the package adds to the one of C."""
    model, x, times = n2uq.Model(path), images(1), []
    out = model(x, threads=1)
    for _ in range(3000):
        start = time.perf_counter()
        model(x, threads=1, out=out)
        times.append(time.perf_counter() - start)
    assert min(times) < 20e-6, f"{1e6 * min(times):.1f} microseconds"


def test_takes_dlpack(path):
    model, x = n2uq.Model(path), images()
    assert np.array_equal(model(torch.from_numpy(x)), expected(x)[0])
    with pytest.raises(n2uq.Error, match="detached tensor"):
        model(torch.from_numpy(x).requires_grad_())


def test_info_profile_and_codes(path):
    model, x = n2uq.Model(path), images(4)
    info = model.info
    assert info["name"] == "fake" and info["input"] == {"name": "input", "dtype": "float32", "shape": ["N", 2, 6, 5]}
    assert info["output"]["shape"] == ["N", 3] and [k["name"] for k in info["kernels"]] == ["stem.quan", "block", "fc"]
    assert info["cpu_features"][0] == "cmov" and info["arena_bytes"] >= info["arena_bytes_per_image"] > 0
    rows = model.profile(x)
    assert [row["name"] for row in rows] == ["stem.quan", "block", "fc"] and rows[1]["macs"] == 4 * 9 * 60
    assert all(row["ms"] >= 0 for row in rows) and abs(sum(row["share"] for row in rows) - 1) < 1e-6
    codes = model.codes(x)
    assert np.array_equal(codes["stem.quan"], expected(x)[1]) and np.array_equal(codes["block.quan"], expected(x)[2])


def test_wrong_inputs_are_named(path):
    model = n2uq.Model(path)
    for x in (images().astype("d"), images()[:, :1], images()[0], images()[:0], [[1.0]]):
        with pytest.raises(n2uq.Error, match=r"expects input float32 \[N,2,6,5\], got"):
            model(x)
    for threads in (0, -1, 1.5, "2"):
        with pytest.raises(n2uq.Error, match="threads is a number"):
            model(images(), threads=threads)


def test_wrong_files_are_named(path, tmp_path):
    with pytest.raises(n2uq.Error, match="nothing.so"):
        n2uq.Model(tmp_path / "nothing.so")
    content = path.read_bytes()
    for name, wrong in (("cut", content[:-9]), ("changed", content[:200] + b"?" + content[201:]), ("text", b"hello"),
                        ("empty", b"")):
        (tmp_path / name).write_bytes(wrong)
        with pytest.raises(n2uq.Error) as error:
            n2uq.Model(tmp_path / name)
        assert name in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(n2uq.Error):
        n2uq.Model(build(tmp_path, "-DFAKE_ABI=99"))


def test_a_model_opened_twice_is_not_taken_for_another(path, tmp_path):
    """The loader remembers the second opening's name after it is closed; the next file must not be found under it."""
    first, second = n2uq.Model(path), n2uq.Model(path)
    second.close()
    other = n2uq.Model(build(tmp_path, "-DFAKE_DIVISOR=5"))
    x = images()
    assert np.array_equal(first(x), expected(x)[0]) and not np.array_equal(other(x), expected(x)[0])


def test_close(path):
    with n2uq.Model(path) as model:
        model(images())
    with pytest.raises(n2uq.Error, match="is closed"):
        model(images())
    with pytest.raises(n2uq.Error, match="is closed"):
        model.info
    model.close()


def test_many_threads_call_at_once(path):
    model, wrong = n2uq.Model(path), []

    def work(seed):
        for i in range(20):
            x = images(1 + i % 5, seed)
            if not np.array_equal(model(x, threads=1 + seed % 2), expected(x)[0]):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_works_after_a_fork(path):
    code = ("import os, sys, numpy as np, n2uq\n"
            "model = n2uq.Model(sys.argv[1]); x = np.ones((2, 2, 6, 5), 'f'); want = model(x, threads=2)\n"
            "child = os.fork()\n"
            "if child == 0: os._exit(0 if np.array_equal(model(x, threads=2), want) else 3)\n"
            "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n")
    assert subprocess.run([sys.executable, "-c", code, path], timeout=60).returncode == 0


def test_command_line(path, tmp_path):
    np.save(tmp_path / "x.npy", images())
    run = lambda *a: subprocess.run([sys.executable, "-m", "n2uq", *map(str, a)], capture_output=True, text=True)
    done = run("run", path, "--input", tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--threads", 2)
    assert done.returncode == 0 and np.array_equal(np.load(tmp_path / "y.npy"), expected(images())[0])
    done = run("run", path, "--input", tmp_path / "x.npy")
    assert done.stdout.split() == [str(i) for i in expected(images())[0].argmax(1)]
    done = run("bench", path, "--seconds", 0.05, "--json", "--batch", 2)
    assert done.returncode == 0 and '"median_ms"' in done.stdout
    assert "by_hand rows" in run("bench", path, "--seconds", 0.05).stdout
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY\x01\x00rubbish")
    for wrong in (("run", path, "--input", tmp_path / "bad.npy"), ("run", tmp_path / "x.npy", "--input", tmp_path / "x.npy")):
        done = run(*wrong)
        assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
