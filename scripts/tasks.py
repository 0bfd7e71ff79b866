"""Small worlds that only memory can solve: a cue is shown once, other signs follow, and the cue is asked for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

Array = np.ndarray[Any, np.dtype[Any]]
CUES = 4
SEGMENTS = 4  # of a learner's, that lie between a cue and its question in the recall task


class Batch(VecEnv):
    """What `VecEnv` asks of any world that is one batch of arrays."""

    render_mode = None

    def __init__(self, count: int, seen: spaces.Space[Any], done: spaces.Space[Any], seed: int = 0) -> None:
        if count < 1:
            raise ValueError(f"count is {count}, expected at least 1 episode side by side")
        self.random = np.random.default_rng(seed)
        self._actions: Array = np.zeros(count, np.int64)
        super().__init__(count, seen, done)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Draw all that follows from a seed."""
        self.random = np.random.default_rng(seed)
        return [seed] * self.num_envs

    def step_async(self, actions: Array) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = np.asarray(actions)

    def close(self) -> None:
        """Nothing is open."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute, once for each episode."""
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of all."""
        setattr(self, attr_name, value)

    def env_method(self, method_name: str, *given: Any, indices: VecEnvIndices = None, **named: Any) -> list[Any]:
        """Call a method, once for each episode."""
        return [getattr(self, method_name)(*given, **named) for _ in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type[Any], indices: VecEnvIndices = None) -> list[bool]:
        """Nothing is wrapped by anything."""
        return [False for _ in self._get_indices(indices)]

    def _infos(self, ended: Array, last: Array) -> list[dict[str, Any]]:
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for slot in np.flatnonzero(ended).tolist():
            infos[slot]["terminal_observation"] = last[slot]
        return infos


class CueTask(Batch):
    """Episodes begin with a cue, one of `CUES` signs; `gap` (least, most) moments later it is asked for.

    Every moment shows a sign; a mark tells the cue from those that only distract, another asks. The answer, an action,
    is paid 1 if it is right and ends the episode; nothing else matters. Who forgets is right once in `CUES` times.
    `answered` and `right` count since `share_right` was last asked.
    """

    def __init__(self, count: int, gap: tuple[int, int] = (10, 20), seed: int = 0) -> None:
        least, most = gap
        if not 1 <= least <= most:
            raise ValueError(f"gap is {gap}, expected (least, most) moments, 1 <= least <= most")
        self.gap = gap
        self.answered = self.right = 0
        super().__init__(count, spaces.Box(0.0, 1.0, (CUES + 2,), np.float32), spaces.Discrete(CUES), seed)
        self._past, self._until, self._cue = (np.zeros(count, np.int64) for _ in range(3))

    def reset(self) -> Array:
        """Begin all episodes."""
        self._begin(np.ones(self.num_envs, np.bool_))
        return self._seen()

    def step_wait(self) -> VecEnvStepReturn:
        """One moment of all episodes."""
        asked = self._past == self._until
        right = asked & (self._actions == self._cue)
        self.answered += int(asked.sum())
        self.right += int(right.sum())
        self._past += 1
        self._begin(asked)
        seen = self._seen()
        return seen, right.astype(np.float32), asked, self._infos(asked, np.zeros_like(seen))

    def state(self) -> dict[str, Any]:
        """All that `set_state` needs to go on from here."""
        return {
            "past": self._past, "until": self._until, "cue": self._cue, "random": self.random.bit_generator.state,
        }  # fmt: skip

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told of a task made alike."""
        self._past, self._until, self._cue = (np.array(state[name]) for name in ("past", "until", "cue"))
        self.random.bit_generator.state = state["random"]

    def share_right(self) -> float:
        """Of all answers since this was last asked, how many were right; not a number where there was none."""
        answered, right = self.answered, self.right
        self.answered = self.right = 0
        return right / answered if answered else float("nan")

    def _begin(self, which: Array) -> None:
        count = int(which.sum())
        self._past[which] = 0
        self._until[which] = self.random.integers(self.gap[0], self.gap[1], count, endpoint=True)
        self._cue[which] = self.random.integers(CUES, size=count)

    def _seen(self) -> Array:
        first = self._past == 0
        signs = np.where(first, self._cue, self.random.integers(CUES, size=self.num_envs))
        seen = np.zeros((self.num_envs, CUES + 2), np.float32)
        seen[np.arange(self.num_envs), signs] = 1.0
        seen[:, CUES] = first
        seen[:, CUES + 1] = self._past == self._until
        return seen


def memory_task(count: int, seed: int = 0, gap: tuple[int, int] = (10, 20)) -> CueTask:
    """A cue to be kept until the episode's end."""
    return CueTask(count, gap, seed)


def recall_task(count: int, sequence: int, seed: int = 0) -> CueTask:
    """A cue that lies at least `SEGMENTS` stretches of `sequence` moments back when it is asked for."""
    return CueTask(count, (SEGMENTS * sequence, SEGMENTS * sequence + sequence // 2), seed)
