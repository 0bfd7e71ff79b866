"""Gates say yes to what is enough and no to what is not, and void nothing in silence."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from agents.judge.gates import (
    FAMILY_ERROR,
    Gate,
    GateVerdict,
    NoOpponentError,
    error_a_slot,
    stage_gates,
    through,
    through_all,
)
from agents.judge.matches import MatchResult, Void
from agents.judge.players import player_of
from agents.judge.sequential import ACCEPT, REJECT, UNDECIDED
from agents.registry.judging import gates as gates_of_registry

RUSHER = player_of("rusher")


def plays(rates, void_after=None, by=RUSHER.ref.digest):
    """Matches of this mean against each opponent, by name."""
    random = np.random.default_rng(0)

    def made(one, other, scenario, seeds, *, archetype):
        rate = rates[other.ref.name]
        scores = random.choice([1.0, 0.0], (len(seeds), 2), p=[rate, 1 - rate])
        void: tuple[Void, ...] = ()
        if void_after is not None and seeds[0] % 1000 >= void_after:
            void = (Void((int(seeds[0]),), 0, "it broke", by),)
        return MatchResult(one.ref, other.ref, scenario, archetype, np.asarray(seeds), scores, (), (), {}, void)

    return made


def gates(rates, **more):
    found = stage_gates(player_of("kiter"))
    return through_all(RUSHER, found, "skirmish", "mage", plays=plays(rates, **more))


def test_who_is_strong_enough_passes_all_and_early():
    told = gates({"random": 0.97, "stock": 0.8, "kiter": 0.7})
    assert [verdict.gate for verdict in told] == ["random", "stock", "previous", "all"]
    assert told[-1].verdict == ACCEPT and told[-1].pairs < 700
    assert "accepted by random, stock, previous" in told[-1].why


def test_the_first_gate_that_does_not_accept_ends_it():
    told = gates({"random": 0.97, "stock": 0.45, "kiter": 0.7})
    assert [verdict.gate for verdict in told] == ["random", "stock", "all"] and told[-1].verdict == REJECT
    assert "less than 60%" in str(told[1]) and "stock: reject" in told[-1].why


def test_between_enough_and_not_enough_it_may_stay_undecided():
    gate = Gate("stock", player_of("stock"), 0.55, 0.60)
    verdict = through(RUSHER, gate, "skirmish", "mage", plays=plays({"stock": 0.575}), most_pairs=20)
    assert verdict.verdict == UNDECIDED and verdict.pairs == 20 and "neither above 55%" in verdict.why


def test_a_void_match_is_no_reason_to_accept():
    told = gates({"random": 0.97, "stock": 0.8, "kiter": 0.7}, void_after=0)
    assert told[-1].verdict == REJECT and "it broke" in told[-1].why and told[-1].void


def test_what_was_over_before_a_void_match_is_told_as_it_was():
    gate = Gate("stock", player_of("stock"), 0.55, 0.60)
    verdict = through(RUSHER, gate, "skirmish", "mage", plays=plays({"stock": 0.575}, void_after=50), first_seed=0)
    assert verdict.pairs == 50 and 0.4 < verdict.win_rate < 0.75


def test_an_opponent_that_breaks_decides_nothing():
    stock = player_of("stock").ref.digest
    told = gates({"random": 0.97, "stock": 0.8}, void_after=0, by=stock)
    assert told[0].verdict == REJECT and [verdict.gate for verdict in told] == ["random", "all"]
    gate = Gate("stock", player_of("stock"), 0.55, 0.60)
    broken = plays({"stock": 0.9}, void_after=0, by=stock)
    verdict = through(RUSHER, gate, "skirmish", "mage", plays=broken)
    assert verdict.verdict == UNDECIDED and "it broke" in verdict.why and verdict.void


def test_a_gate_without_an_opponent_is_no_acceptance():
    def found():
        yield from stage_gates()
        raise NoOpponentError("exploiter", "no adversary could be trained: the disk is full")

    told = through_all(RUSHER, found(), "skirmish", "mage", plays=plays({"random": 0.97, "stock": 0.8}))
    assert [verdict.gate for verdict in told] == ["random", "stock", "exploiter", "all"]
    assert told[-1].verdict == UNDECIDED and "the disk is full" in told[-1].why


def test_errors_of_all_slots_come_to_no_more_than_was_asked_for():
    assert 1 - (1 - error_a_slot()) ** 54 == pytest.approx(FAMILY_ERROR)
    assert error_a_slot(slots=1) == pytest.approx(FAMILY_ERROR)


def test_false_promotions_are_as_rare_as_was_asked_for():
    gate = Gate("previous", player_of("kiter"), 0.50, 0.60)
    wrong = 0
    for seed in range(150):
        random = np.random.default_rng(seed)

        def twins(one, other, scenario, seeds, *, archetype, random=random):
            scores = random.choice([1.0, 0.5, 0.0], (len(seeds), 2), p=[0.4, 0.2, 0.4])
            return MatchResult(one.ref, other.ref, scenario, archetype, np.asarray(seeds), scores, (), (), {})

        wrong += through(RUSHER, gate, "skirmish", "mage", plays=twins, error=0.05).verdict == ACCEPT
    assert wrong / 150 < 0.05 + 2 * np.sqrt(0.05 * 0.95 / 150)


def asked(**options: Any) -> GateVerdict:
    return through(RUSHER, stage_gates()[0], "skirmish", "mage", **options)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: error_a_slot(0.0), "family is 0.0, expected above 0, below 1"),
        (lambda: error_a_slot(float("nan")), "family is nan, expected above 0, below 1"),
        (lambda: error_a_slot(slots=0), "slots is 0, expected at least 1"),
        (lambda: gates_of_registry("skirmish", 0), "most_pairs is 0, expected at least 1"),
        (lambda: gates_of_registry("skirmish", 2.5), "most_pairs is 2.5, expected a whole number"),  # type: ignore[arg-type]
        (lambda: asked(most_pairs=0), "most_pairs is 0, expected at least 1"),
        (lambda: asked(most_pairs=-1), "most_pairs is -1, expected at least 1"),
        (lambda: asked(most_pairs=2.5), "most_pairs is 2.5, expected a whole number"),
        (lambda: asked(error=0.0), "false_accept is 0.0, expected above 0"),
        (lambda: asked(error=-0.1), "false_accept is -0.1, expected above 0"),
        (lambda: asked(error=float("nan")), "false_accept is nan, expected above 0"),
    ],
)
def test_a_threshold_that_is_none_is_named(ask, words):
    with pytest.raises(ValueError) as told:
        ask()
    assert words in str(told.value)


def test_no_gates_are_an_error():
    with pytest.raises(ValueError, match="there are no gates"):
        through_all(RUSHER, [], "skirmish", "mage")
    assert replace(stage_gates()[0]).name == "random" and len(stage_gates()) == 2
