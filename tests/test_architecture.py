"""The floor plan: arrows between modules point one way, nothing is evaluated, no module outgrows a reader's head."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("derivations", "tracer")
MOST_LINES = 450
CALLS = {"eval", "exec", "compile", "__import__", "sympify", "parse_expr", "parse_latex", "lambdify"}
MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "code", "codeop"}

Sources = dict[str, str]


def sources(packages: tuple[str, ...] = PACKAGES) -> Sources:
    """Every module by its dotted name, with its text."""
    out = {}
    for package in packages:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            out[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return out


SOURCES = sources()
TESTS = sources(("tests",))


def imports(name: str, text: str, known: Sources, *, deferred: bool = True) -> Iterator[str]:
    """The modules that a module imports: our own by full name, others by their first part.

    `deferred` counts imports inside functions too; those for type checkers alone never count.
    """
    for node in _imports(ast.parse(text), deferred):
        if isinstance(node, ast.Import):
            yield from (_module(alias.name, known) for alias in node.names)
        else:
            assert not node.level, f"{name}: a relative import"
            for alias in node.names:
                yield _module(f"{node.module}.{alias.name}", known)


def _imports(tree: ast.AST, deferred: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            continue
        elif deferred or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _imports(node, deferred)


def _module(name: str, known: Sources) -> str:
    while name not in known and "." in name:
        name = name.rpartition(".")[0]
    return name


def backward_arrows(known: Sources) -> list[str]:
    """Where derivations imports tracer."""
    return [
        f"{name} imports {other}"
        for name, text in known.items()
        if name.split(".")[0] == "derivations"
        for other in imports(name, text, known)
        if other.split(".")[0] == "tracer"
    ]


def cycles(known: Sources, *, deferred: bool = True) -> list[str]:
    """The modules that no order can hold: each imports another one of them.

    A package's own door (`tracer/__init__.py`) has no place in the order: it opens rooms only when asked for a name.
    """
    left = {
        name: {other for other in imports(name, text, known, deferred=deferred) if other in known and other != name}
        for name, text in known.items()
        if name not in PACKAGES
    }
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)


def evaluations(known: Sources) -> list[str]:
    """Calls that turn text into code, and modules that do."""
    out = []
    for name, text in known.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                owner = node.func.value if isinstance(node.func, ast.Attribute) else None
                if called in CALLS and not (isinstance(owner, ast.Name) and owner.id == "re"):
                    out.append(f"{name}:{node.lineno}: {called}")
                if any(k.arg == "allow_pickle" and ast.unparse(k.value) != "False" for k in node.keywords):
                    out.append(f"{name}:{node.lineno}: allow_pickle")
        out += [f"{name}: {other}" for other in imports(name, text, known) if other.split(".")[0] in MODULES]
    return out


def sympy_outside(known: Sources) -> list[str]:
    """Modules outside derivations that import sympy, and modules inside that do so before they are asked."""
    return [
        name
        for name, text in known.items()
        if "sympy" in {m.split(".")[0] for m in imports(name, text, known)} and name.split(".")[0] != "derivations"
    ]


CLOCKS = {"time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "timeit", "repeat"}
TIMED = {"benchmarks", "campaigns", "rendering"}  # are run by hand, or wait for a browser


def clocks_on_the_wall(known: Sources) -> list[str]:
    """Tests that read a clock, which runs on while other work has the processor: process_time stands still then.

    A limit that a child process is given is such a clock too; 60 seconds and more only end what hangs.
    """
    out = []
    for name, text in known.items():
        if name.split(".")[0] != "tests" or TIMED & set(name.split(".")):
            continue
        for node in ast.walk(ast.parse(text)):
            read = (
                node.attr if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("time", "timeit") else ""
            )
            taken = [a.name for a in node.names] if isinstance(node, ast.ImportFrom) and node.module == "time" else []
            short = isinstance(node, ast.keyword) and node.arg == "timeout" and float(ast.unparse(node.value)) < 60
            if {read, *taken} & CLOCKS or short:
                out.append(f"{name}:{getattr(node, 'lineno', 0)}: {ast.unparse(node)}")
    return out


DOORS = {"tracer.files", "tracer.saving"}  # for files of people; the two others read what comes with the package
OWN_FILES = {"tracer.answers.reporting.texts", "tracer.samples", "tracer.show.page.document"}
OPENING = {"open", "read_bytes", "read_text", "write_bytes", "write_text"}


def past_the_doors(known: Sources) -> list[str]:
    """Calls that open a file elsewhere, where nobody has looked whether it is a plain one of bounded size."""
    out = []
    for name, text in known.items():
        for node in ast.walk(ast.parse(text)) if name not in DOORS | OWN_FILES else ():
            if not isinstance(node, ast.Call) or (node.args and ast.unparse(node.args[0]) == "os.devnull"):
                continue
            owner, _, called = ast.unparse(node.func).rpartition(".")
            if called in OPENING and (owner or called == "open") and not owner.endswith("archive"):
                out.append(f"{name}:{node.lineno}: {ast.unparse(node)}")
    return out


def too_long(known: Sources) -> list[str]:
    """Modules with more lines than a reader holds in the head."""
    return [f"{name}: {n} lines" for name, text in known.items() if (n := len(text.splitlines())) > MOST_LINES]


SYMBOLIC = ("boxes", "bounded", "in_balls", "in_series", "pieces", "reading_plan")
ROUTES = (
    {"derivations.forms", *(f"tracer.verification.{room}" for room in SYMBOLIC)},
    {f"tracer.verification.{room}" for room in ("differences", "moved", "moves", "pairs")},
)
"""The routes that judge a step: its forward equations differentiated by sympy, and their differences."""
ACCUSED = tuple(
    f"derivations.{room}"
    for room in (
        *("axes", "backward", "layers", "lowering", "making", "optimizers", "order", "rewrites", "uses", "views"),
        "windows",
    )
)
"""What makes backward equations, and what works them."""


def routes_that_meet(known: Sources) -> list[str]:
    """Where a route that judges imports what it judges, or the other route; contraction.py is everybody's."""
    return [
        f"{name} imports {found}"
        for own in ROUTES
        for name in sorted(own)
        for found in imports(name, known.get(name, ""), known)
        if found in ACCUSED or found in set().union(*ROUTES) - own
    ]


