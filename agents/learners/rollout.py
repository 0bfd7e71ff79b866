"""What a policy did and what it was paid, between two updates: only the moments in which it had a choice."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.learners.advantages import advantages

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass
class Piece:
    """What one shard of the environment gave."""

    observations: dict[str, Tensor]  # of decisions, by block
    actions: Tensor
    log_probs: Tensor
    values: Tensor
    rows: Array  # [steps, slots]: which decision, -1 for none
    rewards: Array  # [steps, slots]
    ended: Array
    last_values: Array
    beyond: Array | float = 0.0  # [steps, slots]: worth of what matches that were cut short would still have brought

    def paid(self, scale: float) -> Array:
        """Rewards multiplied by `scale`, which the values are of already, and what is beyond."""
        return (self.rewards * np.float32(scale) + self.beyond).astype(np.float32)


@dataclass
class Rollout:
    """Decisions with their advantages and returns, ready to learn from."""

    observations: dict[str, Tensor]
    actions: Tensor
    log_probs: Tensor
    values: Tensor
    advantages: Tensor
    returns: Tensor

    def __len__(self) -> int:
        return len(self.actions)

    @classmethod
    def of(cls, pieces: list[Piece], reward_scale: float, gamma: float, gae_lambda: float) -> "Rollout":
        """All pieces in one, rewards multiplied by `reward_scale`."""
        worked = [
            advantages(
                p.paid(reward_scale), p.ended, p.rows, p.values.numpy(),
                p.last_values.astype(np.float32), gamma, gae_lambda,
            )
            for p in pieces
        ]  # fmt: skip
        return cls(
            {name: torch.cat([p.observations[name] for p in pieces]) for name in pieces[0].observations},
            torch.cat([p.actions for p in pieces]),
            torch.cat([p.log_probs for p in pieces]),
            torch.cat([p.values for p in pieces]),
            torch.cat([torch.from_numpy(gained) for gained, _ in worked]),
            torch.cat([torch.from_numpy(returns) for _, returns in worked]),
        )

    @property
    def seen(self) -> dict[str, Tensor]:
        """Observations by block, a row a decision."""
        return self.observations

    def normalized(self) -> "Rollout":
        """The same, advantages with mean 0 and spread 1."""
        gained = self.advantages
        return replace(self, advantages=(gained - gained.mean()) / (gained.std() + 1e-8))

    def batches(self, size: int, random: np.random.Generator) -> Iterator["Rollout"]:
        """The decisions in random order, in batches of about `size`, none left out."""
        order = torch.from_numpy(random.permutation(len(self)))
        for chosen in order.chunk(max(1, round(len(self) / size))):
            yield self.at(chosen)

    def at(self, chosen: Tensor | slice) -> "Rollout":
        """Some of the decisions."""
        return Rollout(
            {name: block[chosen] for name, block in self.observations.items()},
            self.actions[chosen],
            self.log_probs[chosen],
            self.values[chosen],
            self.advantages[chosen],
            self.returns[chosen],
        )

    def parts(self, count: int) -> list["Rollout"]:
        """The same decisions in so many parts, as even as can be."""
        bounds = np.linspace(0, len(self), count + 1).astype(int).tolist()
        return [self.at(slice(a, b)) for a, b in pairwise(bounds) if b > a]

    def to(self, device: torch.device) -> "Rollout":
        """The same on a device."""
        if device.type == "cpu":
            return self
        return Rollout(
            {name: block.to(device) for name, block in self.observations.items()},
            *(t.to(device) for t in (self.actions, self.log_probs, self.values, self.advantages, self.returns)),
        )
