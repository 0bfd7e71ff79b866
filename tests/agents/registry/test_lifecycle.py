"""The example goes from nothing to production and back, on either kind of server."""

import runpy
import shlex
from pathlib import Path

import pytest

from agents.registry import ModelName, Registry, check, records
from agents.registry.published import published
from mlmonster_env.store.database import URL

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "lifecycle.py"
TINY = ["--samples", "200", "--steps", "2000", "--pairs", "4", "--most-pairs", "50"]
NAME = ModelName("mage", "combat_dqn")


@pytest.mark.slow
def test_the_lifecycle_from_nothing(make_database, monkeypatch, tmp_path, capsys):
    database = make_database()
    monkeypatch.setenv(URL, database.url)
    monkeypatch.setenv("MLMONSTER_HOME", str(tmp_path / "home"))
    first, second = runpy.run_path(str(EXAMPLE))["main"]([*TINY, "--folder", str(tmp_path)])
    assert "all is well" in capsys.readouterr().out
    registry = Registry(database, tmp_path / "models")
    assert check(registry) == []
    with registry.connect() as connection:
        lines = [(line.action, line.to_version) for line in records.history(connection, NAME)]
        (one,) = [one for one in records.versions(connection, NAME) if one.active]
        collected = connection.execute("SELECT count(*) FROM ml_experience_replay").fetchone()
    assert [version for _, version in lines] == [1, 1, 2, 2, 1]
    assert [action for action, _ in lines[::2]] == ["register", "register", "rollback"]
    assert {action for action, _ in lines[1::2]} <= {"promote", "force"}
    assert (one.version, one.content_hash) == (1, first.name) and second.name != first.name
    assert published(registry.models, NAME).read_bytes() == (first / "model.onnx").read_bytes()
    assert collected == (200,)


def test_a_folder_may_be_called_by_more_than_one_word(monkeypatch, tmp_path):
    """Every line can be typed: what it says is what the program is given."""
    given, folder = [], tmp_path / "my first life"
    monkeypatch.setenv("MLMONSTER_HOME", str(tmp_path / "home"))
    main = runpy.run_path(str(EXAMPLE))["main"]

    def done(program, words, expected=(0,)):
        given.append((program, *shlex.split(words)))
        if program == "agents.export":
            number = sum(told[0] == program for told in given)
            (folder / "models" / f"{number:064d}").mkdir(parents=True)
        return 1 if words.startswith("promote") and 1 in expected else 0

    monkeypatch.setitem(main.__globals__, "do", done)
    one, other = main(["--folder", str(folder)])
    runs = [words[-1] for program, *words in given if program == "agents.train"]
    assert runs == [str(folder / "runs" / f"mage-{seed}") for seed in (0, 1)]
    assert [words[0] for program, *words in given if program == "agents.export"] == runs
    assert [words for program, *words in given if program == "agents.bundle"] == [
        ["verify", str(one)],
        ["verify", str(other)],
    ]
    told = [words for program, *words in given if program == "agents.registry"]
    assert all(words[words.index("--models") + 1] == str(folder / "models") for words in told)
    assert [words[1] for words in told if words[0] == "register"] == [str(one), str(other)]
