"""What each pack signal makes the pack's members do, in small worlds with one question each."""

import numpy as np
import pytest

from mlmonster_env.contract import ATTACK_TARGET, DEFEND_LEADER, FLANK, FORM_UP, RETREAT
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.lab import Place
from tests.sim.command import act, apart, cell, field, fighter, hound, legal, of, tell_each, victim
from tests.sim.grounds import bundled_maps

MIDDLE = 30
LED = (0, f.NOBODY)  # the first member of the first side leads it
UNLED = (f.NOBODY, f.NOBODY)


def pack(*cells: tuple[int, int], enemies, leaders=LED, monster=None, **changes) -> Arena:
    """The pack's members in the middle and so far from it, and their enemies (monster, dx, dy)."""
    monster = fighter() if monster is None else monster
    places = [Place(monster, 0, MIDDLE + dx, MIDDLE + dy) for dx, dy in cells]
    places += [Place(enemy, 1, MIDDLE + dx, MIDDLE + dy) for enemy, dx, dy in enemies]
    return field("pack", places, under=range(len(cells)), leaders=leaders, **changes)


def signal(arena: Arena, order: int, members: int, ticks: int) -> None:
    """Send all members a signal, every five ticks."""
    for _ in range(0, ticks, 5):
        tell_each(arena, np.full((arena.num_matches, members), order))
        arena.step(5)


def aim(arena: Arena, unit: int, target: int) -> None:
    arena.units[:, f.TARGET, unit] = target


def targets(arena: Arena, members: int) -> list[int]:
    return [of(arena, f.TARGET, unit) for unit in range(members)]


def wound(arena: Arena, unit: int, percent: int) -> None:
    """Leave a unit so much of its hit points."""
    arena.units[:, f.HP, unit] = arena.units[:, f.HP, unit] // 100 * percent


def test_attack_target_turns_all_on_the_most_wounded():
    arena = pack((0, 0), (-1, 2), (1, -2), enemies=[(victim(), 2, 0), (victim(), 1, 1), (victim(), -2, 0)])
    for unit, target in enumerate((3, 5, 3)):
        aim(arena, unit, target)
    wound(arena, 4, 60)
    wound(arena, 5, 80)
    signal(arena, ATTACK_TARGET, 3, 5)
    assert targets(arena, 3) == [4, 4, 4]
    signal(arena, ATTACK_TARGET, 3, 60)
    assert all(of(arena, f.ATTACKS, unit) > 0 and apart(arena, unit, 4) == 1 for unit in range(3))


def test_attack_target_leaves_the_most_wounded_to_those_who_are_near():
    arena = pack((0, 0), (-1, 2), (1, -2), enemies=[(victim(), 2, 0), (victim(), 3, 3), (victim(), -2, 0)])
    wound(arena, 4, 60)
    wound(arena, 5, 80)
    signal(arena, ATTACK_TARGET, 3, 5)
    assert targets(arena, 3) == [4, 5, 5]


def test_attack_target_breaks_a_cast_before_it_looks_at_wounds():
    arena = pack((0, 0), enemies=[(victim(), 1, 0), (victim(), 1, 1), (victim(), -1, 0)])
    wound(arena, 1, 20)
    for enemy, breakable in ((2, 0), (3, 1)):
        arena.units[:, f.CAST_AT, enemy] = 5000
        arena.units[:, f.CAST_CANCELABLE, enemy] = breakable
    signal(arena, ATTACK_TARGET, 1, 5)
    assert of(arena, f.TARGET, 0) == 3


def test_attack_target_calls_nobody_off_an_enemy_for_one_far_away():
    arena = pack((0, 0), (-1, 2), enemies=[(victim(), 8, 0), (victim(), -9, 4)])
    for unit, target in enumerate((2, 3)):
        aim(arena, unit, target)
    wound(arena, 2, 10)
    signal(arena, ATTACK_TARGET, 2, 5)
    assert targets(arena, 2) == [2, 3]


def test_attack_target_lets_idle_members_join_whom_most_are_after():
    arena = pack((0, 0), (-1, 2), (1, -2), (2, 2), enemies=[(victim(), 7, 0), (victim(), -6, 4)])
    for unit, target in enumerate((4, 4, 5)):
        aim(arena, unit, target)
    signal(arena, ATTACK_TARGET, 4, 5)
    assert targets(arena, 4) == [4, 4, 5, 4]


