"""Naive `sympy.diff` of the whole loss beside the composed chain rule, in one run; then size, memory, cold start.

Run by hand: `python tests/benchmarks/derive.py [--quick]`; --quick leaves out the naive LaTeX of 10-10-10 (a minute).
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from itertools import pairwise
from typing import Any

import sympy as sp

from derivations.chain_rule import ChainRule, symbol
from derivations.derivation import derive
from derivations.names import Quantity, text
from tracer import load

NETS = ([2, 2, 1], [3, 2, 2], [3, 3, 3, 3], [4, 4, 4, 4], [10, 10, 10])


def dense(sizes: list[int]) -> Any:
    """Sigmoid units and biases, half the squared error."""
    layers = [
        {"activation": "sigmoid", "W": [[(3 * i + 5 * j) % 7 / 8 for i in range(m)] for j in range(n)], "b": [0.1] * n}
        for m, n in pairwise(sizes)
    ]
    sample = {"x": [0.5] * sizes[0], "t": [1] * sizes[-1]}
    network = {"loss": "half_squared_error", "layers": layers}
    return load({"network": network, "samples": [sample], "training": {"learning_rate": 0.1}})


def compare(sizes: list[int], quick: bool) -> None:
    """One row: operators, seconds and characters of LaTeX, naive beside composed."""
    problem = dense(sizes)
    start = time.process_time()
    chain = ChainRule(problem)
    own_time, own = time.process_time() - start, chain.operators()
    own_latex = sum(len(sp.latex(e)) for e in chain.of.values())
    loss = chain.substituted(Quantity("E"))
    start = time.process_time()
    direct = [sp.diff(loss, symbol(text(problem.network, p))) for p, _ in chain.parameters]
    naive_time = time.process_time() - start
    naive = sum(e.count_ops() for e in direct)
    skipped = quick and sum(sizes) > 20
    naive_latex = 0 if skipped else sum(len(sp.latex(e)) for e in direct)
    latex = "skipped" if skipped else f"{naive_latex:,} / {own_latex:,} = {naive_latex / own_latex:.0f}x"
    print(
        f"{'-'.join(map(str, sizes)):>9}  {len(direct):4} par.  operators {naive:,} / {own:,} = {naive / own:.0f}x  "
        f"seconds {naive_time:.3f} / {own_time:.4f} = {naive_time / own_time:.0f}x  LaTeX {latex}",
        flush=True,
    )


def large() -> None:
    """20 x 7: 2,520 parameters, by themselves in a process."""
    problem = dense([20] * 7)
    start = time.process_time()
    chain = ChainRule(problem)
    seconds, count = time.process_time() - start, len(chain.parameters)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"20x7: {count} parameters, {chain.operators() / count:.2f} operators and {1000 * seconds / count:.2f} ms each"
    )
    print(f"20x7: {seconds:.2f} s, {memory:.0f} MB in all")


def cold(rounds: int = 9) -> None:
    """CPU of whole processes, alternating, median."""
    commands = {
        "derive": [sys.executable, "-m", "tracer", "derive", "hand-3-2-2", "--format", "latex"],
        "import sympy": [sys.executable, "-c", "import sympy"],
    }
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            before = os.times()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            after = os.times()
            used = after.children_user + after.children_system - before.children_user - before.children_system
            took[name].append(used)
    derived, imported = (statistics.median(times) for times in took.values())
    print(f"cold start: derive {derived:.3f} s, import sympy {imported:.3f} s, ratio {derived / imported:.2f}")


def main() -> None:
    """Everything, in one run."""
    if "--large" in sys.argv:
        large()
        return
    subprocess.run([sys.executable, __file__, "--large"], check=True)
    cold()
    derive(dense([2, 2, 1]))  # sympy's own first steps are nobody's cost
    for sizes in NETS:
        compare(sizes, "--quick" in sys.argv)


if __name__ == "__main__":
    main()
