"""Putting statuses on units and taking them off again, with all that begins and ends by that."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import status_columns as c
from mlmonster_env.sim import status_rules as rules
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.geometry import apart
from mlmonster_env.sim.posture import enemies, halt_and_release, stop_attack
from mlmonster_env.sim.stats import attack_delay, chance_of_status, duration_of_status, element_of, slots
from mlmonster_env.sim.statuses import end_flagged, end_status, put_status

ALWAYS = 10000
UNDEAD_RACE = 1
UNDEAD_ELEMENT = 9


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
    for i in range(rows):
        if w.rows[species, i, f.R_GROUP] == group:
            s[f.SKILL_DELAY + i, u] = now + delay


@kernel
def cancel_cast(w, u, now):
    """Break a cast off: the delays begin as if it had been cast."""
    s = w.units
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
    return False


@kernel
def reveal(w, u, cells):
    """End the hiding of enemies near by."""
    for v in range(w.units.shape[1]):
        if w.units[f.ALIVE, v] != 0 and enemies(w, u, v) and apart(w, u, v) <= cells:
            end_flagged(w, v, c.HIDDEN)


@kernel
def begin_status(w, v, status, duration, value, now):
    """Put a status on a unit without any chance or resistance; False where another one forbids it."""
    s = w.units
    table = w.statuses
    if s[f.STATUS_COUNT, v] != 0:
        ids, values = slots(w, v)
        verdict = rules.admission(table, status, value, ids, values)
        if verdict == rules.REFUSED:
            return False
        if verdict == rules.KEPT:
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
    end = f.NEVER if duration >= c.ENDLESS_MS else now + duration
    flags = table[status, c.FLAGS]
    put_status(w, v, status, end, value, now)
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
def try_status(w, u, v, status, rate, duration, value, now):
    """Try a status with a chance per 10,000 against the victim's resistance; whether it was put on."""
    if immune(w, v, status):
        return False
    chance = chance_of_status(w, u, v, status, rate)
    if chance < ALWAYS and draw(w, ALWAYS) >= chance:
        return False
    return begin_status(w, v, status, duration_of_status(w, u, v, status, duration), value, now)
