"""Small worlds with a known best play, for learners to be tried on."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv
from torch import nn

from mlmonster_env.envs.shards import stacked
from policies.extractors import JointExtractor
from policies.masks import MASK
from policies.sizes import TINY
from scripts.tasks import CUES, Batch, CueTask

ACTIONS = 4
PLACES = 4
FORCED = 1  # a place where there is but one legal action
KEYS = 3
STATE = spaces.Box(0.0, 1.0, (64,), np.float32)


class Corridor(gym.Env[Any, Any]):
    """A row of places, through which the right action leads; after the last one 1 is paid, a wrong action ends it all.

    Which action is right is told by the place and a key that is drawn anew for each episode. Another action would pay
    100 at once, but is forbidden; `illegal` counts how often it was taken all the same.
    """

    def __init__(self) -> None:
        self.observation_space = spaces.Dict({"state": STATE, MASK: spaces.MultiBinary(ACTIONS)})
        self.action_space = spaces.Discrete(ACTIONS)
        self.illegal = 0

    def right(self) -> int:
        return (2 * self.place + self.key) % ACTIONS

    def tempting(self) -> int:
        return (self.right() + 1 + self.key) % ACTIONS

    def mask(self) -> np.ndarray:
        legal = np.ones(ACTIONS, np.int8)
        legal[self.tempting()] = 0
        if self.place == FORCED:
            legal[:] = 0
            legal[self.right()] = 1
        return legal

    def seen(self) -> dict[str, np.ndarray]:
        state = np.zeros(64, np.float32)
        state[self.place] = state[10 + self.key] = 1.0
        return {"state": state, MASK: self.mask()}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place = 0
        self.key = int(self.np_random.integers(KEYS))
        return self.seen(), {}

    def step(self, action: Any) -> Any:
        if not self.mask()[action]:
            self.illegal += 1
            return self.seen(), 100.0, True, False, {}
        if action != self.right():
            return self.seen(), 0.0, True, False, {}
        self.place += 1
        if self.place < PLACES:
            return self.seen(), 0.0, False, False, {}
        self.place = 0
        return self.seen(), 1.0, True, False, {}


class Pointing(gym.Env[Any, Any]):
    """Four numbers are to be brought to where four others are told; what is paid is minus the squared distance."""

    def __init__(self, steps: int = 4) -> None:
        self.observation_space = spaces.Dict({"state": STATE})
        self.action_space = spaces.Box(-1.0, 1.0, (4,), np.float32)
        self.steps = steps

    def seen(self) -> dict[str, np.ndarray]:
        state = np.zeros(64, np.float32)
        state[:4] = self.np_random.random(4)
        self.told = state[:4] * 1.6 - 0.8
        return {"state": state}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.left = self.steps
        return self.seen(), {}

    def step(self, action: Any) -> Any:
        paid = -float(((action - self.told) ** 2).sum())
        self.left -= 1
        return self.seen(), paid, self.left == 0, False, {}


class Flat(gym.Wrapper[Any, Any, Any, Any]):
    """The same world, its state alone and bare."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.observation_space = STATE

    def reset(self, **named: Any) -> Any:
        seen, info = self.env.reset(**named)
        return seen["state"], info

    def step(self, action: Any) -> Any:
        seen, *rest = self.env.step(action)
        return seen["state"], *rest


def many(made: Any, count: int = 16) -> DummyVecEnv:
    return DummyVecEnv([made] * count)


def arguments_of(kind: str) -> dict[str, Any]:
    """What the policy of a learner is made with: tiny, and new each time, for learners write into it."""
    made: dict[str, Any] = {"features_extractor_class": JointExtractor, "features_extractor_kwargs": {"widths": TINY}}
    if kind == "ppo":
        return {**made, "net_arch": {"pi": [32], "vf": [32]}, "activation_fn": nn.ReLU}
    if kind == "qrdqn":
        return {**made, "net_arch": [32], "n_quantiles": 8}
    return {**made, "net_arch": [32]}


