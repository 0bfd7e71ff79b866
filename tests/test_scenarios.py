"""Scenarios by name and from files of one's own, and mistakes in either."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlmonster_env import scenarios
from mlmonster_env.data import DataError
from mlmonster_env.plans import Plan, Side, Start
from mlmonster_env.scenarios import load, named, names, plan_of
from mlmonster_env.sim import Arena
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.staging import stage
from tests.sim.grounds import bundled

NAMED = ("duel", "skirmish", "skirmish-3v5", "pack-4", "raid-6v3", "mirror-v1", "sight-v1")


def test_names_are_listed_with_letters_for_numbers():
    assert set(names()) == {"duel", "skirmish", "skirmish-NvM", "pack-N", "raid-NvM", "mirror-v1", "sight-v1"}


WRONG_NAMES = [
    ("dual", "duel"), ("skirmsh", "skirmish"), ("pack", "pack-N"), ("raid", "raid-NvM"), ("raid-3", "raid-NvM"),
    ("pack-3v3", "pack-N"), ("mirror", "mirror-v1"), ("Mirror-v1", "mirror-v1"), ("", "duel"),
    ("skirmish-0v3", "expected 1 to 24"), ("raid-3v25", "expected 1 to 24"), ("pack-0", "expected 1 to 24"),
    ("mirror-v1:helt-out", "held-out"), ("mirror-v1:feild", "field"), ("mirror-v1:", "train"), ("duel:field", "near"),
    ("skirmish:train:contact", "near"), (3, "duel"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "right"), WRONG_NAMES)
def test_a_wrong_name_is_an_error_that_names_it_and_the_nearest(wrong, right):
    with pytest.raises(ValueError, match="expected") as error:
        named(wrong)
    assert repr(wrong) in str(error.value) and right in str(error.value)


def test_a_file_that_is_not_there_is_an_error_that_names_it():
    with pytest.raises(ValueError, match=r"nowhere\.yml"):
        plan_of("nowhere.yml")


@pytest.mark.parametrize("name", ["skirmish-٣v٣", f"pack-{'9' * 5000}", f"raid-3v{'9' * 5000}"])
def test_a_size_is_a_plain_number(name):
    with pytest.raises(ValueError, match=r"scenario is .*, expected .*skirmish-NvM"):
        named(name)


def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path):
    with pytest.raises(DataError, match=r"no\.yml: the file is .*No such file.*, expected a readable file"):
        load(tmp_path / "no.yml")
    with pytest.raises(ValueError, match="expected a file that is there"):
        plan_of("x" * 5000 + ".yml")


def test_a_plan_is_a_plan():
    plan = named("duel")
    assert plan_of(plan) is plan
    assert plan_of("duel") == plan


WHOLE = """
name: ambush
first: {size: 4, archetype: mage, leader: true}
second: {size: 2, who: bots, mixed: true}
maps: [open-40, ruins]
starts:
  - {name: far, apart: [18, 22]}
  - {name: near, apart: [3, 5], aware: true, middle: true, weight: 2}
