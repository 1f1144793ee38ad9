"""Verification with certificates: each gradient proved, refuted or undecided, and never agreed to without a proof."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from flint import arb, ctx
from networks import random_problem
from plants import spoil_backward, spoil_forward

import tracer
from tracer import trace, verify
from tracer.cli import main
from tracer.verification.certificates import certify

SCHEMA = json.loads((Path(tracer.__file__).parent / "schemas" / "verify-1.json").read_text(encoding="utf-8"))
WAYS = ("together", "in_turn", "apart")


def kinds(names: tuple[str, ...]) -> set[str]:
    """The kinds of quantities that names are of."""
    return {name.rstrip("0123456789[],@#") for name in names}


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_what_is_traced_is_proved(seed: int) -> None:
    """Every activation, loss, bias form and way of taking samples: nothing refuted, all proved away from kinks."""
    problem = random_problem(seed, samples=WAYS[seed % 3])
    found = verify(problem, certify=True)
    expected = [n for n in trace(problem).values if n.startswith(("delta", "dz", "dW", "db", "dtheta"))]
    assert found.certified["refuted"] == ()
    assert sorted(found.certified["proved"] + found.certified["undecided"]) == sorted(expected)
    assert not any(proof.apart for proof in found.proofs)
    kinks = any(proof.certificates.kinks for proof in found.proofs)
    open_ = kinds(found.certified["undecided"]) - {"delta", "dz"} | kinds(found.vague)
    assert found.verdict == ("undecided" if open_ else "agree")
    assert kinks or not found.certified["undecided"]


@pytest.mark.parametrize("samples", WAYS)
def test_the_balls_hold_the_true_values(samples: str) -> None:
    """Each ball is at most 1e-20 wide for its size, and overlaps the trace in balls of the same first step."""
    problem = random_problem(17, samples=samples)
    found, balls = verify(problem, certify=True), trace(problem, arithmetic="ball", precision=300)
    for row in found.rows:
        if row.ball and "#" not in row.name:
            with ctx.workprec(300):
                mid, radius = arb(row.ball.mid), arb(row.ball.radius)
                assert abs(mid - balls.values[row.name]) <= radius
                assert row.ball.mid == "0" or radius <= abs(mid) * 1.1e-20


def test_steps_in_turn_start_where_the_last_one_ends() -> None:
    """The second step is certified from the float64 parameters that the first leaves, and the answer says so."""
    problem = random_problem(17, samples="in_turn")
    found = verify(problem, certify=True)
    steps = trace(problem).steps
    assert len(steps) > 1
    assert "float64 parameters that the step before it leaves" in str(found)
    rows = {row.name: row for row in found.rows}
    assert np.array_equal(found.steps[1].routes.subject.given["W1"], steps[1].inputs["W", 1])
    assert rows["dW1[1,1]#2"].certificate == "proved"
    fresh = certify(tracer.load(problem).sample(2))["dW1[1,1]"]
    assert not fresh.overlaps(found.proofs[1].certificates["dW1[1,1]"])


@pytest.mark.parametrize("by", [1e-12, -1e-6, 0.5])
def test_a_corrupted_gradient_is_refuted(by: float) -> None:
    """The planted twin: one gradient off, and it alone is refuted by name."""
    step = trace("hand-3-2-2")
    given = {"dW1": step["dW1"], "dW2": step["dW2"], "delta1": step["delta1"]}
    assert verify("hand-3-2-2", given, certify=True).agrees
    given["dW1"][1, 2] *= 1 + by
    found = verify("hand-3-2-2", given, certify=True)
    assert found.certified["refuted"] == ("dW1[2,3]",)
    assert found.verdict == "disagree"
    assert "refuted: dW1[2,3]: given" in str(found)
    assert "true value 10.89230793400130755" in str(found)


def test_printed_digits_are_what_is_proved() -> None:
    """A rounded number is proved to the half unit of its last digit; one unit more is refuted."""
    assert verify("hand-3-2-2", {"dW2[1,1]": "1.4093"}, certify=True).certified["proved"] == ("dW2[1,1]",)
    assert verify("hand-3-2-2", {"dW2[1,1]": "1.4094"}, certify=True).certified["refuted"] == ("dW2[1,1]",)
    single = {"dW2": trace("hand-3-2-2", arithmetic="float32")["dW2"].astype(np.float32)}
    assert verify("hand-3-2-2", single, certify=True).agrees
    assert verify("hand-3-2-2", {"dW2[1,1]": float("nan")}, certify=True).certified["refuted"] == ("dW2[1,1]",)


@pytest.mark.parametrize("route", ["backward", "forward"])
def test_a_corrupted_ball_route_shows(route: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted twins: either ball route off by 1e-15, and the routes lie apart; nothing there counts as proved."""
    spoil_backward(monkeypatch, "W1") if route == "backward" else spoil_forward(monkeypatch)
    found = verify("hand-3-2-2", certify=True)
    assert found.verdict == "disagree"
    assert "dW1" in found.proofs[0].apart
    assert "dW1[1,1]" in found.certified["undecided"]
    assert "the two ball routes lie apart at" in str(found)
    assert json.loads(found.render("json"))["certificates"]["routes_apart"]


