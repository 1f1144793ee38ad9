"""Problem files with equations that cannot be used: one line, where, what, what now; nothing is tried in vain."""

from __future__ import annotations

import random
import resource
import string
from pathlib import Path
from typing import Any

import pytest
from processor import within

from tracer import ProblemError, load, loads, trace
from tracer.cli import main

ONE = 'equations = "E = (w*x - t)^2"\n'
NUMBERS = "[parameters]\nw = 1\n[given]\nx = 2\nt = 3\n"
TRAINED = NUMBERS + "[training]\nlearning_rate = 0.1\n"
MATRIX = "[parameters]\nW = [[1,2],[3,4]]\n[given]\nx = [1,2]\nt = [0,1]\n"
LOOKED_UP = "[parameters]\nw=1\nT=[1,2]\n[given]\nx=2\nt=3\n"


def said(lines: str, numbers: str = NUMBERS) -> str:
    return f'equations = """\n{lines}\n"""\n{numbers}'


BAD = {
    "equations = 5\n" + NUMBERS: "equations: '5' is not a text",
    'equations = ""\n' + NUMBERS: "equations: is empty; write one equation a line",
    'equations = ["E = w"]\n' + NUMBERS: "equations: a list is not a text",
    ONE: "parameters: missing; write what is trained",
    ONE + "[parameters]\n": "parameters: missing",
    ONE + "[parameters]\nw=1\n": "line 1: x is not known: give it numbers, or an equation 'x = ...'",
    ONE + NUMBERS + '[network]\nloss="squared_error"\n': "network: belongs to files with layers",
    ONE + NUMBERS + "[[samples]]\nx=[1]\n": "samples: belongs to files with layers",
    ONE + NUMBERS + "[marking]\naccept=[]\n": "marking: belongs to files with layers",
    ONE + NUMBERS + 'objective = "E"\n': "given.objective: is no array's numbers; move this line above the first",
    ONE + NUMBERS + "gates = true\n": "given.gates: is no array's numbers; move this line above",
    ONE + TRAINED + 'objective="E"\n': "training.objective: unknown field",
    ONE + NUMBERS + "[training]\n": "training.learning_rate: missing; write learning_rate = 0.1",
    ONE + TRAINED + 'reduction="mean"\n': "does nothing here: files with layers have it; here the equations say it",
    ONE + TRAINED + "update_biases=false\n": "does nothing here: it is for layers; put what stays under [given]",
    ONE + TRAINED + 'samples="apart"\n': '"apart" needs the letter that counts samples; write sample = "n" too',
    ONE + TRAINED + 'sample="n"\n': "no index of the equations is called n",
    ONE + TRAINED + 'sample="nn"\n': "'nn' is no letter of an index",
    ONE + TRAINED + "sample=3\n": "'3' is no letter of an index",
    ONE + TRAINED + "momentum=0.9\n": "does not belong to sgd",
    ONE + NUMBERS + '[training]\noptimizer="adam"\n': "training.learning_rate: missing",
    ONE + NUMBERS + "[training]\nlearning_rate=-1\n": "is below 0",
    "gates = 1\n" + ONE + NUMBERS: "neither true nor false",
    "objective = 3\n" + ONE + NUMBERS: "objective: '3' is no name",
    'objective = "L"\n' + ONE + NUMBERS: "no equation gives L: write 'L = ...', or name the one to differentiate",
    'inputs = ["y"]\n' + ONE + NUMBERS: "inputs: 'y' has no numbers under [given]",
    "inputs = [1]\n" + ONE + NUMBERS: "is not a list of names; write inputs",
    "title = 3\n" + ONE + NUMBERS: "title: '3' is not a short text",
    "extra = 3\n" + ONE + NUMBERS: "extra: unknown field; known are title, equations",
    ONE + NUMBERS + '[names]\na = "b"\n': "names.a: 'b' is not a quantity of this computation",
    ONE + NUMBERS + "[names]\na = 5\n": "is not a quantity's name",
    ONE + NUMBERS + '[names]\na = {quantity="w", latex="\\\\input{x}"}\n': "is no part of a name",
    said("E = Σ_i w[i]*x*t", NUMBERS.replace("w = 1", "w = [1,2]")) + '[names]\na = "w[3]"\n': "is no entry of w",
    said("E = Σ_i w[i]*x*t", NUMBERS.replace("w = 1", "w = [1,2]")) + '[names]\n"a[i]" = "w[j]"\n': "must have each",
    ONE + NUMBERS + '[sheet]\nask = ["q"]\n': "sheet.ask[1]: 'q' is not a quantity of this computation",
    ONE + NUMBERS + '[sheet]\nask = "E"\n': "is not a list of names",
    ONE + NUMBERS + '[sheet]\nnotation="ng"\n': "sheet.notation: unknown field",
    ONE + NUMBERS.replace("w = 1", 'w = "a"'): "parameters.w: 'a' is not a number",
    ONE + NUMBERS.replace("w = 1", "w = [1,[2]]"): "make them alike",
    ONE + NUMBERS.replace("w = 1", "w = []"): "is an empty list",
    ONE + NUMBERS.replace("w = 1", "w = 1e400"): "is too large",
    ONE + NUMBERS + "u = 4\n": "u is given, and no equation reads it: use it, or leave it out",
    ONE + NUMBERS + "w = 4\n": "'w' stands under [parameters] too",
    ONE + NUMBERS.replace("w = 1", 'w = {random="normal", shape=[2]}'): "seed: missing",
    ONE + NUMBERS.replace("w = 1", 'w = {random="normal", shape=[99999,99999], seed=1}'): "more than 2000000 numbers",
    ONE + "parameters = 5\n": "'5' is not a table",
    ONE + "[parameters]\nλ = 1\n": 'write "λ" = ..',
    said("E = w*x - t)"): "a bracket is missing?",
    said("E = (w*x - t"): "here ')' is expected, and the line ends",
    said("E == w*x*t"): "here a number or a name is expected, not '='",
    said("w*x*t"): "here '=' is expected, not '*'",
    said("E = w*x*t\nE = w"): "line 2: E has an equation already",
    said("E[i] = w*x*t"): "how far i runs is not known: state it",
    said("E = w*x*t + y"): "y is not known",
    said("E = wx*t"): "wx is not known: write a product with its sign, w*x",
    said("E = exp w*x*t"): "as a function it has a bracket, exp(..)",
    said("E = e^w*x*t"): "write exp(x) for e^x",
    said("w = x*t\nE = w"): "w is given and has an equation too",
    said("a = b + w*x*t\nb = a\nE = b"): "depend on each other in a circle",
    said("h[1] = tanh(w*x)\nh[2] = tanh(w*t + x*h[1])\nE = h[2]"): "write h[t] = .. h[t-1] with a letter",
    said("E = softmax_k(w)*x*t"): "softmax stands alone on the right side",
    said("E = softmax(w)*x*t"): "write softmax_i(..) with the letter it runs over",
    said("E = Σ_i w*x*t"): "how far i runs is not known",
    said("E = Σ_ij w*x*t"): "write Σ_{i,j}",
    said("E = Σ_{i=1}^n w*x*t"): "a range has numbers, Σ_{i=1..3}",
    said("E = Σ_{i<j} w*x*t"): ".. if j > i else 0",
    said("E = Π_i w[i]*x*t"): "there is no product over a letter",
    said("E = w^x*t", NUMBERS.replace("x = 2", "").replace("w = 1", "w = 1\nx = 2")): "stands in an exponent",
    said("E = w.x*t"): "write 0.5 for a decimal",
    said("E = w@x*t"): "'@' is no part of an equation",
    said("E = __import__('os')*w*x*t"): "is no part of an equation",
    said("E = w*x*t; import os"): "write each equation on a line of its own",
    said("E = w**x**t"): "a power of a power",
    said("y[k] = W[k,i]*x[i]\nE = Σ_k (y[k]-t[k])^2", MATRIX): "line 1: i stands on the right alone: write Σ_i",
    said("y[k] = Σ_i W[k,i]*x[i]\nE = Σ_k (y[k]-t[j])^2", MATRIX): "line 2: j stands on the right alone",
    said("y[k] = Σ_i W[k,i,i]*x[i]\nE = Σ_k (y[k]-t[k])^2", MATRIX): "W has 2 indices, 3 are written",
    said("y[k] = Σ_i W[k][i]*x[i]\nE = Σ_k (y[k]-t[k])^2", MATRIX): "stand in one bracket: write A[j,i]",
    said("y[k] = Σ_i W_ki*x[i]\nE = Σ_k (y[k]-t[k])^2", MATRIX): "an index stands in brackets: write W[k,i]",
    said("y[k] = W·x\nE = Σ_k (y[k]-t[k])^2", MATRIX): "W has 2 indices, 0 are written: write W[i,j]",
    said("y[k] = Σ_i W[k,i]*x[i+1]\nE = Σ_k (y[k]-t[k])^2", MATRIX): "or say 'x is 0 outside'",
    said("y[k] = Σ_i W[k,i]*x[i]\nE = Σ_k (y[k]-t[0])^2", MATRIX): "indices are counted from 1",
    said("for i = 1..3\ny[k] = Σ_i W[k,i]*x[i]\nE = Σ_k (y[k]-t[k])^2", MATRIX): "i runs over 1..3 (as stated), but",
    said("for i = 1..1000000000\nE = w*x*t"): "an index goes up to 1000000",
    said("for p = 1..1500\nfor q = 1..1500\na[p,q] = w*x\nE = Σ_{p,q} a[p,q]*t"): "more than 2000000",
    said("for t = 1..100000\nh[0] = w\nh[t] = h[t-1]*x\nE = h[|t|]*t"): "t is an index and the name of an array too",
    said("for s = 1..100000\nh[0] = w\nh[s] = h[s-1]*x\nE = h[|s|]*t"): "more than 1500 values are worked one after",
    said("\n".join(f"a{k} = w*x" for k in range(1001)) + "\nE = a1*t"): "more than 1000 lines",
    said("\n".join(f"a{k} = w*x*t" for k in range(600)) + "\nE = a1"): "are more than 500",
    said("f(a) = f(a)+1\nE = f(w)*x*t"): "f is not a function",
    said("sin(a) = a\nE = w*x*t"): "sin is a function already",
    said("f(a) = a*b\nE = f(w)*x*t"): "b among the arguments where f is called",
    said("f(a)=a\nE = f(w,x)*t"): "f takes 1 number, not 2",
    said("E = w*x*t if x else 0"): "a comparison with >, <, >= or <=",
    said("E = w if x = 1 else t"): "equal indices are [i = j]",
    said("E = w*x*t if x > 0"): "here 'else' is expected",
    said("x is 0 inside\nE = w*x*t"): "here 'x is 0 outside' is expected",
    said("q is 0 outside\nE = w*x*t"): "q is not known",
    said("for i = 3..1\nE = w*x*t"): "a range goes upwards",
    said("E = " + "(" * 300 + "w" + ")" * 300 + "*x*t"): "nested too deeply",
    said("E = " + "+".join(["w*x*t"] * 2000)): "longer than 2000 characters",
    said("h[1] = w\nh[3] = x\nE = h[1]*t*h[3]"): "h[2] has no equation, though entries before and after it have",
    said("dw = x\nE = w*dw*t"): "dw is a name of yours, and the step needs it",
    said("E = mean_i(w)^2*x*t"): "is the mean raised to the power",
    said("E = w[1]*x*t"): "w has no index, 1 are written: write w alone",
    said("E = |w|*x*t"): "abs(w) the size of a number",
    said("E = T[q]*w*x*t", LOOKED_UP + "q=5\n"): "q is 5, but index 1 of T runs over 1..2",
    said("E = T[q]*w*x*t", LOOKED_UP + "q=1.5\n"): "q stands as an index: give it whole numbers",
    said("E = T[w]*x*t", LOOKED_UP): "w stands as an index: give it whole numbers",
    said("E = Σ_i [q = i]*T[i]*w*x*t", LOOKED_UP + "q=1.5\n"): "q is compared with an index: give it whole numbers",
    said("E = w*x*t'"): "t' is not known",
    said("E = 0x10*w*x*t"): "'0x10' is no number",
    said("E = π[1]*w*x*t"): "π is not known: give it numbers",
    said("E = w~*x*t"): "write h_tilde",
    said("E[1] = w*x*t"): "an objective is one number",
    said("y = w*x*t"): 'name the one to differentiate, objective = "y"',
    said("E(w) = w*x*t"): "x is no argument of E",
}


