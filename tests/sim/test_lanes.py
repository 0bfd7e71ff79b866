"""Rows of numbers looked at as a whole: the same as looking at each."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmonster_env.sim.compiled import entry
from mlmonster_env.sim.lanes import LANES, MOST, least_of_places, places_at_most, places_equal, whole_lanes

numbers = st.integers(-3, 3) | st.sampled_from([-(2**31), MOST])


@entry
def looked_at(row, number, but):
    """The places with at most a number, those with just it, and the least number but for one place."""
    return places_at_most(row, number), places_equal(row, number), least_of_places(row, but)


@settings(deadline=None)
@given(
    st.integers(1, 4).flatmap(lambda n: st.lists(numbers, min_size=n * LANES, max_size=n * LANES)), numbers, st.data()
)
def test_all_at_once_is_one_by_one(row, number, data):
    but = data.draw(st.integers(-1, len(row) - 1))
    array = np.array(row, np.int32)
    at_most, equal, least = looked_at(array, number, but)
    assert [bool(at_most & 1 << i) for i in range(len(row))] == [n <= number for n in row]
    assert [bool(equal & 1 << i) for i in range(len(row))] == [n == number for n in row]
    assert least == min([n for i, n in enumerate(row) if i != but])


@pytest.mark.parametrize(("length", "whole"), [(1, 16), (16, 16), (17, 32), (64, 64)])
def test_whole_lanes(length, whole):
    assert whole_lanes(length) == whole
