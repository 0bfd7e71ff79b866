"""Learners from replay: what a reset, a stop and a cut match leave in the replay, what they are told, and refuse."""

from collections import deque
from time import sleep
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback, StopTrainingOnMaxEpisodes
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.type_aliases import TrainFreq, TrainFrequencyUnit
from stable_baselines3.common.vec_env import VecMonitor

from agents.learners.dqn import DoubleDQN
from agents.learners.replay import NOBODY
from agents.learners.sac import ReplayingSAC
from policies.normalize import RunningScale
from tests.agents.toys import Corridor, Hears, Pointing, Timed, arguments_of, many

FEW: dict[str, Any] = {"buffer_size": 500, "learning_starts": 8, "batch_size": 8, "train_freq": (1, "step")}
OVERLAP = pytest.mark.parametrize("overlap", [False, True], ids=["in turn", "overlap"])


def learner(env: Any = None, **more: Any) -> DoubleDQN:
    return DoubleDQN(
        "MultiInputPolicy", many(Corridor, 4) if env is None else env, seed=0, device="cpu",
        policy_kwargs=arguments_of("ddqn"), **{**FEW, **more},
    )  # fmt: skip


def pointer(**more: Any) -> ReplayingSAC:
    arguments = {**arguments_of("sac"), "share_features_extractor": False}
    return ReplayingSAC(
        "MultiInputPolicy", many(Pointing, 2), seed=0, device="cpu", policy_kwargs=arguments, **{**FEW, **more}
    )


def weights(model: Any) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in model.policy.parameters()])


class Looks(BaseCallback):
    """What is seen, and how many decisions are open, as a learner begins to play."""

    def _on_training_start(self) -> None:
        self.seen: dict[str, np.ndarray] = {}

    def _on_rollout_start(self) -> None:
        if not self.seen:
            model: Any = self.model
            self.seen = {name: block.copy() for name, block in model._seen.items()}
            self.shown = {name: block.copy() for name, block in model.env.shown.items()}
            self.open = int((model.replay_buffer._open != NOBODY).sum())

    def _on_step(self) -> bool:
        return True


@OVERLAP
def test_who_learns_anew_acts_on_what_the_reset_shows(overlap):
    model = learner(Timed(8, length=50), decisions_ahead=3, overlap=overlap)
    model.learn(8 * 20)
    model.settle()
    assert (model.replay_buffer._open != NOBODY).any()
    looks = Looks()
    model.learn(8 * 20, callback=looks)
    assert all(np.array_equal(looks.seen[name], block) for name, block in looks.shown.items())
    assert looks.open == 0


@OVERLAP
def test_what_a_reset_broke_off_is_paid_nothing_that_came_after_it(overlap):
    env = Timed(4, length=50)
    model = learner(env, decisions_ahead=3, overlap=overlap, learning_starts=1000)
    model.learn(4 * 10)
    before = model.replay_buffer.written
    env.pay = 1.0
    model.learn(4 * 10)
    drawn = np.flatnonzero(model.replay_buffer.tree.weights)
    old = drawn[drawn < before]
    assert len(old) and len(old) < len(drawn)
    assert (model.replay_buffer.rewards[old] == 0.0).all() and (model.replay_buffer.next_rows[old] < before).all()


@OVERLAP
def test_who_learns_anew_does_nothing_illegal(overlap):
    model = learner(many(Corridor, 8), overlap=overlap, learning_starts=80)
    for _ in range(3):
        model.learn(8 * 20)
    assert model.env is not None and sum(env.unwrapped.illegal for env in model.env.envs) == 0  # type: ignore[attr-defined]


class Slow(Timed):
    """The same world, each step of which takes a while."""

    def step_wait(self) -> Any:
        sleep(0.004)
        return super().step_wait()


def test_learning_twice_in_two_threads_is_the_same_whoever_is_faster():
    told = []
    for env in (Timed(8, pay=1.0), Slow(8, pay=1.0)):
        model = learner(env, overlap=True, train_freq=(4, "step"))
        for _ in range(2):
            model.learn(8 * 16)
        told.append(weights(model))
    assert torch.equal(told[0], told[1])


class StopsAt(BaseCallback):
    def __init__(self, calls: int) -> None:
        super().__init__()
        self.calls = calls

    def _on_step(self) -> bool:
        return self.n_calls < self.calls


@OVERLAP
def test_who_stops_keeps_what_was_played(overlap):
    env = Timed(4)
    model = learner(env, overlap=overlap, train_freq=(8, "step"), bootstrap_truncated=False)
    model.learn(4 * 100, callback=StopsAt(3))
    ahead = len(model.settle())
    assert env.steps == 8 + ahead and ahead == (8 if overlap else 0)
    assert model.num_timesteps == model.replay_buffer.written == 4 * 8
    model.learn(4 * 8, reset_num_timesteps=False)
    assert model.replay_buffer.written == 4 * 16


