# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The quantizers as differentiable functions: exact steps forward, generalised straight-through (G-STE) backward.

Notation: n bits, L = 2^n - 1 levels above zero, delta = 2/L. Forward values are on the integer grid exactly as the
compiler computes them (each float32 operation rounds once), so a trained network loses nothing by being compiled.
"""

import torch

from . import fused

EPSILON = 1e-3  # interval widths are not allowed below this (strictly above passes)


def thresholds(start, widths):
    """T_1 = s + a_1/2, T_i = T_{i-1} + (a_{i-1}/2 + a_i/2), every sum rounded in the parameters' own type."""
    half = torch.where(widths > EPSILON, widths, torch.full_like(widths, EPSILON)) / 2
    steps = torch.cat([start + half[:1], half[:-1] + half[1:]])
    result = [steps[0]]
    for step in steps[1:]:
        result.append(result[-1] + step)
    return torch.stack(result)


def _edges_and_slopes(start, widths, scale1, scale2):
    """d_0 .. d_L and dvalue/dx on (d_k, d_{k+1}]; outside of (d_0, d_L] the slope is 0 (the last entry)."""
    clamped = torch.where(widths > EPSILON, widths, torch.full_like(widths, EPSILON))
    edges = torch.cat([start, start + torch.cumsum(clamped, 0)])
    slopes = 2 / len(widths) / clamped * scale1 * scale2
    return edges, torch.cat([slopes, torch.zeros_like(start)]), clamped


def _memory_format(x):
    """The format of x when its memory is dense in an order that the fused kernels know, else None."""
    if x.is_contiguous():
        return torch.contiguous_format
    if x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):
        return torch.channels_last
    return None


def _fusable(x):
    return x.dtype == torch.float32 and x.device.type == "cpu" and _memory_format(x) is not None and fused.library()


class LearnedThreshold(torch.autograd.Function):
    """value = code * 2/L * scale2 with code = #{i : x*scale1 > T_i}; backward by the slopes of the segments between
    d_{i-1} and d_i, the input gradient and the five parameter gradients of n2uq-semantics section 6."""

    @staticmethod
    def forward(ctx, x, start, widths, scale1, scale2):
        ctx.save_for_backward(x, start, widths, scale1, scale2)
        levels = thresholds(start, widths)
        # One rounding from float64, as the exported file carries it.
        step = (scale2.double() * 2 / len(widths)).to(x.dtype)
        lib = _fusable(x)
        if lib:
            values = torch.empty_like(x)
            lib.n2uq_quantize_forward(x.data_ptr(), values.data_ptr(), x.numel(), float(scale1), float(step),
                                      levels.data_ptr(), len(levels))
            return values
        return _codes(x * scale1, levels) * step

    @staticmethod
    def backward(ctx, gradient):
        x, start, widths, scale1, scale2 = ctx.saved_tensors
        levels, count = thresholds(start, widths), len(widths)
        edges, slopes, clamped = _edges_and_slopes(start, widths, scale1, scale2)
        lib = _fusable(x)
        if lib:
            gradient = gradient.contiguous(memory_format=_memory_format(x))
            gx = torch.empty_like(x)
            sums = torch.empty(2 * count + 3, dtype=torch.float64)
            lib.n2uq_quantize_backward(x.data_ptr(), gradient.data_ptr(), gx.data_ptr(), x.numel(), float(scale1),
                                       levels.data_ptr(), edges.data_ptr(), slopes.data_ptr(), count, sums.data_ptr())
            above, above_x, by_code = sums[:count + 1], sums[count + 1:2 * count + 2], sums[-1]
        else:
            u = x * scale1
            segment = _codes(u, edges).long()  # 0: below d_0; k: on (d_{k-1}, d_k]; L+1: above d_L
            gx = gradient * torch.cat([torch.zeros_like(start), slopes])[segment]
            per = lambda value: torch.zeros(count + 2, dtype=torch.float64, device=x.device).index_add_(
                0, segment.flatten(), value.flatten().double())
            suffix = lambda value: torch.flip(torch.cumsum(torch.flip(value, [0]), 0), [0])[1:]
            above, above_x = suffix(per(gradient)), suffix(per(gradient * x))
            by_code = (gradient * _codes(u, levels)).double().sum()

        # From sums above an edge to sums on a segment; float64, since neighbouring sums nearly cancel.
        g, gx_sum = above[:-1] - above[1:], above_x[:-1] - above_x[1:]
        edges, clamped, beta1, beta2 = edges.double(), clamped.double(), scale1.double(), scale2.double()
        slope = beta2 * 2 / count / clamped
        weighted = slope * g
        own = slope * (beta1 * gx_sum - edges[:-1] * g) / clamped  # x enters its own segment part of the way
        later = weighted.sum() - torch.cumsum(weighted, 0)          # and crosses every segment before it whole
        grad_widths = torch.where(widths > EPSILON, -own - later, torch.zeros_like(own))
        cast = lambda value: value.reshape(1).to(x.dtype)
        return (gx, cast(-weighted.sum()), grad_widths.to(x.dtype), cast((slope * gx_sum).sum()),
                cast(by_code * 2 / count))


