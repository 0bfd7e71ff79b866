"""Which cells of its square a ground skill enchants."""

from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.compiled import small
from mlmonster_env.sim.geometry import heading

GRAND_CROSS_BODY = 3

# Which way a wall runs.
ALONG_X, RISING, ALONG_Y, FALLING = range(4)
WALL_CELLS = 5


@small
def way_of_wall(dx, dy):
    """Which way a wall runs that is laid so far from its caster: across; one on its own cell as one to the east."""
    x, y = heading(dx, dy)
    if y == 0:
        return ALONG_Y
    if x == 0:
        return ALONG_X
    return FALLING if x == y else RISING


@small
def place_in_wall(way, dx, dy):
    """Which cell of a wall one is, as seen from the middle and in the order in which they burn; -1 is none."""
    if max(abs(dx), abs(dy)) > 1:
        return -1
    if way == ALONG_X:
        return dx + 1 if dy == 0 else -1
    if way == ALONG_Y:
        return dy + 1 if dx == 0 else -1
    if way == FALLING:
        dx = -dx
    return 2 - dx - dy if dx == dy or dx == dy + 1 else -1


@small
def in_shape(w, skill, way, dx, dy):
    """Whether a skill enchants a cell of its square, as seen from the middle; a wall as it runs."""
    shape = w.skills[skill, k.AREA_SHAPE]
    if shape == k.WALL:
        return place_in_wall(way, dx, dy) >= 0
    on_arm = dx == 0 or dy == 0
    if shape == k.GRAND_CROSS:
        return on_arm or abs(dx) + abs(dy) <= GRAND_CROSS_BODY
    if shape == k.CUT:
        return abs(dx) + abs(dy) < 2 * (w.skills[skill, k.AREA_RADIUS] - w.skills[skill, k.AREA_REACH])
    return shape == k.SQUARE or (on_arm and (shape == k.PLUS or dx != dy))
