"""What a learner is made of, through a file and back: weights, optimizers, random streams, and all of it at once."""

import random
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback
from torch import nn, optim

from agents.config import resolve
from agents.learners.build import build_env, build_learner
from agents.learners.resumable import (
    generator_state,
    optimizer_state,
    random_states,
    set_generator_state,
    set_optimizer_state,
    set_random_states,
    set_weights,
    weights_of,
)
from agents.machine import Machine
from policies.storage import read_tree, write_tree

OPTIMIZERS = {
    "adam": lambda parameters: optim.Adam(parameters, lr=0.01),
    "amsgrad": lambda parameters: optim.Adam(parameters, lr=0.01, amsgrad=True, betas=(0.5, 0.9)),
    "momentum": lambda parameters: optim.SGD(parameters, lr=0.01, momentum=0.9, nesterov=True),
    "rmsprop": lambda parameters: optim.RMSprop(parameters, lr=0.01, centered=True),
}


def network(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def step(made: nn.Module, optimizer: optim.Optimizer, seed: int) -> None:
    rows = torch.randn(8, 3, generator=torch.Generator().manual_seed(seed))
    optimizer.zero_grad()
    made(rows).pow(2).sum().backward()
    optimizer.step()


def through_a_file(folder: Any, tree: Any) -> Any:
    write_tree(folder, tree)
    return read_tree(folder)


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("steps", [0, 3])
def test_an_optimizer_goes_on_to_the_bit(tmp_path, kind, steps):
    first, second = network(0), network(1)
    optimizers = [OPTIMIZERS[kind](made.parameters()) for made in (first, second)]
    for number in range(steps):
        step(first, optimizers[0], number)
    step(second, optimizers[1], 99)
    optimizers[0].param_groups[0]["lr"] = 0.123
    tree = {"weights": weights_of(first), "optimizer": optimizer_state(optimizers[0])}
    tree = through_a_file(tmp_path / "tree", tree)
    set_weights(second, tree["weights"])
    set_optimizer_state(optimizers[1], tree["optimizer"])
    assert optimizers[1].param_groups[0]["lr"] == 0.123
    for number in range(10, 13):
        step(first, optimizers[0], number)
        step(second, optimizers[1], number)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name


def test_groups_of_an_optimizer_keep_their_own_numbers(tmp_path):
    first, second = network(0), network(0)

    def grouped(made: nn.Sequential) -> optim.Optimizer:
        groups: list[dict[str, Any]] = [{"params": made[0].parameters()}, {"params": made[2].parameters(), "lr": 0.5}]
        return optim.Adam(groups, lr=0.1)

    made = [grouped(first), grouped(second)]
    step(first, made[0], 0)
    made[0].param_groups[1]["lr"] = 0.7
    set_optimizer_state(made[1], through_a_file(tmp_path / "tree", optimizer_state(made[0])))
    assert [group["lr"] for group in made[1].param_groups] == [0.1, 0.7]
    assert made[1].param_groups[0]["betas"] == (0.9, 0.999)


def test_weights_that_several_names_share_are_kept_once():
    layer = nn.Linear(3, 3)
    both = nn.ModuleDict({"one": layer, "other": layer, "third": nn.Linear(3, 3)})
    kept = weights_of(both)
    assert set(kept) == {"one.weight", "one.bias", "third.weight", "third.bias"}
    other = deepcopy(both)
    for tensor in other.state_dict().values():
        tensor.zero_()
    set_weights(other, kept)
    assert other["one"] is other["other"]
    for name, tensor in other.state_dict().items():
        assert torch.equal(tensor, both.state_dict()[name]), name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda weights: weights.pop("0.bias"), "0.bias is in one of them alone"),
        (lambda weights: weights.update(more=torch.zeros(1)), "more is in one of them alone"),
        (lambda weights: weights.update({"0.bias": torch.zeros(5)}), r"0.bias is of shape \(5,\), expected \(4,\)"),
    ],
)
def test_weights_that_do_not_fit_are_named(change, words):
    weights = dict(weights_of(network(0)))
    change(weights)
    with pytest.raises(ValueError, match=words):
        set_weights(network(1), weights)


