"""A strike on one victim: whom it touches, what it does, what comes of it."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim import status_columns as c
from mlmonster_env.sim.account import count
from mlmonster_env.sim.carrying import carry_later
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.damage import (
    NORMAL_ATTACK,
    attack_lands,
    hits_of,
    is_ranged,
    skill_damage,
    soul_points,
)
from mlmonster_env.sim.defence import by_damage_taken, takes_one, undead_or_demon
from mlmonster_env.sim.events import push_event
from mlmonster_env.sim.geometry import apart, in_sight, inside, places
from mlmonster_env.sim.hurt import heal
from mlmonster_env.sim.lines import in_line
from mlmonster_env.sim.posture import enemies
from mlmonster_env.sim.shields import BLOCKED, WALLED, answer_with_pain, send_spell, shielded, warded
from mlmonster_env.sim.stats import attack_motion
from mlmonster_env.sim.status_ids import FREEZE
from mlmonster_env.sim.statuses import has_status
from mlmonster_env.sim.warps import push_away


@small
def untouched(w, v, skill):
    """Whether the skill passes a unit by that stands where it works: the frozen, or undead and demons."""
    flags = w.skills[skill, k.FLAGS]
    if flags & k.SPARES_FROZEN != 0 and has_status(w, v, FREEZE):
        return True
    return flags & k.SPARES_UNDEAD_AND_DEMONS != 0 and undead_or_demon(w, v)


@small
def out_of_reach(w, u, v):
    """Whether a unit hides so deep that nothing which is not aimed at it hits it."""
    return w.units[f.STATUS_FLAGS, v] & c.OUT_OF_REACH != 0 and w.units[f.MODE, u] & f.DETECTOR == 0


@small
def notices(w, v):
    """Whether a victim minds a skill that does nothing to it: if its skill list waits for one."""
    return w.species[w.units[f.SPECIES, v], f.EVENT_ROWS] & f.HAS_SKILL_USED != 0


@kernel
def strike_one(w, u, v, skill, shared_by, x, y, at_once, now):
    """One victim's share of a strike whose centre is the cell (x, y); returns the damage that is under way."""
    s = w.units
    kind = w.skills[skill, k.DAMAGE]
    if (s[f.STATUS_FLAGS, u] & c.NO_THINK != 0 and w.skills[skill, k.HURLED] == 0) or untouched(w, v, skill):
        return 0  # what a unit has set going, but for what it hurls, does no harm while the unit itself could do none
    motion = min(attack_motion(w, u), f.DAMAGE_DELAY_CAP)
    due = now if at_once or w.skills[skill, k.IMMEDIATE] != 0 or motion <= 1 else now + motion
    damage = BLOCKED
    lands = kind != k.WEAPON or attack_lands(w, u, v, skill)
    if lands or w.skills[skill, k.FORMULA] == k.BASE_SOUL:
        rolled = skill_damage(w, u, v, skill, shared_by, 0) if lands else soul_points(w, u, v, skill, 0)
        damage = shielded(w, u, v, rolled, skill, now, due)
        count(w, f.T_BLOCKED, v, max(rolled - max(damage, 0), 0))
    connects = damage > 0 or damage == WALLED
    if not connects and not notices(w, v):
        return 0
    how = f.CONNECTED if connects else 0
    if is_ranged(w, u, v, skill):
        how |= f.RANGED
    reach = apart(w, u, v) + f.SIGHT_CELLS
    if kind == k.MAGIC:
        if not send_spell(w, u, v, damage, skill, due, reach, how | f.BY_MAGIC):
            return 0
    else:
        push_event(w, due, f.LAND_HIT, u, v, damage, skill, reach, how)
    if damage <= 0:
        return 0
    s[f.HITS, u] += 1
    answer_with_pain(w, u, v, damage, skill, now)
    if w.skills[skill, k.KNOCKBACK] > 0 and damage >= max(abs(hits_of(w, v, skill)), 1):
        if w.skills[skill, k.CENTRE] == k.AT_GROUND or (s[f.X, u] == s[f.X, v] and s[f.Y, u] == s[f.Y, v]):
            push_away(w, v, x, y, w.skills[skill, k.KNOCKBACK])
        else:
            push_away(w, v, s[f.X, u], s[f.Y, u], w.skills[skill, k.KNOCKBACK])
    if w.skills[skill, k.DRAIN] > 0:
        heal(w, u, damage * w.skills[skill, k.DRAIN] // 100)
    if w.skills[skill, k.CARRIES] != 0:
        carry_later(w, u, v, skill, now)
    return damage


@kernel
def strike_pain(w, u, cause, pain, cells, now):
    """Let a unit's pain fall on all enemies around who caused it, or with no cells around on that one alone."""
    s = w.units
    x = s[f.X, cause]
    y = s[f.Y, cause]
    due = now + min(attack_motion(w, u), f.DAMAGE_DELAY_CAP)
    for v in range(places(w)):
        if s[f.ALIVE, v] == 0 or v == u or not enemies(w, u, v) or out_of_reach(w, u, v):
            continue
        if v != cause and (apart(w, cause, v) > cells or cells == 0 or not in_sight(w, x, y, s[f.X, v], s[f.Y, v])):
            continue
        damage = 1 if takes_one(w, v, k.WEAPON, False) else by_damage_taken(w, pain, v)
        damage = warded(w, u, v, damage, NORMAL_ATTACK, k.WEAPON, False, now, due)
        if damage > 0:
            push_event(w, due, f.LAND_HIT, u, v, damage, 0, apart(w, u, v) + f.SIGHT_CELLS, f.CONNECTED)


@kernel
def in_strike(w, u, v, skill, x, y):
    """Whether a unit stands in a strike around the cell (x, y), walls apart, and belongs to those it hurts."""
    s = w.units
    if s[f.ALIVE, v] == 0 or v == u or out_of_reach(w, u, v):
        return False
    if not enemies(w, u, v) and w.skills[skill, k.FLAGS] & k.HIT_FRIENDS == 0:
        return False
    if w.skills[skill, k.FLAGS] & k.LINE != 0:
        return in_line(w, u, skill, x, y, s[f.X, v], s[f.Y, v])
    return max(abs(s[f.X, v] - x), abs(s[f.Y, v] - y)) <= w.skills[skill, k.SPLASH]


@small
def seen_from(w, v, x, y):
    """Whether no wall stands between a cell and a unit."""
    return w.rules[f.OPEN_MAP] != 0 or (inside(w, x, y) and in_sight(w, x, y, w.units[f.X, v], w.units[f.Y, v]))
