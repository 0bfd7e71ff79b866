"""What enchanted ground does to those who stand on it, whenever it is due."""

import numpy as np

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim import status_columns as c
from mlmonster_env.sim.account import note_status
from mlmonster_env.sim.afflict import ALWAYS, try_status
from mlmonster_env.sim.areas import (
    cell_that_reaches,
    covers,
    may_lack_cells,
    refresh_areas,
    remove_area,
    side_of,
    use_up_fire,
    wall_place,
    works_on,
)
from mlmonster_env.sim.bits import lowest_bit
from mlmonster_env.sim.changes import credit_heal
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.defence import FIRE, UNDEAD
from mlmonster_env.sim.geometry import cell_number, cell_of, places
from mlmonster_env.sim.hurt import try_skill_statuses
from mlmonster_env.sim.posture import unlock
from mlmonster_env.sim.rest import rouse_around
from mlmonster_env.sim.shapes import WALL_CELLS
from mlmonster_env.sim.stats import attribute_of, element_of, healed
from mlmonster_env.sim.status_ids import ANKLE, SPIDERWEB, STORM_HITS
from mlmonster_env.sim.statuses import SNARED_BY, end_status, has_status, put_status, slot_of, status_value
from mlmonster_env.sim.strikes import out_of_reach, strike_one, untouched
from mlmonster_env.sim.trails import on_trail
from mlmonster_env.sim.warps import move_over, push_away, push_back
from mlmonster_env.sim.waves import centre_of, give_statuses, strike_around

TRAP_MS = 100
FIRE_WALL_CELLS = 2
BOSSES_PART = 5  # bosses are snared for a fifth of the time
FREE_OF_SNARES_AGI = 200
LEAST_SNARE_MS = 30  # for each level of who laid it above -100
LEAST_SNARE_LEVELS = 100
SECOND_WEB = 2  # times as long as the first and the third
MOST_WEBS = 3


@small
def stands_in(w, at, u):
    """Whether a living unit stands in the area, with no wall between."""
    return w.units[f.ALIVE, u] != 0 and works_on(w, at, w.units[f.X, u], w.units[f.Y, u])


@small
def struck_from(w, at, v):
    """The cell from which an area strikes a unit: of those that reach it, the one furthest south, then west."""
    if w.rules[f.OPEN_MAP] == 0 or may_lack_cells(w, at):
        _, x, y = cell_that_reaches(w, at, w.units[f.X, v], w.units[f.Y, v], False)
        return x, y
    skill = w.match[at + f.A_SKILL]
    reach = w.skills[skill, k.AREA_REACH]
    cells = w.skills[skill, k.AREA_RADIUS] - reach
    x = max(w.units[f.X, v] - reach, w.match[at + f.A_X] - cells)
    y = max(w.units[f.Y, v] - reach, w.match[at + f.A_Y] - cells)
    return x, y


@small
def walks_through_fire(w, v):
    """Whether a wall of fire does not hold a unit back: one of fire itself, or undead."""
    element, _ = element_of(w, v)
    return element in (FIRE, UNDEAD)


@small
def holds_already(w, skill, v):
    """Whether a unit is under the status that an area gives again and again: it is not renewed before it ends."""
    again = w.skills[skill, k.AREA_INTERVAL] < w.skills[skill, k.AREA_MS]
    return again and has_status(w, v, w.skills[skill, k.STATUS])


@kernel
def spend(w, at):
    """Count one hit of an area that has a number of them; False once it is used up."""
    match = w.match
    if w.skills[match[at + f.A_SKILL], k.AREA_LIMIT_HITS] <= 0:
        return True
    match[at + f.A_LEFT] -= 1
    if match[at + f.A_LEFT] > 0:
        return True
    match[at + f.A_END] = f.NEVER
    match[at + f.A_DUE] = f.NEVER
    return False


@small
def harmed_by(w, at, u):
    """Whether an enemy of its owner stands in the area and does not hide from it."""
    return (
        stands_in(w, at, u) and w.units[f.SIDE, u] != side_of(w, at) and not out_of_reach(w, w.match[at + f.A_OWNER], u)
    )


@kernel
def worn_out(w, at, v):
    """Whether the cell that a unit stands on is used up, if all who stand there now have been there from the start."""
    s = w.units
    hits = w.skills[w.match[at + f.A_SKILL], k.AREA_CELL_HITS]
    if hits <= 0:
        return False
    there = 0
    for other in range(places(w)):
        if s[f.X, other] == s[f.X, v] and s[f.Y, other] == s[f.Y, v]:
            there += harmed_by(w, at, other)
    pulses_before = -w.match[at + f.A_LEFT] - 1
    return there * pulses_before >= hits


@small
def passes_traps_by(w, skill, v):
    """Whether a unit does not spring a trap: renewal's bosses walk over those that would hold them."""
    return w.skills[skill, k.FLAGS] & k.SPARES_BOSSES != 0 and w.units[f.MODE, v] & f.STATUS_IMMUNE != 0


