"""Correct gradients of a model are never called wrong: they agree, or the model is refused by the name of what it has.

Each feature stands in a table with what `verify` says of it; each drawn model has a twin with one planted wrong number.
"""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tracer import ProblemError, verify
from tracer.cli import main

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional
RNG = np.random.default_rng(11)
Model = Any  # torch is not there for the type checker


@dataclass(frozen=True)
class Case:
    """A model with its samples, what backward() is called on, and the loss that `verify` is told."""

    model: Model
    x: Any
    t: Any
    loss: Any

    def backward(self) -> None:
        self.model.zero_grad()
        self.loss(self.model(self.x), self.t).backward()

    def verdict(self) -> str:
        """The verdict and its notes, or the refusal."""
        try:
            found = verify(self.model, x=self.x, t=self.t, loss=self.loss)
        except ProblemError as e:
            return f"refused: {e}"
        return "; ".join((found.verdict, *found.notes))


ACTIVATIONS = (nn.Sigmoid, nn.Tanh, nn.ReLU, nn.LeakyReLU, nn.ELU, nn.Softplus, nn.SiLU, nn.GELU, nn.Identity)
LOSSES: tuple[tuple[Callable[[], Any], str], ...] = (  # with the targets that they take
    (lambda: nn.MSELoss(), "numbers"),
    (lambda: nn.MSELoss(reduction="sum"), "numbers"),
    (lambda: F.mse_loss, "numbers"),
    (lambda: partial(F.mse_loss, reduction="sum"), "numbers"),
    (lambda: nn.CrossEntropyLoss(), "classes"),
    (lambda: nn.CrossEntropyLoss(ignore_index=1), "classes"),
    (lambda: nn.CrossEntropyLoss(ignore_index=0, reduction="sum"), "classes"),
    (lambda: F.cross_entropy, "classes"),
    (lambda: partial(F.cross_entropy, ignore_index=2), "classes"),
    (lambda: nn.NLLLoss(ignore_index=2), "logs"),
    (lambda: F.nll_loss, "logs"),
    (lambda: nn.BCEWithLogitsLoss(reduction="sum"), "numbers"),
    (lambda: partial(F.binary_cross_entropy_with_logits, reduction="sum"), "numbers"),
    (lambda: nn.BCELoss(reduction="sum"), "probabilities"),
    (lambda: partial(F.binary_cross_entropy, reduction="sum"), "probabilities"),
)


