"""Changes of place that are no walk: knocked back, called, carried off, running away."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.afflict import cancel_cast
from mlmonster_env.sim.casting import free_cell_near
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.geometry import apart, face, facing, heading, places, straight_path_length, walkable
from mlmonster_env.sim.posture import halt, halt_and_release, set_state, stop_attack, unlock
from mlmonster_env.sim.rest import rouse_around
from mlmonster_env.sim.squares import note_entry, note_move
from mlmonster_env.sim.status_columns import ENDS_ON_WARP
from mlmonster_env.sim.status_ids import CLOSECONFINE, CLOSECONFINE2
from mlmonster_env.sim.statuses import end_flagged, end_status
from mlmonster_env.sim.walking import walk_to

EDGE_CELLS = 15
TELEPORT_TRIES = 50
RUN_CELLS = 7
CARRIED_CELLS = 1
BOSS_CLASS = 1


@kernel
def push_away(w, v, x, y, cells):
    """Knock a unit back from a cell, unless nothing can."""
    s = w.units
    if s[f.MODE, v] & f.KNOCKBACK_IMMUNE != 0 or cells <= 0:
        return
    slide(w, v, x, y, cells)


@kernel
def push_back(w, v, cells):
    """Knock a unit back the way it came, unless nothing can."""
    if w.units[f.MODE, v] & f.KNOCKBACK_IMMUNE == 0:
        slip_away(w, v, cells)


@kernel
def break_hold(w, u):
    """Free a unit that is moved of whoever holds it, and whomever it holds."""
    end_status(w, u, CLOSECONFINE)
    end_status(w, u, CLOSECONFINE2)


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
        if s[f.STATUS_COUNT, v] != 0:
            break_hold(w, v)
        note_move(w, v, s[f.X, v] + dx, s[f.Y, v] + dy)
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
    note_entry(w, u)
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
def move_over(w, u, x, y):
    """Move a unit straight to a cell, which it turns to."""
    s = w.units
    dx, dy = heading(x - s[f.X, u], y - s[f.Y, u])
    face(w, u, dx, dy)
    note_move(w, u, x, y)
    s[f.X, u] = x
    s[f.Y, u] = y
    s[f.GOAL_X, u] = x
    s[f.GOAL_Y, u] = y


@kernel
def shift(w, u, x, y):
    """Move a unit to a cell to which the straight way is free; it stops, and goes on thinking. Whether it could."""
    s = w.units
    rouse_around(w, u)
    stop_attack(w, u)
    halt_and_release(w, u)
    if not walkable(w, x, y) or straight_path_length(w, s[f.X, u], s[f.Y, u], x, y) < 0:
        return False
    break_hold(w, u)
    move_over(w, u, x, y)
    rouse_around(w, u)
    return True


@kernel
def draw_in(w, u, v):
    """Move a unit to another's cell, which moves to that unit's if it is no boss."""
    s = w.units
    x = s[f.X, v] + 0
    y = s[f.Y, v] + 0
    if shift(w, v, s[f.X, u], s[f.Y, u]) and w.species[s[f.SPECIES, u], f.CLASS] != BOSS_CLASS:
        shift(w, u, x, y)


@kernel
def lunge(w, u, v, cells):
    """Move a unit so many cells straight towards another's side, past it too, if the way there is free."""
    s = w.units
    dx, dy = heading(s[f.X, v] - s[f.X, u], s[f.Y, v] - s[f.Y, u])
    shift(w, u, s[f.X, u] + cells * dx, s[f.Y, u] + cells * dy)


@kernel
def pass_by(w, u, v, passage):
    """Bring a caster and its target together before the blow; False where the caster can not get there."""
    s = w.units
    dx, dy = heading(s[f.X, v] - s[f.X, u], s[f.Y, v] - s[f.Y, u])
    if passage == k.DRAWS:
        push_away(w, v, s[f.X, v] + dx, s[f.Y, v] + dy, apart(w, u, v) - 1)
        return True
    return shift(w, u, s[f.X, v] + dx, s[f.Y, v] + dy)


@kernel
def random_cell(w):
    """A random cell of the map to stand on, not too near its edge; (-1, -1) where none is found."""
    height, width = w.cells.shape
    edge = min(EDGE_CELLS, (min(height, width) - 1) // 3)
    for _ in range(TELEPORT_TRIES):
        x = edge + draw(w, width - 2 * edge)
        y = edge + draw(w, height - 2 * edge)
        if walkable(w, x, y):
            return x, y
    return -1, -1


@kernel
def teleport(w, u):
    """Go to a random cell of the map; slaves come along."""
    x, y = random_cell(w)
    if x >= 0:
        place_at(w, u, x, y)
        call_slaves(w, u)


@kernel
def carry_off(w, u, x, y, now):
    """Put a unit on a cell whatever it is at: its cast breaks off, no delay holds it, its slaves come along."""
    s = w.units
    if s[f.CAST_AT, u] != f.NEVER:
        cancel_cast(w, u, now)
    place_at(w, u, x, y)
    s[f.HOLD_UNTIL, u] = now
    call_slaves(w, u)


@kernel
def snatch(w, u, v, now):
    """Carry a unit to a random cell, and another one to its side if that is there still and near enough."""
    along = v != u and w.units[f.ALIVE, v] != 0 and apart(w, u, v) <= f.SIGHT_CELLS
    x, y = random_cell(w)
    if x < 0:
        return
    carry_off(w, u, x, y, now)
    if along:
        x, y = free_cell_near(w, x, y, CARRIED_CELLS, f.NOBODY)
        carry_off(w, v, x, y, now)


@kernel
def slip_away(w, u, cells):
    """Slide backwards, whatever holds a unit in place otherwise."""
    dx, dy = facing(w, u)
    slide(w, u, w.units[f.X, u] + dx, w.units[f.Y, u] + dy, cells)


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
