"""What is staged for each scenario: line-ups, maps, splits, starts."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mlmonster_env.contract import ARCHETYPES
from mlmonster_env.plans import Plan, Side, Start
from mlmonster_env.scenarios import named
from mlmonster_env.sim import Arena, Scenario
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.staging import bots, fighters, stage
from mlmonster_env.sim.tables import Int32Array
from tests.sim.grounds import bundled

MODES = ("renewal", "pre-renewal")
NAMED = ("duel", "skirmish", "skirmish-3v5", "pack-4", "raid-6v3", "mirror-v1", "sight-v1")


@cache
def staged(name: str, archetype: str | None = None, mode: str = "renewal") -> Scenario:
    return stage(name, bundled(mode), archetype)


def line_ups(scenario: Scenario) -> list[list[str]]:
    """Every line-up by name."""
    monsters = scenario.tables.monsters
    return [[monsters[number - 1].aegis_name for number in line] for line in scenario.line_ups]


def species(scenario: Scenario) -> set[str]:
    return {name for line in line_ups(scenario) for name in line}


def maps_of(scenario: Scenario) -> set[str]:
    """The bundled maps that a scenario's cells are."""
    found = set()
    for layer in scenario.cells:
        for name, ground in bundled().maps.items():
            height, width = ground.walkable.shape
            inner = layer[:height, :width] & f.WALKABLE_CELL != 0
            if inner.shape == (height, width) and np.array_equal(inner, ground.walkable) and not layer[height:].any():
                found.add(name)
    return found


def distances(arena: Arena) -> Int32Array:
    """Cells between every member of the first side and every one of the second: [matches, first, second]."""
    first = int((arena.scenario.sides == 0).sum())
    x, y = (arena.units[:, row, : arena.scenario.members] for row in (f.X, f.Y))
    far: Int32Array = np.maximum(
        abs(x[:, :first, None] - x[:, None, first:]), abs(y[:, :first, None] - y[:, None, first:])
    )
    return far


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("mode", MODES)
def test_every_name_is_a_scenario_that_can_be_played(name, mode):
    arena = Arena(20, staged(name, mode=mode), bundled(mode), 1)
    arena.run(50)
    assert arena.scenario.name == name
    assert (arena.units[:, f.ALIVE, : arena.scenario.members] != 0).any()


@pytest.mark.parametrize(
    ("name", "sizes"),
    [("duel", (1, 1)), ("skirmish", (3, 3)), ("skirmish-5v5", (5, 5)), ("skirmish-2v7", (2, 7)), ("pack-6", (6, 6)),
     ("raid-6v3", (6, 3)), ("raid-4v4", (4, 4)), ("mirror-v1", (3, 3)), ("skirmish-24v24", (24, 24))],
)  # fmt: skip
def test_names_say_how_many_fight_on_each_side(name, sizes):
    sides = staged(name).sides
    assert ((sides == 0).sum(), (sides == 1).sum()) == sizes


@pytest.mark.parametrize("archetype", ARCHETYPES)
@pytest.mark.parametrize("name", ["duel", "skirmish-3v5", "pack-3", "mirror-v1:all"])
def test_a_scenario_is_narrowed_to_an_archetype(name, archetype):
    found = {bundled()[monster].archetype for monster in species(staged(name, archetype))}
    assert found == {archetype}


def test_narrowing_a_raid_leaves_the_bots_alone():
    scenario = staged("raid-6v3", "tank")
    for line in line_ups(scenario):
        assert {bundled()[name].archetype for name in line[:6]} == {"tank"}
        assert all(bundled()[name].player for name in line[6:])


@pytest.mark.parametrize("archetype", [None, *ARCHETYPES])
def test_training_and_held_out_are_apart_and_together_all(archetype):
    train, held, whole = (staged(f"mirror-v1:{split}", archetype) for split in ("train", "held-out", "all"))
    assert not species(train) & species(held)
    assert species(train) | species(held) == species(whole)
    assert abs(len(species(train)) - len(species(held))) <= (len(ARCHETYPES) if archetype is None else 1)
    assert maps_of(train) == {"meadow", "ruins"} and maps_of(held) == {"canyon"}
    assert maps_of(whole) == {"meadow", "ruins", "canyon"}