NAMES = {"sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu", "identity", "softmax"}
NAMES |= {"mish", "selu", "bipolar_sigmoid", "hard_sigmoid", "square", "step", "sign", "swish"} - {"step"}
NAMES |= {"cross_entropy", "binary_cross_entropy", "squared_error", "half_squared_error", "mean_squared_error"}
STEP_ROOMS = tuple(
    f"derivations.{room}"
    for room in (
        *("axes", "backward", "building", "entries", "entry_joining", "entry_parts", "equations", "expression"),
        *("formulas", "general", "language", "layers", "lowering", "making", "optimizers", "order", "parts"),
        *("program", "rewrites", "shapes", "uses", "views", "windows"),
    )
)


def asks_by_name(known: Sources) -> list[str]:
    """Where a room of the step knows a function or a loss by its name; softmax is a word of the language."""
    return [
        f"{name}:{node.lineno}: {node.value}"
        for name in STEP_ROOMS
        for node in ast.walk(ast.parse(known.get(name, "")))
        if isinstance(node, ast.Constant) and node.value in NAMES - {"softmax"}
    ]


CHECKS = (
    *(backward_arrows, clocks_on_the_wall, cycles, evaluations, past_the_doors, sympy_outside, too_long),
    *(asks_by_name, routes_that_meet),
)

