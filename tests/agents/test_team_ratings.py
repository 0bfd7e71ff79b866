"""Ratings of teams and of streams of outcomes: planted strengths are found, within the errors that are told."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.judge.ratings import SCALE
from agents.judge.team_ratings import UNKNOWN, TeamRatings

PLAYERS = 8


def outcome(random, strengths, drawn):
    """Places of two teams of so much strength, some of the matches drawn."""
    chance = 1 / (1 + math.exp(-SCALE * (strengths[0] - strengths[1])))
    even = min(drawn, 2 * min(chance, 1 - chance))
    lot = random.random()
    return (1, 2) if lot < chance - even / 2 else (1, 1) if lot < chance + even / 2 else (2, 1)


def streamed(seed, size, teams, matches, drawn=0.0):
    """Errors of all differences, in standard errors, after a stream of matches between planted strengths."""
    random = np.random.default_rng(seed)
    planted = random.normal(0.0, 120.0, PLAYERS)
    found = TeamRatings()
    for _ in range(matches):
        who = random.permutation(PLAYERS)[: size * teams].reshape(teams, size)
        strengths = planted[who].sum(1)
        places = outcome(random, strengths, drawn)
        if teams > 2:
            places = np.argsort(np.argsort(-(strengths * SCALE + random.gumbel(size=teams)))).tolist()
        found.add([[str(player) for player in team] for team in who], places)
    told = [found[str(player)] for player in range(PLAYERS)]
    return [
        (told[a].elo - told[b].elo - planted[a] + planted[b]) / math.hypot(told[a].error, told[b].error)
        for a in range(PLAYERS)
        for b in range(a)
    ]


@pytest.mark.parametrize(
    ("size", "teams", "matches", "drawn"), [(1, 2, 500, 0.2), (2, 2, 800, 0.0), (3, 2, 800, 0.2), (1, 4, 300, 0.0)]
)
def test_planted_strengths_are_found_within_their_errors(size, teams, matches, drawn):
    off = np.concatenate([streamed(seed, size, teams, matches, drawn) for seed in range(6)])
    assert 0.6 < off.std() < 1.35 and np.mean(np.abs(off) < 1.96) > 0.84


def test_errors_shrink_with_what_is_seen_and_order_comes_out():
    found = TeamRatings()
    assert (found["a"].elo, found["a"].error) == (0.0, UNKNOWN) and len(found) == 0
    for _ in range(60):
        found.add([["a"], ["b"], ["c"]], [1, 2, 2])
    assert found.ratings[0].player == "a" and found["a"].error < 0.6 * UNKNOWN
    assert found["b"].elo == pytest.approx(found["c"].elo, abs=1.0)
    assert found.better("a", "b") > 0.99 and found.better("b", "a") < 0.01 and found.outcomes == 60


def test_a_draw_brings_them_nearer():
    found = TeamRatings()
    for _ in range(20):
        found.add([["strong"], ["weak"]], [1, 2])
    before = found["strong"].elo - found["weak"].elo
    found.add([["strong"], ["weak"]], [1, 1])
    assert found["strong"].elo - found["weak"].elo < before - 1


def test_a_model_against_itself_says_nothing_of_its_strength():
    found = TeamRatings()
    found.add([["a", "a"], ["a", "a"]], [1, 2])
    assert found["a"].elo == pytest.approx(0.0, abs=1e-9)


DIGESTS = st.text("abcdef0123456789", min_size=1, max_size=4)
MATCHES = st.lists(
    st.tuples(st.lists(st.lists(DIGESTS, min_size=1, max_size=3), min_size=2, max_size=4), st.integers(0, 3**4 - 1)),
    max_size=12,
)


@settings(deadline=None, max_examples=25)
@given(MATCHES)
def test_what_was_saved_goes_on_to_the_bit(tmp_path_factory, matches):
    path = tmp_path_factory.mktemp("ratings") / "ratings.json"
    whole, again = TeamRatings(), TeamRatings()
    for teams, code in matches:
        places = [code // 3**number % 3 for number in range(len(teams))]
        whole.add(teams, places)
        again.add(teams, places)
    again.save(path)
    again = TeamRatings.load(path)
    for teams, _ in matches[:3]:
        for ratings in (whole, again):
            ratings.add(teams, range(len(teams)))
    assert again == whole
    assert all(0 < rating.error < UNKNOWN for rating in whole.ratings)


@pytest.mark.parametrize(
    ("teams", "places", "words"),
    [
        ([["a"]], [1], "1 teams came in 1 places"),
        ([["a"], ["b"]], [1], "2 teams came in 1 places"),
        ([["a"], []], [1, 2], "team 1 has nobody"),
        ([["a"], ["b"]], [1, math.nan], "expected finite numbers"),
    ],
)
def test_wrong_outcomes_are_named(teams, places, words):
    found = TeamRatings()
    with pytest.raises(ValueError, match=words):
        found.add(teams, places)
    assert found == TeamRatings()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": 2}', '{"format": 1, "outcomes": 1, "known": {"a": [NaN, 1]}}', '{"format": 1}']
)
def test_a_file_that_is_something_else_is_named(tmp_path, text):
    path = tmp_path / "ratings.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"ratings.json holds"):
        TeamRatings.load(path)
    whole = TeamRatings()
    whole.save(path)
    assert json.loads(path.read_text())["known"] == {}
