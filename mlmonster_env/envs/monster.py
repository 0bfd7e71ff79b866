"""One monster of one match as a Gymnasium environment."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from mlmonster_env.contract import CONTROLS
from mlmonster_env.data import Bestiary
from mlmonster_env.envs.arguments import check_masked, checked
from mlmonster_env.envs.battle import MASK, Array, Battle, Opponent, Reward
from mlmonster_env.envs.camera import RENDER_MODES, Camera
from mlmonster_env.envs.vector import FPS, part_of
from mlmonster_env.plans import Plan
from mlmonster_env.sim import Scenario
from mlmonster_env.sim.recording import Recording
from mlmonster_env.sim.setup import SEED_MASK


class MonsterEnv(gym.Env[Any, Any]):
    """The first monster of the first side is the learner's; its allies are under the stock AI.

    control: "combat", "movement", "skill", "pack" (signals) or "continuous": what an action is.
    archetype: one of contract.ARCHETYPES, or None for all.
    scenario: a name (`scenarios.names()`), a .yml file, a Plan, or a Scenario.
    opponent: "stock", "random", "idle", a Rival, or a function from what its monsters see (by block) to actions.
    bestiary: monsters, skills and maps, such as `Bestiary.load(path)` of a server's files; None for the bundled ones.
    observe: "state" for a Box of 64 numbers; a tuple of blocks (contract.BLOCKS, "action_mask") for a Dict.
    reward: a function of `Events` that gives an array over [matches, members]; None pays 1 for a win, -1 for a loss.
    skills: "fair", when skills wait for the dice as those of stock monsters do, or "free".
    decision_ms: time between two actions, in steps of 100 ms.
    max_episode_steps: truncate after so many steps; scenarios have a limit of their own.
    render_mode: "rgb_array" for pictures, "ansi" for texts, "human" for texts on the terminal.
    An episode terminates when a side is beaten and is truncated when time runs out and decides nothing.
    """

    metadata = {"render_modes": list(RENDER_MODES), "render_fps": FPS}  # noqa: RUF012 - as Gymnasium has it

    def __init__(
        self,
        control: str = "combat",
        *,
        archetype: str | None = None,
        scenario: str | Path | Plan | Scenario = "skirmish",
        opponent: Opponent = "stock",
        bestiary: Bestiary | None = None,
        observe: str | Sequence[str] = "state",
        reward: Reward | None = None,
        skills: str = "fair",
        decision_ms: int = 500,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        if render_mode is not None:
            checked("render_mode", render_mode, RENDER_MODES)
        self.battle = Battle(
            1, control, archetype=archetype, scenario=scenario, opponent=opponent, bestiary=bestiary, observe=observe,
            reward=reward, skills=skills, decision_ms=decision_ms, max_episode_steps=max_episode_steps, record=True,
        )  # fmt: skip
        self.render_mode = render_mode
        self.observation_space = self.battle.observation_space
        self.action_space = self.battle.action_space
        self._camera = Camera(self.battle, 0)
        self._seeded = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode: the first of a seed, or the next one."""
        super().reset(seed=seed)
        if seed is None and self._seeded:
            self.battle.begin(np.zeros(1, np.int64))
        else:
            first = int(self.np_random.integers(SEED_MASK)) if seed is None else seed & SEED_MASK
            self.battle.reset(np.array([first]))
        self._seeded = True
        if self.render_mode == "human":
            self.render()
        return part_of(self.battle.observe(), 0), self._info()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Play one decision."""
        rewards, terminated, truncated = self.battle.step([action])
        truncated |= self.battle.out_of_steps()
        info = self._info()
        if self.render_mode == "human":
            self.render()
        seen = part_of(self.battle.observe(), 0)
        return seen, float(rewards[0]), bool(terminated[0]), bool(truncated[0]), info

    def render(self) -> Any:
        """The match as the render mode shows it: an RGB array, a text, or that text on the terminal."""
        if self.render_mode is None:
            gym.logger.warn("render was called without a render_mode")
            return None
        return self._camera.show(self.render_mode)

    def action_masks(self) -> Array:
        """Which actions are legal now, as sb3_contrib asks for it."""
        check_masked(self.battle.control)
        return self.battle.action_masks()[0].astype(np.bool_)  # type: ignore[no-any-return]

    def recording(self) -> Recording:
        """This episode from its beginning until now."""
        return self.battle.recording()

    def _info(self) -> dict[str, Any]:
        info: dict[str, Any] = {"alive": bool(self.battle.alive[0]), "outcome": int(self.battle.outcome()[0])}
        if CONTROLS[self.battle.control]:
            info[MASK] = self.battle.action_masks()[0]
        return info
