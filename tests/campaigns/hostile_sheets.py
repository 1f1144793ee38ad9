"""Mutated and hostile answer sheets, read and marked in this process: no crash, no second, no memory, nothing run.

python tests/campaigns/hostile_sheets.py --files 100000 --seed 1
"""

from __future__ import annotations

import argparse
import io
import json
import random
import resource
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from derivations.names import text
from tracer import load, trace
from tracer.answers.marking.mark import mark
from tracer.answers.reading.entries import Sheet
from tracer.answers.reading.naming import Naming
from tracer.answers.reading.sources import read_sheets
from tracer.answers.result import Checked

MOST_SECONDS, MOST_MEGABYTES = 1.0, 256
A_CLASS = 200  # sheets marked together
A_SECOND = 1000  # sheets: a class table may take its time
PROBLEMS = ("hand-3-2-2", "shared-bias-2-2-2", "softmax-xor")
NASTY = (
    *(
        "nan",
        "inf",
        "-0",
        "1e400",
        "1e-400",
        "9**9**9",
        "1e99999999",
        "1/0",
        "7" * 5000,
        "0x10",
        "1_0",
        "\u0661",
        "\u221e",
    ),
    *(
        "",
        " ",
        '"',
        "'",
        "[",
        "]" * 50,
        "{",
        "}",
        "\\frac{",
        "|",
        "||",
        ",",
        ";",
        "\t",
        "=",
        "\u2248",
        "#",
        "$",
        "\0",
        "\r",
    ),
    *(
        "\ufeff",
        "\u202e",
        "\x1b[2J",
        "\ud7ff",
        "\uff10",
        "\u2212",
        "# notation: ng\n",
        "# notation: zz\n",
        "id,",
        "E",
        "E#2",
    ),
    *(
        "E#99999999",
        "E@9",
        "z1[99999]",
        "dW1[1,",
        "dW1[0,0]",
        "W1_new",
        "x[1]",
        "eta",
        "t[1] = 5",
        "delta2[1]*E",
        "E^999",
    ),
    *(
        "__import__('os').system('x')",
        "=cmd()",
        "${jndi:x}",
        "<!--",
        "../../etc/passwd",
        "((((((((",
        "1e5*" * 30,
        "%s%n",
    ),
)
CODECS = ("utf-16", "utf-8-sig", "utf-32", "shift_jis", "cp932", "cp1252", "latin-1")
FORBIDDEN = ("exec", "pickle.find_class", "marshal.loads", "os.system", "code.__new__")
FORBIDDEN_STARTS = ("socket.", "subprocess.", "os.exec", "os.spawn", "os.remove", "os.rename", "ctypes.", "shutil.")


# --- sheets to start from ---


def originals() -> list[tuple[str, str, bytes]]:
    """(problem, file suffix, content) of right sheets in every format."""
    out = []
    for name in PROBLEMS:
        step = trace(name, digits=4)
        network = step.problem.network
        numbers = {text(network, q): s for q, s in step.shown.items() if text(network, q) in step.values}
        numbers = dict(list(numbers.items())[:60])
        out += [(name, suffix, content) for suffix, content in written(numbers)]
    return out


def written(numbers: dict[str, str]) -> list[tuple[str, bytes]]:
    """The same cells in each format."""
    lines = "".join(f"{n} = {v}\n" for n, v in numbers.items())
    rows = "quantity,value\n" + "".join(f'"{n}",{v}\n' for n, v in numbers.items())
    table = "| quantity | value |\n|---|---|\n" + "".join(f"| `{n}` | {v} |\n" for n, v in numbers.items())
    names = ",".join(f'"{n}"' for n in numbers)
    people = f"id,{names}\n" + "".join(f"s{k},{','.join(numbers.values())}\n" for k in range(5))
    tex = "\\begin{align}\n" + "".join(f"{n} &= {v} \\\\\n" for n, v in numbers.items()) + "\\end{align}\n"
    cells = [
        {"cell_type": "markdown", "source": [table]},
        {"cell_type": "code", "source": [], "outputs": [{"text": lines}]},
    ]
    notebook = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    out = [
        (".txt", lines),
        (".csv", rows),
        (".md", table),
        (".csv", people),
        (".tex", tex),
        (".json", json.dumps(numbers)),
    ]
    packed = [(suffix, content.encode()) for suffix, content in [*out, (".ipynb", notebook)]]
    arrays, archive = io.BytesIO(), io.BytesIO()
    np.savez(arrays, E=1.0, z1=np.zeros(2))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as folder:
        folder.writestr(zipfile.ZipInfo("ann.csv"), rows)  # without today's date: the same seed, the same files
        folder.writestr(zipfile.ZipInfo("bob.md"), table)
    return [*packed, (".npz", arrays.getvalue()), (".zip", archive.getvalue()), *workbook(numbers)]


