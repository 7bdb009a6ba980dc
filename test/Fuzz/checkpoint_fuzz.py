# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fuzzes the reader of torch.save files, which is Python: no sanitizer sees into it, and none is needed for its memory. What
can go wrong is another exception than its own, a message of several lines, a hang, or memory without bound.

Each input is a sound file, damaged: its bytes, the bytes of its pickle in a sound zip (the zip's checksums stop most damage
else), or single instructions of its pickle. An input that ends in a way not met before joins the pool that is damaged next.
The reader runs in a process of its own, and every input is in a file before it is read: an input that kills it is there.
"""
import argparse
import io
import os
import pathlib
import pickletools
import random
import re
import resource
import signal
import sys
import time
import zipfile

from n2uq import checkpoint
from n2uq.errors import Error

SECONDS_PER_INPUT = 5  # of processor time; a sound input takes less than a thousandth of one
MEMORY_BYTES = 1 << 30  # of address space, beyond what the process has at its start
MAX_BYTES = 16384  # of an input
NUMBERS = (0, 1, 2, 7, 127, 255, 256, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63)


def instructions_of(pickled):
    """The pickle as a list of instructions, each its bytes; damaged ones behind the first damage are one piece."""
    starts = []
    try:
        starts = [position for _, _, position in pickletools.genops(pickled)]
    except Exception:  # pickletools raises many kinds on damaged bytes
        pass
    starts = [0] + [at for at in starts if at] + [len(pickled)]
    return [pickled[begin:end] for begin, end in zip(starts, starts[1:])]


class Mutator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def damage_bytes(self, content):
        content, choose = bytearray(content), self.random
        for _ in range(choose.choice((1, 1, 1, 2, 4, 8))):
            at, kind = choose.randrange(len(content) + 1), choose.randrange(6)
            size = choose.choice((1, 2, 4, 8, 16, 64))
            if kind == 0:
                content[at:at + 1] = bytes([choose.randrange(256)])
            elif kind == 1:
                content[at:at + size] = choose.choice(NUMBERS).to_bytes(8, "little")[:size]
            elif kind == 2:
                del content[at:at + size]
            elif kind == 3:
                content[at:at] = choose.randbytes(size)
            elif kind == 4:
                content[at:at] = content[choose.randrange(len(content) + 1):][:size]
            else:
                content[at:at + 1] = bytes(b ^ 1 << choose.randrange(8) for b in content[at:at + 1])
        if choose.random() < 0.05:
            del content[choose.randrange(len(content) + 1):]
        return bytes(content)

    def damage_instructions(self, pickled, other):
        """Instructions deleted, repeated, moved, given other arguments, or taken from another pickle."""
        choose, code = self.random, instructions_of(pickled)
        donor = instructions_of(other)
        for _ in range(choose.choice((1, 1, 2, 4))):
            at, count = choose.randrange(len(code) + 1), choose.choice((1, 1, 2, 3, 8))
            kind = choose.randrange(6)
            if kind == 0:
                del code[at:at + count]
            elif kind == 1:
                code[at:at] = code[at - count:at] * choose.choice((1, 1, 2, 30))
            elif kind == 2:
                begin = choose.randrange(len(donor))
                code[at:at] = donor[begin:begin + count]
            elif kind == 3:
                code[at:at + 1] = [choose.choice(donor)]
            elif kind == 4:
                number = choose.choice(NUMBERS)
                size = (number.bit_length() // 8) + 1
                code[at:at] = [b"\x8a" + bytes([size]) + number.to_bytes(size, "little")]
            elif at < len(code):
                code[at] = code[at][:1] + self.damage_bytes(code[at][1:])
        return b"".join(code)

    def repack(self, parts, pickled):
        """A sound file with this pickle; now and then parts have other bytes, other names, or stand there twice."""
        stream, choose = io.BytesIO(), self.random
        with zipfile.ZipFile(stream, "w") as archive:
            for name, content in parts.items():
                if name.endswith("/data.pkl"):
                    content = pickled
                elif choose.random() < 0.02:
                    content = self.damage_bytes(content)
                if choose.random() < 0.01:
                    name = choose.choice(list(parts))
                archive._didModify = True
                archive.NameToInfo.pop(name, None)  # or zipfile warns of a second one of that name
                archive.writestr(name, content)
        return stream.getvalue()

    def make(self, pool):
        content, parts = self.random.choice(pool)
        if not parts or self.random.random() < 0.25:
            return self.damage_bytes(content)
        names = [name for name in parts if name.endswith("/data.pkl")]
        pickled = parts[names[0]] if names else b""
        if self.random.random() < 0.3:
            return self.repack(parts, self.damage_bytes(pickled))
        other = self.random.choice(pool)[1]
        donor = next((content for name, content in other.items() if name.endswith("/data.pkl")), pickled)
        return self.repack(parts, self.damage_instructions(pickled, donor))


def parts_of(content):
    """The parts of a zip by name; none where it is damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # zipfile, too, raises many kinds
        return {}


