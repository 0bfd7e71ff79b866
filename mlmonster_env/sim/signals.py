"""How a pack's stock minds heed the signal that they were sent: it names a target or a way, the rest is as ever."""

from mlmonster_env.contract import ATTACK_TARGET, DEFEND_LEADER, FLANK, RETREAT
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.geometry import apart, places, sign
from mlmonster_env.sim.obey import OLD, back_off, stand, walk_for
from mlmonster_env.sim.posture import enemies, may_attack, visible
from mlmonster_env.sim.quarry import STRONGEST, WEAKEST, pack_target, quarry, soon_struck, threat_to

NEAR_CELLS = 2  # who is so near to the pack's middle has formed up
HELD_CELLS = 4  # a formed pack strikes whom it has so near to its middle
FLANK_CELLS = 5  # how far to its target's side a flanking monster goes
FLANKED_FROM_CELLS = 7  # nobody goes round an enemy who is nearer


@kernel
def leader_of(w, u):
    """The living leader of a unit's side, or NOBODY."""
    leader = w.rules[f.FIRST_LEADER] if w.units[f.SIDE, u] == 0 else w.rules[f.SECOND_LEADER]
    if leader == f.NOBODY or w.units[f.ALIVE, leader] == 0:
        return f.NOBODY
    return leader


@kernel
def sums_of_pack(w, u):
    """The places of a unit's living side summed up, and how many they are."""
    s = w.units
    x = 0
    y = 0
    count = 0
    for v in range(places(w)):
        if s[f.ALIVE, v] != 0 and not enemies(w, u, v):
            x += s[f.X, v]
            y += s[f.Y, v]
            count += 1
    return x, y, count


@kernel
def middle_of(w, u):
    """Where a unit's side forms up: its leader's cell, or the middle of those who live."""
    leader = leader_of(w, u)
    x, y, count = sums_of_pack(w, u)
    if leader != f.NOBODY:
        return w.units[f.X, leader], w.units[f.Y, leader]
    return (2 * x + count) // (2 * count), (2 * y + count) // (2 * count)


@kernel
def cells_from(w, v, x, y):
    """How far a unit is from a cell."""
    return max(abs(w.units[f.X, v] - x), abs(w.units[f.Y, v] - y))


@kernel
def turn_on(w, u, v):
    """Take a target, if it can be seen and struck; whether it was taken."""
    if v == f.NOBODY or w.units[f.ALIVE, v] == 0 or not may_attack(w, u, v) or not visible(w, u, v):
        return False
    w.units[f.TARGET, u] = v
    return True


@kernel
def attack(w, u):
    """Turn on the weakest enemy near by; where there is none, an idle member joins the others."""
    if not turn_on(w, u, quarry(w, u, WEAKEST)) and w.units[f.TARGET, u] == f.NOBODY:
        turn_on(w, u, pack_target(w, u))


@kernel
def intruder(w, u, x, y):
    """The enemy nearest to a cell, so near that a pack formed up there strikes it; or NOBODY."""
    found = f.NOBODY
    nearest = HELD_CELLS + 1
    for v in range(places(w)):
        if w.units[f.ALIVE, v] != 0 and enemies(w, u, v) and cells_from(w, v, x, y) < nearest:
            nearest = cells_from(w, v, x, y)
            found = v
    return found


@kernel
def form_up(w, u, fresh, now):
    """Gather around the leader, or in the pack's middle; False where somebody is in reach or has come near it."""
    s = w.units
    reach = w.species[s[f.SPECIES, u], f.RANGE]
    x, y = middle_of(w, u)
    near = quarry(w, u, WEAKEST)
    if near != f.NOBODY and (apart(w, u, near) <= reach or cells_from(w, near, x, y) <= HELD_CELLS):
        turn_on(w, u, near)
        return False
    if turn_on(w, u, intruder(w, u, x, y)):
        return False
    if cells_from(w, u, x, y) > NEAR_CELLS:
        if fresh == OLD and s[f.STEP_AT, u] != f.NEVER:
            return True
        if walk_for(w, u, x, y, now):
            return True
    stand(w, u)
    return True


@kernel
def defend(w, u, fresh, now):
    """Strike whoever is after the leader, or whom one meets on the way there; where that is nobody, form up."""
    leader = leader_of(w, u)
    threat = threat_to(w, u, u if leader == f.NOBODY else leader)
    if threat != f.NOBODY and turn_on(w, u, threat):
        if not soon_struck(w, u, threat):
            turn_on(w, u, quarry(w, u, WEAKEST))
        return False
    return form_up(w, u, fresh, now)


@kernel
def flank(w, u, fresh, now):
    """Turn on the strongest enemy near by; one farther off is come at from its side: True while on the way there."""
    s = w.units
    if turn_on(w, u, quarry(w, u, STRONGEST)):
        return False
    if s[f.TARGET, u] == f.NOBODY:
        turn_on(w, u, pack_target(w, u))
    target = s[f.TARGET, u]
    if target == f.NOBODY or apart(w, u, target) < FLANKED_FROM_CELLS:
        return False
    x, y, count = sums_of_pack(w, u)
    dx = sign(s[f.X, target] * count - x)
    dy = sign(s[f.Y, target] * count - y)
    along = (s[f.X, u] - s[f.X, target]) * dx + (s[f.Y, u] - s[f.Y, target]) * dy
    aside = (s[f.X, u] - s[f.X, target]) * dy - (s[f.Y, u] - s[f.Y, target]) * dx
    if abs(aside) >= -along:
        return False
    if fresh == OLD and s[f.STEP_AT, u] != f.NEVER:
        return True
    way = sign(aside)
    if way == 0:
        way = 1 - 2 * (u % 2)
    return walk_for(w, u, s[f.X, target] + way * dy * FLANK_CELLS, s[f.Y, target] - way * dx * FLANK_CELLS, now)


@kernel
def heed_signal(w, u, now):
    """Do what the signal asks for; False where the stock mind is to go on, perhaps with another target."""
    s = w.units
    fresh = s[f.FRESH, u]
    s[f.FRESH, u] = OLD
    signal = s[f.ORDER, u]
    if signal == ATTACK_TARGET:
        attack(w, u)
        return False
    if signal == RETREAT:
        if fresh != OLD or s[f.STEP_AT, u] == f.NEVER:
            back_off(w, u, now)
        return True
    if signal == FLANK:
        return flank(w, u, fresh, now)
    if signal == DEFEND_LEADER:
        return defend(w, u, fresh, now)
    return form_up(w, u, fresh, now)
