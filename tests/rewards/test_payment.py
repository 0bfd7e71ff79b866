"""Weights, schedules, shares and terms of one's own."""

import pickle
import re
from typing import Any, cast

import numpy as np
import pytest

from mlmonster_env.envs.battle import Battle
from mlmonster_env.envs.monster import MonsterEnv
from mlmonster_env.sim.deeds import Factors
from rewards import TERMS, WEIGHTS, Payment, Schedule, for_archetype
from rewards.payment import custom
from rewards.terms import Counted, Term

LIVED = Counted(Factors({"alive_ms": 0.001}))
TWICE = Term("kills_twice", "two for an enemy killed", 0, None, Counted(Factors({"kills": 2.0})))


def battle_with(payment: Payment, scenario: str = "mirror-v1:contact", steps: int = 8) -> Battle:
    battle = Battle(6, scenario=scenario, pack=True, reward=payment)
    battle.reset(np.arange(6))
    for _ in range(steps):
        battle.step(np.ones(battle.num_slots, np.int64))
    return battle


@pytest.mark.parametrize("archetype", WEIGHTS)
def test_the_terms_of_a_payment_add_up_to_it(archetype):
    payment = for_archetype(archetype)
    battle = battle_with(payment, "duel" if archetype == "duel" else "mirror-v1:contact")
    events = battle.arena.events.of_members()
    assert np.allclose(sum(payment.terms(events).values()), payment(events), atol=1e-5)


def test_one_event_may_be_priced_by_several_terms():
    payment = Payment({"damage_interaction": 2.0, "kill": 3.0, TERMS["damage_taken"]: -1.0, TWICE: 1.0}, scale=0.5)
    events = battle_with(payment, steps=20).arena.events.of_members()
    interaction = (events.damage_dealt - events.damage_taken) / 140
    percent_taken = 100.0 * events.damage_taken / events.max_hp
    expected = 2.0 * interaction + (3.0 + 2.0) * events.kills - percent_taken
    assert events.damage_taken.any()
    assert np.allclose(payment(events), 0.5 * expected, atol=1e-4)


def test_what_is_shared_is_shared_within_a_side_and_nothing_is_lost():
    alone, shared = Payment({"damage_dealt": 1.0}), Payment({"damage_dealt": 1.0}, shared=0.7)
    events = battle_with(alone).arena.events.of_members()
    own, mixed = alone(events), shared(events)
    assert own.any()
    for side in (slice(0, 3), slice(3, 6)):
        mean = own[:, side].mean(1, keepdims=True)
        assert np.allclose(mixed[:, side], 0.3 * own[:, side] + 0.7 * mean, atol=1e-4)


def test_shaping_fades_to_winning():
    payment = for_archetype("mage", shaping=Schedule(ends=0.5))
    assert payment.factor("hp_difference") == 1.0
    payment.progress = 0.25
    assert payment.factor("hp_difference") == 0.5
    payment.progress = 0.8
    assert payment.factor("hp_difference") == 0.0
    assert payment.factor("win") == 1.0


def test_a_term_of_ones_own_is_a_function_and_a_weight():
    payment = for_archetype("tank").with_term(custom("stands", lambda events: events.steps == 0), 3.0)
    env = MonsterEnv(scenario="skirmish-1v1", archetype="tank", reward=payment)
    env.reset(seed=0)
    assert env.step(0)[1] == pytest.approx(for_archetype("tank").scale * 3.0, abs=0.3)
    assert "stands" not in TERMS


@pytest.mark.parametrize("gave", [np.ones(6), np.ones((6, 7)), None])
def test_a_term_of_ones_own_is_over_matches_and_units(gave):
    """There are as many matches as units: numbers of matches alone would be spread over the units in silence."""
    told = "None" if gave is None else re.escape(f"shape {gave.shape}")
    with pytest.raises(ValueError, match=rf"the term 'own' gave .*{told}, expected \(6, 6\): \[matches, units\]"):
        battle_with(Payment({custom("own", lambda events: gave): 1.0}), steps=1)


