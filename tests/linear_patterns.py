"""Whether a regular expression may take more than linear time, tried on repetitions made of its own pieces."""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import pkgutil
import re
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product, zip_longest
from types import ModuleType
from typing import Any

SIZES = (1000, 2000, 4000)
LARGER = 8000
QUICK = 0.002
"""Processor seconds below which 4 kB are no square: its 8 million steps take longer on any machine."""
STEEPEST, SURELY = 6.0, 24.0
"""How many times longer than 1 kB 4 kB and 8 kB may take: of a line 4 and 8, of a square 16 and 64."""
ATTEMPTS = 5  # a machine that is busy with other work slows one down, not all
PATIENCE = 0.5
"""Processor seconds after which a pattern is called endless."""
USUAL = "a1 _"
MOST_PUMPS, MOST_PREFIXES = 10, 14
MOST_SAMPLES, MANY = 8, 8
"""Texts of one piece that is repeated, and how many times it may be for that to matter."""
SPOILERS = ("", "\0", "\n\0")
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
Pattern = re.Pattern[str]


# --- every pattern of a package ---


def patterns_of(*packages: str) -> dict[str, Pattern]:
    """All patterns of packages by place: compiled ones in modules and classes, texts in calls of `re`."""
    out: dict[str, Pattern] = {}
    for module in _modules(packages):
        for place, value in vars(module).items():
            if not place.startswith("__"):
                out |= {f"{module.__name__}.{where}": found for where, found in _inside(place, value, module.__name__)}
        out |= {f"{module.__name__}:{line}": found for line, found in _written(module)}
    return out


