"""The demo and the bench run to their ends, on few matches."""

import numpy as np
import pytest
from PIL import Image

from agents.judge.mirror import MirrorScore
from scripts import bench_sim, demo


def test_the_demo_trains_judges_plots_films_and_reports(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "demo"
    said = ["--out", str(folder), "--steps", "30000", "--pairs", "2", "--size", "tiny"]
    assert demo.main(said) == 0
    told = capsys.readouterr().out
    for start in ("far apart and unaware", "face to face", "both together"):
        assert start in told
    with Image.open(folder / "curves.png") as curves:
        assert curves.format == "PNG" and curves.width > 600
    if "film of its best match" in told:
        with Image.open(folder / "best.gif") as film:
            assert film.format == "GIF"
    else:
        assert "it won none" in told
    assert f"report: {folder / 'report.html'}" in told
    assert "<title>mage combat_dqn by ppo</title>" in (folder / "report.html").read_text()
    monkeypatch.setattr(demo, "write_report", lambda paths, out, pairs, say: out)  # it was seen already, and is slow
    assert demo.main(said) == 0  # a second demo begins anew


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [([1.0] * 40, "better than stock"), ([0.0] * 40, "worse than stock"), ([0.0, 1.0] * 20, "not told apart")],
)
def test_what_was_learnt_is_said_with_its_interval(outcomes, verdict):
    score = MirrorScore("field", np.array(outcomes).reshape(-1, 2))
    assert verdict in demo.sentence("field", score) and "95%" in demo.sentence("field", score)


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
