r"""A row of mathematics cut into tokens: LaTeX, Unicode and plain signs, each with its line and column.

A base and its scripts are one name: in `w_{11}^{(2)}` nothing is a square.  What only arranges the page
(`\displaystyle`, `\shoveleft`, `&`, `\text{...}`) is left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple

from derivations.name_reading import closing_brace
from derivations.reading.spellings import respelled

__all__ = ["DEEPEST", "LONGEST_ROW", "MOST_TOKENS", "NotRead", "Tok", "tokens"]

LONGEST_ROW = 8000
MOST_TOKENS = 1500
DEEPEST = 40
LONGEST_NUMBER, LONGEST_NAME = 40, 120
MOST_STRAYS = 6  # signs that are no mathematics before a row is given up


class NotRead(ValueError):
    """A row that is not understood: why, and at which column of its line."""

    def __init__(self, why: str, line: int = 0, column: int = 0) -> None:
        super().__init__(why)
        self.line, self.column = line, column


class Tok(NamedTuple):
    """A token: its kind in the grammar, its text, and where it stands."""

    kind: str
    text: str
    line: int
    column: int


Piece = tuple[str, str, int]  # kind, text, offset

_WORDS = "net|out|target|tgt|loss|Loss|cost|Cost|MSE|SSE|Err|err|error|Error|pred|lr|total|in|bias|learning\\\\?_rate"
_FUNCTIONS = "sigmoid|logistic|sigm|relu|ReLU|softmax|softplus|tanh|dtanh|exp|log|ln|sqrt|max|act|silu|gelu|elu"
_GREEK = (
    "alpha|beta|gamma|delta|epsilon|varepsilon|eta|theta|vartheta|lambda|mu|nu|rho|sigma|tau|phi|varphi|psi|omega|Phi"
    "|Delta|Theta|Sigma|ell|pi|hbar"
)
_BRACED = r"\{[^{}]{0,200}(?:\{[^{}]{0,200}(?:\{[^{}]{0,200}\}[^{}]{0,200}){0,9}\}[^{}]{0,200}){0,9}\}"
_FONTS = (
    "mathrm|mathit|mathbf|mathsf|mathtt|mathcal|mathscr|mathbb|boldsymbol|bm"
    "|operatorname|text|textrm|textit|textbf|vec|mbox"
)
_ACCENTS = "hat|widehat|bar|tilde|widetilde|overline|check|dot|vec"
_SUBSCRIPT = (
    r"_\s*+(?:\{[^{}]*+(?:\{[^{}]*+\}[^{}]*+)*\}|\\(?:mathrm|text|mathbf|boldsymbol|theta)\s*+\{?\w*\}?|\d+|new(?![A-Za-z])"
    r"|[A-Za-z]{3,9}\d{0,2}(?![\w^{])|[A-Za-z]\d*)"
)
_SUPERSCRIPT = (
    r"\^\s*+(?:\{\s*+(?:(?!\(\s*+\d+\s*+[-+])\([^(){}]{1,8}\)|\[[^\[\]{}]{1,8}\](?:\s*+\(\w\))?|\(?\s*+\d{1,2}\s*+\)?"
    r"|[A-SU-Za-z](?:\s*+[-+]\s*+\d)?|[a-z]\s*+,\s*+[A-SU-Za-z](?:\s*+[-+]\s*+\d)?|<\w>)"
    r"\s*+(?:T|\\top|\\intercal|(?:\\prime)+|'+)?\s*+\}"
    r"|\([^(){}]{1,5}\)|\[[^\[\]{}]{1,5}\]|[A-SU-Za-z0-9])"
)
_PRIMES = r"(?:'|′|’|\\prime(?![A-Za-z])|\^\s*+\{?\s*+(?:\\prime\s*+)++\}?)++"
_SUPER, _SUB = "⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾", "₀₁₂₃₄₅₆₇₈₉₍₎ₕₒ"
_SCRIPTS = rf"(?:\s*+(?:{_SUBSCRIPT}|{_SUPERSCRIPT}|{_PRIMES})|[{_SUPER}]+|[{_SUB}]+|[\u0302])"

_TOKEN = re.compile(
    rf"""
 (?P<AT>\\left\.[^|]{{1,120}}\\right\|_\{{[^{{}}]{{1,40}}\}})
