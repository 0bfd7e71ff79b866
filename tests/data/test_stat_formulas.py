"""Derived stats: worked cases of both modes, and the same numbers when compiled."""

import inspect

import numba
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmonster_env.data import stat_formulas

FUNCTIONS = {name: function for name, function in inspect.getmembers(stat_formulas, inspect.isfunction)}
COMPILED = {name: numba.njit(function) for name, function in FUNCTIONS.items()}


CASES = [
    ("base_attack", (16, 12, 1), 28),
    ("base_attack", (16, 12, 0), 0),
    ("attack_minimum", (7, 1), 5),
    ("attack_minimum", (80, 0), 80),
    ("attack_maximum", (7, 7, 1), 8),
    ("attack_maximum", (60000, 0, 1), 72000 - 65536),
    ("attack_maximum", (80, 135, 0), 135),
    ("magic_attack_minimum", (16, 5, 7, 1), 25),
    ("magic_attack_minimum", (16, 70, 7, 0), 170),
    ("magic_attack_maximum", (16, 5, 7, 1), 30),
    ("magic_attack_maximum", (16, 70, 7, 0), 266),
    ("hit", (16, 19, 1), 185),
    ("hit", (0, 0, 0), 1),
    ("flee", (16, 15, 1), 131),
    ("flee", (40000, 0, 0), 32767),
    ("soft_defense", (16, 11, 1), 13),
    ("soft_defense", (16, 11, 0), 11),
    ("soft_magic_defense", (16, 7, 9, 1), 5),
    ("soft_magic_defense", (16, 7, 9, 0), 11),
]


@pytest.mark.parametrize(("name", "arguments", "expected"), CASES)
def test_worked_cases(name: str, arguments: tuple[int, ...], expected: int) -> None:
    assert FUNCTIONS[name](*arguments) == expected
    assert COMPILED[name](*arguments) == expected


def test_every_formula_has_a_case() -> None:
    assert {name for name, _, _ in CASES} == set(FUNCTIONS)


@settings(max_examples=50)
@given(data=st.data(), renewal=st.integers(0, 1))
def test_compiled_and_plain_agree(data: st.DataObject, renewal: int) -> None:
    for name, function in FUNCTIONS.items():
        count = len(inspect.signature(function).parameters) - 1
        arguments = data.draw(st.tuples(*[st.integers(0, 65535)] * count))
        assert COMPILED[name](*arguments, renewal) == function(*arguments, renewal)
