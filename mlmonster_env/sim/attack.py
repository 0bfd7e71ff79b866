"""The normal attack: starting it, striking, calling friends in."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.account import count, note_strike
from mlmonster_env.sim.bits import lowest_bit
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.damage import NORMAL_ATTACK, attack_lands, hit_percent, is_ranged, magic_damage, weapon_damage
from mlmonster_env.sim.events import push_event
from mlmonster_env.sim.geometry import apart, in_sight, places, reaches
from mlmonster_env.sim.journal import note
from mlmonster_env.sim.posture import enemies, enemies_within, halt, may_attack, set_state, stop_attack, unlock
from mlmonster_env.sim.rest import rouse
from mlmonster_env.sim.shields import answer_with_pain, send_spell, shielded
from mlmonster_env.sim.stats import attack_delay, attack_motion
from mlmonster_env.sim.status_columns import ENDS_ON_ATTACK, NO_ATTACK, STRIKES_BY_MAGIC
from mlmonster_env.sim.status_ids import AUTOCOUNTER
from mlmonster_env.sim.statuses import end_flagged, end_status, has_status
from mlmonster_env.sim.timers import start_timer

COUNTER_HIT_BONUS = 20  # percent of the hit rate


@kernel
def idle_of_its_kind(w, u):
    """Living others of a unit's side and species that are after nobody: a bit for each place."""
    s = w.units
    found = 0
    for v in range(places(w)):
        idle = (s[f.ALIVE, v] != 0) & (s[f.TARGET, v] == f.NOBODY)
        found |= (idle & (s[f.SPECIES, v] == s[f.SPECIES, u]) & (s[f.SIDE, v] == s[f.SIDE, u])) << v
    return found & ~(1 << u)


@kernel
def call_friends(w, u, v, now):
    """Idle monsters of the same kind that assist take the same target, at most once a second."""
    s = w.units
    if s[f.MODE, u] & f.ASSIST == 0 or now - s[f.LINKED, u] < f.LINK_MS:
        return
    s[f.LINKED, u] = now
    idle = idle_of_its_kind(w, u)
    while idle != 0:
        friend = lowest_bit(idle)
        idle &= idle - 1
        if (
            s[f.MODE, friend] & f.ASSIST != 0
            and now - s[f.LINKED, friend] >= f.LINK_MS
            and apart(w, u, friend) <= f.ASSIST_CELLS
            and in_sight(w, s[f.X, u], s[f.Y, u], s[f.X, friend], s[f.Y, friend])
        ):
            rouse(w, friend)
            s[f.LINKED, friend] = now
            s[f.TARGET, friend] = v


@small
def awaits(w, u, v):
    """Whether a unit stands ready to turn the blow of its target away, who must be near."""
    s = w.units
    if s[f.TARGET, u] != v or not has_status(w, u, AUTOCOUNTER):
        return False
    return apart(w, u, v) <= w.species[s[f.SPECIES, u], f.RANGE] + 1


@kernel
def strike_back(w, u, v, now):
    """Answer a blow that has been turned away with one that lands more often; no second one is turned away."""
    end_status(w, u, AUTOCOUNTER)
    percent = hit_percent(w, u, v, NORMAL_ATTACK)
    if draw(w, 100) >= percent + percent * COUNTER_HIT_BONUS // 100:
        return
    w.units[f.HITS, u] += 1
    due = now + min(attack_motion(w, u), f.DAMAGE_DELAY_CAP)
    damage = shielded(w, u, v, weapon_damage(w, u, v, NORMAL_ATTACK, 1, 0), NORMAL_ATTACK, now, due)
    if damage >= 0:
        reach = apart(w, u, v) + f.SIGHT_CELLS
        push_event(w, due, f.LAND_HIT, u, v, damage, NORMAL_ATTACK, reach, f.NORMAL | f.CONNECTED)


