# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The restricted reader of torch.save files."""

import collections
import io
import pickle
import random
import zipfile

import numpy as np
import pytest
import torch

from n2uq import checkpoint, models
from n2uq.errors import Error


def save(path, content, **options):
    torch.save(content, path, **options)
    return path


def test_reads_the_authors_dictionary(tmp_path):
    model = torch.nn.DataParallel(models.resnet8(bits=2))
    optimizer = torch.optim.Adam(p for p in model.parameters() if p.requires_grad)
    model(torch.randn(2, 3, 32, 32)).sum().backward()
    optimizer.step()
    path = save(tmp_path / "checkpoint.pth.tar", {"epoch": 3, "state_dict": model.state_dict(),
                                                  "best_top1_acc": torch.tensor(71.5), "optimizer": optimizer.state_dict()})
    content = checkpoint.read(path)
    assert content["epoch"] == 3 and content["best_top1_acc"] == np.float32(71.5)
    state = checkpoint.state_dict(path)
    expected = model.module.state_dict()
    assert list(state) == list(expected)
    for key, value in expected.items():
        assert state[key].dtype == value.numpy().dtype and np.array_equal(state[key], value.numpy())


def test_reads_a_bare_state_dict_and_views(tmp_path):
    base = torch.arange(24, dtype=torch.float32)
    tensors = {"a": base[3:9], "b": base.reshape(4, 6).t(), "c": base.reshape(2, 3, 4)[:, 1:, ::2], "d": base[:0],
               "e": torch.tensor(5)}
    state = checkpoint.state_dict(save(tmp_path / "x.pth", collections.OrderedDict(tensors)))
    for key, value in tensors.items():
        assert np.array_equal(state[key], value.numpy()) and state[key].flags["C_CONTIGUOUS"]


class Evil:
    def __reduce__(self):
        import os
        return os.system, ("touch /tmp/n2uq-was-here",)


@pytest.mark.parametrize("content,name", [
    ({"state_dict": {"x": Evil()}}, "posix.system"),
    ({"x": torch.zeros(2, dtype=torch.float16)}, "torch.HalfStorage"),
    ({"x": torch.zeros(2, dtype=torch.float64)}, "torch.DoubleStorage"),
    ({"x": torch.nn.Parameter(torch.zeros(2))}, "torch._utils._rebuild_parameter"),
    ({"x": np.zeros(3)}, "numpy"),
    ({"x": set()}, "set"),
])
def test_refuses_other_names(tmp_path, content, name):
    with pytest.raises(Error, match=name):
        checkpoint.state_dict(save(tmp_path / "x.pth", content))


def test_refuses_a_whole_module(tmp_path):
    with pytest.raises(Error, match="n2uq.models"):
        checkpoint.state_dict(save(tmp_path / "x.pth", models.resnet8(bits=2)))


def test_says_what_a_wrong_file_is(tmp_path):
    legacy = save(tmp_path / "legacy.pth", {"x": torch.zeros(1)}, _use_new_zipfile_serialization=False)
    with pytest.raises(Error, match="legacy container"):
        checkpoint.state_dict(legacy)
    (tmp_path / "text.pth").write_text("hello")
    with pytest.raises(Error, match="no zip signature"):
        checkpoint.state_dict(tmp_path / "text.pth")
    with pytest.raises(Error, match="cannot be read"):
        checkpoint.state_dict(tmp_path / "missing.pth")
    with zipfile.ZipFile(tmp_path / "other.pth", "w") as archive:
        archive.writestr("a.txt", "hello")
    with pytest.raises(Error, match="no single data.pkl"):
        checkpoint.state_dict(tmp_path / "other.pth")
    with pytest.raises(Error, match="no state_dict"):
        checkpoint.state_dict(save(tmp_path / "list.pth", [1, 2]))


