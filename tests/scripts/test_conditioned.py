"""The comparison of a policy that is told how its enemies play with one that is not, and what is told of it."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from agents.reading import Told
from scripts import conditioned
from scripts.intervals import over_seeds
from scripts.results_conditioned import CONDITIONED, EVERY_STYLE, conditioned_section
from scripts.results_doc import render
from tests.agents.runs import SMALL

STYLES = ("rusher", "ambusher")
FAST = {"learn.n_steps": 8, "learn.sequence": 8, "learn.batch_size": 64, "learn.pattern_batch": 4}


def test_both_are_trained_judged_and_told_of(tmp_path, monkeypatch):
    """A whole comparison, tiny, where matches are short."""
    asked = conditioned.asked
    monkeypatch.setattr(conditioned, "SCENARIO", "mirror-v1:train:contact")
    monkeypatch.setattr(conditioned, "STYLES", STYLES)
    mix = {"opponents": "mix:rusher,ambusher"}
    monkeypatch.setattr(
        conditioned, "asked", lambda given, seed, model: {**SMALL, **FAST, **asked(given, seed, model), **mix}
    )
    words = ["--archetype", "tank", "--size", "tiny", "--steps", "300", "--pairs", "2", "--seeds", "1"]
    words += ["--runs", str(tmp_path / "runs"), "--results", str(tmp_path / "results")]
    assert conditioned.main([*words, "--minutes", "0"]) == 0
    place = tmp_path / "results" / CONDITIONED
    assert not list(place.iterdir())
    assert conditioned.main(words) == 0
    paths = sorted(place.iterdir())
    assert [path.name for path in paths] == ["tank-tiny-0-300.json"]
    told = json.loads(paths[0].read_text())
    assert told["seed"] == 0 and told["styles"] == list(STYLES)
    for style in (*STYLES, EVERY_STYLE):
        for start in ("contact", "all"):
            rates = [told["models"][model]["scores"][style][start]["win_rate"] for model in ("told", "blind")]
            assert told["gain"][style][start]["gain"] == pytest.approx(rates[0] - rates[1], abs=1e-4)
    means = [told["models"]["told"]["scores"][style]["contact"]["win_rate"] for style in STYLES]
    every = told["models"]["told"]["scores"][EVERY_STYLE]["contact"]
    assert every["win_rate"] == pytest.approx(np.mean(means), abs=1e-4) and every["pairs"] == 4
    readings = [told["named"][style]["contact"]["readings"] for style in STYLES]
    assert told["named"][EVERY_STYLE]["contact"]["readings"] == sum(readings) > 0
    assert told["command"].endswith("scripts.conditioned --archetype tank --size tiny --seeds 1 --steps 300 --pairs 2")


def result(seed, gain):
    score = {"pairs": 9, "win_rate": 0.5 + gain, "se": 0.01, "won": 0.5, "drawn": 0.0, "behaviour": {}}
    blind = {**score, "win_rate": 0.5}
    starts = ("field", "contact", "all")
    styles = ["rusher", "kiter"]

    def of(value: Any) -> dict[str, Any]:
        return {style: dict.fromkeys(starts, value) for style in (*styles, EVERY_STYLE)}

    return {
        "archetype": "mage", "seed": seed, "size": "small", "steps_asked": None, "command": "python -m scripts.x",
        "styles": styles, "gain": of({"gain": gain, "gain_se": 0.02}), "named": of({"share": 0.6, "share_30": 0.7}),
        "models": {
            "told": {"steps": 2e6, "seconds": 120, "scores": of(score)},
            "blind": {"steps": 2e6, "seconds": 60, "scores": of(blind)},
        },
    }  # fmt: skip


def test_what_came_of_it_is_told_over_seeds(tmp_path):
    assert conditioned_section(tmp_path / CONDITIONED) == []
    (tmp_path / CONDITIONED).mkdir()
    for seed, gain in enumerate((0.05, 0.1, 0.15)):
        (tmp_path / CONDITIONED / f"mage-{seed}.json").write_text(json.dumps(result(seed, gain)))
        lines = conditioned_section(tmp_path / CONDITIONED)
        if seed == 0:
            assert (
                "| kiter | field | 1 | 55.0% [53.0%, 57.0%]* | 50.0% [48.0%, 52.0%]* | +5.0% ± 3.9%* | 60.0% | 70.0% |"
                in lines
            )
    assert (
        "| mean | together | 3 | 60.0% [47.6%, 72.4%] | 50.0% [50.0%, 50.0%] | +10.0% ± 12.4% | 60.0% | 70.0% |"
        in lines
    )
    assert sum(line.startswith("| ") for line in lines) == 10
    assert "2.0 M decisions each, 2.0 and 1.0 minutes" in "\n".join(lines)
    assert "### mage, small" in render(tmp_path)


def test_intervals_are_over_seeds_where_there_are_several():
    assert np.allclose(over_seeds([0.1], [0.5]), (0.1, 0.98))
    assert np.allclose(over_seeds([0.0, 0.2], [9, 9]), (0.1, 1.2706))
    with pytest.raises(ValueError, match="there are 9 seeds, expected 1 to 5"):
        over_seeds([0.0] * 9, [0.0] * 9)


def test_what_is_named_is_counted_with_and_without_many_frames():
    pattern = SimpleNamespace(scores=lambda latents: latents[:, :2])
    actor: Any = SimpleNamespace(styles=("kiter", "rusher"), pattern=pattern)
    one = conditioned.Named(actor, "rusher")
    histories = np.zeros((4, 90, 64), np.float32)
    histories[1, :40] = histories[2, :10] = histories[3, :10] = 0.5
    latents = np.zeros((4, 256), np.float32)
    latents[:, :2] = [[0, 1], [0, 1], [1, 0], [0, 3]]
    one(Told(histories, latents, np.array([0, 1, 5, 5]), np.arange(4), np.arange(4)))
    assert conditioned.shares_of([one]) == {"share": 1.0, "share_30": 1.0, "readings": 3}
    latents[3, 1] = 0.5
    one(Told(histories, latents, np.array([0, 1, 5, 5]), np.arange(4), np.arange(4)))
    assert conditioned.shares_of([one]) == {"share": pytest.approx(5 / 6, abs=1e-4), "share_30": 1.0, "readings": 6}
    assert conditioned.shares_of([one, conditioned.Named(actor, "kiter")])["readings"] == 6
    assert torch.is_inference_mode_enabled() is False
