"""Installing: from a clone by the README's first command, and from the built wheel in an empty environment."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(command, shell=True, cwd=folder, capture_output=True, encoding="utf-8", env=env)


def index_is_reachable(folder: Path) -> bool:
    """Whether packages can be installed here at all."""
    found = run(f"{sys.executable} -m pip download -q --no-deps -d {folder / 'probe'} tabulate", folder)
    return found.returncode == 0


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree as git sees it, in a folder of its own."""
    folder = tmp_path_factory.mktemp("clone")
    listing = run("git ls-files --cached --others --exclude-standard", ROOT)
    if listing.returncode:  # an unpacked archive: everything but what installing leaves behind
        leftovers = shutil.ignore_patterns(".venv", "node_modules", "__pycache__", ".*_cache", ".hypothesis")
        shutil.copytree(ROOT, folder, ignore=leftovers, dirs_exist_ok=True)
    for name in listing.stdout.split("\n"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    if not index_is_reachable(folder):
        pytest.skip("no package index in reach")
    return folder


def test_the_first_command_of_the_readme(clone: Path) -> None:
    """On a fresh tree it sets up everything and prints the table that the README shows."""
    text = (clone / "README.md").read_text(encoding="utf-8")
    command = re.search(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    table = re.search(r"^\$ bptrace trace hand-3-2-2 --digits 4\n(.*?)^```$", text, re.M | re.S)
    assert command
    assert table
    done = run(command[1].replace("python3 -m venv", f"{sys.executable} -m venv"), clone)
    assert done.stdout == table[1], done.stderr


def test_the_wheel_in_an_empty_environment(clone: Path, tmp_path: Path) -> None:
    """The wheel carries the samples and the types, and its command works away from the clone."""
    built = run(f"{sys.executable} -m pip wheel -q --no-deps -w {tmp_path} {clone}", tmp_path)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("bptrace-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "tracer/samples/hand-3-2-2/problem.toml" in names
    assert {"tracer/py.typed", "derivations/py.typed", "tracer/schemas/trace-1.json"} <= set(names)
    assert not any(name.startswith("tests/") for name in names)
    made = run(f"{sys.executable} -m venv empty && empty/bin/pip install -q {wheel}", tmp_path)
    assert made.returncode == 0, made.stderr
    done = run("empty/bin/bptrace trace hand-3-2-2 --format csv && empty/bin/python -m tracer samples", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "a1[1],0.6," in done.stdout
    assert "hand-3-2-2" in done.stdout