def outcome_of(path):
    """What the reader makes of the file, in a few words; raises where it breaks its contract."""
    try:
        state = checkpoint.state_dict(path)
    except Error as error:
        text = str(error)
        if "\n" in text or not text.startswith(path + ": ") or not text.isprintable():
            raise AssertionError(f"not one sentence about the file: {text!a}") from error
        # Without what it quotes of the file, which differs each time.
        text = re.sub(r"\((\w+): .*\)", r"(\1)", text[len(path):])
        return re.sub(r"['\"].*['\"]|\W*\d+", "", text)
    for value in state.values():
        value.tobytes()
    return "read"


def fuzz(seeds, path, options):
    """The child's part. Returns how many inputs there were and how many ends were met."""
    used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, resource.RLIM_INFINITY))
    signal.signal(signal.SIGVTALRM, signal.SIG_DFL)  # a hang in C would never come back to a handler in Python
    mutator, ends, pool = Mutator(options.seed), set(), [(seed, parts_of(seed)) for seed in seeds]
    count, stop, early_memory = 0, time.monotonic() + options.seconds, None
    inputs = iter(seeds)
    while count < options.runs and time.monotonic() < stop:
        content = next(inputs, None) or mutator.make(pool)[:MAX_BYTES]
        with open(path, "wb") as stream:
            stream.write(content)
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_PER_INPUT)
        end = outcome_of(path)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        count += 1
        if end not in ends:
            ends.add(end)
            pool.append((content, parts_of(content)))
        if count == 20000:
            early_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if early_memory and memory > 2 * early_memory:
        raise AssertionError(f"memory grows: {early_memory} KiB after 20000 inputs, {memory} KiB after {count}")
    return count, len(ends), memory


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=pathlib.Path, help="zip of sound files")
    parser.add_argument("scratch", type=pathlib.Path, help="existing folder; an input that breaks the reader stays there")
    parser.add_argument("--runs", type=int, default=1 << 62)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with zipfile.ZipFile(options.corpus) as archive:
        seeds = [archive.read(name) for name in sorted(archive.namelist())]
    path = str(options.scratch / f"input-{options.seed}.pth")
    start, child = time.monotonic(), os.fork()
    if child == 0:
        try:
            count, ends, memory = fuzz(seeds, path, options)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", flush=True)
            os._exit(2)
        seconds = time.monotonic() - start
        print(f"{count} inputs in {seconds:.0f} s ({count / seconds:.0f}/s), {ends} ends, {memory >> 10} MiB", flush=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        how = signal.strsignal(os.WTERMSIG(status)) if os.WIFSIGNALED(status) else "see above"
        sys.exit(f"checkpoint_fuzz.py: the reader does not withstand '{path}' ({how})")


if __name__ == "__main__":
    main()
