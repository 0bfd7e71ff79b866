"""Unmodified learners of Stable-Baselines3 and its contributions learn on `ArenaVecEnv`."""

from typing import Any

import numpy as np
import pytest
import torch
from sb3_contrib import QRDQN, MaskablePPO, RecurrentPPO
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3 import DQN, PPO, SAC
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import SubprocVecEnv, VecEnv, VecMonitor, VecNormalize

from mlmonster_env import ArenaVecEnv
from mlmonster_env.envs.monster import MonsterEnv
from tests.envs.play import differences

STEPS = 400
ON_POLICY = {"n_steps": 25, "batch_size": 50, "n_epochs": 1}
OFF_POLICY = {"learning_starts": 100, "buffer_size": 1000}
SMALL = {"net_arch": [16]}
BLOCKS = ("state", "entities", "skills", "action_mask")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch, tmp_path):
    monkeypatch.setenv("SB3_LOGDIR", str(tmp_path))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


LEARNERS: dict[str, tuple[Any, str, str, dict[str, Any]]] = {
    "PPO": (PPO, "combat", "Policy", ON_POLICY | {"policy_kwargs": SMALL}),
    "DQN": (DQN, "movement", "Policy", OFF_POLICY | {"policy_kwargs": SMALL}),
    "SAC": (SAC, "continuous", "Policy", OFF_POLICY | {"policy_kwargs": SMALL}),
    "QRDQN": (QRDQN, "skill", "Policy", OFF_POLICY | {"policy_kwargs": SMALL}),
    "MaskablePPO": (MaskablePPO, "combat", "Policy", ON_POLICY | {"policy_kwargs": SMALL}),
    "RecurrentPPO": (
        RecurrentPPO,
        "pack",
        "LstmPolicy",
        ON_POLICY | {"policy_kwargs": SMALL | {"lstm_hidden_size": 8}},
    ),
}


def learner(name: str, vec: VecEnv, dicts: bool = False) -> Any:
    algorithm, _, policy, options = LEARNERS[name]
    options = options | {"policy_kwargs": dict(options["policy_kwargs"])}  # which learners write into
    return algorithm(f"{'MultiInput' if dicts else 'Mlp'}{policy}", vec, seed=0, **options)


def world(name: str, dicts: bool = False, **arguments: Any) -> ArenaVecEnv:
    control = LEARNERS[name][1]
    blocks = tuple(block for block in BLOCKS if block != "action_mask" or control != "continuous")
    return ArenaVecEnv(control, 4, observe=blocks if dicts else "state", **arguments)


def weights(model: Any) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in model.policy.parameters()]


def mean_return(model: Any, vec: VecEnv, episodes: int) -> float:
    returns, _ = evaluate_policy(model, vec, episodes, deterministic=False, return_episode_rewards=True)
    return float(np.mean(returns))


