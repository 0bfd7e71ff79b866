"""What enchanted ground does to those who stand on it, whenever it is due."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.areas import covers, refresh_areas, remove_area
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.effects import push_away, strike_around, strike_one
from mlmonster_env.sim.hurt import heal, try_skill_statuses

TRAP_MS = 100


@small
def stands_in(w, at, u):
    """Whether a living unit stands in the area."""
    return w.units[f.ALIVE, u] != 0 and covers(w, at, w.units[f.X, u], w.units[f.Y, u])


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


@kernel
def pulse(w, at, now):
    """One pulse of an area."""
    s = w.units
    match = w.match
    skill = match[at + f.A_SKILL]
    owner = match[at + f.A_OWNER]
    kind = w.skills[skill, k.AREA_PULSE]
    x = match[at + f.A_X]
    y = match[at + f.A_Y]
    for v in range(s.shape[1]):
        if not stands_in(w, at, v):
            continue
        friend = s[f.SIDE, v] == match[at + f.A_SIDE]
        if kind == k.PULSE_HEAL and friend:
            heal(w, v, w.skills[skill, k.AMOUNT])
        elif friend:
            continue
        elif kind == k.PULSE_STRIKE:
            strike_one(w, owner, v, skill, 1, x, y, True, now)
            if not spend(w, at):
                return
        elif kind == k.PULSE_FIRE_WALL:
            strike_one(w, owner, v, skill, 1, x, y, True, now)
            push_away(w, v, x, y, 2)
            if not spend(w, at):
                return
        elif kind == k.PULSE_STATUS:
            try_skill_statuses(w, owner, v, skill, now)
            if not spend(w, at):
                return
        elif kind == k.PULSE_TRAP:
            strike_around(w, owner, v, skill, s[f.X, v], s[f.Y, v], True, now)
            if w.skills[skill, k.DAMAGE] == k.NO_DAMAGE:
                try_skill_statuses(w, owner, v, skill, now)
            match[at + f.A_END] = f.NEVER
            match[at + f.A_DUE] = f.NEVER
            return


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
            pulse(w, at, now)
            interval = w.skills[match[at + f.A_SKILL], k.AREA_INTERVAL]
            match[at + f.A_DUE] = f.NEVER if match[at + f.A_END] == f.NEVER else now + max(interval, TRAP_MS)
    refresh_areas(w)
