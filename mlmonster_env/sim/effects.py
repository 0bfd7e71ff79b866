"""What a skill does when its cast is over."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim import status_columns as c
from mlmonster_env.sim.account import count
from mlmonster_env.sim.afflict import begin_status, release, start_delays
from mlmonster_env.sim.areas import add_area, clear_cells
from mlmonster_env.sim.casting import check_event, sp_cost
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.changes import break_cast, change_mode, clear_buffs, cure, dispel, give_hp, revenge, transform
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.damage import heal_burns, heal_harm
from mlmonster_env.sim.defence import undead
from mlmonster_env.sim.events import push_event
from mlmonster_env.sim.geometry import WALKABLE, apart, cell_number, cell_of, face, heading, in_sight, line_is, walkable
from mlmonster_env.sim.hurt import die, heal, hurt, try_skill_statuses
from mlmonster_env.sim.posture import enemies, halt, unlock
from mlmonster_env.sim.rest import rouse, rouse_all
from mlmonster_env.sim.spawn import summon
from mlmonster_env.sim.stats import attack_delay, attack_motion, defter
from mlmonster_env.sim.status_ids import PROPERTYWALK
from mlmonster_env.sim.statuses import end_flagged, end_status, has_status
from mlmonster_env.sim.trails import JUST_BEGUN, WALKED_ELEMENT
from mlmonster_env.sim.warps import (
    call_slaves,
    draw_in,
    lunge,
    pass_by,
    place_at,
    push_away,
    run_away,
    slip_away,
    snatch,
    teleport,
)
from mlmonster_env.sim.waves import centre_of, start_waves, strike_around

SUCCESS_OF_A_DEX = 2  # per mille


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
        delay = w.skills[skill, k.AREA_DELAY_MS]
        laid = now - min(delay, 0) * attack_motion(w, u)
        first = laid + max(delay, 0)
        cell = cell_number(s[f.CAST_X, u], s[f.CAST_Y, u])
        if w.skills[skill, k.AIM] != k.AIM_GROUND:
            cell = centre_of(w, u, v, skill)
        x, y = cell_of(cell)
        if first == now:
            first = max(w.match[f.NEXT_THINK], now)
        add_area(w, u, skill, x, y, laid, first)
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
    """Do what the skill does, or what one or all of its lots do; a lot may be that so many more are drawn."""
    if not succeeds(w, u, v, skill):
        return
    lifted = w.skills[skill, k.LIFTS]
    if lifted != 0 and has_status(w, v, lifted):
        release(w, v, lifted, now)
        return
    if w.skills[skill, k.EFFECT] == k.ALL_LOTS:
        for lot in range(skill + 1, skill + 1 + w.skills[skill, k.LOTS]):
            carry_out(w, u, v, lot, row, now)
    elif w.skills[skill, k.EFFECT] != k.DRAW_LOTS:
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
        if aim != k.AIM_SUPPORT and not enemies(w, u, v):
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