|(?P<SPACE>\s+|\\[,;:!>\ ]|~|\{{\s*+\}}\s*+\^\s*+\{{\s*+\\dagger\s*+\}}|\{{\s*+\}}|\$+
   |\\(?:hspace|vspace|label|tag|phantom|hphantom|vphantom|cref|ref|eqref|color|footnote)\*?\s*+{_BRACED}
   |\\(?:displaystyle|textstyle|scriptstyle|limits|nolimits|notag|nonumber|mathstrut|strut|big[lrm]?|Big[lrm]?
     |bigg[lrm]?|Bigg[lrm]?|left\.|right\.|left|right|middle|shoveleft|shoveright|hfill|noindent|allowbreak|bf|rm|it
     |small|large|Large|normalsize|footnotesize|hline|dagger|checkmark)(?![A-Za-z])
   |\\begin\s*+\{{(?:aligned|gathered|split|alignedat|multlined)\}}(?:\[[a-z]\])?(?:\{{\d\}})?
   |\\end\s*+\{{(?:aligned|gathered|split|alignedat|multlined)\}})
|(?P<CELL>&+)
|(?P<DOTS>\\(?:[lcvd]?dots|dots[bcmio]|ldotp)(?![A-Za-z])|…|⋯|\.\.\.)
|(?P<GAP>\\q?quad(?![A-Za-z])|[;；、。：]|\.(?![\d=*])|:(?![\d=]))
|(?P<WRAP>\\(?:textcolor|colorbox|fcolorbox)\s*+\{{[^{{}}]{{0,40}}\}}\s*+(?=\{{)
   |\\(?:boxed|cancel|bcancel|fbox|ensuremath|mathop|mathrel|underline|underbrace|overbrace)\s*+(?=\{{)
   |\\(?:{_FONTS})\s*+(?=\{{\s*+[-−+]?\s*+(?!1\s*+\}})[\d.]+\s*+\}}))
|(?P<MEMBER>(?:\\in(?![A-Za-z])|∈)\s*+\\(?:mathbb|mathbf|mathrm|mathcal)\s*+\{{?\s*+[A-Z]\s*+\}}?(?:\s*+\^\s*+(?:{_BRACED}|\w))?)
|(?P<STATE>(?:\\hat\s*+\{{[mv]\}}|(?<![A-Za-z\\])[mv])\s*+(?:\\left)?\[(?!\s*+\d+\s*+\])[^\[\]]{{1,80}}(?:\\right)?\])
|(?P<NUM>(?:\d+(?:(?:\.|\{{,\}})\d*)?|\.\d+)(?:[eE][-+]?\d{{1,3}}(?![\w.])
   |\s*+(?:\\cdot|\\times|×|·|\*)\s*+10\s*+\^\s*+(?:\{{\s*+[-−–+]?\s*+\d{{1,3}}\s*+\}}|\d(?!\d))|\s*+(?:×|·|\*|\\times|\\cdot)\s*+10[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,3}})?)
