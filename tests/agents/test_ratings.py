"""Ratings: planted strengths are found again, within the errors that are told."""

import numpy as np
import pytest

from agents.judge.ratings import SCALE, Meeting, rate, rings

PLANTED = {"idle": -200.0, "a": 0.0, "b": 100.0, "c": 250.0, "d": 60.0}


def score(random, gap, count):
    """Pairs of matches, a third of the sides' luck shared by the two of a pair."""
    chance = 1 / (1 + np.exp(-SCALE * gap))
    own = random.random((count, 2))
    shared = np.where(random.random(count) < 0.33, random.random(count), np.nan)[:, None]
    return (np.where(np.isnan(shared), own, shared) < chance).astype(float)


def meetings(random, count=200):
    names = list(PLANTED)
    return [
        Meeting(a, b, score(random, PLANTED[a] - PLANTED[b], count))
        for i, a in enumerate(names)
        for b in names[i + 1 :]
    ]


def test_planted_strengths_are_found_within_their_errors():
    random = np.random.default_rng(0)
    off = []
    for _ in range(60):
        ladder = rate(meetings(random), {"idle": -200.0})
        off += [(ladder[n].elo - PLANTED[n]) / ladder[n].error for n in PLANTED if n != "idle"]
    assert abs(np.mean(off)) < 0.35 and 0.8 < np.std(off) < 1.2
    assert 0.9 < np.mean(np.abs(off) < 1.96) <= 1.0


def test_the_strongest_comes_first_and_is_surely_better():
    ladder = rate(meetings(np.random.default_rng(1), 1000), {"idle": -200.0, "a": 0.0})
    assert [r.player for r in ladder.ratings] == ["c", "b", "d", "a", "idle"]
    assert ladder.better("c", "b") > 0.99 and ladder.better("b", "c") < 0.01
    assert ladder.better("a", "idle") == 1.0 and ladder["a"].error == 0.0
    assert ladder.expected("c", "a") == pytest.approx(1 / (1 + 10 ** (-250 / 400)), abs=0.05)
    assert np.linalg.eigvalsh(ladder.covariance).min() > -1e-9


def test_who_won_everything_has_a_finite_rating():
    ladder = rate([Meeting("x", "stock", np.ones((50, 2)))], {"stock": 0.0})
    assert 300 < ladder["x"].elo < 3000 and np.isfinite(ladder["x"].error) and ladder["x"].error > 50


def test_matches_of_one_pair_are_one_piece_of_evidence():
    random = np.random.default_rng(2)
    single = (random.random(400) < 0.6).astype(float)
    same = Meeting("x", "stock", np.stack([single, single], 1))
    apart = Meeting("x", "stock", (random.random((400, 2)) < 0.6).astype(float))
    errors = [rate([m], {"stock": 0.0})["x"].error for m in (same, apart)]
    assert errors[0] / errors[1] == pytest.approx(np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("pair", [(0.5, 0.5), (1.0, 0.0)])
def test_pairs_that_are_all_alike_leave_doubt_and_more_of_them_less(pair):
    errors = [rate([Meeting("x", "stock", np.tile(pair, (n, 1)))], {"stock": 0.0})["x"].error for n in (2, 10, 40)]
    assert errors[0] > errors[1] > 5 and errors[1] > errors[2] > 0


def test_few_pairs_cover_what_was_planted():
    random = np.random.default_rng(5)
    covered = []
    for _ in range(400):
        found = rate([Meeting("x", "stock", score(random, 100.0, 6))], {"stock": 0.0})["x"]
        covered.append(abs(found.elo - 100.0) < 1.96 * found.error)
    assert np.mean(covered) > 0.9


def test_rings_are_found():
    random = np.random.default_rng(3)
    won = [score(random, 100, 400) for _ in range(3)]
    found = rings([Meeting("a", "b", won[0]), Meeting("b", "c", won[1]), Meeting("a", "c", 1 - won[2])])
    assert found == [("a", "b", "c")]
    assert rings(meetings(np.random.default_rng(4), 500)) == []


def test_who_is_tied_to_nobody_is_named():
    with pytest.raises(ValueError, match="c met nobody who is tied to an anchor"):
        rate([Meeting("a", "b", np.ones((2, 2))), Meeting("c", "d", np.ones((2, 2)))], {"a": 0.0})
    with pytest.raises(ValueError, match="anchors are"):
        rate([Meeting("a", "b", np.ones((2, 2)))], {"z": 0.0})
    with pytest.raises(ValueError, match="player is 'q'"):
        rate([Meeting("a", "b", np.ones((2, 2)))], {"a": 0.0})["q"]


@pytest.mark.parametrize(("count", "found"), [(2, []), (5, []), (12, [("a", "b", "c")])])
def test_a_few_pairs_make_no_ring(count, found):
    won = np.ones((count, 2))
    assert rings([Meeting("a", "b", won), Meeting("b", "c", won), Meeting("c", "a", won)]) == found
