"""Schedules: where they begin, where they end, and that they rise and fall as they are told."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.learners.schedules import schedule

CURVES = st.sampled_from(["constant", "linear", "cosine"])
SHARES = st.integers(0, 1000).map(lambda number: number / 1000)
WARM_UPS = st.integers(0, 9).map(lambda number: number / 10)


@given(st.floats(0.0, 10.0), CURVES, SHARES, WARM_UPS)
def test_they_end_where_they_are_told(value, curve, last, warm_up):
    at = schedule(value, curve, last, warm_up)
    assert at(0.0) == pytest.approx(value if curve == "constant" else value * last)
    assert at(1.0) == (pytest.approx(value) if warm_up == 0 else 0.0)
    assert at(1.0 - warm_up) == pytest.approx(value, rel=1e-6)


@given(CURVES, SHARES, WARM_UPS, st.lists(SHARES, min_size=2, max_size=20))
def test_they_rise_and_then_fall(curve, last, warm_up, places):
    at = schedule(1.0, curve, last, warm_up)
    done = sorted(places)
    rising = [at(1.0 - share) for share in done if share < warm_up]
    falling = [at(1.0 - share) for share in done if share > warm_up]
    assert rising == sorted(rising)
    assert all(first >= second - 1e-12 for first, second in pairwise(falling))
    assert all(0.0 <= number <= 1.0 + 1e-12 for number in rising + falling)
    assert all(number >= min(last, 1.0) - 1e-12 for number in falling)


@given(st.floats(-1.0, 2.0))
def test_outside_of_training_they_stay_where_they_ended(remaining):
    at = schedule(3.0, "linear", 0.5)
    assert at(remaining) == at(min(max(remaining, 0.0), 1.0))


def test_curves_are_straight_or_a_cosine():
    assert schedule(4.0, "linear", 0.5)(0.5) == pytest.approx(3.0)
    assert schedule(4.0, "cosine")(0.75) == pytest.approx(2.0 * (1 + math.cos(math.pi / 4)))
    assert schedule(4.0, "linear", 0.0, 0.2)(0.9) == pytest.approx(2.0)


def test_what_cannot_be_is_named():
    with pytest.raises(ValueError, match="curve is 'bent', expected constant, linear or cosine"):
        schedule(1.0, "bent")
    with pytest.raises(ValueError, match=r"warm_up is 1\.0, expected 0 to below 1"):
        schedule(1.0, warm_up=1.0)
