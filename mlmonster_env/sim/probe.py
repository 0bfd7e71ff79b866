"""What the simulator's own rules say about a monster, asked directly: for checking them against a server.

Monsters are named by id or AegisName, statuses as SC_STUN; rates are per 10,000, times milliseconds, shares fractions.
The rules are never written a second time here: every figure comes from the kernels that matches run on.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mlmonster_env.data import Bestiary, MobSkill, Monster
from mlmonster_env.data.errors import one_of
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.arena import Arena
from mlmonster_env.sim.behaviour import (
    after_kill,
    aggro_range,
    assist,
    change_target,
    chase_then_attack,
    first_attack,
    flinch,
    random_walk,
    retaliation,
    target_choice,
    target_outruns,
    target_warped,
)
from mlmonster_env.sim.lab import (
    DUMMY_HP,
    JOURNAL_RECORDS,
    Place,
    asked,
    dummy,
    of_kind,
    open_field,
    take_journal,
    watch,
    with_mode,
    with_skills,
    without_skills,
)
from mlmonster_env.sim.samples import sample_attacks, sample_skill, sample_status, send
from mlmonster_env.sim.status_table import status_id
from mlmonster_env.sim.tables import Int32Array

__all__ = [
    "after_kill",
    "aggro_range",
    "assist",
    "attack_interval",
    "cast",
    "change_target",
    "chase_then_attack",
    "fight",
    "first_attack",
    "flinch",
    "group_fight",
    "normal_attacks",
    "random_walk",
    "retaliation",
    "skill_hits",
    "skill_use_rate",
    "status_chance",
    "target_choice",
    "target_outruns",
    "target_warped",
    "walk_time",
]

Name = int | str

MIDDLE = 80
LONGEST_LEG = 14
WATCHED_MS = 60_000
CAST_TRIES = 50
CAST_RATE = 2500  # so that casts come after one blow or several, at every moment between two rounds of thinking
FIGHT_LIMIT_MS = 300_000
FIELD_LIMIT_MS = 120_000
LARGEST_PACK = f.MOST_PLACES // 2
CONTACT_SPOTS = (
    ((50, 60), (51, 60), (52, 60), (51, 61), (51, 59)),
    ((60, 60), (59, 60), (58, 60), (59, 61), (59, 59)),
)
FIELD_EDGES = (40, 66)
FIELD_SPREAD = 104  # whole squares, by whose borders units are listed
# How long one run of a measurement of skill use lasts: what happens once a fight, such as a summons, counts so often.
RUN_SECONDS = {"attacking": 300.0, "chasing": 20.0, "idle": 120.0}
LOW_HP_RUN_SECONDS = 120.0
VICTIM_AT = {"attacking": (1, 0), "chasing": (14, 14), "idle": (60, 0)}
LONGEST_STATUS_MS = 2**31 - 1  # what the server's clock can hold
SLOWEST_WALK_MS = 1000  # a chaser so slow that it does not arrive within a run


@asked()
def normal_attacks(world: Bestiary, attacker: Name, defender: Name, n: int, seed: int) -> dict[str, float]:
    """Normal attacks on an unharmed defender: hit_rate, crit_rate, damage_mean, _std, _min, _max (of hits)."""
    arena = _pair(world, world[attacker], world[defender], seed)
    hits, total, squares, least, most, critical = sample_attacks(arena.words, 0, 1, n)
    return {
        "hit_rate": hits / n,
        "crit_rate": critical / 100,
        **_moments(hits, total, squares),
        "damage_min": int(least),
        "damage_max": int(most),
    }


@asked()
def skill_hits(
    world: Bestiary, skill: str, level: int, caster: Name, defender: Name, n: int, seed: int
) -> dict[str, float]:
    """One strike of a skill on a lone target: as `normal_attacks`, and status_rate of the hits (of casts, if harmless).

    For a skill that heals the figures of damage are the amounts healed, on the undead the harm that it does them.
    """
    if skill not in world.skills:
        raise KeyError(f"no skill {skill!r} in this world, expected {one_of(str(skill), world.skills)}")
    row = _row_of(world, world[caster], skill, level)
    arena = _pair(world, with_skills(world[caster], [row]), world[defender], seed)
    number = int(arena.tables.rows[1, 0, f.R_SKILL])
    hits, total, squares, least, most, put_on = sample_skill(arena.words, 0, 1, number, n)
    return {
        "hit_rate": hits / n,
        "crit_rate": 0.0,
        **_moments(hits, total, squares),
        "damage_min": int(least),
        "damage_max": int(most),
        "status_rate": put_on / hits if hits else 0.0,
    }


def attack_interval(world: Bestiary, attacker: Name, defender: Name) -> dict[str, float]:
    """Time between two normal attacks on somebody who stands still, over a minute; -1 of one who never attacks."""
    monster = without_skills(world[attacker])
    places = [Place(monster, 0, MIDDLE, MIDDLE), Place(dummy(world[defender]), 1, MIDDLE + 1, MIDDLE)]
    arena = open_field(world, places, 1, 0, aggressive=True, journal_records=JOURNAL_RECORDS)
    arena.units[:, f.MODE, 1] &= ~f.AGGRESSIVE_MODE
    times = []
    for _ in range(WATCHED_MS // f.THINK_MS):
        arena.units[arena.units[:, f.TARGET, 0] == f.NOBODY, f.TARGET, 0] = 1  # who sees no farther than himself too
        times.append(of_kind(watch(arena, 1)[0], f.J_ATTACK, 0)[:, 0])
    gaps = np.diff(np.concatenate(times))
    if not len(gaps):
        return {"mean_ms": -1.0, "min_ms": -1, "max_ms": -1}
    return {"mean_ms": float(gaps.mean()), "min_ms": int(gaps.min()), "max_ms": int(gaps.max())}


@asked()
def walk_time(world: Bestiary, monster: Name, dx: int, dy: int) -> dict[str, int]:
    """Walking `dx`, `dy` cells over open ground, in legs that the server allows: total_ms, cells."""
    walker = with_mode(without_skills(world[monster]), add=f.CAN_MOVE, remove=f.AGGRESSIVE_MODE)
    total = cells = 0
    while dx or dy:
        leg_x, leg_y = (max(-LONGEST_LEG, min(LONGEST_LEG, step)) for step in (dx, dy))
        dx, dy = dx - leg_x, dy - leg_y
        places = [Place(walker, 0, MIDDLE, MIDDLE), Place(dummy(walker), 1, 1, 1)]
        arena = open_field(world, places, 1, 0, journal_records=JOURNAL_RECORDS)
        begun = int(arena.match[0, f.CLOCK])
        send(arena.words, 0, MIDDLE + leg_x, MIDDLE + leg_y)
        steps = of_kind(watch(arena, 400)[0], f.J_STEP, 0)
        total += int(steps[-1, 0]) - begun
        cells += len(steps)
    return {"total_ms": total, "cells": cells}


@asked()
def cast(world: Bestiary, caster: Name, skill: str, level: int) -> dict[str, int]:
    """A row of the caster's list at work: cast_ms, delay_ms; next_attack_ms from the cast's start to the next blow.

    That is the earliest of many tries, -1 if none strikes within a minute: where the attack delay is no longer than the
    motion, the blow waits for the next round of thinking, up to 100 ms.
    """
    rows = [row for row in world[caster].skills if (row.skill, row.level) == (skill, level)]
    if not rows:
        known = ", ".join(sorted({f"{row.skill} {row.level}" for row in world[caster].skills}))
        raise KeyError(f"{world[caster].aegis_name} has no {skill} {level}; it has {known}")
    row = replace(
        rows[0],
        state="any",
        rate=CAST_RATE,
        condition="always",
        condition_value=0,
        delay_ms=10 * WATCHED_MS,
        target="target",
    )
    if rows[0].target in ("self", "friend", "master"):
        row = replace(row, target="self")
    places = [
        Place(with_skills(world[caster], [row]), 0, MIDDLE, MIDDLE),
        Place(dummy(world["LUNATIC"] if "LUNATIC" in world else world[caster]), 1, MIDDLE + 1, MIDDLE),
    ]
    arena = open_field(world, places, CAST_TRIES, 0, aggressive=True, journal_records=JOURNAL_RECORDS, slaves=False)
    arena.units[:, f.MODE, 1] &= ~f.AGGRESSIVE_MODE
    arena.units[:, f.MODE, 0] |= f.CAN_ATTACK
    arena.units[:, f.MODE, 0] &= ~f.ANGRY_MODE
    arena.units[:, f.AGGRESSIVE, 0] = 0
    arena.units[:, f.SKILL_CHECKED, 0] = 0
    waits = []
    for records in watch(arena, WATCHED_MS // f.THINK_MS):
        casts = of_kind(records, f.J_CAST, 0)[:, 0]
        attacks = of_kind(records, f.J_ATTACK, 0)[:, 0]
        after = attacks[attacks > casts[0]] if len(casts) else attacks[:0]
        waits += [int(after[0] - casts[0])] if len(after) else []
    return {"cast_ms": rows[0].cast_ms, "delay_ms": rows[0].delay_ms, "next_attack_ms": min(waits, default=-1)}


@asked(rate=(0, None), duration_ms=(0, LONGEST_STATUS_MS))
def status_chance(
    world: Bestiary, status: str, rate: int, duration_ms: int, source: Name, target: Name, n: int, seed: int
) -> dict[str, float]:
    """A status tried with a chance of `rate` per 10,000: the rate per 10,000 that took, and duration_mean_ms.

    What the target resists by its stats; that bosses are immune to most statuses, and the undead to freezing, is
    another rule, and left out here, as it was when this was measured.
    """
    arena = _pair(world, world[source], with_mode(world[target], remove=f.STATUS_IMMUNE), seed)
    took, lasting = sample_status(arena.words, 0, 1, status_id(status), rate, duration_ms, n)
    return {"rate": took / n * 10000, "duration_mean_ms": float(lasting) if took else 0.0}


@asked(hp_percent=(1, 100))
def skill_use_rate(
    world: Bestiary,
    monster: Name,
    seconds: float,
    phase: str = "attacking",
    hp_percent: int = 100,
    seed: int = 0,
) -> dict[str, object]:
    """How often skills and attacks come: uses_per_hour (by "SKILL:level"), attacks_per_hour.

    "attacking": beside a victim that neither moves nor strikes; "chasing": slowly, after one 14 cells away; "idle":
    alone. The target is set, the monster is not aggressive, always hits, and keeps `hp_percent` of its hp. Uses of one
    that has changed its shape count too, as those of the list that it then has.
    """
    if phase not in RUN_SECONDS:
        raise ValueError(f"phase is {phase!r}, expected one of {', '.join(RUN_SECONDS)}")
    if seconds <= 0:
        raise ValueError(f"seconds is {seconds}, expected above 0")
    run_seconds = LOW_HP_RUN_SECONDS if hp_percent < 100 else RUN_SECONDS[phase]
    runs = max(round(seconds / run_seconds), 1)
    tested = with_mode(world[monster], remove=f.AGGRESSIVE_MODE)
    if phase == "chasing":
        tested = replace(tested, walk_speed=SLOWEST_WALK_MS)
    victim = dummy(world["LUNATIC"] if "LUNATIC" in world else world[monster])
    dx, dy = VICTIM_AT[phase]
    places = [Place(tested, 0, MIDDLE, MIDDLE), Place(victim, 1, MIDDLE + dx, MIDDLE + dy)]
    arena = open_field(world, places, runs, seed, journal_records=JOURNAL_RECORDS)
    arena.tables.species[1, f.HIT] = 1000
    lists = [monster.skills for monster in (tested, *arena.tables.monsters)]  # by species, 0 being nobody
    uses: Counter[str] = Counter()
    attacks = 0
    for _ in range(round(seconds / runs * 1000 / f.THINK_MS)):
        arena.units[:, f.HP, 1] = DUMMY_HP
        if hp_percent < 100:
            most = arena.tables.species[arena.units[:, f.SPECIES, 0], f.MAX_HP].astype(np.int64)
            arena.units[:, f.HP, 0] = np.maximum(most * hp_percent // 100, 1)
        if phase != "idle":
            arena.units[arena.units[:, f.TARGET, 0] == f.NOBODY, f.TARGET, 0] = 1
        species = arena.units[:, f.SPECIES, 0].copy()
        arena.run(1)
        for number, records in zip(species, take_journal(arena), strict=True):
            uses.update(_names_of_casts(records, lists, number))
            attacks += len(of_kind(records, f.J_ATTACK, 0))
    hours = seconds / 3600
    return {
        "uses_per_hour": {name: count / hours for name, count in uses.items()},
        "attacks_per_hour": attacks / hours,
    }


@asked(start_distance=(1 - MIDDLE, MIDDLE - 1))
def fight(world: Bestiary, first: Name, second: Name, start_distance: int, n: int, seed: int) -> dict[str, float]:
    """One against one under the stock AI until the first of the two dies, at most 300 s."""
    places = [
        Place(world[first], 0, MIDDLE, MIDDLE),
        Place(world[second], 1, MIDDLE + start_distance, MIDDLE),
    ]
    arena = open_field(world, places, n, seed, aggressive=True, time_limit_ms=FIGHT_LIMIT_MS)
    arena.run(FIGHT_LIMIT_MS // f.THINK_MS + 1)
    return _outcome(arena)


@asked(size=(1, LARGEST_PACK))
def group_fight(
    world: Bestiary, first: Name, second: Name, size: int, start: str, n: int, seed: int
) -> dict[str, float]:
    """Pack against pack until one side is dead: "contact" (8 cells apart, 300 s) or "field" (24 apart, 120 s).

    A match has room for 32 a side; slaves get what places are left.
    """
    if start not in ("contact", "field"):
        raise ValueError(f"start is {start!r}, expected 'contact' or 'field'")
    places = []
    for side, monster in enumerate((world[first], world[second])):
        for member in range(size):
            x, y = _spot(side, member, start)
            places.append(Place(monster, side, x, y))
    field = start == "field"
    limit = FIELD_LIMIT_MS if field else FIGHT_LIMIT_MS
    arena = open_field(
        world, places, n, seed, aggressive=True, random_walk=field, time_limit_ms=limit, spread=FIELD_SPREAD * field
    )
    arena.run(limit // f.THINK_MS + 1)
    results = arena.results
    won = np.flatnonzero(results.winner >= 0)
    met = results.first_contact_ms[results.first_contact_ms != f.NEVER]
    return {
        **_outcome(arena),
        "survivors_mean": _mean(results.survivors[won, results.winner[won]]),
        "first_contact_mean_ms": _mean(met),
    }


def _names_of_casts(records: Int32Array, lists: Sequence[Sequence[MobSkill]], species: int) -> Iterator[str]:
    """What unit 0 cast, as "SKILL:level", each from the list of the species that it was by then."""
    for _, kind, unit, _, amount in records:
        if unit == 0 and kind == f.J_BECOME:
            species = amount
        elif unit == 0 and kind == f.J_CAST:
            row = lists[species][amount]
            yield f"{row.skill}:{row.level}"


def _spot(side: int, member: int, start: str) -> tuple[int, int]:
    if start == "contact":
        spots = CONTACT_SPOTS[side]
        return spots[member % len(spots)]
    edge = FIELD_EDGES[side]
    row, column = divmod(member, 3)
    return (edge + column if side == 0 else edge - column), 60 + (0, 1, -1, 2, -2)[row % 5]


def _pair(world: Bestiary, first: Monster, second: Monster, seed: int) -> Arena:
    places = [Place(first, 0, MIDDLE, MIDDLE), Place(second, 1, MIDDLE + 1, MIDDLE)]
    return open_field(world, places, 1, seed, slaves=False)


def _row_of(world: Bestiary, monster: Monster, skill: str, level: int) -> MobSkill:
    """The monster's own row of a skill, or a plain one where it has none."""
    for row in monster.skills:
        if (row.skill, row.level) == (skill, level):
            return row
    return MobSkill(
        state="any",
        skill=skill,
        skill_id=world.skills[skill].id,
        level=level,
        rate=10000,
        cast_ms=0,
        delay_ms=0,
        cancelable=False,
        target="target",
        condition="always",
        condition_value=0,
        values=(0, 0, 0, 0, 0),
        emotion=-1,
    )


def _outcome(arena: Arena) -> dict[str, float]:
    results = arena.results
    won = np.flatnonzero(results.winner >= 0)
    durations = results.duration_ms[won]
    return {
        "first_wins": int((results.winner == 0).sum()),
        "second_wins": int((results.winner == 1).sum()),
        "undecided": int((results.winner < 0).sum()),
        "duration_mean_ms": _mean(durations),
        "duration_std_ms": float(durations.std()) if len(durations) else math.nan,
        "winner_hp_left_mean": _mean(results.hp_share[won, results.winner[won]]),
    }


def _moments(count: int, total: float, squares: float) -> dict[str, float]:
    if not count:
        return {"damage_mean": 0.0, "damage_std": 0.0}
    mean = total / count
    return {"damage_mean": mean, "damage_std": math.sqrt(max(squares / count - mean * mean, 0.0))}


def _mean(values: np.ndarray[Any, Any]) -> float:
    return float(values.mean()) if len(values) else math.nan
