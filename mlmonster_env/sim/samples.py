"""Entries that put one rule of the simulator to many rolls: blows, skills, statuses."""

import numpy as np

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim import status_columns as c
from mlmonster_env.sim.afflict import immune
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.changes import points_for
from mlmonster_env.sim.clock import work_off
from mlmonster_env.sim.compiled import entry
from mlmonster_env.sim.damage import (
    NORMAL_ATTACK,
    attack_lands,
    critical_percent,
    heal_amount,
    heal_burns,
    heal_harm,
    skill_damage,
    weapon_damage,
)
from mlmonster_env.sim.hurt import land_hit, status_chance
from mlmonster_env.sim.rest import look_at_minds
from mlmonster_env.sim.stats import chance_of_status, duration_of_status
from mlmonster_env.sim.timers import look_at_timers
from mlmonster_env.sim.walking import walk_to
from mlmonster_env.sim.world import world_at

HUGE = 2_000_000_000


@entry
def sample_attacks(words, u, v, n):
    """Normal attacks of `u` on `v`: hits, sum and sum of squares of damage, least, most, critical percent."""
    w = world_at(words[0].ctypes.data)
    hits = 0
    total = 0.0
    squares = 0.0
    for _ in range(n):
        if attack_lands(w, u, v, NORMAL_ATTACK):
            damage = weapon_damage(w, u, v, NORMAL_ATTACK, 1, 0)
            hits += 1
            total += damage
            squares += float(damage) * damage
    least = weapon_damage(w, u, v, NORMAL_ATTACK, 1, -1)
    most = weapon_damage(w, u, v, NORMAL_ATTACK, 1, 1)
    return hits, total, squares, least, most, critical_percent(w, u)


@entry
def sample_skill(words, u, v, skill, n):
    """Strikes of a skill: hits, sum, sum of squares, least, most, and how many hits put the first status on."""
    w = world_at(words[0].ctypes.data)
    status = w.skills[skill, k.STATUS + k.S_STATUS]
    kind = w.skills[skill, k.DAMAGE]
    effect = w.skills[skill, k.EFFECT]
    chance = 0
    if status != 0 and not immune(w, v, status):
        chance = chance_of_status(w, u, v, status, status_chance(w, u, v, skill, 0))
    hits = 0
    put_on = 0
    total = 0.0
    squares = 0.0
    least = np.int64(0)
    most = np.int64(0)
    least_seen = np.int64(HUGE)
    for i in range(n + 2):
        # The last two rounds are the extreme rolls.
        extreme = 0 if i < n else (-1 if i == n else 1)
        damage = np.int64(0)
        if heal_burns(w, v, skill):
            damage = np.int64(heal_harm(w, u, v, skill, extreme))
        elif effect == k.HEAL and w.skills[skill, k.AMOUNT] > 0:
            damage = np.int64(points_for(w, u, v, skill, extreme))
        elif effect == k.HEAL:
            damage = np.int64(heal_amount(w, u, w.skills[skill, k.SKILL_LEVEL], extreme))
        elif kind != k.NO_DAMAGE:
            if extreme == 0 and kind == k.WEAPON and not attack_lands(w, u, v, skill):
                continue
            damage = np.int64(skill_damage(w, u, v, skill, 1, extreme))
        if extreme < 0:
            least = damage
        elif extreme > 0:
            most = damage
        elif damage > 0 or kind == k.NO_DAMAGE:
            hits += 1
            total += damage
            squares += float(damage) * damage
            least_seen = min(least_seen, damage)
            if chance > 0 and draw(w, 10000) < chance:
                put_on += 1
    if least == 0 and hits > 0:
        # The weakest roll does nothing at all, and is no hit.
        least = least_seen
    return hits, total, squares, least, most, put_on


@entry
def sample_status(words, u, v, status, rate, duration, n):
    """Tries of a status: how many took, and how long one lasts (0 where none can take)."""
    w = world_at(words[0].ctypes.data)
    chance = chance_of_status(w, u, v, status, rate)
    took = 0
    for _ in range(n):
        if draw(w, 10000) < chance:
            took += 1
    lasting = duration_of_status(w, u, v, status, duration)
    if w.statuses[status, c.FIXED_MS] > 0:
        lasting = w.statuses[status, c.FIXED_MS]
    return took, lasting


@entry
def send(words, u, x, y):
    """Let unit `u` of every match walk to a cell; in how many it sets out."""
    count = 0
    for m in range(words.shape[0]):
        w = world_at(words[m].ctypes.data)
        if walk_to(w, u, x, y, w.match[f.CLOCK]):
            count += 1
    return count


@entry
def hit_in_step(words, u, v, permille):
    """Let `v` hit the walking unit `u` of every match, so far through its step: when, and whether that moved it."""
    times = np.zeros(words.shape[0], np.int64)
    moved = np.zeros(words.shape[0], np.int64)
    for m in range(words.shape[0]):
        w = world_at(words[m].ctypes.data)
        look_at_timers(w)
        look_at_minds(w)
        now = w.units[f.STEP_AT, u] - w.units[f.STEP_MS, u] * (1000 - permille) // 1000
        if now < w.match[f.CLOCK]:
            at = np.int64(w.units[f.STEP_AT, u])
            work_off(w, at, at)
            now = w.units[f.STEP_AT, u] - w.units[f.STEP_MS, u] * (1000 - permille) // 1000
        work_off(w, np.int64(now), np.int64(now))
        x = w.units[f.X, u]
        y = w.units[f.Y, u]
        land_hit(w, v, u, 1, 0, 1000, f.CONNECTED, np.int64(now))
        times[m] = now
        moved[m] = x != w.units[f.X, u] or y != w.units[f.Y, u]
    return times, moved
