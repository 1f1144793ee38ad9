"""Exercises with a structure of their own: convolution with pool, attention, a normalised layer, a residual block.

Legend: names that begin with d are dE/d..., eta the learning rate; otherwise the letters of each file's equations.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from .calculating import Person
from .gates import gate, gate_slope, state_slope
from .problem import Problem
from .recurrent_problems import output_error, parts, squared_error
from .rounding import Number
from .updating import updated

Row = list[Number]

CONV = '''
title = "A small convolution with pooling"
equations = """
for p, q = 1..2
for u, v = 1..2
a[i,j] = Σ_{u,v} K[u,v]*x[i+u-1,j+v-1] + b
z[i,j] = relu(a[i,j])
m[p] = max_{q}(z[p,q])
y = Σ_p w[p]*m[p] + c
E = (y - target)^2/2
"""
[parameters]
K = [[0.5, -0.2], [0.3, 0.7]]
b = 0.1
w = [0.8, -0.6]
c = 0.05
[given]
x = [[1, 0.5, -1], [0.2, 1.5, 0.8], [-0.4, 0.9, 0.3]]
target = 1
[training]
learning_rate = 0.1
'''

ATTENTION = '''
title = "One attention head over two tokens, the answer to the first"
equations = """
q[d] = Σ_e Q[d,e]*x[1,e]
k[n,d] = Σ_e K[d,e]*x[n,e]
v[n,d] = Σ_e V[d,e]*x[n,e]
s[n] = (Σ_d q[d]*k[n,d])/sqrt(2)
A[n] = softmax_n(s[n])
o[d] = Σ_n A[n]*v[n,d]
E = Σ_d (o[d] - target[d])^2/2
"""
[parameters]
Q = [[0.7, -0.4], [0.3, 0.9]]
K = [[0.5, 0.8], [-0.6, 0.2]]
V = [[1.1, -0.3], [0.4, 0.6]]
[given]
x = [[1, 0.5], [-0.6, 1.4]]
target = [0.5, -0.2]
[training]
learning_rate = 0.5
'''

LAYERNORM = '''
title = "A layer, normalised"
equations = """
a[j] = Σ_i W[j,i]*x[i]
m = mean_j(a[j])
v = mean_j((a[j] - m)^2)
n[j] = (a[j] - m)/sqrt(v + 0.01)
y[j] = g[j]*n[j] + b[j]
E = Σ_j (y[j] - target[j])^2/2
"""
[parameters]
W = [[0.8, -0.5], [0.3, 0.9], [-0.4, 0.6]]
g = [1.2, 0.7, 0.9]
b = [0.1, -0.2, 0.3]
[given]
x = [1.5, -0.8]
target = [1, 0, -0.5]
[training]
learning_rate = 0.1
'''

RESIDUAL = '''
title = "A residual block"
equations = """
a[j] = Σ_i W[j,i]*x[i] + b[j]
h[j] = tanh(a[j])
r[i] = x[i] + Σ_j V[i,j]*h[j]
s[i] = sigmoid(r[i])
o[i] = r[i] + u[i]*s[i]
E = Σ_i (o[i] - target[i])^2/2
"""
[parameters]
W = [[0.6, -0.8], [0.4, 0.5]]
b = [0.1, -0.3]
V = [[0.9, 0.2], [-0.5, 0.7]]
u = [0.8, -1.2]
[given]
x = [0.7, -0.4]
target = [1, 0.3]
[training]
learning_rate = 0.2
'''

PLACES = ((0, 0), (0, 1), (1, 0), (1, 1))


def errors(p: Person, name: str, outputs: Row, target: Row) -> Row:
    """The rows E = Σ (output - target)²/2 and dE/d(output)."""
    squares = [p.square(p.minus(o, t)) for o, t in zip(outputs, target, strict=True)]
    if p.slips("loss_of_one_output"):
        squares = squares[:1]
    if not p.slips("loss_without_half"):
        squares = [p.over(one, 2) for one in squares]
    p.write("E", p.total(squares))
    return p.row(name, [output_error(p, o, t) for o, t in zip(outputs, target, strict=True)])


def outer(p: Person, name: str, signal: Row, reads: Row) -> list[Row]:
    """The rows of a weight's gradient: signal times what the weight reads."""
    values = []
    for i in range(len(signal)):
        row = []
        for j in range(len(reads)):
            if len(signal) == len(reads) and i != j and p.slips("gradient_indices_exchanged"):
                row.append(p.times(signal[j], reads[i]))
            else:
                row.append(signal[i] if p.slips("gradient_without_input") else p.times(signal[i], reads[j]))
        values.append(row)
    return p.table(name, values)


