"""Which orders a unit could follow now, and taking orders in."""

import numpy as np

from mlmonster_env.contract import (
    ATTACK,
    ATTACK_TARGET,
    CHANGE_TARGET,
    DEFEND_LEADER,
    FLANK,
    FLEE,
    FORM_UP,
    IDLE,
    MOVE_AWAY,
    MOVE_CLOSER,
    MOVE_RANDOMLY,
    NO_SKILL,
    RETREAT,
    SIGHT,
    SKILL_SLOTS,
    STAY,
    USE_HARM,
)
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.account import count
from mlmonster_env.sim.bits import lowest_bit
from mlmonster_env.sim.compiled import entry, kernel, small
from mlmonster_env.sim.geometry import apart, reaches
from mlmonster_env.sim.obey import AGAIN, DX, DY, OTHER, free_step
from mlmonster_env.sim.offers import (
    NO_OFFER,
    chooses_freely,
    free_row,
    free_row_of_kind,
    kind_of_row,
    note_declined,
    offer_of,
    row_of_slot,
    slot_of_row,
)
from mlmonster_env.sim.orders import fights
from mlmonster_env.sim.posture import can_walk, enemies_within, may_attack
from mlmonster_env.sim.pursuit import view_of
from mlmonster_env.sim.signals import leader_of
from mlmonster_env.sim.status_columns import NO_THINK
from mlmonster_env.sim.world import world_at

KINDS = 3


@small
def free_to_act(w, u, now):
    """Whether a unit could do anything but go on: alive, no attack or cast under way, no status that stops its mind."""
    s = w.units
    return (
        s[f.ALIVE, u] != 0
        and s[f.THINK_AT, u] <= now
        and s[f.CAST_AT, u] == f.NEVER
        and s[f.STATUS_FLAGS, u] & NO_THINK == 0
    )


@kernel
def attackable_in_view(w, u, other_than):
    """How many enemies a unit sees and could strike, one of them left out."""
    s = w.units
    view = min(view_of(w, u), w.species[s[f.SPECIES, u], f.VIEW])
    near = enemies_within(w, u, view)
    found = 0
    while near != 0:
        v = lowest_bit(near)
        near &= near - 1
        if v != other_than and may_attack(w, u, v) and reaches(w, u, s[f.X, v], s[f.Y, v], view):
            found += 1
    return found


@small
def enemy_in_sight(w, u):
    """Whether a living enemy is within sight."""
    return enemies_within(w, u, SIGHT) != 0


@kernel
def legal_combat(w, u, now, legal):
    """Fill in which of the ten combat actions are legal."""
    s = w.units
    legal[IDLE] = 1
    if not free_to_act(w, u, now):
        return
    target = s[f.TARGET, u]
    others = attackable_in_view(w, u, target)
    has_target = target != f.NOBODY and s[f.ALIVE, target] != 0 and may_attack(w, u, target)
    walks = s[f.MODE, u] & f.CAN_MOVE != 0 and can_walk(w, u, now)
    if has_target or others > 0:
        legal[ATTACK] = 1
        legal[MOVE_CLOSER] = walks and (not has_target or apart(w, u, target) > 1)
    legal[MOVE_AWAY] = walks and enemy_in_sight(w, u)
    legal[MOVE_RANDOMLY] = walks
    legal[CHANGE_TARGET] = others > 0
    legal[FLEE] = walks and (s[f.X, u] != s[f.SPAWN_X, u] or s[f.Y, u] != s[f.SPAWN_Y, u])
    if chooses_freely(w, u):
        for kind in range(KINDS):
            legal[USE_HARM + kind] = free_row_of_kind(w, u, kind, now) >= 0
    else:
        r = offer_of(w, u, now)
        if r >= 0:
            legal[USE_HARM + kind_of_row(w, s[f.SPECIES, u], r)] = 1


@kernel
def legal_moves(w, u, now, legal):
    """Fill in which of the nine moves are legal."""
    s = w.units
    legal[STAY] = 1
    if not free_to_act(w, u, now) or s[f.MODE, u] & f.CAN_MOVE == 0 or not can_walk(w, u, now):
        return
    for d in range(STAY):
        legal[d] = free_step(w, s[f.X, u], s[f.Y, u], DX[d], DY[d])


