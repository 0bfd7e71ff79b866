"""Ground that a unit leaves behind as it walks."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.areas import add_area, area_over, remove_area
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.status_ids import PROPERTYWALK
from mlmonster_env.sim.statuses import VALUE_MASK, end_status, plain_value

# The value of one who leaves a trail: the last bits of the cell where it was seen last, above them how many cells it
# has left behind and of which element, and whether it has yet to be seen.
SPAN_BITS = 4
AXIS_SPAN = 1 << SPAN_BITS
WALKED_CELLS, CELLS_MASK = 2 * SPAN_BITS, (1 << 4) - 1
WALKED_ELEMENT, ELEMENT_MASK = 12, (1 << 3) - 1
JUST_BEGUN = 1 << 15
TRAIL_CELLS = 5


@small
def on_trail(w, at, owner, skill):
    """Whether an area is a cell that a unit has left behind with a skill."""
    match = w.match
    return match[at + f.A_END] != f.NEVER and match[at + f.A_OWNER] == owner and match[at + f.A_SKILL] == skill


@kernel
def lay_trail(w, u, skill, x, y, now):
    """Leave a cell behind; of too many the oldest goes. All cells of one skill strike at the same moments."""
    match = w.match
    first = max(match[f.NEXT_THINK], now)
    cells = 0
    oldest = f.AREAS
    for i in range(f.AREA_LIMIT):
        at = f.AREAS + i * f.AREA_WIDTH
        other = match[at + f.A_SKILL]
        if w.skills[other, k.AREA_PULSE] == k.PULSE_TRAIL and on_trail(w, at, u, other):
            if cells == 0 or match[at + f.A_END] < match[oldest + f.A_END]:
                oldest = at
            if other == skill:
                first = match[at + f.A_DUE]
            cells += 1
    if cells >= TRAIL_CELLS:
        remove_area(w, oldest)
    add_area(w, u, skill, x, y, now, first)


@kernel
def trail_skill(w, u, element):
    """The skill of a unit's list that leaves a trail of an element behind, or 0."""
    species = w.units[f.SPECIES, u]
    for r in range(w.species[species, f.ROWS]):
        skill = w.rows[species, r, f.R_SKILL]
        if w.skills[skill, k.AREA_PULSE] == k.PULSE_TRAIL and w.skills[skill, k.ELEMENT] == element:
            return skill
    return 0


@small
def back_from(value, here):
    """Where something was along one axis that has not gone far since, from the last bits of that."""
    return here + ((value - here + AXIS_SPAN // 2) & (AXIS_SPAN - 1)) - AXIS_SPAN // 2


@small
def walked(x, y, cells, element):
    """What the status of one who leaves a trail holds: a place, how many cells lie behind, of which element."""
    place = (x & (AXIS_SPAN - 1)) | (y & (AXIS_SPAN - 1)) << SPAN_BITS
    return place | cells << WALKED_CELLS | element << WALKED_ELEMENT


@kernel
def leave_trail(w, u, slot, now):
    """Where a unit that leaves a trail has moved since it was last looked at, enchant the cell that it came from."""
    s = w.units
    value = plain_value(w, u, slot)
    element = value >> WALKED_ELEMENT & ELEMENT_MASK
    cells = value >> WALKED_CELLS & CELLS_MASK
    x = back_from(value, s[f.X, u])
    y = back_from(value >> SPAN_BITS, s[f.Y, u])
    if value & JUST_BEGUN == 0 and x == s[f.X, u] and y == s[f.Y, u]:
        return
    if value & JUST_BEGUN == 0:
        skill = trail_skill(w, u, element)
        free = area_over(w, s[f.X, u], s[f.Y, u], k.PULSE_TRAIL) < 0 and area_over(w, x, y, k.PULSE_NO_AREAS) < 0
        if skill != 0 and free:
            lay_trail(w, u, skill, x, y, now)
            cells += 1
        if skill == 0 or cells >= w.skills[skill, k.AMOUNT]:
            end_status(w, u, PROPERTYWALK)
            return
    kept = s[f.STATUS_VALUE + slot, u] & ~VALUE_MASK
    s[f.STATUS_VALUE + slot, u] = kept | walked(s[f.X, u], s[f.Y, u], cells, element)
