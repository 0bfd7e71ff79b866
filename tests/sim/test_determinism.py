"""A match is a function of scenario, seed and index: of nothing else, and to the bit."""

from dataclasses import replace

import numpy as np
import pytest

from mlmonster_env.sim import Arena, Scenario
from mlmonster_env.sim import fields as f
from tests.sim.grounds import bundled, bundled_maps, everybody, moved_to

TICKS = 250
MANY = 4096
MATCHES = 48
RESTARTS = 1500  # ticks within which nearly every row of short matches begins another one


def mixed(mode: str = "renewal") -> Scenario:
    """All kinds of monsters in one place: a long match with much in it."""
    return moved_to(everybody(mode), bundled_maps()[:1], seed=5)


def on_many_maps() -> Scenario:
    return moved_to(everybody(), bundled_maps(), seed=6)


def arena(matches: int, scenario: str | Scenario = "skirmish-3v3", seed: int = 11, **options) -> Arena:
    return Arena(matches, scenario, bundled(), seed, **options)


def digest(matches: int, scenario: str | Scenario = "skirmish-3v3", seed: int = 11, **options) -> list[str]:
    played = arena(matches, scenario, seed, **options)
    played.run(TICKS)
    return played.digest()


def differing(first: list[str], second: list[str]) -> int:
    return sum(a != b for a, b in zip(first, second, strict=True))


@pytest.fixture(scope="module")
def among_many() -> list[str]:
    return digest(MANY)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("matches", [1, 7])
def test_a_match_alone_is_the_match_among_many(matches, threads, among_many):
    assert digest(matches, threads=threads) == among_many[:matches]


def test_two_threads_play_the_same_matches(among_many):
    assert digest(MANY, threads=2) == among_many


@pytest.mark.parametrize("threads", [2, 3, MATCHES + 5])
def test_how_matches_are_sharded_does_not_matter(threads):
    assert digest(MATCHES, mixed(), threads=threads) == digest(MATCHES, mixed())


@pytest.mark.parametrize("mode", ["renewal", "pre-renewal"])
def test_mixed_packs_on_many_maps_alone_and_among_others(mode):
    scenario = moved_to(everybody(mode), bundled_maps(), seed=6)
    assert digest(5, scenario) == digest(MATCHES, scenario, threads=2)[:5]


def test_matches_differ_from_each_other(among_many):
    assert len(set(among_many)) == MANY


def test_another_seed_plays_other_matches(among_many):
    assert not set(among_many[:MATCHES]) & set(digest(MATCHES, seed=12))


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**63 - 1, -1])
def test_every_whole_number_is_a_seed(seed):
    assert digest(4, seed=seed) == digest(4, seed=seed)


def test_reset_begins_the_same_matches_again(among_many):
    played = arena(MATCHES)
    fresh = played.digest()
    for _ in range(2):
        played.run(TICKS)
        assert played.digest() == among_many[:MATCHES]
        played.reset()
        assert played.digest() == fresh
        assert played.unit_ticks == 0


def test_reset_with_a_seed_is_an_arena_with_that_seed():
    played = arena(MATCHES, mixed())
    played.run(TICKS)
    played.reset(seed=77)
    played.run(TICKS)
    assert played.digest() == digest(MATCHES, mixed(), seed=77)
    played.reset()
    played.run(TICKS)
    assert played.digest() == digest(MATCHES, mixed(), seed=77)


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_how_a_run_is_cut_does_not_matter(chunk):
    whole, cut = arena(MATCHES, mixed()), arena(MATCHES, mixed())
    whole.run(TICKS)
    left = TICKS
    while left > 0:
        cut.run(min(chunk, left))
        left -= chunk
    assert cut.digest() == whole.digest()
    assert cut.unit_ticks == whole.unit_ticks


