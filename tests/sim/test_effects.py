"""What strikes do, each rule in a small world of its own: motionless monsters and one made-up skill."""

from dataclasses import replace

import numpy as np
import pytest

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.samples import sample_skill
from mlmonster_env.sim.status_table import status_id
from tests.sim.staged import (
    BLESS,
    EXACT,
    MADE_UP,
    MIDDLE,
    POINTS,
    PRE_RENEWAL,
    RENEWAL,
    STRIKE,
    on_self,
    on_target,
    plain,
    stage,
    world,
)

UNDEAD, DEMON = 1, 6


def test_waves_come_one_by_one_and_all_of_them() -> None:
    waves = 3 * f.EVENT_LIMIT
    made = stage(STRIKE | {k.WAVES: waves, k.WAVE_MS: 50})
    made.cast(1)
    due, what = made.arena.match[0, f.EVENTS : f.AREAS].reshape(f.EVENT_FIELDS, -1)[:2]
    kinds = what & (1 << f.KIND_BITS) - 1
    assert np.count_nonzero(kinds[due != f.NEVER] == f.STRIKE_AGAIN) == 1
    made.wait(waves * 50 + 200)
    assert made.taken(1).tolist() == [waves * POINTS]


def test_blows_that_find_no_room_land_with_others_of_their_kind() -> None:
    waves = 4 * f.EVENT_LIMIT
    made = stage(STRIKE | {k.WAVES: waves, k.WAVE_MS: 5, k.IMMEDIATE: 0}, caster=replace(plain(), attack_motion=900))
    made.cast(1)
    made.wait(waves * 5 + 2000)
    assert made.taken(1).tolist() == [waves * POINTS]


@pytest.mark.parametrize(
    ("aim", "at", "works"),
    [
        (k.AIM_HARM, 0, False),
        (k.AIM_HARM, 1, True),
        (k.AIM_HARM, 2, False),
        (k.AIM_AFFLICT, 0, False),
        (k.AIM_AFFLICT, 1, True),
        (k.AIM_AFFLICT, 2, False),
        (k.AIM_SUPPORT, 0, True),
        (k.AIM_SUPPORT, 2, True),
    ],
)
def test_what_is_meant_for_enemies_does_nothing_to_others(aim: int, at: int, works: bool) -> None:
    made = stage(BLESS | {k.AIM: aim}, on_target("SC_INCREASEAGI"), friends=[(plain(), 2, 0)])
    made.cast(at)
    assert made.under(at, "SC_INCREASEAGI")[0] == works
    assert made.of(f.CASTS, 0) == 1


def test_a_first_wave_may_come_late() -> None:
    made = stage(STRIKE | {k.FIRST_MS: 1000, k.WAVES: 2, k.WAVE_MS: 1000})
    made.cast(1)
    made.wait(700)
    assert made.taken(1)[0] == 0
    made.wait(400)
    assert made.taken(1)[0] == POINTS
    made.wait(1000)
    assert made.taken(1)[0] == 2 * POINTS


def test_waves_fall_on_random_cells() -> None:
    columns = STRIKE | {k.AIM: k.AIM_GROUND, k.CENTRE: k.AT_GROUND, k.SPLASH: 1, k.SCATTER: 4}
    victims = [(plain(), 0, 0), (plain(), 5, 0), (plain(), 6, 0)]
    made = stage(columns, enemies=victims, runs=400)
    made.cast(1)
    hit = [float((made.taken(unit) > 0).mean()) for unit in (1, 2, 3)]
    assert hit[0] == pytest.approx(9 / 81, abs=0.06)  # the 3 x 3 cells of 9 x 9 from which it is reached
    assert 0 < hit[1] < hit[0]
    assert hit[2] == 0


def test_later_strikes_on_the_ground_need_no_target() -> None:
    columns = STRIKE | {k.AIM: k.AIM_GROUND, k.CENTRE: k.AT_GROUND, k.SPLASH: 4, k.WAVES: 3, k.WAVE_MS: 300}
    made = stage(columns, enemies=[(plain(hp=POINTS), 0, 0), (plain(), 2, 0)])
    made.cast(1)
    made.wait(1000)
    assert made.of(f.ALIVE, 1) == 0
    assert made.taken(2)[0] == 3 * POINTS


