"""Exercises about losses and shared numbers: a tied table of words, maxout with Huber's loss, logistic regression.

Legend: names that begin with d are dE/d..., eta the learning rate; otherwise the letters of each file's equations.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from .calculating import Person
from .problem import Problem
from .recurrent_problems import parts
from .rounding import Number
from .updating import updated

Row = list[Number]

TIED = '''
title = "Words from one table, read and answered with it"
equations = """
h[d] = mean_p(T[token[p],d])
s[v] = Σ_d T[v,d]*h[d] + b[v]
y[v] = softmax_v(s[v])
E = -log(y[answer])
"""
[parameters]
T = [[0.5, -0.8], [1.2, 0.3], [-0.6, 0.9]]
b = [0.1, -0.1, 0.2]
[given]
token = [2, 3]
answer = 1
[training]
learning_rate = 0.5
'''

MAXOUT = '''
title = "Maxout units with the Huber loss, two samples"
equations = """
huber(r, d) = r^2/2 if d > abs(r) else d*(abs(r) - d/2)
p[j,n] = Σ_i P[j,i]*x[i,n] + b[j]
q[j,n] = Σ_i Q[j,i]*x[i,n] + c[j]
m[j,n] = max(p[j,n], q[j,n])
y[n] = Σ_j w[j]*m[j,n]
e[n] = y[n] - target[n]
L[n] = huber(e[n], 1)
E = mean_n(L[n])
"""
[parameters]
P = [[0.7, -0.4], [0.2, 0.9]]
b = [0.1, -0.3]
Q = [[-0.5, 0.6], [0.8, 0.3]]
c = [0.25, 0.4]
w = [1.3, -0.6]
[given]
x = [[1, -0.8], [0.5, 1.4]]
target = [0.9, 2.7]
[training]
learning_rate = 0.2
'''

LOGISTIC = '''
title = "Logistic regression with weight decay, three samples"
equations = """
a[n] = Σ_i w[i]*x[i,n] + b
y[n] = sigmoid(a[n])
E = mean_n(-t[n]*log(y[n]) - (1 - t[n])*log(1 - y[n])) + 0.05*Σ_i w[i]^2
"""
[parameters]
w = [0.8, -0.5]
b = 0.2
[given]
x = [[1, -0.6, 2], [0.4, 1.5, -1]]
t = [1, 0, 0]
[training]
learning_rate = 0.6
'''


# words from one table


def work_tied(p: Person, given: dict[str, Any]) -> None:
    """The mean of two words' rows, answered with the same table."""
    of, numbers, optimizer = parts(given)
    T, tokens, answer = of["T"], numbers["token"], numbers["answer"]
    if p.slips("wrong_answer"):
        answer = answer % 3 + 1
    if p.slips("words_counted_from_zero"):
        tokens = [tokens[0], tokens[1] - 2]
    h = p.row("h", [word_mean(p, [T[token - 1][d] for token in tokens]) for d in (0, 1)])
    s = p.row("s", [p.dot(T[v], h, *([] if p.slips("bias_forgotten") else [of["b"][v]])) for v in range(3)])
    y = p.row("y", [p.exp(one) for one in s] if p.slips("softmax_not_divided") else p.softmax(s))
    log = p.log(y[answer - 1])
    log = p.over(log, p.log(10)) if p.slips("log_to_base_ten") else log
    p.write("E", log if p.slips("loss_without_minus") else -log)
    p.row("dy", [-p.over(1, y[v]) if v == answer - 1 else 0 for v in range(3)])
    ds = p.row("ds", [word_signal(p, y[v], v == answer - 1) for v in range(3)])
    db = p.row("db", ds)
    dh = p.row("dh", [p.dot([row[d] for row in T], ds) for d in (0, 1)])
    dT = p.table("dT", [[table_gradient(p, v, d, ds, h, dh, numbers["token"]) for d in (0, 1)] for v in range(3)])
    for name, gradient in (("b", db), ("T", dT)):
        updated(p, name, of[name], gradient, optimizer)


