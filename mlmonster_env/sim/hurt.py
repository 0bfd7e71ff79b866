"""What happens to a unit that is hurt: hit points, broken casts, flinching, news for its mind, death."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.account import (
    count,
    focused,
    note_arrival,
    note_blow,
    note_damage,
    note_death,
    note_status,
    remember,
)
from mlmonster_env.sim.afflict import ALWAYS, ENDURE_LEVELS, cancel_cast, try_status
from mlmonster_env.sim.areas import end_areas_of
from mlmonster_env.sim.casting import check_event
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.defence import undead_or_demon
from mlmonster_env.sim.events import forget_unit, push_event
from mlmonster_env.sim.geometry import apart, places
from mlmonster_env.sim.journal import note
from mlmonster_env.sim.posture import enemies, halt, set_state, stop_attack, turn_to, unlock
from mlmonster_env.sim.rest import rouse_all
from mlmonster_env.sim.spawn import check_last_rows, forget_everywhere
from mlmonster_env.sim.squares import note_entry
from mlmonster_env.sim.stats import defter, int_of, under
from mlmonster_env.sim.status_columns import BAD, BLOCKED_BY, ENDS_ON_DAMAGE, FLAGS, REVIVED, SURE_HIT
from mlmonster_env.sim.status_ids import CLOSECONFINE2, ENDURE, PROVOKE, STOP, STORM_HITS
from mlmonster_env.sim.status_rules import in_set
from mlmonster_env.sim.statuses import (
    clear_statuses,
    end_flagged,
    end_status,
    free_snared,
    has_status,
    set_status_value,
    status_value,
)
from mlmonster_env.sim.walking import flinch

MULTI_HIT_MS = 200
THIRD = 3
MOST_STORM_HITS = 250
CHANCE_OF_A_LEVEL = 100
LEVELS_AND_INT = 5
CHANCE_OF_A_DEX, MS_OF_A_DEX = 20, 500


@kernel
def heal(w, u, amount):
    """Give hit points back, up to the most the unit can have; returns what really came back."""
    s = w.units
    if s[f.ALIVE, u] == 0:
        return 0
    gain = min(amount, w.species[s[f.SPECIES, u], f.MAX_HP] - s[f.HP, u])
    gain = max(gain, 0)
    s[f.HP, u] += gain
    count(w, f.T_HEALED, u, gain)
    remember(w, f.B_HEALED, u, gain)
    return gain


@kernel
def settle(w, now):
    """End the match when a side has no member left; slaves do not count."""
    s = w.units
    match = w.match
    if match[f.OVER] != 0:
        return
    first = 0
    second = 0
    for u in range(places(w)):
        if s[f.ALIVE, u] != 0 and s[f.MASTER, u] == f.NOBODY:
            if s[f.SIDE, u] == 0:
                first += 1
            else:
                second += 1
    if first == 0 or second == 0:
        match[f.OVER] = 1
        match[f.ENDED_AT] = now
        if first > 0:
            match[f.WINNER] = 0
        elif second > 0:
            match[f.WINNER] = 1


@kernel
def drop_items(w, u):
    """Let what a unit holds fall where it stands."""
    for i in range(f.ITEM_LIMIT):
        at = f.ITEMS + i * f.ITEM_WIDTH
        if w.match[at + f.I_HOLDER] == u:
            w.match[at + f.I_HOLDER] = f.NOBODY
            w.match[at + f.I_X] = w.units[f.X, u]
            w.match[at + f.I_Y] = w.units[f.Y, u]
            count(w, f.T_DROPPED, u, 1)


@kernel
def knock_out(w, u, killer, now):
    """Take one of several lives: the unit begins anew where it first stood, and nobody knows it."""
    s = w.units
    s[f.LIVES, u] -= 1
    count(w, f.T_KNOCKED_OUT, u, 1)
    if killer >= 0 and enemies(w, killer, u):
        count(w, f.T_KNOCK_OUTS, killer, 1)
    note(w, now, f.J_DEATH, u, killer, 0)
    drop_items(w, u)
    forget_unit(w, u)
    forget_everywhere(w, u)
    stop_attack(w, u)
    halt(w, u)
    s[f.CAST_AT, u] = f.NEVER
    s[f.TARGET, u] = f.NOBODY
    s[f.ATTACKER, u] = f.NOBODY
    s[f.NORMAL_ATTACKER, u] = f.NOBODY
    s[f.CHASED, u] = f.NOBODY
    s[f.KEEP_ATTACKING, u] = 0
    s[f.HP, u] = w.species[s[f.SPECIES, u], f.MAX_HP]
    s[f.SP, u] = w.species[s[f.SPECIES, u], f.MAX_SP]
    note_entry(w, u)
    s[f.X, u] = s[f.SPAWN_X, u]
    s[f.Y, u] = s[f.SPAWN_Y, u]
    s[f.GOAL_X, u] = s[f.X, u]
    s[f.GOAL_Y, u] = s[f.Y, u]
    set_state(w, u, f.IDLE)


@kernel
def fall(w, u, killer, now):
    """Take a unit out of the match, unless something brings it back once."""
    s = w.units
    rouse_all(w)
    if w.species[s[f.SPECIES, u], f.EVENT_ROWS] & f.HAS_DEATH != 0:
        check_last_rows(w, u, now)
    percent = under(w, u, REVIVED, 0) if s[f.STATUS_COUNT, u] != 0 and s[f.REBORN, u] == 0 else 0
    clear_statuses(w, u)
    if percent > 0:
        s[f.REBORN, u] = 1
        s[f.HP, u] = max(w.species[s[f.SPECIES, u], f.MAX_HP] * percent // 100, 1)
        set_state(w, u, f.IDLE)
        return
    if s[f.LIVES, u] > 1:
        knock_out(w, u, killer, now)
        return
    drop_items(w, u)
    s[f.HP, u] = 0
    w.scratch[f.LIVING] -= s[f.ALIVE, u]
    s[f.ALIVE, u] = 0
    s[f.STATE, u] = f.DEAD
    stop_attack(w, u)
    halt(w, u)
    s[f.CAST_AT, u] = f.NEVER
    s[f.REGEN_AT, u] = f.NEVER
    s[f.TARGET, u] = f.NOBODY
    s[f.CHASED, u] = f.NOBODY
    s[f.KEEP_ATTACKING, u] = 0
    forget_unit(w, u)
    end_areas_of(w, u)
    free_snared(w, u)
    if killer >= 0 and killer != u:
        s[f.KILLS, killer] += 1
    note(w, now, f.J_DEATH, u, killer, 0)
    note_death(w, u, killer)
    settle(w, now)


@kernel
def take_along(w, u, now):
    """Let the slaves of a unit that has fallen die with it, whatever they are at, and theirs with them."""
    s = w.units
    again = True
    while again:
        again = False
        for v in range(places(w)):
            master = s[f.MASTER, v]
            if s[f.ALIVE, v] != 0 and master >= 0 and (master == u or s[f.ALIVE, master] == 0):
                fall(w, v, f.NOBODY, now)
                again = again or s[f.ALIVE, v] == 0


@kernel
def die(w, u, killer, now):
    """The end of a unit: whoever killed it lets its own target go, whomever that was, and its slaves die with it."""
    fall(w, u, killer, now)
    if killer >= 0 and killer != u and w.units[f.ALIVE, killer] != 0:
        unlock(w, killer, now)
    take_along(w, u, now)


@kernel
def lose_hp(w, v, source, damage, now):
    """Take hit points away and kill at zero; returns what was really lost."""
    s = w.units
    lost = min(damage, s[f.HP, v])
    note(w, now, f.J_HIT, source, v, lost)
    s[f.HP, v] -= lost
    s[f.DAMAGE_TAKEN, v] += lost
    if source >= 0:
        s[f.DAMAGE_DEALT, source] += lost
    note_damage(w, v, source, lost, now)
    if s[f.HP, v] <= 0:
        die(w, v, source, now)
    return lost


@small
def unshaken(w, v):
    """Whether no blow stops a unit's walk: by its nature, or because it endures."""
    return w.species[w.units[f.SPECIES, v], f.DMOTION] <= 0 or has_status(w, v, ENDURE)


