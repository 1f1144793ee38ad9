"""Three recurrent exercises: two units over three times, a GRU and an LSTM over two.

Legend: h the state, x the input of each time, y the answer, E = (y - target)²/2; names that begin with d are dE/d...,
those that end in _in are what goes into a unit's function; eta the learning rate.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from .calculating import Person
from .gates import gate, gate_slope, state_slope
from .problem import Problem
from .rounding import Number
from .updating import Optimizer, updated

RNN = '''
title = "A recurrent network of two units over three times"
equations = """
h[0,k] = 0
h[t,j] = tanh(Σ_i U[j,i]*x[t,i] + Σ_k V[j,k]*h[t-1,k] + b[j])
y = Σ_j w[j]*h[|t|,j] + c
E = (y - target)^2/2
"""
[parameters]
U = [[0.6, -0.3], [0.2, 0.8]]
V = [[0.5, -0.4], [0.7, 0.3]]
b = [0.1, -0.2]
w = [0.9, -1.1]
c = 0.2
[given]
x = [[1, 0.5], [-0.7, 1.2], [0.4, -0.9]]
target = 0.5
[training]
learning_rate = 0.1
'''

GRU = '''
title = "A GRU of one unit over two times"
equations = """
h[0] = 0.3
z[t] = sigmoid(Wz*x[t] + Uz*h[t-1] + bz)
r[t] = sigmoid(Wr*x[t] + Ur*h[t-1])
c[t] = tanh(Wc*x[t] + Uc*(r[t]*h[t-1]))
h[t] = (1 - z[t])*h[t-1] + z[t]*c[t]
E = (h[|t|] - target)^2/2
"""
[parameters]
Wz = 0.5
Uz = -0.8
bz = 0.2
Wr = 0.9
Ur = 0.4
Wc = 1.1
Uc = -0.6
[given]
x = [0.8, -1.2]
target = 0.9
[training]
learning_rate = 0.4
'''

LSTM = '''
title = "An LSTM cell over two times"
equations = """
h[0] = 0
c[0] = 0.5
i[t] = sigmoid(Wi*x[t] + Ui*h[t-1])
f[t] = sigmoid(Wf*x[t] + Uf*h[t-1] + bf)
g[t] = tanh(Wg*x[t] + Ug*h[t-1])
o[t] = sigmoid(Wo*x[t] + Uo*h[t-1])
c[t] = f[t]*c[t-1] + i[t]*g[t]
h[t] = o[t]*tanh(c[t])
E = (h[|t|] - target)^2/2
"""
[parameters]
Wi = 0.7
Ui = -0.3
Wf = 0.4
Uf = 0.6
bf = 0.5
Wg = 0.9
Ug = -0.5
Wo = -0.2
Uo = 0.8
[given]
x = [1.1, -0.7]
target = 0.6
[training]
learning_rate = 0.5
'''

STATES = dict[int, Number]  # by time, from 0


def parts(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], Optimizer]:
    """Parameters, given numbers, training."""
    return given["parameters"], given["given"], Optimizer(given["training"])


def squared_error(p: Person, y: Number, target: Number) -> None:
    """The row E = (y - target)²/2."""
    squared = p.square(p.minus(y, target))
    p.write("E", squared if p.slips("loss_without_half") else p.over(squared, 2))


def output_error(p: Person, y: Number, target: Number) -> Number:
    """dE/dy = y - target."""
    if p.slips("two_too_many"):
        return p.times(2, p.minus(y, target))
    return p.minus(target, y) if p.slips("target_minus_output") else p.minus(y, target)


# the recurrent network


def work_rnn(p: Person, given: dict[str, Any]) -> None:
    """h[t] = tanh(U x[t] + V h[t-1] + b), y = w h[3] + c."""
    of, numbers, optimizer = parts(given)
    x, target = numbers["x"], numbers["target"]
    h_in, h = rnn_states(p, of, x)
    y = p.write("y", p.dot(of["w"], h[3], of["c"]))
    squared_error(p, y, target)
    dy = p.write("dy", output_error(p, y, target))
    dw = p.row("dw", [p.times(dy, one) for one in h[3]])
    dc = p.write("dc", dy)
    dh_in = rnn_signals(p, of, h_in, h, dy)
    dU = p.table("dU", [[over_time(p, dh_in, j, {t: x[t - 1] for t in h_in}, i) for i in (0, 1)] for j in (0, 1)])
    before = {t: h[t] if p.slips("state_of_the_same_time") else h[t - 1] for t in h_in}
    dV = p.table("dV", [[over_time(p, dh_in, j, before, k) for k in (0, 1)] for j in (0, 1)])
    ones = dict.fromkeys(h_in, (1, 1))
    db = p.row("db", [over_time(p, dh_in, j, ones, 0) for j in (0, 1)])
    for name, gradient in (("w", dw), ("c", dc), ("U", dU), ("V", dV), ("b", db)):
        updated(p, name, of[name], gradient, optimizer)


def rnn_states(p: Person, of: dict[str, Any], x: list[list[Number]]) -> tuple[dict[int, Any], dict[int, Any]]:
    """What goes into the tanh, and the state, of each time."""
    h: dict[int, Any] = {0: [p.write(f"h[0,{k}]", 0) for k in (1, 2)]}
    h_in: dict[int, Any] = {}
    for t in (1, 2, 3):
        h_in[t] = []
        for j in (0, 1):
            now = x[t - 2] if t > 1 and p.slips("input_of_the_time_before") else x[t - 1]
            terms = [p.times(u, one) for u, one in zip(of["U"][j], now, strict=True)]
            weights = [row[j] for row in of["V"]] if t > 1 and p.slips("V_read_by_columns") else of["V"][j]
            if not (t > 1 and p.slips("state_forgotten")):
                terms += [p.times(v, one) for v, one in zip(weights, h[t - 1], strict=True)]
            bias = [] if p.slips("bias_forgotten") else [of["b"][j]]
            h_in[t].append(p.write(f"h_in[{t},{j + 1}]", p.total(terms + bias)))
        h[t] = [p.write(f"h[{t},{j + 1}]", p.tanh(h_in[t][j])) for j in (0, 1)]
    return h_in, h


def rnn_signals(p: Person, of: dict[str, Any], h_in: dict[int, Any], h: dict[int, Any], dy: Number) -> dict[int, Any]:
    """The error back through time."""
    slopes = {t: [p.write(f"slope_h[{t},{j + 1}]", state_slope(p, h_in[t][j], h[t][j])) for j in (0, 1)] for t in h_in}
    dh_in: dict[int, Any] = {}
    for t in (3, 2, 1):
        dh = [p.write(f"dh[{t},{k + 1}]", rnn_arriving(p, of, dy, dh_in, t, k)) for k in (0, 1)]
        slope = slopes[t + 1] if t < 3 and p.slips("slope_of_the_next_time") else slopes[t]
        dh_in[t] = []
        for j in (0, 1):
            value = dh[j] if p.slips("hidden_slope_forgotten") else p.times(slope[j], dh[j])
            dh_in[t].append(p.write(f"dh_in[{t},{j + 1}]", value))
    return dh_in


def rnn_arriving(p: Person, of: dict[str, Any], dy: Number, dh_in: dict[int, Any], t: int, k: int) -> Number:
    """dh[t,k]: from the output at the last time, else from the next time."""
    if t == 3:
        return p.times(of["w"][k], dy)
    if p.slips("error_not_sent_back_in_time"):
        return 0
    if p.slips("output_error_at_every_time"):
        return p.times(of["w"][k], dy)
    if p.slips("back_by_the_input_weights"):
        return p.dot([row[k] for row in of["U"]], dh_in[t + 1])
    weights = of["V"][k] if p.slips("V_not_transposed") else [row[k] for row in of["V"]]
    return p.dot(weights, dh_in[t + 1])


def over_time(p: Person, signals: dict[int, Any], j: int, reads: dict[int, Any], i: int) -> Number:
    """Σ_t signal[t,j] times what the weight reads at t."""
    times = list(signals)[::-1]
    if p.slips("last_time_only"):
        times = times[-1:]
    whole = p.total([p.times(signals[t][j], reads[t][i]) for t in times])
    return p.over(whole, 3) if p.slips("mean_over_time") else whole


# the GRU


def work_gru(p: Person, given: dict[str, Any]) -> None:
    """h[t] = (1 - z[t]) h[t-1] + z[t] c[t]."""
    of, numbers, optimizer = parts(given)
    x = dict(enumerate(numbers["x"], 1))
    s = gru_forward(p, of, x)
    squared_error(p, s["h"][2], numbers["target"])
    gru_backward(p, of, s, numbers["target"])
    before = s["h"] if p.slips("state_of_the_same_time") else {t: s["h"][t - 1] for t in (1, 2)}
    gradients = {}
    for gate_name in "zr":
        signal = s[f"d{gate_name}_in"]
        gradients[f"W{gate_name}"] = p.write(f"dW{gate_name}", both_times(p, signal, x))
        gradients[f"U{gate_name}"] = p.write(f"dU{gate_name}", both_times(p, signal, before))
    gradients["bz"] = p.write("dbz", both_times(p, s["dz_in"], {1: 1, 2: 1}))
    gradients["Wc"] = p.write("dWc", both_times(p, s["dc_in"], x))
    reset = {t: before[t] if p.slips("gradient_without_reset") else p.times(s["r"][t], before[t]) for t in (1, 2)}
    gradients["Uc"] = p.write("dUc", both_times(p, s["dc_in"], reset))
    for name in ("Wz", "Uz", "bz", "Wr", "Ur", "Wc", "Uc"):
        updated(p, name, of[name], gradients[name], optimizer)


def both_times(p: Person, signal: STATES, reads: STATES) -> Number:
    """Σ_t signal[t] times what the weight reads at t."""
    terms = [p.times(signal[t], reads[t]) for t in (1, 2)]
    return terms[1] if p.slips("last_time_only") else p.total(terms)


def gru_forward(p: Person, of: dict[str, Any], x: STATES) -> dict[str, STATES]:
    """Gates, candidate and state of both times."""
    h: STATES = {0: p.write("h[0]", p.given(Fraction("0.3")))}
    s: dict[str, STATES] = {name: {} for name in ("z_in", "z", "r_in", "r", "c_in", "c")}
    for t in (1, 2):
        now = x[3 - t] if p.slips("input_of_the_other_time") else x[t]
        bias = [] if p.slips("bias_forgotten") else [of["bz"]]
        z_in = p.total([p.times(of["Wz"], now), p.times(of["Uz"], h[t - 1]), *bias])
        s["z_in"][t] = p.write(f"z_in[{t}]", z_in)
        s["z"][t] = p.write(f"z[{t}]", gate(p, s["z_in"][t]))
        s["r_in"][t] = p.write(f"r_in[{t}]", p.add(p.times(of["Wr"], now), p.times(of["Ur"], h[t - 1])))
        s["r"][t] = p.write(f"r[{t}]", gate(p, s["r_in"][t]))
        state = h[t - 1] if p.slips("reset_forgotten") else p.times(s["r"][t], h[t - 1])
        s["c_in"][t] = p.write(f"c_in[{t}]", p.add(p.times(of["Wc"], now), p.times(of["Uc"], state)))
        s["c"][t] = p.write(f"c[{t}]", p.tanh(s["c_in"][t]))
        old, new = p.minus(1, s["z"][t]), s["z"][t]
        if p.slips("gate_the_other_way_round"):
            old, new = new, old
        h[t] = p.write(f"h[{t}]", p.add(p.times(old, h[t - 1]), p.times(new, s["c"][t])))
    return {**s, "h": h}


def gru_backward(p: Person, of: dict[str, Any], s: dict[str, STATES], target: Number) -> None:
    """The signals of both times, into s."""
    h, z, c = s["h"], s["z"], s["c"]
    slopes = {"c": {t: p.write(f"slope_c[{t}]", state_slope(p, s["c_in"][t], c[t])) for t in (1, 2)}}
    for name in "rz":
        slopes[name] = {t: p.write(f"slope_{name}[{t}]", gate_slope(p, s[f"{name}_in"][t], s[name][t])) for t in (1, 2)}
    for name in ("dh", "dz_in", "dr_in", "dc_in"):
        s[name] = {}
    for t in (2, 1):
        dh = p.write(f"dh[{t}]", output_error(p, h[2], target) if t == 2 else gru_arriving(p, of, s))
        s["dh"][t] = dh
        dc = p.write(f"dc[{t}]", dh if p.slips("candidate_without_gate") else p.times(z[t], dh))
        s["dc_in"][t] = p.write(f"dc_in[{t}]", behind(p, slopes["c"][t], dc))
        dr = p.write(f"dr[{t}]", p.product(h[t - 1], of["Uc"], s["dc_in"][t]))
        s["dr_in"][t] = p.write(f"dr_in[{t}]", behind(p, slopes["r"][t], dr))
        dz = p.minus(p.times(c[t], dh), p.times(h[t - 1], dh))
        if p.slips("gate_signal_of_candidate_only"):
            dz = p.times(c[t], dh)
        elif p.slips("gate_signal_sign"):
            dz = -dz
        dz = p.write(f"dz[{t}]", dz)
        s["dz_in"][t] = p.write(f"dz_in[{t}]", behind(p, slopes["z"][t], dz))


def behind(p: Person, slope: Number, signal: Number) -> Number:
    """The signal behind a function."""
    return signal if p.slips("gate_slope_forgotten") else p.times(slope, signal)


def gru_arriving(p: Person, of: dict[str, Any], s: dict[str, STATES]) -> Number:
    """dh[1]: by four ways from time 2."""
    kept = p.times(p.minus(1, s["z"][2]), s["dh"][2])
    if p.slips("only_the_direct_way_back"):
        return kept
    terms = [p.times(of["Uz"], s["dz_in"][2]), p.times(of["Ur"], s["dr_in"][2])]
    if p.slips("way_through_the_gates_forgotten"):
        terms = []
    candidate = p.times(of["Uc"], s["dc_in"][2])
    terms.append(candidate if p.slips("reset_forgotten_on_the_way_back") else p.times(s["r"][2], candidate))
    return p.total(terms if p.slips("direct_way_back_forgotten") else [*terms, kept])


# the LSTM


def work_lstm(p: Person, given: dict[str, Any]) -> None:
    """c[t] = f c[t-1] + i g, h[t] = o tanh(c[t])."""
    of, numbers, optimizer = parts(given)
    x = dict(enumerate(numbers["x"], 1))
    s = lstm_forward(p, of, x)
    squared_error(p, s["h"][2], numbers["target"])
    lstm_backward(p, of, s, numbers["target"])
    before = s["h"] if p.slips("state_of_the_same_time") else {t: s["h"][t - 1] for t in (1, 2)}
    gradients = {}
    for name in "ifgo":
        signal = s[f"d{name}_in"]
        gradients[f"W{name}"] = p.write(f"dW{name}", both_times(p, signal, x))
        gradients[f"U{name}"] = p.write(f"dU{name}", both_times(p, signal, before))
        if name == "f":
            gradients["bf"] = p.write("dbf", both_times(p, signal, {1: 1, 2: 1}))
    for name in ("Wi", "Ui", "Wf", "Uf", "bf", "Wg", "Ug", "Wo", "Uo"):
        updated(p, name, of[name], gradients[name], optimizer)


def lstm_forward(p: Person, of: dict[str, Any], x: STATES) -> dict[str, STATES]:
    """Gates, cell and state of both times."""
    h: STATES = {0: p.write("h[0]", 0)}
    cell: STATES = {0: p.write("c[0]", p.given(Fraction("0.5")))}
    s: dict[str, STATES] = {f"{name}{end}": {} for name in "ifgo" for end in ("", "_in")}
    for t in (1, 2):
        now = x[3 - t] if p.slips("input_of_the_other_time") else x[t]
        for name in "ifgo":
            terms = [p.times(of[f"W{name}"], now)]
            if not (t == 2 and p.slips("state_forgotten")):
                terms.append(p.times(of[f"U{name}"], h[t - 1]))
            if name == "f" and not p.slips("bias_forgotten"):
                terms.append(of["bf"])
            s[f"{name}_in"][t] = p.write(f"{name}_in[{t}]", p.total(terms))
            candidate = name == "g" and not p.slips("sigmoid_instead_of_tanh")
            value = p.tanh(s["g_in"][t]) if candidate else gate(p, s[f"{name}_in"][t])
            s[name][t] = p.write(f"{name}[{t}]", value)
        keeping, letting_in = s["f"][t], s["i"][t]
        if p.slips("gates_exchanged"):
            keeping, letting_in = letting_in, keeping
        value = p.add(p.times(keeping, cell[t - 1]), p.times(letting_in, s["g"][t]))
        cell[t] = p.write(f"c[{t}]", value)
        shown = cell[t] if p.slips("cell_not_squashed") else p.tanh(cell[t])
        h[t] = p.write(f"h[{t}]", p.times(s["o"][t], shown))
    return {**s, "h": h, "c": cell}


def lstm_backward(p: Person, of: dict[str, Any], s: dict[str, STATES], target: Number) -> None:
    """The signals of both times, into s."""
    slopes: dict[str, STATES] = {}
    for name in "ogfi":
        slope = state_slope if name == "g" else gate_slope
        net_in, value = s[f"{name}_in"], s[name]
        slopes[name] = {t: p.write(f"slope_{name}[{t}]", slope(p, net_in[t], value[t])) for t in (1, 2)}
    for name in ("dc", "do_in", "dg_in", "df_in", "di_in"):
        s[name] = {}
    for t in (2, 1):
        dh = p.write(f"dh[{t}]", output_error(p, s["h"][2], target) if t == 2 else lstm_arriving(p, of, s))
        dc = p.write(f"dc[{t}]", cell_signal(p, s, t, dh))
        s["dc"][t] = dc
        squashed = p.tanh(s["c"][t])
        signals = {
            "o": p.times(s["c"][t] if p.slips("output_gate_reads_the_cell") else squashed, dh),
            "g": p.times(s["i"][t], dc),
            "f": p.times(s["c"][t if p.slips("cell_of_the_same_time") else t - 1], dc),
            "i": p.times(s["g"][t], dc),
        }
        for name, value in signals.items():
            signal = p.write(f"d{name}[{t}]", value)
            s[f"d{name}_in"][t] = p.write(f"d{name}_in[{t}]", behind(p, slopes[name][t], signal))


def cell_signal(p: Person, s: dict[str, STATES], t: int, dh: Number) -> Number:
    """dc[t]: through the state, and through the next cell."""
    squashed = p.tanh(s["c"][t])
    through_state = p.product(p.minus(1, p.square(squashed)), s["o"][t], dh)
    if p.slips("cell_slope_forgotten"):
        through_state = p.times(s["o"][t], dh)
    if t == 2:
        return through_state
    if p.slips("way_along_the_cells_forgotten"):
        return through_state
    along = p.times(s["f"][1 if p.slips("forget_gate_of_the_wrong_time") else 2], s["dc"][2])
    return along if p.slips("way_through_the_state_forgotten") else p.add(along, through_state)


def lstm_arriving(p: Person, of: dict[str, Any], s: dict[str, STATES]) -> Number:
    """dh[1]: through the four gates of time 2."""
    gates = "o" if p.slips("only_the_output_gate_back") else "ifgo"
    return p.total([p.times(of[f"U{name}"], s[f"d{name}_in"][2]) for name in gates])


GATES = frozenset(f"slope_{name}" for name in "zrcifgoh") | {f"{name}_in" for name in "zrcifgo"}
RECURRENT = (
    Problem("rnn-three-times", RNN.lstrip(), work_rnn, GATES),
    Problem("gru-two-times", GRU.lstrip(), work_gru, GATES, frozenset("zr"), 3),
    Problem("lstm-two-times", LSTM.lstrip(), work_lstm, GATES, frozenset("ifo"), 3),
)
