"""Changes of place that are no walk: knocked back, called, carried off, running away."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.casting import free_cell_near
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.geometry import heading, places, walkable
from mlmonster_env.sim.posture import halt, halt_and_release, set_state, stop_attack, unlock
from mlmonster_env.sim.rest import rouse_around
from mlmonster_env.sim.status_columns import ENDS_ON_WARP
from mlmonster_env.sim.statuses import end_flagged
from mlmonster_env.sim.walking import walk_to

EDGE_CELLS = 15
TELEPORT_TRIES = 50
RUN_CELLS = 7


@kernel
def push_away(w, v, x, y, cells):
    """Knock a unit back from a cell, unless nothing can."""
    s = w.units
    if s[f.MODE, v] & f.KNOCKBACK_IMMUNE != 0 or cells <= 0:
        return
    slide(w, v, x, y, cells)


@kernel
def slide(w, v, x, y, cells):
    """Move a unit straight away from a cell, step by step until something stands in the way: none slides along it."""
    s = w.units
    dx, dy = heading(x - s[f.X, v], y - s[f.Y, v])  # towards the cell
    dx = -dx
    dy = -dy
    rouse_around(w, v)
    if dx == 0 and dy == 0:
        dx = -1
    if s[f.STEP_AT, v] != f.NEVER:
        halt(w, v)
    for _ in range(cells):
        if not walkable(w, s[f.X, v] + dx, s[f.Y, v] + dy):
            break
        s[f.X, v] += dx
        s[f.Y, v] += dy
    s[f.GOAL_X, v] = s[f.X, v]
    s[f.GOAL_Y, v] = s[f.Y, v]


@kernel
def place_at(w, u, x, y):
    """Put a unit on a cell at once; it stops, and forgets who attacked it."""
    s = w.units
    rouse_around(w, u)
    stop_attack(w, u)
    halt_and_release(w, u)
    end_flagged(w, u, ENDS_ON_WARP)
    s[f.X, u] = x
    s[f.Y, u] = y
    s[f.GOAL_X, u] = x
    s[f.GOAL_Y, u] = y
    s[f.ATTACKER, u] = f.NOBODY
    s[f.NORMAL_ATTACKER, u] = f.NOBODY
    set_state(w, u, f.IDLE)


@kernel
def call_slaves(w, u):
    """Bring all slaves to their master's side."""
    s = w.units
    for v in range(places(w)):
        if s[f.ALIVE, v] != 0 and s[f.MASTER, v] == u:
            x, y = free_cell_near(w, s[f.X, u], s[f.Y, u], f.SLAVE_CELLS, f.NOBODY)
            place_at(w, v, x, y)


@kernel
def teleport(w, u):
    """Go to a random cell of the map, not too near its edge; slaves come along."""
    height, width = w.cells.shape
    edge = min(EDGE_CELLS, (min(height, width) - 1) // 3)
    for _ in range(TELEPORT_TRIES):
        x = edge + draw(w, width - 2 * edge)
        y = edge + draw(w, height - 2 * edge)
        if walkable(w, x, y):
            place_at(w, u, x, y)
            call_slaves(w, u)
            return


@kernel
def slip_away(w, u, cells):
    """Slide backwards: away from the target, which a unit always faces."""
    s = w.units
    v = s[f.TARGET, u] if s[f.TARGET, u] != f.NOBODY else u
    slide(w, u, s[f.X, v], s[f.Y, v], cells)


@kernel
def run_away(w, u, skill, now):
    """Walk straight away from the target, as far as the way is free, and think of nothing else meanwhile."""
    s = w.units
    v = s[f.TARGET, u]
    if v == f.NOBODY:
        return
    unlock(w, u, now)
    most = w.skills[skill, k.SKILL_LEVEL]
    if most <= 1:
        most = RUN_CELLS
    dx, dy = heading(s[f.X, u] - s[f.X, v], s[f.Y, u] - s[f.Y, v])
    if dx == 0 and dy == 0:
        dx = 1
    cells = 0
    while cells < most and walkable(w, s[f.X, u] + dx * (cells + 1), s[f.Y, u] + dy * (cells + 1)):
        cells += 1
    if cells > 0 and walk_to(w, u, s[f.X, u] + dx * cells, s[f.Y, u] + dy * cells, now):
        set_state(w, u, f.WALK)
        s[f.THINK_AT, u] = max(s[f.THINK_AT, u], s[f.STEP_AT, u] + (cells - 1) * s[f.STEP_MS, u])