def relu_at_zero() -> dict[str, Any]:
    """One ReLU unit exactly at its kink."""
    layers = [{"activation": "relu", "W": [[1, -1]]}, {"activation": "identity", "W": [[2]]}]
    return {
        "network": {"loss": "half_squared_error", "layers": layers},
        "samples": [{"x": [1, 1], "t": [1]}],
        "training": {"learning_rate": 1},
    }


def test_at_a_kink_nothing_is_proved() -> None:
    """The derivative has two sides there: undecided, with the unit named; without certificates it agrees."""
    assert verify(relu_at_zero()).agrees
    found = verify(relu_at_zero(), certify=True)
    assert found.verdict == "undecided"
    assert found.certified["undecided"] == ("delta1[1]", "dW1[1,1]", "dW1[1,2]", "dz0[1]", "dz0[2]")
    assert "at a kink, where the slopes of both sides are in the ball: a1[1]" in str(found)
    beyond = verify(relu_at_zero(), {"dW1[1,1]": 0.5}, certify=True)
    assert beyond.certified["refuted"] == ("dW1[1,1]",)


@pytest.mark.parametrize(("samples", "named"), [("apart", "a1[1]@2"), ("in_turn", "a1[1]#2"), ("together", "a1[1]@2")])
def test_a_kink_is_named_where_it_is(samples: str, named: str) -> None:
    """The unit's name carries its sample or its step."""
    problem = relu_at_zero()
    problem["samples"].insert(0, {"x": [0, 1], "t": [1]})
    problem["training"]["samples"] = samples
    assert f"at a kink, where the slopes of both sides are in the ball: {named}" in str(verify(problem, certify=True))


def test_what_has_no_certificate_is_never_agreed_to() -> None:
    """Pre-activations have no ball: alone they are undecided, beside gradients they are counted."""
    found = verify("hand-3-2-2", {"a1[1]": 0.6}, certify=True)
    assert found.verdict == "undecided"
    assert "none of the 1 given numbers has a certificate" in str(found)
    assert "without a certificate: 1;" in str(verify("hand-3-2-2", {"a1[1]": 0.6, "dW2[1,1]": "1.4093"}, certify=True))


def test_a_proof_of_everything_certified_is_no_verdict_on_the_rest() -> None:
    """All gradients proved, a velocity that is 0 but for rounding: undecided, and the headline counts it."""
    found = verify(random_problem(16, samples="in_turn"), certify=True)
    assert not found.certified["undecided"]
    assert found.vague
    assert str(found).startswith(f"undecided: {len(found.vague)} of {found.count} traced numbers cannot be decided")


@pytest.mark.parametrize("accuracy", [1e-3, 1e-20, 1e-60])
def test_accuracy_on_demand(accuracy: float) -> None:
    """As many digits as asked for, and the radius with them."""
    found = verify("sigmoid-xor", certify=True, accuracy=accuracy)
    for row in found.rows:
        if row.ball and row.ball.mid != "0":
            assert arb(row.ball.radius) <= abs(arb(row.ball.mid)) * (1.1 * accuracy)
    assert found.agrees


def test_every_format_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Table, Markdown, CSV and JSON; the table fits into 80 columns and the JSON its schema."""
    found = verify("threshold-xor", certify=True)
    for form in ("table", "markdown"):
        text = found.render(form)
        table = text[text.index("Certificates:") : text.index("agree:")]
        assert table.count("proved") == 68
        assert form == "markdown" or max(map(len, table.splitlines())) <= 80
    rows = list(csv.DictReader(io.StringIO(found.render("csv"))))
    assert {row["certificate"] for row in rows} == {"proved", ""}
    assert main(["verify", "threshold-xor", "--certify", "--format", "json"]) == 0
    out = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(SCHEMA).validate(out)
    assert len(out["certificates"]["proved"]) == 68
    entry = next(q for q in out["quantities"] if q["name"] == "dW2[1,1]")
    assert entry["ball"]["mid"].startswith("0.0668733470758385")
    assert "certificates" not in json.loads(verify("threshold-xor").render("json"))


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1 where a number is refuted, 3 where one stays undecided, 2 for an option alone."""
    sheet = tmp_path / "g.csv"
    sheet.write_text("dW2[1,1],1.5\n", encoding="utf-8")
    assert main(["verify", "hand-3-2-2", "--certify", "--gradients", str(sheet)]) == 1
    sheet.write_text("a1[1],0.6\n", encoding="utf-8")
    assert main(["verify", "hand-3-2-2", "--certify", "--gradients", str(sheet)]) == 3
    assert main(["verify", "hand-3-2-2", "--accuracy", "1e-9"]) == 2
    assert "--accuracy goes with --certify" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["verify", "hand-3-2-2", "--certify", "--accuracy", "7"])
    with pytest.raises(ValueError, match="accuracy must be between 0 and 1"):
        verify("hand-3-2-2", certify=True, accuracy=2)
