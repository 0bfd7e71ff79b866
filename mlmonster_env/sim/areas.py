"""Ground that has been enchanted: where it lies, whom it covers, when it is used up."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import cell_number, cell_of, in_sight, walkable
from mlmonster_env.sim.shapes import WALL_CELLS, in_shape, place_in_wall, way_of_wall
from mlmonster_env.sim.stats import int_of

HITS_BITS = 8
POINTS_OF_A_LEVEL = 65

# A hole in an area takes nine cells: HOLE_BITS of A_SIDE above the side's own tell where its middle lies, 0 is none.
SIDE_BITS = 1
HOLE_LIMIT = 3
HOLE_BITS = 10
AXIS_BITS = HOLE_BITS // 2
AXIS_MIDDLE = 1 << AXIS_BITS - 1
HOLE_REACH = 1

# What is left of a wall of fire: the hits of each cell, above them which way it runs.
CELL_HITS_BITS = 5
MOST_CELL_HITS = (1 << CELL_HITS_BITS) - 1
WALL_WAY = WALL_CELLS * CELL_HITS_BITS


@small
def wall_place(w, at, x, y):
    """Which cell of the wall at column `at` a cell of the map is; -1 is none."""
    match = w.match
    return place_in_wall(match[at + f.A_LEFT] >> WALL_WAY, x - match[at + f.A_X], y - match[at + f.A_Y])


@small
def burns(w, at, x, y):
    """Whether the wall at column `at` still has hits on a cell of the map."""
    place = wall_place(w, at, x, y)
    return place >= 0 and w.match[at + f.A_LEFT] >> place * CELL_HITS_BITS & MOST_CELL_HITS != 0


@small
def side_of(w, at):
    """Whose area lies at column `at`."""
    return w.match[at + f.A_SIDE] & (1 << SIDE_BITS) - 1


@small
def has_holes(w, at):
    """Whether cells of an area are gone."""
    return w.match[at + f.A_SIDE] >> SIDE_BITS != 0


@kernel
def in_a_hole(w, at, dx, dy):
    """Whether a cell, as seen from the middle of an area, lies in one of its holes."""
    holes = w.match[at + f.A_SIDE] >> SIDE_BITS
    while holes != 0:
        x = (holes >> AXIS_BITS & (1 << AXIS_BITS) - 1) - AXIS_MIDDLE
        y = (holes & (1 << AXIS_BITS) - 1) - AXIS_MIDDLE
        if abs(dx - x) <= HOLE_REACH and abs(dy - y) <= HOLE_REACH:
            return True
        holes >>= HOLE_BITS
    return False


@small
def forbids(w, at):
    """Whether a living area at column `at` is ground that lets no other lie there."""
    return w.match[at + f.A_END] != f.NEVER and w.skills[w.match[at + f.A_SKILL], k.AREA_PULSE] == k.PULSE_NO_AREAS


@kernel
def laid(w, at, x, y):
    """Whether a cell was open ground when the area was laid and, where that counts, in sight of its caster."""
    match = w.match
    if w.rules[f.OPEN_MAP] != 0:
        return True
    if not walkable(w, x, y):
        return False
    skill = match[at + f.A_SKILL]
    if w.skills[skill, k.THROUGH_WALLS] != 0:
        return True
    if w.skills[skill, k.AREA_CELL_HITS] > 0:
        return in_sight(w, x, y, match[at + f.A_X], match[at + f.A_Y])
    from_x, from_y = cell_of(match[at + f.A_LEFT])
    return in_sight(w, x, y, from_x, from_y)


@kernel
def forbidden(w, skill, own, x, y):
    """Whether a cell of a skill's ground, which lies at column `own` or nowhere yet, lies on ground that forbids it."""
    match = w.match
    if w.skills[skill, k.STANDS_FAST] != 0:
        return False
    forbidding = 0
    for i in range(f.AREA_LIMIT):
        at = f.AREAS + i * f.AREA_WIDTH
        if at != own and forbids(w, at):
            dx = x - match[at + f.A_X]
            dy = y - match[at + f.A_Y]
            if (
                max(abs(dx), abs(dy)) <= w.skills[match[at + f.A_SKILL], k.AREA_RADIUS]
                and not in_a_hole(w, at, dx, dy)
                and laid(w, at, x, y)
            ):
                forbidding += 1
    return forbidding % 2 != 0  # each two of them have taken the cell from each other


