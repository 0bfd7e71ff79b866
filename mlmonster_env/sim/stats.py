"""A unit's numbers at this moment: its species' own, changed by the statuses that it is under."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import status_columns as c
from mlmonster_env.sim import status_rules as rules
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.world import rows_of

# Which stats of statuses bear on each number: those of STATUS_STATS that make looking at the statuses worth while.
HIT_STATS = 1 << c.HIT | 1 << c.DEX | 1 << c.LUK
FLEE_STATS = 1 << c.FLEE | 1 << c.AGI | 1 << c.LUK
DEF_STATS = 1 << c.DEF
DEF2_STATS = 1 << c.DEF2 | 1 << c.VIT | 1 << c.AGI
MDEF_STATS = 1 << c.MDEF
MDEF2_STATS = 1 << c.MDEF2 | 1 << c.INT | 1 << c.VIT | 1 << c.DEX
BATK_STATS = 1 << c.STR
ATK_STATS = 1 << c.ATK
PERCENT_STATS = 1 << c.ATTACK_PERCENT
MATK_STATS = 1 << c.INT | 1 << c.MATK
SPEED_STATS = 1 << c.SLOW | 1 << c.HASTE
ASPD_STATS = 1 << c.ATTACK_HASTE | 1 << c.ATTACK_SLOW
HEALED_STATS = 1 << c.HEALED


@small
def slots(w, u):
    """A unit's status slots: which, and their values."""
    s = w.units
    return rows_of(s, f.STATUS_ID, f.STATUS_LIMIT, u), rows_of(s, f.STATUS_VALUE, f.STATUS_LIMIT, u)


@kernel
def attribute_of(w, u, stat, column):
    """One of str to luk at this moment."""
    base = w.species[w.units[f.SPECIES, u], column]
    if w.units[f.STATUS_STATS, u] & (1 << stat) == 0:
        return base
    ids, values = slots(w, u)
    return rules.attribute(w.statuses, stat, base, ids, values)


@kernel
def defter(w, u, v):
    """How much more dex `u` has than `v`."""
    return attribute_of(w, u, c.DEX, f.DEX) - attribute_of(w, v, c.DEX, f.DEX)


@kernel
def int_of(w, u):
    """Int at this moment."""
    return attribute_of(w, u, c.INT, f.INT)


@kernel
def hit_of(w, u):
    """Hit at this moment."""
    species = w.units[f.SPECIES, u]
    base = w.species[species, f.HIT]
    if w.units[f.STATUS_STATS, u] & HIT_STATS == 0:
        return base
    ids, values = slots(w, u)
    shift = rules.hit_shift(
        w.rules[f.RENEWAL],
        w.species[species, f.DEX],
        attribute_of(w, u, c.DEX, f.DEX),
        w.species[species, f.LUK],
        attribute_of(w, u, c.LUK, f.LUK),
    )
    return max(rules.modified(w.statuses, c.HIT, base + shift, ids, values), 1)


@kernel
def flee_of(w, u):
    """Flee at this moment."""
    species = w.units[f.SPECIES, u]
    base = w.species[species, f.FLEE]
    if w.units[f.STATUS_STATS, u] & FLEE_STATS == 0:
        return base
    ids, values = slots(w, u)
    shift = rules.flee_shift(
        w.rules[f.RENEWAL],
        w.species[species, f.AGI],
        attribute_of(w, u, c.AGI, f.AGI),
        w.species[species, f.LUK],
        attribute_of(w, u, c.LUK, f.LUK),
    )
    return max(rules.modified(w.statuses, c.FLEE, base + shift, ids, values), 1)


@kernel
def hard_defence(w, u):
    """Hard defence at this moment."""
    base = w.species[w.units[f.SPECIES, u], f.DEF]
    if w.units[f.STATUS_STATS, u] & DEF_STATS == 0:
        return base
    ids, values = slots(w, u)
    return rules.modified(w.statuses, c.DEF, base, ids, values)


