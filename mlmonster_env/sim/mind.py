"""The stock mind of a monster, as the server runs it every 100 ms and at the end of each attack delay."""

import numpy as np

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.attack import strike_again
from mlmonster_env.sim.casting import check_event, free_cell_near
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.geometry import apart, reaches, walkable
from mlmonster_env.sim.hurt import die
from mlmonster_env.sim.obey import obey
from mlmonster_env.sim.offers import check_skills
from mlmonster_env.sim.posture import (
    can_change_target,
    can_walk,
    enemies,
    halt_and_release,
    may_attack,
    set_state,
    stop_attack,
    unlock,
    visible,
)
from mlmonster_env.sim.pursuit import chasing, engage, keep_target, look_for_prey, switch_on_the_way
from mlmonster_env.sim.rest import note_movable, rest, rouse
from mlmonster_env.sim.signals import heed_signal
from mlmonster_env.sim.stats import walk_speed
from mlmonster_env.sim.status_columns import HIDDEN, NO_ATTACK, NO_MOVE, NO_THINK, OUT_OF_REACH
from mlmonster_env.sim.status_ids import SPIDERWEB
from mlmonster_env.sim.statuses import has_status
from mlmonster_env.sim.walking import can_reach, walk_to

RANDOM_WALK_CELLS = 7
RUDE_ATTACKS = 1
UNUSUAL = NO_THINK | NO_MOVE | NO_ATTACK | OUT_OF_REACH | HIDDEN


@kernel
def ignores(w, u, attacker):
    """Whether a mind in the midst of a fight, and at its target, pays no heed to an attack."""
    return (w.units[f.TARGET, u] == attacker) | (w.units[f.MODE, u] & f.CHANGE_TARGET_MELEE == 0)


@kernel
def unreachable(w, u, v, movable, cells, now):
    """Whether `u` can neither strike `v` where it stands nor walk there."""
    s = w.units
    if reaches(w, u, s[f.X, v], s[f.Y, v], w.species[s[f.SPECIES, u], f.RANGE]):
        return False
    if not movable and s[f.HOLD_UNTIL, u] < now and has_status(w, u, SPIDERWEB):
        return True
    return not can_reach(w, u, v, cells)


@kernel
def heed_attacker(w, u, movable, now):
    """Turn to whoever attacked, if the state allows it and he can be reached; else it was a rude attack."""
    s = w.units
    v = s[f.ATTACKER, u]
    target = s[f.TARGET, u]
    if v == target:
        if unreachable(w, u, v, movable, w.species[s[f.SPECIES, u], f.CHASE], now):
            s[f.RUDE, u] += 1
            if s[f.RUDE, u] > RUDE_ATTACKS:
                check_event(w, u, f.RUDE_ATTACKED, f.NOBODY, 0, 0, now)
    elif s[f.ALIVE, v] != 0 and (target == f.NOBODY or can_change_target(w, u, v)):
        cells = apart(w, u, v)
        if (
            cells > f.SIGHT_CELLS
            or not enemies(w, u, v)
            or unreachable(w, u, v, movable, cells + w.species[s[f.SPECIES, u], f.CHASE], now)
        ):
            if v != u:
                s[f.RUDE, u] += 1
                if s[f.RUDE, u] > RUDE_ATTACKS:
                    check_event(w, u, f.RUDE_ATTACKED, f.NOBODY, 0, 0, now)
        elif may_attack(w, u, v):
            s[f.TARGET, u] = v
            if s[f.RUDE, u] > 0:
                s[f.RUDE, u] -= 1
    s[f.ATTACKER, u] = f.NOBODY
    s[f.NORMAL_ATTACKER, u] = f.NOBODY


