"""The recorded digests of every reading: what they are, how they are written, what differs from them.

python tests/goldens/record.py                        all anew: what `on_purpose.toml` names is then as it should be
python tests/goldens/record.py --readings trace,work  some of the readings; the others stay as they were recorded
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import os
import sys
import tomllib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from flint import arb, ctx
from goldens.readings import Case, cases, recorded

import tracer

__all__ = [
    "Chosen",
    "Goldens",
    "chosen",
    "digest",
    "inputs",
    "kept_texts",
    "machine",
    "on_purpose",
    "purposes",
    "quick",
    "rests_on",
    "texts",
]

HERE = Path(__file__).parent
DIGESTS, TEXTS, PURPOSE = HERE / "digests.json", HERE / "samples.json.xz", HERE / "on_purpose.toml"
LONGEST = 60_000  # characters of a sample's text that is kept whole

Chosen = tuple[str, str]
"""A case and a reading of it."""


def digest(text: str) -> str:
    """Sixteen hexadecimal digits that stand for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def machine() -> dict[str, str]:
    """What the last bits rest on: numpy's functions and sums on this processor, and flint's balls."""
    x = np.linspace(-20, 20, 997)
    made = [f(x) for f in (np.exp, np.expm1, np.tanh)] + [np.log(x * x + 0.1), np.log1p(x * x)]
    made += [np.exp(x.astype(np.float32)), np.tanh(x.astype(np.float32))]
    made += [x[:4].reshape(1, 4) @ x[4:8].reshape(4, 1), x[:900].reshape(30, 30) @ x[90:990].reshape(30, 30)]
    floats = hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in made)).hexdigest()[:16]
    ball = arb(2) / 3
    balls = [ball.exp(), ball.tanh(), ball.log(), ball.erf(), ball.sqrt(), ball * ball + ball]
    return {"floats": floats, "balls": digest(f"{ctx.prec} {balls}")}


@dataclass(frozen=True)
class Goldens:
    """The digests as recorded, the readings of each family in order, of which files and on which machine."""

    machine: dict[str, str]
    inputs: str
    readings: dict[str, list[str]]
    digests: dict[str, str]

    @classmethod
    def load(cls) -> Goldens:
        """From the file beside this module."""
        return cls(**json.loads(DIGESTS.read_text(encoding="utf-8")))

    def of(self, case: str, reading: str) -> str:
        """The recorded digest, "" where there is none."""
        listed = self.readings.get(_listing(case), [])
        digests = self.digests.get(case, "").split()
        return digests[listed.index(reading)] if reading in listed and case in self.digests else ""

    @classmethod
    def of_digests(cls, made: Iterable[tuple[Chosen, str]]) -> Goldens:
        """From digests in order."""
        readings: dict[str, list[str]] = {}
        digests: dict[str, list[str]] = {}
        for (case, reading), own in made:
            listed = readings.setdefault(_listing(case), [])
            if reading not in listed:
                listed.append(reading)
            digests.setdefault(case, []).append(own)
        return cls(machine(), inputs(), readings, {case: " ".join(own) for case, own in digests.items()})

    def save(self) -> None:
        """One line a case, so that a difference of two recordings says which cases changed."""
        lines = [f"  {json.dumps(case)}: {json.dumps(own)}" for case, own in self.digests.items()]
        head = {"machine": self.machine, "inputs": self.inputs, "readings": self.readings}
        parts = [f'"{name}": {json.dumps(part)}' for name, part in head.items()]
        parts += ['"digests": {\n' + ",\n".join(lines) + "\n}"]
        DIGESTS.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def _listing(case: str) -> str:
    """A sample has a list of readings of its own, as it has sheets of its own; the others share their family's."""
    return case if case.startswith("sample/") else case.split("/")[0]


@cache
def _cases() -> dict[str, Case]:
    return cases()


def inputs() -> str:
    """One digest of all files that are read: a drawn problem that changes would change every reading of it."""
    return digest(json.dumps([[name, dict(case.files)] for name, case in _cases().items()]))


