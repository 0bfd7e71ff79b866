"""What units did in a step, and what they remember of the last seconds: kept only where somebody wants to know."""

from mlmonster_env.contract import SIGHT
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import kernel, small
from mlmonster_env.sim.geometry import apart, places
from mlmonster_env.sim.posture import enemies
from mlmonster_env.sim.status_ids import STUN
from mlmonster_env.sim.statuses import has_status

LAST_HITS_BITS = 0xFF
SHORT_WINDOW = 6  # buckets in three seconds


@small
def count(w, row, u, amount):
    """Add to what a unit did in this step."""
    if w.tally.shape[0] > 0:
        w.tally[row, u] += amount


@small
def remember(w, window, u, amount):
    """Add to one of a unit's windows of the last ten seconds."""
    if w.book.shape[0] > 0:
        w.book[u, window + w.book[0, f.BUCKET]] += amount


@kernel
def note_combat(w, u, now):
    """A unit is in a fight now; after a pause of ten seconds a new one begins."""
    if w.book.shape[0] > 0:
        if now - w.book[u, f.COMBAT_LAST] > f.COMBAT_PAUSE_MS or w.book[u, f.COMBAT_SINCE] == f.NEVER:
            w.book[u, f.COMBAT_SINCE] = now
        w.book[u, f.COMBAT_LAST] = now


@kernel
def note_damage(w, v, source, lost, now):
    """Put lost hit points down to the one who lost them and to the enemy who took them."""
    count(w, f.T_TAKEN, v, lost)
    remember(w, f.B_TAKEN, v, lost)
    note_combat(w, v, now)
    if source >= 0 and enemies(w, source, v):
        count(w, f.T_DEALT, source, lost)
        remember(w, f.B_DEALT, source, lost)
        note_combat(w, source, now)


@kernel
def note_strike(w, u, landed):
    """An attack was made: one more of the last eight."""
    count(w, f.T_ATTACKS, u, 1)
    if w.book.shape[0] > 0:
        w.book[u, f.LAST_HITS] = (w.book[u, f.LAST_HITS] << 1 | landed) & LAST_HITS_BITS


@kernel
def note_arrival(w, u, v):
    """A blow of `u` arrives at `v`, before it has done anything."""
    if w.tally.shape[0] == 0 or not enemies(w, u, v):
        return
    w.tally[f.T_HITS, u] += 1
    w.tally[f.T_HITS_TAKEN, v] += 1
    if has_status(w, v, STUN):
        w.tally[f.T_COMBO, u] += 1


@kernel
def focused(w, u, v):
    """Whether an ally of `u` is after `v` too."""
    found = False
    for ally in range(places(w)):
        if ally != u and w.units[f.ALIVE, ally] != 0 and w.units[f.TARGET, ally] == v and not enemies(w, u, ally):
            found = True
    return found


@kernel
def note_blow(w, u, v, lost, was_after, with_ally, by_magic, finished):
    """A blow of `u` has cost `v`, who was after `was_after`, hit points; `finished` if it also cost a life."""
    if w.tally.shape[0] == 0 or not enemies(w, u, v):
        return
    if by_magic:
        w.tally[f.T_SPELL, u] += lost
        w.tally[f.T_SPELL_KILLS, u] += finished
    if finished and was_after != f.NOBODY and was_after != u and not enemies(w, u, was_after):
        w.tally[f.T_PROTECTED, u] += 1
    if with_ally:
        w.tally[f.T_FOCUS, u] += lost


@kernel
def note_death(w, u, killer):
    """A unit has died: its own, its killer's and its allies' affair."""
    if w.tally.shape[0] == 0:
        return
    s = w.units
    w.tally[f.T_DEATHS, u] += 1
    if killer >= 0 and enemies(w, killer, u):
        w.tally[f.T_KILLS, killer] += 1
    if s[f.MASTER, u] != f.NOBODY:
        return
    for ally in range(places(w)):
        if ally != u and s[f.ALIVE, ally] != 0 and not enemies(w, u, ally):
            w.tally[f.T_ALLIES_DIED, ally] += 1


@kernel
def note_status(w, u, v, bad):
    """A status of `u` was put on `v`."""
    if enemies(w, u, v):
        count(w, f.T_STATUSES, u, 1)
    elif not bad:
        count(w, f.T_BUFFS, u, 1)


@kernel
def short_window(w, window, u):
    """The sum of the last three seconds of one of a unit's windows."""
    total = 0
    for i in range(SHORT_WINDOW):
        total += w.book[u, window + (w.book[0, f.BUCKET] - i + f.BUCKETS) % f.BUCKETS]
    return total


