"""Stretches of what was played: cut in order, nothing lost or doubled, advantages as of single decisions."""

import numpy as np
import pytest
import torch

from agents.learners.rollout import Piece, Rollout
from agents.learners.sequences import SequencePiece, Sequences, cut

LENGTH, STEPS, MEMBERS, SIZE = 4, 12, 3, 5


def piece(slots: int, seed: int, choice: float = 0.6) -> SequencePiece:
    """Random, but each moment shows who (seed, slot) and when it is."""
    random = np.random.default_rng(seed)
    shape = (STEPS, slots)
    told = np.zeros((*shape, 3), np.float32)
    told[..., 0], told[..., 1], told[..., 2] = seed, np.arange(slots), np.arange(STEPS)[:, None]
    stretches = STEPS // LENGTH
    memories = np.zeros((stretches, slots, SIZE), np.float32)
    memories[..., 0], memories[..., 1], memories[..., 2] = seed, np.arange(slots), np.arange(stretches)[:, None]
    log_probs, values = (torch.from_numpy(random.random(shape, np.float32)) for _ in range(2))
    return SequencePiece(
        {"state": torch.from_numpy(told)}, torch.from_numpy(memories), torch.from_numpy(random.random(shape) < 0.1),
        torch.from_numpy(random.random(shape) < choice), torch.from_numpy(random.integers(9, size=shape)), log_probs,
        values,
        random.random(shape, np.float32), random.random(shape) < 0.1, random.random(slots, np.float32),
    )  # fmt: skip


def sequences(*slots: int, members: int = MEMBERS, **named: float) -> tuple[Sequences, list[SequencePiece]]:
    pieces = [piece(count, seed, **named) for seed, count in enumerate(slots)]
    return Sequences.of(pieces, LENGTH, members, 0.5, 0.9, 0.8), pieces


def moments(made: Sequences) -> list[tuple[float, ...]]:
    """Who and when, of all that it holds."""
    return [tuple(row) for row in made.observations["state"].reshape(-1, 3).tolist()]


def test_rows_are_stretches_in_order_with_packs_side_by_side():
    steps, slots = torch.meshgrid(torch.arange(6), torch.arange(4), indexing="ij")
    made = cut(torch.stack([steps, slots], -1), 3, 2)
    assert made.shape == (8, 3, 2)
    assert made[..., 0].tolist() == [[0, 1, 2], [0, 1, 2], [3, 4, 5], [3, 4, 5]] * 2
    assert made[:, 0, 1].tolist() == [0, 1, 0, 1, 2, 3, 2, 3]
    assert (made[..., 1] == made[:, :1, 1]).all()


