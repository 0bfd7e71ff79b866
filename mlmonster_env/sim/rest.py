"""Minds at rest: those whose next thoughts would change nothing until something about them or their target changes.

`wake` says of each place before which moment its mind need not be asked, `after` whom a mind at rest is after (itself
where it is after nobody, ANYBODY where it looks for prey); NOBODY for all others. Whatever changes a unit in the midst
of a match rouses it, and whoever is after it where that matters.
"""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.bits import lowest_bit
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import places
from mlmonster_env.sim.lanes import places_equal


@small
def last_turn_of(w, u):
    """When the last round of thinking was in which it was the unit's turn."""
    turn = w.scratch[f.TURN]  # of whoever thinks now, or was the last to do so
    passed = turn == f.NOBODY or (u >= turn if w.match[f.SECOND_FIRST] != 0 else u <= turn)
    return w.scratch[f.ROUND] - (0 if passed else f.THINK_MS)


@kernel
def note_movable(w, u, when):
    """Note that a unit could move, if nothing but its own delay or nature can have held it."""
    s = w.units
    if s[f.MODE, u] & f.CAN_MOVE != 0 and s[f.HOLD_UNTIL, u] <= when:
        s[f.COULD_MOVE, u] = max(s[f.COULD_MOVE, u], when)


@kernel
def rouse(w, u):
    """Have a unit's mind asked in the next round. If it rested, make up for the rounds that it was passed over."""
    s = w.units
    if w.after[u] != f.NOBODY:
        turn = last_turn_of(w, u)
        if turn >= s[f.THINK_AT, u]:
            note_movable(w, u, turn)
        w.after[u] = f.NOBODY
    w.wake[u] = s[f.THINK_AT, u]


@kernel
def rouse_around(w, u):
    """Rouse a unit and all that rest because of how it stands."""
    rouse(w, u)
    resting = places_equal(w.after, u) | places_equal(w.after, f.ANYBODY)
    while resting != 0:
        rouse(w, lowest_bit(resting))
        resting &= resting - 1


@kernel
def rouse_all(w):
    """Rouse everybody."""
    resting = ~places_equal(w.after, f.NOBODY) & (1 << places(w) - 1 << 1) - 1
    while resting != 0:
        rouse(w, lowest_bit(resting))
        resting &= resting - 1


@kernel
def rest(w, u, whom, until):
    """Leave a unit alone until a moment, as long as neither it changes nor whoever it is after."""
    w.wake[u] = until
    w.after[u] = whom


@kernel
def look_at_minds(w):
    """Have everybody's mind asked, whoever has changed them."""
    for u in range(w.wake.shape[0]):
        w.wake[u] = 0 if u < places(w) else f.NEVER
        w.after[u] = f.NOBODY
    w.scratch[f.TURN] = f.NOBODY
    w.scratch[f.ROUND] = w.match[f.NEXT_THINK] - f.THINK_MS
