"""The blocks beside the state: the ground as a grid, the nearest units, the skills on show; and all by the batch."""

from mlmonster_env.contract import ENTITY_KIND_ROWS, GRID_CELLS, SIGHT, SKILL_SLOTS
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.areas import covers, may_lack_cells, side_of, works_on
from mlmonster_env.sim.compiled import entry, kernel, small
from mlmonster_env.sim.geometry import apart, cell_of, inside, places
from mlmonster_env.sim.lines import in_line
from mlmonster_env.sim.observe import bad_statuses, observe_state
from mlmonster_env.sim.offers import NO_OFFER, chooses_freely, free_row, kind_of_row, offer_of, row_of_slot
from mlmonster_env.sim.posture import enemies
from mlmonster_env.sim.shapes import in_shape, way_of_wall
from mlmonster_env.sim.signals import leader_of
from mlmonster_env.sim.waves import centre_of
from mlmonster_env.sim.world import world_at

HALF = GRID_CELLS // 2
WALLS, ALLIES, ENEMIES, THREAT, HAZARDS, OWN_GROUND, ITEMS, TARGET = range(8)


@small
def clipped(value):
    """A number brought into [0, 1]."""
    return min(max(value, 0.0), 1.0)


@kernel
def draw_square(w, u, grid, channel, x, y, radius, value):
    """Raise a channel to at least `value` in the square of cells around a place."""
    left = x - w.units[f.X, u] + HALF
    bottom = y - w.units[f.Y, u] + HALF
    for gy in range(max(bottom - radius, 0), min(bottom + radius + 1, GRID_CELLS)):
        for gx in range(max(left - radius, 0), min(left + radius + 1, GRID_CELLS)):
            grid[channel, gy, gx] = max(grid[channel, gy, gx], value)


@kernel
def draw_cells(w, u, grid, channel, at):
    """Raise a channel in the cells that an area still covers."""
    for gy in range(GRID_CELLS):
        for gx in range(GRID_CELLS):
            if covers(w, at, w.units[f.X, u] + gx - HALF, w.units[f.Y, u] + gy - HALF):
                grid[channel, gy, gx] = 1.0


@kernel
def draw_ground(w, u, grid):
    """Walls, hazardous ground, enchanted ground and items."""
    s = w.units
    for gy in range(GRID_CELLS):
        for gx in range(GRID_CELLS):
            x = s[f.X, u] + gx - HALF
            y = s[f.Y, u] + gy - HALF
            if not inside(w, x, y) or w.cells[y, x] & f.WALKABLE_CELL == 0:
                grid[WALLS, gy, gx] = 1.0
            elif w.cells[y, x] & f.HAZARD_CELL != 0:
                grid[HAZARDS, gy, gx] = 1.0
    for i in range(f.AREA_LIMIT):
        at = f.AREAS + i * f.AREA_WIDTH
        if w.match[at + f.A_END] != f.NEVER:
            channel = OWN_GROUND if side_of(w, at) == s[f.SIDE, u] else HAZARDS
            radius = w.skills[w.match[at + f.A_SKILL], k.AREA_RADIUS]
            if may_lack_cells(w, at):
                draw_cells(w, u, grid, channel, at)
            else:
                draw_square(w, u, grid, channel, w.match[at + f.A_X], w.match[at + f.A_Y], radius, 1.0)
    for i in range(f.ITEM_LIMIT):
        at = f.ITEMS + i * f.ITEM_WIDTH
        if w.match[at + f.I_HOLDER] == f.NOBODY:
            draw_square(w, u, grid, ITEMS, w.match[at + f.I_X], w.match[at + f.I_Y], 0, 1.0)


@kernel
def draw_line(w, u, grid, channel, v, skill, x, y, value):
    """Raise a channel to at least `value` along the line of another unit's skill towards a place."""
    for gy in range(GRID_CELLS):
        for gx in range(GRID_CELLS):
            cell_x = w.units[f.X, u] + gx - HALF
            cell_y = w.units[f.Y, u] + gy - HALF
            if inside(w, cell_x, cell_y) and in_line(w, v, skill, x, y, cell_x, cell_y):
                grid[channel, gy, gx] = max(grid[channel, gy, gx], value)


