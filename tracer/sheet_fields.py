"""The tables `[sheet]` and `[marking]` of a problem file: what a sheet asks for and how it counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from derivations.given import read_number, shortened
from derivations.names import UnknownName, text
from derivations.network import Network
from tracer.fields import Table, whole
from tracer.toml_text import ProblemError

if TYPE_CHECKING:
    from derivations.own_names import OwnNames

__all__ = ["read_marking_table", "read_own_sheet_table", "read_sheet_table"]

MOST_POINTS, MOST_FIGURES = 1000, 15
MOST_ASKED, MOST_ACCEPTED = 5000, 20
MOST_PARTS = 100
_ENDS = {
    **dict.fromkeys(("points", "cause_costs", "most_lost"), (0, MOST_POINTS)),
    **dict.fromkeys(("credit", "zeros_that_follow"), (0, 1)),
    "round": (0.01, MOST_POINTS),
    "figures": (1, MOST_FIGURES),
    "places": (0, MOST_FIGURES),
}
Fields = tuple[tuple[str, object], ...]


def read_sheet_table(top: Table, network: Network, samples: int, names: tuple[tuple[str, str, str], ...]) -> Fields:
    """`[sheet]`: ask (names or whole arrays), points, figures, places (one number, or one for each name), notation.

    Names may be in the letters of `[names]`, of the notation or of any other; they are kept as ours.  Raises
    ProblemError.
    """
    table = Table(top.value.get("sheet", {}), "sheet", "sheet", top.content)
    fields = dict(table.value)
    if not fields:
        return ()
    from derivations.notation import NOTATIONS, NotationError
    from derivations.spellings import Spellings

    if "notation" in fields:
        notation = table.choice("notation", (*NOTATIONS, "names"))
        try:
            if notation in NOTATIONS:
                NOTATIONS[notation].check(network)
        except NotationError as e:
            raise table.fail("notation", str(e)) from None
    spellings, letters = Spellings(network, samples, names), str(fields.get("notation", ""))
    return _fields(table, lambda name: text(network, spellings.read(name, letters).quantity))


def read_own_sheet_table(top: Table, names: OwnNames) -> Fields:
    """`[sheet]` of equations of their own: ask, points, figures, places, by the names of the file.

    Raises ProblemError.
    """
    table = Table(top.value.get("sheet", {}), "sheet", "own sheet", top.content)
    return _fields(table, lambda name: names.text(names.read(name)))


def _fields(table: Table, ours: Callable[[str], str]) -> Fields:
    """The fields, checked, each name as ours."""
    fields = dict(table.value)
    known = _Known(ours)
    ask = fields.get("ask")
    if ask is not None:
        if not isinstance(ask, list | tuple) or not 0 < len(ask) <= MOST_ASKED:
            raise table.fail("ask", f'{shortened(ask)} is not a list of names; write ask = ["z1", "delta2[1]", "dW1"]')
        fields["ask"] = [known.ours(name, f"{table.at('ask')}[{k}]") for k, name in enumerate(ask, 1)]
    _scoring(table, fields, known)
    for key in ("points", "figures", "places"):
        value = fields.get(key)
        if isinstance(value, Mapping):
            if len(value) > MOST_ASKED:
                raise table.fail(key, f"{len(value)} names are too many; at most {MOST_ASKED}")
            for number in value.values():
                _number(table, key, number)
            fields[key] = {known.ours(name, table.at(key)): number for name, number in value.items()}
        elif value is not None:
            _number(table, key, value)
    return tuple(fields.items())


def _scoring(table: Table, fields: dict[str, Any], known: _Known) -> None:
    """What a wrong number costs: cause_costs, credit, parts, round, zeros_that_follow; parts ask for their numbers."""
    for key in ("cause_costs", "round", "zeros_that_follow"):
        if key in fields:
            _number(table, key, fields[key])
    credit = fields.get("credit")
    if credit is not None:
        if not isinstance(credit, Mapping) or len(credit) > MOST_ASKED:
            raise table.fail("credit", f'{shortened(credit)} is no table; write credit = {{"update.plus" = 0.5}}')
        from tracer.answers.reporting.texts import messages

        for name, kept in credit.items():
            if name.partition("[")[0] not in messages()["slip"]:
                near = get_close_matches(name, messages()["slip"], 1)
                raise table.fail("credit", f"{shortened(name)} is no slip" + (f"; near: {near[0]}" if near else ""))
            _number(table, "credit", kept)
    parts = fields.get("parts")
    if parts is None:
        return
    if not isinstance(parts, Mapping) or not 0 < len(parts) <= MOST_PARTS:
        raise table.fail("parts", f'{shortened(parts)} is no table; write parts = {{a = ["z1"], b = ["dW1"]}}')
    fields["parts"] = {str(name): _part(table, str(name), part, known) for name, part in parts.items()}
    asked = [own for part in fields["parts"].values() for own in part["ask"]]
    if len(set(asked)) < len(asked):
        twice = next(own for own in asked if asked.count(own) > 1)
        raise table.fail("parts", f"{shortened(twice)} stands in two parts; leave one")
    fields.setdefault("ask", list(asked))


def _part(table: Table, name: str, part: Any, known: _Known) -> dict[str, Any]:
    """One part: a list of names, or a table of ask, points and most_lost."""
    told = part if isinstance(part, Mapping) else {"ask": part}
    ask, place = told.get("ask"), f"{table.at('parts')}.{name}"
    strange = [key for key in told if key not in ("ask", "points", "most_lost")]
    if strange or not isinstance(ask, list | tuple) or not 0 < len(ask) <= MOST_ASKED:
        raise ProblemError(f'{place}: {shortened(part)} is no part; write {{ask = ["z1"], points = 4, most_lost = 2}}')
    for key in ("points", "most_lost"):
        if key in told:
            _number(table, key, told[key])
    return {**told, "ask": [known.ours(own, place) for own in ask]}


def read_marking_table(top: Table) -> Fields:
    """`[marking]`: accept, readings that also count, such as `{learning_rate = 0.1}`.  Raises ProblemError."""
    table = Table(top.value.get("marking", {}), "marking", "marking", top.content)
    accept = table.value.get("accept", [])
    if not isinstance(accept, list | tuple | Mapping):
        raise table.fail("accept", f"{shortened(accept)} is not a reading; write accept = [{{learning_rate = 0.1}}]")
    readings = [accept] if isinstance(accept, Mapping) else accept
    if len(readings) > MOST_ACCEPTED:  # each sheet is marked once for each of them
        raise table.fail("accept", f"{len(readings)} readings are too many; at most {MOST_ACCEPTED}")
    for k, reading in enumerate(readings, 1):
        if not isinstance(reading, Mapping) or not reading:
            place = f"{table.at('accept')}[{k}]"
            raise ProblemError(f"{place}: {shortened(reading)} is not a reading; write {{learning_rate = 0.1}}")
    return tuple(table.value.items())


@dataclass(frozen=True)
class _Known:
    """Names in whatever letters a problem file may use, as ours."""

    read: Callable[[str], str]

    def ours(self, name: Any, place: str) -> str:
        """Our name.  Raises ProblemError."""
        try:
            if not isinstance(name, str):
                raise ValueError(f"{shortened(name)} is not a name; write it in quotes")
            return self.read(name)
        except (UnknownName, ValueError) as e:
            raise ProblemError(f"{place}: {e}") from None


def _number(table: Table, key: str, number: Any) -> None:
    """Points from 0 up, parts of them from 0 to 1; figures from 1 and places from 0, whole numbers."""
    least, most = _ENDS[key]
    try:
        size = float(read_number(number)) if "/" not in str(number) else -1
    except ValueError as e:
        raise table.fail(key, str(e)) from None
    if not least <= size <= most or (key in ("figures", "places") and not whole(number)):
        kind = "whole number" if key in ("figures", "places") else "number"
        raise table.fail(key, f"{shortened(number)} is out of range; write a {kind} from {least} to {most}")
