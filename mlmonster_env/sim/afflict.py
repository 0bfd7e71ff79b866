"""Putting statuses on units and taking them off again, with all that begins and ends by that."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import status_columns as c
from mlmonster_env.sim import status_rules as rules
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import apart, places
from mlmonster_env.sim.posture import halt_and_release, stop_attack
from mlmonster_env.sim.rest import rouse
from mlmonster_env.sim.stats import attack_delay, chance_of_status, duration_of_status, element_of, slots
from mlmonster_env.sim.status_ids import ANKLE, BURNING, ENDURE, FEAR, KYRIE, REJECTSWORD
from mlmonster_env.sim.statuses import end_flagged, end_status, plain_value, put_status, slot_of

ALWAYS = 10000
UNDEAD_RACE = 1
UNDEAD_ELEMENT = 9
FIRE_ELEMENT = 3
UNBURNT_LEVEL = 2  # only this level of the fire element
ELEMENTS = 10
ELEMENT_LEVELS = 4
ROOTED_BY_FEAR_MS = 2000
ABOVE_ALL_VALUES = 1 << 30

# The value of the holy mark (kyrie): what its pool still swallows, and in its low bits for how many blows.
KYRIE_BLOW_BITS = 4

# The value of the rejected sword: the level, and in its low bits how many blows it still turns.
REJECTED_BLOW_BITS = 2
REJECTED_BLOWS = 3

# The value of endure: the level, and as many times ENDURE_LEVELS as it holds out against blows after the next one.
ENDURE_LEVELS = 10
ENDURED_BLOWS = 7


@kernel
def start_delays(w, u, r, now):
    """Begin the delay of a skill for all its rows: that of its first row that fits the present state, if any."""
    s = w.units
    species = s[f.SPECIES, u]
    rows = w.species[species, f.ROWS]
    if r < 0 or r >= rows:
        return
    group = w.rows[species, r, f.R_GROUP]
    delay = 0
    for i in range(rows):
        if w.rows[species, i, f.R_GROUP] == group:
            wanted = w.rows[species, i, f.R_STATE]
            fits = wanted == s[f.STATE, u] or wanted == f.ANY
            if wanted == f.ANYTARGET and s[f.TARGET, u] != f.NOBODY and s[f.STATE, u] != f.LOOT:
                fits = True
            if fits:
                delay = w.rows[species, i, f.R_DELAY]
                break
    s[f.SKILL_DELAY + group, u] = now + delay


@kernel
def cancel_cast(w, u, now):
    """Break a cast off: the delays begin as if it had been cast."""
    s = w.units
    rouse(w, u)
    s[f.CAST_AT, u] = f.NEVER
    s[f.READY_AT, u] = max(s[f.READY_AT, u], now + attack_delay(w, u))
    start_delays(w, u, s[f.CAST_ROW, u], now)


@kernel
def immune(w, v, status):
    """Whether a status can be put on a unit of its kind at all."""
    s = w.units
    flags = w.statuses[status, c.FLAGS]
    species = s[f.SPECIES, v]
    if flags & c.BOSS_IMMUNE != 0 and s[f.MODE, v] & f.STATUS_IMMUNE != 0:
        return True
    if flags & c.PLAYERS_ONLY != 0 and w.species[species, f.IS_PLAYER] == 0:
        return True
    if flags & c.UNDEAD_RACE_IMMUNE != 0 and w.species[species, f.RACE] == UNDEAD_RACE:
        return True
    if flags & c.UNDEAD_IMMUNE != 0:
        element, _ = element_of(w, v)
        return element == UNDEAD_ELEMENT
    if status == BURNING:
        element, level = element_of(w, v)
        return element == FIRE_ELEMENT and level == UNBURNT_LEVEL
    return False


@kernel
def reveal(w, u, cells):
    """End the hiding of all near by, friends and itself among them."""
    for v in range(places(w)):
        if w.units[f.ALIVE, v] != 0 and apart(w, u, v) <= cells:
            end_flagged(w, v, c.HIDDEN)


@kernel
def own_value(w, v, status, value):
    """The value that a status begins with: most keep the skill's, some make their own of it."""
    if status == KYRIE:
        pool = w.species[w.units[f.SPECIES, v], f.MAX_HP] * (10 + 2 * value) // 100
        return pool << KYRIE_BLOW_BITS | 5 + value // 2
    if status == REJECTSWORD:
        return value << REJECTED_BLOW_BITS | REJECTED_BLOWS
    if status == ENDURE:
        return value + ENDURE_LEVELS * (ENDURED_BLOWS - 1)
    if w.statuses[status, c.DEF_ELEMENT] == c.VALUE_ELEMENT:
        element = value // 10 if value >= 10 else draw(w, ELEMENTS)
        level = value % 10 if value % 10 > 0 else 1 + draw(w, ELEMENT_LEVELS)
        return 10 * element + level
    return value


