"""Small changes of a unit's posture that every part of the simulator needs: its state, its target, standing still."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import apart, places
from mlmonster_env.sim.rest import rouse
from mlmonster_env.sim.status_columns import HIDDEN, NO_ATTACK, NO_MOVE, SHORT_SIGHT


@small
def set_state(w, u, state):
    """Change the mind's state; a monster that is still "aggressive" is angry or follows instead."""
    s = w.units
    if state == f.BERSERK or state == f.ANGRY:
        s[f.STATE, u] = f.ANGRY if s[f.AGGRESSIVE, u] != 0 else f.BERSERK
    elif state == f.RUSH or state == f.FOLLOW:
        s[f.STATE, u] = f.FOLLOW if s[f.AGGRESSIVE, u] != 0 else f.RUSH
    else:
        s[f.AGGRESSIVE, u] = s[f.MODE, u] & f.ANGRY_MODE != 0
        s[f.STATE, u] = state


@small
def stop_attack(w, u):
    """Attack nobody and wait for no attack."""
    w.units[f.ATTACK_ON, u] = f.NOBODY
    w.units[f.ATTACK_AT, u] = f.NEVER


@kernel
def unlock(w, u, now):
    """Let the target go and stand idle; a random walk comes four to five seconds later. A walk under way goes on."""
    s = w.units
    state = s[f.STATE, u]
    if state == f.WALK:
        if s[f.STEP_AT, u] == f.NEVER:
            set_state(w, u, f.IDLE)
    elif state != f.IDLE:
        stop_attack(w, u)
        set_state(w, u, f.IDLE)
        s[f.WALK_AT, u] = now + draw(w, 1000) + f.IDLE_WALK_MS
    if s[f.TARGET, u] != f.NOBODY:
        s[f.TARGET, u] = f.NOBODY
        s[f.ATTACK_ON, u] = f.NOBODY
    s[f.KEEP_ATTACKING, u] = 0
    s[f.CHASED, u] = f.NOBODY


@small
def can_walk(w, u, now):
    """Whether nothing holds the unit: no cast, no delay, no status."""
    s = w.units
    return s[f.CAST_AT, u] == f.NEVER and s[f.HOLD_UNTIL, u] <= now and s[f.STATUS_FLAGS, u] & NO_MOVE == 0


@small
def halt(w, u):
    """Stop where the unit stands."""
    s = w.units
    s[f.STEP_AT, u] = f.NEVER
    s[f.NEW_GOAL, u] = 0
    s[f.PATH_LENGTH, u] = 0
    s[f.PATH_DONE, u] = 0
    s[f.GOAL_X, u] = s[f.X, u]
    s[f.GOAL_Y, u] = s[f.Y, u]


@small
def halt_and_release(w, u):
    """Stop and chase nobody."""
    w.units[f.CHASED, u] = f.NOBODY
    if w.units[f.STEP_AT, u] != f.NEVER:
        halt(w, u)


@small
def hidden_from(w, u, v):
    """Whether `v` hides or is cloaked and `u` is no detector."""
    return w.units[f.STATUS_FLAGS, v] & HIDDEN != 0 and w.units[f.MODE, u] & f.DETECTOR == 0


@small
def visible(w, u, v):
    """Whether a chaser still sees its target: within its chase range (1 when blind) and not hidden from it."""
    s = w.units
    sight = w.species[s[f.SPECIES, u], f.CHASE]
    if s[f.STATUS_FLAGS, u] & SHORT_SIGHT != 0:
        sight = 1
    if apart(w, u, v) > sight:
        return False
    return not (hidden_from(w, u, v) and w.species[s[f.SPECIES, u], f.CLASS] != 1)


@small
def may_attack(w, u, v):
    """Whether `u` could strike `v` at all, distance apart: able to attack, `v` alive and not hidden from it."""
    s = w.units
    return (
        s[f.STATUS_FLAGS, u] & NO_ATTACK == 0
        and s[f.MODE, u] & f.CAN_ATTACK != 0
        and s[f.ALIVE, v] != 0
        and not hidden_from(w, u, v)
    )


@kernel
def can_change_target(w, u, v):
    """Whether the mind, in its present state, may turn to somebody else."""
    s = w.units
    state = s[f.STATE, u]
    if s[f.CONTROL, u] == f.COMBAT_ORDERS:
        return False
    if state == f.BERSERK:
        return s[f.MODE, u] & f.CHANGE_TARGET_MELEE != 0 and s[f.NORMAL_ATTACKER, u] == v
    if state == f.RUSH:
        return s[f.MODE, u] & f.CHANGE_TARGET_CHASE != 0
    return state == f.FOLLOW or state == f.ANGRY or state == f.IDLE or state == f.WALK or state == f.LOOT


@kernel
def turn_to(w, u, v):
    """Turn a mind to somebody whom a skill points out, if it may turn and could strike him; it is angry no longer."""
    s = w.units
    if (s[f.TARGET, u] == f.NOBODY or can_change_target(w, u, v)) and may_attack(w, u, v):
        rouse(w, u)
        s[f.TARGET, u] = v
        s[f.AGGRESSIVE, u] = 0


@small
def enemies(w, u, v):
    """Whether two units fight on different sides."""
    return w.units[f.SIDE, u] != w.units[f.SIDE, v]


@kernel
def enemies_within(w, u, cells):
    """The living enemies of `u` that are at most so many cells away: a bit for each place."""
    s = w.units
    found = 0
    for v in range(places(w)):
        found |= ((s[f.ALIVE, v] != 0) & enemies(w, u, v) & (apart(w, u, v) <= cells)) << v
    return found


@kernel
def attackers_of(w, u):
    """How many units are attacking `u`."""
    s = w.units
    count = 0
    for v in range(places(w)):
        if s[f.ALIVE, v] != 0 and s[f.ATTACK_ON, v] == u:
            count += 1
    return count
