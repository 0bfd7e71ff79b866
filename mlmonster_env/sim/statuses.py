"""The statuses on a unit: a few slots of (which, until when, value), and the flags that they set together.

Periodic statuses tick at whole intervals since they began. The bits of a slot's value above VALUE_BITS hold how long
before its end the last tick comes, from which all of them follow; an interval itself there stands for no tick at all.
"""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import apart, places
from mlmonster_env.sim.rest import rouse_around
from mlmonster_env.sim.status_columns import FLAGS, STAT_MASK, TICK_MS
from mlmonster_env.sim.status_ids import ANKLE, CLOSECONFINE, CLOSECONFINE2, STOP

VALUE_BITS = 16
VALUE_MASK = (1 << VALUE_BITS) - 1
HOLD_CELLS = 2  # who is held further off is not freed with the others
SNARED_BY = 256  # a snare's value is so much and the number of who laid it
SHORTEST_REST_MS = 100  # a rest shorter than this after the last tick is not waited for


@small
def slot_of(w, u, status):
    """The slot that holds a status, or -1."""
    s = w.units
    for i in range(f.STATUS_LIMIT):
        if s[f.STATUS_ID + i, u] == status:
            return i
    return -1


@small
def has_status(w, u, status):
    """Whether the unit is under a status."""
    return w.units[f.STATUS_COUNT, u] != 0 and slot_of(w, u, status) >= 0


@small
def status_value(w, u, status):
    """The value of a status that the unit is under, else 0."""
    slot = slot_of(w, u, status)
    return w.units[f.STATUS_VALUE + slot, u] if slot >= 0 else w.units[f.STATUS_VALUE, u] * 0


@small
def set_status_value(w, u, status, value):
    """Change the value of a status that the unit is under."""
    slot = slot_of(w, u, status)
    if slot >= 0:
        w.units[f.STATUS_VALUE + slot, u] = value


@small
def plain_value(w, u, slot):
    """The value that the status in a slot was given."""
    s = w.units
    value = s[f.STATUS_VALUE + slot, u]
    return value & VALUE_MASK if w.statuses[s[f.STATUS_ID + slot, u], TICK_MS] > 0 else value


@small
def ticking_left(w, u, slot, now):
    """Milliseconds from `now` to the last tick of the periodic status in a slot; negative once it is over."""
    s = w.units
    return s[f.STATUS_END + slot, u] - (s[f.STATUS_VALUE + slot, u] >> VALUE_BITS) - now


@small
def ticks_now(w, u, slot, now):
    """Whether the status in a slot ticks at `now`."""
    s = w.units
    tick = w.statuses[s[f.STATUS_ID + slot, u], TICK_MS]
    if tick <= 0 or s[f.STATUS_END + slot, u] == f.NEVER:
        return False
    left = ticking_left(w, u, slot, now)
    return left >= 0 and left % tick == 0


@small
def next_status_time(w, u, slot, now):
    """When the status in a slot next ticks or ends, after `now`."""
    s = w.units
    end = s[f.STATUS_END + slot, u]
    tick = w.statuses[s[f.STATUS_ID + slot, u], TICK_MS]
    if tick <= 0 or end == f.NEVER:
        return end
    left = ticking_left(w, u, slot, now)
    return now + 1 + (left - 1) % tick if left > 0 else end


@kernel
def refresh_statuses(w, u, now):
    """Count a unit's statuses, gather their flags, and note when one is due."""
    s = w.units
    count = 0
    flags = 0
    stats = 0
    before = s[f.STATUS_FLAGS, u]
    due = w.match[f.STATUS_AT]
    for i in range(f.STATUS_LIMIT):
        status = s[f.STATUS_ID + i, u]
        if status != 0:
            count += 1
            flags |= w.statuses[status, FLAGS]
            stats |= w.statuses[status, STAT_MASK]
            due = min(due, next_status_time(w, u, i, now))
    s[f.STATUS_COUNT, u] = count
    s[f.STATUS_FLAGS, u] = flags
    s[f.STATUS_STATS, u] = stats
    w.match[f.STATUS_AT] = due
    if flags != before:
        rouse_around(w, u)