|(?P<STOP>\\(?:Rightarrow|implies|Longrightarrow|iff|Leftrightarrow|therefore|because)(?![A-Za-z])|⇒|⟹|∴|=>)
|(?P<ARROW>\\(?:leftarrow|gets|longleftarrow|Leftarrow)(?![A-Za-z])|←|<-|\\(?:rightarrow|to|longrightarrow|mapsto)(?![A-Za-z])|→|->)
|(?P<REL>:=|==?|≡|≈|≃|≅|≒|≐|≔|∼|≝|\\(?:approx|simeq|fallingdotseq|doteq|doteqdot|cong|equiv|coloneqq|triangleq|sim|risingdotseq|approxeq|thickapprox)(?![A-Za-z])|\\stackrel\s*+{_BRACED}\s*+\{{=\}}|\\overset\s*+{_BRACED}\s*+\{{=\}})
|(?P<SUMSIGN>(?:\\sum(?![A-Za-z])|∑|Σ(?=\s*+_))(?:\s*+\\limits)?\s*+(?:(?:_\s*+(?P<low>\{{[^{{}}]*+\}}|\w))\s*+(?:\^\s*+(?P<high>\{{[^{{}}]*+(?:\{{[^{{}}]*+\}}[^{{}}]*+)?\}}|\w))?)?)
|(?P<TRANSPOSE>\^\s*+(?:\{{\s*+(?:\\[,;!\ ])*\s*+(?:\\top|\\intercal
     |\\mathsf\s*+\{{?T\}}?|\\mathrm\s*+\{{?T\}}?|\\text\s*+\{{T\}}|T|⊤)\s*+\}}|\\top|\\intercal|T(?![A-Za-z])|⊤)|ᵀ)
|(?P<NEW>\^\s*+(?:\{{\s*+(?:\\[,;!\ ])*\s*+
     (?:\\(?:mathrm|text|mathit)\s*+\{{\s*+)?\(?(?:new|neu|updated|next|\+)\)?\s*+\}}?\s*+\}}|\+|\*(?!\s*+\d)|\{{\s*+\*\s*+\}})
   |_\s*+\{{\s*+(?:\\(?:mathrm|text)\s*+\{{\s*+)?(?:new)\s*+\}}?\s*+\}})
|(?P<OLD>\^\s*+\{{\s*+(?:\\(?:mathrm|text|mathit)\s*+\{{\s*+)?\(?(?:old|alt|current)\)?\s*+\}}?\s*+\}}
   |_\s*+\{{\s*+(?:\\(?:mathrm|text)\s*+\{{\s*+)?old\s*+\}}?\s*+\}})
