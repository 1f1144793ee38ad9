"""A name in whatever letters somebody wrote it: the problem's own names, ours, and those of every notation.

A profile is a way to read names: "ours" (canonical names and Bishop's letters), "from 0" (ours, with indices counted
from 0) or a notation.  The problem's own names come before every profile's.
"""

from __future__ import annotations

import re
from functools import lru_cache

from derivations import names
from derivations.aliases import Aliases, Meaning
from derivations.name_reading import DERIVATIVES, PARTIAL, NotationNames, cleaned
from derivations.names import UnknownName
from derivations.network import Network
from derivations.notation import NOTATIONS
from derivations.spoken import spoken

__all__ = ["FROM_ZERO", "OURS", "Spellings", "bracketed", "told_by_brackets"]

OURS, FROM_ZERO = "ours", "from 0"
LONGEST = 200
REMEMBERED, SHEETS_REMEMBERED = 10_000, 20
DEEPEST = 3  # names within a name: the new value of the derivative by the weight
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " "}  # full-width forms
_NEW = r"\(?(?:new|neu|updated|after(?:[\s_]update)?)\)?"
_UPDATED = re.compile(
    rf"^(?!['\"`])(.+?)(?:[\s_^]{{1,9}}+\{{?{_NEW}\}}?|\((?:new|neu)\)|['′＇]|\s{{0,9}}+\^?\+|\s{{0,9}}+[((]?更新後[))]?)"
    r"|^(?:new|neu|neues|updated|更新後の?)\s*+(?:value\s++(?:of|for)\s++)?(.+)",
    re.IGNORECASE | re.DOTALL,
)
_ROUND = re.compile(r"(?<=[A-Za-z0-9_])\((\d{1,6}(?:, ?\d{1,6})*)\)$", re.ASCII)  # W2(1,1) is W2[1,1]
_TWICE = re.compile(r"(?<=\d|w)\[(\d{1,6})\] ?\[(\d{1,6})\]", re.ASCII)  # W2[1][1] is W2[1,1]
_BRACKETED = re.compile(r"\^ ?\{? ?\\?\[ ?\d")


def bracketed(written: str) -> bool:
    """Whether the layer stands in square brackets above, `dz^[1]_2`, which only ng's notation writes.

    >>> bracketed("dz^{[1]}_2"), bracketed("z1[2]"), bracketed("z_2^(1)")
    (True, False, False)
    """
    return _BRACKETED.search(written) is not None


@lru_cache(maxsize=SHEETS_REMEMBERED)  # a class has the same names on every sheet
def told_by_brackets(written: tuple[str, ...]) -> tuple[bool, bool]:
    """Whether some name has its layer in brackets above, and whether some is counted from 0."""
    zero = any(re.search(r"\[(?:\d+, ?)?0[\],]", name) for name in written)
    return any(map(bracketed, written)), zero