@kernel
def draw_shape(w, u, grid, channel, v, skill, x, y, value):
    """Raise a channel to at least `value` where another unit's skill will enchant cells around a place."""
    way = way_of_wall(x - w.units[f.X, v], y - w.units[f.Y, v])
    radius = w.skills[skill, k.AREA_RADIUS]
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if in_shape(w, skill, way, dx, dy):
                draw_square(w, u, grid, channel, x + dx, y + dy, 0, value)


@kernel
def draw_cast(w, u, v, grid):
    """Ground that is about to burn: wherever an enemy's cast under way may fall as things stand."""
    s = w.units
    skill = s[f.CAST_SKILL, v]
    if s[f.CAST_AT, v] == f.NEVER or w.skills[skill, k.KIND] == k.KIND_HELP:
        return
    x, y = cell_of(centre_of(w, v, s[f.CAST_ON, v], skill))
    radius = max(w.skills[skill, k.SPLASH] + w.skills[skill, k.SCATTER], w.skills[skill, k.AREA_RADIUS])
    if w.skills[skill, k.FLAGS] & k.LINE != 0:
        draw_line(w, u, grid, HAZARDS, v, skill, x, y, 0.5)
    elif w.skills[skill, k.AREA_SHAPE] != k.SQUARE:
        draw_shape(w, u, grid, HAZARDS, v, skill, x, y, 0.5)
    elif radius > 0:
        draw_square(w, u, grid, HAZARDS, x, y, radius, 0.5)


@kernel
def observe_grid(w, u, grid):
    """Write a unit's grid: channels x 32 x 32 cells, itself at [16, 16], y upwards; zeros for the dead."""
    s = w.units
    grid[:] = 0.0
    if s[f.ALIVE, u] == 0:
        return
    draw_ground(w, u, grid)
    for v in range(places(w)):
        if s[f.ALIVE, v] == 0:
            continue
        hp = s[f.HP, v] / w.species[s[f.SPECIES, v], f.MAX_HP]
        x = s[f.X, v]
        y = s[f.Y, v]
        if not enemies(w, u, v):
            draw_square(w, u, grid, ALLIES, x, y, 0, clipped(0.2 + 0.8 * hp))
            continue
        draw_square(w, u, grid, ENEMIES, x, y, 0, clipped(0.2 + 0.8 * hp))
        draw_square(w, u, grid, THREAT, x, y, w.species[s[f.SPECIES, v], f.RANGE], 1.0 if s[f.TARGET, v] == u else 0.5)
        draw_cast(w, u, v, grid)
        if s[f.TARGET, u] == v:
            draw_square(w, u, grid, TARGET, x, y, 0, 1.0)


@kernel
def describe_unit(w, u, v, row):
    """The features of another unit, as contract.ENTITY_FEATURES names them."""
    s = w.units
    species = s[f.SPECIES, v]
    casts = s[f.CAST_AT, v] != f.NEVER
    row[0] = 1.0
    row[1] = enemies(w, u, v)
    row[2] = clipped(0.5 + (s[f.X, v] - s[f.X, u]) / (2 * SIGHT))
    row[3] = clipped(0.5 + (s[f.Y, v] - s[f.Y, u]) / (2 * SIGHT))
    row[4] = clipped(apart(w, u, v) / SIGHT)
    row[5] = clipped(s[f.HP, v] / w.species[species, f.MAX_HP])
    row[6] = clipped(w.species[species, f.LEVEL] / 250)
    row[7] = clipped(w.species[species, f.RANGE] / SIGHT)
    row[8] = s[f.TARGET, v] == u
    row[9] = s[f.TARGET, u] == v
    row[10] = casts
    row[11] = casts and s[f.CAST_ON, v] == u
    row[12] = s[f.STEP_AT, v] != f.NEVER
    row[13] = clipped(bad_statuses(w, v) / 5)
    row[14] = w.species[species, f.IS_PLAYER] != 0
    row[15] = leader_of(w, v) == v


@kernel
def next_nearest(w, u, hostile, after_cells, after):
    """The next unit of one side by distance and place, after one that was taken; NOBODY when all are."""
    s = w.units
    found = f.NOBODY
    best = SIGHT + 1
    for v in range(places(w)):
        if v == u or s[f.ALIVE, v] == 0 or enemies(w, u, v) != hostile:
            continue
        cells = apart(w, u, v)
        if cells > SIGHT or cells < after_cells or (cells == after_cells and v <= after):
            continue
        if cells < best:
            best = cells
            found = v
    return found


