"""Whom a deed is put down to in `arena.events`: staged deeds, one at a time."""

from dataclasses import replace

import numpy as np
import pytest

from mlmonster_env import contract as to
from mlmonster_env.contract import EVENTS, STATE_SIZE
from mlmonster_env.data import MobSkill
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.lab import Place, with_skills
from mlmonster_env.sim.status_columns import FLAGS
from mlmonster_env.sim.status_table import status_id
from mlmonster_env.sim.views import observe_states
from tests.sim.command import field, fighter, hound, of, tell, victim
from tests.sim.grounds import bundled

SURE_HIT = 1000


def after(arena: Arena, steps: int, ticks: int = 5) -> dict[str, list[int]]:
    """Events of the first match summed over steps, by name."""
    total = {name: np.zeros(arena.scenario.members, np.int64) for name in EVENTS}
    for _ in range(steps):
        arena.step(ticks)
        for name in EVENTS:
            total[name] += arena.events[name][0]
    return {name: numbers.tolist() for name, numbers in total.items()}


def skill(owner: str, name: str, target: str) -> MobSkill:
    """A row of a bundled monster's list, used again and again whatever happens."""
    row = next(row for row in bundled()[owner].skills if row.skill == name)
    return replace(row, state="any", rate=10_000, cast_ms=0, condition="always", target=target)


def user(row: MobSkill, *others: Place) -> Arena:
    """Unit 0 uses a skill as soon as it can; unit 1 is an enemy beside it."""
    caster = with_skills(fighter(), [row])
    arena = field("combat", [Place(caster, 0, 10, 10), Place(victim(), 1, 11, 10), *others])
    arena.units[:, f.TARGET, 0] = 1
    tell(arena, 0, to.USE_HELP if row.target == "self" else to.USE_HARM)
    return arena


def test_orders_are_counted_when_they_change_and_when_they_are_to_fight():
    arena = field("combat", [Place(fighter(), 0, 10, 10), Place(victim(), 1, 14, 10)])
    counts = []
    for order in (to.ATTACK, to.MOVE_CLOSER, to.MOVE_CLOSER, to.CHANGE_TARGET, to.IDLE, to.IDLE):
        tell(arena, 0, order)
        arena.step(1)
        counts.append((int(arena.events.order_changes[0, 0]), int(arena.events.attack_orders[0, 0])))
    assert counts == [(1, 1), (1, 0), (0, 0), (1, 1), (1, 0), (0, 0)]
    arena.step(1)
    assert arena.events.order_changes.sum() == arena.events.attack_orders.sum() == 0


def test_aggro_is_the_time_under_enemies_eyes():
    places = [Place(victim(), 0, 10, 10), Place(victim(), 1, 14, 10), Place(victim(), 1, 6, 10)]
    arena = field(None, places)
    arena.tables.species[:, f.BASE_MODE] |= f.CAN_ATTACK
    arena.units[:, f.MODE, 1:] |= f.CAN_ATTACK
    arena.units[:, f.TARGET, 1:] = 0
    arena.step(5)
    assert arena.events.aggro_ms[0].tolist()[0] in (800, 900, 1000)
    assert arena.events.aggro_ms[0].tolist()[1:] == [0, 0]


def test_a_good_status_is_a_buff_and_a_bad_one_on_an_enemy_is_inflicted():
    buffs = after(user(skill("RUSTFANG", "NPC_AGIUP", "self")), 4)
    assert buffs["buffs"] == [1, 0] and buffs["statuses_inflicted"] == [0, 0] and buffs["casts"] == [1, 0]
    arena = user(replace(skill("REEF_BULWARK", "SM_PROVOKE", "target"), delay_ms=0))
    inflicted = after(arena, 12)
    assert inflicted["statuses_inflicted"][0] > 0 and inflicted["statuses_inflicted"][1] == 0
    assert inflicted["buffs"] == [0, 0]


