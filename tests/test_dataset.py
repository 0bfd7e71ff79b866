"""Datasets written from the batch hold what was seen, done and paid; replaying one gives it back."""

from typing import Any, cast

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from minari.dataset.minari_dataset import MinariDataset
from stable_baselines3 import DQN
from stable_baselines3.common.vec_env import DummyVecEnv

import mlmonster_env  # noqa: F401 - registers the environments
from mlmonster_env.contract import CONTROLS
from mlmonster_env.dataset import record_dataset
from mlmonster_env.envs.monster import MonsterEnv
from mlmonster_env.envs.replay import ReplayEnv

SMALL: dict[str, Any] = {"scenario": "skirmish-1v1", "archetype": "aggressive"}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> MinariDataset:
    return record_dataset(tmp_path_factory.mktemp("data") / "fights", episodes=6, num_envs=4, seed=9, **SMALL)


def test_an_episode_is_what_a_single_environment_plays(dataset):
    """Row i of the batch began with seed 9 + i: stepped again with the logged actions, the same comes out."""
    firsts = {episode.observations[0].tobytes(): episode for episode in dataset}
    found = 0
    for seed in range(9, 13):
        env = MonsterEnv("combat", **SMALL)
        seen, _ = env.reset(seed=seed)
        episode = firsts.get(seen.tobytes())
        if episode is None:
            continue
        found += 1
        for step, action in enumerate(episode.actions):
            seen, reward, terminated, truncated, _ = env.step(action)
            assert (seen == episode.observations[step + 1]).all()
            assert reward == episode.rewards[step]
            assert terminated == episode.terminations[step] and truncated == episode.truncations[step]
    assert found == 4


def test_episodes_end_once_and_are_as_many_as_asked_for(dataset):
    assert dataset.total_episodes == 6
    assert dataset.total_steps == sum(len(episode) for episode in dataset)
    for episode in dataset:
        ends = episode.terminations | episode.truncations
        assert ends[-1] and not ends[:-1].any()
        assert len(episode.observations) == len(episode) + 1 == len(episode.infos["alive"]) + 1


def test_short_matches_do_not_crowd_out_long_ones(tmp_path):
    """Every row plays as many matches, however long they are."""
    dataset = record_dataset(tmp_path / "even", episodes=8, num_envs=4, scenario="skirmish", seed=1)
    lengths = sorted(len(episode) for episode in dataset)
    assert len(lengths) == 8 and lengths[0] < lengths[-1]