@pytest.mark.parametrize("gave", [2.0, np.full((6, 1), 2), np.full((6, 6), 2.0)], ids=["all", "matches", "units"])
def test_a_term_may_give_the_same_to_many(gave):
    own = custom("own", lambda events: gave)
    events = battle_with(Payment({"win": 1.0}), steps=1).arena.events.of_members()
    assert (own(events) == 2).all() and own(events).shape == (6, 6)
    assert (Payment({own: 1.5})(events) == 3).all() and (Payment({own: 1.5}).terms(events)["own"] == 3).all()


@pytest.mark.parametrize("archetype", WEIGHTS)
def test_a_payment_can_be_pickled(archetype):
    payment = for_archetype(archetype, shaping=Schedule())
    events = battle_with(payment, "duel" if archetype == "duel" else "mirror-v1:contact").arena.events.of_members()
    assert (pickle.loads(pickle.dumps(payment))(events) == payment(events)).all()
    assert pickle.loads(pickle.dumps(TERMS["kiting"])) is TERMS["kiting"]


def test_counts_for_the_end_wait_for_it():
    late = Term("late", "seconds lived in the last step", 0, None, LIVED, at_the_end=True)
    payment = Payment({late: 1.0})
    events = battle_with(payment, steps=1).arena.events.of_members()
    assert LIVED(events).any() and not events.any_ended
    assert not payment(events).any() and not payment.terms(events)["late"].any()


@pytest.mark.parametrize("archetype", ["mage", "duel"])
def test_a_match_that_is_over_pays_nothing_more(archetype):
    payment = for_archetype(archetype).with_term(TERMS["approach"], 1.0)
    battle = battle_with(payment, "duel" if archetype == "duel" else "mirror-v1:contact", steps=400)
    assert battle.arena.results.over.all()
    assert not battle.step(np.ones(battle.num_slots, np.int64))[0].any()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: for_archetype("mege"), "archetype is 'mege', expected perhaps mage"),
        (lambda: Payment({"damage_delt": 1.0}), "term is 'damage_delt', expected perhaps damage_dealt"),
        (lambda: Payment({"kill": float("nan")}), "the weight of kill is nan"),
        (lambda: Payment(cast(Any, {"kill": "1"})), "the weight of kill is '1', expected a finite number"),
        (lambda: Payment({"kill": 1.0}, scale=float("inf")), "scale is inf, expected a finite number"),
        (lambda: Payment({"kill": 1.0}, shared=1.5), "shared is 1.5, expected 0 to 1"),
        (lambda: Payment({"kill": 1.0, TERMS["kill"]: 2.0}), "weights hold two terms called 'kill'"),
        (lambda: for_archetype("mage").with_term(custom("win", lambda e: e.won), 1.0), "two terms called 'win'"),
        (lambda: custom("own", cast(Any, 3.0)), "the function of the term 'own' is 3.0, expected a function of events"),
        (lambda: for_archetype("mage", shaping=cast(Any, True)), "the schedule of hp_difference is True, expected"),
        (lambda: for_archetype(cast(Any, ["mage"])), "archetype is ['mage'], expected perhaps mage"),
        (lambda: Payment(cast(Any, ["kill"])), "weights is ['kill'], expected a dict by term"),
        (lambda: Payment({"kill": 1.0}, schedules=cast(Any, 3)), "schedules is 3, expected a dict by term"),
        (lambda: Payment({"kill": 1.0}, shared=cast(Any, "all")), "shared is 'all', expected 0 to 1"),
        (lambda: Payment({"kill": 1.0}, progress=float("nan")), "progress is nan, expected 0 to 1"),
        (lambda: Payment({"kill": 1.0}, progress=2), "progress is 2, expected 0 to 1"),
        (lambda: Schedule(first=float("nan")), "first is nan, expected a finite number"),
        (lambda: Schedule(ends=cast(Any, "1")), "ends is '1', expected a finite number"),
        (lambda: Schedule(begins=0.9, ends=0.1), "begins is 0.9, expected at most ends, which is 0.1"),
        (lambda: custom(cast(Any, 3), lambda e: e.won), "the name of a term is 3, expected a text"),
        (lambda: Payment({"kill": 1.0}, schedules={"kil": Schedule()}), "a schedule is for 'kil', expected perhaps"),
    ],
)
def test_mistakes_are_named(make, words):
    with pytest.raises(ValueError) as error:
        make()
    assert words in str(error.value)