@kernel
def legal_skills(w, u, now, legal):
    """Fill in which skill slots are legal: none, and the one on offer; where dice do not count, all castable ones."""
    legal[NO_SKILL] = 1
    if w.units[f.ALIVE, u] == 0:
        return
    if not chooses_freely(w, u):
        r = offer_of(w, u, now)
        if r >= 0:
            legal[slot_of_row(w, u, r)] = 1
        return
    for slot in range(SKILL_SLOTS):
        r = row_of_slot(w, u, slot, NO_OFFER)
        if r >= 0:
            legal[slot], _ = free_row(w, u, r, now)


@kernel
def legal_signals(w, u, legal):
    """Fill in which pack signals are legal: all while it lives; a leader is defended by others only."""
    legal[ATTACK_TARGET] = 1
    if w.units[f.ALIVE, u] == 0:
        return
    legal[RETREAT] = 1
    legal[FORM_UP] = 1
    legal[FLANK] = 1
    leader = leader_of(w, u)
    legal[DEFEND_LEADER] = leader != f.NOBODY and leader != u


@kernel
def fill_legal(w, u, legal):
    """Fill in which orders of a unit's kind of control are legal."""
    control = w.units[f.CONTROL, u]
    now = w.match[f.CLOCK]
    if control == f.COMBAT_ORDERS:
        legal_combat(w, u, now, legal)
    elif control == f.MOVES:
        legal_moves(w, u, now, legal)
    elif control == f.SKILL_ORDERS:
        legal_skills(w, u, now, legal)
    elif control == f.SIGNALS:
        legal_signals(w, u, legal)


@small
def known(control, order):
    """Whether there is such an order of a kind of control."""
    if control == f.VECTORS:
        return True
    if control == f.COMBAT_ORDERS:
        return 0 <= order <= FLEE
    if control == f.SIGNALS:
        return 0 <= order <= FLANK
    return 0 <= order <= NO_SKILL


@kernel
def take_order(w, u, order):
    """Take an order in. Whoever cannot act now goes on with the order that he has."""
    s = w.units
    control = s[f.CONTROL, u]
    now = w.match[f.CLOCK]
    if s[f.ALIVE, u] == 0 or w.match[f.OVER] != 0 or not known(control, order):
        return
    if control != f.SKILL_ORDERS and control != f.SIGNALS and not free_to_act(w, u, now):
        return
    differs = s[f.ORDER, u] != order
    count(w, f.T_ORDER_CHANGES, u, differs)
    count(w, f.T_ATTACK_ORDERS, u, fights(control, order))
    s[f.ORDER, u] = order
    s[f.FRESH, u] = OTHER if differs else AGAIN
    if w.rules[f.FREE_SKILLS] == 0:
        note_declined(w, u, now)


@entry
def give_orders(words, matches, units, orders):
    """Give each of the units named by `matches` and `units` its order, and begin their account of a new step."""
    for i in range(matches.shape[0]):
        take_order(world_at(words[matches[i]].ctypes.data), units[i], orders[i])


@entry
def find_legal(words, matches, units, legal):
    """Fill in, for each of the units named by `matches` and `units`, which orders are legal; `legal` comes zeroed."""
    for i in range(matches.shape[0]):
        fill_legal(world_at(words[matches[i]].ctypes.data), units[i], legal[i])


@small
def lot(w, u, salt):
    """A number thrown for a unit at this moment, apart from the stream that the match's fights are drawn from."""
    bits = np.uint64(np.uint32(w.match[f.KEY_LOW])) | np.uint64(np.uint32(w.match[f.KEY_HIGH])) << np.uint64(32)
    moment = np.uint64(w.match[f.TICKS]) << np.uint64(16) | np.uint64(u) << np.uint64(4) | np.uint64(salt)
    bits = (bits ^ moment * np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64(bits >> np.uint64(33))


@entry
def random_orders(words, matches, units, legal, orders):
    """Draw a legal order for each of the units named by `matches` and `units`, each as likely; `legal` comes zeroed."""
    for i in range(matches.shape[0]):
        w = world_at(words[matches[i]].ctypes.data)
        fill_legal(w, units[i], legal[i])
        total = 0
        for a in range(legal.shape[1]):
            total += legal[i, a] != 0
        pick = lot(w, units[i], 0) % max(total, 1)
        for a in range(legal.shape[1]):
            if legal[i, a] != 0:
                if pick == 0:
                    orders[i] = a
                pick -= 1
