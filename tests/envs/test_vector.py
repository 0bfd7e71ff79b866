"""The batch is what single environments are, and the shipped checker would tell if it were not."""

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from mlmonster_env.contract import BLOCKS, CONTROLS
from mlmonster_env.envs import vector
from mlmonster_env.envs.battle import Battle
from mlmonster_env.envs.check import check_vector_matches_scalar
from mlmonster_env.envs.vector import MonsterVectorEnv, by_block
from mlmonster_env.scenarios import named
from tests.envs.play import actions, differences

MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)
WITH_BOTH_ENDINGS = replace(named("skirmish"), time_limit_s=25)  # random play loses some of such matches in time
MASK = "action_mask"


def first_legal(seen):
    """An opponent: the last action that is legal."""
    return seen[MASK].shape[1] - 1 - seen[MASK][:, ::-1].argmax(1)


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("scenario", ["duel", "skirmish", "pack-3", "raid-6v3", "mirror-v1:held-out"])
def test_the_batch_is_what_single_environments_are(control, scenario):
    check_vector_matches_scalar(control, scenario=scenario, max_episode_steps=23, steps=60)


@pytest.mark.parametrize(
    "arguments",
    [
        {"opponent": "random"},
        {"opponent": "idle", "archetype": "mage"},
        {"opponent": first_legal},
        {"observe": ("state", MASK)},
        {"observe": (*BLOCKS, MASK), "steps": 70, "max_episode_steps": 30},
        {"observe": ("history", "skills"), "skills": "free", "opponent": "random"},
        {"decision_ms": 100, "steps": 300, "max_episode_steps": 140},
        {"reward": lambda events: events.damage_dealt - 0.5 * events.damage_taken},
        {"num_envs": 1, "seed": 2**31 - 1},
        {"num_envs": 17, "scenario": "skirmish-1v1"},
    ],
    ids=lambda arguments: "-".join(arguments),
)
def test_whatever_the_arguments_the_batch_is_what_single_environments_are(arguments):
    check_vector_matches_scalar(**arguments)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("observe", ["state", ("entities", MASK)])
def test_a_batch_made_by_gymnasium_gives_what_its_own_batch_gives(mode, observe):
    asked: dict[str, Any] = {
        "id": "MLMonster/Combat-v0",
        "num_envs": 8,
        "scenario": WITH_BOTH_ENDINGS,
        "observe": observe,
    }
    native = gymnasium.make_vec(**asked, vectorization_mode="vector_entry_point", autoreset_mode=mode)
    single = gymnasium.make_vec(**asked, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode})
    assert isinstance(native, MonsterVectorEnv)
    assert native.observation_space == single.observation_space
    assert native.action_space == single.action_space
    assert native.metadata == single.metadata
    assert differences(native.reset(seed=5), single.reset(seed=5)) == []
    seen_last, terminations, truncations = 0, 0, 0
    for step, chosen in zip(range(260), actions(native.action_space), strict=False):
        (seen, rewards, terminated, truncated, infos) = native.step(chosen)
        (seen_too, rewards_too, terminated_too, truncated_too, infos_too) = single.step(chosen)
        assert differences(seen, seen_too) == [], step
        assert differences(rewards, rewards_too) == [], step
        assert differences((terminated, truncated), (terminated_too, truncated_too)) == [], step
        assert differences(infos, infos_too) == [], step
        terminations += terminated.sum()
        truncations += truncated.sum()
        if "final_obs" in infos:
            ended = terminated | truncated
            assert (infos["_final_obs"] == ended).all()
            assert (infos["_final_info"] == ended).all()
            assert (infos["final_info"]["_outcome"] == ended).all()
            seen_last += ended.sum()
    assert terminations > 0 < truncations
    assert seen_last == (terminations + truncations if mode is AutoresetMode.SAME_STEP else 0)


