"""The pool: named by content, bounded, spread over history and strength, swept only of what nobody needs."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.catalog import TYPES
from agents.learners.build import make_card
from agents.selfplay.pool import PastSelf, Pool, least_missed, without
from policies.actors import build_actor
from policies.policy import Policy
from policies.storage import DamagedError


def policy(seed=0):
    torch.manual_seed(seed)
    card = make_card(TYPES["combat_dqn"], "mage", "tiny", "ppo")
    return Policy(card, build_actor(card.policy_class, card.blocks, card.control, card.policy_arguments))


def after(elos, size):
    """What is left of snapshots that came one after the other, evenly."""
    kept: tuple[PastSelf, ...] = ()
    for number, elo in enumerate(elos):
        kept = (*kept, PastSelf(str(number), number * 100, elo))
        if len(kept) > size:
            kept = without(kept, least_missed(kept))
    return kept


@given(st.lists(st.floats(-500, 500), min_size=1, max_size=60), st.integers(2, 12))
def test_it_is_bounded_and_keeps_the_oldest_and_the_newest(elos, size):
    kept = after(elos, size)
    assert len(kept) == min(size, len(elos))
    assert [one.steps for one in kept] == sorted({one.steps for one in kept})
    assert kept[-1].steps == (len(elos) - 1) * 100
    assert kept[0].steps == 0


@settings(max_examples=50)
@given(st.integers(6, 12), st.integers(20, 80), st.randoms(use_true_random=False))
def test_it_stays_spread_over_history(size, count, random):
    kept = after([8.0 * number + random.uniform(-20, 20) for number in range(count)], size)
    gaps = np.diff([one.steps for one in kept])
    even = (count - 1) * 100 / (size - 1)
    assert gaps.max() <= 3.5 * even


def test_it_stays_spread_over_strength():
    # Strength rises in the first quarter alone: more of those who were weak are kept than history alone would keep.
    elos = [min(number, 15) * 20.0 for number in range(60)]
    kept = after(elos, 10)
    assert sum(one.steps <= 1500 for one in kept) >= 4
    assert np.diff(sorted(one.elo for one in kept)).max() <= 110


def test_a_snapshot_is_named_by_what_it_is(tmp_path):
    pool = Pool(tmp_path, 3)
    one, other = pool.add(policy(0), 0, 0.0), pool.add(policy(1), 10, 5.0)
    assert one.name == policy(0).digest()[:16] != other.name
    again = pool.add(policy(0), 20, 7.0)
    assert again.name == one.name and pool.names == (other.name, one.name)
    assert (tmp_path / one.name / "manifest.json").is_file()


def test_those_who_left_stay_on_the_disk_until_nobody_needs_them(tmp_path):
    pool = Pool(tmp_path, 2)
    names = [pool.add(policy(seed), seed, 0.0).name for seed in range(4)]
    assert pool.names == (names[0], names[3])
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    pool.sweep([names[1]])
    assert {path.name for path in tmp_path.iterdir()} == {names[0], names[1], names[3]}
    assert pool.policy(names[1]).digest()[:16] == names[1]


def test_it_goes_on_with_the_same_snapshots(tmp_path):
    pool = Pool(tmp_path, 3)
    for seed in range(3):
        pool.add(policy(seed), seed, float(seed))
    again = Pool(tmp_path, 3)
    again.set_state(pool.state())
    assert again.snapshots == pool.snapshots
    assert [again.policy(name).digest() for name in again.names] == [policy(seed).digest() for seed in range(3)]


def test_a_snapshot_that_is_missing_or_another_is_named(tmp_path):
    pool = Pool(tmp_path, 3)
    name = pool.add(policy(0), 0, 0.0).name
    policy(1).save(tmp_path / name)
    again = Pool(tmp_path, 3)
    again.set_state(pool.state())
    with pytest.raises(ValueError, match="another model than its name says"):
        again.policy(name)
    (tmp_path / name / "manifest.json").unlink()
    with pytest.raises(DamagedError, match=name):
        again.set_state(pool.state())
    with pytest.raises(ValueError, match="size is 1, expected at least 2"):
        Pool(tmp_path, 1)
