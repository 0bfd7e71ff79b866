"""What a duel's ground does: its edge hurts, things lie on it."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.account import count
from mlmonster_env.sim.areas import covers, side_of
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import places
from mlmonster_env.sim.hurt import lose_hp

HAZARD_TICKS = 10  # hazardous ground hurts once a second
NO_WINNER = -1
A_LIFE = 1000  # what a life counts for beside an item, when time runs out


@small
def on_hazard(w, u):
    """Whether a unit stands on hazardous ground."""
    return w.cells[w.units[f.Y, u], w.units[f.X, u]] & f.HAZARD_CELL != 0


@small
def endangered(w, u):
    """Whether a unit stands on hazardous ground or on ground that an enemy has enchanted."""
    if on_hazard(w, u):
        return True
    if w.match[f.AREA_AT] == f.NEVER:
        return False
    for i in range(f.AREA_LIMIT):
        at = f.AREAS + i * f.AREA_WIDTH
        if w.match[at + f.A_END] != f.NEVER and side_of(w, at) != w.units[f.SIDE, u]:
            if covers(w, at, w.units[f.X, u], w.units[f.Y, u]):
                return True
    return False


@kernel
def note_danger(w):
    """Count the time that units spend on dangerous ground."""
    if w.rules[f.DUEL] == 0 and w.match[f.AREA_AT] == f.NEVER:
        return
    for u in range(places(w)):
        if w.units[f.ALIVE, u] != 0 and endangered(w, u):
            count(w, f.T_HAZARD, u, f.THINK_MS)


@kernel
def pick_up(w):
    """Let whoever stands on an item have it."""
    s = w.units
    for i in range(f.ITEM_LIMIT):
        at = f.ITEMS + i * f.ITEM_WIDTH
        if w.match[at + f.I_HOLDER] != f.NOBODY:
            continue
        for turn in range(w.rules[f.MEMBERS]):
            u = w.rules[f.MEMBERS] - 1 - turn if w.match[f.SECOND_FIRST] != 0 else turn
            here = s[f.X, u] == w.match[at + f.I_X] and s[f.Y, u] == w.match[at + f.I_Y]
            if here and s[f.ALIVE, u] != 0:
                w.match[at + f.I_HOLDER] = u
                count(w, f.T_PICKED, u, 1)
                break


@kernel
def standing_of(w, side):
    """What a side has to show when time runs out: lives, then items held."""
    s = w.units
    points = 0
    for u in range(w.rules[f.MEMBERS]):
        if s[f.SIDE, u] != side or s[f.ALIVE, u] == 0:
            continue
        points += A_LIFE * s[f.LIVES, u]
        for i in range(f.ITEM_LIMIT):
            points += w.match[f.ITEMS + i * f.ITEM_WIDTH + f.I_HOLDER] == u
    return points


@kernel
def work_grounds(w, now):
    """Once a tick: hurt those on hazardous ground, and hand out what they stand on."""
    if w.match[f.TICKS] % HAZARD_TICKS == HAZARD_TICKS - 1:
        for u in range(places(w)):
            if w.units[f.ALIVE, u] != 0 and on_hazard(w, u):
                most = w.species[w.units[f.SPECIES, u], f.MAX_HP]
                lose_hp(w, u, f.NOBODY, max(most * w.rules[f.HAZARD_PER_MILLE] // 1000, 1), now)
        if w.match[f.OVER] != 0 and standing_of(w, 0) + standing_of(w, 1) == 0:
            w.match[f.WINNER] = NO_WINNER  # both went down at once, whoever was looked at first
    pick_up(w)


@kernel
def winner_on_time(w):
    """Who wins when time runs out: in a duel the side with more lives, or items; else nobody."""
    if w.rules[f.DUEL] == 0:
        return NO_WINNER
    lead = standing_of(w, 0) - standing_of(w, 1)
    if lead == 0:
        return NO_WINNER
    return 0 if lead > 0 else 1
