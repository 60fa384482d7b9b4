"""Our optimizers, against the classes of `torch.optim`."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from picturewise.errors import UsageError
from picturewise.training.muon import muon
from picturewise.training.optimizers import USUAL, Optimizer, OptimizerName

Groups = list[dict[str, object]]
REFERENCES: dict[str, Callable[[Groups, float], torch.optim.Optimizer]] = {
    "sgd": lambda groups, momentum: torch.optim.SGD(groups, lr=1.0, momentum=momentum),
    "rmsprop": lambda groups, momentum: torch.optim.RMSprop(groups, lr=1.0, momentum=momentum),
    "adam": lambda groups, momentum: torch.optim.Adam(groups, lr=1.0, betas=(momentum, 0.999)),
    "adamw": lambda groups, momentum: torch.optim.AdamW(groups, lr=1.0, betas=(momentum, 0.999)),
}
PLAIN: list[OptimizerName] = ["sgd", "rmsprop", "adam", "adamw"]  # one rule for every parameter
NAMES: list[OptimizerName] = [*PLAIN, "muon"]


def network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [
            nn.Conv2d(2, 3, 3),
            nn.Tanh(),
            nn.BatchNorm2d(3),
            nn.Flatten(),
            nn.Linear(12, 5),
            nn.Linear(5, 4),
        ]
        return nn.Sequential(*layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def give_gradients(module: nn.Module, step: int) -> None:
    random = torch.Generator().manual_seed(step)
    inputs, wanted = torch.randn(8, 2, 4, 4, generator=random), torch.randn(8, 4, generator=random)
    (module(inputs) - wanted).square().mean().backward()


def rate(step: int) -> float:
    return 0.01 * (1 + step % 3)


def groups(module: nn.Module, weight_decay: float) -> Groups:
    """Decay for weights, none for biases and normalisations, named one by one."""
    named = dict(module.named_parameters())
    weights, vectors = (
        ("0.weight", "4.weight", "5.weight"),
        ("0.bias", "2.weight", "2.bias", "4.bias", "5.bias"),
    )
    return [
        {"params": [named[name] for name in weights], "weight_decay": weight_decay},
        {"params": [named[name] for name in vectors], "weight_decay": 0.0},
    ]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("clip_norm", [0.05, 1e6])
def test_gradients_are_clipped_by_their_norm_over_all_parameters(
    name: OptimizerName, clip_norm: float
) -> None:
    ours, plain = network(), network()
    clipped = Optimizer(name, ours, momentum=0.9, weight_decay=0.0, clip_norm=clip_norm)
    unclipped = Optimizer(name, plain, momentum=0.9, weight_decay=0.0)
    for step in range(5):
        give_gradients(ours, step)
        give_gradients(plain, step)
        norm = math.sqrt(sum(float(p.grad.square().sum()) for p in plain.parameters() if p.grad is not None))
        assert norm > 0.05
        for parameter in plain.parameters():
            if parameter.grad is not None and norm > clip_norm:
                parameter.grad *= clip_norm / norm
        clipped.step(rate(step))
        unclipped.step(rate(step))
        for found, expected in zip(ours.parameters(), plain.parameters(), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_thirty_steps_equal_those_of_pytorch(
    name: OptimizerName, momentum: float, weight_decay: float
) -> None:
    ours, theirs = network(), network()
    optimizer = Optimizer(name, ours, momentum=momentum, weight_decay=weight_decay)
    reference = REFERENCES[name](groups(theirs, weight_decay), momentum)
    begin = [p.clone() for p in ours.parameters()]
    for step in range(30):
        give_gradients(ours, step)
        optimizer.step(rate(step))
        give_gradients(theirs, step)
        for group in reference.param_groups:
            group["lr"] = rate(step)
        reference.step()
        reference.zero_grad()
    for found, expected, before in zip(ours.parameters(), theirs.parameters(), begin, strict=True):
        assert not torch.equal(found, before)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["rmsprop", "adam", "adamw"])
def test_another_second_beta_is_that_of_pytorch(name: OptimizerName) -> None:
    ours, theirs = network(), network()
    optimizer = Optimizer(name, ours, momentum=0.7, weight_decay=0.0, beta2=0.8)
    reference = REFERENCES[name](groups(theirs, 0.0), 0.7)
    for group in reference.param_groups:
        group.update({"lr": 0.01, "alpha": 0.8} if name == "rmsprop" else {"lr": 0.01, "betas": (0.7, 0.8)})
    for step in range(10):
        give_gradients(ours, step)
        optimizer.step(0.01)
        give_gradients(theirs, step)
        reference.step()
        reference.zero_grad()
    for found, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_muon_changes_the_hidden_weights_and_adamw_at_a_quarter_of_its_rate_the_rest(
    weight_decay: float,
) -> None:
    ours, theirs = network(), network()
    optimizer = Optimizer("muon", ours, momentum=0.95, weight_decay=weight_decay)
    hidden, mean = theirs.get_parameter("4.weight"), torch.zeros(5, 12)
    others = [
        {**group, "params": [p for p in group["params"] if p is not hidden]}  # type: ignore[attr-defined]
        for group in groups(theirs, weight_decay)
    ]
    reference = torch.optim.AdamW(others, lr=1.0, betas=(0.9, 0.999))
    for step in range(30):
        give_gradients(ours, step)
        optimizer.step(rate(step))
        give_gradients(theirs, step)
        for group in reference.param_groups:
            group["lr"] = rate(step) / 4
        reference.step()
        reference.zero_grad()
        assert hidden.grad is not None
        with torch.no_grad():
            muon(
                [hidden], [hidden.grad], [mean],
                momentum=0.95, learning_rate=rate(step), weight_decay=weight_decay,
            )  # fmt: skip
        hidden.grad = None
    for (key, found), expected in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert not torch.equal(found, network().get_parameter(key))
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_muon_multiplies_in_the_precision_that_it_is_given() -> None:
    module, weights = network(), network().get_parameter("4.weight")
    give_gradients(module, 0)
    gradient = module.get_parameter("4.weight").grad
    assert gradient is not None
    expected = {kind: weights.detach().clone() for kind in (torch.float32, torch.bfloat16)}
    for kind, found in expected.items():
        muon(
            [found], [gradient.clone()], [torch.zeros(5, 12)],
            momentum=0.95, learning_rate=0.1, weight_decay=0.0, precision=kind,
        )  # fmt: skip
    Optimizer("muon", module, momentum=0.95, weight_decay=0.0, precision="bfloat16").step(0.1)
    assert torch.equal(module.get_parameter("4.weight"), expected[torch.bfloat16])
    assert not torch.equal(expected[torch.float32], expected[torch.bfloat16])


def test_a_linear_classifier_has_nothing_for_muon_so_all_of_it_goes_by_adamw() -> None:
    ours, plain = nn.Linear(6, 3), nn.Linear(6, 3)
    plain.load_state_dict(ours.state_dict())
    optimizer = Optimizer("muon", ours, momentum=0.95, weight_decay=0.1)
    adamw = Optimizer("adamw", plain, momentum=0.9, weight_decay=0.1)
    for step in range(5):
        for module in (ours, plain):
            inputs = torch.randn(8, 6, generator=torch.Generator().manual_seed(step))
            module(inputs).square().mean().backward()
        optimizer.step(0.02)
        adamw.step(0.005)
    assert all(torch.equal(p, q) for p, q in zip(ours.parameters(), plain.parameters(), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_each_parameter_goes_by_its_own_multiple_of_the_learning_rate(name: OptimizerName) -> None:
    factors = {"0.weight": 0.1, "0.bias": 0.1, "2.weight": 0.0, "4.weight": 0.1, "5.bias": 3.0}
    ours = network()
    optimizer = Optimizer(name, ours, momentum=0.9, weight_decay=0.1, factors=factors)
    # One optimizer for each multiple at that multiple's rate, over a network of its own.
    others = {factor: network() for factor in (0.0, 0.1, 1.0, 3.0)}
    references = {
        factor: Optimizer(name, other, momentum=0.9, weight_decay=0.1) for factor, other in others.items()
    }
    for step in range(10):
        gradients = {}
        give_gradients(ours, step)
        for key, parameter in ours.named_parameters():
            assert parameter.grad is not None
            gradients[key] = parameter.grad.clone()
        optimizer.step(rate(step))
        for factor, other in others.items():
            for key, parameter in other.named_parameters():
                parameter.grad = gradients[key].clone()
            references[factor].step(rate(step) * factor)
    for key, parameter in ours.named_parameters():
        assert torch.equal(parameter, others[factors.get(key, 1.0)].get_parameter(key)), key
    assert torch.equal(ours.get_parameter("2.weight"), network().get_parameter("2.weight"))


@pytest.mark.parametrize("name", NAMES)
def test_multiples_of_one_and_no_multiples_are_the_same_bit_for_bit(name: OptimizerName) -> None:
    ours, plain = network(), network()
    ones = {key: 1.0 for key, _ in ours.named_parameters()}
    optimizers = [
        Optimizer(name, module, momentum=0.9, weight_decay=0.1, factors=factors)
        for module, factors in ((ours, ones), (plain, None))
    ]
    for step in range(5):
        for module, optimizer in zip((ours, plain), optimizers, strict=True):
            give_gradients(module, step)
            optimizer.step(rate(step))
    assert all(torch.equal(p, q) for p, q in zip(ours.parameters(), plain.parameters(), strict=True))


def test_a_multiple_for_something_that_is_not_a_parameter_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"'0\.wieght' in factors is not a parameter.* Did you mean '0\.weight'\?"
    ):
        Optimizer("sgd", network(), momentum=0.9, weight_decay=0.0, factors={"0.wieght": 0.1})


@pytest.mark.parametrize("name", NAMES)
def test_a_state_that_was_kept_goes_on_bit_for_bit(name: OptimizerName) -> None:
    options = {"momentum": 0.9, "weight_decay": 0.1}
    module = network()
    optimizer = Optimizer(name, module, **options)
    for step in range(5):
        give_gradients(module, step)
        optimizer.step(rate(step))
    kept = {key: tensor.clone().contiguous() for key, tensor in optimizer.state().items()}
    other = network()
    other.load_state_dict({key: tensor.clone() for key, tensor in module.state_dict().items()})
    resumed = Optimizer(name, other, **options)
    resumed.load(kept)
    for step in range(5, 10):
        give_gradients(module, step)
        optimizer.step(rate(step))
        give_gradients(other, step)
        resumed.step(rate(step))
    assert all(torch.equal(p, q) for p, q in zip(module.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(tensor, resumed.state()[key]) for key, tensor in optimizer.state().items())


@pytest.mark.parametrize("name", PLAIN)
def test_a_state_is_a_flat_table_with_every_parameter_in_every_slot(name: OptimizerName) -> None:
    module = network()
    state = Optimizer(name, module, momentum=0.9, weight_decay=0).state()
    parameters = dict(module.named_parameters())
    slots = {key.partition("/")[0] for key in state}
    assert state.keys() == {f"{slot}/{key}" for slot in slots for key in parameters}
    for key, tensor in state.items():
        slot, _, parameter = key.partition("/")
        assert tensor.shape == (() if slot == "steps" else parameters[parameter].shape)
        assert not tensor.any()


def test_muon_keeps_a_momentum_of_hidden_weights_and_the_means_of_adamw_of_the_others() -> None:
    module = network()
    state = Optimizer("muon", module, momentum=0.95, weight_decay=0).state()
    others = [key for key, _ in module.named_parameters() if key != "4.weight"]
    steps = [f"steps/{key}" for key, _ in module.named_parameters()]
    means = [f"{slot}/{key}" for slot in ("mean", "mean_square") for key in others]
    assert sorted(state) == sorted(["momentum/4.weight", *means, *steps])


def test_a_state_of_another_rule_is_refused() -> None:
    adam, sgd = (Optimizer(name, network(), momentum=0.9, weight_decay=0) for name in ("adam", "sgd"))
    with pytest.raises(KeyError, match="mean/"):
        adam.load(sgd.state())


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_forgotten_after_a_step(name: OptimizerName) -> None:
    module = network()
    optimizer = Optimizer(name, module, momentum=0.9, weight_decay=0)
    give_gradients(module, 0)
    optimizer.step(0.1)
    assert all(parameter.grad is None for parameter in module.parameters())
    before = [p.clone() for p in module.parameters()]
    optimizer.step(0.1)
    assert all(torch.equal(p, q) for p, q in zip(module.parameters(), before, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_frozen_and_unused_parameters_stay_as_they_are(name: OptimizerName) -> None:
    class HalfUsed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.frozen, self.unused = nn.Linear(3, 2), nn.Linear(3, 2), nn.Linear(3, 2)
            self.frozen.requires_grad_(requires_grad=False)

        def forward(self, batch: Tensor) -> Tensor:
            found: Tensor = self.used(batch) + self.frozen(batch)
            return found

    module = HalfUsed()
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    optimizer = Optimizer(name, module, momentum=0.9, weight_decay=0.5)
    module(torch.ones(4, 3)).square().sum().backward()
    optimizer.step(0.1)
    changed = {key for key, tensor in module.state_dict().items() if not torch.equal(tensor, before[key])}
    assert changed == {"used.weight", "used.bias"}
    assert not any(key.partition("/")[2].startswith("frozen") for key in optimizer.state())
    assert any(key.partition("/")[2].startswith("unused") for key in optimizer.state())


@pytest.mark.parametrize("name", NAMES)
def test_what_has_its_first_gradient_after_some_steps_begins_then(name: OptimizerName) -> None:
    late, fresh = network(), network()
    optimizer = Optimizer(name, late, momentum=0.9, weight_decay=0.1)
    for step in range(3):
        give_gradients(late, step)
        for key, parameter in late.named_parameters():
            if not key.startswith("5."):
                parameter.grad = None
        optimizer.step(0.01)
    assert all(
        torch.equal(late.get_parameter(key), fresh.get_parameter(key)) for key in ("0.weight", "4.weight")
    )
    before = late.get_parameter("4.weight").clone()
    give_gradients(late, 3)
    gradient = late.get_parameter("4.weight").grad
    assert gradient is not None
    fresh.get_parameter("4.weight").grad = gradient.clone()
    optimizer.step(0.01)
    Optimizer(name, fresh, momentum=0.9, weight_decay=0.1).step(0.01)
    assert torch.equal(late.get_parameter("4.weight"), fresh.get_parameter("4.weight"))
    assert not torch.equal(late.get_parameter("4.weight"), before)


def without(*_: object, **__: object) -> None:
    raise TypeError("unexpected keyword argument 'amsgrad'")


@pytest.mark.parametrize("kernel", ["_fused_adam_", "_fused_adamw_"])
@pytest.mark.parametrize("missing", [True, False])
def test_a_pytorch_without_the_kernels_is_refused_before_the_first_step(
    kernel: str, missing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing:
        monkeypatch.delattr(torch, kernel)
    else:
        monkeypatch.setattr(torch, kernel, without)
    network = nn.Linear(2, 2)
    for name in ("adam", "adamw", "muon", "rmsprop"):
        with pytest.raises(UsageError) as caught:
            Optimizer(name, network, momentum=0.9, weight_decay=0.0)
        assert str(caught.value) == (
            f"PyTorch {torch.__version__} does not have the Adam kernels that Picturewise calls. "
            "Install torch==2.13.0, with which it was tested."
        )
    Optimizer("sgd", network, momentum=0.9, weight_decay=0.0)


def test_every_rule_has_usual_values() -> None:
    assert set(USUAL) == set(NAMES)
    assert all(0 < usual.learning_rate < 1 and 0 <= usual.momentum < 1 for usual in USUAL.values())


SCRIPT = """
import sys
from torch import nn, ones
from picturewise.errors import UsageError
from picturewise.training.optimizers import USUAL, Optimizer
for name in USUAL:
    network = nn.Sequential(*(nn.Linear(3, 3) for _ in range(3)))
    optimizer = Optimizer(name, network, momentum=0.9, weight_decay=0.1)
    network(ones(4, 3)).sum().backward()
    optimizer.step(0.1)
print([name for name in ("torch._dynamo", "torch._inductor", "sympy") if name in sys.modules])
"""


@pytest.mark.slow
def test_taking_steps_does_not_load_the_compiler_of_pytorch() -> None:
    found = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"
