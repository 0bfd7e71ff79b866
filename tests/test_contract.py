"""The contract says each thing once, and its page says the same."""

import inspect

import numpy as np
import pytest

from mlmonster_env import contract as c
from mlmonster_env.sim import fields as f
from scripts.contract_doc import PAGE, page


def test_the_page_is_what_the_contract_says():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m scripts.contract_doc`"


def test_every_index_of_the_state_has_a_formula_or_is_reserved():
    assert sorted([*c.STATE, *c.RESERVED]) == list(range(c.STATE_SIZE))
    names = [entry.name for entry in c.STATE.values()]
    assert len(set(names)) == len(names)


def test_a_share_of_nothing_is_nothing():
    assert c.share(3.0, 0.0) == 0.0
    assert c.sp_share(0, 0) == 1.0


@pytest.mark.parametrize("index", sorted(c.STATE))
def test_formulas_are_finite_for_all_they_may_be_given(index):
    formula = c.STATE[index].formula
    assert formula is not None
    random = np.random.default_rng(index)
    for _ in range(200):
        given = random.choice([0, 1, 2, 14, 250, 3000, 1e6, 2e9], len(inspect.signature(formula).parameters))
        assert np.isfinite(formula(*given.tolist()))


def test_the_simulator_counts_the_events_of_the_contract():
    assert len(c.EVENTS) == f.T_DISTANCE and len(c.EVENTS) + 3 == f.TALLY_ROWS
    named = {"damage_dealt": f.T_DEALT, "kills": f.T_KILLS, "casts": f.T_CASTS, "attack_orders": f.T_ATTACK_ORDERS}
    assert {name: list(c.EVENTS).index(name) for name in named} == named


def test_actions_and_moves_are_as_many_as_controls_say():
    assert c.CONTROLS == {"combat": 10, "movement": 9, "skill": 9, "pack": 5, "continuous": 0}
    assert len(c.MOVES) == len(c.MOVE_NAMES) and c.MOVES[c.STAY] == (0, 0)
    assert set(c.TEMPERAMENTS) == set(c.ARCHETYPES)
