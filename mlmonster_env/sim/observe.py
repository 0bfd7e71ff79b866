"""The state vector of a unit: what it could know, in the 64 numbers of the contract."""

import numpy as np

from mlmonster_env import contract as to
from mlmonster_env.contract import SIGHT, STATE_SIZE, STAY, TEMPERAMENTS
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.account import short_window
from mlmonster_env.sim.areas import covers, side_of
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import apart, places, walkable
from mlmonster_env.sim.obey import DX, DY, free_step
from mlmonster_env.sim.offers import anything_on_offer
from mlmonster_env.sim.posture import can_walk, enemies
from mlmonster_env.sim.signals import leader_of
from mlmonster_env.sim.status_columns import BAD, FLAGS

LEADER_CELLS = 3
FREE_STEPS = 3
BALANCE_BUCKETS = 10  # in five seconds
NATURE = tuple(TEMPERAMENTS.values())
PREFERRED = np.array([nature.preferred for nature in NATURE], np.int64)
PRIMARY = np.array([nature.primary for nature in NATURE])
SECONDARY = np.array([nature.secondary for nature in NATURE])
RISK = np.array([nature.risk for nature in NATURE])
AGGRESSION = np.array([nature.aggression for nature in NATURE])
DEFENCE = np.array([nature.defence for nature in NATURE])
SUPPORT = np.array([nature.support for nature in NATURE])


@small
def window(w, rows, u):
    """The sum of one of a unit's windows: the last ten seconds."""
    total = 0
    for i in range(f.BUCKETS):
        total += w.book[u, rows + i]
    return total


@kernel
def rows_off_delay(w, u, now):
    """How many of a unit's skill rows are off delay."""
    ready = 0
    for r in range(w.species[w.units[f.SPECIES, u], f.ROWS]):
        ready += w.units[f.SKILL_DELAY + w.rows[w.units[f.SPECIES, u], r, f.R_GROUP], u] <= now
    return ready


@kernel
def delays_left(w, u, now):
    """The shares of their delays that a unit's skill rows still have to wait, summed up."""
    total = 0.0
    species = w.units[f.SPECIES, u]
    for r in range(w.species[species, f.ROWS]):
        delay = w.rows[species, r, f.R_DELAY]
        left = w.units[f.SKILL_DELAY + w.rows[species, r, f.R_GROUP], u] - now
        if delay > 0 and left > 0:
            total += min(left / delay, 1.0)
    return total


@kernel
def bad_statuses(w, u):
    """How many bad statuses a unit is under."""
    s = w.units
    if s[f.STATUS_FLAGS, u] & BAD == 0:
        return 0
    count = 0
    for i in range(f.STATUS_LIMIT):
        status = s[f.STATUS_ID + i, u]
        count += status != 0 and w.statuses[status, FLAGS] & BAD != 0
    return count


@small
def distance_to(w, u, x, y):
    """Cells from a unit to a place."""
    return max(abs(w.units[f.X, u] - x), abs(w.units[f.Y, u] - y))


@small
def under_enemy_ground(w, u, x, y):
    """Whether a cell lies under ground that an enemy of a unit has enchanted."""
    for i in range(f.AREA_LIMIT):
        at = f.AREAS + i * f.AREA_WIDTH
        if w.match[at + f.A_END] != f.NEVER and side_of(w, at) != w.units[f.SIDE, u] and covers(w, at, x, y):
            return True
    return False


