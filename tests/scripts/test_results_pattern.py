"""What is told of a pattern model."""

import json

import numpy as np
import torch

from agents.opponents import STYLES
from mlmonster_env.contract import HISTORY, HP_SHARE, NEAREST_ENEMY, STATE_SIZE
from policies.pattern import PatternNetwork
from policies.policy import Card, Policy
from policies.sizes import TINY
from scripts import results_pattern
from scripts.results_pattern import (
    close_frames,
    confusion_of,
    judge_pattern,
    most_confused,
    pattern_section,
    plot_confusion,
)


def test_confusions_are_counted_and_the_worst_pair_comes_first(tmp_path):
    styles, named = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 2, 0])
    confusion = confusion_of(named, styles, 3)
    assert confusion.tolist() == [[1, 1, 0], [1, 1, 0], [1, 0, 1]]
    pairs = most_confused(confusion, ["a", "b", "c"])
    assert pairs[0] == {"styles": ["a", "b"], "share": 0.5} and pairs[1] == {"styles": ["a", "c"], "share": 0.25}
    path = plot_confusion(confusion, ["a", "b", "c"], "three", tmp_path / "new" / "picture.png")
    assert path.stat().st_size > 1000


def test_close_frames_are_of_frames_that_are_there():
    histories = np.zeros((2, HISTORY, STATE_SIZE), np.float32)
    histories[:, -20:, HP_SHARE] = 1
    histories[:, -20:, NEAREST_ENEMY] = 1
    histories[1, -5:, NEAREST_ENEMY] = 0.2
    assert close_frames(histories).tolist() == [0, 5]


def model() -> Policy:
    torch.manual_seed(0)
    card = Card("pattern_recognition", "mage", "tiny", "", ("history",), PatternNetwork, {"widths": TINY})
    return Policy(card, PatternNetwork(widths=TINY))


def test_a_model_is_judged_in_every_place(monkeypatch, tmp_path):
    for name, value in (("WATCHED", 8), ("ROUNDS", 1), ("STEPS", 40), ("WINDOWS", 60)):
        monkeypatch.setattr(results_pattern, name, value)
    places = {"held-out seeds": (("skirmish-2v2",), "train"), "held-out monsters": (("skirmish-2v2",), "held-out")}
    monkeypatch.setattr(results_pattern, "PLACES", places)
    told = judge_pattern(model(), tmp_path, 4)
    json.dumps(told)
    assert (tmp_path / "patterns-mage.png").is_file()
    lines = "\n".join(pattern_section({"mage": [{"seed": 0, "steps": 1, "seconds": 60, "pattern": told}]}))
    assert "held-out monsters" in lines and "images/patterns-mage.png" in lines
    assert list(told["places"]) == list(places) and told["styles"] == list(STYLES)
    for by_frames in told["places"].values():
        for found in by_frames.values():
            assert 0 <= found["model"]["accuracy"] <= 1 and 0 <= found["plain"]["accuracy"] <= 1
            assert found["close_windows"] <= found["windows"]
    assert np.array(told["confusion"]).sum() == told["places"]["held-out seeds"]["90"]["windows"]
    assert 0 <= told["calibration_error"] <= 1