def repack(source, target, change):
    """Copies a torch.save file with each part passed through change(name, bytes)."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


def test_checks_storages(tmp_path):
    path = save(tmp_path / "x.pth", {"x": torch.arange(8, dtype=torch.float32)})
    short = repack(path, tmp_path / "short.pth", lambda n, c: c[:-4] if "/data/" in n else c)
    with pytest.raises(Error, match="28 bytes instead of 32"):
        checkpoint.state_dict(short)
    gone = repack(path, tmp_path / "gone.pth", lambda n, c: None if "/data/" in n else c)
    with pytest.raises(Error, match="is missing"):
        checkpoint.state_dict(gone)
    # The pickled extent (8,) becomes (9,): a view beyond the storage.
    wide = repack(path, tmp_path / "wide.pth",
                  lambda n, c: c.replace(b"K\x00K\x08\x85", b"K\x00K\x09\x85") if n.endswith("data.pkl") else c)
    with pytest.raises(Error, match="beyond its storage"):
        checkpoint.state_dict(wide)


def pickled(path, instructions):
    """A file whose pickle is these instructions."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + instructions + b".")
        archive.writestr("archive/data/0", bytes(8))
    return path


FLOATS = b"ctorch\nFloatStorage\n"
STORAGE = b"(X\x07\0\0\0storage" + FLOATS + b"X\x01\0\0\x000X\x03\0\0\0cpuK\x02tQ"
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE + b"K\0K\x02\x85K\x01\x85\x89}tR"


@pytest.mark.parametrize("instructions,name", [
    (FLOATS + b"(K\x03X\x01\0\0\0>NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb", "no dictionary"),  # else all floats of this process
    (TENSOR + b"(K\x01K\x02\x85" + FLOATS + b"\x89X\0\0\0\0tb", "no dictionary"),
    (TENSOR + b"K\0K\x01s", "no dictionary"),
    (TENSOR + b"(K\0K\x01u", "no dictionary"),
    (b"}K\x01a", "no list"),
    # (t, t) with t = (t, t) with …: 2^60 parts to hash
    (b"})q\0" + 60 * b"h\0\x86q\0" + b"K\x01s", "neither text nor"),
    (b"}(" + b"".join(b"K%c" % i + TENSOR for i in range(17)) + b"u", "16 times as large"),
], ids=["build-type", "build-array", "setitem-array", "setitems-array", "append-dictionary", "nested-key", "sharing"])
def test_refuses_what_harms_the_process(tmp_path, instructions, name):
    with pytest.raises(Error, match=name):
        checkpoint.read(pickled(tmp_path / "x.pth", instructions))
    assert np.dtype("<f4").byteorder in "=<" and np.float32(1).tobytes() == b"\0\0\x80?"


def test_the_instructions_above_are_sound(tmp_path):
    content = checkpoint.read(pickled(tmp_path / "x.pth", b"}K\x07" + TENSOR + b"s"))
    assert list(content) == [7] and np.array_equal(content[7], np.zeros(2, np.float32))


def test_mutated_files_end_in_an_error_or_load(tmp_path):
    path = save(tmp_path / "x.pth", {"state_dict": {"a": torch.randn(5), "b": torch.arange(4)}})
    original, rng = path.read_bytes(), random.Random(1)
    mutant = tmp_path / "mutant.pth"
    for _ in range(1500):
        content = bytearray(original)
        if rng.random() < 0.2:
            del content[rng.randrange(len(content)):]
        else:
            for _ in range(rng.randint(1, 4)):
                content[rng.randrange(len(content))] = rng.randrange(256)
        mutant.write_bytes(content)
        try:
            checkpoint.state_dict(mutant)
        except Error as error:
            assert str(mutant) in str(error) and "\n" not in str(error)


def test_mutated_pickles_end_in_an_error_or_load(tmp_path):
    """The zip's checksums catch most of the above; here the pickle itself is changed in a sound zip."""
    path = save(tmp_path / "x.pth", {"state_dict": {"a": torch.randn(5), "b": torch.arange(4)}})
    rng = random.Random(2)

    def change(name, content):
        if name.endswith("data.pkl"):
            content = bytearray(content)
            for _ in range(rng.randint(1, 3)):
                content[rng.randrange(len(content))] = rng.randrange(256)
        return bytes(content)

    for i in range(1500):
        try:
            checkpoint.state_dict(repack(path, tmp_path / "mutant.pth", change))
        except Error as error:
            assert "mutant.pth" in str(error) and "\n" not in str(error)


def test_pickle_bombs_do_not_expand(tmp_path):
    """A compressed part could expand to anything; torch.save never compresses."""
    path = save(tmp_path / "x.pth", {"x": torch.zeros(4)})
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(Error, match="compressed"):
        checkpoint.state_dict(tmp_path / "bomb.pth")