@kernel
def think_as_slave(w, u, now):
    """Follow the master, take over his target; True where that is all for this time."""
    s = w.units
    master = s[f.MASTER, u]
    if s[f.ALIVE, master] == 0:
        die(w, u, f.NOBODY, now)
        return True
    if s[f.MODE, u] & f.CAN_MOVE != 0:
        if s[f.TARGET, u] != f.NOBODY:
            return False
        cells = apart(w, u, master)
        if (cells > f.SLAVE_CELLS or cells == 0) and can_walk(w, u, now):
            x, y = free_cell_near(w, s[f.X, master], s[f.Y, master], f.SLAVE_CELLS, f.NOBODY)
            if x != s[f.X, master] or y != s[f.Y, master]:
                if walk_to(w, u, x, y, now):
                    stop_attack(w, u)
                    return True
                halt_and_release(w, u)
                return False
    if now - s[f.LINKED, u] >= f.LINK_MS and s[f.TARGET, u] == f.NOBODY:
        v = f.NOBODY
        if s[f.KEEP_ATTACKING, master] != 0 and s[f.ATTACK_ON, master] != f.NOBODY:
            v = s[f.ATTACK_ON, master]
        elif s[f.KEEP_ATTACKING, master] != 0 and s[f.CHASED, master] != f.NOBODY:
            v = s[f.CHASED, master]
        elif s[f.CAST_AT, master] != f.NEVER and w.skills[s[f.CAST_SKILL, master], k.AIM] != k.AIM_GROUND:
            v = s[f.CAST_ON, master]
        elif s[f.TARGET, master] != f.NOBODY:
            v = s[f.TARGET, master]
        if v != f.NOBODY and enemies(w, u, v):
            s[f.LINKED, u] = now
            if may_attack(w, u, v):
                s[f.TARGET, u] = v
                return True
    return False


