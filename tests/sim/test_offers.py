"""Skills offered fairly: what is on show, who takes it, who declines it, and what that costs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from mlmonster_env import contract as to
from mlmonster_env.contract import BLOCKS, NO_SKILL, SKILL_SLOTS
from mlmonster_env.data import MobSkill
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.lab import Place, of_kind, with_skills
from mlmonster_env.sim.orders import packed
from mlmonster_env.sim.views import observe_many_skills, observe_states
from tests.sim.command import act, field, fighter, legal, of, tell, victim
from tests.sim.grounds import bundled, named

MIDDLE = 30
ALWAYS, NEVER = 10_000, 0  # rates; a die that shows 0 passes even the second
HARM, HELP, FIELD = "NPC_FIREATTACK", "NPC_AGIUP", "NPC_EARTHQUAKE"
KINDS = {HARM: to.USE_HARM, HELP: to.USE_HELP, FIELD: to.USE_FIELD}
DELAY_MS = 4000


def row(skill: str = HARM, **changes) -> MobSkill:
    """A row of a skill list: at once, whenever the monster has a target, unless `changes` say otherwise."""
    plain = {
        "state": "anytarget", "skill": skill, "skill_id": bundled().skills[skill].id, "level": 1, "rate": ALWAYS,
        "cast_ms": 0, "delay_ms": DELAY_MS, "cancelable": False, "target": "self" if skill == HELP else "target",
        "condition": "always", "condition_value": 0, "values": (0, 0, 0, 0, 0), "emotion": -1,
    }  # fmt: skip
    return MobSkill(**{**plain, **changes})


def caster(kind: str | None, rows: Sequence[MobSkill], cells: int = 1, under=(0,), **changes) -> Arena:
    """Unit 0 with a skill list, and a motionless enemy so far away whom it has for a target."""
    places = [Place(with_skills(fighter(), rows), 0, MIDDLE, MIDDLE), Place(victim(), 1, MIDDLE + cells, MIDDLE)]
    arena = field(kind, places, under=under, **changes)
    arena.units[:, f.TARGET, 0] = 1
    return arena


def skill_actions(arena: Arena, unit: int = 0) -> list[int]:
    return [action for action in legal(arena, unit, 10) if to.USE_HARM <= action <= to.USE_FIELD]


def see(arena: Arena, observe: Any, block: str, unit: int = 0) -> Any:
    """One block of one unit of the first match."""
    seen = np.full((1, *BLOCKS[block]), np.nan, np.float32)
    observe(arena.words, np.array([0]), np.array([unit]), seen)
    return seen[0]


def times(arena: Arena, kind: int, unit: int = 0) -> list[int]:
    """When a unit of the first match did something."""
    records = arena.journal[0, : arena.match[0, f.JOURNAL_LINES]]
    return [int(ms) for ms in of_kind(records, kind, unit)[:, 0]]


@pytest.mark.parametrize("skill", KINDS)
def test_what_is_on_show_is_legal_by_its_kind_and_nothing_else_of_skills_is(skill):
    arena = caster("combat", [row(skill)])
    assert skill_actions(arena) == [KINDS[skill]]


@pytest.mark.parametrize("skill", KINDS)
def test_what_is_ordered_is_cast_and_its_delay_begins(skill):
    arena = caster("combat", [row(skill)])
    act(arena, 0, KINDS[skill], 15)
    assert of(arena, f.CASTS, 0) == 1
    assert of(arena, f.SKILL_DELAY, 0) == times(arena, f.J_CAST)[0] + DELAY_MS
    assert skill_actions(arena) == []


def test_a_taken_offer_comes_before_the_next_attack_and_costs_its_delay():
    arena = caster("combat", [row(state="attack", delay_ms=60_000)])
    delay = bundled()["RUSTFANG"].attack_delay
    act(arena, 0, to.ATTACK, 2)
    act(arena, 0, to.USE_HARM, 60)
    attacks, casts = times(arena, f.J_ATTACK), times(arena, f.J_CAST)
    assert attacks[0] < casts[0] == attacks[0] + delay
    assert attacks[1] == casts[0] + delay


@pytest.mark.parametrize("order", [to.ATTACK, to.CHANGE_TARGET])
def test_a_declined_offer_is_not_cast_no_delay_begins_and_attacks_go_out_as_ever(order):
    skilled, plain = caster("combat", [row(state="attack")]), caster("combat", [])
    for arena in (skilled, plain):
        act(arena, 0, to.ATTACK, 2)
        act(arena, 0, order, 100)
    assert to.USE_HARM in skill_actions(skilled)
    assert of(skilled, f.CASTS, 0) == 0
    assert of(skilled, f.SKILL_DELAY, 0) == 0
    assert times(skilled, f.J_ATTACK) == times(plain, f.J_ATTACK)
    assert len(times(plain, f.J_ATTACK)) > 6


@pytest.mark.parametrize("order", [to.IDLE, to.MOVE_CLOSER, to.MOVE_AWAY, to.MOVE_RANDOMLY, to.FLEE])
def test_whoever_is_told_not_to_fight_casts_nothing(order):
    arena = caster("combat", [row(state="any"), row(HELP, state="any")])
    act(arena, 0, order, 60)
    assert of(arena, f.CASTS, 0) == 0
    assert arena.units[0, f.SKILL_DELAY : f.SKILL_DELAY + 2, 0].tolist() == [0, 0]


def test_the_wrong_kind_takes_nothing():
    arena = caster("combat", [row(HELP)])
    act(arena, 0, to.USE_HARM, 60)
    assert of(arena, f.CASTS, 0) == 0
    assert of(arena, f.ATTACKS, 0) > 2


def test_only_the_first_row_that_passes_is_offered():
    arena = caster("combat", [row(HELP, rate=NEVER), row(FIELD), row(HARM)])
    assert skill_actions(arena) == [to.USE_FIELD]


def test_the_first_row_that_passes_hides_later_ones_even_where_it_cannot_be_cast():
    """As a server's check ends without a skill when the first passing row is refused."""
    near = row("AS_SONICBLOW", level=1)
    arena = caster("combat", [near, row(HELP)], cells=8)
    assert skill_actions(arena) == []


