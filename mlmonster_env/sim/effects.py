"""What a skill does when its cast is over."""

import numpy as np

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim import status_columns as c
from mlmonster_env.sim.account import count
from mlmonster_env.sim.afflict import begin_status, release, start_delays
from mlmonster_env.sim.areas import JUST_BEGUN, WALKED_ELEMENT, add_area, area_over, clear_cells
from mlmonster_env.sim.bits import lowest_bit
from mlmonster_env.sim.casting import check_event, free_cell_near, sp_cost
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.changes import break_cast, change_mode, clear_buffs, cure, dispel, give_hp, revenge, transform
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.damage import (
    NORMAL_ATTACK,
    attack_lands,
    heal_burns,
    heal_harm,
    hits_of,
    is_ranged,
    skill_damage,
    soul_points,
)
from mlmonster_env.sim.defence import by_damage_taken, takes_one, undead, undead_or_demon
from mlmonster_env.sim.events import push_event
from mlmonster_env.sim.geometry import WALKABLE, apart, face, heading, in_sight, inside, line_is, places, walkable
from mlmonster_env.sim.hurt import die, heal, hurt, try_skill_statuses
from mlmonster_env.sim.lines import in_line
from mlmonster_env.sim.posture import enemies, halt, unlock
from mlmonster_env.sim.rest import rouse, rouse_all
from mlmonster_env.sim.shields import BLOCKED, WALLED, answer_with_pain, send_spell, shielded, warded
from mlmonster_env.sim.spawn import summon
from mlmonster_env.sim.stats import attack_delay, attack_motion, defter
from mlmonster_env.sim.status_ids import FREEZE, PROPERTYWALK
from mlmonster_env.sim.statuses import end_flagged, end_status, has_status
from mlmonster_env.sim.walking import flinch
from mlmonster_env.sim.warps import (
    call_slaves,
    carry_off,
    draw_in,
    lunge,
    pass_by,
    place_at,
    push_away,
    random_cell,
    run_away,
    slip_away,
    snatch,
    teleport,
)

# A cell in one number, as events keep it.
CELL_BITS = 16

SUCCESS_OF_A_DEX = 2  # per mille

CARRY_MS = 800
CARRY_PERCENT, CARRY_OF_A_LEVEL = 50, 5
STREWN_CELLS = 2
LEAP_CELLS = 5
AT_RANDOM = -1

GUTTER_CELLS = 40
DIRECTIONS = 8


@small
def cell_number(x, y):
    """A cell of the map as one number."""
    return y << CELL_BITS | x


@small
def cell_of(number):
    """The x and y of a cell number."""
    return number & (1 << CELL_BITS) - 1, number >> CELL_BITS


@small
def untouched(w, v, skill):
    """Whether the skill passes a unit by that stands where it works: the frozen, or undead and demons."""
    flags = w.skills[skill, k.FLAGS]
    if flags & k.SPARES_FROZEN != 0 and has_status(w, v, FREEZE):
        return True
    return flags & k.SPARES_UNDEAD_AND_DEMONS != 0 and undead_or_demon(w, v)


@small
def out_of_reach(w, u, v):
    """Whether a unit hides so deep that nothing which is not aimed at it hits it."""
    return w.units[f.STATUS_FLAGS, v] & c.OUT_OF_REACH != 0 and w.units[f.MODE, u] & f.DETECTOR == 0


@small
def notices(w, v):
    """Whether a victim minds a skill that does nothing to it: if its skill list waits for one."""
    return w.species[w.units[f.SPECIES, v], f.EVENT_ROWS] & f.HAS_SKILL_USED != 0


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