def word_mean(p: Person, numbers: Row) -> Number:
    """The mean of what was looked up."""
    whole = p.total(numbers)
    return whole if p.slips("words_added_not_averaged") else p.over(whole, 2)


def word_signal(p: Person, y: Number, right: bool) -> Number:
    """y - 1 for the right answer, y for the others."""
    if right and p.slips("target_forgotten"):
        return y
    if p.slips("target_minus_output"):
        return p.minus(1, y) if right else -y
    return p.minus(y, 1) if right else y


def table_gradient(p: Person, v: int, d: int, ds: Row, h: Row, dh: Row, tokens: list[int]) -> Number:
    """Of the table as answers, and of the table as words read."""
    as_answer = p.times(ds[v], h[d])
    if v + 1 not in tokens or p.slips("words_read_forgotten"):
        return as_answer
    as_word = dh[d] if p.slips("mean_forgotten") else p.over(dh[d], 2)
    return as_word if p.slips("answers_forgotten") else p.add(as_answer, as_word)


# maxout and Huber


def work_maxout(p: Person, given: dict[str, Any]) -> None:
    """The larger of two linear units; a loss that is straight far out; two samples, mean."""
    of, numbers, optimizer = parts(given)
    x, two = numbers["x"], (0, 1)
    lines = {}
    for name, weights, bias in (("p", "P", "b"), ("q", "Q", "c")):
        values = [[line(p, of[weights][j], of[bias][j], x, n) for n in two] for j in two]
        lines[name] = p.table(name, values)
    ps, qs = lines["p"], lines["q"]
    choose = min if p.slips("smaller_for_larger") else max
    m = p.table("m", [[choose(ps[j][n], qs[j][n]) for n in two] for j in two])
    y = p.row("y", [p.dot(of["w"], [m[j][n] for j in two]) for n in two])
    e = p.row("e", [p.minus(y[n], numbers["target"][n]) for n in two])
    L = p.row("L", [huber(p, one) for one in e])
    p.write("E", p.total(L) if p.slips("loss_not_averaged") else p.over(p.total(L), 2))
    dL = p.row("dL", [1 if p.slips("mean_forgotten") else p.over(1, 2) for _ in two])
    dy = p.row("dy", p.row("de", [p.times(huber_slope(p, e[n]), dL[n]) for n in two]))
    dw = p.row("dw", [over_samples(p, dy, m[j]) for j in two])
    dm = p.table("dm", [[times_weight(p, of["w"][j], dy[n]) for n in two] for j in two])
    gradients: dict[str, Any] = {"w": dw}
    for name, mine, other, weights, bias in (("q", qs, ps, "Q", "c"), ("p", ps, qs, "P", "b")):
        signal = [[line_signal(p, mine[j][n], other[j][n], dm[j][n]) for n in two] for j in two]
        signal = p.table(f"d{name}", signal)
        gradients[weights] = p.table(f"d{weights}", [[over_samples(p, signal[j], x[i]) for i in two] for j in two])
        gradients[bias] = p.row(f"d{bias}", [over_samples(p, signal[j], (1, 1)) for j in two])
    for name in ("w", "Q", "c", "P", "b"):
        updated(p, name, of[name], gradients[name], optimizer)


def times_weight(p: Person, w: Number, signal: Number) -> Number:
    """w dy."""
    return signal if p.slips("back_without_weights") else p.times(w, signal)


def line(p: Person, weights: Row, bias: Number, x: list[Row], n: int) -> Number:
    """One linear unit on sample n; x is one row an input."""
    sample = x[n] if p.slips("samples_read_along_rows") else [x[0][n], x[1][n]]
    return p.dot(weights, sample) if p.slips("bias_forgotten") else p.dot(weights, sample, bias)


def huber(p: Person, e: Number) -> Number:
    """e²/2 up to 1, |e| - 1/2 from there on."""
    half = p.over(1, 2)
    if abs(e) < 1 or p.slips("huber_always_squared"):
        squared = p.square(e)
        return squared if p.slips("loss_without_half") else p.over(squared, 2)
    return abs(e) if p.slips("huber_not_joined") else p.minus(abs(e), half)


