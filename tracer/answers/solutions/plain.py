"""A row of LaTeX as plain text in the columns of a terminal: its signs and its numbers always remain."""

from __future__ import annotations

import re

from tracer.answers.reporting.as_text import width
from tracer.answers.reporting.blocks import clean

__all__ = ["brief", "folded", "readable"]

LONGEST, NESTED = 4000, 12
_CUT = " ... "
_GAP = "\x02"  # between two statements
_RELATION = r"(?::=|<=|>=|==|!=|<-|->|[=≈≒≐≡←→<>≤≥≠])"
_SIGNS = {
    **dict.fromkeys(("approx", "simeq"), "≈"), "fallingdotseq": "≒", "doteq": "≐", "equiv": "≡", "prime": "'",
    **dict.fromkeys(("Rightarrow", "implies", "Longrightarrow"), "⇒"),
    **dict.fromkeys(("leftarrow", "gets"), "←"), **dict.fromkeys(("rightarrow", "to"), "→"), "dagger": "†", "top": "T",
    "cdot": "·", "times": "×", "odot": "⊙", "circ": "∘", "partial": "∂", "nabla": "∇", "sum": "Σ", "infty": "∞",
    "cdots": "⋯", "dots": "…", "ldots": "…", "quad": _GAP, "qquad": _GAP, "sqrt": "√", "in": "∈", "ell": "ℓ",
    **dict.fromkeys(("le", "leq"), "≤"), **dict.fromkeys(("ge", "geq"), "≥"), **dict.fromkeys(("ne", "neq"), "≠"),
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "eta": "η", "theta": "θ",
    "lambda": "λ", "mu": "μ", "nu": "ν", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "varphi": "φ",
    "psi": "ψ", "omega": "ω", "Delta": "Δ", "Sigma": "Σ", "Phi": "Φ",
}  # fmt: skip
_DROPPED = re.compile(
    r"\\(?:displaystyle|textstyle|scriptstyle|shoveleft|notag|nonumber|left|right|limits)(?![A-Za-z])\.?"
    r"|\\[,;!: ]"
    r"|\\(?:label|tag)\{[^{}]*\}|&+|\$"
)
_WORD = re.compile(
    r"\\(?:mathrm|mathit|mathbf|mathcal|text|textrm|operatorname|boldsymbol|bm)\s*\{([^{}]*)\}|\{\\bf\s+(\w)\}"
)
_SCRIPT = re.compile(r"([_^])\{([^{}]*)\}")
_FRACTION = re.compile(r"\\[dtc]?frac\s*(?:\{([^{}]*)\}\s*\{([^{}]*)\}|(\d)\s*(\d))")
_MATRIX = re.compile(
    r"\\begin\{\w*(?:matrix|array|aligned|cases)\}(?:\{[clr|]*\})?|\\end\{\w*(?:matrix|array|aligned|cases)\}"
)
_EQUALS = "\x01"  # a sign of equality in an index, where it relates nothing


def readable(latex: str) -> str:
    """A row's LaTeX as plain text, for the terminal."""
    text = re.sub(f"[{_EQUALS}{_GAP}]", " ", latex[:LONGEST])
    text = _MATRIX.sub(lambda m: "[" if "begin" in m[0] else "]", text)
    text = text.replace("\\\\", "; ") if "[" in text else text
    text = _WORD.sub(lambda m: m[1] or m[2], _DROPPED.sub(" ", text))
    for _ in range(NESTED):
        simpler = _SCRIPT.sub(lambda m: f"{m[1]}{_script(m[2])}", text)
        simpler = _FRACTION.sub(_quotient, simpler)
        simpler = re.sub(r"\{([^{}\\]*)\}", r"\1", simpler) if simpler == text else simpler
        if simpler == text:
            break
        text = simpler
    if "frac" in text:  # braces that do not close where they should
        return " ".join(clean(latex).split())
    text = re.sub(
        r"\\(?:(partial|nabla|Delta|sqrt)\s*|([A-Za-z]+))",
        lambda m: _SIGNS.get(m[1] or m[2], m[1] or m[2]),
        text,
    )
    text = re.sub(r"(?<!\s)\s*+·\s*+", "·", text.replace("{", "").replace("}", ""))
    text = re.sub(rf"(?<!\s)\s*+({_RELATION})\s*+", r" \1 ", text).replace(_EQUALS, "=")
    text = re.sub(rf"(?<! ) *+{_GAP}[ {_GAP}]*+", "  ", " ".join(text.split()))
    return clean(text, LONGEST)


def _quotient(found: re.Match[str]) -> str:
    apart = " " if re.match(r"^\s*+[\\\w]", found.string[found.end() :]) else ""
    above, below = (found[1], found[2]) if found[3] is None else (found[3], found[4])  # braces may be empty
    return f"{_grouped(above)}/{_grouped(below)}{apart}"


def _grouped(text: str) -> str:
    text = text.strip()
    return f"({text})" if re.search(r"[-+ ]|\\cdot|\\times", text.replace("\\partial ", "")) else text


def _script(text: str) -> str:
    text = text.strip().replace("=", _EQUALS)
    return f"({text})" if re.search(rf"[-+*/ {_EQUALS}]", text[1:]) and text[:1] not in "([" else text


def folded(text: str, most: int) -> list[str]:
    """A row in lines of at most `most` columns, broken before relation signs.

    A side that is longer loses its middle: the sign before it and the number at its end remain.
    """
    lines: list[str] = []
    for side in re.split(rf" (?={_RELATION} )", text):
        room = most - width(lines[-1]) - 1 if lines else 0
        if lines and (width(side) <= room or (len(lines) == 1 and width(side) > most and room > most // 2)):
            lines[-1] = f"{lines[-1]} {brief(side, room)}"
        else:
            indent = "  " if lines else ""
            lines.append(indent + brief(side, most - len(indent)))
    return lines


def brief(text: str, most: int) -> str:
    """A text of at most `most` columns: its beginning and its end."""
    if width(text) <= most:
        return text
    half = (most - len(_CUT)) // 2
    return f"{_taken(text, half).rstrip()}{_CUT}{_taken(text[::-1], half)[::-1].lstrip()}"


def _taken(text: str, most: int) -> str:
    """The first characters that fit."""
    while width(text) > most:
        text = text[: max(len(text) - max(1, (width(text) - most) // 2), 0)]
    return text
