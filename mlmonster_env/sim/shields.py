"""What keeps a blow from its victim, or turns it: guards, barriers, holy marks, and the ground one stands on."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.afflict import KYRIE_BLOW_BITS
from mlmonster_env.sim.areas import area_over, use_up_wall
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.damage import NORMAL_ATTACK, hits_of, is_ranged
from mlmonster_env.sim.events import push_event
from mlmonster_env.sim.geometry import apart
from mlmonster_env.sim.stats import under, ward_percent
from mlmonster_env.sim.status_columns import (
    BLOCKS_WEAPON,
    ENDS_WHEN_HIT,
    MAGIC_DODGE,
    MAGIC_MIRROR,
    REFLECTED_NEAR,
    TAKEN_MAGIC,
    TAKEN_MISC_FAR,
    TAKEN_MISC_NEAR,
    TAKEN_WEAPON_FAR,
    TAKEN_WEAPON_NEAR,
    TAKES_ONE,
)
from mlmonster_env.sim.status_ids import DEADLY_DEFEASANCE, KYRIE, MILLENNIUMSHIELD
from mlmonster_env.sim.statuses import end_flagged, end_status, has_status, set_status_value, status_value

BLOCKED = -1
SHIELD_HP = 1000


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
def mirrors(w, v):
    """Roll whether a spell turns back on its caster."""
    if w.units[f.STATUS_COUNT, v] == 0 or has_status(w, v, DEADLY_DEFEASANCE):
        return False
    percent = under(w, v, MAGIC_MIRROR, 0)
    return percent > 0 and draw(w, 100) < percent


@kernel
def dodges(w, v):
    """Roll whether a spell passes a unit by."""
    percent = under(w, v, MAGIC_DODGE, 0)
    return percent > 0 and draw(w, 100) < percent


@kernel
def shielded(w, u, v, damage, skill, now):
    """What is left of a blow, or BLOCKED where none of it arrives."""
    match = w.match
    kind = k.WEAPON if skill == NORMAL_ATTACK else w.skills[skill, k.DAMAGE]
    ranged = is_ranged(w, u, skill)
    if match[f.AREA_AT] != f.NEVER and kind == k.WEAPON:
        pulse = k.PULSE_BLOCK_RANGED if ranged else k.PULSE_BLOCK_MELEE
        area = area_over(w, w.units[f.X, v], w.units[f.Y, v], pulse)
        if area >= 0:
            if pulse == k.PULSE_BLOCK_MELEE:
                use_up_wall(w, area, damage)
            return BLOCKED
    if w.units[f.STATUS_COUNT, v] == 0:
        return damage
    flags = w.units[f.STATUS_FLAGS, v]
    if damage > 0 and has_status(w, v, KYRIE):
        damage = spend_kyrie(w, v, damage, kind)
        if damage == 0:
            return BLOCKED
    if kind == k.WEAPON and flags & BLOCKS_WEAPON != 0 and draw(w, 100) < ward_percent(w, v):
        return BLOCKED
    if has_status(w, v, MILLENNIUMSHIELD):
        spend_shield(w, v, damage)
        return BLOCKED
    if flags & TAKES_ONE != 0:
        return max(hits_of(w, v, skill), 1)
    damage = max(under(w, v, taken_stat(kind, ranged), damage), 0)
    if flags & ENDS_WHEN_HIT != 0:
        end_flagged(w, v, ENDS_WHEN_HIT)
    if kind == k.WEAPON and not ranged:
        percent = under(w, v, REFLECTED_NEAR, 0)
        if percent > 0 and damage > 0:
            push_event(w, now, f.LAND_HIT, v, u, max(damage * percent // 100, 1), 0, apart(w, u, v) + f.SIGHT_CELLS, 0)
    return damage
