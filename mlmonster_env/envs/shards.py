"""Several batches of matches side by side as one `VecEnv`, so that each can be stepped by a thread of its own."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from mlmonster_env.envs.arguments import checked_seed
from mlmonster_env.envs.battle import Array
from mlmonster_env.envs.sb3 import ArenaVecEnv


class ShardedVecEnv(VecEnv):
    """Slots are those of the first shard, then those of the second, and so on.

    Shards see and order alike; each is an `ArenaVecEnv`, or one that is wrapped.
    """

    def __init__(self, shards: Sequence[ArenaVecEnv | VecEnvWrapper]) -> None:
        if not shards:
            raise ValueError("shards are empty, expected at least one ArenaVecEnv")
        self.shards = list(shards)
        self._bounds = np.cumsum([0, *(shard.num_envs for shard in shards)])
        self._actions: Array = np.zeros(0)
        first = shards[0]
        for number, shard in enumerate(shards):
            for name in ("action_space", "observation_space"):
                found, expected = getattr(shard, name), getattr(first, name)
                if found != expected:
                    raise ValueError(f"{name} of shard {number} is {found}, expected that of the first, {expected}")
        super().__init__(int(self._bounds[-1]), first.observation_space, first.action_space)
        self.slots_a_match = first.slots_a_match

    def reset(self) -> VecEnvObs:
        """Begin all matches of all shards."""
        seen: VecEnvObs = stacked([shard.reset() for shard in self.shards])
        self.reset_infos = [info for shard in self.shards for info in shard.reset_infos]
        return seen

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seeds go on from shard to shard."""
        if seed is None:
            seed = int(np.random.default_rng().integers(2**31))
        seed = checked_seed(seed)
        given: list[int | None] = []
        for shard in self.shards:
            given += shard.seed(seed)
            seed += shard.num_envs // shard.slots_a_match
        return given

    def step_async(self, actions: Array) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Play one decision in every match of every shard."""
        if len(self._actions) != self.num_envs:
            raise ValueError(f"there are {len(self._actions)} actions, expected one for each of {self.num_envs} slots")
        parts = [
            shard.step(self._actions[first:end])
            for shard, first, end in zip(self.shards, self._bounds, self._bounds[1:], strict=False)
        ]
        seen, rewards, dones, infos = zip(*parts, strict=True)
        return stacked(seen), np.concatenate(rewards), np.concatenate(dones), [info for some in infos for info in some]

    @property
    def alive(self) -> Array:
        """Of each slot, whether its monster lives."""
        return np.concatenate([shard.alive for shard in self.shards])

    def state(self) -> dict[str, Any]:
        """All that `set_state` needs to go on from here to the bit."""
        return {str(number): shard.state() for number, shard in enumerate(self.shards)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told of an environment made alike."""
        if len(state) != len(self.shards):
            raise ValueError(f"the state is of {len(state)} shards, expected {len(self.shards)}")
        for number, shard in enumerate(self.shards):
            shard.set_state(state[str(number)])

    def action_masks(self) -> Array:
        """Of each slot, which actions are legal: truths [slots, actions]."""
        return np.concatenate([shard.action_masks() for shard in self.shards])

    def close(self) -> None:
        """Close all shards."""
        for shard in self.shards:
            shard.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """An attribute, once for each slot."""
        return self._of_slots([v for shard in self.shards for v in shard.get_attr(attr_name)], indices)

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute in every shard."""
        for shard in self.shards:
            shard.set_attr(attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method, once for each slot."""
        found = [v for s in self.shards for v in s.env_method(method_name, *method_args, **method_kwargs)]
        return self._of_slots(found, indices)

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: Any = None) -> list[bool]:
        """No slot is wrapped by anything."""
        return [False for _ in self._get_indices(indices)]

    def _of_slots(self, values: list[Any], indices: VecEnvIndices) -> list[Any]:
        return [values[slot] for slot in self._get_indices(indices)]


def parted(seen: dict[str, Array], shards: Sequence[VecEnv]) -> list[dict[str, Array]]:
    """Observations of all slots, shard by shard; `stacked` puts them together again."""
    bounds = np.cumsum([0, *(shard.num_envs for shard in shards)]).tolist()
    return [{name: block[a:b] for name, block in seen.items()} for a, b in pairwise(bounds)]


def stacked(parts: Sequence[Any]) -> Any:
    """Observations of shards one after the other."""
    if isinstance(parts[0], dict):
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return np.concatenate(list(parts))
