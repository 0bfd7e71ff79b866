"""Who is carried off by what struck it, and where to."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.casting import free_cell_near
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.events import push_event
from mlmonster_env.sim.geometry import cell_number, cell_of
from mlmonster_env.sim.warps import carry_off, random_cell, snatch

CARRY_MS = 800
CARRY_PERCENT, CARRY_OF_A_LEVEL = 50, 5
STREWN_CELLS = 2
AT_RANDOM = -1


@kernel
def prepare_to_carry(w, u, now):
    """Choose where a unit goes with all whom it strikes, and keep that as the cell of its cast, which has none."""
    x, y = random_cell(w)
    w.units[f.CAST_X, u] = x
    w.units[f.CAST_Y, u] = y
    if x >= 0:
        push_event(w, now + CARRY_MS, f.CARRY, u, u, cell_number(x, y), 0, 0, 0)


@kernel
def carry_later(w, u, v, skill, now):
    """Let a unit that was struck be carried off, which the status immune are not."""
    s = w.units
    if s[f.MODE, v] & f.STATUS_IMMUNE != 0:
        return
    if w.skills[skill, k.CARRIES] == k.CARRIES_ALL:
        if s[f.CAST_X, u] >= 0:
            x, y = free_cell_near(w, s[f.CAST_X, u], s[f.CAST_Y, u], STREWN_CELLS, f.NOBODY)
            push_event(w, now + CARRY_MS, f.CARRY, v, v, cell_number(x, y), skill, 0, 0)
        return
    percent = CARRY_PERCENT + CARRY_OF_A_LEVEL * w.skills[skill, k.SKILL_LEVEL]
    percent += w.species[s[f.SPECIES, u], f.LEVEL] - w.species[s[f.SPECIES, v], f.LEVEL]
    if draw(w, 100) < percent:
        push_event(w, now + CARRY_MS, f.CARRY, u, v, AT_RANDOM, skill, 0, 0)


@kernel
def carry(w, u, v, cell, now):
    """Carry a unit to a cell, or with another one to a random place."""
    if cell == AT_RANDOM:
        snatch(w, u, v, now)
    else:
        x, y = cell_of(cell)
        carry_off(w, u, x, y, now)
