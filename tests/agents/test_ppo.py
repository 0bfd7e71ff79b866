"""PPO over decisions: what cut matches and their dead are worth, what callbacks are told, and what is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import StopTrainingOnMaxEpisodes
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from agents.learners.memory_ppo import MemoryPPO
from agents.learners.ppo import LEAST_SCALE, MaskedPPO
from mlmonster_env.envs.sb3 import ArenaVecEnv
from mlmonster_env.envs.shards import ShardedVecEnv
from tests.agents.toys import Hears, Timed, arguments_of

FEW: dict[str, Any] = {"n_steps": 8, "batch_size": 32, "n_epochs": 2}
SMALL = {"core_width": 16, "core_heads": 2, "span": 4}
LEARNERS: dict[str, tuple[type[MaskedPPO], dict[str, Any]]] = {
    "ppo": (MaskedPPO, {}), "lstm": (MemoryPPO, {**SMALL, "core": "lstm"}),
    "transformer": (MemoryPPO, {**SMALL, "core": "transformer"}),
}  # fmt: skip
ALL = pytest.mark.parametrize("kind", LEARNERS)


def learner(kind: str = "ppo", env: Any = None, **more: Any) -> MaskedPPO:
    made, core = LEARNERS[kind]
    return made(
        "MultiInputPolicy", Timed() if env is None else env, seed=0, device="cpu",
        policy_kwargs={**arguments_of("ppo"), **core}, **{**FEW, **more},
    )  # fmt: skip


def weights(model: Any) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in model.policy.parameters()])


def rollout_of(model: MaskedPPO) -> Any:
    """The next rollout, before anything is learnt from it."""
    _, callback = model._setup_learn(10_000, None, not model.num_timesteps)
    assert model.env is not None
    model.collect_rollouts(model.env, callback, None, model.n_steps)
    assert model.rollout is not None
    return model.rollout


@ALL
@pytest.mark.parametrize("pay", [0.0, 1e-4, 100.0])
def test_what_a_cut_match_would_have_brought_is_in_the_scale_of_the_values(kind, pay):
    rollout = rollout_of(learner(kind, Timed(16, length=3, pay=pay), n_steps=12))
    assert rollout.values.abs().max() < 2.0
    assert rollout.returns.abs().max() < 6.0


@ALL
def test_what_is_beyond_is_not_scaled_with_what_is_paid(kind):
    """Of matches of one moment the return is the pay, scaled, and the value of what was seen last."""
    told = []
    for normalized, paid in ((False, 1e-5), (True, 1e-5 / LEAST_SCALE)):  # returns that are all alike vary least
        model = learner(kind, Timed(6, length=1, pay=1e-5), normalize_returns=normalized, gamma=1.0, gae_lambda=1.0)
        told.append(rollout_of(model).returns - paid)
    torch.testing.assert_close(told[0], told[1], rtol=0, atol=1e-5)
    assert told[0].std() > 1e-4


@pytest.mark.parametrize("members", [2, 3])
def test_the_dead_of_a_cut_match_are_worth_the_mean_of_their_living_allies(members):
    env = Timed(3, members, length=3, deaths=True)
    model = learner("ppo", env, n_steps=3, normalize_returns=False, gamma=1.0, gae_lambda=1.0)
    seen: list[dict[str, np.ndarray]] = []
    look: Callable[[], Any] = env._look

    def noted() -> Any:
        seen.append(look())
        return seen[-1]

    env._look = noted  # type: ignore[method-assign]
    rollout = rollout_of(model)
    last = {name: torch.from_numpy(block).float() for name, block in seen[3].items()}
    with torch.no_grad():
        worth = model.policy.logits_and_values(last)[1].reshape(3, members)
    living = worth[:, :-1].mean(1)
    at_first = rollout.returns[: 3 * members].reshape(3, members)  # all have a choice in the first moment alone
    torch.testing.assert_close(at_first[:, -1], living)
    torch.testing.assert_close(at_first[:, :-1], worth[:, :-1])
    assert (living - worth[:, -1]).abs().max() > 1e-3


@ALL
def test_time_may_end_a_match_like_any_other(kind):
    env = Timed(4, 2, length=2, pay=1.0, deaths=True)
    model = learner(kind, env, normalize_returns=False, gamma=1.0, gae_lambda=1.0, bootstrap_truncated=False)
    assert set(rollout_of(model).returns.round(decimals=4).tolist()) == {1.0, 2.0}


@ALL
def test_callbacks_hear_of_every_step_what_came_of_it(kind):
    model = learner(kind, Timed(3, length=4, pay=2.0))
    hears = Hears()
    model.learn(3 * 8, callback=hears)
    assert len(hears.heard) == 8
    for number, (dones, rewards, infos) in enumerate(hears.heard, 1):
        over = number % 4 == 0
        assert dones.tolist() == [over] * 3 and rewards.tolist() == [2.0] * 3
        assert ["terminal_observation" in info for info in infos] == [over] * 3


@ALL
def test_whoever_counts_matches_can_stop_it(kind):
    model = learner(kind, Timed(4, length=3))
    model.learn(4 * 1000, callback=StopTrainingOnMaxEpisodes(5))
    assert model.num_timesteps == 4 * 15


@ALL
def test_what_matches_paid_is_told_under_a_monitor(kind):
    model = learner(kind, VecMonitor(Timed(4, length=3, pay=0.5)), n_steps=9)
    logger = Logger(None, [])
    model.set_logger(logger)
    told: list[dict[str, Any]] = []
    logger.dump = lambda step=0: told.append(dict(logger.name_to_value))  # type: ignore[method-assign]
    model.learn(4 * 18)
    assert [row["rollout/ep_rew_mean"] for row in told] == [1.5, 1.5]
    assert model.ep_info_buffer is not None and len(model.ep_info_buffer) == 24


def shards(pack: bool = False) -> ShardedVecEnv:
    return ShardedVecEnv([ArenaVecEnv("combat", 2, archetype="mage", pack=pack, seed=seed) for seed in (0, 100)])


@pytest.mark.parametrize("made", [MaskedPPO, MemoryPPO])
def test_a_wrapper_around_shards_sees_every_step(made):
    env: Any = VecNormalize(VecMonitor(shards()))
    model = made("MlpPolicy", env, n_steps=16, batch_size=32, n_epochs=1, seed=0, device="cpu")
    model.learn(4 * 32)
    assert env.ret_rms.count == pytest.approx(4 * 32, abs=1)
    assert env.obs_rms.count == pytest.approx(4 * 33, abs=1)


def test_shards_that_nothing_wraps_are_played_each_by_a_thread():
    assert MaskedPPO("MlpPolicy", shards(), n_steps=8, device="cpu").crew.workers == 2


@pytest.mark.parametrize("made", [MaskedPPO, MemoryPPO])
def test_an_environment_of_other_shards_is_refused(made):
    own = shards()
    model = made("MlpPolicy", own, n_steps=8, batch_size=16, n_epochs=1, seed=0, device="cpu")
    model.learn(4 * 8)
    with pytest.raises(ValueError, match=r"the environment's shards are of \[4\] slots, expected \[2, 2\]"):
        model.set_env(ArenaVecEnv("combat", 4, archetype="mage", pack=False, seed=0))
    assert model.env is own
    model.set_env(shards())
    model.learn(4 * 8, reset_num_timesteps=False)
    assert model.num_timesteps == 2 * 4 * 8


@ALL
@pytest.mark.parametrize(("name", "value"), [("rollout_buffer_class", dict), ("rollout_buffer_kwargs", {"size": 3})])
def test_arguments_that_would_do_nothing_are_refused(kind, name, value):
    with pytest.raises(ValueError, match=rf"^{name} is .*expected None"):
        learner(kind, **{name: value})
    assert learner(kind, **{name: None}).rollout is None


@ALL
def test_values_are_held_near_those_that_were_told_while_playing(kind):
    told = {}
    for most in (None, 1e3, 1e-6):
        model = learner(kind, Timed(pay=1.0), clip_range_vf=most)
        model.learn(4 * 8)
        told[most] = weights(model)
    torch.testing.assert_close(told[None], told[1e3], rtol=0, atol=1e-5)
    assert (told[None] - told[1e-6]).abs().max() > 1e-4


def test_a_value_that_is_far_enough_is_pushed_no_further():
    model = learner(clip_range_vf=0.1)
    values = torch.tensor([0.5, 1.05, 2.0], requires_grad=True)
    near = model._near(values, torch.ones(3))
    near.sum().backward()
    torch.testing.assert_close(near, torch.tensor([0.9, 1.05, 1.1]))
    assert values.grad is not None and values.grad.tolist() == [0.0, 1.0, 0.0]
