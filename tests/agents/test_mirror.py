"""Mirror pairs: the stock AI against itself comes out even to the match, and statistics count pairs."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.behaviour import COLUMNS
from agents.judge import mirror
from agents.judge.mirror import MirrorScore, by_start, judge_mirror, play_out, together
from mlmonster_env.contract import ARCHETYPES, NO_SKILL
from mlmonster_env.envs.battle import Battle
from mlmonster_env.scenarios import plan_of
from policies.masks import MASK
from tests.agents.minds import AtRandom, attacks, idles, takes_offers

SEEN = ("state", MASK)
OUTCOMES = st.lists(st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 2), min_size=1, max_size=40)


def judged(mind: Any, control: str = "combat", pairs: int = 16, scenario: str = "mirror-v1:contact", **more: Any):
    return judge_mirror(mind, control, SEEN, scenario, more.pop("archetype", "mage"), pairs, **more)


@pytest.mark.parametrize("scenario", ["mirror-v1:contact", "mirror-v1", "skirmish-1v1"])
@pytest.mark.parametrize("archetype", ARCHETYPES)
def test_who_plays_as_the_stock_ai_does_wins_one_match_of_each_pair(archetype, scenario):
    score = judged(takes_offers, "skill", 8, scenario, archetype=archetype)
    assert (score.pairs.sum(1) == 1).all()
    assert score.win_rate == 0.5 and score.standard_error == 0.0 and score.interval == (0.125, 0.875)


def test_good_play_is_above_and_doing_nothing_far_below():
    good, nothing = judged(attacks, pairs=24), judged(idles, pairs=24)
    assert nothing.interval[1] < 0.4 < good.win_rate
    assert nothing.behaviour["damage_ratio"] == nothing.behaviour["attack_rate"] == 0.0
    assert good.behaviour["damage_ratio"] > 0.3 and good.behaviour["attack_rate"] > 0.3
    assert good.behaviour["survival"] > nothing.behaviour["survival"]


def test_the_same_seeds_are_the_same_matches():
    first, again, other = judged(attacks), judged(attacks), judged(attacks, seed=1)
    assert np.array_equal(first.pairs, again.pairs) and first.behaviour == again.behaviour
    assert not np.array_equal(first.pairs, other.pairs) or first.behaviour != other.behaviour


def test_more_pairs_begin_with_the_same_ones(monkeypatch):
    few, more = judged(attacks, pairs=5), judged(attacks, pairs=12)
    assert np.array_equal(more.pairs[:5], few.pairs)
    monkeypatch.setattr(mirror, "AT_ONCE", 8)
    parts = judged(attacks, pairs=10)
    assert np.array_equal(parts.pairs, more.pairs[:10])


def test_parts_weigh_as_much_as_they_have_pairs(monkeypatch):
    whole = judged(attacks, pairs=10)
    monkeypatch.setattr(mirror, "AT_ONCE", 8)
    for name, value in judged(attacks, pairs=10).behaviour.items():
        assert value == pytest.approx(whole.behaviour[name])


def test_the_sides_are_really_swapped():
    sides = []

    class Spy(Battle):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            sides.append((self.side, sorted(set(self.members.tolist()))))

    judged(attacks, pairs=2, make_battle=Spy)
    assert sides == [(0, [0, 1, 2]), (1, [3, 4, 5])]


def test_without_masks_the_mind_is_given_what_the_state_tells():
    masks: dict[str, list[np.ndarray]] = {"own": [], "derived": []}

    def watched(kind: str):
        def mind(seen):
            masks[kind].append(seen[MASK].copy())
            return attacks(seen)

        return mind

    own, derived = (judged(watched(kind), pairs=4, mask=kind) for kind in ("own", "derived"))
    assert not np.array_equal(masks["own"][0], masks["derived"][0]) or len(masks["own"]) != len(masks["derived"])
    assert own.matches == derived.matches == 8


def test_a_match_counts_once_however_long_others_last():
    battle = Battle(6, "combat", scenario="mirror-v1:contact", pack=True, observe=SEEN)
    battle.reset(np.arange(6))
    outcome, told = play_out(AtRandom(), battle)
    assert outcome.shape == (6,) and set(outcome.tolist()) <= {-1, 0, 1}
    assert set(told) == set(COLUMNS)


def test_a_model_may_watch_no_mask_at_all():
    def mind(seen):
        assert set(seen) == {"state"}
        return np.full(len(seen["state"]), NO_SKILL)

    score = judge_mirror(mind, "skill", ("state",), "mirror-v1:contact", "mage", 2)
    assert score.matches == 4


def test_no_pairs_are_no_score():
    with pytest.raises(ValueError, match="pairs is 0, expected at least 1"):
        judged(attacks, pairs=0)


def test_each_start_is_a_plan_of_its_own():
    found = by_start("mirror-v1:train")
    assert [name for name, _ in found] == [start.name for start in plan_of("mirror-v1:train").starts]
    assert all([start.name for start in plan.starts] == [name] for name, plan in found)


@given(OUTCOMES)
def test_statistics_are_those_of_pairs(outcomes):
    pairs = np.array(outcomes)
    score = MirrorScore("made up", pairs)
    means = [(first + second) / 2 for first, second in outcomes]
    mean = sum(means) / len(means)
    assert score.matches == 2 * len(outcomes)
    assert score.win_rate == pytest.approx(mean)
    ones = sum(result == 1 for pair in outcomes for result in pair)
    halves = sum(result == 0.5 for pair in outcomes for result in pair)
    assert score.won == pytest.approx(ones / score.matches)
    assert score.drawn == pytest.approx(halves / score.matches)
    low, high = score.interval
    assert 0.0 <= low <= score.win_rate + 1e-12 and score.win_rate - 1e-12 <= high <= 1.0
    if len(outcomes) == 1:
        assert (low, high) == (0.0, 1.0)
    else:
        error = math.sqrt(sum((m - mean) ** 2 for m in means) / (len(means) - 1) / len(means))
        assert score.standard_error == pytest.approx(error)
        half = max(1.959964 * error, 3.0 / len(outcomes))
        assert low == pytest.approx(max(0.0, mean - half), abs=1e-9)
        assert high == pytest.approx(min(1.0, mean + half), abs=1e-9)


def test_a_won_and_a_lost_match_of_a_pair_say_nothing():
    even = MirrorScore("made up", np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]))
    assert even.win_rate == 0.5 and even.standard_error == 0.0 and even.interval == (0.0, 1.0)
    many = MirrorScore("made up", np.tile(even.pairs, (100, 1)))
    assert str(many) == "50.0% [49.0%, 51.0%]"  # others may be rare, and were not seen
    wild = MirrorScore("made up", np.array([[1.0, 1.0], [0.0, 0.0]]))
    assert wild.win_rate == 0.5 and wild.interval == (0.0, 1.0)


def test_about_95_of_100_intervals_hold_the_truth():
    random = np.random.default_rng(0)
    held = 0
    for _ in range(1000):
        pairs = np.stack([random.random(100) < 0.6, random.random(100) < 0.4], 1).astype(float)
        low, high = MirrorScore("made up", pairs).interval
        held += low <= 0.5 <= high
    assert 920 <= held <= 980


def test_one_pair_that_came_out_otherwise_makes_nobody_surer():
    alike = np.ones((20, 2))
    odd = np.concatenate([alike[1:], [[1.0, 0.5]]])
    assert MirrorScore("made up", odd).interval[0] <= MirrorScore("made up", alike).interval[0]


@pytest.mark.parametrize(("count", "chance"), [(3, 0.5), (5, 0.5), (50, 0.95), (100, 0.98), (200, 0.98)])
def test_intervals_hold_the_truth_where_pairs_are_few_or_nearly_alike(count, chance):
    random = np.random.default_rng(2)
    held = 0
    for _ in range(1000):
        low, high = MirrorScore("made up", (random.random((count, 1)) < chance) * np.ones((1, 2))).interval
        held += low <= chance <= high
    assert held >= 930


def test_scores_together_are_all_of_their_pairs():
    first = MirrorScore("a", np.array([[1.0, 1.0]] * 3), {"survival": 0.2})
    second = MirrorScore("b", np.array([[0.0, 0.0]]), {"survival": 0.6})
    whole = together([first, second], "both")
    assert (whole.scenario, len(whole.pairs), whole.win_rate) == ("both", 4, 0.75)
    assert whole.behaviour["survival"] == pytest.approx(0.4)


@pytest.mark.parametrize("seed", [-1, 1 << 24, 10**20])
def test_a_seed_of_which_others_hold_the_matches_is_named(seed):
    with pytest.raises(ValueError, match=f"seed is {seed}, expected 0 to {(1 << 24) - 1}"):
        judge_mirror(takes_offers, "skill", ("state", MASK), "mirror-v1:contact", "mage", 2, seed=seed)
