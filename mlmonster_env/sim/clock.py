"""The course of time: every timer at its exact millisecond and in order, and a round of thinking each 100 ms."""

import numpy as np

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.account import note_step, note_tick
from mlmonster_env.sim.ailments import regain, work_statuses
from mlmonster_env.sim.compiled import kernel, program, small
from mlmonster_env.sim.duel import note_danger, winner_on_time, work_grounds
from mlmonster_env.sim.effects import end_cast, strike_around
from mlmonster_env.sim.events import take_first_event, told_of
from mlmonster_env.sim.geometry import places
from mlmonster_env.sim.ground import work_areas
from mlmonster_env.sim.hurt import die, land_hit
from mlmonster_env.sim.mind import attack_due, nothing_new, take_in, think
from mlmonster_env.sim.walking import finish_step
from mlmonster_env.sim.world import world_at


@kernel
def earliest(w):
    """When the first timer of the match is due."""
    s = w.units
    match = w.match
    due = min(match[f.EVENT_AT], match[f.STATUS_AT], match[f.AREA_AT])
    for timer in range(f.TIMERS):
        for u in range(places(w)):
            due = min(due, s[f.STEP_AT + timer, u])
    return due


@kernel
def work_event(w, now):
    """Work off the pending event that is due first."""
    match = w.match
    at = take_first_event(w)
    kind, flags, source, victim, reach = told_of(np.int64(match[at + f.E_WHAT]))
    damage = match[at + f.E_DAMAGE]
    skill = match[at + f.E_SKILL]
    if kind == f.LAND_HIT:
        land_hit(w, source, victim, damage, skill, reach, flags, now)
    elif kind == f.NEWS:
        w.phase[0] = f.ON_MINDS
        take_in(w, victim, source, flags & f.FORCES_SWITCH != 0, now)
    elif kind == f.STRIKE_AGAIN:
        strike_around(w, source, victim, skill, damage, reach, False, now)
    else:
        die(w, source, f.NOBODY, now)


@small
def in_turn(w, i, count):
    """Who comes i-th where several are due at once: from the first place on, or from the last; the match's own lot."""
    return count - 1 - i if w.match[f.SECOND_FIRST] != 0 else i


@kernel
def work_off(w, until):
    """Work off every timer that is due at or before `until`, in order of time."""
    s = w.units
    match = w.match
    while match[f.OVER] == 0:
        w.phase[0] = f.ON_TIMERS
        now = earliest(w)
        if now > until:
            return
        match[f.CLOCK] = max(match[f.CLOCK], now)
        w.phase[0] = f.ON_RULES
        if match[f.EVENT_AT] <= now:
            work_event(w, now)
            continue
        if match[f.STATUS_AT] <= now:
            work_statuses(w, now)
            continue
        if match[f.AREA_AT] <= now:
            work_areas(w, now)
            continue
        count = places(w)
        for i in range(count):
            u = in_turn(w, i, count)
            if s[f.STEP_AT, u] <= now:
                w.phase[0] = f.ON_MOVEMENT
                finish_step(w, u, now)
                break
            if s[f.CAST_AT, u] <= now:
                end_cast(w, u, now)
                break
            if s[f.ATTACK_AT, u] <= now:
                w.phase[0] = f.ON_MINDS
                attack_due(w, u, now)
                break
            if s[f.REGEN_AT, u] <= now:
                regain(w, u, now)
                break


@kernel
def think_all(w, now):
    """One round of thinking; which end of the pack comes first is the match's own lot."""
    s = w.units
    match = w.match
    count = places(w)
    for i in range(count):
        w.phase[0] = f.ON_MINDS
        u = in_turn(w, i, count)
        if s[f.ALIVE, u] == 0 or s[f.THINK_AT, u] > now or nothing_new(w, u, now):
            continue
        think(w, u, now)
        if s[f.CAST_AT, u] <= now or match[f.EVENT_AT] <= now:
            work_off(w, now)
        if match[f.OVER] != 0:
            return


@kernel
def tick_match(w):
    """Let 100 ms pass: all timers up to the next round of thinking, then that round."""
    match = w.match
    if match[f.OVER] != 0:
        return
    now = match[f.NEXT_THINK]
    work_off(w, now)
    if match[f.OVER] == 0:
        match[f.CLOCK] = now
        think_all(w, now)
    if w.rules[f.DUEL] != 0 and match[f.OVER] == 0:
        work_grounds(w, now)
    if w.book.shape[0] > 0:
        note_tick(w, now)
        note_danger(w)
    match[f.NEXT_THINK] = now + f.THINK_MS
    match[f.TICKS] += 1
    limit = w.rules[f.TIME_LIMIT]
    if match[f.OVER] == 0 and limit > 0 and now + f.THINK_MS > limit:
        match[f.OVER] = 1
        match[f.WINNER] = winner_on_time(w)
        match[f.ENDED_AT] = limit


@program
def run_matches(words, first, last, ticks, whole_step):
    """Let `ticks` pass in the matches from `first` up to but not including `last`; returns the unit-ticks worked.

    `whole_step` notes how things stand at the end, for matches that keep account of what units do.
    """
    worked = np.int64(0)
    for m in range(first, last):
        w = world_at(words[m].ctypes.data)
        for _ in range(ticks):
            if w.match[f.OVER] != 0:
                break
            for u in range(places(w)):
                worked += w.units[f.ALIVE, u]
            tick_match(w)
        if whole_step != 0:
            note_step(w, w.match[f.CLOCK])
        w.phase[0] = f.AT_REST
    return worked