@kernel
def may_lack_cells(w, at):
    """Whether an area may not cover all its square: by its shape, or some cells were taken, or are forbidden."""
    skill = w.match[at + f.A_SKILL]
    if has_holes(w, at) or w.skills[skill, k.AREA_SHAPE] != k.SQUARE:
        return True
    if w.skills[skill, k.STANDS_FAST] == 0:
        for i in range(f.AREA_LIMIT):
            other = f.AREAS + i * f.AREA_WIDTH
            if other != at and forbids(w, other):
                return True
    return False


@small
def cell_gone(w, at, dx, dy):
    """Whether a cell, as seen from the middle of an area, is not enchanted, or not any more."""
    x = w.match[at + f.A_X] + dx
    y = w.match[at + f.A_Y] + dy
    skill = w.match[at + f.A_SKILL]
    wall = w.skills[skill, k.AREA_SHAPE] == k.WALL
    lies = burns(w, at, x, y) if wall else in_shape(w, skill, 0, dx, dy)
    return not lies or in_a_hole(w, at, dx, dy) or forbidden(w, skill, at, x, y)


@kernel
def cell_that_reaches(w, at, x, y, past_walls):
    """Of an area's cells that reach a place the one furthest south, then west, and whether there is any.

    Past walls all its cells count; else those that are really there and have the place in sight.
    """
    match = w.match
    skill = match[at + f.A_SKILL]
    reach = w.skills[skill, k.AREA_REACH]
    cells = w.skills[skill, k.AREA_RADIUS] - reach
    place_x = x
    place_y = y
    x -= match[at + f.A_X]
    y -= match[at + f.A_Y]
    for dy in range(max(y - reach, -cells), min(y + reach, cells) + 1):
        for dx in range(max(x - reach, -cells), min(x + reach, cells) + 1):
            cell_x = match[at + f.A_X] + dx
            cell_y = match[at + f.A_Y] + dy
            if cell_gone(w, at, dx, dy):
                continue
            if past_walls or (laid(w, at, cell_x, cell_y) and in_sight(w, cell_x, cell_y, place_x, place_y)):
                return True, cell_x, cell_y
    return False, match[at + f.A_X] + 0, match[at + f.A_Y] + 0


@kernel
def any_cell_left(w, at):
    """Whether an area has a cell that is enchanted still."""
    skill = w.match[at + f.A_SKILL]
    cells = w.skills[skill, k.AREA_RADIUS] - w.skills[skill, k.AREA_REACH]
    for dy in range(-cells, cells + 1):
        for dx in range(-cells, cells + 1):
            if not cell_gone(w, at, dx, dy):
                return True
    return False


@small
def covers(w, at, x, y):
    """Whether the area that lies at column `at` covers a cell."""
    match = w.match
    radius = w.skills[match[at + f.A_SKILL], k.AREA_RADIUS]
    if abs(match[at + f.A_X] - x) > radius or abs(match[at + f.A_Y] - y) > radius:
        return False
    return not may_lack_cells(w, at) or cell_that_reaches(w, at, x, y, True)[0]


@kernel
def works_on(w, at, x, y):
    """Whether the area that lies at column `at` does something on a cell: it covers it, and no wall is between."""
    return covers(w, at, x, y) and (w.rules[f.OPEN_MAP] != 0 or cell_that_reaches(w, at, x, y, False)[0])


@kernel
def area_over(w, x, y, pulse):
    """The first living area with this pulse that covers a cell, as a column of the match array, or -1."""
    match = w.match
    for i in range(f.AREA_LIMIT):
        at = f.AREAS + i * f.AREA_WIDTH
        if (
            match[at + f.A_END] != f.NEVER
            and w.skills[match[at + f.A_SKILL], k.AREA_PULSE] == pulse
            and covers(w, at, x, y)
        ):
            return at
    return -1