def test_an_offer_vanishes_with_its_condition():
    arena = caster("combat", [row(HELP, condition="myhpltmaxrate", condition_value=50)])
    assert skill_actions(arena) == []
    arena.units[:, f.HP, 0] //= 4
    assert skill_actions(arena) == [to.USE_HELP]
    arena.units[:, f.HP, 0] *= 4
    assert skill_actions(arena) == []


def test_a_look_does_not_forgive_rude_attacks():
    arena = caster("combat", [row(HELP, condition="rudeattacked")])
    arena.units[:, f.RUDE, 0] = 1
    assert skill_actions(arena) == []  # a reflex, not an offer
    assert of(arena, f.RUDE, 0) == 1
    act(arena, 0, to.ATTACK, 15)
    assert (of(arena, f.CASTS, 0), of(arena, f.RUDE, 0)) == (1, 0)


def test_a_status_that_is_off_is_so_of_those_who_are_under_none_too():
    without = row(HELP, delay_ms=100, condition="mystatusoff", condition_value="SC_AGIUP")
    arena = caster("combat", [without])
    assert skill_actions(arena) == [to.USE_HELP]
    act(arena, 0, to.USE_HELP, 15)
    assert of(arena, f.CASTS, 0) == 1
    assert skill_actions(arena) == []  # the cast itself has put it on


def test_dice_are_held_from_check_to_check():
    """Nothing on show changes until a check; about as many checks show an offer as the row's rate says."""
    arena = caster("combat", [row(rate=3000)], matches=300)
    matches, units = np.arange(300), np.zeros(300, np.int64)
    shown, checks = 0, 0
    tell(arena, 0, to.IDLE)
    before = arena.units[:, f.SKILL_CHECKED, 0].copy()
    offer = arena.legal(matches, units, 10)[:, to.USE_HARM]
    for _ in range(100):
        arena.step(1)
        now = arena.legal(matches, units, 10)[:, to.USE_HARM]
        checked = arena.units[:, f.SKILL_CHECKED, 0].copy()
        same = checked == before
        assert np.array_equal(now[same], offer[same])
        shown += int(now[~same].sum())
        checks += int((~same).sum())
        before, offer = checked, now
    assert checks > 2000
    assert shown / checks == pytest.approx(0.3, abs=4 * (0.3 * 0.7 / checks) ** 0.5)


@pytest.mark.parametrize("control", [None, "combat"])
def test_an_offer_is_known_before_the_check_falls(control):
    """The state vector of one who stands in a fight says, just before, whether its next check will cast."""
    arena = caster(control, [row(state="attack", rate=4000, delay_ms=0)], matches=200)
    matches, units = np.arange(200), np.zeros(200, np.int64)
    states = np.zeros((200, 64), np.float32)
    if control:
        tell(arena, 0, to.USE_HARM)
    said = done = 0
    for _ in range(150):
        observe_states(arena.words, matches, units, states)
        free = (arena.units[:, f.THINK_AT, 0] <= arena.clock_ms) & (arena.units[:, f.STATE, 0] == f.BERSERK)
        arena.step(1)
        cast = arena.events.casts[:, 0] > 0
        checked = free & (cast | (arena.events.attacks[:, 0] > 0))
        offered = states[:, to.POSTURE] == 1
        assert np.array_equal(offered[checked], cast[checked])
        said += int(offered[checked].sum())
        done += int(checked.sum())
    assert done > 1000
    assert said / done == pytest.approx(0.4, abs=0.06)


