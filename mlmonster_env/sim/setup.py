"""A scenario as numbers, and the beginning of its matches."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.account import first_page
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import entry, kernel, small
from mlmonster_env.sim.geometry import apart, places, walkable
from mlmonster_env.sim.posture import enemies, may_attack
from mlmonster_env.sim.spawn import empty_unit, spawn
from mlmonster_env.sim.tables import Int32Array, Tables
from mlmonster_env.sim.world import CELLS_WORD, world_at

SPAWN_TRIES = 200
SEED_MASK = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """Who fights whom and where, as the arrays that matches are set up from.

    A match draws one line of `line_ups`: the species of every member, first side first. `spots` are their cells on each
    map; with `scatter` above 0 a member stands within so many cells of its spot.
    """

    name: str
    tables: Tables
    cells: np.ndarray[Any, np.dtype[np.uint8]]  # [maps, height, width]
    line_ups: Int32Array  # [line-ups, members]
    sides: Int32Array  # [members]: 0 or 1
    spots: Int32Array  # [maps, starts, members, 2]: x, y
    scatter: int
    slave_places: int
    random_walk: bool
    all_aggressive: bool
    time_limit_ms: int  # 0: none
    regeneration_ms: int  # 0: none
    restart_ticks: int = 50
    phase_ms: int = f.THINK_MS  # thinking begins at a random moment within so many ms
    swap_order: bool = True  # which side thinks first is drawn
    aware: tuple[bool, ...] = ()  # of each start, whether everybody begins with a target; () stands for never
    start_names: tuple[str, ...] = ()  # of each start, what way to begin it is one of
    leaders: tuple[int, int] = (f.NOBODY, f.NOBODY)  # the member of each side that leads it
    duel: bool = False  # lives, hazards and items count
    lives: int = 1
    hazard_per_mille: int = 0  # of its hp that a second on hazardous ground costs a unit
    item_spots: Int32Array | None = None  # [maps, items, 2]: x, y
    free_skills: bool = False  # orders to use skills need no dice

    @property
    def members(self) -> int:
        """Units that take part from the beginning."""
        return int(self.line_ups.shape[1])

    @property
    def places(self) -> int:
        """Units that a match has room for."""
        return self.members + self.slave_places

    @property
    def unit_rows(self) -> int:
        """Rows of a match's unit array."""
        return f.unit_rows(self.tables.most_skills)

    @property
    def rules(self) -> Int32Array:
        """What holds for every match, as fields.RENEWAL ... say."""
        rules = np.zeros(f.RULES_WIDTH, np.int32)
        rules[f.RENEWAL] = self.tables.renewal
        rules[f.RANDOM_WALK] = self.random_walk
        rules[f.TIME_LIMIT] = self.time_limit_ms
        rules[f.REGENERATION] = self.regeneration_ms
        rules[f.MEMBERS] = self.members
        rules[f.FREE_SKILLS] = self.free_skills
        rules[f.DUEL] = self.duel
        rules[f.STARTING_LIVES] = self.lives
        rules[f.HAZARD_PER_MILLE] = self.hazard_per_mille
        rules[f.FIRST_LEADER], rules[f.SECOND_LEADER] = self.leaders
        rules[f.OPEN_MAP] = bool((self.cells & f.OPEN_CELL == f.OPEN_CELL).all())
        return rules


@dataclass(frozen=True, slots=True)
class Streams:
    """What the random stream of each match of a batch is a function of: int64 arrays over matches."""

    seeds: np.ndarray[Any, np.dtype[np.int64]]
    indices: np.ndarray[Any, np.dtype[np.int64]]
    serials: np.ndarray[Any, np.dtype[np.int64]]  # how many matches a row has begun before this one

    @classmethod
    def of(cls, matches: int, seed: int) -> "Streams":
        """Streams of one seed, told apart by their index."""
        return cls(np.full(matches, seed & SEED_MASK), np.arange(matches), np.zeros(matches, np.int64))

    def copy(self) -> "Streams":
        return Streams(self.seeds.copy(), self.indices.copy(), self.serials.copy())

    def assign(self, other: "Streams") -> None:
        """Become what another is."""
        self.seeds[:] = other.seeds
        self.indices[:] = other.indices
        self.serials[:] = other.serials


@small
def mix(value):
    """Scramble 64 bits."""
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return value ^ (value >> np.uint64(33))


@kernel
def seed_match(w, seed, index, serial):
    """Give a match its own stream: a function of the seed, its index and how many its row had before."""
    key = mix(np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15))
    key = mix(key ^ (np.uint64(index) * np.uint64(0xD6E8FEB86659FD93) + np.uint64(1)))
    key = mix(key ^ (np.uint64(serial) * np.uint64(0xA0761D6478BD642F) + np.uint64(2)))
    w.match[f.KEY_LOW] = np.int32(np.uint32(key & np.uint64(0xFFFFFFFF)))
    w.match[f.KEY_HIGH] = np.int32(np.uint32(key >> np.uint64(32)))
    w.match[f.COUNTER] = 0


