"""Seeds, endings and beginnings of a batch."""

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from mlmonster_env.contract import BLOCKS
from mlmonster_env.envs.monster import MonsterEnv
from mlmonster_env.envs.sb3 import ArenaVecEnv
from mlmonster_env.envs.vector import MonsterVectorEnv
from mlmonster_env.scenarios import named
from tests.envs.play import actions, differences, observations

MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)
SHORT = replace(named("skirmish"), time_limit_s=5)
MASK = "action_mask"


def batch(num_envs: int = 3, control: str = "combat", **arguments) -> MonsterVectorEnv:
    return MonsterVectorEnv(num_envs, control, **arguments)


def rollout(env: Any, steps: int, seed: int = 0) -> list[Any]:
    """Everything that a batch returns; a row's actions depend on nothing but its number."""
    choices = [actions(spaces.Discrete(env.single_action_space.n), row) for row in range(env.num_envs)]
    told: list[Any] = [env.reset(seed=seed)]
    for _ in range(steps):
        told.append(env.step(np.array([next(choice) for choice in choices])))
    return told


@pytest.mark.parametrize("mode", MODES)
def test_a_seed_is_a_trajectory(mode):
    env = batch(autoreset_mode=mode, opponent="random", max_episode_steps=31)
    told = rollout(env, 100, seed=3)
    assert differences(told, rollout(env, 100, seed=3)) == []
    assert differences(told, rollout(batch(autoreset_mode=mode, opponent="random", max_episode_steps=31), 100, 3)) == []
    assert differences(told, rollout(env, 100, seed=4)) != []


@pytest.mark.parametrize("threads", [1, 2])
def test_a_row_does_not_depend_on_its_neighbours(threads):
    asked: dict[str, Any] = {"max_episode_steps": 31, "observe": ("state", "grid"), "threads": threads}
    many = rollout(batch(16, **asked), 70)
    for few in (1, 5):
        for part_of_few, part_of_many in zip(rollout(batch(few, **asked), 70), many, strict=True):
            for row in range(few):
                assert differences(observations(part_of_few[0], row), observations(part_of_many[0], row)) == []
            if len(part_of_many) == 5:
                assert differences(part_of_few[1:4], [part[:few] for part in part_of_many[1:4]]) == []


@pytest.mark.parametrize("mode", MODES)
def test_rows_without_a_seed_go_on_with_their_own(mode):
    env, single = batch(3, autoreset_mode=mode), MonsterEnv()
    env.reset(seed=[1, 2, 3])
    single.reset(seed=2)
    seen = env.reset(seed=[5, None, 7])[0]
    assert np.array_equal(seen[1], single.reset()[0])
    assert np.array_equal(seen[2], single.reset(seed=7)[0])


@pytest.mark.parametrize("seed", [1.5, "a", [1, 2, 0.5], True, [1, 2, -3]])
def test_a_wrong_seed_is_named(seed):
    with pytest.raises(ValueError, match=r"seed is .*expected a whole number, one for each environment, or None"):
        batch(3).reset(seed=seed)


def test_any_whole_number_is_a_seed():
    first = batch(2).reset(seed=4)[0]
    seeds: list[Any] = [np.int64(4), np.array([4, 5])]
    for seed in seeds:
        assert np.array_equal(first, batch(2).reset(seed=seed)[0])
    huge = 2**63 - 1
    slots: Any = ArenaVecEnv("combat", 2, seed=huge).reset()
    assert np.array_equal(batch(2).reset(seed=huge)[0], slots)


def test_nobody_is_left_out_of_the_first_reset():
    env = batch(3, autoreset_mode="Disabled")
    with pytest.raises(ValueError, match=r"reset_mask leaves out environments \[1\], expected all of them the first"):
        env.reset(seed=1, options={"reset_mask": np.array([True, False, True])})
    env.reset(seed=1)
    env.reset(seed=1, options={"reset_mask": np.array([True, False, True])})
    env.step(np.ones(3, np.int64))


