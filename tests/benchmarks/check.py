"""What checking costs: `python tests/benchmarks/check.py`.

One process, one core, a 3-2-2 network of sigmoid units; half of the sheets have one slip of the catalogue, four
figures, every way of rounding.  mark: sheets a second of processor time, all at once, diagnosis included.  one: a sheet
with a slip, alone.  command: `bptrace check` on a folder of 500 CSV files, from start to exit, wall time.

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

from students import People, joined, sheets_of

from derivations import names
from derivations.network import Problem
from tracer import load
from tracer.answers.marking.cells import Cells
from tracer.answers.marking.mark import mark
from tracer.answers.reading.naming import Naming
from tracer.answers.reading.sources import sheet_from
from tracer.answers.slips import visible

SAMPLE = "hand-3-2-2"
A_SECOND, A_CLASS, COMMAND = 1000, 500, 3.0


def sheets(problem: Problem, count: int, seed: int) -> list[dict[str, str]]:
    """What so many people write; every second makes a slip."""
    rng = np.random.default_rng(seed)
    slips = visible(problem)
    people = [People(1, rng, digits=4, figures=True) for _ in range(count // 2)]
    wrong = [sheets_of(problem, p, rng, rules_=slips[rng.integers(len(slips))].rules) for p in people]
    right = sheets_of(problem, People(count - count // 2, rng, digits=4, figures=True), rng)
    return list(texts(joined([right, *wrong])))


def texts(cells: Cells) -> list[dict[str, str]]:
    """The sheets as names and numbers."""
    out: list[dict[str, str]] = [{} for _ in range(cells.count)]
    network = cells.problem.network
    for at, written in cells.arrays.items():
        quantities = names.elements(network, at.kind, at.layer, cells.problem.samples, at.sample, at.step)
        shape = written.value.shape[1:]
        for place, q in np.ndenumerate(np.asarray(quantities, object).reshape(shape)):
            for row, (value, unit) in enumerate(
                zip(written.value[(slice(None), *place)], written.unit[(slice(None), *place)], strict=True)
            ):
                decimals = max(0, -round(float(np.log10(unit))))
                out[row][names.text(network, q)] = f"{value:.{decimals}f}"
    return out


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
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    problem = load(SAMPLE)
    written = sheets(problem, options.sheets, 1)
    read = [sheet_from(problem, sheet, id=str(k)) for k, sheet in enumerate(written)]
    naming = Naming(problem)
    mark(problem, read[:10], naming=naming)
    a_second = options.sheets / seconds(lambda: mark(problem, read, naming=naming), options.repeats)
    alone = seconds(lambda: mark(problem, read[-1:], naming=naming), options.repeats)
    own = written[len(written) // 2 - A_CLASS // 2 :][:A_CLASS]
    wall = min(command(own) for _ in range(options.repeats))
    print(f"mark     {a_second:8.0f} sheets/s on one core, half of them with a slip  (target {A_SECOND})")
    print(f"one      {alone:8.2f} s for one sheet with a slip alone")
    print(f"command  {wall:8.2f} s for a folder of {len(own)} sheets  (target {COMMAND})")
    return 0 if a_second >= A_SECOND and wall <= COMMAND else 1


if __name__ == "__main__":
    raise SystemExit(main())
