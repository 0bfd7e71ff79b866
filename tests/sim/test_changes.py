"""Healing, curing, and what skills do to minds."""

from dataclasses import replace

import numpy as np
import pytest

from mlmonster_env.data import MobSkill
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.lab import Place, with_skills
from mlmonster_env.sim.status_table import status_id
from tests.sim.command import field, fighter, hound, victim
from tests.sim.grounds import GAP, bundled, open_ground
from tests.sim.staged import (
    BLESS,
    MADE_UP,
    MIDDLE,
    POINTS,
    PRE_RENEWAL,
    RENEWAL,
    STRIKE,
    Stage,
    on_target,
    plain,
    stage,
    world,
)

UNDEAD = 1
MANY_TRAPS = 60


HEAL = {k.EFFECT: k.HEAL, k.AIM: k.AIM_SUPPORT, k.REACH: 14, k.KIND: k.KIND_HELP}


@pytest.mark.parametrize(
    ("columns", "gained"),
    [
        ({k.AMOUNT: 500}, 500),
        ({k.AMOUNT: 20, k.FLAGS: k.PERCENT_AMOUNT}, 2000),
        ({k.AMOUNT: 500, k.FLAGS: k.HEAL_BY_VIT, k.RATIO: 150}, 750 * 180 // 100),
        ({k.AMOUNT: 1_000_000_000}, 9_999),
        ({k.AMOUNT: 1_000_000_000, k.FLAGS: k.HEAL_BY_VIT, k.RATIO: 100}, 9_999),
    ],
)
def test_what_heals_give(columns: dict[int, int], gained: int) -> None:
    made = stage(HEAL | columns, friends=[(plain(hp=10_000, vit=40), 1, 0)])
    made.arena.units[:, f.HP, 2] = 1
    made.cast(2)
    assert made.of(f.HP, 2) == 1 + gained


def test_some_heals_are_rolled() -> None:
    thrown = HEAL | {k.AMOUNT: 100, k.FORMULA_ARGUMENT: 20, k.FLAGS: k.HEAL_BY_VIT, k.RATIO: 200}
    made = stage(thrown, friends=[(plain(hp=10_000, vit=0), 1, 0)], runs=2000)
    made.arena.units[:, f.HP, 2] = 1
    made.cast(2)
    gained = made.arena.units[:, f.HP, 2] - 1
    assert (gained.min(), gained.max()) == (200, 240)
    assert gained.mean() == pytest.approx(220, abs=1)


@pytest.mark.parametrize(
    ("columns", "gained"),
    [({k.AMOUNT: 500}, 300), ({k.SKILL_LEVEL: 11}, 9999), ({k.AMOUNT: 20, k.FLAGS: k.PERCENT_AMOUNT}, 2000)],
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


DYING = MobSkill(
    state="dead", skill="NPC_EMOTION", skill_id=1, level=2, rate=10_000, cast_ms=0, delay_ms=0, cancelable=False,
    target="self", condition="always", condition_value=0, values=(0, 0, 0, 0, 0), emotion=-1,
)  # fmt: skip


@pytest.mark.parametrize(("held", "comes_back"), [("SC_GLORIA", True), ("SC_SILENCE", False)])
def test_death_may_bring_a_rebirth_once(held: str, comes_back: bool) -> None:
    made = stage(BLESS, on_target(held, ms=60_000), enemies=[(replace(plain(hp=1000), skills=(DYING,)), 3, 0)])
    rebirth = made.arena.tables.skills[MADE_UP + 1]
    rebirth[[k.STATUS + k.S_STATUS, k.STATUS + k.S_DURATION, k.STATUS + k.S_VALUE]] = status_id("SC_REBIRTH"), 10**9, 3
    made.cast(1)
    assert made.under(1, held)[0]
    made.rewrite(STRIKE)
    made.cast(1)
    assert (made.of(f.ALIVE, 1), made.of(f.HP, 1)) == ((1, 600) if comes_back else (0, 0))
    assert not made.under(1, held)[0]
    made.cast(1)
    assert made.of(f.ALIVE, 1) == 0


@pytest.mark.parametrize(("state", "heirs"), [("dead", 3), ("any", 0)])
def test_death_may_bring_others(state: str, heirs: int) -> None:
    kind = next(monster for monster in world(RENEWAL) if not monster.player)
    row = replace(DYING, state=state, skill="NPC_DEATHSUMMON", values=(kind.id, kind.id, kind.id, 0, 0))
    made = stage(STRIKE, enemies=[(replace(plain(hp=1000), skills=(row,)), 3, 0), (plain(), 30, 30)])
    calling = made.arena.tables.skills[MADE_UP + 1]
    calling[[k.EFFECT, k.AMOUNT, k.FORMULA_ARGUMENT]] = k.SUMMON, 3, k.HEIRS
    members = made.arena.scenario.members
    made.cast(1)
    units = made.arena.units[0]
    came = np.flatnonzero(units[f.ALIVE, members:]) + members
    assert (made.of(f.ALIVE, 1), len(came)) == (0, heirs)
    assert (units[f.SIDE, came] == 1).all()
    assert (units[f.MASTER, came] == f.ON_ITS_OWN).all()
    assert {(units[f.SPAWN_X, u], units[f.SPAWN_Y, u]) for u in came} <= {(units[f.X, 1], units[f.Y, 1])}


PLANTING = {k.EFFECT: k.SUMMON, k.AIM: k.AIM_GROUND, k.AMOUNT: 1, k.FORMULA_ARGUMENT: k.PLANT, k.FIRST_MS: 2000}


def test_a_plant_stands_on_the_chosen_cell_and_goes_after_a_while() -> None:
    kind = next(monster for monster in world(RENEWAL) if not monster.player)
    made = stage(PLANTING, values=(kind.id, 0, 0, 0, 0), skill="NPC_SUMMONSLAVE")
    members = made.arena.scenario.members
    made.cast(0, (MIDDLE + 2, MIDDLE - 1))
    assert (made.of(f.ALIVE, members), made.of(f.MASTER, members)) == (1, 0)
    assert made.of(f.MODE, members) == kind.mode | f.NO_RANDOM_WALK
    assert (made.of(f.SPAWN_X, members), made.of(f.SPAWN_Y, members)) == (MIDDLE + 2, MIDDLE - 1)
    made.wait(1800)
    assert made.of(f.ALIVE, members) == 1
    made.wait(300)
    assert made.of(f.ALIVE, members) == 0


def test_a_plant_falls_with_its_caller() -> None:
    kind = next(monster for monster in world(RENEWAL) if not monster.player)
    made = stage(PLANTING, values=(kind.id, 0, 0, 0, 0), skill="NPC_SUMMONSLAVE", friends=[(plain(), 9, 9)])
    made.cast(0)
    members = made.arena.scenario.members
    assert made.of(f.ALIVE, members) == 1
    made.arena.units[:, f.ALIVE, 0] = 0
    made.wait(200)
    assert made.of(f.ALIVE, members) == 0


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


def breaking(rules: str, /, amount: int, runs: int = 1, **victim: int) -> Stage:
    """Unit 0 breaks the cast of unit 1 off, which nothing else could."""
    columns = {k.EFFECT: k.BREAK_CAST, k.AIM: k.AIM_SUPPORT, k.REACH: 9, k.AMOUNT: amount}
    made = stage(columns, enemies=[(plain(rules, **victim), 3, 0)], mode=rules, runs=runs)
    made.arena.units[:, f.HP, 0] = 1
    made.arena.units[:, f.CAST_AT, 1] = made.arena.match[:, f.CLOCK] + 5000
    made.arena.units[:, f.CAST_ON, 1] = 1
    made.arena.units[:, f.CAST_CANCELABLE, 1] = 0
    made.cast(1)
    return made


def test_a_broken_cast_costs_hp_too() -> None:
    made = breaking(RENEWAL, 2, hp=10_000)
    assert made.of(f.CAST_AT, 1) == f.NEVER
    assert (made.taken(1)[0], made.of(f.HP, 0)) == (200, 101)
    assert made.of(f.CASTS, 1) == 0
    made.cast(1)  # who casts nothing loses nothing
    assert made.taken(1)[0] == 200
    made = breaking(RENEWAL, 0, hp=10_000)
    assert made.of(f.CAST_AT, 1) == f.NEVER
    assert made.taken(1)[0] == 0


def test_a_broken_cast_never_kills() -> None:
    for hp, left in ((200, 200), (201, 1)):
        made = breaking(RENEWAL, 0, hp=10_000)
        made.arena.units[:, f.HP, 1] = hp
        made.arena.units[:, f.CAST_AT, 1] = made.arena.match[:, f.CLOCK] + 5000
        made.arena.tables.skills[MADE_UP, k.AMOUNT] = 2
        made.cast(1)
        assert made.of(f.HP, 1) == left


@pytest.mark.parametrize(("mode", "siphoned"), [(RENEWAL, False), (PRE_RENEWAL, True)])
def test_the_casts_of_the_immune_are_seldom_broken(mode: str, siphoned: bool) -> None:
    made = breaking(mode, 2, runs=1000, mode=f.STATUS_IMMUNE)
    broken = made.arena.units[:, f.CAST_AT, 1] == f.NEVER
    assert broken.mean() == pytest.approx(0.1, abs=0.03)
    assert ((made.taken(1) > 0) == (broken & siphoned)).all()


def test_clearing_ends_the_good_and_some_of_the_bad() -> None:
    given = ("SC_INCREASEAGI", "SC_BLIND", "SC_SIGHT", "SC_POWERUP", "SC_ANKLE", "SC_QUAGMIRE")
    made = stage(BLESS, *(on_target(name) for name in given[:5]))
    made.cast(1)
    made.rewrite(BLESS, on_target("SC_STRIPARMOR"), on_target("SC_KEEPING", ms=60_000))
    made.cast(1)
    assert made.of(f.HOLD_UNTIL, 1) > 50_000
    made.rewrite({k.EFFECT: k.CLEAR_BUFFS, k.AIM: k.AIM_SUPPORT})
    made.cast(1)
    ended = ("SC_INCREASEAGI", "SC_BLIND", "SC_SIGHT", "SC_KEEPING")
    assert [name for name in ended if made.under(1, name)[0]] == []
    assert all(made.under(1, name)[0] for name in ("SC_POWERUP", "SC_ANKLE", "SC_STRIPARMOR"))
    assert made.of(f.HOLD_UNTIL, 1) < 50_000


def test_some_harm_goes_past_every_guard() -> None:
    made = stage(BLESS, on_target("SC_BARRIER"), on_target("SC_ENDURE"), enemies=[(plain(damage_taken=10), 3, 0)])
    made.cast(1)
    made.rewrite({k.EFFECT: k.HURT, k.AIM: k.AIM_SUPPORT, k.AMOUNT: 4444})
    made.cast(1)
    made.wait(2000)
    assert made.taken(1)[0] == 4444
    assert made.arena.units[0, f.DAMAGE_DEALT, 0] == 4444
    assert made.value(1, "SC_ENDURE") == 1 + 10 * 5  # one of seven blows is worn off
    made.rewrite(BLESS, on_target("SC_SLEEP", ms=60_000))
    made.cast(1)
    assert made.under(1, "SC_SLEEP")[0]
    made.rewrite({k.EFFECT: k.HURT, k.AIM: k.AIM_SUPPORT, k.AMOUNT: 1_000_000})
    made.cast(1)
    assert not made.under(1, "SC_SLEEP")[0]
    assert made.of(f.ALIVE, 1) == 0
    assert made.of(f.KILLS, 0) == 1


def test_who_is_harmed_past_its_guards_strikes_back() -> None:
    made = stage({k.EFFECT: k.HURT, k.AIM: k.AIM_SUPPORT, k.AMOUNT: 10}, enemies=[(plain(mode=f.CAN_ATTACK), 1, 0)])
    made.cast(1)
    made.wait(3000)
    assert made.of(f.TARGET, 1) == 0


def test_a_target_is_forgotten() -> None:
    made = stage({k.EFFECT: k.FORGET_TARGET, k.AIM: k.AIM_SUPPORT})
    made.arena.units[:, f.TARGET, 0] = 1
    made.arena.units[:, f.THINK_AT, 0] = f.NEVER
    made.cast(0)
    assert made.of(f.TARGET, 0) == f.NOBODY


@pytest.mark.parametrize(("state", "before", "after"), [(f.IDLE, f.NOBODY, 2), (f.IDLE, 1, 2), (f.BERSERK, 1, 1)])
def test_a_slave_avenges_its_master(state: int, before: int, after: int) -> None:
    attackers = [(plain(), 5, 5), (plain(), 5, 6)]
    made = stage(
        {k.EFFECT: k.REVENGE, k.AIM: k.AIM_SUPPORT},
        caster=plain(mode=f.CAN_ATTACK),
        enemies=attackers,
        friends=[(plain(), 6, 6)],
    )
    units = made.arena.units
    units[:, f.MASTER, 0] = 3
    units[:, f.STATE, 0] = state
    units[:, f.TARGET, 0] = before
    units[:, f.THINK_AT] = f.NEVER
    units[:, f.ATTACK_ON, 2] = 3
    made.cast(0)
    assert made.of(f.TARGET, 0) == after


@pytest.mark.parametrize(
    ("state", "mode", "turns"),
    [
        (f.IDLE, 0, True),
        (f.FOLLOW, 0, True),
        (f.ANGRY, 0, True),
        (f.RUSH, 0, False),
        (f.RUSH, f.CHANGE_TARGET_CHASE, True),
        (f.BERSERK, f.CHANGE_TARGET_MELEE, False),
    ],
)
def test_the_provoked_turn_to_the_caster_if_they_may(state: int, mode: int, turns: bool) -> None:
    made = stage(
        BLESS,
        on_target("SC_PROVOKE"),
        enemies=[(plain(mode=f.CAN_ATTACK | f.ANGRY_MODE | mode), 3, 0)],
        friends=[(plain(), 3, 1)],
    )
    units = made.arena.units
    units[:, f.THINK_AT] = f.NEVER
    units[:, f.STATE, 1] = state
    units[:, f.AGGRESSIVE, 1] = 1
    units[:, f.TARGET, 1] = 2
    made.cast(1)
    assert made.under(1, "SC_PROVOKE")[0]
    assert (made.of(f.TARGET, 1), made.of(f.AGGRESSIVE, 1)) == ((0, 0) if turns else (2, 1))


@pytest.mark.parametrize(("blind", "target"), [(False, 0), (True, 2)])
def test_the_blind_take_nobody_far_off_on_the_way(blind: bool, target: int) -> None:
    chaser = plain(mode=f.CAN_ATTACK | f.CAN_MOVE | f.CHANGE_CHASE)
    status = on_target("SC_BLIND") if blind else on_target("SC_GLORIA")
    made = stage(BLESS, status, enemies=[(replace(chaser, attack_range=5), 5, 0)], friends=[(plain(), 12, 0)])
    units = made.arena.units
    units[:, f.STATE, 1] = f.RUSH
    units[:, f.TARGET, 1] = 2
    units[:, f.STEP_AT, 1] = made.arena.match[:, f.CLOCK] + 400
    made.cast(1)
    assert made.of(f.TARGET, 1) == target


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


@pytest.mark.parametrize(("element", "helped"), [(0, True), (9, False)])
def test_a_cure_may_give_the_undead_a_status_later(element: int, helped: bool) -> None:
    made = stage(BLESS, on_target("SC_SLEEP", ms=60_000), enemies=[(plain(element=element), 3, 0)])
    made.cast(1)
    made.rewrite(BLESS | {k.EFFECT: k.CURE, k.FIRST_MS: 1000}, on_target("SC_BLIND"))
    made.cast(1)
    assert made.under(1, "SC_SLEEP")[0] != helped
    made.wait(700)
    assert not made.under(1, "SC_BLIND")[0]
    made.wait(400)
    assert made.under(1, "SC_BLIND")[0] != helped