class MaskedCue(CueTask):
    """The cue task in a state of 64 numbers, with a mask: half of the moments leave no choice, the question rules out
    one wrong answer. `illegal` counts what was done all the same."""

    def __init__(self, count: int = 16, gap: tuple[int, int] = (2, 5), seed: int = 0) -> None:
        super().__init__(count, gap, seed)
        self.observation_space = spaces.Dict({"state": STATE, MASK: spaces.MultiBinary(CUES)})
        self.illegal = 0
        self.mask = np.ones((count, CUES), np.int8)

    def reset(self) -> Any:
        return self.shown(super().reset())

    def step_wait(self) -> Any:
        self.illegal += int((self.mask[np.arange(self.num_envs), self._actions] == 0).sum())
        told: Any = super().step_wait()
        seen, paid, ended, infos = told
        shown = self.shown(seen)
        for slot in np.flatnonzero(ended).tolist():
            infos[slot]["terminal_observation"] = {name: block[slot] for name, block in shown.items()}
        return shown, paid, ended, infos

    def shown(self, seen: np.ndarray) -> dict[str, np.ndarray]:
        state = np.zeros((self.num_envs, 64), np.float32)
        state[:, : seen.shape[1]] = seen
        asked = self._past == self._until
        self.mask = np.ones((self.num_envs, CUES), np.int8)
        self.mask[~asked & (self._past % 2 == 1), 1:] = 0
        wrong = self._cue + self.random.integers(1, CUES, self.num_envs)
        self.mask[asked, wrong[asked] % CUES] = 0
        return {"state": state, MASK: self.mask}


class Shards(Batch):
    """Several batches as one, each to be played by a thread of its own."""

    def __init__(self, shards: list[Any]) -> None:
        self.shards = shards
        first = shards[0]
        super().__init__(sum(shard.num_envs for shard in shards), first.observation_space, first.action_space)

    def seed(self, seed: int | None = None) -> list[int | None]:
        for number, shard in enumerate(self.shards):
            shard.seed(None if seed is None else seed + number)
        return [seed] * self.num_envs

    def reset(self) -> Any:
        return stacked([shard.reset() for shard in self.shards])

    def step_wait(self) -> Any:
        raise NotImplementedError("shards are stepped each by itself")

    def state(self) -> Any:
        return {str(number): shard.state() for number, shard in enumerate(self.shards)}

    def set_state(self, state: Any) -> None:
        for number, shard in enumerate(self.shards):
            shard.set_state(state[str(number)])


class Timed(Batch):
    """Packs whose matches time cuts off after `length` moments; each moment pays `pay`, and no two show the same.

    With `deaths` the last of each pack dies of its first decision: it sees zeros, and has no choice. `steps` counts.
    """

    def __init__(
        self, matches: int = 4, members: int = 1, *, length: int = 3, pay: float = 0.0, deaths: bool = False,
        seed: int = 0,
    ) -> None:  # fmt: skip
        seen = spaces.Dict({"state": STATE, MASK: spaces.MultiBinary(ACTIONS)})
        super().__init__(matches * members, seen, spaces.Discrete(ACTIONS), seed)
        self.slots_a_match = members
        self.length, self.pay, self.deaths = length, pay, deaths
        self.steps = 0
        self.alive = np.ones(self.num_envs, np.bool_)

    def reset(self) -> Any:
        self._past = 0
        self.alive[:] = True
        return self._look()

    def step_wait(self) -> Any:
        self.steps += 1
        self._past += 1
        if self.deaths:
            self.alive[self.slots_a_match - 1 :: self.slots_a_match] = False
        infos: list[dict[str, Any]] = [{"alive": alive} for alive in self.alive.tolist()]
        over = self._past == self.length
        seen = self._look()
        if over:
            for slot, info in enumerate(infos):
                info["terminal_observation"] = {name: block[slot] for name, block in seen.items()}
                info["TimeLimit.truncated"] = True
            seen = self.reset()
        return seen, np.full(self.num_envs, self.pay, np.float32), np.full(self.num_envs, over), infos

    def _look(self) -> dict[str, np.ndarray]:
        state = self.random.random((self.num_envs, 64), np.float32) * self.alive[:, None]
        mask = np.ones((self.num_envs, ACTIONS), np.int8)
        mask[~self.alive, 1:] = 0
        self.shown: dict[str, np.ndarray] = {"state": state, MASK: mask}
        return self.shown


class Hears(BaseCallback):
    """What a learner tells its callbacks of each step."""

    def _on_training_start(self) -> None:
        self.heard: list[tuple[np.ndarray, np.ndarray, list[dict[str, Any]]]] = []

    def _on_step(self) -> bool:
        self.heard.append(tuple(self.locals[name] for name in ("dones", "rewards", "infos")))
        return True