@kernel
def remove_area(w, at):
    """End an area and find out when the next one acts."""
    match = w.match
    match[at + f.A_END] = f.NEVER
    match[at + f.A_DUE] = f.NEVER
    refresh_areas(w)


@kernel
def refresh_areas(w):
    """Note when the next area acts or ends."""
    match = w.match
    due = f.NEVER
    for i in range(f.AREA_LIMIT):
        at = f.AREAS + i * f.AREA_WIDTH
        if match[at + f.A_END] != f.NEVER:
            due = min(due, match[at + f.A_DUE], match[at + f.A_END])
    match[f.AREA_AT] = due


@small
def wall_of(w, owner, skill):
    """What a wall against blows holds: how many, and above HITS_BITS how much damage, if that is limited."""
    points = w.skills[skill, k.AMOUNT]
    if points > 0:
        s = w.units
        points += POINTS_OF_A_LEVEL * (w.species[s[f.SPECIES, owner], f.LEVEL] + int_of(w, owner)) + s[f.SP, owner]
    return points << HITS_BITS | w.skills[skill, k.AREA_LIMIT_HITS]


@kernel
def use_up_wall(w, at, damage):
    """Let a blow fall on a wall; it is gone with the last blow, or the last point, that it holds."""
    match = w.match
    hits = (match[at + f.A_LEFT] & (1 << HITS_BITS) - 1) - 1
    points = match[at + f.A_LEFT] >> HITS_BITS
    broken = points > 0 and points <= damage
    if hits <= 0 or broken:
        remove_area(w, at)
    else:
        match[at + f.A_LEFT] = max(points - damage, 0) << HITS_BITS | hits


@kernel
def fire_of(w, owner, skill, x, y):
    """What is left of a wall as it is laid: its way, and all hits of the cells that its caster sees, 0 for no cell."""
    s = w.units
    way = way_of_wall(x - s[f.X, owner], y - s[f.Y, owner])
    hits = min(w.skills[skill, k.AREA_CELL_HITS], MOST_CELL_HITS)
    left = 0
    for dy in range(-1, 2):
        for dx in range(-1, 2):
            place = place_in_wall(way, dx, dy)
            if (
                place >= 0
                and walkable(w, x + dx, y + dy)
                and in_sight(w, x + dx, y + dy, s[f.X, owner], s[f.Y, owner])
                and not forbidden(w, skill, 0, x + dx, y + dy)
            ):
                left |= hits << place * CELL_HITS_BITS
    return way << WALL_WAY | left if left != 0 else 0


@kernel
def use_up_fire(w, at, place):
    """Let a cell of a wall burn once; how often it still can."""
    match = w.match
    match[at + f.A_LEFT] -= 1 << place * CELL_HITS_BITS
    if match[at + f.A_LEFT] & (1 << WALL_WAY) - 1 == 0:
        match[at + f.A_END] = f.NEVER
        match[at + f.A_DUE] = f.NEVER
    return match[at + f.A_LEFT] >> place * CELL_HITS_BITS & MOST_CELL_HITS


@kernel
def what_is_left(w, owner, skill, x, y):
    """What an area keeps when it is laid: how much of it there is to use up, or else from where it was laid."""
    if w.skills[skill, k.AREA_PULSE] == k.PULSE_BLOCK_MELEE:
        return wall_of(w, owner, skill)
    if w.skills[skill, k.AREA_SHAPE] == k.WALL:
        return fire_of(w, owner, skill, x, y)
    if w.skills[skill, k.AREA_CELL_HITS] > 0:
        return 0
    return cell_number(w.units[f.X, owner], w.units[f.Y, owner])


