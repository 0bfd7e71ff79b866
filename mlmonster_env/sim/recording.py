"""A match as what made it: a scenario, a stream of random numbers, and the orders. Played back it is the same."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import error as BadStream

import numpy as np

from mlmonster_env.data import Bestiary
from mlmonster_env.plans import Plan, Side, Start
from mlmonster_env.sim.arena import Arena
from mlmonster_env.sim.scene import Scene
from mlmonster_env.sim.staging import stage
from mlmonster_env.sim.tables import Int32Array

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Recording:
    """One match, from its beginning to where the recording stopped. `digest` is that of its last moment."""

    plan: Plan
    mode: str  # of the bestiary
    bestiary: str  # its content hash
    skills: str  # "fair" or "free"
    seed: int
    index: int
    serial: int
    ticks: int  # between two orders
    controls: tuple[tuple[str, tuple[int, ...]], ...]  # kind of control, and the members that are under it
    units: Int32Array  # [slots]: who the orders are for
    orders: Int32Array  # [steps, slots]
    digest: str

    def save(self, path: str | Path) -> None:
        """Write one .npz file, which holds no Python objects."""
        told = {name: value for name, value in asdict(self).items() if name not in ("units", "orders")}
        told["format"] = FORMAT
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with Path(path).open("wb") as file:
            np.savez_compressed(
                file, told=np.frombuffer(json.dumps(told).encode(), np.uint8), units=self.units, orders=self.orders
            )

    @classmethod
    def load(cls, path: str | Path) -> "Recording":
        """Read what `save` wrote."""
        try:
            with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as kept:
                told: dict[str, Any] = json.loads(kept["told"].tobytes())
                units, orders = kept["units"], kept["orders"]
            if told.pop("format") != FORMAT:
                raise ValueError(f"another format, expected format {FORMAT}")
            told["plan"] = _plan(told["plan"])
            told["controls"] = tuple((kind, tuple(members)) for kind, members in told["controls"])
            return cls(units=units, orders=orders, **told)
        except (ValueError, KeyError, TypeError, AttributeError, EOFError, BadZipFile, BadStream) as error:
            raise ValueError(f"{path}: {error or type(error).__name__}, expected a recording") from error

    def begin(self, bestiary: Bestiary | None = None, observed: bool = False) -> Arena:
        """An arena at the beginning of the match; `bestiary` is the one it was recorded with, None the bundled one."""
        world = Bestiary.load(mode=self.mode) if bestiary is None else bestiary
        if world.content_hash != self.bestiary:
            raise ValueError(
                f"the recording was made with bestiary {self.bestiary[:12]}, this is {world.content_hash[:12]}; "
                "expected the same files"
            )
        arena = Arena(1, stage(self.plan, world, skills=self.skills), world, observed=observed)
        for kind, members in self.controls:
            arena.put_under_orders(kind, members)
        arena.begin(np.zeros(1, np.int64), np.array([self.seed]))
        arena.streams.indices[:] = self.index
        arena.streams.serials[:] = self.serial - 1
        arena.begin(np.zeros(1, np.int64))
        return arena

    def play(self, bestiary: Bestiary | None = None, observed: bool = False) -> Iterator[Arena]:
        """The arena at the beginning, and after each step."""
        arena = self.begin(bestiary, observed)
        yield arena
        matches = np.zeros(len(self.units), np.int64)
        units = self.units.astype(np.int64)
        for orders in self.orders:
            arena.order(matches, units, orders)
            if observed:
                arena.step(self.ticks)
            else:
                arena.run(self.ticks)
            yield arena

    def replayed_digest(self, bestiary: Bestiary | None = None) -> str:
        """The digest at the end, found by playing the match again."""
        for arena in self.play(bestiary):  # noqa: B007 - the last one counts
            pass
        return arena.digest()[0]

    def scenes(self, bestiary: Bestiary | None = None, ticks: int = 2) -> Iterator[Scene]:
        """The match to look at: a scene every so many ticks, and one of the last moment."""
        arena = self.begin(bestiary)
        yield arena.scene(0)
        matches = np.zeros(len(self.units), np.int64)
        last = len(self.orders) * self.ticks
        for step, orders in enumerate(self.orders):
            arena.order(matches, self.units.astype(np.int64), orders)
            for tick in range(step * self.ticks + 1, (step + 1) * self.ticks + 1):
                arena.run(1)
                if tick % ticks == 0 or tick == last:
                    yield arena.scene(0)


def _plan(told: dict[str, Any]) -> Plan:
    def side(values: dict[str, Any]) -> Side:
        return Side(**{**values, "species": tuple(values["species"])})

    starts = tuple(Start(**{**start, "apart": tuple(start["apart"])}) for start in told["starts"])
    plan = Plan(**{**told, "first": side(told["first"]), "second": None, "starts": starts})
    second = None if told["second"] is None else side(told["second"])
    return replace(plan, second=second, maps=tuple(told["maps"]), held_out_maps=tuple(told["held_out_maps"]))