def test_every_fighter_of_the_bestiary_takes_part():
    everybody = {monster.aegis_name for monster in fighters(bundled())}
    assert species(staged("mirror-v1:all")) == species(staged("skirmish")) == everybody
    assert len(everybody) >= 40


def test_without_a_split_a_name_means_training():
    assert species(staged("mirror-v1")) == species(staged("mirror-v1:train"))


@pytest.mark.parametrize("split", ["train", "held-out", "all"])
def test_both_sides_of_a_mirror_match_are_the_same_species(split):
    lines = line_ups(staged(f"mirror-v1:{split}"))
    assert all(len(set(line)) == 1 and len(line) == 6 for line in lines)
    arena = Arena(600, staged(f"mirror-v1:{split}"), bundled(), 3)
    assert len(np.unique(arena.units[:, f.SPECIES, 0])) == len(lines)
    assert arena.scenario.time_limit_ms == 180_000


@pytest.mark.parametrize("split", ["train", "held-out"])
def test_half_of_the_mirror_matches_begin_in_the_field_and_half_in_contact(split):
    arena = Arena(2000, staged(f"mirror-v1:{split}"), bundled(), 3)
    start = np.array(arena.scenario.start_names)[arena.match[:, f.START]]
    cells, targets = distances(arena), arena.units[:, f.TARGET, :6]
    afield, contact = start == "field", start == "contact"
    assert 0.45 < afield.mean() < 0.55 and (afield | contact).all()
    assert cells[afield].min() >= 20 and cells[afield].max() <= 30
    assert (targets[afield] == f.NOBODY).all()
    assert cells[contact].max() <= 8
    assert (targets[contact, :3] >= 3).all() and ((targets[contact, 3:] >= 0) & (targets[contact, 3:] < 3)).all()
    nearest = np.take_along_axis(cells[contact], targets[contact, :3, None] - 3, 2)[:, :, 0]
    assert np.array_equal(nearest, cells[contact].min(2))


def test_nobody_in_the_field_is_aware_of_anybody_at_first():
    arena = Arena(300, staged("mirror-v1:field"), bundled(), 3)
    arena.run(10)
    assert (arena.units[:, f.TARGET, :6] == f.NOBODY).mean() > 0.95


def test_a_pack_is_led_by_the_strongest_of_its_archetype():
    scenario = staged("pack-4")
    assert scenario.leaders == (0, 4)
    for line in line_ups(scenario):
        leader = bundled()[line[0]]
        alike = [m.level for m in fighters(bundled()) if m.archetype == leader.archetype]
        assert leader.level == max(alike)
        assert len(set(line[1:4])) == 1 and line[:4] == line[4:]


def test_a_mixed_pack_too_is_led_by_the_strongest_of_its_leaders_archetype():
    plan = replace(named("skirmish-3v5"), second=Side(5, archetype="mage", leader=True, mixed=True))
    lines = [line[3:] for line in line_ups(stage(plan, bundled()))]
    most = max((m.level, m.id) for m in fighters(bundled()) if m.archetype == "mage")
    assert {bundled()[line[0]].id for line in lines} == {most[1]}
    assert any(len(set(line[1:])) > 2 for line in lines)


@pytest.mark.parametrize("leader", [True, False])
def test_packs_of_one_species_meet_a_larger_one_of_it_whoever_leads(leader):
    plan = replace(named("skirmish-1v3"), first=Side(1, leader=not leader), second=Side(3, leader=leader))
    for line in line_ups(stage(plan, bundled())):
        assert line[2] == line[3]
        alike = [m for m in fighters(bundled()) if m.archetype == bundled()[line[2]].archetype]
        strongest = max(alike, key=lambda m: (m.level, m.id)).aegis_name
        assert (line[0], line[1]) == ((line[2], strongest) if leader else (strongest, line[2]))


def test_mixed_packs_of_two_sizes_are_both_mixed():
    plan = replace(named("skirmish"), first=Side(2, mixed=True), second=Side(5, mixed=True))
    lines = line_ups(stage(plan, bundled()))
    assert any(len(set(line[2:])) > 2 for line in lines) and any(len(set(line[:2])) == 2 for line in lines)


