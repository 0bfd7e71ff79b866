"""What a monster under orders does when its mind would think: what the server could do with it then, and no more."""

from mlmonster_env.contract import (
    CHANGE_TARGET,
    FLEE,
    IDLE,
    MOVE_AWAY,
    MOVE_CLOSER,
    MOVE_RANDOMLY,
    MOVES,
    SIGHT,
    STAY,
)
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import apart, cell_on_the_way, places, reaches, sign, step_code, walkable
from mlmonster_env.sim.orders import VECTOR_UNIT, engage_of, part_of
from mlmonster_env.sim.posture import enemies, halt_and_release, may_attack, set_state, stop_attack
from mlmonster_env.sim.pursuit import engage, keep_target, look_for_prey, view_of
from mlmonster_env.sim.walking import chase, walk_to

DX = tuple(dx for dx, _ in MOVES[:STAY])
DY = tuple(dy for _, dy in MOVES[:STAY])
AWAY_CELLS = 5
MOVE_CELLS = 6
RANDOM_CELLS = 12
STRAIGHT_TRIES, FORWARD_TRIES, RANDOM_TRIES = 16, 24, 32
FLIGHT_CELLS = 12  # a longer way home is walked in pieces
STILL = VECTOR_UNIT // 4  # a vector shorter than this is no movement

# What FRESH says of an order: an old one, the same again, another one.
OLD, AGAIN, OTHER = range(3)


@kernel
def find_target(w, u, now):
    """Take the nearest enemy in view for a target where there is none."""
    if w.units[f.TARGET, u] == f.NOBODY and w.units[f.MODE, u] & f.CAN_ATTACK != 0:
        look_for_prey(w, u, now)


@kernel
def stand(w, u):
    """Stand still and strike nobody; the target stays known."""
    stop_attack(w, u)
    w.units[f.KEEP_ATTACKING, u] = 0
    halt_and_release(w, u)
    if w.units[f.STATE, u] != f.IDLE:
        set_state(w, u, f.IDLE)


@kernel
def walk_for(w, u, x, y, now):
    """Walk to a cell under orders: a chase to the mind if there is a target, else a stroll; False where it cannot."""
    s = w.units
    s[f.KEEP_ATTACKING, u] = 0
    s[f.CHASED, u] = f.NOBODY
    if x == s[f.X, u] and y == s[f.Y, u]:
        return False
    set_state(w, u, f.WALK if s[f.TARGET, u] == f.NOBODY else f.RUSH)
    return walk_to(w, u, x, y, now)


@small
def free_step(w, x, y, dx, dy):
    """Whether one can step from a cell in a direction."""
    if not walkable(w, x + dx, y + dy):
        return False
    return dx == 0 or dy == 0 or (walkable(w, x + dx, y) and walkable(w, x, y + dy))


@kernel
def free_steps(w, u, dx, dy, most):
    """How many free steps lead from a unit straight in a direction, up to `most`."""
    x = w.units[f.X, u]
    y = w.units[f.Y, u]
    steps = 0
    while steps < most and free_step(w, x, y, dx, dy):
        x += dx
        y += dy
        steps += 1
    return steps


@kernel
def clearance(w, u, x, y):
    """How good a cell is to be away from enemies in sight: cells to the nearest of them first, then to all."""
    s = w.units
    nearest = f.LONGEST_WALK * 2
    total = 0
    for v in range(places(w)):
        if s[f.ALIVE, v] != 0 and enemies(w, u, v) and apart(w, u, v) <= SIGHT:
            cells = max(abs(s[f.X, v] - x), abs(s[f.Y, v] - y))
            nearest = min(nearest, cells)
            total += cells
    return 1000 * nearest + min(total, 999)


@kernel
def away_cell(w, u):
    """The cell, straight in one of eight directions, that is farthest from enemies; its own where none is better."""
    s = w.units
    best_x = s[f.X, u]
    best_y = s[f.Y, u]
    best = clearance(w, u, best_x, best_y)
    for d in range(STAY):
        steps = free_steps(w, u, DX[d], DY[d], AWAY_CELLS)
        x = s[f.X, u] + DX[d] * steps
        y = s[f.Y, u] + DY[d] * steps
        if steps > 0 and w.cells[y, x] & f.HAZARD_CELL == 0:
            value = clearance(w, u, x, y)
            if value > best:
                best = value
                best_x = x
                best_y = y
    return best_x, best_y