def huber_slope(p: Person, e: Number) -> Number:
    """e up to 1, then its sign."""
    if abs(e) < 1 or p.slips("huber_slope_not_cut"):
        return e
    return 1 if e > 0 or p.slips("huber_slope_without_sign") else -1


def line_signal(p: Person, mine: Number, other: Number, signal: Number) -> Number:
    """The signal goes to the larger one alone."""
    if p.slips("pool_signal_to_all"):
        return signal
    if p.slips("pool_signal_to_the_smaller"):
        return signal if mine < other else 0
    return signal if mine > other else 0


def over_samples(p: Person, signal: Row, reads: Any) -> Number:
    """Σ over samples: signal times what was read."""
    if p.slips("last_sample_only"):
        return p.times(signal[1], reads[1])
    if p.slips("another_samples_input"):
        return p.dot(signal, reads[::-1])
    return p.dot(signal, reads)


# logistic regression


def work_logistic(p: Person, given: dict[str, Any]) -> None:
    """Three samples, the mean of their cross-entropies, and 0.05 Σ w²."""
    of, numbers, optimizer = parts(given)
    x, t, three = numbers["x"], numbers["t"], range(3)
    decay = p.given(Fraction("0.05"))
    bias = () if p.slips("bias_forgotten") else (of["b"],)
    a = p.row("a", [p.dot(of["w"], [row[n] for row in x], *bias) for n in three])
    y = p.row("y", [p.sigmoid(-one) if p.slips("sigmoid_without_minus") else p.sigmoid(one) for one in a])
    logistic_loss(p, y, t, of["w"], decay)
    p.row("dy", [p.over(p.over(1, p.minus(1, y[n])) if t[n] == 0 else -p.over(1, y[n]), 3) for n in three])
    da = p.row("da", [logistic_signal(p, y[n], t[n]) for n in three])
    dw = p.row("dw", [decayed_gradient(p, of["w"][i], decay, da, x[i]) for i in (0, 1)])
    whole = p.total(da[:1] if p.slips("first_sample_only") else da)
    db = p.write("db", p.add(whole, p.times(p.times(2, decay), of["b"])) if p.slips("bias_decays_too") else whole)
    for name, gradient in (("w", dw), ("b", db)):
        updated(p, name, of[name], gradient, optimizer)


def logistic_loss(p: Person, y: Row, t: Row, w: Row, decay: Number) -> None:
    """The row E."""
    logs = [p.log(y[n] if t[n] == 1 or p.slips("loss_always_of_y") else p.minus(1, y[n])) for n in range(3)]
    whole = -p.total(logs)
    mean = whole if p.slips("loss_not_averaged") else p.over(whole, 3)
    squares = p.total([p.square(one) for one in w])
    p.write("E", mean if p.slips("decay_forgotten_in_the_loss") else p.add(mean, p.times(decay, squares)))


def logistic_signal(p: Person, y: Number, t: Number) -> Number:
    """(y - t)/3."""
    error = p.minus(t, y) if p.slips("target_minus_output") else p.minus(y, t)
    if p.slips("slope_though_it_cancels"):
        error = p.times(error, p.times(y, p.minus(1, y)))
    return error if p.slips("mean_forgotten") else p.over(error, 3)


def decayed_gradient(p: Person, w: Number, decay: Number, da: Row, x: Row) -> Number:
    """Σ da x + 2·0.05·w."""
    whole = p.dot(da, x)
    if p.slips("decay_forgotten"):
        return whole
    pull = p.times(decay if p.slips("decay_without_two") else p.times(2, decay), w)
    return p.minus(whole, pull) if p.slips("decay_sign") else p.add(whole, pull)


LOSSES = (
    Problem("tied-words", TIED.lstrip(), work_tied, frozenset({"dy"}), frozenset("y")),
    Problem("maxout-huber", MAXOUT.lstrip(), work_maxout, frozenset({"dL"})),
    Problem("logistic-decay", LOGISTIC.lstrip(), work_logistic, frozenset({"dy"}), frozenset("y")),
)
