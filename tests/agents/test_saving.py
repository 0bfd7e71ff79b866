"""Learners saved and loaded: they act the same, keep what they were set to, and nothing that is loaded ever runs."""

import inspect
import json
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm

from agents.learners.conditioned import ConditionedPPO
from agents.learners.dqn import DoubleDQN, QuantileDQN
from agents.learners.memory_ppo import MemoryPPO
from agents.learners.ppo import MaskedPPO
from agents.learners.replaying import Replaying
from agents.learners.sac import ReplayingSAC
from policies.storage import ARRAYS, MANIFEST, VALUES, DamagedError, sha256
from tests.agents.toys import Corridor, Pointing, arguments_of, many
from tests.policies.models import Hostile, pickled

SMALL: dict[str, Any] = {"buffer_size": 500, "learning_starts": 8, "batch_size": 8}
LEARNERS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "ppo": (MaskedPPO, Corridor, {"n_steps": 8, "batch_size": 8, "n_epochs": 1}),
    "ddqn": (DoubleDQN, Corridor, SMALL),
    "qrdqn": (QuantileDQN, Corridor, SMALL),
    "sac": (ReplayingSAC, Pointing, SMALL),
}
CHANGED: dict[str, dict[str, Any]] = {
    "ppo": {
        "learning_rate": 0.002, "gamma": 0.8, "gae_lambda": 0.7, "clip_range": 0.07, "ent_coef": 0.03, "vf_coef": 0.4,
        "max_grad_norm": 0.3, "target_kl": 0.5, "normalize_advantage": False, "normalize_returns": False,
        "bootstrap_truncated": False, "accumulate": 2, "clip_range_vf": 0.3,
    },
    "ddqn": {
        "learning_rate": 0.002, "gamma": 0.8, "train_freq": (2, "step"), "gradient_steps": 3, "decisions_ahead": 2,
        "target_update_interval": 77, "exploration_fraction": 0.4, "exploration_final_eps": 0.2, "max_grad_norm": 3.0,
        "priority": 0.2, "correction": 0.1, "bootstrap_truncated": False, "tau": 0.5, "exploration_initial_eps": 0.6,
    },
    "sac": {
        "learning_rate": 0.002, "gamma": 0.8, "train_freq": (2, "step"), "gradient_steps": 3, "decisions_ahead": 2,
        "tau": 0.05, "ent_coef": 0.3, "bootstrap_truncated": False, "target_entropy": -1.5, "mean_cost": 0.2,
    },
}  # fmt: skip
CHANGED["qrdqn"] = CHANGED["ddqn"]
SIMPLY_NOT_SAVED = {
    "policy", "env",  # the manifest names the one, the other is given again
    "device", "verbose", "tensorboard_log", "stats_window_size", "monitor_wrapper",  # where it runs, and what is told
    "_init_setup_model", "support_multi_env", "supported_action_spaces", "sde_support",  # among classes of SB3
    "use_sde", "sde_sample_freq", "use_sde_at_warmup",  # learners here draw in ways of their own
}  # fmt: skip
REFUSED = {
    MaskedPPO: {"rollout_buffer_class", "rollout_buffer_kwargs"},
    Replaying: {"n_steps", "action_noise", "replay_buffer_class", "replay_buffer_kwargs", "optimize_memory_usage"},
}
CLASSES = [MaskedPPO, MemoryPPO, ConditionedPPO, DoubleDQN, QuantileDQN, ReplayingSAC]


def learner(kind: str, **more: Any) -> Any:
    algorithm, made, settings = LEARNERS[kind]
    return algorithm(
        "MultiInputPolicy", many(made, 2), seed=0, device="cpu",
        **{"policy_kwargs": arguments_of(kind), **settings, **more},
    )  # fmt: skip


def learnt(kind: str, **more: Any) -> Any:
    model = learner(kind, **more)
    model.learn(64)
    return model


def env_of(kind: str) -> Any:
    return many(LEARNERS[kind][1], 2)


def acts(model: Any, kind: str) -> np.ndarray:
    env = many(LEARNERS[kind][1], 32)
    env.seed(3)
    return np.asarray(model.predict(env.reset(), deterministic=True)[0])


@pytest.mark.parametrize("kind", LEARNERS)
def test_what_was_saved_acts_the_same_and_learns_on(tmp_path, kind):
    model = learnt(kind)
    model.save(tmp_path / "model")
    again = type(model).load(tmp_path / "model", env_of(kind), device="cpu")
    assert np.array_equal(acts(model, kind), acts(again, kind))
    for own, other in zip(model.policy.state_dict().values(), again.policy.state_dict().values(), strict=True):
        assert torch.equal(own, other)
    for name, optimizer in model._optimizers().items():
        first, second = (made.state_dict()["state"] for made in (optimizer, again._optimizers()[name]))
        assert len(first) > 0 and first.keys() == second.keys()
        assert all(torch.equal(first[k]["exp_avg_sq"], second[k]["exp_avg_sq"]) for k in first)
    assert again.num_timesteps == model.num_timesteps
    again.learn(32, reset_num_timesteps=False)
    assert again.num_timesteps > model.num_timesteps


@pytest.mark.parametrize("kind", LEARNERS)
def test_what_was_saved_keeps_its_settings(tmp_path, kind):
    model = learner(kind, **CHANGED[kind])
    model.save(tmp_path / "model")
    again = type(model).load(tmp_path / "model", env_of(kind), device="cpu")
    lost = {
        name: told(getattr(again, name))
        for name in CHANGED[kind]
        if told(getattr(again, name)) != told(getattr(model, name))
    }
    assert lost == {}


