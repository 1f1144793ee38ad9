"""Thousands of damaged answer sheets of every format: reading ends within a second, in sheets or errors.

Run: python tests/campaigns/answers.py [count] [seed]
"""

from __future__ import annotations

import io
import json
import random
import sys
import time
import zipfile

import numpy as np

from derivations.names import text
from tracer import load
from tracer.answers.blank import SHEET_FORMATS, filled_sheet
from tracer.answers.reading.naming import Naming
from tracer.answers.reading.sources import read_sheets, readings
from tracer.tracing import steps_of

PIECES = (
    b"",
    b"\xff",
    b"\0",
    b"=",
    b"|",
    b"[" * 300,
    b'"',
    b"{",
    b"\\frac{",
    b"1e999",
    b"\x1b",
    b"^_^",
    b"'",
    b"\n",
    b"&",
)


def originals() -> list[bytes]:
    """A filled-in sheet in every format, a class table, a notebook, arrays and an archive."""
    p = load("hand-3-2-2")
    values = {q: f"{float(v):.4f}" for step in steps_of(p) for q, v in step.items()}
    out = []
    for form in SHEET_FORMATS:
        for notation in (None, "bishop", "ng", "mazur"):
            try:
                sheet = filled_sheet(p, form, notation, values=values)
            except ImportError:
                continue
            out.append(sheet if isinstance(sheet, bytes) else sheet.encode())
    table = "id;" + ";".join(text(p.network, q) for q in values) + "\n"
    out.append((table + "".join(f"s{k};" + ";".join(values.values()) + "\n" for k in range(20))).encode())
    cell = {"cell_type": "code", "source": "", "outputs": [{"text": "z1[1] = 0.6457\nE = 10.43\n"}]}
    out.append(json.dumps({"nbformat": 4, "cells": [cell] * 3}).encode())
    arrays, archive = io.BytesIO(), io.BytesIO()
    np.savez(arrays, z1=np.ones(2), dW1=np.ones((2, 3)))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a/b.csv", out[0])
        packed.writestr("c.md", out[5])
    return [*out, arrays.getvalue(), archive.getvalue()]


def main(count: int = 3000, seed: int = 1) -> int:
    """Damage, read, time; prints the slowest."""
    problem = load("hand-3-2-2")
    naming, chance, slowest = Naming(problem), random.Random(seed), 0.0
    sheets = originals()
    for k in range(count):
        damaged = bytearray(chance.choice(sheets))
        for _ in range(chance.randint(1, 8)):
            place = chance.randrange(len(damaged) + 1)
            damaged[place : place + chance.choice((0, 1, 1, 3, 40))] = chance.choice(PIECES)
        started = time.perf_counter()
        for sheet in read_sheets(problem, ["-"], standard_input=io.BytesIO(bytes(damaged)), naming=naming):
            told = [sheet.error, *sheet.remarks, *(e.message for e in sheet.entries)]
            assert all(t.isprintable() for t in told), (k, told)
            readings(naming, sheet)
        slowest = max(slowest, time.perf_counter() - started)
    print(f"{count} damaged sheets (seed {seed}): no crash, slowest {slowest:.3f} s")
    return int(slowest > 1)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
