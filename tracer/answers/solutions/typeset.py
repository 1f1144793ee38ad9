r"""A row of a written solution as MathML: its LaTeX in the commands that our converter knows."""

from __future__ import annotations

import re

from derivations.writing.mathml import mathml

__all__ = ["typeset"]

LONGEST = 2000
_DROPPED = re.compile(
    r"\\(?:displaystyle|textstyle|scriptstyle|shoveleft|shoveright|notag|nonumber|limits|nolimits|large|Large|small"
    r"|big|Big|bigg|Bigg|bigl|bigr|Bigl|Bigr|left\.|right\.|hfill|boxed|colorbox|textcolor\s*\{\w*\})(?![A-Za-z])"
    r"|\\(?:label|tag)\*?\{[^{}]*\}|\\[!]|\$"
)
_FONTS = {"boldsymbol": "mathbf", "bm": "mathbf", "mathsf": "mathrm", "operatorname": "mathrm", "textrm": "text",
          "vec": "mathbf", "mathbb": "mathbf", "mathscr": "mathcal", "mbox": "text"}  # fmt: skip
_UNICODE = str.maketrans({"−": "-", "–": "-", "×": "*", "·": "*", "≈": " \\approx ", "∂": " \\partial ",
                          "δ": "\\delta ", "σ": "\\sigma ", "η": "\\eta ", "←": " \\leftarrow "})  # fmt: skip


def typeset(source: str) -> str | None:
    """The inside of a <math> element, None for a row that is to be shown as it is written."""
    if len(source) > LONGEST:
        return None
    text = re.sub(r"(?<!\\)%[^\n]*", "", source).translate(_UNICODE)
    text = _DROPPED.sub(" ", text)
    if "\\begin" not in text:
        text = re.sub(r"(?<!\\)&+", " ", text)
    text = re.sub(r"\{\s*\\(?:bf|rm|it)\s+(\w+)\s*\}", r"\\mathbf{\1}", text)
    text = re.sub(r"\\(\w+)(?=\s*\{)", lambda m: f"\\{_FONTS.get(m[1], m[1])}", text)
    text = re.sub(r"\\[dc]frac(?![A-Za-z])", r"\\frac", text)
    text = re.sub(r"\\frac\s*(\d)\s*(\d)", r"\\frac{\1}{\2}", text)
    text = re.sub(r"\\(sqrt|hat|bar|tilde|widehat)\s*([A-Za-z0-9])", r"\\\1{\2}", text)
    text = re.sub(r"\\begin\s*\{array\}\s*(?:\{[^{}]*\})", r"\\begin{array}", text)
    text = re.sub(r"\\(?:under|over)brace\s*(\{)", r"\1", text)
    try:
        return mathml(text.strip().rstrip("\\"))
    except (ValueError, IndexError, RecursionError):
        return None
