"""Random numbers by slot: what one draws depends on the seed, the slot and how far it came, not on its neighbours."""

from typing import Any

import numpy as np

from mlmonster_env.envs.battle import Array

STREAM, MATCH, MOMENT, THROW = (np.uint64(odd) for odd in (
    0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB
))  # fmt: skip
ALL = (1 << 64) - 1


class Dice:
    """Each slot has a stream of its own, which goes on from match to match."""

    def __init__(self, seed: int) -> None:
        self._seed = np.uint64(seed & ALL)
        self._matches = np.zeros(0, np.uint64)  # that each slot began
        self._moments = np.zeros(0, np.uint64)  # decisions in the present match

    def make_room(self, slots: int) -> None:
        """Let there be streams for so many slots at least."""
        missing = max(slots - len(self._matches), 0)
        self._matches = np.append(self._matches, np.zeros(missing, np.uint64))
        self._moments = np.append(self._moments, np.zeros(missing, np.uint64))

    def begin(self, slots: Array) -> None:
        """New matches for these slots."""
        self._matches[slots] += np.uint64(1)
        self._moments[slots] = 0

    def rewind(self) -> None:
        """Back to where all streams begin."""
        self._matches[:] = 0
        self._moments[:] = 0

    def advance(self, slots: Array) -> None:
        """The next decision of these slots."""
        self._moments[slots] += np.uint64(1)

    def moments(self, slots: Array) -> Array:
        """How many decisions each of the slots made in its match, the present one with it."""
        return np.asarray(self._moments[slots])

    def throw(self, slots: Array, number: int) -> Array:
        """For each of the slots a number from 0 up to 1, another one for each `number` within a decision."""
        bits = mixed(np.asarray(slots, np.uint64) * STREAM ^ self._seed)
        bits = mixed(bits ^ self._matches[slots] * MATCH)
        bits = mixed(bits ^ self._moments[slots] * MOMENT ^ np.uint64(number * int(THROW) & ALL))
        return np.asarray((bits >> np.uint64(11)).astype(np.float64) / (1 << 53))

    def state(self) -> dict[str, Any]:
        """How far each stream came."""
        return {"matches": self._matches.copy(), "moments": self._moments.copy()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told."""
        self._matches = np.array(state["matches"], np.uint64)
        self._moments = np.array(state["moments"], np.uint64)


def mixed(bits: Array) -> Array:
    """Numbers of which every bit depends on every bit (the end of splitmix64)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(bits ^ (bits >> np.uint64(31)))
