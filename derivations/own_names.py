"""Names of a computation's numbers: as its equations have them, in the file's `[names]`, as LaTeX; read and written.

`h[2,1]`, `dW[1,2]`, `y[1]@3` (sample 3), `W_new[1,1]#2` (step 2); `h_21` and `h_2_1` are read as `h[2,1]`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from derivations.computation import Computation
from derivations.equations import Array, Range, Role
from derivations.general import own_letter
from derivations.given import shortened
from derivations.latex_names import check_latex_name
from derivations.names import UnknownName
from derivations.quantity import Quantity

__all__ = ["OwnNames"]

LONGEST = 60
_MARKS = re.compile(r"(?P<body>[^@#]+)(?:@(?P<sample>\d{1,7}))?(?:#(?P<step>\d{1,9}))?", re.ASCII)
_PLACE = re.compile(r"\{([a-z])\}")
_COMMANDS = {
    "eta": r"\eta",
    "mu": r"\mu",
    "beta1": r"\beta_{1}",
    "beta2": r"\beta_{2}",
    "epsilon": r"\epsilon",
    "rho": r"\rho",
    "lambda": r"\lambda",
    "clip": r"\mathrm{clip}",
    "step": r"\tau",
}


@dataclass(frozen=True)
class _Alias:
    """A name of theirs with places for indices, `delta[{t}]`, for entries of an array; its LaTeX, "" for its own."""

    theirs: str
    array: str
    at: tuple[str, ...]
    latex: str

    def indices(self, at: Sequence[str]) -> dict[str, str] | None:
        """The index at each place, None for an entry that this name is not for."""
        if len(at) != len(self.at):
            return None
        found: dict[str, str] = {}
        for own, given in zip(self.at, at, strict=True):
            if own.isalpha():
                found[own] = given
            elif own != given:
                return None
        return found

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What their name looks like, its indices as groups."""
        pieces = _PLACE.split("".join(self.theirs.split()))
        return re.compile("".join(r"(\d{1,6})" if k % 2 else re.escape(p) for k, p in enumerate(pieces)), re.ASCII)


