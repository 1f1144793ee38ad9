"""What names of a document's own stand for, found from what the document says of them.

A family of names (h_1, h_2) is read as whatever makes its rows true: relations in letters hold in drawn networks, where
nothing is equal by chance, and numbers count by their digits.  Nothing is taken on one short number, nor against more
rows than speak for it; what was found is stated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from derivations.expression import Expression, Letters, Negative, Partial, Product, Sum
from derivations.names import Quantity
from derivations.reading.families import Family, Reading, families, key_of, readings
from derivations.reading.indices import index_letters
from derivations.reading.meanings import Unknown
from derivations.reading.nodes import Applied, Derivative, Updated, letters_in, rebuilt
from derivations.reading.statements import Statement
from tracer.answers.solutions.checking import Checking
from tracer.answers.solutions.effort import A_WAY, MOST_WORK, Effort
from tracer.answers.solutions.sides import variable

__all__ = ["Afforded", "Glossary", "glossary"]

MOST_FAMILIES, MOST_ROWS, ENOUGH, ROUNDS = 24, 8, 3, 3
MOST_UNITS, MOST_TRIED = 60, 1000  # units of the network, rows read for one reading or another
MOST_JUDGED = 1000  # sides of these rows, in all notations together
_IN_LETTERS, _LONG, _SHORT, _FALSE, _FALSE_NUMBER = 3, 2, 1, -3, -1  # what a row counts
_COMMAND = re.compile(r"\\[A-Za-z]+|(?<![A-Za-z])e(?=\^)")
_FUNCTIONS = (
    "f",
    "g",
    "h",
    "F",
    "G",
    "H",
    "\\sigma",
    "σ",
    "\\phi",
    "\\varphi",
    "φ",
    "f#",
    "g#",
    "\\sigma#",
    "\\phi#",
    "e",
)
_PARAMETERS = ("w", "W", "b", "w#", "W#", "b#", "\\theta", "θ")
_CHANGE = ("\\Delta", "Δ")


@dataclass
class Glossary:
    """Families with their readings, in the letters of a checking's notation."""

    checking: Checking
    target: str = ""  # its letter where the notation has another: y beside a prediction under a hat
    known: dict[str, tuple[Family, Reading]] = field(default_factory=dict)
    _by_name: dict[str, tuple[Family, Reading]] = field(default_factory=dict)

    def take(self, family: Family, reading: Reading) -> Glossary:
        """The glossary with one more family."""
        by_name = {**self._by_name, **dict.fromkeys(family.members, (family, reading))}
        return Glossary(self.checking, self.target, {**self.known, family.pattern: (family, reading)}, by_name)

    def read(self, statement: Statement) -> Statement:
        """The statement with its own names put into the notation's."""
        return statement.changed(self._changed)

    def _changed(self, e: Expression) -> Expression | None:
        if isinstance(e, Letters):
            return self.meant(e)
        if isinstance(e, Applied) and e.function in self._by_name:  # o_1 (1 - o_1) is a product
            meant = self._meant(Letters(e.function, e.function))
            return Product((meant, rebuilt(e.argument, self._changed))) if meant is not None else None
        return None

    def meant(self, e: Letters) -> Expression | None:
        """What a name stands for in the notation's own, None for the name itself."""
        return self._meant(e) or self._as_target(e)

    def _meant(self, e: Letters) -> Expression | None:
        changes = e.latex.startswith(_CHANGE)
        bare = Letters(e.latex.removeprefix("\\Delta").removeprefix("Δ").strip(), e.text) if changes else e
        found = self._by_name.get(e.latex) or self._by_name.get(bare.latex)
        if found is None:
            return _change(bare, 1) if changes else self._generic(e)
        family, reading = found
        q = family.placed(e.latex if e.latex in family.members else bare.latex, reading)
        if q is None:
            return None
        meant: Expression = Letters(self._latex(q, reading.whole), e.text)
        if changes:
            return _change(meant, reading.sign)
        return Negative(meant) if reading.sign < 0 else meant

    def _as_target(self, e: Letters) -> Expression | None:
        found = re.fullmatch(rf"{self.target}((?:_.*)?)", e.latex) if self.target else None
        return Letters(f"{self.checking.book.notation.letters['t']}{found[1]}", e.text) if found else None

    def _generic(self, e: Letters) -> Expression | None:
        """h_j of a family h_1, h_2 of one layer; of families that count otherwise it is no name of the notation."""
        own = index_letters(e.latex)
        pattern = re.sub("|".join(map(re.escape, own)), "#", key_of(e.latex)) if own else ""
        if pattern not in self.known:
            return None
        reading = self.known[pattern][1]
        varying = _varying(reading) if len(own) == 1 and reading.sign > 0 and not reading.whole else None
        if varying is None or self.checking.book.notation.name in ("mazur", "uy"):
            return Letters(f"?{e.latex}", e.text)
        q, k = varying
        written = self._latex(q._replace(indices=(*q.indices[:k], 9, *q.indices[k + 1 :])), False)
        return Letters(written.replace("9", own[0]), e.text)

    def _latex(self, q: Quantity, whole: bool) -> str:
        book = self.checking.book
        written = book.notation.latex(book.network, q)
        return re.sub(r"_\{[^{}]*\}", "", written) if whole else written

    @property
    def about(self) -> str:
        """What is stated of it."""
        found = [f"{self.target} is the target"] if self.target else []
        found += [f"{pattern} is {reading.about}" for pattern, (_, reading) in self.known.items()]
        return ", ".join(found[:8]) + (" ..." if len(found) > 8 else "")