def test_bots_are_narrowed_to_an_archetype_too():
    plan = replace(named("raid-3v2"), second=Side(2, bots=True, archetype="mage"))
    assert {name for line in line_ups(stage(plan, bundled())) for name in line[3:]} == {"BOT_WIZARD"}
    with pytest.raises(ValueError, match=r"nobody for Side\(.*bots=True, archetype='defensive'"):
        stage(replace(plan, second=Side(2, bots=True, archetype="defensive")), bundled())


def test_species_that_are_named_are_held_out_too_unless_there_is_but_one():
    names = ("RUSTFANG", "BRAMBLE_LYNX", "GRAVE_CHAPLAIN", "EMBER_SCRIBE")
    plan = replace(named("mirror-v1"), first=Side(2, species=names), second=Side(2, species=("GLACIER_OX",)))
    drawn = {
        split: {line[0] for line in line_ups(stage(plan.narrowed(split=split), bundled()))}
        for split in ("train", "held-out", "all")
    }
    assert drawn == {"train": set(names[::2]), "held-out": set(names[1::2]), "all": set(names)}


def test_raids_are_monsters_against_mixed_bots():
    scenario = staged("raid-5v4")
    lines = line_ups(scenario)
    assert all(len(set(line[:5])) == 1 and not bundled()[line[0]].player for line in lines)
    assert all(bundled()[name].player for line in lines for name in line[5:])
    assert {name for line in lines for name in line[5:]} == {bot.aegis_name for bot in bots(bundled())}


@pytest.mark.parametrize("name", ["skirmish-12v12", "pack-12", "raid-12v12", "skirmish-24v24"])
@pytest.mark.parametrize("ground", ["open-60", *sorted(bundled().maps)])
def test_large_sides_stand_on_every_map(name, ground):
    plan = replace(named(name), maps=(ground,))
    arena = Arena(30, stage(plan, bundled()), bundled(), 1)
    cells = arena.scenario.cells[0]
    members = arena.scenario.members
    for _ in range(2):
        x, y = arena.units[:, f.X, :members], arena.units[:, f.Y, :members]
        assert (cells[y, x] & f.WALKABLE_CELL != 0).all()
        arena.run(20)
    assert set(maps_of(arena.scenario)) == ({ground} if ground != "open-60" else set())


@pytest.mark.parametrize("name", NAMED)
def test_staging_is_always_the_same(name):
    first, second = staged(name), stage(name, bundled())
    for field in ("cells", "line_ups", "sides", "spots"):
        assert np.array_equal(getattr(first, field), getattr(second, field))


def test_a_wrong_kind_of_skills_is_an_error_that_names_the_right_ones():
    with pytest.raises(ValueError, match="'faire', expected perhaps fair"):
        stage("duel", bundled(), skills="faire")


def test_ground_on_which_nobody_can_begin_is_an_error_that_says_so():
    plan = Plan("burning", Side(2), ("open-40",), (Start("near", (6, 9)),), hazard_edge=19, hazard_percent=8)
    with pytest.raises(ValueError, match=r"scenario 'burning': a map has no free cell 3 cells from"):
        stage(plan, bundled())


@pytest.mark.parametrize(("cells", "most"), [(24, 22), (25, 24)])
def test_packs_too_far_apart_for_a_map_are_told_how_far_they_could_be(cells, most):
    def apart(far: int) -> Plan:
        return Plan("wide", Side(1), (f"open-{cells}",), (Start("wide", (far, far), middle=True),))

    assert stage(apart(most), bundled()).members == 2
    with pytest.raises(ValueError, match=f"packs {most + 1} cells apart, expected at most {most}$"):
        stage(apart(most + 1), bundled())


def test_a_side_that_nobody_can_fill_is_an_error_that_says_so():
    plan = replace(
        named(
            "mirror-v1:held-out",
        ),
        first=Side(3, archetype="tank"),
        held_out_species=100,
    )
    with pytest.raises(ValueError, match="nobody for"):
        stage(plan, bundled())


@pytest.mark.parametrize("name", ["open-\u0663\u0660", "open-" + "6" * 5000])
def test_the_size_of_open_ground_is_a_plain_number(name):
    plan = Plan("odd", Side(1), (name,), (Start("near", (6, 9)),))
    with pytest.raises(ValueError, match=r"map is 'open-.*, expected "):
        Arena(1, plan, bundled())