# a convolution with pool


def work_conv(p: Person, given: dict[str, Any]) -> None:
    """A kernel of four numbers over an image of nine, the larger of two kept."""
    of, numbers, optimizer = parts(given)
    x = numbers["x"]
    a = p.table("a", [[window_sum(p, of, x, i, j) for j in (0, 1)] for i in (0, 1)])
    z = p.table("z", [[one if one > 0 else 0 for one in row] for row in a])
    m = p.row("m", [p.over(p.total(row), 2) if p.slips("mean_pool") else max(row) for row in z])
    y = p.write("y", p.dot(of["w"], m, of["c"]))
    squared_error(p, y, numbers["target"])
    dy = p.write("dy", output_error(p, y, numbers["target"]))
    dw = p.row("dw", [p.times(dy, one) for one in m])
    dc = p.write("dc", dy)
    dm = p.row("dm", [dy if p.slips("back_without_weights") else p.times(w, dy) for w in of["w"]])
    dz = p.table("dz", [pool_signal(p, z[i], dm[i]) for i in (0, 1)])
    slope = p.table("slope_z", [[1 if one > 0 else 0 for one in row] for row in a])
    da = p.table("da", [[p.times(slope[i][j], dz[i][j]) for j in (0, 1)] for i in (0, 1)])
    dK = p.table("dK", [[kernel_gradient(p, x, da, u, v) for v in (0, 1)] for u in (0, 1)])
    signals = [da[i][j] for i, j in PLACES]
    db = p.write("db", signals[0] if p.slips("shared_bias_one_unit") else p.total(signals))
    for name, gradient in (("w", dw), ("c", dc), ("K", dK), ("b", db)):
        updated(p, name, of[name], gradient, optimizer)


def window_sum(p: Person, of: dict[str, Any], x: list[Row], i: int, j: int) -> Number:
    """The kernel laid on the image at i, j."""
    K = of["K"]
    if p.slips("kernel_turned_round"):
        K = [row[::-1] for row in K[::-1]]
    elif p.slips("kernel_transposed"):
        K = [list(column) for column in zip(*K, strict=True)]
    terms = [p.times(K[u][v], x[i + u][j + v]) for u, v in PLACES]
    return p.total(terms if p.slips("bias_forgotten") else [*terms, of["b"]])


def pool_signal(p: Person, z: Row, signal: Number) -> Row:
    """The signal goes to the larger one alone."""
    if p.slips("pool_signal_to_all"):
        return [signal, signal]
    if p.slips("pool_signal_shared_out"):
        return [p.over(signal, 2), p.over(signal, 2)]
    if p.slips("pool_signal_to_the_smaller"):
        return [signal if one == min(z) else 0 for one in z]
    return [signal if one == max(z) else 0 for one in z]


def kernel_gradient(p: Person, x: list[Row], da: list[Row], u: int, v: int) -> Number:
    """Σ over all places of the kernel: signal times what K[u,v] met there."""
    if p.slips("kernel_gradient_turned_round"):
        u, v = 1 - u, 1 - v
    if p.slips("kernel_gradient_of_one_window"):
        return p.times(da[0][0], x[u][v])
    if p.slips("kernel_gradient_always_the_same_window"):
        return p.total([p.times(da[i][j], x[u][v]) for i, j in PLACES])
    return p.total([p.times(da[i][j], x[i + u][j + v]) for i, j in PLACES])


# an attention head


def work_attention(p: Person, given: dict[str, Any]) -> None:
    """The query of token 1 over both tokens."""
    of, numbers, optimizer = parts(given)
    x, two = numbers["x"], (0, 1)
    asking = x[1] if p.slips("query_of_the_other_token") else x[0]
    q = p.row("q", [p.dot(of["Q"][d], asking) for d in two])
    k = p.table("k", [[attended(p, of["K"], d, x[n]) for d in two] for n in two])
    v = p.table("v", [[attended(p, of["V"], d, x[n]) for d in two] for n in two])
    s = p.row("s", [scaled(p, p.dot(q, k[n])) for n in two])
    A = p.row("A", shares_of(p, s))
    o = p.row("o", [p.dot(A, [v[n][d] for n in two]) for d in two])
    do = errors(p, "do", o, numbers["target"])
    dA = p.row("dA", [p.dot(v[n], do) for n in two])
    ds = p.row("ds", score_signals(p, A, dA))
    dv = p.table("dv", [[value_signal(p, A[n], do[d]) for d in two] for n in two])
    dV = p.table("dV", token_sums(p, dv, x))
    dk = p.table("dk", [[key_signal(p, q[d], k[n][d], ds[n]) for d in two] for n in two])
    dK = p.table("dK", token_sums(p, dk, x))
    dq = p.row("dq", [p.total([scaled_back(p, p.times(k[n][d], ds[n])) for n in two]) for d in two])
    dQ = outer(p, "dQ", dq, x[0])
    for name, gradient in (("V", dV), ("K", dK), ("Q", dQ)):
        updated(p, name, of[name], gradient, optimizer)