def test_attack_target_leaves_out_whom_a_member_cannot_see():
    arena = pack((0, 0), (-10, 0), enemies=[(victim(), 9, 0), (victim(), -20, 0)])
    aim(arena, 0, 2)
    signal(arena, ATTACK_TARGET, 2, 5)
    assert targets(arena, 2) == [2, f.NOBODY]


def test_attack_target_is_what_a_pack_does_that_was_told_nothing():
    arena = pack((0, 0), (-1, 2), enemies=[(victim(), 5, 0), (victim(), -6, 4)])
    aim(arena, 0, 2)
    arena.step(2)
    assert targets(arena, 2) == [2, 2]


def test_retreat_gains_distance_and_strikes_nobody():
    arena = pack((0, 0), (-2, 1), (-1, -3), enemies=[(victim(), 2, 0)], monster=hound())
    before = [apart(arena, unit, 3) for unit in range(3)]
    signal(arena, RETREAT, 3, 40)
    assert all(apart(arena, unit, 3) >= before[unit] + 6 for unit in range(3))
    assert all(of(arena, f.ATTACKS, unit) == 0 for unit in range(3))


def test_retreat_ends_a_fight():
    arena = pack((0, 0), enemies=[(victim(), 1, 0)], monster=hound())
    signal(arena, ATTACK_TARGET, 1, 40)
    struck = of(arena, f.ATTACKS, 0)
    signal(arena, RETREAT, 1, 10)
    signal(arena, RETREAT, 1, 40)
    assert struck > 1
    assert of(arena, f.ATTACKS, 0) == struck
    assert apart(arena, 0, 1) > 5


def test_form_up_gathers_around_the_leader():
    arena = pack((0, 0), (9, 2), (-7, 7), (0, -10), enemies=[(victim(), 24, 24)])
    signal(arena, FORM_UP, 4, 80)
    assert cell(arena, 0) == (MIDDLE, MIDDLE)
    assert all(apart(arena, unit, 0) <= 2 for unit in range(1, 4))


def test_form_up_without_a_leader_gathers_in_the_middle():
    arena = pack((0, 0), (9, 2), (-7, 7), (0, -10), enemies=[(victim(), 24, 24)], leaders=UNLED)
    signal(arena, FORM_UP, 4, 80)
    assert all(apart(arena, u, v) <= 4 for u in range(4) for v in range(4))


def test_a_formed_pack_strikes_who_comes_near_its_middle_and_lets_others_be():
    arena = pack((0, 0), (-1, 1), enemies=[(victim(), 3, 0), (victim(), -7, 0)], monster=hound())
    aim(arena, 1, 3)
    signal(arena, FORM_UP, 2, 60)
    assert targets(arena, 2) == [2, 2]
    assert of(arena, f.ATTACKS, 0) > 2 and of(arena, f.ATTACKS, 1) > 2


@pytest.mark.parametrize("order", [FORM_UP, DEFEND_LEADER, FLANK])
def test_nobody_offers_his_back_to_an_enemy_in_reach(order):
    arena = pack((0, 0), (-11, 0), enemies=[(victim(), -12, 0), (victim(), 9, 0)])
    aim(arena, 0, 3)
    aim(arena, 3, 0)
    aim(arena, 1, 3)
    signal(arena, order, 2, 40)
    assert of(arena, f.ATTACKS, 1) > 1
    assert cell(arena, 1) == (MIDDLE - 11, MIDDLE)


def test_defend_leader_turns_on_the_leaders_attacker():
    enemies = [(hound(), 2, 1), (victim(), -9, 0), (victim(), -9, 3)]
    arena = pack((0, 0), (-4, 0), (-4, 3), enemies=enemies)
    for unit, target in ((1, 4), (2, 5), (3, 0)):
        aim(arena, unit, target)
    signal(arena, DEFEND_LEADER, 3, 5)
    assert targets(arena, 3) == [3, 3, 3]
    signal(arena, DEFEND_LEADER, 3, 60)
    assert of(arena, f.ATTACKS, 1) > 0 and of(arena, f.ATTACKS, 2) > 0
    assert of(arena, f.ATTACKS, 3) > 0