@kernel
def see_surroundings(w, u, state):
    """The ground around a unit."""
    s = w.units
    x = s[f.X, u]
    y = s[f.Y, u]
    open_cells = 81
    blocked = 0
    if w.rules[f.OPEN_MAP] == 0 or min(x, y) < 4 or x + 4 >= w.cells.shape[1] or y + 4 >= w.cells.shape[0]:
        open_cells = 0
        for dy in range(-4, 5):
            for dx in range(-4, 5):
                free = walkable(w, x + dx, y + dy)
                open_cells += free
                blocked += not free and max(abs(dx), abs(dy)) == 1
    burning = 0
    if w.match[f.AREA_AT] != f.NEVER:
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                burning += under_enemy_ground(w, u, x + dx, y + dy)
    items = 0
    for i in range(f.ITEM_LIMIT):
        at = f.ITEMS + i * f.ITEM_WIDTH
        if w.match[at + f.I_HOLDER] == f.NOBODY:
            items += distance_to(w, u, w.match[at + f.I_X], w.match[at + f.I_Y]) <= SIGHT
    state[to.OPEN_GROUND] = to.open_ground(open_cells)
    state[to.HEMMED_IN] = to.hemmed_in(blocked)
    state[to.ITEMS_NEAR] = to.items_near(items)
    state[to.ENEMY_GROUND] = to.enemy_ground(burning)
    state[to.FROM_SPAWN] = to.from_spawn(distance_to(w, u, s[f.SPAWN_X, u], s[f.SPAWN_Y, u]))


@kernel
def see_self(w, u, offered, state):
    """What a unit is, and how it fares."""
    s = w.units
    now = w.match[f.CLOCK]
    species = s[f.SPECIES, u]
    hp = s[f.HP, u]
    most = w.species[species, f.MAX_HP]
    rows = w.species[species, f.ROWS]
    kind = w.species[species, f.ARCHETYPE]
    mode = s[f.MODE, u]
    mean_attack = (w.species[species, f.ATK_MIN] + w.species[species, f.ATK_MAX]) / 2
    taken = window(w, f.B_TAKEN, u)
    state[to.HP_SHARE] = to.hp_share(hp, most)
    state[to.SP_SHARE] = to.sp_share(s[f.SP, u], w.species[species, f.MAX_SP])
    state[to.LEVEL] = to.level(w.species[species, f.LEVEL])
    state[to.CAN_MOVE_NOW] = to.can_move_now(mode & f.CAN_MOVE != 0 and can_walk(w, u, now))
    state[to.STRENGTH] = to.strength(w.species[species, f.BATK], mean_attack)
    state[to.ROWS_READY] = to.rows_ready(rows_off_delay(w, u, now), rows)
    state[to.BAD_STATUSES] = to.bad_statuses(bad_statuses(w, u))
    state[to.ARCHETYPE] = to.archetype(kind)
    state[to.ARCHETYPE_MARGIN] = to.archetype_margin(w.species[species, f.MARGIN] / 1000)
    state[to.EXCHANGE] = to.exchange(window(w, f.B_DEALT, u), taken)
    state[to.HURT_IN_3_S] = to.hurt_in_3_s(short_window(w, f.B_TAKEN, u), most)
    state[to.POSTURE] = to.posture(s[f.THINK_AT, u] > now, s[f.CAST_AT, u] != f.NEVER, offered)
    state[to.HURT_IN_10_S] = to.hurt_in_10_s(taken, most)
    state[to.DELAYS_LEFT] = to.delays_left(delays_left(w, u, now), rows)
    fighting = w.book[u, f.COMBAT_SINCE] != f.NEVER and now - w.book[u, f.COMBAT_LAST] <= f.COMBAT_PAUSE_MS
    state[to.IN_COMBAT] = to.in_combat(now - w.book[u, f.COMBAT_SINCE] if fighting else 0)
    hits = 0
    for i in range(8):
        hits += w.book[u, f.LAST_HITS] >> i & 1
    state[to.ACCURACY] = to.accuracy(hits)
    state[to.AGE] = to.age(now - w.book[u, f.BORN_AT])
    state[to.HEALED_IN_10_S] = to.healed_in_10_s(window(w, f.B_HEALED, u), most)
    state[to.FICKLENESS] = to.fickleness(window(w, f.B_TURNS, u))
    state[to.PRIMARY_GOAL] = to.goal(PRIMARY[kind])
    state[to.SECONDARY_GOAL] = to.goal(SECONDARY[kind])
    state[to.HP_URGENCY] = to.hp_urgency(hp, most)
    state[to.SP_URGENCY] = to.sp_urgency(s[f.SP, u], w.species[species, f.MAX_SP])
    state[to.RISK] = to.inclination(RISK[kind])
    state[to.ASSISTS] = to.by_mode(mode & f.ASSIST != 0)
    state[to.WANDERS] = to.by_mode(mode & f.NO_RANDOM_WALK == 0 and mode & f.CAN_MOVE != 0)
    state[to.AGGRESSION] = to.inclination(AGGRESSION[kind])
    state[to.DEFENCE] = to.inclination(DEFENCE[kind])
    state[to.SUPPORT] = to.inclination(SUPPORT[kind])


