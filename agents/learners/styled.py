"""Matches in which every pack plays a style of its own, so that it is known how each monster plays."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from agents.learners.watched import WatchedVecEnv
from agents.opponents import STYLES, Mix, mix_of
from mlmonster_env.envs.battle import Array
from rewards.payment import Payment

WINNING = Payment({"win": 1.0, "loss": -1.0, "draw": -0.5})
MakeMix = Callable[[int], Mix]  # from a seed


def every_style(seed: int) -> Mix:
    """All the styles, each as often."""
    return mix_of(dict.fromkeys(STYLES, 1.0), seed)


class StyledVecEnv(WatchedVecEnv):
    """Both sides are slots, each side a mix of styles; `labels` says of each slot which style it plays now.

    Step with `play`: what the styles do about what was seen. `packs` numbers all packs that there have ever been; the
    two of one match are 2 n and 2 n + 1.
    """

    def __init__(
        self, num_envs: int, payment: Payment = WINNING, make_mix: MakeMix = every_style, **arguments: Any
    ) -> None:
        self._make_mix = make_mix
        self._sides = (make_mix(0), make_mix(1))
        first = self._sides[0]
        super().__init__(first.control, num_envs, payment, both_sides=True, observe=first.blocks, **arguments)
        self.styles: tuple[str, ...] = first.names
        self._side = self.battle.scenario.sides[self.battle.units].astype(np.int64)
        self._slots_of = [np.flatnonzero(self._side == side) for side in (0, 1)]
        self._numbers = np.zeros(num_envs, np.int64)
        self._next = 0
        self._sit()

    @property
    def labels(self) -> Array:
        """Of each slot, the number of the style that it plays in its present match."""
        drawn = np.stack([mix.labels for mix in self._sides], 1)
        return np.asarray(drawn[self.battle.matches, self._side])

    @property
    def packs(self) -> Array:
        """Of each slot, the number of its pack; no other pack has had it."""
        return np.asarray(2 * self._numbers[self.battle.matches] + self._side)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Let the next reset begin matches from this seed, and draw styles by it."""
        given = super().seed(seed)
        assert given[0] is not None
        self._sides = (self._make_mix(2 * given[0]), self._make_mix(2 * given[0] + 1))
        self._sit()
        return given

    def reset(self) -> Any:
        """Begin all matches anew."""
        self._draw(np.arange(self.battle.num_matches))
        return super().reset()

    def play(self, seen: dict[str, Array]) -> Array:
        """What every slot's style does about what the slots see."""
        actions = np.zeros(self.num_envs, np.int64)
        for mix, slots in zip(self._sides, self._slots_of, strict=True):
            actions[slots] = mix({name: block[slots] for name, block in seen.items()})
        return actions

    def state(self) -> dict[str, Any]:
        """All that `set_state` needs to go on from here to the bit."""
        return {
            "watched": super().state(),
            "numbers": self._numbers.copy(),
            "next": self._next,
            "sides": [mix.state() for mix in self._sides],
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told of an environment made alike, and seeded alike."""
        super().set_state(state["watched"])
        self._numbers[:] = state["numbers"]
        self._next = int(state["next"])
        for mix, told in zip(self._sides, state["sides"], strict=True):
            mix.set_state(told)

    def _sit(self) -> None:
        for mix, slots in zip(self._sides, self._slots_of, strict=True):
            mix.sit(self.battle.num_matches, len(slots) // self.battle.num_matches)

    def _played(self, ended: Array) -> None:
        super()._played(ended)
        if ended.any():
            self._draw(np.flatnonzero(ended))

    def _draw(self, which: Array) -> None:
        """Matches begin: new styles, new numbers, and nothing remembered."""
        self._numbers[which] = self._next + np.arange(len(which))
        self._next += len(which)
        for mix, slots in zip(self._sides, self._slots_of, strict=True):
            members = len(slots) // self.battle.num_matches
            mix.forget((which[:, None] * members + np.arange(members)).ravel())
