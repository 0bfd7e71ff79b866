"""Several players as one opponent: each match is played by one of them, drawn anew whenever it begins."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from agents.opponents.dice import Dice
from agents.opponents.sight import BLOCKS
from mlmonster_env.contract import CONTINUOUS, CONTROLS, NOTHING_TO_DO
from mlmonster_env.envs.battle import Array
from mlmonster_env.envs.rivals import RewindingRival, Rival, SeatedRival

STOCK = "stock"
NOBODY = -1  # the label of a match that never began


class Part(Rival, Protocol):
    """A rival that can be asked for some of its slots alone."""

    def act(self, seen: dict[str, Array], slots: Array) -> Array:
        """Orders of these slots, which are what `seen` is of."""
        ...


class Mix:
    """Players by name, None for the stock AI itself, and how often each is drawn beside the others.

    `labels` says of each match which of `names` plays it, -1 before its first beginning. With `recruit`, which makes a
    player of a name, others may be drawn later on: see `weigh`. All give orders of one kind, and see `blocks` at least.
    """

    def __init__(
        self,
        players: Mapping[str, Part | None],
        weights: Sequence[float],
        seed: int = 0,
        *,
        recruit: Callable[[str], Part] | None = None,
        control: str | None = None,
        blocks: tuple[str, ...] = (),
    ) -> None:
        nobody = not players and recruit is None
        if nobody or len(weights) != len(players) or min(weights, default=1.0) <= 0:
            raise ValueError(f"weights are {tuple(weights)}, expected one above 0 for each of {tuple(players)}")
        known = [player for player in players.values() if player is not None]
        controls = {player.control for player in known} | ({control} if control else set()) or {"combat"}
        if len(controls) > 1:
            told = ", ".join(f"{name} {player.control}" for name, player in players.items() if player is not None)
            raise ValueError(f"orders are of several kinds: {', '.join(sorted(controls))} ({told}); expected one kind")
        self.control = controls.pop()
        shown = (*blocks, *(block for player in known for block in player.blocks))
        self.blocks: tuple[str, ...] = tuple(dict.fromkeys(shown)) or BLOCKS
        self.names = tuple(players)
        self.labels: Array = np.zeros(0, np.int64)
        self._players: dict[str, Part | None] = dict(players)
        self._recruit = recruit
        self._drawn: Array = np.arange(len(self.names))
        self._bounds = np.cumsum(weights) / (sum(weights) or 1.0)
        self._dice = Dice(seed)
        self._matches = self._members = 0
        self._memories: dict[int, Array] = {}  # by how much a model remembers: what all of that size share

    def sit(self, matches: int, members: int) -> None:
        """Take a seat in a battle, the only one that it ever has."""
        if self._members:
            raise ValueError("this rival plays in a battle already, expected one of its own for each battle")
        self._matches, self._members = matches, members
        self._dice.make_room(matches)
        self.labels = np.full(matches, NOBODY)
        for player in self._players.values():
            self._seat(player)

    @property
    def players(self) -> list[Part]:
        """Who is in it just now, but for the stock AI."""
        return [player for player in self._players.values() if player is not None]

    def weigh(self, weights: Mapping[str, float]) -> None:
        """From now on draw by these weights, which are of names; new names join, others play on what they play."""
        for name in weights:
            if name not in self.names:
                self.names = (*self.names, name)
            if name not in self._players:
                self._enlist(name)
        self._drawn = np.array([self.names.index(name) for name in weights])
        self._bounds = np.cumsum(list(weights.values())) / sum(weights.values())
        needed = {self.names[number] for number in np.unique([*self.labels, *self._drawn]) if number != NOBODY}
        self._players = {name: player for name, player in self._players.items() if name in needed}

    def rewind(self) -> None:
        """Draw again as at the very beginning."""
        self._dice.rewind()
        for player in self.players:
            if isinstance(player, RewindingRival):
                player.rewind()

    def forget(self, slots: Array) -> None:
        """The matches of these slots begin anew: each with a player that is drawn for it."""
        if not self._members:
            raise RuntimeError("a mix must be told the size of its battle first, expected sit before forget")
        if not len(self._drawn):
            raise RuntimeError("nobody is in the mix yet, expected weigh before forget")
        matches = np.unique(np.asarray(slots) // self._members)
        self._dice.begin(matches)
        drawn = np.searchsorted(self._bounds, self._dice.throw(matches, 0), side="right")
        self.labels[matches] = self._drawn[np.minimum(drawn, len(self._drawn) - 1)]
        for player in self.players:
            player.forget(slots)

    def yields(self, matches: Array) -> Array:
        """Which of these matches are for the stock AI."""
        stock = [number for number, name in enumerate(self.names) if self._players.get(name, self) is None]
        return np.isin(self.labels[matches], stock)

    def __call__(self, seen: dict[str, Array]) -> Array:
        """Orders of all slots, those of the stock AI being left out of account."""
        return self.act(seen, np.arange(self._matches * self._members))

    def act(self, seen: dict[str, Array], slots: Array) -> Array:
        """Orders of these slots, which are what `seen` is of."""
        labels = self.labels[slots // self._members]
        if CONTROLS[self.control]:
            chosen = np.full(len(slots), NOTHING_TO_DO[self.control])
        else:
            chosen = np.zeros((len(slots), len(CONTINUOUS)), np.float32)
        for number in np.unique(labels).tolist():
            player = self._players[self.names[number]] if number != NOBODY else None
            if player is not None:
                rows = np.flatnonzero(labels == number)
                told = player.act({name: seen[name][rows] for name in player.blocks}, slots[rows])
                chosen[rows] = self._orders(told, self.names[number], len(rows))
        return chosen

    def state(self) -> dict[str, Any]:
        """Who plays which match, and what each remembers."""
        numbers = {name: str(number) for number, name in enumerate(self.names)}  # a name may be a path
        players = {numbers[name]: player.state() for name, player in self._players.items() if player is not None}
        return {
            "names": list(self.names),
            "labels": self.labels.copy(),
            "drawn": self._drawn.copy(),
            "bounds": self._bounds.copy(),
            "dice": self._dice.state(),
            "players": {number: {k: v for k, v in told.items() if k != "memory"} for number, told in players.items()},
            "memories": {str(size): memory.copy() for size, memory in self._memories.items()},
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told of a mix of the same names."""
        told, own = tuple(state["names"]), self.names
        if told != own and (self._recruit is None or told[: len(own)] != own):
            raise ValueError(f"the state is of a mix of {', '.join(told)}, expected {', '.join(own)}")
        self.names = told
        self.labels[:] = state["labels"]
        self._drawn, self._bounds = np.array(state["drawn"]), np.array(state["bounds"])
        self._dice.set_state(state["dice"])
        of_players = {told[int(number)]: of_player for number, of_player in state["players"].items()}
        for name in of_players:
            if name not in self._players:
                self._enlist(name)
        self._players = {n: player for n, player in self._players.items() if player is None or n in of_players}
        for size, memory in state["memories"].items():
            self._memories[int(size)][:] = memory
        for name, of_player in of_players.items():
            player = self._players[name]
            assert player is not None
            memory = getattr(player, "memory", None)
            player.set_state(of_player if memory is None else {**of_player, "memory": memory})
            if memory is not None:
                player.memory = memory  # type: ignore[attr-defined]

    def _orders(self, told: Any, name: str, slots: int) -> Array:
        """A player's orders; ValueError unless there is one for each of its slots, or they would be spread or cut."""
        orders = np.asarray(told)
        single = CONTROLS[self.control] > 0
        expected, kinds = ((slots,), "iu") if single else ((slots, len(CONTINUOUS)), "iuf")
        if orders.shape != expected or orders.dtype.kind not in kinds:
            found = f"{name} gave orders of shape {orders.shape} and type {orders.dtype}"
            raise ValueError(f"{found}, expected {'whole ' * single}numbers of shape {expected}")
        return orders

    def _enlist(self, name: str) -> None:
        if self._recruit is None:
            raise ValueError(f"{name} is none of this mix, expected {', '.join(self.names)}")
        player = self._recruit(name)
        self._players[name] = player
        if self._members:
            self._seat(player)

    def _seat(self, player: Part | None) -> None:
        """Models of one size share what they remember: a slot is played by one of them at a time."""
        if player is None:
            return
        if isinstance(player, SeatedRival):
            player.sit(self._matches, self._members)
        memory = getattr(player, "memory", None)
        if memory is not None:
            shared = self._memories.setdefault(memory.shape[1], memory)
            player.memory = shared  # type: ignore[attr-defined]
