"""Hostile documents: reading ends in a tree or a clean rejection, at once, and executes nothing.

    python tests/campaigns/fuzz_reading.py --inputs 100000

Random strings of the tokens of mathematics, pieces of real rows cut and joined, random characters, and inputs made to
blow up.  Prints how many were read, the 99.9th percentile and the worst processor time, and every event of the audit
hook that means that something was executed, compiled, imported or opened.  Ends with 1 for any complaint.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from derivations.reading.documents import rows_of
from derivations.reading.statements import statements

TOKENS = [
    r"\frac",
    r"{",
    r"}",
    r"(",
    r")",
    r"[",
    r"]",
    r"^",
    r"_",
    r"=",
    r"\approx",
    r"\leftarrow",
    r"+",
    r"-",
    r"*",
    r"/",
    r"\cdot",
    r"\times",
    r"0.5",
    r"1",
    r"9",
    r"99999999",
    r"!",
    r",",
    r";",
    r"'",
    r"w_{11}^{(1)}",
    r"\delta",
    r"x_1",
    r"e",
    r"\partial",
    r"\sum_k",
    r"\sum_{k=1}^{3}",
    r"\exp",
    r"\tanh",
    r"\sqrt",
    r"\begin{bmatrix}",
    r"\end{bmatrix}",
    r"\begin{cases}",
    r"\end{cases}",
    r"&",
    r"\\",
    r"\text{a}",
    r"\left(",
    r"\right)",
    r"\left.",
    r"\right|",
    r"\underbrace{",
    r"}",
    r"\hat{y}",
    r"{\bf",
    r"x}",
    r"|",
    r"\|",
    r"^{2}",
    r"^{-1}",
    r"^T",
    r"²",
    r"₁",
    r"∂",
    r"σ",
    r"δ",
    r"−",
    r"×",
    r"≈",
    r"$",
    r"$$",
    r"\[",
    r"\]",
    r"\(",
    r"\)",
    r"\begin{align}",
    r"\end{align}",
    r"```",
    r"%",
    r"\n",
    r"\mathrm{d}",
    r"\nabla_a",
    r"{,}",
    r"1e5",
    r"__import__",
    r"lambda:",
    r"os.system",
    r"eval(",
    r"1.2\cdot10^{-5}",
]
BOMBS = (
    "9^{9^{9}}",
    "$99999999!$",
    "$" + "(" * 100_000 + ")" * 100_000 + "$",
    "$" + "{" * 5000 + "$",
    "$" + r"\frac{" * 100_000 + "$",
    "$" + r"\frac{1}{" * 1500 + "1" + "}" * 1500 + "$",
    "$x" + "^{x" * 2000 + "}" * 2000 + "$",
    "$" + "-" * 5000 + "1$",
    "$" + r"\exp " * 1500 + "1$",
    "$" + "1+" * 2000 + "1$",
    "$" + "a " * 4000 + "$",
    "$" + "1/" * 2000 + "1$",
    "$" + r"\sum_k " * 500 + "x_k$",
    "$" + r"\underbrace{" * 600 + "x" + "}_{a}" * 600 + "$",
    "$" + r"\text{" * 1000 + "$",
    "$" + r"\left." * 2000 + "$",
    "$" + r"\label{" * 2000 + "$",
    "$" + "'" * 5000 + "$",
    "$10^{99999999}=1e999$",
    "$$" * 5000,
    r"\begin{align}" * 2000,
    "`" * 10_000,
    r"\[" * 5000,
    "$w_{" + "1" * 7000 + "}=1$",
    "=" * 7000,
    "$" + "x=" * 2000 + "$",
    "__import__('os').system('true')",
    "$" + r"\begin{bmatrix}" * 300 + "$",
    "$" + "1&" * 3000 + r"\\" + "$",
    "x = " + "1" * 7000,
)
WATCHED = ("exec", "compile", "import", "open", "os.", "subprocess", "socket", "shutil", "ctypes", "code.__new__")


def inputs(count: int, rng: random.Random) -> Iterator[str]:
    """The made ones, then random ones."""
    yield from BOMBS
    rows = [
        r"\frac{\partial E}{\partial w_{11}^{(2)}} = \delta_1^{(2)} z_1 = 2.183\cdot0.6457\approx1.410",
        r"net_{h1} = 0.15 * 0.05 + 0.2 * 0.1 + 0.35 * 1 = 0.3775",
        r"\begin{bmatrix} 0.1 & 0.2 \\ 0.3 & 0.4 \end{bmatrix}",
    ]
    for k in range(count):
        kind = k % 3
        if kind == 0:
            body = rng.choice(("", " ")).join(rng.choices(TOKENS, k=rng.randrange(1, 60)))
        elif kind == 1:
            a, b = rng.choice(rows), rng.choice(rows)
            body = a[: rng.randrange(len(a))] + b[rng.randrange(len(b)) :]
        else:
            body = "".join(
                chr(rng.choice((rng.randrange(32, 127), rng.randrange(1, 0x3000)))) for _ in range(rng.randrange(80))
            )
        yield body if k % 2 else f"$${body}$$"


def main() -> None:
    """Run the campaign and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    statements(rows_of("$$w_1 = 2$$\n\na_1 = b\n"))  # everything that is imported and built once
    events, watching = Counter[str](), [True]

    def hook(event: str, _: Any) -> None:
        if watching[0] and event.startswith(WATCHED):
            events[event] += 1

    sys.addaudithook(hook)
    times: list[float] = []
    faults, outcome = [], Counter[str]()
    for text in inputs(options.inputs, random.Random(options.seed)):
        start = time.process_time()
        try:
            found, unread = statements(rows_of(text))
            outcome["read" if not unread and all(s.unread is None for f in found for s in f.sides) else "rejected"] += 1
        except ValueError:
            outcome["refused"] += 1
        except Exception as e:
            faults.append(f"{type(e).__name__}: {str(e)[:80]} of {text[:80]!r}")
        times.append(time.process_time() - start)
        if times[-1] > 0.1:
            print(f"{times[-1]:.2f} s: {text[:60]!r}")
    watching[0] = False
    ordered = sorted(times)
    slow = ordered[min(int(len(ordered) * 0.999), len(ordered) - 1)]
    print(f"{len(times)} inputs {dict(outcome)}; 99.9% within {slow * 1e3:.2f} ms, worst {ordered[-1] * 1e3:.0f} ms")
    print(f"events: {dict(events) or 'none'}; other exceptions: {len(faults)}")
    print(*faults[:10], sep="\n")
    sys.exit(bool(faults or events or slow > 0.005))


if __name__ == "__main__":
    main()
