"""Laws that hold in every match, whoever fights whom and where: `watch.py` says which."""

from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmonster_env.sim import Arena, Scenario
from mlmonster_env.sim import fields as f
from tests.sim.grounds import bundled, bundled_maps, everybody, moved_to, named
from tests.sim.watch import JOURNAL_RECORDS, Watch

MODES = ["renewal", "pre-renewal"]
SEEDS = st.integers(0, 2**63 - 1)
SIZES = st.integers(1, 6)
CHUNKS = st.lists(st.integers(1, 40), min_size=1, max_size=4)


def watch(scenario: Scenario, matches: int, seed: int, ticks: int, chunks: list[int], restart: bool = False) -> Watch:
    """Play matches in runs of these lengths in turn, and look after each."""
    arena = Arena(matches, scenario, bundled(), seed, journal_records=JOURNAL_RECORDS, restart=restart)
    watched = Watch(arena)
    watched.state()
    for chunk in cycle(chunks):
        if ticks <= 0:
            return watched
        watched.run(min(chunk, ticks))
        ticks -= chunk
    return watched


@settings(max_examples=50)
@given(SEEDS, SIZES, SIZES, CHUNKS, st.sampled_from(MODES))
def test_skirmishes(seed, first, second, chunks, mode):
    watch(named(f"skirmish-{first}v{second}", mode), 12, seed, 400, chunks)


@settings(max_examples=50)
@given(SEEDS, SIZES, CHUNKS, st.sampled_from(MODES))
def test_mixed_packs_of_everybody(seed, side, chunks, mode):
    watch(everybody(mode, side), 12, seed, 400, chunks)


@settings(max_examples=30)
@given(SEEDS, CHUNKS, st.sampled_from(MODES))
def test_mixed_packs_on_bundled_maps(seed, chunks, mode):
    watch(moved_to(everybody(mode), bundled_maps(), seed), 16, seed, 300, chunks)


@settings(max_examples=50)
@given(SEEDS, CHUNKS, st.integers(5, 30), st.integers(5, 30), st.floats(0.3, 0.95))
def test_mixed_packs_among_random_walls(seed, chunks, width, height, ground):
    random = np.random.default_rng(seed)
    cells = np.where(random.random((3, height, width)) < ground, 3, random.choice([0, 2], (3, height, width)))
    cells[:, height // 2, width // 2] = 3
    watch(moved_to(everybody(), cells.astype(np.uint8), seed), 12, seed, 300, chunks)


@pytest.mark.parametrize("mode", MODES)
def test_every_tick_of_many_matches(mode):
    watched = watch(everybody(mode), 48, 5, 500, [1])
    arena = watched.arena
    assert arena.units[:, f.ATTACKS].sum() > 1000 and arena.units[:, f.CASTS].sum() > 200
    assert arena.results.over.sum() > 10


def test_every_tick_of_mirror_matches():
    watched = watch(named("skirmish-3v3"), 48, 6, 500, [1])
    assert len(watched.last_attack) > 200


@pytest.mark.parametrize("mode", MODES)
def test_matches_end_by_their_time_limit(mode):
    short = replace(everybody(mode), time_limit_ms=12_000)
    watched = watch(short, 32, 7, 120, [20])
    results = watched.arena.results
    assert results.over.all()
    assert (results.winner[results.duration_ms == 12_000] == -1).all()
    assert (results.duration_ms == 12_000).any() and (results.duration_ms < 12_000).any()


def test_the_limit_of_a_skirmish_is_kept():
    arena = Arena(256, "skirmish-2v2", bundled(), 3)
    arena.run(1799)
    left = int((~arena.results.over).sum())
    arena.run(1)
    assert arena.results.over.all()
    assert left > 0
    assert (arena.results.duration_ms <= 180_000).all()


def test_nothing_moves_after_the_end():
    arena = Arena(64, replace(named("skirmish-2v2"), time_limit_ms=20_000), bundled(), 3)
    arena.run(200)
    assert arena.results.over.all()
    digest, worked = arena.digest(), arena.unit_ticks
    arena.run(100)
    assert arena.digest() == digest and arena.unit_ticks == worked