def arguments_over_all_bases(made: type) -> set[str]:
    """Names of everything that a learner can be made with."""
    inits = [base.__dict__["__init__"] for base in made.__mro__ if base is not object and "__init__" in vars(base)]
    found = [argument for init in inits for argument in inspect.signature(init).parameters.values()]
    return {a.name for a in found if a.kind not in (a.VAR_POSITIONAL, a.VAR_KEYWORD)} - {"self"}


@pytest.mark.parametrize("made", CLASSES)
def test_every_argument_is_saved_or_left_out_on_purpose(made):
    known = arguments_over_all_bases(made)
    saved = set(made._settings(made.__new__(made)))
    refused = {name for kind, names in REFUSED.items() if issubclass(made, kind) for name in names}
    assert known - saved - SIMPLY_NOT_SAVED - refused == set()
    assert saved - known == set()
    assert saved & (SIMPLY_NOT_SAVED | refused) == set()


def told(value: Any) -> Any:
    """A setting in a form that can be compared: schedules by what they give."""
    return [value(share) for share in (0.0, 0.3, 1.0)] if callable(value) else value


@pytest.mark.parametrize(("kind", "name"), [("ppo", "learning_rate"), ("ppo", "ent_coef"), ("ddqn", "learning_rate")])
def test_schedules_are_to_be_given_again(tmp_path, kind, name):
    def falls(share: float) -> float:
        return 0.01 * share

    model = learner(kind, **{name: falls})
    model.save(tmp_path / "model")
    with pytest.raises(ValueError, match=f"{name} could not be saved, expected to be given"):
        type(model).load(tmp_path / "model", env_of(kind))
    again = type(model).load(tmp_path / "model", env_of(kind), **{name: falls})
    assert (again.ent_schedule if name == "ent_coef" else again.learning_rate) is falls


@pytest.mark.parametrize("kind", LEARNERS)
def test_settings_may_be_given_anew(tmp_path, kind):
    learner(kind).save(tmp_path / "model")
    again = LEARNERS[kind][0].load(
        tmp_path / "model", env_of(kind), gamma=0.5, seed=7, policy_kwargs=arguments_of(kind)
    )
    assert again.gamma == 0.5 and again.seed == 7


def test_weights_of_another_learner_are_taken_over(tmp_path):
    model, other = learnt("ddqn"), learner("ddqn")
    model.save(tmp_path / "model")
    other.set_parameters(tmp_path / "model")
    assert np.array_equal(acts(model, "ddqn"), acts(other, "ddqn"))
    third = learner("ddqn")
    third.set_parameters(model.get_parameters())
    assert np.array_equal(acts(model, "ddqn"), acts(third, "ddqn"))


def test_what_does_not_fit_is_named(tmp_path):
    model = learner("ddqn")
    model.save(tmp_path / "model")
    with pytest.raises(ValueError, match="is of DoubleDQN, expected MaskedPPO"):
        MaskedPPO.load(tmp_path / "model", env_of("ppo"))
    with pytest.raises(ValueError, match="env is None"):
        DoubleDQN.load(tmp_path / "model")
    wider = learner("ddqn", policy_kwargs={**arguments_of("ddqn"), "net_arch": [33]})
    with pytest.raises(ValueError, match="is of shape"):
        wider.set_parameters(tmp_path / "model")
    with pytest.raises(ValueError, match="no folder that save"):
        DoubleDQN.load(tmp_path / "nothing", env_of("ddqn"))


@pytest.mark.parametrize("kind", LEARNERS)
def test_a_hostile_zip_never_runs(tmp_path, kind):
    marker, path = tmp_path / "it ran", tmp_path / "model.zip"
    env = many(Corridor, 1)
    plain: BaseAlgorithm = PPO("MultiInputPolicy", env, n_steps=8, batch_size=8)
    plain.hostile = Hostile(marker)  # type: ignore[attr-defined]
    plain.save(path)
    PPO.load(path)
    assert marker.is_file(), "Stable-Baselines3 itself runs it"
    marker.unlink()
    with pytest.raises(ValueError, match="no folder that save"):
        LEARNERS[kind][0].load(path, env_of(kind))
    with pytest.raises(ValueError, match="no folder that save"):
        learner(kind).set_parameters(path)
    with pytest.raises(ValueError, match="no folder that save"):
        LEARNERS[kind][0].load(tmp_path / "model", env_of(kind))
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["ppo", "ddqn"])
@pytest.mark.parametrize("name", [ARRAYS, VALUES, MANIFEST])
def test_a_pickle_in_the_place_of_a_file_never_runs(tmp_path, name, kind):
    folder, marker = tmp_path / "model", tmp_path / "it ran"
    learner(kind).save(folder)
    (folder / name).write_bytes(pickled(marker))
    if name != MANIFEST:
        manifest = json.loads((folder / MANIFEST).read_text())
        manifest["sha256"][name] = sha256(folder / name)
        (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(DamagedError):
        LEARNERS[kind][0].load(folder, env_of(kind))
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["ddqn", "qrdqn", "sac"])
def test_replays_are_never_unpickled(tmp_path, kind):
    marker, path = tmp_path / "it ran", tmp_path / "replay.pkl"
    path.write_bytes(pickled(marker))
    model = learner(kind)
    with pytest.raises(NotImplementedError, match="not loaded"):
        model.load_replay_buffer(path)
    with pytest.raises(NotImplementedError, match="not pickled"):
        model.save_replay_buffer(path)
    assert not marker.exists()


def test_the_zip_that_stable_baselines_itself_writes_is_refused(tmp_path):
    plain = DQN("MultiInputPolicy", many(Corridor, 1), buffer_size=10)
    plain.save(tmp_path / "plain.zip")
    with pytest.raises(ValueError, match="unpickled"):
        DoubleDQN.load(tmp_path / "plain.zip", env_of("ddqn"))
