"""Each match draws from a stream of its own: even, and without a trace of its neighbours.

Seeds are fixed, so what holds once holds always; bounds are five standard deviations of the statistic.
"""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.chance import draw, draw_between
from mlmonster_env.sim.compiled import entry
from mlmonster_env.sim.world import world_at
from tests.sim.grounds import bundled, named

DEVIATIONS = 5
WIDEST = 2**31 - 1
FACES = 6


@entry
def draws(words, bound, out):
    """Fill a line of `out` from the stream of each match."""
    for m in range(out.shape[0]):
        w = world_at(words[m].ctypes.data)
        for i in range(out.shape[1]):
            out[m, i] = draw(w, bound)


@entry
def draws_between(words, low, high, out):
    """The same from `low` up to but not including `high`."""
    for m in range(out.shape[0]):
        w = world_at(words[m].ctypes.data)
        for i in range(out.shape[1]):
            out[m, i] = draw_between(w, low, high)


def drawn(matches: int, count: int, bound: int, seed: int = 0) -> np.ndarray:
    arena = Arena(matches, named("skirmish-1v1"), bundled(), seed)
    out = np.empty((matches, count), np.int64)
    draws(arena.words, bound, out)
    return out


def assert_even(counts: np.ndarray) -> None:
    """Chi-square against equal shares: neither too far from them nor suspiciously close."""
    expected = counts.sum() / counts.size
    assert expected >= 20, "too few draws for the statistic"
    chi_square = ((counts - expected) ** 2 / expected).sum()
    freedom = counts.size - 1
    assert abs(chi_square - freedom) < DEVIATIONS * sqrt(2 * freedom) + DEVIATIONS, (chi_square, freedom)


def assert_independent(first: np.ndarray, second: np.ndarray) -> None:
    """Every pair of faces comes as often as any other."""
    assert_even(np.bincount(first.ravel() * FACES + second.ravel(), minlength=FACES * FACES))


@pytest.mark.parametrize("seed", [0, 1, 12345])
@pytest.mark.parametrize("bound", [2, 3, 10, 100, 1000, 4099, 10_000])
def test_draws_are_even(bound, seed):
    values = drawn(1, 50 * bound + 5000, bound, seed)
    assert values.min() >= 0 and values.max() < bound
    assert_even(np.bincount(values[0], minlength=bound))


@pytest.mark.parametrize("position", [0, 1, 50])
def test_draws_are_even_across_matches(position):
    values = drawn(20_000, position + 1, 100)
    assert_even(np.bincount(values[:, position], minlength=100))


def test_the_widest_bound_fills_its_range():
    values = drawn(4, 50_000, WIDEST)
    assert values.min() >= 0 and values.max() < WIDEST
    assert_even(np.histogram(values, bins=64, range=(0, WIDEST))[0])


@pytest.mark.parametrize("lag", [1, 2, 3, 7, 16])
def test_draws_do_not_depend_on_those_before(lag):
    values = drawn(2, 100_000, FACES)
    assert_independent(values[:, :-lag], values[:, lag:])


@pytest.mark.parametrize("apart", [1, 2, 256, 4095])
def test_neighbours_are_independent(apart):
    values = drawn(4096, 20, FACES)
    assert_independent(values, np.roll(values, apart, 0))


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_neighbours_are_not_each_other_later(lag):
    values = drawn(4096, 20, FACES)
    assert_independent(values[:-1, lag:], values[1:, :-lag])


@pytest.mark.parametrize("seed", [1, 2, 2**32, 2**62])
def test_streams_of_near_seeds_are_independent(seed):
    assert_independent(drawn(1024, 100, FACES, 0), drawn(1024, 100, FACES, seed))


def test_no_stream_runs_into_another():
    values = drawn(64, 2000, WIDEST)
    repeated = values.size - len(np.unique(values))
    assert repeated < 40, "about four by chance; a stream that runs into another would repeat hundreds"


def test_the_next_match_of_a_row_has_a_stream_of_its_own():
    short = replace(named("skirmish-1v1"), time_limit_ms=1000, restart_ticks=10)
    arena = Arena(1024, short, bundled(), restart=True)
    lines = []
    for _ in range(3):
        out = np.empty((1024, 100), np.int64)
        draws(arena.words, FACES, out)
        lines.append(out)
        arena.run(10)
        assert (arena.match[:, f.CLOCK] == 0).all()
    assert_independent(lines[0], lines[1])
    assert_independent(lines[1], lines[2])
    assert_independent(lines[0], lines[2])


@pytest.mark.parametrize(("low", "high"), [(5, 9), (-3, 4), (7, 8)])
def test_draw_between_holds_its_ends(low, high):
    arena = Arena(1, named("skirmish-1v1"), bundled())
    out = np.empty((1, 20_000), np.int64)
    draws_between(arena.words, low, high, out)
    assert set(out[0]) == set(range(low, high))


@pytest.mark.parametrize(("low", "high"), [(5, 5), (5, 2), (-1, -1)])
def test_draw_between_of_an_empty_span_is_its_low_end(low, high):
    arena = Arena(1, named("skirmish-1v1"), bundled())
    before = arena.match[0, f.COUNTER]
    out = np.empty((1, 5), np.int64)
    draws_between(arena.words, low, high, out)
    assert (out == low).all()
    assert arena.match[0, f.COUNTER] == before
