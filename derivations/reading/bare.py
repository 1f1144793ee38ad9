"""Formulas that stand bare on lines of a document, told from prose and from program code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

__all__ = ["bare_rows", "is_formula"]

_CODE = re.compile(
    r"^\s*(?:\\(?:documentclass|usepackage|title|author|draw|node|section|subsection|paragraph|begin\{document)"
    r"|import |from \w+ import"
    r"|def \w+\(|class \w+|for \w+ in |if .*:$|elif .*:$|else:|while |except |with .*:$|return\b|print\(|try:"
    r"|@\w+|self\.|#include|>>>|\}|var |let |const |function )|\bself\.\w|\b(?:np|torch|tf|plt|nn|math)\.\w+|\w\(\)"
    r"|\*\*\(|\w\[\w++\]\[\w++\]"
)
_RELATION = re.compile(r"=|≈|≒|≃|≐|←|\\approx|\\simeq|\\doteq|\\fallingdotseq|\\(?:left)?arrow|\\gets|:=|→")
_LATEX = re.compile(
    r"\\(?:frac|dfrac|partial|delta|sigma|cdot|times|approx|leftarrow|exp|sum|eta|mathbf|bf|hat|begin\{\w?(?:matrix|cases|array)|end\{\w?(?:matrix|cases|array))"
)
_SCRIPTED = re.compile(r"[_^][{(\w]|[₀-₉⁰-⁹²³∂δσηΔ]")
_PROSE = re.compile(r"[A-Za-z]{3}[ ,]++[A-Za-z]{2,}+[ ,]++[A-Za-z]{2}|[\u3040-\u30ff\u4e00-\u9fff]")
_BULLET = re.compile(r"^\s*(?:[-*+•]\s+|\d{1,3}[.)]\s+|\(\d{1,3}\)\s+|>\s*|\|\s*)?(?:[A-Za-z][\w ]{1,40}:\s+)?")
_MATH_BEGIN = re.compile(r"\\begin\{[bpBvVd]?(?:small)?(?:matrix|cases)\*?\}")
_MATH_END = re.compile(r"\\end\{[bpBvVd]?(?:small)?(?:matrix|cases)\*?\}")
_JAPANESE = re.compile(r"[\u3001\u3002\u3040-\u30ff\u4e00-\u9fff]+")
_LETTER = re.compile(
    r"[A-Za-z]|[dΔ][A-Za-z]|eta|alpha|sigma|sigmoid|tanh|relu|ReLU|exp|log|net|out|target|pred|lr|delta|theta"
)
_NOT_FORMULA = re.compile(r"[\"`;#]|//|--|\+=|(?<![\w)}])'|\{['\"]|[A-Za-z]\w{0,40}+\.\w{1,40}+\(")
LONGEST_LINE = 400
NEAR = 2  # lines of code on either side that make a line code


def bare_rows(text: str, starts: Sequence[int], prose: Sequence[int]) -> Iterator[tuple[int, int, bool]]:
    """(start, end, whether it goes on from the row before) of each stretch of lines that is a formula."""
    count = len(starts)
    ends = [*starts[1:], len(text)]
    lines = [text[a:b] for a, b in zip(starts, ends, strict=True)]
    code = [bool(_CODE.search(line[:LONGEST_LINE])) and not _LATEX.search(line) for line in lines]
    k, last = 0, -2
    while k < count:
        line, start, end = lines[k], starts[k], ends[k]
        if not line.strip() or not all(prose[start : start + len(line.rstrip("\n"))]):
            k += 1
            continue
        if _LATEX.search(line) and not _PROSE.search(_without_commands(line)):
            first = k
            open_environments = _balance(line)
            while k + 1 < count and (open_environments > 0 or _goes_on(lines, k)):
                k += 1
                end = ends[k]
                open_environments += _balance(lines[k])
            bullet = _BULLET.match(line)
            yield start + (bullet.end() if bullet else 0), end, last == first - 1
            last = k
        elif not _is_code(code, k) and _is_plain_formula(line):
            bullet = _BULLET.match(line)
            yield start + (bullet.end() if bullet else 0), end, last == k - 1 and line.lstrip()[:1] in "=≈≒←+-×·"
            last = k
        k += 1


def _balance(line: str) -> int:
    return len(_MATH_BEGIN.findall(line)) - len(_MATH_END.findall(line))


def _goes_on(lines: Sequence[str], k: int) -> bool:
    """A line of LaTeX that the next one continues: it begins with a relation, or this one ends in the middle."""
    following = lines[k + 1].strip()
    if not following or not (_LATEX.search(following) or _RELATION.match(following)):
        return False
    if _PROSE.search(_without_commands(following)):
        return False
    return bool(_RELATION.match(following)) or lines[k].rstrip().endswith(("=", "+", "\\\\"))


def _is_code(code: Sequence[bool], k: int) -> bool:
    return any(code[max(k - NEAR, 0) : k + NEAR + 1])


def _is_plain_formula(line: str) -> bool:
    bare = line.strip()
    if len(bare) > LONGEST_LINE or not _RELATION.search(bare) or _PROSE.search(bare) or "`" in bare or "|" in bare[:1]:
        return False
    said = (
        _SCRIPTED.search(bare) or re.search(r"\d", bare) or all(map(_LETTER.fullmatch, re.findall(r"[A-Za-z]+", bare)))
    )
    return bool(said) and not _NOT_FORMULA.search(bare)


def is_formula(text: str) -> bool:
    """Whether a stretch of code is a formula as people type it: z1 = W1 x + b1, and no line of a program."""
    return (
        _is_plain_formula(text)
        and not _CODE.search(text)
        and not re.search(r"^(?>.*?\w\()(?>[^,\n]*,).*\)|\w{4}\.|\w_\w{3,40}_", text)
    )


def _without_commands(line: str) -> str:
    return re.sub(r"\\[A-Za-z]+(?:\{[A-Za-z]+\})?", " ", line)
