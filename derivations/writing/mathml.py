"""Our LaTeX as MathML Core: a converter for exactly the commands that our printers write.

Everything else is refused, so a formula that cannot be shown is an error and not a hole.
"""

from __future__ import annotations

import re
from html import escape

__all__ = ["mathml", "mathml_rows"]

_TOKEN = re.compile(r"\\text\{[^{}]*\}|\\[A-Za-z]+\*?|\\.|[{}_^&]|[0-9]+(?:\.[0-9]+)?|[A-Za-z]|\s+|.", re.S)
_SIGNS = {
    r"\cdot": "·",
    r"\times": "×",
    r"\odot": "⊙",
    r"\approx": "≈",
    r"\le": "≤",
    r"\partial": "∂",
    r"\infty": "∞",
    r"\top": "⊤",
    r"\cdots": "⋯",
    **{
        rf"\{name}": sign
        for name, sign in {
            "leftarrow": "←",
            "gets": "←",
            "rightarrow": "→",
            "to": "→",
            "Rightarrow": "⇒",
            "nabla": "∇",
            "sum": "∑",
            "simeq": "≃",
            "equiv": "≡",
            "doteq": "≐",
            "fallingdotseq": "≒",
            "ge": "≥",
            "geq": "≥",
            "leq": "≤",
            "ne": "≠",
            "neq": "≠",
            "in": "∈",
            "circ": "∘",
            "ast": "∗",
            "bullet": "∙",
            "ldots": "…",
            "dots": "…",
            "vdots": "⋮",
            "ddots": "⋱",
            "prime": "′",
            "|": "‖",
            "Vert": "‖",
            "vert": "|",
            "mid": "|",
            "pm": "±",
            "coloneqq": "≔",
            "{": "{",
            "}": "}",
        }.items()
    },
    "*": "∗",
    "-": "−",
    "'": "′",
}
_LETTERS = {
    r"\delta": "δ",
    r"\eta": "η",
    r"\mu": "μ",
    r"\beta": "β",
    r"\epsilon": "ε",
    r"\theta": "θ",
    r"\sigma": "σ",
    r"\tau": "τ",
    r"\pi": "π",
    r"\Phi": "Φ",
    **{
        rf"\{name}": letter
        for name, letter in {
            "alpha": "α",
            "gamma": "γ",
            "lambda": "λ",
            "phi": "φ",
            "varphi": "φ",
            "psi": "ψ",
            "rho": "ρ",
            "nu": "ν",
            "omega": "ω",
            "varepsilon": "ε",
            "ell": "ℓ",
            "Delta": "Δ",
            "Sigma": "Σ",
            "Theta": "Θ",
        }.items()
    },
}
_BEFORE_A_SIGN = {"(", "[", ",", "=", "&", r"\\", r"\approx", r"\cdot", r"\times"}
_NAMED = {r"\exp", r"\log", r"\ln", r"\sin", r"\cos", r"\tanh", r"\max", r"\min"}
_SPACES = {r"\,": "0.17em", r"\;": "0.28em", r"\:": "0.22em", r"\ ": "0.25em", r"\quad": "1em", r"\qquad": "2em"}


def mathml(latex: str) -> str:
    """The inside of a <math> element.  Raises ValueError for LaTeX that our printers do not write."""
    reader = _Reader(latex)
    out = reader.row(set())
    if reader.at < len(reader.tokens):
        raise ValueError(f"unbalanced LaTeX: {latex[:80]}")
    return out


def mathml_rows(rows: list[tuple[str, str, str]]) -> str:
    """A <math> block of aligned rows: (left, right with its relation, rule in words)."""
    body = "".join(
        f"<mtr><mtd>{mathml(left)}</mtd><mtd>{mathml(right)}</mtd><mtd><mtext>{escape(rule)}</mtext></mtd></mtr>"
        for left, right, rule in rows
    )
    return f'<math display="block"><mtable displaystyle="true">{body}</mtable></math>'


def _spaced(words: str) -> str:
    """Words as they stand between signs: a blank before them is kept, which an element would drop."""
    return ("\u00a0" if words.startswith(" ") else "") + words.strip()


