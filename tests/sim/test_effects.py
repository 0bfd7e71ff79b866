"""What skills and statuses do, each rule in a small world of its own: motionless monsters and one made-up skill."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlmonster_env.data import MobSkill
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.lab import Place, with_skills
from mlmonster_env.sim.samples import sample_skill
from mlmonster_env.sim.statuses import VALUE_MASK
from tests.sim.command import field, fighter, hound, victim
from tests.sim.grounds import GAP, bundled, open_ground
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
    on_self,
    on_target,
    plain,
    stage,
    world,
)

UNDEAD, DEMON = 1, 6
FIRE, HOLY = 3, 6  # elements
MANY_TRAPS = 60

# Strikes.


def test_waves_come_one_by_one_and_all_of_them() -> None:
    waves = 3 * f.EVENT_LIMIT
    made = stage(STRIKE | {k.WAVES: waves, k.WAVE_MS: 50})
    made.cast(1)
    due, what = made.arena.match[0, f.EVENTS : f.AREAS].reshape(f.EVENT_FIELDS, -1)[:2]
    kinds = what & (1 << f.KIND_BITS) - 1
    assert np.count_nonzero(kinds[due != f.NEVER] == f.STRIKE_AGAIN) == 1
    made.wait(waves * 50 + 200)
    assert made.taken(1).tolist() == [waves * POINTS]


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
    made = stage(columns, caster=plain(PRE_RENEWAL, dex=60, int=50), mode=PRE_RENEWAL)
    made.cast(1)
    assert made.taken(1)[0] == 5 * 80 * 150 // 100


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


# Statuses that skills give.


def test_one_of_several_statuses_is_drawn() -> None:
    names = ("SC_AGIUP", "SC_POWERUP", "SC_GLORIA")
    made = stage(BLESS | {k.FLAGS: k.ONE_STATUS}, *(on_target(name) for name in names), runs=60)
    made.cast(1)
    given = np.stack([made.under(1, name) for name in names])
    assert (given.sum(0) == 1).all()
    assert given.any(1).all()


def test_statuses_may_be_tried_until_one_takes() -> None:
    names = ("SC_STUN", "SC_GLORIA", "SC_STRIPWEAPON")
    made = stage(
        BLESS | {k.FLAGS: k.UNTIL_ONE_TAKES},
        *(on_target(name) for name in names),
        enemies=[(plain(mode=f.STATUS_IMMUNE), 1, 0), (plain(level=99), 2, 0)],
        runs=60,
    )
    made.cast(1)
    assert np.array_equal([made.under(1, name).all() for name in names], [False, True, False])
    made.cast(2)
    given = np.stack([made.under(2, name) for name in names])
    assert (given.sum(0) == 1).all()
    assert given.any(1).all()


def test_a_status_on_oneself_may_need_the_others() -> None:
    columns = BLESS | {k.SELF_STATUS_ONLY_IF_HIT: 1}
    for mode, held in ((0, True), (f.STATUS_IMMUNE, False)):
        made = stage(columns, on_target("SC_STRIPWEAPON"), on_self("SC_GLORIA"), enemies=[(plain(mode=mode), 1, 0)])
        made.cast(1)
        assert made.under(1, "SC_STRIPWEAPON")[0] == made.under(0, "SC_GLORIA")[0] == held


def test_levels_above_the_target_add_to_a_chance() -> None:
    columns = BLESS | {k.FLAGS: k.LEVEL_CHANCE}
    made = stage(columns, on_target("SC_PROVOKE", chance=1000), caster=plain(level=80), runs=400)
    made.cast(1)
    assert made.under(1, "SC_PROVOKE").mean() == pytest.approx(0.4, abs=0.1)


def test_a_gift_may_come_late() -> None:
    made = stage(BLESS | {k.FIRST_MS: 1000}, on_target("SC_AGIUP"))
    made.cast(1)
    made.wait(700)
    assert not made.under(1, "SC_AGIUP")[0]
    made.wait(400)
    assert made.under(1, "SC_AGIUP")[0]


def test_stone_is_waited_for() -> None:
    target = plain(PRE_RENEWAL)
    made = stage(BLESS, on_target("SC_STONEWAIT", ms=8000, value=3000), enemies=[(target, 1, 0)], mode=PRE_RENEWAL)
    made.cast(1)
    made.wait(2700)
    assert made.under(1, "SC_STONEWAIT")[0]
    made.wait(400)
    assert not made.under(1, "SC_STONEWAIT")[0]
    assert made.under(1, "SC_STONE")[0]
    made.wait(4700)
    assert made.under(1, "SC_STONE")[0]
    made.wait(400)
    assert not made.under(1, "SC_STONE")[0]


def test_fear_roots() -> None:
    made = stage(BLESS, on_target("SC_FEAR"))
    made.arena.tables.species[2, [f.LEVEL, f.LUK, f.INT]] = 0
    made.cast(1)
    assert made.under(1, "SC_FEAR")[0]
    assert made.under(1, "SC_ANKLE")[0]
    made.wait(2000)
    assert made.under(1, "SC_FEAR")[0]
    assert not made.under(1, "SC_ANKLE")[0]


@pytest.mark.parametrize(("level", "burns"), [(1, True), (2, False), (3, True)])
def test_the_second_level_of_fire_does_not_burn(level: int, burns: bool) -> None:
    made = stage(BLESS, on_target("SC_BURNING"), enemies=[(plain(element=3, element_level=level), 1, 0)], runs=40)
    made.cast(1)
    assert made.under(1, "SC_BURNING").any() == burns


def test_a_changed_element_draws_what_is_not_given() -> None:
    made = stage(BLESS, on_target("SC_ELEMENTALCHANGE", value=30), runs=100)
    made.cast(1)
    assert set(made.arena.units[:, f.STATUS_VALUE, 1].tolist()) == {31, 32, 33, 34}
    made = stage(BLESS, on_target("SC_ELEMENTALCHANGE", value=3), runs=300)
    made.cast(1)
    assert set(made.arena.units[:, f.STATUS_VALUE, 1].tolist()) == set(range(3, 100, 10))


def test_an_element_of_a_drawn_level_replaces_only_the_first() -> None:
    for first, replaced in ((81, True), (82, False)):
        made = stage(BLESS, on_target("SC_ELEMENTALCHANGE", value=first), runs=30)
        made.cast(1)
        made.rewrite(BLESS, on_target("SC_ELEMENTALCHANGE", value=30))
        made.cast(1)
        held = made.arena.units[:, f.STATUS_VALUE, 1] // 10 == 3
        assert held.all() if replaced else not held.any()


def test_another_element_replaces_one_of_no_higher_level() -> None:
    made = stage(BLESS, on_target("SC_ELEMENTALCHANGE", value=82))
    made.cast(1)
    for value, held in ((11, 82), (12, 12), (43, 43)):
        made.rewrite(BLESS, on_target("SC_ELEMENTALCHANGE", value=value))
        made.cast(1)
        assert made.value(1, "SC_ELEMENTALCHANGE") == held


# The time of statuses.


def test_an_element_that_was_drawn_stays_if_its_level_is_the_higher() -> None:
    # Who asks for no level asks for the first, whatever is drawn then.
    made = stage(BLESS, on_target("SC_ELEMENTALCHANGE", value=33))
    made.cast(1)
    for _ in range(20):
        made.rewrite(BLESS, on_target("SC_ELEMENTALCHANGE", value=40))
        made.cast(1)
    assert made.value(1, "SC_ELEMENTALCHANGE") == 33


@pytest.mark.parametrize(
    ("held", "given", "stay"),
    [
        ("SC_STONEWAIT", "SC_STUN", [False, True]),
        ("SC_STUN", "SC_SLEEP", [False, True]),
        ("SC_SLEEP", "SC_STUN", [False, True]),
        ("SC_STUN", "SC_BURNING", [False, True]),
        ("SC_BURNING", "SC_STUN", [False, True]),
        ("SC_DEEPSLEEP", "SC_FREEZE", [False, True]),
        ("SC_SLEEP", "SC_FREEZE", [True, False]),
        ("SC_STUN", "SC_BLIND", [True, True]),
    ],
)
def test_one_status_at_a_time_holds_a_body(held: str, given: str, stay: list[bool]) -> None:
    made = stage(BLESS, on_target(held, ms=20_000, value=5000))
    made.cast(1)
    made.rewrite(BLESS, on_target(given))
    made.cast(1)
    assert [bool(made.under(1, name)[0]) for name in (held, given)] == stay


@pytest.mark.parametrize(("given", "taken"), [("SC_SLEEP", False), ("SC_FREEZE", False), ("SC_STUN", True)])
def test_who_is_woken_by_a_blow_is_not_put_to_sleep_by_it(given: str, taken: bool) -> None:
    made = stage(BLESS, on_target("SC_SLEEP", ms=60_000))
    made.cast(1)
    made.rewrite(STRIKE, on_target(given))
    made.cast(1)
    assert not made.under(1, "SC_SLEEP")[0]
    assert made.under(1, given)[0] == taken
    made.cast(1)
    assert made.under(1, given)[0]


def test_sight_uncovers_all_who_are_near_while_it_lasts() -> None:
    made = stage(BLESS, on_self("SC_SIGHT"), enemies=[(plain(), 3, 0), (plain(), 4, 0)], friends=[(plain(), 1, 1)])
    made.rewrite(BLESS, ("SC_SIGHT", 10_000, 3000, 3, k.AT_SELF))
    made.cast(0)
    made.rewrite(BLESS, on_target("SC_CLOAKING"))
    for unit in range(4):
        made.cast(unit)
        made.wait(200)
    assert [bool(made.under(unit, "SC_CLOAKING")[0]) for unit in range(4)] == [False, False, True, False]
    made.wait(3000)
    made.cast(1)
    made.wait(500)
    assert made.under(1, "SC_CLOAKING")[0]
    assert made.taken(0)[0] == 0


@pytest.mark.parametrize("end", ["death", "warp", "dispel", "time"])
def test_two_who_stand_still_together_are_free_together(end: str) -> None:
    made = stage(STRIKE | {k.FORMULA_ARGUMENT: HP})
    strike = dict(enumerate(made.arena.tables.skills[MADE_UP].tolist()))
    both = BLESS | {k.SELF_STATUS_ONLY_IF_HIT: 1}
    made.rewrite(both, on_target("SC_STOP", ms=3000), on_self("SC_STOP", ms=3000))
    made.cast(1)
    made.wait(500)
    assert made.under(0, "SC_STOP")[0] and made.under(1, "SC_STOP")[0]
    if end == "time":
        made.wait(3000)
    else:
        columns = {"death": strike, "warp": {**BLESS, k.EFFECT: k.DRAW_IN}, "dispel": {**BLESS, k.EFFECT: k.DISPEL}}
        made.rewrite(columns[end])
        made.cast(1)
    assert not made.under(0, "SC_STOP")[0]


def test_who_is_freed_of_keeping_may_strike_at_once() -> None:
    made = stage(BLESS, on_target("SC_KEEPING", ms=60_000))
    made.cast(1)
    made.rewrite(BLESS | {k.EFFECT: k.DISPEL})
    made.cast(1)
    now = int(made.arena.match[0, f.CLOCK])
    assert not made.under(1, "SC_KEEPING")[0]
    assert max(made.of(f.READY_AT, 1), made.of(f.HOLD_UNTIL, 1)) <= now


def test_burning_uncovers_and_breaks_casts() -> None:
    made = stage(BLESS, on_target("SC_BURNING", ms=20_000))
    made.cast(1)
    made.rewrite(BLESS, on_target("SC_CLOAKING"))
    made.cast(1)
    made.arena.units[:, f.CAST_AT, 1] = made.arena.match[:, f.CLOCK] + 60_000
    made.arena.units[:, f.CAST_ON, 1] = 1
    made.arena.units[:, f.CAST_CANCELABLE, 1] = 1
    made.wait(1000)
    assert made.under(1, "SC_CLOAKING")[0] and made.of(f.CAST_AT, 1) != f.NEVER
    made.wait(3000)
    assert not made.under(1, "SC_CLOAKING")[0] and made.of(f.CAST_AT, 1) == f.NEVER


def test_ticks_are_counted_from_the_beginning() -> None:
    made = stage(BLESS, on_target("SC_GRADUAL_GRAVITY", ms=2500, value=1))
    made.cast(1)
    begun = made.of(f.STATUS_END, 1) - 2500
    lost = []
    for _ in range(30):
        made.arena.run(1)
        lost.append((int(made.arena.match[0, f.CLOCK]) - begun, made.taken(1)[0]))
    # A tenth of the hp at 1000 and 2000 ms, and nothing more until the end.
    tenth = HP // 10
    assert all(taken == tenth * min(ms // 1000, 2) for ms, taken in lost)
    assert not made.under(1, "SC_GRADUAL_GRAVITY")[0]


def test_a_last_tick_comes_with_the_end() -> None:
    made = stage(BLESS, on_target("SC_GRADUAL_GRAVITY", ms=2000, value=1))
    made.cast(1)
    made.wait(3000)
    assert made.taken(1)[0] == 2 * (HP // 10)


def test_a_periodic_status_lasts_an_interval_but_need_not_tick() -> None:
    made = stage(BLESS, on_target("SC_GRADUAL_GRAVITY", ms=300, value=1))
    made.cast(1)
    made.wait(700)
    assert made.under(1, "SC_GRADUAL_GRAVITY")[0]
    made.wait(400)
    assert not made.under(1, "SC_GRADUAL_GRAVITY")[0]
    assert made.taken(1)[0] == 0


def test_a_higher_periodic_status_stays() -> None:
    made = stage(BLESS, on_target("SC_GRADUAL_GRAVITY", ms=9000, value=3))
    for value, held in ((3, 3), (2, 3), (4, 4)):
        made.cast(1)
        made.rewrite(BLESS, on_target("SC_GRADUAL_GRAVITY", ms=9500, value=value))
        made.cast(1)
        assert made.value(1, "SC_GRADUAL_GRAVITY") & VALUE_MASK == held


# What does no damage.


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


# What statuses make of blows.


def shielding(status: tuple[str, int, int, int, int], columns: dict[int, int], **more: Any) -> Stage:
    """Unit 1 puts up its shield, then unit 0 strikes it."""
    made = stage(BLESS, status, **more)
    made.cast(1)
    made.rewrite(columns)
    made.cast(1)
    return made


@pytest.mark.parametrize("name", ["SC_BARRIER", "SC_INVINCIBLE"])
def test_a_barrier_lets_a_point_through_for_each_hit(name: str) -> None:
    assert shielding(on_target(name), STRIKE).taken(1)[0] == 1
    assert shielding(on_target(name), STRIKE | {k.HITS: 5}).taken(1)[0] == 5
    # Hits that are only shown share the point out among them.
    assert shielding(on_target(name), STRIKE | {k.HITS: -5}).taken(1)[0] == 0


FAR_DEFENCE = on_target("SC_DEFENDER", value=5)  # 80% off ranged weapon blows
BLOW = STRIKE | {k.DAMAGE: k.WEAPON, k.FLAGS: EXACT | k.SURE_HIT}


@pytest.mark.parametrize(
    ("cells", "flag", "player", "percent"),
    [
        (3, 0, False, 100),
        (4, 0, False, 20),
        (1, k.LONG_RANGE, False, 20),
        (6, k.SHORT_RANGE, False, 100),
        (1, 0, True, 20),
    ],
)
def test_a_monsters_skill_is_ranged_by_distance(cells: int, flag: int, player: bool, percent: int) -> None:
    blow = BLOW | {k.FLAGS: BLOW[k.FLAGS] | flag}
    caster = replace(plain(), player=player)
    made = shielding(FAR_DEFENCE, blow, caster=caster, enemies=[(plain(), cells, 0)])
    assert made.taken(1)[0] == POINTS * percent // 100


def test_some_skills_go_past_a_guard() -> None:
    guard = on_target("SC_AUTOGUARD", value=10)
    assert 0 < (shielding(guard, BLOW, runs=200).taken(1) > 0).mean() < 1
    past = BLOW | {k.FLAGS: BLOW[k.FLAGS] | k.IGNORE_GUARD}
    assert (shielding(guard, past, runs=200).taken(1) > 0).all()


def test_three_blows_are_turned_and_then_no_more() -> None:
    made = shielding(on_target("SC_REJECTSWORD", value=7), BLOW)  # more than 100%
    for blow in (1, 2, 3):
        assert (made.taken(0)[0], made.taken(1)[0]) == (blow * POINTS // 2, blow * POINTS // 2)
        assert made.under(1, "SC_REJECTSWORD")[0] == (blow < 3)
        made.cast(1)
    assert (made.taken(0)[0], made.taken(1)[0]) == (3 * POINTS // 2, 5 * POINTS // 2)
    some = shielding(on_target("SC_REJECTSWORD", value=5), BLOW, runs=400)
    assert (some.taken(0) > 0).mean() == pytest.approx(0.75, abs=0.08)
    assert shielding(on_target("SC_REJECTSWORD", value=7), STRIKE).taken(0)[0] == 0


def test_what_is_reflected_comes_back_when_the_blow_lands() -> None:
    made = stage(BLESS, on_target("SC_REFLECTSHIELD", value=10), enemies=[(plain(), 1, 0)])
    made.cast(1)
    made.arena.tables.species[1, f.AMOTION] = 500
    made.rewrite(BLOW | {k.IMMEDIATE: 0})
    made.cast(1)
    made.wait(200)
    assert (made.taken(0)[0], made.taken(1)[0]) == (0, 0)
    made.wait(400)
    assert (made.taken(0)[0], made.taken(1)[0]) == (POINTS * 40 // 100, POINTS)


def test_a_mirror_turns_spells_on_their_caster() -> None:
    mirror = on_target("SC_MAGICMIRROR", value=5)
    made = shielding(mirror, STRIKE | {k.DAMAGE: k.MAGIC, k.KNOCKBACK: 3})
    assert (made.taken(0)[0], made.taken(1)[0]) == (POINTS, 0)
    assert made.of(f.X, 1) == MIDDLE + 3
    assert shielding(mirror, STRIKE).taken(1)[0] == POINTS
    made.rewrite(BLESS, on_target("SC_DEADLY_DEFEASANCE"))
    made.cast(1)
    made.rewrite(STRIKE | {k.DAMAGE: k.MAGIC})
    made.cast(1)
    assert (made.taken(0)[0], made.taken(1)[0]) == (POINTS, POINTS)


def test_what_a_mirror_turns_carries_no_status() -> None:
    made = stage(BLESS, on_target("SC_MAGICMIRROR", value=5))
    made.cast(1)
    made.rewrite(STRIKE | {k.DAMAGE: k.MAGIC}, on_target("SC_BLIND"))
    made.cast(1)
    assert made.taken(0)[0] == POINTS
    assert not made.under(0, "SC_BLIND")[0]


def test_a_mirror_spares_bosses_and_weighs_the_casters_element() -> None:
    mirror = on_target("SC_MAGICMIRROR", value=5)
    spell = STRIKE | {k.DAMAGE: k.MAGIC, k.ELEMENT: FIRE, k.FLAGS: k.IGNORE_DEFENSE}
    assert shielding(mirror, spell, caster=plain(element=2)).taken(0)[0] == POINTS * 3 // 2
    made = shielding(mirror, spell, caster=plain(monster_class=1))
    assert (made.taken(0)[0], made.taken(1)[0]) == (0, POINTS)


def test_pain_comes_back_to_all_around_who_dealt_it() -> None:
    pain = on_target("SC_MAXPAIN", ms=60_000, value=5)
    friends = [(plain(), -18, 0), (plain(), -19, 0)]
    made = shielding(pain, STRIKE, friends=friends)
    made.wait(1100)
    assert [made.taken(unit)[0] for unit in range(4)] == [POINTS // 2, POINTS, POINTS // 2, 0]
    made.rewrite(STRIKE | {k.DAMAGE: k.MAGIC, k.SPLASH: 2})
    made.cast(1)
    made.wait(1100)
    assert [made.taken(unit)[0] for unit in range(3)] == [POINTS, 2 * POINTS, POINTS // 2]


def striking_by_magic(*shield: tuple[str, int, int, int, int]) -> Stage:
    """Unit 0 strikes normal blows by magic at unit 1, which blows hardly ever hit, for ten seconds."""
    caster = plain(mode=f.CAN_ATTACK, int=50)
    made = stage(BLESS, on_target("SC_MAGICALATTACK", ms=60_000), caster=caster, enemies=[(plain(agi=200), 1, 0)])
    made.cast(0)
    if shield:
        made.rewrite(BLESS, *shield)
        made.cast(1)
    made.rewrite({k.EFFECT: k.NOTHING})
    made.arena.units[:, f.TARGET, 0] = 1
    made.wait(10_000)
    return made


def test_blows_by_magic_never_miss_and_are_magic() -> None:
    made = striking_by_magic()
    assert made.of(f.ATTACKS, 0) > 3
    assert made.of(f.HITS, 0) == made.of(f.ATTACKS, 0)
    mirrored = striking_by_magic(on_target("SC_MAGICMIRROR", ms=60_000, value=5))
    assert mirrored.taken(0)[0] > 0
    assert mirrored.taken(1)[0] == 0
    stony = striking_by_magic(on_target("SC_ARMORCHANGE", ms=60_000, value=5))
    assert stony.taken(1)[0] > 0


def test_some_dodge_spells() -> None:
    dodging = on_target("SC_NPC_HALLUCINATIONWALK", value=5)
    made = shielding(dodging, STRIKE | {k.DAMAGE: k.MAGIC}, runs=300)
    assert (made.taken(1) > 0).mean() == pytest.approx(0.5, abs=0.1)
    assert shielding(dodging, STRIKE).taken(1)[0] == POINTS


def test_the_holy_mark_is_for_players_and_wears_off() -> None:
    guarded = replace(plain(hp=10_000), player=True)
    weapon = STRIKE | {k.DAMAGE: k.WEAPON, k.FLAGS: EXACT | k.SURE_HIT}
    made = shielding(on_target("SC_KYRIE", value=1), weapon, enemies=[(guarded, 1, 0)])
    assert made.taken(1)[0] == 0
    made.cast(1)  # 12% of 10,000 hp: 200 of this one are left
    assert made.taken(1)[0] == 2 * POINTS - 1200
    assert not made.under(1, "SC_KYRIE")[0]
    many = shielding(on_target("SC_KYRIE", value=1), weapon | {k.FORMULA_ARGUMENT: 1}, enemies=[(guarded, 1, 0)])
    for _ in range(4):
        assert many.under(1, "SC_KYRIE")[0]
        many.cast(1)
    assert many.taken(1)[0] == 0
    assert not many.under(1, "SC_KYRIE")[0]
    assert shielding(on_target("SC_KYRIE", value=1), weapon).taken(1)[0] == POINTS


@pytest.mark.parametrize("mode", [RENEWAL, PRE_RENEWAL])
def test_fire_burns_a_web(mode: str) -> None:
    fire = STRIKE | {k.FLAGS: k.IGNORE_DEFENSE, k.ELEMENT: 3}
    made = shielding(on_target("SC_WIDEWEB"), fire, mode=mode)
    assert made.taken(1)[0] == 2 * POINTS
    assert not made.under(1, "SC_WIDEWEB")[0]
    made = shielding(on_target("SC_WIDEWEB"), fire | {k.ELEMENT: 1}, mode=mode)
    assert made.taken(1)[0] == POINTS
    assert made.under(1, "SC_WIDEWEB")[0]


# Areas.


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


def test_a_harmless_trap_does_not_strike() -> None:
    columns = area(AREA_PULSE=k.PULSE_TRAP, DAMAGE=k.NO_DAMAGE, SPLASH=1)
    made = stage(columns, on_target("SC_ANKLE"), enemies=[(plain(), 1, 0), (plain(), 2, 0), (plain(), 3, 0)])
    made.cast(0)
    made.wait(1000)
    assert [made.taken(unit)[0] for unit in (1, 2, 3)] == [0, 0, 0]
    assert [bool(made.under(unit, "SC_ANKLE")[0]) for unit in (1, 2, 3)] == [True, True, False]


def test_evil_ground_heals_whom_it_spares() -> None:
    columns = area(FLAGS=EXACT | k.SPARES_UNDEAD_AND_DEMONS | k.HEALS_THE_SPARED)
    kinds = [plain(), plain(race=DEMON), plain(element=9)]
    enemies = [(kind, 1, y) for y, kind in enumerate(kinds)]
    made = stage(columns, caster=plain(race=DEMON), enemies=[*enemies, (plain(race=DEMON), 5, 0)])
    made.arena.units[:, f.HP, :5] = HP // 2
    made.cast(0)
    assert [made.of(f.HP, unit) - HP // 2 for unit in range(5)] == [POINTS, -POINTS, POINTS, POINTS, 0]


def test_a_trap_strikes_once_where_it_is_sprung() -> None:
    made = stage(area(AREA_PULSE=k.PULSE_TRAP, SPLASH=1), enemies=[(plain(), 2, 0), (plain(), 3, 0), (plain(), 4, 0)])
    made.cast(0)
    made.wait(1500)
    assert [made.taken(unit)[0] for unit in (1, 2, 3)] == [POINTS, POINTS, 0]


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


# Healing, curing, minds.


HEAL = {k.EFFECT: k.HEAL, k.AIM: k.AIM_SUPPORT, k.REACH: 14, k.KIND: k.KIND_HELP}


@pytest.mark.parametrize(
    ("columns", "gained"),
    [
        ({k.AMOUNT: 500}, 500),
        ({k.AMOUNT: 20, k.FLAGS: k.PERCENT_AMOUNT}, 2000),
        ({k.AMOUNT: 500, k.FLAGS: k.HEAL_BY_VIT}, 500 * 180 // 100),
        ({k.AMOUNT: 1_000_000_000}, 9_999),
        ({k.AMOUNT: 1_000_000_000, k.FLAGS: k.HEAL_BY_VIT}, 9_999),
    ],
)
def test_what_heals_give(columns: dict[int, int], gained: int) -> None:
    made = stage(HEAL | columns, friends=[(plain(hp=10_000, vit=40), 1, 0)])
    made.arena.units[:, f.HP, 2] = 1
    made.cast(2)
    assert made.of(f.HP, 2) == 1 + gained


@pytest.mark.parametrize(
    ("columns", "gained"),
    [
        ({k.AMOUNT: 500}, 300),
        ({k.SKILL_LEVEL: 11}, 9999),
        ({k.AMOUNT: 20, k.FLAGS: k.PERCENT_AMOUNT}, 2000),
    ],
)
def test_wounds_lessen_heals_but_not_shares_of_the_hp(columns: dict[int, int], gained: int) -> None:
    made = stage(BLESS, on_target("SC_CRITICALWOUND", value=2), friends=[(plain(hp=10_000), 1, 0)])
    made.cast(2)
    made.arena.units[:, f.HP, 2] = 1
    made.rewrite(HEAL | columns)
    made.arena.tables.skills[MADE_UP, k.SKILL_LEVEL] = columns.get(k.SKILL_LEVEL, 1)
    made.cast(2)
    assert made.of(f.HP, 2) == 1 + gained


def test_wounds_leave_what_is_drained() -> None:
    made = stage(BLESS, on_target("SC_CRITICALWOUND", value=2))
    made.cast(0)
    made.arena.units[:, f.HP, 0] = 1
    made.rewrite(STRIKE | {k.DRAIN: 100})
    made.cast(1)
    assert made.of(f.HP, 0) == 1 + POINTS


def test_a_heal_of_all_may_spare_the_undead() -> None:
    columns = HEAL | {k.AMOUNT: 500, k.SPLASH: 3, k.FLAGS: k.SPARES_UNDEAD}
    made = stage(columns, friends=[(plain(), 1, 0), (plain(element=9), 2, 0), (plain(race=UNDEAD), 3, 0)])
    made.arena.units[:, f.HP, 2:5] = 1
    made.cast(0)
    assert [made.of(f.HP, unit) for unit in (2, 3, 4)] == [501, 1, 501]


def test_the_healed_hear_of_it() -> None:
    """A skill that does no harm is an event for whomever it was used on."""
    back = MobSkill(
        state="any", skill="NPC_EMOTION", skill_id=1, level=1, rate=10_000, cast_ms=0, delay_ms=10**8, cancelable=False,
        target="self", condition="skillused", condition_value=1, values=(0, 0, 0, 0, 0), emotion=-1,
    )  # fmt: skip
    made = stage(HEAL | {k.AMOUNT: 500, k.SKILL_ID: 1}, friends=[(with_skills(plain(), [back]), 1, 0)])
    made.cast(2)
    assert made.of(f.CASTS, 2) == 1


def test_whoever_kills_another_lets_its_own_target_go() -> None:
    made = stage(STRIKE, enemies=[(plain(hp=1), 3, 0), (plain(), 1, 0)])
    units = made.arena.units
    units[:, f.THINK_AT] = f.NEVER
    units[:, f.TARGET, 0], units[:, f.ATTACK_ON, 0], units[:, f.STATE, 0] = 2, 2, f.BERSERK
    made.cast(1)
    assert made.of(f.ALIVE, 1) == 0
    assert (made.of(f.TARGET, 0), made.of(f.ATTACK_ON, 0), made.of(f.STATE, 0)) == (f.NOBODY, f.NOBODY, f.IDLE)


def test_whoever_wounds_another_keeps_its_own_target() -> None:
    made = stage(STRIKE, enemies=[(plain(), 3, 0), (plain(), 1, 0)])
    made.arena.units[:, f.THINK_AT] = f.NEVER
    made.arena.units[:, f.TARGET, 0] = 2
    made.cast(1)
    assert made.taken(1)[0] > 0
    assert made.of(f.TARGET, 0) == 2


def test_slaves_die_with_their_master_whatever_they_are_at() -> None:
    slaves = [(plain(), 5, 0), (plain(), 6, 0)]
    made = stage(STRIKE, enemies=[(plain(hp=1), 3, 0), *slaves, (plain(), 8, 0)])
    units = made.arena.units
    units[:, f.THINK_AT] = f.NEVER  # nobody comes to think of it
    units[:, f.MASTER, 2] = 1
    units[:, f.MASTER, 3] = 2
    units[:, f.CAST_AT, 2] = 10_000
    made.cast(1)
    assert [made.of(f.ALIVE, unit) for unit in range(5)] == [1, 0, 0, 0, 1]
    assert made.of(f.KILLS, 0) == 1


@pytest.mark.parametrize(("aimed_at", "target"), [(0, f.NOBODY), (2, 2)])
def test_while_its_master_casts_a_slave_takes_over_whom_that_is_aimed_at(aimed_at: int, target: int) -> None:
    slave = fighter(mode=f.CAN_MOVE | f.CAN_ATTACK | f.NO_RANDOM_WALK)
    arena = field(None, [Place(victim(), 0, 30, 30), Place(slave, 0, 31, 30), Place(victim(), 1, 36, 30)], under=())
    arena.units[:, f.MASTER, 1] = 0
    arena.units[:, f.TARGET, 0] = 2
    arena.units[:, f.CAST_AT, 0] = 5000
    arena.units[:, f.CAST_ON, 0] = aimed_at
    arena.run(3)
    assert arena.units[0, f.TARGET, 1] == target


def test_where_the_near_side_is_blocked_the_next_one_around_is_walked_to() -> None:
    ground = open_ground()
    ground[30, 29] = GAP
    arena = field(None, [Place(hound(), 0, 24, 30), Place(victim(), 1, 30, 30)], under=(), ground=ground)
    arena.run(2)
    assert arena.units[0, [f.GOAL_X, f.GOAL_Y], 0].tolist() == [30, 29]


def ground_row(target: str) -> MobSkill:
    return MobSkill(
        state="any", skill="HT_ANKLESNARE", skill_id=bundled().skills["HT_ANKLESNARE"].id, level=1, rate=10_000,
        cast_ms=0, delay_ms=10**6, cancelable=False, target=target, condition="always", condition_value=0,
        values=(0, 0, 0, 0, 0), emotion=-1,
    )  # fmt: skip


def test_ground_around_oneself_lies_where_one_could_walk_to() -> None:
    """Arrows pass the gap, feet do not: what lies behind it is in range and sight, but not chosen."""
    ground = open_ground()
    ground[:, 31] = GAP
    trapper = with_skills(victim(), [ground_row("around2")])
    arena = field(
        None, [Place(trapper, 0, 30, 30), Place(victim(), 1, 50, 30)], under=(), ground=ground, matches=MANY_TRAPS
    )
    arena.run(15)
    assert (arena.units[:, f.CASTS, 0] == 1).all()
    assert set(arena.units[:, f.CAST_X, 0].tolist()) == {28, 29, 30}


def test_who_can_not_strike_puts_no_ground_under_its_attacker() -> None:
    """Whoever attacked it stands in for a target only where a skill is aimed at a unit."""
    trapper = with_skills(victim(), [ground_row("target")])
    arena = field(None, [Place(trapper, 0, 30, 30), Place(victim(), 1, 32, 30)], under=())
    arena.units[:, f.ATTACKER, 0] = 1
    arena.run(15)
    assert arena.units[0, f.CASTS, 0] == 0


@pytest.mark.parametrize(("element", "free"), [(0, True), (9, False)])
@pytest.mark.parametrize("held", ["SC_STUN", "SC_BURNING"])
def test_a_cure_sets_bodies_free_but_not_the_undead(held: str, element: int, free: bool) -> None:
    made = stage(BLESS, on_target(held), enemies=[(plain(element=element), 1, 0)])
    made.arena.tables.species[2, f.LEVEL] = 0
    made.cast(1)
    made.arena.units[:, f.TARGET, 1] = 0
    assert made.under(1, held)[0]
    made.rewrite({k.EFFECT: k.CURE, k.AIM: k.AIM_SUPPORT})
    made.cast(1)
    assert bool(made.under(1, held)[0]) != free
    if free:
        assert made.of(f.TARGET, 1) == f.NOBODY


def test_a_target_is_forgotten() -> None:
    made = stage({k.EFFECT: k.FORGET_TARGET, k.AIM: k.AIM_SUPPORT})
    made.arena.units[:, f.TARGET, 0] = 1
    made.arena.units[:, f.THINK_AT, 0] = f.NEVER
    made.cast(0)
    assert made.of(f.TARGET, 0) == f.NOBODY


def test_a_slave_avenges_its_master() -> None:
    attackers = [(plain(), 5, 5), (plain(), 5, 6)]
    made = stage({k.EFFECT: k.REVENGE, k.AIM: k.AIM_SUPPORT}, enemies=attackers, friends=[(plain(), 6, 6)])
    units = made.arena.units
    units[:, f.MASTER, 0] = 3
    units[:, f.THINK_AT] = f.NEVER
    units[:, f.ATTACK_ON, 2] = 3
    made.cast(0)
    assert made.of(f.TARGET, 0) == 2


def test_a_transformation_brings_company() -> None:
    shape = next(monster for monster in world(RENEWAL) if not monster.player)
    made = stage(
        {k.EFFECT: k.TRANSFORM, k.AIM: k.AIM_SUPPORT, k.AMOUNT: 2},
        values=(shape.id, 0, 0, 0, 0),
        skill="NPC_METAMORPHOSIS",
    )
    made.cast(0)
    number = made.arena.tables.species_of(shape)
    assert made.of(f.SPECIES, 0) == number
    assert made.of(f.HP, 0) == shape.hp
    company = np.flatnonzero(made.arena.units[0, f.SPECIES, 2:] == number) + 2
    assert len(company) == 2
    assert all(made.of(f.MASTER, int(unit)) == f.ON_ITS_OWN and made.of(f.SIDE, int(unit)) == 0 for unit in company)


def test_a_transformation_into_oneself_changes_nothing() -> None:
    somebody = next(iter(world(RENEWAL).monsters))
    made = stage({k.EFFECT: k.TRANSFORM, k.AIM: k.AIM_SUPPORT}, values=(somebody, 0, 0, 0, 0))
    made.arena.units[:, f.HP, 0] = 5
    row = made.arena.tables.rows[made.of(f.SPECIES, 0), 0]
    row[f.R_V1] = made.of(f.SPECIES, 0)
    made.cast(0)
    assert made.of(f.HP, 0) == 5


def test_who_changes_shape_walks_about_no_more_than_before() -> None:
    shape = next(monster for monster in world(RENEWAL) if not monster.player and monster.mode & f.CAN_MOVE)
    made = stage(
        {k.EFFECT: k.TRANSFORM, k.AIM: k.AIM_SUPPORT}, values=(shape.id, 0, 0, 0, 0), skill="NPC_METAMORPHOSIS"
    )
    made.cast(0)
    assert made.of(f.MODE, 0) & f.NO_RANDOM_WALK  # the field has no random walk
    assert made.of(f.MODE, 0) & ~f.NO_RANDOM_WALK == shape.mode & ~f.NO_RANDOM_WALK


@pytest.mark.parametrize(("player", "left"), [(True, [40, 20, 0]), (False, [60, 60, 60])])
def test_casts_cost_players_sp(player: bool, left: list[int]) -> None:
    made = stage({k.EFFECT: k.NOTHING, k.AIM: k.AIM_SUPPORT}, caster=replace(plain(sp=60), player=player))
    made.arena.tables.skills[MADE_UP, k.SKILL_LEVEL] = 6
    for sp in left:
        made.cast(0)
        assert made.of(f.SP, 0) == sp


# Places.


def test_an_expulsion_moves_its_target() -> None:
    made = stage({k.EFFECT: k.TELEPORT, k.AIM: k.AIM_HARM}, enemies=[(plain(), 1, 0)])
    made.cast(1)
    assert (made.of(f.X, 0), made.of(f.Y, 0)) == (MIDDLE, MIDDLE)
    assert (made.of(f.X, 1), made.of(f.Y, 1)) != (MIDDLE + 1, MIDDLE)


def test_backsliding_goes_away_from_the_target() -> None:
    made = stage({k.EFFECT: k.KNOCK_BACK, k.AIM: k.AIM_SUPPORT, k.KNOCKBACK: 5}, enemies=[(plain(), 0, 2)])
    made.arena.units[:, f.TARGET, 0] = 1
    made.cast(0)
    assert (made.of(f.X, 0), made.of(f.Y, 0)) == (MIDDLE, MIDDLE - 5)
    assert (made.of(f.X, 1), made.of(f.Y, 1)) == (MIDDLE, MIDDLE + 2)


@pytest.mark.parametrize(
    ("at", "pushed"), [((0, 0), (2, 2)), ((-2, -2), (-2, 0)), ((3, 3), (2, 2)), ((-3, 0), (-2, 2))]
)
def test_a_storm_pushes_from_its_first_cell_that_reaches(at: tuple[int, int], pushed: tuple[int, int]) -> None:
    storm = area(AREA_RADIUS=3, AREA_REACH=1, KNOCKBACK=2, AREA_MS=400, AREA_INTERVAL=450)
    made = stage(storm, enemies=[(plain(), *at)])
    made.cast(0)
    assert (made.of(f.X, 1) - MIDDLE - at[0], made.of(f.Y, 1) - MIDDLE - at[1]) == pushed


@pytest.mark.parametrize("element", [0, 3, 9])
def test_a_wall_of_fire_does_not_hold_fire_and_the_undead(element: int) -> None:
    wall = area(AREA_PULSE=k.PULSE_FIRE_WALL, AREA_RADIUS=1, AREA_LIMIT_HITS=5)
    made = stage(wall, enemies=[(plain(element=element), 1, 0)])
    made.cast(0)
    assert made.of(f.X, 1) - MIDDLE == (3 if element == 0 else 1)


@pytest.mark.parametrize("wall", [False, True])
def test_an_area_does_not_reach_behind_a_wall(wall: bool) -> None:
    made = stage(area(AREA_RADIUS=3), enemies=[(plain(), 2, 0), (plain(), -2, 0)])
    if wall:
        made.arena.scenario.cells[0, :, MIDDLE + 1] = 0
        made.arena._rules[f.OPEN_MAP] = 0
    made.cast(0)
    assert (made.taken(1)[0] > 0) != wall
    assert made.taken(2)[0] > 0


def test_a_blow_pushes_its_target_but_not_the_unshakable() -> None:
    for mode, moved in ((0, 4), (f.KNOCKBACK_IMMUNE, 0)):
        made = stage(STRIKE | {k.KNOCKBACK: 4}, enemies=[(plain(mode=mode), 2, 0)])
        made.cast(1)
        assert made.of(f.X, 1) == MIDDLE + 2 + moved


@pytest.mark.parametrize(
    ("at", "to"), [((7, 2), (11, 2)), ((6, 2), (10, 6)), ((-6, 2), (-10, 2)), ((1, 3), (1, 7)), ((-1, 3), (-5, 7))]
)
def test_blows_push_in_the_nearest_of_eight_directions(at: tuple[int, int], to: tuple[int, int]) -> None:
    made = stage(STRIKE | {k.KNOCKBACK: 4}, enemies=[(plain(), *at)])
    made.cast(1)
    assert (made.of(f.X, 1), made.of(f.Y, 1)) == (MIDDLE + to[0], MIDDLE + to[1])


def test_a_blow_without_damage_does_not_push() -> None:
    made = stage(STRIKE | {k.KNOCKBACK: 4, k.ELEMENT: HOLY, k.FLAGS: 0}, enemies=[(plain(element=HOLY), 2, 0)])
    made.cast(1)
    assert (made.taken(1)[0], made.of(f.X, 1)) == (0, MIDDLE + 2)


@pytest.mark.parametrize(("target", "to"), [((-4, 1), (7, 0)), ((-2, -1), (7, 7)), ((0, 0), (7, 0))])
def test_who_runs_off_runs_straight(target: tuple[int, int], to: tuple[int, int]) -> None:
    made = stage(
        {k.EFFECT: k.RUN_AWAY, k.AIM: k.AIM_SUPPORT, k.SKILL_LEVEL: 1},
        caster=plain(mode=f.CAN_MOVE),
        enemies=[(plain(), *target)],
    )
    made.arena.units[:, f.TARGET, 0] = 1
    made.cast(0)
    assert (made.of(f.GOAL_X, 0), made.of(f.GOAL_Y, 0)) == (MIDDLE + to[0], MIDDLE + to[1])


def test_a_leap_ends_on_the_chosen_cell() -> None:
    made = stage({k.EFFECT: k.WARP_TO, k.AIM: k.AIM_GROUND, k.REACH: 14}, enemies=[(plain(), 6, 0)])
    made.cast(1, (MIDDLE + 5, MIDDLE + 1))
    assert (made.of(f.X, 0), made.of(f.Y, 0)) == (MIDDLE + 5, MIDDLE + 1)
