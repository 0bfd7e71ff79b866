"""The speed of PPO over an LSTM: beside sb3-contrib's, beside bare LSTMs, and where its time goes."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from rich.console import Console
from rich.table import Table
from sb3_contrib import RecurrentPPO
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn
from torch import nn

from agents.learners.memory_ppo import MemoryPPO
from agents.learners.sequences import Sequences
from mlmonster_env.contract import CONTROLS, STATE_SIZE
from scripts.bench_train import BACKWARD, FORWARD, OPTIMIZER, REST, gain, in_turns, timed
from scripts.tasks import Array, Batch

ROUNDS = 3
WANTED = 3.0  # times sb3-contrib's samples a second
OURS, THEIRS = "MemoryPPO", "RecurrentPPO"
ROLLOUT = "rollout"
REPEATS = 5


@dataclass(frozen=True)
class Setting:
    """What both learners have in common."""

    slots: int = 64
    steps: int = 128
    batch: int = 1024
    epochs: int = 10
    width: int = 256
    between_resets: int = 120  # steps, on average

    @property
    def samples(self) -> int:
        """Of a rollout."""
        return self.slots * self.steps


SETTING = Setting()


class Noise(Batch):
    """States and pay that mean nothing, in episodes that may end at any moment."""

    def __init__(self, setting: Setting, seed: int = 0) -> None:
        self.ends = 1 / setting.between_resets
        seen = spaces.Box(0.0, 1.0, (STATE_SIZE,), np.float32)
        super().__init__(setting.slots, seen, spaces.Discrete(CONTROLS["combat"]), seed)

    def reset(self) -> Array:
        """Any states."""
        return self.random.random((self.num_envs, STATE_SIZE), np.float32)

    def step_wait(self) -> VecEnvStepReturn:
        """Any states, and what they pay."""
        seen = self.reset()
        ended = self.random.random(self.num_envs) < self.ends
        return seen, self.random.random(self.num_envs, np.float32), ended, self._infos(ended, seen)


def ours(setting: Setting, **more: Any) -> MemoryPPO:
    """Our learner: an LSTM and a head of two layers each for actor and critic; gradients reach as far as theirs."""
    core = {"core": "lstm", "core_width": setting.width, "net_arch": [64, 64], "activation_fn": nn.Tanh}
    named = {**common(setting), "sequence": setting.steps, **more}
    return MemoryPPO("MlpPolicy", Noise(setting), policy_kwargs=core, **named)


def theirs(setting: Setting) -> RecurrentPPO:
    """sb3-contrib's, as it is."""
    return RecurrentPPO(
        "MlpLstmPolicy", Noise(setting), policy_kwargs={"lstm_hidden_size": setting.width}, **common(setting)
    )


def common(setting: Setting) -> dict[str, Any]:
    return {
        "n_steps": setting.steps, "batch_size": setting.batch, "n_epochs": setting.epochs, "learning_rate": 3e-4,
        "seed": 0, "device": "cpu",
    }  # fmt: skip


def learning(model: Any, setting: Setting) -> Callable[[], int]:
    """A rollout and its updates."""

    def run() -> int:
        model.learn(setting.samples, reset_num_timesteps=False)
        return setting.samples

    return run


@dataclass(frozen=True)
class Bound:
    """Seconds for a whole rollout as one minibatch, each the least of several."""

    bare: float  # two `nn.LSTM`, forward and backward, as many rows of the same length, no resets
    cores: float  # our two cores over the same, with the resets of the rollout
    update: float  # a whole update: that and the heads, the loss, clipping and the optimizer's step


def bound(setting: Setting, repeats: int) -> Bound:
    """How near an update at full batch comes to what torch's own LSTM takes."""
    model = ours(setting, batch_size=setting.samples, n_epochs=1)
    model.learn(setting.samples, reset_num_timesteps=False)
    rollout = model.rollout
    assert isinstance(rollout, Sequences)
    seen, starts = rollout.observations["state"], rollout.starts
    actor, critic = model.policy.actor_core, model.policy.critic_core
    assert critic is not None
    memories = rollout.memories.split(actor.size, 1)
    plain = [nn.LSTM(STATE_SIZE, setting.width) for _ in range(2)]
    turned = seen.transpose(0, 1).contiguous()

    def bare() -> None:
        torch.stack([lstm(turned)[0].sum() for lstm in plain]).sum().backward()

    def cores() -> None:
        told = [core.unroll(seen, held, starts).sum() for core, held in zip((actor, critic), memories, strict=True)]
        torch.stack(told).sum().backward()

    def update() -> None:
        model._update(rollout, clip=0.2)

    seconds: dict[str, list[float]] = {"bare": [], "cores": [], "update": []}
    for number in range(repeats + 1):
        for name, work in (("bare", bare), ("cores", cores), ("update", update)):
            start = perf_counter()
            work()
            if number:  # the first warms up
                seconds[name].append(perf_counter() - start)
        for module in (*plain, model.policy):
            module.zero_grad(set_to_none=True)
    return Bound(**{name: min(taken) for name, taken in seconds.items()})


def time_shares(setting: Setting) -> dict[str, float]:
    """What part of our learner's time goes where, at the setting's minibatch."""
    model = ours(setting)
    run = learning(model, setting)
    run()
    watched = [
        (model, "collect_rollouts", ROLLOUT),
        (model.policy, "unroll", FORWARD),
        (torch.Tensor, "backward", BACKWARD),
        (model.policy.optimizer, "step", OPTIMIZER),
    ]
    with timed(watched) as seconds:
        start = perf_counter()
        run()
        whole = perf_counter() - start
    shares = {name: seconds[name] / whole for _, _, name in watched}
    return {**shares, REST: 1 - sum(shares.values())}


def main() -> int:
    """Print what is measured; 1 if ours is not as fast as it is to be."""
    torch.set_num_threads(1)
    console = Console(width=120)
    setting = SETTING
    taken = in_turns({OURS: learning(ours(setting), setting), THEIRS: learning(theirs(setting), setting)}, ROUNDS)
    ratio = gain(taken, OURS, THEIRS)
    speeds = Table("", "samples/s", title=f"rollout and updates, medians of {ROUNDS}")
    for name, measured in taken.items():
        speeds.add_row(name, f"{median(measured):,.0f}")
    console.print(f"{setting}, one thread")
    console.print(speeds)
    console.print(bound_table(bound(setting, REPEATS)))
    shares = Table(*(shown := time_shares(setting)), title="where our time goes")
    shares.add_row(*(f"{share:.0%}" for share in shown.values()))
    console.print(shares)
    console.print(f"samples/s of {OURS} over {THEIRS}: {ratio:.2f} (wanted: {WANTED:g})")
    return 0 if ratio >= WANTED else 1


def bound_table(found: Bound) -> Table:
    """The share of an update that bare LSTMs would take."""
    made = Table(
        "forward and backward, actor's and critic's", "ms", "bare over it", title="the rollout as one minibatch"
    )
    for name, seconds in (
        ("bare nn.LSTM, no resets", found.bare),
        ("our cores, resets and carried memories", found.cores),
        ("our whole update: cores, heads, loss, optimizer", found.update),
    ):
        made.add_row(name, f"{1000 * seconds:,.0f}", f"{found.bare / seconds:.0%}")
    return made
