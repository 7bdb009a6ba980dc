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


@pytest.mark.parametrize("definition, name, flag", PASSES, ids=[flag for _, _, flag in PASSES])
def test_pass_has_source_flag_and_test_of_its_name(definition, name, flag):
    assert name.endswith("Pass"), f"{definition}: {name} must end in Pass, so that its constructor is called create{name}Pass"
    base = name[:-len("Pass")]
    folder = pathlib.PurePosixPath(definition).parent.relative_to("include/n2uq").as_posix()
    sources = sorted((ROOT / "lib" / folder).rglob(f"{base}.cpp"))
    assert len(sources) == 1, f"{definition}: {flag} expects one source lib/{folder}/**/{base}.cpp, but {len(sources)} exist"
    assert f'#define DEBUG_TYPE "{flag}"' in sources[0].read_text(encoding="utf-8"), \
        f'{sources[0].relative_to(ROOT)}: expects #define DEBUG_TYPE "{flag}", so that --debug-type finds it'
    spelled = re.sub(r"(?<!^)(?=[A-Z][a-z])|(?<=[a-z0-9])(?=[A-Z])", "-", base).lower()
    assert flag in (f"n2uq-{spelled}", spelled), f"{definition}: {name} has the flag {flag}, expected n2uq-{spelled}"
    stem = flag.removeprefix("n2uq-")
    tests = sorted((ROOT / "test" / folder).rglob(f"{stem}*.mlir"))
    assert tests, f"{flag} has no test test/{folder}/{stem}.mlir"
    assert any(flag in test.read_text(encoding="utf-8") for test in tests), f"no test of test/{folder}/{stem}*.mlir runs {flag}"
