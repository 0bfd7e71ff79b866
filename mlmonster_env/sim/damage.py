"""How hard a blow is: whether it lands, its base, its ratio, its hits.

`extreme` asks for the hardest (1) or the weakest (-1) possible rolls instead of random ones (0).
"""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim import status_columns as c
from mlmonster_env.sim.arithmetic import clamp, truncate
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.defence import (
    after_magic_defence,
    after_plain_defence,
    after_resistance,
    after_weapon_defence,
    by_damage_taken,
    by_element,
    less_magic_defence,
    less_weapon_defence,
    roll,
    takes_one,
    undead,
)
from mlmonster_env.sim.geometry import apart
from mlmonster_env.sim.posture import attackers_of
from mlmonster_env.sim.stats import (
    attack_percent,
    attribute_of,
    base_attack,
    element_of,
    flee_of,
    hard_defence,
    hit_of,
    int_of,
    matk_range,
    soft_defence,
    weapon_range,
)
from mlmonster_env.sim.statuses import has_status

NORMAL_ATTACK = 0  # the skill table's first row
MELEE_CELLS = 3
LEAST_HIT = 5
PLAYER_CRITICAL_PERCENT = 140
FLEE_LOST_PER_ATTACKER = 10
ATTACKERS_FREE = 2
HIGHEST_HEAL = 9999
HIGHEST_HEAL_LEVEL = 11
RATIO_LEVEL = 100  # from here on some ratios grow with the caster's level
STR_RATIO = 3
BESIDE, FAR_OFF = 2, 4  # the cells from which on the ratio of a skill with rings is the middle one, and the least
SMALL_PERCENT = 125  # what a spear does to the small
LEAST_SOUL, MOST_SOUL = 500, 1000
SOUL_OF_A_LEVEL = 5
STEP_OF_SIZE = 25
RANDOM_ELEMENT = -3
HOLY = 6
ELEMENTS = 10


@small
def is_ranged(w, u, v, skill):
    """Whether the blow counts as ranged: a monster's skill by how far off the victim is, all else by its reach."""
    if skill == NORMAL_ATTACK:
        return w.species[w.units[f.SPECIES, u], f.RANGE] > MELEE_CELLS
    flags = w.skills[skill, k.FLAGS]
    if flags & k.SHORT_RANGE != 0:
        return False
    if flags & k.LONG_RANGE != 0:
        return True
    if w.species[w.units[f.SPECIES, u], f.IS_PLAYER] != 0:
        return w.skills[skill, k.REACH] > MELEE_CELLS
    return apart(w, u, v) > MELEE_CELLS


@kernel
def hit_percent(w, u, v, skill):
    """Chance in percent that a weapon blow lands."""
    if w.units[f.STATUS_FLAGS, v] & c.SURE_HIT != 0:
        return 100
    flags = w.skills[skill, k.FLAGS]
    if flags & (k.SURE_HIT | k.CRITICAL) != 0:
        return 100
    flee = flee_of(w, v)
    if w.species[w.units[f.SPECIES, v], f.IS_PLAYER] != 0:
        crowd = attackers_of(w, v) - ATTACKERS_FREE
        if crowd > 0:
            flee -= flee * min(FLEE_LOST_PER_ATTACKER * crowd, 100) // 100
    rate = hit_of(w, u) - flee
    if w.rules[f.RENEWAL] == 0:
        rate += 80
    rate += truncate(rate * w.skills[skill, k.HIT_BONUS], 100)
    return clamp(rate, LEAST_HIT, 100)


@kernel
def critical_percent(w, u):
    """Chance in percent of a critical normal attack; only players have one."""
    species = w.units[f.SPECIES, u]
    if w.species[species, f.IS_PLAYER] == 0:
        return 0
    return 1 + w.species[species, f.LUK] * 3 // 10


@kernel
def dodge_percent(w, v):
    """Chance in percent of a lucky dodge; only players have one."""
    species = w.units[f.SPECIES, v]
    if w.species[species, f.IS_PLAYER] == 0:
        return 0
    return 1 + w.species[species, f.LUK] // 10


@kernel
def attack_lands(w, u, v, skill):
    """Roll whether a weapon blow lands."""
    percent = hit_percent(w, u, v, skill)
    if skill == NORMAL_ATTACK:
        lucky = dodge_percent(w, v)
        if lucky > 0 and draw(w, 100) < lucky:
            return False
    return percent >= 100 or draw(w, 100) < percent


@small
def many_hits(damage, hits):
    """Real hits multiply; shown hits only divide the number evenly."""
    if hits > 1:
        return damage * hits
    if hits < -1:
        return damage // -hits * -hits
    return damage


