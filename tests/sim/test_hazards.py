"""Ground that burns: where it lies, that it spares nobody, and who wins where time runs out on it."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from mlmonster_env import hazards
from mlmonster_env.plans import Plan, Side, Start
from mlmonster_env.scenarios import named
from mlmonster_env.sim import Arena, Scenario
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.staging import stage
from tests.sim.grounds import bundled

LAYOUTS = 4
PERCENT, SHARE = 10, 25


@cache
def sight(narrowed: str = "sight-v1") -> Scenario:
    return stage(narrowed, bundled(), "aggressive")


def burning(scenario: Scenario) -> np.ndarray:
    return np.asarray(scenario.cells & f.HAZARD_CELL != 0)


def free(scenario: Scenario) -> np.ndarray:
    return np.asarray(scenario.cells & f.WALKABLE_CELL != 0)


def still(matches: int = 1, **changes: Any) -> Arena:
    """Two packs that neither move nor strike, on ground of their own."""
    own = replace(sight(), cells=sight().cells.copy(), scatter=0, regeneration_ms=0, **changes)
    arena = Arena(matches, own, bundled(), 3, observed=True)
    arena.units[:, f.MODE] = 0
    arena.units[:, f.TARGET] = f.NOBODY
    return arena


def test_an_edge_is_as_wide_as_asked_for_and_only_on_free_cells():
    ground = np.ones((9, 12), np.bool_)
    ground[0, 3] = False
    found = hazards.edge(ground, 2)
    assert found.sum() == 9 * 12 - 5 * 8 - 1 and not found[0, 3] and not found[2:-2, 2:-2].any()


@pytest.mark.parametrize("radius", [0, 1, 2, 3])
@pytest.mark.parametrize("percent", [3.0, 25.0])
def test_patches_burn_as_much_as_asked_for_on_free_cells(percent, radius):
    ground = np.random.default_rng(1).random((50, 60)) < 0.7
    found = hazards.patches(ground, percent, radius, np.random.default_rng(2))
    assert not (found & ~ground).any()
    most = (2 * radius + 1) ** 2
    assert 0 <= found.sum() - percent / 100 * ground.sum() <= most
    again = hazards.patches(ground, percent, radius, np.random.default_rng(2))
    assert np.array_equal(found, again)


def test_a_patch_is_round():
    ground = np.ones((15, 15), np.bool_)
    found = hazards.patches(ground, 0.5, 2, np.random.default_rng(0))
    assert found.sum() == 21  # 5 x 5 without the corners


def test_what_is_near_is_within_so_many_cells():
    mask = np.zeros((9, 9), np.bool_)
    mask[4, 1] = True
    assert np.argwhere(hazards.near(mask, 2)).min(0).tolist() == [2, 0]
    assert hazards.near(mask, 2).sum() == 5 * 4


def test_sight_is_laid_out_as_it_says():
    for split, maps in (("train", 3), ("held-out", 1)):
        scenario = sight(f"sight-v1:{split}")
        assert len(scenario.cells) == maps * LAYOUTS and scenario.hazard_per_mille == 10 * PERCENT
        fires, ground = burning(scenario), free(scenario)
        assert not (fires & ~ground).any()
        shares = fires.sum((1, 2)) / ground.sum((1, 2))
        assert ((shares >= SHARE / 100) & (shares < SHARE / 100 + 0.02)).all()
        for first in range(0, len(fires), LAYOUTS):
            layouts = fires[first : first + LAYOUTS]
            assert len({layout.tobytes() for layout in layouts}) == LAYOUTS
            assert (ground[first : first + LAYOUTS] == ground[first]).all()


def test_the_fires_of_a_map_are_the_same_in_every_split_and_start():
    whole = {layer.tobytes() for layer in _own_cells(sight("sight-v1:all"))}
    for name in ("sight-v1:train", "sight-v1:held-out", "sight-v1:train:contact"):
        assert {layer.tobytes() for layer in _own_cells(sight(name))} < whole


def _own_cells(scenario: Scenario) -> list[np.ndarray]:
    """Each layer, without the walls that were added to make all of one size."""
    found = []
    for layer in scenario.cells:
        y, x = np.nonzero(layer)
        found.append(np.ascontiguousarray(layer[: y.max() + 1, : x.max() + 1]))
    return found


@pytest.mark.parametrize("split", ["train", "held-out"])
def test_nobody_begins_on_burning_ground_and_packs_are_as_far_apart_as_said(split):
    scenario = sight(f"sight-v1:{split}")
    arena = Arena(600, scenario, bundled(), 5)
    x, y = arena.units[:, f.X, :6], arena.units[:, f.Y, :6]
    layers = arena.match[:, f.MAP, None]
    assert not burning(scenario)[layers, y, x].any() and free(scenario)[layers, y, x].all()
    start = np.array(scenario.start_names)[arena.match[:, f.START]]
    cells = np.maximum(abs(x[:, :3, None] - x[:, None, 3:]), abs(y[:, :3, None] - y[:, None, 3:])).reshape(600, -1)
    assert cells[start == "field"].min() >= 18 - 4 and cells[start == "field"].max() <= 22 + 4
    assert cells[start == "contact"].min() >= 10 - 4 and cells[start == "contact"].max() <= 12 + 4
    targets = arena.units[:, f.TARGET, :6]
    assert (targets[start == "field"] == f.NOBODY).all() and (targets[start == "contact"] != f.NOBODY).all()


def test_a_second_on_burning_ground_costs_everybody_the_same_share_and_nobody_is_paid_for_it():
    arena = still(20)
    arena.scenario.cells[:] |= np.uint8(f.HAZARD_CELL) * free(arena.scenario)
    hp = arena.units[:, f.HP, :6].copy()
    total = dict.fromkeys(("damage_dealt", "kills", "focus_damage", "hits"), 0)
    hazard = np.zeros((20, 6), np.int64)
    for _ in range(30):
        arena.step(1)
        hazard += arena.events.hazard_ms[:, :6].astype(np.int64)
        for name in total:
            total[name] += int(arena.events[name].sum())
    lost = hp - arena.units[:, f.HP, :6]
    assert np.array_equal(lost, 3 * (hp * 10 * PERCENT // 1000))
    assert (hazard == 3000).all() and set(total.values()) == {0}


def test_who_dies_of_a_fire_was_killed_by_nobody_and_the_other_side_wins():
    arena = still()
    cells = np.argwhere(burning(arena.scenario)[arena.match[0, f.MAP]])[0]
    arena.units[:, f.Y, :3], arena.units[:, f.X, :3] = cells
    arena.units[:, f.HP, :3] = 1
    total = dict.fromkeys(("kills", "deaths", "damage_dealt", "won", "lost"), 0)
    for _ in range(12):
        arena.step(1)
        for name in total:
            total[name] += int(arena.events[name].sum())
    assert total == {"kills": 0, "deaths": 3, "damage_dealt": 0, "won": 3, "lost": 3}
    assert arena.results.over[0] and arena.results.winner[0] == 1


@pytest.mark.parametrize(("fallen", "winner"), [((), -1), ((0,), 1), ((4,), 0), ((1, 5), -1), ((0, 1, 5), 1)])
def test_when_time_is_over_the_side_with_more_left_wins(fallen, winner):
    arena = still(time_limit_ms=3000)
    fire = np.argwhere(burning(arena.scenario)[arena.match[0, f.MAP]])[0]
    for unit in fallen:
        arena.units[:, f.Y, unit], arena.units[:, f.X, unit] = fire
        arena.units[:, f.HP, unit] = 1
    arena.step(35)
    assert arena.results.over[0] and arena.results.duration_ms[0] == 3000
    assert arena.results.winner[0] == winner


def test_the_stock_mind_walks_through_fires_and_neither_side_is_better_off():
    arena = Arena(400, sight("sight-v1:contact"), bundled(), 11, observed=True)
    hazard = np.zeros(6)
    while not arena.results.over.all():
        arena.step(10)
        hazard += arena.events.hazard_ms[:, :6].sum(0)
    first, second = hazard[:3].sum(), hazard[3:].sum()
    assert first > 0 and 0.7 < first / second < 1.4
    decided = arena.results.winner[arena.results.winner >= 0]
    assert len(decided) > 300 and 0.4 < (decided == 0).mean() < 0.6


def test_without_hazards_nothing_burns():
    for name in ("mirror-v1", "skirmish", "pack-3", "raid-6v3"):
        scenario = stage(name, bundled(), "mage")
        assert not burning(scenario).any() and not scenario.duel


def test_a_plan_of_ones_own_may_burn():
    plan = Plan(
        "own", Side(2), ("open-40",), (Start("near", (8, 10)),), hazard_percent=4.0, hazard_edge=2, hazard_share=5.0
    )
    scenario = stage(plan, bundled())
    assert scenario.duel and scenario.lives == 1 and scenario.hazard_per_mille == 40
    fires = burning(scenario)[0]
    assert fires[:2].all() and fires[:, -2:].all() and 0 < fires[2:-2, 2:-2].mean() < 0.1
    assert named("sight-v1").burns and named("duel").burns and not named("mirror-v1").burns
