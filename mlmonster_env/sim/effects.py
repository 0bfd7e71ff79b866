"""What a skill does when its cast is over."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim import status_columns as c
from mlmonster_env.sim.afflict import start_delays
from mlmonster_env.sim.areas import add_area, clear_areas
from mlmonster_env.sim.casting import free_cell_near
from mlmonster_env.sim.chance import draw
from mlmonster_env.sim.compiled import kernel
from mlmonster_env.sim.damage import attack_lands, heal_amount, is_ranged, skill_damage
from mlmonster_env.sim.events import push_event
from mlmonster_env.sim.geometry import apart, in_sight, sign, walkable
from mlmonster_env.sim.hurt import die, heal, try_skill_statuses
from mlmonster_env.sim.posture import enemies, halt, halt_and_release, set_state, stop_attack, unlock
from mlmonster_env.sim.shields import BLOCKED, shielded
from mlmonster_env.sim.spawn import become, summon
from mlmonster_env.sim.stats import attack_delay, attack_motion
from mlmonster_env.sim.statuses import end_flagged, end_status
from mlmonster_env.sim.walking import walk_to

MODE_MASK = 0xFFFF
EDGE_CELLS = 15
TELEPORT_TRIES = 50
RUN_CELLS = 7
LINE_CELLS = 9


@kernel
def push_away(w, v, x, y, cells):
    """Knock a unit back from a cell, step by step until something stands in the way."""
    s = w.units
    if s[f.MODE, v] & f.KNOCKBACK_IMMUNE != 0 or cells <= 0:
        return
    dx = sign(s[f.X, v] - x)
    dy = sign(s[f.Y, v] - y)
    if dx == 0 and dy == 0:
        dx = -1
    if s[f.STEP_AT, v] != f.NEVER:
        halt(w, v)
    for _ in range(cells):
        if not walkable(w, s[f.X, v] + dx, s[f.Y, v] + dy):
            if dx != 0 and dy != 0 and walkable(w, s[f.X, v] + dx, s[f.Y, v]):
                dy = 0
            elif dx != 0 and dy != 0 and walkable(w, s[f.X, v], s[f.Y, v] + dy):
                dx = 0
            else:
                break
        s[f.X, v] += dx
        s[f.Y, v] += dy
    s[f.GOAL_X, v] = s[f.X, v]
    s[f.GOAL_Y, v] = s[f.Y, v]


@kernel
def strike_one(w, u, v, skill, shared_by, x, y, at_once, now):
    """One victim's share of a strike whose centre is the cell (x, y); returns its damage."""
    s = w.units
    flags = w.skills[skill, k.FLAGS]
    kind = w.skills[skill, k.DAMAGE]
    if flags & k.PLAYERS_ONLY != 0 and w.species[s[f.SPECIES, v], f.IS_PLAYER] == 0:
        return 0
    if kind == k.WEAPON and not attack_lands(w, u, v, skill):
        if flags & k.STATUS_WITHOUT_HIT != 0:
            try_skill_statuses(w, u, v, skill, now)
        return 0
    damage = shielded(w, u, v, skill_damage(w, u, v, skill, shared_by, 0), skill, now)
    if damage == BLOCKED:
        return 0
    s[f.HITS, u] += 1
    how = f.CONNECTED
    if kind == k.MAGIC:
        how |= f.BY_MAGIC
    if is_ranged(w, u, skill):
        how |= f.RANGED
    motion = min(attack_motion(w, u), f.DAMAGE_DELAY_CAP)
    due = now if at_once or w.skills[skill, k.IMMEDIATE] != 0 or motion <= 1 else now + motion
    push_event(w, due, f.LAND_HIT, u, v, damage, skill, apart(w, u, v) + f.SIGHT_CELLS, how)
    if w.skills[skill, k.KNOCKBACK] > 0:
        if w.skills[skill, k.CENTRE] == k.AT_GROUND or (s[f.X, u] == s[f.X, v] and s[f.Y, u] == s[f.Y, v]):
            push_away(w, v, x, y, w.skills[skill, k.KNOCKBACK])
        else:
            push_away(w, v, s[f.X, u], s[f.Y, u], w.skills[skill, k.KNOCKBACK])
    if w.skills[skill, k.DRAIN] > 0:
        heal(w, u, damage * w.skills[skill, k.DRAIN] // 100)
    return damage


@kernel
def in_strike(w, u, v, skill, x, y):
    """Whether a unit stands in a strike around the cell (x, y) and belongs to those it hurts."""
    s = w.units
    if s[f.ALIVE, v] == 0 or v == u:
        return False
    if not enemies(w, u, v) and w.skills[skill, k.FLAGS] & k.HIT_FRIENDS == 0:
        return False
    radius = w.skills[skill, k.SPLASH]
    if w.skills[skill, k.FLAGS] & k.LINE != 0:
        return on_line(w, u, v, x, y)
    return max(abs(s[f.X, v] - x), abs(s[f.Y, v] - y)) <= radius


@kernel
def on_line(w, u, v, x, y):
    """Whether `v` stands on the line from `u` towards the cell (x, y), one cell to each side."""
    s = w.units
    dx = sign(x - s[f.X, u])
    dy = sign(y - s[f.Y, u])
    for step in range(1, LINE_CELLS + 1):
        cx = s[f.X, u] + dx * step
        cy = s[f.Y, u] + dy * step
        if max(abs(s[f.X, v] - cx), abs(s[f.Y, v] - cy)) <= 1:
            return True
    return False


@kernel
def strike_around(w, u, target, skill, x, y, at_once, now):
    """A strike on one victim, or on everybody it reaches around the cell (x, y)."""
    s = w.units
    if w.skills[skill, k.SPLASH] <= 0 and w.skills[skill, k.FLAGS] & k.LINE == 0:
        if target >= 0 and s[f.ALIVE, target] != 0 and target != u:
            strike_one(w, u, target, skill, 1, x, y, at_once, now)
        return
    victims = 0
    for v in range(s.shape[1]):
        if in_strike(w, u, v, skill, x, y):
            victims += 1
    for v in range(s.shape[1]):
        if in_strike(w, u, v, skill, x, y):
            strike_one(w, u, v, skill, victims, x, y, at_once, now)


@kernel
def centre_of(w, u, v, skill):
    """The cell around which a skill works: its target's, its caster's, or the one it was cast at."""
    s = w.units
    centre = w.skills[skill, k.CENTRE]
    if centre == k.AT_SELF:
        return s[f.X, u], s[f.Y, u]
    if centre == k.AT_GROUND and w.skills[skill, k.AIM] == k.AIM_GROUND:
        return s[f.CAST_X, u], s[f.CAST_Y, u]
    return s[f.X, v], s[f.Y, v]


@kernel
def do_strike(w, u, v, skill, now):
    """The strikes of one cast, at once or spread over time."""
    x, y = centre_of(w, u, v, skill)
    waves = max(w.skills[skill, k.WAVES], 1)
    first = w.skills[skill, k.FIRST_MS]
    begin = 0
    if first == 0:
        strike_around(w, u, v, skill, x, y, False, now)
        begin = 1
    for i in range(begin, waves):
        due = now + first + i * w.skills[skill, k.WAVE_MS]
        push_event(w, due, f.STRIKE_AGAIN, u, v, x, skill, y, 0)


@kernel
def give_statuses(w, u, v, skill, now):
    """A skill that only gives statuses: to its target, or to all around its centre whom it concerns."""
    s = w.units
    radius = w.skills[skill, k.SPLASH]
    if radius <= 0:
        try_skill_statuses(w, u, v, skill, now)
        return
    x, y = centre_of(w, u, v, skill)
    helps = w.skills[skill, k.KIND] == k.KIND_HELP
    for other in range(s.shape[1]):
        if (
            s[f.ALIVE, other] != 0
            and enemies(w, u, other) != helps
            and max(abs(s[f.X, other] - x), abs(s[f.Y, other] - y)) <= radius
        ):
            try_skill_statuses(w, u, other, skill, now)


@kernel
def do_heal(w, u, v, skill, now):
    """Give hit points to the target, or to all friends around."""
    s = w.units
    amount = w.skills[skill, k.AMOUNT]
    if amount <= 0:
        amount = heal_amount(w, u, w.skills[skill, k.SKILL_LEVEL], 0)
    radius = w.skills[skill, k.SPLASH]
    if radius <= 0:
        heal(w, v, amount)
        return
    for other in range(s.shape[1]):
        if s[f.ALIVE, other] != 0 and not enemies(w, u, other) and apart(w, v, other) <= radius:
            heal(w, other, amount)


@kernel
def place_at(w, u, x, y):
    """Put a unit on a cell at once; it stops, and forgets who attacked it."""
    s = w.units
    stop_attack(w, u)
    halt_and_release(w, u)
    end_flagged(w, u, c.ENDS_ON_WARP)
    s[f.X, u] = x
    s[f.Y, u] = y
    s[f.GOAL_X, u] = x
    s[f.GOAL_Y, u] = y
    s[f.ATTACKER, u] = f.NOBODY
    s[f.NORMAL_ATTACKER, u] = f.NOBODY
    set_state(w, u, f.IDLE)


@kernel
def call_slaves(w, u):
    """Bring all slaves to their master's side."""
    s = w.units
    for v in range(s.shape[1]):
        if s[f.ALIVE, v] != 0 and s[f.MASTER, v] == u:
            x, y = free_cell_near(w, v, s[f.X, u], s[f.Y, u], f.SLAVE_CELLS)
            place_at(w, v, x, y)


@kernel
def teleport(w, u):
    """Go to a random cell of the map, not too near its edge; slaves come along."""
    height, width = w.cells.shape
    edge = min(EDGE_CELLS, (min(height, width) - 1) // 3)
    for _ in range(TELEPORT_TRIES):
        x = edge + draw(w, width - 2 * edge)
        y = edge + draw(w, height - 2 * edge)
        if walkable(w, x, y):
            place_at(w, u, x, y)
            call_slaves(w, u)
            return


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
def transform(w, u, row, now):
    """Become another species, whole and rested."""
    s = w.units
    kinds = 0
    while kinds < 5 and row[f.R_V1 + kinds] > 0:
        kinds += 1
    if kinds == 0:
        return
    become(w, u, row[f.R_V1 + draw(w, kinds)])
    unlock(w, u, now)


@kernel
def dispel(w, v, skill, now):
    """Take a unit's statuses and its target from it, with the skill's chance."""
    s = w.units
    if w.skills[skill, k.AMOUNT] > 0 and draw(w, 100) >= w.skills[skill, k.AMOUNT]:
        return
    for i in range(f.STATUS_LIMIT):
        status = s[f.STATUS_ID + i, v]
        if status != 0 and w.statuses[status, c.FLAGS] & c.LASTS_DISPEL == 0:
            end_status(w, v, status)
    unlock(w, v, now)


@kernel
def run_away(w, u, skill, now):
    """Walk straight away from the target and think of nothing else on the way."""
    s = w.units
    v = s[f.TARGET, u]
    if v == f.NOBODY:
        return
    unlock(w, u, now)
    cells = w.skills[skill, k.SKILL_LEVEL]
    if cells <= 1:
        cells = RUN_CELLS
    dx = sign(s[f.X, u] - s[f.X, v])
    dy = sign(s[f.Y, u] - s[f.Y, v])
    while cells > 0:
        if walk_to(w, u, s[f.X, u] + dx * cells, s[f.Y, u] + dy * cells, now):
            set_state(w, u, f.WALK)
            s[f.THINK_AT, u] = max(s[f.THINK_AT, u], s[f.STEP_AT, u] + (cells - 1) * s[f.STEP_MS, u])
            return
        cells -= 1


@kernel
def work(w, u, v, skill, row, now):
    """Do what the skill does."""
    s = w.units
    effect = w.skills[skill, k.EFFECT]
    if effect == k.STRIKE:
        do_strike(w, u, v, skill, now)
    elif effect == k.AREA:
        first = now + w.skills[skill, k.AREA_DELAY_MS]
        x = s[f.CAST_X, u]
        y = s[f.CAST_Y, u]
        if w.skills[skill, k.AIM] != k.AIM_GROUND:
            x, y = centre_of(w, u, v, skill)
        if first == now:
            first = max(w.match[f.NEXT_THINK], now)
        add_area(w, u, skill, x, y, now, first)
    elif effect == k.HEAL:
        do_heal(w, u, v, skill, now)
    elif effect == k.GIVE_STATUS:
        give_statuses(w, u, v, skill, now)
    elif effect == k.SUMMON:
        summon(w, u, row, w.skills[skill, k.AMOUNT], w.skills[skill, k.FORMULA_ARGUMENT] == 0, now)
    elif effect == k.CALL_SLAVES:
        call_slaves(w, u)
    elif effect == k.TELEPORT:
        teleport(w, u)
    elif effect == k.TRANSFORM:
        transform(w, u, row, now)
    elif effect == k.EMOTION:
        change_mode(w, u, row, now)
    elif effect == k.SELF_DESTRUCT:
        x, y = centre_of(w, u, v, skill)
        strike_around(w, u, v, skill, x, y, True, now)
        push_event(w, now, f.SELF_KILL, u, u, 0, skill, 0, 0)
    elif effect == k.DISPEL:
        dispel(w, v, skill, now)
    elif effect == k.WARP_NEAR:
        x, y = free_cell_near(w, u, s[f.X, v], s[f.Y, v], 1)
        state = s[f.STATE, u]
        place_at(w, u, x, y)
        s[f.STATE, u] = state
    elif effect == k.RUN_AWAY:
        run_away(w, u, skill, now)
    elif effect == k.SUICIDE:
        die(w, u, f.NOBODY, now)
    elif effect == k.KNOCK_BACK:
        push_away(w, v, s[f.X, u], s[f.Y, u], max(w.skills[skill, k.KNOCKBACK], w.skills[skill, k.AMOUNT]))
    elif effect == k.CLEAR_AREAS:
        clear_areas(w, s[f.CAST_X, u], s[f.CAST_Y, u], max(w.skills[skill, k.SPLASH], 1))
    elif effect == k.DRAW_IN:
        x, y = free_cell_near(w, v, s[f.X, u], s[f.Y, u], 1)
        place_at(w, v, x, y)
    if effect != k.STRIKE and effect != k.GIVE_STATUS and effect != k.AREA and effect != k.SUICIDE:
        if w.skills[skill, k.STATUS] != 0:
            try_skill_statuses(w, u, v, skill, now)


@kernel
def end_cast(w, u, now):
    """The end of a cast: delays begin, and the skill works if its target is still there to be aimed at."""
    s = w.units
    skill = s[f.CAST_SKILL, u]
    r = s[f.CAST_ROW, u]
    v = s[f.CAST_ON, u]
    row = w.rows[s[f.SPECIES, u], r]
    s[f.CAST_AT, u] = f.NEVER
    s[f.CASTS, u] += 1
    s[f.READY_AT, u] = max(s[f.READY_AT, u], now + attack_delay(w, u))
    s[f.THINK_AT, u] = max(s[f.THINK_AT, u], now + attack_motion(w, u))
    start_delays(w, u, r, now)
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
    end_flagged(w, u, c.ENDS_ON_ATTACK)
    work(w, u, v, skill, row, now)
