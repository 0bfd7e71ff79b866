"""What statuses make of blows."""

from dataclasses import replace
from typing import Any

import pytest

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from tests.sim.staged import BLESS, EXACT, MIDDLE, POINTS, PRE_RENEWAL, RENEWAL, STRIKE, Stage, on_target, plain, stage

FIRE = 3  # element


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


def test_a_weapons_blow_may_be_none_to_guards_and_plants() -> None:
    blow = BLOW | {k.FLAGS: BLOW[k.FLAGS] | k.LONG_RANGE, k.GUARDED_AS: k.MISC}
    assert shielding(FAR_DEFENCE, blow).taken(1)[0] == POINTS
    assert shielding(on_target("SC_REJECTSWORD", value=7), blow).taken(0)[0] == POINTS // 2
    for mode, taken in ((f.IGNORE_RANGED, POINTS), (f.IGNORE_MISC, 1)):
        made = stage(blow, enemies=[(plain(mode=mode), 1, 0)])
        made.cast(1)
        assert made.taken(1)[0] == taken


@pytest.mark.parametrize("damage", [k.WEAPON, k.MAGIC, k.MISC])
def test_an_element_may_do_nothing(damage: int) -> None:
    fire = STRIKE | {k.DAMAGE: damage, k.ELEMENT: FIRE, k.FLAGS: EXACT | k.SURE_HIT}
    for value, taken in ((1 + FIRE, 0), (FIRE, POINTS)):
        made = stage(BLESS, on_target("SC_IMMUNE_PROPERTY", value=value))
        made.cast(1)
        made.rewrite(fire, on_target("SC_BLIND"))
        made.cast(1)
        assert made.taken(1)[0] == taken
        assert made.under(1, "SC_BLIND")[0] == (taken > 0)


def test_who_is_immune_to_the_neutral_feels_no_normal_blow() -> None:
    made = stage(BLESS, on_target("SC_IMMUNE_PROPERTY", ms=60_000, value=1), caster=plain(mode=f.CAN_ATTACK, dex=200))
    made.arena.units[:, f.X, 1] = made.arena.units[:, f.X, 0] + 1
    for unit in (1, 0):
        made.cast(1) if unit == 1 else None
        made.arena.units[:, f.TARGET, 0] = 1
        made.arena.units[:, f.AGGRESSIVE, 0] = 1
        made.wait(10_000)
        assert made.of(f.ATTACKS, 0) > 0
        assert (made.taken(1)[0] > 0) == (unit == 0)
        made.arena.units[:, f.STATUS_END, 1] = made.arena.match[:, f.CLOCK] + 1
        made.arena.match[:, f.STATUS_AT] = made.arena.match[:, f.CLOCK] + 1


def test_immunity_to_another_element_replaces_the_first() -> None:
    made = stage(BLESS, on_target("SC_IMMUNE_PROPERTY", value=9))
    made.cast(1)
    made.rewrite(BLESS, on_target("SC_IMMUNE_PROPERTY", value=2))
    made.cast(1)
    assert made.value(1, "SC_IMMUNE_PROPERTY") == 2


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


@pytest.mark.parametrize("turned", [True, False])
def test_who_waits_for_its_targets_blow_turns_it_away_and_answers(turned: bool) -> None:
    striker = plain(mode=f.CAN_ATTACK | f.AGGRESSIVE_MODE)
    made = stage(BLESS, on_target("SC_AUTOCOUNTER", ms=60_000), enemies=[(striker, 1, 0), (plain(), 9, 9)])
    made.arena.tables.species[1:3, [f.ADELAY, f.AMOTION, f.HIT]] = 9000, 200, 1000
    units = made.arena.units
    units[:, f.THINK_AT, 1] = f.NEVER
    made.cast(0)
    units[:, f.THINK_AT, 0] = f.NEVER
    units[:, f.TARGET, 0] = 1 if turned else 2
    units[:, f.THINK_AT, 1] = 0
    made.wait(2000)
    assert made.of(f.ATTACKS, 1) == 1
    assert [made.taken(unit)[0] > 0 for unit in (0, 1)] == [not turned, turned]
    assert made.under(0, "SC_AUTOCOUNTER")[0] != turned


def test_who_waits_for_a_blow_keeps_its_target() -> None:
    waiting = plain(mode=f.CAN_ATTACK)
    made = stage(BLESS, on_target("SC_AUTOCOUNTER", ms=60_000), caster=waiting, enemies=[(plain(), 1, 0)])
    made.arena.units[:, f.TARGET, 0] = 1
    made.arena.units[:, f.STATE, 0] = f.BERSERK
    made.cast(0)
    made.wait(3000)
    assert made.under(0, "SC_AUTOCOUNTER")[0]
    assert made.of(f.TARGET, 0) == 1


@pytest.mark.parametrize("mode", [RENEWAL, PRE_RENEWAL])
def test_fire_burns_a_web(mode: str) -> None:
    fire = STRIKE | {k.FLAGS: k.IGNORE_DEFENSE, k.ELEMENT: 3}
    made = shielding(on_target("SC_WIDEWEB"), fire, mode=mode)
    assert made.taken(1)[0] == 2 * POINTS
    assert not made.under(1, "SC_WIDEWEB")[0]
    made = shielding(on_target("SC_WIDEWEB"), fire | {k.ELEMENT: 1}, mode=mode)
    assert made.taken(1)[0] == POINTS
    assert made.under(1, "SC_WIDEWEB")[0]