@kernel
def ratio_of(w, u, v, skill):
    """The skill's ratio in percent against this victim."""
    if skill == NORMAL_ATTACK:
        return 100
    ratio = w.skills[skill, k.RATIO]
    flags = w.skills[skill, k.FLAGS]
    if flags & k.UNDEAD_BONUS != 0 and undead(w, v):
        ratio += w.skills[skill, k.UNDEAD_RATIO]
    if flags & k.HALF_HP_BONUS != 0 and w.units[f.HP, v] < w.species[w.units[f.SPECIES, v], f.MAX_HP] // 2:
        ratio += ratio // 2
    if flags & k.STR_RATIO != 0:
        ratio += STR_RATIO * attribute_of(w, u, c.STR, f.STR)
    if flags & k.STR_INT_RATIO != 0:
        ratio += attribute_of(w, u, c.STR, f.STR) + int_of(w, u)
    if flags & k.INT_VIT_RATIO != 0:
        ratio += int_of(w, u) + attribute_of(w, v, c.VIT, f.VIT)
    ring = w.skills[skill, k.RING]
    if ring != 0:
        cells = apart(w, u, v)
        ratio += ring * ((cells < BESIDE) - (cells >= FAR_OFF))
    ratio += w.skills[skill, k.SP_RATIO] * w.units[f.SP, u]
    whole = max(w.skills[skill, k.LEVEL_PART], RATIO_LEVEL)
    if w.skills[skill, k.AGAINST] != 0 and has_status(w, v, w.skills[skill, k.AGAINST]):
        ratio = w.skills[skill, k.AGAINST_RATIO]
        whole = RATIO_LEVEL
    level = w.species[w.units[f.SPECIES, u], f.LEVEL]
    if flags & k.LEVEL_RATIO != 0 and w.rules[f.RENEWAL] != 0 and level >= RATIO_LEVEL:
        ratio = ratio * level // whole
    return ratio


@small
def hits_of(w, v, skill):
    """Hits of one strike: real ones above 0, only shown ones below."""
    if w.skills[skill, k.FLAGS] & k.SIZE_HITS != 0:
        return w.species[w.units[f.SPECIES, v], f.SIZE] + 1
    return w.skills[skill, k.HITS]


@small
def guarded_as(w, skill):
    """The kind of damage that guards and plants take a skill's for."""
    kind = w.skills[skill, k.GUARDED_AS]
    return kind if kind != k.NO_DAMAGE else w.skills[skill, k.DAMAGE]


@kernel
def weapon_damage(w, u, v, skill, shared_by, extreme):
    """Damage of a weapon blow that landed; `skill` a row of the skill table or NORMAL_ATTACK."""
    species = w.units[f.SPECIES, u]
    flags = w.skills[skill, k.FLAGS]
    hits = hits_of(w, v, skill)
    kind = k.WEAPON if skill == NORMAL_ATTACK else guarded_as(w, skill)
    if takes_one(w, v, kind, is_ranged(w, u, v, skill)):
        return many_hits(1, hits)
    low, high = weapon_range(w, u)
    base = base_attack(w, u)
    critical = flags & k.CRITICAL != 0
    if skill == NORMAL_ATTACK and w.species[species, f.IS_PLAYER] != 0:
        critical = extreme == 0 and draw(w, 100) < critical_percent(w, u)
    if critical:
        damage = base + high
        if w.rules[f.RENEWAL] != 0:
            damage = damage * PLAYER_CRITICAL_PERCENT // 100
    elif w.units[f.STATUS_FLAGS, u] & c.FULL_ATTACK != 0:
        damage = base + high
    else:
        damage = base + roll(w, low, high, extreme)
    percent = attack_percent(w, u)
    ratio = ratio_of(w, u, v, skill)
    if w.rules[f.RENEWAL] != 0:
        ratio += percent - 100
    else:
        damage = damage * percent // 100
    damage = special_base(w, u, v, skill, damage, extreme) * ratio // 100
    if skill != NORMAL_ATTACK:
        damage += w.skills[skill, k.ADDED]
    if flags & k.SPLIT != 0 and shared_by > 1:
        damage //= shared_by
    if w.rules[f.RENEWAL] != 0:
        damage = after_resistance(damage, w.species[w.units[f.SPECIES, v], f.RES])
    if not critical and flags & k.IGNORE_DEFENSE == 0:
        if skill != NORMAL_ATTACK and w.skills[skill, k.PLAIN_DEFENCE] != 0:
            damage -= hard_defence(w, v) + soft_defence(w, v)
        else:
            damage = after_weapon_defence(w, damage, v, extreme)
    damage = max(damage, 1)
    if skill != NORMAL_ATTACK:
        damage += w.skills[skill, k.PAST_DEFENCE]
        if flags & k.IGNORE_ELEMENT == 0:
            damage = by_element(w, damage, attack_element(w, v, skill, extreme), v)
        if critical and w.rules[f.RENEWAL] != 0:
            damage = damage * PLAYER_CRITICAL_PERCENT // 100
        damage = many_hits(damage, hits)
        damage += soul_points(w, u, v, skill, extreme)
    return by_damage_taken(w, damage, v)