def test_looking_does_not_change_anything():
    quiet, watched = arena(MATCHES, mixed()), arena(MATCHES, mixed())
    for _ in range(TICKS // 10):
        watched.run(10)
        watched.digest()
        watched.snapshot()
        assert watched.results.over.shape == (MATCHES,)
        assert watched.scene(0).units
    quiet.run(TICKS)
    assert watched.digest() == quiet.digest()


def test_a_journal_does_not_change_the_match():
    quiet, noted = arena(MATCHES, mixed()), arena(MATCHES, mixed(), journal_records=16)
    quiet.run(TICKS)
    noted.run(TICKS)
    assert np.array_equal(noted.units, quiet.units)
    columns = np.arange(f.MATCH_WIDTH) != f.JOURNAL_LINES
    assert np.array_equal(noted.match[:, columns], quiet.match[:, columns])


def test_a_journal_does_not_change_the_digest():
    assert digest(4, journal_records=16) == digest(4)


@pytest.mark.parametrize("before", [0, 1, 137])
def test_restore_goes_back_to_the_bit(before):
    played = arena(MATCHES, mixed())
    played.run(before)
    kept, then = played.snapshot(), played.digest()
    played.run(TICKS)
    later = played.digest()
    assert differing(later, then) > 0
    for _ in range(2):
        played.restore(kept)
        assert played.digest() == then
        played.run(TICKS)
        assert played.digest() == later


def test_restore_into_another_arena():
    played, other = arena(MATCHES, mixed()), arena(MATCHES, mixed(), seed=99, threads=2)
    played.run(137)
    other.run(50)
    other.restore(played.snapshot())
    played.run(TICKS)
    other.run(TICKS)
    assert other.digest() == played.digest()


def test_restore_into_another_arena_brings_the_maps_along():
    played, other = arena(MATCHES, on_many_maps()), arena(MATCHES, on_many_maps(), seed=99)
    played.run(50)
    other.restore(played.snapshot())
    played.run(TICKS)
    other.run(TICKS)
    assert other.digest() == played.digest()


def short_matches(scenario: Scenario) -> Scenario:
    return replace(scenario, time_limit_ms=20_000)


def restarting(scenario: Scenario, matches: int = MATCHES, seed: int = 11, threads: int = 1) -> Arena:
    return arena(matches, short_matches(scenario), seed, threads=threads, restart=True)


def test_a_row_that_begins_anew_has_another_match():
    once, again = arena(MATCHES, short_matches(mixed())), restarting(mixed())
    once.run(1)
    again.run(1)
    assert again.digest() == once.digest()
    again.run(RESTARTS)
    assert (again.match[:, [f.KEY_LOW, f.KEY_HIGH]] != once.match[:, [f.KEY_LOW, f.KEY_HIGH]]).any(1).all()


def test_restarts_depend_neither_on_batch_nor_threads():
    many, few = restarting(mixed(), threads=2), restarting(mixed(), matches=5)
    many.run(RESTARTS)
    few.run(RESTARTS)
    assert few.digest() == many.digest()[:5]


@pytest.mark.parametrize("scenario", [mixed, on_many_maps])
def test_restore_goes_back_over_restarts(scenario):
    played = restarting(scenario())
    played.run(RESTARTS)
    kept = played.snapshot()
    played.run(RESTARTS)
    later = played.digest()
    played.restore(kept)
    played.run(RESTARTS)
    assert played.digest() == later


def test_the_cut_into_runs_does_not_matter_to_restarts():
    whole, pieces = restarting(mixed()), restarting(mixed())
    whole.run(RESTARTS)
    for _ in range(RESTARTS // 7):
        pieces.run(7)
    pieces.run(RESTARTS % 7)
    assert pieces.digest() == whole.digest()


def test_restore_brings_back_the_seed_of_later_matches():
    played = restarting(mixed())
    played.run(RESTARTS)
    kept = played.snapshot()
    played.run(RESTARTS)
    later = played.digest()
    played.reset(seed=5)
    played.restore(kept)
    played.run(RESTARTS)
    assert played.digest() == later


def test_a_snapshot_stays_as_it_was():
    played = arena(4, mixed())
    kept = played.snapshot()
    units = kept.units.copy()
    played.run(TICKS)
    played.restore(kept)
    played.run(TICKS)
    assert np.array_equal(kept.units, units)
