"""How per-level values go on beyond the levels that a file gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmonster_env.data.skill_levels import STORED_LEVELS, at_levels, extend, same_for_all

ZERO = same_for_all(0)


@pytest.mark.parametrize(
    ("given_values", "expected"),
    [
        ([7], (7,) * 13),  # one value tells no trend
        ([1, 2], tuple(range(1, 14))),
        ([1000, 900, 800], (1000, 900, 800, 700, 600, 500, 400, 300, 200, 100, 1, 1, 1)),
        ([1, 1, 2, 2], (1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7)),  # every second level
        ([5, 5, 5], (5,) * 13),
        ([1, 5, 6], (1, 5, *[6] * 11)),  # no trend: the last stays
        ([-1, -2], tuple(range(-1, -14, -1))),  # falling values that are negative from the start go on
    ],
)
def test_trends(given_values: list[int], expected: tuple[int, ...]) -> None:
    assert extend(ZERO, dict(enumerate(given_values, 1))) == expected


def test_levels_that_are_not_given_keep_their_values() -> None:
    assert extend(same_for_all(9), {1: 4, 3: 9}) == (4, 9, *[9] * 11)
    assert extend(same_for_all(9), {2: 4}) == (9, 4, *[1] * 11)  # and count towards the trend


@given(values=st.lists(st.integers(-5000, 5000), min_size=1, max_size=13))
def test_given_levels_stand_as_given(values: list[int]) -> None:
    stored = extend(ZERO, dict(enumerate(values, 1)))
    assert stored[: len(values)] == tuple(values)
    assert len(stored) == STORED_LEVELS
    assert at_levels(stored, 5) == stored[:5]


def test_levels_above_the_stored_ones() -> None:
    stored = extend(ZERO, {1: 100, 2: 150})
    assert stored[10:] == (600, 650, 700)
    assert at_levels(stored, 16)[13:] == (775, 825, 875)
    assert at_levels(same_for_all(1), 15)[13:] == (1, 1)
    assert at_levels(same_for_all(9), 15)[13:] == (9, 9)
