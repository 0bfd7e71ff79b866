"""Gymnasium's wrappers do on these environments what they say."""

from typing import Any

import gymnasium
import imageio_ffmpeg
import numpy as np
import pytest
from gymnasium import wrappers
from gymnasium.wrappers import vector as batched
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv

from mlmonster_env import ENVIRONMENTS
from tests.envs.play import actions, differences

COMBAT = "MLMonster/Combat-v0"


def seconds_lived(events: Any) -> Any:
    return events.alive_ms / 1000


def made(id: str = COMBAT, **arguments: Any) -> gymnasium.Env[Any, Any]:
    return gymnasium.make(id, **arguments)


def batch(num_envs: int = 3, **arguments: Any) -> Any:
    return gymnasium.make_vec(COMBAT, num_envs, **arguments)


def frames(path: Any) -> int:
    return int(imageio_ffmpeg.count_frames_and_secs(str(path))[0])


def test_statistics_count_what_was_paid():
    env = wrappers.RecordEpisodeStatistics(made(reward=lambda events: events.damage_dealt))
    for seed in range(3):
        env.reset(seed=seed)
        paid, steps, over = 0.0, 0, False
        while not over:
            _, reward, terminated, truncated, info = env.step(1)
            paid, steps, over = paid + float(reward), steps + 1, terminated or truncated
        assert (info["episode"]["r"], info["episode"]["l"]) == (pytest.approx(paid), steps)
        assert paid > 0


def test_a_video_has_a_picture_of_each_step(tmp_path):
    env = wrappers.RecordVideo(
        made(render_mode="rgb_array", max_episode_steps=9),
        str(tmp_path / "films"),
        episode_trigger=lambda episode: episode != 1,
    )
    for seed in range(3):
        env.reset(seed=seed)
        while not env.step(1)[3]:
            pass
    env.close()
    films = sorted(tmp_path.glob("films/*.mp4"))
    assert [film.stem.rpartition("-")[2] for film in films] == ["0", "2"]
    assert [frames(film) for film in films] == [10, 10]


def test_pictures_are_collected():
    env = wrappers.RenderCollection(made(render_mode="rgb_array"))
    env.reset(seed=0)
    for _ in range(3):
        env.step(1)
    assert len(env.render()) == 4


def test_observations_are_normalised():
    env = wrappers.NormalizeObservation(made())
    env.reset(seed=0)
    seen = np.array([env.step(next(chosen))[0] for chosen in [actions(env.action_space)] for _ in range(200)])
    assert np.isfinite(seen).all()
    assert np.abs(seen[100:].mean(0)).max() < 3


def test_observations_are_stacked():
    plain, env = made(), wrappers.FrameStackObservation(made(), 4)
    assert env.observation_space.shape == (4, 64)
    told = [plain.reset(seed=2)[0]]
    stack, _ = env.reset(seed=2)
    assert (stack == told[0]).all()
    for _ in range(6):
        told.append(plain.step(1)[0])
        stack = env.step(1)[0]
    assert (stack == told[-4:]).all()


def test_blocks_are_flattened_in_order():
    env = wrappers.FlattenObservation(made(observe=("state", "skills", "action_mask")))
    plain = made(observe=("state", "skills", "action_mask"))
    assert env.observation_space.shape == (64 + 8 * 16 + 10,)
    flat, blocks = env.reset(seed=0)[0], plain.reset(seed=0)[0]
    assert (flat == gymnasium.spaces.flatten(plain.observation_space, blocks)).all()


def test_a_time_limit_truncates():
    env = wrappers.TimeLimit(made().unwrapped, 5)
    env.reset(seed=0)
    assert [env.step(0)[2:4] for _ in range(5)] == [(False, False)] * 4 + [(False, True)]


