"""Sequential tests: they end, and their errors are what they are said to be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.judge.sequential import ACCEPT, LEVELS, REJECT, UNDECIDED, Hypotheses, SequentialTest, log_ratio, tilted


def pairs_of(random, rate, count, drawn=0.2):
    """Pairs whose matches are won, drawn and lost with this mean."""
    won = rate - drawn / 2
    return random.choice([1.0, 0.5, 0.0], (count, 2), p=[won, drawn, 1 - won - drawn])


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), min_size=5, max_size=5), st.floats(0.05, 0.95))
def test_a_tilted_distribution_has_its_mean(counts, mean):
    found = np.array(tilted([count + 0.25 for count in counts], mean))
    assert found.sum() == pytest.approx(1.0) and (found > 0).all()
    assert found @ LEVELS == pytest.approx(mean, abs=1e-6)


def test_what_was_seen_is_likeliest_at_its_own_mean():
    counts = np.array([5, 10, 20, 30, 35])
    own = (counts + 0.25) @ LEVELS / (counts + 0.25).sum()
    np.testing.assert_allclose(tilted(list(counts + 0.25), own), (counts + 0.25) / (counts + 0.25).sum(), atol=1e-6)
    assert log_ratio(counts, own - 0.1, own) > 0 > log_ratio(counts, own, own + 0.1)


def test_clear_cases_end_early():
    hypotheses = Hypotheses(0.55, 0.60)
    winning, losing = SequentialTest(hypotheses), SequentialTest(hypotheses)
    assert winning.add(np.ones((500, 2))) == ACCEPT and winning.pairs < 60
    assert losing.add(np.zeros((500, 2))) == REJECT and losing.pairs < 60
    before = winning.pairs
    assert winning.add(np.zeros((100, 2))) == ACCEPT and winning.pairs == before


def test_nothing_is_said_of_too_few():
    test = SequentialTest(Hypotheses(0.50, 0.55))
    assert test.add(np.ones((1, 2))) == UNDECIDED and test.win_rate == 1.0 and test.pairs == 1


@pytest.mark.parametrize(("rate", "wrong"), [(0.50, ACCEPT), (0.60, REJECT)])
def test_errors_are_kept(rate, wrong):
    random = np.random.default_rng(0)
    told = []
    for _ in range(150):
        test = SequentialTest(Hypotheses(0.50, 0.60))
        while test.verdict == UNDECIDED:
            test.add(pairs_of(random, rate, 50))
        told.append(test.verdict == wrong)
    assert np.mean(told) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)


def test_wrong_numbers_are_named():
    with pytest.raises(ValueError, match=r"not_enough is 0\.6, enough 0\.5"):
        Hypotheses(0.6, 0.5)
    with pytest.raises(ValueError, match=r"false_accept is 0\.7"):
        Hypotheses(0.5, 0.6, false_accept=0.7)
    with pytest.raises(ValueError, match=r"a pair came to 0\.3"):
        SequentialTest(Hypotheses(0.5, 0.6)).add(np.array([[0.3, 0.3]]))


@pytest.mark.parametrize("rates", [(0.9, 1.0), (0.0, 0.1)])
def test_what_no_pairs_could_show_is_no_hypothesis(rates):
    with pytest.raises(ValueError, match="expected above 0, below 1"):
        Hypotheses(*rates)