@pytest.mark.parametrize("path", ["fights", "below/fights"])
def test_a_relative_path_will_do(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    assert record_dataset(path, episodes=1, num_envs=1, **SMALL).total_episodes == 1
    assert MinariDataset(tmp_path / path).total_episodes == 1


def test_what_failed_is_in_nobodys_way(tmp_path):
    def wrong(seen, masks):
        raise KeyError("no such action")

    with pytest.raises(KeyError, match="no such action"):
        record_dataset(tmp_path / "fights", episodes=1, num_envs=1, policy=wrong, **SMALL)
    assert record_dataset(tmp_path / "fights", episodes=1, num_envs=1, **SMALL).total_episodes == 1


def test_the_environment_can_be_recovered(dataset):
    env = dataset.recover_environment()
    assert isinstance(env.unwrapped, MonsterEnv)
    assert env.unwrapped.battle.scenario.members == 2


@pytest.mark.parametrize("control", CONTROLS)
def test_the_environment_recovered_is_of_as_many_as_fought(tmp_path, control):
    dataset = record_dataset(tmp_path / "my data.v1", control, episodes=1, num_envs=1, max_episode_steps=2)
    env: Any = dataset.recover_environment().unwrapped
    assert env.battle.plan == MonsterEnv(control).battle.plan
    assert dataset.spec.dataset_id == f"mlmonster/{control}/my-data-v1-v0"


@pytest.mark.parametrize(
    ("control", "observe", "pack"),
    [("skill", ("state", "skills", "action_mask"), False), ("continuous", "state", False), ("pack", "state", True)],
)
def test_all_controls_and_blocks_can_be_recorded(tmp_path, control, observe, pack):
    dataset = record_dataset(
        tmp_path / control, control, episodes=4, num_envs=2, observe=observe, pack=pack, scenario="skirmish-2v2"
    )
    for episode in dataset:
        assert dataset.action_space.contains(episode.actions[0])
        first = {n: b[0] for n, b in episode.observations.items()} if control == "skill" else episode.observations[0]
        assert dataset.observation_space.contains(first)


def test_replay_gives_back_what_was_logged_and_says_who_agrees(dataset):
    env = ReplayEnv(dataset)
    seen, info = env.reset(seed=0)
    episode = dataset[info["logged_episode"]]
    assert (seen == episode.observations[0]).all()
    for step, logged in enumerate(episode.actions):
        action = logged if step % 2 else (logged + 1) % 10
        seen, reward, terminated, truncated, info = env.step(action)
        assert (seen == episode.observations[step + 1]).all() and reward == episode.rewards[step]
        assert info["logged_action"] == logged and info["agrees"] == bool(step % 2)
    assert terminated or truncated
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(0)


@pytest.mark.parametrize("action", [99, -1, 4.7, "x", None, [1, 2], True])
def test_replay_names_a_wrong_action_and_stays_where_it_is(dataset, action):
    env = ReplayEnv(dataset)
    _, info = env.reset(seed=0)
    with pytest.raises(ValueError, match=r"action is .*expected a whole number, 0 to 9"):
        env.step(action)
    assert (env.step(0)[0] == dataset[info["logged_episode"]].observations[1]).all()


@pytest.mark.parametrize("action", [np.zeros(3), [0.0, 0.0, 0.0, float("nan")], None, "x"])
def test_replay_of_vectors_names_a_wrong_action(tmp_path, action):
    made = record_dataset(tmp_path / "vectors", "continuous", episodes=1, num_envs=1, scenario="skirmish-1v1")
    env = ReplayEnv(made)
    env.reset()
    with pytest.raises(ValueError, match=r"action is .*expected finite numbers of shape \(4,\)"):
        env.step(action)
    env.step(made[0].actions[0])


def test_replay_goes_through_all_episodes_in_either_order(dataset):
    for order in ("recorded", "shuffled"):
        env = ReplayEnv(dataset, order=order)
        numbers = [env.reset(seed=5 if turn == 0 else None)[1]["logged_episode"] for turn in range(7)]
        assert sorted(numbers[:6]) == list(range(6)) and numbers[6] == numbers[0]
        assert (numbers[:6] == list(range(6))) == (order == "recorded")


def test_replay_is_an_environment_like_others(dataset, tmp_path):
    check_env(ReplayEnv(dataset), skip_render_check=True)
    record_dataset(tmp_path / "again", episodes=2, num_envs=2, **SMALL)
    env = gymnasium.make("MLMonster/Replay-v0", dataset=str(tmp_path / "again"))
    assert env.reset()[0].shape == (64,)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: record_dataset(path / "new", episodes=0), "episodes is 0, expected at least 1"),
        (lambda path: record_dataset(path), "which is there already, expected a new directory"),
        (
            lambda path: record_dataset(path / "new", episodes=cast(Any, "3")),
            "episodes is '3', expected at least 1, a whole number",
        ),
        (lambda path: record_dataset(path / "new", episodes=cast(Any, 2.5)), "episodes is 2.5, expected at least 1"),
        (lambda path: record_dataset(path / "new", num_envs=cast(Any, "a")), "num_envs is 'a', expected at least 1"),
        (
            lambda path: record_dataset(path / "new", seed=cast(Any, None)),
            "seed is None, expected a whole number, at least 0",
        ),
        (lambda path: record_dataset(path / "new", seed=-1), "seed is -1, expected a whole number, at least 0"),
        (
            lambda path: record_dataset(path / "new", policy=cast(Any, "stock")),
            "policy is 'stock', expected a function",
        ),
        (lambda path: ReplayEnv(cast(Any, 3)), "dataset is 3, expected a directory or a MinariDataset"),
        (lambda path: ReplayEnv(path), "expected a directory that holds a Minari dataset"),
        (lambda path: ReplayEnv(path, order="sorted"), "order is 'sorted', expected one of recorded, shuffled"),
    ],
)
def test_mistakes_are_named(tmp_path, make, words):
    with pytest.raises(ValueError) as error:
        make(tmp_path)
    assert words in str(error.value)


def test_a_policy_is_asked_with_what_slots_see_and_their_masks(tmp_path):
    asked = []

    def idle(seen, masks):
        asked.append((seen.shape, masks.shape))
        return np.zeros(len(seen), np.int64)

    dataset = record_dataset(tmp_path / "idle", episodes=2, num_envs=2, policy=idle, **SMALL)
    assert asked[0] == ((2, 64), (2, 10))
    assert all((episode.actions == 0).all() for episode in dataset)


@pytest.mark.parametrize(
    ("argument", "value"), [("tolerance", "a"), ("tolerance", -1), ("tolerance", float("nan")), ("render_mode", "ansi")]
)
def test_what_replay_cannot_heed_is_named(dataset, argument, value):
    with pytest.raises(ValueError, match=f"{argument} is {value!r}, expected"):
        ReplayEnv(dataset, **{argument: value})


def test_the_environment_recovered_needs_no_threads_and_stands_on_the_first_side(tmp_path):
    record_dataset(tmp_path / "two", episodes=2, threads=2, **SMALL).recover_environment().reset(seed=0)
    assert record_dataset(tmp_path / "other", episodes=2, side=1, **SMALL).spec.env_spec is None


@pytest.mark.parametrize("both", [False, True])
def test_the_environment_recovered_stands_on_the_first_side_alone(tmp_path, both):
    made = record_dataset(tmp_path / "both", episodes=2, scenario="skirmish-1v1", both_sides=both, max_episode_steps=3)
    assert made.total_episodes == 2
    if both:
        with pytest.raises(ValueError, match="Environment cannot be recovered"):
            made.recover_environment()
    else:
        assert made.recover_environment().reset(seed=0)[0].shape == (64,)


def test_wrappers_keep_statistics_of_replayed_episodes(dataset):
    env = gymnasium.wrappers.RecordEpisodeStatistics(ReplayEnv(dataset))
    _, info = env.reset(seed=0)
    actions = dataset[info["logged_episode"]].actions
    for action in actions:
        info = env.step(action)[4]
    assert info["episode"]["l"] == len(actions)


def test_a_learner_takes_no_number_of_a_replayed_episode_for_its_statistics(dataset):
    DQN("MlpPolicy", DummyVecEnv([lambda: ReplayEnv(dataset)]), learning_starts=8, device="cpu").learn(400)
