"""What checking costs: `python tests/benchmarks/check.py`.

One process, one core, a 3-2-2 network; every second sheet has a slip.  mark: sheets a second of processor time, all at
once, diagnosis included; slips of the catalogue in four figures, and those of simulated people (tests/people).  one: a
sheet with a slip, alone.  command: `bptrace check` on a folder of 500 CSV files, from start to exit, wall time.

Exit 1 if a target is missed.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from people import drawn_sheet, slipped_sheet
from written_sheets import drawn_hand, written

from derivations.network import Problem
from tracer import load
from tracer.answers.reading.naming import Naming
from tracer.answers.reading.sources import sheet_from
from tracer.marking.marking import mark
from tracer.marking.slips.catalogue import visible

SAMPLE = "hand-3-2-2"
A_SECOND, A_CLASS, COMMAND = 1000, 500, 3.0


def of_catalogue(problem: Problem, count: int, seed: int) -> list[dict[str, str]]:
    """Sheets of four figures, rounded in every way; every second has a slip of the catalogue."""
    rng, slips = np.random.default_rng(seed), visible(problem)
    made = [[slips[rng.integers(len(slips))]] if k % 2 else [] for k in range(count)]
    return [written(problem, drawn_hand(rng, digits=4, figures=True), *own) for own in made]


def of_people(count: int, seed: int) -> list[dict[str, str]]:
    """Sheets of simulated people, who know no catalogue; every second has a slip."""
    draws = (drawn_sheet, slipped_sheet)
    return [draws[k % 2](SAMPLE, seed * 1_000_000 + k).cells for k in range(count)]


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Processor time, the median of so many calls."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return statistics.median(times)


def command(written: list[dict[str, str]]) -> float:
    """`bptrace check` on a folder of these sheets."""
    with tempfile.TemporaryDirectory() as folder:
        for k, sheet in enumerate(written):
            rows = "".join(f'"{name}",{number}\n' for name, number in sheet.items())
            Path(folder, f"s{k:03}.csv").write_text("quantity,value\n" + rows, encoding="utf-8")
        line = [sys.executable, "-m", "tracer", "check", SAMPLE, folder, "--format", "csv"]
        begin = time.perf_counter()
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        took = time.perf_counter() - begin
    if done.returncode or len(done.stdout.splitlines()) < len(written):
        raise SystemExit(f"{' '.join(line)}: exit {done.returncode}: {done.stderr[-500:]}")
    return took


def main() -> int:
    """Measure and compare with the targets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheets", type=int, default=2000)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    problem = load(SAMPLE)
    naming = Naming(problem)
    speeds = []
    for written_by in (of_catalogue(problem, options.sheets, 1), of_people(options.people, 1)):
        read = [sheet_from(problem, sheet, id=str(k)) for k, sheet in enumerate(written_by)]
        mark(problem, read[:10], naming=naming)
        speeds.append(len(read) / seconds(lambda own=read: mark(problem, own, naming=naming), options.repeats))
    a_second, peoples = speeds
    own = of_catalogue(problem, A_CLASS, 2)
    last = [sheet_from(problem, own[-1])]
    alone = seconds(lambda: mark(problem, last, naming=naming), options.repeats)
    wall = min(command(own) for _ in range(options.repeats))
    print(
        f"mark     {a_second:8.0f} sheets/s on one core, half of them with a slip of the catalogue  (target {A_SECOND})"
    )
    print(f"people   {peoples:8.0f} sheets/s of simulated people, half of them with a slip")
    print(f"one      {alone:8.2f} s for one sheet with a slip alone")
    print(f"command  {wall:8.2f} s for a folder of {len(own)} sheets  (target {COMMAND})")
    return 0 if a_second >= A_SECOND and wall <= COMMAND else 1


if __name__ == "__main__":
    raise SystemExit(main())
