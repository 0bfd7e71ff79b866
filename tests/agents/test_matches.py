"""Judged matches: sides are changed, faults void, nothing valid is no evidence, and every match can be replayed."""

import numpy as np
import pytest
import torch

from agents.catalog import TYPES
from agents.judge.matches import NoEvidenceError, play
from agents.judge.players import player_of
from agents.learners.build import make_card
from mlmonster_env.sim.recording import Recording
from policies.actors import build_actor
from policies.policy import Policy

SEEDS = np.arange(6) + 1000
SCENE = "mirror-v1:contact"


def model(model_type="combat_dqn", algo="ppo", seed=0):
    torch.manual_seed(seed)
    card = make_card(TYPES[model_type], "mage", "tiny", algo)
    return Policy(card, build_actor(card.policy_class, card.blocks, card.control, card.policy_arguments))


class Breaking:
    """A rusher until its last moment."""

    def __init__(self, seed, after, how):
        make = player_of("rusher").make
        assert make is not None
        self._inner = make(seed)
        self.control, self.blocks = self._inner.control, self._inner.blocks
        self._left, self._how = after, how

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def __call__(self, seen):
        self._left -= 1
        actions = self._inner(seen)
        return actions if self._left > 0 else self._how(actions)

    def forget(self, slots):
        self._inner.forget(slots)

    def state(self):
        return {}

    def set_state(self, state):
        pass


def breaking(after, how):
    made = player_of("rusher")
    return type(made)(made.ref, lambda seed: Breaking(seed, after, how))


def fails(actions):
    raise RuntimeError("out of order")


def test_both_see_the_same_matches():
    here = play("rusher", "idle", SCENE, SEEDS, archetype="mage")
    there = play("idle", "rusher", SCENE, SEEDS, archetype="mage")
    assert here.win_rate > 0.9 and here.seeds.tolist() == SEEDS.tolist()
    np.testing.assert_allclose(there.scores, 1 - here.scores[:, ::-1])
    assert {a for pair in here.digests for a in pair} == {a for pair in there.digests for a in pair}


def test_the_stock_ai_can_be_either():
    first = play("stock", "rusher", SCENE, SEEDS, archetype="mage")
    second = play("rusher", "stock", SCENE, SEEDS, archetype="mage")
    np.testing.assert_allclose(first.scores, 1 - second.scores[:, ::-1])
    assert (first.first.name, first.second.name) == ("stock", "rusher")


def test_the_same_player_on_both_sides_is_even():
    result = play("rusher", "rusher", SCENE, np.arange(12), archetype="mage")
    assert result.win_rate == pytest.approx(0.5)


@pytest.mark.parametrize(("model_type", "algo"), [("combat_dqn", "ppo"), ("temporal_transformer", "transformer_ppo")])
def test_a_match_is_replayed_from_its_result(model_type, algo, tmp_path):
    result = play(model(model_type, algo), "kiter", SCENE, SEEDS[:3])
    assert result.archetype == "mage" and result.behaviour["decision_s"] > 0 and 0 <= result.behaviour["survival"] <= 1
    for number, seed in enumerate(result.seeds.tolist()):
        for side in (0, 1):
            result.recording(seed, side).save(tmp_path / "match.npz")
            assert Recording.load(tmp_path / "match.npz").replayed_digest() == result.digests[number][side]
    with pytest.raises(ValueError, match="expected a seed of the result"):
        result.recording(5)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (fails, "RuntimeError: out of order"),
        (lambda actions: actions[:-1], "expected one for each of"),
        (lambda actions: actions * 0 + 10, "ordered what is illegal"),
        (lambda actions: actions * 0 - 1, "ordered what is illegal"),
        (lambda actions: actions * 0.5, "ordered what is illegal"),
    ],
)
def test_a_fault_voids_what_was_played(how, reason):
    with pytest.raises(NoEvidenceError, match=reason):
        play(breaking(1, how), "idle", SCENE, SEEDS, archetype="mage").win_rate  # noqa: B018


def test_matches_that_were_over_before_the_fault_count():
    result = play(breaking(60, fails), "idle", SCENE, np.arange(24), archetype="mage")
    over = len(result.scores)
    assert result.void and 0 < over < 24
    lost = {seed for void in result.void for seed in void.seeds}
    assert lost | set(result.seeds.tolist()) == set(range(24)) and not lost & set(result.seeds.tolist())
    assert all("RuntimeError: out of order" in void.reason for void in result.void)


def test_numbers_that_are_none_are_a_fault():
    broken = model()
    with torch.no_grad():
        broken.actor.head.bias.fill_(float("nan"))
    with pytest.raises(NoEvidenceError, match="not finite"):
        play(broken, "stock", SCENE, SEEDS).interval  # noqa: B018


def test_slowness_is_a_fault():
    with pytest.raises(NoEvidenceError, match="thought for"):
        play("rusher", "idle", SCENE, SEEDS, archetype="mage", slowest_s=0.0).win_rate  # noqa: B018


def test_nothing_asked_for_is_no_evidence():
    with pytest.raises(NoEvidenceError, match="none was asked for"):
        play("rusher", "idle", SCENE, [], archetype="mage").win_rate  # noqa: B018


def test_players_are_known_by_what_they_are(tmp_path):
    one, same, other = model(), model(), model(seed=1)
    assert player_of(one).ref.digest == player_of(same).ref.digest != player_of(other).ref.digest
    one.save(tmp_path / "run" / "final")
    loaded = player_of(tmp_path / "run").ref
    assert loaded.digest == player_of(one).ref.digest and loaded.name == "run"
    assert player_of("rusher").ref != player_of("kiter").ref
    with pytest.raises(ValueError, match="player is 'rushr', expected perhaps rusher"):
        player_of("rushr")
    with pytest.raises(ValueError, match="archetype is None"):
        play("rusher", "idle", SCENE, SEEDS)


def test_a_mix_with_stock_is_only_a_second_player():
    result = play("rusher", "mix:stock=1,idle=1", SCENE, np.arange(12), archetype="mage")
    assert len(result.scores) == 12
    with pytest.raises(ValueError, match="leaves matches to the stock AI"):
        play("mix:stock=1,idle=1", "rusher", SCENE, np.arange(12), archetype="mage")
