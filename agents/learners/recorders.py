"""What a slot's policy does as it plays, and what is kept of it to be learnt from."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.learners.rollout import Piece
from mlmonster_env.envs.battle import Array
from policies.masks import MASK
from policies.sb3.actor_critic import sample

Shown = Callable[[dict[str, Tensor]], Any]  # blocks on the CPU to observations as a policy takes them


class DecisionRecorder:
    """Acts for the slots of one shard, and keeps the moments in which a slot had a choice."""

    def __init__(
        self, policy: Any, random: np.random.Generator, shown: Shown, steps: int, seen: dict[str, Array]
    ) -> None:
        slots = len(next(iter(seen.values())))
        self.policy, self.random, self.shown = policy, random, shown
        self.rows = np.full((steps, slots), -1, np.int64)
        self._nothing = {name: block[:0] for name, block in seen.items()}
        self._kept: dict[str, list[Tensor]] = {name: [] for name in seen}
        self._told: list[tuple[Tensor, Tensor, Tensor]] = []
        self._found = 0

    def act(self, step: int, seen: dict[str, Array]) -> Array:
        """Actions of all slots."""
        choosing, actions = choices(seen, self.rows.shape[1])
        self.rows[step, choosing] = np.arange(self._found, self._found + len(choosing))
        self._found += len(choosing)
        if len(choosing):
            observations = {name: torch.as_tensor(block[choosing]).float() for name, block in seen.items()}
            with torch.inference_mode():
                logits, values = self.policy.logits_and_values(self.shown(observations))
                told = drawn(logits, values, self.random)
            for name, block in observations.items():
                self._kept[name].append(block)
            self._told.append(told)
            actions[choosing] = told[0].numpy()
        return actions

    def values(self, seen: dict[str, Array], slots: Array) -> Array:
        """What these slots are worth, seeing this."""
        with torch.inference_mode():
            rows = {name: torch.as_tensor(block).float() for name, block in seen.items()}
            found: Array = self.policy.logits_and_values(self.shown(rows))[1].cpu().numpy()
        return found

    def end(self, dones: Array) -> None:
        """Some slots' matches are over."""

    def piece(self, rewards: Array, ended: Array, last_values: Array, beyond: Array) -> Piece:
        """What was kept."""
        actions, log_probs, values = zip(*self._told, strict=True) if self._told else ((), (), ())
        return Piece(
            {name: _joined(blocks, self._nothing[name]) for name, blocks in self._kept.items()},
            _joined(actions, np.zeros(0, np.int64)),
            _joined(log_probs, np.zeros(0, np.float32)),
            _joined(values, np.zeros(0, np.float32)),
            self.rows,
            rewards,
            ended,
            last_values,
            beyond,
        )


def drawn(logits: Tensor, values: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Actions, their log-probabilities, and values, on the CPU."""
    noise = torch.from_numpy(random.random(len(logits), np.float32)).to(logits.device)
    actions = sample(logits, noise)
    log_probs = logits.log_softmax(-1).gather(1, actions[:, None])[:, 0]
    return actions.cpu(), log_probs.cpu(), values.cpu()


def choices(seen: dict[str, Array], slots: int) -> tuple[Array, Array]:
    """Slots that have a choice, and the actions of all: where there is but one, that one."""
    if MASK not in seen:
        return np.arange(slots), np.zeros(slots, np.int64)
    legal = seen[MASK]
    return np.flatnonzero(legal.sum(1) > 1), legal.argmax(1).astype(np.int64)


def _joined(parts: Any, nothing: Array) -> Tensor:
    """All parts in one; where there are none, an empty one of that kind."""
    return torch.cat(list(parts)) if parts else torch.as_tensor(nothing)