@pytest.mark.parametrize("pack", [False, True], ids=["one", "pack"])
@pytest.mark.parametrize("dicts", [False, True], ids=["box", "dict"])
@pytest.mark.parametrize("name", LEARNERS)
def test_an_unmodified_learner_learns(name, dicts, pack):
    vec = world(name, dicts, pack=pack, scenario="skirmish-2v2", max_episode_steps=30)
    model = learner(name, vec, dicts)
    before = weights(model)
    model.learn(STEPS)
    assert model.num_timesteps >= STEPS
    assert model._n_updates > 0
    after = weights(model)
    assert any(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
    assert all(bool(weight.isfinite().all()) for weight in after)
    chosen, _ = model.predict(vec.reset(), deterministic=True)
    assert all(vec.action_space.contains(action) for action in chosen)


def test_a_masked_learner_chooses_legal_actions():
    vec = world("MaskablePPO", scenario="skirmish-2v2", pack=True, seed=0)
    assert is_masking_supported(vec)
    model = learner("MaskablePPO", vec)
    seen = vec.reset()
    for _ in range(80):
        masks = get_action_masks(vec)
        assert (masks == vec.action_masks()).all()
        chosen, _ = model.predict(seen, action_masks=masks)
        assert masks[np.arange(8), chosen].all()
        seen, *_ = vec.step(chosen)


def test_the_same_seed_learns_the_same():
    told = []
    for _ in range(2):
        model = learner("PPO", world("PPO"))
        model.learn(200)
        told.append(weights(model))
    assert all(torch.equal(one, other) for one, other in zip(*told, strict=True))


def test_a_monitor_counts_what_was_paid():
    vec = VecMonitor(ArenaVecEnv("combat", 4, seed=2, reward=lambda events: events.damage_dealt, max_episode_steps=45))
    vec.reset()
    paid, steps, episodes = np.zeros(4), np.zeros(4, int), 0
    for _ in range(200):
        _, rewards, dones, infos = vec.step(np.ones(4, int))
        paid += rewards
        steps += 1
        for slot in np.flatnonzero(dones):
            assert infos[slot]["episode"]["r"] == pytest.approx(paid[slot], rel=1e-4)
            assert infos[slot]["episode"]["l"] == steps[slot]
            episodes += 1
        paid[dones], steps[dones] = 0, 0
    assert episodes >= 16


def stepped(vec: VecEnv) -> Any:
    return vec.step(np.ones(vec.num_envs, int))


def test_observations_can_be_normalised():
    plain = ArenaVecEnv("combat", 4, seed=2, max_episode_steps=20)
    vec = VecNormalize(VecMonitor(ArenaVecEnv("combat", 4, seed=2, max_episode_steps=20)), clip_obs=5.0)
    plain.reset()
    vec.reset()
    for step in range(1, 61):
        seen, _, dones, infos = stepped(vec)
        raw, _, dones_too, infos_too = plain.step(np.ones(4, int))
        assert (dones == dones_too).all() and dones.all() == (step % 20 == 0)
        assert (vec.get_original_obs() == raw).all()
        assert np.isfinite(seen).all() and np.abs(seen).max() <= 5
        for slot in np.flatnonzero(dones):
            last = infos_too[slot]["terminal_observation"]
            assert differences(infos[slot]["terminal_observation"], vec.normalize_obs(last)) == []
    assert np.abs(seen).max() > 1


@pytest.mark.parametrize("name", ["PPO", "DQN"])
def test_a_learner_learns_on_a_normalised_and_watched_world(name):
    vec = VecNormalize(VecMonitor(world(name, max_episode_steps=20)))
    model = learner(name, vec)
    model.learn(STEPS)
    assert len(model.ep_info_buffer) >= 4
    assert np.isfinite(mean_return(model, vec, 4))


def test_what_was_learnt_can_be_saved(tmp_path):
    vec = world("PPO", seed=1)
    model = learner("PPO", vec)
    model.learn(100)
    model.save(tmp_path / "model")
    again = PPO.load(tmp_path / "model", env=world("PPO"))
    seen = vec.reset()
    assert (model.predict(seen, deterministic=True)[0] == again.predict(seen, deterministic=True)[0]).all()


@pytest.mark.slow
def test_ppo_learns_to_win_a_duel():
    rewarded = {"scenario": "skirmish-1v1", "opponent": "idle", "max_episode_steps": 120}
    vec = VecMonitor(ArenaVecEnv("combat", 64, **rewarded))
    model = PPO("MlpPolicy", vec, n_steps=64, batch_size=1024, learning_rate=1e-3, gamma=0.98, seed=0)
    before = mean_return(model, vec, 128)
    model.learn(150_000)
    after = mean_return(model, vec, 128)
    assert after > 0.9 > before + 0.1


@pytest.mark.slow
def test_single_environments_learn_in_processes_of_their_own():
    vec = SubprocVecEnv([MonsterEnv, MonsterEnv])
    try:
        model = learner("PPO", vec)
        model.learn(100)
        assert model.num_timesteps == 100
    finally:
        vec.close()
