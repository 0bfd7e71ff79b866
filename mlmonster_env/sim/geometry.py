"""Cells: distance, line of sight, paths."""

import numpy as np

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import kernel, small

WALKABLE = 1
SHOOTABLE = 2
LONGEST_CROOKED_WALK = 14  # cells

STRAIGHT_COST = 10
DIAGONAL_COST = 14

# The window that a path search may look at, centred on its goal; the server's own search gives up at such a size.
WINDOW = 65
MIDDLE = WINDOW // 2

CELL_BITS = 16  # of each axis, in a cell as one number


@small
def distance(x0, y0, x1, y1):
    """Cells between two places, diagonal steps counting one."""
    return max(abs(x1 - x0), abs(y1 - y0))


@small
def places(w):
    """How many places of the match somebody holds or has held: beyond them there is nobody."""
    return w.match[f.PLACES]


@small
def apart(w, a, b):
    """Cells between two units."""
    s = w.units
    return max(abs(s[f.X, a] - s[f.X, b]), abs(s[f.Y, a] - s[f.Y, b]))


@small
def sign(value):
    """-1, 0 or 1."""
    return (value > 0) - (value < 0)


@small
def heading(dx, dy):
    """Which of eight directions a vector points in, as the server tells them: ties fall otherwise to the left."""
    if dx >= 0:
        flat = dx >= 3 * abs(dy)
        steep = 3 * dx < abs(dy)
    else:
        flat = -dx > 3 * abs(dy)
        steep = -3 * dx <= abs(dy)
    return 0 if steep else sign(dx), 0 if flat else sign(dy)


@small
def inside(w, x, y):
    """Whether the cell is on the map."""
    return 0 <= x < w.cells.shape[1] and 0 <= y < w.cells.shape[0]


@small
def walkable(w, x, y):
    """Whether somebody can stand there."""
    return 0 <= x < w.cells.shape[1] and 0 <= y < w.cells.shape[0] and w.cells[y, x] & WALKABLE != 0


@kernel
def line_is(w, kind, x0, y0, x1, y1):
    """Whether all cells on the line between two are of a kind, SHOOTABLE or WALKABLE; the ends are not looked at."""
    if w.rules[f.OPEN_MAP] != 0:
        return True
    if x1 < x0:
        x0, y0, x1, y1 = x1, y1, x0, y0
    dx = x1 - x0
    dy = y1 - y0
    weight = dx if dx > abs(dy) else abs(dy)
    along_x = 0
    along_y = 0
    while x0 != x1 or y0 != y1:
        along_x += dx
        along_y += dy
        if along_x >= weight:
            along_x -= weight
            x0 += 1
        if along_y >= weight:
            along_y -= weight
            y0 += 1
        elif along_y < 0:
            along_y += weight
            y0 -= 1
        if (x0 != x1 or y0 != y1) and w.cells[y0, x0] & kind == 0:
            return False
    return True


@small
def in_sight(w, x0, y0, x1, y1):
    """Whether a shot passes from the first cell to the second."""
    return line_is(w, SHOOTABLE, x0, y0, x1, y1)


@small
def reaches(w, a, x, y, reach):
    """Whether a cell is within `reach` of unit `a` and in its line of fire."""
    s = w.units
    cells = max(abs(s[f.X, a] - x), abs(s[f.Y, a] - y))
    if cells > reach:
        return False
    if cells < 2:
        return True
    if cells > f.SIGHT_CELLS:
        return False
    return w.rules[f.OPEN_MAP] != 0 or in_sight(w, s[f.X, a], s[f.Y, a], x, y)


@small
def put_step(w, u, index, dx, dy):
    """Write step `index` of a unit's path."""
    word = f.PATH + (index >> 3)
    shift = (index & 7) * 4
    code = (dy + 1) * 3 + dx + 1
    bits = np.int64(w.units[word, u]) & 0xFFFFFFFF
    bits = (bits & ~(np.int64(15) << shift)) | (np.int64(code) << shift)
    w.units[word, u] = np.int32(np.uint32(bits))