time_limit_s: 90
aggressive: false
random_walk: false
held_out: {maps: [ruins], species: 3}
duel: {lives: 2, edge: 1, hazard_percent: 2.5, items: 4}
"""
SMALL = "first: {size: 2}\nmaps: [open-30]\nstarts: [{apart: [5, 6]}]\n"


def written(tmp_path: Path, text: str, name: str = "mine.yml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_file_of_ones_own_says_everything(tmp_path):
    assert load(written(tmp_path, WHOLE)) == Plan(
        name="ambush", first=Side(4, archetype="mage", leader=True), second=Side(2, bots=True, mixed=True),
        maps=("open-40", "ruins"),
        starts=(Start("far", (18, 22)), Start("near", (3, 5), aware=True, middle=True, weight=2)),
        time_limit_s=90, aggressive=False, random_walk=False, held_out_maps=("ruins",), held_out_species=3, duel=True,
        lives=2, hazard_edge=1, hazard_percent=2.5, items=4,
    )  # fmt: skip


def test_a_small_file_is_enough_and_is_called_after_itself(tmp_path):
    plan = load(written(tmp_path, SMALL))
    assert plan == Plan("mine", Side(2), ("open-30",), (Start("start", (5, 6)),))


@pytest.mark.parametrize("text", [WHOLE, SMALL])
def test_a_file_of_ones_own_is_played_by_its_path(text, tmp_path):
    path = written(tmp_path, text)
    for way in (path, str(path)):
        arena = Arena(20, way, bundled(), 1)
        arena.run(30)
        scenario = arena.scenario
    if text == WHOLE:
        assert scenario.time_limit_ms == 90_000 and scenario.lives == 2 and scenario.hazard_per_mille == 25
        assert set(scenario.start_names) == {"far", "near"} and scenario.leaders == (0, f.NOBODY)


def test_shipped_scenarios_are_such_a_file():
    text = scenarios.FILE.read_text()
    assert {name for name in NAMED if f"\n{name}:" in text} == {"duel", "skirmish", "mirror-v1", "sight-v1"}


MISTAKES = [
    ("first: {size: 2}", "frist: {size: 2}", "'frist'", "first"),
    ("first: {size: 2}", "first: {}\ncolour: red", "'colour'", "one of name, first"),
    ("first: {size: 2}", "second: {size: 2}", "'missing'", "who fights"),
    ("first: {size: 2}", "first: 2", "'2'", "a mapping"),
    ("{size: 2}", "{size: 0}", "'0'", "1 to 24"),
    ("{size: 2}", "{size: 25}", "'25'", "1 to 24"),
    ("{size: 2}", "{size: three}", "'three'", "1 to 24"),
    ("{size: 2}", "{seize: 2}", "'seize'", "size"),
    ("{size: 2}", "{who: monster}", "'monster'", "monsters"),
    ("{size: 2}", "{archetype: tanks}", "'tanks'", "tank"),
    ("{size: 2}", "{species: RUSTFANG}", "'RUSTFANG'", "a list of names"),
    ("{size: 2}", "{leader: maybe}", "'maybe'", "true or false"),
    ("{size: 2}", "{size: 2, size: 3}", "given twice", "one value"),
    ("[open-30]", "open-30", "'open-30'", "a list of names"),
    ("[open-30]", "[]", "[]", "a list of maps"),
    ("maps: [open-30]\n", "", "'missing'", "a list of maps"),
    ("starts: [{apart: [5, 6]}]", "starts: near", "'near'", "a list of starts"),
    ("starts: [{apart: [5, 6]}]", "", "'missing'", "a list of starts"),
    ("[{apart: [5, 6]}]", "[5, 6]", "'5'", "a mapping"),
    ("[5, 6]", "[6, 5]", "['6', '5']", "the smaller first"),
    ("[5, 6]", "[0, 5]", "['0', '5']", "from 1 to 100"),
    ("[5, 6]", "[5, 500]", "['5', '500']", "from 1 to 100"),
    ("[5, 6]", "[5]", "['5']", "two numbers"),
    ("[5, 6]", "5", "'5'", "two numbers"),
    ("[5, 6]", "[5, x, 6]", "['5', 'x', '6']", "two numbers"),
    ("[5, 6]", "[5, 6, {a: b}]", "{'a': 'b'}", "two numbers"),
    ("[5, 6]", "[5, ²]", "'²'", "two numbers"),
    ("[5, 6]", f"[5, {'9' * 5000}]", "'9999", "two numbers"),
    ("apart: [5, 6]", "apert: [5, 6]", "'apert'", "apart"),
    ("[{apart: [5, 6]}]", "[{apart: [5, 6], aware: 1}]", "'1'", "true or false"),
    ("[{apart: [5, 6]}]", "[{apart: [5, 6], weight: 0}]", "'0'", "1 to 16"),
    ("maps: [open-30]", "maps: [open-30]\ntime_limit_s: 0", "'0'", "1 to 3600"),
    ("maps: [open-30]", "maps: [open-30]\naggressive: yes", "'yes'", "true or false"),
    ("maps: [open-30]", "maps: [open-30]\nheld_out: {maps: [open-31]}", "['open-31']", "open-30"),
    ("maps: [open-30]", "maps: [open-30]\nheld_out: {maps: [open-30]}", "['open-30']", "a map to train on"),
    ("maps: [open-30]", "maps: [open-30]\nheld_out: {species: 1}", "'1'", "2 to 100"),
    ("maps: [open-30]", "maps: [open-30]\nheld_out: {map: [open-30]}", "'map'", "maps"),
    ("maps: [open-30]", "maps: [open-30]\nduel: {lifes: 3}", "'lifes'", "lives"),
    ("maps: [open-30]", "maps: [open-30]\nduel: {lives: 0}", "'0'", "1 to 100"),
    ("maps: [open-30]", "maps: [open-30]\nduel: {items: 5}", "'5'", "0 to 4"),
    ("maps: [open-30]", "maps: [open-30]\nduel: {hazard_percent: 101}", "'101'", "0 to 100"),
    ("maps: [open-30]", "maps: [open-30]\nduel: {edge: -1}", "'-1'", "0 to 50"),
    ("maps: [open-30]", "maps: [open-30]\nduel:", "duel is None", "a mapping"),
    ("maps: [open-30]", "maps: [open-30]\nhazards: ~", "hazards is None", "a mapping"),
    ("maps: [open-30]", "maps: [open-30]\nheld_out: {maps: , species: 2}", "maps is None", "a list of names"),
    ("{size: 2}", "{species: }", "species is None", "a list of names"),
    ("maps: [open-30]", "maps: [open-30]\nduel: {edge: 2, hazard_percent: 0.04}", "'0.04'", "from 0.1 to 100"),
    ("maps: [open-30]", "maps: [open-30]\nhazards: {percent: 0.01, share: 5}", "'0.01'", "from 0.1 to 100"),
    ("maps: [open-30]", "maps: [open-30]\nhazards: {share: 5}", "'missing'", "how much of its hp"),
    ("maps: [open-30]", "maps: [open-30]\nhazards: {percent: 0, share: 5}", "'0'", "such as 4"),
    ("maps: [open-30]", "maps: [open-30]\nhazards: {percent: 4}", "'missing'", "how much of the ground"),
    ("maps: [open-30]", "maps: [open-30]\nhazards: {percent: 4, share: 51}", "'51'", "0 to 50"),
    ("maps: [open-30]", "maps: [open-30]\nhazards: {percent: 4, share: 5, layouts: 0}", "'0'", "1 to 16"),
    ("maps: [open-30]", "maps: [open-30]\nhazards: {persent: 4}", "persent", "percent"),
    ("maps: [open-30]", "maps: [open-30]\nhazards: {percent: 4, edge: 2}\nduel: {edge: 3}", "hazards", "by a duel"),
    ("{apart: [5, 6]}", "{name: a, apart: [5, 6]}, {name: a, apart: [8, 9]}", "'a'", "a name of its own"),
    ("{apart: [5, 6]}", "{name: held-out, apart: [5, 6]}", "'held-out'", "none of train, held-out, all"),
    ("{apart: [5, 6]}", "{name: 'a:b', apart: [5, 6]}", "'a:b'", "without : , ="),
    (SMALL, "- duel\n- skirmish\n", "['duel', 'skirmish']", "a mapping"),
    (SMALL, "", "None", "a mapping"),
    (SMALL, "first: {size: 2\nmaps", "mine.yml", "expected"),
]


@pytest.mark.parametrize(("right", "wrong", "found", "expected"), MISTAKES)
def test_a_mistake_in_a_file_is_an_error_that_names_the_value_and_what_is_right(
    right, wrong, found, expected, tmp_path
):
    assert right in SMALL
    with pytest.raises(DataError) as error:
        load(written(tmp_path, SMALL.replace(right, wrong)))
    said = str(error.value)
    assert "mine.yml" in said and found in said and expected in said.split("expected", 1)[-1]


STAGED_MISTAKES = [
    ("[open-30]", "[medow]", "'medow'", "meadow"),
    ("[open-30]", "[open-11]", "'open-11'", "12 to 400"),
    ("[open-30]", "[open-401]", "'open-401'", "12 to 400"),
    ("{size: 2}", "{species: [RUSTFAN]}", "'RUSTFAN'", "RUSTFANG"),
    ("[5, 6]", "[60, 60]", "60 to 60 cells apart", "expected some"),
]


@pytest.mark.parametrize(("right", "wrong", "found", "expected"), STAGED_MISTAKES)
def test_what_a_bestiary_does_not_have_is_an_error_too(right, wrong, found, expected, tmp_path):
    with pytest.raises(ValueError, match="expected") as error:
        stage(written(tmp_path, SMALL.replace(right, wrong)), bundled())
    assert found in str(error.value) and expected in str(error.value)


def test_a_start_in_the_middle_that_lies_outside_the_map_is_an_error(tmp_path):
    text = SMALL.replace("{apart: [5, 6]}", "{apart: [60, 60], middle: true}")
    with pytest.raises(ValueError, match="expected"):
        stage(written(tmp_path, text), bundled())


def test_an_edge_that_leaves_no_ground_is_an_error_that_says_so(tmp_path):
    with pytest.raises(ValueError, match="expected"):
        stage(written(tmp_path, SMALL + "duel: {edge: 15}"), bundled())


@pytest.mark.parametrize(
    ("change", "wrong", "right"),
    [({"archetype": "healer"}, "'healer'", "support"), ({"split": "trian"}, "'trian'", "train"),
     ({"start": "fields"}, "'fields'", "field"), ({"split": 5}, "5", "train"), ({"start": 5}, "5", "field")],
)  # fmt: skip
def test_a_wrong_narrowing_is_an_error_that_names_the_nearest(change, wrong, right):
    with pytest.raises(ValueError, match=f"{wrong}, expected.*{right}"):
        named("mirror-v1").narrowed(**change)


def test_a_name_says_how_often_each_start_comes():
    plan = named("mirror-v1:train:contact=3,field=1")
    assert plan.split == "train" and {start.name: start.weight for start in plan.starts} == {"field": 1, "contact": 3}
    names = list(stage(plan, archetype="mage").start_names)
    assert names.count("contact") == 3 * names.count("field") > 0
    alone = named("mirror-v1:train:contact=3")
    assert [start.name for start in alone.starts] == ["contact"]
    assert len(stage(alone, archetype="mage").start_names) == len(stage("mirror-v1:train:contact").start_names)


@pytest.mark.parametrize(
    ("weights", "shown"),
    [
        ("near=1", "'near', expected one of"),
        ("contact=0", "comes 0 times, expected 1 to 16"),
        ("contact=17", "comes 17 times"),
        ("contact=x", "'contact=x', expected each start once"),
        ("contact=1,contact=2", "'contact=2', expected each start once"),
        ("contact=" + "9" * 5000, "expected each start once"),
        ("contact=٣", "'contact=٣', expected each start once"),
        ("contact=1,", "'', expected each start once"),
    ],
)
def test_a_wrong_weight_is_named(weights, shown):
    with pytest.raises(ValueError, match=re.escape(shown)):
        named(f"mirror-v1:{weights}")


def test_a_qualified_name_is_a_narrowed_plan():
    plan = named("mirror-v1:held-out:contact")
    assert plan.split == "held-out" and [start.name for start in plan.starts] == ["contact"]
    assert replace(plan, name="mirror-v1") == named("mirror-v1").narrowed(split="held-out", start="contact")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"items": 9}, "items is 9, expected a whole number, 0 to 4"),
        ({"time_limit_s": -5}, "time_limit_s is -5, expected a whole number, 1 to 3600"),
        ({"time_limit_s": 1.5}, "time_limit_s is 1.5, expected a whole number"),
        ({"lives": True}, "lives is True, expected a whole number"),
        ({"layouts": 0}, "layouts is 0, expected a whole number, 1 to 16"),
        ({"split": "test"}, "split is 'test', expected one of train, held-out, all"),
        ({"maps": ()}, r"maps is \(\), expected a map to train on"),
        ({"maps": "open-60"}, "maps is 'open-60', expected a tuple of names"),
        ({"held_out_maps": ("open-60",)}, "maps is .*'open-60'.*, expected a map to train on"),
        ({"held_out_maps": ("open-6",)}, "held_out_maps holds 'open-6', expected .*perhaps open-60"),
        ({"held_out_species": 1}, "held_out_species is 1, .*expected 0 or 2 to 100"),
        ({"starts": ()}, r"starts are called \[\], expected at least one"),
        ({"starts": (Start("a", (3, 5)), Start("a", (6, 7)))}, "each with a name of its own"),
        ({"hazard_percent": -1.0}, "hazard_percent is -1.0, expected 0 to 100 percent"),
        ({"hazard_percent": 0.04}, "hazard_percent is 0.04, expected 0, or 0.1 to 100 percent"),
        ({"hazard_share": 10.0}, "hazard_percent is 0 where ground burns"),
        ({"duel": "no"}, "duel is 'no', expected True or False"),
        ({"name": 5}, "name is 5, expected a printable text"),
        ({"name": "a\0b"}, r"name is 'a\\x00b', expected a printable text"),
        ({"first": None}, "first is None, expected a Side"),
        ({"first": {"size": 3}}, "first is {'size': 3}, expected a Side"),
        ({"second": "bots"}, "second is 'bots', expected a Side or None"),
        ({"starts": None}, "starts is None, expected a tuple of Starts"),
        ({"starts": ["near"]}, r"starts is \['near'\], expected a tuple of Starts"),
        ({"random_walk": None}, "random_walk is None, expected True or False"),
    ],
)
def test_a_mistake_in_a_plan_made_in_python_is_named(wrong, told):
    with pytest.raises(ValueError, match=told):
        replace(named("skirmish"), **wrong)


@pytest.mark.parametrize(
    ("part", "arguments", "told"),
    [
        (Side, {"size": 0}, "size is 0, expected a whole number, 1 to 24"),
        (Side, {"size": 2.0}, "size is 2.0, expected a whole number"),
        (Side, {"archetype": "magr"}, "archetype is 'magr', expected perhaps mage"),
        (Side, {"species": "POPORING"}, "species is 'POPORING', expected a tuple of names"),
        (
            Start,
            {"apart": (9, 5)},
            r"apart is \(9, 5\), expected two numbers of cells from 1 to 100, the smaller first",
        ),
        (Side, {"bots": "no"}, "bots is 'no', expected True or False"),
        (Start, {"apart": 5}, "apart is 5, expected two numbers of cells"),
        (Start, {"apart": (3, 5), "aware": 1}, "aware is 1, expected True or False"),
        (Start, {"apart": (3, 5), "name": ""}, "name is '', expected a printable text"),
        (Start, {"apart": (3, 5), "weight": 0}, "weight is 0, expected a whole number, 1 to 16"),
    ],
)
def test_a_mistake_in_a_part_of_a_plan_made_in_python_is_named(part, arguments, told):
    with pytest.raises(ValueError, match=told):
        part(**{**({"name": "near"} if part is Start else {}), **arguments})


def test_a_plan_made_in_python_takes_lists_and_any_whole_number():
    start: dict[str, Any] = {"name": "near", "apart": [9, np.int64(9)], "middle": True}
    told: dict[str, Any] = {"maps": ["open-60"], "starts": [Start(**start)], "lives": np.int32(1)}
    made = replace(named("skirmish"), **told)
    assert made == named("skirmish") and hash(made) == hash(named("skirmish"))
