r"""Index letters of names: which they are, and numbers put in their place.

`w_{ij}^{(l)}` has the letters i, j and l; with i = 1, j = 2, l = 2 it is `w_{12}^{(2)}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from derivations.expression import Expression, Letters, Partial
from derivations.reading.nodes import SumOver, letters_in, rebuilt

__all__ = ["bound", "index_letters", "local_steps", "of_one_sample"]

_SUPER = re.compile(r"\^\s*+(?:\{\s*+([^{}]*+)\}|([^\s{}]))")
_SUB = re.compile(r"_\s*+(?:\{\s*+([^{}]*+(?:\{[^{}]*+\}[^{}]*+)*+)\}|(\d++|[A-Za-z]\d*+))")
_WORD = r"\\(?:text|mathrm|textrm|operatorname)\s*\{[^{}]*\}|[A-Za-z]{4,}"
_INDEX = re.compile(r"[gi-npqrsabcL]")  # h and o name units, not numbers


def index_letters(written: str) -> list[str]:
    """The letters among a name's scripts that stand for numbers: i and j of w_{ij}, not h of net_{h1}."""
    out: list[str] = []
    for found in (*_SUB.finditer(written), *_SUPER.finditer(written)):
        content = next(g for g in found.groups() if g is not None)
        content = re.sub(r"\\[A-Za-z]+", " ", content).replace("ell", " ")
        for word in re.findall(r"[A-Za-z]+\d*", content):
            if word in ("T", "new") or re.fullmatch(r"[hoixtb]\d+", word) or (word.isalpha() and len(word) > 3):
                continue
            if re.fullmatch(r"total|out|net|in|tot|hid", word):
                continue
            out += [letter for letter in word if _INDEX.fullmatch(letter)]
    return list(dict.fromkeys(out))


def bound(written: str, binding: Mapping[str, int], depth: int) -> str:
    """A name with its index letters replaced by numbers: w_{ij}^{(l)} is w_{12}^{(2)}."""
    values = {"L": depth, **binding}
    wide = any(v > 9 for v in binding.values())

    def put(found: re.Match[str]) -> str:
        content = next(g for g in found.groups() if g is not None)
        mark = found[0][0]
        if mark == "_":
            if re.fullmatch(r"^\s*+\w\s*+[-+]\s*+\d\s*+", content):  # f_{l+1}: the function of the next layer
                return f"_{{{_worked_out(re.sub(r'[A-Za-z]', lambda m: str(values.get(m[0], m[0])), content))}}}"
            parts = re.findall(rf"{_WORD}|\d+|\\[A-Za-z]+|[A-Za-z]|[^A-Za-z\d]", content)
            replaced = [str(values.get(part, part)) for part in parts]
            apart = "," if wide and "," not in content else ""
            return f"_{{{apart.join(replaced)}}}"
        put_in = re.sub(r"\\[A-Za-z]+|[A-Za-z]", lambda m: str(values.get(m[0], m[0])), content)
        return f"^{{{_worked_out(put_in)}}}"

    return _SUPER.sub(put, _SUB.sub(put, written))


def _worked_out(content: str) -> str:
    """2+1 is 3: a layer next to another."""
    return re.sub(
        r"(?<!\d)(\d++)\s*+([-+])\s*+(\d++)", lambda m: str(int(m[1]) + int(m[3]) * (1 if m[2] == "+" else -1)), content
    )


def local_steps(e: Any) -> Iterator[list[str]]:
    """[k, j] of each d a_k / d a_j: from a layer to the next."""
    if isinstance(e, Partial) and isinstance(e.of, Letters) and isinstance(e.by, Letters):
        of, by = (index_letters(side.latex) for side in (e.of, e.by))
        same = e.of.latex.split("_")[0] == e.by.latex.split("_")[0]
        if len(of) == len(by) == 1 and of != by and same and "^" not in e.of.latex + e.by.latex:
            yield [*of, *by]
    parts = e._parts() if isinstance(e, Expression) else e if type(e) is tuple else ()
    for part in parts:
        yield from local_steps(part)


def of_one_sample(e: SumOver) -> Any:
    """What is summed over the samples, without the index that counts them: of y_i and x_i, y and x."""
    marked = any(f"({e.index})" in l.latex for l in letters_in(e.body))  # y^{(i)}, and i below counts something else
    own = None if marked or not e.index else re.compile(rf"_\{{?{re.escape(e.index)}\}}?(?![A-Za-z])")

    def changed(part: Expression) -> Expression | None:
        if not (own and isinstance(part, Letters) and own.search(part.latex)):
            return None
        return Letters(own.sub("", part.latex), part.text)

    return rebuilt(e.body, changed)
