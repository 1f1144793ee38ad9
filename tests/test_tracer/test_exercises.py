"""Exercises that teachers set, each from a file of at most fifteen lines: the numbers that their sources print.

Numbers are compared to the digits that are printed, no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
import pytest

import tracer

MOST_LINES = 15

Printed = Mapping[str, Any]


@dataclass(frozen=True)
class Exercise:
    """A problem file, the numbers of its step as they are printed, and those of the steps that follow.

    rounding: how the source rounded the numbers that it carried on, nothing where it carried every digit.
    """

    text: str
    printed: Printed
    after: Printed | None = None
    rounding: Mapping[str, int] = field(default_factory=dict)

    @property
    def step(self) -> Any:
        """Its trace, from the text as it is typed."""
        return tracer.trace(tracer.loads(self.text), **self.rounding)


def as_printed(found: float, printed: str) -> bool:
    """Whether a number is a printed one, to the digits printed."""
    last = Decimal(printed).as_tuple().exponent
    assert isinstance(last, int)
    return abs(found - float(printed)) <= 0.5 * 10.0**last * (1 + 1e-9)


def check(found: Any, printed: Any, name: str) -> None:
    """A number, or each of an array's, is what is printed."""
    texts = np.array(printed, object)
    assert np.shape(found) == texts.shape, f"{name}: {found}"
    for at in product(*map(range, texts.shape)):
        assert as_printed(float(np.asarray(found)[at]), texts[at]), f"{name}{list(at)}: {found} is not {printed}"


def words(text: str) -> Any:
    """Printed numbers as they stand: one, a row, or rows parted by `/`."""
    rows = [row.split() for row in text.split("/")]
    return rows if len(rows) > 1 else rows[0] if len(rows[0]) > 1 else rows[0][0]


GRAPHS = {
    "xy + z": Exercise(
        """
equations = "f = x*y + z"
objective = "f"
parameters = {x = 1, y = 2, z = 3}
""",
        {"f": "5", "dx": "2", "dy": "1", "dz": "1"},
    ),
    "(xy + z)t": Exercise(
        """
equations = "f = (x*y + z)*t"
objective = "f"
parameters = {x = 1, y = 2, z = 3, t = 4}
""",
        {"f": "20", "dx": "8", "dy": "4", "dz": "4", "dt": "5"},
    ),
    "(x + y)z": Exercise(
        '''
equations = """
q = x + y
f = q*z
"""
objective = "f"
parameters = {x = -2, y = 5, z = -4}
''',
        {"q": "3", "f": "-12", "dq": "-4", "dz": "3", "dx": "-4", "dy": "-4"},
    ),
    "(x + y)z, each gate a line": Exercise(
        """
equations = "f = (x + y)*z"
objective = "f"
gates = true
parameters = {x = -2, y = 5, z = -4}
""",
        {"q1": "3", "f": "-12", "dq1": "-4", "dz": "3", "dx": "-4", "dy": "-4"},
    ),
    "the price of apples": Exercise(
        '''
equations = """
apples = price*number
total = apples*tax
"""
objective = "total"
parameters = {price = 100, number = 2, tax = 1.1}
''',
        {"apples": "200", "total": "220", "dprice": "2.2", "dnumber": "110", "dtax": "200"},
    ),
    "one neuron": Exercise(
        '''
equations = """
p[i] = x[i]*w[i]
n = Σ_i p[i] + b
o = tanh(n)
"""
objective = "o"
inputs = ["x"]
parameters = {w = [-3, 1], b = 6.8813735870195432}
given = {x = [2, 0]}
''',
        {"o": ".70711", "dn": ".5", "dp": words(".5 .5"), "db": ".5", "dx": words("-1.5 .5"), "dw": words("1 0")},
    ),
    "a squared sigmoid": Exercise(
        '''
equations = """
h = sigmoid(w*x + b)
y = h^2
L = (y - t)^2
"""
objective = "L"
parameters = {w = 0.5, b = 1}
given = {x = 2, t = 0.8}
''',
        {"h": ".8808", "y": ".7758", "L": ".000586", "dw": "-.0179", "db": "-.0090"},
        rounding={"digits": 4},
    ),
}

