"""Whatever is in a file: it loads, or DataError says why not."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmonster_env.data import Bestiary, DataError
from tests.data.servers import FILES, MOB_SKILLS, write_server

YAML = ("re/mob_db.yml", "re/skill_db.yml", "mob_db.yml", "attr_fix.yml", "size_fix.yml", "import/archetypes.yml")
ARCHETYPES = """
Header:
  Type: ARCHETYPE_DB
  Version: 1
Body:
  - Trait: swift
    aggressive: 1.5
  - Monster: PORING
    Archetype: mage
"""
ORIGINALS = {**FILES, "import/archetypes.yml": ARCHETYPES}

TOKENS = (
    b": ", b"- ", b"\n", b"  ", b"[", b"]", b"{", b"}", b"'", b'"', b"|", b"&a ", b"*a", b"!!int ", b"#", b",", b"-1",
    b"99999999999", b"0x", b"~", b"null", b"true", b"1.5", b"\xff", b"\x00", b"//", b"\r\n",
)  # fmt: skip
PIECES = st.one_of(st.binary(max_size=6), st.sampled_from(TOKENS))
# Where to cut, how many bytes to take out, what to put there; places are shares of the whole, so that all shrink well.
CUTS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), PIECES), min_size=1, max_size=6)

RIGHT_ROW = MOB_SKILLS.splitlines()[1].split(",")


def mangle(content: bytes, cuts: list[tuple[float, int, bytes]]) -> bytes:
    for share, length, piece in cuts:
        place = int(share * len(content))
        content = content[:place] + piece + content[place + length :]
    return content


def original(name: str) -> bytes:
    content = ORIGINALS[name]
    return content if isinstance(content, bytes) else content.encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_server(tmp_path_factory.mktemp("server"))


def load_with(server: Path, name: str, content: bytes) -> None:
    path = server / "db" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    try:
        for strict in (True, False):
            with suppress(DataError):
                world = Bestiary.load(server, strict=strict, cache=False)
                assert all(monster.derived()["max_hp"] >= 1 for monster in world)
                assert all(world.maps[map_name].walkable.size for map_name in world.maps)
                assert all(str(error) for error in world.skipped)
    finally:
        if name in FILES:
            path.write_bytes(original(name))
        else:
            path.unlink()


@given(name=st.sampled_from(YAML), cuts=CUTS)
def test_mangled_yaml(name: str, cuts: list[tuple[float, int, bytes]], server: Path) -> None:
    load_with(server, name, mangle(original(name), cuts))


@given(name=st.sampled_from(YAML), content=st.binary(max_size=60))
def test_anything_for_yaml(name: str, content: bytes, server: Path) -> None:
    load_with(server, name, content)


@given(cuts=CUTS)
def test_mangled_skill_rows(cuts: list[tuple[float, int, bytes]], server: Path) -> None:
    load_with(server, "re/mob_skill_db.txt", mangle(original("re/mob_skill_db.txt"), cuts))


@given(values=st.lists(st.text(max_size=8), min_size=19, max_size=19), known=st.integers(0, 19))
def test_any_values_in_a_skill_row(values: list[str], known: int, server: Path) -> None:
    row = ",".join([*RIGHT_ROW[:known], *values[known:]])
    load_with(server, "re/mob_skill_db.txt", row.encode("utf-8", "replace"))


@given(cuts=CUTS)
def test_mangled_map_cache(cuts: list[tuple[float, int, bytes]], server: Path) -> None:
    load_with(server, "map_cache.dat", mangle(original("map_cache.dat"), cuts))


@given(cuts=CUTS)
def test_mangled_maps_behind_a_right_header(cuts: list[tuple[float, int, bytes]], server: Path) -> None:
    content = original("map_cache.dat")
    mangled = mangle(content[4:], cuts)
    load_with(server, "map_cache.dat", (4 + len(mangled)).to_bytes(4, "little") + mangled)