@kernel
def strike(w, u, v, now):
    """Roll one normal attack; its damage lands after the attack motion."""
    w.scratch[f.PHASE] = f.ON_RULES
    s = w.units
    s[f.ATTACKS, u] += 1
    note(w, now, f.J_ATTACK, u, v, 0)
    if s[f.STATUS_FLAGS, u] & ENDS_ON_ATTACK != 0:
        end_flagged(w, u, ENDS_ON_ATTACK)
    if w.match[f.FIRST_CONTACT] == f.NEVER:
        w.match[f.FIRST_CONTACT] = now
    motion = min(attack_motion(w, u), f.DAMAGE_DELAY_CAP)
    by_magic = s[f.STATUS_FLAGS, u] & STRIKES_BY_MAGIC != 0
    flags = f.NORMAL
    if by_magic:
        flags |= f.BY_MAGIC
    elif is_ranged(w, u, v, NORMAL_ATTACK):
        flags |= f.RANGED
    if s[f.STATE, v] == f.BERSERK and s[f.TARGET, v] != u and apart(w, u, v) <= w.species[s[f.SPECIES, v], f.RANGE] + 1:
        flags |= f.FORCES_SWITCH
    if awaits(w, v, u):
        note_strike(w, u, False)
        strike_back(w, v, u, now)
        return
    landed = by_magic or attack_lands(w, u, v, NORMAL_ATTACK)
    note_strike(w, u, landed)
    if not landed:
        return
    s[f.HITS, u] += 1
    rolled = magic_damage(w, u, v, NORMAL_ATTACK, 1, 0) if by_magic else weapon_damage(w, u, v, NORMAL_ATTACK, 1, 0)
    due = now + motion if motion > 1 else now
    damage = shielded(w, u, v, rolled, NORMAL_ATTACK, now, due)
    count(w, f.T_BLOCKED, v, max(rolled - max(damage, 0), 0))
    if damage < 0:
        return
    reach = apart(w, u, v) + f.SIGHT_CELLS
    if not by_magic:
        push_event(w, due, f.LAND_HIT, u, v, damage, NORMAL_ATTACK, reach, flags | f.CONNECTED)
    elif not send_spell(w, u, v, damage, NORMAL_ATTACK, due, reach, flags | f.CONNECTED):
        return
    answer_with_pain(w, u, v, damage, NORMAL_ATTACK, now)


@kernel
def deal_blow(w, u, v, now):
    """Call friends in, strike, and begin the delays that follow."""
    s = w.units
    call_friends(w, u, v, now)
    strike(w, u, v, now)
    s[f.READY_AT, u] = max(s[f.READY_AT, u], now + attack_delay(w, u))
    s[f.THINK_AT, u] = max(s[f.THINK_AT, u], now + attack_motion(w, u))
    s[f.LAST_SKILL, u] = 0


@kernel
def strike_again(w, u, v, now):
    """The next blow of a mind at rest, of which `begin_attack` would find out that nothing has changed."""
    s = w.units
    s[f.FRESH, u] = 0
    s[f.CHASE_RANGE, u] = w.species[s[f.SPECIES, u], f.RANGE]
    deal_blow(w, u, v, now)
    start_timer(w, f.ATTACK_AT, u, s[f.READY_AT, u])
    set_state(w, u, f.BERSERK)
    if w.after[u] != f.NOBODY and s[f.STATE, u] == f.BERSERK:
        w.wake[u] = s[f.READY_AT, u]
    else:
        rouse(w, u)


@kernel
def attack_now(w, u, now):
    """Strike if everything allows it, and set the timer of the next attack; False where the target must be let go."""
    s = w.units
    v = s[f.ATTACK_ON, u]
    if v == f.NOBODY or s[f.CAST_AT, u] != f.NEVER or not may_attack(w, u, v):
        return False
    if not in_sight(w, s[f.X, u], s[f.Y, u], s[f.X, v], s[f.Y, v]):
        return False
    reach = w.species[s[f.SPECIES, u], f.RANGE] + (s[f.STEP_AT, v] != f.NEVER)
    if not reaches(w, u, s[f.X, v], s[f.Y, v], reach):
        return True
    if s[f.READY_AT, u] <= now:
        if s[f.STEP_AT, u] != f.NEVER:
            halt(w, u)
        deal_blow(w, u, v, now)
    if s[f.KEEP_ATTACKING, u] != 0:
        start_timer(w, f.ATTACK_AT, u, s[f.READY_AT, u])
    return True


@kernel
def random_enemy(w, u, reach):
    """Any living enemy within `reach` cells, each as likely, or NOBODY."""
    near = enemies_within(w, u, reach)
    count = 0
    for v in range(places(w)):
        count += near >> v & 1
    if count == 0:
        return f.NOBODY
    for _ in range(draw(w, count)):
        near &= near - 1
    return lowest_bit(near)


@kernel
def begin_attack(w, u, target, now):
    """Attack a unit, at once or when the delay is over. True where a walk under way should stop."""
    s = w.units
    v = target
    if s[f.MODE, u] & f.RANDOM_TARGET != 0:
        reach = w.species[s[f.SPECIES, u], f.RANGE]
        v = random_enemy(w, u, reach)
        if v == f.NOBODY or not reaches(w, u, s[f.X, v], s[f.Y, v], reach):
            return False
    if s[f.ALIVE, v] == 0:
        unlock(w, u, now)
        return True
    if s[f.STATUS_FLAGS, u] & NO_ATTACK != 0:
        stop_attack(w, u)
        return False
    if not enemies(w, u, v) or not may_attack(w, u, v):
        unlock(w, u, now)
        return True
    s[f.KEEP_ATTACKING, u] = 1
    s[f.ATTACK_ON, u] = v
    s[f.CHASE_RANGE, u] = w.species[s[f.SPECIES, u], f.RANGE]
    if s[f.ATTACK_AT, u] != f.NEVER:
        return True
    if s[f.READY_AT, u] > now:
        start_timer(w, f.ATTACK_AT, u, s[f.READY_AT, u])
    elif not attack_now(w, u, now):
        unlock(w, u, now)
    set_state(w, u, f.BERSERK)
    return True
