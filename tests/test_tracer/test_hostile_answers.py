"""Reading answers runs nothing, opens nothing else and ends: watched by an audit hook in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from processor import BUSY, within

from tracer import check, load
from tracer.answers.reading.sources import sheet_from
from tracer.marking.marking import last_step

WATCH = """
import sys, time, pathlib
from tracer import load
from tracer.answers.reading.sources import read_sheets, readings

problem = load("hand-3-2-2")
folder, warm = map(pathlib.Path, sys.argv[1:3])
{plant_before}
for sheet in read_sheets(problem, [warm]):
    readings(problem, sheet)
seen = []

def watch(event, args):
    if event == "open" and not str(args[0]).startswith(str(folder)):
        seen.append(f"open {{args[0]}}")
    elif event == "compile" and args[1] == "<unknown>":
        pass  # ast.literal_eval of an array's header: a tree, which is not run
    elif event in ("exec", "compile", "import", "pickle.find_class", "marshal.loads", "os.system", "code.__new__"):
        seen.append(f"{{event}} {{str(args)[:80]}}")
    elif event.startswith(("socket.", "subprocess.", "os.exec", "os.spawn", "os.remove", "os.rename", "ctypes.")):
        seen.append(f"{{event}} {{str(args)[:80]}}")

sys.addaudithook(watch)
for path in sorted(folder.iterdir()):
    started = time.process_time()
    for sheet in read_sheets(problem, [path]):
        readings(problem, sheet)
        {plant}
    took = time.process_time() - started
    if took > {busy}:
        seen.append(f"{{path.name}} took {{took:.1f}} s")
print("\\n".join(seen))
"""
RISKY = "__import__('os').system('touch /tmp/owned')"
HOSTILE = {
    "code.csv": f'E,{RISKY}\n"{RISKY}",1\n',
    "code.txt": f"E = {RISKY}\n{RISKY} = 1\nE.__class__ = 1\nexec('x')*E = 1\n",
    "code.md": f"- {RISKY} = 1\n\n| quantity | value |\n|---|---|\n| {RISKY} | =cmd() |\n",
    "code.json": json.dumps({RISKY: RISKY, "E": {"__class__": 1}, "z1": [RISKY, 2]}),
    "code.ipynb": json.dumps(
        {"nbformat": 4, "cells": [{"cell_type": "code", "source": RISKY, "outputs": [{"text": f"E = {RISKY}"}]}]}
    ),
    "powers.txt": "9**9**9 = 1\nE^9^9^9 = 1\n" + "(" * 200 + "E = 1\nE = 9**9**9\nE = 1e99999999\nE = 10^99999999\n",
    "slow.txt": "z" * 50_000 + " = 1\n" + "\\frac{" * 30 + " = 1\n" + "d/d" * 60 + " = 1\n" + "x1_" * 60 + " = 1\n",
    "slow.md": "|" * 200_000 + "\n|---|\n" + "| a " * 40_000 + "|\n" + "-:" * 100_000 + "\n" + "$" * 100_000,
    "slow.tex": "\\begin{" + "&" * 200_000 + "\n" + "\\\\[" * 50_000 + "&",
    "slow.csv": "z1[1]," * 60_000 + "\n" + "1," * 60_000 + "\n",
    "wide.csv": "id," + ",".join(["z1[1]", "E"] * 2000) + "\n" + ("," * 4000 + "\n") * 180,
    "tall.csv": "id,E\n" + "a,1\n" * 200_000,
    "names.txt": "".join(f"qz{k}[1] = 1\n" for k in range(19_000)),
    "quotes.csv": '"' * 300_001 + "\nE,1\n",
    "deep.json": '{"E": ' + "[" * 200_000,
    "deeper.json": '{"cells": ' + "[" * 900 + "]" * 900 + "}",
    "half.ipynb": '{"cells": [{"cell_type": "markdown", "source": {"a": 1}}, 3, {"outputs": 5, "cell_type": "code"}]}',
}


def watched(tmp_path: Path, *, plant: str = "pass", before: str = "") -> str:
    """What the hook saw while hostile sheets were read."""
    warm, folder = tmp_path / "warm", tmp_path / "hostile"
    warm.mkdir(), folder.mkdir()
    for name, text in {
        "a.csv": "E,1\n",
        "a.md": "- E = 1\n",
        "a.json": '{"E": 1}',
        "b.txt": "2*E = 1\nnone = 1\n",
    }.items():
        (warm / name).write_text(text, encoding="utf-8")
    np.savez(warm / "a.npz", E=1.0)
    for name, text in HOSTILE.items():
        (folder / name).write_text(text, encoding="utf-8")
    np.savez(folder / "code.npz", E=np.array([print], object), z1=np.zeros(2))
    (folder / "cut.npz").write_bytes((folder / "code.npz").read_bytes()[:150])
    try:
        from openpyxl import Workbook
    except ImportError:
        pass
    else:
        book = Workbook()
        book.active.append(["E", f"={RISKY}"])
        book.active.append(["z1[1]", '=HYPERLINK("http://example.org")'])
        book.save(warm / "a.xlsx")
        book.save(folder / "code.xlsx")
        (folder / "cut.xlsx").write_bytes((folder / "code.xlsx").read_bytes()[:-300])
    program = WATCH.format(plant=plant, plant_before=before, busy=BUSY)
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder), str(warm)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_nothing_is_run_or_opened(tmp_path: Path) -> None:
    """No code, no import, no other file, no socket; every sheet in under a second."""
    assert watched(tmp_path) == ""


@pytest.mark.parametrize("plant", ["eval('1')", "open('/etc/hostname').close()", "import colorsys"])
def test_the_hook_would_see_it(plant: str, tmp_path: Path) -> None:
    """The planted twins: code, another file, an import."""
    assert watched(tmp_path, plant=plant)


def test_a_step_that_nobody_reaches_is_not_worked() -> None:
    """`E#99999` is not understood, and what is not understood costs nothing."""
    with within(1):
        marked = check("hand-3-2-2", {"E#99999": "1.2", "a1[1]": "0.6"}).one
        assert [m.verdict for m in marked.marks] == ["unknown", "exact"]
    assert last_step([sheet_from(load("hand-3-2-2"), {"E#2": "1.2", "E#99999": "1"})]) == 2


def test_a_blank_of_a_step_that_nobody_reaches_is_missing() -> None:
    """A blank alone has nothing worked for it; beside a number of that step it is a blank of a worked step."""
    for number, right in (("z1[1]", True), ("z1[1]#3", False)):
        blank, other = (check("hand-3-2-2", {number: "0.6457", "z1[2]#3": ""}).one.marks[k] for k in (1, 0))
        assert blank.verdict == "missing"
        assert other.accepted == right
