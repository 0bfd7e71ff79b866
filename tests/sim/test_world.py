"""What kernels see of a match is what its arrays hold, and anything but a place in them is refused when compiled."""

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import entry
from mlmonster_env.sim.world import rows_of, world_at, world_type
from tests.sim.grounds import bundled

MATCHES = 3


@pytest.fixture(scope="module")
def arena() -> Arena:
    arena = Arena(MATCHES, "skirmish", bundled("renewal"), seed=4)
    arena.run(40)
    return arena


@entry
def unit_at(words, m, row, u):
    w = world_at(words[m].ctypes.data)
    return w.units[row, u]


@entry
def skill_row_at(words, m, species, r, column):
    w = world_at(words[m].ctypes.data)
    row = w.rows[species, r]
    of_species = w.rows[species]
    return w.rows[species, r, column], row[column], of_species[r, column], row.shape[0], of_species.shape[0]


@entry
def status_row_at(words, m, slot, u):
    w = world_at(words[m].ctypes.data)
    ids = rows_of(w.units, f.STATUS_ID, f.STATUS_LIMIT, u)
    return ids[slot], ids.shape[0]


@entry
def write_unit(words, m, row, u, value):
    w = world_at(words[m].ctypes.data)
    w.units[row, u] = value


@given(st.data())
def test_a_place_is_the_arrays_own(arena, data):
    m = data.draw(st.integers(0, MATCHES - 1))
    row = data.draw(st.integers(0, arena.units.shape[1] - 1))
    u = data.draw(st.integers(0, arena.units.shape[2] - 1))
    assert unit_at(arena.words, m, row, u) == arena.units[m, row, u]


@given(st.data())
def test_a_part_is_what_lies_there(arena, data):
    rows = arena.tables.rows
    species, r, column = (data.draw(st.integers(0, length - 1)) for length in rows.shape)
    number = rows[species, r, column]
    found = skill_row_at(arena.words, 0, species, r, column)
    assert found == (number, number, number, rows.shape[2], rows.shape[1])


def test_rows_of_a_column_are_the_units_own(arena):
    for u in range(arena.units.shape[2]):
        for slot in range(f.STATUS_LIMIT):
            at = status_row_at(arena.words, 1, slot, u)
            assert at == (arena.units[1, f.STATUS_ID + slot, u], f.STATUS_LIMIT)


def test_a_number_written_is_written_there_alone(arena):
    before = arena.units.copy()
    write_unit(arena.words, 2, f.HP, 1, 77)
    changed = np.argwhere(arena.units != before)
    assert arena.units[2, f.HP, 1] == 77
    assert changed.tolist() == [[2, f.HP, 1]]
    arena.units[:] = before


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (lambda w: w.units[f.HP], "was given 1 indices, expected 2: what is left lies apart"),
        (lambda w: w.match[1:], "expected whole numbers"),
        (lambda w: rows_of(w.rules, 0, 1, 0), "has no rows side by side, expected one of units"),
    ],
)
def test_what_is_no_place_is_refused(use, said):
    with pytest.raises((TypeError, numba.TypingError), match=said):
        numba.njit(use).compile((world_type,))