@pytest.mark.parametrize("control", ["movement", "pack"])
def test_minds_that_are_not_asked_about_skills_use_them_as_ever(control):
    arena = caster(control, [row()])
    act(arena, 0, to.STAY if control == "movement" else to.ATTACK_TARGET, 60)
    assert of(arena, f.CASTS, 0) >= 1


def test_a_row_that_nobody_saw_is_treated_as_when_it_was_last_on_show():
    """Declined once: also when it comes up again after the order. Never seen: taken, while the order is to fight."""
    rows = [row(condition="myhpltmaxrate", condition_value=50)]
    declined, unseen = caster("combat", rows), caster("combat", rows)
    declined.units[:, f.HP, 0] //= 4
    act(declined, 0, to.ATTACK, 10)
    declined.units[:, f.HP, 0] *= 4
    tell(declined, 0, to.ATTACK)
    tell(unseen, 0, to.ATTACK)
    for arena in (declined, unseen):
        arena.units[:, f.HP, 0] //= 4
        arena.step(40)
    assert of(declined, f.CASTS, 0) == 0
    assert of(unseen, f.CASTS, 0) >= 1


@pytest.mark.parametrize(("state", "condition"), [("idle", "always"), ("walk", "always"), ("any", "closedattacked")])
def test_habits_of_idling_walking_and_events_stay_reflexes(state, condition):
    """They are neither on show nor declined: who is told to do nothing has them all the same."""
    habit = row(HELP, state=state, condition=condition, delay_ms=1000)
    for kind, order in (("combat", to.MOVE_RANDOMLY if state == "walk" else to.IDLE), ("skill", NO_SKILL)):
        stock = fighter(mode=f.CAN_MOVE | f.CAN_ATTACK, hp=10_000_000)
        places = [Place(with_skills(stock, [habit]), 0, MIDDLE, MIDDLE), Place(fighter(), 1, MIDDLE + 1, MIDDLE)]
        arena = field(kind, places, random_walk=state == "walk", seed=3)
        if condition != "always":
            arena.units[:, f.TARGET, 1] = 0
        if state != "walk" and condition == "always":
            arena.units[:, f.TARGET, 1] = f.NOBODY
        for _ in range(40):
            assert not skill_actions(arena) if kind == "combat" else legal(arena, 0, 9) == [NO_SKILL]
            tell(arena, 0, order)
            arena.step(5)
        assert of(arena, f.CASTS, 0) > 0, (kind, state)


def test_slots_are_the_first_combat_rows_and_a_later_one_on_offer_takes_the_last():
    rows = [row(HELP, state="idle", rate=NEVER)] + [row(rate=NEVER) for _ in range(9)] + [row(FIELD)]
    arena = caster("skill", rows)
    assert legal(arena, 0, 9) == [SKILL_SLOTS - 1, NO_SKILL]
    seen = np.zeros((1, *BLOCKS["skills"]), np.float32)
    observe_many_skills(arena.words, np.zeros(1, np.int64), np.zeros(1, np.int64), seen)
    columns = {name: seen[0, :, place] for place, name in enumerate(to.SKILL_FEATURES)}
    assert columns["offered"].tolist() == [0] * 7 + [1]
    assert columns["harm"].tolist() == [1] * 7 + [0] and columns["field"].tolist() == [0] * 7 + [1]
    act(arena, 0, SKILL_SLOTS - 1, 15)
    assert of(arena, f.CASTS, 0) == 1
    assert of(arena, f.CAST_ROW, 0) == 10


@pytest.mark.parametrize("chosen", range(3))
def test_the_slot_on_offer_is_taken_when_it_is_chosen(chosen):
    rows = [row(HARM, rate=NEVER), row(HELP, rate=NEVER), row(FIELD, rate=NEVER)]
    rows[chosen] = row(rows[chosen].skill)
    arena = caster("skill", rows)
    assert legal(arena, 0, 9) == [chosen, NO_SKILL]
    act(arena, 0, chosen, 15)
    assert of(arena, f.CASTS, 0) == 1 and of(arena, f.CAST_ROW, 0) == chosen


def test_no_skill_declines_and_the_stock_mind_strikes_on():
    skilled, plain = caster("skill", [row(state="attack")]), caster("skill", [])
    for arena in (skilled, plain):
        for _ in range(100):
            tell(arena, 0, NO_SKILL)
            arena.step(1)
    assert of(skilled, f.CASTS, 0) == 0
    assert times(skilled, f.J_ATTACK) == times(plain, f.J_ATTACK)
    assert len(times(plain, f.J_ATTACK)) > 6


