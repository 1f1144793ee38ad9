r"""Spellings of one thing put into one, before a row is cut into tokens; each is as long as before, so places stay.

People write the new weight as w(t+1), w_{nuevo} or w'_1, the layer of an array as Z[1], and a partial derivative with
a delta; they number a formula by hand at its end and name what the loss depends on, L(w, b | x).
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["respelled"]

_NEW = "new|nuevo|nueva|nouveau|nouvelle|neu|neue|nuovo|nuova|novo|nova|next|updated|after"
_OLD = "viejo|vieja|ancien|ancienne|alt|alte|vecchio|vecchia|antigo|velho|current|curr|previous|prev|before"
_WORD = r"(?:\\(?:text|mathrm|mathit|textrm|operatorname)\s*+\{{\s*+)?\(?(?:{})\)?\s*+\}}?"
_TEXT, _GAP = r"(?:\\(?:text|mathrm|textrm)\s*+\{\s*+)?", r"(?:\\[ ,;]|\s|_|~)+"
_LATER = re.compile(r"\^\s*+\{?\s*+\(?\s*+[tkn]\s*+\+\s*+1\s*+\)?\s*+\}?|(?<=[\w}])\s*+\(\s*+t\s*+\+\s*+1\s*+\)")
_NOW = re.compile(r"\^\s*+\{\s*+\(?\s*+t\s*+\)?\s*+\}|\^\s*+t(?![A-Za-z])|(?<=[\w}])\s*+\(\s*+t\s*+\)")
_LOSS = r"(?<![A-Za-z\\_{^])(?:\\(?:mathcal|mathrm|mathit|text)\s*+\{\s*+(?:L|J|E|C|Loss)\s*+\}|[LJCE](?![A-Za-z]))"
_ARGUMENTS = (
    r"(?:\\(?:vec|mathbf|boldsymbol|bm|hat|theta|Theta|mid|vert|left|right|ldots|dots|bar)(?![A-Za-z])|\\[,;!\ ]"
    r"|[a-zA-ZθΘŷ](?![A-Za-z])|[_^]\s*+\{?[^\W_]{1,4}+\}?|[{}\s,;|])"
)


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _to(text: str) -> Callable[[re.Match[str]], str]:
    return lambda found: text.ljust(len(found[0]))


def _kept(found: re.Match[str]) -> str:
    """What stands before the part that is left out."""
    return found[1].ljust(len(found[0]))


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"(?:&|\\q?quad|\\ |\s{3})[\s-]{0,40}+\(\s*+\d{1,3}\s*+\)\s*+$"), _blank),  # a number of the formula
    (
        re.compile(r"&[\s-]*+(?=[^&=]*?[A-Za-z]{3})(?:[A-Za-z]{2,}+\.?|\(\d++\)|\\ |\s)++$"),
        _blank,
    ),  # "& by the chain rule"
    (re.compile(rf"{_TEXT}(?:[Nn]ew|[Uu]pdated){_GAP}[Ww](?:eight)?(?![A-Za-z])\s*+\}}?"), _to("w^{new}")),
    (re.compile(rf"{_TEXT}(?:[Oo]ld|[Cc]urrent){_GAP}[Ww]eight(?![A-Za-z])\s*+\}}?"), _to("w")),
    (re.compile(rf"[_^]\s*+\{{\s*+{_WORD.format(_NEW)}\s*+\}}"), _to("^{new}")),
    (re.compile(rf"[_^]\s*+\{{\s*+{_WORD.format(_OLD)}\s*+\}}"), _blank),
    (re.compile(rf"(?<=[\w}}])\s*+\(\s*+(?:{_NEW})\s*+\)"), _to("^{new}")),
    (re.compile(rf"(?<=[\w}}])\s*+\(\s*+(?:old|{_OLD})\s*+\)"), _blank),
    (
        re.compile(r"(?<![A-Za-z\\])([wWbθ]|\\theta)\s*+(')\s*+(_\s*+(?:\{[^{}]{1,12}\}|\w))"),
        lambda m: f"{m[1]}{m[3]}{m[2]}".ljust(len(m[0])),
    ),
    (re.compile(rf"({_LOSS}(?:_\s*+(?:\{{\w{{1,8}}\}}|\w))?)\s*+(?:\\left)?\({_ARGUMENTS}{{1,40}}+\)"), _kept),
    (
        re.compile(r"(\([^()]{1,40}[-−][^()]{1,40}(?:\([^()]{1,20}\))?\))2(?![\w.(\\])"),
        lambda m: f"{m[1]}²",
    ),  # (t - y)2
    (re.compile(r"(?<=[\d)])(\s+)x(?=\s+[\d(.\-−])"), lambda m: f"{m[1]}×"),  # 2 x 3
    (re.compile(r"\\delta(?=\s+[^{}/]{1,40}\}\s*+\{\s*+\\delta\s)"), _to("∂")),
    (re.compile(r"(?<=∂     )(?<!\\)([^{}/]{1,40}\}\s*+\{\s*+)\\delta(?=\s)"), lambda m: f"{m[1]}∂".ljust(len(m[0]))),
    (re.compile(r"δ(?=[\w(][^=+δ]{0,60}/\s*+δ\s*+\w)|(?<=/)δ(?=\w)"), _to("∂")),
)
_DELTAS_INSIDE = re.compile(r"δ(?=\([^=δ]{0,60}\)\s*/\s*[δ∂]\s*\w)")


def respelled(text: str) -> str:
    """The row with its spellings put into those that the tokens know, each character where it was."""
    if _LATER.search(text):
        text = _NOW.sub(_blank, _LATER.sub(_later, text))
    text = _DELTAS_INSIDE.sub("∂", text)
    for pattern, put in _RULES:
        text = pattern.sub(put, text)
    return text


def _later(found: re.Match[str]) -> str:
    """w(t+1), w^{t+1}: what w is after the update."""
    return "^{new}".ljust(len(found[0])) if len(found[0]) > 5 else "^+".ljust(len(found[0]))
