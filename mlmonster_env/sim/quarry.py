"""Whom a pack signal means: of the enemies that a member strikes, or soon could, the one that it names."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import apart, places, reaches
from mlmonster_env.sim.posture import enemies, may_attack, visible
from mlmonster_env.sim.walking import can_reach

SOON_CELLS = 2  # so many cells out of reach can soon be struck; farther, the way costs more than the choice brings
WEAKEST, STRONGEST = range(2)
BROKEN_FIRST = 1000  # a cast that a blow would break goes before any wound or level


@small
def share_of_hp(w, v):
    """Hit points left of all that a unit can have."""
    return w.units[f.HP, v] / w.species[w.units[f.SPECIES, v], f.MAX_HP]


@kernel
def soon_struck(w, u, v):
    """Whether a unit could strike another one, from where it stands or after a step or two."""
    s = w.units
    species = s[f.SPECIES, u]
    if s[f.ALIVE, v] == 0 or not enemies(w, u, v) or not may_attack(w, u, v) or not visible(w, u, v):
        return False
    if reaches(w, u, s[f.X, v], s[f.Y, v], w.species[species, f.RANGE]):
        return True
    if apart(w, u, v) > w.species[species, f.RANGE] + SOON_CELLS or s[f.MODE, u] & f.CAN_MOVE == 0:
        return False
    return can_reach(w, u, v, w.species[species, f.CHASE])


@kernel
def quarry(w, u, which):
    """Of the enemies that can soon be struck the weakest or the strongest, of equals the nearest; or NOBODY.

    The weakest is who is at a cast that a blow would break, then the most wounded; the strongest has the highest level.
    """
    s = w.units
    found = f.NOBODY
    best = 0.0
    for v in range(places(w)):
        if not soon_struck(w, u, v):
            continue
        value = -share_of_hp(w, v) - apart(w, u, v) / 1000
        if which == STRONGEST:
            value += w.species[s[f.SPECIES, v], f.LEVEL]
        elif s[f.CAST_AT, v] != f.NEVER and s[f.CAST_CANCELABLE, v] != 0:
            value += BROKEN_FIRST
        if found == f.NOBODY or value > best:
            best = value
            found = v
    return found


@kernel
def pack_target(w, u):
    """Whom most of a unit's side are after, of equals the nearest to the unit, or NOBODY."""
    s = w.units
    found = f.NOBODY
    best = 0
    for v in range(places(w)):
        if s[f.ALIVE, v] == 0 or not enemies(w, u, v):
            continue
        after = 0
        for ally in range(places(w)):
            if s[f.ALIVE, ally] != 0 and s[f.TARGET, ally] == v and not enemies(w, u, ally):
                after += 1
        value = 1000 * after - apart(w, u, v)
        if after > 0 and (found == f.NOBODY or value > best):
            best = value
            found = v
    return found


@kernel
def threat_to(w, u, leader):
    """The enemy nearest to the leader that is after it, of equals the most wounded, or NOBODY."""
    s = w.units
    found = f.NOBODY
    best = 0.0
    for v in range(places(w)):
        if s[f.ALIVE, v] == 0 or s[f.TARGET, v] != leader or not enemies(w, u, v):
            continue
        value = apart(w, leader, v) + share_of_hp(w, v) / 2
        if found == f.NOBODY or value < best:
            best = value
            found = v
    return found
