"""What areas on the ground do to those who stand in them."""

from dataclasses import replace

import pytest

from mlmonster_env.data import MobSkill
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.status_table import status_id
from tests.sim.staged import (
    BLESS,
    EXACT,
    HP,
    MADE_UP,
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


@pytest.mark.parametrize(
    ("shape", "radius", "struck"),
    [
        (k.GRAND_CROSS, 4, [(0, 0), (0, 4), (-4, 0), (2, 1), (-1, -2), (2, 0), (0, -2), (1, 1)]),
        (k.ARMS, 2, [(2, 0), (0, -2)]),
        (k.PLUS, 2, [(0, 0), (2, 0), (0, -2)]),
        (k.CUT, 2, [(0, 0), (2, 1), (-1, -2), (2, 0), (0, -2), (1, 1)]),
    ],
)
def test_ground_may_be_a_cross(shape: int, radius: int, struck: list[tuple[int, int]]) -> None:
    others = [(0, 0), (0, 4), (-4, 0), (5, 0), (2, 1), (-1, -2), (2, 2), (3, 1), (1, 4), (2, 0), (0, -2), (1, 1)]
    made = stage(area(AREA_SHAPE=shape, AREA_RADIUS=radius), enemies=[(plain(), *other) for other in others])
    made.cast(0)
    found = [other for unit, other in enumerate(others, start=1) if made.taken(unit)[0] > 0]
    assert found == [other for other in others if other in struck]


@pytest.mark.parametrize("through", [0, 1])
def test_some_ground_lies_behind_walls_too(through: int) -> None:
    made = stage(area(THROUGH_WALLS=through), enemies=[(plain(), 2, 0), (plain(), -2, 0)])
    made.wall(1, 0)
    made.cast(0)
    assert [made.taken(unit)[0] > 0 for unit in (1, 2)] == [bool(through), True]


@pytest.mark.parametrize("moved", [False, True])
def test_ground_lies_where_its_caster_saw_it_when_it_was_laid(moved: bool) -> None:
    made = stage(area(AREA_RADIUS=4, AREA_DELAY_MS=1000), enemies=[(plain(), 4, 4), (plain(), 4, -4)])
    made.wall(2, 2)  # hides one from the caster
    made.wall(4, -2)  # hides the other from the middle of the ground
    made.cast(0, (MIDDLE + 4, MIDDLE))
    if moved:
        made.arena.units[:, f.Y, 0] = MIDDLE + 4
    made.wait(1200)
    assert [made.taken(unit)[0] > 0 for unit in (1, 2)] == [False, True]


@pytest.mark.parametrize(("reach", "struck"), [(0, False), (1, True)])
def test_a_cell_reaches_as_far_as_it_sees(reach: int, struck: bool) -> None:
    """The one who hides from the caster stands beside a cell that the caster sees."""
    made = stage(area(AREA_RADIUS=3 + reach, AREA_REACH=reach), enemies=[(plain(), 3, 0)])
    made.wall(2, 0)
    made.cast(0)
    assert (made.taken(1)[0] > 0) == struck
    made = stage(area(AREA_RADIUS=3 + reach, AREA_REACH=reach), enemies=[(plain(), 3, 0)])
    for y in range(-3, 4):
        made.wall(2, y)
    made.cast(0)
    assert made.taken(1)[0] == 0


TRAP = area(AREA_PULSE=k.PULSE_TRAP, AREA_RADIUS=1)
HARMLESS = TRAP | {k.DAMAGE: k.NO_DAMAGE}


def test_a_harmless_trap_does_not_strike() -> None:
    enemies = [(plain(), 1, 0), (plain(), 2, 0), (plain(), 3, 0)]
    made = stage(HARMLESS | {k.SPLASH: 2}, on_target("SC_BLIND"), enemies=enemies)
    made.cast(0)
    made.wait(1000)
    assert [made.taken(unit)[0] for unit in (1, 2, 3)] == [0, 0, 0]
    assert [bool(made.under(unit, "SC_BLIND")[0]) for unit in (1, 2, 3)] == [True, True, False]


@pytest.mark.parametrize("splash", [0, 1])
def test_a_trap_may_be_felt_late(splash: int) -> None:
    made = stage(HARMLESS | {k.SPLASH: splash, k.FIRST_MS: 1000}, on_target("SC_BLIND"), enemies=[(plain(), 1, 0)])
    made.cast(0)
    made.wait(900)
    assert not made.under(1, "SC_BLIND")[0]
    made.wait(300)
    assert made.under(1, "SC_BLIND")[0]


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


def test_a_snare_ends_with_who_laid_it() -> None:
    made = stage(HARMLESS, on_target("SC_ANKLE", ms=20_000), enemies=[(plain(), 1, 1)], friends=[(plain(), 9, 9)])
    made.cast(0)
    assert made.under(1, "SC_ANKLE")[0]
    made.rewrite({k.EFFECT: k.SUICIDE, k.AIM: k.AIM_SUPPORT})
    made.cast(0)
    assert made.of(f.ALIVE, 0) == 0
    assert not made.under(1, "SC_ANKLE")[0]
    assert made.of(f.STATUS_FLAGS, 1) == 0


def test_another_death_ends_no_snare() -> None:
    made = stage(HARMLESS, on_target("SC_ANKLE", ms=20_000), enemies=[(plain(), 1, 1)], friends=[(plain(), 9, 9)])
    made.cast(0)
    value = made.value(1, "SC_ANKLE")
    made.rewrite({k.EFFECT: k.SUICIDE, k.AIM: k.AIM_SUPPORT})
    slots = made.arena.units[:, f.STATUS_VALUE : f.STATUS_VALUE + f.STATUS_LIMIT, 1]
    slots[slots == value] = value + 2  # as if the friend had laid it
    made.cast(0)
    assert made.under(1, "SC_ANKLE")[0]


def test_ground_may_be_laid_some_attack_motions_late() -> None:
    caster = plain(attack_motion=300)
    made = stage(area(AREA_DELAY_MS=-2, AREA_MS=900), caster=caster, enemies=[(plain(), 1, 0)])
    made.cast(0)
    made.wait(300)
    assert made.taken(1)[0] == 0
    made.wait(300)
    assert made.taken(1)[0] == POINTS
    made.wait(2000)
    assert made.taken(1)[0] == 2 * POINTS  # at 600 and 1,100 of the 600 to 1,500 ms


@pytest.mark.parametrize(("mode", "keeps"), [(RENEWAL, True), (PRE_RENEWAL, False)])
def test_a_trap_may_push_away_who_springs_it(mode: str, keeps: bool) -> None:
    made = stage(HARMLESS | {k.KNOCKBACK: 4}, enemies=[(plain(mode), 3, 0), (plain(mode), 3, 1)], mode=mode)
    made.arena.units[:, f.THINK_AT] = f.NEVER
    made.arena.units[:, f.TARGET, 1] = 0
    made.cast(0, (MIDDLE + 3, MIDDLE))
    assert [made.of(f.X, unit) - MIDDLE for unit in (1, 2)] == [7, 3]
    assert (made.of(f.TARGET, 1) == 0) == keeps


def test_a_trap_pushes_from_where_its_layer_stood() -> None:
    made = stage(HARMLESS | {k.KNOCKBACK: 4, k.AREA_MS: 10_000}, enemies=[(plain(), 9, 9)])
    made.cast(0, (MIDDLE + 3, MIDDLE))
    made.wait(500)
    made.arena.units[:, [f.X, f.Y], 0] = MIDDLE + 3, MIDDLE + 3
    made.arena.units[:, [f.X, f.Y], 1] = MIDDLE + 3, MIDDLE
    made.wait(1000)
    assert (made.of(f.X, 1) - MIDDLE, made.of(f.Y, 1) - MIDDLE) == (7, 0)


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


def test_each_victim_has_its_own_third_hit() -> None:
    storm = area(FLAGS=EXACT | k.STATUS_FROM_THIRD)
    made = stage(storm, on_target("SC_STRIPWEAPON"), enemies=[(plain(), 1, 0), (plain(), 20, 0)])
    made.cast(0)
    for _ in range(30):
        made.arena.run(1)
        hits = [int(made.taken(unit)[0]) // POINTS for unit in (1, 2)]
        if hits[0] == 2:
            made.arena.units[:, f.X, 2] = MIDDLE + 1
        assert [bool(made.under(unit, "SC_STRIPWEAPON")[0]) for unit in (1, 2)] == [n >= 3 for n in hits]
    assert hits[0] > hits[1] > 0


def test_hits_of_storms_add_up_until_one_takes_or_does_no_damage() -> None:
    storm = area(FLAGS=EXACT | k.STATUS_FROM_THIRD, AREA_MS=400)
    made = stage(storm, on_target("SC_STRIPWEAPON"), enemies=[(plain(), 1, 0)])
    values = []
    for spared in (0, 0, 1, 0, 0, 0, 0):
        made.arena.tables.skills[MADE_UP, k.FLAGS] = EXACT | k.STATUS_FROM_THIRD | spared * k.SPARES_UNDEAD_AND_DEMONS
        made.arena.tables.species[made.of(f.SPECIES, 1), f.RACE] = DEMON * spared
        made.cast(0)
        made.wait(1000)
        values.append(made.value(1, "SC_STORM_HITS") if made.under(1, "SC_STORM_HITS")[0] else 0)
    assert values == [1, 2, 0, 1, 2, 0, 1]


def web() -> Stage:
    columns = area(AREA_PULSE=k.PULSE_TRAP, AREA_RADIUS=0, DAMAGE=k.NO_DAMAGE, AREA_MS=16_000, AREA_INTERVAL=0)
    return stage(columns, on_target("SC_SPIDERWEB", ms=8000), enemies=[(plain(), 5, 0), (plain(), 5, 0)])


def test_a_web_catches_all_on_its_cell_and_whoever_comes_later() -> None:
    made = web()
    made.cast(1, (MIDDLE + 5, MIDDLE))
    made.wait(200)
    assert made.under(1, "SC_SPIDERWEB")[0] and made.under(2, "SC_SPIDERWEB")[0]
    made = web()
    made.cast(1, (MIDDLE + 3, MIDDLE))
    made.wait(5000)
    assert not made.under(1, "SC_SPIDERWEB")[0]
    made.arena.units[:, f.X, 1] = MIDDLE + 3
    made.wait(300)
    assert made.under(1, "SC_SPIDERWEB")[0]


def test_a_second_web_holds_longer_and_a_fourth_not_at_all() -> None:
    made = web()
    left = []
    for _ in range(4):
        made.cast(1, (MIDDLE + 5, MIDDLE))
        made.wait(1000)
        ids = made.arena.units[0, f.STATUS_ID : f.STATUS_ID + f.STATUS_LIMIT, 1].tolist()
        slot = ids.index(status_id("SC_SPIDERWEB"))
        left.append(round((made.of(f.STATUS_END + slot, 1) - int(made.arena.match[0, f.CLOCK])) / 1000))
    assert left == [7, 15, 14, 13]
    assert made.value(1, "SC_SPIDERWEB") == 3


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


CLEARER = MobSkill(
    state="any", skill="NPC_EMOTION", skill_id=1, level=2, rate=1, cast_ms=0, delay_ms=10**8, cancelable=False,
    target="self", condition="onspawn", condition_value=0, values=(0, 0, 0, 0, 0), emotion=-1,
)  # fmt: skip


def helped(columns: dict[int, int], cells: list[tuple[int, int]], help: dict[int, int]) -> Stage:
    """One who lays ground, those who stand in some cells of it, and two friends with a ground skill of their own."""
    enemies = [(plain(), x, y) for x, y in cells]
    friends = [(replace(plain(), skills=(CLEARER,)), 30, 30 + i) for i in range(2)]
    made = stage(columns | {k.AREA_MS: 60_000}, enemies=enemies, friends=friends)
    row = made.arena.tables.skills[MADE_UP + 1]
    row[:] = 0
    for column, value in ({k.AIM: k.AIM_GROUND, k.SKILL_ID: 1, k.REACH: 14} | help).items():
        row[column] = value
    return made


def help_with(made: Stage, cells: list[tuple[int, int]], x: int, y: int, friend: int = 0) -> None:
    """Let a friend use its skill on a cell."""
    units = made.arena.units
    u = len(cells) + 1 + friend
    units[:, f.CAST_AT, u] = made.arena.match[:, f.CLOCK]
    units[:, f.CAST_SKILL, u] = MADE_UP + 1
    units[:, f.CAST_ON, u] = u
    units[:, f.CAST_X, u], units[:, f.CAST_Y, u] = MIDDLE + x, MIDDLE + y
    made.arena.run(1)


def struck_since(made: Stage, cells: list[tuple[int, int]]) -> list[bool]:
    """Whom of those that stand in some cells is struck within two seconds."""
    before = [int(made.taken(unit + 1)[0]) for unit in range(len(cells))]
    made.wait(2000)
    return [bool(made.taken(unit + 1)[0] > before[unit]) for unit in range(len(cells))]


def cleared(columns: dict[int, int], cells: list[tuple[int, int]], *where: tuple[int, int]) -> tuple[Stage, list[bool]]:
    """Ground from which cells are taken; whom of those that stand in some cells it still strikes."""
    made = helped(columns, cells, {k.EFFECT: k.CLEAR_AREAS})
    made.cast(0)
    for x, y in where:
        help_with(made, cells, x, y)
    return made, struck_since(made, cells)


def lies(made: Stage) -> bool:
    """Whether any ground is enchanted."""
    return bool(made.arena.match[0, f.AREA_AT] != f.NEVER)


def test_nine_cells_are_taken_from_ground_of_many() -> None:
    made, struck = cleared(area(), [(1, 1), (2, 2), (2, 0), (0, -1), (-1, 1), (1, -2)], (1, 1))
    assert struck == [False, False, False, True, True, True]
    assert lies(made)


def test_ground_goes_with_its_last_cell() -> None:
    made, struck = cleared(area(AREA_RADIUS=1), [(1, 1), (-1, -1)], (0, 1))
    assert (struck, lies(made)) == ([False, True], True)
    made, struck = cleared(area(AREA_RADIUS=1), [(1, 1), (-1, -1)], (0, 1), (0, 1), (0, 1), (0, -1))
    assert (struck, lies(made)) == ([False, False], False)


@pytest.mark.parametrize(("crowd", "hits"), [(1, 3), (2, 2), (3, 1), (4, 1)])
def test_a_cell_may_be_used_up(crowd: int, hits: int) -> None:
    made = stage(area(AREA_CELL_HITS=3, AREA_MS=1400), enemies=[(plain(), 1, 0)] * crowd + [(plain(), 2, 0)])
    made.cast(0)
    made.wait(2000)
    assert [made.taken(unit)[0] // POINTS for unit in range(1, crowd + 2)] == [hits] * crowd + [3]


def test_a_cross_goes_with_the_last_cell_of_its_arms() -> None:
    for shape in (k.SQUARE, k.ARMS):
        made, _ = cleared(area(AREA_RADIUS=1, AREA_SHAPE=shape), [(3, 3)], (1, -1), (-1, 1))
        assert lies(made) == (shape == k.SQUARE)


def test_cells_that_are_left_reach_over_those_that_are_gone() -> None:
    made, struck = cleared(area(AREA_RADIUS=3, AREA_REACH=1), [(3, 3), (1, 1), (0, 0), (0, -1)], (2, 2))
    assert struck == [False, True, True, True]  # cells as far as two, of which those from one on are gone
    made, struck = cleared(area(AREA_RADIUS=2, AREA_REACH=2), [(0, 0)], (2, 0))
    assert (struck, lies(made)) == ([True], True)
    made, struck = cleared(area(AREA_RADIUS=2, AREA_REACH=2), [(2, 0)], (1, 0))
    assert (struck, lies(made)) == ([False], False)


def test_a_hole_leaves_ground_its_side() -> None:
    made, _ = cleared(area(), [(2, 2)], (2, 2))
    assert made.arena.scene(0).areas[0].side == 0


FORBIDDING = area(AREA_PULSE=k.PULSE_NO_AREAS, AREA_RADIUS=1, AREA_MS=60_000) | {k.SKILL_ID: 1}
ACROSS = [(-2, 0), (-1, 0), (1, 0), (2, 0)]


def living(made: Stage) -> int:
    """How many grounds are enchanted."""
    ends = made.arena.match[0, f.AREAS + f.A_END : f.AREAS + f.AREA_LIMIT * f.AREA_WIDTH : f.AREA_WIDTH]
    return int((ends != f.NEVER).sum())


def test_ground_that_forbids_others_takes_their_cells_and_lets_none_be_laid() -> None:
    for first in (True, False):
        made = helped(area(), ACROSS, FORBIDDING)
        if first:
            made.cast(0)
        help_with(made, ACROSS, 1, 0)
        if not first:
            made.cast(0)
        assert struck_since(made, ACROSS) == [True, True, False, False]
        assert living(made) == 2
        made = helped(area(AREA_RADIUS=1), ACROSS, FORBIDDING)
        if first:
            made.cast(0)
        help_with(made, ACROSS, 0, 0)
        if not first:
            made.cast(0)
        assert living(made) == 1
        assert not any(struck_since(made, ACROSS))


@pytest.mark.parametrize("help", [FORBIDDING, {k.EFFECT: k.CLEAR_AREAS}])
@pytest.mark.parametrize(("y", "burns"), [(2, [True, True, False]), (-2, [False, True, True]), (0, [False] * 3)])
def test_walls_of_fire_lose_their_cells_one_by_one(help: dict[int, int], y: int, burns: list[bool]) -> None:
    cells = [(3, -1), (3, 0), (3, 1)]
    wall = area(
        AREA_PULSE=k.PULSE_FIRE_WALL, AREA_SHAPE=k.WALL, AREA_RADIUS=1, AREA_INTERVAL=20, AREA_CELL_HITS=5,
        AREA_DELAY_MS=1000,
    )  # fmt: skip
    for first in (True, False):
        made = helped(wall, cells, help)
        if first:
            made.cast(0, (MIDDLE + 3, MIDDLE))
        if first or help is FORBIDDING:
            help_with(made, cells, 3, y)
        if not first:
            made.cast(0, (MIDDLE + 3, MIDDLE))
        assert struck_since(made, cells) == (burns if first or help is FORBIDDING else [True] * 3)


def test_some_ground_stands_fast() -> None:
    made = helped(area() | {k.STANDS_FAST: 1}, ACROSS, FORBIDDING)
    made.cast(0)
    help_with(made, ACROSS, 0, 0)
    assert struck_since(made, ACROSS) == [True] * 4
    made.cast(0)
    assert living(made) == 3


def test_where_two_grounds_forbid_each_other_neither_is() -> None:
    made = helped(area(), ACROSS, FORBIDDING)
    help_with(made, ACROSS, 1, 0)
    help_with(made, ACROSS, 1, 0, friend=1)
    made.cast(0)
    assert living(made) == 3
    assert struck_since(made, ACROSS) == [True] * 4
    help_with(made, ACROSS, -1, 0, friend=1)  # who has laid one already moves it
    assert living(made) == 3
    assert struck_since(made, ACROSS) == [False, False, False, False]


def test_no_ball_is_hurled_from_ground_that_forbids_it() -> None:
    balls = STRIKE | {k.HURLED: k.HURLED_FROM_CELLS, k.AMOUNT: 1, k.WAVES: 67, k.FIRST_MS: 150, k.WAVE_MS: 150}
    for radius, left in ((0, 8), (1, 3), (2, 0)):
        made = helped(balls, ACROSS, FORBIDDING | {k.AREA_RADIUS: radius})
        help_with(made, ACROSS, 0, 1)
        made.cast(1)
        made.wait(2000)
        assert made.taken(1)[0] == left * POINTS


@pytest.mark.parametrize(("walls", "struck"), [([(9, 9)], True), ([(2, y) for y in (-1, 0, 1)], False)])
def test_nothing_falls_from_the_sky_where_its_caster_sees_none(walls: list[tuple[int, int]], struck: bool) -> None:
    columns = {k.AIM: k.AIM_GROUND, k.CENTRE: k.AT_GROUND, k.SPLASH: 5, k.SCATTER: 1, k.WAVES: 9, k.WAVE_MS: 10}
    made = stage(STRIKE | columns, enemies=[(plain(), 5, 0)])
    for wall in walls:
        made.wall(*wall)
    made.cast(0, (MIDDLE + 4, MIDDLE))
    made.wait(200)
    assert (made.taken(1)[0] > 0) == struck


def test_nothing_falls_from_the_sky_on_ground_that_forbids_it() -> None:
    falling = STRIKE | {k.AIM: k.AIM_GROUND, k.CENTRE: k.AT_GROUND, k.SPLASH: 5, k.SCATTER: 1}
    for radius, struck in ((1, False), (0, True)):
        made = helped(falling | {k.WAVES: 30, k.WAVE_MS: 10}, ACROSS, FORBIDDING | {k.AREA_RADIUS: radius})
        help_with(made, ACROSS, 0, 0)
        made.cast(0, (MIDDLE, MIDDLE))
        assert struck_since(made, ACROSS) == [struck] * 4


TRAIL = area(AREA_PULSE=k.PULSE_TRAIL, AIM=k.AIM_SUPPORT, AREA_RADIUS=0, AREA_MS=12_000, AREA_INTERVAL=1000, AMOUNT=3)


def walk(made: Stage, steps: int, dx: int = 1) -> None:
    for _ in range(steps):
        made.arena.units[:, f.X, 0] += dx
        made.wait(200)


def test_a_walker_leaves_cells_behind_that_strike_once_a_second() -> None:
    made = stage(TRAIL, enemies=[(plain(), x, 0) for x in range(4)])
    made.cast(0)
    made.wait(1000)
    assert not lies(made)
    walk(made, 2)
    assert [int(made.taken(u)[0]) // POINTS for u in range(1, 5)] == [1, 0, 0, 0]
    assert made.under(0, "SC_PROPERTYWALK")[0]
    walk(made, 3)
    made.wait(2000)
    assert [int(made.taken(u)[0]) // POINTS for u in range(1, 5)] == [3, 2, 2, 0]
    assert not made.under(0, "SC_PROPERTYWALK")[0]
    made.wait(10_000)
    assert not lies(made)


def test_a_walker_who_treads_on_a_trail_leaves_no_cell_behind() -> None:
    made = stage(TRAIL, enemies=[(plain(), 1, 0)])
    made.cast(0)
    made.wait(100)
    walk(made, 1)
    walk(made, 1, -1)
    made.wait(2000)
    assert made.taken(1)[0] == 0


def test_of_a_trail_the_oldest_cells_go_first() -> None:
    made = stage(TRAIL | {k.AMOUNT: 15}, enemies=[(plain(), 0, 0), (plain(), 9, 0)])
    made.cast(0)
    made.wait(100)
    walk(made, 10)
    before = [int(made.taken(u)[0]) for u in (1, 2)]
    made.wait(2000)
    assert [made.taken(u)[0] > before[u - 1] for u in (1, 2)] == [False, True]


def test_a_trail_begins_anew_with_each_cast() -> None:
    made = stage(TRAIL, enemies=[(plain(), 5, 0)])
    made.cast(0)
    made.wait(100)
    walk(made, 2)
    made.cast(0)
    made.wait(100)
    walk(made, 2)
    assert made.under(0, "SC_PROPERTYWALK")[0]
    walk(made, 1)
    assert not made.under(0, "SC_PROPERTYWALK")[0]
