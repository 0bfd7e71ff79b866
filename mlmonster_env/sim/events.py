"""The match's pending events: damage under way, news that reach a mind, further strikes of one cast."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import kernel


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
    match[best + f.E_DUE] = due
    match[best + f.E_KIND] = kind
    match[best + f.E_SOURCE] = source
    match[best + f.E_VICTIM] = victim
    match[best + f.E_DAMAGE] = damage
    match[best + f.E_SKILL] = skill
    match[best + f.E_REACH] = reach
    match[best + f.E_FLAGS] = flags
    match[f.EVENT_AT] = min(match[f.EVENT_AT], due)


@kernel
def take_first_event(w):
    """Free the place of the event that is due first, and say where in the match array what it held still lies."""
    match = w.match
    best = -1
    first = f.NEVER
    second = f.NEVER
    for i in range(f.EVENT_LIMIT):
        due = match[f.EVENTS + i + f.E_DUE]
        if due < first:
            second = first
            first = due
            best = i
        elif due < second:
            second = due
    match[f.EVENTS + best + f.E_DUE] = f.NEVER
    match[f.EVENT_AT] = second
    return f.EVENTS + best


@kernel
def forget_unit(w, u):
    """Drop what is under way from or to a unit that is no more."""
    match = w.match
    due = f.NEVER
    for i in range(f.EVENT_LIMIT):
        at = f.EVENTS + i
        if match[at + f.E_SOURCE] == u or match[at + f.E_VICTIM] == u:
            match[at + f.E_DUE] = f.NEVER
        due = min(due, match[at + f.E_DUE])
    match[f.EVENT_AT] = due
