# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random but ordinary parameters: what a trained network's state dict looks like, for tests and timings.

Plain random numbers make a network whose activations die or saturate after a few layers, and such a network tests
nothing. Here a few small images flow along while the parameters are drawn: statistics of each normalisation and the
range of each quantizer follow from what arrives there. Thresholds are uneven, some PReLU slopes, normalisation weights
and quantizer scales are negative.

`edge` adds what rarely happens by chance: normalisation weights of 0, interval widths at and below the clamp, and values
that lie exactly on a threshold. For the last, every factor is made a power of two and every summand a multiple of one,
so that values fall on a coarse grid with no rounding: in the whole network for an even seed (then the float stem, too,
is exact in any order of summation), in every second block for an odd one.
"""

import zlib

import numpy as np

from . import architecture

_GRID = 1 / 16  # summands on the coarse grid are multiples of this


def state_dict(network, seed, edge=False):
    """{key: array} for architecture.Network, with the keys, order, shapes and types of a checkpoint."""
    drawn = _Draw(network, seed, edge).walk()
    result = {}
    for key, shape in architecture.entries(network):
        constant = {"clip_val": 2, "zero": 0, "two": 2, "one": 1, "minusone": -1, "eps": 1e-3}.get(key.rpartition(".")[2])
        if shape == ():
            result[key] = np.array(1000, np.int64)
        elif key in drawn:
            result[key] = np.asarray(drawn[key], np.float32).reshape(shape)
        else:
            result[key] = np.full(shape, constant, np.float32)
    return result


def images(count, channels, size, seed, edge=False):
    """Normalised float32 [N,C,H,W] with smooth areas, edges and noise; multiples of 1/16 for `edge`."""
    rng = np.random.default_rng([seed, 77])
    coarse = rng.normal(0, 1, (count, channels, size // 8 + 2, size // 8 + 2))
    smooth = coarse.repeat(8, 2).repeat(8, 3)
    shift = rng.integers(0, 8, 2)
    x = smooth[:, :, shift[0]:shift[0] + size, shift[1]:shift[1] + size] + 0.3 * rng.normal(0, 1, (count, channels, size,
                                                                                               size))
    return (np.rint(x / _GRID) * _GRID if edge else x).astype(np.float32)


class _Draw:
    def __init__(self, network, seed, edge):
        self.network, self.seed, self.edge = network, seed, edge
        self.out = {}

    def walk(self):
        network = self.network
        size = min(network.image, 64)
        x = images(8 if size > 32 else 4, network.stem.inputs, size, self.seed, self.edge).transpose(0, 2, 3, 1)
        self.exact = self.edge and self.seed % 2 == 0
        x = np.maximum(self.stage(None, architecture.Stage(network.stem, network.stem_bn), x), 0)
        if network.stem_activation[0] == "Relu6":
            x = np.minimum(x, 6)
        if network.max_pool:
            padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
            x = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))[:, ::2, ::2].max((-1, -2))
        for number, block in enumerate(network.blocks):
            self.exact = self.edge and (self.seed % 2 == 0 or number % 2 == 0)
            x = self.block(block, x)
        if network.head:
            self.exact = False
            x = np.clip(self.stage(None, network.head, x), 0, 6)
        rng = self.rng("fc")
        self.out["fc.weight"] = rng.normal(0, 1 / np.sqrt(network.features), (network.classes, network.features))
        self.out["fc.bias"] = rng.normal(0, 0.1, network.classes)
        return self.out

    def rng(self, name):
        """Each layer draws from its own stream, so that a longer network begins like a shorter one."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def block(self, block, x):
        y = x
        for stage in block.stages:
            y = self.stage(block, stage, y)
        if block.skip:
            y = y + (self.stage(block, block.downsample, x) if block.downsample else x)
        return y if block.last_rprelu is None else self.rprelu(block, block.last_rprelu, y)

    def stage(self, block, stage, x):
        if stage.rprelu is not None:
            x = self.rprelu(block, stage.rprelu, x)
        if stage.quantizer:
            x = self.pact(stage.quantizer, x) if block is None else self.quantizer(stage.quantizer, x)
        return self.norm(stage.bn, self.conv(stage.conv, x))

    def on_grid(self, values):
        return np.rint(np.asarray(values) / _GRID) * _GRID if self.exact else np.asarray(values)

    def rprelu(self, block, number, x):
        at, channels = block.name, x.shape[-1]
        rng = self.rng(f"{at}.prelu{number}")
        before, after = self.on_grid(rng.normal(0, 0.2, channels)), self.on_grid(rng.normal(0, 0.1, channels))
        slope = rng.normal(0.25, 0.25, channels)
        if self.exact:
            slope = np.rint(slope * 4) / 4
        self.out[f"{at}.bias{number}1.bias"], self.out[f"{at}.bias{number}2.bias"] = before, after
        self.out[f"{at}.prelu{number}.weight"] = slope
        x = x + before.astype(np.float32)
        return np.where(x > 0, x, slope.astype(np.float32) * x) + after.astype(np.float32)

    def quantizer(self, name, x):
        rng, levels = self.rng(name), self.network.levels
        sign = -1 if rng.random() < 0.2 else 1
        spread = float(x.std()) + 1e-6
        if np.quantile(sign * x, 0.95) < 0.1 * spread:
            sign = -sign
        top = max(float(np.quantile(sign * x, 0.95)), 0.1 * spread)
        scale1 = sign * 2 / top * rng.uniform(0.8, 1.2)
        scale2 = rng.choice([-1, 1], p=[0.2, 0.8]) * top / 2 * rng.uniform(0.7, 1.4)
        start = rng.uniform(-0.15, 0.15)
        widths = 2 / levels * np.exp(rng.normal(0, 0.35, levels))
        if self.exact:
            scale1, start = sign * _power_of_two(scale1), self.on_grid(start)
            scale2 = np.copysign(_power_of_two(scale2 / levels) * levels, scale2)
            widths = np.maximum(2 * _GRID, np.rint(widths / (2 * _GRID)) * 2 * _GRID)
        if self.edge and zlib.crc32(name.encode()) % 2:
            widths[rng.integers(levels)] = rng.choice([1e-3, 5e-4, 0.0, -0.2])
        self.out.update({f"{name}.start": start, f"{name}.a": widths, f"{name}.scale1": scale1, f"{name}.scale2": scale2})
        half = np.maximum(widths, 1e-3) / 2
        thresholds = start + np.cumsum(half) + np.concatenate([[0], np.cumsum(half[:-1])])
        return (np.searchsorted(thresholds, x * scale1) * (scale2 * 2 / levels)).astype(np.float32)

    def pact(self, name, x):
        clip = np.float32(max(np.quantile(x, 0.97), 0.1))
        self.out[f"{name}.clip_val"] = clip
        step = clip / self.network.levels
        return np.rint(np.clip(x, 0, clip) / step) * step

    def conv(self, conv, x):
        rng, shape = self.rng(conv.name), conv.shape
        fan = int(np.prod(shape[1:]))
        if self.exact and conv.quantized:
            weight = _mean_one(rng, shape[0], fan).reshape(shape)
        else:
            weight = rng.normal(0, np.sqrt(2 / fan), shape) * np.exp(rng.normal(0, 0.2, (shape[0], 1, 1, 1)))
            if self.exact:
                weight = np.rint(weight * 32) / 32
            if conv.quantized:  # no filter may be all zero
                weight[np.abs(weight).reshape(len(weight), -1).max(1) == 0] = 0.01
        weight = weight.astype(np.float32)
        self.out[f"{conv.name}.weight"] = weight
        return convolve(x, _quantized(weight, self.network.bits) if conv.quantized else weight, conv)

    def norm(self, name, x):
        rng, channels = self.rng(name), x.shape[-1]
        mean, var = x.mean((0, 1, 2), dtype=np.float64), x.var((0, 1, 2), dtype=np.float64)
        samples = x[..., 0].size
        var = (var * samples + var.mean() * 16) / (samples + 16) + 1e-6  # few samples: lean on the other channels
        sign = np.where(rng.random(channels) < 0.1, -1.0, 1.0)
        weight = sign * np.maximum(0.2, rng.normal(1, 0.25, channels))
        bias = rng.normal(0, 0.3, channels)
        mean, var = mean + np.sqrt(var) * rng.normal(0, 0.1, channels), var * np.exp(rng.normal(0, 0.1, channels))
        if self.exact:
            scale = _power_of_two(1 / np.sqrt(var))
            bias, mean = self.on_grid(bias - mean * scale), np.zeros(channels)
            var = var.astype(np.float32)
            weight = sign * _exact_weight(scale, var)
        if self.edge:
            weight[rng.random(channels) < 0.1] = 0
        names = ("weight", "bias", "running_mean", "running_var")
        values = [np.asarray(v, np.float32) for v in (weight, bias, mean, var)]
        self.out.update({f"{name}.{key}": value for key, value in zip(names, values)})
        scale = (weight / np.sqrt(var + 1e-5)).astype(np.float32)
        return x * scale + (bias - mean * scale).astype(np.float32)


