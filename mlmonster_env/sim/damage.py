"""How hard a blow is: hit, defence, element, and what shields the victim.

`extreme` asks for the hardest (1) or the weakest (-1) possible rolls instead of random ones (0).
"""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.arithmetic import clamp, truncate
from mlmonster_env.sim.chance import draw, draw_between
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.posture import attackers_of
from mlmonster_env.sim.stats import (
    attack_percent,
    base_attack,
    element_of,
    flee_of,
    hard_defence,
    hard_magic_defence,
    hit_of,
    int_of,
    matk_range,
    soft_defence,
    soft_magic_defence,
    weapon_range,
)
from mlmonster_env.sim.status_columns import FULL_ATTACK
from mlmonster_env.sim.status_columns import SURE_HIT as STRUCK_SURELY

NORMAL_ATTACK = 0  # the skill table's first row
LEAST_HIT = 5
PLAYER_CRITICAL_PERCENT = 140
FLEE_LOST_PER_ATTACKER = 10
ATTACKERS_FREE = 2
HIGHEST_HEAL = 9999
HIGHEST_HEAL_LEVEL = 11


@small
def roll(w, low, high, extreme):
    """A roll from `low` up to but not including `high`, or one of its ends."""
    if extreme < 0 or high <= low:
        return low
    if extreme > 0:
        return high - 1
    return draw_between(w, low, high)


@small
def is_ranged(w, u, skill):
    """Whether the blow counts as ranged: a reach of more than three cells."""
    if skill == NORMAL_ATTACK:
        return w.species[w.units[f.SPECIES, u], f.RANGE] > 3
    flags = w.skills[skill, k.FLAGS]
    if flags & k.SHORT_RANGE != 0:
        return False
    return flags & k.LONG_RANGE != 0 or w.skills[skill, k.REACH] > 3


@small
def takes_one(w, v, kind, ranged):
    """Whether the victim is a plant to this kind of damage: every hit deals one point."""
    mode = w.units[f.MODE, v]
    if mode & (f.IGNORE_MELEE | f.IGNORE_RANGED | f.IGNORE_MAGIC | f.IGNORE_MISC) == 0:
        return False
    if kind == k.MAGIC:
        return mode & f.IGNORE_MAGIC != 0
    if kind == k.MISC:
        return mode & f.IGNORE_MISC != 0
    return mode & (f.IGNORE_RANGED if ranged else f.IGNORE_MELEE) != 0


@kernel
def hit_percent(w, u, v, skill):
    """Chance in percent that a weapon blow lands."""
    if w.units[f.STATUS_FLAGS, v] & STRUCK_SURELY != 0:
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


@kernel
def by_element(w, damage, attack, v):
    """Damage after the element table."""
    element, level = element_of(w, v)
    percent = w.elements[level - 1, attack, element]
    if percent < 0:
        percent = 0
    if w.rules[f.RENEWAL] != 0:
        return damage - truncate(damage * (100 - percent), 100)
    return damage * percent // 100


@small
def many_hits(damage, hits):
    """Real hits multiply; shown hits only divide the number evenly."""
    if hits > 1:
        return damage * hits
    if hits < -1:
        return damage // -hits * -hits
    return damage


@kernel
def after_resistance(damage, resistance):
    """Damage after (magic) resistance, which only new high monsters have."""
    if resistance <= 0:
        return damage
    return damage - int(0.8 * damage * resistance / (resistance + 400))


