"""The strikes of a cast one after the other: around a cell, hurled at one victim, or gifts of statuses."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.areas import area_over
from mlmonster_env.sim.bowling import bowl
from mlmonster_env.sim.carrying import prepare_to_carry
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.events import push_event
from mlmonster_env.sim.geometry import apart, cell_number, cell_of, heading, in_sight, places, walkable
from mlmonster_env.sim.hurt import try_skill_statuses
from mlmonster_env.sim.posture import enemies
from mlmonster_env.sim.rest import rouse
from mlmonster_env.sim.stats import attack_motion
from mlmonster_env.sim.status_ids import ROW_STRUCK
from mlmonster_env.sim.statuses import has_status, put_status
from mlmonster_env.sim.strikes import in_strike, out_of_reach, seen_from, strike_one
from mlmonster_env.sim.walking import flinch

LEAP_CELLS = 5

# Which way rows of cells run, above WAY_SHIFT bits that tell how many are to come.
NORTH, SOUTH, EAST, WEST = range(4)
WAY_SHIFT = 6


@kernel
def strike_all(w, u, target, skill, x, y, at_once, now):
    """A strike on one victim, or on everybody it reaches around the cell (x, y)."""
    s = w.units
    in_line = w.skills[skill, k.FLAGS] & k.LINE != 0
    victims = 0
    dealt = 0
    if w.skills[skill, k.SPLASH] > 0 or in_line:
        if w.skills[skill, k.BOWLS] != 0:
            bowl(w, u, target, skill, now)
            return
        for v in range(places(w)):
            if in_strike(w, u, v, skill, x, y):
                victims += 1
        for v in range(places(w)):
            if in_strike(w, u, v, skill, x, y) and (in_line or seen_from(w, v, x, y)):
                dealt += strike_one(w, u, v, skill, victims, x, y, at_once, now)
    alone = (w.skills[skill, k.SPLASH] <= 0 or in_line) and w.skills[skill, k.FRONT] == 0
    if alone and dealt == 0 and target != u and s[f.ALIVE, target] != 0:
        # Most lines that do nobody harm strike their target all the same, be it for a second time.
        strike_one(w, u, target, skill, 1, x, y, at_once, now)


@kernel
def give_statuses(w, u, v, skill, x, y, due, now):
    """A skill that only gives statuses: to its target, or at `due` to all now around the cell (x, y)."""
    s = w.units
    radius = w.skills[skill, k.SPLASH]
    if w.skills[skill, k.EFFECT] == k.AREA and w.skills[skill, k.FIRST_MS] > 0:  # a trap whose work is felt late
        due = now + w.skills[skill, k.FIRST_MS]
        if radius <= 0:
            push_event(w, due, f.GIFT, u, v, 0, skill, 0, 0)
            return
    if radius <= 0:
        if s[f.ALIVE, v] != 0:
            try_skill_statuses(w, u, v, skill, 0, now)
        return
    helps = w.skills[skill, k.KIND] == k.KIND_HELP
    for other in range(places(w)):
        if (
            s[f.ALIVE, other] != 0
            and enemies(w, u, other) != helps
            and max(abs(s[f.X, other] - x), abs(s[f.Y, other] - y)) <= radius
        ):
            if due > now:
                push_event(w, due, f.GIFT, u, other, 0, skill, 0, 0)
            else:
                try_skill_statuses(w, u, other, skill, 0, now)


@small
def centre_of(w, u, v, skill):
    """The cell around which a skill works: its caster's, the one it was cast at, or its target's."""
    s = w.units
    centre = w.skills[skill, k.CENTRE]
    if centre == k.AT_SELF:
        return cell_number(s[f.X, u], s[f.Y, u])
    if centre == k.AT_GROUND and w.skills[skill, k.AIM] == k.AIM_GROUND:
        return cell_number(s[f.CAST_X, u], s[f.CAST_Y, u])
    return cell_number(s[f.X, v], s[f.Y, v])


@kernel
def open_to(w, u, x, y):
    """Whether a unit could enchant a cell: it sees it, nobody forbids it, and no wall stands there."""
    s = w.units
    seen = walkable(w, x, y) and in_sight(w, x, y, s[f.X, u], s[f.Y, u])
    return seen and area_over(w, x, y, k.PULSE_NO_AREAS) < 0


@kernel
def cells_in_sight(w, u, radius):
    """How many cells around a unit, its own with them, it sees and could lay ground on."""
    s = w.units
    cells = 0
    for y in range(s[f.Y, u] - radius, s[f.Y, u] + radius + 1):
        for x in range(s[f.X, u] - radius, s[f.X, u] + radius + 1):
            cells += open_to(w, u, x, y)
    return cells


@kernel
def hold(w, u, ms, now):
    """Keep a unit in place for a while, as what it hurls does; the status immune walk on."""
    s = w.units
    if s[f.MODE, u] & f.STATUS_IMMUNE != 0:
        return
    rouse(w, u)
    s[f.HOLD_UNTIL, u] = max(s[f.HOLD_UNTIL, u], now + ms)
    flinch(w, u, now)


@kernel
def leap(w, u, v):
    """Whom the next of several blades flies at: any enemy around the last victim, each as likely."""
    s = w.units
    found = 0
    chosen = v
    for other in range(places(w)):
        if s[f.ALIVE, other] != 0 and enemies(w, u, other) and apart(w, v, other) <= LEAP_CELLS:
            found += 1
            if draw(w, found) == 0:
                chosen = other
    return chosen


@kernel
def hurl(w, u, v, skill, left, now):
    """One of the strikes that a cast hurls, after which `left` more come."""
    s = w.units
    how = w.skills[skill, k.HURLED]
    if left > 0:
        following = leap(w, u, v) if how == k.HURLED_LEAPING else v
        push_event(w, now + w.skills[skill, k.WAVE_MS], f.STRIKE_AGAIN, u, following, 0, skill, left - 1, 0)
        if how == k.HURLED_FROM_CELLS:
            hold(w, u, w.skills[skill, k.WAVE_MS], now)
    past_walls = how == k.HURLED_LEAPING or how == k.HURLED_PAST_WALLS
    if s[f.ALIVE, v] != 0 and (past_walls or in_sight(w, s[f.X, u], s[f.Y, u], s[f.X, v], s[f.Y, v])):
        strike_one(w, u, v, skill, 1, s[f.X, v], s[f.Y, v], False, now)


@small
def ways_of_run(way):
    """One of four ways as steps along x and y."""
    return (way == EAST) - (way == WEST), (way == NORTH) - (way == SOUTH)


@small
def way_of_run(dx, dy):
    """Which of the four ways rows run that are sent so far off: aslant is north or south, to one's own cell is east."""
    x, y = heading(dx, dy)
    if y != 0:
        return NORTH if y > 0 else SOUTH
    return WEST if x < 0 else EAST