@kernel
def snare(w, owner, v, skill, x, y, now):
    """Hold a unit by its foot, the shorter the more agi it has, on the trap's cell if it can be moved there."""
    s = w.units
    duration = w.skills[skill, k.STATUS + k.S_DURATION]
    if s[f.MODE, v] & f.STATUS_IMMUNE != 0:
        duration //= BOSSES_PART
    duration -= duration * attribute_of(w, v, c.AGI, f.AGI) // FREE_OF_SNARES_AGI
    least = LEAST_SNARE_MS * (w.species[s[f.SPECIES, owner], f.LEVEL] + LEAST_SNARE_LEVELS)
    if not try_status(w, owner, v, ANKLE, ALWAYS, max(duration, least), SNARED_BY + owner, now):
        return
    note_status(w, owner, v, False)
    if s[f.MODE, v] & f.KNOCKBACK_IMMUNE == 0:
        rouse_around(w, v)
        move_over(w, v, x, y)


@kernel
def hang_in_web(w, owner, v, skill, now):
    """Let a web catch a unit: a second one holds it longer, a fourth not at all."""
    s = w.units
    duration = w.skills[skill, k.STATUS + k.S_DURATION]
    slot = slot_of(w, v, SPIDERWEB)
    webs = s[f.STATUS_VALUE + slot, v] if slot >= 0 else 0
    if webs == 0:
        if try_status(w, owner, v, SPIDERWEB, ALWAYS, duration, 1, now):
            note_status(w, owner, v, False)
    elif webs < MOST_WEBS:
        end = now + duration * (SECOND_WEB if webs == 1 else 1)
        put_status(w, v, SPIDERWEB, max(s[f.STATUS_END + slot, v], end), webs + 1, now)


@kernel
def hit_by_storm(w, owner, v, skill, victims, x, y, now):
    """A storm's hit on a unit, counted; one that does no damage begins the count anew."""
    put_status(w, v, STORM_HITS, f.NEVER, status_value(w, v, STORM_HITS) + 1, now)
    if strike_one(w, owner, v, skill, victims, x, y, True, now) <= 0:
        end_status(w, v, STORM_HITS)


@kernel
def spring(w, at, v, now):
    """Let a trap go off that a unit has sprung, who may stand beside it; some work around that unit."""
    match = w.match
    skill = match[at + f.A_SKILL]
    owner = match[at + f.A_OWNER]
    x = match[at + f.A_X]
    y = match[at + f.A_Y]
    if w.skills[skill, k.CENTRE] == k.AT_TARGET:
        x, y = cell_of(centre_of(w, owner, v, skill))
    if w.skills[skill, k.STATUS] == ANKLE:
        snare(w, owner, v, skill, x, y, now)
    elif w.skills[skill, k.STATUS] == SPIDERWEB:
        for other in range(places(w)):
            if harmed_by(w, at, other):
                hang_in_web(w, owner, other, skill, now)
    elif w.skills[skill, k.DAMAGE] == k.NO_DAMAGE:
        if w.skills[skill, k.KNOCKBACK] > 0:
            from_x, from_y = cell_of(match[at + f.A_LEFT])
            push_away(w, v, from_x, from_y, w.skills[skill, k.KNOCKBACK])
            if w.rules[f.RENEWAL] == 0:
                unlock(w, v, now)
        give_statuses(w, owner, v, skill, x, y, now, now)
    else:
        strike_around(w, owner, v, skill, cell_number(x, y), 0, True, now)
    match[at + f.A_END] = f.NEVER
    match[at + f.A_DUE] = f.NEVER


@kernel
def pulse(w, at, now):
    """One pulse of an area. One that does harm does it in its owner's name, and none once its owner is dead."""
    s = w.units
    match = w.match
    skill = match[at + f.A_SKILL]
    owner = match[at + f.A_OWNER]
    kind = w.skills[skill, k.AREA_PULSE]
    if w.skills[skill, k.AREA_CELL_HITS] > 0:
        match[at + f.A_LEFT] -= 1
    if kind == k.PULSE_HEAL:
        for v in range(places(w)):
            if stands_in(w, at, v) and s[f.SIDE, v] == side_of(w, at):
                credit_heal(w, owner, v, healed(w, v, w.skills[skill, k.AMOUNT]))
        return
    if s[f.ALIVE, owner] == 0:
        return
    victims = 0
    for v in range(places(w)):
        victims += harmed_by(w, at, v)
    heals = w.skills[skill, k.FLAGS] & k.HEALS_THE_SPARED != 0
    for v in range(places(w)):
        if heals and stands_in(w, at, v) and untouched(w, v, skill):
            credit_heal(w, owner, v, healed(w, v, w.skills[skill, k.FORMULA_ARGUMENT]))
        if not harmed_by(w, at, v):
            continue
        if kind == k.PULSE_TRAP:
            if passes_traps_by(w, skill, v):
                continue
            spring(w, at, v, now)
            return
        if kind == k.PULSE_STRIKE:
            if worn_out(w, at, v):
                continue
            from_x, from_y = struck_from(w, at, v)
            if w.skills[skill, k.FLAGS] & k.STATUS_FROM_THIRD != 0:
                hit_by_storm(w, owner, v, skill, victims, from_x, from_y, now)
            else:
                strike_one(w, owner, v, skill, victims, from_x, from_y, True, now)
        elif kind == k.PULSE_STATUS:
            if not holds_already(w, skill, v):
                try_skill_statuses(w, owner, v, skill, 0, now)
        else:
            return
        if not spend(w, at):
            return


