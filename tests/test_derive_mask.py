"""Masks told from states alone, against the true ones over simulated play.

They should forbid nothing that is legal. What is asserted is what was measured to hold: moves, signals and skill slots
never lose one; combat orders lose one in at most one of a thousand moments.
"""

from functools import cache

import numpy as np
import pytest

from mlmonster_env.contract import (
    ATTACK,
    BALANCE_BY_COUNT,
    CHANGE_TARGET,
    CONTROLS,
    HP_SHARE,
    NEAREST_ENEMY,
    NOTHING_TO_DO,
    PACK_SIZE,
    PROGRESS,
    STATE_SIZE,
    TARGET_KIND,
    derive_mask,
    free_to_act,
)
from mlmonster_env.envs.battle import Battle

DISCRETE = [control for control, actions in CONTROLS.items() if actions]
SCENARIOS = ["mirror-v1", "mirror-v1:contact", "skirmish", "raid-6v3", "duel"]
MATCHES, STEPS = 16, 80
plays = pytest.mark.parametrize("scenario", SCENARIOS)


@cache
def played(control: str, scenario: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """States of living monsters under random legal orders, which orders were legal, and which it seemed could be."""
    battle = Battle(MATCHES, control, scenario=scenario, pack=True, observe=("state", "action_mask"))
    battle.reset(np.arange(MATCHES))
    random = np.random.default_rng(0)
    states, masks = [], []
    for _ in range(STEPS):
        seen = battle.observe()
        assert isinstance(seen, dict)
        alive = battle.alive
        states.append(seen["state"][alive])
        masks.append(seen["action_mask"][alive] != 0)
        orders = (random.random(seen["action_mask"].shape) * seen["action_mask"]).argmax(1)
        _, terminated, truncated = battle.step(orders)
        battle.begin(np.flatnonzero(terminated | truncated))
    every = np.concatenate(states)
    return every, np.concatenate(masks), derive_mask(every, control) != 0


def held_back(control: str, scenario: str) -> np.ndarray:
    """What was legal, but seemed forbidden: [moments, actions]."""
    _, legal, derived = played(control, scenario)
    assert len(legal) > 1000 and (legal.sum(1) > 1).mean() > 0.02
    return np.asarray(legal & ~derived)


@plays
@pytest.mark.parametrize("control", ["movement", "pack", "skill"])
def test_no_legal_move_signal_or_slot_is_forbidden(control, scenario):
    assert not held_back(control, scenario).any()


@plays
def test_a_legal_combat_order_is_hardly_ever_forbidden(scenario):
    assert held_back("combat", scenario).any(1).mean() < 0.002


def test_a_crowd_that_is_past_counting_may_turn_to_others():
    """The state counts a side up to twelve; how many enemies there are is told from their share of all."""
    battle = Battle(2, "combat", scenario="skirmish-24v2", pack=True, observe=("state", "action_mask"))
    battle.reset(np.arange(2))
    lost = told = 0
    for _ in range(20):
        seen = battle.observe()
        assert isinstance(seen, dict)
        legal = seen["action_mask"][:, CHANGE_TARGET] != 0
        lost += (legal & (derive_mask(seen["state"], "combat")[:, CHANGE_TARGET] == 0)).sum()
        told += legal.sum()
        battle.step(seen["action_mask"][:, ATTACK])
    assert told > 100 and lost == 0


@plays
@pytest.mark.parametrize("control", ["combat", "movement"])
def test_most_of_what_is_forbidden_is_told(control, scenario):
    _, legal, derived = played(control, scenario)
    assert (derived & ~legal).sum() < 0.5 * (~legal).sum()


@pytest.mark.parametrize("control", DISCRETE)
def test_the_dead_may_only_do_nothing(control):
    states = np.random.default_rng(0).random((50, STATE_SIZE), np.float32)
    states[:, HP_SHARE] = 0.0
    legal = derive_mask(states, control)
    assert legal.sum(1).tolist() == [1] * 50 and legal[:, NOTHING_TO_DO[control]].all()


@pytest.mark.parametrize("control", DISCRETE)
def test_there_is_always_something_to_do(control):
    states = np.random.default_rng(1).random((2000, STATE_SIZE), np.float32)
    states[:200] = 0.0
    states[200:400] = 1.0
    legal = derive_mask(states, control)
    assert legal.shape == (2000, CONTROLS[control]) and legal.dtype == np.int8
    assert set(np.unique(legal)) <= {0, 1}
    assert legal[:, NOTHING_TO_DO[control]].all()


@pytest.mark.parametrize("control", DISCRETE)
def test_states_may_come_one_by_one_or_in_any_shape(control):
    states = np.random.default_rng(2).random((3, 4, STATE_SIZE), np.float32)
    together = derive_mask(states, control)
    assert together.shape == (3, 4, CONTROLS[control])
    assert np.array_equal(together[1, 2], derive_mask(states[1, 2], control))
    assert np.array_equal(together[1, 2], derive_mask(states[1, 2].tolist(), control))


@pytest.mark.parametrize("control", ["continuous", "combt", ""])
def test_a_control_without_actions_is_named(control):
    with pytest.raises(ValueError, match=f"control is '{control}', expected combat, movement, skill, pack"):
        derive_mask(np.zeros(STATE_SIZE), control)


@plays
def test_who_has_a_choice_of_combat_orders_is_told_to_be_free(scenario):
    states, legal, _ = played("combat", scenario)
    choosing = legal.sum(1) > 1
    free = free_to_act(states)
    assert free[choosing].mean() >= 0.999
    assert (~free).mean() > 0.02 and choosing[~free].mean() < 0.02


def test_who_is_after_somebody_out_of_sight_may_turn_to_the_one_in_sight():
    state = np.zeros(STATE_SIZE, np.float32)
    state[[HP_SHARE, TARGET_KIND]] = 1.0
    state[NEAREST_ENEMY], state[PACK_SIZE], state[BALANCE_BY_COUNT] = 0.5, 1 / 12, 0.5
    assert derive_mask(state, "combat")[CHANGE_TARGET]
    state[PROGRESS] = 0.5  # then it may be the target itself
    assert not derive_mask(state, "combat")[CHANGE_TARGET]