@kernel
def soul_points(w, u, v, skill, extreme):
    """What a breaker of souls adds to its blow, or does alone when that misses; 0 for other skills."""
    if w.skills[skill, k.FORMULA] != k.BASE_SOUL:
        return 0
    if takes_one(w, v, k.MISC, True):
        return 1
    return roll(w, LEAST_SOUL, MOST_SOUL, extreme) + SOUL_OF_A_LEVEL * w.skills[skill, k.SKILL_LEVEL] * int_of(w, u)


@kernel
def extreme_element(w, v, extreme):
    """The element that does most (`extreme` 1) or least (-1) to the victim."""
    defence, level = element_of(w, v)
    found = 0
    for element in range(1, ELEMENTS):
        if (w.elements[level - 1, element, defence] - w.elements[level - 1, found, defence]) * extreme > 0:
            found = element
    return found


@small
def attack_element(w, v, skill, extreme):
    """The skill's element; a weapon element is the monster's own attack's, which is neutral."""
    element = w.skills[skill, k.ELEMENT]
    if element == RANDOM_ELEMENT:
        return draw(w, ELEMENTS) if extreme == 0 else extreme_element(w, v, extreme)
    return max(element, 0)


@kernel
def special_base(w, u, v, skill, attack, extreme):
    """What the ratio is taken of: the attack roll, or a number of the skill's own."""
    formula = w.skills[skill, k.FORMULA]
    argument = w.skills[skill, k.FORMULA_ARGUMENT]
    s = w.units
    if formula == k.BASE_CASTER_HP:
        return s[f.HP, u]
    if formula == k.BASE_TARGET_HP_PERCENT:
        return s[f.HP, v] * argument // 100
    if formula == k.BASE_FIXED:
        return argument
    if formula == k.BASE_TARGET_MAX_HP_PERCENT:
        return w.species[s[f.SPECIES, v], f.MAX_HP] * argument // 100
    if formula == k.BASE_CASTER_LOST_HP:
        return w.species[s[f.SPECIES, u], f.MAX_HP] - s[f.HP, u]
    if formula == k.BASE_HEAL:
        return heal_amount(w, u, w.skills[skill, k.SKILL_LEVEL], extreme) // 2
    if formula == k.BASE_RANDOM:
        return roll(w, 1, argument + 1, extreme)
    if formula == k.BASE_FULL_ATTACK:
        _, high = weapon_range(w, u)
        return base_attack(w, u) + high
    if formula == k.BASE_LEAST_ATTACK:
        low, _ = weapon_range(w, u)
        return low
    if formula == k.BASE_TRAP:
        return trap_points(w, u, argument, w.skills[skill, k.AMOUNT])
    if formula == k.BASE_SPEAR:
        tenth = attribute_of(w, u, c.STR, f.STR) // 10
        size = w.species[s[f.SPECIES, v], f.SIZE]
        return (attack + tenth * tenth) * (SMALL_PERCENT - STEP_OF_SIZE * size) // 100
    if formula == k.BASE_ACID:
        return max(attack - soft_defence(w, v), 0)
    return attack


@kernel
def trap_points(w, u, level, powder):
    """Damage of a trap, by the dex and int of who laid it."""
    dex = attribute_of(w, u, c.DEX, f.DEX)
    if w.rules[f.RENEWAL] == 0:
        return level * (dex + powder) * (100 + int_of(w, u)) // 200
    own_level = w.species[w.units[f.SPECIES, u], f.LEVEL]
    return level * dex * (300 + own_level) * (35 + int_of(w, u)) // (100 * 35)


@kernel
def both_attacks(w, u, v, spell, plain, extreme):
    """Weapon and magic attack taken together; before renewal the weapon's part less defence, else their mean."""
    low, high = weapon_range(w, u)
    blow = base_attack(w, u) + roll(w, low, high, extreme)
    if w.rules[f.RENEWAL] != 0:
        spell = after_resistance(spell, w.species[w.units[f.SPECIES, v], f.MRES])
    if not plain:
        spell = less_magic_defence(w, spell, v)
    if w.rules[f.RENEWAL] != 0:
        return (blow + spell) // 2
    return max(less_weapon_defence(w, blow, v, extreme) + spell, 1)