@kernel
def back_off(w, u, now):
    """Walk away from the enemies in sight."""
    x, y = away_cell(w, u)
    if not walk_for(w, u, x, y, now):
        stand(w, u)


@small
def heading(w, u):
    """Which way the path led that a unit walked last: cells along x and y."""
    x = 0
    y = 0
    for i in range(w.units[f.PATH_LENGTH, u]):
        code = step_code(w, u, i)
        x += code % 3 - 1
        y += code // 3 - 1
    return x, y


@small
def turned_from(dx, dy, x, y, tries):
    """Whether a way turns off too far: by 30 degrees from the heading, after some tries by 90; in the end none does."""
    along = dx * x + dy * y
    if tries < STRAIGHT_TRIES:
        return along < 0 or 4 * along * along < 3 * (dx * dx + dy * dy) * (x * x + y * y)
    return tries < FORWARD_TRIES and along < 0


@kernel
def stroll(w, u, on, now):
    """Walk to a random cell near by; when going `on`, to one that lies straight on, or ahead, if there is any."""
    s = w.units
    way_x, way_y = heading(w, u)
    for tries in range(RANDOM_TRIES):
        dx = draw(w, 2 * RANDOM_CELLS + 1) - RANDOM_CELLS
        dy = draw(w, 2 * RANDOM_CELLS + 1) - RANDOM_CELLS
        if on and turned_from(dx, dy, way_x, way_y, tries):
            continue
        x = s[f.X, u] + dx
        y = s[f.Y, u] + dy
        if walkable(w, x, y) and walk_for(w, u, x, y, now):
            return
    stand(w, u)


@kernel
def go_home(w, u, now):
    """Walk to where the unit first stood, as far as one walk leads: around walls, or straight where it is very far."""
    s = w.units
    if w.rules[f.OPEN_MAP] == 0:
        x, y = cell_on_the_way(w, s[f.X, u], s[f.Y, u], s[f.SPAWN_X, u], s[f.SPAWN_Y, u], FLIGHT_CELLS)
        if walk_for(w, u, x, y, now):
            return
    far_x = s[f.SPAWN_X, u] - s[f.X, u]
    far_y = s[f.SPAWN_Y, u] - s[f.Y, u]
    far = max(abs(far_x), abs(far_y))
    cells = min(far, FLIGHT_CELLS)
    while cells > 0:
        x = s[f.X, u] + far_x * cells // far
        y = s[f.Y, u] + far_y * cells // far
        if walkable(w, x, y) and walk_for(w, u, x, y, now):
            return
        cells -= 2
    stand(w, u)


@kernel
def come_closer(w, u, now):
    """Walk to the target's side without striking it."""
    s = w.units
    target = s[f.TARGET, u]
    if target == f.NOBODY or apart(w, u, target) <= 1:
        stand(w, u)
    elif s[f.STEP_AT, u] == f.NEVER or s[f.CHASED, u] != target:
        set_state(w, u, f.RUSH)
        if not chase(w, u, target, 1, 0, now):
            stand(w, u)


@kernel
def change_target(w, u):
    """Take the next enemy in view, in order of place, for a target."""
    s = w.units
    view = min(view_of(w, u), w.species[s[f.SPECIES, u], f.VIEW])
    before = s[f.TARGET, u]
    count = places(w)
    for i in range(1, count):
        v = (before + i) % count
        if s[f.ALIVE, v] == 0 or v == before or not enemies(w, u, v):
            continue
        if apart(w, u, v) <= view and may_attack(w, u, v) and reaches(w, u, s[f.X, v], s[f.Y, v], view):
            s[f.TARGET, u] = v
            return


@kernel
def fight(w, u, movable, now):
    """Strike the target, or go after it."""
    s = w.units
    target = s[f.TARGET, u]
    if target == f.NOBODY:
        stand(w, u)
        return
    if s[f.STEP_AT, u] != f.NEVER and s[f.CHASED, u] != target:
        reach = w.species[s[f.SPECIES, u], f.RANGE]
        if not reaches(w, u, s[f.X, target], s[f.Y, target], reach):
            if not chase(w, u, target, reach, 1, now):
                stand(w, u)
            return
    engage(w, u, target, movable, now)