def attended(p: Person, weights: list[Row], d: int, token: Row) -> Number:
    """Row d of a projection, on one token."""
    return p.dot([row[d] for row in weights] if p.slips("projection_by_columns") else weights[d], token)


def value_signal(p: Person, share: Number, signal: Number) -> Number:
    """A do."""
    return signal if p.slips("values_without_attention") else p.times(share, signal)


def key_signal(p: Person, query: Number, key: Number, signal: Number) -> Number:
    """q ds/√2."""
    return scaled_back(p, p.times(key if p.slips("key_for_query") else query, signal))


def scaled(p: Person, score: Number) -> Number:
    """A score divided by √2."""
    if p.slips("scale_forgotten"):
        return score
    return p.over(score, 2 if p.slips("scale_without_root") else p.sqrt(2))


def scaled_back(p: Person, signal: Number) -> Number:
    """The same scale on the way back."""
    return signal if p.slips("scale_forgotten_on_the_way_back") else p.over(signal, p.sqrt(2))


def shares_of(p: Person, s: Row) -> Row:
    """The softmax of the scores."""
    if p.slips("scores_for_shares"):
        return s
    return [p.exp(one) for one in s] if p.slips("softmax_not_divided") else p.softmax(s)


def score_signals(p: Person, A: Row, dA: Row) -> Row:
    """A (dA - Σ dA A)."""
    if p.slips("softmax_slope_diagonal_only"):
        return [p.product(A[n], p.minus(1, A[n]), dA[n]) for n in (0, 1)]
    if p.slips("softmax_slope_forgotten"):
        return dA
    mean = p.dot(dA, A)
    if p.slips("softmax_mean_not_taken_away"):
        return [p.times(A[n], dA[n]) for n in (0, 1)]
    return [p.times(A[n], p.minus(dA[n], mean)) for n in (0, 1)]


def token_sums(p: Person, signals: list[Row], x: list[Row]) -> list[Row]:
    """Σ over tokens: signal times token."""
    tokens = (0,) if p.slips("first_token_only") else (0, 1)
    return [[p.total([p.times(signals[n][d], x[n][e]) for n in tokens]) for e in (0, 1)] for d in (0, 1)]


# a normalised layer


def work_layernorm(p: Person, given: dict[str, Any]) -> None:
    """Mean and variance over three units; then gain and bias."""
    of, numbers, optimizer = parts(given)
    x, units = numbers["x"], range(3)
    epsilon = p.given(Fraction("0.01"))
    a = p.row("a", [p.dot(row, x) for row in of["W"]])
    m = p.write("m", p.over(p.total(a), 3))
    squares = p.total([p.square(p.minus(one, m)) for one in a])
    v = p.write("v", p.over(squares, 2 if p.slips("variance_by_two") else 3))
    wide = v if p.slips("epsilon_forgotten") else p.add(v, epsilon)
    root = wide if p.slips("root_forgotten") else p.sqrt(wide)
    n = p.row("n", [p.over(one if p.slips("mean_not_taken_away") else p.minus(one, m), root) for one in a])
    y = p.row("y", [p.add(p.times(of["g"][j], n[j]), of["b"][j]) for j in units])
    dy = errors(p, "dy", y, numbers["target"])
    dg = p.row("dg", [p.times(dy[j], (a if p.slips("gain_reads_a") else n)[j]) for j in units])
    db = p.row("db", dy)
    dn = p.row("dn", [times_gain(p, of["g"][j], dy[j]) for j in units])
    da = normalised_signals(p, a, m, wide, root, dn)
    dW = outer(p, "dW", da, x)
    for name, gradient in (("g", dg), ("b", db), ("W", dW)):
        updated(p, name, of[name], gradient, optimizer)