@kernel
def random_walk(w, u, now):
    """Walk to a random cell within seven; False where the unit may not or finds no way."""
    s = w.units
    if s[f.MODE, u] & f.NO_RANDOM_WALK != 0 or s[f.MODE, u] & f.CAN_MOVE == 0 or not can_walk(w, u, now):
        return False
    s[f.KEEP_ATTACKING, u] = 0
    s[f.CHASED, u] = f.NOBODY
    span = 2 * RANDOM_WALK_CELLS + 1
    dx = draw(w, span) - RANDOM_WALK_CELLS
    dy = draw(w, span) - RANDOM_WALK_CELLS
    turn = draw(w, 4)
    for _ in range(span * span):
        x = s[f.X, u] + dx
        y = s[f.Y, u] + dy
        if (dx != 0 or dy != 0) and walkable(w, x, y) and walk_to(w, u, x, y, now):
            set_state(w, u, f.WALK)
            diagonal = min(abs(dx), abs(dy))
            straight = max(abs(dx), abs(dy)) - diagonal
            speed = walk_speed(w, u)
            s[f.WALK_AT, u] = now + draw(w, 1000) + f.IDLE_WALK_MS + straight * speed + diagonal * (speed * 14 // 10)
            return True
        # Jumps of seven cells, first along one axis, so that failed tries do not stick to the walls.
        if turn < 2:
            step = RANDOM_WALK_CELLS if turn == 0 else -RANDOM_WALK_CELLS
            dx += step
            if abs(dx) > RANDOM_WALK_CELLS:
                dx -= span if dx > 0 else -span
                dy += step
                if abs(dy) > RANDOM_WALK_CELLS:
                    dy -= span if dy > 0 else -span
        else:
            step = RANDOM_WALK_CELLS if turn == 2 else -RANDOM_WALK_CELLS
            dy += step
            if abs(dy) > RANDOM_WALK_CELLS:
                dy -= span if dy > 0 else -span
                dx += step
                if abs(dx) > RANDOM_WALK_CELLS:
                    dx -= span if dx > 0 else -span
    return False


@kernel
def rest_idle(w, u, now):
    """Leave an idle mind that has found no prey alone until its next walk or skill check, or somebody stirs."""
    s = w.units
    state = s[f.STATE, u]
    usual = (s[f.CONTROL, u] == f.STOCK or s[f.CONTROL, u] == f.SKILL_ORDERS) and s[f.STATUS_FLAGS, u] & UNUSUAL == 0
    if not usual or s[f.ATTACKER, u] != f.NOBODY or (state != f.IDLE and state != f.WALK):
        return
    until = np.int64(s[f.WALK_AT, u])
    if s[f.STEP_AT, u] == f.NEVER:
        until = min(until, s[f.SKILL_CHECKED, u] + f.SKILL_CHECK_MS)
    rest(w, u, f.ANYBODY if s[f.MODE, u] & f.AGGRESSIVE_MODE != 0 else u, until)


@kernel
def idle_about(w, u, now):
    """Without a target: stand idle, and walk somewhere when it is time."""
    s = w.units
    unlock(w, u, now)
    if s[f.MASTER, u] >= 0:
        return
    if s[f.WALK_AT, u] > now:
        rest_idle(w, u, now)
    elif not random_walk(w, u, now):
        if s[f.WALK_AT, u] < s[f.HOLD_UNTIL, u]:
            s[f.WALK_AT, u] = s[f.HOLD_UNTIL, u]
        else:
            s[f.WALK_AT, u] = now + draw(w, 1000)


@kernel
def undisturbed(w, u):
    """Whether a unit with a target follows its mind as usual: nothing keeps it, its target stands, its master lives."""
    s = w.units
    target = s[f.TARGET, u]
    if s[f.STATUS_FLAGS, u] & UNUSUAL != 0 or s[f.STATUS_FLAGS, target] & (OUT_OF_REACH | HIDDEN) != 0:
        return False
    if s[f.ALIVE, target] == 0 or (s[f.CONTROL, u] != f.STOCK and s[f.CONTROL, u] != f.SKILL_ORDERS):
        return False
    master = s[f.MASTER, u]
    return master < 0 or (s[f.ALIVE, master] != 0 and s[f.MODE, u] & f.AGGRESSIVE_MODE == 0)


@kernel
def between_blows(w, u, now):
    """Whether a unit in a fight stands by its target and waits for its next blow, whoever attacks it."""
    s = w.units
    target = s[f.TARGET, u]
    if s[f.READY_AT, u] <= now or s[f.ATTACK_AT, u] == f.NEVER or s[f.ATTACK_ON, u] != target:
        return False
    cells = apart(w, u, target)
    if s[f.STEP_AT, u] != f.NEVER or cells > min(w.species[s[f.SPECIES, u], f.RANGE], f.SIGHT_CELLS):
        return False
    if cells > 1 and w.rules[f.OPEN_MAP] == 0:
        return False
    attacker = s[f.ATTACKER, u]
    if s[f.STATE, u] == f.ANGRY:
        return attacker == f.NOBODY and now - s[f.SKILL_CHECKED, u] < f.SKILL_CHECK_MS
    return attacker == f.NOBODY or (s[f.MODE, u] & f.CAN_ATTACK != 0 and ignores(w, u, attacker))


@kernel
def running(w, u):
    """Whether a unit that nobody has attacked is on its way to a target out of reach."""
    s = w.units
    if s[f.STEP_AT, u] == f.NEVER or s[f.ATTACKER, u] != f.NOBODY or s[f.MODE, u] & f.CHANGE_CHASE != 0:
        return False
    return apart(w, u, s[f.TARGET, u]) > w.species[s[f.SPECIES, u], f.RANGE]


@kernel
def nothing_new(w, u, now):
    """Whether a thought would change nothing: in a fight between two blows, or running after somebody out of reach.

    What `think` would find out at length, for the cases that make up nearly all thoughts. It is the same in each later
    round until a blow or a skill check is due, unless something about the unit or its target changes: a mind at rest.
    """
    s = w.units
    if s[f.TARGET, u] == f.NOBODY:
        return False
    state = s[f.STATE, u]
    if state == f.BERSERK or state == f.ANGRY:
        if not between_blows(w, u, now) or not undisturbed(w, u):
            return False
        s[f.CHASED, u] = f.NOBODY
        s[f.NORMAL_ATTACKER, u] = f.NOBODY if s[f.ATTACKER, u] != f.NOBODY else s[f.NORMAL_ATTACKER, u]
        s[f.ATTACKER, u] = f.NOBODY
        until = np.int64(s[f.READY_AT, u])
        if state == f.ANGRY:
            until = min(until, s[f.SKILL_CHECKED, u] + f.SKILL_CHECK_MS)
    elif state == f.RUSH:
        if not running(w, u) or not undisturbed(w, u):
            return False
        until = np.int64(f.NEVER)
    else:
        return False
    note_movable(w, u, now)
    s[f.FRESH, u] = 0
    rest(w, u, s[f.TARGET, u], until)
    return True


@kernel
def may_think(w, u, now):
    """Whether it is time for a unit to think and nothing keeps its mind; else when to ask again, once it changes."""
    s = w.units
    if w.after[u] != f.NOBODY:  # it has rested until now
        rouse(w, u)
    if s[f.ALIVE, u] == 0 or s[f.CAST_AT, u] != f.NEVER:
        w.wake[u] = f.NEVER
    elif s[f.THINK_AT, u] > now:
        w.wake[u] = s[f.THINK_AT, u]
    else:
        return True
    return False


@kernel
def think(w, u, now):
    """One thought: skills, the target, whoever attacked, the master, new prey, then attack, chase or idle."""
    s = w.units
    rouse(w, u)
    if s[f.ALIVE, u] == 0 or now < s[f.THINK_AT, u] or s[f.CAST_AT, u] != f.NEVER:
        return
    if s[f.STATUS_FLAGS, u] & NO_THINK != 0:
        s[f.TARGET, u] = f.NOBODY
        s[f.ATTACKER, u] = f.NOBODY
        s[f.NORMAL_ATTACKER, u] = f.NOBODY
        return
    if s[f.STEP_AT, u] == f.NEVER:
        if s[f.STATE, u] == f.BERSERK:
            ready = now >= s[f.READY_AT, u] and s[f.ATTACK_AT, u] > now  # else the attack's own thought comes next
        else:
            ready = now - s[f.SKILL_CHECKED, u] >= f.SKILL_CHECK_MS
        if ready and check_skills(w, u, now):
            return
    mode = s[f.MODE, u]
    movable = mode & f.CAN_MOVE != 0 and can_walk(w, u, now)
    if movable:
        s[f.COULD_MOVE, u] = now
    control = s[f.CONTROL, u]
    orders = control == f.COMBAT_ORDERS or control == f.MOVES or control == f.VECTORS
    if not orders and s[f.TARGET, u] != f.NOBODY and keep_target(w, u, movable, now) != 0:
        return
    if s[f.ATTACKER, u] != f.NOBODY and mode & f.CAN_ATTACK != 0:
        heed_attacker(w, u, movable, now)
        if s[f.CAST_AT, u] != f.NEVER:
            return
    if orders:
        obey(w, u, movable, now)
        return
    if control == f.SIGNALS and heed_signal(w, u, now):
        return
    s[f.FRESH, u] = 0
    slave = s[f.MASTER, u] >= 0
    if slave and think_as_slave(w, u, now):
        return
    state = s[f.STATE, u]
    if (mode & f.AGGRESSIVE_MODE != 0 and (s[f.TARGET, u] == f.NOBODY or slave)) or state == f.FOLLOW:
        look_for_prey(w, u, now)
    elif mode & f.CHANGE_CHASE != 0 and chasing(state):
        switch_on_the_way(w, u, now)
    target = s[f.TARGET, u]
    if target == f.NOBODY:
        idle_about(w, u, now)
        return
    engage(w, u, target, movable, now)


@kernel
def may_strike_again(w, u, v, now):
    """Whether a mind at rest, now that its attack delay is over, has only skills and the next blow to think of."""
    s = w.units
    return (
        s[f.STATE, u] == f.BERSERK
        and s[f.MODE, u] & (f.RANDOM_TARGET | f.CAN_ATTACK) == f.CAN_ATTACK
        and s[f.THINK_AT, u] <= now
        and s[f.READY_AT, u] <= now
        and visible(w, u, v)
    )


@kernel
def attack_due(w, u, now):
    """The end of an attack delay: let a target out of sight go, else think at once."""
    s = w.units
    v = s[f.ATTACK_ON, u]
    if v != f.NOBODY and w.after[u] == v and may_strike_again(w, u, v, now):
        if not check_skills(w, u, now):
            note_movable(w, u, now)
            strike_again(w, u, v, now)
        return
    rouse(w, u)
    s[f.ATTACK_AT, u] = f.NEVER
    if v == f.NOBODY or s[f.ALIVE, v] == 0 or not visible(w, u, v):
        unlock(w, u, now)
        return
    think(w, u, now)


@kernel
def take_in(w, v, source, forced, now):
    """News of an attack reach the mind: it is angry no longer, and thinks at once."""
    s = w.units
    if s[f.ALIVE, v] == 0 or s[f.ALIVE, source] == 0:
        return
    attacker = source
    if s[f.MASTER, source] >= 0 and s[f.ALIVE, s[f.MASTER, source]] != 0:
        attacker = s[f.MASTER, source]
    s[f.AGGRESSIVE, v] = 0
    if w.after[v] != f.NOBODY and w.wake[v] > now and s[f.THINK_AT, v] <= now and s[f.STATE, v] == f.BERSERK:
        if s[f.MODE, v] & f.CAN_ATTACK != 0 and ignores(w, v, attacker):
            s[f.NORMAL_ATTACKER, v] = f.NOBODY
            note_movable(w, v, now)
            return
    s[f.ATTACKER, v] = attacker
    if forced:
        s[f.NORMAL_ATTACKER, v] = attacker
    if may_think(w, v, now) and not nothing_new(w, v, now):
        think(w, v, now)
