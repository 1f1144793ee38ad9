"""Malformed problem files: each refused in one line that names the field, with exit code 2 and nothing else."""

from __future__ import annotations

import copy
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from processor import BUSY, within

from tracer.cli import main
from tracer.problem import ProblemError, load, loads

BASE = """\
title = "base"
[network]
loss = "half_squared_error"
layers = [
  {activation = "sigmoid",  W = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], b = [0.1, 0.2]},
  {activation = "identity", W = [[1, 2], [3, 4]]},
]
[[samples]]
x = [1, 2, 3]
t = [0, 1]
[training]
learning_rate = 0.1
"""
X, T, RATE = "x = [1, 2, 3]", "t = [0, 1]", "learning_rate = 0.1"
W1, W2, B1 = "[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]", "[[1, 2], [3, 4]]", "b = [0.1, 0.2]"
LOSS = 'loss = "half_squared_error"'


def changed(*pairs: str, text: str = BASE) -> str:
    """The text with each old part replaced by the new one after it."""
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def draw(**fields: object) -> str:
    """The base file with layer 2's weights drawn."""
    return changed(W2, "{" + ", ".join(f"{key} = {value}" for key, value in fields.items()) + "}")


NAMES = BASE + "[names]\n"
IN_OUT = changed(
    LOSS, LOSS + '\nlayout = "in_out"', W1, "[[1, 4], [2, 5], [3, 6]]", W2, "[[1, 2], [3, 4]]"
)  # accepted as it stands
COLUMN = changed(B1, "bias_column = true", W1, "[[1, 2, 3, 4], [5, 6, 7, 8]]")  # accepted too
GIVEN = changed(LOSS, 'loss = "given"', T, "dz = [0, 1]")  # and this
SOFTMAX = changed(LOSS, 'loss = "cross_entropy"', '"identity"', '"softmax"', T, "class = 2")  # and this