def test_what_the_dead_of_a_cut_match_see_is_no_ground_for_a_worth():
    model = learner(Timed(3, 2, deaths=True), learning_starts=10_000)
    model.learn(6 * 9)
    kept = model.replay_buffer
    rows = np.flatnonzero(kept.tree.weights)
    ended = kept.dones[rows] == 1.0
    assert kept.blocks["state"][: kept.written].any(1).all()
    assert ended.sum() == 9  # in three matches of each of three packs a monster died
    assert (kept.discounts[rows[ended]] == 0.0).all() and (kept.discounts[rows[~ended]] > 0.0).all()


def test_scales_go_on_seeing_until_they_have_seen_enough():
    slots = 2000
    model = learner(Timed(slots), learning_starts=0, buffer_size=40_000)
    scale = next(module for module in model.q_net.modules() if isinstance(module, RunningScale))
    target = next(module for module in model.q_net_target.modules() if isinstance(module, RunningScale))
    counts = []
    for _ in range(12):
        model.learn(slots, reset_num_timesteps=False)
        counts.append(float(scale.count))
    assert counts == [min(number, 10) * slots for number in range(1, 13)]
    assert torch.equal(scale.mean, target.mean) and torch.equal(scale.variance, target.variance)


def test_scales_see_all_that_comes_before_learning():
    model = learner(Timed(2000), learning_starts=23_000, buffer_size=60_000)
    scale = next(module for module in model.q_net.modules() if isinstance(module, RunningScale))
    model.learn(30_000)
    assert float(scale.count) == 24_000


REFUSED: dict[str, Any] = {
    "n_steps": 5, "replay_buffer_class": deque, "replay_buffer_kwargs": {"size": 3}, "optimize_memory_usage": True,
    "train_freq": (2, "episode"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("made", [learner, pointer])
def test_arguments_that_would_do_nothing_are_refused(made, name):
    with pytest.raises(ValueError, match=rf"^{name} is .*expected"):
        made(**{name: REFUSED[name]})


def test_what_is_drawn_is_the_learners_own():
    with pytest.raises(ValueError, match=r"^action_noise is .*expected None"):
        pointer(action_noise=NormalActionNoise(np.zeros(4), np.ones(4)))
    with pytest.raises(ValueError, match=r"^use_sde is True, expected False"):
        pointer(use_sde=True)


def test_arguments_that_say_what_holds_anyway_are_taken():
    assert learner(n_steps=1, replay_buffer_class=None, optimize_memory_usage=False, train_freq=2).decisions_ahead == 1
    assert pointer(action_noise=None, use_sde=False).priority == 0.0


@pytest.mark.parametrize("given", [3, (3, "step"), TrainFreq(3, TrainFrequencyUnit.STEP)])
def test_a_number_of_steps_may_be_said_in_every_way(given):
    model: Any = learner(train_freq=given)
    assert model.train_freq == TrainFreq(3, TrainFrequencyUnit.STEP)


def test_what_a_learner_explores_is_still_told_when_matches_have_ended():
    """Whoever reads the logger at the beginning of the next rollout, as runs do."""
    model: Any = learner(Timed(4, length=1))
    told = []

    class Reads(BaseCallback):
        def _on_rollout_start(self) -> None:
            told.append("rollout/exploration_rate" in self.logger.name_to_value)

        def _on_step(self) -> bool:
            return True

    model.learn(4 * 5, callback=Reads(), log_interval=None)
    assert told[1:] == [True] * 4


def test_as_many_steps_of_the_optimizer_as_were_played():
    model = learner(Timed(4), train_freq=(3, "step"), gradient_steps=-1)
    model.learn(4 * 3 * 5)
    assert model._n_updates == 4 * 3 * 5


@OVERLAP
def test_callbacks_hear_of_every_step_what_came_of_it(overlap):
    model = learner(Timed(3, pay=2.0, length=4), overlap=overlap, train_freq=(4, "step"))
    hears = Hears()
    model.learn(3 * 8, callback=hears)
    assert len(hears.heard) == 8
    for number, (dones, rewards, infos) in enumerate(hears.heard, 1):
        over = number % 4 == 0
        assert dones.tolist() == [over] * 3 and rewards.tolist() == [2.0] * 3
        assert ["terminal_observation" in info for info in infos] == [over] * 3


def test_whoever_counts_matches_can_stop_it():
    model = learner(Timed(4, length=3))
    model.learn(4 * 1000, callback=StopTrainingOnMaxEpisodes(5))
    assert model.num_timesteps == 4 * 15


class Lines(KVWriter):
    """What was logged, a mapping for each time."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def write(self, key_values: dict[str, Any], key_excluded: Any, step: int = 0) -> None:
        self.told.append(dict(key_values))

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("every", [4, 8])
def test_it_logs_whenever_so_many_matches_are_over(every):
    model = learner(VecMonitor(Timed(4, length=3, pay=0.5)))
    lines = Lines()
    model.set_logger(Logger(None, [lines]))
    model.learn(4 * 24, log_interval=every)
    assert len(lines.told) == 32 // every
    assert [row["time/episodes"] for row in lines.told] == list(range(every, 33, every))
    assert all(row["rollout/ep_rew_mean"] == 1.5 and row["rollout/ep_len_mean"] == 3.0 for row in lines.told)