def _codes(u, levels):
    """#{i : u > levels_i}, in the type of u; a NaN is above nothing."""
    codes = torch.zeros_like(u)
    for level in levels:
        codes += (u > level).to(u.dtype)
    return codes


class RescaledWeight(torch.autograd.Function):
    """value = sf_c/L * (2k - L), k = rne((clip(W/sf_c, -1, 1) + 1) * L/2), sf_c = (L/2^(n-1)) * mean|W_c|, the
    entropy-preserving rescaling. Backward: gradient / sf_c, unmasked, with sf_c held constant."""

    @staticmethod
    def forward(ctx, weight, bits):
        levels = 2**bits - 1
        mean = weight.detach().abs().flatten(1).mean(1, dtype=torch.float64)
        factor = (mean * (levels / 2**(bits - 1))).to(weight.dtype).reshape(-1, *[1] * (weight.dim() - 1))
        ctx.save_for_backward(factor)
        k = torch.round((torch.clamp(weight / factor, -1, 1) + 1) * (levels / 2))
        return (2 * k - levels) * (factor.double() / levels).to(weight.dtype)

    @staticmethod
    def backward(ctx, gradient):
        factor, = ctx.saved_tensors
        return gradient / factor, None


class Pact(torch.autograd.Function):
    """value = rne(clamp(x, 0, clip) * L/clip) * clip/L. Backward: straight through inside (0, clip); clip gets the
    gradient of the saturated part and, since its forward value is not detached, code/L as well."""

    @staticmethod
    def forward(ctx, x, clip, bits):
        levels = 2**bits - 1
        codes = torch.round(torch.minimum(torch.relu(x), clip) * (1 / clip * levels))
        ctx.levels = levels
        ctx.save_for_backward(x, clip, codes)
        return codes * (clip.double() / levels).to(x.dtype)

    @staticmethod
    def backward(ctx, gradient):
        x, clip, codes = ctx.saved_tensors
        inside = (x > 0) & (x < clip)
        saturated = (x >= clip).to(x.dtype)
        # The forward value code * clip/L is not detached, so clip gets code/L everywhere besides the saturated part.
        share = saturated + codes / ctx.levels
        return gradient * inside, (gradient * share).sum().reshape(1), None


class RPRelu(torch.autograd.Function):
    """prelu(x + before) + after with one of each parameter a channel."""

    @staticmethod
    def forward(ctx, x, before, slope, after):
        ctx.save_for_backward(x, before, slope)
        lib = _fusable(x)
        if lib:
            y = torch.empty_like(x)
            lib.n2uq_rprelu_forward(x.data_ptr(), y.data_ptr(), *_extent(x), before.data_ptr(), slope.data_ptr(),
                                    after.data_ptr())
            return y
        return torch.nn.functional.prelu(x + before, slope) + after

    @staticmethod
    def backward(ctx, gradient):
        x, before, slope = ctx.saved_tensors
        channels = len(slope)
        lib = _fusable(x)
        if lib:
            gradient = gradient.contiguous(memory_format=_memory_format(x))
            gx = torch.empty_like(x)
            sums = torch.empty(3, channels, dtype=torch.float64)
            scratch = torch.empty(3 * channels)
            lib.n2uq_rprelu_backward(x.data_ptr(), gradient.data_ptr(), gx.data_ptr(), *_extent(x), before.data_ptr(),
                                     slope.data_ptr(), *(row.data_ptr() for row in sums), scratch.data_ptr())
            g_before, g_slope, g_after = sums.to(x.dtype)
        else:
            z = x + before
            shape = (1, channels, 1, 1)
            gx = torch.where(z > 0, gradient, slope.reshape(shape) * gradient)
            g_before, g_after = gx.sum((0, 2, 3)), gradient.sum((0, 2, 3))
            g_slope = torch.where(z > 0, torch.zeros_like(z), gradient * z).sum((0, 2, 3))
        return gx, g_before.reshape(before.shape), g_slope, g_after.reshape(before.shape)


def _extent(x):
    """(outer, channels, inner) of x as its memory lies."""
    batch, channels, height, width = x.shape
    if x.is_contiguous():
        return batch, channels, height * width
    return batch * height * width, channels, 1
