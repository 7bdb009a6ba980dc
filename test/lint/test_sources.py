# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rules that hold for every tracked file: formatting, length, license, include direction, nothing of one machine."""
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAX_LINES = 700

# A folder includes only from folders at its left (shared vocabulary first, the order of passes last).
LAYERS = ["Support", "Dialect", "Reference", "Import", "Export", "ModelFile", "Analysis", "Transforms", "Strategy", "Codegen",
          "Conversion", "Target", "Pipelines"]

LICENSE_LINES = [
    "Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.",
    "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception",
]


def tracked():
    """Tracked and new files that are still there; ignored ones are nobody's business."""
    listing = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             check=True, capture_output=True, text=True).stdout
    return sorted({name for name in listing.split("\0") if name and (ROOT / name).is_file()})


def text_of(name):
    """A file's text, or None where it is not text."""
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def is_script(name):
    path = ROOT / name
    if path.suffix or not name.startswith(("tools/", ".ci/")):
        return False
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


FILES = tracked()
CPP = [name for name in FILES if name.endswith((".cpp", ".c", ".h"))]
PYTHON = [name for name in FILES if name.endswith(".py")]
SCRIPTS = [name for name in FILES if is_script(name)]
SOURCES = CPP + PYTHON + SCRIPTS + [name for name in FILES if name.endswith((".td", ".def", ".proto"))]


def test_cpp_is_formatted():
    """tools/dev/format puts right what this finds."""
    checked = subprocess.run(["clang-format-22", "--dry-run", "--Werror", "--ferror-limit=1", *CPP], cwd=ROOT,
                             capture_output=True, text=True)
    places = sorted({line.split(":")[0] for line in checked.stderr.splitlines() if "clang-format-violations" in line})
    assert checked.returncode == 0, f"run tools/dev/format; not formatted: {places or checked.stderr}"


def test_files_are_short():
    long = {name: count for name in SOURCES if (count := len((text_of(name) or "").splitlines())) >= MAX_LINES}
    assert not long, f"a file of {MAX_LINES} lines has two topics, split it there: {long}"


def test_sources_carry_the_license():
    def carries(name):
        head = (text_of(name) or "").splitlines()[:4]
        return all(any(line in place for place in head) for line in LICENSE_LINES)

    bare = [name for name in SOURCES if text_of(name) and not carries(name)]
    assert not bare, f"the first lines must be {LICENSE_LINES}: {bare}"


def test_license_is_apache_with_llvm_exception():
    text = text_of("LICENSE")
    assert "Apache License" in text and "Version 2.0, January 2004" in text
    assert "LLVM Exceptions to the Apache 2.0 License" in text


INCLUDE = re.compile(r'^\s*#\s*include\s+"(n2uq/[^"]+|[^"]+)"', re.MULTILINE)


def layer_of(path):
    """The folder of lib/ or include/n2uq/ that a path belongs to."""
    parts = pathlib.PurePosixPath(path).parts
    if parts[0] == "lib" and len(parts) > 2:
        return parts[1]
    if parts[:2] == ("include", "n2uq") and len(parts) > 3:
        return parts[2]
    return None


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_include_to_the_left_only(layer):
    wrong = []
    for name in CPP + [file for file in FILES if file.endswith(".td")]:
        if layer_of(name) != layer:
            continue
        text = text_of(name)
        included = INCLUDE.findall(text) + re.findall(r'^include\s+"(n2uq/[^"]+)"', text, re.MULTILINE)
        for header in included:
            other = layer_of("include/" + header)
            if other in LAYERS and LAYERS.index(other) > LAYERS.index(layer):
                wrong.append(f"{name} includes {header}")
    assert not wrong, f"{layer} may include only from {LAYERS[:LAYERS.index(layer) + 1]}: {wrong}"


def test_every_folder_of_lib_has_a_layer():
    unknown = {layer_of(name) for name in CPP} - set(LAYERS) - {None}
    assert not unknown, f"give these folders a place in LAYERS (test/lint/test_sources.py) and in lib/README.md: {unknown}"


def test_runtime_includes_nothing_of_the_compiler():
    own = {str(pathlib.PurePosixPath(name).relative_to("runtime/include")) for name in FILES
           if name.startswith("runtime/include/")}
    wrong = [f"{name} includes {header}" for name in CPP if name.startswith("runtime/")
             for header in INCLUDE.findall(text_of(name))
             if header.startswith(("mlir/", "llvm/")) or header.startswith("n2uq/") and header not in own]
    assert not wrong, f"the runtime stands alone: {wrong}"


def test_nothing_of_one_machine():
    """No path below a person's home or a temporary folder, no address of a private package server."""
    pattern = re.compile(r"(?<![\w.])/(?:work|home|Users|root|tmp/h-)[/\w.-]*|https?://(?:\d+\.\d+\.\d+\.\d+|localhost)")
    allowed = {"test/lint/test_sources.py"}
    found = [f"{name}: {match.group(0)}" for name in FILES if name not in allowed and (text := text_of(name))
             for match in [pattern.search(text)] if match]
    assert not found, f"paths and addresses of one machine: {found}"


def test_text_files_end_in_a_newline_and_have_no_trailing_spaces():
    wrong = []
    for name in SOURCES + [name for name in FILES if name.endswith((".md", ".txt", ".mlir", ".test", ".cmake"))]:
        text = text_of(name)
        if text and (not text.endswith("\n") or re.search(r"[ \t]+$", text, re.MULTILINE)):
            wrong.append(name)
    assert not wrong, f"trailing spaces or no newline at the end: {wrong}"
