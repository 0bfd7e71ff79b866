"""The command that studies the gate: small, but whole."""

import json

import numpy as np
import pytest
import torch

from agents.catalog import TYPES
from agents.ending import Stopped
from agents.judge.exploiter import Exploiter
from agents.judge.gates import NoOpponentError
from agents.judge.study import cases
from agents.learners.build import make_card
from policies.actors import build_actor
from policies.policy import Policy
from scripts.gate_study import ALSO_AT, fixed_size, main, wilson
from scripts.gate_study_doc import MARK, render


@pytest.fixture(autouse=True)
def little(monkeypatch):
    monkeypatch.setattr("agents.judge.bank.CHUNK", 2)
    monkeypatch.setattr("scripts.gate_study.cases", lambda policy: cases(policy)[:2])


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    card = make_card(TYPES["combat_dqn"], "mage", "tiny", "ppo")
    Policy(card, build_actor(card.policy_class, card.blocks, card.control, card.policy_arguments)).save(tmp_path / "m")
    return tmp_path / "m"


def test_the_command_writes_figures_and_their_table(model, tmp_path):
    document = tmp_path / "judging.md"
    document.write_text(f"# Judging\n\n{MARK}\n\nstale figures")
    words = [
        str(model), "--scenario", "mirror-v1:contact", "--out", str(tmp_path / "study"), "--gates", "3", "--real", "0",
        "--adversaries", "0", "--bank", "4", "2", "2", "--document", str(document), "--results",
        str(tmp_path / "results" / "study.json"),
    ]  # fmt: skip
    assert main(words) == 0
    told = json.loads((tmp_path / "results" / "study.json").read_text())
    assert {row["gates"] for row in told["cases"]} == {3} and len(told["cases"]) == 2 * 2
    assert ALSO_AT in {row["error"] for row in told["cases"]}
    assert all(sum(row["verdicts"].values()) == 3 for row in told["cases"])
    text = document.read_text()
    assert text.startswith("# Judging") and "stale" not in text and text.count("| twins |") == 2
    told["real"] = {"gates": 1, "verdicts": {"reject": 1}, "pairs": {"median": 40.0, "p90": 40.0}}
    one = {"seed": 0, "win_rate": 0.4, "low": 0.3, "high": 0.5, "verdict": "accept", "pairs": 60, "seconds": 9.0}
    told["exploiter"] = [{"against": "the model", **one}]
    assert "1 reject" in render(told) and "| the model | 0 | 40.0% [30.0%, 50.0%] | accepted | 60 | 9 |" in render(told)


def test_an_adversary_that_is_none_is_no_figure(model, tmp_path, monkeypatch, capsys):
    def train(self, *_, **__):
        raise NoOpponentError("exploiter", "no adversary could be trained: it was not tried")

    monkeypatch.setattr(Exploiter, "train", train)
    words = [
        str(model), "--scenario", "mirror-v1:contact", "--out", str(tmp_path), "--gates", "1", "--real", "0",
        "--bank", "2", "2", "2", "--results", str(tmp_path / "study.json"),
    ]  # fmt: skip
    assert main(words) == 2
    assert "it was not tried" in capsys.readouterr().err and not (tmp_path / "study.json").exists()


def test_a_model_that_is_none_is_named(capsys):
    assert main(["nowhere"]) == 2
    assert "model is 'nowhere'" in capsys.readouterr().err


def test_intervals_and_sizes_are_those_of_the_books():
    low, high = wilson(50, 1000)
    assert (low, high) == pytest.approx((0.0381, 0.0653), abs=2e-4)
    assert wilson(0, 1000) == pytest.approx((0.0, 0.0038), abs=2e-4)
    assert fixed_size(0.3, 0.05) == int(np.ceil((2 * 1.6448536 * 0.3 / 0.05) ** 2))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--gates", "0"], "--gates is 0, expected at least 1"),
        (["--real", "-1"], "--real is -1, expected at least 0"),
        (["--adversaries", "-2"], "--adversaries is -2, expected at least 0"),
        (["--bank", "4", "1", "2"], "--bank is (4, 1, 2), expected at least 2 of each"),
    ],
)
def test_numbers_of_which_no_figure_comes_are_named_before_anything_is_played(model, tmp_path, capsys, more, told):
    words = [str(model), "--scenario", "mirror-v1:contact", "--out", str(tmp_path / "study")]
    words += ["--document", str(tmp_path / "a.md"), "--results", str(tmp_path / "study.json")]
    assert main([*words, "--bank", "2", "2", "2", "--real", "0", "--adversaries", "0", "--gates", "1", *more]) == 2
    assert told in capsys.readouterr().err and not (tmp_path / "study").exists()


def test_who_stops_the_training_of_an_adversary_is_answered_in_one_line(monkeypatch, capsys):
    def study(_):
        raise Stopped("stopped by SIGINT", 2)

    monkeypatch.setattr("scripts.gate_study.study", study)
    assert main(["model"]) == 130
    assert capsys.readouterr().err == "stopped by SIGINT\n"
