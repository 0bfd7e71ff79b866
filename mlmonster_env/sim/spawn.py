"""Bringing units into a match, slaves later on, and the dead once more."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.account import new_page
from mlmonster_env.sim.afflict import begin_status, start_delays
from mlmonster_env.sim.areas import end_areas_of
from mlmonster_env.sim.casting import DICE, check_event, free_cell_near, may_check, throw_dice
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.events import push_event
from mlmonster_env.sim.geometry import face, places
from mlmonster_env.sim.posture import set_state
from mlmonster_env.sim.rest import rouse_around
from mlmonster_env.sim.squares import note_entry
from mlmonster_env.sim.status_columns import NO_CAST, NO_THINK
from mlmonster_env.sim.status_ids import REBIRTH
from mlmonster_env.sim.timers import start_timer

MODE_MASK = 0xFFFF
SLAVE_MODE = f.CAN_MOVE | f.NO_RANDOM_WALK | f.CAN_ATTACK


@kernel
def empty_unit(w, u):
    """Make a place for a unit empty: nobody there, no timer running."""
    s = w.units
    for row in range(s.shape[0]):
        s[row, u] = 0
    s[f.SPECIES, u] = 0
    s[f.MASTER, u] = f.NOBODY
    s[f.TARGET, u] = f.NOBODY
    s[f.ATTACKER, u] = f.NOBODY
    s[f.NORMAL_ATTACKER, u] = f.NOBODY
    s[f.ATTACK_ON, u] = f.NOBODY
    s[f.CHASED, u] = f.NOBODY
    s[f.CAST_ON, u] = f.NOBODY
    s[f.ATTACK_AT, u] = f.NEVER
    s[f.STEP_AT, u] = f.NEVER
    s[f.CAST_AT, u] = f.NEVER
    s[f.REGEN_AT, u] = f.NEVER


@kernel
def forget_everywhere(w, u):
    """Let nobody remember who was in a place before."""
    s = w.units
    for v in range(places(w)):
        if s[f.TARGET, v] == u:
            s[f.TARGET, v] = f.NOBODY
        if s[f.ATTACKER, v] == u:
            s[f.ATTACKER, v] = f.NOBODY
        if s[f.NORMAL_ATTACKER, v] == u:
            s[f.NORMAL_ATTACKER, v] = f.NOBODY
        if s[f.ATTACK_ON, v] == u:
            s[f.ATTACK_ON, v] = f.NOBODY
            s[f.ATTACK_AT, v] = f.NEVER
        if s[f.CHASED, v] == u:
            s[f.CHASED, v] = f.NOBODY
        if s[f.CAST_ON, v] == u:
            s[f.CAST_ON, v] = v
        if s[f.MASTER, v] == u:
            s[f.MASTER, v] = f.ON_ITS_OWN
    end_areas_of(w, u)


@kernel
def become(w, u, species):
    """Take on a species: its hit points, mode and fresh skill list."""
    s = w.units
    s[f.SPECIES, u] = species
    s[f.HP, u] = w.species[species, f.MAX_HP]
    s[f.SP, u] = w.species[species, f.MAX_SP]
    s[f.MODE, u] = w.species[species, f.BASE_MODE]
    if w.rules[f.RANDOM_WALK] == 0:
        s[f.MODE, u] |= f.NO_RANDOM_WALK
    for row in range(f.SKILL_DELAY, s.shape[0]):
        s[row, u] = 0
    throw_dice(w, u)


@kernel
def spawn(w, u, species, side, x, y, now):
    """Put a unit on the map; its first thought comes with the next round of thinking."""
    s = w.units
    empty_unit(w, u)
    become(w, u, species)
    s[f.SIDE, u] = side
    s[f.ALIVE, u] = 1
    w.scratch[f.LIVING] += 1
    s[f.LIVES, u] = 1
    note_entry(w, u)
    s[f.X, u] = x
    s[f.Y, u] = y
    s[f.SPAWN_X, u] = x
    s[f.SPAWN_Y, u] = y
    s[f.GOAL_X, u] = x
    s[f.GOAL_Y, u] = y
    face(w, u, 0, 1)
    set_state(w, u, f.IDLE)
    s[f.THINK_AT, u] = now
    rouse_around(w, u)
    s[f.WALK_AT, u] = now + draw(w, 1000) + f.IDLE_WALK_MS
    s[f.SKILL_CHECKED, u] = now
    s[f.LINKED, u] = now - f.LINK_MS
    s[f.COULD_MOVE, u] = now
    s[f.READY_AT, u] = now
    if w.species[species, f.IS_PLAYER] != 0 and w.rules[f.REGENERATION] != 0:
        start_timer(w, f.REGEN_AT, u, now + w.rules[f.REGENERATION])
    new_page(w, u, now)
    if w.species[species, f.EVENT_ROWS] & f.HAS_SPAWN != 0:
        check_event(w, u, f.ON_SPAWN, f.NOBODY, 0, 0, now)


@kernel
def count_living(w):
    """Learn anew how many units live."""
    living = 0
    for u in range(places(w)):
        living += w.units[f.ALIVE, u]
    w.scratch[f.LIVING] = living


@kernel
def free_place(w, side):
    """A place for another unit of a side that nobody living holds, or NOBODY: every second one is the other side's."""
    s = w.units
    for u in range(w.rules[f.MEMBERS] + side, s.shape[1], 2):
        if s[f.ALIVE, u] == 0:
            return u
    return f.NOBODY


