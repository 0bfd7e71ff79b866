"""The course of time: every timer at its exact millisecond and in order, and a round of thinking each 100 ms."""

import numpy as np

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.account import note_step, note_tick
from mlmonster_env.sim.ailments import regain, work_statuses
from mlmonster_env.sim.bits import highest_bit, lowest_bit
from mlmonster_env.sim.carrying import carry
from mlmonster_env.sim.compiled import kernel, program, small
from mlmonster_env.sim.duel import note_danger, winner_on_time, work_grounds
from mlmonster_env.sim.effects import end_cast
from mlmonster_env.sim.events import take_first_event, told_of
from mlmonster_env.sim.ground import work_areas
from mlmonster_env.sim.hurt import die, land_hit, try_skill_statuses
from mlmonster_env.sim.lanes import places_at_most
from mlmonster_env.sim.mind import attack_due, may_think, nothing_new, take_in, think
from mlmonster_env.sim.rest import look_at_minds, rouse_all
from mlmonster_env.sim.spawn import count_living
from mlmonster_env.sim.strikes import strike_pain
from mlmonster_env.sim.timers import find_first_timer, look_at_timers, look_at_timers_of
from mlmonster_env.sim.walking import finish_step
from mlmonster_env.sim.waves import strike_around
from mlmonster_env.sim.world import world_at


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
        w.scratch[f.PHASE] = f.ON_MINDS
        take_in(w, victim, source, flags & f.FORCES_SWITCH != 0, now)
    elif kind == f.STRIKE_AGAIN:
        strike_around(w, source, victim, skill, damage, reach, False, now)
    elif kind == f.PAIN:
        strike_pain(w, source, victim, damage, reach, now)
    elif kind == f.CARRY:
        carry(w, source, victim, damage, now)
    elif kind == f.GIFT:
        try_skill_statuses(w, source, victim, skill, 0, now)
    else:
        die(w, source, f.NOBODY, now)


@small
def due_from(w):
    """When the first thing of the match is due, or a moment before that."""
    match = w.match
    return min(min(match[f.EVENT_AT], match[f.STATUS_AT]), min(match[f.AREA_AT], w.scratch[f.TIMERS_FROM]))


@kernel
def work_timer(w, u, now):
    """Work off the timer of a unit that is due."""
    s = w.units
    if s[f.STEP_AT, u] <= now:
        w.scratch[f.PHASE] = f.ON_MOVEMENT
        finish_step(w, u, now)
    elif s[f.CAST_AT, u] <= now:
        end_cast(w, u, now)
    elif s[f.ATTACK_AT, u] <= now:
        w.scratch[f.PHASE] = f.ON_MINDS
        attack_due(w, u, now)
    else:
        regain(w, u, now)
    look_at_timers_of(w, u)


@kernel
def work_off(w, until, timers_until):
    """Work off all that is due at or before `until`, units' timers only up to `timers_until`.

    It comes in order of time; of what is due at once, units' timers last.
    """
    match = w.match
    scratch = w.scratch
    while match[f.OVER] == 0:
        scratch[f.PHASE] = f.ON_TIMERS
        now = min(min(match[f.EVENT_AT], match[f.STATUS_AT]), match[f.AREA_AT])
        if now > until and scratch[f.TIMERS_FROM] > timers_until:
            return
        if scratch[f.TIMERS_FROM] < now:
            u, at, others_from = find_first_timer(w)
            if at < now and at <= timers_until:
                match[f.CLOCK] = max(match[f.CLOCK], at)
                scratch[f.PHASE] = f.ON_RULES
                scratch[f.TIMERS_FROM] = others_from
                work_timer(w, u, at)
            continue
        match[f.CLOCK] = max(match[f.CLOCK], now)
        scratch[f.PHASE] = f.ON_RULES
        if match[f.EVENT_AT] <= now:
            work_event(w, now)
        elif match[f.STATUS_AT] <= now:
            work_statuses(w, now)
        else:
            work_areas(w, now)


@kernel
def work_thought(w, u, now):
    """Work off what a thought has done at once: a cast without a time, and what comes of it."""
    if w.units[f.CAST_AT, u] <= now:
        w.scratch[f.PHASE] = f.ON_RULES
        end_cast(w, u, now)
        look_at_timers_of(w, u)
    while w.match[f.EVENT_AT] <= now and w.match[f.OVER] == 0:
        w.scratch[f.PHASE] = f.ON_RULES
        work_event(w, now)


@kernel
def think_all(w, now):
    """One round of thinking; which end of the pack comes first is the match's own lot."""
    s = w.units
    match = w.match
    backwards = match[f.SECOND_FIRST] != 0
    w.scratch[f.ROUND] = now
    w.scratch[f.TURN] = f.MOST_PLACES if backwards else f.NOT_BEGUN
    awake = places_at_most(w.wake, now)
    while awake != 0:
        u = highest_bit(awake) if backwards else lowest_bit(awake)
        yet_to_think = (1 << u) - 1 if backwards else -2 << u
        awake &= yet_to_think
        if not may_think(w, u, now) or nothing_new(w, u, now):
            continue
        w.scratch[f.TURN] = u
        think(w, u, now)
        if s[f.CAST_AT, u] <= now or match[f.EVENT_AT] <= now:
            work_thought(w, u, now)
        if match[f.OVER] != 0:
            return
        w.scratch[f.PHASE] = f.ON_MINDS
        awake = places_at_most(w.wake, now) & yet_to_think
    w.scratch[f.TURN] = f.NOBODY


@kernel
def tick_match(w):
    """Let 100 ms pass: all that is due before the next round of thinking, and that round.

    The server's rounds keep to their time, and what a thought begins is timed from a moment later: a step or a blow
    that is due just when minds think comes after they did.
    """
    match = w.match
    if match[f.OVER] != 0:
        return
    now = match[f.NEXT_THINK]
    if due_from(w) <= now:
        work_off(w, now, now - 1)
    if match[f.OVER] == 0:
        match[f.CLOCK] = now
        w.scratch[f.PHASE] = f.ON_MINDS
        think_all(w, now)
    if due_from(w) <= now:
        work_off(w, now, now)
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
        look_at_timers(w)
        look_at_minds(w)
        count_living(w)
        for _ in range(ticks):
            if w.match[f.OVER] != 0:
                break
            worked += w.scratch[f.LIVING]
            tick_match(w)
        if whole_step != 0:
            note_step(w)
        rouse_all(w)
        w.scratch[f.PHASE] = f.AT_REST
    return worked
