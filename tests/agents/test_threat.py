"""What each enemy then did, and striking whom that names."""

import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback

from agents.catalog import TYPES
from agents.config import resolve
from agents.evaluation import minds_of
from agents.learners.build import build_env, build_learner, make_card
from agents.learners.supervised import STEPS_AT_ONCE, ThreatLearner
from agents.learners.threat_data import enemies_in_rows, watch
from agents.machine import Machine
from agents.opponents.offers import takes_offers
from agents.threat import BLOCKS, TargetPicker
from mlmonster_env.contract import ATTACK, CHANGE_TARGET, ENTITY_FEATURES, ENTITY_KIND_ROWS
from mlmonster_env.envs.battle import MASK
from mlmonster_env.envs.sb3 import ArenaVecEnv
from mlmonster_env.sim import fields as f
from policies.actors import build_actor
from policies.policy import Policy
from tests.agents.runs import begin

PRESENT, DISTANCE, HP = (ENTITY_FEATURES.index(name) for name in ("present", "distance/14", "hp share"))


def watched_env(matches=6, scenario="mirror-v1:train:contact"):
    env = ArenaVecEnv("skill", matches, pack=True, scenario=scenario, observe=("state", "entities", MASK))
    env.seed(3)
    return env


def test_rows_name_the_units_that_they_describe():
    env = watched_env()
    seen = env.reset()
    for _ in range(40):
        battle = env.battle
        rows = enemies_in_rows(battle)
        described = seen["entities"][:, :ENTITY_KIND_ROWS]
        assert ((rows >= 0) == (described[..., PRESENT] > 0.5)).all()
        units = battle.arena.units
        for slot, row in zip(*np.nonzero(rows >= 0), strict=True):
            match, unit, other = battle.matches[slot], battle.units[slot], rows[slot, row]
            cells = max(
                abs(units[match, f.X, unit] - units[match, f.X, other]),
                abs(units[match, f.Y, unit] - units[match, f.Y, other]),
            )
            assert described[slot, row, DISTANCE] == np.float32(cells / 14)
        seen, *_ = env.step(takes_offers(seen))


def test_what_followed_is_what_enemies_dealt_until_the_horizon_or_the_end():
    steps, horizon = 30, 6
    env, again = watched_env(), watched_env()
    told, _ = watch(env, env.reset(), steps, horizon, 5, 3)
    seen = again.reset()
    battle = again.battle
    dealt = []
    moments = []
    over = np.zeros((steps, battle.num_matches), bool)
    for step in range(steps):
        if step % 5 == 0 and step + horizon <= steps:
            hp = battle.arena.tables.species[battle.arena.units[battle.matches, f.SPECIES, battle.units], f.MAX_HP]
            moments.append((step, enemies_in_rows(battle), hp))
        seen, _, dones, _ = again.step(takes_offers(seen))
        dealt.append(battle.arena.tally[:, f.T_DEALT].copy())
        over[step] = dones.reshape(battle.num_matches, -1)[:, 0]
    expected = []
    for step, rows, hp in moments:
        for slot in range(battle.num_slots):
            if (rows[slot] < 0).all():
                continue
            match = battle.matches[slot]
            until = step
            while until < step + horizon:
                until += 1
                if over[until - 1, match]:
                    break
            expected.append(
                [
                    sum(dealt[t][match, enemy] for t in range(step, until)) / hp[slot] if enemy >= 0 else 0.0
                    for enemy in rows[slot]
                ]
            )
    assert np.allclose(told.damage, np.array(expected), atol=1e-5)
    assert told.damage.max() > 0


def test_matches_are_held_out_whole():
    told, _ = watch(env := watched_env(9), env.reset(), 20, 5, 5, 3)
    assert 0 < told.held_out.sum() < len(told)


def threat_policy(threats):
    card = make_card(TYPES["threat_assessment"], "mage", "tiny", "supervised")
    policy = Policy(card, build_actor(card.policy_class, card.blocks, card.control, card.policy_arguments))
    policy.act = lambda *seen, **how: np.stack([np.asarray(threats, np.float32)] * 3, -1)  # type: ignore[method-assign]
    return policy


