"""``python -m people --problem NAME --count N --seed S [--slips]`` prints sheets, one JSON object a line."""

from __future__ import annotations

import argparse
import json
import sys

from . import PROBLEMS, drawn_sheet, slipped_sheet


def main() -> None:
    """Read the command line, print the sheets."""
    parser = argparse.ArgumentParser(prog="people", description="Sheets of simulated people, as JSON lines.")
    parser.add_argument("--problem", choices=PROBLEMS, required=True)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0, help="the first seed; the next sheet has the next")
    parser.add_argument("--slips", action="store_true", help="with one slip each")
    parser.add_argument("--source", action="store_true", help="print the problem file and no sheets")
    options = parser.parse_args()
    if options.source:
        sys.stdout.write(PROBLEMS[options.problem].source)
        return
    sheet_of = slipped_sheet if options.slips else drawn_sheet
    for seed in range(options.seed, options.seed + options.count):
        print(json.dumps(sheet_of(options.problem, seed).as_json(), ensure_ascii=False))


if __name__ == "__main__":
    main()
