"""The order in which the server lists units: by squares of eight cells, and in each square the last to come first.

Of several that it could choose, such as prey equally near, one search takes the first on that list, another the last.
"""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import kernel, small

SQUARE_BITS = 3


@small
def note_entry(w, u):
    """A unit has come to its square just now."""
    w.units[f.ENTERED, u] = w.match[f.CLOCK]


@small
def note_move(w, u, x, y):
    """A unit is about to move to a cell, perhaps in another square."""
    s = w.units
    if ((s[f.X, u] ^ x) | (s[f.Y, u] ^ y)) >> SQUARE_BITS != 0:
        note_entry(w, u)


@kernel
def listed_before(w, a, b):
    """Whether unit `a` comes before `b` on the server's list; of two that appeared at once the later place does."""
    s = w.units
    rows = (s[f.Y, a] >> SQUARE_BITS) - (s[f.Y, b] >> SQUARE_BITS)
    if rows != 0:
        return rows < 0
    columns = (s[f.X, a] >> SQUARE_BITS) - (s[f.X, b] >> SQUARE_BITS)
    if columns != 0:
        return columns < 0
    later = s[f.ENTERED, a] - s[f.ENTERED, b]
    return later > 0 or (later == 0 and a > b)
