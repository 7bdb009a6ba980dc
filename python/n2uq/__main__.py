# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line: python -m n2uq {export,train,data}."""

import argparse
import sys

import numpy as np

from . import __version__, architecture, checkpoint, data, exporter, ordinary
from .errors import Error


def _natural(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expects a number of at least 1, got {text}")
    return value


def _add_export(commands):
    p = commands.add_parser("export", help="write a network as ONNX (QONNX form)",
                            description="Writes a network as ONNX in QONNX form, from a checkpoint of the authors' "
                            "training code or ours, or with random but ordinary parameters.")
    source = p.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", metavar="FILE", help="a torch.save file (.pth, .pth.tar)")
    source.add_argument("--seed", type=int, metavar="N", help="draw random but ordinary parameters")
    p.add_argument("--arch", choices=architecture.NAMES, help="required with --seed; checked against a checkpoint")
    p.add_argument("--bits", type=int, choices=(2, 3, 4), help="as --arch (mobilenet_v2: 4 unless given)")
    p.add_argument("--downsample", choices=("quantized", "float"), help="form of the downsample branch (--seed; "
                   "quantized unless given)")
    p.add_argument("--edge", action="store_true", help="with --seed: parameters at the edges of the definitions (zero "
                   "normalisation weights, clamped widths, values exactly on a threshold)")
    p.add_argument("--classes", type=_natural, metavar="N", help="with --seed: outputs")
    p.add_argument("--in-channels", type=_natural, metavar="N", help="with --seed: image channels (3)")
    p.add_argument("--width", type=_natural, metavar="N", help="with --seed: channels of the first stage")
    p.add_argument("--image-size", type=_natural, metavar="N", help="height and width of the input (224; 32, or 28 with "
                   "one channel, for the small networks)")
    p.add_argument("-o", "--output", metavar="FILE", help="default: <arch>_<bits>bit.onnx")
    p.set_defaults(run=_export)


def _export(options):
    if options.checkpoint is not None:
        for name in ("downsample", "classes", "in_channels", "width", "edge"):
            if getattr(options, name):
                raise Error(f"--{name.replace('_', '-')} goes with --seed; a checkpoint decides it by itself")
        state = checkpoint.state_dict(options.checkpoint)
        try:
            network = architecture.recognise(state, options.image_size)
        except Error as error:
            raise Error(f"{options.checkpoint}: {error}") from None
        found = architecture.name_of(network)
        if options.arch and found != options.arch:
            raise Error(f"{options.checkpoint}: is {found or 'no network with a name'}, not {options.arch}; correct or "
                        "leave out --arch")
        if options.bits and network.bits != options.bits:
            raise Error(f"{options.checkpoint}: has {network.bits} bits, not {options.bits}; correct or leave out --bits")
    else:
        if options.seed < 0:
            raise Error(f"--seed expects a number of at least 0, got {options.seed}")
        if options.arch is None:
            raise Error("--seed needs --arch")
        if options.bits is None and options.arch != "mobilenet_v2":
            raise Error("--seed needs --bits")
        network = architecture.build(options.arch, options.bits or 4, options.downsample != "float", options.classes,
                                     options.in_channels or 3, options.width, options.image_size)
        state = ordinary.state_dict(network, options.seed, options.edge)
        found = options.arch
    output = options.output or f"{found or 'n2uq'}_{network.bits}bit.onnx"
    try:
        exporter.export(state, output, options.image_size)
    except Error as error:
        raise Error(f"{options.checkpoint}: {error}" if options.checkpoint else str(error)) from None
    print(f"{output}: {found or 'network'}, {network.bits} bits, input [N,{network.stem.inputs},{network.image},"
          f"{network.image}], {network.classes} classes")


def _add_train(commands):
    p = commands.add_parser("train", help="train a small network on Fashion-MNIST",
                            description="Trains a float network, an N2UQ network from it, and a float twin that is trained "
                            "as long. Checkpoints lie under the output folder, one folder a phase.")
    p.add_argument("-o", "--output", metavar="DIR", required=True, help="folder of the checkpoints")
    p.add_argument("--arch", choices=("resnet8", "resnet14", "resnet20"), default="resnet8")
    p.add_argument("--bits", type=int, choices=(2, 3, 4), default=2)
    p.add_argument("--width", type=_natural, default=16, help="channels of the first stage (16)")
    p.add_argument("--float-epochs", type=_natural, default=10, help="of the first phase (10)")
    p.add_argument("--epochs", type=_natural, default=20, help="of the N2UQ network and of the twin (20)")
    p.add_argument("--batch", type=_natural, default=128)
    p.add_argument("--rate", type=float, default=2e-3, help="peak learning rate of Adam (0.002)")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=_natural, default=1)
    p.add_argument("--resume", action="store_true", help="go on where the checkpoints end")
    p.add_argument("--no-twin", action="store_true", help="leave the float twin out")
    p.add_argument("--data", metavar="DIR", default=data.FASHION_MNIST, help=f"folder of the idx files "
                   f"({data.FASHION_MNIST})")
    p.add_argument("--export", metavar="FILE", help="write the N2UQ network as ONNX at the end")
    p.set_defaults(run=_train)