TIME = {
    "a tiny recurrent network": Exercise(
        '''
equations = """
h[0] = 0
a[t] = Wx*x[t] + Wh*h[t-1]
h[t] = tanh(a[t])
y[t] = Wy*h[t]
L = Σ_t (y[t] - target[t])^2/2
"""
objective = "L"
parameters = {Wx = 0.5, Wh = 0.1, Wy = 1}
given = {x = [1, 2, 3], target = [0.5, 1, 1.5]}
''',
        {
            "h": words("0 .4621 .7803 .9183"),
            "L": ".1940",
            "da[3]": "-.09117",
            "dWy": "-.7231",
            "dWx": "-.4893",
            "dWh": "-.1125",
        },
    ),
    "a long short-term memory": Exercise(
        '''
equations = """
out[0] = 0
state[0] = 0
net[t,g] = Σ_i W[g,i]*x[t,i] + U[g]*out[t-1] + b[g]
state[t] = tanh(net[t,1])*σ(net[t,2]) + σ(net[t,3])*state[t-1]
out[t] = σ(net[t,4])*tanh(state[t])
E = Σ_t (out[t] - target[t])^2/2
"""
[parameters]
W = [[0.45, 0.25], [0.95, 0.8], [0.7, 0.45], [0.6, 0.4]]
U = [0.15, 0.8, 0.1, 0.25]
b = [0.2, 0.65, 0.15, 0.1]
[given]
x = [[1, 2], [0.5, 3]]
target = [0.5, 1.25]
''',
        {"out": words("0 .53631 .77198"), "state": words("0 .78573 1.51763")},
    ),
}

MINIMISATION = {
    "w² - 6w + 10": Exercise(
        """
equations = "L = w^2 - 6w + 10"
objective = "L"
parameters = {w = 0}
training = {learning_rate = 0.2}
""",
        {"dw": "-6", "w_new": "1.2"},
        {"w_new": words("1.2 1.92")},
    ),
    "x² with momentum": Exercise(
        """
equations = "f = x²"
objective = "f"
parameters = {x = 10}
training = {learning_rate = 0.1, optimizer = "momentum", momentum = 0.9}
""",
        {"dx": "20", "x_new": "8"},
        {"x_new": words("8 4.6 .62 -3.086 -5.8042")},
    ),
    "Adam": Exercise(  # the source has no epsilon; the least that a file takes is lost beside sqrt(16)
        """
equations = "E = 4w"
parameters = {w = 1}
training = {learning_rate = 0.1, optimizer = "adam", epsilon = 1e-300}
""",
        {"dw": "4", "mw": ".4", "vw": ".016", "mw_hat": "4", "vw_hat": "16", "w_new": ".9"},
    ),
}

CONVOLUTION = {
    "a filter and pooling": Exercise(
        '''
equations = """
map[p,q] = Σ_{u,v} K[u,v]*x[p+u-1,q+v-1]
pooled[s] = max_{c=1..2,d=1..2}(map[c,2s+d-2])
L = Σ_s (pooled[s] - target[s])^2/2
"""
objective = "L"
[parameters]
K = [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]
[given]
x = [[1, 3, 2, 4, 6, 4], [4, 8, 3, 1, 0, 2], [2, 1, 4, 3, 9, 1], [4, 7, 2, 3, 9, 2]]
target = [7, 10]
''',
        {
            "map": words("2 -4 6 -1 / -1 -9 9 -2"),
            "pooled": words("2 9"),
            "L": "13",
            "dK": words("-8 -16 -10 / -24 -43 -24 / -12 -8 -29"),
        },
    ),
}

