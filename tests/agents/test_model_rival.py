"""Models as opponents: they play as they would on the other side, remember by slot, and can be written down."""

from typing import Any

import numpy as np
import pytest
import torch

from agents.catalog import TYPES
from agents.learners.build import make_card
from agents.opponents import ModelRival, opponent_of
from mlmonster_env.envs.battle import Battle
from policies.actors import build_actor
from policies.policy import Policy
from policies.storage import read_tree, write_tree

KINDS = [("combat_dqn", "ppo"), ("combat_dqn", "ddqn"), ("temporal_transformer", "transformer_ppo")]
MATCHES, STEPS = 4, 25


def policy(model_type="combat_dqn", algo="ppo", seed=0):
    torch.manual_seed(seed)
    card = make_card(TYPES[model_type], "mage", "tiny", algo)
    return Policy(card, build_actor(card.policy_class, card.blocks, card.control, card.policy_arguments))


def battle(rival, **more):
    made = Battle(MATCHES, archetype="mage", scenario="mirror-v1:contact", opponent=rival, pack=True, **more)
    made.reset(np.arange(MATCHES))
    return made


def play(made, steps=STEPS):
    digests = []
    for _ in range(steps):
        _, terminated, truncated = made.step(np.ones(made.num_slots, np.int64))
        digests.append(made.arena.digest())
        made.begin(np.flatnonzero(terminated | truncated))
    return np.array(digests)


@pytest.mark.parametrize(("model_type", "algo"), KINDS)
@pytest.mark.parametrize("deterministic", [True, False])
def test_a_match_gone_on_with_is_the_same(model_type, algo, deterministic):
    rivals = [ModelRival(policy(model_type, algo), 3, deterministic=deterministic) for _ in range(2)]
    whole = battle(rivals[0])
    play(whole)
    kept = whole.state()
    expected = play(whole)
    again = battle(rivals[1])
    again.set_state(kept)
    np.testing.assert_array_equal(play(again), expected)


@pytest.mark.parametrize(("model_type", "algo"), KINDS)
def test_it_plays_as_it_does_on_the_learners_side(model_type, algo):
    own, other = policy(model_type, algo), policy("combat_dqn", "ppo", seed=5)
    here = battle(ModelRival(other), observe=own.card.blocks)
    there = Battle(
        MATCHES, archetype="mage", scenario="mirror-v1:contact", opponent=ModelRival(own), pack=True, side=1,
        observe=other.card.blocks,
    )  # fmt: skip
    there.reset(np.arange(MATCHES))
    minds = own.begin(here.num_slots), other.begin(there.num_slots)
    for _ in range(STEPS):
        here.step(minds[0](here.observe()))
        there.step(minds[1](there.observe()))
        assert here.arena.digest() == there.arena.digest()


def test_a_slot_that_may_do_nothing_at_all_is_named():
    own = policy()
    made = Battle(MATCHES, archetype="mage", scenario="mirror-v1:contact", pack=True, observe=own.card.blocks)
    made.reset(np.arange(MATCHES))
    seen: Any = made.observe()
    seen["action_mask"][2] = 0
    rival = ModelRival(own)
    rival.sit(MATCHES, len(seen["action_mask"]) // MATCHES)
    with pytest.raises(ValueError, match="allows nothing, expected one legal action or more"):
        rival(seen)


def test_draws_are_told_by_the_seed():
    told = [play(battle(ModelRival(policy(), seed, deterministic=False))) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(told[0], told[1])
    assert (told[0] != told[2]).any()


def test_what_is_remembered_ends_with_the_match():
    rival = ModelRival(policy("temporal_transformer", "transformer_ppo"))
    made = battle(rival)
    play(made, 5)
    assert np.abs(rival.state()["memory"]).reshape(MATCHES, -1).sum(1).all()
    made.begin(np.array([1]))
    left = np.abs(rival.state()["memory"]).reshape(MATCHES, -1).sum(1) > 0
    assert left.tolist() == [True, False, True, True]


def test_a_folder_names_one(tmp_path):
    policy().save(tmp_path / "final")
    assert isinstance(opponent_of(str(tmp_path)), ModelRival)
    with pytest.raises(ValueError, match="or a model's folder"):
        opponent_of(str(tmp_path / "nothing"))


def test_a_seat_is_taken_once_and_a_model_that_orders_nothing_is_refused():
    rival = ModelRival(policy())
    battle(rival)
    with pytest.raises(ValueError, match="plays in a battle already"):
        battle(rival)
    with pytest.raises(ValueError, match="threat_assessment, which gives no orders"):
        ModelRival(policy("threat_assessment", "supervised"))


def test_models_and_ones_own_rivals_can_be_in_a_mix(tmp_path):
    policy().save(tmp_path / "model")
    policy("movement_ppo", "ppo").save(tmp_path / "walker")
    mix: Any = opponent_of(f"mix:{tmp_path / 'model'}=2,rusher=1,stock=1,random=1,tests.agents.minds:make_rival=1", 1)
    play(battle(mix), 8)
    assert set(mix.labels.tolist()) <= set(range(5))
    with pytest.raises(ValueError, match="several kinds: combat, movement"):
        opponent_of(f"mix:{tmp_path / 'walker'},rusher")
    idlers: Any = opponent_of(f"mix:{tmp_path / 'walker'},random,idle")
    assert idlers.control == "movement"
    play(battle(idlers), 3)
    with pytest.raises(ValueError, match="cannot be imported"):
        opponent_of("tests.agents.minds:nobody")
    with pytest.raises(ValueError, match="expected a Rival"):
        opponent_of("builtins:int")


def test_a_mix_that_remembers_goes_on_to_the_bit(tmp_path):
    policy("temporal_transformer", "transformer_ppo").save(tmp_path / "one")
    policy("temporal_transformer", "transformer_ppo", seed=1).save(tmp_path / "other")
    name = f"mix:{tmp_path / 'one'}=1,{tmp_path / 'other'}=1,stock=1"
    whole, again = battle(opponent_of(name, 4)), battle(opponent_of(name, 4))
    play(whole)
    write_tree(tmp_path / "state", whole.state())
    expected = play(whole)
    again.set_state(read_tree(tmp_path / "state"))
    np.testing.assert_array_equal(play(again), expected)


def test_a_continuous_model_is_an_opponent_too():
    own = policy("soft_actor_critic", "sac")
    made = battle(ModelRival(own))
    before = made.arena.digest()
    play(made, 5)
    assert made.rival.control == "continuous" and before != made.arena.digest()
