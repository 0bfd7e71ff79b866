"""What an Arena says to wrong arguments: the value, and what would have been right."""

import copy
import re
from dataclasses import replace

import numpy as np
import pytest

from mlmonster_env.data import Bestiary
from mlmonster_env.scenarios import named as plan_named
from mlmonster_env.sim import Arena
from mlmonster_env.sim.staging import stage
from tests.sim.grounds import bundled, moved_to, named, open_ground


def said(words: str, *found: object) -> str:
    """A pattern for a message that holds the value found and the words."""
    return ".*".join(re.escape(str(part)) for part in (*found, words))


@pytest.mark.parametrize(
    "name",
    ["", "dual", "Skirmish", "skirmish-", "skirmish-3", "skirmish-3v", "skirmish-v3", "skirmish-3x3", "skirmish-3v3v3",
     "skirmish 3v3", "skirmish-3v3 ", "skirmish-3v3\n", "skirmish--3v3", "skirmish-3v-3", "skirmish-3.0v3"],
)  # fmt: skip
def test_an_unknown_scenario(name):
    with pytest.raises(ValueError, match=said("skirmish, skirmish-NvM", repr(name), "expected")):
        Arena(1, name, bundled())


@pytest.mark.parametrize(
    ("name", "size"), [("skirmish-0v3", 0), ("skirmish-3v0", 0), ("skirmish-25v1", 25), ("skirmish-1v999", 999)]
)
def test_a_side_of_an_impossible_size(name, size):
    with pytest.raises(ValueError, match=said("expected 1 to 24", repr(name), size)):
        Arena(1, name, bundled())


@pytest.mark.parametrize("matches", [0, -1])
def test_too_few_matches(matches):
    with pytest.raises(ValueError, match=said("expected at least 1", "num_matches", matches)):
        Arena(matches, "skirmish", bundled())


@pytest.mark.parametrize("threads", [0, -2])
def test_too_few_threads(threads):
    with pytest.raises(ValueError, match=said("expected at least 1", "threads", threads)):
        Arena(1, "skirmish", bundled(), threads=threads)


@pytest.mark.parametrize(("maps", "items"), [(1, 5), (1, 1000), (2, 1)])
def test_more_items_than_a_match_has_room_for(maps, items):
    scenario = moved_to(named("skirmish"), [open_ground()], seed=0)
    spots = np.full((maps, items, 2), 9, np.int32)
    with pytest.raises(ValueError, match=said("expected (1, 1 to 4, 2)", "item_spots", (maps, items, 2))):
        Arena(1, replace(scenario, item_spots=spots), bundled())
    arena = Arena(1, replace(scenario, item_spots=spots[:1, :4]), bundled())
    assert len(arena.scene(0).items) == min(items, 4)


def test_time_does_not_run_backwards():
    arena = Arena(1, "skirmish", bundled())
    before = arena.digest()
    with pytest.raises(ValueError, match=said("expected 0 or more", "ticks", -1)):
        arena.run(-1)
    assert arena.digest() == before
    arena.run(0)
    assert arena.digest() == before


@pytest.mark.parametrize("other", ["skirmish-2v2", "skirmish-3v3"])
def test_a_snapshot_of_another_shape(other):
    arena = Arena(4, "skirmish-3v3", bundled())
    snapshot = Arena(5, other, bundled()).snapshot()
    before = arena.digest()
    with pytest.raises(ValueError, match=said(str(arena.units.shape), "shape", snapshot.units.shape, "expected")):
        arena.restore(snapshot)
    assert arena.digest() == before


def test_a_snapshot_that_does_not_fit_changes_nothing():
    arena, observed = Arena(4, seed=3), Arena(4, seed=8, observed=True)
    arena.run(30)
    before = observed.digest()
    with pytest.raises(ValueError, match="the snapshot holds tally of shape"):
        observed.restore(arena.snapshot())
    assert observed.digest() == before


def test_a_snapshot_of_another_world():
    arena = Arena(4, "skirmish", Bestiary.load(mode="pre-renewal"))
    with pytest.raises(ValueError, match="another bestiary"):
        arena.restore(Arena(4, "skirmish", Bestiary.load()).snapshot())


@pytest.mark.parametrize(("one", "other"), [("skirmish-5v5", "pack-5"), ("skirmish-1v1", "duel")])
def test_a_snapshot_of_another_scenario(one, other):
    arena, played = Arena(4, one), Arena(4, other)
    assert arena.units.shape == played.units.shape
    with pytest.raises(ValueError, match="another bestiary or scenario, expected the same monsters, maps and rules"):
        arena.restore(played.snapshot())


def test_a_copy_plays_by_itself():
    arena = Arena(4, seed=3)
    before = arena.digest()
    copied = copy.copy(arena)
    copied.run(30)
    assert arena.digest() == before != copied.digest()


def test_a_scenario_without_monsters():
    plan = plan_named("skirmish").narrowed(split="held-out")
    with pytest.raises(ValueError, match=said("the bestiary has nobody for", "'of nobody'")):
        stage(replace(plan, name="of nobody", held_out_species=100), bundled())


def test_an_unknown_kind_of_orders_is_named():
    with pytest.raises(ValueError, match="control is 'fight', expected one of combat, movement"):
        Arena(1, "skirmish", bundled()).put_under_orders("fight", [0])


def test_the_largest_sides_play():
    arena = Arena(2, named("skirmish-24v24"), bundled())
    arena.run(50)
    assert arena.results.survivors.shape == (2, 2)


def test_skirmish_alone_is_three_against_three():
    assert Arena(2, "skirmish", bundled()).digest() == Arena(2, "skirmish-3v3", bundled()).digest()
