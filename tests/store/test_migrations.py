"""The schema is brought up to date once, by one program at a time, and never taken for another one."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import psycopg
import pytest

from mlmonster_env.contract import ARCHETYPES, MODEL_TYPES
from mlmonster_env.store import ExperienceStream, Store
from mlmonster_env.store.migrating import Migration, SchemaError, applied, check_schema, migrate, migrations
from mlmonster_env.store.outcomes import EpisodeOutcome, write_outcomes
from mlmonster_env.store.partitions import BY_DAY, DAYS_AHEAD, existing
from tests.store.rows import make_rows, write

TABLES = (
    "ai_requests", "ai_responses", "ai_request_log", "ml_experience_replay", "ml_episode_outcomes", "ml_models",
    "ml_model_versions", "ml_continuous_training_log", "ml_training_progress", "ml_system_health",
)  # fmt: skip


def test_a_schema_is_made_once_and_a_second_time_does_nothing(make_database):
    database = make_database()
    assert [step.number for step in migrate(database)] == list(range(1, len(migrations()) + 1))
    assert migrate(database) == []
    with database.connect() as connection:
        check_schema(connection)
        for table in TABLES:
            connection.execute(f"SELECT FROM {table}")
        for table in BY_DAY:
            days = [partition.day for partition in existing(connection, table)]
            assert len(days) == DAYS_AHEAD + 1
            assert all((late - early).days == 1 for early, late in pairwise(days))
        models = connection.execute("SELECT archetype, model_type FROM ml_models").fetchall()
    assert set(models) == {(archetype, model_type) for archetype in ARCHETYPES for model_type in MODEL_TYPES}


def test_programs_that_migrate_at_once_do_not_get_in_each_others_way(make_database):
    database = make_database()
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: migrate(database), range(4)))
    assert sorted(len(steps) for steps in done) == [0, 0, 0, len(migrations())]


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_they_do_not_whatever_the_database_isolates(make_database, level):
    database = make_database()
    with database.connect(autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET default_transaction_isolation = '{level}'")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: migrate(database), range(4)))
    assert sorted(len(steps) for steps in done) == [0, 0, 0, len(migrations())]


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_texts_are_the_same_whatever_the_database_keeps_them_as(make_database, encoding):
    """A cluster that was made without a locale is SQL_ASCII, whose texts came as bytes that no second migrate knew."""
    database = make_database(f"template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'")
    assert len(migrate(database)) == len(migrations()) and migrate(database) == []
    write(database, make_rows(2, model_version="für"))
    with database.connect() as connection:
        write_outcomes(connection, [EpisodeOutcome("mage", "combat_dqn", "für", 1, 1, "won", True, 2, 1000, 1.0)])
    with ExperienceStream(database) as stream:
        (batch,) = stream
    assert batch.transitions.model_version.tolist() == ["für", "für"]
    with database.connect() as connection:
        both = "ml_experience_replay JOIN ml_episode_outcomes USING (model_version)"
        assert connection.execute(f"SELECT count(*) FROM {both} WHERE model_version = 'für'").fetchone() == (2,)


def test_who_may_only_write_rows_finds_the_schema_up_to_date(own_database, own_connection):
    role = f"only_rows_{os.getpid()}"
    own_connection.execute(f"CREATE ROLE {role} LOGIN")
    try:
        own_connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        own_connection.execute(f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {role}")
        own_connection.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")
        theirs = Store(psycopg.conninfo.make_conninfo(own_database.url, user=role))
        assert migrate(theirs) == []
        write(theirs, make_rows(2))
    finally:
        own_connection.execute(f"DROP OWNED BY {role}")
        own_connection.execute(f"DROP ROLE {role}")


def test_a_migration_that_fails_leaves_nothing_behind(make_database):
    database = make_database()
    broken = Migration(len(migrations()) + 1, "broken", "CREATE TABLE half (); SELECT wrong;")
    with pytest.raises(SchemaError, match=r"migration 6 broken failed and nothing was changed: .*wrong"):
        migrate(database, [*migrations(), broken])
    with database.connect() as connection:
        assert applied(connection) == []
        assert connection.execute("SELECT to_regclass('half'), to_regclass('ml_models')").fetchone() == (None, None)


def test_a_newer_schema_is_refused_with_words(own_database):
    later = Migration(len(migrations()) + 1, "later", "CREATE TABLE later ();")
    assert migrate(own_database, [*migrations(), later]) == [later]
    with pytest.raises(SchemaError, match=r"newer than this program: it has migration 6 later.*expected a newer"):
        migrate(own_database)


def test_a_changed_file_is_refused(own_database, own_connection):
    own_connection.execute("UPDATE mlmonster_migrations SET checksum = 'other' WHERE number = 2")
    with pytest.raises(SchemaError, match="migration 2 experience was applied as another file than 0002_experience"):
        migrate(own_database)


def test_files_are_numbered_without_gaps(tmp_path):
    (tmp_path / "0001_one.sql").write_text("")
    (tmp_path / "0003_three.sql").write_text("")
    with pytest.raises(SchemaError, match=r"0003_three.sql is migration 2, expected a name such as 0002_name.sql"):
        migrations(tmp_path)


@pytest.mark.parametrize("column", ["state_vector", "next_state_vector"])
def test_vectors_of_another_length_are_refused_by_the_database(connection, column):
    other = {"state_vector": bytes(256), "next_state_vector": bytes(256)} | {column: bytes(255)}
    with pytest.raises(psycopg.errors.CheckViolation, match="_vector_check"):
        connection.execute(
            "INSERT INTO ml_experience_replay (archetype, model_type, model_version, monster_id, episode_id, tick, "
            "action, reward, done, state_vector, next_state_vector) "
            "VALUES ('mage', 'combat_dqn', 'v', 1, 1, 1, 1, 1, false, %(state_vector)s, %(next_state_vector)s)",
            other,
        )