@kernel
def soft_defence(w, u):
    """Soft defence at this moment."""
    species = w.units[f.SPECIES, u]
    base = w.species[species, f.DEF2]
    if w.units[f.STATUS_STATS, u] & DEF2_STATS == 0:
        return base
    ids, values = slots(w, u)
    shift = rules.def2_shift(
        w.rules[f.RENEWAL],
        w.species[species, f.VIT],
        attribute_of(w, u, c.VIT, f.VIT),
        w.species[species, f.AGI],
        attribute_of(w, u, c.AGI, f.AGI),
    )
    now = rules.modified(w.statuses, c.DEF2, base + shift, ids, values)
    return now if w.rules[f.RENEWAL] != 0 else max(now, 1)


@kernel
def hard_magic_defence(w, u):
    """Hard magic defence at this moment."""
    base = w.species[w.units[f.SPECIES, u], f.MDEF]
    if w.units[f.STATUS_STATS, u] & MDEF_STATS == 0:
        return base
    ids, values = slots(w, u)
    return rules.modified(w.statuses, c.MDEF, base, ids, values)


@kernel
def soft_magic_defence(w, u):
    """Soft magic defence at this moment."""
    species = w.units[f.SPECIES, u]
    base = w.species[species, f.MDEF2]
    if w.units[f.STATUS_STATS, u] & MDEF2_STATS == 0:
        return base
    ids, values = slots(w, u)
    shift = rules.mdef2_shift(
        w.rules[f.RENEWAL],
        w.species[species, f.INT],
        attribute_of(w, u, c.INT, f.INT),
        w.species[species, f.VIT],
        attribute_of(w, u, c.VIT, f.VIT),
        w.species[species, f.DEX],
        attribute_of(w, u, c.DEX, f.DEX),
    )
    now = rules.modified(w.statuses, c.MDEF2, base + shift, ids, values)
    return now if w.rules[f.RENEWAL] != 0 else max(now, 1)


@kernel
def base_attack(w, u):
    """The part of a weapon blow that is not rolled."""
    species = w.units[f.SPECIES, u]
    base = w.species[species, f.BATK]
    if w.units[f.STATUS_STATS, u] & BATK_STATS == 0:
        return base
    return base + rules.batk_shift(w.rules[f.RENEWAL], w.species[species, f.STR], attribute_of(w, u, c.STR, f.STR))


@kernel
def weapon_range(w, u):
    """Ends of the weapon attack roll."""
    species = w.units[f.SPECIES, u]
    low = w.species[species, f.ATK_MIN]
    high = w.species[species, f.ATK_MAX]
    if w.units[f.STATUS_STATS, u] & ATK_STATS == 0:
        return low, high
    ids, values = slots(w, u)
    return rules.modified(w.statuses, c.ATK, low, ids, values), rules.modified(w.statuses, c.ATK, high, ids, values)


@kernel
def attack_percent(w, u):
    """Percent of weapon damage that statuses leave or add."""
    if w.units[f.STATUS_STATS, u] & PERCENT_STATS == 0:
        return 100
    ids, values = slots(w, u)
    return max(rules.modified(w.statuses, c.ATTACK_PERCENT, 100, ids, values), 0)


@kernel
def matk_range(w, u):
    """Ends of the magic attack roll."""
    species = w.units[f.SPECIES, u]
    low = w.species[species, f.MATK_MIN]
    high = w.species[species, f.MATK_MAX]
    if w.units[f.STATUS_STATS, u] & MATK_STATS == 0:
        return low, high
    now = int_of(w, u)
    before = w.species[species, f.INT]
    renewal = w.rules[f.RENEWAL]
    low += rules.matk_shift(renewal, 7, before, now)
    high += rules.matk_shift(renewal, 5, before, now)
    return under(w, u, c.MATK, low), under(w, u, c.MATK, high)


@kernel
def element_of(w, u):
    """Defence element and its level at this moment."""
    species = w.units[f.SPECIES, u]
    element = w.species[species, f.ELEMENT]
    level = w.species[species, f.ELEMENT_LEVEL]
    if w.units[f.STATUS_COUNT, u] == 0:
        return element, level
    ids, values = slots(w, u)
    return rules.element_under(w.statuses, element, level, ids, values)