def workbook(numbers: dict[str, str]) -> list[tuple[str, bytes]]:
    """An .xlsx file, where openpyxl is there."""
    try:
        from openpyxl import Workbook
    except ImportError:
        return []
    book, content = Workbook(), io.BytesIO()
    for name, value in numbers.items():
        book.active.append([name, float(value)])
    book.save(content)
    dated, undated = zipfile.ZipFile(content), io.BytesIO()
    with zipfile.ZipFile(undated, "w", zipfile.ZIP_DEFLATED) as folder:
        for name in dated.namelist():
            if name != "docProps/core.xml":
                folder.writestr(zipfile.ZipInfo(name), dated.read(name))
    return [(".xlsx", undated.getvalue())]


# --- what becomes of them ---


def flipped(content: bytes, rng: random.Random) -> bytes:
    """A few bytes are others."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 20)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def cut(content: bytes, rng: random.Random) -> bytes:
    """The file ends too early, or a piece is gone."""
    a, b = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:a] if rng.random() < 0.5 else content[:a] + content[b:]


def repeated(content: bytes, rng: random.Random) -> bytes:
    """A piece stands there many times."""
    a = rng.randrange(len(content))
    b = min(len(content), a + rng.randint(1, 40))
    return content[:b] + content[a:b] * rng.choice([2, 10, 100, 2000]) + content[b:]


def salted(content: bytes, rng: random.Random) -> bytes:
    """Nasty words among the others."""
    for _ in range(rng.randint(1, 5)):
        a = rng.randrange(len(content) + 1)
        gone = rng.choice([0, 0, 1, 6])
        content = content[:a] + rng.choice(NASTY).encode("utf-8", "replace") + content[a + gone :]
    return content


def shuffled(content: bytes, rng: random.Random) -> bytes:
    """The lines in another order, some of them twice."""
    lines = content.split(b"\n")
    return b"\n".join(rng.choice(lines) for _ in range(len(lines) * rng.choice([1, 1, 3])))


def recoded(content: bytes, rng: random.Random) -> bytes:
    """In another encoding."""
    own = content.decode("utf-8", "replace")
    return own.encode(rng.choice(CODECS), "replace")


def numbered(content: bytes, rng: random.Random) -> bytes:
    """Other digits: a sheet that can be read, with numbers that explain nothing."""
    return bytes(rng.choice(b"0123456789") if 48 <= c < 58 and rng.random() < 0.1 else c for c in content)


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(flipped, cut, repeated, salted, salted, shuffled, recoded, numbered, numbered),
)
SUFFIXES = (".txt", ".csv", ".md", ".tex", ".json", ".ipynb", ".npz", ".zip", ".xlsx", "", ".docx")


def mutated(sources: list[tuple[str, str, bytes]], rng: random.Random) -> tuple[str, str, bytes]:
    """(problem, suffix, content) of a hostile sheet."""
    problem, suffix, content = rng.choice(sources)
    for _ in range(rng.choice([1, 1, 2, 3])):
        content = rng.choice(MUTATIONS)(content, rng)[:2_000_000] or b"E"
    return problem, rng.choice(SUFFIXES) if rng.random() < 0.1 else suffix, content


# --- the watch ---


def watch(folder: str, seen: Counter[str]) -> list[bool]:
    """Note whatever is run, imported or opened outside the folder, until the list that it returns is emptied."""
    on = [True]

    def hook(event: str, args: tuple[object, ...]) -> None:
        if not on:
            return
        if event == "open" and not str(args[0]).startswith(folder):
            seen[f"open {args[0]}"] += 1
        elif event == "compile" and args[1] != "<unknown>":  # <unknown>: the header of an array, a tree that is not run
            seen[f"compile {str(args)[:80]}"] += 1
        elif event in FORBIDDEN or event.startswith(FORBIDDEN_STARTS) or event == "import":
            seen[f"{event} {str(args)[:80]}"] += 1

    sys.addaudithook(hook)
    return on


@dataclass
class Campaign:
    """What was found so far; sheets wait until there are enough of them to be marked as a class."""

    naming: dict[str, Naming]
    waiting: dict[str, list[tuple[int, str, bytes, list[Sheet]]]] = field(default_factory=dict)
    failed: Counter[str] = field(default_factory=Counter)
    kept: list[tuple[int, str, bytes]] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    refused: int = 0
    sheets: int = 0
    slow: int = 0

    def read(self, number: int, name: str, path: Path, content: bytes, *, alone: bool) -> None:
        """Read one file; mark what it has at once, or later with others."""
        path.write_bytes(content)
        file = (number, path.suffix, content)
        begin = time.process_time()
        naming = self.naming[name]
        sheets = self.guarded(lambda: list(read_sheets(naming.problem, [path], naming=naming)), file) or []
        if alone:
            self.guarded(lambda: self.marked(name, sheets), file)
        took = time.process_time() - begin
        self.slowest = max(self.slowest, (took, f"file {number} {path.suffix} {name}, {len(sheets)} sheets"))
        if took > MOST_SECONDS + len(sheets) / A_SECOND:
            self.slow += 1
            self.kept.append(file)
        self.refused += all(sheet.error for sheet in sheets)
        self.sheets += len(sheets)
        if not alone:
            waiting = self.waiting.setdefault(name, [])
            waiting.append((*file, sheets))
            if sum(len(sheets) for *_, sheets in waiting) >= A_CLASS:
                self.mark(name)

    def mark(self, name: str) -> None:
        """Mark what waits; where that fails, each file alone, to know which it was."""
        files = self.waiting.pop(name, [])
        try:
            self.marked(name, [sheet for *_, sheets in files for sheet in sheets])
        except Exception:  # a crash is what is looked for
            for *file, sheets in files:
                self.guarded(lambda own=sheets: self.marked(name, own), file)  # type: ignore[misc]

    def marked(self, name: str, sheets: list[Sheet]) -> None:
        """Mark and report, as the command does."""
        naming = self.naming[name]
        str(Checked("", tuple(mark(naming.problem, sheets, naming=naming))))

    def guarded(self, call: Callable[[], Any], file: Any) -> Any:
        """What it returns; a crash is noted."""
        try:
            return call()
        except Exception as e:  # a crash is what is looked for
            self.failed[f"{type(e).__name__}: {e}"[:150]] += 1
            self.kept.append(tuple(file))
            return None


def main() -> int:
    """Run it and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--alone", type=int, default=50, help="one file in so many is marked alone, and timed")
    parser.add_argument("--keep", default="", help="a folder for the files that failed")
    options = parser.parse_args()
    rng, seen = random.Random(options.seed), Counter[str]()
    sources, campaign = originals(), Campaign({name: Naming(load(name)) for name in PROBLEMS})
    with tempfile.TemporaryDirectory() as folder:
        for name, suffix, content in sources:  # whatever is imported late is imported here
            campaign.read(0, name, Path(folder) / f"sheet{suffix}", content, alone=True)
        for codec in CODECS:
            "E".encode(codec).decode(codec)
        campaign.slowest, campaign.slow, campaign.sheets = (0.0, ""), 0, 0
        watched, start = watch(folder, seen), time.perf_counter()
        for number in range(1, options.files + 1):
            name, suffix, content = mutated(sources, rng)
            path = Path(folder) / f"sheet{suffix}"
            campaign.read(number, name, path, content, alone=number % options.alone == 0)
            if number % 5000 == 0:
                took = time.perf_counter() - start
                print(f"{number} files, {took:.0f} s, {campaign.failed}", file=sys.stderr, flush=True)
        for name in PROBLEMS:
            campaign.mark(name)
        watched.clear()
    for number, suffix, content in campaign.kept[:200] if options.keep else []:
        Path(options.keep, f"{number}{suffix}").write_bytes(content)
    return told(campaign, options, seen)


def told(campaign: Campaign, options: argparse.Namespace, seen: Counter[str]) -> int:
    """The figures, and the exit code."""
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    crashed = sum(campaign.failed.values())
    print(f"{options.files} files, {campaign.sheets} sheets, seed {options.seed}: {crashed} crashed")
    print(f"{campaign.refused} files refused as a whole; {options.files // options.alone} marked alone")
    seconds, which = campaign.slowest
    print(f"{campaign.slow} files over {MOST_SECONDS:.0f} s of processor time, the slowest {seconds:.2f} s ({which})")
    print(f"at most {megabytes:.0f} MB; the hook saw {dict(seen) or 'nothing'}")
    for fault, count in campaign.failed.most_common(20):
        print(f"  {count} {fault}")
    return 1 if crashed or seen or campaign.slow or megabytes > MOST_MEGABYTES else 0


if __name__ == "__main__":
    raise SystemExit(main())
