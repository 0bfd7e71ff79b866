"""`ArenaVecEnv` is to Stable-Baselines3 what its own vector environments of single ones are."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from stable_baselines3.common.vec_env import DummyVecEnv, VecVideoRecorder

from mlmonster_env import ArenaVecEnv
from mlmonster_env.contract import BLOCKS, CONTROLS, IDLE, NOTHING_TO_DO
from mlmonster_env.envs.monster import MonsterEnv
from tests.envs.play import actions, differences, observations

MASK = "action_mask"


def chosen_for(vec: Any, seed: int = 0) -> Any:
    """Random actions for all slots, without end."""
    one = actions(vec.action_space, seed)
    while True:
        yield np.stack([next(one) for _ in range(vec.num_envs)])


def packs(num_envs: int = 2, control: str = "combat", **arguments: Any) -> ArenaVecEnv:
    vec = ArenaVecEnv(control, num_envs, pack=True, seed=3, **{"scenario": "skirmish-2v2", **arguments})
    vec.reset()
    return vec


@pytest.mark.parametrize(
    ("control", "observe"),
    [("combat", "state"), ("movement", ("state", MASK)), ("skill", (*BLOCKS, MASK)), ("pack", ("history",)),
     ("continuous", ("state", "entities"))],
)  # fmt: skip
def test_slots_return_what_single_environments_return(control, observe):
    arguments: dict[str, Any] = {"observe": observe, "max_episode_steps": 40, "scenario": "skirmish-2v2"}
    vec = ArenaVecEnv(control, 6, **arguments)
    singles = DummyVecEnv([lambda: MonsterEnv(control, **arguments)] * 6)
    assert vec.observation_space == singles.observation_space
    assert vec.action_space == singles.action_space
    vec.seed(11)
    singles.seed(11)
    assert differences(vec.reset(), singles.reset()) == []
    endings = []
    for step, chosen in zip(range(200), chosen_for(vec), strict=False):
        *returned, infos = vec.step(chosen)
        *returned_too, infos_too = singles.step(chosen)
        assert differences(returned, returned_too) == [], step
        for done, info, info_too in zip(returned[2], infos, infos_too, strict=True):
            told = ("alive", "terminal_observation", "TimeLimit.truncated", "outcome") if done else ("alive",)
            assert differences({name: info[name] for name in told}, {name: info_too[name] for name in told}) == []
            if done:
                endings.append(info["TimeLimit.truncated"])
        if CONTROLS[control]:
            assert differences(vec.env_method("action_masks"), singles.env_method("action_masks")) == []
    assert set(endings) == {True, False}


@pytest.mark.parametrize("control", [name for name in CONTROLS if CONTROLS[name]])
def test_masks_are_those_of_single_environments(control):
    vec = ArenaVecEnv(control, 3, seed=5)
    vec.reset()
    singles = [MonsterEnv(control) for _ in range(3)]
    for row, single in enumerate(singles):
        single.reset(seed=5 + row)
    for _, chosen in zip(range(30), chosen_for(vec), strict=False):
        masks = vec.action_masks()
        assert masks.dtype == np.bool_ and masks.shape == (3, CONTROLS[control])
        assert (masks == [single.action_masks() for single in singles]).all()
        assert differences(vec.env_method("action_masks", indices=[2, 0]), [masks[2], masks[0]]) == []
        assert differences([ask() for ask in vec.get_attr("action_masks")], list(masks)) == []
        vec.step(chosen)
        for single, action in zip(singles, chosen, strict=True):
            single.step(action)


def test_vectors_have_no_masks():
    vec = ArenaVecEnv("continuous", 2)
    assert not vec.has_attr("action_masks")
    with pytest.raises(AttributeError, match="continuous control has no action masks"):
        vec.env_method("action_masks")
    vec.reset()
    with pytest.raises(AttributeError, match="continuous control has no action masks"):
        vec.action_masks()


def test_every_monster_of_a_pack_is_a_slot():
    vec = packs(scenario="raid-6v3")
    assert vec.num_envs == 12
    assert vec.action_masks().shape == (12, CONTROLS["combat"])
    seen, rewards, dones, infos = vec.step(np.zeros(12, int))
    assert isinstance(seen, np.ndarray)
    assert (seen.shape, rewards.shape, dones.shape, len(infos)) == ((12, 64), (12,), (12,), 12)
    assert rewards.dtype == np.float32 and dones.dtype == np.bool_
    assert len({sight.tobytes() for sight in seen}) > 6


def test_slots_of_a_match_lie_side_by_side():
    vec = ArenaVecEnv("combat", 3, pack=True, scenario="skirmish-2v2", seed=8)
    seen = vec.reset()
    for match in range(3):
        alone, _ = MonsterEnv(scenario="skirmish-2v2").reset(seed=8 + match)
        assert (observations(seen, 2 * match) == alone).all()
    for _, chosen in zip(range(150), chosen_for(vec), strict=False):
        _, rewards, dones, _ = vec.step(chosen)
        assert (dones[::2] == dones[1::2]).all()
        assert (rewards[::2] == rewards[1::2]).all()


@pytest.mark.parametrize("control", CONTROLS)
def test_a_dead_slot_sees_zeros_and_may_only_do_nothing(control):
    blocks = [name for name in BLOCKS if name != "history"]
    vec = packs(4, control, observe=blocks, scenario="skirmish")
    nothing = np.zeros(CONTROLS[control], np.bool_)
    nothing[NOTHING_TO_DO[control] : NOTHING_TO_DO[control] + 1] = True
    deaths = 0
    for _, chosen in zip(range(150), chosen_for(vec), strict=False):
        seen, _, _, infos = vec.step(chosen)
        assert [info["alive"] for info in infos if "outcome" not in info] == [
            alive for alive, info in zip(vec.alive, infos, strict=True) if "outcome" not in info
        ]
        assert vec.get_attr("alive") == vec.alive.tolist()
        for slot in np.flatnonzero(~vec.alive).tolist():
            deaths += 1
            assert not any(block.any() for block in observations(seen, slot).values())
            if CONTROLS[control]:
                assert (vec.action_masks()[slot] == nothing).all()
        assert all(block[vec.alive].any() for name, block in dict(seen).items() if name in ("state", "grid"))
    assert deaths > 50


def test_a_dead_slot_sees_zeros_in_its_history():
    vec = packs(4, observe=("history",), scenario="skirmish")
    for _, chosen in zip(range(60), chosen_for(vec), strict=False):
        seen, *_ = vec.step(chosen)
        for slot in np.flatnonzero(~vec.alive).tolist():
            assert not observations(seen, slot)["history"].any()


def test_a_history_begins_with_the_first_state():
    vec = ArenaVecEnv("combat", 4, seed=3, observe=("state", "history"), scenario="duel")
    seen, ended = vec.reset(), 0
    states = {slot: [seen["state"][slot]] for slot in range(vec.num_envs)}
    for _, chosen in zip(range(150), chosen_for(vec), strict=False):
        for slot, past in states.items():
            history = seen["history"][slot]
            if vec.alive[slot]:
                np.testing.assert_array_equal(history[-len(past) :], past[-len(history) :])
                assert not history[: -len(past)].any()
        seen, _, dones, _ = vec.step(chosen)
        for slot in states:
            states[slot] = [seen["state"][slot]] if dones[slot] else [*states[slot], seen["state"][slot]]
        ended += dones.sum()
    assert ended >= 2


def test_the_dead_are_paid_what_their_team_is():
    vec = packs(8)
    paid_dead = []
    for _, chosen in zip(range(300), chosen_for(vec), strict=False):
        _, rewards, dones, infos = vec.step(chosen)
        for slot in np.flatnonzero(dones):
            assert rewards[slot] == infos[slot]["outcome"]
            if not infos[slot]["alive"]:
                assert not infos[slot]["terminal_observation"].any()
                paid_dead.append(rewards[slot])
        assert not rewards[~dones].any()
    assert {-1.0, 1.0} <= set(paid_dead)


def test_a_match_with_dead_slots_goes_on():
    vec = packs(4, scenario="skirmish")
    some_dead = 0
    for _, chosen in zip(range(100), chosen_for(vec), strict=False):
        _, _, dones, infos = vec.step(chosen)
        alive = np.array([info["alive"] for info in infos]).reshape(4, 3)
        some_dead += ((~alive).any(1) & ~dones.reshape(4, 3).any(1)).sum()
        assert (dones == np.repeat(dones[::3], 3)).all()
        assert vec.alive[dones].all()
    assert some_dead > 10


def test_what_was_returned_stays_as_it_was():
    vec = packs(observe=(*BLOCKS, MASK), max_episode_steps=5)
    kept: list[tuple[Any, Any]] = []
    for _, chosen in zip(range(12), chosen_for(vec), strict=False):
        seen, rewards, dones, infos = vec.step(chosen)
        masks, alive = vec.action_masks(), vec.alive
        returned = (dict(seen), rewards, dones, masks, alive, [info.get("terminal_observation", {}) for info in infos])
        kept.append((returned, copied(returned)))
    for returned, copy in kept:
        assert differences(returned, copy) == []


def copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: copied(part) for name, part in value.items()}
    return type(value)(copied(part) for part in value) if isinstance(value, list | tuple) else value.copy()


def test_attributes_are_asked_for_and_set_by_slot():
    vec = packs()
    assert vec.get_attr("render_mode", indices=[1, 2]) == [None, None]
    assert vec.get_attr("slots_a_match", indices=3) == [2]
    for name in ("reward", "archetype", "decision_ms"):
        with pytest.raises(AttributeError, match=f"'{name}' is the battle's, expected it to be told when"):
            vec.set_attr(name, 5)
    vec.set_attr("note", 5)
    assert vec.get_attr("note") == [5] * 4
    assert vec.has_attr("note") and not vec.has_attr("nothing of that name")
    assert vec.env_is_wrapped(gymnasium.Wrapper) == [False] * 4
    assert vec.env_method("get_images", indices=[0]) == [[]]
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        vec.env_method("nothing_of_that_name")


def test_a_seed_counts_for_one_reset():
    vec = ArenaVecEnv("combat", 2)
    told = []
    for seed in (4, None, 4, None, 5):
        if seed is not None:
            vec.seed(seed)
        told.append(vec.reset())
    assert differences(told[0], told[2]) == [] == differences(told[1], told[3])
    assert (observations(told[0], 1) == observations(told[4], 0)).all()
    assert (observations(told[0], 0) != observations(told[1], 0)).any()


def test_masks_before_a_reset_are_refused():
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset first"):
        ArenaVecEnv("combat", 2).action_masks()


def test_a_dead_slots_orders_change_nothing():
    told = []
    for order in (IDLE, 3):
        vec = packs(opponent="random")
        seen = []
        for _, chosen in zip(range(60), chosen_for(vec), strict=False):
            seen.append(vec.step(np.where(vec.alive, chosen, order))[:3])
        told.append(seen)
    assert differences(told[0], told[1]) == []


def test_pictures_tile_the_matches():
    vec = packs(3, render_mode="rgb_array")
    vec.step(np.zeros(6, int))
    pictures = vec.get_images()
    assert len(pictures) == 3
    assert all(picture is not None and picture.dtype == np.uint8 and picture.ndim == 3 for picture in pictures)
    tiled = vec.render()
    assert isinstance(tiled, np.ndarray) and tiled.size >= sum(
        picture.size for picture in pictures if picture is not None
    )


@pytest.mark.parametrize("mode", ["ansi", "human"])
def test_text_modes_show_the_first_match(mode, capsys):
    vec = packs(2, render_mode=mode)
    shown = vec.render() if mode == "ansi" else capsys.readouterr().out if vec.render() is None else ""
    assert shown.startswith("skirmish-2v2  0:00.0") and shown.count(" hp") == 4


def test_sb3_records_a_video(tmp_path):
    vec = VecVideoRecorder(packs(render_mode="rgb_array"), str(tmp_path), lambda step: step == 0, video_length=4)
    vec.reset()
    for _ in range(6):
        vec.step(np.ones(4, int))
    vec.close()
    films = list(tmp_path.glob("*.mp4"))
    assert len(films) == 1 and films[0].stat().st_size > 1000


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"num_envs": 0}, "0, expected at least 1"),
        ({"render_mode": "rgb"}, "render_mode is 'rgb', expected .*rgb_array"),
        ({"control": "combt"}, "control is 'combt', expected perhaps combat"),
        ({"observe": "stat"}, "observe is 'stat', expected perhaps state"),
        ({"seed": -1}, "seed is -1, expected a whole number or None, at least 0"),
        ({"threads": "a"}, "threads is 'a', expected at least 1, a whole number"),
        ({"threads": 1.5}, "threads is 1.5, expected at least 1, a whole number"),
    ],
)
def test_wrong_arguments_are_named(asked, words):
    with pytest.raises(ValueError, match=words):
        ArenaVecEnv(**asked)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ([0, 77], "action is 77, expected 0 to 9: 0 idle, 1 attack"),
        ([0, -1], "action is -1, expected 0 to 9"),
        ([0, 0, 0], r"action is array\(\[0, 0, 0\]\), expected one whole number for each of 2 slots"),
        ([0.0, 1.0], "expected one whole number for each of 2 slots"),
    ],
)
def test_wrong_actions_are_named(chosen, words):
    vec = ArenaVecEnv("combat", 2, seed=0)
    vec.reset()
    with pytest.raises(ValueError, match=words):
        vec.step(np.array(chosen))


@pytest.mark.parametrize("kind", [np.int32, np.uint8, np.int64])
def test_any_whole_number_is_a_seed(kind):
    seen, same = (ArenaVecEnv("combat", 2, seed=seed).reset() for seed in (4, kind(4)))
    assert np.array_equal(seen, same)


def test_the_outcome_of_a_slot_is_its_own_sides():
    vec = ArenaVecEnv("combat", 8, both_sides=True, scenario="skirmish-1v1", seed=0)
    vec.reset()
    found: list[list[int]] = []
    while not any(told[0] for told in found):
        _, rewards, dones, infos = vec.step(np.tile([1, 0], 8))
        for first in 2 * np.flatnonzero(dones[::2]):
            found.append([infos[slot]["outcome"] for slot in (first, first + 1)])
            assert found[-1] == rewards[first : first + 2].tolist()
