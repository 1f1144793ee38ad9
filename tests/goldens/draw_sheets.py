"""Draws `sheets.json`, once: 200 answer sheets of drawn problems, every second with a slip of the catalogue.

The sheets are data, so that the goldens of marking do not rest on the rules that they are to guard; this script alone
needs those rules, through `students.py`, and goes when they go.

python tests/goldens/draw_sheets.py
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from goldens.draw import PROBLEMS, problem
from students import People, sheets_of

from derivations.names import elements, text
from derivations.network import Problem
from tracer import loads, trace
from tracer.answers.marking.cells import Cells
from tracer.answers.slips import visible

SHEETS, STRIDE, MOST_QUANTITIES = 200, 2, 100
FILE = Path(__file__).with_name("sheets.json")


def written(drawn: Problem, cells: Cells) -> str:
    """The first sheet as `quantity,value` lines."""
    lines = ["quantity,value"]
    samples = drawn.samples if drawn.training.samples == "together" else 1  # of one step
    for at, w in cells.arrays.items():
        named = elements(drawn.network, at.kind, at.layer, samples, at.sample, at.step)
        for place in np.argwhere(w.there[0]):
            unit = Decimal(f"{w.unit[(0, *place)]:.0e}")
            number = (Decimal(repr(float(w.value[(0, *place)]))) / unit).to_integral_value() * unit
            lines.append(f"{text(drawn.network, named[tuple(place)])},{number:f}")
    return "\n".join(lines) + "\n"


def sheet(k: int) -> dict[str, object]:
    """Sheet k: whose problem, which slip ("" for a right one), what is written."""
    rng = np.random.default_rng(k)
    number = k * STRIDE % PROBLEMS
    while len(trace(drawn := loads(problem(number).text))) > MOST_QUANTITIES:
        number += 1
    possible = visible(drawn) if k % 2 else []
    slip = possible[rng.integers(len(possible))] if possible else None
    people = People(1, rng)
    share = float(rng.choice([1.0, 0.5, 0.3]))
    cells = sheets_of(drawn, people, rng, share=share, **({"rules_": slip.rules} if slip else {}))
    return {"problem": number, "slip": slip.name if slip else "", "text": written(drawn, cells)}


if __name__ == "__main__":
    lines = [json.dumps(sheet(k), ensure_ascii=False) for k in range(SHEETS)]
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
