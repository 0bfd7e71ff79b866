"""Walking by cell: setting out, chasing, arriving, being stopped.

A unit walks a planned path one cell at a time; its place changes when a step is over. A chase is planned to the cell
beside its target and planned anew only when one cell is left of it.
"""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.account import count
from mlmonster_env.sim.attack import begin_attack
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.geometry import (
    apart,
    inside,
    path_length,
    plan_path,
    planned_path_ok,
    put_step,
    sign,
    step_code,
    walkable,
)
from mlmonster_env.sim.journal import note
from mlmonster_env.sim.offers import check_skills
from mlmonster_env.sim.posture import can_walk, halt, set_state, stop_attack, unlock, visible
from mlmonster_env.sim.rest import rouse, rouse_around
from mlmonster_env.sim.squares import note_move
from mlmonster_env.sim.stats import walk_speed
from mlmonster_env.sim.status_columns import STRAYS
from mlmonster_env.sim.timers import start_timer

DIAGONAL_NUMERATOR = 14
DIAGONAL_DENOMINATOR = 10
SIDES = 8


@kernel
def start_step(w, u, now):
    """Set out for the next cell of the path."""
    s = w.units
    code = step_code(w, u, s[f.PATH_DONE, u])
    ms = walk_speed(w, u)
    if code != 1 and code != 3 and code != 5 and code != 7:
        ms = ms * DIAGONAL_NUMERATOR // DIAGONAL_DENOMINATOR
    start_timer(w, f.STEP_AT, u, now + ms)
    s[f.STEP_MS, u] = ms


@kernel
def scatter_goal(w, u):
    """A confused unit walks as far, but anywhere."""
    s = w.units
    cells = max(abs(s[f.GOAL_X, u] - s[f.X, u]), abs(s[f.GOAL_Y, u] - s[f.Y, u]))
    for _ in range(5):
        x = s[f.X, u] + draw(w, 2 * cells + 1) - cells
        y = s[f.Y, u] + draw(w, 2 * cells + 1) - cells
        if (x != s[f.X, u] or y != s[f.Y, u]) and walkable(w, x, y):
            s[f.GOAL_X, u] = x
            s[f.GOAL_Y, u] = y
            return


@kernel
def set_out(w, u, now):
    """Plan the path to the goal and take its first step; False where there is no way."""
    s = w.units
    length = plan_path(w, u, s[f.GOAL_X, u], s[f.GOAL_Y, u])
    if not planned_path_ok(w, length, s[f.X, u], s[f.Y, u], s[f.GOAL_X, u], s[f.GOAL_Y, u]):
        return False
    s[f.PATH_LENGTH, u] = length
    s[f.PATH_DONE, u] = 0
    s[f.NEW_GOAL, u] = 0
    if s[f.KEEP_ATTACKING, u] != 0:
        set_state(w, u, f.RUSH)
    if length == 0:
        return True
    if skill_on_the_way(w, u, now):
        return True
    if length == 1 and s[f.CHASED, u] != f.NOBODY and not visible(w, u, s[f.CHASED, u]):
        unlock(w, u, now)
    start_step(w, u, now)
    return True


@kernel
def skill_on_the_way(w, u, now):
    """A walking monster's skill check, about once a second; True where the skill ends the walk."""
    s = w.units
    if now - s[f.SKILL_CHECKED, u] <= f.SKILL_CHECK_MS - walk_speed(w, u) // 2:
        return False
    state = s[f.STATE, u]
    if not check_skills(w, u, now):
        return False
    return state != f.WALK and w.skills[s[f.CAST_SKILL, u], k.EFFECT] != k.EMOTION


@kernel
def walk_to(w, u, x, y, now):
    """Walk to a cell, chasing nobody; False where the unit cannot."""
    w.scratch[f.PHASE] = f.ON_MOVEMENT
    s = w.units
    length = path_length(w, s[f.X, u], s[f.Y, u], x, y)
    if length > f.LONGEST_WALK or not planned_path_ok(w, length, s[f.X, u], s[f.Y, u], x, y):
        return False
    if s[f.MODE, u] & f.CAN_MOVE == 0 or not can_walk(w, u, now):
        return False
    s[f.GOAL_X, u] = x
    s[f.GOAL_Y, u] = y
    stop_attack(w, u)
    if s[f.STATUS_FLAGS, u] & STRAYS != 0:
        scatter_goal(w, u)
    if s[f.STEP_AT, u] != f.NEVER:
        s[f.NEW_GOAL, u] = 1
        return True
    return set_out(w, u, now)


@kernel
def beside(w, u, v):
    """The cell next to `v` that `u` would walk to: the near one, else any free one; (-1, -1) where there is none."""
    s = w.units
    tx = s[f.X, v]
    ty = s[f.Y, v]
    x = tx - sign(tx - s[f.X, u])
    y = ty - sign(ty - s[f.Y, u])
    if walkable(w, x, y):
        return x, y
    dx = 0
    dy = -1
    for _ in range(SIDES):  # from the cell below onwards, counter to the clock
        if walkable(w, tx + dx, ty + dy):
            return tx + dx, ty + dy
        dx, dy = sign(dx - dy), sign(dx + dy)
    return s[f.X, u] * 0 - 1, s[f.X, u] * 0 - 1