@kernel
def walk_speed(w, u):
    """Milliseconds for a straight cell; slaves walk at their master's pace."""
    s = w.units
    walker = s[f.MASTER, u] if s[f.MASTER, u] >= 0 else u
    base = w.species[s[f.SPECIES, walker], f.SPEED]
    if s[f.STATUS_STATS, u] & SPEED_STATS == 0 and s[f.STATUS_FLAGS, u] & c.SLOW_FEET == 0:
        return base
    ids, values = slots(w, u)
    return rules.walk_speed(w.statuses, base, ids, values)


@kernel
def attack_motion(w, u):
    """Attack motion in ms."""
    base = w.species[w.units[f.SPECIES, u], f.AMOTION]
    if w.units[f.STATUS_STATS, u] & ASPD_STATS == 0:
        return base
    ids, values = slots(w, u)
    rate = rules.attack_delay_rate(w.statuses, ids, values)
    return base if rate == 1000 else rules.attack_motion(base, rate)


@kernel
def attack_delay(w, u):
    """Attack delay in ms."""
    species = w.units[f.SPECIES, u]
    base = w.species[species, f.ADELAY]
    if w.units[f.STATUS_STATS, u] & ASPD_STATS == 0:
        return base
    ids, values = slots(w, u)
    rate = rules.attack_delay_rate(w.statuses, ids, values)
    if rate == 1000:
        return base
    return rules.attack_delay(base, rules.attack_motion(w.species[species, f.AMOTION], rate), rate)


@kernel
def healed(w, u, amount):
    """What statuses leave of a heal."""
    if w.units[f.STATUS_STATS, u] & HEALED_STATS == 0:
        return amount
    ids, values = slots(w, u)
    return max(rules.modified(w.statuses, c.HEALED, amount, ids, values), 0)


@kernel
def under(w, u, stat, base):
    """Any number that statuses change, such as the damage of a kind that is taken."""
    if w.units[f.STATUS_STATS, u] & (1 << stat) == 0:
        return base
    ids, values = slots(w, u)
    return rules.modified(w.statuses, stat, base, ids, values)


@kernel
def ward_percent(w, u):
    """Chance in percent that a guard wards off a weapon blow."""
    ids, values = slots(w, u)
    return rules.block_percent(w.statuses, ids, values)


@kernel
def chance_of_status(w, u, v, status, rate):
    """Chance per 10,000 that a status of `u` takes on `v`."""
    immune = w.units[f.MODE, v] & f.STATUS_IMMUNE
    renewal = w.rules[f.RENEWAL]
    if not rules.looks_at_attributes(w.statuses, status):
        return rules.resisted_rate(w.statuses, renewal, status, rate, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, immune)
    source = w.units[f.SPECIES, u]
    target = w.units[f.SPECIES, v]
    return rules.resisted_rate(
        w.statuses, renewal, status, rate, w.species[source, f.LEVEL], attribute_of(w, u, c.LUK, f.LUK),
        w.species[target, f.LEVEL], attribute_of(w, v, c.STR, f.STR), attribute_of(w, v, c.AGI, f.AGI),
        attribute_of(w, v, c.VIT, f.VIT), attribute_of(w, v, c.INT, f.INT), attribute_of(w, v, c.DEX, f.DEX),
        attribute_of(w, v, c.LUK, f.LUK), hard_magic_defence(w, v), immune,
    )  # fmt: skip


@kernel
def duration_of_status(w, u, v, status, duration):
    """Milliseconds that a status of `u` lasts on `v`."""
    immune = w.units[f.MODE, v] & f.STATUS_IMMUNE
    renewal = w.rules[f.RENEWAL]
    if not rules.looks_at_attributes(w.statuses, status):
        return rules.resisted_duration(w.statuses, renewal, status, duration, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, immune)
    source = w.units[f.SPECIES, u]
    target = w.units[f.SPECIES, v]
    return rules.resisted_duration(
        w.statuses, renewal, status, duration, w.species[source, f.LEVEL],
        attribute_of(w, u, c.LUK, f.LUK), w.species[target, f.LEVEL], attribute_of(w, v, c.STR, f.STR),
        attribute_of(w, v, c.AGI, f.AGI), attribute_of(w, v, c.VIT, f.VIT), attribute_of(w, v, c.INT, f.INT),
        attribute_of(w, v, c.DEX, f.DEX), attribute_of(w, v, c.LUK, f.LUK), hard_magic_defence(w, v),
        immune,
    )  # fmt: skip