@kernel
def see_pack(w, u, state):
    """How a unit's own side stands around it; returns its numbers and hp."""
    s = w.units
    now = w.match[f.CLOCK]
    count = 0
    hp = 0
    x = 0
    y = 0
    shares = 0.0
    ready = 0
    rows = 0
    for v in range(places(w)):
        if s[f.ALIVE, v] == 0 or enemies(w, u, v) or apart(w, u, v) > SIGHT:
            continue
        count += 1
        hp += s[f.HP, v]
        x += s[f.X, v]
        y += s[f.Y, v]
        if v != u:
            shares += s[f.HP, v] / w.species[s[f.SPECIES, v], f.MAX_HP]
            ready += rows_off_delay(w, v, now)
            rows += w.species[s[f.SPECIES, v], f.ROWS]
    mean_x = x / max(count, 1)
    mean_y = y / max(count, 1)
    leader = leader_of(w, u)
    middle_x = mean_x
    middle_y = mean_y
    if leader != f.NOBODY:
        middle_x = float(s[f.X, leader])
        middle_y = float(s[f.Y, leader])
    spread = 0.0
    near = 0
    for v in range(places(w)):
        if s[f.ALIVE, v] == 0 or enemies(w, u, v) or apart(w, u, v) > SIGHT:
            continue
        spread += max(abs(s[f.X, v] - mean_x), abs(s[f.Y, v] - mean_y))
        if v != u:
            near += max(abs(s[f.X, v] - middle_x), abs(s[f.Y, v] - middle_y)) <= LEADER_CELLS
    state[to.PACK_SIZE] = to.pack_size(count)
    state[to.COHESION] = to.cohesion(spread / max(count, 1))
    state[to.ALLIES_HP] = to.allies_hp(shares, count - 1)
    state[to.LEADER_LIVES] = to.leader_lives(leader != f.NOBODY)
    state[to.GATHERED] = to.gathered(near, count - 1)
    state[to.ALLIES_READY] = to.allies_ready(ready, rows)
    state[to.HALF] = to.half()
    state[to.OTHER_HALF] = to.half()
    return count, hp


@kernel
def gains(w, u, nearest, d):
    """Whether three free steps in a direction take a unit farther from the enemy nearest to it."""
    s = w.units
    x = s[f.X, u]
    y = s[f.Y, u]
    for _ in range(FREE_STEPS):
        if not free_step(w, x, y, DX[d], DY[d]):
            return False
        x += DX[d]
        y += DY[d]
    return nearest == f.NOBODY or distance_to(w, nearest, x, y) > apart(w, u, nearest)