def test_of_several_attackers_the_one_nearest_to_the_leader_is_warded_off():
    arena = pack((0, 0), (-4, 0), enemies=[(victim(), 9, 1), (victim(), 5, 0), (victim(), -3, 9)])
    for enemy, target in ((2, 0), (3, 0), (4, 1)):
        aim(arena, enemy, target)
    signal(arena, DEFEND_LEADER, 2, 5)
    assert of(arena, f.TARGET, 1) == 3


def test_defend_leader_without_an_attacker_forms_up():
    arena = pack((0, 0), (9, 0), (-8, 5), enemies=[(victim(), 20, 20)])
    signal(arena, DEFEND_LEADER, 3, 60)
    assert apart(arena, 1, 0) <= 2 and apart(arena, 2, 0) <= 2


def test_only_a_led_pack_defends_its_leader_and_not_the_leader_himself():
    arena = pack((0, 0), (3, 0), enemies=[(victim(), 9, 0)])
    assert DEFEND_LEADER not in legal(arena, 0, 5)
    assert DEFEND_LEADER in legal(arena, 1, 5)
    unled = pack((0, 0), (3, 0), enemies=[(victim(), 9, 0)], leaders=UNLED)
    assert DEFEND_LEADER not in legal(unled, 1, 5)


def aside_at_first_blow(dx: int, dy: int) -> int:
    """How far to its target's side unit 0 of a pack stands when it first strikes, coming from (0, 0)."""
    arena = pack((0, 0), (1, -1), (-1, 1), enemies=[(victim(), dx, dy)])
    aim(arena, 0, 3)
    for _ in range(100):
        if of(arena, f.ATTACKS, 0):
            break
        act(arena, 0, FLANK, 1)
    assert of(arena, f.ATTACKS, 0) and apart(arena, 0, 3) == 1
    x, y = cell(arena, 0)
    return int(abs((x - MIDDLE - dx) * np.sign(dy) - (y - MIDDLE - dy) * np.sign(dx)))


@pytest.mark.parametrize(("dx", "dy"), [(11, 0), (0, 11), (-11, 0), (0, -11), (11, 11), (11, -11), (-11, -11)])
def test_flank_comes_at_a_far_target_from_its_side(dx, dy):
    assert aside_at_first_blow(dx, dy) > 0


@pytest.mark.parametrize(("dx", "dy"), [(6, 0), (0, -6), (5, 5)])
def test_flank_goes_round_nobody_who_is_near(dx, dy):
    assert aside_at_first_blow(dx, dy) == 0


def test_flank_passes_by_the_weak_for_the_strong():
    enemies = [(victim(), 1, 0), (victim(level=90), 3, 0), (victim(level=95), 9, 0)]
    arena = pack((0, 0), enemies=enemies)
    wound(arena, 1, 10)
    signal(arena, FLANK, 1, 30)
    assert of(arena, f.TARGET, 0) == 2
    assert of(arena, f.ATTACKS, 0) > 0 and apart(arena, 0, 2) == 1


def test_flank_takes_the_packs_target_where_a_member_has_none():
    arena = pack((0, 0), (-2, 0), enemies=[(victim(), 9, 0), (victim(), 6, 6)])
    aim(arena, 0, 2)
    act(arena, 1, FLANK, 2)
    assert of(arena, f.TARGET, 1) == 2


def test_whatever_the_signal_nobody_walks_into_walls():
    ground = bundled_maps()[0]
    free = np.argwhere(ground & 1)[::, ::-1]
    near = free[np.abs(free - free[len(free) // 2]).max(1) <= 9]
    chosen = near[np.random.default_rng(0).choice(len(near), 10, replace=False)]
    places = [Place(hound(), number % 2, int(x), int(y)) for number, (x, y) in enumerate(chosen)]
    arena = field("pack", places, under=range(10), ground=ground, matches=20, leaders=(0, 1))
    random = np.random.default_rng(1)
    steps = 0
    for _ in range(60):
        tell_each(arena, random.integers(0, 5, (20, 10)))
        for _ in range(3):
            arena.step(1)
            assert (ground[arena.units[:, f.Y], arena.units[:, f.X]] & 1 != 0).all()
            steps += int(arena.tally[:, f.T_STEPS].sum())
    assert steps > 1000