def test_success_is_a_chance_of_the_whole_skill() -> None:
    made = stage(STRIKE | {k.SUCCESS: 30}, on_self("SC_AGIUP"), runs=400)
    made.cast(1)
    struck = made.taken(1) > 0
    assert struck.mean() == pytest.approx(0.3, abs=0.1)
    assert (made.under(0, "SC_AGIUP") == struck).all()


def test_a_skill_may_need_a_status_that_it_spends() -> None:
    poison = status_id("SC_POISON")
    made = stage(STRIKE | {k.SPENDS: poison}, on_self("SC_AGIUP"))
    made.cast(1)
    assert made.taken(1)[0] == 0
    made.rewrite(BLESS, on_target("SC_POISON"), on_target("SC_BLIND"))
    made.cast(1)
    made.rewrite(STRIKE | {k.SPENDS: poison}, on_self("SC_AGIUP"))
    made.cast(1)
    assert made.taken(1)[0] == POINTS
    assert not made.under(1, "SC_POISON")[0]
    assert made.under(1, "SC_BLIND")[0]
    assert made.under(0, "SC_AGIUP")[0]
    made.cast(1)
    assert made.taken(1)[0] == POINTS


def test_a_skill_may_lift_what_it_puts_on() -> None:
    silence = status_id("SC_SILENCE")
    made = stage(BLESS | {k.LIFTS: silence, k.FIRST_MS: 1000}, on_target("SC_SILENCE", ms=60_000))
    for silent in (True, False, True):
        made.cast(1)
        made.wait(1100)
        assert made.under(1, "SC_SILENCE")[0] == silent


def test_who_aims_it_at_itself_spends_no_status() -> None:
    made = stage(BLESS, on_target("SC_POISON"))
    made.cast(0)
    made.rewrite(STRIKE | {k.SPENDS: status_id("SC_POISON")})
    before = made.taken(0)[0]
    made.cast(0)
    assert made.taken(0)[0] == before
    assert made.under(0, "SC_POISON")[0]


@pytest.mark.parametrize(
    ("target", "length", "width", "struck"),
    [
        ((5, 0), 6, 0, [(5, 0), (3, 0)]),
        ((5, 1), 6, 1, [(5, 0), (3, 0), (3, 1)]),
        ((5, 0), 9, 0, [(5, 0), (3, 0), (8, 0)]),
        ((4, 4), 6, 0, [(4, 4)]),
        ((4, 4), 6, 1, [(4, 4), (3, 1)]),
        ((-2, 0), 6, 1, []),
    ],
)
def test_a_line_is_long_and_wide(
    target: tuple[int, int], length: int, width: int, struck: list[tuple[int, int]]
) -> None:
    others = [(5, 0), (3, 0), (3, 1), (8, 0), (4, 4), (0, 5)]
    made = stage(
        STRIKE | {k.FLAGS: EXACT | k.LINE, k.AMOUNT: length, k.SPLASH: width},
        enemies=[(plain(), *target), *((plain(), *other) for other in others)],
    )
    made.cast(1)
    found = [other for unit, other in enumerate(others, start=2) if made.taken(unit)[0] > 0]
    assert found == [other for other in others if other in struck]
    assert made.taken(1)[0] == POINTS


@pytest.mark.parametrize(
    ("target", "others", "struck"),
    [
        ((4, 0), [(5, 0), (3, 0), (1, 0), (-1, 0), (3, 1)], [(3, 0), (1, 0)]),
        ((1, 0), [(2, 0), (-1, 0), (-2, 0), (-3, 0)], [(-1, 0), (-2, 0)]),
        ((3, 1), [(1, 0), (2, 0)], [(2, 0)]),
    ],
)
def test_a_line_may_run_back_from_its_target(
    target: tuple[int, int], others: list[tuple[int, int]], struck: list[tuple[int, int]]
) -> None:
    made = stage(
        STRIKE | {k.FLAGS: EXACT | k.LINE, k.AMOUNT: -4},
        enemies=[(plain(), *target), *((plain(), *other) for other in others)],
    )
    made.cast(1)
    assert [other for unit, other in enumerate(others, start=2) if made.taken(unit)[0] > 0] == struck
    assert made.taken(1)[0] == POINTS