def _modules(packages: Iterable[str]) -> Iterator[ModuleType]:
    for package in packages:
        root = importlib.import_module(package)
        yield root
        for found in pkgutil.walk_packages(root.__path__, f"{package}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def _inside(place: str, value: object, module: str, depth: int = 0) -> Iterator[tuple[str, Pattern]]:
    """Patterns in a value: itself, in what holds it, in a class of this module, in a parser's terminals."""
    if isinstance(value, re.Pattern):
        yield place, value
    elif depth > 3:
        return
    elif isinstance(value, Mapping):
        for k, (key, inner) in enumerate(value.items()):
            yield from _inside(f"{place}[{k}]", (key, inner), module, depth + 1)
    elif isinstance(value, tuple | list | set | frozenset):
        for k, inner in enumerate(value):
            yield from _inside(f"{place}[{k}]", inner, module, depth + 1)
    elif isinstance(value, type) and value.__module__ == module:
        for name, inner in vars(value).items():
            yield from _inside(f"{place}.{name}", inner, module, depth + 1)
    elif hasattr(value, "terminals"):  # a parser of lark
        for terminal in value.terminals:
            yield f"{place}.{terminal.name}", re.compile(terminal.pattern.to_regexp())


def _written(module: ModuleType) -> Iterator[tuple[int, Pattern]]:
    for call in ast.walk(ast.parse(inspect.getsource(module))):
        own = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args
        if own and isinstance(call.func.value, ast.Name) and call.func.value.id == "re" and call.func.attr != "escape":
            text = _text(call.args[0], vars(module))
            if text is not None:
                flags = next((k.value for k in call.keywords if k.arg == "flags"), None)
                given = [flags, *call.args[1:]]
                yield call.lineno, re.compile(text, sum({_flag(f) for f in given if f is not None}))


def _flag(node: ast.expr) -> int:
    """A flag of `re` written as `re.I` or `re.I | re.M`; what is none counts nothing."""
    if isinstance(node, ast.BinOp):
        return _flag(node.left) | _flag(node.right)
    own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "re"
    return int(getattr(re, node.attr)) if own and isinstance(node, ast.Attribute) else 0


def _text(node: ast.expr, known: Mapping[str, Any]) -> str | None:
    """A pattern's text where it is written out, names of the module put in; a word for what is put in at run time."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, known) or "x" for part in node.values)
    if isinstance(node, ast.FormattedValue):
        value = known.get(node.value.id) if isinstance(node.value, ast.Name) else None
        return value if isinstance(value, str) else None
    return None


# --- what may slow it down ---


def attacks(pattern: Pattern) -> Iterator[Callable[[int], str]]:
    """Texts of any size: a beginning that the pattern likes, a piece of it many times, an end that spoils it."""
    tree = _parsed(pattern)
    letters = _letters(tree)
    pumps = list(dict.fromkeys([*letters, *USUAL]))[:MOST_PUMPS]
    prefixes = list(dict.fromkeys(["", *_prefixes(tree, "")]))[:MOST_PREFIXES]
    wholes = [prefix for prefix in prefixes if len(prefix) > 1]
    pairs = [a + b for a, b in product(pumps[:6], repeat=2) if a != b]
    for spoiler in SPOILERS:
        for prefix, pump in [*product(prefixes, pumps), *(("", whole) for whole in wholes + pairs)]:
            yield lambda size, p=prefix, u=pump, s=spoiler: f"{p}{u * (size // len(u))}{s}"  # type: ignore[misc]
        for whole, pump in product(wholes[:8], pumps[:6]):
            yield lambda size, u=whole + pump * 3, s=spoiler: u * (size // len(u)) + s  # type: ignore[misc]
    for spoiler, (prefix, piece) in product(("!", "\n\0"), dict.fromkeys(_repeated(tree, ""))):
        yield lambda size, p=prefix, u=piece, s=spoiler: f"{p}{u * (size // len(u))}{s}"  # type: ignore[misc]


def _parsed(pattern: Pattern) -> Any:
    return re._parser.parse(pattern.pattern, pattern.flags)  # type: ignore[attr-defined]


def _letters(tree: Any) -> list[str]:
    """A letter of each class and each literal that may be repeated without end, then all others."""
    repeated: list[str] = []
    others: list[str] = []

    def walk(items: Any, within: bool) -> None:
        for op, value in items:
            kind = str(op)
            if kind in _REPEATS:
                walk(value[2], within or value[1] > 100)
            elif kind in ("LITERAL", "NOT_LITERAL", "IN", "ANY", "CATEGORY"):
                (repeated if within else others).extend(_of_one(kind, value))
            else:
                for inner in _below(kind, value):
                    walk(inner, within)

    walk(tree, False)
    return list(dict.fromkeys(repeated + others))


def _below(kind: str, value: Any) -> list[Any]:
    if kind == "SUBPATTERN":
        return [value[3]]
    if kind == "BRANCH":
        return list(value[1])
    if kind == "ATOMIC_GROUP":
        return [value]
    if kind in ("ASSERT", "ASSERT_NOT"):
        return [value[1]]
    return []


def _of_one(kind: str, value: Any) -> list[str]:
    """Letters that one place takes."""
    if kind == "LITERAL":
        return [chr(value)]
    if kind == "NOT_LITERAL":
        return [c for c in "a1 " if ord(c) != value]
    if kind == "ANY":
        return ["a", " "]
    if kind == "CATEGORY":
        return {"CATEGORY_SPACE": [" ", "\n"], "CATEGORY_DIGIT": ["1"], "CATEGORY_WORD": ["a", "1"]}.get(
            str(value), ["-"]
        )
    if kind != "IN":
        return []  # an anchor, a reference
    negated = str(value[0][0]) == "NEGATE"
    own = [c for op, inner in value for c in _of_class(str(op), inner)]
    return [c for c in "a1 -=" if c not in own][:3] if negated else own[:3]


def _of_class(kind: str, value: Any) -> list[str]:
    if kind == "RANGE":
        return [chr(value[0])]
    return _of_one(kind, value) if kind in ("LITERAL", "CATEGORY") else []


def _repeated(items: Any, before: str) -> Iterator[tuple[str, str]]:
    """(a text that matches up to there, a text of what may stand there many times), for each such place."""
    for op, value in items:
        kind = str(op)
        if kind in _REPEATS:
            if value[1] > MANY:
                yield from ((before, piece) for piece in _samples(value[2])[:MOST_SAMPLES] if piece)
            yield from _repeated(value[2], before)
        elif kind in ("ASSERT", "ASSERT_NOT"):
            yield from _repeated(value[1], before) if value[0] > 0 else ()  # what is looked for ahead
        else:
            for inner in _below(kind, value):
                yield from _repeated(inner, before)
        before += _shortest([(op, value)])


def _samples(items: Any) -> list[str]:
    """Texts that match: the shortest, one with all that may be left out, and those that differ from it in one place."""
    places = [_options(str(op), value) for op, value in items]
    plain = [options[0] for options in places]
    out = [_shortest(items), "".join(plain)]
    for k, options in enumerate(places):
        out += ["".join([*plain[:k], other, *plain[k + 1 :]]) for other in options[1:]]
    return list(dict.fromkeys(out))


def _options(kind: str, value: Any) -> list[str]:
    """Texts for one place, at least one: what may be left out is there first."""
    if kind in _REPEATS:
        least, most = max(value[0], 1), min(value[1], value[0] + 1)
        inner = _samples(value[2])
        return [text * least for text in inner] + [inner[0] * times for times in {value[0], most} - {least}]
    if kind in ("SUBPATTERN", "BRANCH", "ATOMIC_GROUP"):
        columns = zip_longest(*(_samples(branch) for branch in _below(kind, value)))
        return [text for column in columns for text in column if text is not None]  # one of each branch first
    return _of_one(kind, value) or [""]


def _prefixes(items: Any, before: str) -> Iterator[str]:
    """Short texts that match up to each place."""
    for op, value in items:
        yield before
        kind = str(op)
        if kind in _REPEATS:
            yield from _prefixes(value[2], before)
            before += _shortest(value[2]) * max(value[0], 1)
            yield before
        elif kind in ("SUBPATTERN", "BRANCH", "ATOMIC_GROUP"):
            for inner in _below(kind, value):
                yield from _prefixes(inner, before)
            before += _shortest([(op, value)])
        elif kind not in ("ASSERT", "ASSERT_NOT"):
            before += _shortest([(op, value)])
    yield before


def _shortest(items: Any) -> str:
    out = ""
    for op, value in items:
        kind = str(op)
        if kind in _REPEATS:
            out += _shortest(value[2]) * value[0]
        elif kind in ("SUBPATTERN", "BRANCH", "ATOMIC_GROUP"):
            out += _shortest(_below(kind, value)[0])
        elif kind not in ("ASSERT", "ASSERT_NOT"):
            out += (_of_one(kind, value) or [""])[0]
    return out


# --- how long it takes ---


class Endless(Exception):
    """A pattern that did not come to an end in time."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raises Endless after so much processor time; `re` looks for signals while it matches."""

    def stop(*_: object) -> None:
        raise Endless

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def ways(pattern: Pattern) -> tuple[Callable[[str], object], ...]:
    """How a pattern may be used: from the start, as a whole, and from every place on."""
    return pattern.match, pattern.fullmatch, lambda text: sum(1 for _ in pattern.finditer(text))


def slowest(pattern: Pattern) -> str:
    """The beginning of a text on which a pattern takes more than linear time, "" for none."""
    for attack in attacks(pattern):
        try:
            with at_most(PATIENCE):
                slow = [way for way in ways(pattern) if taken(way, attack(SIZES[-1]), 1) > QUICK]
            if any(grows(way, attack) for way in slow):
                return repr(attack(60)[:60])
        except Endless:
            return f"{attack(60)[:60]!r} (endless)"
    return ""


def grows(way: Callable[[str], object], attack: Callable[[int], str]) -> bool:
    """Whether longer texts take far more time than in proportion; what seems so is measured again, larger."""
    with at_most(10 * PATIENCE):
        small, middle, large = (
            taken(way, attack(size), repeats) for size, repeats in zip(SIZES, (2, 1, 1), strict=True)
        )
        if large < max(STEEPEST * small, QUICK) or middle < STEEPEST**0.5 * small:
            return False
        return all(taken(way, attack(LARGER), 2) > SURELY * taken(way, attack(SIZES[0])) for _ in range(ATTEMPTS))


def taken(way: Callable[[str], object], text: str, repeats: int = 3) -> float:
    """Processor seconds of this thread (the process's own clock stands still at times while a timer runs)."""
    best = float("inf")
    for _ in range(repeats):
        start = time.thread_time()
        way(text)
        best = min(best, time.thread_time() - start)
    return best