def test_a_hit_on_the_stunned_is_a_combo():
    arena = field(None, [Place(hound(), 0, 10, 10), Place(victim(), 1, 11, 10)])
    arena.tables.species[1, f.HIT] = SURE_HIT
    plain = after(arena, 8)
    assert plain["hits"][0] > 1 and plain["combo_hits"] == [0, 0]
    stun = status_id("SC_STUN")
    for row, value in ((f.STATUS_ID, stun), (f.STATUS_END, 60_000), (f.STATUS_VALUE, 1), (f.STATUS_COUNT, 1)):
        arena.units[:, row, 1] = value
    arena.units[:, f.STATUS_FLAGS, 1] = arena.tables.statuses[stun, FLAGS]
    stunned = after(arena, 8)
    assert stunned["combo_hits"][0] == stunned["hits"][0] > 1


def test_what_a_guard_keeps_away_is_blocked_damage():
    guard = replace(skill("IRON_PILGRIM", "CR_AUTOGUARD", "self"), level=10)
    arena = user(guard, Place(hound(attack=50), 1, 9, 10))
    arena.tables.species[3, f.HIT] = SURE_HIT
    total = after(arena, 60)
    assert total["damage_blocked"][0] > 0 and total["damage_taken"][0] > 0
    assert total["damage_blocked"][1:] == [0, 0]
    assert total["damage_dealt"][2] == total["damage_taken"][0]


def test_hurt_lately_is_what_the_state_says_of_three_seconds():
    arena = field(None, [Place(hound(attack=300), 0, 10, 10), Place(victim(hp=60_000), 1, 11, 10)])
    arena.tables.species[1, f.HIT] = SURE_HIT
    seen = []
    for _ in range(30):
        arena.step(4)
        states = np.zeros((2, STATE_SIZE), np.float32)
        observe_states(arena.words, np.zeros(2, np.int64), np.arange(2), states)
        assert arena.events.hurt_lately[0] == pytest.approx(states[:, to.HURT_IN_3_S])
        seen.append(float(states[1, to.HURT_IN_3_S]))
    assert max(seen) > 0


def test_protection_is_counted_where_an_enemy_turns_from_an_ally():
    places = [Place(victim(), 0, 10, 10), Place(victim(), 0, 12, 10), Place(victim(), 1, 11, 12)]
    arena = field(None, places)
    arena.units[:, f.MODE, 2] |= f.CAN_ATTACK
    arena.units[:, f.TARGET, 2] = 0
    arena.step(2)
    assert arena.events.allies_protected.sum() == 0
    arena.units[:, f.TARGET, 2] = 1
    arena.step(2)
    assert arena.events.allies_protected[0].tolist() == [0, 1, 0]


def test_nobody_protects_the_dead():
    """An enemy kills one and turns on the next: he let nobody go."""
    places = [Place(victim(), 0, 10, 10), Place(victim(hp=1), 0, 12, 10), Place(hound(attack=500), 1, 11, 10)]
    arena = field(None, places)
    arena.tables.species[3, f.HIT] = 1000
    protected = after(arena, 40)["allies_protected"]
    assert of(arena, f.ALIVE, 1) == 0 and of(arena, f.DAMAGE_TAKEN, 0) > 0
    assert protected == [0, 0, 0]


def focus(lives: int) -> tuple[int, int]:
    """Two strike one who dies, or is knocked out, of one blow: focus damage and damage dealt."""
    places = [Place(hound(attack=500), 0, 10, 10), Place(hound(attack=500), 0, 12, 10), Place(victim(hp=40), 1, 11, 10)]
    arena = field(None, places, lives=lives, duel=True)
    arena.tables.species[1, f.HIT] = 1000
    arena.units[:, f.TARGET, :2] = 2
    total = after(arena, 3)
    return sum(total["focus_damage"]), sum(total["damage_dealt"])


def test_the_blow_that_kills_is_focus_damage_too():
    shared, whole = focus(lives=1)
    assert shared == whole > 0


def test_the_blow_that_knocks_out_is_focus_damage_too():
    shared, whole = focus(lives=2)
    assert shared == whole > 0
