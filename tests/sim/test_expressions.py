"""Arithmetic in data files: what is allowed gives Python's own answer, all else is refused."""

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmonster_env.sim.expressions import evaluate

OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "<": operator.lt, "==": operator.eq}
FUNCTIONS = {"min": min, "max": max}

expressions = st.recursive(
    st.one_of(st.integers(0, 1000).map(lambda n: (str(n), n)), st.just(("lv", 7))),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(sorted(OPERATORS)), inner).map(
            lambda t: (f"({t[0][0]} {t[1]} {t[2][0]})", int(OPERATORS[t[1]](t[0][1], t[2][1])))
        ),
        st.tuples(inner, st.integers(1, 50)).map(lambda t: (f"({t[0][0]} // {t[1]})", t[0][1] // t[1])),
        st.tuples(inner, st.integers(1, 50)).map(lambda t: (f"({t[0][0]} % {t[1]})", t[0][1] % t[1])),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), inner, inner).map(
            lambda t: (f"{t[0]}({t[1][0]}, {t[2][0]})", FUNCTIONS[t[0]](t[1][1], t[2][1]))
        ),
        inner.map(lambda t: (f"-{t[0]}", -t[1])),
    ),
    max_leaves=12,
)


@given(expressions)
def test_arithmetic_is_pythons(case: tuple[str, int]) -> None:
    text, value = case
    assert evaluate(text, {"lv": 7}, FUNCTIONS) == value


@pytest.mark.parametrize(
    "text",
    ["", "lv +", "lv.real", "lv / 2", "lv ** 2", "2.5", "'a'", "True", "[1]", "other", "other(1)", "1<2<3", "1 // 0"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"number|arithmetic"):
        evaluate(text, {"lv": 1}, FUNCTIONS)