TWINS = [
    (backward_arrows, {"derivations.a": "from tracer.b import c", "tracer.b": ""}),
    (backward_arrows, {"derivations.a": "def f():\n    import tracer.b", "tracer.b": ""}),
    (clocks_on_the_wall, {"tests.test_a": "import time\nassert time.perf_counter() < 1"}),
    (clocks_on_the_wall, {"tests.test_a": "import time\nclock = time.monotonic"}),
    (clocks_on_the_wall, {"tests.test_a": "from time import time"}),
    (clocks_on_the_wall, {"tests.test_a": "import timeit\ntimeit.timeit('1')"}),
    (clocks_on_the_wall, {"tests.test_a": "subprocess.run(['a'], timeout=5)"}),
    (cycles, {"tracer.a": "from tracer.b import c", "tracer.b": "from tracer import a"}),
    (cycles, {"tracer.a": "import tracer.b", "tracer.b": "import tracer.c", "tracer.c": "import tracer.a"}),
    (cycles, {"tracer.a": "def f():\n    from tracer.b import c", "tracer.b": "import tracer.a"}),
    (evaluations, {"tracer.a": "x = eval('1')"}),
    (evaluations, {"tracer.a": "def f(t):\n    exec(t)"}),
    (evaluations, {"tracer.a": "import builtins\nbuiltins.eval('1')"}),
    (evaluations, {"derivations.a": "sympy.sympify('x')"}),
    (evaluations, {"derivations.a": "from sympy.parsing import parse_expr\nparse_expr('x')"}),
    (evaluations, {"tracer.a": "__import__('os')"}),
    (evaluations, {"tracer.a": "compile('1', '', 'eval')"}),
    (evaluations, {"tracer.a": "import pickle"}),
    (evaluations, {"tracer.a": "np.load(f, allow_pickle=True)"}),
    (past_the_doors, {"tracer.a": "open(path)"}),
    (past_the_doors, {"tracer.a": "os.open(path, 0)"}),
    (past_the_doors, {"tracer.a": "def f(p):\n    return Path(p).read_bytes()"}),
    (sympy_outside, {"tracer.a": "import sympy"}),
    (sympy_outside, {"tracer.a": "def f():\n    from sympy.core import Expr"}),
    (too_long, {"tracer.a": "x = 1\n" * (MOST_LINES + 1)}),
    (routes_that_meet, {"tracer.verification.boxes": "from derivations.views import View", "derivations.views": ""}),
    (routes_that_meet, {"derivations.forms": "def f():\n    from derivations import uses", "derivations.uses": ""}),
    (
        routes_that_meet,
        {"tracer.verification.pairs": "import tracer.verification.boxes", "tracer.verification.boxes": ""},
    ),
    (
        routes_that_meet,
        {
            "tracer.verification.pieces": "from tracer.verification import moves",
            "tracer.verification": "",
            "tracer.verification.moves": "",
        },
    ),
    (asks_by_name, {"derivations.lowering": "def f(e):\n    return e.name == 'sigmoid'"}),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda f: f.__name__)
def test_the_plan_is_kept(check: object) -> None:
    """No module breaks the plan; what does is named."""
    assert callable(check)
    assert check(TESTS if check is clocks_on_the_wall else SOURCES) == []


@pytest.mark.parametrize(("check", "bad"), TWINS)
def test_a_breach_is_seen(check: object, bad: Sources) -> None:
    """The planted twins: each check finds the breach put before it."""
    assert callable(check)
    assert check(bad)


def test_a_clean_source_passes() -> None:
    """What is allowed is not refused: re.compile, a string that says eval, an import for type checkers."""
    clean = {
        "tracer.a": "import re\nre.compile('x')\nWORD = 'eval(1)'\nnp.load(f, allow_pickle=False)",
        "tracer.b": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tracer.c import D",
        "tracer.c": "import tracer.b\nfrom derivations.e import sympy_free",
        "derivations.e": "def f():\n    import sympy",
        "tracer.files": "open(path)",
        "tracer.d": "archive.open(part)\nopen(os.devnull)",
        "tests.a": "import time\nassert time.process_time() < 1\nsubprocess.run(['a'], timeout=60)",
        "tests.benchmarks.a": "import time\nstart = time.perf_counter()",
    }
    assert not any(check(clean) for check in CHECKS)


def test_the_walk_sees_every_module() -> None:
    """Both packages are walked, down to their folders, and no folder bears the name of a public function."""
    assert {"tests.test_tracer.test_sheets", "tests.test_architecture"} <= TESTS.keys()
    assert {"tracer.cli", "derivations.layers", "tracer.answers.reading.sheets"} <= SOURCES.keys()
    assert set(ACCUSED).union(*ROUTES) <= SOURCES.keys()
    assert not {"tracer.verify", "tracer.check", "tracer.train", "tracer.trace", "tracer.load"} & SOURCES.keys()
