"""The benchmark of the learners runs whole, and its yardstick does the mathematics that ours does."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from agents.learners.advantages import advantages
from agents.learners.replay import Transitions
from agents.learners.rollout import Rollout
from scripts import bench_train
from scripts.bare_learning import GAE_LAMBDA, GAMMA, LEAST_PRIORITY, PRIORITY, BareDQN, BarePPO, estimate, sizes_of
from scripts.bench_train import BARE, OURS, SB3, DQNSetting, PPOSetting

PPO = PPOSetting(slots=4, steps=6, batch=8, epochs=2)
DQN = DQNSetting(slots=4, steps=4, batch=8, updates=2, capacity=256, copy_every=3)
ADAM = {"lr": 1e-3, "eps": 1e-5}


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(bench_train, "PRODUCT_SECONDS", 0.001)
    monkeypatch.setattr(bench_train, "SHARE_ROUNDS", 1)
    monkeypatch.setattr(bench_train, "ROUNDS", 1)
    monkeypatch.setattr(bench_train, "PRODUCTS", 2)
    monkeypatch.setattr(bench_train, "SQUARE", 16)
    monkeypatch.setattr(bench_train, "SETTINGS", (PPO, PPO, DQN))
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_all_of_it(capsys):
    bench_train.main()
    told = capsys.readouterr().out
    for title in ("learning, decisions/s", "where our time goes", "matrix products", "on two cores"):
        assert title in told
    assert str(PPO) in told and str(DQN) in told


def test_what_was_timed_is_as_it_was():
    before = torch.Tensor.backward
    with bench_train.timed([(torch.Tensor, "backward", "b")]) as seconds:
        torch.ones(2, requires_grad=True).sum().backward()
    assert seconds["b"] > 0 and torch.Tensor.backward is before


@pytest.mark.parametrize("setting", [PPO, DQN], ids=str)
def test_what_is_measured_of_a_setting(setting):
    measured = bench_train.compare(setting, rounds=2)
    assert set(measured.speeds) == {OURS, SB3, BARE}
    assert sum(measured.shares.values()) == pytest.approx(1)
    assert min(measured.shares.values()) > 0
    assert min(*measured.speeds.values(), measured.over_sb3, measured.over_bare, measured.reached) > 0


def test_two_cores():
    pairs = {"a": bench_train.sharded(PPO), "b": bench_train.overlapped(DQN), "c": bench_train.multiplied(3)}
    assert [(one(), two()) for one, two in pairs.values()] == [(24, 24), (16, 16), (3, 3)]
    assert bench_train.pair_table(pairs, rounds=1).row_count == 3


def test_rounds_take_turns_and_the_first_is_left_out(monkeypatch):
    now, calls = [0.0], []

    def run(name, seconds):
        def once():
            calls.append(name)
            now[0] += seconds.pop(0)
            return 8

        return once

    monkeypatch.setattr(bench_train, "perf_counter", lambda: now[0])
    taken = bench_train.in_turns({"a": run("a", [9.0, 1.0, 2.0, 4.0]), "b": run("b", [9.0, 2.0, 2.0, 2.0])}, 3)
    assert calls == ["a", "b"] * 4
    assert taken == {"a": [8.0, 4.0, 2.0], "b": [4.0, 4.0, 4.0]}
    assert bench_train.gain(taken, "a", "b") == 1.0


def test_operations_are_counted_by_layers(monkeypatch):
    monkeypatch.setattr(bench_train, "WIDTHS", (8, 6))
    env = bench_train.arena(1)
    seen, done = sizes_of(env)
    assert PPO.flops(env) == 2 * (2 * (seen * 8 + 8 * 6) + 6 * (done + 1)) * (1 + 2 * 3)
    assert DQN.flops(env) == 2 * (seen * 8 + 2 * 8 * 3 + 3 * (done + 1)) * (1 + 5 * 2 * 8 / 4)


@pytest.mark.parametrize("setting", [PPO, DQN], ids=str)
def test_networks_are_as_large(setting):
    env = bench_train.arena(setting.slots)
    bare = sum(p.numel() for p in bench_train.bare(setting, ADAM).parameters)
    if setting is PPO:
        assert sum(p.numel() for p in bench_train.our_ppo(PPO, env).policy.parameters()) == bare
        assert sum(p.numel() for p in bench_train.theirs(PPO).policy.parameters()) == bare
    else:
        assert sum(p.numel() for p in bench_train.our_dqn(DQN, env).q_net.parameters()) == bare


def test_bare_advantages_are_ours():
    random = np.random.default_rng(0)
    rewards, values = random.normal(size=(7, 5)).astype(np.float32), random.normal(size=(8, 5)).astype(np.float32)
    ended = random.random((7, 5)) < 0.2
    made = np.zeros((7, 5), np.float32)
    estimate(rewards, ended, values, made)
    rows = np.arange(35).reshape(7, 5)
    wanted, _ = advantages(rewards, ended, rows, values[:7].ravel(), values[7], GAMMA, GAE_LAMBDA)
    np.testing.assert_allclose(made.ravel(), wanted, rtol=1e-5, atol=1e-5)


def test_bare_ppo_learns_what_ours_learns_from_the_same_rollout():
    whole = PPOSetting(slots=4, steps=6, batch=24, epochs=3)
    ours = bench_train.our_ppo(whole, bench_train.arena(4))
    theirs = ours.policy.optimizer.defaults
    bare = bench_train.bare(whole, {name: theirs[name] for name in ("lr", "eps")})
    assert isinstance(bare, BarePPO)
    networks = [*ours.policy.mlp_extractor.policy_net.parameters(), *ours.policy.action_net.parameters()]
    networks += [*ours.policy.mlp_extractor.value_net.parameters(), *ours.policy.value_net.parameters()]
    with torch.no_grad():
        for own, given in zip(bare.parameters, networks, strict=True):
            own.copy_(given)
    bare.play()
    values, gained = bare.values[:-1].flatten(), bare.advantages.flatten()
    ours.rollout = Rollout(
        {"state": bare.states.flatten(0, 1)}, bare.actions.flatten(), bare.log_probs.flatten(), values, gained,
        gained + values,
    )  # fmt: skip
    ours._setup_learn(24, None)
    before = [p.detach().clone() for p in networks]
    ours.train()
    bare.learn()
    for own, given, old in zip(bare.parameters, networks, before, strict=True):
        torch.testing.assert_close(own, given, rtol=1e-3, atol=1e-6)
        assert not torch.equal(given, old)


def test_bare_dqn_is_as_far_off_as_ours():
    setting = replace(DQN, copy_every=1000)
    ours, bare = bench_train.our_dqn(setting, bench_train.arena(4)), bench_train.bare(setting, ADAM)
    assert isinstance(bare, BareDQN)
    with torch.no_grad():
        for own, given in zip(bare.network.parameters(), ours.q_net.parameters(), strict=True):
            own.copy_(given)
        for own, given in zip(bare.target.parameters(), ours.q_net_target.parameters(), strict=True):
            own.copy_(given.mul_(1.5))
    for _ in range(20):
        bare.play()
    rows = slice(0, 80)
    batch = Transitions(
        {"state": bare.states[rows]}, bare.actions[rows], {"state": bare.next_states[rows]}, torch.zeros(80, 1),
        bare.rewards[rows], bare.discounts[rows], torch.ones(80, 1), np.arange(80),
    )  # fmt: skip
    errors = np.abs(ours._judge(batch)[1].numpy())
    bare.learn()
    weights = bare.tree.weights[rows]
    learnt = weights != 1.0
    assert 0 < learnt.sum() <= DQN.batch
    np.testing.assert_allclose(weights[learnt], (errors[learnt] + LEAST_PRIORITY) ** PRIORITY, rtol=1e-4)
    assert np.count_nonzero(bare.tree.weights) == 80
