"""What the server's settings decide: who is undead, what ends casts and cloaks, how far blows push, what walls hold."""

from dataclasses import replace

import numpy as np
import pytest

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import probe
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.lab import Place, open_field
from mlmonster_env.sim.status_table import status_id
from tests.sim.staged import (
    BLESS,
    EXACT,
    MIDDLE,
    POINTS,
    PRE_RENEWAL,
    RENEWAL,
    STRIKE,
    Stage,
    area,
    on_target,
    plain,
    stage,
    world,
)

FLINCH_MS = 480
MANY = 4000


def casting(made: Stage, unit: int, cancelable: int) -> None:
    """Let a unit be in the middle of a long cast."""
    made.arena.units[:, f.CAST_AT, unit] = made.arena.match[:, f.CLOCK] + 5000
    made.arena.units[:, f.CAST_ON, unit] = unit
    made.arena.units[:, f.CAST_CANCELABLE, unit] = cancelable


@pytest.mark.parametrize("mode", [RENEWAL, PRE_RENEWAL])
@pytest.mark.parametrize(
    ("name", "broken"),
    [("SC_STUN", 2), ("SC_SLEEP", 2), ("SC_FREEZE", 2), ("SC_SILENCE", 2), ("SC_DEEPSLEEP", 1), ("SC_BLIND", 0)],
)
def test_some_statuses_break_a_cast_off(mode: str, name: str, broken: int) -> None:
    made = stage(BLESS, on_target(name), mode=mode)
    made.arena.tables.species[1:, f.LEVEL] = 1
    casting(made, 1, cancelable=0)
    made.cast(1)
    assert made.under(1, name)[0]
    breaks = broken == 2 or (broken == 1 and mode == RENEWAL)
    assert (made.of(f.CAST_AT, 1) == f.NEVER) == breaks


def test_who_is_held_neither_strikes_nor_walks_until_then() -> None:
    made = stage(BLESS, on_target("SC_KEEPING", ms=7000))
    made.cast(1)
    now = int(made.arena.match[0, f.CLOCK])
    for row in (f.READY_AT, f.HOLD_UNTIL):
        assert now + 6800 < made.of(row, 1) <= now + 7000


def test_a_storm_does_nothing_while_its_caster_is_stunned() -> None:
    made = stage(area(), enemies=[(plain(), 1, 0)])
    made.cast(0)
    before = made.taken(1)[0]
    made.arena.units[:, f.STATUS_ID, 0] = status_id("SC_STUN")
    made.arena.units[:, f.STATUS_END, 0] = int(made.arena.match[0, f.CLOCK]) + 1100
    made.arena.units[:, f.STATUS_COUNT, 0] = 1
    made.arena.units[:, f.STATUS_FLAGS, 0] = made.arena.tables.statuses[status_id("SC_STUN"), 0]
    made.arena.match[:, f.STATUS_AT] = made.arena.units[:, f.STATUS_END, 0]
    made.wait(1000)
    assert made.taken(1)[0] == before
    made.wait(1000)
    assert made.taken(1)[0] > before


@pytest.mark.parametrize("player", [False, True])
def test_monsters_stay_cloaked_when_they_cast(player: bool) -> None:
    caster = replace(plain(), player=player)
    made = stage(BLESS, on_target("SC_CLOAKING"), caster=caster)
    made.cast(0)
    assert made.under(0, "SC_CLOAKING")[0]
    made.rewrite({k.EFFECT: k.NOTHING, k.AIM: k.AIM_SUPPORT})
    made.cast(0)
    assert made.under(0, "SC_CLOAKING")[0] != player


def test_who_is_pushed_into_a_wall_stops_there() -> None:
    made = stage(STRIKE | {k.KNOCKBACK: 6}, enemies=[(plain(), 1, 1)])
    made.arena.scenario.cells[0, MIDDLE + 3, :] = 0
    made.cast(1)
    assert (made.of(f.X, 1), made.of(f.Y, 1)) == (MIDDLE + 2, MIDDLE + 2)


@pytest.mark.parametrize(("hits", "later"), [(1, 0), (3, 400), (10, 1800), (11, 200)])
def test_a_blow_of_many_hits_takes_longer_to_sink_in(hits: int, later: int) -> None:
    made = stage(STRIKE | {k.HITS: hits})
    made.arena.tables.species[2, f.DMOTION] = FLINCH_MS
    made.cast(1)
    due = made.arena.match[0, f.EVENTS : f.EVENTS + f.EVENT_LIMIT]
    assert due.min() - made.arena.match[0, f.CLOCK] <= FLINCH_MS + later
    assert due.min() - made.arena.match[0, f.CLOCK] > FLINCH_MS + later - 100