def drawn(seed: int) -> tuple[Case, Any]:
    """A small torch network of one to three layers, with biases or without."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    sizes = [int(n) for n in rng.integers(2, 5, size=rng.integers(2, 4))] + [3]
    layers: list[Any] = []
    for inputs, units in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, units, bias=bool(rng.integers(4))), ACTIVATIONS[rng.integers(len(ACTIVATIONS))]()]
    make, takes = LOSSES[rng.integers(len(LOSSES))]
    layers[-1:] = {"logs": [nn.LogSoftmax(dim=1)], "probabilities": [nn.Sigmoid()], "numbers": []}.get(takes, [])
    dtype = torch.float64 if rng.integers(2) else torch.float32
    x = torch.tensor(rng.normal(size=(6, sizes[0])), dtype=dtype)
    t = torch.tensor(rng.uniform(size=(6, 3)), dtype=dtype)
    t = torch.tensor([0, 1, 2, 0, 1, 2]) if takes in ("logs", "classes") else t
    return Case(nn.Sequential(*layers).to(dtype), x, t, make()), rng


def plant(case: Case, rng: Any) -> None:
    """One gradient entry wrong by one part in a hundred of the largest."""
    grads = [p.grad for p in case.model.parameters() if p.grad is not None]
    grad = grads[rng.integers(len(grads))]
    place = tuple(int(rng.integers(n)) for n in grad.shape)
    grad[place] += 0.01 * max(float(g.abs().max()) for g in grads)


def linears(model: Model) -> list[Any]:
    return [module for module in model.modules() if isinstance(module, nn.Linear)]


# --- what a model may have besides, put on it before backward(), and what is said of it ---


def _frozen(model: Model) -> None:
    linears(model)[0].weight.requires_grad_(False)


FEATURES: dict[str, tuple[Callable[[Model], Any], str]] = {
    "nothing": (lambda m: None, "agree"),
    "forward hook": (lambda m: m[0].register_forward_hook(lambda q, i, o: o / 2), r"model\[0\]._forward_hooks is not"),
    "of the whole": (lambda m: m.register_forward_hook(lambda q, i, o: o / 2), r"model._forward_hooks is not empty"),
    "pre hook": (
        lambda m: m[0].register_forward_pre_hook(lambda q, i: (i[0] / 2,)),
        r"_forward_pre_hooks is not empty",
    ),
    "backward hook": (
        lambda m: m[-1].register_full_backward_hook(lambda q, i, o: tuple(None if g is None else 2 * g for g in i)),
        r"_backward_hooks is not empty",
    ),
    "backward pre hook": (
        lambda m: m[-1].register_full_backward_pre_hook(lambda q, o: (2 * o[0],)),
        r"_backward_pre_hooks is not empty",
    ),
    "own forward": (lambda m: setattr(m[0], "forward", lambda x, f=m[0].forward: f(x) / 2), "a forward of its own"),
    "hook that only looks": (lambda m: linears(m)[0].weight.register_hook(lambda g: None), "agree.*weight has a hook"),
    "post hook": (
        lambda m: linears(m)[-1].weight.register_post_accumulate_grad_hook(lambda p: None),
        r"agree.*register_post_accumulate_grad_hook",
    ),
    "frozen": (_frozen, "agree.*dW1 not given, not judged: requires_grad is False"),
    "weight norm": (lambda m: nn.utils.parametrizations.weight_norm(linears(m)[0]), "ParametrizedLinear is not one"),
    "old weight norm": (lambda m: nn.utils.weight_norm(linears(m)[0]), "_forward_pre_hooks is not empty"),
    "pruned": (lambda m: prune(linears(m)[0]), "_forward_pre_hooks is not empty"),
    "dropout": (lambda m: m.insert(1, nn.Dropout(0.5)), "Dropout draws at random"),
    "layer norm": (
        lambda m: m.insert(1, nn.LayerNorm(m[0].out_features, dtype=m[0].weight.dtype)),
        "LayerNorm is not one of the layers",
    ),
}


def prune(layer: Any) -> None:
    from torch.nn.utils.prune import random_unstructured

    random_unstructured(layer, "weight", amount=0.5)


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_agrees_or_is_refused_by_name(name: str) -> None:
    """Ten drawn models each; where it agrees, the twin with a wrong number does not."""
    put, said = FEATURES[name]
    for seed in range(10):
        case, rng = drawn(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            put(case.model)
        case.backward()
        _fits(case.verdict(), said)
        plant(case, rng)
        assert not case.verdict().startswith("agree")
        assert case.verdict().startswith("refused" if not said.startswith("agree") else "disagree")


def _fits(verdict: str, said: str) -> None:
    assert "\n" not in verdict
    assert re.search(said, verdict), verdict
    agrees = said.startswith("agree")
    assert verdict.startswith("agree" if agrees else "refused"), verdict
    assert agrees or "; " in verdict, verdict


@pytest.mark.parametrize("seed", range(60))
def test_drawn_models_agree_and_their_twins_do_not(seed: int) -> None:
    """Every loss, as a class, a function or a partial, over drawn layers in both precisions."""
    case, rng = drawn(100 + seed)
    case.backward()
    assert case.verdict().startswith("agree"), (case, case.verdict())
    plant(case, rng)
    assert case.verdict().startswith("disagree"), (case, case.verdict())


# --- one by one ---


def small(*layers: Any, loss: Any = None, dtype: Any = None, t: Any = None) -> Case:
    """Three inputs, two outputs."""
    torch.manual_seed(2)
    dtype = dtype or torch.float64
    model = nn.Sequential(*(layers or (nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)))).to(dtype)
    x = torch.tensor(RNG.normal(size=(4, 3)), dtype=dtype)
    t = torch.tensor(RNG.normal(size=(4, 2)), dtype=dtype) if t is None else t
    return Case(model, x, t, loss or nn.MSELoss())


def test_a_parameter_that_stands_twice_is_refused() -> None:
    """A bias as a weight: its gradient is the sum of two."""
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    for kind in ("bias", "weight"):
        setattr(second, kind, getattr(first, kind))
        case = small(first, nn.ReLU(), second, nn.Linear(3, 2))
        case.backward()
        _fits(case.verdict(), rf"model\[2\]: its {kind} stands twice, it is model\[0\].{kind} too")
        second = nn.Linear(3, 3)


def test_an_old_gradient_of_a_frozen_parameter_is_not_judged() -> None:
    """backward() does not write there any more; a parameter that it did not reach has none either."""
    case = small()
    case.backward()
    case.model[0].weight.requires_grad_(False)
    case.model[0].weight.grad += 1
    _fits(case.verdict(), "agree; dW1 not given, not judged: requires_grad is False")
    case.model[2].bias.grad = None
    _fits(case.verdict(), "agree; .*; db2 not given, not judged: its .grad is None")


def test_hooks_of_every_module_and_of_the_loss_are_refused() -> None:
    """A hook that torch runs in all modules; one on the loss."""
    case = small()
    case.backward()
    handle = nn.modules.module.register_module_forward_hook(lambda q, i, o: None)
    try:
        _fits(case.verdict(), "_global_forward_hooks is not empty")
    finally:
        handle.remove()
    case.loss.register_forward_hook(lambda q, i, o: 2 * o)
    _fits(case.verdict(), "loss._forward_hooks is not empty")


def test_samples_that_the_loss_ignores_do_not_count() -> None:
    """The mean is one over the others, and how many are left out is said; all of them left out is refused."""
    for ignored, labels, left_out in ((1, [0, 1, 1, 0], 2), (-100, [0, -100, 1, 1], 1)):
        case = small(loss=nn.CrossEntropyLoss(ignore_index=ignored), t=torch.tensor(labels))
        case.backward()
        _fits(case.verdict(), f"agree.*the class that the loss ignores: {left_out}")
        plant(case, RNG)
        assert case.verdict().startswith("disagree")
    case = small(loss=nn.CrossEntropyLoss(ignore_index=1), t=torch.tensor([1, 1, 1, 1]))
    case.backward()
    _fits(case.verdict(), "t: every sample is of class 1, which ignore_index leaves out")


REFUSED_LOSSES: dict[str, tuple[Any, str]] = {
    "class": (nn.MSELoss, r"MSELoss is a class; make one .*MSELoss\(\)"),
    "L1": (nn.L1Loss(), r"torch's L1Loss is not one of ours; give torch's nn.MSELoss, .*F.mse_loss"),
    "Huber": (nn.HuberLoss(delta=2.0), "torch's HuberLoss is not one of ours; give torch's"),
    "smooth": (nn.SmoothL1Loss(beta=0.5), "torch's SmoothL1Loss"),
    "function": (F.l1_loss, "torch's l1_loss is not one of ours; give torch's"),
    "own": (lambda y, t: ((y - t) ** 2).mean(), "a function of your own, is not one of ours; give torch's"),
    "none": (nn.MSELoss(reduction="none"), "reduction='none'"),
    "none of a function": (partial(F.mse_loss, reduction="none"), "reduction='none'"),
    "weight": (nn.BCELoss(weight=torch.ones(2)), "BCELoss with weight"),
    "class weight": (nn.NLLLoss(weight=torch.ones(2)), "NLLLoss with weight"),
    "pos_weight": (nn.BCEWithLogitsLoss(pos_weight=torch.ones(2)), "BCEWithLogitsLoss with pos_weight"),
    "smoothing": (partial(F.cross_entropy, label_smoothing=0.1), "CrossEntropyLoss with label_smoothing"),
    "old": (partial(F.mse_loss, size_average=False), "MSELoss with size_average"),
    "unnamed": (partial(F.mse_loss, torch.ones(4, 2)), "give options by name"),
    "ours of probabilities": ("cross_entropy", r"takes probabilities, .* give nn.CrossEntropyLoss\(\)"),
    "word": ("mse_los", "did you mean"),
}


@pytest.mark.parametrize("name", REFUSED_LOSSES)
def test_a_loss_that_is_not_ours_is_refused_in_torchs_words(name: str) -> None:
    """Options and losses by name; Keras' names are of no use to who has a torch model."""
    loss, said = REFUSED_LOSSES[name]
    case = small()
    case.backward()
    verdict = Case(case.model, case.x, case.t, loss).verdict()
    _fits(verdict, said)
    assert "crossentropy" not in verdict


