"""Many matches at once: set up, run, look at, keep and bring back."""

import copy
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mlmonster_env.data import Bestiary
from mlmonster_env.data.errors import one_of
from mlmonster_env.plans import Plan
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.clock import run_matches
from mlmonster_env.sim.deeds import Before, Events
from mlmonster_env.sim.lanes import whole_lanes
from mlmonster_env.sim.legal import find_legal, give_orders
from mlmonster_env.sim.orders import CONTROL_OF, FIRST_ORDERS
from mlmonster_env.sim.scene import Ground, Scene
from mlmonster_env.sim.setup import SEED_MASK, Scenario, Streams, place_matches, point_at_maps
from mlmonster_env.sim.staging import stage
from mlmonster_env.sim.tables import Int32Array, Tables
from mlmonster_env.sim.views import draw_area
from mlmonster_env.sim.world import OF_MATCHES, world_words

Indices = np.ndarray[Any, np.dtype[np.int64]]

UNDECIDED = -1
SHARDS_A_THREAD = 4  # a thread that is held up leaves some to the others


@dataclass(frozen=True, slots=True)
class Results:
    """What came of each match; arrays over matches."""

    over: np.ndarray[Any, np.dtype[np.bool_]]
    winner: Int32Array  # 0 or 1; -1 where the time ran out, nobody was left, or the match is not over
    duration_ms: Int32Array
    survivors: Int32Array  # [matches, 2]: pack members alive on each side
    hp_share: np.ndarray[Any, np.dtype[np.float64]]  # [matches, 2]: hp left of the hp that a side began with
    first_contact_ms: Int32Array  # fields.NEVER where nobody was attacked


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that changes while matches are played; rows can be taken and put back."""

    units: Int32Array
    match: Int32Array
    tally: Int32Array
    book: Int32Array
    streams: Streams
    seed: int
    ticks: int
    before: Before
    closed: bool
    was_over: np.ndarray[Any, np.dtype[np.bool_]]
    world: str = ""  # a hash of what it is played by; of one that was written down it is not known

    def as_tree(self) -> dict[str, Any]:
        """Arrays and numbers by name, to be written down."""
        streams, before = self.streams, self.before
        return {
            "units": self.units, "match": self.match, "tally": self.tally, "book": self.book,
            "streams": {"seeds": streams.seeds, "indices": streams.indices, "serials": streams.serials},
            "seed": self.seed, "ticks": self.ticks, "closed": self.closed, "was_over": self.was_over,
            "before": {"hp": before.hp, "max_hp": before.max_hp, "alive": before.alive, "distance": before.distance},
        }  # fmt: skip

    @classmethod
    def of_tree(cls, tree: dict[str, Any]) -> "Snapshot":
        """The snapshot that `as_tree` wrote down."""
        before = {"max_hp": tree["tally"][:, f.T_MAX_HP], **tree["before"]}  # some were written down without it
        return cls(**{**tree, "streams": Streams(**tree["streams"]), "before": Before(**before)})


def side_by_side(units: Int32Array) -> Int32Array:
    """Units as kernels need them: indexed by match, row and unit, in memory all rows of a unit one after the other."""
    return np.ascontiguousarray(units.transpose(0, 2, 1)).transpose(0, 2, 1)


def _check_items(scenario: Scenario) -> None:
    if scenario.item_spots is None or scenario.item_spots.size == 0:
        return
    shape, maps = scenario.item_spots.shape, len(scenario.cells)
    if len(shape) != 3 or shape[0] != maps or shape[1] > f.ITEM_LIMIT or shape[2] != 2:
        raise ValueError(f"item_spots is of shape {shape}, expected ({maps}, 1 to {f.ITEM_LIMIT}, 2)")


class Arena:
    """A batch of independent matches under the stock AI, or under orders.

    A match is a function of (scenario, seed, its index): neither the number of matches nor of threads changes it.
    `threads` shards the matches over threads that meet once a call. With `restart` a match that is over is followed at
    once by the next one of its row. `journal_records` keeps the last so many happenings of each match in `journal`.
    `observed` keeps account of what units do and remember, which `step`, `events` and observations need.
    """

    def __init__(
        self,
        num_matches: int,
        scenario: str | Path | Plan | Scenario = "skirmish",
        bestiary: Bestiary | None = None,
        seed: int = 0,
        *,
        threads: int = 1,
        restart: bool = False,
        journal_records: int = 0,
        observed: bool = False,
    ) -> None:
        if num_matches < 1:
            raise ValueError(f"num_matches is {num_matches}, expected at least 1")
        if not isinstance(threads, int | np.integer) or isinstance(threads, bool) or threads < 1:
            raise ValueError(f"threads is {threads!r}, expected at least 1, a whole number")
        self.bestiary = Bestiary.load() if bestiary is None else bestiary
        self.scenario = scenario if isinstance(scenario, Scenario) else stage(scenario, self.bestiary)
        if self.scenario.places > f.MOST_PLACES:
            raise ValueError(f"the scenario has {self.scenario.places} places, expected at most {f.MOST_PLACES}")
        _check_items(self.scenario)
        self.seed = seed
        self.num_matches = num_matches
        self.threads = threads
        self.restart = restart
        self.unit_ticks = 0
        self._ticks = 0  # run since the last reset
        self.tables: Tables = self.scenario.tables
        places = self.scenario.places
        self.units = np.zeros((num_matches, self.scenario.unit_rows, places), np.int32)
        self.match = np.zeros((num_matches, f.MATCH_WIDTH), np.int32)
        self.journal = np.zeros((num_matches, journal_records, f.JOURNAL_WIDTH), np.int32)
        self.scratch = np.zeros((num_matches, f.SCRATCH_WIDTH), np.int32)
        self.due, self.wake, self.after = np.zeros((3, num_matches, whole_lanes(places)), np.int32)
        self.after[:] = f.NOBODY
        self.tally = np.zeros((num_matches, f.TALLY_ROWS if observed else 0, places), np.int32)
        self.book = np.zeros((num_matches, places if observed else 0, f.BOOK_ROWS), np.int32)
        self.controls = np.zeros(self.scenario.members, np.int32)  # fields.STOCK ...: who decides for each member
        self._first_orders = np.zeros(self.scenario.members, np.int32)
        self._was_over = np.zeros(num_matches, np.bool_)
        self._closed = True  # the account of the last step
        self._before = self._moment()
        self.streams = Streams.of(num_matches, seed)
        self._rules = self.scenario.rules
        self._connect()
        self.reset()

    def _connect(self) -> None:
        """Write down where everything lies, and open the threads: what a copy has to do for itself."""
        tables = self.tables
        self.units = side_by_side(self.units)
        of_matches = [getattr(self, name) for name in OF_MATCHES]
        self.words = world_words(
            of_matches,
            self.scenario.cells,
            (tables.species, tables.rows, tables.skills, tables.statuses, tables.elements, self._rules),
        )
        self._pool = ThreadPoolExecutor(self.threads) if self.threads > 1 else None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("words", "_pool")}

    def __copy__(self) -> "Arena":
        return copy.deepcopy(self)  # two arenas over the same arrays would play the same match

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._connect()
        point_at_maps(self.words, self.match, self.scenario.cells, np.arange(self.num_matches))

    @cached_property
    def _world(self) -> str:
        """A hash of what all matches are played by, and none of them changes."""
        made = hashlib.blake2b(self.bestiary.content_hash.encode(), digest_size=16)
        for part in (self.tables.species, self.tables.rows, self.scenario.cells, self._rules):
            made.update(np.ascontiguousarray(part).data)
        return made.hexdigest()

    @property
    def bytes_per_match(self) -> int:
        """Memory of one match's state."""
        return int(self.units[0].nbytes + self.match[0].nbytes + self.streams.serials[0].nbytes)

    @property
    def clock_ms(self) -> Int32Array:
        """Each match's own time."""
        return np.where(self.match[:, f.OVER] != 0, self.match[:, f.ENDED_AT], self.match[:, f.CLOCK])

    def reset(self, seed: int | None = None) -> None:
        """Begin all matches anew, with another seed if one is given."""
        if seed is not None:
            self.seed = seed
        self.streams.assign(Streams.of(self.num_matches, self.seed))
        self.unit_ticks = 0
        self._ticks = 0
        self._place(np.arange(self.num_matches))

    def begin(self, which: Indices, seeds: Indices | None = None) -> None:
        """Begin the matches named by `which` anew: each the first of a seed of its own, or the next one of its row.

        A match begun from a seed of its own is the same in whatever row it is played.
        """
        which = np.asarray(which, np.int64)
        if seeds is None:
            self.streams.serials[which] += 1
        else:
            self.streams.seeds[which] = np.asarray(seeds, np.int64) & SEED_MASK
            self.streams.indices[which] = 0
            self.streams.serials[which] = 0
        self._place(which)

    def put_under_orders(self, kind: str | None, members: Sequence[int]) -> None:
        """Let orders of a kind (contract.CONTROLS) decide for members from the next beginning on; None: stock AI."""
        if kind is not None and kind not in CONTROL_OF:
            raise ValueError(f"control is {kind!r}, expected {one_of(str(kind), CONTROL_OF)}")
        for member in members:
            if not 0 <= member < self.scenario.members:
                raise ValueError(f"member is {member}, expected 0 to {self.scenario.members - 1}")
            self.controls[member] = f.STOCK if kind is None else CONTROL_OF[kind]
            self._first_orders[member] = 0 if kind is None else FIRST_ORDERS[kind]

    def order(self, matches: Indices, units: Indices, orders: Int32Array) -> None:
        """Give orders to the units named by matches and units; they hold until the next ones."""
        if len(matches) and not (matches.min() >= 0 and matches.max() < self.num_matches):
            raise ValueError(f"matches are {matches.min()} to {matches.max()}, expected 0 to {self.num_matches - 1}")
        if len(units) and not (units.min() >= 0 and units.max() < self.scenario.members):
            raise ValueError(f"units are {units.min()} to {units.max()}, expected 0 to {self.scenario.members - 1}")
        self._open_account()
        give_orders(self.words, matches, units, orders)

    def legal(self, matches: Indices, units: Indices, actions: int) -> np.ndarray[Any, np.dtype[np.int8]]:
        """Which of so many actions each of the units named by matches and units could follow now: 0 or 1."""
        found = np.zeros((len(matches), actions), np.int8)
        find_legal(self.words, matches, units, found)
        return found

    def step(self, ticks: int) -> None:
        """Let one decision's ticks pass; `events` then tells what happened in them."""
        if not self.book.shape[1]:
            raise RuntimeError("this arena keeps no account of its units; make it with observed=True")
        self._open_account()
        self._was_over = self.match[:, f.OVER] != 0
        self._in_shards(partial(run_matches, whole_step=1), ticks)
        self._ticks += ticks
        self._closed = True

    @property
    def events(self) -> Events:
        """What units did in the last step."""
        ended = (self.match[:, f.OVER] != 0) & ~self._was_over
        members = self.scenario.members
        return Events(self.tally, self.units, self.match, self.book, self.tables, members, self._before, ended)

    def run(self, ticks: int) -> None:
        """Let `ticks` rounds of 100 ms pass in every match that is not over."""
        if ticks < 0:
            raise ValueError(f"ticks is {ticks}, expected 0 or more")
        self._in_shards(self._play, ticks)
        self._ticks += ticks

    @property
    def results(self) -> Results:
        """What came of the matches so far."""
        over = self.match[:, f.OVER] != 0
        units = self.units
        members = self.scenario.members
        sides = units[:, f.SIDE, :members]
        species = units[:, f.SPECIES, :members]
        whole = self.tables.species[species, f.MAX_HP].astype(np.float64)
        left = np.where(units[:, f.ALIVE, :members] != 0, units[:, f.HP, :members], 0)
        living = units[:, f.ALIVE, :members] != 0
        survivors = np.stack([(living & (sides == side)).sum(1) for side in (0, 1)], 1)
        hp_share = np.stack(
            [np.where(sides == side, left, 0).sum(1) / np.where(sides == side, whole, 0).sum(1) for side in (0, 1)], 1
        )
        return Results(
            over=over,
            winner=np.where(over, self.match[:, f.WINNER], UNDECIDED).astype(np.int32),
            duration_ms=self.clock_ms.astype(np.int32),
            survivors=survivors.astype(np.int32),
            hp_share=hp_share,
            first_contact_ms=self.match[:, f.FIRST_CONTACT].copy(),
        )

    def snapshot(self) -> Snapshot:
        """A copy of the state of all matches."""
        return Snapshot(
            self.units.copy(), self.match.copy(), self.tally.copy(), self.book.copy(), self.streams.copy(), self.seed,
            self._ticks, self._before, self._closed, self._was_over.copy(), self._world,
        )  # fmt: skip

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot of this arena (or of one of the same shape, bestiary and scenario), to the bit."""
        for name in ("units", "match", "tally", "book"):
            held, expected = getattr(snapshot, name).shape, getattr(self, name).shape
            if held != expected:
                raise ValueError(f"the snapshot holds {name} of shape {held}, expected {expected}")
        if snapshot.world and snapshot.world != self._world:
            raise ValueError(
                "the snapshot is of another bestiary or scenario, expected the same monsters, maps and rules"
            )
        self.units[:] = snapshot.units
        self.match[:] = snapshot.match
        self.tally[:] = snapshot.tally
        self.book[:] = snapshot.book
        self.streams.assign(snapshot.streams)
        self.seed = snapshot.seed
        self._ticks = snapshot.ticks
        self._before = snapshot.before
        self._closed = snapshot.closed
        self._was_over = snapshot.was_over.copy()
        point_at_maps(self.words, self.match, self.scenario.cells, np.arange(self.num_matches))

    def digest(self) -> list[str]:
        """A hash of each match's whole state."""
        match = self.match.copy()
        match[:, f.JOURNAL_LINES] = 0  # a match is the same whether or not somebody takes notes
        return [
            hashlib.blake2b(self.units[m].tobytes() + match[m].tobytes(), digest_size=16).hexdigest()
            for m in range(self.num_matches)
        ]

    def scene(self, match: int) -> Scene:
        """What one match looks like now, for drawing."""

        def covered(at: int) -> Ground:
            across = 2 * int(self.tables.skills[self.match[match, at + f.A_SKILL], k.AREA_RADIUS]) + 1
            cells = np.zeros((across, across), np.bool_)
            draw_area(self.words, match, at, cells)
            return cells

        return Scene.of(self.units[match], self.match[match], self.tables, self.scenario, covered)

    def _place(self, which: Indices) -> None:
        place_matches(
            self.words, self.match, self.scenario, which, self.streams, self.controls, self._first_orders
        )  # fmt: skip

    def _open_account(self) -> None:
        """Begin the account of a new step, with the first order for it or without any."""
        if self._closed:
            self._before = self._moment()
            self.tally[:] = 0
            self._closed = False

    def _moment(self) -> Before:
        # 0 where no account is kept.
        max_hp, distance = (self.tally[:, row : row + 1].sum(1) for row in (f.T_MAX_HP, f.T_DISTANCE))
        return Before(self.units[:, f.HP].copy(), max_hp, self.units[:, f.ALIVE] != 0, distance)

    def _in_shards(self, play: Callable[..., int], ticks: int) -> None:
        """Let a function run all matches, sharded over the threads."""
        if self._pool is None:
            self.unit_ticks += int(play(self.words, 0, self.num_matches, ticks))
            return
        shards = min(SHARDS_A_THREAD * self.threads, self.num_matches)
        bounds = np.linspace(0, self.num_matches, shards + 1).astype(int).tolist()
        played = [self._pool.submit(play, self.words, first, last, ticks) for first, last in pairwise(bounds)]
        self.unit_ticks += sum(int(shard.result()) for shard in played)

    def _play(self, words: Indices, first: int, last: int, ticks: int) -> int:
        """Run the matches from `first` up to but not including `last`; returns the unit-ticks worked."""
        if not self.restart:
            return int(run_matches(words, first, last, ticks, whole_step=0))
        worked = 0
        every = self.scenario.restart_ticks
        at = self._ticks
        end = at + ticks
        while at < end:
            chunk = min(every - at % every, end - at)
            worked += int(run_matches(words, first, last, chunk, whole_step=0))
            at += chunk
            if at % every == 0:
                ended = first + np.flatnonzero(self.match[first:last, f.OVER])
                self.begin(ended)
        return worked
