r"""What a printed derivation must pass: the source itself, the TeX log, KaTeX in strict mode, MathJax, MathML Core.

Each gate returns the list of its complaints.  A gate whose tool is absent is skipped by the tests (`have_node`,
`have_tex`).  KaTeX knows no \label: it is taken out before KaTeX sees a formula, and only then (a derivation has labels
only where a label prefix is asked for).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

__all__ = [
    "compiled",
    "displays",
    "have_node",
    "have_tex",
    "page_faults",
    "rendered",
    "source_faults",
    "wrapped",
]

HERE = Path(__file__).parent
MODULES = Path(os.environ.get("BPTRACE_NODE_MODULES", HERE / "node_modules"))

have_node = shutil.which("node") is not None and (MODULES / "katex").is_dir() and (MODULES / "mathjax").is_dir()


def have_tex(engine: str = "pdflatex") -> bool:
    """Whether the engine is there, lualatex together with luatexja."""
    if shutil.which(engine) is None or shutil.which("kpsewhich") is None:
        return False
    needs = ["amsmath.sty", "tikz.sty", "beamer.cls"] + (["luatexja.sty"] if engine == "lualatex" else [])
    return all(subprocess.run(["kpsewhich", name], capture_output=True, check=False).returncode == 0 for name in needs)


# --- the source ---

ENVIRONMENTS = {"document", "center", "tikzpicture", "frame", "align", "aligned", "gathered", "cases"}
ENVIRONMENTS |= {"pmatrix", "smallmatrix"}
COMMANDS = {
    r"\begin",
    r"\end",
    r"\frac",
    r"\tfrac",
    r"\sqrt",
    r"\partial",
    r"\sum",
    r"\sin",
    r"\cos",
    r"\min",
    r"\ldots",
    r"\neq",
    r"\operatorname",
    r"\Delta",
    r"\mathrm",
    r"\cdot",
    r"\times",
    r"\odot",
    r"\left",
    r"\right",
    r"\text",
    r"\scriptstyle",
    r"\notag",
    r"\label",
    r"\approx",
    r"\le",
    r"\quad",
    r"\exp",
    r"\log",
    r"\tanh",
    r"\max",
    r"\infty",
    r"\dagger",
    r"\top",
    r"\Phi",
    r"\pi",
    r"\delta",
    r"\theta",
    r"\eta",
    r"\mu",
    r"\beta",
    r"\epsilon",
    r"\sigma",
    r"\tau",
    r"\hat",
    r"\mathit",
    r"\mathcal",
    r"\mathbf",
    r"\boldsymbol",
    r"\underline",
    r"\hspace",
    r"\cdots",
    r"\underset",
    r"\Bigl",
    r"\Bigr",
}
GREEK = "alpha gamma zeta kappa lambda nu xi rho phi chi psi omega"
COMMANDS |= {rf"\{letter}" for letter in GREEK.split()}
_DISPLAY = re.compile(r"\\begin\{(align|aligned)\}(.*?)\\end\{\1\}", re.S)
_WORDS = re.compile(r"\\text\{(?:[^{}$]|\$[^$]*\$)*\}")


def displays(latex: str) -> list[str]:
    """Every display of a LaTeX or Markdown document, each with its environment."""
    if "$$" in latex:
        return [part.strip() for part in latex.split("$$")[1::2]]
    return re.findall(r"\\begin\{align\}.*?\\end\{align\}", latex, re.S)


def source_faults(latex: str) -> list[str]:
    """What is wrong by reading alone: braces, environments, commands, numbers of programs, letters beyond ASCII."""
    out = []
    bare = latex.replace("\\\\", "\n").replace(r"\{", "").replace(r"\}", "")
    depth = 0
    for c in bare:
        depth += (c == "{") - (c == "}")
        if depth < 0:
            break
    if depth:
        out.append("braces do not balance")
    open_: list[str] = []
    for which, name in re.findall(r"\\(begin|end)\{(\w+\*?)\}", latex):
        if name not in ENVIRONMENTS:
            out.append(f"environment {name}")
        if which == "begin":
            open_.append(name)
        elif not open_ or open_.pop() != name:
            out.append(f"\\end{{{name}}} without its \\begin")
    out += [f"\\begin{{{name}}} without its \\end" for name in open_]
    if len(re.findall(r"(?<!\\)\$", latex)) % 2:
        out.append("an odd number of $")
    if re.search(r"^[^%\n]*[^\\%\n]%", latex, re.M):
        out.append("a stray % comments out the rest of a line")
    out += [f"label {label} twice" for label, n in Counter(re.findall(r"\\label\{([^}]*)\}", latex)).items() if n > 1]
    if not displays(latex):
        out.append("no display")
    for display in displays(latex):
        out += _display_faults(display)
    return out


def _display_faults(display: str) -> list[str]:
    out = [f"blank line in {display[:60]!r}"] if re.search(r"\n\s*\n", display) else []
    out += [f"_ in {words}" for words in _WORDS.findall(display) if "_" in re.sub(r"\$.*?\$", "", words)]
    math = re.sub(
        r"\\(label|hspace|rule\{0pt\})\{[^}]*\}|\\(begin|end)\{\w+\}|\[[0-9.]+ex\]", "", _WORDS.sub("", display)
    )
    letters = sorted({c for c in math if ord(c) > 126})
    out += [f"{letters} in mathematics"] if letters else []
    out += [f"command {c}" for c in sorted(set(re.findall(r"\\[A-Za-z]+", math)) - COMMANDS)]
    if math.count(r"\left") - math.count(r"\leftarrow") != math.count(r"\right") - math.count(r"\rightarrow"):
        out.append(r"\left and \right do not pair")
    out += [f"{found} is a program's number" for found in re.findall(r"\d[eE][+-]?\d+", math)]
    plain = re.sub(r"\\[A-Za-z]+|\\mathit\{[^}]*\}", " ", re.sub(r"\\math(it|rm)\{[^}]*\}", " ", math))
    out += [f"{found} is no number" for found in re.findall(r"\b(?:nan|inf|NaN|None)\b", plain)]
    for found in re.finditer(r"\\t?frac", math):
        if not _two_groups(math[found.end() :]):
            out.append(rf"\frac without two arguments: {math[found.start() : found.start() + 40]}")
    body = re.sub(r"^\\begin\{\w+\}|\\end\{\w+\}$", "", display)
    while (inner := re.sub(r"\\begin\{(\w+)\}(?:(?!\\begin).)*?\\end\{\1\}", "", body, flags=re.S)) != body:
        body = inner
    for row in re.split(r"\\\\", body):
        if row.count("&") not in (1, 3):
            out.append(f"a row with {row.count('&')} &: {row.strip()[:60]}")
    return out


def _two_groups(text: str) -> bool:
    for _ in range(2):
        if not text.startswith("{"):
            return False
        depth = end = 0
        while end < len(text):
            depth += (text[end] == "{") - (text[end] == "}")
            end += 1
            if depth == 0:
                break
        text = text[end:]
    return True


# --- TeX ---

_BAD = re.compile(
    r"^!.*|^Overfull.*|^.*Missing character.*|^.*undefined.*|^.*multiply.defined.*|^.*invalid in math.*",
    re.M,
)


def wrapped(fragment: str, *, japanese: bool = False) -> str:
    """A fragment in a document of LaTeX's own width."""
    fonts = [r"\usepackage{luatexja}"] if japanese else []
    head = [r"\documentclass{article}", r"\usepackage{amsmath}", *fonts, r"\allowdisplaybreaks", r"\begin{document}"]
    return "\n".join([*head, fragment, r"\end{document}"])


