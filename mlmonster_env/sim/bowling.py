"""Victims that are pushed on others, who are struck and pushed in their turn."""

import numpy as np

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.bits import lowest_bit
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import heading, inside, places
from mlmonster_env.sim.posture import enemies
from mlmonster_env.sim.strikes import out_of_reach, strike_one
from mlmonster_env.sim.warps import push_away

GUTTER_CELLS = 40
DIRECTIONS = 8


@small
def gutter_from(place, reach):
    """Where, along one axis, the gutter begins in which a bowler's victims strike others."""
    return max(place - reach, 0) // GUTTER_CELLS * GUTTER_CELLS


@small
def in_gutter(w, v, x, y):
    """Whether a unit stands in the gutter that begins at the cell (x, y)."""
    return 0 <= w.units[f.X, v] - x < GUTTER_CELLS and 0 <= w.units[f.Y, v] - y < GUTTER_CELLS


@kernel
def met_by(w, u, x, y, gutter_x, gutter_y):
    """A bowler's enemies in the gutter on a cell and around it: a bit for each, whoever has just come there too."""
    s = w.units
    met = np.int64(0)
    for v in range(places(w)):
        if s[f.ALIVE, v] == 0 or v == u or not enemies(w, u, v) or out_of_reach(w, u, v):
            continue
        if max(abs(s[f.X, v] - x), abs(s[f.Y, v] - y)) <= 1 and in_gutter(w, v, gutter_x, gutter_y):
            met |= np.int64(1) << v
    return met


@kernel
def push_on(w, u, v, dx, dy, cells, gutter_x, gutter_y):
    """Push a bowler's victim cell by cell until it meets somebody, if only itself; a bit for each whom it meets."""
    s = w.units
    x = s[f.X, v] + dx
    y = s[f.Y, v] + dy
    for _ in range(cells):
        if not inside(w, x, y) or w.cells[y, x] == 0:
            break
        push_away(w, v, s[f.X, v] - dx, s[f.Y, v] - dy, 1)
        met = met_by(w, u, x, y, gutter_x, gutter_y)
        if met != 0:
            return met
        x += dx
        y += dy
    return np.int64(0)


@kernel
def bowl(w, u, target, skill, now):
    """Strike the target and push it on; those whom it meets are struck and pushed as well, to any side, each once.

    Whoever has met somebody is struck twice. Behind whom there is a wall, or who stands outside the gutter, meets none.
    """
    s = w.units
    known = np.int64(1) << target
    wave = known
    depth = 0
    while wave != 0:
        cells = (w.skills[skill, k.SKILL_LEVEL] - depth + 1) // 2
        gutter_x = gutter_from(s[f.X, u], cells)
        gutter_y = gutter_from(s[f.Y, u], cells)
        next_wave = np.int64(0)
        while wave != 0:
            v = lowest_bit(wave)
            wave &= wave - 1
            if depth > 0 and not in_gutter(w, v, gutter_x, gutter_y):
                continue
            dx, dy = heading(s[f.X, v] - s[f.X, u], s[f.Y, v] - s[f.Y, u])
            if depth > 0:
                way = draw(w, DIRECTIONS)
                way += way >= DIRECTIONS // 2  # of nine cells the middle one is none
                dx = way % 3 - 1
                dy = way // 3 - 1
            elif dx == 0 and dy == 0:
                dx = 1
            met = push_on(w, u, v, dx, dy, cells, gutter_x, gutter_y)
            if met != 0 and in_gutter(w, v, gutter_x, gutter_y):
                strike_one(w, u, v, skill, 1, s[f.X, u], s[f.Y, u], False, now)
            strike_one(w, u, v, skill, 1, s[f.X, u], s[f.Y, u], False, now)
            next_wave |= met & ~known
            known |= met
        wave = next_wave
        depth += 1