@pytest.mark.parametrize(("ability", "casts"), [(1.0, 1), (-1.0, 0), (0.0, 0)])
def test_a_vector_takes_what_is_offered_when_its_ability_is_above_zero(ability, casts):
    arena = caster("continuous", [row(delay_ms=60_000)])
    act(arena, 0, int(packed(np.array([[0.0, 0.0, 1.0, ability]]))[0]), 60)
    assert of(arena, f.CASTS, 0) == casts
    assert of(arena, f.ATTACKS, 0) > 2


@pytest.mark.parametrize("skill", KINDS)
def test_free_skills_need_no_dice(skill):
    arena = caster("combat", [row(name, rate=-1) for name in KINDS], free_skills=True)
    assert skill_actions(arena) == list(KINDS.values())
    act(arena, 0, KINDS[skill], 15)
    assert of(arena, f.CASTS, 0) == 1
    assert of(arena, f.CAST_ROW, 0) == list(KINDS).index(skill)
    act(arena, 0, to.IDLE, 10)
    assert skill_actions(arena) == [kind for name, kind in KINDS.items() if name != skill]


def test_free_skills_are_not_used_unless_ordered():
    arena = caster("combat", [row(), row(HELP)], free_skills=True)
    act(arena, 0, to.ATTACK, 60)
    assert of(arena, f.CASTS, 0) == 0


def test_free_slots_are_all_that_can_be_cast():
    rows = [row(HARM, rate=-1), row(HELP, rate=-1, condition="myhpltmaxrate", condition_value=50), row(FIELD, rate=-1)]
    arena = caster("skill", rows, free_skills=True)
    assert legal(arena, 0, 9) == [0, 1, 2, NO_SKILL]
    act(arena, 0, 2, 15)
    assert of(arena, f.CASTS, 0) == 1 and of(arena, f.CAST_ROW, 0) == 2
    assert 2 not in legal(arena, 0, 9)


def test_free_slots_show_what_may_be_taken_whatever_the_dice_say():
    rows = [row(HARM, rate=-1, values=(place, 0, 0, 0, 0), delay_ms=1000 + place) for place in range(SKILL_SLOTS)]
    arena = caster("skill", [*rows, row(FIELD)], free_skills=True)
    seen = see(arena, observe_many_skills, "skills")
    assert seen[:, to.SKILL_FEATURES.index("harm")].tolist() == [1.0] * SKILL_SLOTS  # the die of the ninth counts not
    for column in ("offered", "castable now"):
        shown = seen[:, to.SKILL_FEATURES.index(column)]
        assert np.flatnonzero(shown).tolist() == [slot for slot in legal(arena, 0, 9) if slot != NO_SKILL] != []


@pytest.mark.parametrize("rate", [-1, ALWAYS])
def test_free_skills_that_could_be_cast_are_an_offer_to_the_state(rate):
    near, far = (caster("combat", [row(rate=rate)], cells, free_skills=True) for cells in (1, 14))
    far.units[:, f.TARGET, 0] = f.NOBODY
    assert see(near, observe_states, "state")[to.POSTURE] == 1 and skill_actions(near) == [to.USE_HARM]
    assert see(far, observe_states, "state")[to.POSTURE] == 0 and skill_actions(far) == []


@pytest.mark.parametrize(("kind", "offered"), [("skill", 0), ("combat", 1)])
def test_a_free_row_beyond_the_slots_is_an_offer_only_to_orders_that_can_name_it(kind, offered):
    rows = [row(HARM, values=(place, 0, 0, 0, 0)) for place in range(SKILL_SLOTS)]
    arena = caster(kind, [*rows, row(FIELD)], free_skills=True)
    arena.units[:, f.SKILL_DELAY, 0] = DELAY_MS
    assert see(arena, observe_states, "state")[to.POSTURE] == offered
    assert legal(arena, 0, 9) == [NO_SKILL] if kind == "skill" else skill_actions(arena) == [to.USE_FIELD]


@pytest.mark.parametrize("mode", ["renewal", "pre-renewal"])
def test_at_most_one_kind_and_one_slot_is_on_offer_in_any_fight(mode):
    for kind, actions in (("combat", 10), ("skill", 9)):
        arena = Arena(200, named("skirmish", mode), bundled(mode), 5, observed=True)
        arena.put_under_orders(kind, range(6))
        arena.reset()
        matches, units = np.divmod(np.arange(1200), 6)
        shown = 0
        for _ in range(60):
            allowed = arena.legal(matches, units, actions)
            skills = allowed[:, to.USE_HARM : to.USE_FIELD + 1] if kind == "combat" else allowed[:, :SKILL_SLOTS]
            assert skills.sum(1).max() <= 1
            shown += int(skills.sum())
            orders = np.full(1200, to.ATTACK) if kind == "combat" else np.full(1200, NO_SKILL)
            arena.order(matches, units, orders.astype(np.int32))
            arena.step(5)
        assert shown > 500
        assert kind == "skill" or arena.units[:, f.ATTACKS].sum() > 1000