@kernel
def empty_match(w):
    """A match before anything has happened."""
    match = w.match
    for place in range(match.shape[0]):
        match[place] = 0
    match[f.WINNER] = -1
    match[f.FIRST_CONTACT] = f.NEVER
    match[f.STATUS_AT] = f.NEVER
    match[f.AREA_AT] = f.NEVER
    match[f.EVENT_AT] = f.NEVER
    for i in range(f.EVENT_LIMIT):
        match[f.EVENTS + i + f.E_DUE] = f.NEVER
    for i in range(f.AREA_LIMIT):
        match[f.AREAS + i * f.AREA_WIDTH + f.A_DUE] = f.NEVER
        match[f.AREAS + i * f.AREA_WIDTH + f.A_END] = f.NEVER
    for i in range(f.ITEM_LIMIT):
        match[f.ITEMS + i * f.ITEM_WIDTH + f.I_HOLDER] = f.NO_ITEM


@kernel
def cell_near(w, x, y, scatter):
    """A walkable cell within `scatter` of a spot."""
    for _ in range(SPAWN_TRIES):
        nx = x + draw(w, 2 * scatter + 1) - scatter
        ny = y + draw(w, 2 * scatter + 1) - scatter
        if walkable(w, nx, ny):
            return nx, ny
    return x, y


@entry
def choose_maps(words, which, seeds, indices, serials, maps):
    """Empty the matches named by `which`, give each its stream, and draw its map."""
    for i in range(which.shape[0]):
        m = which[i]
        w = world_at(words[m].ctypes.data)
        empty_match(w)
        seed_match(w, seeds[m], indices[m], serials[m])
        w.match[f.MAP] = draw(w, maps)


@kernel
def nearest_enemy(w, u):
    """The enemy nearest to a unit that could be struck at all, or NOBODY."""
    found = f.NOBODY
    for v in range(places(w)):
        if w.units[f.ALIVE, v] != 0 and enemies(w, u, v) and may_attack(w, u, v):
            if found == f.NOBODY or apart(w, u, v) < apart(w, u, found):
                found = v
    return found


@entry
def place_members(
    words, line_ups, sides, spots, aware, items, controls, orders, which, scatter, aggressive, phase, swap_order
):
    """Draw line-up and start of the matches named by `which`, and put their members on their maps."""
    for i in range(which.shape[0]):
        w = world_at(words[which[i]].ctypes.data)
        place = w.match[f.MAP]
        start = draw(w, spots.shape[1])
        line = draw(w, line_ups.shape[0])
        w.match[f.START] = start
        w.match[f.NEXT_THINK] = 1 + draw(w, phase)
        w.match[f.SECOND_FIRST] = draw(w, 2) if swap_order else 0
        w.match[f.PLACES] = sides.shape[0]
        for u in range(w.units.shape[1]):
            empty_unit(w, u)
        for u in range(sides.shape[0]):
            x = spots[place, start, u, 0]
            y = spots[place, start, u, 1]
            if scatter > 0:
                x, y = cell_near(w, x, y, scatter)
            spawn(w, u, line_ups[line, u], sides[u], x, y, 0)
            w.units[f.LIVES, u] = w.rules[f.STARTING_LIVES]
            w.units[f.CONTROL, u] = controls[u]
            w.units[f.ORDER, u] = orders[u]
            if aggressive:
                w.units[f.MODE, u] |= f.AGGRESSIVE_MODE
        for u in range(sides.shape[0]):
            if aware[start] != 0:
                w.units[f.TARGET, u] = nearest_enemy(w, u)
        for item in range(items.shape[1]):
            at = f.ITEMS + item * f.ITEM_WIDTH
            w.match[at + f.I_X] = items[place, item, 0]
            w.match[at + f.I_Y] = items[place, item, 1]
            w.match[at + f.I_HOLDER] = f.NOBODY
        if w.book.shape[0] > 0:
            first_page(w)


def point_at_maps(
    words: np.ndarray[Any, np.dtype[np.int64]],
    match: Int32Array,
    cells: np.ndarray[Any, np.dtype[np.uint8]],
    which: np.ndarray[Any, np.dtype[np.int64]],
) -> None:
    """Let the matches named by `which` see the cells of the maps that they are on."""
    words[which, CELLS_WORD] = cells.ctypes.data + match[which, f.MAP].astype(np.int64) * cells.strides[0]


def place_matches(
    words: np.ndarray[Any, np.dtype[np.int64]],
    match: Int32Array,
    scenario: Scenario,
    which: np.ndarray[Any, np.dtype[np.int64]],
    streams: Streams,
    controls: Int32Array,
    orders: Int32Array,
) -> None:
    """Begin the matches named by `which`, each from its own stream; `controls` and `orders` are those of members."""
    cells = scenario.cells
    choose_maps(words, which, streams.seeds, streams.indices, streams.serials, len(cells))
    point_at_maps(words, match, cells, which)
    items = np.zeros((len(cells), 0, 2), np.int32) if scenario.item_spots is None else scenario.item_spots
    aware = np.zeros(scenario.spots.shape[1], np.int32)
    aware[: len(scenario.aware)] = scenario.aware
    place_members(
        words, scenario.line_ups, scenario.sides, scenario.spots, aware, items, controls, orders, which,
        scenario.scatter, int(scenario.all_aggressive), scenario.phase_ms, int(scenario.swap_order),
    )  # fmt: skip
