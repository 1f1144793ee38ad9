"""LaTeX that a stranger may give for a name: letters, indices, accents and commands that only draw a sign.

It stands in documents, tables and pages as it was given, so everything else is refused: what reads or writes files,
defines, leaves the formula, or is no LaTeX at all.
"""

from __future__ import annotations

import re

from derivations.given import shortened

__all__ = ["check_latex_name"]

LONGEST, DEEPEST = 120, 8
_TOKEN = re.compile(r"(\\[A-Za-z]+) *|(\\.|.)", re.DOTALL)  # LaTeX skips the blanks behind a command
_SIGNS = frozenset(" '+-*/=.,:;!()[]")
_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa"),
    *("lambda", "mu", "nu", "xi", "pi", "varpi", "rho", "varrho", "sigma", "varsigma", "tau", "upsilon", "phi"),
    *("varphi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi"),
    *("Psi", "Omega", "ell", "hbar", "imath", "jmath", "partial", "nabla", "infty", "prime", "ast", "star", "circ"),
    *("dagger", "top", "bullet", "cdot", "times", "odot", "pm", "quad"),
)
_DRAWN = frozenset((*(rf"\{name}" for name in _GREEK), *(r"\,", r"\;", r"\:", r"\!", r"\ ", r"\_")))
_AROUND = frozenset(  # accents and faces: of the one thing that follows
    rf"\{name}"
    for name in (
        *("hat", "bar", "tilde", "dot", "ddot", "vec", "check", "breve", "acute", "grave", "mathring", "overline"),
        *("underline", "widehat", "widetilde", "mathrm", "mathit", "mathbf", "mathsf", "mathtt", "mathcal"),
        *("mathnormal", "boldsymbol", "operatorname"),
    )
)
_TEXT = r"\text"


def check_latex_name(latex: str) -> None:
    r"""Raises ValueError, in one line, for LaTeX that is more than a name.

    >>> check_latex_name(r"\hat{\delta}_{j}^{(2)}")
    >>> check_latex_name(r"\input{x}")
    Traceback (most recent call last):
    ...
    ValueError: latex: '\input' is no part of a name; write letters, indices, accents and Greek letters, as \hat{w}_{5}
    """
    if len(latex) > LONGEST:
        raise ValueError(f"latex: longer than {LONGEST} characters; shorten it")
    reader = _Reader(latex)
    if reader.row(0) or reader.next:
        raise reader.fault()


class _Reader:
    """One walk along the signs: each nucleus with at most one index below and one above."""

    def __init__(self, latex: str) -> None:
        self._tokens, self._at = [command or sign for command, sign in _TOKEN.findall(latex)], 0

    @property
    def next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def fault(self) -> ValueError:
        what = f"{shortened(self.next)} is no part of a name" if self.next else "it breaks off"
        now = r"write letters, indices, accents and Greek letters, as \hat{w}_{5}"
        return ValueError(f"latex: {what}; {now}")

    def _taken(self) -> str:
        sign = self.next
        self._at += 1
        return sign

    def row(self, depth: int) -> bool:
        """Reads to the end or to what is no part of a name; whether nothing was there.  Raises ValueError."""
        start = self._at
        while self.next and self.next != "}":
            self._one(depth, _SIGNS)
            indexed = set[str]()
            while self.next in ("_", "^"):
                if self.next in indexed:
                    raise self.fault()  # LaTeX refuses a second one
                indexed.add(self._taken())
                self._one(depth, frozenset("'+-*"))
        return self._at == start

    def _one(self, depth: int, signs: frozenset[str]) -> None:
        """A letter, a sign, a command with what it is around, or a group."""
        sign = self.next
        if sign in _AROUND or sign == _TEXT:
            self._taken()
            return self._words() if sign == _TEXT else self._one(depth + 1, frozenset())
        if sign == "{" and depth < DEEPEST:
            self._taken()
            self.row(depth + 1)
            if self.next != "}":
                raise self.fault()
        elif not (sign in _DRAWN or sign in signs or (len(sign) == 1 and _is_letter(sign))):
            raise self.fault()
        self._taken()
        return None

    def _words(self) -> None:
        """{words}: within a text there are no formulas."""
        if self.next != "{":
            raise self.fault()
        self._taken()
        while self.next and (_is_letter(self.next) or self.next in _SIGNS or self.next == r"\_"):
            self._taken()
        if self.next != "}":
            raise self.fault()
        self._taken()


def _is_letter(sign: str) -> bool:
    return sign.isalpha() or (sign.isascii() and sign.isdigit())
