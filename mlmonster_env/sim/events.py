"""The match's pending events: damage under way, news that reach a mind, further strikes of one cast."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import kernel, small


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


@kernel
def push_event(w, due, kind, source, victim, damage, skill, reach, flags):
    """Let an event happen at `due`. With the queue full the event due last is given up."""
    match = w.match
    best = -1
    latest = -1
    for i in range(f.EVENT_LIMIT):
        at = f.EVENTS + i
        if match[at + f.E_DUE] == f.NEVER:
            best = at
            break
        if match[at + f.E_DUE] > latest:
            latest = match[at + f.E_DUE]
            best = at
    if match[best + f.E_DUE] != f.NEVER and latest <= due:
        return
    w.scratch[f.EVENT_PLACES] = max(w.scratch[f.EVENT_PLACES], best - f.EVENTS + 1)
    match[best + f.E_DUE] = due
    what = min(reach, f.FARTHEST)
    what = what << f.PLACE_BITS | victim
    what = what << f.PLACE_BITS | source
    what = what << f.FLAG_BITS | flags
    match[best + f.E_WHAT] = what << f.KIND_BITS | kind
    match[best + f.E_DAMAGE] = damage
    match[best + f.E_SKILL] = skill
    match[f.EVENT_AT] = min(match[f.EVENT_AT], due)


@kernel
def look_at_events(w):
    """Learn anew which places for events are taken."""
    held = 0
    for i in range(f.EVENT_LIMIT):
        if w.match[f.EVENTS + i + f.E_DUE] != f.NEVER:
            held = i + 1
    w.scratch[f.EVENT_PLACES] = held


@kernel
def take_first_event(w):
    """Free the place of the event that is due first, and say where in the match array what it held still lies."""
    match = w.match
    best = 0
    first = f.NEVER
    second = f.NEVER
    for i in range(w.scratch[f.EVENT_PLACES]):
        due = match[f.EVENTS + i + f.E_DUE]
        if due < first:
            second = first
            first = due
            best = i
        elif due < second:
            second = due
    match[f.EVENTS + best + f.E_DUE] = f.NEVER
    match[f.EVENT_AT] = second
    if second == f.NEVER:
        w.scratch[f.EVENT_PLACES] = 0
    return f.EVENTS + best


@kernel
def forget_unit(w, u):
    """Drop what is under way from or to a unit that is no more."""
    match = w.match
    due = f.NEVER
    for i in range(f.EVENT_LIMIT):
        at = f.EVENTS + i
        _, _, source, victim, _ = told_of(match[at + f.E_WHAT])
        if source == u or victim == u:
            match[at + f.E_DUE] = f.NEVER
        due = min(due, match[at + f.E_DUE])
    match[f.EVENT_AT] = due
