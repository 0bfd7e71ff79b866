"""The comparison of a model that sees with one that does not, and what is told of it."""

import json

import numpy as np
import pytest

from agents.evaluation import ALL, Evaluation
from agents.judge.mirror import MirrorScore, together
from scripts import sight
from scripts.comparisons import gains
from scripts.results_doc import render
from scripts.results_sight import SIGHT, sight_section
from tests.agents.runs import BY_ALGO
from tests.agents.runs import SMALL as SMALL_RUN


def evaluation(field, contact):
    scores = {
        name: MirrorScore(name, np.array(pairs, float), {}) for name, pairs in (("field", field), ("contact", contact))
    }
    return Evaluation({**scores, ALL: together(list(scores.values()), "sight-v1")})


def test_gains_are_counted_pair_by_pair():
    eyes = evaluation([[1, 1], [1, 0], [0.5, 0.5]], [[1, 1], [1, 1]])
    state = evaluation([[1, 0], [0, 0], [0.5, 0.5]], [[0, 0], [0, 0]])
    found = gains(eyes, state)
    assert set(found) == {"field", "contact", ALL}
    assert found["field"]["gain"] == pytest.approx(1 / 3, abs=1e-5)
    assert found["field"]["gain_se"] == pytest.approx(np.std([0.5, 0.5, 0], ddof=1) / 3**0.5, abs=1e-5)
    assert found["contact"] == {"gain": 1.0, "gain_se": 0.0}


def test_a_gain_by_one_pair_has_no_error_that_is_not_a_number():
    one, other = evaluation([[1, 1]], [[1, 0]]), evaluation([[1, 0]], [[0, 0]])
    assert gains(one, other)["field"] == {"gain": 0.5, "gain_se": 0.0}


def test_both_are_trained_judged_and_told_of(tmp_path, monkeypatch):
    """A whole comparison, tiny, where matches are short."""
    asked = sight.asked
    monkeypatch.setattr(sight, "asked", lambda given, model: {**SMALL_RUN, **BY_ALGO["ppo"], **asked(given, model)})
    monkeypatch.setattr(sight, "SPLITS", {"train": "mirror-v1:train:contact", "held out": "mirror-v1:held-out:contact"})
    words = ["--archetype", "tank", "--size", "tiny", "--steps", "300", "--pairs", "2"]
    words += ["--runs", str(tmp_path / "runs"), "--results", str(tmp_path / "results")]
    assert sight.main(words) == 0
    path = tmp_path / "results" / SIGHT / "tank-tiny-0-300.json"
    told = json.loads(path.read_text())
    assert told["models"]["eyes"]["sees"] == ["grid", "state", "action_mask"]
    assert told["models"]["state"]["sees"] == ["state", "action_mask"]
    for split in ("train", "held out"):
        for start in ("contact", ALL):
            rates = [told["models"][m]["scores"][split][start]["win_rate"] for m in ("eyes", "state")]
            assert told["gain"][split][start]["gain"] == pytest.approx(rates[0] - rates[1], abs=1e-4)
    assert told["command"] == "python -m scripts.sight --archetype tank --size tiny --seed 0 --steps 300 --pairs 2"
    lines = sight_section(tmp_path / "results" / SIGHT)
    assert sum(line.startswith("| tank | 0 |") for line in lines) == 4
    assert "## What eyes are worth" in render(tmp_path / "results")


def test_nothing_is_told_of_nothing(tmp_path):
    assert sight_section(tmp_path / SIGHT) == []
