"""A Stable-Baselines3 VecEnv straight on the arena: one kernel call a step for all slots."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from inspect import signature
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from mlmonster_env.envs.arguments import check_masked, checked, checked_seed
from mlmonster_env.envs.battle import Array, Battle, seeds_from
from mlmonster_env.envs.camera import RENDER_MODES, Camera
from mlmonster_env.envs.vector import part_of
from mlmonster_env.sim.recording import Recording


class ArenaVecEnv(VecEnv):
    """`num_envs` matches. With `pack` every monster of the first side is a slot of its own, under one shared policy.

    Then there are num_envs times as many slots as a pack has monsters, and a match's slots lie side by side. `done`
    comes when the match ends, for all of them at once. A dead monster's slot sees zeros, may only do nothing, and is
    still paid what its team is; `alive` and `infos[i]["alive"]` tell. Other arguments are those of `MonsterVectorEnv`.
    """

    battle_class: type[Battle] = Battle  # what is played; a subclass may play a battle that shows more

    def __init__(
        self,
        control: str = "combat",
        num_envs: int = 1,
        *,
        pack: bool = False,
        seed: int | None = None,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        if render_mode is not None:
            checked("render_mode", render_mode, RENDER_MODES)
        self.battle = self.battle_class(num_envs, control, pack=pack, **arguments)
        self._modes = [render_mode] * self.battle.num_slots
        super().__init__(self.battle.num_slots, self.battle.observation_space, self.battle.action_space)
        self.slots_a_match = self.battle.num_slots // num_envs
        self._cameras = [Camera(self.battle, match) for match in range(num_envs)]
        self._actions: Array = np.zeros(0)
        self._begun = False
        if seed is not None:
            self.seed(seed)

    @property
    def alive(self) -> Array:
        """Of each slot, whether its monster lives; the match goes on for the dead."""
        return self.battle.alive

    def state(self) -> dict[str, Any]:
        """All that `set_state` needs to go on from here to the bit; what slots see is to be kept beside it."""
        return self.battle.state()

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told of an environment made alike."""
        self.battle.set_state(state)
        self._begun = True
        self._reset_seeds()

    def action_masks(self) -> Array:
        """Of each slot, which actions are legal: truths [slots, actions]."""
        check_masked(self.battle.control)
        return self.battle.action_masks().astype(np.bool_)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Let the next reset begin matches from this seed, the next, and so on."""
        if seed is None:
            seed = int(np.random.default_rng().integers(2**31))
        first = checked_seed(seed)
        self._seeds = [first + slot // self.slots_a_match for slot in range(self.num_envs)]
        return self._seeds

    def reset(self) -> VecEnvObs:
        """Begin all matches anew."""
        if self._seeds[0] is not None:
            self.battle.reset(seeds_from(self._seeds[0], self.battle.num_matches))
        elif self._begun:
            self.battle.begin(np.arange(self.battle.num_matches))
        else:
            self.battle.reset(seeds_from(int(np.random.default_rng().integers(2**31)), self.battle.num_matches))
        self._begun = True
        self.reset_infos = self._infos()
        self._reset_seeds()
        self._reset_options()
        return self.battle.observe()

    def step_async(self, actions: Array) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Play one decision in every match; those that ended are begun again, and their last sight is in `infos`."""
        rewards, terminated, truncated = self.battle.step(self._actions)
        ended = terminated | truncated
        self._played(ended)
        infos = self._infos()
        if ended.any():
            self._close(ended, truncated, infos)
            self.battle.begin(np.flatnonzero(ended))
        return self.battle.observe(), rewards, np.repeat(ended, self.slots_a_match), infos

    def _played(self, ended: Array) -> None:
        """For those who watch: a decision was played, and these matches ended with it."""

    def close(self) -> None:
        """Nothing is held that must be given back."""

    def get_images(self) -> Sequence[Array | None]:
        """A picture of each match."""
        return [camera.show("rgb_array") for camera in self._cameras] if self.render_mode == "rgb_array" else []

    def render(self, mode: str | None = None) -> Any:
        """The first match in full ("ansi", "human"), or pictures of all of them side by side."""
        chosen = self.render_mode if mode is None else mode
        if chosen in ("ansi", "human") and self.render_mode != "rgb_array":
            return self._cameras[0].show(chosen)
        return super().render(mode)

    def recording(self, match: int = 0) -> Recording:
        """What one match is playing, from its beginning until now; needs `record=True`."""
        return self.battle.recording(match)

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute, once for each slot."""
        slots = list(self._slots(indices))
        if attr_name == "render_mode":
            return [self._modes[slot] for slot in slots]
        if attr_name == "action_masks":
            check_masked(self.battle.control)
            return [partial(self._mask_of, slot) for slot in slots]
        if attr_name == "alive":
            return [bool(self.alive[slot]) for slot in slots]
        return [getattr(self, attr_name) for _ in slots]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute, which all slots share; what the battle is made with is told when it is made."""
        told = {*vars(self.battle), *signature(self.battle_class).parameters}
        if attr_name in told and not hasattr(self, attr_name):
            raise AttributeError(f"{attr_name!r} is the battle's, expected it to be told when the environment is made")
        if attr_name == "render_mode":
            self._modes = [value] * self.num_envs
        setattr(self, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method, once for each slot; `action_masks` gives each its own."""
        slots = list(self._slots(indices))
        if method_name == "action_masks":
            masks = self.action_masks()
            return [masks[slot] for slot in slots]
        method: Callable[..., Any] = getattr(self, method_name)
        return [method(*method_args, **method_kwargs) for _ in slots]

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: Any = None) -> list[bool]:
        """No slot is wrapped by anything."""
        return [False for _ in self._slots(indices)]

    def _slots(self, indices: VecEnvIndices) -> Iterable[int]:
        return self._get_indices(indices)

    def _mask_of(self, slot: int) -> Array:
        return self.action_masks()[slot]  # type: ignore[no-any-return]

    def _infos(self) -> list[dict[str, Any]]:
        return [{"alive": alive} for alive in self.battle.alive.tolist()]

    def _close(self, ended: Array, truncated: Array, infos: list[dict[str, Any]]) -> None:
        """Tell the slots of matches that ended what they last saw, and how it ended."""
        slots = np.flatnonzero(np.repeat(ended, self.slots_a_match))
        last = self.battle.observe(slots)
        outcome = self.battle.outcome()
        sign = np.where(self.battle.scenario.sides[self.battle.units] == self.battle.side, 1, -1)
        for row, slot in enumerate(slots.tolist()):
            match = slot // self.slots_a_match
            infos[slot]["terminal_observation"] = part_of(last, row)
            infos[slot]["TimeLimit.truncated"] = bool(truncated[match])
            infos[slot]["outcome"] = int(outcome[match] * sign[slot])