def _power_of_two(value):
    return np.exp2(np.rint(np.log2(np.abs(value))))


def _exact_weight(scale, var):
    """γ with γ/√(var+eps) rounding to the power of two `scale`; `var` is moved up, ulp by ulp, until one exists."""
    while True:
        root = np.sqrt(var.astype(np.float64) + 1e-5)
        weight = (scale * root).astype(np.float32)
        missed = (weight / root).astype(np.float32) != scale
        if not missed.any():
            return weight.astype(np.float64)
        var[missed] = np.nextafter(var[missed], np.float32(np.inf))


def _mean_one(rng, rows, columns):
    """Weights whose mean magnitude is exactly 1 in each row: pairs 1-t, 1+t in random order, random signs."""
    t = rng.integers(0, 16, (rows, (columns + 1) // 2)) / 16
    magnitude = np.concatenate([1 - t, 1 + t], 1)
    if columns % 2:
        magnitude[:, -1] = magnitude[:, columns // 2] = 1  # the partner of the column that is cut off
        magnitude = magnitude[:, :columns]
    return rng.permuted(magnitude, axis=1) * rng.choice([-1, 1], (rows, columns))


def _quantized(weight, bits):
    levels = 2**bits - 1
    factor = np.abs(weight).mean((1, 2, 3), keepdims=True) * (levels / 2**(bits - 1))
    k = np.rint((np.clip(weight / factor, -1, 1) + 1) * (levels / 2))
    return ((2 * k - levels) * factor / levels).astype(np.float32)


def convolve(x, weight, conv):
    """NHWC convolution of padding kernel // 2, by matrix products; good to float32 rounding, which is all that statistics need."""
    k, pad = conv.kernel, conv.kernel // 2
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    height, width = x.shape[1] - k + 1, x.shape[2] - k + 1
    out = 0
    for i in range(k):
        for j in range(k):
            tap = x[:, i:i + height:conv.stride, j:j + width:conv.stride]
            if conv.groups > 1:
                out = out + tap * weight[:, 0, i, j]
            else:
                shape = tap.shape
                out = out + (np.ascontiguousarray(tap).reshape(-1, shape[-1]) @ weight[:, :, i, j].T).reshape(
                    *shape[:3], -1)
    return out
