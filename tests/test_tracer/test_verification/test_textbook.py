"""The textbook's central differences: their value, their truncation worked out, their rounding within its bound."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from flint import arb
from networks import random_problem

import tracer
from tracer import load, trace, verify
from tracer.cli import main
from tracer.verification import textbook
from tracer.verification.result import Verification

SCHEMA = json.loads((Path(tracer.__file__).parent / "schemas" / "verify-1.json").read_text(encoding="utf-8"))
WAYS = ("together", "in_turn", "apart")


def outside(found: Verification) -> list[str]:
    """Where rounding is beyond its bound."""
    rows = [(row.name, row.textbook) for row in found.rows if row.textbook]
    return [name for name, q in rows if not abs(q.rounding) <= q.allowed - abs(q.truncation)]


@pytest.mark.parametrize("seed", range(21))
def test_rounding_keeps_to_its_bound(seed: int) -> None:
    """Every loss, bias form and way of taking samples, large steps and small ones; every dW and db has a quotient."""
    problem = random_problem(seed, samples=WAYS[seed % 3])
    for h in (1e-2, 1e-6):
        found = verify(problem, textbook=h)
        assert outside(found) == []
        parameters = [name for name in trace(problem).values if name.startswith(("dW", "db", "dtheta"))]
        assert [row.name for row in found.rows if row.textbook] == parameters


def test_a_corrupted_loss_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twin: the loss in balls off by 1e-9, and float64 is no longer within rounding of the quotient."""
    plain = textbook._Moved.exact
    monkeypatch.setattr(textbook._Moved, "exact", lambda *a: plain(*a) * arb("1.000001"))
    assert outside(verify("hand-3-2-2", textbook=1e-5))


def forward(W: list[Any], x: Any, t: Any) -> float:
    """The loss of the network hand-3-2-2, written by itself."""
    return float(np.sum((W[1] @ (1 / (1 + np.exp(-(W[0] @ x)))) - t) ** 2) / 2)


def numerical(h: float, *, central: bool = True) -> dict[str, Any]:
    """A student's own numerical gradient of hand-3-2-2."""
    problem = load("hand-3-2-2")
    W = [layer.W.floats.copy() for layer in problem.network.layers]
    assert problem.signals is not None
    x, t, out = problem.x.floats[:, 0], problem.signals.floats[:, 0], {}
    for l, weights in enumerate(W, 1):
        out[f"dW{l}"] = gradient = np.zeros(weights.shape)
        for place in np.ndindex(weights.shape):
            kept, ends = weights[place], []
            for step in (h, -h if central else 0.0):
                weights[place] = kept + step
                ends.append(forward(W, x, t))
            weights[place] = kept
            gradient[place] = (ends[0] - ends[1]) / (2 * h if central else h)
    return out


def test_a_students_own_quotients_fit() -> None:
    """Central differences of another program are within what is allowed; forward differences are not."""
    words = "10 of 10 given numbers are no further off than right ones may be"
    assert words in str(verify("hand-3-2-2", numerical(1e-5), textbook=1e-5))
    assert words not in str(verify("hand-3-2-2", numerical(1e-5, central=False), textbook=1e-5))
    assert words not in str(verify("hand-3-2-2", numerical(1e-2), textbook=1e-5))


def test_truncation_goes_with_the_square_of_h() -> None:
    """A fourth of it at half the step; none at all where the loss is a square of the weight."""
    wide, half = (verify("hand-3-2-2", textbook=h).rows for h in (2e-3, 1e-3))
    for one, other in zip(wide, half, strict=True):
        if one.textbook and other.textbook and one.name.startswith("dW1"):
            assert one.textbook.truncation == pytest.approx(4 * other.textbook.truncation, rel=1e-3)
        elif one.textbook:
            assert one.textbook.truncation == 0


def test_a_kink_within_the_step_shows_as_truncation() -> None:
    """At the kink of a ReLU the quotient is the mean of both slopes: its error, and not that of the gradient."""
    layers = [{"activation": "relu", "W": [[1, -1]]}, {"activation": "identity", "W": [[2]]}]
    problem = {
        "network": {"loss": "half_squared_error", "layers": layers},
        "samples": [{"x": [1, 1], "t": [1]}],
        "training": {"learning_rate": 1},
    }
    found = verify(problem, textbook=1e-5)
    assert found.agrees
    quotient = next(row.textbook for row in found.rows if row.name == "dW1[1,1]")
    assert quotient is not None
    assert quotient.value == pytest.approx(-1, abs=1e-4)
    assert quotient.truncation == pytest.approx(-1, abs=1e-4)


def test_every_format_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Table, Markdown, CSV and JSON; the table fits into 80 columns and the JSON its schema."""
    found = verify("hand-3-2-2", textbook=1e-5)
    for form in ("table", "markdown"):
        text = found.render(form)
        table = text[text.index("Textbook:") : text.index("agree:")]
        assert table.count("dW") == 10
        assert form == "markdown" or max(map(len, table.splitlines())) <= 80
    rows = {row["quantity"]: row for row in csv.DictReader(io.StringIO(found.render("csv")))}
    assert float(rows["dW1[1,1]"]["textbook value"]) == pytest.approx(3.25237618, abs=1e-8)
    assert rows["a1[1]"]["textbook value"] == ""
    assert main(["verify", "hand-3-2-2", "--certify", "--textbook", "1e-5", "--format", "json"]) == 0
    out = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(SCHEMA).validate(out)
    assert out["textbook"] == {"h": 1e-5}


def test_steps_that_are_none() -> None:
    """A step must be a small positive number."""
    for h in (0.0, -1e-5, float("nan"), 2.0):
        with pytest.raises(ValueError, match="textbook must be a step size between 0 and 1, such as 1e-5"):
            verify("hand-3-2-2", textbook=h)
    with pytest.raises(SystemExit, match="2"):
        main(["verify", "hand-3-2-2", "--textbook", "x"])