@kernel
def obey_combat(w, u, order, fresh, movable, now):
    """One of the ten combat actions."""
    walking = w.units[f.STEP_AT, u] != f.NEVER
    if order == IDLE:
        stand(w, u)
    elif order == MOVE_AWAY:
        if fresh != OLD or not walking:
            back_off(w, u, now)
    elif order == MOVE_RANDOMLY:
        if fresh == OTHER or not walking:
            stroll(w, u, fresh != OTHER, now)
    elif order == FLEE:
        if fresh == OTHER or not walking:
            go_home(w, u, now)
    else:
        if order == CHANGE_TARGET and fresh != OLD:
            change_target(w, u)
        find_target(w, u, now)
        if order == MOVE_CLOSER:
            come_closer(w, u, now)
        else:
            fight(w, u, movable, now)


@kernel
def victim_in_reach(w, u):
    """The target if it can be struck from here, else the nearest enemy that can, or NOBODY."""
    s = w.units
    reach = w.species[s[f.SPECIES, u], f.RANGE]
    target = s[f.TARGET, u]
    found = f.NOBODY
    nearest = reach + 1
    for v in range(places(w)):
        if s[f.ALIVE, v] == 0 or not enemies(w, u, v):
            continue
        cells = -1 if v == target else apart(w, u, v)
        if cells < nearest and may_attack(w, u, v) and reaches(w, u, s[f.X, v], s[f.Y, v], reach):
            nearest = cells
            found = v
    return found


@kernel
def step_and_strike(w, u, x, y, strikes, fresh, now):
    """Be on the way to a cell (its own: stay), and strike whenever the delay is over and somebody is in reach."""
    s = w.units
    find_target(w, u, now)
    victim = victim_in_reach(w, u) if strikes else f.NOBODY
    stays = x == s[f.X, u] and y == s[f.Y, u]
    if victim != f.NOBODY and (stays or s[f.READY_AT, u] <= now):
        s[f.TARGET, u] = victim
        engage(w, u, victim, True, now)
    elif stays:
        stand(w, u)
    elif fresh != OLD or s[f.STEP_AT, u] == f.NEVER:
        if not walk_for(w, u, x, y, now):
            stand(w, u)


@kernel
def obey_move(w, u, order, fresh, now):
    """One of the nine moves; attacks are automatic."""
    dx = 0
    dy = 0
    if order != STAY:
        dx = DX[order]
        dy = DY[order]
    steps = free_steps(w, u, dx, dy, MOVE_CELLS) if order != STAY else 0
    step_and_strike(w, u, w.units[f.X, u] + dx * steps, w.units[f.Y, u] + dy * steps, True, fresh, now)


@kernel
def vector_cell(w, u, order):
    """The farthest cell that a vector's movement leads to: up to MOVE_CELLS, along the axes that walls leave free."""
    s = w.units
    far_x = part_of(order, 0) * MOVE_CELLS
    far_y = part_of(order, 1) * MOVE_CELLS
    half = VECTOR_UNIT // 2
    dx = sign(far_x) * ((abs(far_x) + half) // VECTOR_UNIT)
    dy = sign(far_y) * ((abs(far_y) + half) // VECTOR_UNIT)
    while dx != 0 or dy != 0:
        if walkable(w, s[f.X, u] + dx, s[f.Y, u] + dy):
            break
        dx -= sign(dx)
        dy -= sign(dy)
    return s[f.X, u] + dx, s[f.Y, u] + dy


@kernel
def obey_vector(w, u, order, fresh, movable, now):
    """A vector: where to, whether to strike. Without movement, striking means to go after the target."""
    moves = max(abs(part_of(order, 0)), abs(part_of(order, 1))) > STILL
    strikes = engage_of(order) > 0
    if not moves and strikes:
        find_target(w, u, now)
        fight(w, u, movable, now)
        return
    if moves:
        x, y = vector_cell(w, u, order)
        step_and_strike(w, u, x, y, strikes, fresh, now)
    else:
        stand(w, u)


@kernel
def obey(w, u, movable, now):
    """Do as ordered."""
    s = w.units
    fresh = s[f.FRESH, u]
    s[f.FRESH, u] = OLD
    if s[f.TARGET, u] != f.NOBODY:
        keep_target(w, u, movable, now)
    order = s[f.ORDER, u]
    if s[f.CONTROL, u] == f.COMBAT_ORDERS:
        obey_combat(w, u, order, fresh, movable, now)
    elif s[f.CONTROL, u] == f.MOVES:
        obey_move(w, u, order, fresh, now)
    else:
        obey_vector(w, u, order, fresh, movable, now)