@small
def step_code(w, u, index):
    """Step `index` of a unit's path as (dy + 1) * 3 + dx + 1."""
    return (w.units[f.PATH + (index >> 3), u] >> ((index & 7) * 4)) & 15


@small
def face(w, u, dx, dy):
    """Turn a unit; one that is to face no way at all stays as it is."""
    if dx != 0 or dy != 0:
        put_step(w, u, f.FACING, dx, dy)


@small
def facing(w, u):
    """Which way a unit faces, as steps along x and y."""
    code = step_code(w, u, f.FACING)
    return code % 3 - 1, code // 3 - 1


@kernel
def straight_path_length(w, x0, y0, x1, y1):
    """Steps of the path that goes diagonally first, then straight; -1 where a wall or its corner is in the way."""
    length = distance(x0, y0, x1, y1)
    if w.rules[f.OPEN_MAP] != 0:
        return length if inside(w, x0, y0) and inside(w, x1, y1) else -1
    x = x0
    y = y0
    for _ in range(length):
        dx = sign(x1 - x)
        dy = sign(y1 - y)
        if not walkable(w, x + dx, y + dy):
            return -1
        if dx != 0 and dy != 0 and not (walkable(w, x + dx, y) and walkable(w, x, y + dy)):
            return -1
        x += dx
        y += dy
    return length


@kernel
def heap_push(heap, size, price, place):
    """Add (price, place) to a binary heap of `size` entries."""
    child = size
    while child > 0:
        parent = (child - 1) >> 1
        if heap[parent, 0] <= price:
            break
        heap[child, 0] = heap[parent, 0]
        heap[child, 1] = heap[parent, 1]
        child = parent
    heap[child, 0] = price
    heap[child, 1] = place


@kernel
def heap_drop_first(heap, size):
    """Remove the cheapest entry of a binary heap of `size` entries."""
    last = size - 1
    price = heap[last, 0]
    place = heap[last, 1]
    parent = 0
    while True:
        child = 2 * parent + 1
        if child >= last:
            break
        if child + 1 < last and heap[child + 1, 0] < heap[child, 0]:
            child += 1
        if heap[child, 0] >= price:
            break
        heap[parent, 0] = heap[child, 0]
        heap[parent, 1] = heap[child, 1]
        parent = child
    heap[parent, 0] = price
    heap[parent, 1] = place


@kernel
def search(w, x0, y0, x1, y1, cost):
    """Fill `cost` (WINDOW x WINDOW, centred on the goal) with walking costs to the goal until the start is reached.

    Returns whether the start was reached. Corners of walls are not cut.
    """
    cost[:, :] = -1
    sx = x0 - x1 + MIDDLE
    sy = y0 - y1 + MIDDLE
    if sx < 0 or sy < 0 or sx >= WINDOW or sy >= WINDOW:
        return False
    heap = np.empty((8 * WINDOW * WINDOW, 2), np.int32)
    heap_push(heap, 0, 0, MIDDLE * WINDOW + MIDDLE)
    size = 1
    cost[MIDDLE, MIDDLE] = 0
    while size > 0:
        price = heap[0, 0]
        cy = heap[0, 1] // WINDOW
        cx = heap[0, 1] % WINDOW
        heap_drop_first(heap, size)
        size -= 1
        if cost[cy, cx] < price:
            continue
        if cx == sx and cy == sy:
            return True
        mx = cx - MIDDLE + x1
        my = cy - MIDDLE + y1
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                nx = cx + dx
                ny = cy + dy
                if (dx == 0 and dy == 0) or nx < 0 or ny < 0 or nx >= WINDOW or ny >= WINDOW:
                    continue
                if not ((nx == sx and ny == sy) or walkable(w, mx + dx, my + dy)):
                    continue
                onward = price + STRAIGHT_COST
                if dx != 0 and dy != 0:
                    if not (walkable(w, mx + dx, my) and walkable(w, mx, my + dy)):
                        continue
                    onward = price + DIAGONAL_COST
                if cost[ny, nx] < 0 or onward < cost[ny, nx]:
                    cost[ny, nx] = onward
                    heap_push(heap, size, onward, ny * WINDOW + nx)
                    size += 1
    return False