@kernel
def wear_endurance(w, v):
    """Count one of the blows that a unit endures."""
    value = status_value(w, v, ENDURE)
    if value > ENDURE_LEVELS:
        set_status_value(w, v, ENDURE, value - ENDURE_LEVELS)
    else:
        end_status(w, v, ENDURE)


@kernel
def flinch_time(w, v, damage, hits):
    """How long after a blow its victim's mind takes it in."""
    if damage < 1:
        return 0
    if unshaken(w, v):
        return 1
    delay = w.species[w.units[f.SPECIES, v], f.DMOTION]
    if hits < 0:
        hits = -hits
    if hits > 10:
        hits = 2
    if hits > 1:
        delay += MULTI_HIT_MS * (hits - 1)
    return max(delay, 1)


@kernel
def tell_skills(w, v, source, skill, flags, damage, now):
    """The checks of the victim's skill list that a blow brings."""
    events = w.species[w.units[f.SPECIES, v], f.EVENT_ROWS]
    if events == 0 or source == v:
        return
    if damage > 0 and events & (f.HAS_RANGED | f.HAS_DAMAGED) != 0:
        event = f.CLOSE_ATTACKED
        if flags & f.BY_MAGIC != 0:
            event = f.NO_CONDITION
        elif flags & f.RANGED != 0:
            event = f.RANGED_ATTACKED
        check_event(w, v, event, source, 0, damage, now)
    if skill > 0 and events & f.HAS_SKILL_USED != 0:
        check_event(w, v, f.SKILL_USED, source, w.skills[skill, k.SKILL_ID], damage, now)
        if w.skills[skill, k.AIM] == k.AIM_GROUND:
            check_event(w, v, f.GROUND_ATTACKED, source, 0, damage, now)


