"""A rollout: its pieces in one, and its batches hold every decision once."""

import numpy as np
import pytest
import torch

from agents.learners.advantages import advantages
from agents.learners.rollout import Piece, Rollout


def piece(steps: int, slots: int, seed: int) -> Piece:
    random = np.random.default_rng(seed)
    chose = random.random((steps, slots)) < 0.6
    count = int(chose.sum())
    return Piece(
        {"state": torch.from_numpy(random.random((count, 3), np.float32))},
        torch.from_numpy(random.integers(4, size=count)),
        torch.from_numpy(random.random(count, np.float32)),
        torch.from_numpy(random.random(count, np.float32)),
        np.where(chose, np.cumsum(chose.ravel()).reshape(chose.shape) - 1, -1),
        random.random((steps, slots), np.float32),
        random.random((steps, slots)) < 0.1,
        random.random(slots, np.float32),
    )


def rollout(*sizes: tuple[int, int]) -> tuple[Rollout, list[Piece]]:
    pieces = [piece(steps, slots, seed) for seed, (steps, slots) in enumerate(sizes)]
    return Rollout.of(pieces, 0.5, 0.9, 0.8), pieces


def test_pieces_keep_what_is_theirs():
    whole, pieces = rollout((5, 2), (7, 3))
    assert len(whole) == sum(len(p.actions) for p in pieces)
    first = 0
    for p in pieces:
        own = whole.at(slice(first, first + len(p.actions)))
        first += len(p.actions)
        assert torch.equal(own.observations["state"], p.observations["state"])
        assert torch.equal(own.actions, p.actions) and torch.equal(own.log_probs, p.log_probs)
        gained, returns = advantages(p.rewards * 0.5, p.ended, p.rows, p.values.numpy(), p.last_values, 0.9, 0.8)
        torch.testing.assert_close(own.advantages, torch.from_numpy(gained))
        torch.testing.assert_close(own.returns, torch.from_numpy(returns))


@pytest.mark.parametrize("size", [1, 7, 16, 1000])
def test_batches_hold_every_decision_once(size):
    whole, _ = rollout((20, 3))
    batches = list(whole.batches(size, np.random.default_rng(0)))
    states = torch.cat([batch.observations["state"] for batch in batches])
    assert sorted(states.tolist()) == sorted(whole.observations["state"].tolist())
    assert states.tolist() != whole.observations["state"].tolist()
    sizes = [len(batch) for batch in batches]
    assert max(sizes) - min(sizes) <= max(sizes) and max(sizes) <= 2 * size
    for batch in batches:
        for state, action in zip(batch.observations["state"].tolist(), batch.actions.tolist(), strict=True):
            place = whole.observations["state"].tolist().index(state)
            assert int(whole.actions[place]) == action


@pytest.mark.parametrize("count", [1, 2, 3, 100])
def test_parts_are_the_same_decisions_as_even_as_can_be(count):
    whole, _ = rollout((6, 4))
    parts = whole.parts(count)
    assert torch.equal(torch.cat([part.returns for part in parts]), whole.returns)
    sizes = [len(part) for part in parts]
    assert min(sizes) >= 1 and max(sizes) - min(sizes) <= 1
    assert len(parts) == min(count, len(whole))


def test_on_the_same_device_nothing_is_copied():
    whole, _ = rollout((5, 2))
    assert whole.to(torch.device("cpu")) is whole
