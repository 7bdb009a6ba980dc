# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The networks, with the authors' state_dict names. `bits=None` builds the float twin: the same network, no quantizer."""

from torch import nn

from .nn import LTQ, PACT, QConv2d, add_rprelu, rprelu


def _quantizer(bits):
    return LTQ(bits) if bits else nn.Identity()


def _conv(inputs, outputs, kernel, stride=1, groups=1, bits=None):
    if bits:
        return QConv2d(inputs, outputs, kernel, stride, groups, bits)
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv


def _downsample(inputs, outputs, stride, bits, quantized):
    """The identity branch of a block that changes shape. The quantizer reads the raw block input."""
    if bits and quantized:
        return nn.Sequential(LTQ(bits), _conv(inputs, outputs, 1, stride, bits=bits), nn.BatchNorm2d(outputs))
    return nn.Sequential(_conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride, bits, quantized_downsample):
        super().__init__()
        add_rprelu(self, 1, inputs)
        self.quan1 = _quantizer(bits)
        self.conv1 = _conv(inputs, width, 3, stride, bits=bits)
        self.bn1 = nn.BatchNorm2d(width)
        add_rprelu(self, 2, width)
        self.quan2 = _quantizer(bits)
        self.conv2 = _conv(width, width, 3, bits=bits)
        self.bn2 = nn.BatchNorm2d(width)
        if stride != 1 or inputs != width:
            self.downsample = _downsample(inputs, width, stride, bits, quantized_downsample)
        else:
            self.downsample = None
        add_rprelu(self, 3, width)

    def forward(self, x):
        identity = self.downsample(x) if self.downsample is not None else x
        y = self.bn1(self.conv1(self.quan1(rprelu(self, 1, x))))
        y = self.bn2(self.conv2(self.quan2(rprelu(self, 2, y))))
        return rprelu(self, 3, y + identity)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, width, stride, bits, quantized_downsample):
        super().__init__()
        outputs = 4 * width
        add_rprelu(self, 1, inputs)
        self.quan1 = _quantizer(bits)
        self.conv1 = _conv(inputs, width, 1, bits=bits)
        self.bn1 = nn.BatchNorm2d(width)
        add_rprelu(self, 2, width)
        self.quan2 = _quantizer(bits)
        self.conv2 = _conv(width, width, 3, stride, bits=bits)
        self.bn2 = nn.BatchNorm2d(width)
        add_rprelu(self, 3, width)
        self.quan3 = _quantizer(bits)
        self.conv3 = _conv(width, outputs, 1, bits=bits)
        self.bn3 = nn.BatchNorm2d(outputs)
        if stride != 1 or inputs != outputs:
            self.downsample = _downsample(inputs, outputs, stride, bits, quantized_downsample)
        else:
            self.downsample = None
        add_rprelu(self, 0, outputs)

    def forward(self, x):
        identity = self.downsample(x) if self.downsample is not None else x
        y = self.bn1(self.conv1(self.quan1(rprelu(self, 1, x))))
        y = self.bn2(self.conv2(self.quan2(rprelu(self, 2, y))))
        y = self.bn3(self.conv3(self.quan3(rprelu(self, 3, y))))
        return rprelu(self, 0, y + identity)


class ResNet(nn.Module):
    """`small_stem`: a 3x3 stem at stride 1 without pooling, for images of 28x28 or 32x32, three stages instead of four."""

    def __init__(self, block, counts, bits, quantized_downsample=True, classes=1000, in_channels=3, width=64,
                 small_stem=False):
        super().__init__()
        self.conv1 = (nn.Conv2d(in_channels, width, 3, 1, 1, bias=False) if small_stem else
                      nn.Conv2d(in_channels, width, 7, 2, 3, bias=False))
        nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small_stem else nn.MaxPool2d(3, 2, 1)
        self.stages = len(counts)
        inputs = width
        for stage, count in enumerate(counts):
            blocks = []
            for i in range(count):
                stride = 2 if stage > 0 and i == 0 else 1
                blocks.append(block(inputs, width << stage, stride, bits, quantized_downsample))
                inputs = (width << stage) * block.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(self.avgpool(x).flatten(1))