@pytest.mark.parametrize("content", BAD, ids=lambda content: content[:60].encode("unicode_escape").decode())
def test_one_line_says_where_what_and_what_now(content: str) -> None:
    with within(0.5):
        with pytest.raises(ProblemError) as e:
            loads(content)
        assert BAD[content] in str(e.value)
        assert "\n" not in str(e.value)
        assert len(str(e.value)) < 400
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1_500_000  # of the whole suite's process


def test_what_is_right_is_no_error() -> None:
    """The planted twin: a check that refused everything would pass all of the above."""
    assert trace(load({"equations": "E = (w*x - t)^2", "parameters": {"w": 1}, "given": {"x": 2, "t": 3}}))["dw"] == -4
    assert len(BAD) >= 80


def test_the_command_says_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.toml"
    path.write_text(said("E = Σ_ij w*x*t"), encoding="utf-8")
    assert main(["trace", str(path)]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith(f"bptrace: {path}: equations line ")
    assert err.count("\n") == 1


PIECES = [
    *(
        "E",
        "w",
        "x",
        "t",
        "h[t-1]",
        "h[0]",
        "x[i]",
        "W[k,i]",
        "Σ_i ",
        "sum_{i,j} ",
        "mean_n(",
        "max_{u,v}(",
        "softmax_k(",
    ),
    *(
        "(",
        ")",
        "[",
        "]",
        "=",
        "+",
        "-",
        "*",
        "/",
        "^",
        "if ",
        "else ",
        ">",
        "<=",
        "is 0 outside",
        "for i = 1..3",
        "..",
        "|i|",
    ),
    *("\n", ",", "2", "0.5", "tanh(", "f(a) = ", "relu(", "[i = j]", "²", "√", "½", "σ(", "#", "{", "}", "'", "\\"),
]


def test_drawn_texts_are_read_or_refused() -> None:
    """Two thousand lines put together from pieces of the language: our own error or a step, never another."""
    rng = random.Random(15)
    for _ in range(2000):
        lines = "".join(rng.choices(PIECES + list(string.ascii_letters[:9]), k=rng.randint(1, 14)))
        file = {
            "equations": f"{lines}\nE = w*x*t",
            "parameters": {"w": 1, "W": [[1, 2], [3, 4]]},
            "given": {"x": 2, "t": 3},
        }
        assert "\n" not in _refusal(file)


def _refusal(file: dict[str, Any]) -> str:
    """What is said of a file that cannot be used, "" of one that can."""
    try:
        trace(load(file)).table().render("table")
    except ProblemError as e:
        return str(e)
    return ""