def times_gain(p: Person, gain: Number, signal: Number) -> Number:
    """g dy."""
    return signal if p.slips("gain_forgotten_on_the_way_back") else p.times(gain, signal)


def normalised_signals(p: Person, a: Row, m: Number, wide: Number, root: Number, dn: Row) -> Row:
    """dv, dm and da: by the number itself, by the variance, by the mean."""
    units = range(3)
    far = [p.minus(one, m) for one in a]
    below = p.times(p.times(2, root), wide)
    dv = p.total([p.over(p.times(dn[j], far[j]), below) for j in units])
    dv = p.write("dv", dv if p.slips("variance_signal_sign") else -dv)
    straight = [p.over(dn[j], root) for j in units]
    by_variance = [p.over(p.times(p.times(2, far[j]), dv), 3) for j in units]
    dm = p.write("dm", p.minus(-p.total(straight), p.total(by_variance)))
    by_mean = p.over(dm, 3)
    values = []
    for j in units:
        terms = [straight[j]]
        if not p.slips("way_by_the_variance_forgotten"):
            terms.append(by_variance[j])
        if not p.slips("way_by_the_mean_forgotten"):
            terms.append(dm if p.slips("mean_signal_not_shared_out") else by_mean)
        values.append(terms[0] if p.slips("mean_and_variance_held_fixed") else p.total(terms))
    return p.row("da", values)


# a residual block


def work_residual(p: Person, given: dict[str, Any]) -> None:
    """r = x + V tanh(W x + b), o = r + u sigmoid(r)."""
    of, numbers, optimizer = parts(given)
    x, two = numbers["x"], (0, 1)
    a = p.row("a", [p.dot(of["W"][j], x, *([] if p.slips("bias_forgotten") else [of["b"][j]])) for j in two])
    h = p.row("h", [p.sigmoid(one) if p.slips("sigmoid_instead_of_tanh") else p.tanh(one) for one in a])
    r = p.row("r", [p.total(([] if p.slips("skip_forgotten") else [x[i]]) + products(p, of["V"][i], h)) for i in two])
    s = p.row("s", [gate(p, one) for one in r])
    o = p.row("o", [p.total(([] if p.slips("skip_forgotten") else [r[i]]) + [p.times(of["u"][i], s[i])]) for i in two])
    do = errors(p, "do", o, numbers["target"])
    du = p.row("du", [p.times(do[i], (r if p.slips("gradient_with_net_input") else s)[i]) for i in two])
    ds = p.row("ds", [do[i] if p.slips("back_without_weights") else p.times(of["u"][i], do[i]) for i in two])
    slope_s = p.row("slope_s", [gate_slope(p, r[i], s[i]) for i in two])
    dr = p.row("dr", [both_ways(p, do[i], slope_s[i], ds[i]) for i in two])
    dV = outer(p, "dV", dr, h)
    V = of["V"]
    dh = p.row("dh", [p.dot(V[j] if p.slips("V_not_transposed") else [row[j] for row in V], dr) for j in two])
    slope_h = p.row("slope_h", [state_slope(p, a[j], h[j]) for j in two])
    da = p.row("da", [dh[j] if p.slips("hidden_slope_forgotten") else p.times(slope_h[j], dh[j]) for j in two])
    dW = outer(p, "dW", da, x)
    db = p.row("db", da)
    for name, gradient in (("u", du), ("V", dV), ("W", dW), ("b", db)):
        updated(p, name, of[name], gradient, optimizer)


def products(p: Person, xs: Row, ys: Row) -> Row:
    """x·y, term by term."""
    return [p.times(x, y) for x, y in zip(xs, ys, strict=True)]


def both_ways(p: Person, straight: Number, slope: Number, branch: Number) -> Number:
    """What comes straight down and what comes through the branch."""
    if p.slips("branch_forgotten_on_the_way_back"):
        return straight
    through = p.times(slope, branch)
    return through if p.slips("skip_forgotten_on_the_way_back") else p.add(straight, through)


STRUCTURED = (
    Problem("convolution-pool", CONV.lstrip(), work_conv, frozenset({"slope_z"})),
    Problem("attention-head", ATTENTION.lstrip(), work_attention, frozenset(), frozenset("A")),
    Problem("layer-norm", LAYERNORM.lstrip(), work_layernorm),
    Problem("residual-block", RESIDUAL.lstrip(), work_residual, frozenset({"slope_s", "slope_h"}), frozenset("s")),
)
