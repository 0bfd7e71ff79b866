"""The rule that gives every monster its archetype."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmonster_env.contract import ARCHETYPES, MODES
from mlmonster_env.data import Bestiary
from mlmonster_env.data.archetypes import TRAITS, Facts, own_table
from tests.data.servers import write_server
from tests.reference import reference_path

HEADER = "Header:\n  Type: ARCHETYPE_DB\n  Version: 1\nBody:\n"

# Monsters whose nature nobody would argue about.
PLAIN_CASES = {
    "ARCHER_SKELETON": "ranged",
    "GOBLIN_ARCHER": "ranged",
    "ELDER_WILOW": "mage",
    "HIGH_WIZARD": "mage",
    "DESERT_WOLF": "aggressive",
    "LUNATIC": "defensive",
    "RED_PLANT": "defensive",
    "ALICE": "support",
    "LEAF_CAT": "support",
    "GHOUL": "tank",
}


@cache
def bundled() -> Bestiary:
    return Bestiary.load(cache=False)


def load(root: Path, body: str) -> Bestiary:
    return Bestiary.load(write_server(root, {"import/archetypes.yml": HEADER + body}), cache=False)


def test_the_table_weighs_every_trait_once() -> None:
    assert sorted(str(entry.text("Trait")) for entry in own_table()) == sorted(TRAITS)


def test_traits_are_shares() -> None:
    world = bundled()
    for monster in world:
        facts = Facts(monster, world.skills)
        assert all(0 <= trait(facts) <= 1 for trait in TRAITS.values()), monster.aegis_name


def test_every_trait_tells_monsters_apart() -> None:
    world = bundled()
    facts = [Facts(monster, world.skills) for monster in world]
    assert [name for name, trait in TRAITS.items() if len({trait(one) for one in facts}) == 1] == []


@pytest.mark.parametrize("mode", MODES)
def test_every_archetype_has_its_share_of_a_real_server(mode: str) -> None:
    world = Bestiary.load(reference_path(), mode)
    counts = Counter(monster.archetype for monster in world)
    assert set(counts) == set(ARCHETYPES)
    assert min(counts.values()) >= 0.04 * len(world), counts
    assert max(counts.values()) <= 0.45 * len(world), counts
    assert all(0 <= monster.archetype_margin <= 1 for monster in world)


def test_plain_cases_of_a_real_server() -> None:
    world = Bestiary.load(reference_path(), "pre-renewal")
    known = {name: archetype for name, archetype in PLAIN_CASES.items() if name in world}
    assert len(known) >= 9
    assert {name: world[name].archetype for name in known} == known


def test_a_server_may_say_an_archetype(tmp_path: Path) -> None:
    world = load(tmp_path, "  - Monster: PORING\n    Archetype: mage\n")
    assert (world["PORING"].archetype, world["PORING"].archetype_margin) == ("mage", 1.0)
    assert world.of_archetype("mage") == [world["PORING"]]


@given(archetype=st.sampled_from(ARCHETYPES))
def test_a_server_may_weigh_a_trait_its_own_way(archetype: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    # Every passive monster is what the passive trait is made to say.
    root = tmp_path_factory.mktemp("server")
    world = load(root, f"  - Trait: passive\n    {archetype}: 50\n")
    assert world["PORING"].archetype == archetype
    assert world["PORING"].archetype_margin > 0.5