@small
def under_row(w, u, v, skill, x, y, dx, dy):
    """Whether a unit stands in what a row of cells around (x, y) reaches, which has run there by such steps.

    Of the row's cells the one nearest to it counts: an open one in sight of the caster, with the unit in its own sight.
    """
    s = w.units
    reach = w.skills[skill, k.RUNS]
    half = w.skills[skill, k.SPLASH]
    far_x = s[f.X, v] - x
    far_y = s[f.Y, v] - y
    along = far_x * dx + far_y * dy
    aside = far_x * abs(dy) + far_y * abs(dx)
    if abs(along) > reach or abs(aside) > half + reach:
        return False
    nearest = min(max(aside, -half), half)
    x += nearest * abs(dy)
    y += nearest * abs(dx)
    return open_to(w, u, x, y) and in_sight(w, x, y, s[f.X, v], s[f.Y, v])


@kernel
def run_on(w, u, skill, cell, left, now):
    """One row of cells that run from their caster, after which more come; whom it strikes, others spare for a while."""
    s = w.units
    dx, dy = ways_of_run(left >> WAY_SHIFT)
    x, y = cell_of(cell)
    x += dx
    y += dy
    if left & (1 << WAY_SHIFT) - 1 > 0:
        push_event(w, now + w.skills[skill, k.WAVE_MS], f.STRIKE_AGAIN, u, u, cell_number(x, y), skill, left - 1, 0)
    for v in range(places(w)):
        if (
            s[f.ALIVE, v] != 0
            and enemies(w, u, v)
            and not out_of_reach(w, u, v)
            and not has_status(w, v, ROW_STRUCK)
            and under_row(w, u, v, skill, x, y, dx, dy)
        ):
            put_status(w, v, ROW_STRUCK, now + w.skills[skill, k.AMOUNT], 0, now)
            strike_one(w, u, v, skill, 1, x, y, True, now)