@small
def page_of(w):
    """On which page of a unit's balances the end of the present tick is written down."""
    return (w.match[f.TICKS] + 1) // f.BUCKET_TICKS % f.BUCKETS


@kernel
def balance_of(w, u):
    """How many of a thousand hit points within sight are on a unit's own side."""
    s = w.units
    own = 0
    other = 0
    for v in range(places(w)):
        if s[f.ALIVE, v] != 0 and apart(w, u, v) <= SIGHT:
            if enemies(w, u, v):
                other += s[f.HP, v]
            else:
                own += s[f.HP, v]
    return 1000 * own // max(own + other, 1)


@kernel
def new_page(w, u, now):
    """Begin the memory of a unit that has just appeared."""
    if w.book.shape[0] == 0:
        return
    bucket = w.book[0, f.BUCKET]
    for row in range(f.BOOK_ROWS):
        w.book[u, row] = 0
    w.book[0, f.BUCKET] = bucket
    w.book[u, f.BORN_AT] = now
    w.book[u, f.NOTICED_AT] = f.NEVER
    w.book[u, f.COMBAT_SINCE] = f.NEVER
    w.book[u, f.LAST_TARGET] = f.NOBODY
    w.book[u, f.B_BALANCE + page_of(w)] = balance_of(w, u)


@kernel
def turn_page(w, now):
    """Begin a new bucket of every window when it is time."""
    bucket = now // f.BUCKET_MS % f.BUCKETS
    if bucket == w.book[0, f.BUCKET]:
        return
    w.book[0, f.BUCKET] = bucket
    for u in range(places(w)):
        w.book[u, f.B_TAKEN + bucket] = 0
        w.book[u, f.B_DEALT + bucket] = 0
        w.book[u, f.B_HEALED + bucket] = 0
        w.book[u, f.B_TURNS + bucket] = 0


@kernel
def sees_enemy(w, u):
    """Whether a living enemy is within a unit's sight."""
    for v in range(places(w)):
        if w.units[f.ALIVE, v] == 0 or not enemies(w, u, v):
            continue
        if apart(w, u, v) <= SIGHT:
            return True
    return False


@kernel
def note_view(w, u, now):
    """Remember since when a unit has had an enemy in view."""
    seen = sees_enemy(w, u)
    if seen and w.book[u, f.IN_VIEW] == 0:
        w.book[u, f.NOTICED_AT] = now
    w.book[u, f.IN_VIEW] = seen


@kernel
def note_tick(w, now):
    """After a round of thinking: who lived through it, under whose eyes, whose target changed, who came into view."""
    s = w.units
    turn_page(w, now)
    if (w.match[f.TICKS] + 1) % f.BUCKET_TICKS == 0:
        for u in range(places(w)):
            if s[f.ALIVE, u] != 0:
                w.book[u, f.B_BALANCE + page_of(w)] = balance_of(w, u)
    for u in range(places(w)):
        if s[f.ALIVE, u] == 0:
            continue
        note_view(w, u, now)
        w.tally[f.T_ALIVE, u] += f.THINK_MS
        target = s[f.TARGET, u]
        if target != f.NOBODY and enemies(w, u, target):
            w.tally[f.T_AGGRO, target] += f.THINK_MS
        before = w.book[u, f.LAST_TARGET]
        if target != before and target != f.NOBODY:
            if before != f.NOBODY:
                remember(w, f.B_TURNS, u, 1)
                protected = w.units[f.ALIVE, before] != 0 and not enemies(w, before, target)
                if protected and enemies(w, u, target):
                    w.tally[f.T_PROTECTED, target] += 1
            w.book[u, f.LAST_TARGET] = target


@kernel
def note_step(w):
    """At the end of a step: how far enemies are, and how hard units were hit lately."""
    s = w.units
    for u in range(places(w)):
        w.tally[f.T_MAX_HP, u] = w.species[s[f.SPECIES, u], f.MAX_HP]
        if s[f.ALIVE, u] == 0:
            continue
        w.tally[f.T_HURT, u] = short_window(w, f.B_TAKEN, u)
        nearest = f.NEVER
        for v in range(places(w)):
            if s[f.ALIVE, v] != 0 and enemies(w, u, v):
                nearest = min(nearest, apart(w, u, v))
        w.tally[f.T_DISTANCE, u] = nearest if nearest != f.NEVER else 0


@kernel
def first_page(w):
    """What units remember when a match has just begun."""
    for u in range(places(w)):
        w.book[u, f.B_BALANCE] = balance_of(w, u)
        note_view(w, u, 0)
    note_step(w)
