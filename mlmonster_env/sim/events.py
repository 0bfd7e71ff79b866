"""The match's pending events: damage under way, news that reach a mind, further strikes of one cast."""

import numpy as np

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.bits import lowest_bit
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.lanes import LANES, lanes_equal, least_of_lanes

# Where the due times of the first events lie, and those of the last: together all, some of them twice.
FIRST_DUES = f.EVENTS + f.E_DUE
LAST_DUES = FIRST_DUES + f.EVENT_LIMIT - LANES

LIKE_BITS = f.KIND_BITS + f.FLAG_BITS + 2 * f.PLACE_BITS  # all of an event but its reach


@small
def low_bits(value, bits):
    """The lowest bits of a number."""
    return value & ((1 << bits) - 1)


@small
def told_of(what):
    """Kind, flags, source, victim and reach of an event."""
    kind = low_bits(what, f.KIND_BITS)
    what >>= f.KIND_BITS
    flags = low_bits(what, f.FLAG_BITS)
    what >>= f.FLAG_BITS
    source = low_bits(what, f.PLACE_BITS)
    what >>= f.PLACE_BITS
    victim = low_bits(what, f.PLACE_BITS)
    return kind, flags, source, victim, what >> f.PLACE_BITS


@small
def events_due(match, at):
    """The events that are due at a moment: a bit for each; at NEVER the free places."""
    return lanes_equal(match, FIRST_DUES, at) | lanes_equal(match, LAST_DUES, at) << (f.EVENT_LIMIT - LANES)


@kernel
def latest_event(match):
    """Which event is due last."""
    latest = 0
    for i in range(1, f.EVENT_LIMIT):
        if match[f.EVENTS + f.E_DUE + i] > match[f.EVENTS + f.E_DUE + latest]:
            latest = i
    return latest


@kernel
def join_another(match, own, what, damage, skill):
    """Let the damage of an event that finds no room, or loses its own, land with the last one of the same kind."""
    kind = low_bits(what, f.KIND_BITS)
    if kind != f.LAND_HIT and kind != f.NEWS:
        return
    like = low_bits(what, LIKE_BITS)
    last = f.NOBODY
    for at in range(f.EVENTS, f.EVENTS + f.EVENT_LIMIT):
        if at != own and match[at + f.E_SKILL] == skill and low_bits(np.int64(match[at + f.E_WHAT]), LIKE_BITS) == like:
            if last == f.NOBODY or match[at + f.E_DUE] > match[last + f.E_DUE]:
                last = at
    if last != f.NOBODY:
        match[last + f.E_DAMAGE] += damage


@kernel
def push_event(w, due, kind, source, victim, damage, skill, reach, flags):
    """Let an event happen at `due`. With the queue full the event due last joins one like it, or is given up."""
    match = w.match
    what = min(reach, f.FARTHEST)
    what = what << f.PLACE_BITS | victim
    what = what << f.PLACE_BITS | source
    what = what << f.FLAG_BITS | flags
    what = what << f.KIND_BITS | kind
    free = events_due(match, f.NEVER)
    best = f.EVENTS + (lowest_bit(free) if free != 0 else latest_event(match))
    if free == 0:
        if match[best + f.E_DUE] <= due:
            join_another(match, f.NOBODY, what, damage, skill)
            return
        join_another(match, best, np.int64(match[best + f.E_WHAT]), match[best + f.E_DAMAGE], match[best + f.E_SKILL])
    match[best + f.E_DUE] = due
    match[best + f.E_WHAT] = what
    match[best + f.E_DAMAGE] = damage
    match[best + f.E_SKILL] = skill
    match[f.EVENT_AT] = min(match[f.EVENT_AT], due)


@kernel
def take_first_event(w):
    """Free the place of the event that is due first, and say where in the match array what it held still lies."""
    match = w.match
    first = f.EVENTS + lowest_bit(events_due(match, match[f.EVENT_AT]))
    match[f.EVENT_AT] = min(least_of_lanes(match, FIRST_DUES, first), least_of_lanes(match, LAST_DUES, first))
    match[first + f.E_DUE] = f.NEVER
    return first


@kernel
def forget_unit(w, u):
    """Drop what is under way from or to a unit that is no more."""
    match = w.match
    due = f.NEVER
    for i in range(f.EVENT_LIMIT):
        at = f.EVENTS + i
        kind, _, source, victim, _ = told_of(match[at + f.E_WHAT])
        if kind == f.CARRY and victim == u and source != u:
            match[at + f.E_WHAT] += (source - victim) << f.KIND_BITS + f.FLAG_BITS + f.PLACE_BITS  # it goes alone
        elif source == u or victim == u:
            match[at + f.E_DUE] = f.NEVER
        due = min(due, match[at + f.E_DUE])
    match[f.EVENT_AT] = due
