"""The replay against a plain account of the same play: sums several decisions on, what follows, what is forgotten."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.learners.replay import LEAST_PRIORITY, Replay
from policies.storage import read_tree, write_tree

GOES_ON, ENDS, IS_CUT = range(3)
SHAPES = {"state": (2,), "action_mask": (3,)}


@dataclass
class Play:
    """What slots did, step by step: [steps, slots] each."""

    chose: np.ndarray
    rewards: np.ndarray
    fate: np.ndarray


@dataclass
class Decision:
    """A decision as the plain account has it."""

    serial: int
    slot: int
    step: int
    action: int
    reward: float = 0.0
    discount: float = 1.0
    next_serial: int | None = None
    ended: bool = False
    open: bool = True


@dataclass
class Account:
    """The plain account: everything ever seen, and decisions by slot in order."""

    seen: dict[int, np.ndarray] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    cuts: dict[tuple[int, int], int] = field(default_factory=dict)
    written: int = 0


@st.composite
def plays(draw, most_steps=30):
    steps, slots = draw(st.integers(1, most_steps)), draw(st.integers(1, 3))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    choosing, ending = draw(st.sampled_from([0.2, 0.7, 1.0])), draw(st.sampled_from([0.0, 0.1, 0.5]))
    fate = np.where(random.random((steps, slots)) < ending, random.integers(1, 3, (steps, slots)), GOES_ON)
    return Play(random.random((steps, slots)) < choosing, random.normal(size=(steps, slots)).round(3), fate)


def view(serial: int) -> np.ndarray:
    """What is seen at a serial number; no two see the same."""
    return np.array([serial, 1000 + serial], np.float32)


def mask(serial: int) -> np.ndarray:
    return np.array([serial % 2, 1, serial % 3 == 0], np.int8)


def blocks(serials: list[int]) -> dict[str, np.ndarray]:
    return {
        "state": np.array([view(s) for s in serials], np.float32).reshape(-1, 2),
        "action_mask": np.array([mask(s) for s in serials], np.int8).reshape(-1, 3),
    }


def keep(replay: Replay, play: Play, first: int = 0, account: Account | None = None) -> Account:
    """Let a replay take play in as the learners do, and write down what it was told."""
    told = account or Account()
    for step in range(first, len(play.chose)):
        choosing = np.flatnonzero(play.chose[step])
        serials = [told.written + i for i in range(len(choosing))]
        told.written += len(choosing)
        actions = np.array([serial % 7 for serial in serials], np.int64)
        told.decisions += [
            Decision(serial, int(slot), step, int(action))
            for serial, slot, action in zip(serials, choosing, actions, strict=True)
        ]
        replay.decide(choosing, blocks(serials), actions)
        cut = np.flatnonzero(play.fate[step] == IS_CUT)
        replay.pay(play.rewards[step].astype(np.float32), play.fate[step] == ENDS)
        if len(cut):
            last = [told.written + i for i in range(len(cut))]
            told.cuts |= {(step, int(slot)): serial for slot, serial in zip(cut, last, strict=True)}
            told.written += len(cut)
            replay.cut(cut, blocks(last))
    return told


def settle(account: Account, play: Play, n_steps: int, gamma: float) -> list[Decision]:
    """Follow every decision from its step on, the slow way; those that are not open any more."""
    steps = len(play.chose)
    serials = {(d.step, d.slot): d.serial for d in account.decisions}
    for decision in account.decisions:
        slot, later = decision.slot, 0
        for step in range(decision.step, steps):
            decision.reward += decision.discount * float(np.float32(play.rewards[step, slot]))
            decision.discount *= gamma
            if play.fate[step, slot] != GOES_ON:
                decision.ended = play.fate[step, slot] == ENDS
                decision.next_serial = account.cuts.get((step, slot))
                decision.open = False
                break
            if (step + 1, slot) in serials:
                later += 1
                if later == n_steps:
                    decision.next_serial = serials[step + 1, slot]
                    decision.open = False
                    break
    return [decision for decision in account.decisions if not decision.open]


@settings(max_examples=150)
@given(plays(), st.integers(1, 4), st.sampled_from([0.5, 0.9, 1.0]), st.integers(0, 30))
def test_it_keeps_what_the_plain_account_says(play, n_steps, gamma, more):
    slots = play.chose.shape[1]
    capacity = 2 * slots * n_steps + more
    replay = Replay(capacity, slots, SHAPES, n_steps=n_steps, gamma=gamma, priority=0.0)
    account = keep(replay, play)
    kept = [d for d in settle(account, play, n_steps, gamma) if d.serial >= account.written - capacity]
    assert replay.written == account.written
    assert sorted(np.flatnonzero(replay.tree.weights)) == sorted(d.serial % capacity for d in kept)
    assert len(replay) == len(kept)
    for decision in kept:
        row = decision.serial % capacity
        assert replay.blocks["state"][row].tolist() == view(decision.serial).tolist()
        assert replay.blocks["action_mask"][row].tolist() == mask(decision.serial).tolist()
        assert replay.actions[row].tolist() == [decision.action]
        assert replay.rewards[row] == pytest.approx(decision.reward, abs=1e-5)
        assert replay.dones[row] == float(decision.ended)
        if decision.ended:
            assert replay.discounts[row] == 0.0
        else:
            assert decision.next_serial is not None
            assert replay.discounts[row] == pytest.approx(decision.discount, rel=1e-6)
            later = replay.blocks["state"][replay.next_rows[row]]
            assert later.tolist() == view(decision.next_serial).tolist()


@settings(max_examples=40)
@given(plays(), st.integers(1, 3), st.data())
def test_whatever_is_drawn_was_kept_and_goes_together(play, n_steps, data):
    slots = play.chose.shape[1]
    replay = Replay(2 * slots * n_steps + 5, slots, SHAPES, n_steps=n_steps, gamma=0.9)
    account = keep(replay, play)
    kept = {d.serial: d for d in settle(account, play, n_steps, 0.9)}
    if not len(replay):
        return
    batch = replay.draw(data.draw(st.integers(1, 20)))
    for i, row in enumerate(batch.rows):
        decision = kept[int(batch.observations["state"][i, 0])]
        assert row == decision.serial % replay.capacity
        assert batch.actions[i].tolist() == [decision.action]
        assert float(batch.rewards[i]) == pytest.approx(decision.reward, abs=1e-5)
        assert float(batch.dones[i]) == decision.ended == (float(batch.discounts[i]) == 0.0)
        if not decision.ended:
            assert int(batch.next_observations["state"][i, 0]) == decision.next_serial
    assert all(block.dtype == torch.float32 for block in batch.observations.values())


@settings(max_examples=25)
@given(plays(), st.integers(1, 3), st.data())
def test_one_that_was_written_down_goes_on_to_the_bit(tmp_path_factory, play, n_steps, data):
    folder = tmp_path_factory.mktemp("replay") / "state"
    slots = play.chose.shape[1]
    middle = data.draw(st.integers(0, len(play.chose)))

    def fresh(seed: int) -> Replay:
        return Replay(2 * slots * n_steps + 4, slots, SHAPES, n_steps=n_steps, gamma=0.9, seed=seed)

    replay, again = fresh(1), fresh(2)
    account = keep(replay, Play(play.chose[:middle], play.rewards[:middle], play.fate[:middle]))
    if len(replay):
        batch = replay.draw(3)
        replay.learnt(batch.rows, np.array([0.1, 2.0, -5.0]))
    write_tree(folder, replay.state())
    again.set_state(read_tree(folder))
    for one in (replay, again):
        keep(one, play, middle, Account(written=account.written))
    assert same_content(replay, again)
    if len(replay):
        assert np.array_equal(replay.draw(16).rows, again.draw(16).rows)


@settings(max_examples=25)
@given(plays(), st.data())
def test_rows_may_be_written_down_in_portions(play, data):
    slots = play.chose.shape[1]
    replay, again = (Replay(2 * slots + 6, slots, SHAPES, gamma=0.9) for _ in range(2))
    account, since = Account(), 0
    portions = []
    cuts = sorted(data.draw(st.lists(st.integers(0, len(play.chose)), max_size=3)))
    for first, end in zip([0, *cuts], [*cuts, len(play.chose)], strict=True):
        part = Play(play.chose[:end], play.rewards[:end], play.fate[:end])
        account = keep(replay, part, first, account)
        state = replay.state(since)
        fresh = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in state["fresh"].items()}
        portions.append(fresh)
        since = replay.written
    for fresh in portions:
        again.set_rows(fresh)
    again.set_state(state)
    assert same_content(replay, again)


def same_content(first: Replay, second: Replay) -> bool:
    """Whether two replays hold the same, where that can still be drawn or come to be."""
    rows = first.rows_since(0)
    drawn = np.flatnonzero(first.tree.weights)
    return (
        first.written == second.written
        and np.array_equal(first.tree.weights, second.tree.weights)
        and all(np.array_equal(first.blocks[name][rows], second.blocks[name][rows]) for name in first.blocks)
        and np.array_equal(first.actions[drawn], second.actions[drawn])
        and np.array_equal(first.rewards[drawn], second.rewards[drawn])
        and np.array_equal(first.discounts[drawn], second.discounts[drawn])
        and np.array_equal(first.next_rows[drawn], second.next_rows[drawn])
        and np.array_equal(first._paid, second._paid)
        and np.array_equal(first._open, second._open)
    )


def filled(rows: int, **arguments: Any) -> Replay:
    """A replay of one slot that made so many decisions, each paid its number, all closed."""
    replay = Replay(max(2, rows + 1), 1, SHAPES, **arguments)
    for serial in range(rows):
        replay.decide(np.array([0]), blocks([serial]), np.array([0]))
        replay.pay(np.array([float(serial)], np.float32), np.array([serial == rows - 1]))
    return replay


def test_without_priority_all_rows_are_as_likely():
    replay = filled(10, priority=0.0)
    batch = replay.draw(1000)
    assert np.bincount(batch.rows, minlength=10)[:10].tolist() == pytest.approx([100] * 10, abs=1)
    assert torch.equal(batch.weights, torch.ones(1000, 1))
    replay.learnt(batch.rows[:4], np.array([9.0, 9.0, 9.0, 9.0]))
    assert set(replay.tree.weights.tolist()) == {0.0, 1.0}


def test_rows_that_were_far_off_are_drawn_more_often_and_count_less():
    replay = filled(4, priority=0.5)
    errors = np.array([0.0, 1.0, 4.0, 9.0])
    replay.learnt(np.arange(4), errors)
    likely = (errors + LEAST_PRIORITY) ** 0.5
    batch = replay.draw(5000, correction=1.0)
    counts = np.bincount(batch.rows, minlength=4)[:4]
    np.testing.assert_allclose(counts / 5000, likely / likely.sum(), atol=2e-3)
    np.testing.assert_allclose(batch.weights[:, 0], likely.min() / likely[batch.rows], rtol=1e-5)
    half = replay.draw(5000, correction=0.5)
    np.testing.assert_allclose(half.weights[:, 0], (likely.min() / likely[half.rows]) ** 0.5, rtol=1e-5)
    assert torch.equal(replay.draw(10, correction=0.0).weights, torch.ones(10, 1))


def test_what_is_new_is_as_likely_as_the_likeliest():
    replay = filled(5, priority=1.0)
    replay.learnt(np.array([1]), np.array([7.0]))
    serial = replay.written
    replay.decide(np.array([0]), blocks([serial]), np.array([0]))
    replay.pay(np.zeros(1, np.float32), np.array([True]))
    assert replay.tree.weights[serial % replay.capacity] == pytest.approx(7.0 + LEAST_PRIORITY)


def test_what_was_overwritten_since_it_was_drawn_is_not_made_likely():
    replay = filled(3, priority=1.0)
    replay.decide(np.array([0]), blocks([3]), np.array([0]))
    replay.decide(np.array([0]), blocks([4]), np.array([0]))
    assert replay.tree.weights[4 % replay.capacity] == 0.0
    replay.learnt(np.array([4 % replay.capacity]), np.array([5.0]))
    assert replay.tree.weights[4 % replay.capacity] == 0.0


def test_nobody_may_have_a_choice():
    replay = filled(3)
    replay.decide(np.zeros(0, np.int64), blocks([]), np.zeros(0, np.int64))
    assert replay.written == 3


def test_actions_may_be_numbers():
    replay = Replay(20, 2, {"state": (2,)}, (4,), gamma=0.9)
    actions = np.random.default_rng(0).random((2, 4), np.float32)
    replay.decide(np.arange(2), {"state": np.zeros((2, 2), np.float32)}, actions)
    replay.pay(np.zeros(2, np.float32), np.ones(2, np.bool_))
    batch = replay.sample(6)
    assert batch.actions.dtype == torch.float32
    assert np.array_equal(batch.actions.numpy(), actions[batch.rows])


def test_two_of_one_seed_draw_the_same():
    first, second, other = (filled(30, seed=seed).draw(20).rows for seed in (4, 4, 5))
    assert np.array_equal(first, second) and not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"capacity": 11, "slots": 3, "n_steps": 2}, "capacity is 11, expected at least 12"),
        ({"capacity": 11, "slots": 3, "n_steps": 0}, "n_steps is 0, expected at least 1"),
    ],
)
def test_a_wrong_size_is_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        Replay(shapes=SHAPES, **arguments)


def test_from_an_empty_replay_nothing_is_drawn():
    with pytest.raises(ValueError, match="all weights are 0"):
        Replay(4, 1, SHAPES).draw(1)