@pytest.mark.parametrize("members", [1, 3])
def test_each_row_begins_with_its_own_memory_and_is_whole(members):
    whole, pieces = sequences(3, 6, members=members)
    assert whole.starts.shape == (9 * STEPS // LENGTH, LENGTH)
    for row in range(len(whole.starts)):
        seed, slot, when = whole.observations["state"][row, 0].int().tolist()
        place = (slice(when, when + LENGTH), slot)
        own = pieces[seed]
        assert whole.memories[row, :3].tolist() == [seed, slot, when // LENGTH]
        assert torch.equal(whole.observations["state"][row], own.observations["state"][place])
        for made, given in (
            (whole.starts, own.starts), (whole.chosen, own.chosen), (whole.moves, own.actions),
            (whole.numbers[..., 0], own.log_probs), (whole.numbers[..., 1], own.values),
        ):  # fmt: skip
            assert torch.equal(made[row], given[place])


def test_advantages_are_those_of_single_decisions():
    whole, pieces = sequences(3, 6)
    plain = []
    for p in pieces:
        rows = np.full(p.rewards.shape, -1, np.int64)
        rows[p.chosen.numpy()] = np.arange(int(p.chosen.sum()))
        seen = {"state": p.observations["state"][p.chosen]}
        actions, log_probs, values = (t[p.chosen] for t in (p.actions, p.log_probs, p.values))
        plain.append(Piece(seen, actions, log_probs, values, rows, p.rewards, p.ended, p.last_values))
    single = Rollout.of(plain, 0.5, 0.9, 0.8)
    assert len(single) == len(whole) < whole.chosen.numel()

    def by_moment(made: Rollout | Sequences) -> dict[tuple[float, ...], list[float]]:
        columns = (made.actions, made.log_probs, made.values, made.advantages, made.returns)
        keys = [tuple(row) for row in made.seen["state"].tolist()]
        return dict(zip(keys, torch.stack([c.float() for c in columns], 1).tolist(), strict=True))

    assert by_moment(whole) == by_moment(single)


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("size", [1, 12, 40, 10_000])
def test_batches_hold_every_row_once_and_packs_together(size, members):
    whole, _ = sequences(6, 3, members=members, choice=1.0)
    batches = list(whole.batches(size, np.random.default_rng(0)))
    found = [moment for batch in batches for moment in moments(batch)]
    assert sorted(found) == sorted(moments(whole))
    assert found != moments(whole)
    rows = [len(batch.starts) for batch in batches]
    assert max(rows) - min(rows) <= members
    if size >= LENGTH * members:
        assert max(rows) * LENGTH < 2 * size
    for batch in batches:
        assert len(batch.starts) % members == 0 and batch.members == members
        packs = batch.observations["state"][:, 0].reshape(-1, members, 3)
        assert (packs[..., 2] == packs[:, :1, 2]).all() and (packs[..., 0] == packs[:, :1, 0]).all()
        assert (packs[..., 1] % members == torch.arange(members)).all()


@pytest.mark.parametrize("count", [1, 2, 3, 100])
def test_parts_are_the_same_rows_in_whole_packs(count):
    whole, _ = sequences(6, 3, choice=1.0)
    parts = whole.parts(count)
    assert [moment for part in parts for moment in moments(part)] == moments(whole)
    rows = [len(part.starts) for part in parts]
    assert all(row % MEMBERS == 0 for row in rows) and max(rows) - min(rows) <= MEMBERS
    assert len(parts) == min(count, len(whole.starts) // MEMBERS)


def test_nothing_is_lost_over_batches_and_their_parts():
    whole, _ = sequences(6, 6, choice=0.3)
    learnt = [
        tuple(row)
        for batch in whole.batches(30, np.random.default_rng(1))
        for part in batch.normalized().parts(2)
        for row in part.seen["state"].tolist()
    ]
    assert sorted(learnt) == sorted(tuple(row) for row in whole.seen["state"].tolist())
    assert len(learnt) == len(whole)


def test_moments_without_a_choice_are_not_told():
    whole, pieces = sequences(3, choice=0.4)
    assert len(whole) == int(pieces[0].chosen.sum())
    for told in (whole.actions, whole.log_probs, whole.values, whole.advantages, whole.returns, whole.seen["state"]):
        assert len(told) == len(whole)
    assert torch.equal(whole.seen["state"], whole.observations["state"][whole.chosen])
    assert (whole.numbers[..., 2][~whole.chosen] == 0).all()


def test_what_holds_no_choice_is_left_out():
    whole, _ = sequences(3, 3, choice=0.0)
    assert len(whole) == 0
    assert list(whole.batches(4, np.random.default_rng(0))) == [] and whole.parts(2) == []
    whole.chosen[0, 2] = True
    batches = list(whole.batches(4, np.random.default_rng(0)))
    assert [len(batch) for batch in batches] == [1] and [len(part) for part in whole.parts(6)] == [1]


def test_normalized_advantages_are_those_of_decisions():
    whole, _ = sequences(6)
    made = whole.normalized()
    assert float(made.advantages.mean()) == pytest.approx(0, abs=1e-5)
    assert float(made.advantages.std()) == pytest.approx(1, abs=1e-4)
    assert torch.equal(made.returns, whole.returns) and torch.equal(made.log_probs, whole.log_probs)
    assert float(whole.advantages.std()) != pytest.approx(1, abs=1e-2)


def test_on_the_same_device_nothing_is_copied():
    whole, _ = sequences(3)
    assert whole.to(torch.device("cpu")) is whole
    moved = whole.to(torch.device("meta"))
    assert moved.members == MEMBERS and moved.memories.is_meta and moved.observations["state"].is_meta
