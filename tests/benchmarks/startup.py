"""What starting the program costs: `python tests/benchmarks/startup.py`.

Whole-process CPU (user and system, children by getrusage) of commands run in turn, the median of the ratios:

- `bptrace --help` against `python -c pass` (target 3);
- `bptrace trace hand-3-2-2 --format json` against `python -c "import numpy"` (target 1.5), and once more with OpenBLAS
  held to one thread on both sides: bptrace asks for one by itself, and starting more is most of what numpy costs.

Exit 1 if a target is missed.  `--imports` shows the slowest imports of the second command instead.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

PYTHON = [sys.executable]
TRACE = ("trace", "hand-3-2-2", "--format", "json")
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
PAIRS = [
    ("bptrace --help", ["--help"], ["-c", "pass"], 3.0, {}),
    ("bptrace trace, json", [*TRACE], ["-c", "import numpy"], 1.5, {}),
    ("bptrace trace, json, one thread on both sides", [*TRACE], ["-c", "import numpy"], 1.5, ONE_THREAD),
]


def bptrace() -> list[str]:
    """The installed command beside this Python, else `python -m tracer`."""
    beside = Path(sys.executable).with_name("bptrace")
    found = str(beside) if beside.exists() else shutil.which("bptrace")
    return [found] if found else [*PYTHON, "-m", "tracer"]


def cpu(command: list[str], more: dict[str, str]) -> float:
    """Seconds of user and system time of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **more})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Both ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--imports", action="store_true")
    options = parser.parse_args()
    if options.imports:
        command = [*PYTHON, "-X", "importtime", "-m", "tracer", *TRACE]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
        lines = [line for line in told if line.startswith("import time:") and "self" not in line]
        lines.sort(key=lambda line: -int(line.split(":")[1].split("|")[0]))
        print("\n".join(lines[:40]))
        return 0
    good = True
    for name, ours, theirs, target, more in PAIRS:
        cpu([*bptrace(), *ours], more), cpu([*PYTHON, *theirs], more)
        pairs = [(cpu([*bptrace(), *ours], more), cpu([*PYTHON, *theirs], more)) for _ in range(options.rounds)]
        ratios = [a / b for a, b in pairs]
        median = statistics.median(ratios)
        good &= median <= target
        print(
            f"{name}: median ratio {median:.2f} of {len(ratios)} ({min(ratios):.2f} to {max(ratios):.2f}), "
            f"{1000 * statistics.median(a for a, _ in pairs):.0f} ms against "
            f"{1000 * statistics.median(b for _, b in pairs):.0f} ms, target {target}: "
            f"{'met' if median <= target else 'MISSED'}"
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
