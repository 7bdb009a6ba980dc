# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The reference pages say what the definitions say, and their examples parse."""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(tool, *arguments):
    return subprocess.run([ROOT / "tools/dev" / tool, *arguments], cwd=ROOT, capture_output=True, text=True)


def test_pages_are_what_the_definitions_say():
    ran = run("docs", "--check")
    assert ran.returncode == 0, ran.stderr


def test_examples_parse():
    ran = run("doc-examples")
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout.split()[0]) >= 20


def test_a_wrong_example_is_found():
    """The check itself: an example of a wrong shape and one of an unknown op are both refused."""
    page = ROOT / "lib/Dialect/N2UQ/N2UQ.md"
    good = page.read_text(encoding="utf-8")
    bad = good.replace("tensor<?x3x224x224xf32> -> tensor<?x224x224x3xf32>", "tensor<?x3x224x224xf32> -> tensor<?x224x3x224xf32>")
    bad = bad.replace("%0 = n2uq.add ", "%0 = n2uq.subtract ")
    assert bad != good
    copy = ROOT / "build/wrong-example.md"
    copy.write_text(bad, encoding="utf-8")
    try:
        ran = run("doc-examples", str(copy))
    finally:
        copy.unlink()
    assert ran.returncode == 1 and "2 of" in ran.stderr, ran.stderr


def test_every_op_has_an_example():
    page = (ROOT / "lib/Dialect/N2UQ/N2UQ.md").read_text(encoding="utf-8")
    sections = re.split(r"^### `n2uq\.", page, flags=re.MULTILINE)[1:]
    without = [section.split("`", 1)[0] for section in sections if "```mlir" not in section]
    assert without == ["yield"], f"ops without an example (n2uq.kernel shows n2uq.yield): {without}"


def pages():
    listing = subprocess.run(["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
                             check=True, capture_output=True, text=True).stdout.split()
    return [ROOT / name for name in listing if (ROOT / name).is_file()]


def blocks(language):
    """(place, code) of every block of a language on our pages."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            yield f"{page.relative_to(ROOT)}:{text[:match.start()].count(chr(10)) + 1}", match.group(1)


def test_links_lead_somewhere():
    broken = [f"{page.relative_to(ROOT)}: {target}" for page in pages()
              for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
              if not (page.parent / target).exists()]
    assert not broken, broken


def test_c_examples_compile():
    found = list(blocks("c"))
    assert found
    for place, code in found:
        ran = subprocess.run(["clang-22", "-std=c11", "-Wall", "-Werror", "-fsyntax-only", "-I", ROOT / "runtime/include", "-xc", "-"],
                             input=code, capture_output=True, text=True)
        assert ran.returncode == 0, f"{place}: {ran.stderr}"


def test_python_examples_parse():
    for place, code in blocks("python"):
        compile(code, place, "exec")
