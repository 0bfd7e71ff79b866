"""All monsters of one side, or of both, as a PettingZoo parallel environment; agents leave when they die."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from pettingzoo import ParallelEnv

from mlmonster_env.contract import CONTINUOUS, CONTROLS
from mlmonster_env.data.errors import one_of, shorten
from mlmonster_env.envs.arguments import as_orders, checked, checked_seed, do_nothing
from mlmonster_env.envs.battle import MASK, Array, Battle
from mlmonster_env.envs.camera import RENDER_MODES, Camera
from mlmonster_env.envs.vector import FPS, part_of
from mlmonster_env.sim.recording import Recording
from mlmonster_env.sim.setup import SEED_MASK

SIDES = ("first", "both")


def parallel_env(control: str = "combat", *, sides: str = "both", **arguments: Any) -> "MonsterParallelEnv":
    """A parallel environment over the monsters of the "first" side or of "both"; other arguments as of `MonsterEnv`."""
    return MonsterParallelEnv(control, sides=sides, **arguments)


class MonsterParallelEnv(ParallelEnv[str, Any, Any]):  # type: ignore[misc]
    """Agents are called `first_0`, `first_1` ..., `second_0` ...; each has its own copy of the spaces."""

    def __init__(
        self, control: str = "combat", *, sides: str = "both", render_mode: str | None = None, **arguments: Any
    ) -> None:
        checked("sides", sides, SIDES)
        if render_mode is not None:
            checked("render_mode", render_mode, RENDER_MODES)
        for name in ("pack", "both_sides", "side"):
            if name in arguments:
                raise ValueError(
                    f"{name} is {arguments[name]!r}, expected who is an agent to be said by sides={sides!r}"
                )
        self.metadata = {"name": f"mlmonster_{control}", "render_modes": list(RENDER_MODES), "render_fps": FPS}
        self.render_mode = render_mode
        self.battle = Battle(1, control, pack=sides == "first", both_sides=sides == "both", record=True, **arguments)
        scenario = self.battle.scenario
        counts = [0, 0]
        self.possible_agents: list[str] = []
        for member in self.battle.members.tolist():
            side = int(scenario.sides[member])
            self.possible_agents.append(f"{('first', 'second')[side]}_{counts[side]}")
            counts[side] += 1
        self.agents: list[str] = []
        self.observation_spaces = {agent: self.battle.observation_space for agent in self.possible_agents}
        self.action_spaces = {agent: self.battle.action_space for agent in self.possible_agents}
        self._camera = Camera(self.battle, 0)
        self._seeded = False
        self._random = np.random.default_rng()

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Of one agent."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Of one agent."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Begin a match: the first of a seed, or the next one."""
        if seed is None and self._seeded:
            self.battle.begin(np.zeros(1, np.int64))
        else:
            first = int(self._random.integers(SEED_MASK)) if seed is None else checked_seed(seed) & SEED_MASK
            self.battle.reset(np.array([first]))
        self._seeded = True
        self.agents = list(self.possible_agents)
        if self.render_mode == "human":
            self.render()
        return self._seen(self.agents), self._infos(self.agents)

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Play one decision; agents that have died, and all when the match ends, are told so and leave."""
        if not self._seeded:
            raise ResetNeeded("step was called before reset, expected reset first")
        if not self.agents:
            return {}, {}, {}, {}, {}
        present = list(self.agents)
        if not isinstance(actions, Mapping):
            raise ValueError(f"actions are {shorten(actions)}, expected a dict of an action for each agent")
        for agent in actions:
            if agent not in self.possible_agents:
                raise ValueError(f"agent is {agent!r}, expected {one_of(str(agent), self.possible_agents)}")
        rewards, terminated, truncated = self.battle.step(self._as_batch(actions))
        alive = dict(zip(self.possible_agents, self.battle.alive.tolist(), strict=True))
        paid = dict(zip(self.possible_agents, rewards.tolist(), strict=True))
        ended, late = bool(terminated[0]), bool(truncated[0])
        if self.render_mode == "human":
            self.render()
        seen, infos = self._seen(present), self._infos(present)
        self.agents = [] if ended or late else [agent for agent in present if alive[agent]]
        return (
            seen,
            {agent: paid[agent] for agent in present},
            {agent: ended or not alive[agent] for agent in present},
            {agent: late and alive[agent] for agent in present},
            infos,
        )

    def render(self) -> Any:
        """The match as the render mode shows it."""
        return None if self.render_mode is None else self._camera.show(self.render_mode)

    def state(self) -> Array:
        """What all agents see together: their state vectors, one after the other."""
        return self.battle.see(("state",))["state"]

    def close(self) -> None:
        """Nothing is held that must be given back."""

    def _as_batch(self, actions: dict[str, Any]) -> Array:
        """Actions of all monsters; whoever was given none does nothing. Each is checked by itself."""
        still: Any = np.zeros(len(CONTINUOUS), np.float32)
        nothing: Any = do_nothing(self.battle.control) if CONTROLS[self.battle.control] else still
        chosen = [np.asarray(actions.get(agent, nothing)) for agent in self.possible_agents]
        for action in chosen:
            as_orders(action[None], self.battle.control, 1)
        return np.stack(chosen)

    def _seen(self, agents: list[str]) -> dict[str, Any]:
        seen = self.battle.observe()
        return {agent: part_of(seen, self.possible_agents.index(agent)) for agent in agents}

    def _infos(self, agents: list[str]) -> dict[str, dict[str, Any]]:
        outcome = int(self.battle.outcome()[0])
        alive = self.battle.alive
        masks = self.battle.action_masks() if CONTROLS[self.battle.control] else None
        infos: dict[str, dict[str, Any]] = {}
        for agent in agents:
            slot = self.possible_agents.index(agent)
            infos[agent] = {"alive": bool(alive[slot]), "outcome": outcome if agent.startswith("first") else -outcome}
            if masks is not None:
                infos[agent][MASK] = masks[slot]
        return infos

    def recording(self) -> Recording:
        """This match from its beginning until now."""
        return self.battle.recording()
