# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains a small N2UQ network on Fashion-MNIST, and a float twin that shares its start and is trained as long.

    start      the float network, `start_epochs` from random weights
    float      the same, `float_epochs` more at the full rate again (a warm restart)
    twin       the float network, `epochs` more from there at a lower rate: what the N2UQ network is measured against
    quantized  the N2UQ network, `epochs` more from the end of `float` at the same lower rate; as in the paper it learns
               from the soft labels of a float network, here the twin (without one, the end of `float`)

Each phase writes <output>/<phase>/checkpoint.pth.tar in the authors' file format after every epoch; with `resume` a
finished epoch is never repeated. Every epoch draws from a generator seeded by (seed, phase, epoch), so an interrupted
and resumed training equals an uninterrupted one. The result is the last epoch, not the best on the test images.
"""

import ctypes
import math
import os
import pathlib
import sys
import time

import numpy as np
import torch

from . import checkpoint, data, models
from .errors import Error
from .nn import LTQ

# In this order; the numbers are parts of the seeds.
PHASES = {"start": 0, "float": 2, "twin": 3, "quantized": 1}
LATE_RATE = 0.4  # of the peak rate, for the last two phases


def _keep_freed_memory():
    """Activations are megabytes: by default glibc returns each to the kernel and pays page faults for the next."""
    try:
        libc = ctypes.CDLL("libc.so.6")
        for parameter, value in ((-1, 1 << 30), (-2, 1 << 26), (-3, 1 << 30)):  # trim, pad, mmap threshold
            libc.mallopt(parameter, value)
    except (OSError, AttributeError):
        pass


class _Progress:
    """A bar on a terminal, one line an epoch elsewhere."""

    def __init__(self, phase, epochs):
        self.phase, self.epochs, self.terminal = phase, epochs, sys.stderr.isatty()

    def step(self, epoch, done, total, loss, started):
        if self.terminal and (done % 5 == 0 or done == total):
            filled = 30 * done // total
            left = (time.time() - started) / done * (total - done)
            print(f"\r{self.phase} {epoch + 1}/{self.epochs} [{'#' * filled}{'.' * (30 - filled)}] loss {loss:.4f} "
                  f"{left:4.0f} s left", end="", file=sys.stderr, flush=True)

    def epoch(self, epoch, loss, accuracy, seconds):
        print(f"{chr(13) if self.terminal else ''}{self.phase} {epoch + 1}/{self.epochs}: loss {loss:.4f}, "
              f"test top-1 {accuracy:.2f} %, {seconds:.0f} s{' ' * 30 if self.terminal else ''}", file=sys.stderr,
              flush=True)


def _parameter_groups(model, rate):
    """Thresholds and scales learn at a tenth of the rate (recipe of the paper)."""
    slow = {id(p) for m in model.modules() if isinstance(m, LTQ) for p in m.parameters()}
    trained = [p for p in model.parameters() if p.requires_grad]
    return [{"params": [p for p in trained if id(p) not in slow], "lr": rate, "share": 1.0},
            {"params": [p for p in trained if id(p) in slow], "lr": rate / 10, "share": 0.1}]


def _rate(step, total, peak):
    """A short linear warm-up, then a cosine to zero."""
    warm = max(1, total // 20)
    if step < warm:
        return peak * (step + 1) / warm
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / (total - warm)))


@torch.no_grad()
def evaluate(model, images, labels, batch=500):
    """Top-1 in percent."""
    model.eval()
    right = 0
    for begin in range(0, len(images), batch):
        x = torch.from_numpy(data.normalise(images[begin:begin + batch])).contiguous(memory_format=torch.channels_last)
        right += int((model(x).argmax(1).numpy() == labels[begin:begin + batch]).sum())
    return 100 * right / len(images)


@torch.no_grad()
def _calibrate(model, images):
    """Fits each quantizer's scales to what it sees, in the order of the network, on one batch."""
    model.train()
    hooks = [m.register_forward_pre_hook(lambda module, inputs: module.calibrate(inputs[0]))
             for m in model.modules() if isinstance(m, LTQ)]
    model(torch.from_numpy(data.normalise(images)).contiguous(memory_format=torch.channels_last))
    for hook in hooks:
        hook.remove()


def _save(path, epoch, model, optimizer, best):
    """The authors' dictionary; written beside and renamed, so an interruption leaves the previous file whole."""
    partial = path.with_suffix(".tmp")
    torch.save({"epoch": epoch, "state_dict": model.state_dict(), "best_top1_acc": torch.tensor(best),
                "optimizer": optimizer.state_dict()}, partial)
    os.replace(partial, path)


def _load(path):
    """The saved dictionary, read by our own restricted reader; arrays become tensors."""
    def tensors(value):
        if isinstance(value, np.ndarray):
            return torch.from_numpy(value.copy())
        if isinstance(value, dict):
            return {key: tensors(item) for key, item in value.items()}
        return [tensors(item) for item in value] if isinstance(value, list) else value

    saved = tensors(checkpoint.read(path))
    if not isinstance(saved, dict) or not {"epoch", "state_dict", "best_top1_acc", "optimizer"} <= saved.keys():
        raise Error(f"{path}: is no checkpoint of a training; remove it or train without --resume")
    return saved


