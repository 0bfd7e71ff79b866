"""The latest windows of enemies' play whose style is known."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.reading import Told
from mlmonster_env.contract import HISTORY, STATE_SIZE
from mlmonster_env.envs.battle import Array
from policies.storage import Tree

KEPT_EVERY = 4  # of so many readings one is kept: the next ones look much alike, and there is room for more fights
LEAST = 10  # frames that are left where only the last ones are shown


@dataclass
class Labelled:
    """Windows, what was read in them when they were seen, and what their enemies played."""

    histories: Array  # float16 [n, HISTORY, 64]
    latents: Array
    styles: Array
    fights: Array

    def __len__(self) -> int:
        return len(self.styles)

    @classmethod
    def of(cls, parts: "list[Labelled]") -> "Labelled":
        """All parts in one."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))


class Collector:
    """Listens to the readings of one environment, and now and then keeps of each match one enemy in turn, labelled."""

    def __init__(self, env: Any, number: int) -> None:
        self._env = env
        self._first = number << 40  # fights of different environments have different numbers
        self._parts: list[Labelled] = []
        self.turn = 0

    def __call__(self, told: Told) -> None:
        """Something was read just now."""
        self.turn += 1
        if self.turn % KEPT_EVERY:
            return
        known = np.asarray(self._env.labels)[told.matches].astype(np.int64)
        kept = np.flatnonzero((told.enemies == self.turn // KEPT_EVERY % self._env.reading.enemies) & (known >= 0))
        if len(kept):
            styles = known[kept]
            fights = told.fights[kept] + self._first
            self._parts.append(Labelled(told.histories[kept].astype(np.float16), told.latents[kept], styles, fights))

    def take(self) -> list[Labelled]:
        """All that was kept since this was last asked."""
        parts, self._parts = self._parts, []
        return parts


class PatternStore:
    """A ring of windows: the oldest make room. Half precision, in which the frames themselves were kept."""

    def __init__(self, capacity: int) -> None:
        if capacity < 2:
            raise ValueError(f"capacity is {capacity}, expected at least 2 windows")
        self.capacity = capacity
        self._histories = np.zeros((0, HISTORY, STATE_SIZE), np.float16)  # grows until it is full
        self._styles = np.zeros(0, np.int64)
        self._fights = np.zeros(0, np.int64)
        self._next = 0

    def __len__(self) -> int:
        return len(self._styles)

    def add(self, fresh: Labelled) -> None:
        """Take windows in, the latest of them if they are too many."""
        given = (fresh.histories, fresh.styles, fresh.fights)
        histories, styles, fights = (block[-self.capacity :] for block in given)
        room = self.capacity - len(self)
        if room:
            self._histories = np.concatenate([self._histories, histories[:room]])
            self._styles = np.concatenate([self._styles, styles[:room]])
            self._fights = np.concatenate([self._fights, fights[:room]])
        rest = len(styles) - room
        if rest > 0:
            places = (self._next + np.arange(rest)) % self.capacity
            self._histories[places], self._styles[places] = histories[room:], styles[room:]
            self._fights[places] = fights[room:]
            self._next = (self._next + rest) % self.capacity

    def draw(self, random: np.random.Generator, count: int) -> tuple[Array, Array, Array]:
        """Windows at random: float32 histories, styles, fights.

        About half of them show everything, the others only the last so many frames; something is shown of each.
        """
        chosen = random.integers(0, len(self), count)
        histories = self._histories[chosen].astype(np.float32)
        shown = np.arange(HISTORY - 1, -1, -1) < random.integers(LEAST, 2 * HISTORY, count)[:, None]
        left = np.asarray((histories.any(-1) & shown).any(1))
        shown |= ~left[:, None]
        return np.where(shown[..., None], histories, 0.0), self._styles[chosen], self._fights[chosen]

    def state(self) -> Tree:
        """To be written down."""
        return {
            "histories": self._histories, "styles": self._styles, "fights": self._fights, "next": self._next,
        }  # fmt: skip

    def set_state(self, state: Tree) -> None:
        """Go on from what `state` told."""
        if len(state["styles"]) > self.capacity:
            raise ValueError(f"the state is of {len(state['styles'])} windows, expected {self.capacity} at most")
        self._histories = np.array(state["histories"], np.float16)
        self._styles, self._fights = np.array(state["styles"], np.int64), np.array(state["fights"], np.int64)
        self._next = int(state["next"])
