"""What a monster is offered at its next skill check, who may decline it, and the check itself.

The dice are held, so an offer is known before the check falls: the first row in list order that passes die, state,
delay and condition. Rows of combat may be declined by whoever gives a unit's orders; all others are reflexes.
"""

from mlmonster_env.contract import NO_SKILL, SKILL_SLOTS, USE_FIELD, USE_HARM
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.bits import lowest_bit
from mlmonster_env.sim.casting import (
    aim_row,
    begin_cast,
    condition_holds,
    may_cast,
    may_check,
    offered_row,
    throw_dice,
)
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import reaches
from mlmonster_env.sim.orders import ability_of, fights
from mlmonster_env.sim.posture import enemies_within

LAST_BIT = 30
NO_OFFER = -1


@small
def combat_row(w, species, r):
    """Whether a row is one of a fight, which orders may decline: no event, no idle or walking habit, no emotion."""
    row = w.rows[species, r]
    state = row[f.R_STATE]
    condition = row[f.R_CONDITION]
    if state == f.IDLE or state == f.WALK or state == f.LOOT or state == f.DEAD:
        return False
    if w.skills[row[f.R_SKILL], k.EFFECT] == k.EMOTION:
        return False
    return (
        condition != f.ON_SPAWN
        and condition != f.CLOSE_ATTACKED
        and condition != f.RANGED_ATTACKED
        and condition != f.SKILL_USED
        and condition != f.CAST_TARGETED
        and condition != f.RUDE_ATTACKED
        and condition != f.GROUND_ATTACKED
        and condition != f.DAMAGED_ABOVE
    )


@small
def kind_of_row(w, species, r):
    """Harm, help or field (skill_columns.KIND_*)."""
    return w.skills[w.rows[species, r, f.R_SKILL], k.KIND]


@kernel
def row_of_slot(w, u, slot, offer):
    """The row that a slot shows: the slots are the first combat rows, an offered later one takes the last; or -1."""
    species = w.units[f.SPECIES, u]
    seen = 0
    found = NO_OFFER
    offer_seen = False
    for r in range(w.species[species, f.ROWS]):
        if seen == SKILL_SLOTS:
            break
        if combat_row(w, species, r):
            if seen == slot:
                found = r
            offer_seen = offer_seen or r == offer
            seen += 1
    if offer >= 0 and not offer_seen and slot == SKILL_SLOTS - 1:
        return offer
    return found


@kernel
def slot_of_row(w, u, r):
    """The slot in which a row on offer is shown."""
    species = w.units[f.SPECIES, u]
    slot = 0
    for i in range(r):
        slot += combat_row(w, species, i)
    return min(slot, SKILL_SLOTS - 1)


@kernel
def castable(w, u, r, friend):
    """Whether a row could be cast now: somebody to aim at, in range and sight, nothing that forbids it."""
    s = w.units
    row = w.rows[s[f.SPECIES, u], r]
    if row[f.R_TARGET] != f.ON_RANDOM:
        v = aim_row(w, u, row, friend)
        return v != f.NOBODY and may_cast(w, u, r, v)
    reach = w.skills[row[f.R_SKILL], k.REACH]
    near = enemies_within(w, u, reach)
    while near != 0:
        v = lowest_bit(near)
        near &= near - 1
        if reaches(w, u, s[f.X, v], s[f.Y, v], reach) and may_cast(w, u, r, v):
            return True
    return False


@kernel
def offer_of(w, u, now):
    """The combat row that the next check would cast, or -1."""
    if not may_check(w, u):
        return NO_OFFER
    r, friend = offered_row(w, u, now)
    if r < 0 or not combat_row(w, w.units[f.SPECIES, u], r) or not castable(w, u, r, friend):
        return NO_OFFER
    return r


@small
def chooses_freely(w, u):
    """Whether dice do not count for a unit: its orders say which of its skills it uses, and may name any."""
    control = w.units[f.CONTROL, u]
    asked = control == f.COMBAT_ORDERS or control == f.SKILL_ORDERS or control == f.VECTORS
    return asked and w.rules[f.FREE_SKILLS] != 0


@kernel
def free_row(w, u, r, now):
    """Whether a combat row may be cast without a die: off delay and castable; and whom its condition found."""
    s = w.units
    species = s[f.SPECIES, u]
    waits = s[f.SKILL_DELAY + w.rows[species, r, f.R_GROUP], u] > now
    if waits or not may_check(w, u) or not combat_row(w, species, r):
        return False, f.NOBODY
    _, friend = condition_holds(w, u, w.rows[s[f.SPECIES, u], r])
    return castable(w, u, r, friend), friend


