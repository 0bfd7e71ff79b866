"""The comparison of a learner that met its past selves with one that met the stock AI alone, and what is told of it."""

import json

import pytest

from scripts import selfplay
from scripts.results_selfplay import SELF_PLAY, selfplay_section
from tests.agents.runs import SMALL


def test_both_are_trained_meet_and_are_told_of(tmp_path, monkeypatch):
    """A whole comparison, tiny, where matches are short."""
    asked = selfplay.asked
    fast = {**SMALL, "learn.n_steps": 8, "learn.batch_size": 64}
    monkeypatch.setattr(selfplay, "SCENARIO", "mirror-v1:train:contact")
    monkeypatch.setattr(selfplay, "STYLES", ("rusher", "kiter"))
    monkeypatch.setattr(selfplay, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(selfplay, "asked", lambda given, seed, model: {**fast, **asked(given, seed, model)})
    words = ["--archetype", "mage", "--size", "tiny", "--steps", "300", "--pairs", "2"]
    assert selfplay.main([*words, "--results", str(tmp_path / "results")]) == 0
    place = tmp_path / "results" / SELF_PLAY
    told = json.loads((place / "mage-tiny-0-300.json").read_text())
    assert told["command"] == f"python -m scripts.selfplay {' '.join(words)}"
    assert set(told["models"]) == {"stock", "pool"} and set(told["met"]) == {"contact", "all"}
    assert set(told["models"]["pool"]["scores"]) == {"stock", "rusher", "kiter"}
    assert (tmp_path / "runs" / "mage-tiny-0-300-pool" / "pool").is_dir()
    assert not (tmp_path / "runs" / "mage-tiny-0-300-stock" / "pool").exists()


def result(seed, gain):
    def score(rate):
        return {start: {"win_rate": rate, "se": 0.01} for start in ("field", "contact", "all")}

    return {
        "archetype": "mage", "seed": seed, "size": "small", "steps_asked": None, "command": "python -m scripts.x",
        "met": score(0.5 + gain),
        "models": {
            "stock": {"steps": 4e7, "seconds": 600, "scores": {"stock": score(0.8), "rusher": score(0.3)}},
            "pool": {"steps": 4e7, "seconds": 900, "scores": {"stock": score(0.7), "rusher": score(0.3 + gain)}},
        },
    }  # fmt: skip


def test_what_came_of_it_is_told_over_seeds(tmp_path):
    assert selfplay_section(tmp_path) == []
    for seed, gain in enumerate((0.05, 0.1, 0.15)):
        (tmp_path / f"mage-{seed}.json").write_text(json.dumps(result(seed, gain)))
        lines = selfplay_section(tmp_path)
        if seed == 0:
            shown = "55.0% [53.0%, 57.0%]*"
            assert f"| pool against stock alone | {shown} | {shown} | {shown} |" in lines
    assert "| pool against stock alone | 60.0% [47.6%, 72.4%] |" in "\n".join(lines)
    worst = "rusher: 30.0% [30.0%, 30.0%] | rusher: 40.0% [27.6%, 52.4%]"
    assert f"| **the worst style** | together | {worst} |" in lines


def test_too_few_pairs_are_named_before_anything_is_trained(tmp_path, capsys):
    with pytest.raises(SystemExit) as told:
        selfplay.main(["--pairs", "1", "--steps", "300", "--results", str(tmp_path / "results")])
    assert told.value.code == 2
    assert "--pairs: 1, expected 2 at least" in capsys.readouterr().err and not (tmp_path / "results").exists()