@kernel
def can_reach(w, u, v, reach):
    """Whether `v` is within `reach` cells (0: any) and a walk leads to a cell beside it."""
    s = w.units
    if s[f.X, u] == s[f.X, v] and s[f.Y, u] == s[f.Y, v]:
        return True
    if reach > 0 and apart(w, u, v) > reach:
        return False
    x, y = beside(w, u, v)
    if x < 0:
        return False
    if w.rules[f.OPEN_MAP] != 0:
        return inside(w, x, y)
    length = path_length(w, s[f.X, u], s[f.Y, u], x, y)
    return planned_path_ok(w, length, s[f.X, u], s[f.Y, u], x, y)


@kernel
def chase(w, u, v, reach, to_attack, now):
    """Walk towards a unit, to stop within `reach` (0: on its cell) and attack if so wanted; False where it cannot."""
    w.scratch[f.PHASE] = f.ON_MOVEMENT
    s = w.units
    if s[f.MODE, u] & f.CAN_MOVE == 0:
        return False
    if not can_reach(w, u, v, apart(w, u, v) + 1):
        s[f.GOAL_X, u] = s[f.X, u]
        s[f.GOAL_Y, u] = s[f.Y, u]
        s[f.CHASED, u] = f.NOBODY
        return False
    if reach == 0 or (s[f.X, u] == s[f.X, v] and s[f.Y, u] == s[f.Y, v]):
        s[f.GOAL_X, u] = s[f.X, v]
        s[f.GOAL_Y, u] = s[f.Y, v]
    else:
        x, y = beside(w, u, v)
        s[f.GOAL_X, u] = x
        s[f.GOAL_Y, u] = y
    s[f.CHASED, u] = v
    s[f.CHASE_RANGE, u] = reach
    s[f.KEEP_ATTACKING, u] = to_attack
    stop_attack(w, u)
    if s[f.STATUS_FLAGS, u] & STRAYS != 0:
        scatter_goal(w, u)
    if s[f.STEP_AT, u] != f.NEVER:
        s[f.NEW_GOAL, u] = 1
        if to_attack != 0:
            set_state(w, u, f.RUSH)
        return True
    if s[f.HOLD_UNTIL, u] > now:
        return True
    if not can_walk(w, u, now):
        return False
    return set_out(w, u, now)


@kernel
def update_chase(w, u, now, whole):
    """Look after a chase between two steps: attack within range, drop who is out of sight, plan anew.

    `whole` also drops and plans. True where the present path no longer holds.
    """
    s = w.units
    v = s[f.CHASED, u]
    if s[f.PATH_DONE, u] > 0 and s[f.ALIVE, v] != 0 and apart(w, u, v) <= s[f.CHASE_RANGE, u]:
        stops = True
        if s[f.KEEP_ATTACKING, u] != 0:
            stops = begin_attack(w, u, v, now)
        if stops:
            s[f.CHASED, u] = f.NOBODY
            halt(w, u)
            return True
    elif s[f.ALIVE, v] == 0 or (whole and not visible(w, u, v)):
        unlock(w, u, now)
    elif (
        whole
        and s[f.PATH_DONE, u] > 0
        and s[f.HOLD_UNTIL, u] <= now
        and chase(w, u, v, s[f.CHASE_RANGE, u], s[f.KEEP_ATTACKING, u], now)
    ):
        return True
    return False


@kernel
def finish_step(w, u, now):
    """Arrive at the next cell of the path and go on from there."""
    s = w.units
    rouse_around(w, u)
    s[f.STEP_AT, u] = f.NEVER
    if s[f.PATH_DONE, u] >= s[f.PATH_LENGTH, u]:
        return
    code = step_code(w, u, s[f.PATH_DONE, u])
    x = s[f.X, u] + code % 3 - 1
    y = s[f.Y, u] + code // 3 - 1
    if s[f.PATH_LENGTH, u] <= f.FACING:
        put_step(w, u, f.FACING, code % 3 - 1, code // 3 - 1)
    if not walkable(w, x, y):
        set_out(w, u, now)
        return
    note_move(w, u, x, y)
    s[f.X, u] = x
    s[f.Y, u] = y
    note(w, now, f.J_STEP, u, x, y)
    count(w, f.T_STEPS, u, 1)
    if s[f.NEW_GOAL, u] != 0:
        set_out(w, u, now)
        return
    s[f.PATH_DONE, u] += 1
    if s[f.PATH_DONE, u] >= s[f.PATH_LENGTH, u]:
        if s[f.CHASED, u] != f.NOBODY and update_chase(w, u, now, True):
            return
        s[f.GOAL_X, u] = s[f.X, u]
        s[f.GOAL_Y, u] = s[f.Y, u]
        return
    if skill_on_the_way(w, u, now):
        return
    last = s[f.PATH_DONE, u] == s[f.PATH_LENGTH, u] - 1
    if s[f.CHASED, u] != f.NOBODY and update_chase(w, u, now, last):
        return
    start_step(w, u, now)


@kernel
def flinch(w, u, now):
    """A blow stops a walk at a cell's centre: the next one if half of the step was done, else the one it came from."""
    s = w.units
    if s[f.STEP_AT, u] == f.NEVER:
        return
    rouse(w, u)
    left = s[f.STEP_AT, u] - now
    s[f.STEP_AT, u] = f.NEVER
    s[f.NEW_GOAL, u] = 0
    if left <= s[f.STEP_MS, u] // 2:
        s[f.PATH_LENGTH, u] = s[f.PATH_DONE, u] + 1
        finish_step(w, u, now)
    # The server forgets the path even where the arrival began a new chase: that chase's first step then leads nowhere.
    s[f.PATH_LENGTH, u] = 0
    s[f.PATH_DONE, u] = 0
    s[f.GOAL_X, u] = s[f.X, u]
    s[f.GOAL_Y, u] = s[f.Y, u]
