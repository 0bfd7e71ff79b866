"""Rows are drawn as often as their priorities say."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mlmonster_env.store import Wanted
from mlmonster_env.store.sampling import PrioritySampler
from tests.store.rows import make_rows, write


def test_draws_follow_priorities_and_say_how_likely_they_were(database, connection):
    priority = np.array([1.0, 4.0, 0.0, 9.0])
    write(database, make_rows(4, priority=priority))
    sampler = PrioritySampler(database, exponent=0.5, seed=0)
    assert sampler.refresh() == 4 and sampler.refresh() == 0
    sample = sampler.draw(6000, correction=1.0)
    ticks = sample.batch.transitions.tick
    expected = np.sqrt(priority) / np.sqrt(priority).sum()
    counts = np.bincount(ticks, minlength=4)
    assert np.allclose(sample.probability, expected[ticks])
    assert counts[2] == 0
    assert np.all(np.abs(counts - 6000 * expected) < 5 * np.sqrt(6000 * expected + 1))  # five standard errors
    assert np.allclose(sample.weight, expected[0] / expected[ticks])
    told = connection.execute("SELECT sample_count FROM ml_experience_replay ORDER BY tick").fetchall()
    assert [count for (count,) in told] == counts.tolist()


def test_new_priorities_hold_here_and_in_the_store(database, connection):
    write(database, make_rows(3))
    sampler = PrioritySampler(database, seed=0)
    sampler.refresh()
    sample = sampler.draw(50)
    sampler.set_priorities(sample.batch, np.where(sample.batch.transitions.tick == 1, 5.0, 0.0))
    assert set(sampler.draw(50).batch.transitions.tick.tolist()) == {1}
    told = connection.execute("SELECT priority FROM ml_experience_replay ORDER BY tick").fetchall()
    assert told == [(0.0,), (5.0,), (0.0,)]


def test_the_newest_are_kept_and_only_what_is_wanted(database):
    write(database, make_rows(10), make_rows(5, first=100, archetype="tank"))
    sampler = PrioritySampler(database, Wanted("mage"), capacity=4, seed=0)
    sampler.refresh()
    assert len(sampler) == 4
    assert set(sampler.draw(200).batch.transitions.tick.tolist()) == {6, 7, 8, 9}
    write(database, make_rows(1, first=50))
    assert sampler.refresh() == 1
    assert set(sampler.draw(200).batch.transitions.tick.tolist()) == {7, 8, 9, 50}


def test_rows_that_grew_too_old_are_forgotten(database, connection):
    write(database, make_rows(3), make_rows(3, first=10))
    sampler = PrioritySampler(database, seed=0)
    sampler.refresh()
    connection.execute("DELETE FROM ml_experience_replay WHERE tick < 10")
    assert set(sampler.draw(100).batch.transitions.tick.tolist()) == {10, 11, 12}
    assert len(sampler) == 3


def test_rows_that_went_though_they_came_later_than_others_are_forgotten(database, connection):
    """Whose transaction began before midnight may have written after one that began behind it."""
    write(database, *(make_rows(3, first=first) for first in (0, 10, 20)))
    sampler = PrioritySampler(database, seed=0)
    sampler.refresh()
    connection.execute("DELETE FROM ml_experience_replay WHERE tick BETWEEN 10 AND 19")
    assert set(sampler.draw(100).batch.transitions.tick.tolist()) == {0, 1, 2, 20, 21, 22}
    assert len(sampler) == 6


def test_samplers_of_several_learners_do_not_wait_for_each_other_for_good(database):
    write(database, make_rows(3000))

    def learn(seed: int) -> int:
        sampler = PrioritySampler(database, seed=seed)
        sampler.refresh()
        for _ in range(10):
            sample = sampler.draw(256)
            sampler.set_priorities(sample.batch, np.random.default_rng(seed).random(256) + 0.1)
        return len(sampler)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(learn, range(4))) == [3000] * 4


def test_nothing_to_draw_from_is_said(database):
    sampler = PrioritySampler(database)
    sampler.refresh()
    with pytest.raises(ValueError, match="0 rows have a priority above 0, expected some"):
        sampler.draw(1)


def test_a_great_power_of_a_great_priority_is_still_a_chance(database):
    write(database, make_rows(3, priority=np.array([1e30, 1e30, 1.0])))
    sampler = PrioritySampler(database, exponent=20.0, seed=0)
    sampler.refresh()
    assert set(sampler.draw(100).probability.tolist()) == {0.5}


def test_what_is_no_exponent_or_correction_is_named(database):
    for exponent in (-1, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"exponent {exponent}, expected"):
            PrioritySampler(database, exponent=exponent)
    for correction in (-1, np.nan):
        with pytest.raises(ValueError, match=f"correction is {correction}, expected 0 or more"):
            PrioritySampler(database).draw(1, correction)
