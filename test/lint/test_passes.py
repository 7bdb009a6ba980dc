# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A pass is one idea with one name: from the definition one can type the source, the flag and the test without searching."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEFINITION = re.compile(r'def\s+(\w+)\s*:\s*Pass<\s*"([^"]+)"')


def passes():
    """(definition file, TableGen name, flag) of every pass of ours."""
    for definition in sorted((ROOT / "include").rglob("Passes.td")):
        for name, flag in DEFINITION.findall(definition.read_text(encoding="utf-8")):
            yield definition.relative_to(ROOT).as_posix(), name, flag


PASSES = list(passes())


def spelled(name):
    """FoldBatchNorm -> fold-batch-norm, N2UQToX86 -> n2uq-to-x86"""
    return re.sub(r"(?<!^)(?=[A-Z][a-z])|(?<=[a-z0-9])(?=[A-Z])", "-", name.replace("N2UQ", "N2uq")).lower()


@pytest.mark.parametrize("definition, name, flag", PASSES, ids=[flag for _, _, flag in PASSES])
def test_pass_has_source_flag_and_test_of_its_name(definition, name, flag):
    assert name.endswith("Pass"), f"{definition}: {name} must end in Pass, so that its constructor is called create{name}Pass"
    base = name[:-len("Pass")]
    folder = pathlib.PurePosixPath(definition).parent.relative_to("include/n2uq").as_posix()
    assert flag in (f"n2uq-{spelled(base)}", spelled(base)), \
        f"{definition}: {name} has the flag {flag}, expected n2uq-{spelled(base)}"
    # A conversion's folder and file carry the two dialects' names: convert-n2uq-to-x86 is N2UQToX86/N2UQToX86.cpp.
    is_conversion = base.startswith("Convert") and "To" in base
    stem = base.removeprefix("Convert") if is_conversion else base
    sources = sorted((ROOT / "lib" / folder).rglob(f"{stem}.cpp"))
    assert len(sources) == 1, f"{definition}: {flag} expects one source lib/{folder}/**/{stem}.cpp, but {len(sources)} exist"
    assert f'#define DEBUG_TYPE "{flag}"' in sources[0].read_text(encoding="utf-8"), \
        f'{sources[0].relative_to(ROOT)}: expects #define DEBUG_TYPE "{flag}", so that --n2uq-debug-only finds it'
    pattern = f"{stem}/*.mlir" if is_conversion else f"{flag.removeprefix('n2uq-')}*.mlir"
    tests = sorted((ROOT / "test" / folder).rglob(pattern))
    assert tests, f"{flag} has no test test/{folder}/**/{pattern}"
    assert any(flag in test.read_text(encoding="utf-8") for test in tests), f"no test test/{folder}/**/{pattern} runs {flag}"


def ops_with_constraints():
    """(mnemonic, constraint number) of every numbered constraint in the dialect's definitions."""
    for definition in sorted((ROOT / "include/n2uq/Dialect/N2UQ").glob("*Ops.td")):
        text = definition.read_text(encoding="utf-8")
        for op in re.split(r"^def ", text, flags=re.MULTILINE)[1:]:
            mnemonic = re.match(r'\w+\s*:\s*N2UQ_\w+<"(\w+)"', op)
            description = re.search(r"let description = \[\{(.*?)\}\];", op, re.DOTALL)
            if mnemonic and description:
                numbers = set(re.findall(r"^\s*\(C(\d+)\)", description.group(1), re.MULTILINE))
                for first, last in re.findall(r"^\s*\(C(\d+)\) to \(C(\d+)\)", description.group(1), re.MULTILINE):
                    numbers |= {str(number) for number in range(int(first), int(last) + 1)}
                numbers |= set(re.findall(r"\.\s+\(C(\d+)\)", description.group(1)))
                for number in sorted(numbers, key=int):
                    yield mnemonic.group(1), number


@pytest.mark.parametrize("mnemonic, number", list(ops_with_constraints()))
def test_numbered_constraint_has_a_test(mnemonic, number):
    tests = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "test/Dialect/N2UQ").glob("invalid*.mlir")))
    assert re.search(rf"@{mnemonic}_c{number}\b", tests), \
        f"(C{number}) of n2uq.{mnemonic} has no case @{mnemonic}_c{number} in test/Dialect/N2UQ/invalid*.mlir"