def sight(mine=0, far=()):
    entities = np.zeros((1, 12, len(ENTITY_FEATURES)), np.float32)
    entities[0, :2, PRESENT] = 1
    entities[0, :2, HP] = 1
    entities[0, :2, DISTANCE] = 1 / 14
    for row in far:
        entities[0, row, DISTANCE] = 1
    entities[0, mine, ENTITY_FEATURES.index("is my target")] = 1
    mask = np.zeros((1, 10), np.int8)
    mask[0, [0, ATTACK, CHANGE_TARGET]] = 1
    return {"state": np.zeros((1, 64), np.float32), "entities": entities, MASK: mask}


def test_it_turns_to_the_more_dangerous_and_stays_with_him():
    picker = TargetPicker(threat_policy([[0.1, 0.5, 0, 0, 0, 0]]))
    assert picker(sight(mine=0))[0] == CHANGE_TARGET
    assert picker(sight(mine=1))[0] == ATTACK
    assert picker(sight(mine=0, far=(1,)))[0] == ATTACK
    assert TargetPicker(None)(sight(mine=0))[0] == ATTACK


def test_a_threat_model_is_judged_by_the_targets_that_it_picks():
    mind, control, blocks = minds_of(threat_policy([[0.0] * 6]))
    assert isinstance(mind, TargetPicker) and control == "combat" and blocks == BLOCKS


def test_an_ensemble_says_nothing_of_nobody():
    card = make_card(TYPES["threat_assessment"], "mage", "tiny", "supervised")
    actor = build_actor(card.policy_class, card.blocks, card.control, card.policy_arguments)
    entities = torch.rand(4, 12, len(ENTITY_FEATURES))
    entities[:, 2:, PRESENT] = 0
    entities[:, :2, PRESENT] = 1
    told = actor({"state": torch.rand(4, 64), "entities": entities})
    assert told.shape == (4, 6, 3) and (told[:, 2:] == 0).all() and (told[:, :2, 0] > 0).all()
    assert ((told[..., 1] >= 0) & (told[..., 1] <= 1)).all()


class Nothing(BaseCallback):
    """A callback that only counts."""

    def _on_step(self):
        return True


def test_a_threat_learner_looks_at_matches_held_out(tmp_path):
    run = begin(tmp_path / "run", "threat_assessment", "supervised")
    learner = build_learner(run.config, build_env(run.config, run.machine, None), run.machine)
    assert learner.held_out_loss() is None
    learner.learn(4 * STEPS_AT_ONCE * learner.env.num_envs, Nothing())
    before = learner.held_out_loss()
    with torch.no_grad():
        for member in learner.policy.members:
            member.head.bias[0] += 8.0
    assert learner.held_out_loss() > before


def test_what_followed_may_take_longer_than_a_turn_of_watching(tmp_path):
    run = begin(tmp_path / "run", "threat_assessment", "supervised", **{"learn.horizon_ms": 25_000})
    learner = build_learner(run.config, build_env(run.config, run.machine, None), run.machine)
    assert learner.horizon == 50 > STEPS_AT_ONCE
    learner.learn(1, Nothing())
    assert learner.num_timesteps == 2 * learner.horizon * learner.env.num_envs
    assert len(learner.kept) > 0 and learner.kept.damage.max() > 0 and learner.losses


@pytest.mark.parametrize("horizon", [0, -1])
def test_what_followed_takes_a_decision_at_least(horizon):
    with pytest.raises(ValueError, match=f"horizon is {horizon}, expected at least 1"):
        ThreatLearner(
            watched_env(), policy_kwargs={}, learning_rate=lambda left: 1e-3, batch_size=8, epochs=1, horizon=horizon,
            held_out=0.1, weight_decay=0.0,
        )  # fmt: skip


def test_where_all_matches_would_be_held_out_that_is_said():
    asked = {"model_type": "threat_assessment", "archetype": "mage", "size": "tiny"}
    machine = Machine("cpu", 1)
    with pytest.raises(ValueError, match=r"batch\.matches leaves 1, expected at least 2: some are held out"):
        build_env(resolve({**asked, "batch.matches": 1}), machine)
    assert build_env(resolve({**asked, "batch.matches": 2}), machine).num_envs > 0
