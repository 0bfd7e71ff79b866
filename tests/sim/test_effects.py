"""What skills and statuses do, each rule in a small world of its own: motionless monsters and one made-up skill."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.samples import sample_skill
from mlmonster_env.sim.statuses import VALUE_MASK
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


def test_the_base_attack_alone_is_not_rolled() -> None:
    columns = STRIKE | {k.DAMAGE: k.WEAPON, k.FORMULA: k.BASE_STATUS_ATTACK, k.FLAGS: EXACT | k.SURE_HIT}
    made = stage(columns, caster=plain(str=90), runs=20)
    made.cast(1)
    assert set(made.taken(1).tolist()) == {int(made.arena.tables.species[1, f.BATK])}


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


def test_another_element_replaces_one_of_no_higher_level() -> None:
    made = stage(BLESS, on_target("SC_ELEMENTALCHANGE", value=82))
    made.cast(1)
    for value, held in ((11, 82), (12, 12), (43, 43)):
        made.rewrite(BLESS, on_target("SC_ELEMENTALCHANGE", value=value))
        made.cast(1)
        assert made.value(1, "SC_ELEMENTALCHANGE") == held


# The time of statuses.


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
    assert shielding(on_target(name), STRIKE | {k.HITS: -5}).taken(1)[0] == 1


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


def test_a_cure_sets_bodies_free() -> None:
    held = ("SC_STUN", "SC_BURNING")
    made = stage(BLESS, *(on_target(name) for name in held), enemies=[(plain(), 1, 0)])
    made.arena.tables.species[2, f.LEVEL] = 0
    made.cast(1)
    made.arena.units[:, f.TARGET, 1] = 0
    assert all(made.under(1, name)[0] for name in held)
    made.rewrite({k.EFFECT: k.CURE, k.AIM: k.AIM_SUPPORT})
    made.cast(1)
    assert not any(made.under(1, name)[0] for name in held)
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


def test_a_blow_pushes_its_target_but_not_the_unshakable() -> None:
    for mode, moved in ((0, 4), (f.KNOCKBACK_IMMUNE, 0)):
        made = stage(STRIKE | {k.KNOCKBACK: 4}, enemies=[(plain(mode=mode), 2, 0)])
        made.cast(1)
        assert made.of(f.X, 1) == MIDDLE + 2 + moved