@kernel
def magic_damage(w, u, v, skill, shared_by, extreme):
    """Damage of a spell, which always lands."""
    flags = w.skills[skill, k.FLAGS]
    hits = hits_of(w, v, skill)
    if takes_one(w, v, k.MAGIC, True):
        return many_hits(1, hits)
    formula = w.skills[skill, k.FORMULA]
    plain = flags & k.IGNORE_DEFENSE != 0
    if formula == k.BASE_MAGIC_AS_WEAPON:
        low, high = weapon_range(w, u)
        damage = base_attack(w, u) + roll(w, low, high, extreme)
    else:
        low, high = matk_range(w, u)
        spell = roll(w, low, high, extreme)
        if formula == k.BASE_ATTACK_AND_MAGIC:
            damage = both_attacks(w, u, v, spell, plain, extreme)
        else:
            damage = special_base(w, u, v, skill, spell, extreme)
    damage = damage * ratio_of(w, u, v, skill) // 100 + w.skills[skill, k.ADDED]
    if flags & k.SPLIT != 0 and shared_by > 1:
        damage //= shared_by
    if formula == k.BASE_ATTACK_AND_MAGIC:
        if w.rules[f.RENEWAL] != 0:
            damage = after_plain_defence(w, damage, v)
    else:
        if w.rules[f.RENEWAL] != 0:
            damage = after_resistance(damage, w.species[w.units[f.SPECIES, v], f.MRES])
        if not plain:
            damage = after_magic_defence(w, damage, v)
    damage = max(damage, 1)
    if flags & k.IGNORE_ELEMENT == 0:
        element = attack_element(w, v, skill, extreme)
        damage = by_element(w, damage, element, v)
        if formula == k.BASE_ATTACK_AND_MAGIC:
            damage = by_element(w, damage, element, v)
    return by_damage_taken(w, many_hits(damage, hits), v)


@kernel
def misc_damage(w, u, v, skill, shared_by, extreme):
    """Damage that knows neither hit nor defence, only the element."""
    flags = w.skills[skill, k.FLAGS]
    hits = hits_of(w, v, skill)
    if takes_one(w, v, k.MISC, True):
        return many_hits(1, hits)
    damage = special_base(w, u, v, skill, w.skills[skill, k.FORMULA_ARGUMENT], extreme)
    damage = damage * ratio_of(w, u, v, skill) // 100
    if flags & k.SPLIT != 0 and shared_by > 1:
        damage //= shared_by
    damage = max(damage, 1)
    if flags & k.IGNORE_ELEMENT == 0:
        damage = by_element(w, damage, attack_element(w, v, skill, extreme), v)
    return by_damage_taken(w, many_hits(damage, hits), v)


@kernel
def skill_damage(w, u, v, skill, shared_by, extreme):
    """Damage of one strike of a skill on one victim."""
    kind = w.skills[skill, k.DAMAGE]
    if kind == k.WEAPON:
        return weapon_damage(w, u, v, skill, shared_by, extreme)
    if kind == k.MAGIC:
        return magic_damage(w, u, v, skill, shared_by, extreme)
    return misc_damage(w, u, v, skill, shared_by, extreme)


@kernel
def heal_amount(w, u, level, extreme):
    """Hit points that a heal of this level gives."""
    if level >= HIGHEST_HEAL_LEVEL:
        return HIGHEST_HEAL
    power = w.species[w.units[f.SPECIES, u], f.LEVEL] + int_of(w, u)
    if w.rules[f.RENEWAL] == 0:
        return power // 8 * (4 + 8 * level)
    low, high = matk_range(w, u)
    weapon = w.species[w.units[f.SPECIES, u], f.ATTACK2]
    return power // 5 * 30 * level // 10 + weapon + roll(w, low, high, extreme)


@small
def heal_burns(w, v, skill):
    """Whether an enemy takes harm from a heal: the undead do, from one that heals by its caster's power."""
    return w.skills[skill, k.EFFECT] == k.HEAL and w.skills[skill, k.AMOUNT] <= 0 and undead(w, v)


@kernel
def heal_harm(w, u, v, skill, extreme):
    """Holy damage that a heal does to the undead: half of what it would heal."""
    damage = max(heal_amount(w, u, w.skills[skill, k.SKILL_LEVEL], extreme) // 2, 1)
    return by_damage_taken(w, by_element(w, damage, HOLY, v), v)