# what is wrong -> (file, where, what is said)
BAD: dict[str, tuple[str, str, str]] = {
    # numbers
    "nan": (changed(X, "x = [1, nan, 3]"), "samples[1].x[2]: ", "nan is not finite"),
    "infinity": (changed(X, "x = [1, 2, -inf]"), "samples[1].x[3]: ", "-inf is not finite"),
    "nan in quotes": (changed("[3, 4]", '["NaN", 4]'), "layers[2].W[2][1]: ", "NaN is not finite"),
    "infinite rate": (changed(RATE, "learning_rate = inf"), "training.learning_rate: ", "inf is not finite"),
    "1e400": (changed(X, "x = [1e400, 2, 3]"), "samples[1].x[1]: ", "'1e400' is too large"),
    "1e99999999": (changed(RATE, "learning_rate = 1e99999999"), "training.learning_rate: ", "'1e99999999'"),
    "1e-400": (changed(T, "t = [0, 1e-400]"), "samples[1].t[2]: ", "'1e-400' is too small"),
    "1e101": (changed(T, "t = [0, 1e101]"), "samples[1].t[2]: ", "too large; write a number below 1e100"),
    "5000 digits": (changed(X, f"x = [1, 2, {'7' * 5000}]"), "line 9: ", "too long; write at most 60"),
    "500 digits": (changed(X, f"x = [1, 2, {'7' * 500}]"), "samples[1].x[3]: ", "too large"),
    "5000 hexadecimal digits": (changed(X, f"x = [0x{'f' * 5000}, 2, 3]"), "line 9: ", "too long"),
    "5000 digits in quotes": (changed(X, f'x = [1, 2, "{"7" * 900}"]'), "samples[1].x[3]: ", "too long"),
    "5000 decimals": (changed(RATE, f"learning_rate = 0.{'3' * 900}"), "training.learning_rate: ", "too long"),
    "a boolean": (changed(T, "t = [true, 1]"), "samples[1].t[1]: ", "true is not a number; write a number such as"),
    "a word": (changed(X, 'x = [1, "two", 3]'), "samples[1].x[2]: ", "'two' is not a number"),
    "an empty text": (changed(X, 'x = [1, "", 3]'), "samples[1].x[2]: ", "'' is not a number"),
    "a date": (changed(X, "x = [1, 2020-01-01, 3]"), "samples[1].x[2]: ", "'2020-01-01' is not a number"),
    "1/0": (changed(T, 't = ["1/0", 1]'), "samples[1].t[1]: ", "1/0 divides by zero"),
    "a fraction unquoted": (changed(RATE, "learning_rate = 1/3"), "line 12, column 18: ", "learning_rate = 1/3"),
    "a number unquoted twice": (changed(RATE, "learning_rate = 1.2.3"), "line 12, column 20: ", "1.2.3"),
    "a table as number": (changed(X, "x = [1, {a = 1}, 3]"), "samples[1].x[2]: ", "a table is not a number"),
    # decimal commas
    "comma in a scalar": (
        changed(RATE, "learning_rate = 0,1  # eta"),
        "line 12: ",
        "a decimal comma; write `learning_rate = 0.1 # eta`",
    ),
    "comma in quotes": (changed(X, 'x = ["1,5", 2, 3]'), "samples[1].x[1]: ", "a decimal comma; write 1.5"),
    "commas in t": (changed(T, "t = [0,5, 1,5]"), "samples[1].t: ", "decimal commas? then write `t = [0.5, 1.5]`"),
    "commas in x": (changed(X, "x = [1,5, 2,5, 3,5]"), "samples[1].x: ", "then write `x = [1.5, 2.5, 3.5]`"),
    "commas in W": (
        changed("W = [[1, 2], [3, 4]]", "W = [[1,1, 2,2], [3,3, 4,4]]"),
        "layers[2].W: ",
        "decimal commas? then write `W = [[1.1, 2.2], [3.3, 4.4]]`",
    ),
    "commas in b": (changed(B1, "b = [0,1, 0,2]"), "layers[1].b: ", "then write `b = [0.1, 0.2]`"),
    "commas and leading zeros": (
        changed(T, "t = [0,05, 1,25]"),
        "line 10: ",
        "a decimal comma; write `t = [0.05, 1.25]`",
    ),
    "comma in a shared bias": (changed(B1, "b = 0,35"), "line 5: ", "a decimal comma; write `{activation"),
    # shapes
    "W1 too narrow": (
        changed(W1, "[[0.1, 0.2], [0.4, 0.5]]"),
        "layers[1].W: ",
        "2 rows of 2 numbers, but samples have 3 inputs; give each row 3 numbers",
    ),
    "W2 too wide": (
        changed(W2, "[[1, 2, 3], [3, 4, 5]]"),
        "layers[2].W: ",
        "2 rows of 3 numbers, but layer 1 has 2 units; give each row 2 numbers",
    ),
    "W turned": (changed(W1, "[[1, 2], [3, 4], [5, 6]]", B1, "b = 0"), "layers[1].W: ", "network.layout = 'in_out'"),
    "in_out too short": (
        changed("[3, 6]]", "[3, 6], [7, 8]]", text=IN_OUT),
        "layers[1].W: ",
        "4 rows of 2 numbers, but samples have 3 inputs; give 3 rows",
    ),
    "in_out turned": (
        changed("[[1, 4], [2, 5], [3, 6]]", "[[1, 2, 3], [4, 5, 6]]", B1, "b = 0", text=IN_OUT),
        "layers[1].W: ",
        "network.layout = 'out_in'",
    ),
    "bias column missing": (
        changed("[[1, 2, 3, 4], [5, 6, 7, 8]]", W1, text=COLUMN),
        "layers[1].W: ",
        "2 rows of 3 numbers, but samples have 3 inputs; give each row 4 numbers, the last one the bias",
    ),
    "bias column alone": (
        changed("[[1, 2, 3, 4], [5, 6, 7, 8]]", "[[1], [2]]", text=COLUMN),
        "layers[1].W: ",
        "has only the bias column",
    ),
    "bias column in in_out": (
        changed(B1, "bias_column = true", text=IN_OUT),
        "layers[1].W: ",
        "3 rows of 2 numbers, but samples have 3 inputs; give 4 rows, the last one the bias",
    ),
    "ragged W": (changed("[3, 4]", "[3, 4, 5]"), "layers[2].W: ", "row 2 has 3 numbers, but row 1 has 2 numbers"),
    "W a list and a number": (changed("[3, 4]", "3"), "layers[2].W: ", "row 2 has one number, but row 1 has 2 numbers"),
    "W one row": (changed(W2, "[1, 2]"), "layers[2].W: ", "one row; write a list of rows"),
    "W one number": (changed(W2, "3"), "layers[2].W: ", "not a matrix; write a list of rows"),
    "W three levels": (changed(W2, "[[[1, 2], [3, 4]]]"), "layers[2].W: ", "lists are nested too deeply"),
    "W empty": (changed(W2, "[]"), "layers[2].W: ", "is an empty list"),
    "W with empty rows": (changed(W2, "[[], []]"), "layers[2].W: ", "is an empty list"),
    "b too long": (changed(B1, "b = [1, 2, 3]"), "layers[1].b: ", "3 numbers, but the layer has 2 units; give 2"),
    "b a matrix": (changed(B1, "b = [[1], [2]]"), "layers[1].b: ", "2 levels of lists, but the layer has 2 units"),
    "theta too short": (changed(B1, "theta = [1]"), "layers[1].theta: ", "1 number, but the layer has 2 units"),
    "t too long": (changed(T, "t = [0, 1, 0]"), "samples[1].t: ", "3 numbers, but layer 2 has 2 units; give 2 numbers"),
    "t a matrix": (changed(T, "t = [[0], [1]]"), "samples[1].t: ", "must be one list of numbers"),
    "x a matrix": (changed(X, "x = [[1, 2, 3], [4, 5, 6]]"), "samples[1].x: ", "several [[samples]] tables"),
    "x empty": (changed(X, "x = []"), "samples[1].x: ", "is an empty list"),
    "samples differ": (
        changed("[training]", "[[samples]]\nx = [1, 2]\nt = [0, 1]\n[training]"),
        "samples[2].x: ",
        "2 numbers, but samples[1].x has 3 numbers; give 3 numbers",
    ),
    "dz too short": (changed("dz = [0, 1]", "dz = [0]", text=GIVEN), "samples[1].dz: ", "1 number, but layer 2"),
    # names
    "unknown table": (BASE + "[trainning]\n", "trainning: ", "unknown field; did you mean training?"),
    "unknown field": (changed("x = [", "X = ["), "samples[1].X: ", "unknown field; did you mean x?"),
    "unknown field of training": (
        changed(RATE, "learning_rat = 0.1"),
        "training.learning_rat: ",
        "did you mean learning_rate?",
    ),
    "unknown field of a layer": (changed("b = [", "bias = ["), "layers[1].bias: ", "unknown field; "),
    "unknown field of network": (changed("loss =", "los ="), "network.los: ", "did you mean loss?"),
    "unknown field of sheet": (BASE + "[sheet]\nasks = 1\n", "sheet.asks: ", "did you mean ask?"),
    "unknown field of marking": (BASE + "[marking]\nacept = 1\n", "marking.acept: ", "did you mean accept?"),
    "unknown activation": (changed('"sigmoid"', '"sigmod"'), "layers[1].activation: ", "did you mean sigmoid?"),
    "activation far off": (changed('"sigmoid"', '"xyz"'), "layers[1].activation: ", "known are identity, sigmoid"),
    "activation no text": (changed('"sigmoid"', "7"), "layers[1].activation: ", "'7' is not known"),
    "unknown loss": (changed("half_squared_error", "halfsquarederror"), "network.loss: ", "mean half_squared_error?"),
    "unknown layout": (changed(LOSS, LOSS + '\nlayout = "inout"'), "network.layout: ", "did you mean in_out?"),
    "unknown optimizer": (BASE + 'optimizer = "adm"\n', "training.optimizer: ", "did you mean adam?"),
    "unknown reduction": (BASE + 'reduction = "men"\n', "training.reduction: ", "did you mean mean?"),
    "unknown samples": (BASE + 'samples = "togeter"\n', "training.samples: ", "did you mean together?"),
    "unknown momentum form": (
        BASE + 'optimizer = "momentum"\nmomentum_form = "clasical"\n',
        "training.momentum_form: ",
        "did you mean classical?",
    ),
    # missing, too much, or of the wrong type
    "no network": ("title = 'a'\n", "network: ", "missing; write a [network] table"),
    "no loss": (changed(LOSS, ""), "network.loss: ", 'missing; write loss = "half_squared_error"'),
    "no layers": (re.sub(r"(?s)layers = .*?\n\]", "", BASE), "network.layers: ", "missing; write layers = ["),
    "layers empty": (re.sub(r"(?s)layers = .*?\n\]", "layers = []", BASE), "network.layers: ", "list of layers"),
    "layers a number": (re.sub(r"(?s)layers = .*?\n\]", "layers = 3", BASE), "network.layers: ", "list of layers"),
    "layers a text": (re.sub(r"(?s)layers = .*?\n\]", "layers = 'a'", BASE), "network.layers: ", "list of layers"),
    "a layer a number": (re.sub(r"(?s)layers = .*?\n\]", "layers = [3]", BASE), "layers[1]: ", "is not a table"),
    "no W": (changed(", W = [[1, 2], [3, 4]]", ""), "layers[2].W: ", "missing; write W = ["),
    "no activation": (changed('activation = "identity", ', ""), "layers[2].activation: ", "missing; write activation"),
    "no samples": (changed("[[samples]]\n" + X + "\n" + T, ""), "samples: ", "missing; write a [[samples]] table"),
    "samples one table": (changed("[[samples]]", "[samples]"), "samples: ", "[[samples]] tables (two brackets)"),
    "samples empty": (
        "samples = []\n" + changed("[[samples]]\n" + X + "\n" + T, ""),
        "samples: ",
        "is empty; give at least one",
    ),
    "no x": (changed(X, ""), "samples[1].x: ", "missing; write x = ["),
    "no t": (changed(T, ""), "samples[1].t: ", "missing; write t = ["),
    "no training": (changed("[training]\n" + RATE, ""), "training: ", "missing; write a [training] table"),
    "no learning rate": (changed(RATE, ""), "training.learning_rate: ", "missing; write learning_rate = 0.1"),
    "network a number": ("network = 3\n", "network: ", "'3' is not a table"),
    "training a list": ("training = [1]\n" + changed("[training]\n" + RATE, ""), "training: ", "is not a table"),
    "names a list": ("names = [1]\n" + BASE, "names: ", "must be a table"),
    "sheet a number": ("sheet = 3\n" + BASE, "sheet: ", "'3' is not a table"),
    "marking a text": ("marking = 'a'\n" + BASE, "marking: ", "'a' is not a table"),
    "title a number": (changed('"base"', "3"), "title: ", "write it in quotes"),
    "title too long": (changed('"base"', f'"{"long " * 200}"'), "title: ", "is not a short text"),
    "bias_column a text": (changed(B1, 'bias_column = "yes"'), "layers[1].bias_column: ", "neither true nor false"),
    "update_biases a number": (BASE + "update_biases = 1\n", "training.update_biases: ", "neither true nor false"),
    "b and theta": (changed(B1, B1 + ", theta = [1, 2]"), "layers[1].theta: ", "leave out one of them"),
    "b and bias_column": (changed("bias_column", "b = [1, 2], bias_column", text=COLUMN), "layers[1].b: ", "leave out"),
    "theta and bias_column": (
        changed("bias_column", "theta = 1, bias_column", text=COLUMN),
        "layers[1].theta: ",
        "leave out theta",
    ),
    # targets
    "class 0": (changed("class = 2", "class = 0", text=SOFTMAX), "samples[1].class: ", "a whole number from 1 to 2"),
    "class 3": (changed("class = 2", "class = 3", text=SOFTMAX), "samples[1].class: ", "'3' is not a class"),
    "class 1.0": (changed("class = 2", "class = 1.0", text=SOFTMAX), "samples[1].class: ", "'1.0' is not a class"),
    "class true": (changed("class = 2", "class = true", text=SOFTMAX), "samples[1].class: ", "true is not a class"),
    "class and t": (changed("class = 2", "class = 2\nt = [0, 1]", text=SOFTMAX), "samples[1].class: ", "t is given"),
    "class of one unit": (
        changed("[[1, 2], [3, 4]]", "[[1, 2]]", T, "class = 1"),
        "samples[1].class: ",
        "the last layer has one unit",
    ),
    "t for given": (changed("dz = [0, 1]", T, text=GIVEN), "samples[1].t: ", "loss given takes no t; give dz instead"),
    "dz missing": (changed("dz = [0, 1]", "", text=GIVEN), "samples[1].dz: ", "missing; write dz = [0, 1]"),
    "dz for a loss": (changed(T, "dz = [0, 1]"), "samples[1].dz: ", "takes no dz; give t instead"),
    "t for output": (changed(LOSS, 'loss = "output"'), "samples[1].t: ", "loss output takes no t; leave it out"),
    # training
    "negative rate": (changed(RATE, "learning_rate = -1"), "training.learning_rate: ", "'-1' is below 0"),
    "rates none": (changed(RATE, "learning_rate = []"), "training.learning_rate: ", "one number, or a list of 1 to"),
    "momentum with sgd": (BASE + "momentum = 0.9\n", "training.momentum: ", "does not belong to sgd"),
    "beta1 with momentum": (
        BASE + 'optimizer = "momentum"\nbeta1 = 0.9\n',
        "training.beta1: ",
        "does not belong to momentum; set optimizer = 'adam'",
    ),
    "momentum 1": (BASE + 'optimizer = "momentum"\nmomentum = 1\n', "training.momentum: ", "is not below 1"),
    "beta2 above 1": (BASE + 'optimizer = "adam"\nbeta2 = 1.5\n', "training.beta2: ", "is not below 1"),
    "epsilon negative": (BASE + 'optimizer = "adam"\nepsilon = -1e-8\n', "training.epsilon: ", "is below 0"),
    # random draws
    "draw unknown": (draw(random='"norml"', shape="[2, 2]", seed=1), "layers[2].W.random: ", "did you mean normal?"),
    "draw misspelt": (draw(randm='"normal"'), "layers[2].W.randm: ", "did you mean random?"),
    "draw without shape": (draw(random='"normal"', seed=1), "layers[2].W.shape: ", "missing; write shape = [2, 3]"),
    "draw without seed": (draw(random='"normal"', shape="[2, 2]"), "layers[2].W.seed: ", "missing; write seed = 1"),
    "draw too large": (draw(random='"normal"', shape="[99999, 99999]", seed=1), "layers[2].W.shape: ", "more than"),
    "draw far too large": (draw(random='"normal"', shape="[10_000_000_000]", seed=1), "layers[2].W.shape: ", "from 1"),
    "draw of many axes": (draw(random='"normal"', shape="[1, 1, 1]", seed=1), "layers[2].W.shape: ", "one or two"),
    "draw of no size": (draw(random='"normal"', shape="[0, 2]", seed=1), "layers[2].W.shape: ", "whole numbers from 1"),
    "draw with shape 2": (
        draw(random='"normal"', shape="2", seed=1),
        "layers[2].W.shape: ",
        "one or two whole numbers",
    ),
    "draw of a half": (draw(random='"normal"', shape="[2.5, 2]", seed=1), "layers[2].W.shape: ", "whole numbers"),
    "draw misfits": (draw(random='"normal"', shape="[2, 5]", seed=1), "layers[2].W: ", "2 rows of 5 numbers"),
    "negative seed": (draw(random='"normal"', shape="[2, 2]", seed=-1), "layers[2].W.seed: ", "from 0 to 4294967295"),
    "negative std": (draw(random='"normal"', shape="[2, 2]", seed=1, std=-1), "layers[2].W.std: ", "'-1' is below 0"),
    "low with normal": (draw(random='"normal"', shape="[2, 2]", seed=1, low=0), "layers[2].W.low: ", "not belong to a"),
    "high below low": (
        draw(random='"uniform"', shape="[2, 2]", seed=1, low=1, high=0),
        "layers[2].W.high: ",
        "is below low",
    ),
    "mean with glorot": (
        draw(random='"glorot_uniform"', shape="[2, 2]", seed=1, mean=0),
        "layers[2].W.mean: ",
        "takes nothing more",
    ),
    # [names]
    "name of nothing": (NAMES + 'w5 = "W9[1,1]"\n', "names.w5: ", "'W9[1,1]' is not a quantity"),
    "name of no place": (NAMES + 'w5 = "W2[3,1]"\n', "names.w5: ", "'W2[3,1]' is not a quantity"),
    "name of a number": (NAMES + "w5 = 5\n", "names.w5: ", "'5' is not a quantity"),
    "name of a table": (NAMES + 'w5 = {latex = "w"}\n', "names.w5: ", "write {quantity = "),
    "name of code": (
        NAMES + "w5 = \"__import__('os').system('x')\"\n",
        "names.w5: ",
        "is not a quantity",
    ),
    "pattern without index": (NAMES + '"h{j}" = "z1[1]"\n', "names.'h{j}': ", "must use each of the placeholders"),
    "empty name": (NAMES + '"" = "E"\n', "names.'': ", "one short printable text"),
    "too many factors": (NAMES + 'q = "2*3*E"\n', "names.q: ", "has too many factors"),
    "500 names": (NAMES + "".join(f'n{k} = "E"\n' for k in range(501)), "names: ", "501 names are too many"),
    # TOML itself
    "empty": ("", "", "the file is empty; `bptrace new 2-2-1` writes one"),
    "white space": (" \n\t\r\n ", "", "the file is empty"),
    "duplicate key": (changed(T, T + "\n" + T), "line 11, column ", "cannot overwrite a value"),
    "duplicate table": (BASE + "[network]\n", "line 13, column ", "cannot declare"),
    "unclosed list": (changed(T, "t = [0, 1"), "line 11, column ", "unclosed array"),
    "no quotes": (changed('"sigmoid"', "sigmoid"), "line 5, column ", "invalid value"),
    "prose": ("Dear all, the network has two layers.\n", "line 1, column ", "Dear all"),
    "JSON": ('{"network": {}}', "line 1, column ", "invalid statement"),
    # hostile
    "code as a number": (changed(X, "x = [1, \"__import__('os')\", 3]"), "samples[1].x[2]: ", "is not a number"),
    "escape in a value": (changed('"sigmoid"', '"\\u001b[31mred"'), "layers[1].activation: ", r"\x1b[31mred"),
    "bidi in a value": (changed('"sigmoid"', '"\u202egnp"'), "layers[1].activation: ", r"'\u202egnp'"),
    "escape in a key": (BASE + '"\\u001b]0;x\\u0007" = 1\n', "training.'\\x1b]0;x\\x07': ", "unknown field"),
    "escape in a name": (NAMES + '"\\u001b[2J" = "E"\n', "names.'\\x1b[2J': ", "one short printable text"),
    "escape in a name's value": (NAMES + 'q = "\\u001b[2J"\n', "names.q: ", "is not a quantity"),
    "raw escape": (changed('"base"', '"\x1b[31m"'), "line 1, column ", "illegal character"),
    "NUL": (changed('"base"', '"a\0b"'), "line 1, column ", "illegal character"),
    "raw NUL after a comma": (changed(RATE, "learning_rate = 0,1 #\0"), "line 12, column ", "learning_rate"),
    "line separator in a name": (NAMES + 'q = "E\u2028E"\n', "names.q: ", "is not a quantity"),
    "a very long line": (changed(T, "t = [0, 1" + " " * 500_000 + "?]"), "line 10, column ", "the line is 't = [0, 1"),
    "a very long key": (BASE + "k" * 900 + " = 1\n", "training.'kkkk", "unknown field"),
    "deep lists": (changed(X, f"x = {'[' * 5000}1{']' * 5000}"), "line 9: ", "lists are nested too deeply"),
    "spaced deep lists": (changed(X, f"x = {'[ ' * 60}1{' ]' * 60}"), "line 9: ", "lists are nested too deeply"),
    "deep tables": (changed(X, f"x = {'{a = ' * 5000}1{'}' * 5000}"), "", "nested too deeply"),
    "deep keys": (changed(X, "x" + ".a" * 50_000 + " = 1"), "line 9: ", "a key has too many parts"),
    "deep quoted keys": (changed(X, "x" + '."a ]"' * 50_000 + " = 1"), "line 9: ", "a key has too many parts"),
    "deep headers": (BASE + "[a" + ".a" * 50_000 + "]\n", "line 13: ", "a key has too many parts"),
    "100,001 numbers": (changed(X, "x = [" + "0," * 100_001 + "0]"), "", "more than 100000 numbers"),
    "90,000 inputs": (changed(X, "x = [" + "0," * 90_000 + "0]"), "layers[1].W: ", "samples have 90001 inputs"),
    "5001 samples": (
        changed("[training]", "[[samples]]\n" * 5000 + "[training]"),
        "samples: ",
        "5001 samples are too many",
    ),
    "1001 layers": (
        changed("layers = [", "layers = [" + "{}, " * 1000),
        "network.layers: ",
        "1002 layers are too many",
    ),
    "half a million digits": (changed(X, f"x = [{'1' * 500_000}, 2, 3]"), "line 9: ", "too long"),
    "5 MB": ("#" * 5_000_000, "", "larger than 1 MB"),
}
NASTY = (
    "5 MB", "deep lists", "deep tables", "deep keys", "deep quoted keys", "deep headers", "half a million digits",
    "a very long line", "90,000 inputs", "5001 samples", "draw too large", "5000 digits", "1e99999999",
)  # fmt: skip
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def refusal(path: Path | str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that `bptrace trace PATH` refuses a file with; fails unless it is one, at once, with code 2."""
    with within(1):
        code = main(["trace", str(path)])
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), err
    assert one_line(err)
    return err.removeprefix("bptrace: ").removeprefix(f"{path}: ").rstrip("\n")


def one_line(err: str) -> bool:
    """Whether this is one plain line of bptrace."""
    assert err.startswith("bptrace: "), err[:300]
    assert err.endswith("\n"), err[-300:]
    assert err.count("\n") == 1, err[:300]
    assert not CONTROL.search(err), err[:300]
    assert "Traceback" not in err, err[:300]
    assert len(err) < 500, err[:600]
    return True


def test_there_are_enough_bad_files() -> None:
    """The table stays long, and each file is told something of its own."""
    assert len(BAD) >= 70


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_refused_in_one_line(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, one line on stderr that starts with the field's path and says what is wrong, in under a second."""
    text, where, said = BAD[what]
    path = tmp_path / "problem.toml"
    path.write_text(text, encoding="utf-8", newline="")
    message = refusal(path, capsys)
    assert message.startswith(where), message
    assert said in message, message
    assert path.name not in message, "the file is named once"


@pytest.mark.parametrize(
    "text", [BASE, IN_OUT, COLUMN, GIVEN, SOFTMAX, draw(random='"normal"', shape="[2, 2]", seed=1)]
)
def test_the_check_accepts_no_good_file(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The planted twin: the files that the bad ones were made from are accepted, so the check can fail."""
    path = tmp_path / "problem.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AssertionError):
        refusal(path, capsys)
    assert main(["trace", str(path)]) == 0


@pytest.mark.parametrize(
    "content",
    [
        BASE.encode("utf-8-sig"),
        BASE.replace("\n", "\r\n").encode(),
        changed('"base"', '"Größe × 層"').encode(),
        changed("[1, 2, 3]", '["１", "−2", "1/3"]').encode(),
        changed("[1, 2, 3]", "[1_0, 0x10, +2.5e0]").encode(),
        changed("title", "# a . b . c ......................................................... d\ntitle").encode(),
    ],
    ids=["BOM", "CRLF", "letters", "wide digits and minus", "TOML numbers", "dot leaders"],
)
def test_what_editors_and_people_write_is_accepted(content: bytes) -> None:
    """A byte order mark, Windows line ends, letters of any script and numbers in any TOML notation are understood."""
    assert loads(content).network.sizes == (3, 2, 2)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x00", "byte 1: not UTF-8 text; save the file as UTF-8"),
        (BASE.encode("utf-16"), "byte 1: not UTF-8 text"),
        (changed('"base"', '"Größe"').encode("latin-1"), "byte 12: not UTF-8 text"),
        (b"\0" * 100, "line 1, column 1"),
    ],
    ids=["bytes", "UTF-16", "Latin-1", "NULs"],
)
def test_what_is_not_text_is_refused(
    content: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other encodings are named by the first byte that is not UTF-8."""
    path = tmp_path / "problem.toml"
    path.write_bytes(content)
    assert said in refusal(path, capsys)


def test_what_is_no_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder, a missing file and an empty name are told apart."""
    assert "a folder, not a file" in refusal(tmp_path, capsys)
    assert "no such file, and no sample of that name" in refusal(tmp_path / "missing.toml", capsys)
    assert "did you mean the sample hand-3-2-2?" in refusal("hand-3-2-3", capsys)
    assert "`bptrace samples` lists the samples" in refusal("nothing-like-it", capsys)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser reads everything")
def test_an_unreadable_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file without permission is named, with the system's reason."""
    path = tmp_path / "problem.toml"
    path.write_text(BASE)
    path.chmod(0)
    assert "Permission denied" in refusal(path, capsys)


CHILD = """
import sys, time
from tracer.cli import main
begin = time.process_time()
code = main(sys.argv[1:])
took = time.process_time() - begin
peak = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(peak[0], took)
sys.exit(code)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory from /proc")
@pytest.mark.parametrize("what", NASTY)
def test_the_nastiest_files_take_little(what: str, tmp_path: Path) -> None:
    """A process of its own refuses each in under a second of the processor and 200 MB."""
    path = tmp_path / "problem.toml"
    path.write_text(BAD[what][0], encoding="utf-8")
    run = subprocess.run([sys.executable, "-c", CHILD, "trace", str(path)], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert one_line(run.stderr)
    peak, took = run.stdout.split()
    assert float(took) < BUSY
    assert int(peak) < 200_000


@pytest.mark.parametrize("what", ["nan", "W2 too wide", "escape in a key", "NUL", "comma in a scalar", "empty"])
@pytest.mark.parametrize("door", ["file", "-"])
def test_the_command_refuses_as_the_function_does(what: str, door: str, tmp_path: Path) -> None:
    """`python -m tracer` in a process of its own, from a file and from standard input."""
    text, where, said = BAD[what]
    path = tmp_path / "problem.toml"
    path.write_text(text, encoding="utf-8", newline="")
    command = [sys.executable, "-m", "tracer", "trace", str(path) if door == "file" else "-"]
    run = subprocess.run(command, input=text.encode(), capture_output=True, timeout=60)
    err = run.stderr.decode()
    assert (run.returncode, run.stdout) == (2, b"")
    assert one_line(err)
    assert (f"{path}: " if door == "file" else "standard input: ") + where in err
    assert said in err


# --- the same by chance ---

FEW = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(-3, 3), max_size=4),
    st.lists(st.lists(st.floats(), max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
    st.sampled_from([b"bytes", 1j, object(), {1, 2}, (1, 2), "relu", "softmax", "given", "adam", {"random": "normal"}]),
)


def survives(read: Any, source: Any) -> None:
    """Reading gives a problem or a ProblemError of one plain line, and nothing else."""
    said = ""
    try:
        read(source)
    except ProblemError as e:
        said = " ".join(str(e).split())
    assert not said or one_line(f"bptrace: {said}\n")


@FEW
@given(st.data())
def test_any_damage_to_the_text_is_told(data: st.DataObject) -> None:
    """Characters and lines deleted, doubled, exchanged or put in: read, or refused with a ProblemError."""
    text = data.draw(st.sampled_from([BASE, IN_OUT, COLUMN, GIVEN, SOFTMAX, NAMES + 'w5 = "W2[1,1]"\n']))
    for _ in range(data.draw(st.integers(1, 4))):
        whole_lines = data.draw(st.booleans())
        parts: list[str] = text.splitlines(keepends=True) if whole_lines else list(text)
        if not parts:
            break
        k = data.draw(st.integers(0, len(parts) - 1))
        match data.draw(st.sampled_from(["delete", "double", "exchange", "put"])):
            case "delete":
                del parts[k]
            case "double":
                parts.insert(k, parts[k])
            case "exchange":
                other = data.draw(st.integers(0, len(parts) - 1))
                parts[k], parts[other] = parts[other], parts[k]
            case _:
                parts.insert(k, data.draw(st.one_of(st.sampled_from(",.[]{}\"'=#-/\n\0\x1b"), st.characters())))
        text = "".join(parts)
    if not any("\ud800" <= c <= "\udfff" for c in text):
        survives(loads, text.encode())


def places_in(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested tables and lists."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here] * bool(here) + [place for key, inner in pairs for place in places_in(inner, (*here, key))]


@FEW
@given(st.data())
def test_any_junk_in_a_mapping_is_told(data: st.DataObject) -> None:
    """Any value of a mapping replaced by junk, or any key added: read, or refused with a ProblemError."""
    text = data.draw(st.sampled_from([BASE, IN_OUT, COLUMN, GIVEN, SOFTMAX, NAMES + 'w5 = "W2[1,1]"\n']))
    problem = copy.deepcopy(tomllib.loads(text))
    place = data.draw(st.sampled_from(places_in(problem)))
    inner: Any = problem
    for key in place[:-1]:
        inner = inner[key]
    if data.draw(st.booleans()) and isinstance(inner, dict):
        inner[data.draw(st.one_of(st.text(max_size=6), st.integers()))] = data.draw(JUNK)
    else:
        inner[place[-1]] = data.draw(JUNK)
    survives(load, problem)