@pytest.mark.parametrize(
    ("target", "struck"),
    [
        ((2, 0), [(0, 0), (0, 2), (4, -2)]),
        ((2, 2), [(0, 0), (-2, 2), (4, 4), (5, 1), (0, 2), (0, 3)]),
        ((5, 0), [(0, 0), (0, 2), (4, -2)]),
        ((0, 0), [(0, 0), (0, 2), (4, -2)]),
    ],
)
def test_a_line_may_strike_those_who_stand_in_it_alone(target: tuple[int, int], struck: list[tuple[int, int]]) -> None:
    others = [(0, 0), (0, 2), (-1, 0), (4, -2), (5, 1), (0, 3), (-2, 2), (4, 4), (5, 4)]
    made = stage(
        STRIKE | {k.FLAGS: EXACT | k.LINE, k.AMOUNT: 5, k.SPLASH: 2, k.FRONT: 1},
        enemies=[(plain(), *target), *((plain(), *other) for other in others)],
    )
    made.cast(1)
    found = [other for unit, other in enumerate(others, start=2) if made.taken(unit)[0] > 0]
    assert found == [other for other in others if other in struck]
    assert (made.taken(1)[0] > 0) == (target != (5, 0))


@pytest.mark.parametrize(("front", "share"), [(0, 1 - 0.95**2), (1, 0.05)])
def test_a_line_that_does_nobody_harm_strikes_its_target_again(front: int, share: float) -> None:
    columns = STRIKE | {k.DAMAGE: k.WEAPON, k.FLAGS: EXACT | k.LINE, k.AMOUNT: 6, k.SPLASH: 1, k.FRONT: front}
    made = stage(columns, enemies=[(plain(agi=900), 3, 0)], runs=4000)
    made.cast(1)
    assert (made.taken(1) > 0).mean() == pytest.approx(share, abs=0.015)


def test_a_line_before_the_caster_may_strike_nobody() -> None:
    made = stage(STRIKE | {k.FLAGS: EXACT | k.LINE, k.AMOUNT: 2, k.FRONT: 1}, enemies=[(plain(), 2, 0)])
    made.cast(1)
    assert made.taken(1)[0] == 0


@pytest.mark.parametrize(("columns", "points"), [({k.ADDED: 150}, 575), ({k.PAST_DEFENCE: 150}, 650), ({}, 500)])
def test_points_on_top_of_a_blow_come_before_or_past_defence(columns: dict[int, int], points: int) -> None:
    blow = STRIKE | {k.DAMAGE: k.WEAPON, k.FLAGS: k.SURE_HIT | k.IGNORE_ELEMENT}
    made = stage(blow | columns, enemies=[(plain(PRE_RENEWAL, defense=50), 3, 0)], mode=PRE_RENEWAL)
    made.cast(1)
    made.wait(1000)
    assert made.taken(1)[0] == points


def test_a_plain_defence_is_taken_off_as_it_stands() -> None:
    blow = STRIKE | {k.DAMAGE: k.WEAPON, k.FLAGS: k.SURE_HIT | k.IGNORE_ELEMENT, k.PLAIN_DEFENCE: 1}
    made = stage(blow, enemies=[(plain(defense=600), 3, 0)])
    made.cast(1)
    made.wait(1000)
    assert made.taken(1)[0] == POINTS - 600 - 25  # soft defence: half the level


def test_sp_may_add_to_a_ratio_and_are_kept() -> None:
    made = stage(STRIKE | {k.SP_RATIO: 2}, caster=plain(sp=100))
    for blows in (1, 2):
        made.cast(1)
        assert made.taken(1)[0] == blows * 3 * POINTS


@pytest.mark.parametrize(("level", "usual", "frozen"), [(99, 100, 300), (120, 80, 360), (150, 100, 450)])
def test_a_ratio_may_be_another_against_a_status(level: int, usual: int, frozen: int) -> None:
    columns = STRIKE | {
        k.FLAGS: EXACT | k.LEVEL_RATIO, k.LEVEL_PART: 150, k.AGAINST: status_id("SC_FREEZING"), k.AGAINST_RATIO: 300,
    }  # fmt: skip
    made = stage(columns, caster=plain(level=level))
    made.cast(1)
    assert made.taken(1)[0] == POINTS * usual // 100
    made.rewrite(BLESS, on_target("SC_FREEZING"))
    made.cast(1)
    made.rewrite(columns)
    made.cast(1)
    assert made.taken(1)[0] == POINTS * (usual + frozen) // 100