@kernel
def place_for(w, master, kind):
    """Where somebody appears whom a unit calls."""
    s = w.units
    if kind == k.PLANT:
        return s[f.CAST_X, master] + 0, s[f.CAST_Y, master] + 0
    if kind == k.HEIRS:
        return s[f.X, master] + 0, s[f.Y, master] + 0
    return free_cell_near(w, s[f.X, master], s[f.Y, master], f.SLAVE_CELLS, f.NOBODY)


@kernel
def summon(w, master, row, amount, kind, stay, now):
    """Summon the species of a row in turn, `amount` in all; as many as there is room for. Plants stay so long."""
    s = w.units
    kinds = 0
    while kinds < 5 and row[f.R_V1 + kinds] > 0:
        kinds += 1
    if kinds == 0:
        return
    first = 0
    last = amount
    if 0 < amount < kinds:
        first = draw(w, kinds)
        last = amount + first
    for i in range(first, last):
        u = free_place(w, s[f.SIDE, master])
        if u == f.NOBODY:
            return
        w.match[f.PLACES] = max(w.match[f.PLACES], u + 1)
        forget_everywhere(w, u)
        x, y = place_for(w, master, kind)
        spawn(w, u, row[f.R_V1 + i % kinds], s[f.SIDE, master], x, y, now)
        s[f.MASTER, u] = master if kind == k.SLAVES or kind == k.PLANT else f.ON_ITS_OWN
        if kind == k.SLAVES:
            s[f.MODE, u] = (s[f.MODE, u] & ~MODE_MASK) | SLAVE_MODE
        elif kind == k.PLANT:
            push_event(w, now + stay, f.SELF_KILL, u, u, 0, 0, 0, 0)


@kernel
def check_last_rows(w, u, now):
    """The check of the skill list that death brings; its rows bring back to life, once, or call others."""
    s = w.units
    species = s[f.SPECIES, u]
    if not may_check(w, u) or s[f.STATUS_FLAGS, u] & (NO_CAST | NO_THINK) != 0:
        return
    s[f.STATE, u] = f.DEAD
    for r in range(w.species[species, f.ROWS]):
        row = w.rows[species, r]
        skill = w.skills[row[f.R_SKILL]]
        revives = skill[k.STATUS + k.S_STATUS] == REBIRTH and s[f.REBORN, u] == 0
        if row[f.R_STATE] != f.DEAD or not (revives or skill[k.EFFECT] == k.SUMMON):
            continue
        if s[f.SKILL_DELAY + row[f.R_GROUP], u] <= now and draw(w, DICE) <= row[f.R_RATE]:
            start_delays(w, u, r, now)
            if revives:
                begin_status(w, u, REBIRTH, skill[k.STATUS + k.S_DURATION], skill[k.STATUS + k.S_VALUE], now)
            else:
                summon(w, u, row, skill[k.AMOUNT], skill[k.FORMULA_ARGUMENT], skill[k.FIRST_MS], now)
            return
