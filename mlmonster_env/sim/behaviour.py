"""How the stock mind behaves in staged situations: whom it notices, strikes, leaves, turns on, and when.

Each situation is played in many matches that differ by the moment at which thinking begins. The probe gives these out.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mlmonster_env.data import Bestiary, Monster
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.arena import Arena
from mlmonster_env.sim.lab import (
    DUMMY_HP,
    JOURNAL_RECORDS,
    Place,
    asked,
    dummy,
    of_kind,
    open_field,
    set_target,
    take_journal,
    watch,
    with_mode,
    without_skills,
)
from mlmonster_env.sim.samples import hit_in_step, send
from mlmonster_env.sim.tables import Int32Array

Name = int | str
Span = tuple[float, float, float]
Times = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

MIDDLE = 80
FARTHEST = 15
FIELD = (1 - MIDDLE, MIDDLE - 1)
SPEEDS = (20, 1000)  # ms a cell, as the server has them
SURE_HIT = 1000
SLOW_WALK_MS = 600
NEVER_HAPPENED = (float("nan"), float("nan"), float("nan"))


def aggro_range(world: Bestiary, monster: Name) -> dict[str, object]:
    """How far a monster notices an enemy: acquired (cells), not_acquired, ms_to_acquire (soonest, latest)."""
    acquired, missed, times = 0, FARTHEST + 1, []
    for cells in range(1, FARTHEST + 1):
        arena = _pair(world, without_skills(world[monster]), dummy(world[monster]), cells, 0, 20, 0)
        noticed = _first_ticks(arena, 5, lambda arena: arena.units[:, f.TARGET, 0] == 1)
        if np.isfinite(noticed).all():
            acquired = max(acquired, cells)
            times += list(noticed)
        else:
            missed = min(missed, cells)
    soonest_latest = (min(times), max(times)) if times else (float("nan"), float("nan"))
    return {"acquired": acquired, "not_acquired": missed, "ms_to_acquire": soonest_latest}


@asked(distance=FIELD)
def first_attack(world: Bestiary, monster: Name, distance: int, n: int, seed: int) -> dict[str, float]:
    """From appearing to the first blow at an enemy so many cells away: min_ms, mean_ms, max_ms."""
    arena = _pair(world, _aggressive(world[monster]), dummy(world[monster]), distance, 0, n, seed)
    return _spread([records[0, 0] for records in _attacks(watch(arena, 100), 0) if len(records)])


@asked(dx=FIELD, dy=FIELD, speed=SPEEDS)
def chase_then_attack(world: Bestiary, monster: Name, dx: int, dy: int, speed: int) -> dict[str, float]:
    """A chase over `dx`, `dy` at a speed: cells, walk_ms to the first blow, last_step_to_attack_ms, distance."""
    chaser = replace(_aggressive(world[monster]), walk_speed=speed, skill_range=FARTHEST, chase_range=FARTHEST)
    arena = _pair(world, chaser, dummy(world[monster]), dx, dy, 1, 0)
    start = arena.units[0, [f.X, f.Y], 0].copy()
    goal = arena.units[0, [f.X, f.Y], 1].copy()
    records = watch(arena, 200)[0]
    attacks = of_kind(records, f.J_ATTACK, 0)
    if not len(attacks):
        told = f"{chaser.aegis_name} at speed {speed} strikes nobody {dx}, {dy} cells away within 20 s"
        raise ValueError(f"{told}, expected one who attacks, fewer cells, or a smaller speed")
    attack = int(attacks[0, 0])
    steps = of_kind(records, f.J_STEP, 0)
    steps = steps[steps[:, 0] <= attack]
    if not len(steps):
        return {"cells": 0, "walk_ms": 0, "last_step_to_attack_ms": 0, "distance": int(abs(goal - start).max())}
    cells = np.vstack([start, steps[:, 3:5]])
    first_ms = speed * 14 // 10 if (cells[1] != cells[0]).all() else speed
    return {
        "cells": len(steps),
        "walk_ms": attack - (int(steps[0, 0]) - first_ms),
        "last_step_to_attack_ms": attack - int(steps[-1, 0]),
        "distance": int(abs(goal - cells[-1]).max()),
    }


@asked(dx=FIELD, dy=FIELD)
def target_warped(world: Bestiary, monster: Name, dx: int, dy: int, n: int, seed: int) -> dict[str, float]:
    """The victim of a running fight is suddenly `dx`, `dy` away: share that dropped, chased, attacked_again in 9 s."""
    fighter = _aggressive(world[monster])
    arena = _pair(world, fighter, dummy(world[monster]), 1, 0, n, seed)
    arena.run(40)
    arena.run(1)
    take_journal(arena)
    arena.units[:, f.X, 1] = arena.units[:, f.X, 0] + dx
    arena.units[:, f.Y, 1] = arena.units[:, f.Y, 0] + dy
    dropped = np.zeros(n, bool)
    chased = np.zeros(n, bool)
    attacked = np.zeros(n, bool)
    for _ in range(90):
        arena.run(1)
        dropped |= arena.units[:, f.TARGET, 0] == f.NOBODY
        chased |= np.isin(arena.units[:, f.STATE, 0], (f.RUSH, f.FOLLOW)) & (arena.units[:, f.STEP_AT, 0] != f.NEVER)
        attacked |= np.array([len(of_kind(records, f.J_ATTACK, 0)) > 0 for records in take_journal(arena)])
    return {"dropped": dropped.mean(), "chased": chased.mean(), "attacked_again": attacked.mean()}


@asked(chaser_speed=SPEEDS, target_speed=SPEEDS, start_distance=FIELD)
def target_outruns(
    world: Bestiary, monster: Name, chaser_speed: int, target_speed: int, start_distance: int, n: int, seed: int
) -> dict[str, Span]:
    """A target runs straight away from one who strikes a cell far.

    dropped_after_ms and distance_when_dropped (min, mean, max; NaN where never).
    """
    chaser = replace(_aggressive(world[monster]), walk_speed=chaser_speed, attack_range=1)
    runner = replace(
        with_mode(dummy(world[monster]), add=f.CAN_MOVE, remove=f.KNOCKBACK_IMMUNE), walk_speed=target_speed
    )
    places = [Place(chaser, 0, 20, MIDDLE), Place(runner, 1, 20 + start_distance, MIDDLE)]
    arena = open_field(world, places, n, seed, journal_records=JOURNAL_RECORDS, spread=60)
    set_target(arena, 0, 1)
    times = np.full(n, np.nan)
    cells = np.full(n, np.nan)
    for tick in range(150):
        if tick % 4 == 0:
            for m in range(n):
                x, y = int(arena.units[m, f.X, 1]), int(arena.units[m, f.Y, 1])
                send(arena.words[m : m + 1], 1, x + 14, y)
        arena.run(1)
        take_journal(arena)
        now = np.isnan(times) & (arena.units[:, f.TARGET, 0] == f.NOBODY)
        times[now] = arena.match[now, f.CLOCK]
        cells[now] = abs(arena.units[now, f.X, 1] - arena.units[now, f.X, 0])
    return {"dropped_after_ms": _span(times), "distance_when_dropped": _span(cells)}


@asked(first_distance=FIELD, second_distance=FIELD)
def target_choice(
    world: Bestiary, monster: Name, first_distance: int, second_distance: int, n: int, seed: int
) -> dict[str, float]:
    """Two enemies appear, one to each side: the share that chose the one that appeared first."""
    victim = dummy(world[monster])
    places = [
        Place(_aggressive(world[monster]), 0, MIDDLE, MIDDLE),
        Place(victim, 1, MIDDLE - first_distance, MIDDLE),  # in the square that is listed first
        Place(victim, 1, MIDDLE + second_distance, MIDDLE),
    ]
    arena = open_field(world, places, n, seed)
    arena.run(2)
    return {"first": float((arena.units[:, f.TARGET, 0] == 1).mean())}


@asked()
def change_target(
    world: Bestiary, monster: Name, state: str, second_attacker: str, n: int, seed: int
) -> dict[str, object]:
    """Attacking or chasing one, hit by another, "melee" or "ranged": share that switched, ms from first hit to that."""
    if state not in ("attacking", "chasing") or second_attacker not in ("melee", "ranged"):
        raise ValueError(f"state is {state!r}, attacker {second_attacker!r}, expected attacking|chasing, melee|ranged")
    fighter = replace(
        with_mode(without_skills(world[monster]), remove=f.AGGRESSIVE_MODE), hp=DUMMY_HP, walk_speed=SLOW_WALK_MS
    )
    ranged = second_attacker == "ranged"
    places = [
        Place(fighter, 0, MIDDLE, MIDDLE),
        Place(dummy(world[monster]), 1, MIDDLE + (1 if state == "attacking" else 10), MIDDLE),
        Place(_attacker(world[monster], 9 if ranged else 1), 1, MIDDLE - (5 if ranged else 1), MIDDLE),
    ]
    arena = open_field(world, places, n, seed, journal_records=JOURNAL_RECORDS)
    arena.tables.species[3, f.HIT] = SURE_HIT
    set_target(arena, 0, 1)
    arena.units[:, f.THINK_AT, 2] = 300 + np.random.default_rng(seed).integers(0, 1500, n)
    hit_at = np.full(n, np.nan)
    turned_at = np.full(n, np.nan)
    for _ in range(130):
        if state == "chasing":
            near = arena.units[:, f.X, 1] - arena.units[:, f.X, 0] <= fighter.attack_range + 2
            arena.units[near, f.X, 1] = arena.units[near, f.X, 0] + 10
            arena.units[:, f.Y, 1] = arena.units[:, f.Y, 0]
        lost = (arena.units[:, f.TARGET, 0] == f.NOBODY) & np.isnan(hit_at)
        arena.units[lost, f.TARGET, 0] = 1
        arena.run(1)
        for m, records in enumerate(take_journal(arena)):
            hits = records[(records[:, 1] == f.J_HIT) & (records[:, 3] == 0)]
            if np.isnan(hit_at[m]) and len(hits):
                hit_at[m] = hits[0, 0]
        turned = np.isnan(turned_at) & (arena.units[:, f.TARGET, 0] == 2) & ~np.isnan(hit_at)
        turned_at[turned] = arena.match[turned, f.CLOCK]
    return {"switched": float((~np.isnan(turned_at)).mean()), "ms": _span(turned_at - hit_at)}


@asked()
def retaliation(world: Bestiary, monster: Name, n: int, seed: int) -> dict[str, float]:
    """A passive monster is hit by somebody beside it: from the damage to its first blow; share that never strikes."""
    victim = replace(with_mode(without_skills(world[monster]), remove=f.AGGRESSIVE_MODE), hp=DUMMY_HP)
    places = [Place(victim, 0, MIDDLE, MIDDLE), Place(_attacker(world[monster], 1), 1, MIDDLE + 1, MIDDLE)]
    arena = open_field(world, places, n, seed, journal_records=JOURNAL_RECORDS)
    arena.tables.species[2, f.HIT] = SURE_HIT
    waits = []
    for records in watch(arena, 80):
        hits = records[(records[:, 1] == f.J_HIT) & (records[:, 3] == 0)]
        attacks = of_kind(records, f.J_ATTACK, 0)
        if len(hits) and len(attacks):
            waits.append(int(attacks[0, 0] - hits[0, 0]))
    return {**_spread(waits), "never": 1 - len(waits) / n}


@asked()
def after_kill(world: Bestiary, monster: Name, n: int, seed: int) -> dict[str, tuple[float, float]]:
    """After a kill: ms to the next target, if one is in view, and to the first walk, if none (soonest, latest)."""
    fighter = _aggressive(world[monster])
    weak = replace(dummy(world[monster]), hp=1)
    other = dummy(world[monster])
    pair = [Place(fighter, 0, MIDDLE, MIDDLE), Place(weak, 1, MIDDLE + 1, MIDDLE)]
    near = Place(other, 1, MIDDLE + 4, MIDDLE)
    arena = open_field(world, [*pair, near], n, seed, journal_records=JOURNAL_RECORDS)
    retarget = _after_death(arena, 100, lambda arena: arena.units[:, f.TARGET, 0] == 2)
    far = Place(other, 1, MIDDLE + 60, MIDDLE)
    arena = open_field(world, [*pair, far], n, seed, journal_records=JOURNAL_RECORDS, random_walk=True)
    arena.units[:, f.MODE, 1:] |= f.NO_RANDOM_WALK
    walk = _after_death(arena, 200, lambda arena: arena.units[:, f.STATE, 0] == f.WALK)
    return {"retarget_ms": _ends(retarget), "walk_ms": _ends(walk)}


@asked(seconds=(0.1, None))
def random_walk(world: Bestiary, monster: Name, seconds: float, n: int, seed: int) -> dict[str, float]:
    """Idle gaps between two random walks, and the length of a walk: idle_min_ms, _mean_ms, _max_ms, mean_cells."""
    walker = with_mode(without_skills(world[monster]), remove=f.AGGRESSIVE_MODE)
    places = [Place(walker, 0, MIDDLE, MIDDLE), Place(dummy(world[monster]), 1, 0, 0)]
    arena = open_field(world, places, n, seed, random_walk=True, spread=300, journal_records=JOURNAL_RECORDS)
    start = arena.units[0, [f.X, f.Y], 0].copy()
    gaps: list[int] = []
    lengths: list[int] = []
    for records in watch(arena, round(seconds * 10)):
        steps = of_kind(records, f.J_STEP, 0)
        cells = np.vstack([start, steps[:, 3:5]])
        slanted = (cells[1:] != cells[:-1]).all(1)
        began = steps[:, 0] - np.where(slanted, walker.walk_speed * 14 // 10, walker.walk_speed)
        new_walk = np.flatnonzero(began[1:] != steps[:-1, 0]) + 1
        gaps += list(began[new_walk] - steps[new_walk - 1, 0])
        lengths += list(np.diff(np.concatenate([[0], new_walk])))
    return {
        **{f"idle_{name}": told for name, told in _spread(gaps).items()},
        "mean_cells": float(np.mean(lengths)) if lengths else float("nan"),
    }


@asked(progress=(0, 1))
def flinch(world: Bestiary, monster: Name, progress: float) -> dict[str, object]:
    """A chaser is hit after a share of a step: whether the cell is completed, and the longest time until it goes on."""
    chaser = replace(_aggressive(world[monster]), hp=DUMMY_HP)
    runs = 50
    arena = _pair(world, chaser, _attacker(world[monster], 1), 9, 0, runs, 0)
    arena.units[:, f.THINK_AT, 1] = f.NEVER
    arena.run(8)
    arena.match[:, f.NEXT_THINK] += 2 * np.arange(runs)  # so that thoughts do not fall on the ends of steps
    hit_at, completed = hit_in_step(arena.words, 0, 1, round(1000 * progress))
    waits = np.where(arena.units[:, f.STEP_AT, 0] != f.NEVER, 0, -1)
    for _ in range(10):
        arena.run(1)
        going = (waits < 0) & (arena.units[:, f.STEP_AT, 0] != f.NEVER)
        waits[going] = arena.match[going, f.CLOCK] - hit_at[going]
    return {"completed": bool(completed.all()), "resumes_max_ms": int(waits.max())}


@asked()
def assist(world: Bestiary, monster: Name, n: int, seed: int) -> dict[str, float]:
    """One of two of a kind attacks: the share of the other that joined, and ms from the first blow to that."""
    fighter = with_mode(without_skills(world[monster]), remove=f.AGGRESSIVE_MODE)
    places = [
        Place(fighter, 0, MIDDLE, MIDDLE),
        Place(fighter, 0, MIDDLE - 4, MIDDLE),
        Place(dummy(world[monster]), 1, MIDDLE + 1, MIDDLE),
    ]
    arena = open_field(world, places, n, seed, journal_records=JOURNAL_RECORDS)
    set_target(arena, 0, 2)
    joined = np.zeros(n, bool)
    joined_at = np.full(n, np.nan)
    attacked_at = np.full(n, np.nan)
    for _ in range(50):
        arena.run(1)
        for m, records in enumerate(take_journal(arena)):
            attacks = of_kind(records, f.J_ATTACK, 0)
            if np.isnan(attacked_at[m]) and len(attacks):
                attacked_at[m] = attacks[0, 0]
        now = ~joined & (arena.units[:, f.TARGET, 1] == 2)
        joined_at[now] = arena.units[now, f.LINKED, 1]
        joined |= now
    waits = (joined_at - attacked_at)[joined]
    return {"joined": float(joined.mean()), "ms": float(waits.mean()) if len(waits) else float("nan")}


def _aggressive(monster: Monster) -> Monster:
    return with_mode(without_skills(monster), add=f.AGGRESSIVE_MODE)


def _attacker(monster: Monster, reach: int) -> Monster:
    """Somebody who always attacks, and harms nobody much."""
    mode = f.CAN_MOVE | f.CAN_ATTACK | f.AGGRESSIVE_MODE | f.NO_RANDOM_WALK
    return replace(
        without_skills(monster), mode=mode, attack_range=reach, hp=DUMMY_HP, attack=1, attack2=1, walk_speed=100
    )


def _pair(world: Bestiary, first: Monster, second: Monster, dx: int, dy: int, runs: int, seed: int) -> Arena:
    places = [Place(first, 0, MIDDLE, MIDDLE), Place(second, 1, MIDDLE + dx, MIDDLE + dy)]
    return open_field(world, places, runs, seed, journal_records=JOURNAL_RECORDS, spread=20)


def _attacks(journals: list[Int32Array], unit: int) -> list[Int32Array]:
    return [of_kind(records, f.J_ATTACK, unit) for records in journals]


def _first_ticks(arena: Arena, ticks: int, happened: Callable[[Arena], Flags]) -> Times:
    """When each match first showed something, by its clock; NaN where it did not."""
    times = np.full(arena.num_matches, np.nan)
    for _ in range(ticks):
        arena.run(1)
        now = np.isnan(times) & happened(arena)
        times[now] = arena.match[now, f.CLOCK]
    return times


def _after_death(arena: Arena, ticks: int, happened: Callable[[Arena], Flags]) -> Times:
    """Milliseconds from the first death of each match to something."""
    died = np.full(arena.num_matches, np.nan)
    times = np.full(arena.num_matches, np.nan)
    for _ in range(ticks):
        arena.run(1)
        for m, records in enumerate(take_journal(arena)):
            deaths = records[records[:, 1] == f.J_DEATH]
            if np.isnan(died[m]) and len(deaths):
                died[m] = deaths[0, 0]
        now = np.isnan(times) & ~np.isnan(died) & happened(arena)
        times[now] = arena.match[now, f.CLOCK]
    waits: Times = times - died
    return waits


def _spread(values: list[int]) -> dict[str, float]:
    if not values:
        return {"min_ms": float("nan"), "mean_ms": float("nan"), "max_ms": float("nan")}
    return {"min_ms": min(values), "mean_ms": float(np.mean(values)), "max_ms": max(values)}


def _span(values: Times) -> Span:
    known = values[~np.isnan(values)]
    if not len(known):
        return NEVER_HAPPENED
    return float(known.min()), float(known.mean()), float(known.max())


def _ends(values: Times) -> tuple[float, float]:
    low, _, high = _span(values)
    return low, high