class Spellings:
    """The names of one network with its own names; raises as `Aliases` does for an entry that names nothing."""

    def __init__(self, network: Network, samples: int, entries: tuple[tuple[str, str, str], ...]) -> None:
        self.network, self.samples = network, samples
        self.aliases = Aliases(network, samples, entries)
        self._readers: dict[str, NotationNames | None] = {}

    def fits(self, profile: str) -> bool:
        """Whether a profile can write this network."""
        return profile in (OURS, FROM_ZERO) or self._reader(profile) is not None

    def read(self, written: str, notation: str | None = None) -> Meaning:
        """What a name stands for: in the notation that is stated, in ours, or where every other agrees.

        Raises UnknownName for what no notation reads, and for what two read as different quantities.
        """
        usual = "ng" if bracketed(written) else OURS
        stated = notation if notation and notation in NOTATIONS and notation != "bishop" else usual
        for profile in dict.fromkeys((stated, OURS)):
            if found := self.find(written, profile):
                return found
        others = {name: self.find(written, name) for name in NOTATIONS}
        known = {name: found for name, found in others.items() if found}
        if len(set(known.values())) == 1:
            return next(iter(known.values()))
        if known:
            meant = ", ".join(f"{names.text(self.network, m.quantity)} in {name}" for name, m in known.items())
            raise UnknownName(f"'{written[:60]}' may be {meant}; write one of these names")
        return Meaning(names.read_name(self.network, self.samples, written))  # raises, with near names

    def find(self, written: str, profile: str = OURS, *, depth: int = DEEPEST) -> Meaning | None:
        """What a name stands for in one profile, None for what is no name there; depth: of names within names."""
        if not depth or len(written) > LONGEST:
            return None
        try:
            written = written.translate(_WIDE) if not written.isascii() else written
            own = self.aliases.own(written) if self.aliases.entries else None
            own = own or self._by_own(written, profile, depth - 1) or self._in_profile(written, profile, depth - 1)
            return own or spoken(self.network, written, lambda name: self.find(name, profile, depth=depth - 1))
        except ValueError:
            return None

    def _by_own(self, written: str, profile: str, depth: int) -> Meaning | None:
        """The derivative of the loss by a quantity that the problem has a name for: `dE/dw5`."""
        fraction = self.aliases.entries and ("/" in written or "frac" in written)
        found = PARTIAL.fullmatch(cleaned(written)) if fraction else None
        by = self.aliases.own(found[2]) if found else None
        if found is None or by is None or by[1:] != ("1", 0) or by.quantity.kind not in DERIVATIVES:
            return None
        of = self.find(found[1], profile, depth=depth)
        if of is None or of.quantity.kind != "E" or of[1:] != ("1", 0):
            return None
        return by._replace(quantity=by.quantity._replace(kind=DERIVATIVES[by.quantity.kind]))

    def fluent(self, written: str, profile: str) -> bool:
        """Whether a name begins with a letter that a notation itself uses, as dz does in ng's."""
        return _first_letters(written[:LONGEST]) in _letters_of(profile)

    def letters(self, written: str) -> str:
        """Whose letters a name that is read as ours is in: "names" for the problem's own, "ours", else "bishop"."""
        if self.aliases.own(written) or self._by_own(written, OURS, DEEPEST):
            return "names"
        reader = self._reader("bishop")
        ours = names.find_name(self.network, self.samples, _ROUND.sub(r"[\1]", written))
        return "bishop" if not ours and reader and reader.read(written) else OURS

    def _in_profile(self, written: str, profile: str, depth: int) -> Meaning | None:
        before, written = _without_update(written), _indexed(written)
        if before and (old := self.find(before, profile, depth=depth)):
            kind = {"W": "W_new", "b": "b_new"}.get(old.quantity.kind)
            if kind:
                return old._replace(quantity=old.quantity._replace(kind=kind))
        if profile == FROM_ZERO:
            written = re.sub(r"\[([\d, ]+)\]", _counted_from_one, written)
        if profile in (OURS, FROM_ZERO):
            found = names.find_name(self.network, self.samples, written)
            if found:
                return Meaning(found)
        reader = self._reader("bishop" if profile in (OURS, FROM_ZERO) else profile)
        q = reader.read(written) if reader else None
        return Meaning(q) if q and q.sample <= self.samples else None

    def _reader(self, name: str) -> NotationNames | None:
        if name not in self._readers:
            try:
                self._readers[name] = NotationNames(self.network, NOTATIONS[name], wholes=True)
            except ValueError:
                self._readers[name] = None
        return self._readers[name]


@lru_cache(maxsize=REMEMBERED)
def _first_letters(written: str) -> str:
    """The letters that a name begins with, "" where it begins with none."""
    first = re.match(r"[^\W\d_]++", cleaned(written))
    return first[0].lower() if first else ""


@lru_cache(maxsize=len(NOTATIONS))
def _letters_of(profile: str) -> frozenset[str]:
    """The letters that a notation itself uses."""
    letters = NOTATIONS[profile].letters.values() if profile in NOTATIONS else ()
    return frozenset(cleaned(letter).lower() for letter in letters) - {""}


@lru_cache(maxsize=REMEMBERED)  # each profile reads the same names
def _without_update(written: str) -> str:
    """The name of what was updated, "" in a name that says nothing of that."""
    found = _UPDATED.fullmatch(written)
    return (found[1] or found[2]) if found else ""


@lru_cache(maxsize=REMEMBERED)
def _indexed(written: str) -> str:
    """A name with its indices as we write them."""
    return _TWICE.sub(r"[\1,\2]", _ROUND.sub(r"[\1]", written))


def _counted_from_one(found: re.Match[str]) -> str:
    return f"[{','.join(str(int(i) + 1) for i in found[1].split(',') if i.strip())}]"
