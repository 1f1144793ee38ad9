"""One-token changes of the core, the routes and the bounds, each against the tests of its part: does one fail?

python tests/campaigns/mutation.py --count 60 --seed 1

A change is drawn in a copy of the project: a sign turned, a comparison turned, a number one more, an operator for
another, two arguments for each other, a condition negated.  The tests of the part that it touches run until one fails,
for a minute of processor time at most; a change that they do not notice survives and is printed.  Changes of words, of
types and of bounds that are only made wider are no faults, nor are arguments that may come in any order: strings,
annotations, the constants of `WIDER` and the arguments of what commutes are left alone.

What survives is put to `numbers_of_steps.py`: a change after which not one number, bound, verdict or line of some
hundred steps is another is told apart, as one that is none (or only makes work).

Exit 1 if fewer than 95 % of the others are caught.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FOLDER = "tests/test_tracer/test_verification"
ALWAYS = ("test_work.py", "test_widths.py")
"""The last tests of each part: it does no more work, and knows its numbers no worse."""
PARTS = {
    "tracer/verification/boxes.py": ("test_boxes.py", "test_any_step.py"),
    "tracer/verification/pieces.py": ("test_any_step.py", "test_bounded.py", "test_certificates.py"),
    "tracer/verification/reading_plan.py": ("test_any_step.py", "test_drawn_steps.py"),
    "tracer/verification/bounded.py": ("test_bounded.py",),
    "tracer/verification/pairs.py": ("test_pairs.py",),
    "tracer/verification/moved.py": ("test_pairs.py", "test_any_step.py", "test_drawn_steps.py"),
    "tracer/verification/moves.py": ("test_pairs.py", "test_any_step.py", "test_routes.py"),
    "tracer/verification/differences.py": ("test_any_step.py", "test_twins.py", "test_routes.py"),
    "tracer/verification/routes.py": ("test_any_step.py", "test_routes.py", "test_claims.py", "test_correlated.py"),
    "tracer/verification/contraction.py": ("test_pairs.py", "test_any_step.py"),
    "derivations/forms.py": ("test_forms.py", "test_any_step.py"),
    "derivations/backward.py": ("test_any_step.py", "test_drawn_steps.py", "test_twins.py"),
    "derivations/uses.py": ("test_any_step.py", "test_drawn_steps.py"),
    "derivations/lowering.py": ("test_any_step.py", "test_drawn_steps.py", "test_twins.py"),
    "derivations/views.py": ("../../test_derivations/test_views.py", "test_any_step.py", "test_drawn_steps.py"),
    "derivations/windows.py": ("../../test_derivations/test_core_traps.py", "test_any_step.py"),
    "tracer/verification/tape.py": ("test_tape.py",),
    "tracer/verification/tape_shortening.py": ("test_tape.py",),
    "tracer/verification/gathered.py": ("test_tape.py", "test_routes.py", "test_claims.py"),
    "tracer/verification/repeated.py": ("test_tape.py",),
    "tracer/verification/correlated.py": ("test_correlated.py",),
}
WIDER = {"SLACK", "OWN", "LOST", "ULPS", "WIDE", "FEW", "MOST", "NOTHING", "CANCELLED", "NEAR", "NEARER", "LEAST"}
WIDER |= {"LITTLE", "TINY", "SURE", "BITS", "MOST_LONG", "MOST_IN_BALLS", "MOST_PIECES", "MOST_LEAVES", "SMALL_STEP"}
WIDER |= {"SMALL"}
COMMUTES = {"product", "scaled", "max", "min", "maximum", "minimum", "array_equal", "equal"}
"""Of these two arguments for each other are no change."""
TURNED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult}
OTHER = {ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}


class Change(NamedTuple):
    """A node of a module's tree, changed in place; how the line reads after it."""

    line: int
    what: str


def places(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes that may be changed: no words, no types, no bounds that would only be wider."""
    rest: list[ast.AST] = [tree]
    while rest:
        node = rest.pop()
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id in WIDER for t in node.targets):
            continue
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Tuple) for t in node.targets) and node in tree.body:
            continue
        if isinstance(node, ast.Raise | ast.Assert | ast.Import | ast.ImportFrom | ast.JoinedStr):
            continue
        yield node
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "type_params"):
                continue
            rest += [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, ast.AST)]


def change(node: ast.AST, rng: random.Random) -> bool:
    """Changes a node; whether it can be."""
    match node:
        case ast.BinOp(op=op) if type(op) in TURNED:
            node.op = TURNED[type(op)]()
        case ast.Compare(ops=[op]) if type(op) in OTHER:
            node.ops = [OTHER[type(op)]()]
        case ast.Constant(value=value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 9:
            node.value = value + rng.choice((1, -1))
        case ast.UnaryOp(op=ast.USub()):
            node.op = ast.UAdd()
        case ast.BoolOp(op=op):
            node.op = ast.Or() if isinstance(op, ast.And) else ast.And()
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[first, second]) if name not in COMMUTES:
            node.args = [second, first]
        case ast.IfExp(test=test):
            node.test = ast.UnaryOp(ast.Not(), test)
        case _:
            return False
    return True


def mutant(source: str, rng: random.Random) -> tuple[str, Change]:
    """A module with one change."""
    while True:
        tree = ast.parse(source)
        node = rng.choice(list(places(tree)))
        before = ast.unparse(node) if isinstance(node, ast.expr) else ""
        if change(node, rng):
            after = ast.unparse(ast.fix_missing_locations(tree))
            if after != ast.unparse(ast.parse(source)):
                return after, Change(getattr(node, "lineno", 0), f"{before[:60]} -> {ast.unparse(node)[:60]}")


def caught_by(copy: Path, tests: tuple[str, ...], seconds: int) -> bool:
    """Whether a test of a part fails; a run that is ended by its limit has caught nothing."""
    paths = [f"{FOLDER}/{name}" for name in (*tests, *ALWAYS)]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider", *paths]
    environment = {**os.environ, "PYTHONPATH": str(copy), "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))

    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, preexec_fn=limited)
    return done.returncode > 0


def digest(copy: Path) -> str:
    """What all numbers of many steps come to; of a program that does not end, nothing."""
    command = [sys.executable, str(copy / "tests/campaigns/numbers_of_steps.py"), "--count", "40"]
    environment = {**os.environ, "PYTHONPATH": str(copy), "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    try:
        return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=900).stdout
    except subprocess.TimeoutExpired:
        return ""


def main() -> int:
    """Draw changes, count those that are caught, print those that are not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=60, help="of processor time for each change")
    options = parser.parse_args()
    rng, caught, none = random.Random(options.seed), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.egg-info"))
        own = digest(copy)
        for k in range(options.count):
            part = rng.choice(list(PARTS))
            source = (ROOT / part).read_text(encoding="utf-8")
            text, drawn = mutant(source, rng)
            (copy / part).write_text(text, encoding="utf-8")
            seen = caught_by(copy, PARTS[part], options.seconds)
            changes = seen or digest(copy) != own
            (copy / part).write_text(source, encoding="utf-8")
            caught, none = caught + seen, none + (not changes)
            said = "caught" if seen else "SURVIVES" if changes else "changes nothing"
            print(f"{k + 1:3} {said}: {part}:{drawn.line}: {drawn.what}", flush=True)
    print(f"{caught} of {options.count - none} caught; {none} more change no number")
    return int(caught < 0.95 * (options.count - none))


if __name__ == "__main__":
    sys.exit(main())
