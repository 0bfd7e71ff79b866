"""The native batch of matches as a Gymnasium vector environment, and the single environment as the batch of one."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from mlmonster_env.contract import CONTROLS
from mlmonster_env.data.errors import shorten, whole
from mlmonster_env.envs.arguments import check_masked, checked
from mlmonster_env.envs.battle import MASK, Array, Battle, Observation, seeds_from
from mlmonster_env.envs.camera import RENDER_MODES, Camera
from mlmonster_env.sim.recording import Recording
from mlmonster_env.sim.setup import SEED_MASK

FPS = 2  # decisions a second of the world, at the default pace


def by_block(observation: Any) -> dict[str, Array]:
    """What slots see as a dict of blocks of one's own; one that is no dict is the state."""
    return dict(observation) if isinstance(observation, dict) else {"state": observation}


def part_of(observation: Observation, row: int) -> Any:
    """What one slot of a batch sees."""
    if isinstance(observation, dict):
        return {name: block[row] for name, block in observation.items()}
    return observation[row]


class MonsterVectorEnv(VectorEnv[Any, Any, Array]):
    """Many matches, one monster of each, stepped by one call. Arguments are those of `MonsterEnv`, and three more.

    side: the one that the learner is on, 0 or 1.
    threads: so many share the matches out among them.
    record: whether orders are kept, which `recording` needs.
    Environment i of a batch that was reset with seed s plays what a single environment plays that was reset with s + i.
    """

    def __init__(
        self,
        num_envs: int = 1,
        control: str = "combat",
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        if render_mode is not None:
            checked("render_mode", render_mode, RENDER_MODES)
        modes = {mode.value: mode for mode in AutoresetMode}
        if not isinstance(autoreset_mode, AutoresetMode):
            autoreset_mode = modes[checked("autoreset_mode", autoreset_mode, modes)]
        self.autoreset_mode = autoreset_mode
        self.metadata = {"render_modes": list(RENDER_MODES), "render_fps": FPS, "autoreset_mode": autoreset_mode}
        for name in ("pack", "both_sides"):
            if arguments.get(name):
                raise ValueError(
                    f"{name} is {arguments[name]!r}, expected one monster a match; ArenaVecEnv plays packs"
                )
        self.battle = Battle(num_envs, control, **arguments)
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.single_observation_space = self.battle.observation_space
        self.single_action_space = self.battle.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._cameras = [Camera(self.battle, match) for match in range(num_envs)] if render_mode else []
        self._ended = np.zeros(num_envs, np.bool_)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin anew: all matches, or those that `options["reset_mask"]` names."""
        mask = np.ones(self.num_envs, np.bool_)
        if options is not None and "reset_mask" in options:
            mask = np.asarray(options["reset_mask"])
            if mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
                raise ValueError(f"reset_mask is {mask!r}, expected {self.num_envs} truths, at least one of them true")
        if not (mask | self.battle.begun).all():
            rows = np.flatnonzero(~(mask | self.battle.begun)).tolist()
            raise ValueError(f"reset_mask leaves out environments {rows}, expected all of them the first time")
        seeds = self._checked_seeds(seed)
        super().reset(seed=seeds if isinstance(seeds, int) else None)
        self._begin(np.flatnonzero(mask), seeds)
        self._ended[mask] = False
        self._show()
        observation = self.battle.observe()
        return observation, self._infos(mask)

    def step(self, actions: Any) -> tuple[Any, Array, Array, Array, dict[str, Any]]:
        """Play one decision in every match; those that ended begin again as the autoreset mode says."""
        before = self._ended
        if self.autoreset_mode is AutoresetMode.DISABLED and before.any():
            raise ValueError(f"environments {np.flatnonzero(before).tolist()} have ended, expected them to be reset")
        rewards, terminated, truncated = self.battle.step(actions)
        truncated |= self.battle.out_of_steps()
        infos: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.NEXT_STEP and before.any():
            self.battle.begin(np.flatnonzero(before))
            rewards[before] = 0.0
            terminated[before] = False
            truncated[before] = False
        self._ended = terminated | truncated
        if self.autoreset_mode is AutoresetMode.SAME_STEP and self._ended.any():
            ended = np.flatnonzero(self._ended)
            infos = self._final_infos(ended)
            self.battle.begin(ended)
        self._show()
        observation = self.battle.observe()
        infos.update(self._infos(np.ones(self.num_envs, np.bool_)))
        return observation, rewards.astype(np.float64), terminated, truncated, infos

    def render(self) -> tuple[Any, ...] | None:
        """A picture of each match, as the render mode says."""
        if self.render_mode is None:
            gym.logger.warn("render was called without a render_mode")
            return None
        return tuple(camera.show(self.render_mode) for camera in self._cameras)

    def _show(self) -> None:
        if self.render_mode == "human":
            self.render()

    def action_masks(self) -> Array:
        """Of each environment, which actions are legal now: truths [environments, actions]."""
        check_masked(self.battle.control)
        return self.battle.action_masks().astype(np.bool_)

    def recording(self, match: int = 0) -> Recording:
        """What one environment is playing, from its beginning until now; needs `record=True`."""
        return self.battle.recording(match)

    def _checked_seeds(self, seed: Any) -> int | list[int | None] | None:
        """One number, one or None for each environment, or None; an error that says so."""
        if seed is None or whole(seed):
            return None if seed is None else int(seed)
        seeds = list(seed) if isinstance(seed, list | tuple | np.ndarray) else [seed]
        if isinstance(seed, list | tuple | np.ndarray) and len(seeds) != self.num_envs:
            raise ValueError(f"seed has {len(seeds)} numbers, expected {self.num_envs}")
        if len(seeds) != self.num_envs or not all(one is None or (whole(one) and one >= 0) for one in seeds):
            raise ValueError(
                f"seed is {shorten(seed)}, expected a whole number, one for each environment, or None; at least 0"
            )
        return [None if one is None else int(one) for one in seeds]

    def _begin(self, which: Array, seed: int | list[int | None] | None) -> None:
        """Begin matches from seeds; where there is none, the next one of the seed that they had, or of a random one."""
        if isinstance(seed, int):
            seeds: list[int | None] = seeds_from(seed, self.num_envs).tolist()
        elif seed is None and not self.battle.begun.any():
            seeds = seeds_from(int(self.np_random.integers(SEED_MASK)), self.num_envs).tolist()
        else:
            seeds = [None] * self.num_envs if seed is None else seed
        for row in np.flatnonzero(~self.battle.begun):
            seeds[row] = int(self.np_random.integers(SEED_MASK)) if seeds[row] is None else seeds[row]
        goes_on = np.array([one is None for one in seeds])
        begins = which[~goes_on[which]]
        firsts = np.array([seeds[row] & SEED_MASK for row in begins], np.int64)
        if len(begins) == self.num_envs:
            self.battle.reset(firsts)
            return
        self.battle.begin(which[goes_on[which]])
        self.battle.begin(begins, firsts)

    def _infos(self, mask: Array) -> dict[str, Any]:
        infos = {"alive": self.battle.alive & mask, "_alive": mask.copy()}
        infos |= {"outcome": self.battle.outcome() * mask, "_outcome": mask.copy()}
        if CONTROLS[self.battle.control]:
            infos |= {MASK: self.battle.action_masks() * mask[:, None], f"_{MASK}": mask.copy()}
        return infos

    def _final_infos(self, ended: Array) -> dict[str, Any]:
        """What the matches that have just ended looked like at their end."""
        seen = self.battle.observe(ended)
        alive, outcome = self.battle.alive, self.battle.outcome()
        masks = self.battle.action_masks() if CONTROLS[self.battle.control] else None
        infos: dict[str, Any] = {}
        for row, match in enumerate(ended):
            final: dict[str, Any] = {"alive": bool(alive[match]), "outcome": int(outcome[match])}
            if masks is not None:
                final[MASK] = masks[match]
            infos = self._add_info(infos, {"final_obs": part_of(seen, row), "final_info": final}, int(match))
        return infos