class _MobileStem(nn.Module):
    def __init__(self, in_channels, width):
        super().__init__()
        self.conv1 = _conv(in_channels, width, 3, 2)
        self.bn1 = nn.BatchNorm2d(width)

    def forward(self, x):
        return nn.functional.relu6(self.bn1(self.conv1(x)))


class _MobileBottleneck(nn.Module):
    def __init__(self, inputs, middle, outputs, stride, bits):
        super().__init__()
        add_rprelu(self, 1, inputs)
        self.quan1 = _quantizer(bits)
        self.conv1 = _conv(inputs, middle, 1, bits=bits)
        self.bn1 = nn.BatchNorm2d(middle)
        add_rprelu(self, 2, middle)
        self.quan2 = _quantizer(bits)
        self.conv2 = _conv(middle, middle, 3, stride, groups=middle, bits=bits)
        self.bn2 = nn.BatchNorm2d(middle)
        add_rprelu(self, 3, middle)
        self.quan3 = _quantizer(bits)
        self.conv3 = _conv(middle, outputs, 1, bits=bits)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.skip = stride == 1 and inputs == outputs

    def forward(self, x):
        y = self.bn1(self.conv1(self.quan1(rprelu(self, 1, x))))
        y = self.bn2(self.conv2(self.quan2(rprelu(self, 2, y))))
        y = self.bn3(self.conv3(self.quan3(rprelu(self, 3, y))))
        return y + x if self.skip else y


class _MobileHead(nn.Module):
    def __init__(self, inputs, outputs, bits):
        super().__init__()
        self.quan1 = PACT(bits) if bits else nn.ReLU()
        self.conv1 = _conv(inputs, outputs, 1, bits=bits)
        self.bn1 = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return nn.functional.relu6(self.bn1(self.conv1(self.quan1(x))))


class MobileNetV2(nn.Module):
    # (outputs, blocks, stride of the first block) of each group
    groups = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))

    def __init__(self, bits=4, classes=1000, in_channels=3):
        super().__init__()
        layers, inputs = [_MobileStem(in_channels, 32)], 32
        for outputs, count, first_stride in self.groups:
            for i in range(count):
                middle = inputs if len(layers) == 1 else 6 * inputs
                layers.append(_MobileBottleneck(inputs, middle, outputs, first_stride if i == 0 else 1, bits))
                inputs = outputs
        layers.append(_MobileHead(inputs, 1280, bits))
        self.feature = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(1280, classes)

    def forward(self, x):
        return self.fc(self.avgpool(self.feature(x)).flatten(1))


def resnet18(bits=2, **options):
    return ResNet(BasicBlock, [2, 2, 2, 2], bits, **options)


def resnet34(bits=2, **options):
    return ResNet(BasicBlock, [3, 4, 6, 3], bits, **options)


def resnet50(bits=2, **options):
    return ResNet(Bottleneck, [3, 4, 6, 3], bits, **options)


def mobilenet_v2(bits=4, **options):
    return MobileNetV2(bits, **options)


def _small(blocks, bits, width=16, classes=10, in_channels=3, **options):
    return ResNet(BasicBlock, [blocks] * 3, bits, width=width, classes=classes, in_channels=in_channels,
                  small_stem=True, **options)


def resnet8(bits=2, **options):
    return _small(1, bits, **options)


def resnet14(bits=2, **options):
    return _small(2, bits, **options)


def resnet20(bits=2, **options):
    return _small(3, bits, **options)


by_name = {f.__name__: f for f in (resnet18, resnet34, resnet50, mobilenet_v2, resnet8, resnet14, resnet20)}
