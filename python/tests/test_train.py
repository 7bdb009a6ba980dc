# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Training on a thousand images: it learns, its files are the authors' format, an interruption changes nothing."""

import gzip
import shutil

import numpy as np
import pytest
import torch

import n2uq
from n2uq import architecture, checkpoint, data, models, train
from n2uq.errors import Error


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The first images of Fashion-MNIST, as the package's files."""
    folder = tmp_path_factory.mktemp("images")
    for split, stem, count in (("train", "train", 1024), ("test", "t10k", 300)):
        images, labels = data.fashion_mnist(split)
        write_idx(folder / f"{stem}-images-idx3-ubyte.gz", images[:count])
        write_idx(folder / f"{stem}-labels-idx1-ubyte.gz", labels[:count].astype(np.uint8))
    return folder


OPTIONS = dict(width=4, start_epochs=1, float_epochs=2, epochs=3, batch=32, seed=3)


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("trained")
    return output, train.train(output, folder=folder, **OPTIONS)


def test_learns(trained):
    _, accuracies = trained
    assert set(accuracies) == {"start", "float", "quantized", "twin"}
    assert all(accuracy > 25 for accuracy in accuracies.values()), accuracies


def test_checkpoints_are_exported(trained, tmp_path):
    output, _ = trained
    content = checkpoint.read(output / "quantized" / "checkpoint.pth.tar")
    assert set(content) == {"epoch", "state_dict", "best_top1_acc", "optimizer"} and content["epoch"] == 2
    network = n2uq.export(output / "quantized" / "checkpoint.pth.tar", tmp_path / "m.onnx")
    assert network == architecture.build("resnet8", 2, width=4, in_channels=1)
    with pytest.raises(Error, match="float model"):
        n2uq.export(output / "twin" / "checkpoint.pth.tar", tmp_path / "t.onnx")


def test_thresholds_and_scales_have_moved(trained):
    state = checkpoint.state_dict(trained[0] / "quantized" / "checkpoint.pth.tar")
    widths = [value for key, value in state.items() if key.endswith(".a")]
    assert all(len(set(w.tolist())) == 3 for w in widths)
    assert all(value[0] == 2 for key, value in state.items() if key.endswith("conv1.clip_val"))


def test_resumed_training_equals_an_uninterrupted_one(trained, folder, tmp_path, monkeypatch):
    output, accuracies = trained
    save, saved = train._save, []

    def interrupted(path, *rest):
        save(path, *rest)
        saved.append(path)
        if len(saved) in (1, 2, 5):
            raise KeyboardInterrupt

    monkeypatch.setattr(train, "_save", interrupted)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            train.train(tmp_path, folder=folder, resume=True, **OPTIONS)
    assert train.train(tmp_path, folder=folder, resume=True, **OPTIONS) == accuracies
    for phase in train.PHASES:
        a, b = (checkpoint.state_dict(root / phase / "checkpoint.pth.tar") for root in (output, tmp_path))
        assert all(np.array_equal(a[key], b[key]) for key in a), phase


def test_a_finished_training_is_not_overwritten(trained, folder):
    with pytest.raises(Error, match="exists already"):
        train.train(trained[0], folder=folder, **OPTIONS)


def test_float_start_reaches_the_quantized_network():
    torch.manual_seed(5)
    start = {key: value.clone() for key, value in models.resnet8(bits=None).state_dict().items()}
    quantized = models.resnet8(bits=2)
    train.start_from_float(quantized, start)
    state = quantized.state_dict()
    assert torch.equal(state["layer2.0.downsample.1.weight"], start["layer2.0.downsample.0.weight"])
    assert torch.equal(state["layer2.0.downsample.2.running_var"], start["layer2.0.downsample.1.running_var"])
    assert torch.equal(state["layer3.0.conv2.weight"], start["layer3.0.conv2.weight"])
    with pytest.raises(Error, match="layer1.1"):
        train.start_from_float(models.resnet14(bits=2), start)


def test_errors(folder, tmp_path):
    with pytest.raises(Error, match="dataset-fashion-mnist"):
        train.train(tmp_path, folder=tmp_path)
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\x09abc"))
    with pytest.raises(Error, match="not an idx file"):
        train.train(tmp_path, folder=broken)
    with pytest.raises(Error, match="resnet18"):
        train.train(tmp_path, arch="resnet18", folder=folder)
    path = tmp_path / "out" / "start" / "checkpoint.pth.tar"
    path.parent.mkdir(parents=True)
    torch.save({"x": torch.zeros(1)}, path)
    with pytest.raises(Error, match="no checkpoint of a training"):
        train.train(tmp_path / "out", folder=folder, resume=True)


def test_augmentation_keeps_pixels():
    images, _ = data.fashion_mnist("test")
    rng = np.random.default_rng(1)
    out = data.augment(images[:64], rng)
    assert out.shape == (64, 28, 28) and out.dtype == np.uint8
    mirrored = sum(np.array_equal(o, i[:, ::-1]) for o, i in zip(out, images))
    same = sum(np.array_equal(o, i) for o, i in zip(out, images))
    assert mirrored > 0 and same >= 0


def test_normalised_images_have_mean_0_and_deviation_1():
    images, labels = data.fashion_mnist("train")
    assert images.shape == (60000, 28, 28) and sorted(set(labels.tolist())) == list(range(10))
    x = data.normalise(images[::20])
    assert x.shape == (3000, 1, 28, 28) and x.dtype == np.float32
    assert abs(x.mean()) < 0.02 and abs(x.std() - 1) < 0.02
