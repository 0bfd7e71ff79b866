"""What keeps a blow from its victim, or turns it: guards, barriers, holy marks, and the ground one stands on."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.afflict import KYRIE_BLOW_BITS, REJECTED_BLOW_BITS
from mlmonster_env.sim.areas import area_over, use_up_wall
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.damage import NORMAL_ATTACK, attack_element, guarded_as, hits_of, is_ranged, many_hits
from mlmonster_env.sim.defence import by_element
from mlmonster_env.sim.events import push_event
from mlmonster_env.sim.geometry import apart
from mlmonster_env.sim.stats import under, ward_percent
from mlmonster_env.sim.status_columns import (
    BLOCKS_WEAPON,
    ENDS_WHEN_HIT,
    IMMUNE_ELEMENT,
    MAGIC_DODGE,
    MAGIC_MIRROR,
    REFLECTED_NEAR,
    STRIKES_BY_MAGIC,
    TAKEN_MAGIC,
    TAKEN_MISC_FAR,
    TAKEN_MISC_NEAR,
    TAKEN_WEAPON_FAR,
    TAKEN_WEAPON_NEAR,
    TAKES_ONE,
)
from mlmonster_env.sim.status_ids import DEADLY_DEFEASANCE, KYRIE, MAXPAIN, MILLENNIUMSHIELD, REJECTSWORD
from mlmonster_env.sim.statuses import end_flagged, end_status, has_status, set_status_value, status_value

BLOCKED = -1
WALLED = -2  # the damage is held off, but not the statuses that come with it
SHIELD_HP = 1000
REJECTED_PERCENT = 15
BOSS_CLASS = 1
PAIN_CELLS = 18
PAIN_OF_A_LEVEL = 10  # the part of a blow that one level of pain deals back


@small
def kind_of(w, u, skill):
    """What kind of damage a blow is to who guards against it."""
    if skill != NORMAL_ATTACK:
        return guarded_as(w, skill)
    return k.MAGIC if w.units[f.STATUS_FLAGS, u] & STRIKES_BY_MAGIC != 0 else k.WEAPON


@kernel
def taken_stat(kind, ranged):
    """Which stat of statuses a blow of this kind goes by."""
    if kind == k.WEAPON:
        return TAKEN_WEAPON_FAR if ranged else TAKEN_WEAPON_NEAR
    if kind == k.MAGIC:
        return TAKEN_MAGIC
    return TAKEN_MISC_FAR if ranged else TAKEN_MISC_NEAR


@kernel
def spend_shield(w, v, damage):
    """Let a blow fall on the shields around a unit, each of SHIELD_HP points."""
    left = status_value(w, v, MILLENNIUMSHIELD)
    if left < SHIELD_HP // 10:
        left *= SHIELD_HP
    left -= damage
    if left <= 0:
        end_status(w, v, MILLENNIUMSHIELD)
    else:
        set_status_value(w, v, MILLENNIUMSHIELD, left)


@kernel
def spend_kyrie(w, v, damage, kind):
    """What the holy mark leaves of a blow; it wears off with every blow, but holds off weapons only."""
    value = status_value(w, v, KYRIE)
    pool = (value >> KYRIE_BLOW_BITS) - damage
    blows = (value & (1 << KYRIE_BLOW_BITS) - 1) - 1
    if pool <= 0 or blows <= 0:
        end_status(w, v, KYRIE)
    else:
        set_status_value(w, v, KYRIE, pool << KYRIE_BLOW_BITS | blows)
    return max(-pool, 0) if kind == k.WEAPON else damage


@kernel
def reject(w, u, v, damage, now):
    """What is left of a weapon blow that may be halved: the striker takes the other half, at once."""
    value = status_value(w, v, REJECTSWORD)
    if draw(w, 100) >= REJECTED_PERCENT * (value >> REJECTED_BLOW_BITS):
        return damage
    half = damage // 2
    if half > 0:
        push_event(w, now, f.LAND_HIT, v, u, half, 0, apart(w, u, v) + f.SIGHT_CELLS, 0)
    if value & (1 << REJECTED_BLOW_BITS) - 1 <= 1:
        end_status(w, v, REJECTSWORD)
    else:
        set_status_value(w, v, REJECTSWORD, value - 1)
    return half


@kernel
def mirrors(w, u, v):
    """Roll whether a spell turns back on its caster; those of bosses never do."""
    if w.units[f.STATUS_COUNT, v] == 0 or has_status(w, v, DEADLY_DEFEASANCE):
        return False
    if w.species[w.units[f.SPECIES, u], f.CLASS] == BOSS_CLASS:
        return False
    percent = under(w, v, MAGIC_MIRROR, 0)
    return percent > 0 and draw(w, 100) < percent


@kernel
def dodges(w, v):
    """Roll whether a spell passes a unit by."""
    percent = under(w, v, MAGIC_DODGE, 0)
    return percent > 0 and draw(w, 100) < percent


@kernel
def send_spell(w, u, v, damage, skill, due, reach, how):
    """Let a spell's damage fly; False where a mirror turns it or its victim dodges it."""
    if damage <= 0 or not mirrors(w, u, v):
        if damage > 0 and dodges(w, v):
            return False
        push_event(w, due, f.LAND_HIT, u, v, damage, skill, reach, how)
        return True
    # What comes back is what the other would have taken, weighed by the caster's own element, and carries no status.
    turned = by_element(w, damage, attack_element(w, u, skill, 0), u)
    if turned > 0 and not dodges(w, u):
        push_event(w, due, f.LAND_HIT, v, u, max(turned, hits_of(w, u, skill)), 0, reach, how)
    return False


