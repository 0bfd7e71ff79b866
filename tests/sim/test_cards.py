"""What the tarot cards do, drawn one at a time."""

from dataclasses import replace

import numpy as np
import pytest

from mlmonster_env.data import Bestiary, MobSkill
from mlmonster_env.sim import fields as f
from mlmonster_env.sim import skill_columns as k
from mlmonster_env.sim.arena import Arena
from mlmonster_env.sim.lab import Place, open_field
from tests.reference import reference_path
from tests.sim.staged import MADE_UP, PRE_RENEWAL, RENEWAL, Stage, plain


def cards(rules: str = RENEWAL, /, runs: int = 1, deck: dict[int, int] | None = None, **victim: int) -> Stage:
    """Unit 0 draws a card for unit 1, of level 5, and surely if a deck tells which cards there are, in percent."""
    world = Bestiary.load(reference_path() / "db", rules)
    row = MobSkill(
        state="any", skill="CG_TAROTCARD", skill_id=489, level=5, rate=0, cast_ms=0, delay_ms=10**8, cancelable=False,
        target="target", condition="casttargeted", condition_value=0, values=(0, 0, 0, 0, 0), emotion=-1,
    )  # fmt: skip
    weak: dict[str, int] = {"luk": 1, "level": 50}
    places = [
        Place(replace(plain(rules, luk=1), skills=(row,)), 0, 80, 80),
        Place(plain(rules, **(weak | victim)), 1, 83, 80),
    ]
    arena = open_field(world, places, runs, 1)
    if deck is not None:
        arena.tables.skills[MADE_UP, k.SUCCESS] = 0
        stack(arena, deck)
    made = Stage(arena)
    made.cast(1)
    return made


def stack(arena: Arena, deck: dict[int, int]) -> None:
    """Put only these cards into the deck, by their places in the table."""
    arena.tables.skills[MADE_UP + 1 :, k.SHARE] = 0
    for card, share in deck.items():
        arena.tables.skills[MADE_UP + 1 + card, k.SHARE] = share


def test_two_cards_in_five_do_something() -> None:
    made = cards(runs=4000)
    units = made.arena.units
    moved = units[:, f.X, 1] != 83
    hurt = made.taken(1)
    sun = made.under(1, "SC_TAROTCARD")
    assert sun.mean() == pytest.approx(0.41 * 0.10, abs=0.012)
    assert moved.mean() == pytest.approx(0.41 * 0.15, abs=0.015)
    assert (hurt == 1000).mean() == pytest.approx(0.41 * 0.07, abs=0.01)
    assert (hurt == 4444).mean() == pytest.approx(0.41 * 0.02, abs=0.006)
    assert (hurt == 6666).any()
    assert (units[:, f.HP, 1] == 1).mean() == pytest.approx(0.41 * 0.05, abs=0.01)
    assert made.under(1, "SC_CONFUSION").mean() == pytest.approx(0.41 * 0.08, abs=0.012)
    assert made.under(1, "SC_STUN").mean() == pytest.approx(0.41 * 0.05, abs=0.01)
    assert (made.under(1, "SC_INCATKRATE") & ~sun & (hurt == 0)).mean() == pytest.approx(0.41 * 0.10, abs=0.012)


@pytest.mark.parametrize("mode", [RENEWAL, PRE_RENEWAL])
def test_the_sun_keeps_further_cards_off_in_renewal(mode: str) -> None:
    made = cards(mode, deck={13: 100})
    weaker = ("SC_INCATKRATE", "SC_INCMATKRATE", "SC_INCHITRATE", "SC_INCFLEERATE", "SC_INCDEFRATE")
    assert [made.value(1, name) for name in weaker] == [-20] * 5
    assert made.under(1, "SC_TAROTCARD")[0] == (mode == RENEWAL)
    stack(made.arena, {11: 100})
    made.cast(1)
    assert made.taken(1)[0] == (0 if mode == RENEWAL else 4444)


def test_the_lovers_heal_and_carry_off() -> None:
    made = cards(deck={5: 100}, hp=10_000)
    made.arena.units[:, f.HP, 1] = 1
    made.cast(1)
    assert made.of(f.HP, 1) == 2001
    assert (made.of(f.X, 1), made.of(f.Y, 1)) != (83, 80)


def test_the_hanged_man_holds_in_one_of_three_ways() -> None:
    made = cards(runs=300, deck={7: 100})
    held = [made.under(1, name) for name in ("SC_ANKLE", "SC_FREEZE", "SC_STONEWAIT")]
    assert (np.sum(held, axis=0) == 1).all()
    assert all(0.2 < names.mean() < 0.47 for names in held)


def test_death_leaves_one_point_the_curse_and_the_poison() -> None:
    made = cards(deck={8: 100})
    assert made.of(f.HP, 1) == 1
    assert made.under(1, "SC_CURSE")[0]
    assert made.under(1, "SC_POISON")[0]
    boss = cards(deck={8: 100}, mode=f.STATUS_IMMUNE)
    assert boss.of(f.HP, 1) > 1
    assert boss.of(f.STATUS_COUNT, 1) == 0


def test_the_wheel_turns_up_two_more_cards() -> None:
    made = cards(runs=4000, deck={3: 80, 6: 20})
    drawn = made.taken(1) // 1000
    # Each turn of the wheel makes one card more: none 0.8, one 0.2 * 0.8 ** 2, two 2 * 0.2 ** 2 * 0.8 ** 3.
    assert [(drawn == count).mean() for count in (1, 2, 3)] == pytest.approx([0.8, 0.128, 0.041], abs=0.02)