@kernel
def drawn_slot(w, skill):
    """One of a skill's status slots that are not empty, each as likely."""
    count = 0
    for i in range(k.STATUS_SLOTS):
        if w.skills[skill, k.STATUS + i * k.STATUS_WIDTH + k.S_STATUS] != 0:
            count += 1
    pick = draw(w, max(count, 1))
    for i in range(k.STATUS_SLOTS):
        if w.skills[skill, k.STATUS + i * k.STATUS_WIDTH + k.S_STATUS] != 0:
            if pick == 0:
                return i
            pick -= 1
    return 0


@kernel
def status_chance(w, u, v, skill, slot):
    """The chance per 10,000 with which a skill tries one of its statuses, before the victim resists."""
    chance = w.skills[skill, k.STATUS + slot * k.STATUS_WIDTH + k.S_CHANCE]
    flags = w.skills[skill, k.FLAGS]
    level = w.species[w.units[f.SPECIES, u], f.LEVEL]
    if flags & k.LEVEL_CHANCE != 0:
        chance += CHANCE_OF_A_LEVEL * (level - w.species[w.units[f.SPECIES, v], f.LEVEL])
    if flags & k.CASTER_CHANCE != 0:
        chance += CHANCE_OF_A_LEVEL * ((level + int_of(w, u)) // LEVELS_AND_INT)
    if flags & k.DEFT != 0 and chance < ALWAYS:
        chance += CHANCE_OF_A_DEX * defter(w, u, v)
    return chance


@kernel
def try_skill_statuses(w, u, v, skill, broken, now):
    """Try the statuses of a skill on its victim, or on its user, as it says; `broken` just ended by its blow, or 0."""
    flags = w.skills[skill, k.FLAGS]
    hits = status_value(w, v, STORM_HITS) if flags & k.STATUS_FROM_THIRD != 0 else THIRD
    if hits < THIRD:
        return
    first = 0
    tries = k.STATUS_SLOTS
    if flags & (k.ONE_STATUS | k.UNTIL_ONE_TAKES) != 0:
        first = drawn_slot(w, skill)
    if flags & k.ONE_STATUS != 0:
        tries = 1
    taken = False
    for turn in range(tries):
        if taken and flags & k.UNTIL_ONE_TAKES != 0:
            break
        i = (first + turn) % k.STATUS_SLOTS
        at = k.STATUS + i * k.STATUS_WIDTH
        status = w.skills[skill, at + k.S_STATUS]
        on_self = w.skills[skill, at + k.S_WHOM] == k.AT_SELF
        whom = u if on_self else v
        if status == 0 or w.units[f.ALIVE, whom] == 0:
            continue
        if on_self and w.skills[skill, k.SELF_STATUS_ONLY_IF_HIT] != 0 and not taken:
            continue
        if w.skills[skill, at + k.S_WHOM] == k.AT_UNHOLY and not undead_or_demon(w, v):
            continue
        if flags & k.SPARES_BOSSES != 0 and w.units[f.MODE, whom] & f.STATUS_IMMUNE != 0:
            continue
        if broken != 0 and not on_self and in_set(w.statuses, status, BLOCKED_BY, broken):
            continue
        chance = status_chance(w, u, whom, skill, i)
        duration = w.skills[skill, at + k.S_DURATION]
        if flags & k.DEFT != 0:
            duration += max(MS_OF_A_DEX * defter(w, u, whom), 0)
        if try_status(w, u, whom, status, chance, duration, w.skills[skill, at + k.S_VALUE], now):
            taken = taken or not on_self
            if status == PROVOKE:
                turn_to(w, whom, u)
            if status == STOP:
                set_status_value(w, whom, STOP, 1 + (v if on_self else u))
            if status == CLOSECONFINE2:
                set_status_value(w, whom, CLOSECONFINE2, 1 + u)
            note_status(w, u, whom, w.statuses[status, FLAGS] & BAD != 0)
    if flags & k.STATUS_FROM_THIRD != 0 and (taken or hits > MOST_STORM_HITS):
        end_status(w, v, STORM_HITS)


@kernel
def startle(w, v, now):
    """What damage ends before it is taken: some statuses and a cast. Which of the former held the body, 0 if none."""
    s = w.units
    broken = 0
    if s[f.STATUS_FLAGS, v] & ENDS_ON_DAMAGE != 0:
        for i in range(f.STATUS_LIMIT):
            flags = w.statuses[s[f.STATUS_ID + i, v], FLAGS]
            if flags & ENDS_ON_DAMAGE != 0 and flags & SURE_HIT != 0:
                broken = s[f.STATUS_ID + i, v]
        end_flagged(w, v, ENDS_ON_DAMAGE)
    if s[f.CAST_CANCELABLE, v] != 0 and s[f.CAST_AT, v] != f.NEVER:
        cancel_cast(w, v, now)
    return broken


@kernel
def hurt(w, u, v, points, now):
    """Take hit points from a unit in another's name, whatever guards it; its skill list does not hear of it."""
    startle(w, v, now)
    delay = flinch_time(w, v, points, 1)
    stops = not unshaken(w, v)
    if has_status(w, v, ENDURE):
        wear_endurance(w, v)
    lives = w.units[f.LIVES, v]
    lose_hp(w, v, u, points, now)
    if w.units[f.ALIVE, v] == 0 or w.units[f.LIVES, v] < lives:
        return
    if stops:
        flinch(w, v, now)
    push_event(w, now + delay, f.NEWS, u, v, 0, 0, 0, 0)


@kernel
def land_hit(w, u, v, damage, skill, reach, flags, now):
    """Let damage under way arrive, if the victim has not gone too far."""
    s = w.units
    if s[f.ALIVE, u] == 0 or s[f.ALIVE, v] == 0 or apart(w, u, v) > reach:
        return
    if damage <= 0:  # nothing is felt, ended or turned to
        if flags & f.CONNECTED != 0 and skill > 0:
            try_skill_statuses(w, u, v, skill, 0, now)
        tell_skills(w, v, u, skill, flags, 0, now)
        return
    broken = startle(w, v, now)
    if skill > 0 and w.skills[skill, k.FLAGS] & k.CANNOT_KILL != 0:
        damage = min(damage, s[f.HP, v] - 1)
    hits = w.skills[skill, k.HITS] if skill > 0 else 1
    delay = flinch_time(w, v, damage, hits)
    stops = delay > 0 and not unshaken(w, v)
    if has_status(w, v, ENDURE):
        wear_endurance(w, v)
    was_after = s[f.TARGET, v]
    lives = s[f.LIVES, v]
    note_arrival(w, u, v)
    with_ally = w.tally.shape[0] > 0 and focused(w, u, v)
    lost = lose_hp(w, v, u, damage, now)
    finished = s[f.ALIVE, v] == 0 or s[f.LIVES, v] < lives
    note_blow(w, u, v, lost, was_after, with_ally, flags & f.BY_MAGIC != 0, finished)
    if finished:
        return
    if stops:
        flinch(w, v, now)
    if skill > 0:
        try_skill_statuses(w, u, v, skill, broken, now)
    tell_skills(w, v, u, skill, flags, damage, now)
    push_event(w, now + delay, f.NEWS, u, v, 0, 0, 0, flags)