def start_from_float(model, state):
    """Loads a float network's state dict; entries that only a quantized network has keep their initial value."""
    own = model.state_dict()
    renamed = {}
    for key, value in state.items():
        head, mark, tail = key.partition(".downsample.")
        if mark and f"{head}.downsample.0.a" in own:  # the quantizer moves convolution and normalisation one up
            key = f"{head}.downsample.{int(tail[0]) + 1}{tail[1:]}"
        renamed[key] = value
    missing, unexpected = model.load_state_dict(renamed, strict=False)
    constants = (".clip_val", ".zero", ".start", ".a", ".scale1", ".scale2", ".two", ".one", ".minusone", ".eps")
    wrong = unexpected + [key for key in missing if not key.endswith(constants)]
    if wrong:
        raise Error(f"the float network does not fit: entry '{wrong[0]}' is on one side only")


def _loss(logits, labels, soft):
    """Cross-entropy to the labels, or to the probabilities of a teacher's logits `soft`."""
    if soft is None:
        return torch.nn.functional.cross_entropy(logits, labels)
    return -(torch.softmax(soft, 1) * torch.log_softmax(logits, 1)).sum(1).mean()


def _run_phase(phase, model, start, path, images, labels, test, options, teacher=None):
    """Trains `model` from the state dict `start` (None: as initialised), or finishes the training found at `path`."""
    index, epochs = PHASES[phase], options["epochs"][phase]
    peak = options["rate"] * (LATE_RATE if phase in ("quantized", "twin") else 1)
    model = model.to(memory_format=torch.channels_last)
    if teacher is not None:
        teacher = teacher.to(memory_format=torch.channels_last).eval()
    optimizer = torch.optim.Adam(_parameter_groups(model, peak))
    first, best = 0, 0.0
    if options["resume"] and path.exists():
        saved = _load(path)
        model.load_state_dict(saved["state_dict"])
        optimizer.load_state_dict(saved["optimizer"])
        first, best = saved["epoch"] + 1, float(saved["best_top1_acc"])
    elif start is not None:
        start_from_float(model, start)
        if phase == "quantized":
            np_rng = np.random.default_rng([options["seed"], index])
            torch.manual_seed(options["seed"])
            _calibrate(model, data.augment(images[np_rng.permutation(len(images))[:512]], np_rng))

    batch, accuracy = options["batch"], None
    steps = len(images) // batch
    progress = _Progress(phase, epochs)
    for epoch in range(first, epochs):
        started, generator, total_loss = time.time(), np.random.default_rng([options["seed"], index, epoch]), 0.0
        order = generator.permutation(len(images))
        model.train()
        for step in range(steps):
            chosen = order[step * batch:(step + 1) * batch]
            x = torch.from_numpy(data.normalise(data.augment(images[chosen], generator)))
            x = x.contiguous(memory_format=torch.channels_last)
            with torch.no_grad():
                soft = teacher(x) if teacher is not None else None
            loss = _loss(model(x), torch.from_numpy(labels[chosen]), soft)
            rate = _rate(epoch * steps + step, epochs * steps, peak)
            for group in optimizer.param_groups:
                group["lr"] = rate * group["share"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total_loss += float(loss.detach())
            progress.step(epoch, step + 1, steps, total_loss / (step + 1), started)
        accuracy = evaluate(model, *test)
        best = max(best, accuracy)
        _save(path, epoch, model, optimizer, best)
        progress.epoch(epoch, total_loss / steps, accuracy, time.time() - started)
    return accuracy if accuracy is not None else evaluate(model, *test)


def train(output, arch="resnet8", bits=2, width=24, start_epochs=8, float_epochs=12, epochs=18, batch=128, rate=5e-3, seed=1,
          threads=1, resume=False, twin=True, folder=data.FASHION_MNIST):
    """Runs the phases and returns {phase: top-1 in percent on the test images}; checkpoints lie under `output`."""
    if arch not in ("resnet8", "resnet14", "resnet20"):
        raise Error(f"training knows resnet8, resnet14 and resnet20, not '{arch}'")
    if bits not in (2, 3, 4):
        raise Error(f"training knows 2, 3 and 4 bits, not {bits}")
    torch.set_num_threads(threads)
    _keep_freed_memory()
    output = pathlib.Path(output)
    lengths = {"start": start_epochs, "float": float_epochs, "quantized": epochs, "twin": epochs}
    options = dict(epochs=lengths, batch=batch, rate=rate, seed=seed, resume=resume)
    started = next((path for phase in PHASES if (path := output / phase / "checkpoint.pth.tar").exists()), None)
    if started and not resume:
        raise Error(f"{started}: exists already; go on from it with --resume or name another folder")
    images, labels = data.fashion_mnist("train", folder)
    test = data.fashion_mnist("test", folder)
    build = lambda bits: models.by_name[arch](bits=bits, width=width, in_channels=1, classes=10)

    accuracies, start, teacher = {}, None, None
    for phase in PHASES if twin else ("start", "float", "quantized"):
        path = output / phase / "checkpoint.pth.tar"
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(seed)
        model = build(bits if phase == "quantized" else None)
        accuracies[phase] = _run_phase(phase, model, start, path, images, labels, test, options,
                                       teacher if phase == "quantized" else None)
        if phase != "quantized":
            teacher = model
        if phase in ("start", "float"):
            start = {key: value.clone() for key, value in model.state_dict().items()}
        print(f"{phase}: test top-1 {accuracies[phase]:.2f} %", file=sys.stderr, flush=True)
    return accuracies
