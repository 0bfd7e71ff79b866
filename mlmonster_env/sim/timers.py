"""The timers of units: the next cell, the end of a cast, the next attack, regeneration.

`due` says for each place before which moment none of its timers is due. A timer that is stopped leaves it as it was, so
the moment may be too early, and is put right when it comes up.
"""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.bits import highest_bit, lowest_bit
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import places
from mlmonster_env.sim.lanes import MOST, least_of_places, places_equal


@small
def first_of_unit(w, u):
    """When the first timer of a unit is due."""
    s = w.units
    return min(min(s[f.STEP_AT, u], s[f.CAST_AT, u]), min(s[f.ATTACK_AT, u], s[f.REGEN_AT, u]))


@small
def start_timer(w, timer, u, at):
    """Let one of a unit's timers (fields.STEP_AT ...) run until `at`."""
    w.units[timer, u] = at
    w.due[u] = min(w.due[u], at)
    w.scratch[f.TIMERS_FROM] = min(w.scratch[f.TIMERS_FROM], at)


@small
def look_at_timers_of(w, u):
    """Learn the timers of one unit anew."""
    w.due[u] = first_of_unit(w, u)
    w.scratch[f.TIMERS_FROM] = min(w.scratch[f.TIMERS_FROM], w.due[u])


@kernel
def look_at_timers(w):
    """Learn the units' timers anew, whoever has set them."""
    for u in range(w.due.shape[0]):
        # Places that nobody holds come after those whose timers never run out, for whoever looks for the last place.
        w.due[u] = first_of_unit(w, u) if u < places(w) else MOST
    w.scratch[f.TIMERS_FROM] = 0


@kernel
def find_first_timer(w):
    """Whose timer is due first, and when; and from when on another one may be.

    Of several at once the first place comes first, or the last; that is the match's own lot.
    """
    backwards = w.match[f.SECOND_FIRST] != 0
    while True:
        at = least_of_places(w.due, f.NOBODY)
        due = places_equal(w.due, at)
        first = highest_bit(due) if backwards else lowest_bit(due)
        others = least_of_places(w.due, first)
        exact = first_of_unit(w, first)
        w.due[first] = exact
        if exact <= at:
            w.scratch[f.TIMERS_FROM] = at
            return first, at, others