class _Reader:
    """Reads tokens into MathML, groups and scripts as they come."""

    def __init__(self, latex: str) -> None:
        self.tokens: list[str] = [t for t in _TOKEN.findall(latex) if not t.isspace()]
        self.at = 0

    def next(self) -> str:
        if self.at >= len(self.tokens):
            raise ValueError("LaTeX ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def row(self, ends: set[str]) -> str:
        """Everything up to one of the tokens in `ends`, scripts attached to what they follow."""
        out: list[str] = []
        while self.peek() and self.peek() not in ends:
            base = self.atom(first=not out)
            below = above = ""
            while self.peek() in ("_", "^"):
                if self.next() == "_":
                    below = self.atom()
                else:
                    above = self.atom()
            if below and above:
                base = f"<msubsup>{base}{below}{above}</msubsup>"
            elif below or above:
                tag = "msub" if below else "msup"
                base = f"<{tag}>{base}{below or above}</{tag}>"
            out.append(base)
        return out[0] if len(out) == 1 else f"<mrow>{''.join(out)}</mrow>"

    def group(self) -> str:
        """{ ... }"""
        if self.next() != "{":
            raise ValueError("a group was expected")
        out = self.row({"}"})
        self.next()
        return out

    def words(self) -> str:
        """The plain letters of { ... }."""
        if self.next() != "{":
            raise ValueError("a group was expected")
        out = ""
        while self.peek() != "}":
            out += self.next().removeprefix("\\") if self.peek() == r"\_" else self.next()
        self.next()
        return out

    def atom(self, *, first: bool = False) -> str:
        sign = self.peek()
        if sign == "{":
            return self.group() if self.tokens[self.at + 1] != "}" else self._empty()
        self.next()
        if sign[0].isdigit():
            return self._number(sign)
        if sign.isalpha():
            return f"<mi>{sign}</mi>"
        if sign in _LETTERS:
            return f"<mi>{_LETTERS[sign]}</mi>"
        if sign in _NAMED:
            return f"<mi>{sign[1:]}</mi>"
        if sign.startswith(r"\text{"):
            return f"<mtext>{escape(_spaced(sign[6:-1]))}</mtext>"
        if sign in _SPACES:
            return f'<mspace width="{_SPACES[sign]}"></mspace>'
        if sign in "+-" and (first or self.tokens[self.at - 2] in _BEFORE_A_SIGN):
            return f'<mo form="prefix">{_SIGNS.get(sign, sign)}</mo>'
        if sign in _SIGNS:
            return f"<mo>{_SIGNS[sign]}</mo>"
        if sign in "()[],;.=+<>/|":
            return f'<mo stretchy="false">{escape(sign)}</mo>'
        return self._command(sign)

    def _empty(self) -> str:
        self.next(), self.next()
        return "<mrow></mrow>"

    def _number(self, token: str) -> str:
        """A number; a decimal comma arrives as 3{,}14."""
        if self.tokens[self.at : self.at + 3] == ["{", ",", "}"]:
            self.at += 3
            token += "," + self.next()
        return f"<mn>{token}</mn>"

    def _command(self, token: str) -> str:
        match token:
            case r"\frac" | r"\tfrac":
                return f"<mfrac>{self.group()}{self.group()}</mfrac>"
            case r"\sqrt":
                return f"<msqrt>{self.group()}</msqrt>"
            case r"\hat" | r"\widehat":
                return f"<mover>{self.group()}<mo>^</mo></mover>"
            case r"\bar" | r"\overline":
                return f"<mover>{self.group()}<mo>¯</mo></mover>"
            case r"\tilde":
                return f"<mover>{self.group()}<mo>~</mo></mover>"
            case r"\mathit" | r"\mathrm" | r"\mathcal" | r"\mathbf":
                return f"<mi>{escape(self.words())}</mi>"
            case r"\boldsymbol":
                return self.group()
            case r"\operatorname":
                return f"<mi>{escape(self.words())}</mi>"
            case r"\dagger":
                return "<mo>†</mo>"
            case r"\left":
                return self._fenced()
            case r"\Bigl" | r"\Bigr":
                return f'<mo minsize="1.8em" maxsize="1.8em">{escape(self.next())}</mo>'
            case r"\begin":
                return self._table(self.words())
            case r"\underline":
                return f'<munder>{self.group()}<mo stretchy="true">_</mo></munder>'  # pages allow no style here
            case r"\rule":
                self.words()
                return f'<mspace width="0" height="{escape(self.words())}"></mspace>'
            case r"\hspace":
                return f'<mspace width="{escape(self.words())}"></mspace>'
            case r"\underset":
                below, base = self.group(), self.group()
                return f"<munder>{base}{below}</munder>"
        raise ValueError(f"LaTeX command not known here: {token}")

    def _fenced(self) -> str:
        opening = self.next()
        inside = self.row({r"\right"})
        self.next()
        closing = self.next()
        marks = ["" if mark == "." else f"<mo>{escape(mark)}</mo>" for mark in (opening, closing)]
        return f"<mrow>{marks[0]}{inside}{marks[1]}</mrow>"

    def _table(self, environment: str) -> str:
        """cases, pmatrix, gathered: rows by a double backslash, cells by &."""
        rows, cells = [], []
        while True:
            cells.append(self.row({"&", r"\\", r"\end"}))
            end = self.next()
            if end != "&":
                rows.append("<mtr>" + "".join(f"<mtd>{cell}</mtd>" for cell in cells) + "</mtr>")
                cells = []
            if end == r"\end":
                break
        self.words()
        table = f"<mtable>{''.join(rows)}</mtable>"
        fences = {"cases": ("{", ""), "pmatrix": ("(", ")"), "bmatrix": ("[", "]")}.get(environment, ("", ""))
        left, right = (f"<mo>{mark}</mo>" if mark else "" for mark in fences)
        return f"<mrow>{left}{table}{right}</mrow>"
