"""The README runs: every command in it is executed, its output compared; `python tests/test_readme.py` rewrites it."""

import doctest
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def steps(block: str) -> list[tuple[str, str]]:
    """(command, shown output) of each `$` line of a block."""
    parts = re.split(r"^\$ ", block, flags=re.M)[1:]
    return [(head, rest) for head, _, rest in (part.partition("\n") for part in parts)]


def run(command: str, shown: str, folder: Path) -> str:
    """What a command prints, standard error included; `cat FILE` first writes the file that the README shows."""
    wanted = re.fullmatch(r"cat (\S+\.(?:csv|md))", command)
    if wanted:
        (folder / wanted[1]).write_text(shown, encoding="utf-8")
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONUTF8": "1"}
    done = subprocess.run(
        command, shell=True, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    return done.stdout


def blocks(text: str) -> list[str]:
    return [match[1] for match in BLOCK.finditer(text)]


def test_every_command_prints_what_the_readme_shows(tmp_path: Path) -> None:
    """Each console block of the README, run from top to bottom in one folder."""
    found = [step for block in blocks(README.read_text(encoding="utf-8")) for step in steps(block)]
    assert len(found) >= 10
    for command, shown in found:
        assert run(command, shown, tmp_path) == shown, command


def test_a_wrong_digit_in_the_readme_would_be_found(tmp_path: Path) -> None:
    """The planted twin: one changed digit of a shown output differs."""
    command, shown = steps(blocks(README.read_text(encoding="utf-8"))[0])[0]
    assert "1.410" in shown
    assert run(command, shown, tmp_path) != shown.replace("1.410", "1.411")


def examples(text: str) -> list[doctest.DocTest]:
    """Each Python block as a doctest of its own."""
    parser = doctest.DocTestParser()
    found = [match[1] for match in PYTHON.finditer(text)]
    return [parser.get_doctest(block, {}, f"block {n}", "README.md", 0) for n, block in enumerate(found, 1)]


@pytest.mark.parametrize("example", examples(README.read_text(encoding="utf-8")), ids=lambda example: example.name)
def test_python_examples_of_the_readme(example: doctest.DocTest) -> None:
    """Each Python block of the README is a doctest; one of a framework is skipped where that is not installed."""
    for framework in ("torch", "sklearn", "keras"):
        if framework in example.docstring:
            pytest.importorskip(framework)
    result = doctest.DocTestRunner().run(example)
    assert result.attempted >= 4
    assert result.failed == 0


def test_a_wrong_python_example_would_be_found() -> None:
    """The planted twin: a changed result fails, and a block is not lost."""
    (wrong,) = examples("```python\n>>> 1 + 1\n3\n```\n")
    assert doctest.DocTestRunner().run(wrong, out=lambda text: None).failed == 1


def test_the_sigmoid_in_the_readme_is_the_sigmoid_of_the_code() -> None:
    """The entry that the README shows is the one in function.py."""
    shown = re.search(r"```text\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    assert shown
    code = (ROOT / "derivations" / "function.py").read_text(encoding="utf-8")
    assert shown[1].startswith('Function(\n    "sigmoid",')
    assert textwrap.indent(shown[1], "    ") in code


@pytest.mark.parametrize("heading", ["# bptrace", "## Test"])
def test_the_two_commands_stand_where_people_look(heading: str) -> None:
    """The first `sh` block sets up and prints the table, the second runs the tests."""
    text = README.read_text(encoding="utf-8")
    command = re.search(r"^```sh\n(.*?)^```$", text[text.index(heading) :], re.M | re.S)
    assert command
    assert command[1].startswith("python3 -m venv .venv && ")


def rewrite() -> None:
    """Put what the commands print now into the README."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:

        def fresh(match: re.Match[str]) -> str:
            lines = [f"$ {c}\n{run(c, shown, Path(folder))}" for c, shown in steps(match[1])]
            return "```console\n" + "".join(lines) + "```"

        README.write_text(BLOCK.sub(fresh, README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    rewrite()
