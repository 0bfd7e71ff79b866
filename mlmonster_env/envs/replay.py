"""A recorded dataset as an environment: what was logged happens, whatever the agent does."""

from os import PathLike
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from minari.dataset.minari_dataset import MinariDataset

from mlmonster_env.data.errors import shorten, whole
from mlmonster_env.envs.arguments import checked

ORDERS = ("recorded", "shuffled")
LOGGED = "logged_episode"  # "episode" is what wrappers and learners take for the statistics of one


class ReplayEnv(gym.Env[Any, Any]):
    """Steps through the episodes of a Minari dataset: states, rewards and ends are the logged ones.

    The agent's own action is compared with the logged one: `info["logged_action"]`, and `info["agrees"]`, which for
    continuous actions is whether all parts are within `tolerance`. `info["logged_episode"]` is the episode's number in
    the dataset. `order` is "recorded" or "shuffled".
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - as Gymnasium has it

    def __init__(
        self,
        dataset: str | Path | MinariDataset,
        *,
        order: str = "recorded",
        tolerance: float = 0.1,
        render_mode: str | None = None,
    ) -> None:
        checked("order", order, ORDERS)
        if not isinstance(dataset, MinariDataset):
            if not isinstance(dataset, str | PathLike):
                raise ValueError(f"dataset is {shorten(dataset)}, expected a directory or a MinariDataset")
            if not (Path(dataset) / "metadata.json").is_file():
                raise ValueError(f"dataset is {str(dataset)!r}, expected a directory that holds a Minari dataset")
            dataset = MinariDataset(dataset)
        if not len(dataset):
            raise ValueError("the dataset has no episode, expected at least one")
        if not isinstance(tolerance, int | float | np.number) or not tolerance >= 0:
            raise ValueError(f"tolerance is {tolerance!r}, expected a number, at least 0")
        if render_mode is not None:
            raise ValueError(f"render_mode is {render_mode!r}, expected None: a dataset holds nothing to draw")
        self.dataset = dataset
        self.observation_space = dataset.observation_space
        self.action_space = dataset.action_space
        self.render_mode = render_mode
        self._order = order
        self._tolerance = tolerance
        self._turn = -1
        self._step = 0
        self._episode: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Go on to the next episode; a seed begins from the first again, or shuffles anew."""
        super().reset(seed=seed)
        if seed is not None or self._turn < 0:
            self._turn = -1
            self._lots = np.arange(len(self.dataset))
            if self._order == "shuffled":
                self.np_random.shuffle(self._lots)
        self._turn = (self._turn + 1) % len(self._lots)
        self._episode = self.dataset[int(self._lots[self._turn])]
        self._step = 0
        return self._seen(), {LOGGED: int(self._episode.id)}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One logged step, whatever the action."""
        if self._episode is None or self._step >= len(self._episode):
            raise gym.error.ResetNeeded("step was called without an episode under way, expected reset first")
        step = self._step
        logged = self._episode.actions[step]
        info = {LOGGED: int(self._episode.id), "logged_action": logged, "agrees": self._agrees(action, logged)}
        self._step += 1
        return (
            self._seen(),
            float(self._episode.rewards[step]),
            bool(self._episode.terminations[step]),
            bool(self._episode.truncations[step]),
            info,
        )

    def _agrees(self, action: Any, logged: Any) -> bool:
        space = self.action_space
        if isinstance(space, gym.spaces.Discrete):
            number = action.item() if isinstance(action, np.ndarray) and action.size == 1 else action
            if not whole(number) or not space.start <= number < space.start + space.n:
                last = space.start + space.n - 1
                raise ValueError(f"action is {shorten(action)}, expected a whole number, {space.start} to {last}")
            return int(number) == int(logged)
        try:
            parts = np.asarray(action, np.float64)
        except (TypeError, ValueError):
            parts = np.zeros(0)
        if parts.shape != space.shape or not np.isfinite(parts).all():
            raise ValueError(f"action is {shorten(action)}, expected finite numbers of shape {space.shape}")
        return bool(np.abs(parts - logged).max() <= self._tolerance)

    def _seen(self) -> Any:
        observations = self._episode.observations
        if isinstance(observations, dict):
            return {name: block[self._step] for name, block in observations.items()}
        return observations[self._step]
