"""Advantages against their definition written out, and against Stable-Baselines3 where every step is a decision."""

from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.buffers import RolloutBuffer

from agents.learners import sum_tree, windows
from agents.learners.advantages import advantages
from mlmonster_env.data.cache import cache_root


@pytest.mark.parametrize("compiled", [advantages, sum_tree._draw, windows.pay_all])
def test_what_is_compiled_lies_in_the_cache(compiled):
    """Who may not write where the package lies names another place by MLMONSTER_CACHE."""
    assert Path(compiled._cache.cache_path).is_relative_to(cache_root())


@st.composite
def rollouts(draw, all_decide=False):
    steps, slots = draw(st.integers(1, 25)), draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    choosing = 1.1 if all_decide else draw(st.sampled_from([0.0, 0.3, 0.8, 1.1]))
    chose = random.random((steps, slots)) < choosing
    rows = np.where(chose, np.cumsum(chose.ravel()).reshape(chose.shape) - 1, -1)
    return {
        "rewards": random.normal(size=(steps, slots)).astype(np.float32),
        "ended": random.random((steps, slots)) < draw(st.sampled_from([0.0, 0.1, 0.4])),
        "rows": rows.astype(np.int64),
        "values": random.normal(size=int(chose.sum())).astype(np.float32),
        "last_values": random.normal(size=slots).astype(np.float32),
    }


def slowly(rewards, ended, rows, values, last_values, gamma, gae_lambda):
    """Each decision's advantage by following it forwards: what was paid until the next one, and so on."""
    steps, slots = rewards.shape
    gained = np.zeros(len(values))

    def of(step, slot):
        paid, factor = 0.0, 1.0
        for now in range(step, steps):
            paid += factor * rewards[now, slot]
            factor *= gamma
            if ended[now, slot]:
                return paid - values[rows[step, slot]]
            if now + 1 < steps and rows[now + 1, slot] >= 0:
                later = values[rows[now + 1, slot]]
                return paid + factor * (later + gae_lambda * of(now + 1, slot)) - values[rows[step, slot]]
        return paid + factor * last_values[slot] - values[rows[step, slot]]

    for step in range(steps):
        for slot in range(slots):
            if rows[step, slot] >= 0:
                gained[rows[step, slot]] = of(step, slot)
    return gained


@settings(max_examples=200)
@given(rollouts(), st.sampled_from([0.5, 0.99, 1.0]), st.sampled_from([0.0, 0.5, 0.95, 1.0]))
def test_they_are_what_their_definition_says(rollout, gamma, gae_lambda):
    gained, returns = advantages(**rollout, gamma=gamma, gae_lambda=gae_lambda)
    np.testing.assert_allclose(gained, slowly(**rollout, gamma=gamma, gae_lambda=gae_lambda), atol=1e-4)
    np.testing.assert_allclose(returns, gained + rollout["values"], atol=1e-5)
    assert gained.dtype == returns.dtype == np.float32


@settings(max_examples=60)
@given(rollouts(all_decide=True), st.sampled_from([0.9, 0.99]), st.sampled_from([0.0, 0.95, 1.0]))
def test_they_are_those_of_stable_baselines_where_every_step_is_a_decision(rollout, gamma, gae_lambda):
    steps, slots = rollout["rewards"].shape
    buffer = RolloutBuffer(
        steps, spaces.Box(0, 1, (1,)), spaces.Discrete(2), "cpu", gae_lambda=gae_lambda, gamma=gamma, n_envs=slots
    )
    began = np.ones(slots)
    for step in range(steps):
        values = torch.from_numpy(rollout["values"][rollout["rows"][step]])
        buffer.add(
            np.zeros((slots, 1)), np.zeros((slots, 1)), rollout["rewards"][step], began, values, torch.zeros(slots)
        )
        began = rollout["ended"][step].astype(float)
    buffer.compute_returns_and_advantage(torch.from_numpy(rollout["last_values"]), began)
    gained, returns = advantages(**rollout, gamma=gamma, gae_lambda=gae_lambda)
    np.testing.assert_allclose(gained[rollout["rows"]], buffer.advantages, atol=2e-4)
    np.testing.assert_allclose(returns[rollout["rows"]], buffer.returns, atol=2e-4)


def test_with_lambda_1_a_return_is_all_that_is_paid_from_there_on():
    rewards = np.arange(6, dtype=np.float32).reshape(6, 1)
    ended = np.array([[0], [0], [0], [0], [0], [1]], np.bool_)
    rows = np.array([[0], [-1], [-1], [1], [-1], [-1]])
    values = np.array([5.0, -2.0], np.float32)
    _, returns = advantages(rewards, ended, rows, values, np.full(1, 99, np.float32), 1.0, 1.0)
    assert returns.tolist() == pytest.approx([15.0, 12.0])


def test_nothing_crosses_the_end_of_a_match():
    rewards = np.array([[1.0], [100.0]], np.float32)
    rows = np.array([[0], [1]])
    ended = np.array([[True], [False]])
    values = np.zeros(2, np.float32)
    gained, _ = advantages(rewards, ended, rows, values, np.full(1, 7, np.float32), 0.5, 0.9)
    assert gained.tolist() == pytest.approx([1.0, 103.5])


def test_a_rollout_without_a_decision_has_no_advantages():
    gained, returns = advantages(
        np.ones((3, 2), np.float32), np.zeros((3, 2), np.bool_), np.full((3, 2), -1), np.zeros(0, np.float32),
        np.zeros(2, np.float32), 0.9, 0.9,
    )  # fmt: skip
    assert len(gained) == len(returns) == 0
