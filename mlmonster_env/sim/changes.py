"""What skills change about a unit besides its place: hit points, mode, species, statuses, whom it is after."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.account import count
from mlmonster_env.sim.afflict import cancel_cast, release
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.damage import HIGHEST_HEAL_LEVEL, heal_amount
from mlmonster_env.sim.defence import roll, undead
from mlmonster_env.sim.geometry import apart, places
from mlmonster_env.sim.hurt import heal, lose_hp
from mlmonster_env.sim.journal import note
from mlmonster_env.sim.posture import attackers_of, enemies, turn_to, unlock
from mlmonster_env.sim.spawn import become, summon
from mlmonster_env.sim.stats import attribute_of, healed
from mlmonster_env.sim.status_columns import FLAGS, LASTS_DISPEL, STAYS, VIT
from mlmonster_env.sim.status_ids import BURNING, FREEZE, SLEEP, STONE, STONEWAIT, STUN
from mlmonster_env.sim.statuses import end_status

MODE_MASK = 0xFFFF
HEAL_PERCENT_OF_VIT = 2
BROKEN_OF_IMMUNE = 10  # percent of the casts of the status immune that can be broken off


@kernel
def points_for(w, u, v, skill, extreme):
    """Hit points that a healing skill of `u` gives to `v`; wounds lessen all but shares of the hp and the highest."""
    amount = w.skills[skill, k.AMOUNT]
    flags = w.skills[skill, k.FLAGS]
    if amount > 0 and flags & k.PERCENT_AMOUNT != 0:
        return w.species[w.units[f.SPECIES, v], f.MAX_HP] * amount // 100
    if amount <= 0:
        level = w.skills[skill, k.SKILL_LEVEL]
        amount = heal_amount(w, u, level, extreme)
        if level >= HIGHEST_HEAL_LEVEL:
            return amount
    elif flags & k.HEAL_BY_VIT != 0:
        amount += roll(w, 0, w.skills[skill, k.FORMULA_ARGUMENT] + 1, extreme)
        amount = amount * w.skills[skill, k.RATIO] // 100
        amount = amount * (100 + HEAL_PERCENT_OF_VIT * attribute_of(w, v, VIT, f.VIT)) // 100
    return healed(w, v, amount)


@kernel
def credit_heal(w, u, v, points):
    """Heal `v` in the name of `u`."""
    gain = heal(w, v, points)
    if not enemies(w, u, v):
        count(w, f.T_HEALING, u, max(points, 0))
        count(w, f.T_EFFECTIVE, u, gain)


@kernel
def give_hp(w, u, v, skill):
    """Give hit points to the target, or to all friends around it."""
    s = w.units
    radius = w.skills[skill, k.SPLASH]
    if radius <= 0:
        credit_heal(w, u, v, points_for(w, u, v, skill, 0))
        return
    spares = w.skills[skill, k.FLAGS] & k.SPARES_UNDEAD != 0
    for other in range(places(w)):
        if s[f.ALIVE, other] == 0 or enemies(w, u, other) or apart(w, v, other) > radius:
            continue
        if not spares or not undead(w, other):
            credit_heal(w, u, other, points_for(w, u, other, skill, 0))


@kernel
def change_mode(w, u, row, now):
    """An emotion that changes what a monster is like: sets, adds or removes mode bits."""
    s = w.units
    if row[f.R_V5] != 0:
        s[f.MODE, u] = w.species[s[f.SPECIES, u], f.BASE_MODE]
    if row[f.R_V2] != 0 and s[f.STATE, u] != f.IDLE and s[f.STATE, u] != f.WALK:
        unlock(w, u, now)
    if row[f.R_V2] != 0:
        s[f.MODE, u] = (s[f.MODE, u] & ~MODE_MASK) | row[f.R_V2]
    s[f.MODE, u] |= row[f.R_V3]
    s[f.MODE, u] &= ~row[f.R_V4]
    if w.rules[f.RANDOM_WALK] == 0:
        s[f.MODE, u] |= f.NO_RANDOM_WALK
    s[f.AGGRESSIVE, u] = s[f.MODE, u] & f.ANGRY_MODE != 0


@kernel
def transform(w, u, row, beside, now):
    """Become another species, whole and rested; some appear beside it who follow nobody."""
    kinds = 0
    while kinds < 5 and row[f.R_V1 + kinds] > 0:
        kinds += 1
    if kinds == 0:
        return
    species = row[f.R_V1 + draw(w, kinds)]
    if beside > 0:
        summon(w, u, row, beside, k.OTHERS, 0, now)
    if species == w.units[f.SPECIES, u]:
        return
    become(w, u, species)
    note(w, now, f.J_BECOME, u, u, species)
    unlock(w, u, now)


@kernel
def dispel(w, v, skill, now):
    """Take a unit's statuses and its target from it, with the skill's chance."""
    s = w.units
    if w.skills[skill, k.AMOUNT] > 0 and draw(w, 100) >= w.skills[skill, k.AMOUNT]:
        return
    for i in range(f.STATUS_LIMIT):
        status = s[f.STATUS_ID + i, v]
        if status != 0 and w.statuses[status, FLAGS] & LASTS_DISPEL == 0:
            release(w, v, status, now)
    unlock(w, v, now)


@kernel
def clear_buffs(w, v, now):
    """End a unit's statuses but those that stay."""
    s = w.units
    for i in range(f.STATUS_LIMIT):
        status = s[f.STATUS_ID + i, v]
        if status != 0 and w.statuses[status, STAYS] == 0:
            release(w, v, status, now)


@kernel
def break_cast(w, u, v, skill, now):
    """Break a cast off, cancelable or not; who loses one loses hit points too, unless they are its last."""
    s = w.units
    immune = s[f.MODE, v] & f.STATUS_IMMUNE != 0
    if s[f.CAST_AT, v] == f.NEVER or (immune and draw(w, 100) >= BROKEN_OF_IMMUNE):
        return
    cancel_cast(w, v, now)
    points = w.species[s[f.SPECIES, v], f.MAX_HP] * w.skills[skill, k.AMOUNT] // 100
    if immune and w.rules[f.RENEWAL] != 0:
        points = 0
    if 0 < points < s[f.HP, v]:
        lose_hp(w, v, u, points, now)
        heal(w, u, points // 2)


@kernel
def cure(w, v, now):
    """Set a unit free of what holds its body; its mind begins anew."""
    for status in (STONE, STONEWAIT, FREEZE, STUN, SLEEP, BURNING):
        end_status(w, v, status)
    unlock(w, v, now)


@kernel
def revenge(w, u):
    """Turn on one of those who attack the master, each as likely."""
    s = w.units
    master = s[f.MASTER, u]
    if master < 0:
        return
    count = attackers_of(w, master)
    if count == 0:
        return
    pick = draw(w, count)
    for v in range(places(w)):
        if s[f.ALIVE, v] != 0 and s[f.ATTACK_ON, v] == master:
            if pick == 0:
                turn_to(w, u, v)
                return
            pick -= 1