@kernel
def finds_ground(w, skill, x, y):
    """Whether some cell of an area around a place would not be forbidden."""
    cells = w.skills[skill, k.AREA_RADIUS] - w.skills[skill, k.AREA_REACH]
    for dy in range(-cells, cells + 1):
        for dx in range(-cells, cells + 1):
            if in_shape(w, skill, 0, dx, dy) and not forbidden(w, skill, 0, x + dx, y + dy):
                return True
    return False


@kernel
def withdraw(w, owner):
    """End the ground of a unit's that forbids other ground: it has one at most."""
    for i in range(f.AREA_LIMIT):
        at = f.AREAS + i * f.AREA_WIDTH
        if forbids(w, at) and w.match[at + f.A_OWNER] == owner:
            remove_area(w, at)


@kernel
def end_forbidden(w):
    """End ground of which no cell is left."""
    for i in range(f.AREA_LIMIT):
        at = f.AREAS + i * f.AREA_WIDTH
        if w.match[at + f.A_END] != f.NEVER and not forbids(w, at) and not any_cell_left(w, at):
            remove_area(w, at)


@kernel
def add_area(w, owner, skill, x, y, now, first):
    """Lay an area; with all places taken the oldest makes room. Where no cell of it may live, nothing happens."""
    match = w.match
    clears = w.skills[skill, k.AREA_PULSE] == k.PULSE_NO_AREAS
    wall = w.skills[skill, k.AREA_SHAPE] == k.WALL
    left = what_is_left(w, owner, skill, x, y)
    if clears:
        withdraw(w, owner)
    elif wall:
        if left == 0:
            return
    elif match[f.AREA_AT] != f.NEVER and not finds_ground(w, skill, x, y):
        return
    best = f.AREAS
    for i in range(f.AREA_LIMIT):
        at = f.AREAS + i * f.AREA_WIDTH
        if match[at + f.A_END] == f.NEVER:
            best = at
            break
        if match[at + f.A_END] < match[best + f.A_END]:
            best = at
    match[best + f.A_DUE] = first
    match[best + f.A_END] = now + w.skills[skill, k.AREA_MS]
    match[best + f.A_SKILL] = skill
    match[best + f.A_OWNER] = owner
    match[best + f.A_SIDE] = w.units[f.SIDE, owner]
    match[best + f.A_X] = x
    match[best + f.A_Y] = y
    match[best + f.A_LEFT] = left
    refresh_areas(w)
    if clears:
        end_forbidden(w)


@kernel
def end_areas_of(w, owner):
    """End all that a unit has laid, who dies or whose place another takes."""
    match = w.match
    for i in range(f.AREA_LIMIT):
        at = f.AREAS + i * f.AREA_WIDTH
        if match[at + f.A_END] != f.NEVER and match[at + f.A_OWNER] == owner:
            match[at + f.A_END] = f.NEVER
            match[at + f.A_DUE] = f.NEVER
    refresh_areas(w)


@kernel
def clear_cells(w, x, y):
    """Take the nine cells around a place from every area; one that has no cell left is gone."""
    match = w.match
    for i in range(f.AREA_LIMIT):
        at = f.AREAS + i * f.AREA_WIDTH
        if match[at + f.A_END] == f.NEVER:
            continue
        dx = x - match[at + f.A_X]
        dy = y - match[at + f.A_Y]
        skill = match[at + f.A_SKILL]
        cells = w.skills[skill, k.AREA_RADIUS] - w.skills[skill, k.AREA_REACH]
        if max(abs(dx), abs(dy)) > cells + HOLE_REACH:
            continue
        hole = (dx + AXIS_MIDDLE) << AXIS_BITS | (dy + AXIS_MIDDLE)
        for i_hole in range(HOLE_LIMIT):
            shift = SIDE_BITS + i_hole * HOLE_BITS
            found = match[at + f.A_SIDE] >> shift & (1 << HOLE_BITS) - 1
            if found == 0:
                match[at + f.A_SIDE] |= hole << shift
            if found == 0 or found == hole:
                break
        if not any_cell_left(w, at):
            match[at + f.A_END] = f.NEVER
            match[at + f.A_DUE] = f.NEVER
    refresh_areas(w)
