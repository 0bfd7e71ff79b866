"""What is paid is what is wanted: good play earns most, whoever it is played against."""

import numpy as np
import pytest

from mlmonster_env.contract import ARCHETYPES
from rewards import WEIGHTS, Payment, Term, for_archetype
from rewards.archetypes import RETURN_RANGE, SHAPING
from rewards.breakdown import Breakdown
from scripts import analyze_rewards
from scripts.analyze_rewards import earned
from scripts.behaviours import BEHAVIOURS

PAID_OFF = ("stalling", "kiting", "suicide", "healing", "milking", "gathering")
FEW, MANY = 24, 192


def returns(archetype: str, behaviour: str, opponent: str, matches: int) -> float:
    scenario = "duel" if archetype == "duel" else "mirror-v1:contact"
    return earned(archetype, behaviour, matches, opponent=opponent, scenario=scenario)["return"]


def good_play_earns_most(archetype: str, opponent: str, matches: int) -> None:
    best = returns(archetype, "winning", opponent, matches)
    others = {behaviour: returns(archetype, behaviour, opponent, matches) for behaviour in PAID_OFF}
    assert max(others.values()) < best, (archetype, opponent, best, others)


@pytest.mark.parametrize("opponent", ["stock", "idle"])
@pytest.mark.parametrize("archetype", WEIGHTS)
def test_winning_play_earns_most(archetype, opponent):
    good_play_earns_most(archetype, opponent, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("opponent", ["stock", "idle", "random"])
@pytest.mark.parametrize("archetype", WEIGHTS)
def test_winning_play_earns_most_over_many_matches(archetype, opponent):
    good_play_earns_most(archetype, opponent, MANY)


def test_the_first_table_paid_tanks_for_being_chased(monkeypatch):
    """The check above can fail: with the weight that aggro began with it does."""
    pay = WEIGHTS["tank"]
    began: dict[str | Term, float] = {
        name: weight.value if weight.began is None else weight.began for name, weight in pay.weights.items()
    }
    monkeypatch.setattr(analyze_rewards, "for_archetype", lambda _: Payment(began, scale=pay.scale, shared=pay.shared))
    assert returns("tank", "stalling", "stock", FEW) > returns("tank", "winning", "stock", FEW)


@pytest.mark.parametrize("archetype", WEIGHTS)
def test_returns_stay_in_the_stated_range(archetype):
    low, high = RETURN_RANGE
    for behaviour in BEHAVIOURS:
        scenario = "duel" if archetype == "duel" else "mirror-v1"
        found = returns_of_slots(archetype, behaviour, scenario)
        assert low <= found.min() and found.max() <= high, (behaviour, found.min(), found.max())


def returns_of_slots(archetype: str, behaviour: str, scenario: str) -> np.ndarray:
    kept: list[float] = []

    class Kept(Breakdown):
        def __call__(self, events):
            paid = super().__call__(events)
            kept.extend(np.sum(list(self.episode_terms.values()), 0).tolist())
            return paid

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analyze_rewards, "Breakdown", Kept)
        earned(archetype, behaviour, 8, scenario=scenario)
    return np.array(kept)


def test_every_archetype_has_its_weights_and_each_change_its_reason():
    assert set(ARCHETYPES) | {"duel"} == set(WEIGHTS)
    for pay in WEIGHTS.values():
        for name, weight in pay.weights.items():
            assert weight.value == weight.began or weight.why, name
        assert set(SHAPING) & set(pay.weights) == set(SHAPING) & set(for_archetype_of(pay).parts)


def for_archetype_of(pay: object) -> Payment:
    return for_archetype(next(name for name, other in WEIGHTS.items() if other is pay))
