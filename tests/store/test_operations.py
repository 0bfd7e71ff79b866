"""The queries of docs/operations.md run and say what they should; models' tables keep their word."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from mlmonster_env.store.outcomes import EpisodeOutcome, new_episodes, write_outcomes
from tests.store.rows import make_rows, write

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
MODEL = ("aggressive", "combat_dqn")
REFUSED = psycopg.errors.RestrictViolation


def queries() -> list[str]:
    """All statements of the document."""
    blocks = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return [statement.strip() for block in blocks for statement in block.split(";") if statement.strip()]


def ask(connection: psycopg.Connection[Any], beginning: str) -> list[dict[str, Any]]:
    """What the document's query, found by words in it, says."""
    (query,) = [query for query in queries() if beginning in " ".join(query.split())]
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode()).fetchall()


def register(connection: psycopg.Connection[Any], version: int, score: float = 0.5) -> None:
    connection.execute(
        "INSERT INTO ml_model_versions (archetype, model_type, version, content_hash, onnx_path, performance_score) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        [*MODEL, version, f"{version:064x}", f"models/{version}/model.onnx", score],
    )


def move(connection: psycopg.Connection[Any], version: int, epoch: int, stage: str = "production") -> None:
    """Move a slot as a registry does: by the epoch that was seen, and with a line in the history."""
    with connection.transaction():
        moved = connection.execute(
            "INSERT INTO ml_model_slots (archetype, model_type, stage, version) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (archetype, model_type, stage) DO UPDATE SET version = EXCLUDED.version, "
            "previous = ml_model_slots.version, epoch = ml_model_slots.epoch + 1, moved_at = now() "
            "WHERE ml_model_slots.epoch = %s RETURNING epoch, previous",
            [*MODEL, stage, version, epoch - 1],
        ).fetchone()
        assert moved is not None and moved[0] == epoch
        connection.execute(
            "INSERT INTO ml_model_history (archetype, model_type, action, stage, from_version, to_version, epoch) "
            "VALUES (%s, %s, 'promote', %s, %s, %s, %s)",
            [*MODEL, stage, moved[1], version, epoch],
        )


def test_every_query_of_the_document_runs(connection):
    assert len(queries()) >= 8
    for query in queries():
        connection.execute(query.encode())


def test_recent_experience_by_archetype(database, connection):
    write(database, make_rows(3), make_rows(2, archetype="tank"))
    connection.execute("UPDATE ml_experience_replay SET priority = 1")  # versions of rows do not count twice
    counts = {row["archetype"]: row["count"] for row in ask(connection, "FROM ml_experience_replay")}
    assert counts == {"mage": 3, "tank": 2}


def test_versions_training_and_rollbacks(own_connection):
    connection = own_connection
    for version in (1, 2):
        register(connection, version, score=version / 10)
    move(connection, 1, epoch=1)
    move(connection, 2, epoch=2)
    (active,) = ask(connection, "WHERE active = TRUE")
    assert (active["version"], active["onnx_path"], active["performance_score"]) == (2, "models/2/model.onnx", 0.2)
    assert active["deployed_at"] is not None
    assert ask(connection, "active = FALSE") == [{"version": 1, "onnx_path": "models/1/model.onnx"}]
    for number, rollback in enumerate((False, True)):
        connection.execute(
            "INSERT INTO ml_continuous_training_log (archetype, model_type, training_start, steps_taken, "
            "validation_metric, improvement_delta, deployed, rollback, created_at) "
            "VALUES (%s, %s, now(), 1000, 0.6, 0.02, true, %s, now() + %s)",
            [*MODEL, rollback, timedelta(seconds=number)],
        )
    assert [row["rollback"] for row in ask(connection, "LIMIT 20")] == [True, False]
    assert [row["steps_taken"] for row in ask(connection, "SELECT * FROM ml_continuous_training_log")] == [1000]
    assert ask(connection, "rollback_count") == [{"rollback_count": 1}]


def test_how_episodes_ended(database, connection):
    one, other = new_episodes(connection, 2)
    assert one != other
    with connection.transaction():
        write_outcomes(
            connection,
            [
                EpisodeOutcome("mage", "combat_dqn", "v", 0, one, "won", True, 10, 5000, 2.0, 100, 50, 1),
                EpisodeOutcome("mage", "combat_dqn", "v", 0, other, "won", False, 20, 10_000, 4.0),
            ],
        )
    (row,) = ask(connection, "FROM ml_episode_outcomes")
    assert (row["outcome"], row["count"], row["reward"], int(row["steps"])) == ("won", 2, 3.0, 15)