def test_an_episode_of_a_row_begins_alike_whatever_was_played_before():
    quick, slow = (batch(2, max_episode_steps=steps, autoreset_mode="SameStep") for steps in (3, 8))
    alone = [MonsterEnv(), MonsterEnv()]
    quick.reset(seed=6)
    slow.reset(seed=6)
    for row, single in enumerate(alone):
        single.reset(seed=6 + row)
    begun = []
    for env, steps in ((quick, 3), (slow, 8)):
        chosen = actions(env.action_space, steps)
        begun.append([[env.step(next(chosen))[0] for _ in range(steps)][-1] for _ in range(4)])
    begun.append([np.stack([single.reset()[0] for single in alone]) for _ in range(4)])
    assert differences(begun[0], begun[1]) == [] == differences(begun[0], begun[2])
    assert len({seen.tobytes() for seen in begun[0]}) == 4


def test_after_an_ending_the_next_step_is_a_reset():
    env = batch(2, scenario=SHORT)
    env.reset(seed=0)
    for _ in range(10):
        seen, rewards, terminated, truncated, infos = env.step(np.zeros(2, int))
    assert truncated.all() and not terminated.any()
    assert (infos["outcome"] == 0).all()
    seen, rewards, terminated, truncated, infos = env.step(np.ones(2, int))
    assert not (rewards.any() or terminated.any() or truncated.any() or infos["outcome"].any())
    for row in range(2):
        alone = MonsterEnv(scenario=SHORT)
        alone.reset(seed=row)
        assert (alone.reset()[0] == seen[row]).all()


def test_seeds_may_be_listed():
    env = batch()
    first, second, third = env.reset(seed=[7, None, 7])[0]
    assert (first == third).all() and (first != second).any()
    assert (MonsterEnv().reset(seed=7)[0] == first).all()
    with pytest.raises(ValueError, match="seed has 2 numbers, expected 3"):
        env.reset(seed=[1, 2])


def test_masked_rows_alone_begin_again():
    mask = np.array([False, True, False])
    asked: dict[str, Any] = {"id": "MLMonster/Combat-v0", "num_envs": 3}
    native = gymnasium.make_vec(**asked)
    single = gymnasium.make_vec(**asked, vectorization_mode="sync")
    twin = gymnasium.make_vec(**asked)
    for env in (native, single, twin):
        rollout(env, 9, seed=1)
    kept = observations(twin.step(np.ones(3, int))[0], 2)
    for seed in (None, 40):
        seen, infos = native.reset(seed=seed, options={"reset_mask": mask})
        seen_too, infos_too = single.reset(seed=seed, options={"reset_mask": mask.copy()})
        assert differences(seen, seen_too) == []
        assert (infos["_alive"] == mask).all() and (infos_too["_alive"] == mask).all()
    assert (seen[1] == MonsterEnv().reset(seed=41)[0]).all()
    assert (native.step(np.ones(3, int))[0][2] == kept).all()


@pytest.mark.parametrize("mask", [[True, False], np.zeros(3, np.bool_), np.ones(3, np.int8), np.ones((3, 1), np.bool_)])
def test_a_mask_is_a_truth_for_each_row(mask):
    with pytest.raises(ValueError, match=r"(?s)reset_mask is .*expected 3 truths, at least one of them true"):
        batch().reset(options={"reset_mask": mask})


def test_without_autoreset_ended_rows_wait_for_their_reset():
    env = batch(2, autoreset_mode=AutoresetMode.DISABLED, max_episode_steps=4)
    env.reset(seed=0)
    env.step(np.zeros(2, int))
    env.reset(options={"reset_mask": np.array([False, True])})
    for _ in range(3):
        *_, truncated, infos = env.step(np.zeros(2, int))
    assert truncated.tolist() == [True, False]
    assert infos["_outcome"].tolist() == [True, True] and "final_obs" not in infos
    with pytest.raises(ValueError, match=r"environments \[0\] have ended, expected them to be reset"):
        env.step(np.zeros(2, int))
    env.reset(options={"reset_mask": truncated})
    env.step(np.zeros(2, int))


