"""Draws `sheets.json`, once: 200 answer sheets of drawn problems, every second with a slip of the catalogue.

The sheets are data, so that the goldens of marking do not rest on the lines that they are to guard.

python tests/goldens/draw_sheets.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from goldens.draw import PROBLEMS, problem
from written_sheets import drawn_hand, written

from tracer import loads, trace
from tracer.marking.slips.catalogue import visible

SHEETS, STRIDE, MOST_QUANTITIES = 200, 2, 100
FILE = Path(__file__).with_name("sheets.json")


def sheet(k: int) -> dict[str, object]:
    """Sheet k: whose problem, which slip ("" for a right one), what is written."""
    rng = np.random.default_rng(k)
    number = k * STRIDE % PROBLEMS
    while len(trace(drawn := loads(problem(number).text))) > MOST_QUANTITIES:
        number += 1
    possible = visible(drawn) if k % 2 else ()
    slips = [possible[rng.integers(len(possible))]] if possible else []
    share = float(rng.choice([1.0, 0.5, 0.3]))
    cells = written(drawn, drawn_hand(rng), *slips, share=share)
    lines = ["quantity,value", *(f"{name},{number}" for name, number in cells.items())]
    return {"problem": number, "slip": slips[0].name if slips else "", "text": "\n".join(lines) + "\n"}


if __name__ == "__main__":
    lines = [json.dumps(sheet(k), ensure_ascii=False) for k in range(SHEETS)]
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