@kernel
def free_row_of_kind(w, u, kind, now):
    """The first row of a kind that may be cast without a die, or -1."""
    species = w.units[f.SPECIES, u]
    for r in range(w.species[species, f.ROWS]):
        if kind_of_row(w, species, r) == kind:
            ready, _ = free_row(w, u, r, now)
            if ready:
                return r
    return NO_OFFER


@kernel
def can_be_named(w, u, r):
    """Whether an order could name a combat row where dice do not count: by its slot only if it fills one."""
    return w.units[f.CONTROL, u] != f.SKILL_ORDERS or row_of_slot(w, u, slot_of_row(w, u, r), NO_OFFER) == r


@kernel
def anything_on_offer(w, u, now):
    """Whether a unit may take a skill now: the one that its dice offer, or any where they do not count."""
    if not chooses_freely(w, u):
        return offer_of(w, u, now) >= 0
    for r in range(w.species[w.units[f.SPECIES, u], f.ROWS]):
        ready, _ = free_row(w, u, r, now)
        if ready and can_be_named(w, u, r):
            return True
    return False


@small
def declined_before(w, u, r):
    """Whether the row was declined when it was last on show."""
    return w.units[f.DECLINED, u] >> min(r, LAST_BIT) & 1 != 0


@kernel
def ordered(w, u, r):
    """Whether a unit's order names a row: its slot, or its kind."""
    s = w.units
    control = s[f.CONTROL, u]
    order = s[f.ORDER, u]
    if control == f.SKILL_ORDERS:
        return order != NO_SKILL and slot_of_row(w, u, r) == order
    if control == f.COMBAT_ORDERS:
        return USE_HARM <= order <= USE_FIELD and kind_of_row(w, s[f.SPECIES, u], r) == order - USE_HARM
    if control == f.VECTORS:
        return ability_of(order) > 0
    return True


@kernel
def accepts(w, u, r):
    """Whether a unit takes the row that its check brings up.

    What its order names, it takes. A row that came up after the order was given is treated as when it was last on show,
    as long as the order is to fight: nobody could decline what nobody saw.
    """
    s = w.units
    if s[f.CONTROL, u] == f.STOCK or ordered(w, u, r):
        return True
    return s[f.CONTROL, u] != f.VECTORS and fights(s[f.CONTROL, u], s[f.ORDER, u]) and not declined_before(w, u, r)


@kernel
def note_declined(w, u, now):
    """When an order to fight is given: remember whether it takes what is on show."""
    s = w.units
    r = offer_of(w, u, now)
    if r < 0 or not fights(s[f.CONTROL, u], s[f.ORDER, u]):
        return
    bit = 1 << min(r, LAST_BIT)
    if ordered(w, u, r):
        s[f.DECLINED, u] &= ~bit
    else:
        s[f.DECLINED, u] |= bit


@kernel
def chosen_freely(w, u, now):
    """The row that an order names where dice do not count, or -1."""
    s = w.units
    control = s[f.CONTROL, u]
    order = s[f.ORDER, u]
    if control == f.COMBAT_ORDERS:
        return free_row_of_kind(w, u, order - USE_HARM, now) if USE_HARM <= order <= USE_FIELD else NO_OFFER
    if control == f.SKILL_ORDERS:
        r = row_of_slot(w, u, order, NO_OFFER) if order != NO_SKILL else NO_OFFER
        if r < 0:
            return NO_OFFER
        ready, _ = free_row(w, u, r, now)
        return r if ready else NO_OFFER
    if control == f.VECTORS and ability_of(order) > 0:
        for kind in range(3):
            r = free_row_of_kind(w, u, kind, now)
            if r >= 0:
                return r
    return NO_OFFER


@kernel
def check_skills(w, u, now):
    """One regular check of the skill list; True where a cast begins. The dice are thrown anew afterwards."""
    s = w.units
    if not may_check(w, u):
        return False
    s[f.SKILL_CHECKED, u] = now
    free_choice = chooses_freely(w, u)
    if free_choice:
        free = chosen_freely(w, u, now)
        if free >= 0:
            _, friend = free_row(w, u, free, now)
            v = aim_row(w, u, w.rows[s[f.SPECIES, u], free], friend)
            throw_dice(w, u)
            return v != f.NOBODY and begin_cast(w, u, free, v, now)
    r, friend = offered_row(w, u, now)
    throw_dice(w, u)
    if r < 0:
        return False
    if w.rows[s[f.SPECIES, u], r, f.R_CONDITION] == f.RUDE_ATTACKED:
        s[f.RUDE, u] = 0  # only the check itself forgives, not a look at what it will offer
    if (free_choice or not accepts(w, u, r)) and combat_row(w, s[f.SPECIES, u], r):
        return False
    v = aim_row(w, u, w.rows[s[f.SPECIES, u], r], friend)
    return v != f.NOBODY and begin_cast(w, u, r, v, now)
