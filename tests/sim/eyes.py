"""What a unit's state vector should hold, worked out from the arrays of its match in plain Python."""

from typing import Any

import numpy as np

from mlmonster_env import contract as to
from mlmonster_env.contract import SIGHT
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.status_columns import BAD, FLAGS, NO_MOVE

NATURES = list(to.TEMPERAMENTS.values())


WALLS = (
    ((-1, 0), (0, 0), (1, 0)),
    ((1, 1), (1, 0), (0, 0), (0, -1), (-1, -1)),
    ((0, -1), (0, 0), (0, 1)),
    ((-1, 1), (-1, 0), (0, 0), (0, -1), (1, -1)),
)


def under_ground(skill: Any, area: Any, x: Any, y: Any) -> Any:
    """Whether cells lie under ground of a skill: a square or a cross, both whole, or what is left of a wall."""
    dx, dy = x - area[f.A_X], y - area[f.A_Y]
    if skill[k.AREA_SHAPE] == k.WALL:
        left = int(area[f.A_LEFT])
        burning = [cell for i, cell in enumerate(WALLS[left >> 25]) if left >> 5 * i & 31]
        return np.logical_or.reduce([(dx == cx) & (dy == cy) for cx, cy in burning])
    far = np.minimum(abs(dx), abs(dy)) if skill[k.AREA_SHAPE] == k.PLUS else 0
    return (np.maximum(abs(dx), abs(dy)) <= skill[k.AREA_RADIUS]) & (far <= skill[k.AREA_REACH])


