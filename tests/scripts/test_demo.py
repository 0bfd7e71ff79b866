"""The demo and the bench run to their ends, on few matches."""

import pytest
from PIL import Image

from mlmonster_env.contract import ARCHETYPES
from scripts import bench_sim, demo


def test_demo_tells_every_archetype_and_writes_its_picture(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(demo, "MATCHES", 26)
    monkeypatch.setattr(demo, "CANDIDATES", 8)
    monkeypatch.setattr(demo, "FILM", tmp_path / "match.gif")
    demo.main()
    told = capsys.readouterr().out
    assert all(archetype in told for archetype in ARCHETYPES)
    assert told.count("│       5 │") == 2  # 26 over six: two archetypes get one more than four
    with Image.open(tmp_path / "match.gif") as film:
        assert film.format == "GIF"


def test_bench_ends_with_the_ratio(monkeypatch, capsys):
    for name, value in {"MATCHES": 4, "WARM_UP": 10, "ROUNDS": 1, "SECONDS": 0.01}.items():
        monkeypatch.setattr(bench_sim, name, value)
    monkeypatch.setattr(bench_sim, "MATCH_COUNTS", (1, 4))
    monkeypatch.setattr(bench_sim, "SIZES", (1, 2))
    monkeypatch.setattr(bench_sim, "start_seconds", lambda: (2.0, 1.0))
    bench_sim.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("simulator over bare kernel: ")
    assert float(lines[-1].split()[-1]) >= 0


@pytest.mark.slow
def test_a_second_start_comes_from_the_cache():
    first, again = bench_sim.start_seconds()
    assert again < first / 2
