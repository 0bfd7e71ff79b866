"""Choosing prey and going after it."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.attack import begin_attack
from mlmonster_env.sim.bits import lowest_bit
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import apart, path_length, reaches
from mlmonster_env.sim.posture import enemies_within, halt_and_release, may_attack, set_state, unlock, visible
from mlmonster_env.sim.squares import listed_before
from mlmonster_env.sim.status_columns import NO_MOVE, OUT_OF_REACH, SHORT_SIGHT
from mlmonster_env.sim.status_ids import AUTOCOUNTER
from mlmonster_env.sim.statuses import has_status
from mlmonster_env.sim.walking import can_reach, chase

LEVELS_BELOW = 5


@small
def view_of(w, u):
    """How many cells away a unit finds somebody new."""
    s = w.units
    return 1 if s[f.STATUS_FLAGS, u] & SHORT_SIGHT != 0 else w.species[s[f.SPECIES, u], f.VIEW]


@kernel
def look_for_prey(w, u, now):
    """Take the nearest enemy in view that can be walked to; a nearer one than the present target also counts."""
    s = w.units
    species = s[f.SPECIES, u]
    view = w.species[species, f.VIEW]
    sight = view_of(w, u)
    target = s[f.TARGET, u]
    before = target
    nearest = apart(w, u, target) if target != f.NOBODY else 1000
    prey = enemies_within(w, u, min(sight, min(view, nearest - 1)))
    while prey != 0:
        v = lowest_bit(prey)
        prey &= prey - 1
        cells = apart(w, u, v)
        if v == target or cells > nearest or not may_attack(w, u, v):
            continue
        if cells == nearest and not listed_before(w, v, target):
            continue
        if s[f.MODE, u] & f.TARGET_WEAK != 0:
            if w.species[s[f.SPECIES, v], f.LEVEL] >= w.species[species, f.LEVEL] - LEVELS_BELOW:
                continue
        if not reaches(w, u, s[f.X, v], s[f.Y, v], view):
            continue
        if w.rules[f.OPEN_MAP] == 0:
            steps = path_length(w, s[f.X, u], s[f.Y, u], s[f.X, v], s[f.Y, v])
            limit = view if s[f.STEP_AT, u] == f.NEVER else w.species[species, f.CHASE]
            if steps < 0 or steps > limit:
                continue
        target = v
        nearest = cells
    if target != before:
        s[f.TARGET, u] = target
        if reaches(w, u, s[f.X, target], s[f.Y, target], w.species[species, f.RANGE]):
            s[f.AGGRESSIVE, u] = 0
            set_state(w, u, f.RUSH)


@kernel
def switch_on_the_way(w, u, now):
    """While chasing, take an enemy that is already within reach: the last that is listed."""
    s = w.units
    reach = min(w.species[s[f.SPECIES, u], f.RANGE], view_of(w, u))
    last = f.NOBODY
    near = enemies_within(w, u, reach)
    while near != 0:
        v = lowest_bit(near)
        near &= near - 1
        if last != f.NOBODY and listed_before(w, v, last):
            continue
        if may_attack(w, u, v) and reaches(w, u, s[f.X, v], s[f.Y, v], reach):
            last = v
    if last != f.NOBODY:
        s[f.TARGET, u] = last


@small
def chasing(state):
    """Whether a state is one of running after somebody."""
    return state == f.RUSH or state == f.FOLLOW


@kernel
def keep_target(w, u, movable, now):
    """Check that the target is still one. 0: it is, or there is none; 1: think no further this time."""
    s = w.units
    target = s[f.TARGET, u]
    walking = s[f.STEP_AT, u] != f.NEVER
    if s[f.ALIVE, target] == 0:
        unlock(w, u, now)
        return 0
    if s[f.ATTACK_AT, u] == f.NEVER and not may_attack(w, u, target) and not has_status(w, u, AUTOCOUNTER):
        if walking:
            return 1
        unlock(w, u, now)
        return 0
    if not walking and chasing(s[f.STATE, u]):
        if not reaches(w, u, s[f.X, target], s[f.Y, target], w.species[s[f.SPECIES, u], f.RANGE]):
            if not visible(w, u, target):
                unlock(w, u, now)
                return 1
    return 0


@kernel
def pursue(w, u, target, movable, now):
    """Go after a target out of reach, or give it up."""
    s = w.units
    walking = s[f.STEP_AT, u] != f.NEVER
    if walking and chasing(s[f.STATE, u]):
        return
    if s[f.MODE, u] & f.CAN_MOVE == 0 or (
        not movable and (s[f.STATUS_FLAGS, u] & NO_MOVE != 0 or s[f.HOLD_UNTIL, u] > now)
    ):
        if s[f.ATTACK_AT, u] == f.NEVER:
            if now - s[f.COULD_MOVE, u] > f.UNLOCK_MS:
                unlock(w, u, now)
            else:
                set_state(w, u, f.IDLE)
        return
    if walking and s[f.CHASED, u] == target:
        return
    if s[f.STATE, u] == f.ANGRY and not can_reach(w, u, target, w.species[s[f.SPECIES, u], f.CHASE]):
        unlock(w, u, now)
        return
    if not chase(w, u, target, w.species[s[f.SPECIES, u], f.RANGE], 1, now):
        unlock(w, u, now)


@kernel
def engage(w, u, target, movable, now):
    """Strike a target in reach, else pursue it."""
    s = w.units
    if not reaches(w, u, s[f.X, target], s[f.Y, target], w.species[s[f.SPECIES, u], f.RANGE]):
        pursue(w, u, target, movable, now)
        return
    stops = True
    if s[f.STATUS_FLAGS, u] & OUT_OF_REACH != 0:
        # Whoever hides strikes nobody, but stays in the fight's state, and so goes on checking its skills.
        set_state(w, u, f.BERSERK)
    elif s[f.ATTACK_ON, u] != target or s[f.ATTACK_AT, u] == f.NEVER:
        stops = begin_attack(w, u, target, now)
    if stops:
        halt_and_release(w, u)
