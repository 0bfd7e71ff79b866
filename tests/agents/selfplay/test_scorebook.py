"""Who is met how often, and how strong a learner has become."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.selfplay.matchmaking import MATCHMAKING
from agents.selfplay.scorebook import Scorebook, expected

RATES = {"strong": 0.1, "even": 0.5, "weak": 0.95}


def test_each_way_of_making_matches_does_what_its_name_says():
    told = {name: make(RATES) for name, make in MATCHMAKING.items()}
    assert len(set(told["uniform"].values())) == 1
    assert told["prioritised"]["strong"] > told["prioritised"]["even"] > told["prioritised"]["weak"] > 0
    assert told["curriculum"]["even"] > told["curriculum"]["strong"] > told["curriculum"]["weak"] > 0


@given(st.dictionaries(st.text(min_size=1), st.floats(0, 1), min_size=1))
def test_nobody_is_forgotten(rates):
    for make in MATCHMAKING.values():
        weights = make(rates)
        assert set(weights) == set(rates) and min(weights.values()) > 0


def test_what_was_long_ago_counts_less():
    scorebook = Scorebook(recent=20)
    scorebook.note("rival", [1.0] * 200)
    assert scorebook.rate("rival") > 0.9
    scorebook.note("rival", [0.0] * 60)
    assert scorebook.rate("rival") < 0.15
    assert scorebook.rate("stranger") == 0.5 and scorebook.played["rival"] == 260


@pytest.mark.parametrize("strength", [-150.0, 0.0, 220.0])
def test_a_planted_strength_is_found(strength):
    random = np.random.default_rng(3)
    ratings = {"stock": 0.0, "one": 100.0, "other": -200.0}
    scorebook = Scorebook(recent=2000)
    for name, elo in ratings.items():
        scorebook.note(name, (random.random(1000) < expected(strength - elo)).astype(float))
    assert abs(scorebook.elo(ratings) - strength) < 35
    assert Scorebook(5).elo(ratings) == 0.0


def test_standings_go_on_to_the_bit():
    random = np.random.default_rng(0)
    one = Scorebook(recent=7)
    one.note("runs/a", random.random(20))
    one.note("b", random.random(3))
    other = Scorebook(recent=7)
    other.set_state(one.state())
    for scorebook in (one, other):
        scorebook.note("b", [0.5, 1.0])
        scorebook.keep(["b"])
    assert one.state() == other.state() and list(one.played) == ["b"]
