"""The rules of statuses: who resists, what stands against what, and what a unit's stats are under those it has.

`statuses` is a compiled table; `ids` and `values` are a unit's slots, id 0 an empty one.
"""

import numpy as np

from mlmonster_env.sim import status_columns as c
from mlmonster_env.sim.arithmetic import clamp, truncate
from mlmonster_env.sim.bits import lowest_bit
from mlmonster_env.sim.compiled import kernel, small

WHOLE = 10_000
SHORT = 0xFFFF
FASTEST_STEP_MS, SLOWEST_STEP_MS = 20, 1000
LEAST_PACE_PERCENT = 40
FASTEST_ATTACK_MS, SLOWEST_ATTACK_MS = 100, 8000
HIGHEST_STAT = 0xFFFF
HIGHEST_SHORT = 0x7FFF

# What `admission` finds.
REFUSED, TOGGLED, KEPT, STARTS = range(4)


@kernel
def linear(statuses, status, form, source_level, source_luk, level, str_, agi, vit, int_, dex, luk, mdef):
    """The value of one of the status' linear forms of resistance."""
    row = statuses[status]
    return (
        row[form] * str_ + row[form + 1] * agi + row[form + 2] * vit + row[form + 3] * int_ + row[form + 4] * dex
        + row[form + 5] * luk + row[form + 6] * mdef + row[form + 7] * level + row[form + 8] * source_level
        + row[form + 9] * source_luk + row[form + 10]
    )  # fmt: skip


