"""The fuzzer of the command: a small sample of it finds nothing, and it finds what is planted, in its smallest form."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.campaigns.hostile.case import Case, load, mixed
from tests.campaigns.hostile.drawing import drawn
from tests.campaigns.hostile.sources import gathered

ROOT = Path(__file__).parents[2]
PLANTED = """
from tests.campaigns.hostile.case import Case
from tests.campaigns.hostile.judging import faults
from tests.campaigns.hostile.planting import PLANTS, planted
from tests.campaigns.hostile.running import run
from tests.campaigns.hostile.shrinking import Shrinking, placed
from tests.campaigns.hostile_files import WARMING, warm

warm(WARMING[:1])
case = Case(("check", "hand-3-2-2", "sheet.csv"), {"sheet.csv": b"z1[1],0.65\\ndW1[1,1],2\\nE,3\\n"}, each=0.3)
for name in ("none", *PLANTS):
    if name == "none":
        print(name, [fault.kind for fault in faults(case, run(case)) if fault.kind != "slow"])
        continue
    with planted(name):
        found = faults(case, run(case))
        print(name, *(f"{fault.kind}:{fault.place.rpartition(' ')[2]}" for fault in found))
        if name == "crash":
            small = Shrinking(placed(found[0], case)).smallest(case)
            print("small", small.command, small.files)
"""


def alone(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """A process of its own, of one thread: it forks."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_a_sample_finds_nothing(tmp_path: Path) -> None:
    """Thirty hand-ins: no exception, no hang, no raw sign; the number of inputs is told."""
    script = str(ROOT / "tests/campaigns/hostile_files.py")
    done = alone([script, "--files", "30", "--seed", "31", "--allow", "5", "--out", str(tmp_path)])
    assert "files, seed 31" in done.stdout, done.stderr[-2000:]
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def planted() -> dict[str, str]:
    """What is found of each planted fault."""
    done = alone(["-c", PLANTED])
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(line.partition(" ")[::2] for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("crash", ("raised", "guarded")),
        ("leave", ("killed",)),
        ("hang", ("slow",)),
        ("wait", ("asleep",)),
        ("grow", ("memory",)),
        ("shout", ("control",)),
        ("destroy", ("changed",)),
        ("phone", ("door",)),
    ],
)
def test_what_is_planted_is_found(name: str, kinds: tuple[str, ...], planted: dict[str, str]) -> None:
    """A crash, a hang, a gigabyte, a raw sign, a destroyed file, a socket: each is found, as what it is."""
    assert planted["none"] == "[]"
    assert {found.partition(":")[0] for found in planted[name].split()} & set(kinds), planted


def test_a_finding_names_its_place(planted: dict[str, str]) -> None:
    """Where it hung and where it waited: the frames of a process that cannot tell them itself."""
    assert "slow:hang" in planted["hang"]
    assert "asleep:wait" in planted["wait"]


def test_a_finding_is_made_small(planted: dict[str, str]) -> None:
    """Of three lines the two letters are left on which the fault falls."""
    assert planted["small"] == "bptrace check hand-3-2-2 sheet.csv {'sheet.csv': b'dW'}"


def test_the_same_seed_draws_the_same(tmp_path: Path) -> None:
    """An input can be had again from its seed and number, and from the folder where it is kept."""
    for number in range(10):
        one, other = (drawn(gathered(), random.Random(mixed(1, number))) for _ in range(2))
        assert one == other
    case = Case(("check", "x", "class/a.csv"), {"class/a.csv": b"E,\xff\n"}, sheets=("class/a.csv",), people=3)
    case.save(tmp_path)
    assert load(tmp_path) == case
