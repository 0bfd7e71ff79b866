"""Ground that has been enchanted: where it lies, whom it covers, when it is used up."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.stats import int_of

HITS_BITS = 8
POINTS_OF_A_LEVEL = 65


@small
def covers(w, at, x, y):
    """Whether the area that lies at column `at` covers a cell."""
    match = w.match
    radius = w.skills[match[at + f.A_SKILL], k.AREA_RADIUS]
    return abs(match[at + f.A_X] - x) <= radius and abs(match[at + f.A_Y] - y) <= radius


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
def add_area(w, owner, skill, x, y, now, first):
    """Lay an area; with all places taken the oldest makes room. Where no area may live, nothing happens."""
    match = w.match
    clears = w.skills[skill, k.AREA_PULSE] == k.PULSE_NO_AREAS
    if not clears and match[f.AREA_AT] != f.NEVER and area_over(w, x, y, k.PULSE_NO_AREAS) >= 0:
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
    wall = w.skills[skill, k.AREA_PULSE] == k.PULSE_BLOCK_MELEE
    match[best + f.A_LEFT] = wall_of(w, owner, skill) if wall else w.skills[skill, k.AREA_LIMIT_HITS]
    refresh_areas(w)


@kernel
def pulses_of(w, owner, skill):
    """How often a unit's area of a skill without a limit of hits has acted; 0 where it has none."""
    match = w.match
    most = 0
    for i in range(f.AREA_LIMIT):
        at = f.AREAS + i * f.AREA_WIDTH
        if match[at + f.A_END] != f.NEVER and match[at + f.A_OWNER] == owner and match[at + f.A_SKILL] == skill:
            most = max(most, -match[at + f.A_LEFT])
    return most


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
def clear_areas(w, x, y, radius):
    """End every area whose centre lies within `radius` of a cell."""
    match = w.match
    for i in range(f.AREA_LIMIT):
        at = f.AREAS + i * f.AREA_WIDTH
        if match[at + f.A_END] != f.NEVER and max(abs(match[at + f.A_X] - x), abs(match[at + f.A_Y] - y)) <= radius:
            match[at + f.A_END] = f.NEVER
            match[at + f.A_DUE] = f.NEVER
    refresh_areas(w)
