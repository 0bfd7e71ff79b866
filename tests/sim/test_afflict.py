"""Which statuses skills put on whom, and for how long."""

import numpy as np
import pytest

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from tests.sim.staged import BLESS, POINTS, PRE_RENEWAL, STRIKE, on_self, on_target, plain, stage


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


def test_a_late_gift_is_for_those_who_were_there_when_it_was_cast() -> None:
    columns = BLESS | {k.FIRST_MS: 1000, k.SPLASH: 2, k.AIM: k.AIM_GROUND, k.CENTRE: k.AT_GROUND, k.KIND: k.KIND_HARM}
    made = stage(columns, on_target("SC_STUN"), enemies=[(plain(), 1, 0), (plain(), 9, 0)], friends=[(plain(), 0, 1)])
    made.cast(1)
    made.arena.units[:, f.X, 1] += 8
    made.arena.units[:, f.X, 2] -= 8
    made.wait(700)
    assert not made.under(1, "SC_STUN")[0]
    made.wait(400)
    assert [bool(made.under(unit, "SC_STUN")[0]) for unit in (1, 2, 3)] == [True, False, False]


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


def test_bosses_may_be_spared() -> None:
    enemies = [(plain(mode=mode), 0, 1) for mode in (0, f.STATUS_IMMUNE)]
    made = stage(
        BLESS | {k.SPLASH: 2, k.FLAGS: k.SPARES_BOSSES, k.KIND: k.KIND_HARM}, on_target("SC_ANKLE"), enemies=enemies
    )
    made.cast(0)
    assert [bool(made.under(unit, "SC_ANKLE")[0]) for unit in (1, 2)] == [True, False]


@pytest.mark.parametrize(("dex", "share", "ms"), [(1, 0.3, 20_000), (101, 0.5, 70_000), (251, 0.8, 145_000)])
def test_the_deft_strip_more_often_and_for_longer(dex: int, share: float, ms: int) -> None:
    columns = BLESS | {k.FLAGS: k.DEFT}
    made = stage(columns, on_target("SC_STRIPWEAPON", ms=20_000, chance=3000), caster=plain(dex=dex), runs=2000)
    made.cast(1)
    assert made.under(1, "SC_STRIPWEAPON").mean() == pytest.approx(share, abs=0.04)
    made.wait(ms - 500)
    assert made.under(1, "SC_STRIPWEAPON").mean() == pytest.approx(share, abs=0.04)
    made.wait(1000)
    assert not made.under(1, "SC_STRIPWEAPON").any()


@pytest.mark.parametrize(("dex", "victim", "share"), [(1, 101, 0.15), (101, 1, 0.35)])
def test_the_deft_succeed_more_often_and_never_less(dex: int, victim: int, share: float) -> None:
    columns = BLESS | {k.FLAGS: k.DEFT, k.SUCCESS: 15}
    enemies = [(plain(dex=victim), 3, 0)]
    made = stage(columns, on_target("SC_STRIPWEAPON"), caster=plain(dex=dex), enemies=enemies, runs=2000)
    made.cast(1)
    assert made.under(1, "SC_STRIPWEAPON").mean() == pytest.approx(share, abs=0.04)


def test_endure_holds_out_against_seven_blows() -> None:
    made = stage(BLESS, on_target("SC_ENDURE", ms=60_000, value=10))
    made.cast(1)
    made.rewrite(STRIKE)
    for blow in range(7):
        assert made.under(1, "SC_ENDURE")[0], blow
        made.cast(1)
    assert not made.under(1, "SC_ENDURE")[0]


@pytest.mark.parametrize(
    ("status", "dmotion", "stopped"), [("SC_GLORIA", 300, 1), ("SC_ENDURE", 300, 0), ("SC_GLORIA", 0, 0)]
)
def test_endure_and_no_damage_motion_hold_a_walk(status: str, dmotion: int, stopped: int) -> None:
    made = stage(BLESS, on_target(status, ms=60_000))
    made.cast(1)
    made.arena.tables.species[2, f.DMOTION] = dmotion
    made.rewrite(STRIKE)
    units, clock = made.arena.units, made.arena.match[0, f.CLOCK]
    units[:, f.THINK_AT] = f.NEVER
    units[:, f.STEP_AT, 1], units[:, f.STEP_MS, 1] = clock + 350, 400
    units[:, f.PATH_LENGTH, 1] = 1
    made.cast(1)
    assert made.taken(1)[0] == POINTS
    assert (made.of(f.STEP_AT, 1) == f.NEVER) == stopped


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