def _train(options):
    from . import train  # the package turns a missing torch into a sentence
    train.train(options.output, options.arch, options.bits, options.width, options.float_epochs, options.epochs,
                options.batch, options.rate, options.seed, options.threads, options.resume, not options.no_twin,
                options.data)
    if options.export:
        exporter.export(f"{options.output}/quantized/checkpoint.pth.tar", options.export)


def _add_data(commands):
    p = commands.add_parser("data", help="write network inputs as .npy",
                            description="Writes normalised float32 [N,C,H,W] images: of Fashion-MNIST, or random ones.")
    source = p.add_mutually_exclusive_group(required=True)
    source.add_argument("--fashion-mnist", choices=("train", "test"), help="real images")
    source.add_argument("--seed", type=int, metavar="N", help="random images")
    p.add_argument("--count", type=_natural, metavar="N", help="images (default: all, or 1 random one)")
    p.add_argument("--in-channels", type=_natural, default=3, metavar="N", help="of random images (3)")
    p.add_argument("--image-size", type=_natural, default=224, metavar="N", help="of random images (224)")
    p.add_argument("--edge", action="store_true", help="random images of multiples of 1/16")
    p.add_argument("--data", metavar="DIR", default=data.FASHION_MNIST, help=f"folder of the idx files "
                   f"({data.FASHION_MNIST})")
    p.add_argument("--labels", metavar="FILE", help="write the labels of Fashion-MNIST, int64 [N]")
    p.add_argument("-o", "--output", metavar="FILE", required=True)
    p.set_defaults(run=_data)


def _data(options):
    labels = None
    if options.fashion_mnist:
        images, labels = data.fashion_mnist(options.fashion_mnist, options.data)
        images, labels = data.normalise(images[:options.count]), labels[:options.count]
    else:
        if options.seed < 0:
            raise Error(f"--seed expects a number of at least 0, got {options.seed}")
        if options.labels:
            raise Error("--labels goes with --fashion-mnist; random images have no labels")
        images = ordinary.images(options.count or 1, options.in_channels, options.image_size, options.seed, options.edge)
    for path, array in ((options.output, images), (options.labels, labels)):
        if path:
            try:
                with open(path, "wb") as stream:
                    np.save(stream, array)
            except OSError as error:
                raise Error(f"{path}: cannot be written ({error.strerror}); check the folder") from None


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m n2uq", description="Train and export N2UQ networks.")
    parser.add_argument("--version", action="version", version=f"n2uq {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in (_add_export, _add_train, _add_data):
        add(commands)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except Error as error:
        print(f"n2uq: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("n2uq: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
