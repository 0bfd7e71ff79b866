"""The benchmark of the store runs whole at a small size, and its status says whether it was fast enough."""

import sys

import pytest

from scripts import bench, bench_store
from tests.store.conftest import embedded_url, make_folder  # noqa: F401 - fixtures


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


def test_others_take_no_options(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench", "rewards", "--rows", "5"])
    with pytest.raises(SystemExit):
        bench.main()
    assert "rewards has no option --rows" in capsys.readouterr().err