@pytest.mark.parametrize(("name", "value", "words"), [
    ("archetype", "wizard", "archetype is 'wizard', expected"), ("outcome", "win", "outcome is 'win', expected"),
    ("model_type", None, "model_type is None, expected"), ("model_version", None, "model_version is None, expected"),
    ("steps", -1, "steps is -1, expected 0 or more"), ("duration_ms", -5, "duration_ms is -5, expected 0 or more"),
    ("total_reward", float("nan"), "total_reward is nan, expected a finite number"),
    ("total_reward", 1e39, "total_reward is 1e.39, expected a finite number of 32 bits"),
    ("total_reward", None, "total_reward is None, expected a finite number"),
    ("model_version", " ", "model_version is ' ', expected printable text"),
    ("steps", 2.5, "steps is 2.5, expected a whole number of 32 bits"),
    ("steps", 2**31, "steps is 2147483648, expected a whole number of 32 bits"),
    ("monster_id", None, "monster_id is None, expected a whole number of 64 bits"),
    ("kills", 0.5, "kills is 0.5, expected a whole number"),
    ("survived", "maybe", "survived is 'maybe', expected True or False"),
])  # fmt: skip
def test_outcomes_that_cannot_be_are_named(name, value, words):
    fine = EpisodeOutcome("mage", "combat_dqn", "v", 0, 1, "won", True, 10, 5000, 2.0)
    with pytest.raises(ValueError, match=words):
        replace(fine, **{name: value})


def test_requests_that_wait(database, connection):
    connection.execute(
        "INSERT INTO ai_requests (monster_id, archetype, model_type, state_vector) "
        "VALUES (1, 'mage', 'combat_dqn', %s)",
        [bytes(256)],
    )
    assert ask(connection, "FROM ai_requests")[0]["waiting"] == 1


@pytest.fixture
def models(own_connection) -> psycopg.Connection[Any]:
    """Three versions, the second of them in production after the first."""
    for version in (1, 2, 3):
        register(own_connection, version)
    move(own_connection, 1, epoch=1)
    move(own_connection, 2, epoch=2)
    return own_connection  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE ml_model_versions SET onnx_path = 'other'", "never changes, expected a new version"),
        ("UPDATE ml_model_versions SET content_hash = repeat('f', 64) WHERE version = 3", "never changes"),
        ("DELETE FROM ml_model_versions WHERE version = 2", "known good, pinned or active"),
        ("TRUNCATE ml_model_versions CASCADE", "was refused"),
        ("UPDATE ml_model_history SET reason = 'better'", "history only grows"),
        ("DELETE FROM ml_model_history", "history only grows"),
        ("TRUNCATE ml_model_history", "history only grows"),
        ("UPDATE ml_model_slots SET version = 3", "moves to epoch 2, expected 3"),
        ("UPDATE ml_model_slots SET version = 3, epoch = 3", "the history does not say so"),
        ("UPDATE ml_model_slots SET stage = 'staging'", "cannot become another one"),
        ("DELETE FROM ml_model_slots", "the history does not say so"),
    ],
)
def test_what_must_not_be_done_to_models_is_refused(models, statement, words):
    with pytest.raises(REFUSED) as error:
        models.execute(statement)
    assert words in str(error.value)
    assert models.execute("SELECT version, previous, epoch FROM ml_model_slots").fetchall() == [(2, 1, 2)]


def test_an_old_line_of_the_history_tells_of_no_new_move(models):
    with models.transaction():
        models.execute("DELETE FROM ml_model_slots")
        models.execute(
            "INSERT INTO ml_model_history (archetype, model_type, action, stage, from_version, to_version, epoch) "
            "VALUES (%s, %s, 'withdraw', 'production', 2, NULL, 3)",
            MODEL,
        )
    with pytest.raises(REFUSED, match="the newest line of the history does not say so"):
        models.execute(
            "INSERT INTO ml_model_slots (archetype, model_type, stage, version, epoch) "
            "VALUES (%s, %s, 'production', 1, 1)",
            MODEL,
        )
    assert models.execute("SELECT FROM ml_model_slots").fetchall() == []


@pytest.mark.parametrize("column", ["known_good", "pinned"])
def test_versions_that_are_kept_cannot_be_deleted_and_others_can(models, column):
    models.execute(f"UPDATE ml_model_versions SET {column} = true WHERE version = 3")
    with pytest.raises(REFUSED):
        models.execute("DELETE FROM ml_model_versions WHERE version = 3")
    models.execute(f"UPDATE ml_model_versions SET {column} = false WHERE version = 3")
    assert models.execute("DELETE FROM ml_model_versions WHERE version = 3").rowcount == 1


def test_a_slot_points_to_one_version_of_its_own_model(models):
    with pytest.raises(psycopg.errors.UniqueViolation):
        models.execute(
            "INSERT INTO ml_model_slots (archetype, model_type, stage, version) VALUES (%s, %s, 'production', 3)", MODEL
        )
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        models.execute(
            "INSERT INTO ml_model_slots (archetype, model_type, stage, version) "
            "VALUES ('mage', 'combat_dqn', 'production', 3)"
        )
    assert models.execute("SELECT version FROM ml_model_versions WHERE active").fetchall() == [(2,)]


def test_of_two_who_move_a_slot_at_once_one_wins(models):
    move(models, 3, epoch=3)
    with pytest.raises(AssertionError):
        move(models, 1, epoch=3)
    assert models.execute("SELECT version, epoch FROM ml_model_slots").fetchone() == (3, 3)


def test_a_withdrawn_slot_leaves_no_version_active(models):
    with models.transaction():
        models.execute("DELETE FROM ml_model_slots")
        models.execute(
            "INSERT INTO ml_model_history (archetype, model_type, action, stage, from_version, epoch, reason) "
            "VALUES (%s, %s, 'withdraw', 'production', 2, 3, 'broken')",
            MODEL,
        )
    assert models.execute("SELECT version FROM ml_model_versions WHERE active").fetchall() == []