class Eyes:
    """One unit's view of its match; the contract's formulas make numbers of it."""

    def __init__(self, arena: Arena, match: int, u: int) -> None:
        self.units, self.match, self.tables = arena.units[match], arena.match[match], arena.tables
        self.rules = arena.scenario
        self.ground = arena.scenario.cells[self.match[f.MAP]] & 1 != 0
        self.u, self.now = u, int(self.match[f.CLOCK])
        everybody = [v for v in range(self.units.shape[1]) if self.units[f.ALIVE, v]]
        near = [v for v in everybody if self.cells(v) <= SIGHT]
        side = self.units[f.SIDE]
        self.pack = [v for v in near if side[v] == side[u]]
        self.allies = [v for v in self.pack if v != u]
        self.enemies = [v for v in near if side[v] != side[u]]
        self.others = [v for v in near if v != u]
        self.hunters = [v for v in everybody if side[v] != side[u] and self.units[f.TARGET, v] == u]
        leader = self.rules.leaders[side[u]]
        self.leader = leader if leader >= 0 and self.units[f.ALIVE, leader] else None
        target = int(self.units[f.TARGET, u])
        self.target = target if target >= 0 and self.units[f.ALIVE, target] else None

    def species(self, column: int, v: int) -> int:
        return int(self.tables.species[self.units[f.SPECIES, v], column])

    def cells(self, v: int) -> int:
        x, y = self.units[f.X], self.units[f.Y]
        return int(max(abs(x[self.u] - x[v]), abs(y[self.u] - y[v])))

    def free(self, x: int, y: int) -> bool:
        height, width = self.ground.shape
        return 0 <= x < width and 0 <= y < height and bool(self.ground[y, x])

    def groups(self, v: int) -> Any:
        """Which delay each of a unit's skill rows goes by."""
        return self.tables.rows[self.units[f.SPECIES, v], : self.species(f.ROWS, v), f.R_GROUP]

    def ready(self, v: int) -> int:
        rows = self.units[f.SKILL_DELAY + self.groups(v), v]
        return int((rows <= self.now).sum())

    def burns(self, x: int, y: int) -> bool:
        """Whether a cell lies under ground that an enemy has enchanted."""
        for at in range(f.AREAS, f.MATCH_WIDTH, f.AREA_WIDTH):
            area = self.match[at : at + f.AREA_WIDTH]
            if area[f.A_END] != f.NEVER and area[f.A_SIDE] != self.units[f.SIDE, self.u]:
                if under_ground(self.tables.skills[area[f.A_SKILL]], area, x, y):
                    return True
        return False

    def hp(self, units: list[int]) -> int:
        return int(sum(self.units[f.HP, v] for v in units))

    def self_and_goals(self) -> dict[int, float]:
        s, u, now = self.units, self.u, self.now
        nature = NATURES[self.species(f.ARCHETYPE, u)]
        monster = self.tables.monsters[s[f.SPECIES, u] - 1]
        derived = monster.derived()
        statuses = [int(s[f.STATUS_ID + i, u]) for i in range(f.STATUS_LIMIT)]
        bad = sum(1 for status in statuses if status and self.tables.statuses[status, FLAGS] & BAD)
        held = s[f.CAST_AT, u] != f.NEVER or s[f.HOLD_UNTIL, u] > now or s[f.STATUS_FLAGS, u] & NO_MOVE
        mode = int(s[f.MODE, u])
        delays = 0.0
        for r, row in enumerate(monster.skills):
            left = int(s[f.SKILL_DELAY + self.groups(u)[r], u]) - now
            delays += min(left / row.delay_ms, 1) if left > 0 and row.delay_ms > 0 else 0
        most = self.species(f.MAX_HP, u)
        return {
            to.HP_SHARE: to.hp_share(s[f.HP, u], most), to.SP_SHARE: to.sp_share(s[f.SP, u], self.species(f.MAX_SP, u)),
            to.LEVEL: to.level(monster.level), to.CAN_MOVE_NOW: to.can_move_now(bool(mode & f.CAN_MOVE and not held)),
            to.STRENGTH: to.strength(derived["batk"], (derived["atk_min"] + derived["atk_max"]) / 2),
            to.ROWS_READY: to.rows_ready(self.ready(u), len(monster.skills)), to.BAD_STATUSES: to.bad_statuses(bad),
            to.ARCHETYPE: to.archetype(to.ARCHETYPES.index(monster.archetype)),
            to.ARCHETYPE_MARGIN: to.archetype_margin(round(1000 * monster.archetype_margin) / 1000),
            to.DELAYS_LEFT: to.delays_left(delays, len(monster.skills)), to.AGE: to.age(now),
            to.PRIMARY_GOAL: nature.primary, to.SECONDARY_GOAL: nature.secondary, to.RISK: nature.risk,
            to.AGGRESSION: nature.aggression, to.DEFENCE: nature.defence, to.SUPPORT: nature.support,
            to.HP_URGENCY: to.hp_urgency(s[f.HP, u], most),
            to.SP_URGENCY: to.sp_urgency(s[f.SP, u], self.species(f.MAX_SP, u)),
            to.ASSISTS: to.by_mode(bool(mode & f.ASSIST)),
            to.WANDERS: to.by_mode(bool(mode & f.CAN_MOVE and not mode & f.NO_RANDOM_WALK)),
        }  # fmt: skip

    def surroundings(self) -> dict[int, float]:
        x, y = int(self.units[f.X, self.u]), int(self.units[f.Y, self.u])
        around = [(x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy]
        items = [self.match[at : at + 3] for at in range(f.ITEMS, f.EVENTS, f.ITEM_WIDTH)]
        home = max(abs(x - self.units[f.SPAWN_X, self.u]), abs(y - self.units[f.SPAWN_Y, self.u]))
        players = sum(self.species(f.IS_PLAYER, v) for v in self.others)
        levels = sum(self.species(f.LEVEL, v) for v in self.enemies)
        near = [i for i in items if i[f.I_HOLDER] == f.NOBODY and max(abs(i[f.I_X] - x), abs(i[f.I_Y] - y)) <= SIGHT]
        return {
            to.OPEN_GROUND: to.open_ground(
                sum(self.free(x + dx, y + dy) for dx in range(-4, 5) for dy in range(-4, 5))
            ),
            to.HEMMED_IN: to.hemmed_in(sum(not self.free(*cell) for cell in around)),
            to.ITEMS_NEAR: to.items_near(len(near)), to.PLAYERS_IN_VIEW: to.players_in_view(players),
            to.MONSTERS_IN_VIEW: to.monsters_in_view(len(self.others) - players),
            to.FROM_SPAWN: to.from_spawn(home), to.TIME_OF_DAY: 0.0,
            to.LEVEL_GAP: to.level_gap(levels, len(self.enemies), self.species(f.LEVEL, self.u)),
            to.BALANCE_BY_COUNT: to.balance_by_count(len(self.pack), len(self.enemies)),
            to.ENEMY_GROUND: to.enemy_ground(
                sum(self.burns(x + dx, y + dy) for dx in range(-2, 3) for dy in range(-2, 3))
            ),
        }  # fmt: skip

    def pack_matters(self) -> dict[int, float]:
        s = self.units
        middle = np.array([s[f.X, self.pack].mean(), s[f.Y, self.pack].mean()])
        centre = middle if self.leader is None else s[[f.X, f.Y], self.leader]

        def from_place(v: int, place: Any) -> float:
            return float(np.abs(s[[f.X, f.Y], v] - place).max())

        return {
            to.PACK_SIZE: to.pack_size(len(self.pack)),
            to.COHESION: to.cohesion(sum(from_place(v, middle) for v in self.pack) / len(self.pack)),
            to.ALLIES_HP: to.allies_hp(
                sum(s[f.HP, v] / self.species(f.MAX_HP, v) for v in self.allies), len(self.allies)
            ),
            to.LEADER_LIVES: to.leader_lives(self.leader is not None),
            to.GATHERED: to.gathered(sum(from_place(v, centre) <= 3 for v in self.allies), len(self.allies)),
            to.ALLIES_READY: to.allies_ready(
                sum(self.ready(v) for v in self.allies), sum(self.species(f.ROWS, v) for v in self.allies)
            ),
            to.HALF: 0.5, to.OTHER_HALF: 0.5,
        }  # fmt: skip

    def tactics(self) -> dict[int, float]:
        s, u, target = self.units, self.u, self.target
        nearest = min(self.enemies, key=lambda v: (self.cells(v), v), default=None)
        cells = SIGHT if nearest is None else self.cells(nearest)
        to_target = cells if target is None else min(self.cells(target), SIGHT)
        preferred = NATURES[self.species(f.ARCHETYPE, u)].preferred
        numbers = {
            to.ENEMIES_IN_RANGE: to.enemies_in_range(
                sum(self.cells(v) <= self.species(f.RANGE, u) for v in self.enemies)
            ),
            to.NEAREST_ENEMY: to.nearest_enemy(cells), to.TARGETED_BY: to.targeted_by(len(self.hunters)),
            to.WAYS_OUT: to.ways_out(sum(self.leads_away(nearest, *way) for way in to.MOVES[:8])),
            to.BALANCE_BY_HP: to.balance_by_hp(self.hp(self.pack), self.hp(self.enemies)),
            to.TARGET_HP: 0.0, to.TARGET_KIND: 0.0, to.TARGET_CASTS: 0.0,
            to.PROGRESS: to.progress(target is not None, to_target),
            to.AT_PREFERRED: to.at_preferred(target is not None or nearest is not None, to_target, preferred),
        }  # fmt: skip
        if target is not None:
            casts = bool(s[f.CAST_AT, target] != f.NEVER)
            numbers[to.TARGET_HP] = to.target_hp(s[f.HP, target], self.species(f.MAX_HP, target))
            numbers[to.TARGET_KIND] = to.target_kind(1, self.species(f.IS_PLAYER, target))
            numbers[to.TARGET_CASTS] = to.target_casts(casts, casts and bool(s[f.CAST_ON, target] == u))
        return numbers

    def leads_away(self, nearest: int | None, dx: int, dy: int) -> bool:
        """Whether three free steps in a direction, no corner cut, gain distance to the nearest enemy."""
        x, y = int(self.units[f.X, self.u]), int(self.units[f.Y, self.u])
        for _ in range(3):
            if not (self.free(x + dx, y + dy) and self.free(x + dx, y) and self.free(x, y + dy)):
                return False
            x, y = x + dx, y + dy
        if nearest is None:
            return True
        far = max(abs(x - self.units[f.X, nearest]), abs(y - self.units[f.Y, nearest]))
        return bool(far > self.cells(nearest))

    def numbers(self) -> dict[int, float]:
        return {**self.self_and_goals(), **self.surroundings(), **self.pack_matters(), **self.tactics()}
