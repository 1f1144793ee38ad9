"""Drawn files of equations against the evaluation that was made while they were drawn.

python tests/campaigns/blind_equations.py --count 200 --seed 1
python tests/campaigns/blind_equations.py --seed 1 --show 17        # the text of one
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from drawn_equations import compared, disagreements, draw


def main() -> int:
    """Compare, print each file that differs and how many there were; 1 if any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, help="print the file of this number, and compare nothing")
    options = parser.parse_args()
    if options.show is not None:
        print(draw(options.seed, options.show).text)
        return 0
    begin, wrong, last = time.process_time(), 0, 0
    for last, drawn, truths in compared(options.seed, options.count):
        found = disagreements(drawn.text, truths)
        if found:
            wrong += 1
            print(f"file {last}: {'; '.join(found[:4])}")
    spent = time.process_time() - begin
    print(f"{options.count} files of {last + 1} drawn, {wrong} differ, {spent:.1f} s of processor time")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
