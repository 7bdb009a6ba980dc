# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a network consists of: built from a name and sizes, or recognised from the entries of a state dict.

A checkpoint stores no architecture; it follows from which keys exist and from the shapes of the weights. `recognise`
reads those few facts, builds the description and then demands that the state dict has exactly the entries of that
description, so that nothing is guessed twice.
"""

import dataclasses
import re
from typing import List, Optional, Tuple

import numpy as np

from .errors import Error


@dataclasses.dataclass
class Conv:
    name: str
    outputs: int
    inputs: int
    kernel: int
    stride: int = 1
    groups: int = 1
    quantized: bool = True

    @property
    def shape(self):
        return self.outputs, self.inputs // self.groups, self.kernel, self.kernel


@dataclasses.dataclass
class Stage:
    """[RPReLU →] quantizer → convolution → batch normalisation. The float branch of a block has no quantizer."""
    conv: Conv
    bn: str
    quantizer: Optional[str] = None
    rprelu: Optional[int] = None


@dataclasses.dataclass
class Block:
    name: str
    stages: List[Stage]
    downsample: Optional[Stage] = None
    skip: bool = True
    last_rprelu: Optional[int] = None


@dataclasses.dataclass
class Network:
    bits: int
    stem: Conv
    stem_bn: str
    stem_activation: Tuple[str, str]  # ("Relu" or "Relu6", node name)
    max_pool: bool
    blocks: List[Block]
    head: Optional[Stage]  # MobileNetV2's last convolution, behind a PACT quantizer
    classes: int
    features: int
    image: int  # height and width that the network is made for

    @property
    def levels(self):
        return 2**self.bits - 1

    def stages(self):
        """(block or None, stage) of every quantizable convolution, in file order."""
        for block in self.blocks:
            yield from ((block, stage) for stage in block.stages)
            if block.downsample:
                yield block, block.downsample
        if self.head:
            yield None, self.head


STEM_CHANNELS, MOBILE_HEAD = 32, 1280
MOBILE_GROUPS = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
RESNETS = {"resnet18": ("basic", (2, 2, 2, 2)), "resnet34": ("basic", (3, 4, 6, 3)),
           "resnet50": ("bottleneck", (3, 4, 6, 3)), "resnet8": ("basic", (1, 1, 1)),
           "resnet14": ("basic", (2, 2, 2)), "resnet20": ("basic", (3, 3, 3))}
NAMES = (*RESNETS, "mobilenet_v2")


def _resnet_block(name, kind, inputs, middle, outputs, stride, quantized_downsample):
    widths = (((1, 3, stride, inputs, middle), (2, 3, 1, middle, outputs)) if kind == "basic" else
              ((1, 1, 1, inputs, middle), (2, 3, stride, middle, middle), (3, 1, 1, middle, outputs)))
    stages = [Stage(Conv(f"{name}.conv{i}", o, c, kernel, step), f"{name}.bn{i}", f"{name}.quan{i}", i)
              for i, kernel, step, c, o in widths]
    downsample = None
    if stride != 1 or inputs != outputs:
        at = f"{name}.downsample"
        if quantized_downsample:
            downsample = Stage(Conv(f"{at}.1", outputs, inputs, 1, stride), f"{at}.2", f"{at}.0")
        else:
            downsample = Stage(Conv(f"{at}.0", outputs, inputs, 1, stride, quantized=False), f"{at}.1")
    return Block(name, stages, downsample, True, 3 if kind == "basic" else 0)


def _resnet(kind, stem, widths, bits, quantized_downsample, classes, image=None):
    """`widths`: for each stage, for each block, (middle, outputs)."""
    small = stem.kernel == 3
    blocks, inputs = [], stem.outputs
    for s, stage in enumerate(widths):
        for i, (middle, outputs) in enumerate(stage):
            stride = 2 if s > 0 and i == 0 else 1
            blocks.append(_resnet_block(f"layer{s + 1}.{i}", kind, inputs, middle, outputs, stride, quantized_downsample))
            inputs = outputs
    image = image or (224 if not small else 28 if stem.inputs == 1 else 32)
    return Network(bits, stem, "bn1", ("Relu", "relu"), not small, blocks, None, classes, inputs, image)


def _mobilenet_v2(in_channels, bits, classes, image=None):
    blocks, inputs = [], STEM_CHANNELS
    for outputs, count, first_stride in MOBILE_GROUPS:
        for i in range(count):
            name, stride = f"feature.{len(blocks) + 1}", first_stride if i == 0 else 1
            middle = 6 * inputs if blocks else inputs  # the first bottleneck does not expand
            convs = (Conv(f"{name}.conv1", middle, inputs, 1), Conv(f"{name}.conv2", middle, middle, 3, stride, middle),
                     Conv(f"{name}.conv3", outputs, middle, 1))
            stages = [Stage(conv, f"{name}.bn{k}", f"{name}.quan{k}", k) for k, conv in enumerate(convs, 1)]
            blocks.append(Block(name, stages, None, stride == 1 and inputs == outputs))
            inputs = outputs
    head = Stage(Conv("feature.18.conv1", MOBILE_HEAD, inputs, 1), "feature.18.bn1", "feature.18.quan1")
    stem = Conv("feature.0.conv1", STEM_CHANNELS, in_channels, 3, 2, quantized=False)
    return Network(bits, stem, "feature.0.bn1", ("Relu6", "feature.0.relu6"), False, blocks, head, classes, MOBILE_HEAD,
                   image or 224)


def build(name, bits, quantized_downsample=True, classes=None, in_channels=3, width=None, image=None):
    """The description of a network by name. `width`: of the first stage (64, or 16 for the small ones)."""
    if name not in NAMES:
        raise Error(f"unknown architecture '{name}'; known are {', '.join(NAMES)}")
    if bits not in (2, 3, 4):
        raise Error(f"networks have 2, 3 or 4 bits, not {bits}")
    if name == "mobilenet_v2":
        if width is not None:
            raise Error("mobilenet_v2 has fixed widths; leave the width option out")
        return _mobilenet_v2(in_channels, bits, classes or 1000, image)
    kind, counts = RESNETS[name]
    small = len(counts) == 3
    width = width or (16 if small else 64)
    stem = Conv("conv1", width, in_channels, 3, 1, quantized=False) if small else \
        Conv("conv1", width, in_channels, 7, 2, quantized=False)
    grown = 4 if kind == "bottleneck" else 1
    widths = [[(width << s, grown * (width << s))] * count for s, count in enumerate(counts)]
    return _resnet(kind, stem, widths, bits, quantized_downsample, classes or (10 if small else 1000), image)


def entries(network):
    """[(key, shape)] of the network's state dict in file order; a shape's dtype is float32 except for () (int64)."""
    result, levels = [], network.levels

    def conv(c):
        if c.quantized:
            result.extend([(f"{c.name}.clip_val", (1,)), (f"{c.name}.zero", (1,))])
        result.append((f"{c.name}.weight", c.shape))

    def bn(name, channels):
        result.extend((f"{name}.{key}", (channels,)) for key in ("weight", "bias", "running_mean", "running_var"))
        result.append((f"{name}.num_batches_tracked", ()))

    def rprelu(block, number, channels):
        at = block.name
        result.extend([(f"{at}.bias{number}1.bias", (1, channels, 1, 1)), (f"{at}.prelu{number}.weight", (channels,)),
                       (f"{at}.bias{number}2.bias", (1, channels, 1, 1))])

    def ltq(name):
        result.append((f"{name}.start", (1,)))
        result.append((f"{name}.a", (levels,)))
        result.extend((f"{name}.{key}", (1,))
                      for key in ("scale1", "scale2", "two", "one", "zero", "minusone", "eps"))

    conv(network.stem)
    bn(network.stem_bn, network.stem.outputs)
    for block in network.blocks:
        for stage in (*block.stages, *filter(None, [block.downsample])):
            if stage.rprelu is not None:
                rprelu(block, stage.rprelu, stage.conv.inputs)
            if stage.quantizer:
                ltq(stage.quantizer)
            conv(stage.conv)
            bn(stage.bn, stage.conv.outputs)
        if block.last_rprelu is not None:
            rprelu(block, block.last_rprelu, block.stages[-1].conv.outputs)
    if network.head:
        result.append((f"{network.head.quantizer}.clip_val", (1,)))
        conv(network.head.conv)
        bn(network.head.bn, network.head.conv.outputs)
    return result + [("fc.weight", (network.classes, network.features)), ("fc.bias", (network.classes,))]


def _shape(state, key, rank):
    if key not in state:
        raise Error(f"the state dict has no entry '{key}'; export needs a whole N2UQ network")
    if state[key].ndim != rank:
        raise Error(f"entry '{key}' has {state[key].ndim} dimensions instead of {rank}; export needs a whole N2UQ network")
    return state[key].shape


def _bits(state):
    levels = {value.shape for key, value in state.items() if re.search(r"(^|\.)(quan\d|downsample\.0)\.a$", key)}
    if not levels:
        raise Error("this is a float model, it has no quantizers; train it with n2uq.train first")
    if len(levels) > 1 or next(iter(levels)) not in ((3,), (7,), (15,)):
        raise Error(f"the quantizers have {' and '.join(str(list(s)) for s in sorted(levels))} interval widths; all must "
                    "have 3, 7 or 15 (2, 3 or 4 bits)")
    return {3: 2, 7: 3, 15: 4}[next(iter(levels))[0]]


def recognise(state, image=None):
    """The network whose state dict this is; its entries are checked one by one."""
    bits = _bits(state)
    classes = _shape(state, "fc.weight", 2)[0]
    if any(key.startswith("feature.") for key in state):
        network = _mobilenet_v2(_shape(state, "feature.0.conv1.weight", 4)[1], bits, classes, image)
    else:
        outputs, inputs, kernel, _ = _shape(state, "conv1.weight", 4)
        if kernel not in (3, 7):
            raise Error(f"entry 'conv1.weight' is {kernel}x{kernel}; known stems are 7x7 at stride 2 and 3x3 at stride 1")
        stem = Conv("conv1", outputs, inputs, kernel, 2 if kernel == 7 else 1, quantized=False)
        kind = "bottleneck" if "layer1.0.conv3.weight" in state else "basic"
        last = "conv3" if kind == "bottleneck" else "conv2"
        widths = []
        while f"layer{len(widths) + 1}.0.conv1.weight" in state:
            s, blocks = len(widths) + 1, []
            while f"layer{s}.{len(blocks)}.conv1.weight" in state:
                at = f"layer{s}.{len(blocks)}"
                blocks.append((_shape(state, f"{at}.conv1.weight", 4)[0], _shape(state, f"{at}.{last}.weight", 4)[0]))
            widths.append(blocks)
        network = _resnet(kind, stem, widths, bits, "layer2.0.downsample.0.a" in state, classes, image)
    _check(state, network)
    return network


def _check(state, network):
    expected = dict(entries(network))
    for key, shape in expected.items():
        if key not in state and shape == ():
            continue  # num_batches_tracked: older files lack it, and nothing reads it
        if key not in state:
            raise Error(f"the state dict has no entry '{key}'; export needs a whole N2UQ network")
        value = state[key]
        if value.shape != shape:
            raise Error(f"entry '{key}' has shape {list(value.shape)} instead of {list(shape)}; the file is of another "
                        "architecture or damaged")
        dtype = np.int64 if shape == () else np.float32
        if value.dtype != dtype:
            raise Error(f"entry '{key}' is {value.dtype} instead of {np.dtype(dtype)}; save the network in float32")
        if shape != () and not np.isfinite(value).all():
            raise Error(f"entry '{key}' holds a NaN or an infinity; train the network again")
        if key.endswith(".running_var") and (value < 0).any():
            raise Error(f"entry '{key}' holds a negative variance; train the network again")
        if key.endswith(".eps") and value[0] != np.float32(1e-3):
            raise Error(f"entry '{key}' is {value[0]:g} instead of 0.001; this quantizer clamps its widths differently, "
                        "which is not supported")
    for key in state:
        if key not in expected:
            raise Error(f"the state dict has an entry '{key}' that its network does not; the file is of another "
                        "architecture")
    for _, stage in network.stages():
        clip = state.get(f"{stage.conv.name}.clip_val")
        if stage.conv.quantized and clip[0] != 2:
            raise Error(f"entry '{stage.conv.name}.clip_val' is {clip[0]:g} instead of 2; this convolution clips its "
                        "weights differently, which is not supported")


def name_of(network):
    """The name that build() knows for the network's kind and depth, or None."""
    if network.head:
        return "mobilenet_v2"
    counts = {}
    for block in network.blocks:
        stage = block.name.partition(".")[0]
        counts[stage] = counts.get(stage, 0) + 1
    kind = "bottleneck" if len(network.blocks[0].stages) == 3 else "basic"
    return next((name for name, shape in RESNETS.items() if shape == (kind, tuple(counts.values()))), None)
