"""How a pack's stock minds heed the signal that they were sent."""

from mlmonster_env.contract import ATTACK_TARGET, DEFEND_LEADER, FLANK, RETREAT
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.geometry import apart, places, sign
from mlmonster_env.sim.obey import OLD, back_off, stand, victim_in_reach, walk_for
from mlmonster_env.sim.posture import enemies, may_attack, visible
from mlmonster_env.sim.pursuit import engage, keep_target

NEAR_CELLS = 2  # who is so near to the pack's middle has formed up
FLANK_CELLS = 3  # how far behind its target a flanking monster goes


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
def pack_target(w, u):
    """Whom the pack is after: the leader's target, else the one that most of its side are after, the nearest first."""
    s = w.units
    leader = leader_of(w, u)
    if leader != f.NOBODY and s[f.TARGET, leader] != f.NOBODY and enemies(w, u, s[f.TARGET, leader]):
        return s[f.TARGET, leader]
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
def turn_on(w, u, v):
    """Take a target, if it can be seen and struck."""
    if v != f.NOBODY and w.units[f.ALIVE, v] != 0 and may_attack(w, u, v) and visible(w, u, v):
        w.units[f.TARGET, u] = v


@kernel
def threat_to(w, u, leader):
    """The enemy nearest to the leader that is after it, or NOBODY."""
    s = w.units
    found = f.NOBODY
    nearest = f.NEVER
    for v in range(places(w)):
        if s[f.ALIVE, v] != 0 and s[f.TARGET, v] == leader and enemies(w, u, v) and apart(w, leader, v) < nearest:
            nearest = apart(w, leader, v)
            found = v
    return found


@kernel
def form_up(w, u, fresh, now):
    """Gather around the leader, or in the pack's middle, and strike only who comes into reach."""
    s = w.units
    x, y, count = sums_of_pack(w, u)
    x = (2 * x + count) // (2 * count)
    y = (2 * y + count) // (2 * count)
    leader = leader_of(w, u)
    if leader != f.NOBODY:
        x = s[f.X, leader]
        y = s[f.Y, leader]
    if max(abs(x - s[f.X, u]), abs(y - s[f.Y, u])) > NEAR_CELLS:
        if fresh == OLD and s[f.STEP_AT, u] != f.NEVER:
            return
        if walk_for(w, u, x, y, now):
            return
    victim = victim_in_reach(w, u)
    if victim == f.NOBODY:
        stand(w, u)
    else:
        s[f.TARGET, u] = victim
        engage(w, u, victim, True, now)


@kernel
def flank(w, u, fresh, now):
    """Walk around the target; False once behind it, or where no way leads there."""
    s = w.units
    if s[f.TARGET, u] == f.NOBODY:
        turn_on(w, u, pack_target(w, u))
    target = s[f.TARGET, u]
    if target == f.NOBODY:
        return False
    x, y, count = sums_of_pack(w, u)
    dx = sign(s[f.X, target] * count - x)
    dy = sign(s[f.Y, target] * count - y)
    behind = (s[f.X, u] - s[f.X, target]) * dx + (s[f.Y, u] - s[f.Y, target]) * dy
    if behind > 0 or (dx == 0 and dy == 0):
        return False
    if fresh == OLD and s[f.STEP_AT, u] != f.NEVER:
        return True
    return walk_for(w, u, s[f.X, target] + dx * FLANK_CELLS, s[f.Y, target] + dy * FLANK_CELLS, now)


@kernel
def heed_signal(w, u, now):
    """Do what the signal asks for; False where the stock mind is to go on, perhaps with another target."""
    s = w.units
    fresh = s[f.FRESH, u]
    s[f.FRESH, u] = OLD
    if s[f.TARGET, u] != f.NOBODY:
        keep_target(w, u, True, now)
    signal = s[f.ORDER, u]
    if signal == ATTACK_TARGET:
        turn_on(w, u, pack_target(w, u))
        return False
    if signal == RETREAT:
        if fresh != OLD or s[f.STEP_AT, u] == f.NEVER:
            back_off(w, u, now)
        return True
    if signal == FLANK:
        return flank(w, u, fresh, now)
    if signal == DEFEND_LEADER:
        leader = leader_of(w, u)
        threat = threat_to(w, u, u if leader == f.NOBODY else leader)
        if threat != f.NOBODY:
            turn_on(w, u, threat)
            return False
    form_up(w, u, fresh, now)
    return True