def test_names_of_torchs_losses_are_read() -> None:
    """As words, with their modules or without."""
    case = small()
    case.backward()
    for word in ("nn.MSELoss", "torch.nn.MSELoss", "F.mse_loss", "mse_loss", "MSELoss"):
        assert Case(case.model, case.x, case.t, word).verdict() == "agree"


def test_too_few_bits_are_refused_by_name() -> None:
    """A model, a gradient or an array in half precision, and the gradients that autocast leaves in float32."""
    for dtype in (torch.bfloat16, torch.float16):
        case = small(dtype=dtype)
        case.backward()
        name = str(dtype).rpartition(".")[2]
        _fits(case.verdict(), rf"model\[0\]: weight is {name}: .*forward and backward in float32 or float64")
        with pytest.raises(ProblemError, match=rf"dW1 is {name}: \d+ bits"):
            verify("hand-3-2-2", {"dW1": torch.zeros(2, 3, dtype=dtype)})
    with pytest.raises(ProblemError, match=r"dW1 is float16: 11 bits"):
        verify("hand-3-2-2", {"dW1": np.zeros((2, 3), np.float16)})


def test_gradients_of_autocast_are_not_called_wrong() -> None:
    """The arrays are float32, each number one of bfloat16; zeros in float32 are still wrong."""
    case = small(dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = case.model(case.x)
    case.loss(y.float(), case.t).backward()
    _fits(case.verdict(), "hold bfloat16 numbers, too coarse .*torch.autocast")
    for p in case.model.parameters():
        p.grad.zero_()
    assert case.verdict().startswith("disagree")


def test_a_model_widened_after_backward_is_judged_as_what_it_was() -> None:
    """Then the float64 arrays hold float32 numbers, with float32's rounding in them."""
    case = small(dtype=torch.float32)
    case.backward()
    case.model.double()
    _fits(case.verdict(), "agree.*float64 gradients are judged as float32: each of their numbers is a float32")
    case.model[0].weight.grad[1, 1] *= 1.01
    assert case.verdict().startswith("disagree")


def test_samples_in_few_bits_are_numbers_like_others() -> None:
    """They are given, not worked out."""
    case = small(dtype=torch.float32)
    coarse = case.x.to(torch.bfloat16)
    wide = Case(case.model, coarse.float(), case.t, case.loss)
    wide.backward()
    assert Case(case.model, coarse, case.t, case.loss).verdict().startswith("agree")


def test_softplus_beyond_its_threshold() -> None:
    """There torch returns a itself: agreed to where no sample reaches it, and not called wrong where one does."""
    for threshold, said in ((20.0, "agree"), (0.1, r"model\[0\]: its activation returns a itself above 0.1")):
        case = small(nn.Linear(3, 4), nn.Softplus(threshold=threshold), nn.Linear(4, 2))
        case.backward()
        _fits(case.verdict(), said)


def test_saturated_outputs_of_a_loss_of_probabilities_are_the_cause() -> None:
    """There torch's BCELoss has other gradients than the loss: they disagree, and what to use instead is said."""
    for bias, saturated in ((1.0, False), (30.0, True)):
        case = small(nn.Linear(3, 2), nn.Sigmoid(), loss=nn.BCELoss(reduction="sum"), t=torch.ones(4, 2).double())
        with torch.no_grad():
            case.model[0].bias.fill_(bias)
        case.backward()
        found = verify(case.model, x=case.x, t=case.t, loss=case.loss)
        assert found.agrees != saturated
        assert ("the outputs are saturated" in str(found)) == saturated
        assert ("use one that takes logits, BCEWithLogitsLoss" in str(found)) == saturated


@pytest.mark.parametrize("loss", [nn.MSELoss(), F.mse_loss])
def test_targets_that_torch_broadcasts_are_the_cause(loss: Any) -> None:
    """Outputs (N, 1) and targets (N,) are N x N differences: told only where the gradients are just those."""
    case = small(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1), loss=loss, t=torch.tensor([1.0, 3, -2, 0.5]).double())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns
        case.backward()
    found = verify(case.model, x=case.x, t=case.t, loss=loss)
    words = "the outputs are (4, 1) and t is (4,): torch subtracts each t from each y, 4 x 4; use t.reshape(-1, 1)"
    assert found.explanations == (words,)
    case.model[0].weight.grad[1, 1] *= 1.1
    assert words not in verify(case.model, x=case.x, t=case.t, loss=loss).explanations
    right = Case(case.model, case.x, case.t.reshape(-1, 1), loss)
    right.backward()
    assert verify(case.model, x=case.x, t=case.t, loss=loss).agrees


