# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line: python -m n2uq {export,train,compile,run,bench,data}."""

import argparse
import json
import sys
import time
import warnings

import numpy as np

from . import __version__, architecture, checkpoint, data, exporter, ordinary, profile, runtime, toolchain
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
                            description="Trains a float network, and from it for as long a float twin and an N2UQ "
                            "network, which learns from the twin's soft labels. Checkpoints lie under the output "
                            "folder, one folder a phase.")
    p.add_argument("-o", "--output", metavar="DIR", required=True, help="folder of the checkpoints")
    p.add_argument("--arch", choices=("resnet8", "resnet14", "resnet20"), default="resnet8")
    p.add_argument("--bits", type=int, choices=(2, 3, 4), default=2)
    p.add_argument("--width", type=_natural, default=24, help="channels of the first stage (24)")
    p.add_argument("--start-epochs", type=_natural, default=8, help="of the float network from random weights (8)")
    p.add_argument("--float-epochs", type=_natural, default=12, help="of the float network, after a warm restart (12)")
    p.add_argument("--epochs", type=_natural, default=18, help="of the twin, and of the N2UQ network, from there (18)")
    p.add_argument("--batch", type=_natural, default=128)
    p.add_argument("--rate", type=float, default=5e-3, help="peak learning rate of Adam (0.005)")
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
    accuracies = train.train(options.output, options.arch, options.bits, options.width, options.start_epochs,
                             options.float_epochs, options.epochs, options.batch, options.rate, options.seed,
                             options.threads, options.resume, not options.no_twin, options.data)
    print("test top-1: " + ", ".join(f"{phase} {accuracy:.2f} %" for phase, accuracy in accuracies.items()))
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
            _save_array(path, array)


def _save_array(path, array):
    try:
        with open(path, "wb") as stream:
            np.save(stream, array)
    except OSError as error:
        raise Error(f"{path}: cannot be written ({error.strerror}); check the folder") from None


def _load_array(path):
    try:
        with open(path, "rb") as stream:
            return np.load(stream, allow_pickle=False)
    except OSError as error:
        raise Error(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except (ValueError, EOFError, MemoryError) as error:
        raise Error(f"{path}: is no array in .npy format ({str(error).splitlines()[0]}); write it with numpy.save") from None


def _add_compile(commands):
    p = commands.add_parser("compile", help="compile a model file to a shared library", description="Compiles as n2uq-compile does.",
                            epilog="Any other option goes to n2uq-compile as it is; see n2uq-compile --help.")
    p.add_argument("model", help=".onnx, .mlir or .mlirbc")
    p.add_argument("-o", "--output", metavar="FILE", help="default: the model's name with .so")
    p.add_argument("--target-cpu", default="host", help="default: host")
    p.set_defaults(run=_compile, takes_more=True)


def _compile(options):
    output = options.output or options.model.rpartition(".")[0] + ".so"
    say = lambda text: print(f"n2uq: {text}", file=sys.stderr)
    with warnings.catch_warnings():
        warnings.showwarning = lambda text, *_: say(f"warning: {text}")
        toolchain.call_compiler([options.model, "-o", output, f"--target-cpu={options.target_cpu}", *options.more], say)


def _add_run(commands):
    p = commands.add_parser("run", help="run a compiled model on an .npy file",
                            description="Computes the outputs of a batch.")
    p.add_argument("model", help="a compiled model (.so)")
    p.add_argument("--input", metavar="FILE", required=True, help="the images, .npy")
    p.add_argument("-o", "--output", metavar="FILE", help="write the outputs, .npy; else the best class of each is printed")
    p.add_argument("--threads", type=_natural, metavar="N", help="default: all cores")
    p.set_defaults(run=_run)


def _run(options):
    with runtime.Model(options.model) as model:
        y = model(_load_array(options.input), options.threads)
    if options.output:
        _save_array(options.output, y)
    else:
        print("\n".join(map(str, y.argmax(1))))


def _add_bench(commands):
    p = commands.add_parser("bench", help="time a compiled model", description="Times a compiled model on random images "
                            "and prints where the time goes.")
    p.add_argument("model", help="a compiled model (.so)")
    p.add_argument("--batch", type=_natural, default=1, metavar="N")
    p.add_argument("--threads", type=_natural, default=1, metavar="N", help="default: 1")
    p.add_argument("--seconds", type=float, default=2.0, help="how long (2)")
    p.add_argument("--json", action="store_true", help="print one object")
    p.set_defaults(run=_bench)


def _bench(options):
    with runtime.Model(options.model) as model:
        spec = model.info["input"]
        rng = np.random.default_rng(0)
        shape = (options.batch, *spec["shape"][1:])
        x = rng.integers(0, 256, shape, np.uint8) if spec["dtype"] == "uint8" else rng.normal(0, 1, shape).astype("f")
        model(x, options.threads)  # pages come in and threads start
        times, end = [], time.perf_counter() + options.seconds
        while len(times) < 3 or time.perf_counter() < end:
            start = time.perf_counter()
            model(x, options.threads)
            times.append(1e3 * (time.perf_counter() - start))
        profiles = [model.profile(x, options.threads) for _ in range(5)]
    result = {"median_ms": float(np.median(times)), "min_ms": min(times), "p90_ms": float(np.quantile(times, 0.9)),
              "runs": len(times), "batch": options.batch, "threads": options.threads}
    if options.json:
        print(json.dumps(result))
        return
    print(profile.median(profiles))
    print(f"median {result['median_ms']:.3f} ms, min {result['min_ms']:.3f} ms, p90 {result['p90_ms']:.3f} ms of "
          f"{len(times)} runs, batch {options.batch}, threads {options.threads}")


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        """A wrong command line ends like every other mistake of a user: one sentence, exit code 1."""
        print(f"n2uq: {message}; see {self.prog} --help", file=sys.stderr)
        sys.exit(1)


def main(arguments=None):
    parser = _Parser(prog="python -m n2uq", description="Train, export, compile and run N2UQ networks.")
    parser.add_argument("--version", action="version", version=f"n2uq {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in (_add_export, _add_train, _add_compile, _add_run, _add_bench, _add_data):
        add(commands)
    options, options.more = parser.parse_known_args(arguments)
    if options.more and not hasattr(options, "takes_more"):
        parser.error(f"unknown argument '{options.more[0]}'")
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
