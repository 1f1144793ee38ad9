"""The words of a report in one language; every text comes from messages.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tracer.answers.reporting.remarks import translated
from tracer.answers.reporting.texts import messages

if TYPE_CHECKING:
    from tracer.answers.result import Cause, Mark

__all__ = ["LANGUAGES", "LETTERS", "Wording", "messages"]

LANGUAGES = ("en", "ja")
MOST_CELLS = 8
LETTERS = {letter: letter for letter in ("a", "z", "h", "y", "t", "delta")}
"""Letters that sentences about slips use; a sheet in other letters has facts with its own."""
HINTED = (("line", "hint_line"), ("numbers", "hint_numbers"))
"""Facts that a hint may add: the equation, and with numbers put in."""
_PLACE = re.compile(r"\{(\w+)\}")
_SENTENCE = re.compile(r"(?:[^.。]|\.(?! |$))++(?:[.。] ?|$)|[.。] ?")
_TITLE = re.compile(r"^\{cell\} ?:? ?は? ?(.+?)(?:: |\. |\.$|。)")


def _slip(name: str) -> Mapping[str, str]:
    """The texts of a slip; all values of a parameter, as in `a.drop_term[2]`, share them."""
    slips = messages().get("slip", {})
    return slips.get(name) or slips.get(name.partition("[")[0], {})


def _with_facts(template: str, facts: Mapping[str, str]) -> str:
    """The sentences of a message whose places can all be filled in."""
    sentences = [s for s in _SENTENCE.findall(template) if set(_PLACE.findall(s)) <= facts.keys()]
    return "".join(sentences).strip()


class Wording:
    """The texts of one language, at one level of feedback.  Raises ValueError for a language that is not there."""

    def __init__(self, lang: str = "en", level: str = "full") -> None:
        if lang not in LANGUAGES:
            raise ValueError(f"language '{str(lang)[:20]}' is not known; known are {', '.join(LANGUAGES)}")
        self.lang, self.level = lang, level

    @property
    def hints(self) -> bool:
        """Whether it says where to look, and not what is wrong."""
        return self.level not in ("verdict", "full")

    def text(self, key: str, **facts: Any) -> str:
        """A text of the reports, filled in."""
        return self._filled(messages()["report"][key][self.lang], facts)

    def of_solutions(self, key: str, **facts: Any) -> str:
        """A text of the reports on written solutions, filled in."""
        return self._filled(messages()["solution"][key][self.lang], facts)

    def counted(self, key: str, count: int, **facts: Any) -> str:
        """The text for one or for many."""
        return self.text(f"{key}_one" if count == 1 else f"{key}_many", count=count, **facts)

    def said(self, remark: str) -> str:
        """What was said while a sheet was read or marked."""
        return translated(remark, self.lang)

    def verdict(self, verdict: str) -> str:
        """The word for a verdict."""
        return messages()["verdict"][verdict][self.lang]

    def listed(self, cells: Sequence[str], most: int = MOST_CELLS) -> str:
        """Names in a row, the first of many."""
        more = [self.text("more", count=len(cells) - most)] if len(cells) > most else []
        return self.text("list").join([*cells[:most], *more])

    def comment(self, mark: Mark, cause: int = 0) -> str:
        """What a mark says beside its cell; `cause` is the number of the cause it belongs to, 0 for none."""
        if self.level == "verdict" and mark.verdict in ("right", "wrong"):
            said = ""
        elif cause and mark.verdict == "follows":
            said = self.text("see_follows", number=cause)
        elif cause:
            said = self.text("see", number=cause)
        elif mark.facts.get("message") and not mark.accepted:
            said = self.said(mark.facts["message"])
        elif mark.slips:
            facts, alone = {"cell": mark.name, **mark.facts}, len(mark.slips) == 1
            told = [self.slip(name, facts, alone=alone) for name in mark.slips]
            said = "; ".join(self._either(told, mark.name))
        elif self.hints and mark.verdict in ("slip", "wrong"):
            said = self._hint(mark.name, mark.stage)
        else:
            said = messages()["comment"][mark.verdict][self.lang]
        own = self.text("own", own=mark.own) if mark.own and mark.own != mark.expected and not mark.accepted else ""
        return "; ".join(part for part in (said, own, self.marker(mark)) if part)

    def marker(self, mark: Mark) -> str:
        """What a person said of the cell."""
        return self.text("marker", comment=mark.comment) if mark.comment else ""

    def cause(self, cause: Cause, facts: Mapping[str, str], stage: str) -> tuple[str, tuple[str, ...]]:
        """What a cause says: a sentence, and where several slips give the number, one line for each of them.

        stage: what kind of line its first cell is worked by.
        """
        cell = cause.cells[0] if cause.cells else ""
        if self.hints:
            lines = (self.text(key, line=cause.facts[fact]) for fact, key in HINTED if cause.facts.get(fact))
            return (" " if self.lang == "en" else "").join([self._hint(cell, stage), *lines]), ()
        facts = {"cell": cell, **facts, **cause.facts}
        if not cause.slips:
            return self.text("no_slip", cell=cell), ()
        told = [self.slip(name, facts, alone=len(cause.slips) == 1) for name in cause.slips]
        if len(told) == 1:
            return told[0], ()
        return self.text("several", cell=cell), tuple(self._either(told, cell))

    def _either(self, told: Sequence[str], cell: str) -> list[str]:
        """Messages that stand below or beside their cell; of several, any may be meant."""
        bare = [message.removeprefix(f"{cell}: ") for message in told]
        if len(bare) == 1:
            return bare
        return [self.text("or" if k else "either", message=message) for k, message in enumerate(bare)]

    def slip(self, name: str, facts: Mapping[str, str], *, alone: bool = True) -> str:
        """The teaching message of a slip.

        Facts `used:NAME` are for this slip; where it is not `alone`, a plain `used` may be another's and is left out.
        """
        own = LETTERS | {key: value for key, value in facts.items() if ":" not in key and (alone or key != "used")}
        own |= {key.partition(":")[0]: value for key, value in facts.items() if key.endswith(f":{name}")}
        template = _slip(name).get(self.lang)
        if template is None:
            return self.text("plain_cause", cell=own.get("cell", ""), slip=name)
        told = _with_facts(template, own)
        return self._filled(told, own) if told else ": ".join(filter(None, [own.get("cell"), self.title(name, own)]))

    def short(self, slips: Sequence[str], facts: Mapping[str, str] = LETTERS, most: int = 2) -> str:
        """A class of slips in a few words, for a table."""
        titles = list(dict.fromkeys(self.title(name, facts) for name in slips))
        if len(titles) < 2:
            return titles[0] if titles else self.verdict("wrong")
        more = [self.text("more", count=len(titles) - most)] if len(titles) > most else []
        return self.text("either_or", slips=self.text("or_word").join([*titles[:most], *more]))

    def title(self, name: str, facts: Mapping[str, str] = LETTERS) -> str:
        """A slip in a few words: what its message says of the cell before it explains."""
        letters = {letter: facts.get(letter, letter) for letter in LETTERS}
        template = _PLACE.sub(lambda m: letters.get(m[1], m[0]), _slip(name).get(self.lang, ""))
        found = _TITLE.match(template)
        return found[1] if found and "{" not in found[1] else name

    def _hint(self, cell: str, stage: str) -> str:
        return self._filled(messages()["hint"][stage][self.lang], {"cell": cell})

    def _filled(self, template: str, facts: Mapping[str, Any]) -> str:
        return _PLACE.sub(lambda m: str(facts.get(m[1], "...")), template)