def _varying(reading: Reading) -> tuple[Quantity, int] | None:
    """A quantity of a reading and which of its indices is the number that the family counts."""
    counted = [(numbers[0], q) for numbers, q in reading.quantities.items() if len(numbers) == 1]
    if not counted or len({(q.kind, q.layer, len(q.indices)) for _, q in counted}) > 1:
        return None
    first = counted[0][1]
    for k in range(len(first.indices)):
        others = {(*q.indices[:k], *q.indices[k + 1 :]) for _, q in counted}
        if len(others) == 1 and all(q.indices[k] == n for n, q in counted):
            return first, k
    return None


def _change(parameter: Expression, sign: int) -> Expression:
    """The change of a weight: what it is after the update, less what it was."""
    return Sum(((sign, Updated(parameter)), (-sign, parameter)))


@dataclass
class Afforded:
    """How many ways of reading may be checked, and sides judged for names of the document's own; and was it enough.

    effort: of all ways after the first, which leaves room to work the one that is taken twice again.
    """

    ways: int
    left: int = MOST_JUDGED
    cut: bool = False
    effort: Effort | None = None

    @property
    def enough(self) -> bool:
        """Whether another way may be checked."""
        return self.ways > 0 and (self.effort is None or self.effort.left > 0)

    def another(self) -> bool:
        """Take one more way, where there may be one."""
        enough = self.enough
        self.ways -= enough
        return enough

    def next_effort(self) -> Effort:
        """What the next way may cost."""
        return self.effort or Effort(MOST_WORK // A_WAY)

    def count(self, way: Effort) -> None:
        """A way was checked: the first leaves to others what it does not need to be worked again."""
        self.effort = self.effort or Effort(min(MOST_WORK - A_WAY * way.used, MOST_WORK // 2))


def glossary(checking: Checking, found: Sequence[Statement], afforded: Afforded) -> Glossary:
    """What the names mean that the notation of a checking does not know."""
    unknown = _unknown(checking, found)
    out = Glossary(checking, _target(checking, found))
    if sum(checking.book.network.sizes) > MOST_UNITS:
        return out
    candidates = list(readings(checking.book.network))
    scores = _Scores(checking, found, afforded)
    for _ in range(ROUNDS):
        before = len(out.known)
        for pattern, family in list(unknown.items())[:MOST_FAMILIES]:
            if pattern in out.known:
                continue
            if scores.asked > MOST_TRIED or afforded.left <= 0:
                afforded.cut = True
                break
            reading = _best(out, family, candidates, scores)
            out = out.take(family, reading) if reading else out
        if len(out.known) == before:
            break
    return out


def _target(checking: Checking, found: Sequence[Statement]) -> str:
    """y, where outputs have a hat, no y of its own is in the notation, and nothing else is called the target."""
    names = {l.latex for s in found for l in _names(s)}
    hats = any(re.match(r"\\(?:wide)?hat\s*+\{?\s*+y", name) for name in names)
    plain = any(re.fullmatch(r"y(?:_.*)?", name) for name in names)
    return "y" if hats and plain and checking.book.notation.letters["t"] != "y" else ""


def _unknown(checking: Checking, found: Sequence[Statement]) -> dict[str, Family]:
    """The families of which the notation does not know every member, without names whose index is a letter."""
    bare = {l.latex for s in found for side in s.sides if side.tree is not None for l in letters_in(side.tree)}
    own = families(l.latex for s in found for l in _names(s) if l.latex in bare or re.search(r"\d", l.latex))
    out = {}
    for pattern, family in own.items():
        if any(index_letters(written) for written in family.members) or pattern in _FUNCTIONS:
            continue
        if any(checking.book.meaning(written) is None for written in family.members):
            out[pattern] = family
    return out


def _names(statement: Statement) -> Iterator[Letters]:
    for side in statement.sides:
        if side.tree is not None:
            yield from _names_of(side.tree)


def _names_of(tree: Expression) -> Iterator[Letters]:
    yield from letters_in(tree)
    yield from (Letters(e.function, e.function) for e in _applied(tree))


def _applied(e: object) -> Iterator[Applied]:
    if isinstance(e, Applied):
        yield e
    parts = e._parts() if isinstance(e, Expression) else e if type(e) is tuple else ()
    for part in parts:
        yield from _applied(part)


class _Scores:
    """What each statement says for a reading, judged once for all readings that make the same of it."""

    def __init__(self, checking: Checking, found: Sequence[Statement], afforded: Afforded) -> None:
        self.names = {k: tuple(dict.fromkeys(_names(s))) for k, s in enumerate(found) if s.relations}
        self.found, self.asked, self.afforded = found, 0, afforded
        self.sides = {k: _sides(checking, found[k]) for k in self.names}
        self._known: dict[tuple[int, tuple[tuple[Letters, Expression | None], ...]], int] = {}

    def rows(self, family: Family) -> list[int]:
        """The statements that tell most of a family."""
        own = [k for k, names in self.names.items() if any(l.latex in family.members for l in names)]
        size = {k: sum(len(side.text) for side in self.found[k].sides) for k in own}
        return sorted(own, key=lambda k: (len(list(_names(self.found[k]))) < 2, size[k]))[:MOST_ROWS]

    def of(self, tried: Glossary, k: int) -> int:
        """The score of one statement as a glossary reads it."""
        meant = {name: tried.meant(name) for name in self.names[k]}
        clear = [side for side in self.sides[k] if all(meant[name] is not None for name in side.needed)]
        if len(clear) < 2:
            return 0  # nothing to hold against anything
        telling = {name for side in clear for name in side.names}  # the sides that stay unread tell nothing
        key = k, tuple((name, e) for name, e in meant.items() if name in telling or index_letters(name.latex))
        if key not in self._known:
            self._known[key] = _score(tried, self.found[k])
            self.afforded.left -= len(self.found[k].sides)
        return self._known[key]


class _Side(NamedTuple):
    """The names of one side, and those without whose meaning it has none."""

    names: frozenset[Letters]
    needed: tuple[Letters, ...]


def _sides(checking: Checking, statement: Statement) -> list[_Side]:
    """The sides of a statement that were read."""
    trees = [side.tree for side in statement.sides]
    general = variable(trees)  # of a fact about a function the letter means nothing
    out = []
    for tree in trees:
        if tree is not None:
            outside = () if general else dict.fromkeys(_outside_derivatives(tree))
            needed = tuple(name for name in outside if _unknown_name(checking, name))
            out.append(_Side(frozenset(_names_of(tree)), needed))
    return out


def _outside_derivatives(e: object) -> Iterator[Letters]:
    """The names of a formula but for those of its derivatives, of which some mean more than they say."""
    if isinstance(e, Letters):
        yield e
    elif not isinstance(e, Partial | Derivative):
        for part in e._parts() if isinstance(e, Expression) else e if type(e) is tuple else ():
            yield from _outside_derivatives(part)


def _unknown_name(checking: Checking, name: Letters) -> bool:
    """Whether a name by itself has no meaning, and no index, sum sign or statement of all parameters gives it one."""
    if index_letters(name.latex) or "L" in name.latex or name.text in _PARAMETERS:
        return False
    try:
        checking.book.resolved(name, {})
    except Unknown:
        return True
    return False


def _best(out: Glossary, family: Family, candidates: Iterable[Reading], scores: _Scores) -> Reading | None:
    own = scores.rows(family)
    depth = len(out.checking.book.network)
    apart: dict[object, Reading] = {}
    for reading in (r for r in candidates if _possible(out, family, r)):
        same = (reading.sign, reading.whole, *(family.placed(written, reading) for written in family.members))
        if same not in apart or family.says(reading, depth):
            apart[same] = reading
    tried = list(apart.values())
    scores.asked += len(tried) * len(own)
    columns = [[scores.of(taken, k) for k in own] for taken in (out.take(family, reading) for reading in tried)]
    telling = [k for k in range(len(own)) if sum(column[k] > 0 for column in columns) <= max(len(tried) // 2, 1)]
    best: tuple[int, Reading] | None = None
    for reading, column in zip(tried, columns, strict=True):
        score = sum(column[k] for k in telling) + (ENOUGH if family.says(reading, depth) else 0)
        if score >= ENOUGH and (best is None or score > best[0]):
            best = score, reading
    return best[1] if best else None


def _possible(out: Glossary, family: Family, reading: Reading) -> bool:
    if not family.fits(reading) or (reading.whole and out.checking.book.notation.name == "mazur"):
        return False
    if family.pattern in _PARAMETERS and next(iter(reading.quantities.values())).kind not in ("W", "b"):
        return False
    return not family.said or family.says(reading, len(out.checking.book.network))


def _score(tried: Glossary, statement: Statement) -> int:
    """What a statement says for a reading: more the more it would be a chance."""
    checking = tried.checking.again()
    checking.check(tried.read(statement), [side.text for side in statement.sides])
    total = 0
    for c in checking.out:
        if c.verdict.verdict in ("false", "follows"):
            total += _FALSE if _weight("", c.right) == _IN_LETTERS else _FALSE_NUMBER
        elif c.verdict.right:
            total += _weight(c.left, c.right)
    return total


def _weight(left: str, right: str) -> int:
    """How much a true row says."""
    if re.search(r"[A-Za-zα-ω]", _COMMAND.sub("", right)) and left != right:
        return _IN_LETTERS
    if len(re.findall(r"\d++(?:\.\d*+)?", right)) > 1 and re.search(r"[A-Za-zα-ω]", left):  # put into a formula
        return _IN_LETTERS
    digits = max((len(n.replace(".", "").lstrip("0")) for n in re.findall(r"\d++(?:\.\d*+)?", right)), default=0)
    return _LONG if digits > 2 else _SHORT
