"""The passing of time under statuses: their ticks, their ends, and what players regain."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import status_columns as c
from mlmonster_env.sim import status_rules as rules
from mlmonster_env.sim.afflict import begin_status, reveal
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.geometry import places
from mlmonster_env.sim.hurt import heal, lose_hp, startle
from mlmonster_env.sim.status_ids import BURNING, PROPERTYWALK
from mlmonster_env.sim.statuses import end_status, plain_value, refresh_statuses, ticks_now
from mlmonster_env.sim.timers import start_timer
from mlmonster_env.sim.trails import leave_trail
from mlmonster_env.sim.walking import flinch

HP_REGAINED_PER_VIT = 5
HP_REGAINED_OF = 200
SP_REGAINED_OF = 100


@kernel
def tick(w, u, slot, now):
    """One tick of the status in a slot."""
    s = w.units
    status = s[f.STATUS_ID + slot, u]
    if w.statuses[status, c.FLAGS] & c.REVEALS != 0:
        reveal(w, u, plain_value(w, u, slot))
        return
    if status == PROPERTYWALK:
        leave_trail(w, u, slot, now)
        return
    span = w.statuses[status, c.TICK_RANDOM]
    roll = draw(w, span) if span > 0 else 0
    most = w.species[s[f.SPECIES, u], f.MAX_HP]
    damage = rules.tick_damage(w.statuses, status, plain_value(w, u, slot), s[f.HP, u], most, roll)
    if damage > 0:
        if status == BURNING:
            startle(w, u, now)
        lose_hp(w, u, f.NOBODY, damage, now)
        if status == BURNING and s[f.ALIVE, u] != 0:
            flinch(w, u, now)
    elif damage < 0:
        heal(w, u, -damage)


@kernel
def work_statuses(w, now):
    """Tick and end whatever is due on any unit."""
    s = w.units
    w.match[f.STATUS_AT] = f.NEVER
    for u in range(places(w)):
        if s[f.ALIVE, u] == 0 or s[f.STATUS_COUNT, u] == 0:
            continue
        for i in range(f.STATUS_LIMIT):
            status = s[f.STATUS_ID + i, u]
            if status == 0:
                continue
            end = s[f.STATUS_END + i, u]
            if ticks_now(w, u, i, now):
                tick(w, u, i, now)
                if s[f.ALIVE, u] == 0:
                    break
            if end <= now:
                follower = w.statuses[status, c.NEXT_STATUS]
                left = s[f.STATUS_VALUE + i, u]
                end_status(w, u, status)
                if follower != 0:
                    begin_status(w, u, follower, left, 0, now)
        if s[f.ALIVE, u] != 0:
            refresh_statuses(w, u, now)


@kernel
def regain(w, u, now):
    """What a player's bot regains by itself."""
    s = w.units
    species = s[f.SPECIES, u]
    heal(w, u, 1 + w.species[species, f.VIT] // HP_REGAINED_PER_VIT + w.species[species, f.MAX_HP] // HP_REGAINED_OF)
    most = w.species[species, f.MAX_SP]
    s[f.SP, u] = min(s[f.SP, u] + 1 + w.species[species, f.INT] // 6 + most // SP_REGAINED_OF, most)
    start_timer(w, f.REGEN_AT, u, now + w.rules[f.REGENERATION])