class OwnNames:
    """The names of one computation, in both directions.

    Raises ValueError or UnknownName for an entry of `[names]` that names nothing of it.
    """

    def __init__(self, computation: Computation) -> None:
        self.computation = computation
        self.arrays: Mapping[str, Array] = computation.step.arrays
        self.aliases = [_alias(*entry, self.axes) for entry in computation.names]

    def axes(self, name: str) -> tuple[Range, ...]:
        """First and last index of each axis but that of the samples.  Raises KeyError for no array."""
        sampled = self.computation.sample_axes.get(name)
        return tuple(e for k, e in enumerate(self.arrays[name].extents) if k != sampled)

    # --- written ---

    def text(self, q: Quantity) -> str:
        """A number's name, as it is printed."""
        at = tuple(map(str, q.indices))
        sample = f"@{q.sample}" if q.sample else ""
        step = f"#{q.step}" if q.step > 1 and self.arrays[q.kind].role is not Role.CONSTANT else ""
        return (self.letter(q.kind, at) or _plain(q.kind, at)) + sample + step

    def letter(self, name: str, at: tuple[str, ...]) -> str | None:
        """An array with indices, in the names of the file; None where those have none."""
        for alias in self.aliases:
            found = self._named(alias, name, at)
            if found is not None:
                return _filled(alias.theirs, found)
        return None

    def _named(self, alias: _Alias, name: str, at: tuple[str, ...]) -> dict[str, str] | None:
        """The indices that a name of theirs takes; the letter of the samples, which names leave out, too."""
        if alias.array != name:
            return None
        if len(at) == len(alias.at) + 1 and at[-1] == self.computation.samples_letter:
            at = at[:-1]
        return alias.indices(at)

    def latex(self, q: Quantity) -> str:
        """A number's name in LaTeX."""
        written = self.latex_letter(q.kind, tuple(map(str, q.indices)))
        marks = ([f"n={q.sample}"] if q.sample else []) + ([rf"\tau={q.step}"] if q.step > 1 else [])
        if not marks or self.arrays[q.kind].role is Role.CONSTANT:
            return written
        return rf"\left.{written}\right|_{{{', '.join(marks)}}}"

    def latex_letter(self, name: str, at: tuple[str, ...]) -> str:
        """An array with indices in LaTeX: derivatives as fractions, slopes with a prime, new values marked."""
        for alias in self.aliases:
            found = self._named(alias, name, at)
            if found is not None:
                return _in_latex(alias, found)
        array = self.arrays[name]
        match array.role:
            case Role.CONSTANT:
                return _COMMANDS[name]
            case Role.SIGNAL | Role.GRADIENT:
                above = self.latex_letter(self.computation.objective, ())
                return rf"\frac{{\partial {above}}}{{\partial {self.latex_letter(array.of, at)}}}"
            case Role.UPDATED:
                return rf"{{{self.latex_letter(array.of, at)}}}^{{\,\mathrm{{new}}}}"
            case Role.LOCAL if name.startswith("slope"):
                return rf"{{{own_letter(array.of, ())}}}'{_below(at)}"
            case Role.BEFORE:
                return rf"{{{self.latex_letter(array.of, at)}}}^{{\,\mathrm{{before}}}}"
            case Role.LENGTH:
                return r"\mathrm{norm}"
            case Role.STATE:
                state = rf"\hat{{{name[0]}}}" if name.endswith("_hat") else name[0]
                return f"{state}^{{({self.latex_letter(array.of, ())})}}{_below(at)}"
        return own_letter(name, at)

    # --- read ---

    def read(self, written: str) -> Quantity:
        """The number, or (without indices) the whole array, that a name stands for.  Raises UnknownName."""
        name = "".join(written.split()).strip("'\"`")
        found = _MARKS.fullmatch(name) if len(name) <= 2 * LONGEST else None
        q = self._body(found["body"]) if found else None
        if q is None:
            raise UnknownName(self._unknown(name))
        assert found is not None
        sample, step = int(found["sample"] or q.sample), int(found["step"] or 1)
        if sample > self.computation.samples or step < 1:
            raise UnknownName(f"'{shortened(name)}': there are {self.computation.samples} samples")
        return q._replace(sample=sample, step=step)

    def _body(self, body: str) -> Quantity | None:
        for alias in self.aliases:
            if found := alias.pattern.fullmatch(body):
                put = dict(zip(_PLACE.findall(alias.theirs), found.groups(), strict=True))
                return self._entry(alias.array, [put.get(i, i) for i in alias.at], body)
        if body in self.arrays:
            return Quantity(body)
        name, bracket, inside = body.partition("[")
        if bracket and inside.endswith("]") and name in self.arrays:
            return self._entry(name, inside[:-1].split(","), body)
        for place in (k for k, sign in enumerate(body) if sign == "_" and body[:k] in self.arrays):
            at = body[place + 1 :].split("_")
            if all(i.isascii() and i.isdigit() for i in at):
                axes = len(self.axes(body[:place]))
                return self._entry(body[:place], list(at[0]) if len(at) == 1 and axes > 1 else at, body)
        return None

    def _entry(self, name: str, at: Sequence[str], written: str) -> Quantity:
        """The entry at these indices, the sample's among them or not.  Raises UnknownName."""
        extents, axes = self.arrays[name].extents, self.axes(name)
        if not all(re.fullmatch(r"-?\d{1,9}", i, re.ASCII) for i in at):
            raise UnknownName(f"{shortened(written)}: an index is a whole number, as in {_example(name, axes)}")
        whole = tuple(map(int, at))
        sample, sampled = 0, self.computation.sample_axes.get(name)
        known = extents if sampled is not None and len(whole) == len(extents) else axes
        if len(whole) != len(known) or not all(a <= i <= b for i, (a, b) in zip(whole, known, strict=True)):
            runs = ", ".join(f"{a}..{b}" for a, b in axes) or "no index"
            raise UnknownName(f"{shortened(written)}: {name} has {runs}, such as {_example(name, axes)}")
        if known is extents and sampled is not None:
            sample = whole[sampled] - extents[sampled][0] + 1
            whole = (*whole[:sampled], *whole[sampled + 1 :])
        return Quantity(name, 0, whole, sample if self.computation.samples > 1 else 0)

    def _unknown(self, name: str) -> str:
        bare = re.split(r"[\[@#]", name)[0][:LONGEST]
        known = dict.fromkeys((*(alias.theirs for alias in self.aliases), *self.arrays))
        near = difflib.get_close_matches(bare, known, n=3, cutoff=0.5)
        said = f"near: {', '.join(near)}" if near else f"its arrays are {', '.join(list(known)[:12])}"
        return f"{shortened(name)} is not a quantity of this computation; {said}"