@kernel
def strike_around(w, u, v, skill, cell, left, at_once, now):
    """One wave of a skill around a cell, after which `left` more come."""
    if w.skills[skill, k.HURLED] != 0:
        hurl(w, u, v, skill, left, now)
        return
    if w.skills[skill, k.RUNS] > 0:
        run_on(w, u, skill, cell, left, now)
        return
    if left > 0:
        push_event(w, now + w.skills[skill, k.WAVE_MS], f.STRIKE_AGAIN, u, v, cell, skill, left - 1, 0)
    if w.skills[skill, k.CENTRE] != k.AT_GROUND:
        cell = centre_of(w, u, v, skill)
    x, y = cell_of(cell)
    scatter = w.skills[skill, k.SCATTER]
    if scatter > 0:
        x += draw(w, 2 * scatter + 1) - scatter
        y += draw(w, 2 * scatter + 1) - scatter  # what falls from the sky is ground of its cell
        if not open_to(w, u, x, y):
            return
    if w.skills[skill, k.EFFECT] == k.GIVE_STATUS:
        give_statuses(w, u, v, skill, x, y, now, now)
    else:
        strike_all(w, u, v, skill, x, y, at_once, now)


@kernel
def start_waves(w, u, v, skill, now):
    """The strikes of one cast, or its gift of statuses: the first at once or later, each further one after the last."""
    # What is not aimed at a unit goes on when that unit dies.
    target = u if w.skills[skill, k.CENTRE] != k.AT_TARGET and w.skills[skill, k.SPLASH] > 0 else v
    cell = centre_of(w, u, v, skill)
    left = max(w.skills[skill, k.WAVES], 1) - 1
    first = w.skills[skill, k.FIRST_MS]
    if w.skills[skill, k.HURLED] == k.HURLED_FROM_CELLS:
        left = min(left, cells_in_sight(w, u, w.skills[skill, k.AMOUNT]) - 1)
        if left < 0:
            return
        hold(w, u, first, now)
    elif w.skills[skill, k.HURLED] == k.HURLED_LEAPING:
        first = attack_motion(w, u)
    elif w.skills[skill, k.RUNS] > 0:
        x, y = cell_of(cell)
        left |= way_of_run(x - w.units[f.X, u], y - w.units[f.Y, u]) << WAY_SHIFT
        cell = cell_number(w.units[f.X, u], w.units[f.Y, u])
    if w.skills[skill, k.CARRIES] == k.CARRIES_ALL:
        prepare_to_carry(w, u, now)
    gift = w.skills[skill, k.EFFECT] == k.GIVE_STATUS and w.skills[skill, k.AIM] == k.AIM_GROUND
    if gift and first > 0 and w.skills[skill, k.SPLASH] > 0:
        # What is cast on a cell chooses its victims now, what is cast around oneself when it takes effect.
        x, y = cell_of(cell)
        give_statuses(w, u, target, skill, x, y, now + first, now)
    elif first > 0:
        push_event(w, now + first, f.STRIKE_AGAIN, u, target, cell, skill, left, 0)
    else:
        strike_around(w, u, target, skill, cell, left, False, now)