@kernel
def resistance(statuses, renewal, status, source_level, source_luk, level, str_, agi, vit, int_, dex, luk, mdef):
    """The part of 10,000 by which the chance shrinks, and the duration where nothing else is said."""
    part = linear(statuses, status, c.RATE_FORM, source_level, source_luk, level, str_, agi, vit, int_, dex, luk, mdef)
    if renewal == 0:
        return min(part, WHOLE)
    if statuses[status, c.LEVEL_ADVANTAGE] != 0:
        above = max(0, source_level - level)
        # The server keeps both the square and the product in 16 bits.
        part -= ((above * above & SHORT) // 5 * 100) & SHORT
    return clamp(part, 0, WHOLE)


@small
def looks_at_attributes(statuses, status):
    """Whether chance or duration of the status depend on anybody's level, attributes or magic defence."""
    return statuses[status, c.RESISTED] != 0 or statuses[status, c.FLAGS] & c.LUCKLESS_IMMUNE != 0


@kernel
def resisted_rate(
    statuses, renewal, status, rate, source_level, source_luk, level, str_, agi, vit, int_, dex, luk, mdef, immune
):
    """Chance per 10,000 that the status takes, of the `rate` that the skill has; `immune`: the target's mode is."""
    flags = statuses[status, c.FLAGS]
    if immune != 0 and flags & c.BOSS_IMMUNE != 0:
        return 0
    if luk == 0 and flags & c.LUCKLESS_IMMUNE != 0:
        return 0
    if statuses[status, c.RESISTED] != 0:
        rate -= truncate(
            rate
            * resistance(
                statuses, renewal, status, source_level, source_luk, level, str_, agi, vit, int_, dex, luk, mdef
            ),
            WHOLE,
        )
        points = linear(
            statuses, status, c.POINTS_FORM, source_level, source_luk, level, str_, agi, vit, int_, dex, luk, mdef
        )
        rate -= clamp(points, 0, WHOLE) if renewal != 0 else min(points, WHOLE)
        if rate > 0 and rate % 10 != 0:
            rate += 10 - rate % 10
        rate = max(rate, statuses[status, c.MIN_RATE])
    return clamp(rate, 0, WHOLE)


@kernel
def resisted_duration(
    statuses, renewal, status, duration, source_level, source_luk, level, str_, agi, vit, int_, dex, luk, mdef, immune
):
    """How many milliseconds the status lasts once it has taken; 0 on an immune target."""
    row = statuses[status]
    if immune != 0 and row[c.FLAGS] & c.BOSS_IMMUNE != 0:
        return 0
    if row[c.FIXED_MS] != 0:
        return row[c.FIXED_MS]
    if row[c.RESISTED] == 0:
        return max(duration, 1)
    if row[c.TIME_HALVED] != 0:
        duration = truncate(duration, 2)
    if row[c.TIME_OWN] != 0:
        part = linear(
            statuses, status, c.TIME_FORM, source_level, source_luk, level, str_, agi, vit, int_, dex, luk, mdef
        )
        part = truncate(part, row[c.TIME_DIVISOR])
    else:
        part = resistance(
            statuses, renewal, status, source_level, source_luk, level, str_, agi, vit, int_, dex, luk, mdef
        )
    duration -= truncate(duration * part, WHOLE)
    duration -= linear(
        statuses, status, c.LESS_MS_FORM, source_level, source_luk, level, str_, agi, vit, int_, dex, luk, mdef
    )
    return max(duration, row[c.MIN_MS])


@small
def in_set(statuses, status, column, other):
    """Whether `other` is in the status' set that begins at `column`: ENDS, TOGGLES or BLOCKED_BY."""
    return statuses[status, column + other // c.SET_BITS] >> (other % c.SET_BITS) & 1 != 0


@kernel
def admission(statuses, status, value, ids, values):
    """What comes of giving the status to a unit with these slots.

    REFUSED: it fails. TOGGLED: those in its TOGGLES end and it does not start. KEPT: it counts as given, but the unit
    keeps its own of higher value. STARTS: those in its ENDS end and it starts anew.
    """
    toggles = False
    for slot in range(len(ids)):
        toggles = toggles or (ids[slot] != 0 and in_set(statuses, status, c.TOGGLES, ids[slot]))
    if toggles:
        return TOGGLED
    for slot in range(len(ids)):
        if ids[slot] != 0 and in_set(statuses, status, c.BLOCKED_BY, ids[slot]):
            return REFUSED
    for slot in range(len(ids)):
        if ids[slot] == status and values[slot] > value and statuses[status, c.FLAGS] & c.REPLACES_HIGHER == 0:
            return KEPT
    return STARTS


@small
def union_of_flags(statuses, ids):
    """All flags of the unit's statuses."""
    flags = 0
    for slot in range(len(ids)):
        flags |= statuses[ids[slot], c.FLAGS]
    return flags


@small
def cycled(statuses, status, value):
    """The value that counts: some skills have levels that repeat the effect with another duration."""
    cycle = statuses[status, c.VALUE_CYCLE]
    if cycle == 0:
        return value
    return 1 + (value - 1) % cycle


@small
def mod_row(statuses, status, value):
    """The row that holds what the status does to stats at this value."""
    if statuses[status, c.SWITCH_ROW] != 0 and statuses[status, c.SWITCH_VALUE] == value:
        return statuses[status, c.SWITCH_ROW]
    return status


@small
def changes(statuses, status, stat):
    """Whether the status changes the stat at any value."""
    return statuses[status, c.STAT_MASK] >> stat & 1 != 0


@kernel
def added(statuses, stat, status, value):
    """What the status adds to the stat."""
    value = cycled(statuses, status, value)
    row = mod_row(statuses, status, value)
    first = c.MODS + stat * c.MOD_WIDTH
    amount = statuses[row, first + c.MOD_FLAT] + value * statuses[row, first + c.MOD_FLAT_PER_VALUE]
    least = statuses[row, first + c.MOD_LEAST]
    return max(amount, least) if least != 0 else amount


@kernel
def modified(statuses, stat, base, ids, values):
    """`base` under the unit's statuses, one after the other as the server applies them; no upper or lower limit."""
    first = c.MODS + stat * c.MOD_WIDTH
    left = 0
    for slot in range(len(ids)):
        if changes(statuses, ids[slot], stat):
            fixed = statuses[mod_row(statuses, ids[slot], values[slot]), first + c.MOD_SET]
            if fixed != 0:
                return fixed - 1
            left |= 1 << slot
    result = base
    while left != 0:
        # The table's order is the server's; slots are in the order in which statuses came.
        best = lowest_bit(left)
        others = left & left - 1
        while others != 0:
            slot = lowest_bit(others)
            others &= others - 1
            if ids[slot] < ids[best]:
                best = slot
        left &= ~(1 << best)
        status = ids[best]
        value = cycled(statuses, status, values[best])
        row = mod_row(statuses, status, value)
        result += added(statuses, stat, status, value)
        percent = statuses[row, first + c.MOD_PERCENT] + value * statuses[row, first + c.MOD_PERCENT_PER_VALUE]
        if percent != 0:
            result += truncate(result * percent, 100)
        scale = statuses[row, first + c.MOD_SCALE]
        if scale != 0:
            result = truncate(result * scale, 1000)
    return result


@kernel
def largest(statuses, stat, ids, values):
    """The largest that any of the statuses adds to a stat of which only the largest counts; 0 if none does."""
    most = 0
    for slot in range(len(ids)):
        if changes(statuses, ids[slot], stat):
            most = max(most, added(statuses, stat, ids[slot], values[slot]))
    return most


@kernel
def walk_speed(statuses, base_speed, ids, values):
    """Milliseconds for a straight cell."""
    pace = 100 + largest(statuses, c.SLOW, ids, values) - largest(statuses, c.HASTE, ids, values)
    speed = base_speed * max(pace, LEAST_PACE_PERCENT) // 100
    if union_of_flags(statuses, ids) & c.SLOW_FEET != 0:
        speed = max(speed, c.SLOW_FEET_MS)
    return clamp(speed, FASTEST_STEP_MS, SLOWEST_STEP_MS)


@kernel
def attack_delay_rate(statuses, ids, values):
    """Per mille by which attack motion and delay change."""
    rate = 1000 - largest(statuses, c.ATTACK_HASTE, ids, values)
    return clamp(modified(statuses, c.ATTACK_SLOW, rate, ids, values), 0, HIGHEST_SHORT)


@kernel
def attack_motion(base_motion, rate):
    """Attack motion in ms at a rate of `attack_delay_rate`."""
    return clamp(base_motion * rate // 1000, FASTEST_ATTACK_MS, SLOWEST_ATTACK_MS)


@kernel
def attack_delay(base_delay, motion, rate):
    """Attack delay in ms: only hastes act on it, but it is never shorter than the motion."""
    return clamp(base_delay * min(rate, 1000) // 1000, motion, SLOWEST_ATTACK_MS)


@kernel
def attribute(statuses, stat, base, ids, values):
    """One of STR to LUK under the unit's statuses."""
    return clamp(modified(statuses, stat, base, ids, values), 0, HIGHEST_STAT)


@small
def batk_shift(renewal, str_, str_now):
    """What changed str adds to a monster's base attack."""
    return str_now - str_ if renewal != 0 else 0


@small
def matk_shift(renewal, divisor, int_, int_now):
    """What changed int adds to magic attack; `divisor` 7 for the lower end, 5 for the upper (used before renewal)."""
    if renewal != 0:
        return int_now - int_
    before = int_ // divisor
    after = int_now // divisor
    return int_now - int_ + after * after - before * before


@small
def hit_shift(renewal, dex, dex_now, luk, luk_now):
    """What changed attributes add to hit, before the statuses' own changes of it."""
    return dex_now - dex + (luk_now // 3 - luk // 3 if renewal != 0 else 0)


@small
def flee_shift(renewal, agi, agi_now, luk, luk_now):
    """What changed attributes add to flee, before the statuses' own changes of it."""
    return agi_now - agi + (luk_now // 5 - luk // 5 if renewal != 0 else 0)


@small
def share(value, value_now, divisor):
    """The difference of two quotients in the server's single precision, on which its rounding depends."""
    return np.float32(np.float32(value_now) / np.float32(divisor)) - np.float32(np.float32(value) / np.float32(divisor))


@kernel
def def2_shift(renewal, vit, vit_now, agi, agi_now):
    """What changed attributes add to soft defence, before the statuses' own changes of it."""
    if renewal == 0:
        return vit_now - vit
    return int(np.float32(share(vit, vit_now, 2) + share(agi, agi_now, 5)))


@kernel
def mdef2_shift(renewal, int_, int_now, vit, vit_now, dex, dex_now):
    """What changed attributes add to soft magic defence, before the statuses' own changes of it."""
    if renewal == 0:
        return int_now - int_ + truncate(vit_now - vit, 2)
    return int_now - int_ + int(np.float32(share(dex, dex_now, 5) + share(vit, vit_now, 5)))


@kernel
def element_under(statuses, element, element_level, ids, values):
    """The element and its level that a unit has under its statuses; the first of the table's order decides."""
    best = 0
    value = 0
    for slot in range(len(ids)):
        if statuses[ids[slot], c.DEF_ELEMENT] != c.NO_ELEMENT and (best == 0 or ids[slot] < best):
            best = ids[slot]
            value = values[slot]
    if best == 0:
        return element, element_level
    if statuses[best, c.DEF_ELEMENT] == c.VALUE_ELEMENT:
        return value // 10, clamp(value % 10, 1, 4)
    return statuses[best, c.DEF_ELEMENT], statuses[best, c.DEF_ELEMENT_LEVEL]


@kernel
def tick_damage(statuses, status, value, hp, max_hp, roll):
    """Hit points that the status takes at one of its ticks (negative: gives); `roll` uniform in 0..TICK_RANDOM-1."""
    row = statuses[status]
    per_mille = row[c.TICK_PER_MILLE] + value * row[c.TICK_PER_MILLE_PER_VALUE]
    damage = row[c.TICK_FLAT] + roll + truncate(max_hp * per_mille, 1000)
    if per_mille < 0:
        return damage
    damage = max(damage, 1)
    if row[c.TICK_STOP] == c.LEAVES_ONE:
        return min(damage, hp - 1)
    if row[c.TICK_STOP] == c.LEAVES_QUARTER and hp <= max(max_hp // 4, damage):
        return 0
    return damage


@kernel
def block_percent(statuses, ids, values):
    """Chance in percent that a weapon blow is warded off: each two levels add a point less than the two before."""
    for slot in range(len(ids)):
        if statuses[ids[slot], c.FLAGS] & c.BLOCKS_WEAPON != 0:
            percent = 0
            for step in range(values[slot]):
                percent += 5 - step // 2 if step < 12 else 1
            return percent
    return 0
