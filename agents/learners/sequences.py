"""What a policy that remembers did and was paid: stretches of equal length, each with the memory it began with."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.learners.advantages import advantages
from agents.learners.recorders import Shown, choices, drawn
from mlmonster_env.envs.battle import Array

_TENSORS = ("memories", "starts", "chosen", "numbers", "moves")  # of `Sequences`


@dataclass
class SequencePiece:
    """What one shard of the environment gave: [steps, slots, ...]."""

    observations: dict[str, Tensor]
    memories: Tensor  # [stretches, slots, size]
    starts: Tensor
    chosen: Tensor  # where a slot had a choice
    actions: Tensor
    log_probs: Tensor
    values: Tensor
    rewards: Array
    ended: Array
    last_values: Array
    beyond: Array | float = 0.0

    def paid(self, scale: float) -> Array:
        """As that of `Piece`."""
        return (self.rewards * np.float32(scale) + self.beyond).astype(np.float32)


@dataclass
class Sequences:
    """Rows of `length` moments; rows of the `members` of a pack lie side by side. What it tells by moment, such as
    `actions`, it tells of those moments alone in which there was a choice."""

    observations: dict[str, Tensor]  # [rows, length, ...]
    members: int
    memories: Tensor  # [rows, size]
    starts: Tensor  # [rows, length]
    chosen: Tensor  # [rows, length]
    numbers: Tensor  # [rows, length, 4]: log-probabilities, values, advantages, returns
    moves: Tensor  # [rows, length]

    def __len__(self) -> int:
        return int(self.chosen.sum())

    @classmethod
    def of(
        cls, pieces: list[SequencePiece], length: int, members: int, reward_scale: float, gamma: float,
        gae_lambda: float,
    ) -> "Sequences":  # fmt: skip
        """All pieces in one, cut into stretches, rewards multiplied by `reward_scale`."""
        parts = []
        for p in pieces:
            rows = np.full(p.rewards.shape, -1, np.int64)
            chosen = p.chosen.numpy()
            rows[chosen] = np.arange(int(chosen.sum()))
            paid = p.paid(reward_scale)
            last = p.last_values.astype(np.float32)
            found = advantages(paid, p.ended, rows, p.values[p.chosen].numpy(), last, gamma, gae_lambda)
            gained, returns = torch.zeros_like(p.values), torch.zeros_like(p.values)
            gained[p.chosen], returns[p.chosen] = torch.from_numpy(found[0]), torch.from_numpy(found[1])
            numbers = torch.stack([p.log_probs, p.values, gained, returns], -1)
            parts.append(
                cls(
                    {name: cut(block, length, members) for name, block in p.observations.items()},
                    members,
                    cut(p.memories, 1, members)[:, 0],
                    *(cut(block, length, members) for block in (p.starts, p.chosen, numbers, p.actions)),
                )
            )
        blocks = {name: torch.cat([part.observations[name] for part in parts]) for name in parts[0].observations}
        rest = [torch.cat([getattr(part, name) for part in parts]) for name in _TENSORS]
        return cls(blocks, members, *rest)

    @property
    def seen(self) -> dict[str, Tensor]:
        """Observations by block, a row a decision."""
        return {name: block[self.chosen] for name, block in self.observations.items()}

    @property
    def actions(self) -> Tensor:
        return self.moves[self.chosen]

    @property
    def log_probs(self) -> Tensor:
        return self.numbers[..., 0][self.chosen]

    @property
    def values(self) -> Tensor:
        return self.numbers[..., 1][self.chosen]

    @property
    def advantages(self) -> Tensor:
        return self.numbers[..., 2][self.chosen]

    @property
    def returns(self) -> Tensor:
        return self.numbers[..., 3][self.chosen]

    def normalized(self) -> "Sequences":
        """The same, advantages with mean 0 and spread 1."""
        gained = self.advantages
        numbers = self.numbers.clone()
        numbers[..., 2] = (numbers[..., 2] - gained.mean()) / (gained.std() + 1e-8)
        return replace(self, numbers=numbers)

    def batches(self, size: int, random: np.random.Generator) -> Iterator["Sequences"]:
        """All rows in random order, packs together, in batches of about `size` moments; none without a choice."""
        packs = len(self.starts) // self.members
        order = random.permutation(packs)
        count = min(packs, max(1, round(self.starts.numel() / size)))
        for chosen in np.array_split(order, count):
            rows = (chosen[:, None] * self.members + np.arange(self.members)).ravel()
            batch = self.at(torch.from_numpy(rows))
            if len(batch):
                yield batch

    def at(self, rows: Tensor | slice) -> "Sequences":
        """Some of the rows."""
        blocks = {name: block[rows] for name, block in self.observations.items()}
        return Sequences(blocks, self.members, *(getattr(self, name)[rows] for name in _TENSORS))

    def parts(self, count: int) -> list["Sequences"]:
        """The same rows in so many parts, as even as can be; none without a choice."""
        packs = len(self.starts) // self.members
        bounds = (np.linspace(0, packs, count + 1).astype(int) * self.members).tolist()
        made = [self.at(slice(a, b)) for a, b in pairwise(bounds) if b > a]
        return [part for part in made if len(part)]

    def to(self, device: torch.device) -> "Sequences":
        """The same on a device."""
        if device.type == "cpu":
            return self
        blocks = {name: block.to(device) for name, block in self.observations.items()}
        return Sequences(blocks, self.members, *(getattr(self, name).to(device) for name in _TENSORS))


def cut(block: Tensor, length: int, members: int) -> Tensor:
    """[steps, slots, ...] to [rows, length, ...]: by match, then stretch, then member."""
    steps, slots = block.shape[:2]
    rest = block.shape[2:]
    parts = block.reshape(steps // length, length, slots // members, members, *rest)
    return parts.movedim((2, 0, 3, 1), (0, 1, 2, 3)).reshape(steps // length * slots, length, *rest)


class SequenceRecorder:
    """Acts for the slots of one shard moment by moment, and keeps all of it; `memory` and `starts` are carried on."""

    def __init__(
        self, policy: Any, random: np.random.Generator, shown: Shown, steps: int, length: int, members: int,
        memory: Tensor, starts: Array,
    ) -> None:  # fmt: skip
        self.policy, self.random, self.shown, self.members = policy, random, shown, members
        self.length, self.steps = length, steps
        self.memory, self.starts = memory, starts
        self._kept: dict[str, list[Tensor]] = {}
        self._told: list[tuple[Tensor, ...]] = []
        self._memories: list[Tensor] = []
        self._flags: list[tuple[Tensor, Tensor]] = []

    def act(self, step: int, seen: dict[str, Array]) -> Array:
        """Actions of all slots."""
        slots = len(self.starts)
        choosing, _ = choices(seen, slots)
        chosen = np.zeros(slots, np.bool_)
        chosen[choosing] = True
        fresh = torch.from_numpy(self.starts.copy())
        memory = self.memory * (~fresh[:, None]).to(self.memory)
        if step % self.length == 0:
            self._memories.append(memory.cpu())
        observations = {name: torch.as_tensor(block).float() for name, block in seen.items()}
        with torch.inference_mode():
            logits, values, self.memory = self.policy.step(self.shown(observations), memory, self.members)
            told = drawn(logits, values, self.random)
        for name, block in observations.items():
            self._kept.setdefault(name, []).append(block)
        self._told.append(told)
        self._flags.append((fresh, torch.from_numpy(chosen)))
        self.starts[:] = False
        return told[0].numpy()

    def values(self, seen: dict[str, Array], slots: Array) -> Array:
        """What these slots are worth, seeing this and remembering what they do."""
        with torch.inference_mode():
            rows = self.shown({name: torch.as_tensor(block).float() for name, block in seen.items()})
            fresh = torch.from_numpy(self.starts[slots])[:, None].to(self.memory.device)
            memory = self.memory[torch.from_numpy(slots).to(self.memory.device)] * (~fresh).to(self.memory)
            found: Array = self.policy.step(rows, memory, self.members)[1].cpu().numpy()
        return found

    def end(self, dones: Array) -> None:
        """Some slots' matches are over: what they remember is forgotten."""
        self.starts[:] = dones

    def piece(self, rewards: Array, ended: Array, last_values: Array, beyond: Array) -> SequencePiece:
        """What was kept."""
        actions, log_probs, values = (torch.stack(kept) for kept in zip(*self._told, strict=True))
        starts, chosen = (torch.stack(kept) for kept in zip(*self._flags, strict=True))
        return SequencePiece(
            {name: torch.stack(blocks) for name, blocks in self._kept.items()},
            torch.stack(self._memories),
            starts, chosen, actions, log_probs, values, rewards, ended, last_values, beyond,
        )  # fmt: skip