@kernel
def answer_with_pain(w, u, v, damage, skill, now):
    """Let the pain that `u` deals to `v` fall on those around `u`, if `v` answers so; a spell around, on `u` alone."""
    level = status_value(w, v, MAXPAIN) if w.units[f.STATUS_COUNT, v] != 0 else 0
    pain = damage * level // PAIN_OF_A_LEVEL
    if pain > 0 and u != v:
        alone = kind_of(w, u, skill) == k.MAGIC and w.skills[skill, k.SPLASH] > 0
        push_event(w, now, f.PAIN, v, u, pain, 0, 0 if alone else PAIN_CELLS, 0)


@kernel
def immune_to(w, v, skill):
    """Whether the element of a blow does nothing to a unit."""
    held = under(w, v, IMMUNE_ELEMENT, 0)
    return held > 0 and attack_element(w, v, skill, 0) == held - 1


@kernel
def shielded(w, u, v, damage, skill, now, due):
    """What is left of a blow that lands at `due`, or BLOCKED or WALLED where no damage arrives."""
    return warded(w, u, v, damage, skill, kind_of(w, u, skill), is_ranged(w, u, v, skill), now, due)


@kernel
def warded(w, u, v, damage, skill, kind, ranged, now, due):
    """What is left of a blow of one kind that lands at `due`, or BLOCKED or WALLED where no damage arrives."""
    match = w.match
    if match[f.AREA_AT] != f.NEVER and kind != k.MAGIC and damage > 0:
        pulse = k.PULSE_BLOCK_RANGED if ranged else k.PULSE_BLOCK_MELEE
        area = area_over(w, w.units[f.X, v], w.units[f.Y, v], pulse)
        if area >= 0:
            if pulse == k.PULSE_BLOCK_MELEE:
                use_up_wall(w, area, damage)
            return WALLED
    if w.units[f.STATUS_COUNT, v] == 0:
        return damage
    flags = w.units[f.STATUS_FLAGS, v]
    if damage > 0 and has_status(w, v, KYRIE):
        damage = spend_kyrie(w, v, damage, kind)
        if damage == 0:
            return BLOCKED
    if w.units[f.STATUS_STATS, v] & 1 << IMMUNE_ELEMENT != 0 and immune_to(w, v, skill):
        return BLOCKED
    if damage <= 0 and flags & TAKES_ONE == 0:
        return damage  # guards are for blows that would hurt
    if kind == k.WEAPON and flags & BLOCKS_WEAPON != 0 and w.skills[skill, k.FLAGS] & k.IGNORE_GUARD == 0:
        if draw(w, 100) < ward_percent(w, v):
            return BLOCKED
    if has_status(w, v, MILLENNIUMSHIELD):
        spend_shield(w, v, damage)
        return WALLED
    if flags & TAKES_ONE != 0:
        return many_hits(1, hits_of(w, v, skill))
    damage = max(under(w, v, taken_stat(kind, ranged), damage), 0)
    if flags & ENDS_WHEN_HIT != 0:
        end_flagged(w, v, ENDS_WHEN_HIT)
    by_weapon = kind == k.WEAPON or w.skills[skill, k.DAMAGE] == k.WEAPON
    if by_weapon and damage > 0 and has_status(w, v, REJECTSWORD):
        damage = reject(w, u, v, damage, now)
    if kind == k.WEAPON and not ranged:
        percent = under(w, v, REFLECTED_NEAR, 0)
        if percent > 0 and damage > 0:
            push_event(w, due, f.LAND_HIT, v, u, max(damage * percent // 100, 1), 0, apart(w, u, v) + f.SIGHT_CELLS, 0)
    return damage
