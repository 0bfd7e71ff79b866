"""The learning curves are drawn whole at a small size, and both sides learn with the same network."""

import json

import pytest
import torch
from rich.console import Console

from scripts import memory_tasks
from scripts.memory_tasks import LEARNERS, LSTM, THEIRS, TRANSFORMER, TWIN, Curve, Trial, learner_of, task_of


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(memory_tasks, "EPISODES", 4)
    monkeypatch.setattr(memory_tasks, "STEPS", 64)
    monkeypatch.setattr(memory_tasks, "ANSWERS", 8)
    monkeypatch.setitem(memory_tasks.COMMON, "n_steps", 64)
    monkeypatch.setitem(memory_tasks.COMMON, "batch_size", 64)
    monkeypatch.setattr(memory_tasks, "EPOCHS", dict.fromkeys(LEARNERS, 1))
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_all_of_it(tmp_path, capsys):
    assert memory_tasks.main(["--seeds", "2", "--rollouts", "2", "--processes", "1", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert shown.count("seed 1") == 4
    for task, picture in (("memory", "recurrent-learning.png"), ("recall", "recall.png")):
        told = json.loads((tmp_path / "results" / "memory" / f"{task}.json").read_text())
        assert {curve["trial"]["learner"] for curve in told["curves"]} == set(LEARNERS[task])
        for curve in told["curves"]:
            assert curve["steps"] == [256, 512] and len(curve["right"]) == 2 and 0 <= curve["judged"] <= 1
        assert (tmp_path / "images" / picture).read_bytes()[:4] == b"\x89PNG"


def test_the_same_seed_learns_the_same():
    trial = Trial("recall", TRANSFORMER, 1, 1)
    one, other = (memory_tasks.learn(trial) for _ in range(2))
    assert one.right == other.right and one.judged == other.judged


def test_networks_and_settings_are_alike():
    ours, theirs = (learner_of(Trial("memory", name, 0, 1), task_of("memory", 0)) for name in (LSTM, THEIRS))
    assert numbers(ours) == numbers(theirs)
    for name in ("n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "vf_coef", "max_grad_norm", "ent_coef"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.sequence == ours.n_steps  # theirs reaches back through a whole rollout
    whole, twin = (learner_of(Trial("recall", name, 0, 1), task_of("recall", 0)) for name in (TRANSFORMER, TWIN))
    assert numbers(whole) == numbers(twin)
    assert whole.policy.memory_size > twin.policy.memory_size == 0
    assert whole.sequence * 4 <= task_of("recall", 0).gap[0]


def numbers(model):
    return sum(weight.numel() for weight in model.policy.parameters())


def test_curves_are_told_in_a_line_each():
    curve = Curve(Trial("memory", LSTM, 0, 3), [10, 20, 30], [0.2, 0.95, 0.8], 0.97, 3.0)
    assert memory_tasks.decisions_to(curve, 0.9) == 20 and memory_tasks.decisions_to(curve, 0.99) is None
    console = Console(width=200, record=True)
    console.print(memory_tasks.table([curve, curve]))
    assert "97.0%" in console.export_text()


def test_a_wrong_task_is_named(capsys):
    assert memory_tasks.main(["memroy"]) == 2
    assert "task is 'memroy', expected one of memory, recall" in capsys.readouterr().err
