"""LaTeX that a problem file gives for a name: what draws a sign is taken, everything else refused."""

from __future__ import annotations

import pytest

from derivations.latex_names import check_latex_name
from tracer import ProblemError, loads

NAMES = [
    *("w_5", r"\hat{\delta}_{j}^{(2)}", r"\mathit{net}_{h{j}}", r"\text{out h}", "w'^2", r"\bar w_{1,2}", "誤差_1"),
    *(r"\mathit{out\_h}_1", r"W^{[1]}_{{j}{k}}", r"\delta^*", r"\mathcal{L}", r"\operatorname{net}_{o1}", "E"),
]
OTHERS = [
    *(r"\input{/etc/passwd}", r"\write18{id}", r"\text{</script>}", r"\mathrm{<b onload=x>}", r"\def\a{b}"),
    *(
        r"\csname input\endcsname",
        "^^41",
        "a%",
        "a$b",
        r"a\\b",
        "a&b",
        "#1",
        "~",
        "`",
        "|",
        "\\",
        "w}",
        "{w",
        "w_",
        "w^",
    ),
    *("w^2^3", "w_1_2", "_2", r"\hat", r"\hat_1", r"\text w", r"\text{a_b}", "a\n\nb", "a\u202eb", "{" * 40 + "}" * 40),
    *(r"\hat" * 30, "w" * 121, r"\href{x}{y}", r"\includegraphics{x}", r"\rule{9cm}{9cm}", r"\\[99cm]"),
]


@pytest.mark.parametrize("latex", NAMES)
def test_letters_indices_and_accents_are_names(latex: str) -> None:
    """As courses write them, with placeholders."""
    check_latex_name(latex)


@pytest.mark.parametrize("latex", OTHERS)
def test_everything_else_is_refused(latex: str) -> None:
    """Files, definitions, what ends the formula or the document, and what is no LaTeX."""
    with pytest.raises(ValueError, match="latex: ") as told:
        check_latex_name(latex)
    assert "\n" not in str(told.value)


def test_a_problem_file_says_where() -> None:
    """The name is named, and what to write."""
    from tracer.template import new_problem

    text = new_problem("2-2-1", activation="sigmoid", output=None, loss=None, rate="0.1") + "\n[names]\n"
    assert loads(text + 'w5 = {quantity = "W1[1,1]", latex = "\\\\hat{w}_5"}\n').names
    with pytest.raises(ProblemError, match=r"names\.w5: latex: '\\input' is no part of a name; write letters"):
        loads(text + 'w5 = {quantity = "W1[1,1]", latex = "\\\\input{x}"}\n')