|(?P<ENTRYWISE>\\(?:odot|circ|ast(?=\s*+\\sigma'))(?![A-Za-z])|⊙|∘|\.\*)
|(?P<MUL>\\(?:times|cdot|ast|bullet|cdotp)(?![A-Za-z])|[×·⋅∙⋆*∗•])
|(?P<DIV>/|÷|\\div(?![A-Za-z])|∕|⁄)
|(?P<FRACDD>\\[dtc]?frac\s*+(?P<above>\d)\s*+(?P<below>\d)|[½⅓⅔¼¾])
|(?P<FRACD>\\[dtc]?frac\s*+\{{\s*+(?:d|\\mathrm\s*+\{{?\s*+d\s*+\}}?|\\text\s*+\{{d\}})(?=[^{{}}]*+(?:\{{[^{{}}]*+\}}[^{{}}]*+)*\}}\s*+\{{\s*+(?:d|\\mathrm\s*+\{{?\s*+d|\\text\s*+\{{d)))
|(?P<FRACN>\\[dtc]?frac\s*+(?P<one>\d)\s*+(?=\{{))
|(?P<FRAC>\\[dtc]?frac(?![A-Za-z]))
|(?P<SQRT>\\sqrt(?![A-Za-z])|√)
|(?P<PARTIAL>\\partial(?![A-Za-z])|[∂𝜕𝟃𝛛𝝏𝞉])
|(?P<DEE>(?<![A-Za-z\\_^])d(?=[A-Za-zα-ω]\w{{0,6}}(?:_\{{?[^\W_]++\}}?|\[[\d,]+\]|\^\S[^\s_^\[]{{0,3}})*\s*+/\s*+d[A-Za-zα-ω])|(?<=/)d(?=[A-Za-zα-ω]))
|(?P<NABLA>(?:\\nabla(?![A-Za-z])|∇)(?:\s*+_\s*+(?P<by>{_BRACED}|\\?[A-Za-z]+))?)
|(?P<INDICATOR>(?:\\(?:mathbb|mathbf|mathds|mathbbm|bm)\s*+\{{\s*+1\s*+\}}|\\(?:mathbb|mathbf|mathds)\s*+1|[𝟙𝟏])\s*+_?\s*+
     (?=(?:\\left\s*+|\\[bB]igg?l?\s*+)?[(\[{{]|\\\{{|\\left\s*+\\\{{))
|(?P<MATRIX>\\begin\s*+\{{(?:[bpBvV]?matrix\*?|smallmatrix|array)\}}(?:\[[a-z]\])?(?:\{{[clr|\s]+\}})?)
|(?P<ENDMATRIX>\\end\s*+\{{(?:[bpBvV]?matrix\*?|smallmatrix|array)\}})
|(?P<CASES>\\begin\s*+\{{[d]?cases\*?\}})
|(?P<ENDCASES>\\end\s*+\{{[d]?cases\*?\}})
|(?P<ROWEND>\\\\\*?(?:\s*+\[[^\[\]]{{1,12}}\])?)
|(?P<NORM>\\[lr]?Vert(?![A-Za-z])|\\\||‖)
|(?P<BAR>\\[lr]?vert(?![A-Za-z])|\|)
|(?P<GT>>=|>|\\(?:gt|geq?|geqslant)(?![A-Za-z])|≥)
|(?P<LT><=|<|\\(?:lt|leq?|leqslant)(?![A-Za-z])|≤)
|(?P<NE>\\neq?(?![A-Za-z])|≠|!=)
|(?P<COMMA>,|，)
|(?P<LP>[(（]|\\lparen(?![A-Za-z])|(?<=\\left)\[|\\lbrack(?![A-Za-z]))|(?P<RP>[)）]|\\rparen(?![A-Za-z])|(?<=\\right)\]|\\rbrack(?![A-Za-z]))
|(?P<LS>\[|\\\{{)|(?P<RS>\]|\\\}})
|(?P<LB>\{{)|(?P<RB>\}})
|(?P<OVER>\^\s*+\{{\s*+\\(?:text|textrm)\s*+{_BRACED}\s*+\}})
|(?P<CARET>\^|\*\*)
|(?P<PLUS>\+|＋)|(?P<MINUS>[-−–—‐‑﹣－])
|(?P<SQUARED>[²³])
|(?P<NAME>(?:(?:\\Delta\s*+|Δ\s*+)(?:\\theta(?![A-Za-z])|[wWbθ])|\{{\s*+\\(?:bf|rm|it)\s+\w\s*+\}}|\\(?:{_FONTS})\s*+(?:\{{\s*+\\?[A-Za-z]+\s*+\}}|[A-Za-z](?![A-Za-z]))
   |\\(?:{_ACCENTS})\s*+(?:\{{\s*+\\(?:mathbf|boldsymbol|bm)\s*+\{{\s*+\\?[A-Za-z]+\s*+\}}\s*+\}}
       |\{{\s*+(?:\\(?:mathbf|boldsymbol|bm)\s+)?\\?[A-Za-z]+\d{{0,3}}(?:\s*+_\s*+(?:\{{\s*+\w{{1,4}}\s*+\}}|\w))?\s*+\}}|\\?[A-Za-z](?![A-Za-z]))
   |\\(?:{_GREEK}|{_FUNCTIONS}|min|sin|cos|sinh|cosh)(?![A-Za-z])|(?:{_WORDS}|{_FUNCTIONS})(?![A-Za-z])
   |d(?:[aAzZwWbB]|\\theta|out|net)(?=[_\[\^0-9\s*=]|$)
   |(?:[abzynsu]|net|out|in|delta)[ho](?=\d)|[ŷŶ]
   |(?:delta|sigma|theta|eta|alpha)(?![A-Za-z])|[A-Za-zα-ωΑ-Ωϵϑϕℓℒ])(?:\d{{1,3}}(?:_\d)?(?![\d.]))?
   {_SCRIPTS}*+(?:\[(?:[lL]|\d)\s*+[-+]?\s*+\d?\](?!\[)|\[\d{{1,3}}(?:\s*+,\s*+\d{{1,3}})?\](?:\[\d{{1,3}}\])?)?(?:[@\#]\d{{1,6}})*)
|(?P<TEXT>\\(?:text|textrm|textit|textbf|textsf|mbox|hbox|mathrm|mathit|textsc)\s*+\{{)
|(?P<PRIME>{_PRIMES})
|(?P<LABEL>_\s*+(?:{_BRACED}|\w|\\(?:text|textrm|mathrm)\s*+{_BRACED}))
""",
    re.VERBOSE,
)
_E = re.compile(r"(?:e|\\mathrm\s*+\{\s*+e\s*+\}|\\text\s*+\{\s*+e\s*+\})(?=\s*+\^)")
_CALLED = re.compile(
    rf"^(?:\\(?:{_FONTS})\s*+)?\{{?\s*+\\?(?:{_FUNCTIONS}|Phi|sigma|phi|varphi|psi|[σφϕψ]|[hfgFGoELJCsS]|Loss|loss|cost|Cost)\s*+\}}?"
    rf"(?:{_SCRIPTS})*+"
)
_STRAY = re.compile(r"\\[A-Za-z]{1,30}|[\u0370-\uffff]{1,30}")
_TRANSPOSED_INSIDE = re.compile(r"(\^\s*+\{\s*+(?:[(\[][^()\[\]{}]*[)\]]|\w))\s*+(?:T|\\top|\\intercal)\s*+\}")
_PRIMES_INSIDE = re.compile(r"(\^\s*+\{\s*+[(\[][^()\[\]{}]*[)\]])\s*+(?:(?:\\prime)+|'+)\s*+\}")
_LAYER_AFTER = re.compile(
    r"((?:d|\\[A-Za-z]+\s*+\{\s*+)?[ZAWBbzag]\s*+\}?|\\?delta|δ)\[((?:[lL]|\d)\s*+(?:[-+]\s*+\d)?)\]"
)
_WORD_BELOW = re.compile(r"_([A-Za-z]{3,}\d*)")
_BARE_CALL = re.compile(r"\\?(?:exp|log|ln|tanh)")
_WORDS_ONLY = re.compile(
    rf"\\(?:{_FONTS})\s*+\{{\s*+"
    rf"(?!(?:{_WORDS.replace('|in|', '|')}|{_FUNCTIONS}|{_GREEK}|E|dtanh)\s*+\}})[A-Za-z]{{2,}}\s*+\}}"
)
_WORD_CALLED = re.compile(
    rf"\\(?:{_FONTS})\s*+\{{(?!(?:if|for|where|and|or|otherwise|since|with|when|so|then|is)\}})[A-Za-z]{{2,}}\}}(?:{_SCRIPTS})*+"
    r"(?=(?:\\left)?\s?[(（])"
)
_OPENS = re.compile(r"\s{0,40}+(?:\\left|\\[bB]igg?l?|\\!)?\s{0,40}+(?:\{\s{0,40}+)?(?:\\left\s{0,40}+)?[(（\[]")
_NUMBER_POWER = re.compile(
    r"(?<!\s)\s*+(?:\\cdot|\\times|×|·|\*)\s*+10\s*+\^?\s*+\{?\s*+([-−–+⁻⁺]?)\s*+([\d⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})\s*+\}?$"
)
_ELL = re.compile(r"\\ell(?![A-Za-z])")
_WIDE = {ord(a): ord(b) for a, b in zip("０１２３４５６７８９．＝＊／｛｝＾＿", "0123456789.=*/{}^_", strict=True)}
_LEFT_OUT = ("SPACE", "WRAP", "LABEL", "OVER", "OLD")
_CALLED_AS = {"MEMBER": "NOTE", "DEE": "PARTIAL"}  # the shape of something says nothing about its numbers
_VULGAR = {"½": "1|2", "⅓": "1|3", "⅔": "2|3", "¼": "1|4", "¾": "3|4"}
_PLAIN_SUPER = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def tokens(text: str, *, place: Callable[[int], tuple[int, int]] = lambda k: (1, k + 1)) -> list[Tok]:
    """The tokens of a row.  `place` gives (line, column) of a character.  Raises NotRead."""
    if len(text) > LONGEST_ROW:
        raise NotRead(f"a row of more than {LONGEST_ROW} characters", *place(0))
    out: list[Tok] = []
    depth = signs = inside = strays = 0
    text = respelled(_ELL.sub("l   ", text.translate(_WIDE)))  # as long as before: places stay as they are
    for kind, written, start in _cut(text, place):
        line, column = place(start)
        inside += (kind in ("MATRIX", "CASES")) - (kind in ("ENDMATRIX", "ENDCASES"))
        if kind in ("CELL", "ROWEND") and not inside:
            labels = [t.kind for t in out] == ["NUM"]  # a row's number in a table
            if kind == "CELL" and out and _ends_column(text, start + len(written), out[-1].kind, labels):
                out.append(Tok("STOP", "&", line, column))
            continue
        depth += kind in ("LP", "LB", "LS", "MATRIX", "CASES")
        depth -= kind in ("RP", "RB", "RS", "ENDMATRIX", "ENDCASES")
        signs = signs + 1 if kind in ("PLUS", "MINUS") else 0
        if depth > DEEPEST or signs > 3:
            raise NotRead("nested too deeply" if depth > DEEPEST else "too many signs in a row", line, column)
        strays += kind == "STRAY"
        if strays > MOST_STRAYS:
            raise NotRead(f"{_shown(written)} is not understood", line, column)
        if kind == "NAME" and len(written) > LONGEST_NAME:
            raise NotRead(f"a name of more than {LONGEST_NAME} characters", line, column)
        if len(out) >= MOST_TOKENS:
            raise NotRead(f"a row of more than {MOST_TOKENS} signs", line, column)
        out.append(Tok(kind, written, line, column))
    return out


_OPERATOR = re.compile(
    r"\s{0,40}+(?:$|[&=<>≈≒≃∼+\-−–*·×/,;:.)\]}]|\\(?:approx|simeq|equiv|sim|cdot|times|quad|qquad|text|mathrm|scriptstyle|left(?:arrow)?|gets|to|odot|label|tag|\\|,|;|\s)"
    r"|\\end|\\hline|:=)"
)
_RELATION = re.compile(r"\s{0,40}+(?:[&=<>≈≒≃∼]|:=|\\(?:approx|simeq|equiv|sim|le|ge))")
_OPEN = ("REL", "ARROW", "PLUS", "MINUS", "MUL", "DIV", "ENTRYWISE", "LP", "LB", "LS", "COMMA", "STOP", "GAP", "NOTE")


def _ends_column(text: str, at: int, before: str, labels: bool) -> bool:
    """Whether & parts two formulas, as in a = 1 & b = 2, and is no mere place to align at."""
    begins = _RELATION if labels else _OPERATOR
    return before not in _OPEN and not begins.match(text, at) and "=" in text[at:]


def _cut(text: str, place: Callable[[int], tuple[int, int]]) -> Iterator[Piece]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            stray = _STRAY.match(text, at)
            yield "STRAY", stray[0] if stray else text[at], at
            at = stray.end() if stray else at + 1
            continue
        kind, start, at = found.lastgroup or "", at, found.end()
        if kind in _LEFT_OUT:
            continue
        if kind == "NAME":
            pieces, at = _name(text, start, at)
            yield from pieces
        elif kind == "TEXT":
            piece, at = _words(text, start, at)
            yield piece
        elif kind == "FRACN":
            yield from _one_digit_above(found)
        elif kind == "FRACD":
            second = closing_brace(text, text.index("{", start))
            yield from _denominator(text, start, at, second, place)
            at = _after_d(text, second)
        else:
            written = _content(kind, found)
            if kind == "NUM" and len(written) > LONGEST_NUMBER:
                raise NotRead("a number of too many digits", *place(start))
            yield _CALLED_AS.get(kind, kind), written, start


def _name(text: str, start: int, end: int) -> tuple[list[Piece], int]:
    """What a name is, the base of exp, a transposed one, a function or words, and where it ends."""
    head = _E.match(text, start)
    if head and head.end() <= end:
        return [("EULER", "e", start)], head.end()
    written, transposed = _TRANSPOSED_INSIDE.subn(r"\1}", text[start:end])
    if transposed:
        return [("NAME", written, start), ("TRANSPOSE", "^T", end - 1)], end
    written = _LAYER_AFTER.sub(r"\1^{[\2]}", written).replace("ŷ", r"\hat{y}")
    written = _WORD_BELOW.sub(r"_{\1}", written)
    written = _PRIMES_INSIDE.sub(r"\1}'", written)
    called = _WORD_CALLED.match(text, start)
    if called and called.end() == end:
        return [("FUNC", called[0], start)], end
    if _WORDS_ONLY.fullmatch(written):
        return [("DOTS" if "undefined" in written else "NOTE", written, start)], end
    is_call = _CALLED.fullmatch(written) and (_OPENS.match(text, end) or _BARE_CALL.match(written))
    return [("FUNC" if is_call else "NAME", written, start)], end


def _words(text: str, start: int, end: int) -> tuple[Piece, int]:
    r"""\text{...}: a function that is applied, or words; and where it ends."""
    called = _WORD_CALLED.match(text, start)
    if called:
        return ("FUNC", called[0], start), called.end()
    closing = closing_brace(text, end - 1)
    if closing < 0:
        return ("STRAY", "{", start), end
    return ("NOTE", text[end:closing].strip(), start), closing + 1


def _content(kind: str, found: re.Match[str]) -> str:
    """What the grammar is given of a token: of a sum its bounds, of a nabla what it is by."""
    if kind == "NUM":
        return _number(found[0])
    if kind == "SUMSIGN":
        low, high = (found[part] or "" for part in ("low", "high"))
        return f"{low.strip('{} ')}|{high.strip('{} ')}"
    if kind == "NABLA":
        return found["by"] or ""
    if kind == "FRACDD":
        return _VULGAR.get(found[0]) or f"{found['above']}|{found['below']}"
    return found[0]


def _one_digit_above(found: re.Match[str]) -> Iterator[Piece]:
    r"""\frac 1 {2}: what stands above without braces."""
    at = found.start()
    yield from (("FRAC", "\\frac", at), ("LB", "{", at), ("NUM", found["one"], at), ("RB", "}", found.end()))


def _denominator(
    text: str, start: int, above: int, end: int, place: Callable[[int], tuple[int, int]]
) -> Iterator[Piece]:
    """dE/dw with roman d: the d above, what stands behind it, the braces, the d below."""
    yield from (("FRAC", "\\frac", start), ("LB", "{", start), ("PARTIAL", "d", start))
    for kind, token, own in _cut(text[above:end], lambda k: place(above + k)):
        yield kind, token, above + own
    yield from (("RB", "}", end), ("LB", "{", end), ("PARTIAL", "d", end))


_D = re.compile(r"\}\s*+\{\s*+(?:d|\\mathrm\s*+\{?\s*+d\s*+\}?|\\text\s*+\{d\})")


def _after_d(text: str, end: int) -> int:
    found = _D.match(text, end)
    return found.end() if found else end + 1


def _number(written: str) -> str:
    """A number as Python reads it: 1.2 * 10^{-5} is 1.2e-5, 3{,}14 is 3.14."""
    text = written.replace("{,}", ".")
    found = _NUMBER_POWER.search(text)
    if found:
        sign = "-" if found[1] in ("-", "−", "–", "⁻") and found[1] else ""
        text = f"{text[: found.start()]}e{sign}{found[2].translate(_PLAIN_SUPER)}"
    text = text.strip()
    return f"0{text}" if text.startswith(".") else text.removesuffix(".")


def _shown(text: str) -> str:
    clean = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text))
    return f"'{clean.strip() or ' '}'"
