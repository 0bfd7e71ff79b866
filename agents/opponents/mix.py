"""Several styles as one opponent: each match is played in one of them, drawn anew whenever it begins."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from agents.opponents.dice import Dice
from agents.opponents.sight import BLOCKS
from agents.opponents.style import Style
from mlmonster_env.contract import IDLE
from mlmonster_env.envs.battle import Array

STOCK = "stock"


class Mix:
    """Players by name, None for the stock AI itself, and how often each is drawn beside the others.

    `labels` says of each match which of `names` plays it, -1 before its first beginning.
    """

    control = "combat"
    blocks: tuple[str, ...] = BLOCKS

    def __init__(self, players: Mapping[str, Style | None], weights: Sequence[float], seed: int = 0) -> None:
        if not players or len(weights) != len(players) or min(weights) <= 0:
            raise ValueError(f"weights are {tuple(weights)}, expected one above 0 for each of {tuple(players)}")
        self.names = tuple(players)
        self.labels: Array = np.zeros(0, np.int64)
        self._players = tuple(players.values())
        self._bounds = np.cumsum(weights) / sum(weights)
        self._dice = Dice(seed)
        self._members = 0
        self._seated = False

    def sit(self, matches: int, members: int) -> None:
        """Take a seat in a battle, the only one that it ever has."""
        if self._seated:
            raise ValueError("this rival plays in a battle already, expected one of its own for each battle")
        self._seated = True
        self._members = members
        self._dice.make_room(matches)
        self.labels = np.full(matches, -1)
        for player in self._players:
            if player is not None:
                player.sit(matches, members)

    def rewind(self) -> None:
        """Draw again as at the very beginning."""
        self._dice.rewind()
        for player in self._players:
            if player is not None:
                player.rewind()

    def forget(self, slots: Array) -> None:
        """The matches of these slots begin anew: each in a style that is drawn for it."""
        if not self._members:
            raise RuntimeError("a mix must be told the size of its battle first, expected sit before forget")
        matches = np.unique(np.asarray(slots) // self._members)
        self._dice.begin(matches)
        drawn = np.searchsorted(self._bounds, self._dice.throw(matches, 0), side="right")
        self.labels[matches] = np.minimum(drawn, len(self.names) - 1)
        for player in self._players:
            if player is not None:
                player.forget(slots)

    def yields(self, matches: Array) -> Array:
        """Which of these matches are for the stock AI."""
        stock = [number for number, player in enumerate(self._players) if player is None]
        return np.isin(self.labels[matches], stock)

    def __call__(self, seen: dict[str, Array]) -> Array:
        """Combat actions of all slots, those of the stock AI being left out of account."""
        of_slots = np.repeat(self.labels, self._members)
        chosen = np.full(len(of_slots), IDLE)
        for number, player in enumerate(self._players):
            slots = np.flatnonzero(of_slots == number)
            if player is not None and len(slots):
                chosen[slots] = player.act({name: block[slots] for name, block in seen.items()}, slots)
        return chosen

    def state(self) -> dict[str, Any]:
        """Who plays which match, and what each remembers."""
        players = zip(self.names, self._players, strict=True)
        return {
            "names": list(self.names),
            "labels": self.labels.copy(),
            "dice": self._dice.state(),
            "players": {name: player.state() for name, player in players if player is not None},
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told of a mix of the same names."""
        if tuple(state["names"]) != self.names:
            raise ValueError(f"the state is of a mix of {', '.join(state['names'])}, expected {', '.join(self.names)}")
        self.labels[:] = state["labels"]
        self._dice.set_state(state["dice"])
        for name, player in zip(self.names, self._players, strict=True):
            if player is not None:
                player.set_state(state["players"][name])
