"""The study of the gate: who is equal, better or worse is made, gated, and counted as it came out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from agents.catalog import TYPES
from agents.judge import study
from agents.judge.exploiter import Exploiter
from agents.judge.gates import GateVerdict, stage_gates
from agents.judge.players import player_of
from agents.judge.sequential import ACCEPT, REJECT
from agents.judge.study import Banks, Case, cases, drawn_gates, exploiter_runs, filled, real_gates, score_of
from agents.learners.build import make_card
from policies.actors import build_actor
from policies.policy import Policy

SCENE = "mirror-v1:contact"
RUSHER, KITER = player_of("rusher"), player_of("kiter")


def model():
    torch.manual_seed(0)
    card = make_card(TYPES["combat_dqn"], "mage", "tiny", "ppo")
    return Policy(card, build_actor(card.policy_class, card.blocks, card.control, card.policy_arguments))


def banks(rate, pairs=2000):
    random = np.random.default_rng(0)
    known = [gate.opponent.ref.digest for gate in stage_gates()]
    rates = {(RUSHER.ref.digest, KITER.ref.digest): rate, **{(RUSHER.ref.digest, one): 0.97 for one in known}}
    return Banks({key: random.choice([1.0, 0.0], (pairs, 2), p=[p, 1 - p]) for key, p in rates.items()})


def test_cases_are_twins_better_and_worse():
    found = cases(model())
    assert found[0].candidate.ref == found[0].previous.ref
    assert found[-1].by_lot and found[-1].candidate.ref == found[-1].previous.ref
    pairs = {(case.candidate.ref.name, case.previous.ref.name) for case in found[1:-1]}
    assert {(b, a) for a, b in pairs} == pairs and ("twin, 30% random", "twin") in pairs and ("greedy", "twin") in pairs


@pytest.mark.parametrize(("rate", "verdict"), [(0.7, ACCEPT), (0.3, REJECT)])
def test_who_is_clearly_better_or_worse_is_found(rate, verdict):
    case = Case("clear", RUSHER, KITER)
    found = drawn_gates(case, banks(rate), SCENE, "mage", 20, 0.05)
    assert {gate.verdict for gate in found} == {verdict}
    assert all(gate.pairs["all"] == sum(n for name, n in gate.pairs.items() if name != "all") for gate in found)
    assert score_of(case, banks(rate)).win_rate == pytest.approx(rate, abs=0.03)


def test_draws_are_told_by_the_seed():
    case = Case("even", RUSHER, KITER)
    told = [drawn_gates(case, banks(0.52), SCENE, "mage", 5, 0.05, seed) for seed in (0, 0, 1)]
    assert told[0] == told[1] != told[2]


def test_twins_by_lot_are_equal_whatever_their_bank_says():
    always = Banks({(RUSHER.ref.digest, RUSHER.ref.digest): np.ones((50, 2))})
    case = Case("twins", RUSHER, RUSHER, by_lot=True)
    assert score_of(case, always).win_rate == 0.5
    plays = always.drawn_by(np.random.default_rng(0), by_lot=True)
    scores = plays(RUSHER, RUSHER, SCENE, np.arange(4000), archetype="mage").scores
    assert scores.mean() == pytest.approx(0.5, abs=0.03) and set(scores.mean(1)) == {0.0, 1.0}


def test_the_other_sees_the_same_pairs():
    made = banks(0.7)
    np.testing.assert_array_equal(made.of(KITER, RUSHER), 1 - made.of(RUSHER, KITER)[:, ::-1])


def test_banks_are_really_played_and_twins_are_not_identical(tmp_path, monkeypatch):
    monkeypatch.setattr("agents.judge.bank.CHUNK", 4)
    found = cases(model())[:2]
    made = filled(found, tmp_path, SCENE, "mage", lambda _: None, (8, 4, 4))
    twins = made.of(found[0].candidate, found[0].previous)
    assert twins.shape == (8, 2) and made.of(found[1].previous, found[1].candidate).shape == (4, 2)
    assert len(list(tmp_path.glob("*/*.npz"))) == 2 + 1 + 4


def test_gates_that_were_played_are_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr("agents.judge.gates.AT_ONCE", 4)
    case = Case("weak", player_of("idle"), KITER)
    first = real_gates(case, tmp_path, SCENE, "mage", 2, lambda _: None)
    assert [gate.verdict for gate in first] == [REJECT, REJECT] and first[0].pairs.keys() == {"random", "all"}
    monkeypatch.setattr(study, "through_all", None)
    assert real_gates(case, tmp_path, SCENE, "mage", 2) == first


def test_gates_that_were_played_elsewhere_or_against_another_are_played_anew(tmp_path, monkeypatch):
    played = []

    def through_all(candidate, gates, scenario, archetype, **_):
        played.append((scenario, archetype, [gate.opponent.ref.name for gate in gates]))
        return [GateVerdict("random", REJECT, "made up", 0.0, 4), GateVerdict("all", REJECT, "made up", 0.0, 4)]

    monkeypatch.setattr(study, "through_all", through_all)
    case = Case("weak", player_of("idle"), KITER)
    for asked in (
        (case, SCENE, "mage"), (case, SCENE, "mage"), (case, "mirror-v1:field", "mage"), (case, SCENE, "tank"),
        (Case("weak", player_of("idle"), RUSHER), SCENE, "mage"),
    ):  # fmt: skip
        real_gates(asked[0], tmp_path, *asked[1:], 1, lambda _: None)
    assert len(played) == 4 and len(list(tmp_path.iterdir())) == 4


def test_adversaries_of_another_budget_or_elsewhere_are_trained_anew(tmp_path, monkeypatch):
    trained = []
    budget = Exploiter({"steps": 100}, 0.4, 0.45)

    def train(self, candidate, scenario, archetype, **_):
        trained.append(scenario)
        return player_of("idle")

    monkeypatch.setattr(Exploiter, "train", train)
    monkeypatch.setattr(study, "through", lambda *_, **__: GateVerdict("exploiter", ACCEPT, "made up", 0.5, 4))
    policy = model()
    for scenario, pairs, exploiter in (
        (SCENE, 2, budget), (SCENE, 2, budget), ("duel", 2, budget), (SCENE, 3, budget),
        (SCENE, 2, replace(budget, training={"steps": 200})),
    ):  # fmt: skip
        exploiter_runs(policy, tmp_path, scenario, 1, pairs, exploiter, lambda _: None)
    assert len(trained) == 4 and len(list(tmp_path.iterdir())) == 4
