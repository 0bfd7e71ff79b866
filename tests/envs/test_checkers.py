"""The checkers of Gymnasium, Stable-Baselines3 and PettingZoo find nothing wrong, and do not even warn."""

import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import parallel_api_test, parallel_seed_test
from stable_baselines3.common.env_checker import check_env as check_env_for_sb3

from mlmonster_env import ENVIRONMENTS, parallel_env
from mlmonster_env.contract import ARCHETYPES, BLOCKS, CONTROLS

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ("duel", "skirmish", "skirmish-5v5", "pack-3", "raid-6v3", "mirror-v1", "mirror-v1:held-out")
EVERY_ARCHETYPE = (None, *ARCHETYPES)
MASK = "action_mask"
OBSERVED: tuple[Any, ...] = ("state", ("state",), (MASK, "entities"), (*BLOCKS, MASK), "skills", ("history", "grid"))
SIDES = ("both", "first")

pytestmark = pytest.mark.filterwarnings("error")


def spread() -> list[tuple[str, str, str | None, Any]]:
    """Every id with every scenario; archetypes and observations take turns."""
    return [
        (id, scenario, EVERY_ARCHETYPE[turn % len(EVERY_ARCHETYPE)], OBSERVED[(turn + turn // 7) % len(OBSERVED)])
        for turn, (id, scenario) in enumerate(product(ENVIRONMENTS, SCENARIOS))
    ]


def asked_for(id: str, scenario: str, archetype: str | None, observed: Any) -> dict[str, Any]:
    """Arguments; vectors have no masks."""
    if not CONTROLS[gymnasium.spec(id).kwargs["control"]] and not isinstance(observed, str):
        observed = tuple(block for block in observed if block != MASK)
    return {"scenario": scenario, "archetype": archetype, "observe": observed}


def check_single(id: str, arguments: dict[str, Any]) -> None:
    env = gymnasium.make(id, render_mode="rgb_array", **arguments).unwrapped
    check_env(env)
    # What it has to say of blocks, that they are no vectors, is true.
    check_env_for_sb3(env, warn=arguments["observe"] == "state", skip_render_check=False)


def check_parallel(id: str, arguments: dict[str, Any], sides: str, cycles: int) -> None:
    given = {**gymnasium.spec(id).kwargs, **arguments, "sides": sides}
    parallel_api_test(parallel_env(**given), num_cycles=cycles)
    parallel_seed_test(lambda: parallel_env(**given), num_cycles=cycles)


def test_the_spread_has_everything():
    ids, scenarios, archetypes, observed = (set(values) for values in zip(*spread(), strict=True))
    assert (ids, scenarios) == (set(ENVIRONMENTS), set(SCENARIOS))
    assert (archetypes, observed) == (set(EVERY_ARCHETYPE), set(OBSERVED))
    assert {gymnasium.spec(id).kwargs["control"] for id in ids} == set(CONTROLS)


@pytest.mark.parametrize(("id", "scenario", "archetype", "observed"), spread())
def test_gymnasium_and_sb3_find_nothing(id, scenario, archetype, observed):
    check_single(id, asked_for(id, scenario, archetype, observed))


@pytest.mark.parametrize(("id", "scenario", "archetype", "observed"), spread())
def test_pettingzoo_finds_nothing(id, scenario, archetype, observed):
    for sides in SIDES:
        check_parallel(id, asked_for(id, scenario, archetype, observed), sides, cycles=60)


@pytest.mark.parametrize("id", ENVIRONMENTS)
def test_pettingzoo_finds_nothing_in_whole_matches(id):
    for sides in SIDES:
        check_parallel(id, {}, sides, cycles=400)


@pytest.mark.slow
@pytest.mark.parametrize("archetype", EVERY_ARCHETYPE)
@pytest.mark.parametrize("id", ENVIRONMENTS)
def test_no_checker_finds_anything_anywhere(id, archetype):
    for scenario, observed in product(SCENARIOS, OBSERVED):
        arguments = asked_for(id, scenario, archetype, observed)
        check_single(id, arguments)
        for sides in SIDES:
            check_parallel(id, arguments, sides, cycles=400 if observed == "state" else 40)


def told_by(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_module_prefix_finds_environments_without_an_import():
    make = "gymnasium.make('mlmonster_env:MLMonster/Combat-v0')"
    code = f"import gymnasium; env = {make}; print(env.spec.id, env.reset(seed=0)[0].shape)"
    assert told_by(code).split("\n")[0] == "MLMonster/Combat-v0 (64,)"


def test_the_import_loads_no_learners():
    heavy = ("torch", "stable_baselines3", "pettingzoo", "sb3_contrib", "minari")
    code = f"import sys, mlmonster_env; print([name for name in {heavy!r} if name in sys.modules])"
    assert told_by(code).strip() == "[]"


def test_a_misspelt_id_names_the_right_one():
    with pytest.raises(gymnasium.error.NameNotFound, match="Combat"):
        gymnasium.make("MLMonster/Combt-v0")