OTHERS = {
    "layer normalisation": Exercise(
        '''
equations = """
mu = mean_j(x[j])
var = mean_j((x[j] - mu)^2)
y[j] = gamma*(x[j] - mu)/sqrt(var + 1e-5)
E = Σ_j y[j]^2
"""
parameters = {gamma = 1}
given = {x = [1, 2, 3, 4]}
''',
        {"y": words("-1.342 -.447 .447 1.342")},
    ),
    "the perceptron": Exercise(
        """
equations = "E = max(0, -y*Σ_i w[i]*x[i])"
parameters = {w = [2, -2]}
given = {x = [-1, 2], y = 1}
training = {learning_rate = 1}
""",
        {"w_new": words("1 0")},
    ),
    "a perceptron with a threshold": Exercise(
        '''
equations = """
net = Σ_i w[i]*x[i] - theta
y = 1 if net > 0 else 0
E = -(d - y)*net
"""
parameters = {w = [0.5, -0.2], theta = 0.3}
given = {x = [0, 1], d = 1}
training = {learning_rate = 0.5}
''',
        {"y": "0", "w_new": words(".5 .3"), "theta_new": "-.2"},
    ),
    "weight decay": Exercise(
        """
equations = "E = Σ_i g[i]*theta[i] + decay/2*Σ_i theta[i]^2"
parameters = {theta = [1, 2]}
given = {g = [0.1, 0.2], decay = 0.01}
training = {learning_rate = 0.1}
""",
        {"theta_new": words(".989 1.978")},
    ),
    "a skip connection and the absolute loss": Exercise(
        '''
equations = """
h0 = relu(w0*x)
h1 = relu(w1*h0)
out = w2*h1 + w_skip*h0
L = abs(out - y)
"""
objective = "L"
parameters = {w0 = 0.5, w1 = 0.5, w2 = 0.5, w_skip = 0.5}
given = {x = 1, y = -3}
training = {learning_rate = 1}
''',
        {
            "dw2": ".25",
            "dw_skip": ".5",
            "dw1": ".25",
            "dw0": ".75",
            "w2_new": ".25",
            "w_skip_new": "0",
            "w1_new": ".25",
            "w0_new": "-.25",
        },
        {"L": words("3.375 3")},
    ),
}

EXERCISES = {**GRAPHS, **TIME, **MINIMISATION, **CONVOLUTION, **OTHERS}


@pytest.mark.parametrize("name", EXERCISES)
def test_a_file_has_at_most_fifteen_lines(name: str) -> None:
    """What a teacher types for an exercise."""
    assert len([line for line in EXERCISES[name].text.splitlines() if line.strip()]) <= MOST_LINES


@pytest.mark.parametrize("name", EXERCISES)
def test_printed_numbers_are_reproduced(name: str) -> None:
    """Every number that the source prints, to its digits."""
    step = EXERCISES[name].step
    for quantity, printed in EXERCISES[name].printed.items():
        check(step[quantity], printed, quantity)


@pytest.mark.parametrize("name", [name for name in EXERCISES if EXERCISES[name].after])
def test_printed_numbers_of_later_steps_are_reproduced(name: str) -> None:
    """What the source prints of the steps that follow."""
    problem = tracer.loads(EXERCISES[name].text)
    for quantity, printed in (EXERCISES[name].after or {}).items():
        run = tracer.train(problem, len(printed), record=len(printed))
        for number, (step, text) in enumerate(zip(run.recorded, printed, strict=True), 1):
            check(step[quantity if number == 1 else f"{quantity}#{number}"], text, f"{quantity} after step {number}")


def test_the_signal_from_the_next_step_is_printed() -> None:
    """What h[2] gets of h[3]: Wh times the signal of a[3]; the rest of dh[2] is its own output's."""
    step = TIME["a tiny recurrent network"].step
    check(step["Wh"] * step["da[3]"], "-.009117", "Wh*da[3]")
    check(step["dh[2]"] - step["Wy"] * step["dy[2]"], "-.009117", "dh[2] - Wy*dy[2]")


@pytest.mark.parametrize("name", EXERCISES)
def test_another_digit_is_found(name: str) -> None:
    """The comparison sees two units of the last printed digit, in every number."""
    step = EXERCISES[name].step
    for quantity, printed in EXERCISES[name].printed.items():
        texts = np.array(printed, object)
        for at in product(*map(range, texts.shape)):
            exponent = Decimal(texts[at]).as_tuple().exponent
            wrong = texts.copy()
            wrong[at] = f"{Decimal(texts[at]) + Decimal((0, (2,), int(exponent))):f}"
            with pytest.raises(AssertionError):
                check(step[quantity], wrong.tolist() if texts.shape else wrong.item(), quantity)
