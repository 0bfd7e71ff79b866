"""The skill list of a monster: held dice, conditions, the beginning of a cast.

A cast's end is worked off by the clock even when it takes no time, so that nothing here has to know what skills do.
"""

import numpy as np

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.attack import random_enemy
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import apart, places, reaches, straight_path_length, walkable
from mlmonster_env.sim.journal import note
from mlmonster_env.sim.posture import attackers_of, enemies, halt, hidden_from, stop_attack
from mlmonster_env.sim.rest import rouse
from mlmonster_env.sim.squares import listed_before
from mlmonster_env.sim.status_columns import BAD, NO_CAST, NO_THINK
from mlmonster_env.sim.statuses import has_status
from mlmonster_env.sim.timers import start_timer

DICE = 10000
THROWS = 2**31
FREE_CELL_TRIES = 50
SP_OF_A_CAST = 8
SP_OF_A_LEVEL = 2


@small
def throw_dice(w, u):
    """Throw the die of every skill row anew; they are held until the next check."""
    w.units[f.THROW, u] = draw(w, THROWS)


@small
def die_of(w, u, r):
    """What the held die of a skill row shows: 0 to 9,999."""
    bits = np.uint64(w.units[f.THROW, u]) << np.uint64(8) | np.uint64(r)
    bits = (bits + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
    return np.int64((((bits ^ (bits >> np.uint64(32))) & np.uint64(0xFFFFFFFF)) * np.uint64(DICE)) >> np.uint64(32))


@small
def row_states(w, u):
    """The states of skill rows that a mind answers: its own, any, and any with a target; a bit for each."""
    state = w.units[f.STATE, u]
    after_somebody = (w.units[f.TARGET, u] != f.NOBODY) & (state != f.LOOT)
    return 1 << state | 1 << f.ANY | after_somebody << f.ANYTARGET


@small
def hp_percent(w, u):
    """Whole percent of hit points left."""
    return w.units[f.HP, u] * 100 // w.species[w.units[f.SPECIES, u], f.MAX_HP]


@kernel
def friend_in_need(w, u, low, high):
    """The friend listed first within eight cells whose hp share in percent lies in a span, or NOBODY."""
    s = w.units
    first = f.NOBODY
    for v in range(places(w)):
        if v != u and s[f.ALIVE, v] != 0 and not enemies(w, u, v) and apart(w, u, v) <= f.FRIEND_CELLS:
            percent = hp_percent(w, v)
            if low <= percent <= high and (first == f.NOBODY or listed_before(w, v, first)):
                first = v
    return first


@kernel
def under_status(w, u, status):
    """Whether a unit is under a status; 0 asks for any common bad one."""
    if status == 0:
        return w.units[f.STATUS_FLAGS, u] & BAD != 0
    return has_status(w, u, status)


@kernel
def friend_with_status(w, u, status, wanted):
    """The friend listed last within eight cells that is (or is not) under a status, or NOBODY."""
    s = w.units
    last = f.NOBODY
    for v in range(places(w)):
        if v != u and s[f.ALIVE, v] != 0 and not enemies(w, u, v) and apart(w, u, v) <= f.FRIEND_CELLS:
            if under_status(w, v, status) == wanted and (last == f.NOBODY or listed_before(w, last, v)):
                last = v
    return last


@kernel
def slaves_of(w, u):
    """How many living slaves a unit has."""
    s = w.units
    count = 0
    for v in range(places(w)):
        if s[f.ALIVE, v] != 0 and s[f.MASTER, v] == u:
            count += 1
    return count


@kernel
def monsters_near(w, u):
    """How many monsters, itself included, stand within sight."""
    s = w.units
    count = 0
    for v in range(places(w)):
        if s[f.ALIVE, v] != 0 and w.species[s[f.SPECIES, v], f.IS_PLAYER] == 0 and apart(w, u, v) <= f.SIGHT_CELLS:
            count += 1
    return count


@kernel
def condition_holds(w, u, row):
    """Whether a row's condition holds in a regular check, and the friend that it found (or NOBODY)."""
    s = w.units
    condition = row[f.R_CONDITION]
    value = row[f.R_VALUE]
    master = s[f.MASTER, u]
    if condition == f.ALWAYS:
        return True, f.NOBODY
    if condition == f.MY_HP_BELOW:
        return hp_percent(w, u) <= value, f.NOBODY
    if condition == f.MY_HP_BETWEEN:
        return value <= hp_percent(w, u) <= row[f.R_V1], f.NOBODY
    if condition == f.MY_STATUS_ON:
        return under_status(w, u, value), f.NOBODY
    if condition == f.MY_STATUS_OFF:
        return not under_status(w, u, value), f.NOBODY
    if condition == f.FRIEND_HP_BELOW:
        friend = friend_in_need(w, u, 0, value)
        return friend != f.NOBODY, friend
    if condition == f.FRIEND_HP_BETWEEN:
        friend = friend_in_need(w, u, value, row[f.R_V1])
        return friend != f.NOBODY, friend
    if condition == f.FRIEND_STATUS_ON or condition == f.FRIEND_STATUS_OFF:
        friend = friend_with_status(w, u, value, condition == f.FRIEND_STATUS_ON)
        return friend != f.NOBODY, friend
    if condition == f.SLAVES_BELOW:
        return slaves_of(w, u) < value, f.NOBODY
    if condition == f.SLAVES_UP_TO:
        return slaves_of(w, u) <= value, f.NOBODY
    if condition == f.ATTACKERS_ABOVE:
        return attackers_of(w, u) > value, f.NOBODY
    if condition == f.ATTACKERS_FROM:
        return attackers_of(w, u) >= value, f.NOBODY
    if condition == f.AFTER_SKILL:
        return s[f.LAST_SKILL, u] == value, f.NOBODY
    if condition == f.RUDE_ATTACKED:
        return s[f.RUDE, u] >= 1, f.NOBODY
    if condition == f.MASTER_HP_BELOW:
        return master >= 0 and s[f.ALIVE, master] != 0 and hp_percent(w, master) < value, master
    if condition == f.MASTER_ATTACKED:
        return master >= 0 and s[f.ALIVE, master] != 0 and attackers_of(w, master) > 0, master
    if condition == f.MOBS_NEARBY_ABOVE:
        return monsters_near(w, u) > value, f.NOBODY
    return False, f.NOBODY


@kernel
def aim_row(w, u, row, friend):
    """Whom a row is meant for: target, self, friend, master or a random enemy; NOBODY where there is none."""
    s = w.units
    aim = row[f.R_TARGET]
    if aim == f.ON_RANDOM:
        return random_enemy(w, u, w.skills[row[f.R_SKILL], k.REACH])
    if aim == f.ON_TARGET or aim >= f.AROUND_TARGET:
        target = s[f.TARGET, u]
        aimed = w.skills[row[f.R_SKILL], k.AIM] != k.AIM_GROUND
        if target == f.NOBODY and aimed and s[f.MODE, u] & f.CAN_ATTACK == 0:
            target = s[f.ATTACKER, u]
        return target
    if aim == f.ON_MASTER:
        return s[f.MASTER, u] if s[f.MASTER, u] >= 0 else u
    if aim == f.ON_FRIEND and friend != f.NOBODY:
        return friend
    return u


@kernel
def free_cell_near(w, x, y, cells, walker):
    """A random walkable cell within `cells` of a place, which a walker could reach straight; else the place itself."""
    s = w.units
    for _ in range(FREE_CELL_TRIES):
        nx = x + draw(w, 2 * cells + 1) - cells
        ny = y + draw(w, 2 * cells + 1) - cells
        if (nx == x and ny == y) or not walkable(w, nx, ny):
            continue
        if walker == f.NOBODY or straight_path_length(w, s[f.X, walker], s[f.Y, walker], nx, ny) >= 0:
            return nx, ny
    return x, y


@small
def sp_cost(w, u, skill):
    """What a cast costs a player bot; monsters cast for nothing."""
    if w.species[w.units[f.SPECIES, u], f.IS_PLAYER] == 0:
        return 0
    return SP_OF_A_CAST + SP_OF_A_LEVEL * w.skills[skill, k.SKILL_LEVEL]


@kernel
def may_cast(w, u, r, v):
    """Whether range, sight, status and SP let a unit cast row `r` at unit `v`, or around it."""
    s = w.units
    skill = w.rows[s[f.SPECIES, u], r, f.R_SKILL]
    if s[f.STATUS_FLAGS, u] & (NO_CAST | NO_THINK) != 0 or s[f.ALIVE, v] == 0:
        return False
    if sp_cost(w, u, skill) > s[f.SP, u]:
        return False
    if w.skills[skill, k.AIM] != k.AIM_GROUND and v != u and enemies(w, u, v) and hidden_from(w, u, v):
        return False
    return reaches(w, u, s[f.X, v], s[f.Y, v], w.skills[skill, k.REACH])


@kernel
def begin_cast(w, u, r, v, now):
    """Begin to cast row `r` at unit `v` or around it; False where range, sight, a status or SP forbids it."""
    s = w.units
    if not may_cast(w, u, r, v):
        return False
    row = w.rows[s[f.SPECIES, u], r]
    skill = row[f.R_SKILL]
    x = s[f.X, v]
    y = s[f.Y, v]
    if w.skills[skill, k.AIM] == k.AIM_GROUND and row[f.R_TARGET] >= f.AROUND:
        cells = row[f.R_TARGET] % f.AROUND
        x, y = free_cell_near(w, x, y, cells, u)
        if not reaches(w, u, x, y, w.skills[skill, k.REACH]):
            return False
    rouse(w, u)
    stop_attack(w, u)
    if s[f.STEP_AT, u] != f.NEVER:
        halt(w, u)
    start_timer(w, f.CAST_AT, u, now + row[f.R_CAST])
    s[f.CAST_SKILL, u] = skill
    s[f.CAST_ROW, u] = r
    s[f.CAST_ON, u] = v
    s[f.CAST_X, u] = x
    s[f.CAST_Y, u] = y
    s[f.CAST_CANCELABLE, u] = row[f.R_CANCEL] if row[f.R_CAST] > 0 else 0
    s[f.LAST_SKILL, u] = w.skills[skill, k.SKILL_ID]
    note(w, now, f.J_CAST, u, v, r)
    return True


@kernel
def offered_row(w, u, now):
    """The first row that passes die, state, delay and condition, and the friend it found; (-1, NOBODY) else."""
    s = w.units
    species = s[f.SPECIES, u]
    states = row_states(w, u)
    for r in range(w.species[species, f.ROWS]):
        row = w.rows[species, r]
        # One number, for one guess of the processor: dice cannot be foretold.
        missed = max(s[f.SKILL_DELAY + row[f.R_GROUP], u] - now, die_of(w, u, r) - row[f.R_RATE])
        if max(missed, ~states >> row[f.R_STATE] & 1) > 0:
            continue
        holds, friend = condition_holds(w, u, row)
        if holds:
            return r, friend
    return -1, f.NOBODY


@small
def may_check(w, u):
    """Whether the unit could use its list at all: no cast under way, rows to choose from, a caster."""
    s = w.units
    return s[f.CAST_AT, u] == f.NEVER and w.species[s[f.SPECIES, u], f.ROWS] > 0 and s[f.MODE, u] & f.NO_CAST == 0


@kernel
def event_matches(w, row, event, argument, damage):
    """Whether an event triggers a row."""
    condition = row[f.R_CONDITION]
    if condition == f.SKILL_USED:
        return event == f.SKILL_USED and (row[f.R_VALUE] == 0 or row[f.R_VALUE] == argument)
    if condition == f.GROUND_ATTACKED:
        return event == f.GROUND_ATTACKED and damage > 0
    if condition == f.DAMAGED_ABOVE:
        return event != f.SKILL_USED and event != f.GROUND_ATTACKED and damage > row[f.R_VALUE]
    return condition == event


@kernel
def check_event(w, u, event, source, argument, damage, now):
    """The check that an event brings, with dice of its own; True where a cast begins."""
    s = w.units
    if not may_check(w, u) or s[f.STATUS_FLAGS, u] & NO_THINK != 0:
        return False
    species = s[f.SPECIES, u]
    before = s[f.TARGET, u]
    if before == f.NOBODY and source != f.NOBODY:
        s[f.TARGET, u] = source
    for r in range(w.species[species, f.ROWS]):
        row = w.rows[species, r]
        if not event_matches(w, row, event, argument, damage):
            continue
        if s[f.SKILL_DELAY + row[f.R_GROUP], u] > now or row_states(w, u) >> row[f.R_STATE] & 1 == 0:
            continue
        if draw(w, DICE) > row[f.R_RATE]:
            continue
        v = aim_row(w, u, row, f.NOBODY)
        if v != f.NOBODY and begin_cast(w, u, r, v, now):
            if source != f.NOBODY and not enemies(w, u, source):
                s[f.TARGET, u] = before
            return True
        break
    s[f.TARGET, u] = before
    return False