@pytest.mark.parametrize(("target", "wall", "moved"), [((1, 0), None, 3), ((1, 0), (3, 0), 0), ((5, 0), (4, 0), 3)])
def test_a_caster_may_move_on_after_its_blow(target: tuple[int, int], wall: tuple[int, int] | None, moved: int) -> None:
    made = stage(STRIKE | {k.LUNGE: 3}, enemies=[(plain(), *target)])
    if wall is not None:
        made.wall(*wall)
        made.arena.scenario.cells[0, MIDDLE + wall[1], MIDDLE + wall[0]] = 2  # shots pass it
    made.cast(1)
    assert made.of(f.X, 0) - MIDDLE == moved
    assert made.taken(1)[0] == POINTS


def test_shared_damage_is_shared() -> None:
    made = stage(STRIKE | {k.SPLASH: 2, k.FLAGS: EXACT | k.SPLIT}, enemies=[(plain(), 3, 0), (plain(), 4, 0)])
    made.cast(1)
    assert [made.taken(unit)[0] for unit in (1, 2)] == [POINTS // 2] * 2


@pytest.mark.parametrize(
    ("columns", "struck"),
    [
        ({k.CENTRE: k.AT_TARGET}, [True, True, False]),
        ({k.CENTRE: k.AT_SELF}, [True, True, False]),
        ({k.CENTRE: k.AT_GROUND, k.AIM: k.AIM_GROUND}, [True, True, False]),
    ],
)
def test_walls_keep_off_what_strikes_around(columns: dict[int, int], struck: list[bool]) -> None:
    made = stage(STRIKE | {k.SPLASH: 4} | columns, enemies=[(plain(), 0, 1), (plain(), 0, 3), (plain(), 3, 0)])
    made.wall(2, 0)
    made.cast(1)
    assert [bool(made.taken(unit)[0]) for unit in (1, 2, 3)] == struck


def test_those_behind_a_wall_take_a_share_all_the_same() -> None:
    made = stage(STRIKE | {k.SPLASH: 4, k.FLAGS: EXACT | k.SPLIT}, enemies=[(plain(), 0, 1), (plain(), 3, 1)])
    made.wall(2, 1)
    made.cast(1)
    assert [made.taken(unit)[0] for unit in (1, 2)] == [POINTS // 2, 0]


def test_the_deeply_hidden_are_not_hit_by_chance() -> None:
    made = stage(STRIKE | {k.SPLASH: 3}, enemies=[(plain(), 3, 0), (plain(), 4, 0)])
    made.rewrite(BLESS, on_target("SC_HIDING"))
    made.cast(2)
    made.rewrite(STRIKE | {k.SPLASH: 3})
    made.cast(1)
    assert [made.taken(unit)[0] for unit in (1, 2)] == [POINTS, 0]
    made.arena.units[:, f.MODE, 0] |= f.DETECTOR
    made.cast(1)
    assert [made.taken(unit)[0] for unit in (1, 2)] == [2 * POINTS, POINTS]


@pytest.mark.parametrize("size", [0, 1, 2])
def test_some_strike_the_large_more_often(size: int) -> None:
    made = stage(STRIKE | {k.FLAGS: EXACT | k.SIZE_HITS}, enemies=[(plain(size=size), 1, 0)])
    made.cast(1)
    assert made.taken(1)[0] == (size + 1) * POINTS


@pytest.mark.parametrize(
    ("mode", "flag", "level", "ratio"),
    [
        (RENEWAL, k.STR_RATIO, 150, 100 + 3 * 40),
        (RENEWAL, k.LEVEL_RATIO, 150, 150),
        (RENEWAL, k.LEVEL_RATIO, 99, 100),
        (PRE_RENEWAL, k.LEVEL_RATIO, 150, 100),
    ],
)
def test_ratios_that_grow(mode: str, flag: int, level: int, ratio: int) -> None:
    made = stage(STRIKE | {k.FLAGS: EXACT | flag}, caster=plain(mode, str=40, level=level), mode=mode)
    made.cast(1)
    assert made.taken(1)[0] == POINTS * ratio // 100


def test_undead_and_demons_may_be_spared() -> None:
    victims = [plain(), plain(race=UNDEAD), plain(element=9), plain(race=DEMON)]  # the race alone makes nobody undead
    made = stage(
        STRIKE | {k.SPLASH: 3, k.FLAGS: EXACT | k.SPARES_UNDEAD_AND_DEMONS},
        enemies=[(victim, 1, y) for y, victim in enumerate(victims)],
    )
    made.cast(1)
    assert [made.taken(unit)[0] for unit in (1, 2, 3, 4)] == [POINTS, POINTS, 0, 0]


def test_a_random_element_is_drawn_for_each_strike() -> None:
    columns = STRIKE | {k.FLAGS: k.IGNORE_DEFENSE, k.ELEMENT: -3}
    made = stage(columns, enemies=[(plain(element=1, element_level=1), 1, 0)], runs=200)
    made.cast(1)
    table = world(RENEWAL).attribute_table[0, :, 1]
    assert set(made.taken(1).tolist()) == {int(max(POINTS * percent // 100, 0)) for percent in table}


@pytest.mark.parametrize("element", [1, 8, 9])
def test_the_extremes_of_a_random_element_are_those_of_all(element: int) -> None:
    columns = STRIKE | {k.FLAGS: k.IGNORE_DEFENSE, k.ELEMENT: -3}
    made = stage(columns, enemies=[(plain(element=element), 1, 0)])
    _, _, _, least, most, _ = sample_skill(made.arena.words, 0, 1, MADE_UP, 500)
    table = world(RENEWAL).attribute_table[0, :, element]
    dealt = [int(POINTS * percent // 100) for percent in table if percent > 0]
    assert (least, most) == (min(dealt), max(dealt))


@pytest.mark.parametrize("mode", [RENEWAL, PRE_RENEWAL])
def test_a_heal_burns_undead_enemies_by_half(mode: str) -> None:
    heal = {k.EFFECT: k.HEAL, k.AIM: k.AIM_SUPPORT, k.REACH: 14, k.SKILL_LEVEL: 11}
    enemies = [(plain(mode, element=9), 1, 0), (plain(mode), 2, 0)]
    made = stage(heal, enemies=enemies, mode=mode)
    for unit in (1, 2):
        made.cast(unit)
        made.wait(200)
    half = 9999 // 2
    percent = int(world(mode).attribute_table[0, 6, 9])
    holy = half - int(half * (100 - percent) / 100) if mode == RENEWAL else half * percent // 100
    assert [made.taken(unit)[0] for unit in (1, 2)] == [holy, 0]


def test_bases_of_a_trap() -> None:
    columns = STRIKE | {k.FORMULA: k.BASE_TRAP, k.FORMULA_ARGUMENT: 5}
    made = stage(columns, caster=plain(dex=60, int=35, level=100))
    made.cast(1)
    assert made.taken(1)[0] == 5 * 60 * 4 * 2
    for powder in (75, 100, 150):
        made = stage(columns | {k.AMOUNT: powder}, caster=plain(PRE_RENEWAL, dex=60, int=50), mode=PRE_RENEWAL)
        made.cast(1)
        assert made.taken(1)[0] == 5 * (60 + powder) * 150 // 200


def test_a_spear_does_more_to_the_small() -> None:
    columns = STRIKE | {k.DAMAGE: k.WEAPON, k.FORMULA: k.BASE_SPEAR, k.FLAGS: EXACT | k.SURE_HIT}
    enemies = [(plain(PRE_RENEWAL, size=size), 3, size) for size in range(3)]
    made = stage(columns, caster=plain(PRE_RENEWAL, str=89), enemies=enemies, mode=PRE_RENEWAL)
    made.arena.tables.species[1, [f.BATK, f.ATK_MIN, f.ATK_MAX]] = 0, 336, 336
    for unit in (1, 2, 3):
        made.cast(unit)
    assert [made.taken(unit)[0] for unit in (1, 2, 3)] == [500, 400, 300]


@pytest.mark.parametrize(("flee", "least"), [(0, 336 + 3500), (10_000, 3500)])
def test_a_breaker_of_souls_hurts_even_where_it_misses(flee: int, least: int) -> None:
    columns = STRIKE | {k.DAMAGE: k.WEAPON, k.FORMULA: k.BASE_SOUL, k.SKILL_LEVEL: 10, k.FLAGS: EXACT}
    made = stage(columns, caster=plain(PRE_RENEWAL, int=60), mode=PRE_RENEWAL, runs=200)
    made.arena.tables.species[1, [f.BATK, f.ATK_MIN, f.ATK_MAX, f.HIT]] = 0, 336, 336, 500
    made.arena.tables.species[2, f.FLEE] = flee
    made.rewrite(columns)
    made.cast(1)
    taken = made.taken(1)
    assert least <= np.quantile(taken, 0.02) < np.quantile(taken, 0.9) < least + 500
    assert 3500 <= taken.min() < taken.max() < 336 + 4000


def test_acid_is_lessened_by_soft_defence_before_its_ratio() -> None:
    columns = STRIKE | {k.DAMAGE: k.WEAPON, k.FORMULA: k.BASE_ACID, k.RATIO: 300, k.FLAGS: EXACT | k.SURE_HIT}
    made = stage(columns, mode=PRE_RENEWAL)
    made.arena.tables.species[1, [f.BATK, f.ATK_MIN, f.ATK_MAX]] = 0, 336, 336
    made.arena.tables.species[2, [f.DEF, f.DEF2]] = 50, 36
    made.cast(1)
    assert made.taken(1)[0] == 900


def test_the_full_attack_is_not_rolled() -> None:
    columns = STRIKE | {k.DAMAGE: k.WEAPON, k.FORMULA: k.BASE_FULL_ATTACK, k.FLAGS: EXACT | k.SURE_HIT}
    made = stage(columns, caster=plain(str=90), runs=20)
    caster = made.arena.tables.species[1]
    caster[[f.BATK, f.ATK_MIN, f.ATK_MAX]] = 140, 300, 500
    made.cast(1)
    assert set(made.taken(1).tolist()) == {640}


@pytest.mark.parametrize("mode", [RENEWAL, PRE_RENEWAL])
def test_weapon_and_magic_together(mode: str) -> None:
    columns = STRIKE | {k.DAMAGE: k.MAGIC, k.FORMULA: k.BASE_ATTACK_AND_MAGIC, k.FLAGS: EXACT}
    made = stage(columns, mode=mode)
    caster, victim = made.arena.tables.species[1:3]
    caster[[f.BATK, f.ATK_MIN, f.ATK_MAX, f.MATK_MIN, f.MATK_MAX]] = 0, 300, 300, 500, 500
    victim[[f.DEF, f.DEF2, f.MDEF, f.MDEF2]] = 10, 0, 20, 0
    made.cast(1)
    assert made.taken(1)[0] == (400 - 10 - 20 if mode == RENEWAL else 300 * 90 // 100 + 500)


@pytest.mark.parametrize("mode", [RENEWAL, PRE_RENEWAL])
def test_of_weapon_and_magic_together_the_element_counts_twice(mode: str) -> None:
    columns = STRIKE | {k.DAMAGE: k.MAGIC, k.FORMULA: k.BASE_ATTACK_AND_MAGIC, k.ELEMENT: 3, k.FLAGS: k.IGNORE_DEFENSE}
    made = stage(columns, enemies=[(plain(mode, element=2), 3, 0)], mode=mode)
    caster, victim = made.arena.tables.species[1:3]
    caster[[f.BATK, f.ATK_MIN, f.ATK_MAX, f.MATK_MIN, f.MATK_MAX]] = 0, 400, 400, 400, 400
    victim[[f.DEF, f.DEF2, f.MDEF, f.MDEF2]] = 0
    percent = int(made.arena.tables.elements[0, 3, 2])
    made.cast(1)
    assert percent > 100
    assert made.taken(1)[0] == (400 if mode == RENEWAL else 800) * percent * percent // 10_000


@pytest.mark.parametrize(("mode", "points"), [(RENEWAL, (300 - 40) // 2 - 50), (PRE_RENEWAL, 500 - 9)])
def test_of_weapon_and_magic_together_one_may_lessen_the_other(mode: str, points: int) -> None:
    flags = k.IGNORE_ELEMENT if mode == RENEWAL else EXACT
    made = stage(STRIKE | {k.DAMAGE: k.MAGIC, k.FORMULA: k.BASE_ATTACK_AND_MAGIC, k.FLAGS: flags}, mode=mode)
    caster, victim = made.arena.tables.species[1:3]
    caster[[f.BATK, f.ATK_MIN, f.ATK_MAX]] = 0, *([300, 300] if mode == RENEWAL else [10, 10])
    caster[[f.MATK_MIN, f.MATK_MAX]] = 10 if mode == RENEWAL else 500
    victim[[f.DEF, f.DEF2, f.MDEF, f.MDEF2]] = [0, 0, 0, 50] if mode == RENEWAL else [0, 19, 0, 0]
    made.cast(1)
    assert made.taken(1)[0] == points


def test_of_weapon_and_magic_together_the_magic_alone_is_resisted() -> None:
    made = stage(STRIKE | {k.DAMAGE: k.MAGIC, k.FORMULA: k.BASE_ATTACK_AND_MAGIC, k.FLAGS: EXACT})
    caster, victim = made.arena.tables.species[1:3]
    caster[[f.BATK, f.ATK_MIN, f.ATK_MAX, f.MATK_MIN, f.MATK_MAX]] = 0, 300, 300, 500, 500
    victim[[f.DEF, f.DEF2, f.MDEF, f.MDEF2, f.MRES]] = 0, 0, 0, 0, 400
    made.cast(1)
    assert made.taken(1)[0] == (300 + 500 * 6 // 10) // 2


def test_a_spell_may_take_the_least_of_the_weapon() -> None:
    made = stage(STRIKE | {k.DAMAGE: k.MAGIC, k.FORMULA: k.BASE_LEAST_ATTACK, k.RATIO: 200, k.FLAGS: EXACT}, runs=20)
    made.arena.tables.species[1, [f.BATK, f.ATK_MIN, f.ATK_MAX]] = 140, 300, 500
    made.cast(1)
    assert set(made.taken(1).tolist()) == {600}


def test_those_beside_the_caster_may_be_struck_harder_than_those_far_off() -> None:
    cells = [1, 2, 3, 4, 5]
    columns = STRIKE | {k.SPLASH: 5, k.CENTRE: k.AT_SELF, k.RATIO: 300, k.RING: 50}
    made = stage(columns, enemies=[(plain(), 0, y) for y in cells])
    made.cast(1)
    assert [made.taken(unit)[0] * 100 // POINTS for unit in cells] == [350, 300, 300, 250, 250]


def test_statuses_may_fall_on_the_undead_and_demons_alone() -> None:
    victims = [plain(), plain(race=UNDEAD), plain(element=9), plain(race=DEMON)]
    made = stage(
        STRIKE | {k.SPLASH: 2}, ("SC_BLIND", 10_000, 10_000, 1, k.AT_UNHOLY), enemies=[(v, 2, 0) for v in victims]
    )
    made.cast(1)
    assert all(made.taken(unit)[0] > 0 for unit in range(1, 5))
    assert [bool(made.under(unit, "SC_BLIND")[0]) for unit in range(1, 5)] == [False, False, True, True]


@pytest.mark.parametrize("mode", [RENEWAL, PRE_RENEWAL])
def test_magic_attack_may_be_halved(mode: str) -> None:
    spell = STRIKE | {k.DAMAGE: k.MAGIC, k.FORMULA: k.BASE_ATTACK}
    made = stage(spell, caster=plain(mode, int=101), mode=mode)
    low, high = sample_skill(made.arena.words, 0, 1, MADE_UP, 1)[3:5]
    made.rewrite(BLESS, on_target("SC_INCMATKRATE", value=-50))
    made.cast(0)
    made.rewrite(spell)
    # The highest roll is one below the end of the range, and both ends are halved upwards.
    assert sample_skill(made.arena.words, 0, 1, MADE_UP, 1)[3:5] == ((low + 1) // 2, (high + 2) // 2 - 1)


@pytest.mark.parametrize("mode", [RENEWAL, PRE_RENEWAL])
@pytest.mark.parametrize("element", [0, 3])
def test_who_takes_no_damage_feels_nothing(mode: str, element: int) -> None:
    fire = STRIKE | {k.FLAGS: k.IGNORE_DEFENSE, k.ELEMENT: 3}
    burning = plain(mode, element=element, element_level=2)
    made = stage(fire, on_target("SC_BLIND"), enemies=[(burning, 1, 0)], mode=mode)
    made.arena.units[:, f.CAST_AT, 1] = made.arena.match[:, f.CLOCK] + 5000
    made.arena.units[:, f.CAST_ON, 1] = 1
    made.arena.units[:, f.CAST_CANCELABLE, 1] = 1
    made.cast(1)
    made.wait(1000)
    hurt = element == 0
    assert (made.taken(1)[0] > 0) == hurt
    assert made.under(1, "SC_BLIND")[0] == hurt
    assert (made.of(f.CAST_AT, 1) == f.NEVER) == hurt
    assert (made.of(f.HITS, 0) == 1) == hurt
