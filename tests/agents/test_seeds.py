"""Nobody is judged on matches that it has learnt from, whatever seed it was given."""

import pytest

from agents import seeds
from agents.config.read import resolve
from agents.learners.build import first_seed_of
from agents.seeds import A_SEED, COLLECTED, EVALUATIONS, learnt_from
from agents.selfplay.background import MATCH_BITS, SEED_BITS, WORKER_BITS

JUDGED = range(EVALUATIONS, COLLECTED + EVALUATIONS)
HIGHEST = (1 << SEED_BITS) - 1


@pytest.mark.parametrize("seed", [0, 1, A_SEED - 1, A_SEED, 3 * A_SEED, 6 * A_SEED + 5, HIGHEST])
def test_a_run_learns_from_no_match_that_anybody_is_judged_on(seed: int) -> None:
    first = first_seed_of(resolve({"seed": seed}))
    assert first not in JUDGED and first + A_SEED - 1 not in JUDGED and first + A_SEED < 1 << 63
    assert (first == seed * A_SEED) == (seed < A_SEED)


@pytest.mark.parametrize("seed", [0, 65_535, 65_536, 11 << 16, 1 << 20, HIGHEST])
def test_neither_do_matches_that_are_collected_begin_there(seed: int) -> None:
    first = learnt_from(seed << WORKER_BITS + MATCH_BITS)
    assert first not in JUDGED and first + (1 << WORKER_BITS + MATCH_BITS) - 1 < 1 << 63


def test_what_is_judged_lies_apart() -> None:
    regions = [
        value for name, value in vars(seeds).items() if name.isupper() and value >= EVALUATIONS and name[0] != "_"
    ]
    assert len(regions) == 8 and all(value % EVALUATIONS == 0 for value in regions) and len({*regions}) == 8
