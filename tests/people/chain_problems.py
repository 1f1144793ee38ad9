"""Ten chains of dense layers, each another textbook exercise."""

from __future__ import annotations

from .chain import work_chain
from .problem import Problem

HAND = """
title = "3-2-2 network, one step by hand"

[network]
loss = "half_squared_error"
layers = [
  {activation = "sigmoid",  W = [[0.1, 0.1, 0.1], [0.2, 0.2, 0.2]]},
  {activation = "identity", W = [[1, 2], [3, 4]]},
]

[[samples]]
x = [1, 2, 3]
t = [0, 1]

[training]
learning_rate = 0.1
"""

MAZUR = """
title = "2-2-2 network with one shared bias a layer"
[network]
loss = "half_squared_error"
layers = [
  {activation = "sigmoid", W = [[0.15, 0.20], [0.25, 0.30]], b = 0.35},
  {activation = "sigmoid", W = [[0.40, 0.45], [0.50, 0.55]], b = 0.60},
]
[[samples]]
x = [0.05, 0.10]
t = [0.01, 0.99]
[training]
learning_rate = 0.5
update_biases = false
"""

SOFTMAX = """
title = "2-3-3 classifier: tanh, softmax with cross-entropy"
[network]
loss = "cross_entropy"
layers = [
  {activation = "tanh", W = [[0.3, -0.4], [0.6, 0.2], [-0.5, 0.7]], b = [0.1, -0.2, 0.05]},
  {activation = "softmax", W = [[0.8, -0.3, 0.4], [-0.6, 0.5, 0.9], [0.2, 0.7, -0.1]], b = [0.1, 0, -0.1]},
]
[[samples]]
x = [1.2, 0.7]
t = [0, 1, 0]
[training]
learning_rate = 0.2
"""

TANH = """
title = "2-2-1 network of tanh units"
[network]
loss = "squared_error"
layers = [
  {activation = "tanh", W = [[0.4, -0.7], [0.9, 0.3]], b = [0.2, -0.1]},
  {activation = "tanh", W = [[0.8, -0.6]], b = [0.3]},
]
[[samples]]
x = [0.6, -1.1]
t = [-0.4]
[training]
learning_rate = 0.3
"""

RELU = """
title = "3-3-2 network with ReLU, one unit off"
[network]
loss = "half_squared_error"
layers = [
  {activation = "relu", W = [[0.5, -0.2, 0.3], [-0.7, 0.4, -0.6], [0.35, 0.8, -0.15]], b = [0.1, 0.2, -0.3]},
  {activation = "identity", W = [[0.6, -0.5, 0.9], [-0.4, 0.75, 0.25]], b = [0.2, -0.1]},
]
[[samples]]
x = [1.5, 0.8, 2]
t = [1, 0.5]
[training]
learning_rate = 0.05
"""

BATCH = """
title = "2-2-1 classifier, a batch of three, mean"
[network]
loss = "binary_cross_entropy"
layers = [
  {activation = "sigmoid", W = [[0.5, -0.8], [0.7, 0.4]], b = [0.1, -0.3]},
  {activation = "sigmoid", W = [[1.2, -0.9]], b = [0.2]},
]
[[samples]]
x = [1, 0.5]
t = [1]
[[samples]]
x = [-0.6, 2]
t = [0]
[[samples]]
x = [0.3, -1.4]
t = [1]
[training]
learning_rate = 0.5
reduction = "mean"
"""

TURNS = """
title = "2-2-1 network, an update after each of two samples"
[network]
loss = "half_squared_error"
layers = [
  {activation = "sigmoid", W = [[0.3, 0.8], [-0.5, 0.6]], b = [0.2, -0.4]},
  {activation = "sigmoid", W = [[0.9, -1.1]], b = [0.1]},
]
[[samples]]
x = [1, 0.2]
t = [0]
[[samples]]
x = [0.4, 1.5]
t = [1]
[training]
learning_rate = 0.8
samples = "in_turn"
"""

MOMENTUM = """
title = "1-2-1 network, two updates with momentum"
[network]
loss = "half_squared_error"
layers = [
  {activation = "tanh", W = [[0.7], [-0.4]], b = [0.1, 0.3]},
  {activation = "identity", W = [[0.5, 1.2]], b = [-0.2]},
]
[[samples]]
x = [1.5]
t = [0.8]
[[samples]]
x = [-0.6]
t = [-0.5]
[training]
learning_rate = 0.1
optimizer = "momentum"
momentum = 0.9
samples = "in_turn"
"""

ADAM = """
title = "2-2-1 network, one step of Adam"
[network]
loss = "half_squared_error"
layers = [
  {activation = "sigmoid", W = [[0.6, -0.3], [0.2, 0.9]], b = [0.1, -0.2]},
  {activation = "identity", W = [[1.4, -0.7]], b = [0.3]},
]
[[samples]]
x = [0.8, 1.7]
t = [1.5]
[training]
learning_rate = 0.1
optimizer = "adam"
beta1 = 0.9
beta2 = 0.999
epsilon = 1e-8
"""

DEEP = """
title = "2-2-2-1 network: tanh, sigmoid, identity"
[network]
loss = "half_squared_error"
layers = [
  {activation = "tanh", W = [[0.8, -0.5], [0.3, 0.6]], b = [0.1, -0.2]},
  {activation = "sigmoid", W = [[1.1, -0.7], [0.4, 0.9]], b = [-0.3, 0.2]},
  {activation = "identity", W = [[0.7, -1.3]], b = [0.4]},
]
[[samples]]
x = [0.9, -0.4]
t = [1.2]
[training]
learning_rate = 0.25
"""

SCRATCH = frozenset(["slope1", "slope2", "slope3", "dz0", "dz1", "dz2", "dz3", "J2"])


def _chain(name: str, source: str, *, shares: str = "", least_figures: int = 2) -> Problem:
    return Problem(name, source.lstrip(), work_chain, SCRATCH, frozenset(shares.split()), least_figures)


CHAINS = (
    _chain("hand-3-2-2", HAND, shares="z1"),
    _chain("mazur-2-2-2", MAZUR, shares="z1 z2"),
    _chain("softmax-2-3-3", SOFTMAX, shares="z2"),
    _chain("tanh-2-2-1", TANH),
    _chain("relu-3-3-2", RELU),
    _chain("batch-2-2-1", BATCH, shares="z1 z2"),
    _chain("turns-2-2-1", TURNS, shares="z1 z2"),
    _chain("momentum-1-2-1", MOMENTUM),
    _chain("adam-2-2-1", ADAM, shares="z1", least_figures=3),
    _chain("deep-2-2-2-1", DEEP, shares="z2"),
)