def test_dropout_that_is_off_and_flatten() -> None:
    """Off is said; samples of another shape are no rows."""
    case = small(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))
    case.model.eval()
    case.backward()
    _fits(case.verdict(), r"agree.*Dropout is read as off \(model.eval\(\)\)")
    case = small(nn.Flatten(0), nn.Linear(12, 2), t=torch.zeros(2))
    _fits(case.verdict(), r"Flatten\(0, -1\); ours has Flatten\(\)")


def test_what_is_no_model_says_what_to_give_instead(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Weights without their network, a checkpoint, and files of models."""
    case = small()
    case.backward()
    state = case.model.state_dict()
    for source in (state, {"state_dict": state, "epoch": 3}):
        with pytest.raises(ProblemError, match=r"a state_dict holds weights, .*; give the model itself"):
            verify(source, x=case.x, t=case.t, loss=case.loss)
    with pytest.raises(ProblemError, match=r"'0.weight' is torch's name of a parameter; name them dW1"):
        verify("hand-3-2-2", {name: p.grad for name, p in case.model.named_parameters()})
    for suffix in (".pt", ".pth", ".safetensors", ".onnx", ".keras", ".pkl", ".npy"):
        file = tmp_path / f"model{suffix}"
        file.write_bytes(b"\x00")
        for source in ((file,), ("hand-3-2-2", file)):
            with pytest.raises(ProblemError, match=r"is not read here; in Python read it with .*give the model itself"):
                verify(*source)
        assert main(["verify", str(file)]) == 2
        assert capsys.readouterr().err.count(file.name) == 1


# --- an optimizer beside ---


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.3),
    "decay": lambda p: torch.optim.SGD(p, lr=0.3, weight_decay=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.3, momentum=0.9, weight_decay=0.1),
    "damped": lambda p: torch.optim.SGD(p, lr=0.3, momentum=0.9, dampening=0.5),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.3, momentum=0.9, nesterov=True, weight_decay=0.1),
    "upward": lambda p: torch.optim.SGD(p, lr=0.3, maximize=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.1),
    "adam with decay": lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.1),
    "amsgrad": lambda p: torch.optim.Adam(p, lr=0.1, amsgrad=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_step_already_taken_is_known_from_the_optimizer(name: str, dtype: Any) -> None:
    """Before step() they agree, after it they are said to be from before it; a wrong number is wrong both times."""
    case = small(dtype=dtype, loss=nn.CrossEntropyLoss(), t=torch.tensor([0, 1, 1, 0]))
    optimizer = OPTIMIZERS[name](case.model.parameters())
    for _ in range(3):
        case.backward()
        found = verify(case.model, x=case.x, t=case.t, loss=case.loss, optimizer=optimizer)
        assert found.agrees, found
        assert ("weight_decay = 0.1 of" in str(found)) == any(g["weight_decay"] for g in optimizer.param_groups)
        optimizer.step()
        with pytest.raises(
            ProblemError, match=r"those of the weights before optimizer.step\(\), .*; call verify between"
        ):
            verify(case.model, x=case.x, t=case.t, loss=case.loss, optimizer=optimizer)
    case.model[0].weight.grad[1, 1] += 0.1
    found = verify(case.model, x=case.x, t=case.t, loss=case.loss, optimizer=optimizer)
    assert found.verdict == "disagree"


def test_an_optimizer_goes_with_a_torch_model() -> None:
    """With anything else, and where it is none, it is refused; one whose step is not known changes nothing."""
    case = small()
    case.backward()
    with pytest.raises(ProblemError, match=r"builtins.int is none of torch.optim's; leave it out"):
        verify(case.model, x=case.x, t=case.t, loss=case.loss, optimizer=3)
    with pytest.raises(ProblemError, match="optimizer: goes with a model"):
        verify("hand-3-2-2", optimizer=torch.optim.SGD(case.model.parameters()))
    arrays = {"W1": np.eye(2), "activations": np.array(["tanh"])}
    with pytest.raises(ProblemError, match=r"goes with a torch model, not with arrays W1"):
        verify(arrays, {"dW1": np.eye(2)}, x=[[1, 2]], t=[[1, 2]], loss="squared_error",
               optimizer=torch.optim.SGD(case.model.parameters()))  # fmt: skip
    other = torch.optim.Adagrad(case.model.parameters())
    assert verify(case.model, x=case.x, t=case.t, loss=case.loss, optimizer=other).agrees


def test_a_rate_that_nobody_gave_explains_nothing() -> None:
    """Gradients of a tenth of ours are "multiplied with the learning rate" where it is known to be 0.1."""
    case = small()
    case.backward()
    for p in case.model.parameters():
        p.grad *= 0.1
    found = verify(case.model, x=case.x, t=case.t, loss=case.loss)
    assert "learning rate" not in " ".join(found.explanations)
    optimizer = torch.optim.SGD(case.model.parameters(), lr=0.1)
    found = verify(case.model, x=case.x, t=case.t, loss=case.loss, optimizer=optimizer)
    assert "multiplied with the learning rate" in " ".join(found.explanations)
