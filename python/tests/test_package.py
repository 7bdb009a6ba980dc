# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The package around the compiler and the runtime: cache, report, profile, comparison, stubs; on the bundled network."""

import ast
import json
import os
import pathlib
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

import n2uq
from n2uq import architecture, cache, ordinary, profile, toolchain

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A small network's file, and images for it."""
    path = tmp_path_factory.mktemp("network") / "m.onnx"
    state = ordinary.state_dict(architecture.build("resnet8", 2, classes=5, image=16, width=4), 3)
    n2uq.export(state, path, 16)
    return path, ordinary.images(3, 3, 16, 3)


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """A cache of its own."""
    monkeypatch.setenv("N2UQ_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("N2UQ_CACHE_MIB", "100")
    return tmp_path / "cache"


def calls(monkeypatch):
    """The list of compilations to come."""
    made, call = [], toolchain.call_compiler
    monkeypatch.setattr(toolchain, "call_compiler", lambda arguments, progress=None: (made.append(arguments), call(arguments)))
    return made


def test_compiles_in_this_process_and_reports(network, tmp_path, monkeypatch):
    assert toolchain.compiler() is not None
    monkeypatch.setattr(toolchain, "run", lambda *_: pytest.fail("a tool was run"))
    path, x = network
    with n2uq.compile(path, tmp_path / "m.so", keep_codes=True) as model:
        assert {kernel["name"] for kernel in model.report["kernels"]} >= {"layer1.0.conv1"}
        found = n2uq.diff(path, model, x)
        assert found["equal"] and not found and found["outputs"] == 15 and len(found["quantizers"]) > 5
        assert "layer1.0.quan1" in str(found) and found["quantizers"][0]["codes"] > 0
    with pytest.raises(n2uq.Error, match="was opened and not compiled here"):
        n2uq.Model(tmp_path / "m.so").report


def test_difference_is_found(network, tmp_path):
    path, x = network
    other = tmp_path / "other.onnx"
    n2uq.export(ordinary.state_dict(architecture.build("resnet8", 2, classes=5, image=16, width=4), 4), other, 16)
    n2uq.compile(other, tmp_path / "m.so", keep_codes=True).close()
    found = n2uq.diff(path, tmp_path / "m.so", x, threads=1)
    assert found and not found["equal"] and found["differing_outputs"] > 0 and found["largest_output_difference"] > 0
    row = next(row for row in found["quantizers"] if row["differing"])
    assert row["largest_difference"] >= 1 and row["first_image"] == 0 and "first in image 0" in str(found)


def test_errors_are_the_tools_sentences(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"rubbish")
    (tmp_path / "bad.mlir").write_text("func.func @main() {")
    for name, options in (("bad.onnx", {}), ("bad.mlir", {}), ("none.onnx", {}), ("bad.onnx", {"target_cpu": "no such"}),
                          ("bad.onnx", {"no_such_option": True}), ("bad.onnx", {"kernel": "none"})):
        arguments = [str(tmp_path / name), "-o", str(tmp_path / "m.so"), *toolchain.arguments_of(options)]
        with pytest.raises(n2uq.Error) as in_process:
            toolchain.call_compiler(arguments)
        with pytest.raises(n2uq.Error) as by_tool:
            toolchain.run("n2uq-compile", arguments)
        assert str(in_process.value) == str(by_tool.value) and str(in_process.value)
        with pytest.raises(n2uq.Error):
            n2uq.compile(tmp_path / name, tmp_path / "m.so", **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.mlir", "bad.onnx"]
    with pytest.raises(n2uq.Error, match="takes no emit"):
        n2uq.compile(tmp_path / "bad.onnx", emit="obj")


def test_interrupts_are_pythons_after_a_compilation(network, tmp_path):
    """LLVM sets handlers of signals while it writes files. A process in the background may begin with interrupts ignored."""
    code = ("import n2uq, os, signal, sys\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "n2uq.compile(sys.argv[1], sys.argv[2])\n"
            "try: os.kill(os.getpid(), signal.SIGINT); signal.sigtimedwait([], 1)\n"
            "except KeyboardInterrupt: print('interrupted')\n")
    done = subprocess.run([sys.executable, "-c", code, network[0], tmp_path / "m.so"], capture_output=True, text=True)
    assert done.stdout == "interrupted\n", done.stderr


def test_many_threads_compile(network, tmp_path):
    path, x = network
    results = {}

    def work(i):
        with n2uq.compile(path, tmp_path / f"{i}.so", O=i % 3) as model:
            results[i] = model(x)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3 and all(np.array_equal(result, results[0]) for result in results.values())


def test_cache_finds_what_was_compiled(network, tmp_path, cached, monkeypatch):
    path, x = network
    made = calls(monkeypatch)
    first = n2uq.compile(path, tmp_path / "a.so")
    second = n2uq.compile(path, tmp_path / "b.so")
    assert len(made) == 1 and second.report == first.report and np.array_equal(first(x), second(x))
    assert (tmp_path / "a.so").read_bytes() == (tmp_path / "b.so").read_bytes()
    n2uq.compile(path, tmp_path / "c.so", keep_codes=True)
    n2uq.compile(path, tmp_path / "d.so", cache=False)
    monkeypatch.setenv("N2UQ_CACHE_MIB", "0")
    n2uq.compile(path, tmp_path / "e.so")
    assert len(made) == 4 and len(list(cached.glob("*.so"))) == 2
    monkeypatch.setenv("N2UQ_CACHE_MIB", "much")
    with pytest.raises(n2uq.Error, match="N2UQ_CACHE_MIB is 'much'"):
        n2uq.compile(path, tmp_path / "f.so")


def test_damaged_entries_are_compiled_again(network, tmp_path, cached, monkeypatch):
    path, x = network
    expected = n2uq.compile(path, tmp_path / "a.so")(x)
    made = calls(monkeypatch)
    for damage in (lambda entry: entry.write_bytes(entry.read_bytes()[:-100]), lambda entry: entry.unlink(),
                   lambda entry: entry.with_suffix(".json").write_text("{")):
        damage(next(cached.glob("*.so")))
        assert np.array_equal(n2uq.compile(path, tmp_path / "a.so")(x), expected)
    assert len(made) == 3
    n2uq.compile(path, tmp_path / "a.so")
    assert len(made) == 3 and not list(cached.glob(".*"))


def test_cache_is_bounded(tmp_path, cached, monkeypatch):
    monkeypatch.setattr(cache, "limit", lambda: 2500)
    library = tmp_path / "m.so"
    library.write_bytes(b"x" * 1000)
    for name in "abc":
        cache.store(name, library, {"of": name})
        os.utime(cached / f"{name}.so", ns=(ord(name),) * 2)
    assert sorted(path.name for path in cached.iterdir()) == ["b.json", "b.so", "c.json", "c.so"]
    assert cache.fetch("b", tmp_path / "out.so") == {"of": "b"} and cache.fetch("a", tmp_path / "out.so") is None
    cache.store("d", library, {})  # c was used before b
    assert sorted(path.stem for path in cached.glob("*.so")) == ["b", "d"]
    library.write_bytes(b"x" * 3000)
    cache.store("e", library, {})
    assert not (cached / "e.so").exists()


def test_processes_share_a_cache(tmp_path, cached):
    code = ("import sys; from n2uq import cache\n"
            "cache.limit = lambda: 20000\n"
            "for i in range(60):\n"
            "    name = str(i % 7); report = cache.fetch(name, sys.argv[2])\n"
            "    if report is None: cache.store(name, sys.argv[1], {'of': name})\n"
            "    else: assert report == {'of': name} and open(sys.argv[2], 'rb').read() == b'x' * 4000\n")
    (tmp_path / "m.so").write_bytes(b"x" * 4000)
    running = [subprocess.Popen([sys.executable, "-c", code, tmp_path / "m.so", tmp_path / f"out{i}"]) for i in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert sum(path.stat().st_size for path in cached.glob("*.so")) <= 20000 and not list(cached.glob(".*"))


def test_profile_is_a_table_and_a_trace(network, tmp_path):
    path, x = network
    with n2uq.compile(path, tmp_path / "m.so") as model:
        rows = [model.profile(x, threads=1) for _ in range(3)]
    middle = profile.median(rows)
    assert [row["name"] for row in middle] == [row["name"] for row in rows[0]] and middle.ms > 0
    assert abs(sum(row["share"] for row in middle) - 1) < 1e-6
    lines = str(middle).splitlines()
    assert len(lines) == len(middle) + 2 and "layer1.0.conv1" in str(middle) and lines[-1].endswith("kernels")
    middle.save_trace(tmp_path / "trace.json")
    events = [event for event in json.loads((tmp_path / "trace.json").read_text())["traceEvents"] if event["ph"] == "X"]
    assert [event["name"] for event in events] == [row["name"] for row in middle]
    for event, after in zip(events, events[1:]):
        assert after["ts"] == pytest.approx(event["ts"] + event["dur"]) and event["pid"] == after["pid"]
    with pytest.raises(n2uq.Error, match="cannot be written"):
        middle.save_trace(tmp_path / "none" / "trace.json")


def test_results_go_where_they_are_wanted(network, tmp_path):
    torch = pytest.importorskip("torch")
    path, x = network
    with n2uq.compile(path, tmp_path / "m.so") as model:
        y, out = model(x), np.empty((3, 5), np.float32)
        assert model(x, out=out) is out and np.array_equal(out, y)
        tensor = torch.empty(3, 5)
        assert model(torch.from_numpy(x), out=tensor) is tensor and np.array_equal(tensor.numpy(), y)
        x.setflags(write=False)
        assert np.array_equal(model(x), y)
        for wrong in (np.empty((3, 4), np.float32), np.empty((3, 5)), np.empty((3, 10), np.float32)[:, ::2], "text"):
            with pytest.raises(n2uq.Error, match="expects out float32|output cannot be written"):
                model(x, out=wrong)


@pytest.mark.parametrize("name", ["_runtime", "_compiler"])
def test_stubs_name_what_is_there(name):
    """The names and the arguments of a stub are those of its extension."""
    tree = ast.parse((ROOT / "python" / "n2uq" / f"{name}.pyi").read_text())
    module = toolchain.extension(name)
    stated = {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert stated.keys() == {entry for entry in vars(module) if not entry.startswith("_")}
    for key, node in stated.items():
        if isinstance(node, ast.ClassDef):
            members = {entry.name for entry in node.body if isinstance(entry, ast.FunctionDef)} - {"__init__"}
            assert members == {entry for entry in vars(getattr(module, key)) if not entry.startswith("_")}
        else:
            signature = getattr(module, key).__doc__.splitlines()[0]
            assert all(f"{argument.arg}:" in signature for argument in node.args.args), signature
