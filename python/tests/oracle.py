# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A second, independent reading of the definition of an N2UQ network, in numpy, to the bit.

From a state dict with the checkpoint's names and a batch of images it computes the codes behind every quantizer and the
logits. It shares no line with the package, the exporter or the compiler's reference: two readings that agree on random
networks have most likely both read the definition right. float32 arrays, each operator one rounding.
"""

import numpy as np

F = np.float32


def run(state, images):
    """(logits float32 [N,classes], {quantizer: codes uint8 [N,H,W,C]}) for images float32 [N,C,H,W]."""
    return run_with_features(state, images)[:2]


def run_with_features(state, images):
    """The same, and {"stem": float32 [N,H,W,C], "pooled": float32 [N,C]}: what the first and the last quantized layer meet."""
    state = {k[len("module."):] if k.startswith("module.") else k: np.asarray(v) for k, v in state.items()}
    network = _Network(state)
    with np.errstate(all="ignore"):
        logits, codes = network.run(np.ascontiguousarray(np.asarray(images, F).transpose(0, 2, 3, 1)))
    return logits, codes, network.features


def _windows(size, kernel, stride, pad, tap):
    """(outputs [a,b) whose tap lies in the image, the first input it meets) along one axis."""
    outputs = (size + 2 * pad - kernel) // stride + 1
    a = max(0, -((tap - pad) // stride))
    b = min(outputs, (size - 1 + pad - tap) // stride + 1)
    return outputs, a, max(a, b), a * stride + tap - pad


def fma(x, w, acc):
    """float32 fma(x, w, acc), all three given and returned as float64 arrays that hold float32 values.

    The product of two float32 is exact in float64. Its sum with acc is not; TwoSum gives the error, with which the sum is
    rounded to odd instead of to nearest: 53 bits to odd, then 24 to nearest, is one correct rounding to 24."""
    product = x * w
    total = product + acc
    back = total - product
    error = (product - (total - back)) + (acc - back)
    inexact = (error != 0) & np.isfinite(total)
    if inexact.any():
        bits = total.view(np.int64)
        even = inexact & ((bits & 1) == 0)
        total = (bits + np.where(even, np.where((error > 0) == (total > 0), 1, -1), 0)).view(np.float64)
    return total.astype(F).astype(np.float64)


def float_conv(x, weight, stride, pad):
    """acc = fma(x_k, w_k, acc) from 0 over (kh, kw, ci), taps outside the image left out. NHWC, weight OIHW."""
    n, height, width, channels = x.shape
    kernel = weight.shape[2]
    out_h = (height + 2 * pad - kernel) // stride + 1
    out_w = (width + 2 * pad - kernel) // stride + 1
    out = np.empty((n, out_h, out_w, len(weight)), F)
    x, weight = x.astype(np.float64), weight.astype(np.float64)
    rows = max(1, 32768 // (out_w * len(weight)))  # a block of rows stays in the cache while all taps pass over it
    for image in range(n):
        for top in range(0, out_h, rows):
            bottom = min(out_h, top + rows)
            acc = np.zeros((bottom - top, out_w, len(weight)))
            for kh in range(kernel):
                _, a, b, y = _windows(height, kernel, stride, pad, kh)
                first, last = max(a, top), min(b, bottom)
                y += (first - a) * stride
                if first >= last:
                    continue
                for kw in range(kernel):
                    _, left, right, z = _windows(width, kernel, stride, pad, kw)
                    if left >= right:
                        continue
                    block = x[image, y:y + (last - first - 1) * stride + 1:stride,
                              z:z + (right - left - 1) * stride + 1:stride]
                    view = acc[first - top:last - top, left:right]
                    for ci in range(channels):
                        view[...] = fma(block[..., ci, None], weight[:, ci, kh, kw], view.copy())
            out[image, top:bottom] = acc
    return out


def integer_conv(codes, weight, stride, pad, groups):
    """The exact sums of codes times integer weights, int32. Matrix products in a float type that holds every sum."""
    n, height, width, channels = codes.shape
    outputs, per_group, kernel, _ = weight.shape
    bound = int(codes.max(initial=0)) * int(np.abs(weight).sum((1, 2, 3)).max())
    kind = F if bound < 1 << 24 else np.float64
    padded = np.pad(codes, ((0, 0), (pad, pad), (pad, pad), (0, 0))).astype(kind)
    view = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (1, 2))[:, ::stride, ::stride]
    out_h, out_w = view.shape[1:3]
    out = np.empty((n, out_h, out_w, outputs), np.int32)
    if groups == channels and per_group == 1 and outputs == channels:
        out[...] = np.einsum("nhwcij,cij->nhwc", view, weight[:, 0].astype(kind))
        return out
    share = outputs // groups
    for g in range(groups):
        matrix = weight[g * share:(g + 1) * share].reshape(share, -1).astype(kind).T
        for image in range(n):
            patches = view[image, :, :, g * per_group:(g + 1) * per_group].reshape(out_h * out_w, -1)
            out[image, ..., g * share:(g + 1) * share] = (patches @ matrix).reshape(out_h, out_w, share)
    return out


class _Network:
    def __init__(self, state):
        self.s, self.codes, self.features = state, {}, {}
        levels = [v for k, v in state.items() if k.endswith(".a")]
        self.L = len(levels[0])
        self.n = {3: 2, 7: 3, 15: 4}[self.L]

    def run(self, x):
        x = self.mobilenet(x) if any(k.startswith("feature.") for k in self.s) else self.resnet(x)
        n, height, width, channels = x.shape
        total = np.zeros((n, channels), F)
        for h in range(height):
            for w in range(width):
                total = total + x[:, h, w]
        x = self.features["pooled"] = total / F(height * width)
        weight = self.s["fc.weight"].astype(np.float64)
        acc = np.zeros((n, len(weight)))
        for k in range(channels):
            acc = fma(x[:, k, None].astype(np.float64), weight[:, k], acc)
        return acc.astype(F) + self.s["fc.bias"], self.codes

    def resnet(self, x):
        stem = self.s["conv1.weight"]
        if stem.shape[-1] == 7:
            x = np.maximum(self.bn("bn1", float_conv(x, stem, 2, 3)), F(0))
            x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
            x = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))[:, ::2, ::2].max((-1, -2))
        else:
            x = np.maximum(self.bn("bn1", float_conv(x, stem, 1, 1)), F(0))
        self.features["stem"] = x
        bottleneck = "layer1.0.conv3.weight" in self.s
        for layer in (1, 2, 3, 4):
            index = 0
            while f"layer{layer}.{index}.conv1.weight" in self.s:
                stride = 2 if layer > 1 and index == 0 else 1
                x = (self.bottleneck if bottleneck else self.basic)(f"layer{layer}.{index}.", x, stride)
                index += 1
        return x

    def basic(self, p, x, stride):
        y = self.rprelu(p, 1, x)
        y = self.bn(p + "bn1", self.qconv(p + "conv1", *self.ltq(p + "quan1", y), stride))
        y = self.rprelu(p, 2, y)
        y = self.bn(p + "bn2", self.qconv(p + "conv2", *self.ltq(p + "quan2", y), 1))
        return self.rprelu(p, 3, y + self.identity(p, x, stride))

    def bottleneck(self, p, x, stride):
        y = self.rprelu(p, 1, x)
        y = self.bn(p + "bn1", self.qconv(p + "conv1", *self.ltq(p + "quan1", y), 1))
        y = self.rprelu(p, 2, y)
        y = self.bn(p + "bn2", self.qconv(p + "conv2", *self.ltq(p + "quan2", y), stride))
        y = self.rprelu(p, 3, y)
        y = self.bn(p + "bn3", self.qconv(p + "conv3", *self.ltq(p + "quan3", y), 1))
        return self.rprelu(p, 0, y + self.identity(p, x, stride))

    def identity(self, p, x, stride):
        if p + "downsample.0.a" in self.s:
            return self.bn(p + "downsample.2",
                           self.qconv(p + "downsample.1", *self.ltq(p + "downsample.0", x), stride))
        if p + "downsample.0.weight" in self.s:
            return self.bn(p + "downsample.1", float_conv(x, self.s[p + "downsample.0.weight"], stride, 0))
        return x

    def mobilenet(self, x):
        x = float_conv(x, self.s["feature.0.conv1.weight"], 2, 1)
        x = self.features["stem"] = np.minimum(np.maximum(self.bn("feature.0.bn1", x), F(0)), F(6))
        for f in range(1, 18):
            p, stride, y = f"feature.{f}.", 2 if f in (2, 4, 7, 14) else 1, x
            for i, step in ((1, 1), (2, stride), (3, 1)):
                y = self.rprelu(p, i, y)
                y = self.bn(f"{p}bn{i}", self.qconv(f"{p}conv{i}", *self.ltq(f"{p}quan{i}", y), step))
            x = y + x if f in (3, 5, 6, 8, 9, 10, 12, 13, 15, 16) else y
        clip, n = self.s["feature.18.quan1.clip_val"].astype(F)[0], self.L
        limited = np.where(x > 0, x, np.where(np.isnan(x), x, F(0)))
        limited = np.where(limited < clip, limited, clip)  # a NaN becomes clip, hence code L
        codes = np.rint(limited * (F(1) / clip * F(n))).astype(np.uint8)
        self.codes["feature.18.quan1"] = codes
        step = F(np.float64(clip) / n)
        x = self.bn("feature.18.bn1", self.qconv("feature.18.conv1", codes, step, 1))
        return np.minimum(np.maximum(x, F(0)), F(6))

    def rprelu(self, p, j, x):
        y = x + self.s[f"{p}bias{j}1.bias"].reshape(-1)
        y = np.where(y > 0, y, self.s[f"{p}prelu{j}.weight"] * y)
        return y + self.s[f"{p}bias{j}2.bias"].reshape(-1)

    def bn(self, name, y):
        w, b, m, v = (self.s[f"{name}.{k}"].astype(np.float64) for k in ("weight", "bias", "running_mean", "running_var"))
        q = w / np.sqrt(v + 1e-5)
        alpha, beta = q.astype(F), (b - m * q).astype(F)
        y = y * alpha
        return y + beta

    def ltq(self, name, x):
        """(codes, s_a) of a learned-threshold quantizer."""
        a = self.s[name + ".a"].astype(F)
        a = [v if v > F(1e-3) else F(1e-3) for v in a]
        T = [F(self.s[name + ".start"][0] + F(a[0] / F(2)))]
        for i in range(1, self.L):
            T.append(F(T[-1] + F(F(a[i - 1] / F(2)) + F(a[i] / F(2)))))
        u = x * self.s[name + ".scale1"]
        codes = np.zeros(u.shape, np.uint8)
        for t in T:
            codes += u > t
        self.codes[name] = codes
        return codes, F(np.float64(self.s[name + ".scale2"][0]) * 2 / self.L)

    def qconv(self, name, codes, step, stride):
        w = self.s[name + ".weight"].astype(F)
        gamma = {2: 1.5, 3: 1.75, 4: 1.875}[self.n]
        sf = np.array([F(gamma * (np.sum(np.abs(c.astype(np.float64))) / c.size)) for c in w], F)
        clipped = np.clip((w / sf[:, None, None, None]).astype(F), F(-1), F(1))
        k = np.rint((clipped + F(1)) * F(self.L / 2))
        integers = (2 * k - self.L).astype(np.int64)
        groups = codes.shape[-1] // w.shape[1]
        acc = integer_conv(codes, integers, stride, w.shape[2] // 2, groups)
        s_w = np.array([F(np.float64(v) / self.L) for v in sf], F)
        return acc.astype(F) * (step * s_w)