def draws() -> list[Any]:
    return [
        np.random.rand(3).tolist(), np.random.normal(), random.random(), random.gauss(0, 1),
        torch.rand(3).tolist(), torch.randn(1).item(),
    ]  # fmt: skip


def test_the_random_streams_of_the_process_go_on(tmp_path):
    before = random_states()
    try:
        np.random.seed(3)
        random.seed(4)
        torch.manual_seed(5)
        draws()
        states = through_a_file(tmp_path / "tree", random_states())
        expected = [draws(), draws()]
        set_random_states(states)
        assert [draws(), draws()] == expected
    finally:
        set_random_states(before)


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.SFC64, np.random.Philox, np.random.MT19937])
def test_a_generator_goes_on(tmp_path, kind):
    first, second = np.random.Generator(kind(1)), np.random.Generator(kind(2))
    first.random(5, np.float32)
    state = through_a_file(tmp_path / "tree", generator_state(first))
    expected = first.normal(size=9)
    set_generator_state(second, state)
    assert np.array_equal(second.normal(size=9), expected)


RUNS: dict[str, tuple[dict[str, Any], int]] = {
    "ppo": ({"model_type": "combat_dqn", "algo": "ppo", "learn.n_steps": 8, "learn.batch_size": 32}, 2),
    "ddqn": ({"model_type": "combat_dqn", "algo": "ddqn"}, 1),
    "ddqn ahead": ({"model_type": "combat_dqn", "algo": "ddqn"}, 2),
    "qrdqn": ({"model_type": "combat_dqn", "algo": "qrdqn"}, 1),
    "sac": ({"model_type": "soft_actor_critic"}, 1),
}
FEW = {"learn.learning_starts": 96, "learn.batch_size": 16, "learn.buffer_size": 600, "learn.gradient_steps": 1}


@pytest.mark.parametrize("kind", RUNS)
def test_a_learner_goes_on_to_the_bit(tmp_path, kind):
    asked, shards = RUNS[kind]
    more = {} if kind == "ppo" else FEW
    config = resolve({"archetype": "mage", "size": "tiny", "batch.matches": 4, "seed": 3, **more, **asked})
    machine = Machine("cpu", shards)
    steps, total = 200, 400

    def fresh() -> Any:
        return build_learner(config, build_env(config, machine), machine)

    first = fresh()
    first.learn(total, callback=lambda told, _: first.num_timesteps < steps)
    state = through_a_file(tmp_path / "tree", first.state())
    first.learn(total - first.num_timesteps, reset_num_timesteps=False)
    second = fresh()
    second.set_state(state)
    assert second.num_timesteps == state["counters"]["num_timesteps"]
    second.learn(total - second.num_timesteps, reset_num_timesteps=False)
    assert first.num_timesteps == second.num_timesteps >= total
    assert second._n_updates > state["counters"]["_n_updates"] > 0
    for name, tensor in first.policy.state_dict().items():
        assert torch.equal(tensor, second.policy.state_dict()[name]), name


class Keeps(BaseCallback):
    """What a learner is before its very first decision, written down."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def _on_rollout_start(self) -> None:
        if not self.folder.exists():
            model: Any = self.model
            write_tree(self.folder, model.state())

    def _on_step(self) -> bool:
        return True


@pytest.mark.parametrize("kind", RUNS)
def test_a_learner_goes_on_from_before_its_first_decision(tmp_path, kind):
    asked, shards = RUNS[kind]
    more = {} if kind == "ppo" else FEW
    config = resolve({"archetype": "mage", "size": "tiny", "batch.matches": 4, "seed": 3, **more, **asked})
    machine = Machine("cpu", shards)
    first, second = (build_learner(config, build_env(config, machine), machine) for _ in range(2))
    first.learn(200, callback=Keeps(tmp_path / "tree"))
    second.set_state(read_tree(tmp_path / "tree"))
    second.learn(200, reset_num_timesteps=False)
    assert first.num_timesteps == second.num_timesteps and second._n_updates == first._n_updates > 0
    for name, tensor in first.policy.state_dict().items():
        assert torch.equal(tensor, second.policy.state_dict()[name]), name