@kernel
def observe_entities(w, u, rows):
    """Write the rows of the enemies nearest to a unit, then of its nearest allies; zeros where there is nobody."""
    rows[:] = 0.0
    if w.units[f.ALIVE, u] == 0:
        return
    for hostile in range(2):
        first = 0 if hostile == 1 else ENTITY_KIND_ROWS
        cells = -1
        last = f.NOBODY
        for i in range(ENTITY_KIND_ROWS):
            v = next_nearest(w, u, hostile == 1, cells, last)
            if v == f.NOBODY:
                break
            describe_unit(w, u, v, rows[first + i])
            cells = apart(w, u, v)
            last = v


@kernel
def describe_row(w, u, r, offer, row):
    """The features of a skill row, as contract.SKILL_FEATURES names them."""
    s = w.units
    now = w.match[f.CLOCK]
    species = s[f.SPECIES, u]
    source = w.rows[species, r]
    skill = source[f.R_SKILL]
    kind = kind_of_row(w, species, r)
    delay = source[f.R_DELAY]
    left = max(s[f.SKILL_DELAY + source[f.R_GROUP], u] - now, 0)
    ready, _ = free_row(w, u, r, now)
    row[0] = 1.0
    row[1] = r == offer or (ready and chooses_freely(w, u))
    row[2] = ready
    row[3] = clipped(left / delay) if delay > 0 else 0.0
    row[4] = clipped(source[f.R_RATE] / 10000)
    row[5] = kind == k.KIND_HARM
    row[6] = kind == k.KIND_HELP
    row[7] = kind == k.KIND_FIELD
    row[8] = clipped(w.skills[skill, k.REACH] / SIGHT)
    row[9] = clipped(source[f.R_CAST] / 5000)
    row[10] = clipped(max(w.skills[skill, k.SPLASH], w.skills[skill, k.AREA_RADIUS]) / 7)
    row[11] = w.skills[skill, k.DAMAGE] == k.WEAPON
    row[12] = w.skills[skill, k.DAMAGE] == k.MAGIC
    row[13] = clipped(w.skills[skill, k.RATIO] / 1000) if w.skills[skill, k.DAMAGE] != k.NO_DAMAGE else 0.0
    row[14] = clipped(delay / 30000)
    row[15] = source[f.R_TARGET] == f.ON_SELF


@kernel
def observe_skills(w, u, rows):
    """Write the rows of a unit's skill slots; zeros where a slot is empty."""
    rows[:] = 0.0
    if w.units[f.ALIVE, u] == 0:
        return
    offer = NO_OFFER if chooses_freely(w, u) else offer_of(w, u, w.match[f.CLOCK])
    for slot in range(SKILL_SLOTS):
        r = row_of_slot(w, u, slot, offer)
        if r != NO_OFFER:
            describe_row(w, u, r, offer, rows[slot])


@entry
def observe_states(words, matches, units, states):
    """The state vectors of the units named by `matches` and `units`."""
    for i in range(matches.shape[0]):
        observe_state(world_at(words[matches[i]].ctypes.data), units[i], states[i])


@entry
def observe_grids(words, matches, units, grids):
    """The grids of the units named by `matches` and `units`."""
    for i in range(matches.shape[0]):
        observe_grid(world_at(words[matches[i]].ctypes.data), units[i], grids[i])


@entry
def observe_many_entities(words, matches, units, rows):
    """The entities around the units named by `matches` and `units`."""
    for i in range(matches.shape[0]):
        observe_entities(world_at(words[matches[i]].ctypes.data), units[i], rows[i])


@entry
def observe_many_skills(words, matches, units, rows):
    """The skills of the units named by `matches` and `units`."""
    for i in range(matches.shape[0]):
        observe_skills(world_at(words[matches[i]].ctypes.data), units[i], rows[i])


@entry
def draw_area(words, match, at, cells):
    """Mark in a square of cells, indexed [y, x], on which of them the area at column `at` of a match works."""
    w = world_at(words[match].ctypes.data)
    radius = cells.shape[0] // 2
    for y in range(cells.shape[0]):
        for x in range(cells.shape[1]):
            cells[y, x] = works_on(w, at, w.match[at + f.A_X] + x - radius, w.match[at + f.A_Y] + y - radius)