@kernel
def take_off(w, u, slot):
    """Empty a slot."""
    s = w.units
    rouse_around(w, u)
    s[f.STATUS_ID + slot, u] = 0
    count = 0
    flags = 0
    stats = 0
    for i in range(f.STATUS_LIMIT):
        status_here = s[f.STATUS_ID + i, u]
        if status_here != 0:
            count += 1
            flags |= w.statuses[status_here, FLAGS]
            stats |= w.statuses[status_here, STAT_MASK]
    s[f.STATUS_COUNT, u] = count
    s[f.STATUS_FLAGS, u] = flags
    s[f.STATUS_STATS, u] = stats


@kernel
def let_go(w, u):
    """End the standstill of the unit that holds this one, or that this one holds."""
    partner = status_value(w, u, STOP) - 1
    if partner >= 0:
        slot = slot_of(w, partner, STOP)
        if slot >= 0 and w.units[f.STATUS_VALUE + slot, partner] == u + 1:
            take_off(w, partner, slot)


@small
def held_by(w, v, u):
    """Whether one unit holds another fast."""
    return has_status(w, v, CLOSECONFINE2) and status_value(w, v, CLOSECONFINE2) == u + 1


@kernel
def free_held(w, u):
    """Free those near by whom a unit has held."""
    for v in range(places(w)):
        if held_by(w, v, u) and apart(w, u, v) <= HOLD_CELLS:
            take_off(w, v, slot_of(w, v, CLOSECONFINE2))


@kernel
def free_snared(w, u):
    """Free those whom a unit has snared: who holds them is the trap, which goes with the unit."""
    for v in range(places(w)):
        slot = slot_of(w, v, ANKLE)
        if slot >= 0 and w.units[f.STATUS_VALUE + slot, v] == SNARED_BY + u:
            take_off(w, v, slot)


@kernel
def free_holder(w, u):
    """Free a unit that has held another one, and with it all others whom it holds near by."""
    slot = slot_of(w, u, CLOSECONFINE)
    if slot >= 0:
        take_off(w, u, slot)
        free_held(w, u)


@kernel
def end_status(w, u, status):
    """End a status, if the unit is under it, and what ends with it on others."""
    slot = slot_of(w, u, status)
    if slot < 0:
        return
    if status == STOP:
        let_go(w, u)
    holder = w.units[f.STATUS_VALUE + slot, u] - 1
    take_off(w, u, slot)
    if status == CLOSECONFINE:
        free_held(w, u)
    elif status == CLOSECONFINE2 and holder >= 0:
        free_holder(w, holder)


@kernel
def end_flagged(w, u, flag):
    """End every status that has a flag, such as those that a blow ends."""
    s = w.units
    for i in range(f.STATUS_LIMIT):
        status = s[f.STATUS_ID + i, u]
        if status != 0 and w.statuses[status, FLAGS] & flag != 0:
            end_status(w, u, status)


@kernel
def clear_statuses(w, u):
    """End everything that a unit is under."""
    s = w.units
    let_go(w, u)
    end_status(w, u, CLOSECONFINE)
    end_status(w, u, CLOSECONFINE2)
    rouse_around(w, u)
    for i in range(f.STATUS_LIMIT):
        s[f.STATUS_ID + i, u] = 0
    s[f.STATUS_COUNT, u] = 0
    s[f.STATUS_FLAGS, u] = 0
    s[f.STATUS_STATS, u] = 0


@kernel
def put_status(w, u, status, end, value, now):
    """Write a status into its slot, a free one, or that of the status which ends soonest."""
    s = w.units
    tick = w.statuses[status, TICK_MS]
    if tick > 0 and end != f.NEVER:
        rest = (end - now) % tick
        if end - now < tick:
            end = now + tick
            rest = tick
        elif rest < SHORTEST_REST_MS:
            end -= rest
            rest = 0
        value |= rest << VALUE_BITS
    slot = slot_of(w, u, status)
    if slot < 0:
        slot = slot_of(w, u, 0)
    if slot < 0:
        slot = 0
        for i in range(1, f.STATUS_LIMIT):
            if s[f.STATUS_END + i, u] < s[f.STATUS_END + slot, u]:
                slot = i
    s[f.STATUS_ID + slot, u] = status
    s[f.STATUS_END + slot, u] = end
    s[f.STATUS_VALUE + slot, u] = value
    refresh_statuses(w, u, now)
