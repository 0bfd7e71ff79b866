"""The benchmark of the store runs whole at a small size, and its status says whether it was fast enough."""

import sys

import psycopg
import pytest

from mlmonster_env.store import Store, migrate
from scripts import bench, bench_store
from tests.store.conftest import embedded_url, make_folder, to_database  # noqa: F401 - fixtures
from tests.store.rows import make_rows, ticks_of, write


@pytest.mark.parametrize(("wanted", "flat", "status"), [(0, 1000, 0), (10**9, 1000, 1), (0, -1000, 1)])
def test_all_of_it(embedded_url, monkeypatch, capsys, wanted, flat, status):  # noqa: F811
    for name, value in (("IN_WANTED", wanted), ("OUT_WANTED", wanted), ("FLAT_MB", flat), ("ROUNDS", 1)):
        monkeypatch.setattr(bench_store, name, value)
    words = ["bench", "store", "--rows", "1500", "--round-rows", "9000", "--url", embedded_url]
    monkeypatch.setattr(sys, "argv", words)
    assert bench.main() == status
    told = capsys.readouterr().out
    assert "bare psycopg" in told and "streaming 1,500 rows" in told
    assert ("wanted: " in told) == (wanted > 0) and ("memory grew" in told) == (flat < 0)


def test_experience_of_others_is_not_emptied(embedded_url, monkeypatch, capsys):  # noqa: F811
    with psycopg.connect(embedded_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE mlmonster_live")
    database = Store(to_database(embedded_url, "mlmonster_live"))
    try:
        migrate(database)
        write(database, make_rows(3))
        monkeypatch.setattr(sys, "argv", ["bench", "store", "--url", database.url])
        with pytest.raises(SystemExit):
            bench.main()
        assert "mlmonster_live at" in (told := capsys.readouterr().err) and "holds experience of 'stock'" in told
        assert ticks_of(database) == [0, 1, 2]
    finally:
        with psycopg.connect(embedded_url, autocommit=True) as connection:
            connection.execute("DROP DATABASE mlmonster_live WITH (FORCE)")


def test_others_take_no_options(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench", "rewards", "--rows", "5"])
    with pytest.raises(SystemExit):
        bench.main()
    assert "rewards has no option --rows" in capsys.readouterr().err