def compiled(latex: str, engine: str = "pdflatex", keep: Path | None = None) -> list[str]:
    """What the log of one run says: errors, overfull boxes, missing characters, undefined or double references."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "document.tex"
        source.write_text(latex, encoding="utf-8")
        environment = {**os.environ, "max_print_line": "1000"}
        done = subprocess.run(
            [engine, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", source.name],
            cwd=folder,
            env=environment,
            capture_output=True,
            timeout=300,
            check=False,
        )
        log = source.with_suffix(".log")
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        if keep and source.with_suffix(".pdf").exists():
            shutil.copy(source.with_suffix(".pdf"), keep)
    out = [found[0] for found in _BAD.finditer(text) if "fontspec" not in found[0] and "Font shape" not in found[0]]
    return out + ([f"{engine} ended with {done.returncode}"] if done.returncode and not out else [])


# --- KaTeX, MathJax ---


def rendered(formulas: Iterable[str]) -> list[str]:
    """What KaTeX (strict) and MathJax say against displays, each said with its formula."""
    formulas = [re.sub(r" ?\\label\{[^}]*\}", "", formula) for formula in formulas]
    done = subprocess.run(
        ["node", str(HERE / "displays.cjs")],
        input=json.dumps(formulas),
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
        env={**os.environ, "BPTRACE_NODE_MODULES": str(MODULES)},
    )
    return [f"{name}: {message} in {formulas[k][:200]}" for k, name, message in json.loads(done.stdout)]


# --- pages ---

CORE = {
    "math",
    "mrow",
    "mi",
    "mn",
    "mo",
    "mtext",
    "mspace",
    "mfrac",
    "msqrt",
    "mroot",
    "msub",
    "msup",
    "msubsup",
    "munder",
    "mover",
    "munderover",
    "mtable",
    "mtr",
    "mtd",
    "mstyle",
    "mpadded",
    "mphantom",
}
PAGE = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "section", "div", "p"}


def page_faults(page: str) -> list[str]:
    """A page is well-formed XML, of MathML Core's elements, without a script or an address."""
    out = [f"{word} in the page" for word in ("<script", "://", "src=", "url(", "href") if word in page]
    try:
        root = ET.fromstring(page.removeprefix("<!DOCTYPE html>"))
    except ET.ParseError as error:
        return [*out, f"not well-formed: {error}"]
    for element in root.iter():
        if element.tag not in CORE | PAGE:
            out.append(f"element {element.tag}")
        counts = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2}
        if counts.get(element.tag, len(element)) != len(element):
            out.append(f"{element.tag} with {len(element)} children")
        if element.tag in ("mi", "mn", "mo") and not (element.text or "").strip():
            out.append(f"an empty {element.tag}")
    return out