@small
def rank(w, status, value):
    """What of a value says which of two stays: of a changed element its level, 1 where that is yet to be drawn."""
    return max(value % 10, 1) if w.statuses[status, c.DEF_ELEMENT] == c.VALUE_ELEMENT else value


@kernel
def begin_status(w, v, status, duration, value, now):
    """Put a status on a unit without any chance or resistance; False where another one forbids it."""
    s = w.units
    table = w.statuses
    given = rank(w, status, value)
    value = own_value(w, v, status, value)
    if s[f.STATUS_COUNT, v] != 0:
        ids, values = slots(w, v)
        # What some keep in their slot is no plain value: which of two of these stays is told below.
        packed = table[status, c.TICK_MS] > 0 or table[status, c.DEF_ELEMENT] == c.VALUE_ELEMENT
        verdict = rules.admission(table, status, ABOVE_ALL_VALUES if packed else value, ids, values)
        if verdict == rules.REFUSED:
            return False
        if verdict == rules.KEPT:
            return True
        held = slot_of(w, v, status)
        if packed and held >= 0 and verdict == rules.STARTS:
            if rank(w, status, plain_value(w, v, held)) > given:
                return True
        column = c.TOGGLES if verdict == rules.TOGGLED else c.ENDS
        for i in range(f.STATUS_LIMIT):
            other = s[f.STATUS_ID + i, v]
            if other != 0 and other != status and rules.in_set(table, status, column, other):
                end_status(w, v, other)
        if verdict == rules.TOGGLED:
            end_status(w, v, status)
            return True
    if table[status, c.FIXED_MS] > 0:
        duration = table[status, c.FIXED_MS]
    if table[status, c.NEXT_STATUS] != 0:
        # The duration is that of both; the value says how much of it comes before the next status.
        wait = value
        value = max(duration - wait, 1)
        duration = wait
    end = f.NEVER if duration >= c.ENDLESS_MS else now + duration
    flags = table[status, c.FLAGS]
    put_status(w, v, status, end, value, now)
    rouse(w, v)
    breaks = table[status, c.STOPS_CAST]
    if breaks != 0 and s[f.CAST_AT, v] != f.NEVER and (breaks == c.ANY_CAST or s[f.CAST_CANCELABLE, v] != 0):
        cancel_cast(w, v, now)
    if table[status, c.HOLDS] != 0:
        s[f.READY_AT, v] = max(s[f.READY_AT, v], end)
        s[f.HOLD_UNTIL, v] = max(s[f.HOLD_UNTIL, v], end)
    if flags & c.STOPS_ATTACK != 0:
        stop_attack(w, v)
    if flags & c.STOPS_WALK != 0 and s[f.MODE, v] & f.KNOCKBACK_IMMUNE == 0:
        halt_and_release(w, v)
    if flags & c.NEAR_DEATH != 0:
        s[f.HP, v] = min(s[f.HP, v], 1)
    if flags & c.REVEALS != 0:
        reveal(w, v, value)
    return True


@kernel
def release(w, v, status, now):
    """End a status, and the hold that it had over its bearer."""
    end_status(w, v, status)
    if w.statuses[status, c.HOLDS] != 0:
        rouse(w, v)
        w.units[f.READY_AT, v] = now
        w.units[f.HOLD_UNTIL, v] = now


@kernel
def try_status(w, u, v, status, rate, duration, value, now):
    """Try a status with a chance per 10,000 against the victim's resistance; whether it was put on."""
    if immune(w, v, status):
        return False
    chance = chance_of_status(w, u, v, status, rate)
    if chance < ALWAYS and draw(w, ALWAYS) >= chance:
        return False
    put_on = begin_status(w, v, status, duration_of_status(w, u, v, status, duration), value, now)
    if put_on and status == FEAR:
        begin_status(w, v, ANKLE, ROOTED_BY_FEAR_MS, 0, now)
    return put_on
