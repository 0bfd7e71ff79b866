"""What statuses do as time goes on."""

import pytest

from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.statuses import VALUE_MASK
from tests.sim.staged import BLESS, HP, MADE_UP, STRIKE, Stage, on_self, on_target, plain, stage


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
        columns = {"death": strike, "warp": {**BLESS, k.EFFECT: k.TELEPORT}, "dispel": {**BLESS, k.EFFECT: k.DISPEL}}
        made.rewrite(columns[end])
        made.cast(1)
    assert not made.under(0, "SC_STOP")[0]


def confined(enemies: int) -> Stage:
    """Unit 0 holds enemies beside it fast, one after the other."""
    made = stage(BLESS, enemies=[(plain(hp=HP), 1, y) for y in range(enemies)])
    hold = BLESS | {k.SELF_STATUS_ONLY_IF_HIT: 1, k.REACH: 14}
    for unit in range(1, enemies + 1):
        made.rewrite(hold, on_target("SC_CLOSECONFINE2"), on_self("SC_CLOSECONFINE", ms=11_000))
        made.cast(unit)
        made.wait(300)
    assert made.under(0, "SC_CLOSECONFINE")[0]
    return made


@pytest.mark.parametrize("end", ["death", "warp", "push", "time"])
def test_when_one_who_is_held_goes_free_so_do_the_holder_and_all_others(end: str) -> None:
    made = confined(2)
    assert made.under(1, "SC_CLOSECONFINE2")[0] and made.under(2, "SC_CLOSECONFINE2")[0]
    columns = {
        "death": STRIKE | {k.FORMULA_ARGUMENT: HP},
        "warp": BLESS | {k.EFFECT: k.TELEPORT},
        "push": STRIKE | {k.KNOCKBACK: 3},
    }
    if end == "time":
        made.wait(10_000 - 600)
    else:
        made.rewrite(columns[end])
        made.cast(1)
        made.wait(200)
    assert not made.under(1, "SC_CLOSECONFINE2")[0] and not made.under(2, "SC_CLOSECONFINE2")[0]
    assert not made.under(0, "SC_CLOSECONFINE")[0]


@pytest.mark.parametrize("away", [False, True])
def test_who_is_held_is_free_when_the_holder_goes_unless_further_off(away: bool) -> None:
    made = confined(2)
    made.arena.units[:, f.X, 1] += 2 * away
    made.rewrite(BLESS | {k.EFFECT: k.TELEPORT})
    made.cast(0)
    assert [bool(made.under(unit, "SC_CLOSECONFINE2")[0]) for unit in (1, 2)] == [away, False]


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