def chosen(patterns: Iterable[str] = ("*",)) -> list[Chosen]:
    """Every reading of every case whose reading fits a pattern: `trace`, `values.ball`, `work.*`."""
    wanted = [(pattern, f"{pattern}.*") for pattern in patterns]
    return [
        (name, reading)
        for name, case in _cases().items()
        for reading in case.readings
        if any(fnmatchcase(reading, pattern) for pair in wanted for pattern in pair)
    ]


STRIDE = 6


def quick() -> list[Chosen]:
    """A spread for every run of the suite: all samples, some of the others, of each a sixth of its readings in turn."""
    every = {"sample": 1, "drawn": 12, "run": 10, "sheet": 20, "program": 1}
    out: list[Chosen] = []
    families: dict[str, int] = {}
    for name, case in _cases().items():
        number = families[case.family] = families.get(case.family, -1) + 1
        if number % every[case.family] == 0:
            turn = number // every[case.family]
            step = STRIDE if case.family in ("sample", "drawn") else 2 if case.family == "run" else 1
            out += [(name, reading) for k, reading in enumerate(case.readings) if (k + turn) % step == 0]
    return out


def rests_on(which: Chosen) -> str:
    """Whose last bits a reading has in it: "floats", "balls" or nobody's."""
    return _cases()[which[0]].readings[which[1]].rests_on


def text(which: Chosen) -> str:
    """The text of one reading by today's code."""
    return recorded(_cases()[which[0]], which[1])


def texts(every: list[Chosen], jobs: int = 1) -> Iterator[tuple[Chosen, str]]:
    """The texts of many readings, in order."""
    if jobs == 1:
        yield from ((which, text(which)) for which in every)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from zip(every, pool.map(text, every, chunksize=20), strict=True)


def on_purpose(which: Chosen) -> str:
    """Why a reading differs on purpose, "" where it should not."""
    for entry in purposes():
        if fnmatchcase(which[0], entry["case"]) and fnmatchcase(which[1], entry["reading"]):
            return entry["why"]
    return ""


@cache
def purposes() -> list[dict[str, str]]:
    """What is listed to differ: each entry a pattern of cases, one of readings, and why."""
    listed: list[dict[str, str]] = tomllib.loads(PURPOSE.read_text(encoding="utf-8")).get("differs", [])
    return listed


def kept_texts() -> dict[str, dict[str, str]]:
    """The samples' own texts, by case and reading."""
    kept: dict[str, dict[str, str]] = json.loads(lzma.decompress(TEXTS.read_bytes()))
    return kept


def record(anew: list[Chosen], jobs: int) -> None:
    """Record some readings anew; the others stay as they are."""
    goldens = Goldens.load() if DIGESTS.exists() else None
    kept = kept_texts() if TEXTS.exists() else {}
    fresh: dict[Chosen, str] = {}
    for (case, reading), own in texts(anew, jobs):
        fresh[case, reading] = digest(own)
        kept.setdefault(case, {}).pop(reading, None)
        if case.startswith("sample/") and len(own) <= LONGEST:
            kept[case][reading] = own
    before = {which: goldens.of(*which) for which in chosen()} if goldens else {}
    Goldens.of_digests((which, fresh.get(which) or before.get(which) or "-") for which in chosen()).save()
    there = {case: {reading: own[reading] for reading in sorted(own)} for case, own in sorted(kept.items()) if own}
    TEXTS.write_bytes(lzma.compress(json.dumps(there, ensure_ascii=False).encode(), preset=9))


def print_texts() -> None:
    """Whose code runs; then each reading named on standard input, `[case, reading]` a line, with its text."""
    print(json.dumps(tracer.__file__))
    for line in sys.stdin:
        case, reading = json.loads(line)
        print(json.dumps([case, reading, text((case, reading))]), flush=True)


def main() -> None:
    """Record, or print texts for `compare.py`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--readings", default="*", help="only these, such as trace,work.latex")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if options.texts:
        print_texts()
    else:
        record(chosen(options.readings.split(",")), options.jobs)


if __name__ == "__main__":
    main()
