"""What a model knows of its enemies' play: the frames that were seen of them, read by a pattern encoder as it fights.

The simulator builds no `latent`; the battle of this module does, above it, for training and judging alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from mlmonster_env.contract import HISTORY, LATENT, SIGHT, STATE_SIZE
from mlmonster_env.envs.battle import Array, Battle, Observation
from mlmonster_env.sim import fields as f
from policies.pattern import PatternNetwork, seen_frames
from policies.policy import Policy
from policies.sb3.conditioned import ConditionedActor

BLOCK = "latent"
AT_ONCE = 256  # histories that a network reads together
Reader = Callable[[Array], Array]  # histories [n, HISTORY, 64] to latents [n, LATENT]
Teller = Callable[["Told"], None]
MakeBattle = Callable[..., Battle]


@dataclass(frozen=True)
class Told:
    """What was read at one moment: only enemies of whom at least one frame was seen."""

    histories: Array  # float32 [n, HISTORY, 64], the newest frame last, zeros where none was seen
    latents: Array  # [n, LATENT]
    matches: Array
    enemies: Array  # which of the match's enemies
    fights: Array  # the number of the match; none before had it


class NetworkReader:
    """Reads by a network as it is at that moment."""

    def __init__(self, network: PatternNetwork) -> None:
        self.network = network

    def __call__(self, histories: Array) -> Array:
        """[n, LATENT]."""
        device = self.network.temperature.device
        latents = np.zeros((len(histories), LATENT), np.float32)
        with torch.inference_mode():
            for first in range(0, len(histories), AT_ONCE):
                part = slice(first, first + AT_ONCE)
                frames = torch.from_numpy(histories[part]).to(device)
                latents[part] = self.network.encode(frames, seen_frames(frames)).float().cpu().numpy()
        return latents


class Reading:
    """The last frames that were seen of every enemy of a batch of matches, and what was read in them.

    Every `every` decisions, of all matches at once, all that is there is read anew; a match's `latents` are the mean
    over those of its enemies who were seen, zeros while there is none. Without a reader nothing is kept at all.
    `teller`, if there is one, is told at each reading.
    """

    def __init__(self, matches: int, enemies: int, every: int = 8, reader: Reader | None = None) -> None:
        if every < 1:
            raise ValueError(f"every is {every}, expected at least 1 decision")
        self.every = every
        self.reader = reader
        self.teller: Teller | None = None
        self.enemies = enemies
        self.latents = np.zeros((matches, LATENT), np.float32)
        self._frames = np.zeros((matches * enemies, HISTORY, STATE_SIZE), np.float16)
        self._seen_at = np.full(matches * enemies, -HISTORY)  # the decision at which each was seen last
        self._clock = 0
        self._fights = np.zeros(matches, np.int64)
        self._next = 0

    def restart(self) -> None:
        """All matches are about to begin, and the next reading is due as it was at the very beginning."""
        self._clock = 0
        self._frames[self._seen_at > -HISTORY] = 0.0
        self._seen_at[:] = -HISTORY
        self.latents[:] = 0.0

    def begin(self, which: Array) -> None:
        """These matches begin: nobody was seen yet."""
        self.latents[which] = 0.0
        self._fights[which] = self._next + np.arange(len(which))
        self._next += len(which)
        rows = (np.asarray(which)[:, None] * self.enemies + np.arange(self.enemies)).ravel()
        known = rows[self._seen_at[rows] > self._clock - HISTORY]  # the frames of others are zeros already
        self._frames[known] = 0.0
        self._seen_at[rows] = self._clock - HISTORY

    def note(self, rows: Array, frames: Array) -> None:
        """A decision was played: frames [n, 64] of those enemies who were seen, match * enemies + enemy each."""
        if self.reader is None:
            return
        place = self._clock % HISTORY
        self._frames[:, place] = 0.0
        self._frames[rows, place] = frames
        self._clock += 1
        self._seen_at[rows] = self._clock
        if self._clock % self.every == 0:
            self._read(self.reader)

    def histories(self, rows: Array) -> Array:
        """Of some enemies, float32 [n, HISTORY, 64], the newest frame last."""
        order = (self._clock + np.arange(HISTORY)) % HISTORY
        return self._frames[rows[:, None], order].astype(np.float32)

    def state(self) -> dict[str, Any]:
        """Arrays and numbers: all that `set_state` needs to go on to the bit."""
        return {
            "latents": self.latents.copy(), "frames": self._frames.copy(), "seen_at": self._seen_at.copy(),
            "fights": self._fights.copy(), "clock": self._clock, "next": self._next,
        }  # fmt: skip

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told of one of the same size."""
        if np.shape(state["frames"]) != self._frames.shape:
            told, wanted = np.shape(state["frames"]), self._frames.shape
            raise ValueError(f"the state is of frames {told}, expected {wanted}: [matches * enemies, frames, numbers]")
        self.latents[:] = state["latents"]
        self._frames[:] = state["frames"]
        self._seen_at[:] = state["seen_at"]
        self._fights[:] = state["fights"]
        self._clock, self._next = int(state["clock"]), int(state["next"])

    def _read(self, reader: Reader) -> None:
        rows = np.flatnonzero(self._seen_at > self._clock - HISTORY)
        histories = self.histories(rows)
        told = reader(histories) if len(rows) else np.zeros((0, LATENT), np.float32)
        spread = np.zeros((len(self._seen_at), LATENT), np.float32)
        spread[rows] = told
        count = np.bincount(rows // self.enemies, minlength=len(self.latents))
        sums = spread.reshape(len(self.latents), self.enemies, LATENT).sum(1)
        self.latents = sums / np.maximum(count, 1).astype(np.float32)[:, None]
        if self.teller is not None and len(rows):
            matches = rows // self.enemies
            self.teller(Told(histories, told, matches, rows % self.enemies, self._fights[matches]))


class ReadingBattle(Battle):
    """A battle in which slots may see `latent` too: what is read in the enemies' play, as far as it was seen.

    An enemy is seen at a decision when it lives and any living monster of the slots' side is within sight of it.
    """

    def __init__(
        self,
        matches: int,
        control: str = "combat",
        *,
        observe: str | Sequence[str] = ("state", BLOCK),
        both_sides: bool = False,
        every: int = 8,
        reader: Reader | None = None,
        teller: Teller | None = None,
        **arguments: Any,
    ) -> None:
        if both_sides:
            raise ValueError("both_sides is True, expected False: the enemies of one side are read")
        blocks = (observe,) if isinstance(observe, str) else tuple(observe)
        plain = tuple(name for name in blocks if name != BLOCK)
        super().__init__(matches, control, observe=plain, **arguments)
        if len(plain) < len(blocks) - 1:
            raise ValueError(f"observe is {observe!r}, expected blocks, each once")
        self.blocks = blocks
        sides = self.scenario.sides
        self._own, self._foes = np.flatnonzero(sides == self.side), np.flatnonzero(sides != self.side)
        self.reading = Reading(matches, len(self._foes), every, reader)
        self.reading.teller = teller

    def reset(self, seeds: Array) -> None:
        """As ever; readings fall as they did at the first time."""
        self.reading.restart()
        super().reset(seeds)

    def step(self, actions: Array) -> tuple[Array, Array, Array]:
        """As ever; what was seen of the enemies is noted."""
        told = super().step(actions)
        if self.reading.reader is not None:
            self.reading.note(*self._sighted())
        return told

    def observe(self, slots: Array | None = None) -> Observation:
        """As ever, with what was read."""
        seen = super().observe(slots)
        if BLOCK in self.blocks:
            assert isinstance(seen, dict)
            matches = self.matches if slots is None else self.matches[np.asarray(slots)]
            seen[BLOCK] = self.reading.latents[matches]
        return seen

    def state(self) -> dict[str, Any]:
        """As ever, with what was seen and read."""
        return {**super().state(), "reading": self.reading.state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told of a battle made alike."""
        if "reading" not in state:
            raise ValueError("the state is of a battle in which nothing is read, expected one made alike")
        super().set_state(state)
        self.reading.set_state(state["reading"])

    def _begin(self, which: Array, seeds: Array | None) -> None:
        super()._begin(which, seeds)
        self.reading.begin(which)

    def _sighted(self) -> tuple[Array, Array]:
        """Which enemies are seen now, match * enemies + enemy, and the state vector of each."""
        units = self.arena.units
        own, foes = units[:, :, self._own], units[:, :, self._foes]
        across = np.abs(own[:, f.X, :, None] - foes[:, f.X, None, :])
        along = np.abs(own[:, f.Y, :, None] - foes[:, f.Y, None, :])
        watched = (np.maximum(across, along) <= SIGHT) & (own[:, f.ALIVE, :, None] != 0)
        matches, places = np.nonzero(watched.any(1) & (foes[:, f.ALIVE] != 0))
        states = self._see(("state",), matches, self._foes[places], self.control)["state"]
        return matches * len(self._foes) + places, states


def battle_for(policy: Policy) -> MakeBattle:
    """What makes the battles in which a model plays: those that show what it must see."""
    actor = policy.actor
    if not isinstance(actor, ConditionedActor):
        return Battle
    return partial(ReadingBattle, every=actor.every, reader=None if actor.blind else NetworkReader(actor.pattern))