@kernel
def path_length(w, x0, y0, x1, y1):
    """Steps of the shortest walk, or -1 where there is none of at most MAX_PATH steps."""
    if not walkable(w, x1, y1):
        return -1
    length = straight_path_length(w, x0, y0, x1, y1)
    if length >= 0 or w.rules[f.OPEN_MAP] != 0:
        return length if length <= f.MAX_PATH else -1
    cost = np.empty((WINDOW, WINDOW), np.int32)
    if not search(w, x0, y0, x1, y1, cost):
        return -1
    x = x0
    y = y0
    steps = 0
    while x != x1 or y != y1:
        dx, dy = downhill(w, x, y, x1, y1, cost)
        x += dx
        y += dy
        steps += 1
        if steps > f.MAX_PATH:
            return -1
    return steps


@kernel
def downhill(w, x, y, x1, y1, cost):
    """The step that leads to the goal at the least cost, diagonal ones first."""
    cx = x - x1 + MIDDLE
    cy = y - y1 + MIDDLE
    here = cost[cy, cx]
    best_x = 0
    best_y = 0
    for diagonal in range(2):
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                slanted = dx != 0 and dy != 0
                if (dx == 0 and dy == 0) or slanted == (diagonal == 1):
                    continue
                nx = cx + dx
                ny = cy + dy
                if nx < 0 or ny < 0 or nx >= WINDOW or ny >= WINDOW or cost[ny, nx] < 0:
                    continue
                if slanted and not (walkable(w, x + dx, y) and walkable(w, x, y + dy)):
                    continue
                if cost[ny, nx] + (DIAGONAL_COST if slanted else STRAIGHT_COST) == here:
                    best_x = dx
                    best_y = dy
    return best_x, best_y


@kernel
def cell_on_the_way(w, x0, y0, x1, y1, steps):
    """The cell that so many steps of the cheapest path lead to; the first one itself where no path is found."""
    x = x0
    y = y0
    if max(abs(x1 - x0), abs(y1 - y0)) >= MIDDLE:
        return x, y
    cost = np.empty((WINDOW, WINDOW), np.int32)
    if not search(w, x0, y0, x1, y1, cost):
        return x, y
    for _ in range(steps):
        if x != x1 or y != y1:
            dx, dy = downhill(w, x, y, x1, y1, cost)
            x += dx
            y += dy
    return x, y


@kernel
def plan_path(w, u, x1, y1):
    """Write the unit's path to a cell; its length, or -1 where there is none."""
    s = w.units
    x = np.int64(s[f.X, u])
    y = np.int64(s[f.Y, u])
    if not walkable(w, x1, y1):
        return -1
    length = straight_path_length(w, x, y, x1, y1)
    if length > f.MAX_PATH:
        return -1
    if length >= 0:
        for i in range(length):
            dx = sign(x1 - x)
            dy = sign(y1 - y)
            put_step(w, u, i, dx, dy)
            x += dx
            y += dy
        return length
    if w.rules[f.OPEN_MAP] != 0:
        return -1
    cost = np.empty((WINDOW, WINDOW), np.int32)
    if not search(w, x, y, x1, y1, cost):
        return -1
    length = 0
    while x != x1 or y != y1:
        if length >= f.MAX_PATH:
            return -1
        dx, dy = downhill(w, x, y, x1, y1, cost)
        put_step(w, u, length, dx, dy)
        x += dx
        y += dy
        length += 1
    return length


@kernel
def planned_path_ok(w, length, x0, y0, x1, y1):
    """The server's rule for long walks: only where every cell between can be stood on."""
    return length >= 0 and (length <= LONGEST_CROOKED_WALK or line_is(w, WALKABLE, x0, y0, x1, y1))


@small
def cell_number(x, y):
    """A cell of the map as one number."""
    return y << CELL_BITS | x


@small
def cell_of(number):
    """The x and y of a cell number."""
    return number & (1 << CELL_BITS) - 1, number >> CELL_BITS