@kernel
def see_enemies(w, u, allies, own_hp, state):
    """The other side as a unit sees it."""
    s = w.units
    now = w.match[f.CLOCK]
    species = s[f.SPECIES, u]
    reach = w.species[species, f.RANGE]
    count = 0
    hp = 0
    levels = 0
    in_reach = 0
    after_me = 0
    players = 0
    monsters = 0
    nearest = f.NOBODY
    cells = SIGHT + 0
    for v in range(places(w)):
        if s[f.ALIVE, v] == 0 or v == u:
            continue
        after_me += s[f.TARGET, v] == u and enemies(w, u, v)
        far = apart(w, u, v)
        if far > SIGHT:
            continue
        if w.species[s[f.SPECIES, v], f.IS_PLAYER] != 0:
            players += 1
        else:
            monsters += 1
        if not enemies(w, u, v):
            continue
        count += 1
        hp += s[f.HP, v]
        levels += w.species[s[f.SPECIES, v], f.LEVEL]
        in_reach += far <= reach
        if nearest == f.NOBODY or far < cells:
            nearest = v
            cells = far
    outs = 0
    for d in range(STAY):
        outs += gains(w, u, nearest, d)
    state[to.PLAYERS_IN_VIEW] = to.players_in_view(players)
    state[to.MONSTERS_IN_VIEW] = to.monsters_in_view(monsters)
    state[to.LEVEL_GAP] = to.level_gap(levels, count, w.species[species, f.LEVEL])
    state[to.BALANCE_BY_COUNT] = to.balance_by_count(allies, count)
    state[to.ENEMIES_IN_RANGE] = to.enemies_in_range(in_reach)
    state[to.NEAREST_ENEMY] = to.nearest_enemy(cells)
    state[to.TARGETED_BY] = to.targeted_by(after_me)
    state[to.WAYS_OUT] = to.ways_out(outs)
    state[to.BALANCE_BY_HP] = to.balance_by_hp(own_hp, hp)
    seen = w.book[u, f.NOTICED_AT] != f.NEVER and w.book[u, f.IN_VIEW] != 0
    state[to.JUST_NOTICED] = to.just_noticed(now - w.book[u, f.NOTICED_AT] if seen else 3000)
    earlier = state[to.BALANCE_BY_HP] * 1000.0
    if now - w.book[u, f.BORN_AT] >= BALANCE_BUCKETS * f.BUCKET_MS:
        bucket = (w.match[f.TICKS] // f.BUCKET_TICKS + f.BUCKETS - BALANCE_BUCKETS) % f.BUCKETS
        earlier = float(w.book[u, f.B_BALANCE + bucket])
    state[to.MOMENTUM] = to.momentum(state[to.BALANCE_BY_HP], earlier / 1000)
    return nearest, cells


@kernel
def see_target(w, u, nearest, cells, state):
    """The unit's target, or where there is none the enemy nearest to it."""
    s = w.units
    target = s[f.TARGET, u]
    known = target != f.NOBODY and s[f.ALIVE, target] != 0
    if known:
        cells = min(apart(w, u, target), SIGHT)
        species = s[f.SPECIES, target]
        player = w.species[species, f.IS_PLAYER] != 0
        casts = s[f.CAST_AT, target] != f.NEVER
        state[to.TARGET_HP] = to.target_hp(s[f.HP, target], w.species[species, f.MAX_HP])
        state[to.TARGET_KIND] = to.target_kind(1, player)
        state[to.TARGET_CASTS] = to.target_casts(casts, casts and s[f.CAST_ON, target] == u)
    state[to.AT_PREFERRED] = to.at_preferred(
        known or nearest != f.NOBODY, cells, PREFERRED[w.species[s[f.SPECIES, u], f.ARCHETYPE]]
    )
    state[to.PROGRESS] = to.progress(known, cells)


@kernel
def observe_state(w, u, state):
    """Write the state vector of a unit; that of the dead is all zeros."""
    for i in range(STATE_SIZE):
        state[i] = 0.0
    if w.units[f.ALIVE, u] == 0:
        return
    see_self(w, u, anything_on_offer(w, u, w.match[f.CLOCK]), state)
    see_surroundings(w, u, state)
    allies, own_hp = see_pack(w, u, state)
    nearest, cells = see_enemies(w, u, allies, own_hp, state)
    see_target(w, u, nearest, cells, state)
    for i in range(STATE_SIZE):
        state[i] = min(max(state[i], 0.0), 1.0)