@kernel
def strike_one(w, u, v, skill, shared_by, x, y, at_once, now):
    """One victim's share of a strike whose centre is the cell (x, y); returns the damage that is under way."""
    s = w.units
    kind = w.skills[skill, k.DAMAGE]
    if (s[f.STATUS_FLAGS, u] & c.NO_THINK != 0 and w.skills[skill, k.HURLED] == 0) or untouched(w, v, skill):
        return 0  # what a unit has set going, but for what it hurls, does no harm while the unit itself could do none
    motion = min(attack_motion(w, u), f.DAMAGE_DELAY_CAP)
    due = now if at_once or w.skills[skill, k.IMMEDIATE] != 0 or motion <= 1 else now + motion
    damage = BLOCKED
    lands = kind != k.WEAPON or attack_lands(w, u, v, skill)
    if lands or w.skills[skill, k.FORMULA] == k.BASE_SOUL:
        rolled = skill_damage(w, u, v, skill, shared_by, 0) if lands else soul_points(w, u, v, skill, 0)
        damage = shielded(w, u, v, rolled, skill, now, due)
        count(w, f.T_BLOCKED, v, max(rolled - max(damage, 0), 0))
    connects = damage > 0 or damage == WALLED
    if not connects and not notices(w, v):
        return 0
    how = f.CONNECTED if connects else 0
    if is_ranged(w, u, v, skill):
        how |= f.RANGED
    reach = apart(w, u, v) + f.SIGHT_CELLS
    if kind == k.MAGIC:
        if not send_spell(w, u, v, damage, skill, due, reach, how | f.BY_MAGIC):
            return 0
    else:
        push_event(w, due, f.LAND_HIT, u, v, damage, skill, reach, how)
    if damage <= 0:
        return 0
    s[f.HITS, u] += 1
    answer_with_pain(w, u, v, damage, skill, now)
    if w.skills[skill, k.KNOCKBACK] > 0 and damage >= max(abs(hits_of(w, v, skill)), 1):
        if w.skills[skill, k.CENTRE] == k.AT_GROUND or (s[f.X, u] == s[f.X, v] and s[f.Y, u] == s[f.Y, v]):
            push_away(w, v, x, y, w.skills[skill, k.KNOCKBACK])
        else:
            push_away(w, v, s[f.X, u], s[f.Y, u], w.skills[skill, k.KNOCKBACK])
    if w.skills[skill, k.DRAIN] > 0:
        heal(w, u, damage * w.skills[skill, k.DRAIN] // 100)
    if w.skills[skill, k.CARRIES] != 0:
        carry_later(w, u, v, skill, now)
    return damage


@kernel
def strike_pain(w, u, cause, pain, cells, now):
    """Let a unit's pain fall on all enemies around who caused it, or with no cells around on that one alone."""
    s = w.units
    x = s[f.X, cause]
    y = s[f.Y, cause]
    due = now + min(attack_motion(w, u), f.DAMAGE_DELAY_CAP)
    for v in range(places(w)):
        if s[f.ALIVE, v] == 0 or v == u or not enemies(w, u, v) or out_of_reach(w, u, v):
            continue
        if v != cause and (apart(w, cause, v) > cells or cells == 0 or not in_sight(w, x, y, s[f.X, v], s[f.Y, v])):
            continue
        damage = 1 if takes_one(w, v, k.WEAPON, False) else by_damage_taken(w, pain, v)
        damage = warded(w, u, v, damage, NORMAL_ATTACK, k.WEAPON, False, now, due)
        if damage > 0:
            push_event(w, due, f.LAND_HIT, u, v, damage, 0, apart(w, u, v) + f.SIGHT_CELLS, f.CONNECTED)


@kernel
def in_strike(w, u, v, skill, x, y):
    """Whether a unit stands in a strike around the cell (x, y), walls apart, and belongs to those it hurts."""
    s = w.units
    if s[f.ALIVE, v] == 0 or v == u or out_of_reach(w, u, v):
        return False
    if not enemies(w, u, v) and w.skills[skill, k.FLAGS] & k.HIT_FRIENDS == 0:
        return False
    if w.skills[skill, k.FLAGS] & k.LINE != 0:
        return in_line(w, u, skill, x, y, s[f.X, v], s[f.Y, v])
    return max(abs(s[f.X, v] - x), abs(s[f.Y, v] - y)) <= w.skills[skill, k.SPLASH]


@small
def seen_from(w, v, x, y):
    """Whether no wall stands between a cell and a unit."""
    return w.rules[f.OPEN_MAP] != 0 or (inside(w, x, y) and in_sight(w, x, y, w.units[f.X, v], w.units[f.Y, v]))


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
def cells_in_sight(w, u, radius):
    """How many cells around a unit, its own with them, it sees and could lay ground on."""
    s = w.units
    cells = 0
    for y in range(s[f.Y, u] - radius, s[f.Y, u] + radius + 1):
        for x in range(s[f.X, u] - radius, s[f.X, u] + radius + 1):
            open_to = walkable(w, x, y) and in_sight(w, x, y, s[f.X, u], s[f.Y, u])
            cells += open_to and area_over(w, x, y, k.PULSE_NO_AREAS) < 0
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
    if s[f.ALIVE, v] != 0 and (how == k.HURLED_LEAPING or in_sight(w, s[f.X, u], s[f.Y, u], s[f.X, v], s[f.Y, v])):
        strike_one(w, u, v, skill, 1, s[f.X, v], s[f.Y, v], False, now)


@kernel
def strike_around(w, u, v, skill, cell, left, at_once, now):
    """One wave of a skill around a cell, after which `left` more come."""
    if w.skills[skill, k.HURLED] != 0:
        hurl(w, u, v, skill, left, now)
        return
    if left > 0:
        push_event(w, now + w.skills[skill, k.WAVE_MS], f.STRIKE_AGAIN, u, v, cell, skill, left - 1, 0)
    if w.skills[skill, k.CENTRE] != k.AT_GROUND:
        cell = centre_of(w, u, v, skill)
    x, y = cell_of(cell)
    scatter = w.skills[skill, k.SCATTER]
    if scatter > 0:
        x += draw(w, 2 * scatter + 1) - scatter
        y += draw(w, 2 * scatter + 1) - scatter
        if area_over(w, x, y, k.PULSE_NO_AREAS) >= 0:
            return  # what falls from the sky is ground of that cell
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


@kernel
def succeeds(w, u, v, skill):
    """Roll whether a skill works at all; some need a status of the target's, or its absence."""
    spent = w.skills[skill, k.SPENDS]
    sparing = w.skills[skill, k.SPARED_UNDER]
    if (spent != 0 and (v == u or not has_status(w, v, spent))) or (sparing != 0 and has_status(w, v, sparing)):
        return False  # some monsters aim what needs a poisoned enemy at themselves
    percent = w.skills[skill, k.SUCCESS]
    if percent > 0 and w.skills[skill, k.FLAGS] & k.DEFT != 0:
        return draw(w, 1000) < 10 * percent + max(SUCCESS_OF_A_DEX * defter(w, u, v), 0)
    return percent <= 0 or draw(w, 100) < percent


@kernel
def carry_out(w, u, v, skill, row, now):
    """Do what a row of the skill table says."""
    s = w.units
    effect = w.skills[skill, k.EFFECT]
    if effect != k.STRIKE and effect != k.GIVE_STATUS and effect != k.AREA and effect != k.HEAL:
        rouse_all(w)
    if effect == k.STRIKE or effect == k.GIVE_STATUS:
        if w.skills[skill, k.PASSAGE] != k.STAYS:
            rouse_all(w)
            if not pass_by(w, u, v, w.skills[skill, k.PASSAGE]):
                return
        start_waves(w, u, v, skill, now)
        if w.skills[skill, k.LUNGE] > 0:
            rouse_all(w)
            lunge(w, u, v, w.skills[skill, k.LUNGE])
    elif effect == k.AREA and w.skills[skill, k.AREA_PULSE] == k.PULSE_TRAIL:
        begun = JUST_BEGUN | w.skills[skill, k.ELEMENT] << WALKED_ELEMENT
        begin_status(w, u, PROPERTYWALK, w.skills[skill, k.AREA_MS], begun, now)
    elif effect == k.AREA:
        first = now + w.skills[skill, k.AREA_DELAY_MS]
        cell = cell_number(s[f.CAST_X, u], s[f.CAST_Y, u])
        if w.skills[skill, k.AIM] != k.AIM_GROUND:
            cell = centre_of(w, u, v, skill)
        x, y = cell_of(cell)
        if first == now:
            first = max(w.match[f.NEXT_THINK], now)
        add_area(w, u, skill, x, y, now, first)
    elif effect == k.HEAL:
        if enemies(w, u, v) and heal_burns(w, v, skill):
            harm = heal_harm(w, u, v, skill, 0)
            push_event(w, now, f.LAND_HIT, u, v, harm, skill, apart(w, u, v) + f.SIGHT_CELLS, f.CONNECTED | f.BY_MAGIC)
        else:
            give_hp(w, u, v, skill)
            if w.species[s[f.SPECIES, v], f.EVENT_ROWS] & f.HAS_SKILL_USED != 0:
                check_event(w, v, f.SKILL_USED, u, w.skills[skill, k.SKILL_ID], 0, now)
    elif effect == k.SUMMON:
        kind = w.skills[skill, k.FORMULA_ARGUMENT]
        summon(w, u, row, w.skills[skill, k.AMOUNT], kind, w.skills[skill, k.FIRST_MS], now)
    elif effect == k.CALL_SLAVES:
        call_slaves(w, u)
    elif effect == k.TELEPORT:
        if w.skills[skill, k.AMOUNT] > 0:
            heal(w, v, w.skills[skill, k.AMOUNT])
        if v == u:
            teleport(w, u)
        else:
            snatch(w, v, v, now)
    elif effect == k.TRANSFORM:
        transform(w, u, row, w.skills[skill, k.AMOUNT], now)
    elif effect == k.EMOTION:
        change_mode(w, u, row, now)
    elif effect == k.SELF_DESTRUCT:
        strike_around(w, u, v, skill, centre_of(w, u, v, skill), 0, True, now)
        push_event(w, now, f.SELF_KILL, u, u, 0, skill, 0, 0)
    elif effect == k.DISPEL:
        dispel(w, v, skill, now)
    elif effect == k.WARP_TO:
        x = s[f.CAST_X, u]
        y = s[f.CAST_Y, u]
        if walkable(w, x, y) and line_is(w, WALKABLE, s[f.X, u], s[f.Y, u], x, y):
            state = s[f.STATE, u]
            dx, dy = heading(x - s[f.X, u], y - s[f.Y, u])
            face(w, u, dx, dy)
            place_at(w, u, x, y)
            s[f.STATE, u] = state
    elif effect == k.RUN_AWAY:
        run_away(w, u, skill, now)
    elif effect == k.SUICIDE:
        die(w, u, f.NOBODY, now)
    elif effect == k.KNOCK_BACK:
        if v == u:
            slip_away(w, u, w.skills[skill, k.KNOCKBACK])
        else:
            push_away(w, v, s[f.X, u], s[f.Y, u], w.skills[skill, k.KNOCKBACK])
    elif effect == k.CLEAR_AREAS:
        clear_cells(w, s[f.CAST_X, u], s[f.CAST_Y, u])
    elif effect == k.DRAW_IN:
        draw_in(w, u, v)
    elif effect == k.FORGET_TARGET:
        unlock(w, u, now)
    elif effect == k.CURE:
        if undead(w, v):  # they are not cured, but get the skill's statuses, and that late
            if w.skills[skill, k.STATUS] != 0:
                push_event(w, now + w.skills[skill, k.FIRST_MS], f.GIFT, u, v, 0, skill, 0, 0)
        else:
            cure(w, v, now)
        return
    elif effect == k.BREAK_CAST:
        break_cast(w, u, v, skill, now)
    elif effect == k.CLEAR_BUFFS:
        clear_buffs(w, v, now)
    elif effect == k.HURT:
        hurt(w, u, v, w.skills[skill, k.AMOUNT], now)
    elif effect == k.REVENGE:
        revenge(w, u)
    if effect != k.STRIKE and effect != k.GIVE_STATUS and effect != k.AREA and effect != k.SUICIDE:
        if w.skills[skill, k.STATUS] != 0:
            try_skill_statuses(w, u, v, skill, 0, now)


@kernel
def drawn_lot(w, skill):
    """One of a skill's lots, each with its share."""
    roll = draw(w, 100)
    lot = skill + 1
    while roll >= w.skills[lot, k.SHARE]:
        roll -= w.skills[lot, k.SHARE]
        lot += 1
    return lot


@kernel
def work(w, u, v, skill, row, now):
    """Do what the skill does, or what one of its lots does; a lot may be that so many more are drawn."""
    if not succeeds(w, u, v, skill):
        return
    lifted = w.skills[skill, k.LIFTS]
    if lifted != 0 and has_status(w, v, lifted):
        release(w, v, lifted, now)
        return
    if w.skills[skill, k.EFFECT] != k.DRAW_LOTS:
        carry_out(w, u, v, skill, row, now)
    else:
        left = 1
        while left > 0 and w.units[f.ALIVE, v] != 0:
            lot = drawn_lot(w, skill)
            left -= 1
            if w.skills[lot, k.EFFECT] == k.DRAW_LOTS:
                left += w.skills[lot, k.AMOUNT]
            else:
                carry_out(w, u, v, lot, row, now)
    if w.skills[skill, k.SPENDS] != 0:
        end_status(w, v, w.skills[skill, k.SPENDS])


@kernel
def end_cast(w, u, now):
    """The end of a cast: delays begin, and the skill works if its target is still there to be aimed at."""
    s = w.units
    rouse(w, u)
    skill = s[f.CAST_SKILL, u]
    r = s[f.CAST_ROW, u]
    v = s[f.CAST_ON, u]
    row = w.rows[s[f.SPECIES, u], r]
    s[f.CAST_AT, u] = f.NEVER
    s[f.CASTS, u] += 1
    count(w, f.T_CASTS, u, 1)
    s[f.READY_AT, u] = max(s[f.READY_AT, u], now + attack_delay(w, u))
    s[f.THINK_AT, u] = max(s[f.THINK_AT, u], now + attack_motion(w, u))
    start_delays(w, u, r, now)
    s[f.SP, u] -= sp_cost(w, u, skill)
    aim = w.skills[skill, k.AIM]
    if aim != k.AIM_GROUND:
        if s[f.ALIVE, v] == 0:
            return
        if aim == k.AIM_HARM and s[f.STATUS_FLAGS, u] & c.NO_THINK != 0 and row[f.R_CAST] > 0:
            return
        if row[f.R_CAST] > 0 and v != u and enemies(w, u, v):
            if s[f.STATUS_FLAGS, v] & c.OUT_OF_REACH != 0 and s[f.MODE, u] & f.DETECTOR == 0:
                return
        if aim == k.AIM_HARM and not in_sight(w, s[f.X, u], s[f.Y, u], s[f.X, v], s[f.Y, v]):
            return
    if w.match[f.FIRST_CONTACT] == f.NEVER and v != u and enemies(w, u, v):
        w.match[f.FIRST_CONTACT] = now
    if s[f.STEP_AT, u] != f.NEVER and s[f.STATE, u] != f.WALK and w.skills[skill, k.EFFECT] != k.EMOTION:
        halt(w, u)
    if w.species[s[f.SPECIES, u], f.IS_PLAYER] != 0:
        end_flagged(w, u, c.ENDS_ON_ATTACK)  # monsters stay cloaked when they cast
    work(w, u, v, skill, row, now)
