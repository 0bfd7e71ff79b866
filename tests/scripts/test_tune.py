"""A search for options that is stopped goes on, and draws on."""

import signal
from typing import Any

import optuna
import pytest

from agents.ending import RunError, Stopped
from scripts import tune

SAID = ["--archetype", "mage", "--algo", "ppo", "--set", "preset=test"]


class Played:
    """In the place of runs: what each was asked for, and what comes of it."""

    def __init__(self, *endings: Any) -> None:
        self.endings = list(endings)
        self.asked: list[Any] = []

    def begin(self, folder: Any, config: Any) -> "Played":
        self.asked.append(config.learn)
        return self

    def go(self) -> dict[str, float]:
        ending = self.endings.pop(0)
        if isinstance(ending, Exception):
            raise ending
        return {"win_rate": ending}


@pytest.fixture
def search(tmp_path, monkeypatch):
    def made(*endings: Any, trials: int = 1) -> tuple[int, Played]:
        played = Played(*endings)
        monkeypatch.setattr(tune, "Run", played)
        status = tune.main([*SAID, "--trials", str(trials), "--out", str(tmp_path)])
        return status, played

    return made


def test_a_search_that_goes_on_tries_something_else(search):
    tried = [search(0.5)[1].asked[0].learning_rate.value for _ in range(3)]
    assert len(set(tried)) == 3


def test_ctrl_c_ends_the_search_and_not_a_trial(search):
    stop = Stopped("stopped by SIGINT after 0 decisions", int(signal.SIGINT))
    status, played = search(0.4, stop, 0.9, trials=3)
    assert status == 128 + signal.SIGINT
    assert len(played.asked) == 2


def test_a_trial_that_fails_is_told_and_the_next_one_comes(search, tmp_path, capsys):
    status, played = search(RunError("no room"), ValueError("too few"), 0.6, trials=3)
    assert status == 0 and len(played.asked) == 3
    told = capsys.readouterr()
    assert "trial 0 failed: no room" in told.err and "trial 1 failed: too few" in told.err
    study = optuna.load_study(study_name="mage-combat_dqn-ppo", storage=f"sqlite:///{tmp_path}/mage-combat_dqn-ppo.db")
    assert [trial.value for trial in study.trials] == [None, None, 0.6]


def test_a_search_that_brings_nothing_failed(search, capsys):
    assert search(0.5)[0] == 0
    status, _ = search(RunError("no room"), RunError("no room"), trials=2)
    assert status == 1 and "no trial came to its end" in capsys.readouterr().err


def test_what_is_held_fixed_is_not_searched(search, tmp_path, capsys, monkeypatch):
    played = Played(0.5)
    monkeypatch.setattr(tune, "Run", played)
    fixed = ["--set", "learn.gamma=0.5", "--set", "learn={learning_rate: {value: 0.25}}"]
    assert tune.main([*SAID, *fixed, "--trials", "1", "--out", str(tmp_path)]) == 0
    study = optuna.load_study(study_name="mage-combat_dqn-ppo", storage=f"sqlite:///{tmp_path}/mage-combat_dqn-ppo.db")
    assert not {"learn.gamma", "learn.learning_rate.value"} & set(study.trials[0].params)
    assert "learn.entropy.value" in study.trials[0].params
    assert played.asked[0].gamma == 0.5 and played.asked[0].learning_rate.value == 0.25


@pytest.mark.parametrize("wrong", [("--trials", "0"), ("--trials", "-3"), ("--seed", "-1")])
def test_a_search_of_nothing_is_refused(wrong, tmp_path, capsys):
    assert tune.main([*SAID, *wrong, "--out", str(tmp_path)]) == 2
    assert wrong[1] in capsys.readouterr().err


def test_a_full_disk_fails_a_trial_and_not_the_search(search, capsys):
    status, played = search(OSError(28, "No space left on device"), 0.6, trials=2)
    assert status == 0 and len(played.asked) == 2
    assert "trial 0 failed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (["--set", "learn.gamma=0.9"], "learn.gamma is 0.9, expected not fixed"),
        (["--set", "preset=long"], "preset is long, expected test as when the search for mage-combat_dqn-ppo"),
        (["--set", "scenario=raid-6v3"], "scenario is raid-6v3, expected not fixed"),
    ],
)
def test_trials_of_another_contest_are_not_put_among_those_of_a_search(search, tmp_path, capsys, later, words):
    search(0.5)
    assert tune.main([*SAID, *later, "--trials", "1", "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert words in told and "choose another --out" in told


def test_the_same_may_be_held_fixed_in_other_words(tmp_path, monkeypatch):
    for said in (["--set", "learn.gamma=0.5"], ["--set", "learn={gamma: 0.5}"]):
        monkeypatch.setattr(tune, "Run", Played(0.5))
        assert tune.main([*SAID, *said, "--trials", "1", "--out", str(tmp_path)]) == 0


def test_a_search_is_named_by_what_it_searches(tmp_path, monkeypatch):
    played = Played(0.5)
    monkeypatch.setattr(tune, "Run", played)
    said = ["--archetype", "mage", "--set", "archetype=tank", "--set", "algo=ppo", "--out", str(tmp_path)]
    assert tune.main([*said, "--trials", "1"]) == 0
    study = optuna.load_study(study_name="tank-combat_dqn-ppo", storage=f"sqlite:///{tmp_path}/tank-combat_dqn-ppo.db")
    assert "learn.entropy.value" in study.trials[0].params


def test_where_no_search_can_be_kept_that_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    (tmp_path / "mage-combat_dqn-ppo.db").write_text("no database at all, and longer than the name of one is")
    for out in (tmp_path / "file", tmp_path):
        assert tune.main([*SAID, "--trials", "1", "--out", str(out)]) == 2
        told = capsys.readouterr().err
        assert "mage-combat_dqn-ppo.db cannot be used" in told and told.count("\n") == 1