@kernel
def near_fire(w, at):
    """The enemies on or beside the middle of a wall of fire who do not hide from it: a bit for each."""
    s = w.units
    x = w.match[at + f.A_X]
    y = w.match[at + f.A_Y]
    side = side_of(w, at)
    near = np.int64(0)
    for v in range(places(w)):
        if abs(s[f.X, v] - x) <= 1 and abs(s[f.Y, v] - y) <= 1 and s[f.ALIVE, v] != 0 and s[f.SIDE, v] != side:
            if not out_of_reach(w, w.match[at + f.A_OWNER], v):
                near |= np.int64(1) << v
    return near


@kernel
def burn(w, at, place, v, now):
    """Let a cell of a wall of fire burn a unit and push it back; who stays there burns several times at once."""
    s = w.units
    skill = w.match[at + f.A_SKILL]
    owner = w.match[at + f.A_OWNER]
    x = s[f.X, v] + 0
    y = s[f.Y, v] + 0
    hurt = 0
    for _ in range(TRAP_MS // max(w.skills[skill, k.AREA_INTERVAL], 1)):
        damage = strike_one(w, owner, v, skill, 1, x, y, True, now)
        hurt += damage
        if hurt >= s[f.HP, v]:
            use_up_fire(w, at, place)
            return
        if damage > 0 and not walks_through_fire(w, v):
            push_back(w, v, FIRE_WALL_CELLS)
        if use_up_fire(w, at, place) == 0 or s[f.X, v] != x or s[f.Y, v] != y:
            return


@kernel
def pulse_fire(w, at, now):
    """Let each cell of a wall of fire burn who stands on it; nobody burns on two cells of one wall at once."""
    match = w.match
    if w.units[f.ALIVE, match[at + f.A_OWNER]] == 0:
        return
    near = near_fire(w, at)
    for place in range(WALL_CELLS if near != 0 else 0):
        waiting = near
        while waiting != 0:
            v = lowest_bit(waiting)
            waiting &= waiting - 1
            x = w.units[f.X, v]
            y = w.units[f.Y, v]
            if match[at + f.A_END] != f.NEVER and wall_place(w, at, x, y) == place and covers(w, at, x, y):
                burn(w, at, place, v, now)
                near &= ~(np.int64(1) << v)


@kernel
def pulse_trail(w, at, now):
    """Let all cells of a trail strike who stands on any of them, and wait then; else look again soon."""
    match = w.match
    skill = match[at + f.A_SKILL]
    owner = match[at + f.A_OWNER]
    wait = TRAP_MS
    for v in range(places(w)):
        for i in range(f.AREA_LIMIT):
            cell = f.AREAS + i * f.AREA_WIDTH
            if on_trail(w, cell, owner, skill) and harmed_by(w, cell, v):
                strike_one(w, owner, v, skill, 1, match[cell + f.A_X], match[cell + f.A_Y], True, now)
                wait = w.skills[skill, k.AREA_INTERVAL]
                break
    for i in range(f.AREA_LIMIT):
        cell = f.AREAS + i * f.AREA_WIDTH
        if on_trail(w, cell, owner, skill):
            match[cell + f.A_DUE] = now + wait


@kernel
def work_areas(w, now):
    """Let every area that is due act, and end those whose time is over."""
    match = w.match
    for i in range(f.AREA_LIMIT):
        at = f.AREAS + i * f.AREA_WIDTH
        if match[at + f.A_END] == f.NEVER:
            continue
        if match[at + f.A_END] <= now:
            remove_area(w, at)
            continue
        if match[at + f.A_DUE] <= now:
            if w.skills[match[at + f.A_SKILL], k.AREA_PULSE] == k.PULSE_TRAIL:
                pulse_trail(w, at, now)
                continue
            if w.skills[match[at + f.A_SKILL], k.AREA_SHAPE] == k.WALL:
                pulse_fire(w, at, now)
            else:
                pulse(w, at, now)
            interval = w.skills[match[at + f.A_SKILL], k.AREA_INTERVAL]
            match[at + f.A_DUE] = f.NEVER if match[at + f.A_END] == f.NEVER else now + max(interval, TRAP_MS)
    refresh_areas(w)
