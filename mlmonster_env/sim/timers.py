"""The timers of units: the next cell, the end of a cast, the next attack, regeneration."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import places


@small
def start_timer(w, timer, u, at):
    """Let one of a unit's timers (fields.STEP_AT ...) run until `at`."""
    w.units[timer, u] = at
    w.scratch[f.TIMERS_FROM] = min(w.scratch[f.TIMERS_FROM], at)


@kernel
def find_first_timer(w):
    """Learn when the first timer is due; one that has been stopped may have been taken for the first until now."""
    s = w.units
    due = f.NEVER
    for timer in range(f.TIMERS):
        for u in range(places(w)):
            due = min(due, s[f.STEP_AT + timer, u])
    w.scratch[f.TIMERS_FROM] = due
