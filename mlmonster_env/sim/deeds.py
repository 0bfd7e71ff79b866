"""What every unit did in the last step, as arrays that rewards and measures of behaviour read."""

from typing import Any

import numpy as np

from mlmonster_env.contract import EVENTS, MEASURES
from mlmonster_env.data.errors import one_of
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.tables import Int32Array, Tables

Measure = Any  # an array over [matches, units]
OUTCOMES = ("over", "won", "lost", "drawn")
ROW_OF = {name: row for row, name in enumerate(EVENTS)}


class Events:
    """Arrays over [matches, units], each by its name: `events.damage_dealt`, `events["kills"]`.

    contract.EVENTS and contract.MEASURES say what the names mean. `over`, `won`, `lost` and `drawn` are 1 for all units
    of a match (of a side) in the step in which the match ended. `side`, `archetype` and `member` tell units apart. The
    arrays of events are views: they change with the next step.
    """

    def __init__(
        self, tally: Int32Array, units: Int32Array, match: Int32Array, tables: Tables, members: int, ended: Measure
    ) -> None:
        self._tally = tally
        self._units = units
        self._match = match
        self._tables = tables
        self._members = members
        self._ended = ended

    def __getattr__(self, name: str) -> Measure:
        if name.startswith("_"):
            raise AttributeError(name)
        row = ROW_OF.get(name)
        if row is not None:
            return self._tally[:, row]
        measure = MAKERS.get(name)
        if measure is None:
            raise AttributeError(f"no event {name!r}, {one_of(name, self.names())}")
        return measure(self)

    def __getitem__(self, name: str) -> Measure:
        try:
            return getattr(self, name)
        except AttributeError as error:
            raise KeyError(str(error)) from None

    @staticmethod
    def names() -> list[str]:
        """Every name that an array goes by."""
        return [*EVENTS, *MEASURES, *OUTCOMES, "side", "archetype", "member"]

    def _hp_share(self) -> Measure:
        most = self._tables.species[self._units[:, f.SPECIES], f.MAX_HP]
        return np.where(self._alive(), self._units[:, f.HP] / np.maximum(most, 1), 0.0).astype(np.float32)

    def _alive(self) -> Measure:
        return self._units[:, f.ALIVE] != 0

    def _outcome(self, wanted: str) -> Measure:
        winner = self._match[:, f.WINNER, None]
        side = self._units[:, f.SIDE]
        held = {"won": winner == side, "lost": (winner >= 0) & (winner != side), "drawn": winner < 0}[wanted]
        return held & self._ended[:, None]

    def _over(self) -> Measure:
        return np.broadcast_to(self._ended[:, None], self._units[:, f.SIDE].shape)

    def _member(self) -> Measure:
        return np.broadcast_to(np.arange(self._units.shape[2]) < self._members, self._units[:, f.SIDE].shape)

    def _archetype(self) -> Measure:
        return self._tables.species[self._units[:, f.SPECIES], f.ARCHETYPE]


MAKERS: dict[str, Any] = {
    "distance": lambda events: events._tally[:, f.T_DISTANCE],
    "hp_share": Events._hp_share,
    "alive": Events._alive,
    "lives": lambda events: events._units[:, f.LIVES] * events._alive(),
    "over": Events._over,
    "won": lambda events: events._outcome("won"),
    "lost": lambda events: events._outcome("lost"),
    "drawn": lambda events: events._outcome("drawn"),
    "side": lambda events: events._units[:, f.SIDE],
    "archetype": Events._archetype,
    "member": Events._member,
}