@pytest.mark.parametrize(("mode", "blows"), [(RENEWAL, 3), (PRE_RENEWAL, 11)])
def test_a_wall_holds_so_many_blows_and_in_renewal_so_much_damage(mode: str, blows: int) -> None:
    wall = area(AREA_PULSE=k.PULSE_BLOCK_MELEE, AREA_LIMIT_HITS=11, AREA_RADIUS=0, AREA_MS=60_000)
    if mode == RENEWAL:
        wall |= {k.AMOUNT: 3000}
    made = stage(wall, caster=plain(mode, level=50, int=4, sp=1), enemies=[(plain(mode), 1, 0)], mode=mode)
    made.cast(0)
    # The one skill is what the wall is of, too.
    blow = {k.EFFECT: k.STRIKE, k.AIM: k.AIM_HARM, k.CENTRE: k.AT_TARGET, k.DAMAGE: k.WEAPON, k.REACH: 1}
    made.rewrite(wall | blow | {k.FORMULA_ARGUMENT: 2500, k.FLAGS: k.SURE_HIT | k.IGNORE_DEFENSE})
    held = 0
    while made.taken(0)[0] == 0 and held < 20:
        made.arena.units[:, f.CAST_AT, 1] = made.arena.match[:, f.CLOCK]
        made.arena.units[:, f.CAST_SKILL, 1] = 1
        made.arena.units[:, f.CAST_ROW, 1] = 0
        made.arena.units[:, f.CAST_ON, 1] = 0
        made.arena.run(1)
        held += 1
    assert held == blows + 1


@pytest.mark.parametrize(
    ("status", "cancelable", "broken"), [("SC_PROVOKE", 1, True), ("SC_PROVOKE", 0, False), ("SC_MINDBREAKER", 0, True)]
)
def test_provoking_breaks_a_cast_that_can_be_broken(status: str, cancelable: int, broken: bool) -> None:
    made = stage(BLESS, on_target(status))
    casting(made, 1, cancelable)
    made.cast(1)
    assert made.under(1, status)[0]
    assert (made.of(f.CAST_AT, 1) == f.NEVER) == broken


@pytest.mark.parametrize(
    ("pulse", "kind", "cells", "through"),
    [
        (k.PULSE_BLOCK_MELEE, k.WEAPON, 3, False),
        (k.PULSE_BLOCK_MELEE, k.WEAPON, 4, True),
        (k.PULSE_BLOCK_MELEE, k.MISC, 3, False),
        (k.PULSE_BLOCK_MELEE, k.MAGIC, 3, True),
        (k.PULSE_BLOCK_RANGED, k.WEAPON, 3, True),
        (k.PULSE_BLOCK_RANGED, k.WEAPON, 4, False),
        (k.PULSE_BLOCK_RANGED, k.MISC, 4, False),
        (k.PULSE_BLOCK_RANGED, k.MAGIC, 4, True),
    ],
)
def test_what_comes_through_to_guarded_ground(pulse: int, kind: int, cells: int, through: bool) -> None:
    ground = area(AREA_PULSE=pulse, AREA_LIMIT_HITS=11, AREA_RADIUS=0, AREA_MS=60_000)
    made = stage(ground, caster=plain(PRE_RENEWAL), enemies=[(plain(PRE_RENEWAL), cells, 0)], mode=PRE_RENEWAL)
    made.cast(0)
    blow = {k.EFFECT: k.STRIKE, k.AIM: k.AIM_HARM, k.CENTRE: k.AT_TARGET, k.DAMAGE: kind, k.REACH: 14}
    made.rewrite(ground | blow | {k.FLAGS: k.SURE_HIT | k.IGNORE_DEFENSE})
    made.arena.units[:, f.CAST_AT, 1] = made.arena.match[:, f.CLOCK]
    made.arena.units[:, f.CAST_SKILL, 1] = 1
    made.arena.units[:, f.CAST_ROW, 1] = 0
    made.arena.units[:, f.CAST_ON, 1] = 0
    made.arena.run(1)
    assert (made.taken(0)[0] > 0) == through


