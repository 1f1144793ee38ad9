"""Somebody's own names for our quantities, as a problem's `[names]` gives them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from derivations.given import read_number, shortened
from derivations.latex_names import check_latex_name
from derivations.names import Quantity, elements, find_name, read_name, text
from derivations.network import Network

__all__ = ["Aliases", "Meaning"]


class Meaning(NamedTuple):
    """What a name of theirs stands for: multiple * eta^eta_power * quantity."""

    quantity: Quantity
    multiple: str = "1"
    eta_power: int = 0


_GREEK = ("delta", "theta", "eta", "sigma", "epsilon")


def _as_latex(name: str) -> str:
    """A name as LaTeX: w5 is w_{5}, net_h1 is net_{h1} upright, anything else is text."""
    found = re.fullmatch(r"([A-Za-z])_?(\d+)", name)
    if found:
        return f"{found[1]}_{{{found[2]}}}"
    found = re.fullmatch(r"^([A-Za-z]++)_([A-Za-z]*+\d*+)", name)
    if found and found[2]:
        letter = (
            f"\\{found[1]}" if found[1] in _GREEK else found[1] if len(found[1]) == 1 else rf"\mathit{{{found[1]}}}"
        )
        return f"{letter}_{{{found[2]}}}"
    return rf"\mathit{{{re.sub('[^A-Za-z0-9]', '', name)}}}"


MOST_PLACES = 4  # layer, unit, input, sample or step
_PLACE = re.compile(r"\{([a-z])\}")


def _put_in(pattern: str, indices: Mapping[str, str]) -> str:
    """A pattern with its indices; other braces stay."""
    return _PLACE.sub(lambda m: indices.get(m[1], m[0]), pattern)


class Aliases:
    """The names that a problem's `[names]` gives to our quantities; everything else is read as ours.

    An entry is a quantity (`w5 = "W2[1,1]"`, which names `dw5` and `w5_new` too), a pattern (`"out_h{j}" = "z1[{j}]"`)
    or a multiple (`Err6 = "-delta2[1]"`, `Dw35 = "-eta*dW2[1,1]"`, `MSE = "2*E"`).
    Raises UnknownName or ValueError for an entry that names nothing in this network.
    """

    def __init__(self, network: Network, samples: int, entries: tuple[tuple[str, str, str], ...]) -> None:
        self.network, self.samples, self.entries = network, samples, entries
        self.exact: dict[str, Meaning] = {}
        self.patterns: list[tuple[re.Pattern[str], list[str], str]] = []
        for theirs, ours, latex in entries:
            if latex:
                check_latex_name(latex)
            self._add(theirs, ours)

    def _add(self, theirs: str, ours: str) -> None:
        if not theirs.strip() or len(theirs) > 60 or len(ours) > 120 or not theirs.isprintable():
            raise ValueError("a name is one short printable text")
        places, used = _PLACE.findall(theirs), _PLACE.findall(ours)
        if len(places) > MOST_PLACES:
            raise ValueError(
                f"{shortened(theirs)} has {len(places)} placeholders; no quantity has more than {MOST_PLACES}"
            )
        if set(places) != set(used) or len(places) != len(set(places)):
            raise ValueError(f"{shortened(ours)} must use each of the placeholders {{j}} of the name, and no others")
        if places:
            self._meaning(_PLACE.sub("1", ours))
            pieces = _PLACE.split(theirs)
            regex = "".join(r"(\d{1,6})" if k % 2 else re.escape(piece) for k, piece in enumerate(pieces))
            self.patterns.append((re.compile(regex, re.ASCII), places, ours))
            return
        meaning = self._meaning(ours)
        self.exact[theirs] = meaning
        kind = meaning.quantity.kind
        if kind in ("W", "b") and meaning[1:] == ("1", 0):
            for name, other in ((f"d{theirs}", f"d{kind}"), (f"{theirs}_new", f"{kind}_new")):
                self.exact.setdefault(name, Meaning(meaning.quantity._replace(kind=other)))

    def _meaning(self, ours: str) -> Meaning:
        sign, rest = ("-", ours.strip()[1:]) if ours.strip().startswith("-") else ("", ours)
        *factors, name = rest.split("*")
        eta_power = sum(f.strip() == "eta" for f in factors)
        numbers = [read_number(f) for f in factors if f.strip() != "eta"]
        if len(numbers) > 1 or eta_power > 1:
            raise ValueError(f"{shortened(ours)} has too many factors; write a number, eta, a quantity: '-2*eta*E'")
        return Meaning(read_name(self.network, self.samples, name), sign + (numbers[0] if numbers else "1"), eta_power)

    def read(self, written: str) -> Meaning:
        """What a name stands for, theirs before ours.  Raises UnknownName."""
        return self.own(written) or Meaning(read_name(self.network, self.samples, written))

    def find(self, written: str) -> Meaning | None:
        """What `read` reads, None for what is neither a name of theirs nor of ours."""
        ours = self.own(written) or find_name(self.network, self.samples, written)
        return Meaning(ours) if isinstance(ours, Quantity) else ours

    def own(self, written: str) -> Meaning | None:
        """What a name of theirs stands for, None for any other."""
        name = written.strip()
        name = name[1:-1] if name[:1] in "'\"`" and name[:1] == name[-1:] else name  # w5' alone is updated
        suffix = ""
        if name not in self.exact and (found := re.search(r"(?:[@#]\d{1,9}){1,4}$", name)):
            name, suffix = name[: found.start()], found[0]
        meaning = self.exact.get(name)
        for pattern, places, ours in self.patterns:
            found = pattern.fullmatch(name) if meaning is None else None
            if found:
                for place, index in zip(places, found.groups(), strict=True):
                    ours = ours.replace(f"{{{place}}}", index)
                meaning = self._meaning(ours)
        if meaning is None:
            return None
        marks = {mark: int(n) for mark, n in re.findall(r"([@#])(\d{1,9})", suffix)}
        q = meaning.quantity
        return meaning._replace(quantity=q._replace(sample=marks.get("@", q.sample), step=marks.get("#", q.step)))

    def latex(self) -> dict[Quantity, str]:
        """Our quantities in their letters, as LaTeX: what an entry gives, else the name itself."""
        out: dict[Quantity, str] = {}
        given = {theirs: latex for theirs, _, latex in self.entries if latex}
        for theirs, _, _ in self.entries:
            meaning = self.exact.get(theirs)
            if meaning and meaning[1:] == ("1", 0):
                out.setdefault(meaning.quantity, given.get(theirs) or _as_latex(theirs))
        for theirs, q, indices in self._of_patterns():
            form = given.get(theirs)
            out[q] = _put_in(form, indices) if form else _as_latex(_put_in(theirs, indices))
        return out

    def texts(self) -> dict[Quantity, str]:
        """Our quantities in their letters as they are typed, gradients and new values of their weights included."""
        out: dict[Quantity, str] = {}
        for theirs, meaning in self.exact.items():
            if meaning[1:] == ("1", 0):
                out.setdefault(meaning.quantity, theirs)
        return {q: _put_in(theirs, indices) for theirs, q, indices in self._of_patterns()} | out

    def _of_patterns(self) -> Iterator[tuple[str, Quantity, dict[str, str]]]:
        """(pattern, quantity, index for each place) of everything that the patterns name."""
        for theirs, ours, _ in self.entries:
            if not _PLACE.search(theirs) or "*" in ours or ours.strip().startswith("-"):
                continue
            base = read_name(self.network, self.samples, _PLACE.sub("1", ours))
            pieces = _PLACE.split("".join(ours.split()))
            pattern = "".join(r"(\d+)" if k % 2 else re.escape(piece) for k, piece in enumerate(pieces))
            for q in elements(self.network, base.kind, base.layer, 1).flat:
                found = re.fullmatch(pattern, text(self.network, q))
                if found:
                    yield theirs, q, dict(zip(_PLACE.findall(ours), found.groups(), strict=True))

    @property
    def clashes(self) -> list[str]:
        """Names of theirs that are also names of ours, of something else; theirs win."""
        out = []
        for theirs, meaning in self.exact.items():
            ours = find_name(self.network, self.samples, theirs)
            if ours and (ours != meaning.quantity or meaning.multiple != "1"):
                out.append(theirs)
        return out