@pytest.mark.parametrize("limit", [1, 7])
@pytest.mark.parametrize("mode", MODES)
def test_an_episode_is_truncated_at_its_limit(mode, limit):
    env = batch(2, max_episode_steps=limit, autoreset_mode=mode, control="movement")
    flags = [truncated.all() for *_, truncated, _ in rollout(env, 3 * limit + 3)[1:]]
    pause = mode is AutoresetMode.NEXT_STEP
    assert flags == [(step + 1) % (limit + pause) == (limit % (limit + pause)) for step in range(3 * limit + 3)]


def test_the_batch_declares_how_it_begins_again():
    assert batch().metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    for mode in AutoresetMode:
        assert batch(autoreset_mode=mode).metadata["autoreset_mode"] is mode
        assert batch(autoreset_mode=mode.value).metadata["autoreset_mode"] is mode
    with pytest.raises(ValueError, match=r"autoreset_mode is 'SameStp', expected perhaps SameStep"):
        batch(autoreset_mode="SameStp")
    with pytest.raises(ValueError, match=r"autoreset_mode is \['SameStep'\], expected perhaps SameStep"):
        batch(autoreset_mode=["SameStep"])


def test_what_was_returned_stays_as_it_was():
    env = batch(observe=(*BLOCKS, MASK), max_episode_steps=5, autoreset_mode="SameStep")
    told: list[Any] = [env.reset(seed=0)]
    kept = []
    for _, chosen in zip(range(12), actions(env.action_space), strict=False):
        kept.append(np.concatenate([block.ravel() for block in told[-1][0].values()]))
        told.append(env.step(chosen))
    for seen, copy in zip(told, kept, strict=False):
        assert (np.concatenate([block.ravel() for block in seen[0].values()]) == copy).all()


def test_each_row_has_its_picture_and_its_recording():
    env = batch(2, render_mode="rgb_array", record=True)
    rollout(env, 6)
    pictures = env.render()
    assert pictures is not None and len(pictures) == 2
    assert all(picture.dtype == np.uint8 and picture.ndim == 3 for picture in pictures)
    assert (pictures[0].shape != pictures[1].shape) or (pictures[0] != pictures[1]).any()
    for row in range(2):
        recording = env.recording(row)
        assert (recording.seed, len(recording.orders)) == (row, 6)
        assert recording.replayed_digest() == recording.digest == env.battle.arena.digest()[row]


def test_a_batch_must_be_reset_before_it_is_stepped():
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
        batch().step(np.zeros(3, int))


def last_step(env: MonsterEnv) -> int:
    """After how many attacks a match comes to its end."""
    env.reset(seed=0)
    steps = 1
    while not env.step(1)[2]:
        steps += 1
    return steps


@pytest.mark.parametrize("mode", MODES)
def test_an_end_in_the_last_step_that_is_allowed_is_told_as_gymnasium_tells_it(mode):
    limit = last_step(MonsterEnv(scenario="skirmish-1v1"))
    asked: dict[str, Any] = {"id": "MLMonster/Combat-v0", "num_envs": 2, "scenario": "skirmish-1v1"}
    asked |= {"max_episode_steps": limit}
    native = gymnasium.make_vec(**asked, autoreset_mode=mode)
    single = gymnasium.make_vec(**asked, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode})
    told, told_too = rollout(native, limit + 3), rollout(single, limit + 3)
    for part, part_too in zip(told[1:], told_too[1:], strict=True):
        assert differences(part[:4], part_too[:4]) == []
    ends = []
    for env in (native, single):
        env.reset(seed=0)
        ends.append([env.step(np.ones(2, int))[2:4] for _ in range(limit)][-1])
    assert differences(ends[0], ends[1]) == []
    assert ends[0][0][0] and ends[0][1][0]


def test_human_mode_shows_each_step(capsys):
    env = batch(2, render_mode="human")
    for play in (lambda: env.reset(seed=0), lambda: env.step(np.zeros(2, int))):
        play()
        assert capsys.readouterr().out.count("0:00") == 2
