# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line of tools/bench. Only the standard library here: tools/bench reads it before anything is installed."""

import argparse
import sys

NETWORKS = ("resnet18", "resnet34", "resnet50", "mobilenet_v2")
PEERS = ("openvino", "onnxruntime", "iree", "ncnn")

DESCRIPTION = """\
Installs what is missing, times our compiled networks and the peers', alternating in one process, and prints one table:
medians with quartiles, and how many times faster each is than the fastest int8 peer. Text, JSON, a picture and the
layer-by-layer roofline are in build/bench. Further modes, each with files of its own there: --nonuniform, --micro, --sweep,
--pictures.
"""
EPILOGUE = "Peers are installed from python/peers into build/bench-venv; logs are in build/log."


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        print(f"tools/bench: {message}; --help lists the options", file=sys.stderr)
        sys.exit(1)


def _names(known):
    def read(text):
        names = list(dict.fromkeys(text.split(",")))
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"knows {', '.join(known)}, not '{name}'")
        return names
    return read


def _numbers(text):
    numbers = text.split(",")
    if not all(number.isascii() and number.isdigit() and 1 <= int(number) <= 9999 for number in numbers):
        raise argparse.ArgumentTypeError(f"takes numbers from 1 to 9999 with commas, not '{text}'")
    return list(dict.fromkeys(map(int, numbers)))


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 86400:
        raise argparse.ArgumentTypeError(f"takes a number like 5 or 0.5, not '{text}'")
    return seconds


def parser():
    p = _Parser(prog="tools/bench", description=DESCRIPTION, epilog=EPILOGUE, allow_abbrev=False,
                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--networks", type=_names(NETWORKS), default=list(NETWORKS), metavar="LIST",
                   help=f"of {', '.join(NETWORKS)} (all)")
    p.add_argument("--peers", type=_names((*PEERS, "none")), default=list(PEERS), metavar="LIST",
                   help=f"of {', '.join(PEERS)}, or none (all)")
    p.add_argument("--precisions", type=_names(("int8", "float32")), default=["int8", "float32"], metavar="LIST",
                   help="of the peers' networks: int8, float32 (both)")
    p.add_argument("--batch", type=_numbers, default=[1, 8], metavar="LIST", help="images in a run (1,8)")
    p.add_argument("--threads", type=_numbers, default=[1, 2], metavar="LIST", help="threads that compute (1,2)")
    p.add_argument("--seconds", type=_seconds, default=5.0, metavar="S",
                   help="how long each contender is timed for each batch and number of threads (5)")
    p.add_argument("--json", metavar="FILE", help="where the figures go (build/bench/bench.json)")
    p.add_argument("--png", metavar="FILE", help="where the picture goes (build/bench/bench.png)")
    p.add_argument("--check", action="store_true",
                   help="exit status 1 where one image on one or two threads is not as many times faster as the project asks for")
    p.add_argument("--streams", action="store_true",
                   help="ours computes the images of a batch side by side, each on one thread, in place of one after the other on all")
    p.add_argument("--nonuniform", action="store_true",
                   help="instead: ResNet-18 with unevenly spaced levels, decoded and computed in int8 and in float32, beside "
                   "the uniform integer form")
    p.add_argument("--sweep", action="store_true",
                   help="instead: one convolution over channels, image sizes and batches, time for each "
                   "multiply-accumulate (build/bench/sweep.csv, .png)")
    p.add_argument("--micro", action="store_true",
                   help="instead: Google Benchmark over kernel families and shapes (build/bench/micro.json)")
    p.add_argument("--pictures", action="store_true",
                   help="instead: decoding and resizing pictures beside Pillow, on one core (build/bench/pictures.txt, .json)")
    p.add_argument("--no-setup", action="store_true", help="use the tools of build/ and what is installed as they are")
    return p


def parse(arguments=None):
    p = parser()
    options = p.parse_args(arguments)
    if options.nonuniform + options.sweep + options.micro + options.pictures > 1:
        p.error("--nonuniform, --sweep, --micro and --pictures are modes of their own; choose one")
    if options.check and not (1 in options.batch and "int8" in options.precisions and options.peers != ["none"]):
        p.error("--check compares one image with the int8 peers; leave --batch, --precisions and --peers out")
    if "none" in options.peers and len(options.peers) > 1:
        p.error("--peers is 'none' or a list of peers")
    return options


if __name__ == "__main__":
    parse()
