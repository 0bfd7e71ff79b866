"""The next timer is found in time and in turn, whatever was started and stopped since."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.bits import highest_bit, lowest_bit
from mlmonster_env.sim.compiled import entry
from mlmonster_env.sim.timers import find_first_timer, look_at_timers, start_timer
from mlmonster_env.sim.world import world_at
from tests.sim.grounds import bundled, named

UNITS = 6
ROWS = (f.STEP_AT, f.CAST_AT, f.ATTACK_AT, f.REGEN_AT)

moments = st.integers(0, 5) | st.just(f.NEVER)
changes = st.tuples(st.sampled_from(range(len(ROWS))), st.integers(0, UNITS - 1), moments)


@entry
def look(words):
    """Learn the timers of the first match."""
    look_at_timers(world_at(words[0].ctypes.data))


@entry
def start(words, timer, u, at):
    """Start a timer of the first match."""
    start_timer(world_at(words[0].ctypes.data), timer, u, at)


@entry
def first_of_match(words):
    """Whose timer is first in the first match, when, and from when on another may be due."""
    return find_first_timer(world_at(words[0].ctypes.data))


@entry
def ends_of(bits):
    """The lowest and the highest bit that are set."""
    return lowest_bit(bits), highest_bit(bits)


@settings(deadline=None)
@given(
    st.lists(st.tuples(moments, moments, moments, moments), min_size=UNITS, max_size=UNITS),
    st.booleans(),
    st.lists(changes, max_size=8),
)
def test_the_first_timer_is_the_first(timers, backwards, later):
    arena = Arena(1, named("skirmish-3v3"), bundled(), 0)
    units = arena.units[0]
    units[ROWS[0] : ROWS[-1] + 1, :UNITS] = np.array(timers).T
    arena.match[0, f.SECOND_FIRST] = backwards
    look(arena.words)
    for row, unit, at in later:
        if at == f.NEVER:
            units[ROWS[row], unit] = at  # a timer is stopped without a word to anybody
        else:
            start(arena.words, ROWS[row], unit, at)
        due = units[list(ROWS), : arena.match[0, f.PLACES]].min(0)
        assert arena.scratch[0, f.TIMERS_FROM] <= due.min()
        in_turn = np.flatnonzero(due == due.min())
        first, when, others_from = first_of_match(arena.words)
        assert first == in_turn[-1 if backwards else 0]
        assert when == arena.scratch[0, f.TIMERS_FROM] == due.min()
        assert when <= others_from <= np.delete(due, first).min()


@settings(deadline=None)
@given(st.sets(st.integers(0, 63), min_size=1))
def test_the_ends_of_a_set_of_places(places):
    bits = np.array([sum(1 << place for place in places)], np.uint64).view(np.int64)[0]
    assert ends_of(bits) == (min(places), max(places))