@pytest.mark.parametrize("mode", MODES)
def test_a_limit_of_steps_means_the_same_to_both(mode):
    asked: dict[str, Any] = {"id": "MLMonster/Combat-v0", "num_envs": 2, "max_episode_steps": 7}
    native = gymnasium.make_vec(**asked, autoreset_mode=mode)
    single = gymnasium.make_vec(**asked, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode})
    native.reset(seed=5), single.reset(seed=5)
    for _, chosen in zip(range(20), actions(native.action_space), strict=False):
        assert differences(native.step(chosen), single.step(chosen)) == []


@pytest.mark.slow
def test_a_batch_in_other_processes_gives_the_same():
    asked: dict[str, Any] = {"id": "MLMonster/Combat-v0", "num_envs": 2, "scenario": WITH_BOTH_ENDINGS}
    native = gymnasium.make_vec(**asked)
    other = gymnasium.make_vec(**asked, vectorization_mode="async")
    try:
        assert differences(native.reset(seed=5), other.reset(seed=5)) == []
        for _, chosen in zip(range(60), actions(native.action_space), strict=False):
            assert differences(native.step(chosen), other.step(chosen)) == []
    finally:
        other.close()


def test_gymnasium_takes_the_native_batch_unasked():
    assert isinstance(gymnasium.make_vec("MLMonster/Pack-v0", 2), MonsterVectorEnv)


def spoil_rewards(returned):
    seen, rewards, terminated, truncated, infos = returned
    return seen, rewards + 1e-6, terminated, truncated, infos


def spoil_observations(returned):
    seen, *rest = returned
    seen[-1, -1] += np.float32(1e-6)
    return seen, *rest


def spoil_terminations(returned):
    seen, rewards, terminated, truncated, infos = returned
    return seen, rewards, truncated, terminated, infos


def spoil_last_observations(returned):
    seen, rewards, terminated, truncated, infos = returned
    for row in np.flatnonzero(infos.get("_final_obs", [])):
        infos["final_obs"][row] = seen[row]
    return seen, rewards, terminated, truncated, infos


def spoil_masks(returned):
    returned[4][MASK][0] ^= 1
    return returned


def spoil_last_infos(returned):
    if "final_info" in returned[4]:
        returned[4]["final_info"]["outcome"] += 1
    return returned


def spoil_names(returned):
    returned[4]["more"] = np.zeros(3)
    return returned


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_rewards, spoil_observations, spoil_terminations, spoil_last_observations, spoil_masks, spoil_names,
        spoil_last_infos,
    ],
)  # fmt: skip
def test_the_checker_finds_a_batch_that_returns_something_else(monkeypatch, spoil):
    step = MonsterVectorEnv.step
    monkeypatch.setattr(MonsterVectorEnv, "step", lambda env, chosen: spoil(step(env, chosen)))
    with pytest.raises(AssertionError, match="step"):
        check_vector_matches_scalar(steps=120, max_episode_steps=60)


def test_the_checker_finds_a_batch_with_other_seeds(monkeypatch):
    monkeypatch.setattr(vector, "seeds_from", lambda seed, count: np.full(count, seed, np.int64))
    with pytest.raises(AssertionError, match="reset"):
        check_vector_matches_scalar(steps=1)


def test_the_checker_finds_a_batch_whose_later_episodes_differ(monkeypatch):
    begin = Battle.begin

    def begin_again(battle, which, seeds=None):
        begin(battle, which, battle.arena.streams.seeds[which] if seeds is None and battle.num_matches > 1 else seeds)

    monkeypatch.setattr(Battle, "begin", begin_again)
    with pytest.raises(AssertionError, match="step 9"):
        check_vector_matches_scalar(steps=30, max_episode_steps=9)


def test_what_is_seen_alone_is_the_state_and_a_dict_is_copied():
    alone = np.zeros((2, 64), np.float32)
    assert list(by_block(alone)) == ["state"] and by_block(alone)["state"] is alone
    seen = {"state": alone, MASK: np.ones((2, 10), np.int8)}
    assert by_block(seen) == seen and by_block(seen) is not seen