def _alias(theirs: str, ours: str, latex: str, axes: Callable[[str], tuple[Range, ...]]) -> _Alias:
    """An entry of `[names]`: `"delta[t]" = "ds[t]"`, `w5 = "W[2,1]"`, `"out_{j}" = "z[{j}]"`, `delta = "ds"`."""
    if not theirs.strip() or len(theirs) > LONGEST or len(ours) > LONGEST or not theirs.isprintable():
        raise ValueError("a name is one short printable text")
    if latex:
        check_latex_name(latex)
    name, _, inside = "".join(ours.split()).rstrip("]").partition("[")
    try:
        extents = axes(name)
    except KeyError:
        raise UnknownName(f"{shortened(ours)} is not a quantity of this computation") from None
    at = tuple(i.strip("{}") for i in inside.split(",")) if inside else ()
    if not at and extents:  # a whole array
        at = tuple("abcdefghij"[k] for k in range(len(extents)))
        theirs += "[" + ",".join(f"{{{l}}}" for l in at) + "]"
    letters = [i for i in at if i.isalpha()]
    theirs = _placed(theirs, letters)
    if len(at) != len(extents) or not all(map(_may_stand, at, extents)):
        raise ValueError(f"{shortened(ours)} is no entry of {name}; write such as {_example(name, extents)}")
    if sorted(_PLACE.findall(theirs)) != sorted(set(letters)) or len(set(letters)) < len(letters):
        raise ValueError(f"{shortened(theirs)} must have each index letter of {shortened(ours)} once, and no others")
    return _Alias(theirs, name, at, latex)


def _may_stand(index: str, extent: Range) -> bool:
    """Whether an index of `[names]` is a letter, or a number that the array has."""
    if re.fullmatch(r"\d{1,9}", index, re.ASCII):
        return extent[0] <= int(index) <= extent[1]
    return re.fullmatch("[a-z]", index) is not None


def _placed(theirs: str, letters: Sequence[str]) -> str:
    """Letters in square brackets stand for indices, as letters in braces do: delta[t] is delta[{t}]."""

    def put(found: re.Match[str]) -> str:
        parts = (p.strip() for p in found[1].split(","))
        return "[" + ",".join(f"{{{p}}}" if p in letters else p for p in parts) + "]"

    return re.sub(r"\[([^\[\]]{1,60})\]", put, theirs)


def _in_latex(alias: _Alias, found: Mapping[str, str]) -> str:
    if alias.latex:
        placed = _PLACE.sub(lambda place: f"{{{found[place[1]]}}}" if place[1] in found else place[0], alias.latex)
        return placed if placed != alias.latex or not found else alias.latex + _below(tuple(found.values()))
    name, _, inside = alias.theirs.partition("[")
    at = tuple(found.get(i.strip("{}"), i) for i in inside.rstrip("]").split(",")) if inside else ()
    return own_letter(_filled(name, found), at)


def _filled(pattern: str, indices: Mapping[str, str]) -> str:
    """A pattern with its indices; other braces stay."""
    return _PLACE.sub(lambda place: indices.get(place[1], place[0]), pattern)


def _plain(name: str, at: Sequence[str]) -> str:
    return name + (f"[{','.join(at)}]" if at else "")


def _below(at: Sequence[str]) -> str:
    return f"_{{{','.join(at)}}}" if at else ""


def _example(name: str, axes: Sequence[Range]) -> str:
    return _plain(name, [str(low) for low, _ in axes])
