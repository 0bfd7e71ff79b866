"""Skills that run along a line: in one of eight directions, so many cells far and so many to each side."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.geometry import heading, in_sight


@kernel
def on_line(w, v, x0, y0, x, y, length, width):
    """Whether `v` stands on the line that is drawn from a cell towards (x, y), and a shot reaches it."""
    s = w.units
    dx, dy = heading(x - x0, y - y0)
    if dx == 0 and dy == 0:
        dx = 1
    rx = s[f.X, v] - x0
    ry = s[f.Y, v] - y0
    if dx == 0 or dy == 0:
        far = rx * dx + ry * dy
        aside = abs(rx * dy) + abs(ry * dx)
        inside = 0 <= far < length and aside <= width
    else:
        # Along a diagonal cells count double: once for each coordinate.
        far = rx * dx + ry * dy
        aside = abs(rx * dx - ry * dy)
        inside = 0 <= far <= 2 * (length - 1) and aside <= 2 * width
    return inside and in_sight(w, x0, y0, s[f.X, v], s[f.Y, v])
