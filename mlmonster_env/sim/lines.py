"""Skills that run along a line: in one of eight directions, so many cells far and so many to each side."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.geometry import heading, in_sight


@kernel
def in_line(w, u, skill, x, y, cell_x, cell_y):
    """Whether a cell lies on the line of a unit's skill towards (x, y), or back from there, and a shot reaches it."""
    own_x = w.units[f.X, u]
    own_y = w.units[f.Y, u]
    length = w.skills[skill, k.AMOUNT]
    width = w.skills[skill, k.SPLASH]
    if length < 0:
        return on_line(w, x, y, own_x, own_y, -length, width, cell_x, cell_y)
    return on_line(w, own_x, own_y, x, y, length, width, cell_x, cell_y)


@kernel
def on_line(w, x0, y0, x, y, length, width, cell_x, cell_y):
    """Whether a cell lies on the line that is drawn from (x0, y0) towards (x, y), and a shot reaches it from there."""
    dx, dy = heading(x - x0, y - y0)
    if dx == 0 and dy == 0:
        dx = 1
    rx = cell_x - x0
    ry = cell_y - y0
    if dx == 0 or dy == 0:
        far = rx * dx + ry * dy
        aside = abs(rx * dy) + abs(ry * dx)
        inside = 0 <= far < length and aside <= width
    else:
        # Along a diagonal cells count double: once for each coordinate.
        far = rx * dx + ry * dy
        aside = abs(rx * dx - ry * dy)
        inside = 0 <= far <= 2 * (length - 1) and aside <= 2 * width
    return inside and in_sight(w, x0, y0, cell_x, cell_y)
