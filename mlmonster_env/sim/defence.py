"""What a victim makes of a blow by what it is: defences, element, resistances, being a plant.

`extreme` asks for the hardest (1) or the weakest (-1) possible rolls instead of random ones (0).
"""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.arithmetic import truncate
from mlmonster_env.sim.chance import draw_between
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.stats import element_of, hard_defence, hard_magic_defence, soft_defence, soft_magic_defence
from mlmonster_env.sim.status_columns import WEAK_TO_FIRE
from mlmonster_env.sim.statuses import end_flagged

FIRE = 3
UNDEAD = 9
DEMON_RACE = 6


@small
def roll(w, low, high, extreme):
    """A roll from `low` up to but not including `high`, or one of its ends."""
    if extreme < 0 or high <= low:
        return low
    if extreme > 0:
        return high - 1
    return draw_between(w, low, high)


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
def by_element(w, damage, attack, v):
    """Damage after the element table; fire burns the webs that a unit hangs in, and it with them."""
    element, level = element_of(w, v)
    percent = w.elements[level - 1, attack, element]
    if percent < 0:
        percent = 0
    if attack == FIRE and w.units[f.STATUS_FLAGS, v] & WEAK_TO_FIRE != 0:
        end_flagged(w, v, WEAK_TO_FIRE)
        if w.rules[f.RENEWAL] != 0:
            percent += 100
        else:
            damage *= 2
    if w.rules[f.RENEWAL] != 0:
        return damage - truncate(damage * (100 - percent), 100)
    return damage * percent // 100


@kernel
def after_resistance(damage, resistance):
    """Damage after (magic) resistance, which only new high monsters have."""
    if resistance <= 0:
        return damage
    return damage - int(0.8 * damage * resistance / (resistance + 400))


@small
def less_weapon_defence(w, damage, v, extreme):
    """Damage less hard and soft defence, which may leave less than nothing."""
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
    return damage


@kernel
def after_weapon_defence(w, damage, v, extreme):
    """Damage after hard and soft defence, at least one."""
    return max(less_weapon_defence(w, damage, v, extreme), 1)


@kernel
def after_plain_defence(w, damage, v):
    """Damage less all four defences, as they stand, at least one."""
    return max(
        damage - hard_defence(w, v) - soft_defence(w, v) - hard_magic_defence(w, v) - soft_magic_defence(w, v), 1
    )


@small
def less_magic_defence(w, damage, v):
    """Magic damage less hard and soft magic defence, which may leave less than nothing."""
    hard = hard_magic_defence(w, v)
    if w.rules[f.RENEWAL] != 0:
        hard = max(hard, 0)
        damage = damage * (1000 + hard) // (1000 + 10 * hard)
    else:
        damage = damage * (100 - min(hard, 100)) // 100
    return damage - soft_magic_defence(w, v)


@kernel
def after_magic_defence(w, damage, v):
    """Magic damage after hard and soft magic defence, at least one."""
    return max(less_magic_defence(w, damage, v), 1)


@kernel
def undead(w, v):
    """Whether a unit is undead: by its element at this moment; the race counts only against freezing and stone."""
    element, _ = element_of(w, v)
    return element == UNDEAD


@small
def undead_or_demon(w, v):
    """Whether holy ground hurts a unit and evil ground does not."""
    return undead(w, v) or w.species[w.units[f.SPECIES, v], f.RACE] == DEMON_RACE


@small
def by_damage_taken(w, damage, v):
    """Damage after the share that a monster takes at all (10% for most MVPs)."""
    percent = w.species[w.units[f.SPECIES, v], f.DAMAGE_TAKEN_PERCENT]
    if percent == 100 or damage <= 0:
        return damage
    return max(damage * percent // 100, 1)
