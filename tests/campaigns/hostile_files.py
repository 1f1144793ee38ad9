"""Hostile files through the command's own door: no exception but ours, no second, no memory, nothing run or destroyed.

    python tests/campaigns/hostile_files.py --seconds 3600 --jobs 2 --cases FOLDER --out FINDINGS
    python tests/campaigns/hostile_files.py --files 100000 --seed 1
    python tests/campaigns/hostile_files.py --replay FINDINGS/slow-1a2b3c4d

Sheets, solutions, problems, overrides and archives are drawn from the samples (and from a folder of cases), changed as
their formats allow, and given to `tracer.cli.main` in a fork of a process in which everything is imported, so that
start-up is neither paid nor counted.  A finding is run a second time, made as small as it goes and kept with its
command; equal ones are counted once.  The same seed draws the same inputs, however many jobs share them.
Ends with 1 where something was found.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy comes: a process with threads cannot be forked

import argparse
import contextlib
import gc
import importlib
import io
import pkgutil
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import derivations
import tracer
from derivations.reading.grammar import parse
from derivations.reading.tokens import tokens
from tests.campaigns.hostile.case import Case, load, mixed
from tests.campaigns.hostile.drawing import drawn
from tests.campaigns.hostile.judging import faults
from tests.campaigns.hostile.keeping import Findings
from tests.campaigns.hostile.planting import PLANTS, planted
from tests.campaigns.hostile.running import Outcome, run
from tests.campaigns.hostile.shrinking import alone
from tests.campaigns.hostile.sources import gathered
from tracer import cli

WARMING = (
    ("check", "hand-3-2-2", "samples/hand-3-2-2/answers.csv", "--format", "html", "--lang", "ja"),
    ("check", "hand-3-2-2", "samples/hand-3-2-2/class.csv", "--format", "latex"),
    ("check", "hand-3-2-2", "samples/hand-3-2-2/answers.csv", "--format", "page"),
    ("verify", "hand-3-2-2", "--gradients", "samples/hand-3-2-2/printed.csv", "--certify"),
    ("trace", "hand-3-2-2", "--work", "--arithmetic", "ball"),
    ("derive", "softmax-xor", "--level", "full", "--format", "latex", "--numbers"),
    ("train", "softmax-xor", "--steps", "2", "--format", "page"),
    ("sheet", "middle-layer", "--notation", "ng"),
)


A_FILE = 0.1  # seconds: what the files of a class cost, where none of them is a suspect


@dataclass
class Tally:
    """What one job did."""

    inputs: int = 0
    files: int = 0
    found: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    largest: float = 0.0

    def add(self, case: Case, outcome: Outcome) -> None:
        """Count one run."""
        self.inputs += 1
        self.files += max(1, len(case.sheets))
        self.codes[str(outcome.code)] += 1
        self.slowest = max(self.slowest, (outcome.seconds / case.seconds, case.command[:100]))
        self.largest = max(self.largest, outcome.megabytes)


def warm(commands: Sequence[tuple[str, ...]] = WARMING) -> None:
    """Import and build what the command imports late, so that no input pays for it."""
    root = Path(__file__).parents[2]
    for package in (tracer, derivations):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    parse(tokens("1 + 1"))  # the parser's tables
    for arguments in commands:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            cli.main([str(root / a) if a.startswith("samples/") else a for a in arguments])
    gc.collect()
    gc.freeze()  # a fork shares what nobody touches


def campaign(options: argparse.Namespace, job: int) -> Tally:
    """Every input of one job, until their number or the time is over."""
    sources, end = gathered(options.cases), time.monotonic() + options.seconds
    tally, findings = Tally(), Findings(Path(options.out), options.seed)
    number = job
    while tally.files * options.jobs < options.files and time.monotonic() < end:
        case = replace(drawn(sources, random.Random(mixed(options.seed, number))), each=options.allow)
        for each, outcome in looked(case):
            tally.add(each, outcome)
            for fault in faults(each, outcome):
                findings.take(fault, each, number)
        number += options.jobs
        if number // options.jobs % 500 == 0:
            progress(job, tally, findings)
    progress(job, tally, findings)
    findings.shrink()
    tally.found = findings.seen
    return tally


def progress(job: int, tally: Tally, findings: Findings) -> None:
    """What was done so far, before anything is made small."""
    done = f"job {job}: {tally.inputs} inputs, {tally.files} files, {dict(findings.seen)}"
    print(done, file=sys.stderr, flush=True)


def looked(case: Case) -> Iterator[tuple[Case, Outcome]]:
    """The case, and where it is a class that takes long, each of its files alone: one of them has a second only."""
    usual = case.each + A_FILE * (len(case.sheets) + case.people)
    outcome = run(case, allowed=min(case.seconds, usual))
    if outcome.seconds <= usual or len(case.sheets) < 2:
        yield case, outcome
        return
    singles = [(one, run(one)) for one in alone(case)]
    yield from singles
    if not any(faults(*single) for single in singles):
        yield case, run(case)


def replayed(folder: Path) -> int:
    """A finding once more, and what is wrong with it now."""
    case = load(folder)
    outcome = run(case)
    print(case.command, f"{outcome.seconds:.2f} s, {outcome.megabytes:.0f} MB, code {outcome.code}", sep="\n")
    print(outcome.raised or outcome.err[-2000:], *outcome.frames[:12], sep="\n")
    found = faults(case, outcome)
    print(*(f"{fault.kind}: {fault.what} in {fault.place}" for fault in found), sep="\n")
    return 1 if found else 0


def told(tallies: list[Tally], options: argparse.Namespace) -> int:
    """The figures, and the exit code."""
    found = sum((tally.found for tally in tallies), Counter[str]())
    kept = sorted(path.parent.name for path in Path(options.out).glob("*/case.json"))
    inputs, files = sum(tally.inputs for tally in tallies), sum(tally.files for tally in tallies)
    share, command = max(tally.slowest for tally in tallies)
    codes = dict(sum((tally.codes for tally in tallies), Counter[str]()))
    print(f"{inputs} inputs, {files} files, seed {options.seed}, exit codes {codes}")
    print(f"at most {share:.2f} of the time allowed ({command}); at most {max(t.largest for t in tallies):.0f} MB more")
    print(f"{len(kept)} different findings of {sum(found.values())}: {dict(found) or 'none'}", *kept, sep="\n")
    with (Path(options.out) / "findings.md").open("w", encoding="utf-8") as whole:
        whole.writelines(path.read_text(encoding="utf-8") for path in sorted(Path(options.out).glob("*/finding.md")))
    return 1 if found else 0


def main() -> int:
    """Run it and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10**9, help="end after so many hand-ins (default: none)")
    parser.add_argument("--seconds", type=float, default=10**9, help="end after so long (default: never)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the inputs")
    parser.add_argument("--allow", type=float, default=1.0, help="processor seconds a file (more on a busy machine)")
    parser.add_argument("--cases", default="", help="a folder of cases to draw from, beside the samples")
    parser.add_argument("--out", default="hostile-findings", help="where findings are kept")
    parser.add_argument("--replay", type=Path, help="a finding to run once more")
    parser.add_argument(
        "--plant", action="append", default=[], choices=sorted(PLANTS), help="a fault that must be found"
    )
    options = parser.parse_args()
    warm()
    with contextlib.ExitStack() as plants:
        for name in options.plant:
            plants.enter_context(planted(name))
        return replayed(options.replay) if options.replay else shared(options)


def shared(options: argparse.Namespace) -> int:
    """The campaign in so many jobs; 1 where they found something."""
    Path(options.out).mkdir(parents=True, exist_ok=True)
    gathered(options.cases)
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("fork")) as jobs:
        return told(list(jobs.map(campaign, [options] * options.jobs, range(options.jobs))), options)


if __name__ == "__main__":
    raise SystemExit(main())