@kernel
def after_weapon_defence(w, damage, v, extreme):
    """Damage after hard and soft defence, at least one."""
    hard = hard_defence(w, v)
    soft = soft_defence(w, v)
    if w.rules[f.RENEWAL] != 0:
        if hard < -399:
            hard = -399
        damage = damage * (4000 + hard) // (4000 + 10 * hard) - soft
    else:
        spread = (soft // 20) * (soft // 20)
        if spread > 0:
            soft += roll(w, 0, spread, -extreme)
        damage = damage * (100 - min(hard, 100)) // 100 - soft
    return max(damage, 1)


@kernel
def after_magic_defence(w, damage, v):
    """Magic damage after hard and soft magic defence, at least one."""
    hard = hard_magic_defence(w, v)
    if w.rules[f.RENEWAL] != 0:
        hard = max(hard, 0)
        damage = damage * (1000 + hard) // (1000 + 10 * hard)
    else:
        damage = damage * (100 - min(hard, 100)) // 100
    return max(damage - soft_magic_defence(w, v), 1)


@kernel
def undead(w, v):
    """Whether a unit is undead by race or by its element at this moment."""
    element, _ = element_of(w, v)
    return element == 9 or w.species[w.units[f.SPECIES, v], f.RACE] == 1


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
    return ratio


@kernel
def weapon_damage(w, u, v, skill, shared_by, extreme):
    """Damage of a weapon blow that landed; `skill` a row of the skill table or NORMAL_ATTACK."""
    species = w.units[f.SPECIES, u]
    flags = w.skills[skill, k.FLAGS]
    hits = w.skills[skill, k.HITS]
    if takes_one(w, v, k.WEAPON, is_ranged(w, u, skill)):
        return max(hits, 1)
    low, high = weapon_range(w, u)
    base = base_attack(w, u)
    critical = flags & k.CRITICAL != 0
    if skill == NORMAL_ATTACK and w.species[species, f.IS_PLAYER] != 0:
        critical = extreme == 0 and draw(w, 100) < critical_percent(w, u)
    if critical:
        damage = base + high
        if w.rules[f.RENEWAL] != 0:
            damage = damage * PLAYER_CRITICAL_PERCENT // 100
    elif w.units[f.STATUS_FLAGS, u] & FULL_ATTACK != 0:
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
    if flags & k.SPLIT != 0 and shared_by > 1:
        damage //= shared_by
    if w.rules[f.RENEWAL] != 0:
        damage = after_resistance(damage, w.species[w.units[f.SPECIES, v], f.RES])
    if not critical and flags & k.IGNORE_DEFENSE == 0:
        damage = after_weapon_defence(w, damage, v, extreme)
    damage = max(damage, 1)
    if skill != NORMAL_ATTACK:
        if flags & k.IGNORE_ELEMENT == 0:
            damage = by_element(w, damage, attack_element(w, u, skill), v)
        if critical and w.rules[f.RENEWAL] != 0:
            damage = damage * PLAYER_CRITICAL_PERCENT // 100
        damage = many_hits(damage, hits)
    return by_damage_taken(w, damage, v)


@small
def attack_element(w, u, skill):
    """The skill's element; a weapon element is the monster's own attack's, which is neutral."""
    return max(w.skills[skill, k.ELEMENT], 0)


@small
def by_damage_taken(w, damage, v):
    """Damage after the share that a monster takes at all (10% for most MVPs)."""
    percent = w.species[w.units[f.SPECIES, v], f.DAMAGE_TAKEN_PERCENT]
    if percent == 100 or damage <= 0:
        return damage
    return max(damage * percent // 100, 1)


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
    return attack


@kernel
def magic_damage(w, u, v, skill, shared_by, extreme):
    """Damage of a spell, which always lands."""
    flags = w.skills[skill, k.FLAGS]
    hits = w.skills[skill, k.HITS]
    if takes_one(w, v, k.MAGIC, True):
        return max(hits, 1)
    if w.skills[skill, k.FORMULA] == k.BASE_MAGIC_AS_WEAPON:
        low, high = weapon_range(w, u)
        damage = base_attack(w, u) + roll(w, low, high, extreme)
    else:
        low, high = matk_range(w, u)
        damage = special_base(w, u, v, skill, roll(w, low, high, extreme), extreme)
    damage = damage * ratio_of(w, u, v, skill) // 100
    if flags & k.SPLIT != 0 and shared_by > 1:
        damage //= shared_by
    if w.rules[f.RENEWAL] != 0:
        damage = after_resistance(damage, w.species[w.units[f.SPECIES, v], f.MRES])
    if flags & k.IGNORE_DEFENSE == 0:
        damage = after_magic_defence(w, damage, v)
    damage = max(damage, 1)
    if flags & k.IGNORE_ELEMENT == 0:
        damage = by_element(w, damage, attack_element(w, u, skill), v)
    return by_damage_taken(w, many_hits(damage, hits), v)


@kernel
def misc_damage(w, u, v, skill, shared_by, extreme):
    """Damage that knows neither hit nor defence, only the element."""
    flags = w.skills[skill, k.FLAGS]
    hits = w.skills[skill, k.HITS]
    if takes_one(w, v, k.MISC, True):
        return max(hits, 1)
    damage = special_base(w, u, v, skill, w.skills[skill, k.FORMULA_ARGUMENT], extreme)
    damage = damage * ratio_of(w, u, v, skill) // 100
    if flags & k.SPLIT != 0 and shared_by > 1:
        damage //= shared_by
    damage = max(damage, 1)
    if flags & k.IGNORE_ELEMENT == 0:
        damage = by_element(w, damage, attack_element(w, u, skill), v)
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
