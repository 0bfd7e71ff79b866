"""The cache gives back exactly what was read, and never anything that is not so any more."""

from pathlib import Path

import numpy as np
import pytest

from mlmonster_env.data import Bestiary, DataError
from mlmonster_env.data import loading as loading_module
from mlmonster_env.data.cache import cache_root
from tests.data.servers import MONSTER_ENTRIES, pack_maps, write_server

CHANGE = "Header:\n  Type: MOB_DB\n  Version: 5\nBody:\n  - Id: 1002\n    Hp: {}\n"


def entries(cache: Path) -> list[Path]:
    return sorted((cache / "bestiary").iterdir())


def same(first: Bestiary, second: Bestiary) -> bool:
    return (
        first.monsters == second.monsters
        and first.skills == second.skills
        and np.array_equal(first.attribute_table, second.attribute_table)
        and np.array_equal(first.size_table, second.size_table)
        and list(first.maps) == list(second.maps)
        and all(np.array_equal(first.maps[name].walkable, second.maps[name].walkable) for name in first.maps)
        and first.unknown_skills == second.unknown_skills
        and [str(error) for error in first.skipped] == [str(error) for error in second.skipped]
        and first.content_hash == second.content_hash
    )


def test_the_second_load_reads_no_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Bestiary.load(write_server(tmp_path))
    monkeypatch.setattr(loading_module, "Database", None)
    second = Bestiary.load(tmp_path)
    assert same(first, second)


@pytest.mark.parametrize("mode", ["renewal", "pre-renewal"])
def test_the_bundled_bestiary_survives_the_cache(mode: str) -> None:
    first = Bestiary.load(mode=mode, cache=False)
    Bestiary.load(mode=mode)
    assert same(first, Bestiary.load(mode=mode))


def test_a_copy_of_the_server_shares_the_entry(tmp_path: Path, own_cache: Path) -> None:
    Bestiary.load(write_server(tmp_path / "one"))
    Bestiary.load(write_server(tmp_path / "two"))
    assert len(entries(own_cache)) == 1


def test_modes_have_entries_of_their_own(tmp_path: Path, own_cache: Path) -> None:
    write_server(tmp_path)
    assert Bestiary.load(tmp_path, "renewal").mode == "renewal"
    assert Bestiary.load(tmp_path, "pre-renewal").mode == "pre-renewal"
    assert Bestiary.load(tmp_path, "renewal").mode == "renewal"
    assert len(entries(own_cache)) == 2


def test_a_change_is_seen(tmp_path: Path) -> None:
    assert Bestiary.load(write_server(tmp_path))["PORING"].hp == 60
    assert Bestiary.load(write_server(tmp_path, {"import/mob_db.yml": CHANGE.format(5)}))["PORING"].hp == 5
    assert Bestiary.load(write_server(tmp_path, {"import/mob_db.yml": CHANGE.format(6)}))["PORING"].hp == 6
    (tmp_path / "db/import/mob_db.yml").unlink()
    assert Bestiary.load(tmp_path)["PORING"].hp == 60


def test_a_change_in_a_file_that_only_an_import_names_is_seen(tmp_path: Path) -> None:
    pointer = "Header:\n  Type: MOB_DB\n  Version: 5\nFooter:\n  Imports:\n  - Path: db/custom/mobs.yml\n"
    for hp in (5, 6, 5):
        changes: dict[str, str | bytes | None] = {"import/mob_db.yml": pointer, "custom/mobs.yml": CHANGE.format(hp)}
        assert Bestiary.load(write_server(tmp_path, changes))["PORING"].hp == hp


def test_a_changed_map_is_seen(tmp_path: Path) -> None:
    Bestiary.load(write_server(tmp_path))
    changed = Bestiary.load(write_server(tmp_path, {"map_cache.dat": pack_maps({"yard": (1, 1, b"\0")})}))
    assert list(changed.maps) == ["yard"]


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff\x00", None])
def test_a_damaged_entry_is_made_anew(damage: bytes | None, tmp_path: Path, own_cache: Path) -> None:
    first = Bestiary.load(write_server(tmp_path))
    (entry,) = entries(own_cache)
    whole = entry.read_bytes()
    entry.write_bytes(whole.replace(b"PORING", b"PORONG") if damage is None else damage)
    assert same(first, Bestiary.load(tmp_path))
    assert entry.read_bytes() == whole


def test_a_half_written_entry_is_made_anew(tmp_path: Path, own_cache: Path) -> None:
    first = Bestiary.load(write_server(tmp_path))
    (entry,) = entries(own_cache)
    entry.write_bytes(entry.read_bytes()[:-10])
    assert same(first, Bestiary.load(tmp_path))


def test_what_was_skipped_is_remembered_and_still_an_error_where_strict(tmp_path: Path) -> None:
    write_server(tmp_path, {"re/mob_db.yml": MONSTER_ENTRIES.replace("Hp: 60", "Hp: [1, {a: b}]")})
    first = Bestiary.load(tmp_path, strict=False)
    assert same(first, Bestiary.load(tmp_path, strict=False))
    with pytest.raises(DataError, match="Hp"):
        Bestiary.load(tmp_path)


def test_what_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    pointer = "Header:\n  Type: MOB_DB\n  Version: 5\nFooter:\n  Imports:\n  - Path: db/custom/mobs.yml\n"
    write_server(tmp_path, {"import/mob_db.yml": pointer})
    (tmp_path / "db/custom/mobs.yml").mkdir(parents=True)
    assert [error.file for error in Bestiary.load(tmp_path, strict=False).skipped] == ["db/custom/mobs.yml"]
    (tmp_path / "db/custom/mobs.yml").rmdir()
    (tmp_path / "db/custom/mobs.yml").write_text(CHANGE.format(777))
    assert Bestiary.load(tmp_path, strict=False)["PORING"].hp == 777
    assert Bestiary.load(tmp_path)["PORING"].hp == 777


def test_without_cache_nothing_is_written_or_believed(tmp_path: Path, own_cache: Path) -> None:
    Bestiary.load(write_server(tmp_path), cache=False)
    assert list(own_cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_no_error(
    tmp_path: Path, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (own_cache / "bestiary").write_text("in the way")
    assert len(Bestiary.load(write_server(tmp_path))) == 2
    assert "could not be cached" in caplog.text


def test_the_cache_may_begin_with_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MLMONSTER_CACHE", "~/x")
    assert cache_root() == tmp_path / "x"
    monkeypatch.setenv("MLMONSTER_CACHE", "~nobody-of-that-name/x")
    with pytest.raises(ValueError, match="MLMONSTER_CACHE is '~nobody-of-that-name/x'; expected"):
        cache_root()


def test_who_has_no_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.delenv("MLMONSTER_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    with pytest.raises(ValueError, match=r"HOME is not set.*expected a folder that MLMONSTER_CACHE names"):
        cache_root()
