"""What areas on the ground do to those who stand in them."""

import pytest

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from tests.sim.staged import (
    BLESS,
    EXACT,
    HP,
    MIDDLE,
    POINTS,
    PRE_RENEWAL,
    RENEWAL,
    area,
    on_target,
    plain,
    stage,
    world,
)

DEMON = 6


def test_an_area_strikes_at_each_interval() -> None:
    made = stage(area(), enemies=[(plain(), 2, 2), (plain(), 3, 0)])
    made.cast(0)
    made.wait(3000)
    assert [made.taken(unit)[0] for unit in (1, 2)] == [5 * POINTS, 0]  # at 0, 500 ... 2000 of 2150 ms


def test_those_in_an_area_share_its_damage() -> None:
    columns = area(FLAGS=EXACT | k.SPLIT, AREA_MS=400)
    made = stage(columns, enemies=[(plain(), 1, 0), (plain(), 2, 0), (plain(), 5, 0)], friends=[(plain(), 0, 1)])
    made.cast(0)
    assert [made.taken(unit)[0] for unit in (1, 2, 3, 4)] == [POINTS // 2, POINTS // 2, 0, 0]


TRAP = area(AREA_PULSE=k.PULSE_TRAP, AREA_RADIUS=1)
HARMLESS = TRAP | {k.DAMAGE: k.NO_DAMAGE}


def test_a_harmless_trap_does_not_strike() -> None:
    enemies = [(plain(), 1, 0), (plain(), 2, 0), (plain(), 3, 0)]
    made = stage(HARMLESS | {k.SPLASH: 2}, on_target("SC_BLIND"), enemies=enemies)
    made.cast(0)
    made.wait(1000)
    assert [made.taken(unit)[0] for unit in (1, 2, 3)] == [0, 0, 0]
    assert [bool(made.under(unit, "SC_BLIND")[0]) for unit in (1, 2, 3)] == [True, True, False]


@pytest.mark.parametrize(("centre", "caught"), [(k.AT_TARGET, [True, True, False]), (k.AT_GROUND, [True, False, True])])
def test_a_trap_may_work_around_who_springs_it(centre: int, caught: list[bool]) -> None:
    enemies = [(plain(), 1, 0), (plain(), 2, 0), (plain(), -1, 0)]
    made = stage(HARMLESS | {k.SPLASH: 1, k.CENTRE: centre}, on_target("SC_BLIND"), enemies=enemies)
    made.cast(0)
    made.wait(500)
    assert [bool(made.under(unit, "SC_BLIND")[0]) for unit in (1, 2, 3)] == caught
    made = stage(TRAP | {k.SPLASH: 1, k.CENTRE: centre}, enemies=enemies)
    made.cast(0)
    made.wait(500)
    assert [made.taken(unit)[0] > 0 for unit in (1, 2, 3)] == caught


def test_a_trap_without_a_splash_works_on_who_springs_it_alone() -> None:
    made = stage(HARMLESS, on_target("SC_BLIND"), enemies=[(plain(), 1, 0), (plain(), 1, 0), (plain(), 0, 0)])
    made.cast(0)
    made.wait(500)
    assert [bool(made.under(unit, "SC_BLIND")[0]) for unit in (1, 2, 3)] == [True, False, False]


def test_bosses_may_walk_over_a_trap_and_leave_it_set() -> None:
    enemies = [(plain(mode=f.STATUS_IMMUNE), 0, 0), (plain(), 1, 0)]
    made = stage(HARMLESS | {k.FLAGS: k.SPARES_BOSSES}, on_target("SC_ANKLE"), enemies=enemies)
    made.arena.units[:, f.ALIVE, 2] = 0
    made.cast(0)
    made.wait(500)
    made.arena.units[:, f.ALIVE, 2] = 1
    made.wait(500)
    assert [bool(made.under(unit, "SC_ANKLE")[0]) for unit in (1, 2)] == [False, True]


@pytest.mark.parametrize(
    ("agi", "mode", "ms"),
    [
        (0, 0, 20_000),
        (100, 0, 10_000),
        (190, 0, 30 * (50 + 100)),
        (300, 0, 30 * (50 + 100)),
        (0, f.STATUS_IMMUNE, 30 * (50 + 100)),
        (0, f.KNOCKBACK_IMMUNE, 20_000),
    ],
)
def test_the_agile_are_snared_less_long(agi: int, mode: int, ms: int) -> None:
    made = stage(HARMLESS, on_target("SC_ANKLE", ms=20_000), enemies=[(plain(agi=agi, mode=mode), 1, 1)])
    made.cast(0)
    held = [bool(made.under(1, "SC_ANKLE")[0])]
    for wait in (ms - 200, 300):
        made.wait(wait)
        held.append(bool(made.under(1, "SC_ANKLE")[0]))
    assert held == [True, True, False]
    drawn = MIDDLE if mode != f.KNOCKBACK_IMMUNE else MIDDLE + 1
    assert (made.of(f.X, 1), made.of(f.Y, 1)) == (drawn, drawn)


@pytest.mark.parametrize(("mode", "keeps"), [(RENEWAL, True), (PRE_RENEWAL, False)])
def test_a_trap_may_push_away_who_springs_it(mode: str, keeps: bool) -> None:
    made = stage(HARMLESS | {k.KNOCKBACK: 4}, enemies=[(plain(mode), 3, 0), (plain(mode), 3, 1)], mode=mode)
    made.arena.units[:, f.THINK_AT] = f.NEVER
    made.arena.units[:, f.TARGET, 1] = 0
    made.cast(0, (MIDDLE + 3, MIDDLE))
    assert [made.of(f.X, unit) - MIDDLE for unit in (1, 2)] == [7, 3]
    assert (made.of(f.TARGET, 1) == 0) == keeps


def test_evil_ground_heals_whom_it_spares() -> None:
    columns = area(FLAGS=EXACT | k.SPARES_UNDEAD_AND_DEMONS | k.HEALS_THE_SPARED)
    kinds = [plain(), plain(race=DEMON), plain(element=9)]
    enemies = [(kind, 1, y) for y, kind in enumerate(kinds)]
    made = stage(columns, caster=plain(race=DEMON), enemies=[*enemies, (plain(race=DEMON), 5, 0)])
    made.arena.units[:, f.HP, :5] = HP // 2
    made.cast(0)
    assert [made.of(f.HP, unit) - HP // 2 for unit in range(5)] == [POINTS, -POINTS, POINTS, POINTS, 0]


def test_a_trap_strikes_once_and_around_itself() -> None:
    enemies = [(plain(), 1, 0), (plain(), 2, 0), (plain(), 3, 0), (plain(), -2, 0)]
    made = stage(TRAP | {k.SPLASH: 2}, enemies=enemies)
    made.cast(0)
    made.wait(1500)
    assert [made.taken(unit)[0] for unit in (1, 2, 3, 4)] == [POINTS, POINTS, 0, POINTS]


def test_a_trap_without_a_splash_strikes_who_springs_it() -> None:
    made = stage(TRAP, enemies=[(plain(), 1, 0), (plain(), 0, 0)])
    made.cast(0)
    made.wait(1500)
    assert [made.taken(unit)[0] for unit in (1, 2)] == [POINTS, 0]


def test_the_frozen_may_be_left_alone() -> None:
    made = stage(BLESS, on_target("SC_FREEZE", ms=20_000), enemies=[(plain(), 1, 0), (plain(), 0, 1)])
    made.arena.tables.species[2, f.LEVEL] = 50
    made.cast(1)
    assert made.under(1, "SC_FREEZE")[0]
    made.rewrite(area(FLAGS=EXACT | k.SPARES_FROZEN))
    made.cast(0)
    made.wait(2500)
    assert [made.taken(unit)[0] for unit in (1, 2)] == [0, 5 * POINTS]
    assert made.under(1, "SC_FREEZE")[0]


def test_statuses_from_the_third_pulse_on() -> None:
    made = stage(area(FLAGS=EXACT | k.STATUS_FROM_THIRD), on_target("SC_STRIPWEAPON"), enemies=[(plain(), 1, 0)])
    made.cast(0)
    pulses = []
    for _ in range(25):
        pulses.append((int(made.taken(1)[0]) // POINTS, bool(made.under(1, "SC_STRIPWEAPON")[0])))
        made.arena.run(1)
    assert {struck for struck, _ in pulses} >= {1, 2, 3}
    assert all(held == (struck >= 3) for struck, held in pulses)


def test_ground_renews_no_status_before_it_ends() -> None:
    made = stage(area(AREA_PULSE=k.PULSE_STATUS), on_target("SC_QUAGMIRE", ms=3000), enemies=[(plain(), 1, 0)])
    made.cast(0)
    made.wait(2700)
    assert made.under(1, "SC_QUAGMIRE")[0]
    made.wait(500)
    assert not made.under(1, "SC_QUAGMIRE")[0]


def test_a_dead_casters_ground_does_no_harm() -> None:
    made = stage(area(), enemies=[(plain(), 1, 0)], friends=[(plain(), 9, 9)])
    made.cast(0)
    struck = made.taken(1)[0]
    made.arena.units[:, f.ALIVE, 0] = 0
    made.wait(2000)
    assert struck == made.taken(1)[0] == POINTS


def test_ground_goes_when_another_takes_its_casters_place() -> None:
    # The area is made that of a slave who is no more, whose place the next one takes.
    caller = next(monster for monster in world(RENEWAL) if not monster.player)
    called = (caller.id, 0, 0, 0, 0)
    made = stage(area(AREA_MS=60_000), enemies=[(plain(), 1, 0)], values=called, skill="NPC_SUMMONSLAVE")
    members = made.arena.scenario.members
    made.cast(0)
    owners = made.arena.match[0, f.AREAS :].reshape(-1, f.AREA_WIDTH)
    assert owners[0, f.A_END] != f.NEVER
    owners[0, f.A_OWNER] = members
    made.rewrite({k.EFFECT: k.SUMMON, k.AIM: k.AIM_SUPPORT, k.AMOUNT: 1})
    made.cast(0)
    assert made.of(f.ALIVE, members) == 1
    assert owners[0, f.A_END] == f.NEVER
