"""Names in words: `gradient of w5`, `hidden 1 output`, `total error`, as forms and spreadsheets have them.

What is read here says one thing only.  `error` alone, which may be the loss, a difference or a signal, is not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from derivations.aliases import Meaning
from derivations.name_reading import DERIVATIVES
from derivations.names import Quantity
from derivations.network import Network

__all__ = ["is_bare_unit", "spoken"]

Find = Callable[[str], Meaning | None]
LONGEST = 80
REMEMBERED = 10_000

_MAY = re.compile(
    r"grad|deriv|ableit|∇|nabla|勾配|loss|error|cost|e[ _]?tot|fehler|verlust|損失|誤差"
    r"|h[ _-]*\d|^o|^h|out|hid|出力|\bof\b",
    re.IGNORECASE,
)
"""What is in every name in words: most names are none."""
_LOSS = re.compile(
    r"(?:the )?(?:(?:total|overall)[ _]?(?:error|loss|cost)|(?:loss|cost)(?: function| value)?|e[ _]?tot(?:al)?"
    r"|gesamtfehler|verlust|損失(?:関数)?|総?誤差関数)",
    re.IGNORECASE,
)
_GRADIENT = re.compile(
    r"^(?:\\?(?:nabla|∇)_\{(?P<braced>.{1,80})\}\s{0,9}+[ELJC]?"
    r"|(?:the )?(?:grad(?:ient)?s?|derivative|ableitung|∇|\\?nabla)[\s_.:]{0,9}"
    r"(?:(?:of|for|by|von|nach|w\.?r\.?t\.?)\s{1,9}+)?"
    r"[({]{0,9}(?P<of>.{1,80}?)[)}]{0,9}(?:\s{0,9}\b[ELJC])?"
    r"|(?P<its>.{1,80}?)(?:\s{0,9}の\s{0,9}勾配|'s gradient|[\s_.]{1,9}(?:grad|gradient)))",
    re.IGNORECASE,
)
_OF = re.compile(
    r"^(?:the )?(?P<what>.{1,80}?)\s{1,9}(?:value\s{1,9})?of\s{1,9}(?:the )?(?P<name>.{1,80})", re.IGNORECASE
)
_WHAT = {
    "d": r"grad(?:ient)?s?|dE/dw|∂E/∂w|dL/dw|∂L/∂w|dw|derivative|ableitung|勾配|微分",
    "_new": r"new|updated|after|w\+|w_?new|neu|neuer wert|更新後(?:の値)?|新しい値",
    "": r"old|initial|given|before|alt|w|weight|value|更新前(?:の値)?|初期値|重み",
}
_KINDS = {
    "a": r"net[\s_-]?input|net|weighted[\s_-]sum|pre-?[\s_]?activation|重み付き和",
    "z": r"output|out|activation|act|出力",
    "delta": r"delta|δ|error[\s_-]signal|誤差信号",
}
_KIND = "|".join(_KINDS.values())
_UNIT = re.compile(
    rf"(?:the )?(?:(?P<before>{_KIND})[\s_-]*+(?:(?:of|for|at|from)\s+)?(?:the )?)?"
    r"(?P<role>hidden|hid|h|output|out|o)[\s_-]*+(?:layer[\s_-]*+)?(?:unit|node|neuron)?[\s_-]*+(?P<number>\d{1,3})?"
    rf"(?:[\s_-]+(?P<after>{_KIND})|の出力)?",
    re.IGNORECASE,
)


def spoken(network: Network, written: str, find: Find) -> Meaning | None:
    """What a name in words stands for, None for what is none or may be two things; find: reads a name in letters."""
    text = _in_words(written)
    if not text:
        return None
    if _LOSS.fullmatch(text):
        return Meaning(Quantity("E"))
    return _unit(network, text) or _gradient(text, find) or _weight(text, find)


@lru_cache(maxsize=REMEMBERED)  # each notation reads the same names
def _in_words(written: str) -> str:
    """A name with single blanks, "" for one that is no name in words."""
    text = " ".join(written.split())
    return text if len(text) <= LONGEST and _MAY.search(text) else ""


@lru_cache(maxsize=REMEMBERED)  # the same names stand on every sheet of a class
def is_bare_unit(written: str) -> bool:
    """Whether a name says which unit and nothing else: `h1`, `output 2`."""
    found = _UNIT.fullmatch(" ".join(written.split())[:LONGEST])
    return bool(found and found["number"] and not found["before"] and not found["after"])


def _gradient(text: str, find: Find) -> Meaning | None:
    found = _GRADIENT.fullmatch(text)
    by = find(found["braced"] or found["of"] or found["its"]) if found else None
    if by is None or by[1:] != ("1", 0) or by.quantity.kind not in ("W", "b"):
        return None
    return by._replace(quantity=by.quantity._replace(kind=DERIVATIVES[by.quantity.kind]))


def _weight(text: str, find: Find) -> Meaning | None:
    """A heading of a table and a weight's name: `new value of w5`, `dE/dw of w5`."""
    found = _OF.fullmatch(text)
    if not found:
        return None
    meant = next(
        (k for k, words in _WHAT.items() if re.fullmatch(rf"(?:{words})(?: value)?", found["what"], re.I)), None
    )
    of = find(found["name"]) if meant is not None else None
    if of is None or meant is None or of[1:] != ("1", 0) or of.quantity.kind not in ("W", "b"):
        return None
    kind = f"d{of.quantity.kind}" if meant == "d" else f"{of.quantity.kind}{meant}"
    return of._replace(quantity=of.quantity._replace(kind=kind))


def _unit(network: Network, text: str) -> Meaning | None:
    """A number of one unit of the hidden or of the last layer; its output where nothing else is said."""
    found = _UNIT.fullmatch(text)
    if found is None or (found["before"] and found["after"]):
        return None
    said = found["before"] or found["after"] or "out"
    kind = next(kind for kind, words in _KINDS.items() if re.fullmatch(words, said, re.IGNORECASE))
    hidden = found["role"][0] in "hH"
    units = network.sizes[1 if hidden else -1]
    number = int(found["number"] or (units == 1))
    if (hidden and len(network) != 2) or not 1 <= number <= units:
        return None
    return Meaning(Quantity(kind, 1 if hidden else len(network), (number,)))