@pytest.mark.parametrize(("pulse", "held"), [(k.PULSE_BLOCK_RANGED, 4), (k.PULSE_BLOCK_MELEE, 3)])
@pytest.mark.parametrize("cells", [3, 4])
@pytest.mark.parametrize("kind", [k.WEAPON, k.MAGIC, k.MISC])
def test_what_holds_damage_off_lets_statuses_through(pulse: int, held: int, cells: int, kind: int) -> None:
    ground = area(AREA_PULSE=pulse, AREA_LIMIT_HITS=11, AREA_RADIUS=0, AREA_MS=60_000)
    made = stage(ground, enemies=[(plain(), cells, 0)])
    made.cast(0, (MIDDLE + cells, MIDDLE))
    columns = STRIKE | {k.EFFECT: k.STRIKE, k.DAMAGE: kind, k.FLAGS: EXACT | k.SURE_HIT}
    made.rewrite(ground | columns | {k.CENTRE: k.AT_TARGET, k.AIM: k.AIM_HARM}, on_target("SC_BLIND"))
    made.cast(1)
    assert (made.taken(1)[0] == 0) == (kind != k.MAGIC and cells == held)
    assert made.under(1, "SC_BLIND")[0]


def test_only_the_element_makes_undead_for_a_bonus() -> None:
    columns = STRIKE | {k.DAMAGE: k.MAGIC, k.UNDEAD_RATIO: 50, k.FLAGS: EXACT | k.UNDEAD_BONUS}
    made = stage(columns, enemies=[(plain(race=1), 1, 0), (plain(element=9), 2, 0)])
    made.cast(1)
    made.cast(2)
    assert [made.taken(unit)[0] for unit in (1, 2)] == [POINTS, POINTS * 3 // 2]


@pytest.mark.parametrize(("flag", "ratio"), [(k.STR_INT_RATIO, 100 + 30 + 20), (k.INT_VIT_RATIO, 100 + 20 + 7)])
def test_attributes_in_a_ratio(flag: int, ratio: int) -> None:
    caster = plain(str=30, int=20)
    made = stage(STRIKE | {k.FLAGS: EXACT | flag}, caster=caster, enemies=[(plain(vit=7), 1, 0)])
    made.cast(1)
    assert made.taken(1)[0] == POINTS * ratio // 100


def test_points_on_top_of_a_spells_ratio_count_for_each_hit() -> None:
    columns = STRIKE | {k.DAMAGE: k.MAGIC, k.RATIO: 50, k.ADDED: 300, k.HITS: 4}
    made = stage(columns)
    made.cast(1)
    assert made.taken(1)[0] == 4 * (POINTS // 2 + 300)


def test_a_casters_level_and_int_add_to_a_chance() -> None:
    caster = plain(level=60, int=42)
    made = stage(BLESS | {k.FLAGS: k.CASTER_CHANCE}, on_target("SC_BLESSING", chance=3000), caster=caster, runs=MANY)
    made.cast(1)
    wanted = (3000 + 100 * ((60 + 42) // 5)) / 10_000
    assert abs(made.under(1, "SC_BLESSING").mean() - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / MANY)


def test_both_sides_have_room_for_their_slaves() -> None:
    world_ = world(RENEWAL)
    caller = next(
        m for m in world_ if any(row.skill == "NPC_SUMMONSLAVE" and row.level > 1 for row in m.skills) and not m.player
    )
    most = max(row.level for row in caller.skills if row.skill == "NPC_SUMMONSLAVE")
    rows = tuple(
        replace(row, rate=10_000, condition="always", state="any", cast_ms=0, delay_ms=10**6)
        for row in caller.skills
        if row.skill == "NPC_SUMMONSLAVE" and row.level == most
    )[:1]
    callers = replace(caller, skills=rows, mode=0)
    places = [Place(callers, side, MIDDLE + 40 * side, MIDDLE + row) for side in (0, 1) for row in range(3)]
    arena = open_field(world_, places, 4, 1)
    arena.run(40)
    slaves = (arena.units[:, f.MASTER] >= 0) & (arena.units[:, f.ALIVE] != 0)
    for side in (0, 1):
        assert ((slaves & (arena.units[:, f.SIDE] == side)).sum(1) == 3 * most).all()


def test_levels_above_the_highest_go_on_as_the_servers_do() -> None:
    some = world(RENEWAL)
    bolt = next(name for name in some.skills if name == "MG_FIREBOLT")
    one = next(m for m in some if not m.player and m.mode & f.CAN_ATTACK).id
    told = [probe.skill_hits(some, bolt, level, one, one, 50, 0)["damage_max"] for level in (10, 12)]
    assert told[1] * 10 == told[0] * 12  # a bolt a level


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "above 0"), (-1, "above 0"), (float("nan"), "a finite number"), (float("inf"), "a finite number")],
)
def test_no_rate_can_be_told_of_no_time(seconds: float, expected: str) -> None:
    one = next(iter(world(RENEWAL))).id
    with pytest.raises(ValueError, match=f"seconds is {seconds}, expected {expected}"):
        probe.skill_use_rate(world(RENEWAL), one, seconds)