def test_autoreset_and_clipped_rewards_and_time_work_together():
    env = wrappers.Autoreset(
        wrappers.TimeAwareObservation(wrappers.ClipReward(made(max_episode_steps=5, reward=seconds_lived), 0, 0.25))
    )
    env.reset(seed=0)
    rewards = [float(env.step(0)[1]) for _ in range(12)]
    assert rewards == [0.25] * 5 + [0.0] + [0.25] * 5 + [0.0]


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_statistics_of_a_batch_count_what_was_paid(mode):
    env = batched.RecordEpisodeStatistics(batch(autoreset_mode=mode, max_episode_steps=40))
    env.reset(seed=0)
    paid, episodes = np.zeros(3), 0
    for _, chosen in zip(range(130), actions(env.action_space), strict=False):
        _, rewards, terminated, truncated, infos = env.step(chosen)
        paid += rewards
        ended = terminated | truncated
        if ended.any():
            assert (infos["_episode"] == ended).all()
            assert infos["episode"]["r"][ended] == pytest.approx(paid[ended])
            assert (infos["episode"]["l"][ended] <= 40).all()
            paid[ended] = 0
            episodes += ended.sum()
    assert episodes >= 9


WRAPPED: dict[str, Any] = {
    "NormalizeObservation": batched.NormalizeObservation,
    "NormalizeReward": batched.NormalizeReward,
    "RescaleObservation": lambda env: batched.RescaleObservation(env, np.float32(-1.0), np.float32(1.0)),
    "ReshapeObservation": lambda env: batched.ReshapeObservation(env, (8, 8)),
    "ClipReward": lambda env: batched.ClipReward(env, -0.5, 0.5),
    "TransformReward": lambda env: batched.TransformReward(env, lambda reward: 2 * reward),
    "DictInfoToList": batched.DictInfoToList,
    "RecordEpisodeStatistics": lambda env: batched.RecordEpisodeStatistics(env, stats_key="told"),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_a_wrapper_does_the_same_to_either_batch(name):
    native, single = (
        WRAPPED[name](batch(vectorization_mode=mode, reward=lambda events: events.damage_dealt - events.damage_taken))
        for mode in ("vector_entry_point", "sync")
    )
    assert native.observation_space == single.observation_space
    assert differences(native.reset(seed=4), single.reset(seed=4)) == []
    for _, chosen in zip(range(80), actions(native.action_space), strict=False):
        *told, infos = native.step(chosen)
        *told_too, infos_too = single.step(chosen)
        assert differences(told, told_too) == []
        if name == "DictInfoToList":
            assert [sorted(info) for info in infos] == [sorted(info) for info in infos_too]


def test_blocks_of_a_batch_are_filtered_and_flattened():
    env = batched.FlattenObservation(
        batched.FilterObservation(batch(observe=("state", "skills", "grid")), ["skills", "state"])
    )
    assert env.observation_space.shape == (3, 8 * 16 + 64)
    assert env.observation_space.contains(env.reset(seed=0)[0])


def test_vectors_of_a_batch_are_rescaled():
    plain = gymnasium.make_vec("MLMonster/Continuous-v0", 2)
    env = batched.RescaleAction(gymnasium.make_vec("MLMonster/Continuous-v0", 2), 0, 1)
    plain.reset(seed=0)
    env.reset(seed=0)
    for _, chosen in zip(range(20), actions(plain.action_space), strict=False):
        assert differences(plain.step(chosen)[:4], env.step((chosen + 1) / 2)[:4]) == []


def test_a_video_of_a_batch_shows_all_rows(tmp_path):
    env = batched.RecordVideo(
        batch(2, render_mode="rgb_array"), str(tmp_path / "films"), video_length=5, step_trigger=lambda step: step == 0
    )
    env.reset(seed=0)
    for _ in range(8):
        env.step(np.ones(2, int))
    env.close()
    films = list(tmp_path.glob("films/*.mp4"))
    assert len(films) == 1 and frames(films[0]) >= 5


@pytest.mark.parametrize("id", ENVIRONMENTS)
def test_ppo_learns_on_what_gymnasium_makes(monkeypatch, tmp_path, id):
    monkeypatch.setenv("SB3_LOGDIR", str(tmp_path))
    for vec in (DummyVecEnv([lambda: made(id)] * 2), make_vec_env(id, n_envs=2, env_kwargs={"archetype": "mage"})):
        model = PPO("MlpPolicy", vec, n_steps=32, batch_size=32, n_epochs=1, policy_kwargs={"net_arch": [8]})
        model.learn(128)
        assert model.num_timesteps == 128
        assert model._n_updates == 2
