"""The benchmark of what remembers runs whole at a small size, and compares like with like."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from scripts import bench, bench_recurrent
from scripts.bench_recurrent import OURS, THEIRS, Noise, Setting
from scripts.bench_train import REST

SMALL = Setting(slots=4, steps=32, batch=64, epochs=1, width=8, between_resets=5)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(bench_recurrent, "SETTING", SMALL)
    monkeypatch.setattr(bench_recurrent, "ROUNDS", 1)
    monkeypatch.setattr(bench_recurrent, "REPEATS", 1)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(("wanted", "status"), [(0.0, 0), (1e9, 1)])
def test_all_of_it(monkeypatch, capsys, wanted, status):
    monkeypatch.setattr(bench_recurrent, "WANTED", wanted)
    monkeypatch.setattr(sys, "argv", ["bench", "recurrent"])
    assert bench.main() == status
    told = capsys.readouterr().out
    assert OURS in told and THEIRS in told and "bare nn.LSTM" in told
    assert told.strip().splitlines()[-1].startswith(f"samples/s of {OURS} over {THEIRS}: ")


def test_networks_are_as_large():
    ours, theirs = bench_recurrent.ours(SMALL), bench_recurrent.theirs(SMALL)
    assert len({sum(p.numel() for p in model.policy.parameters()) for model in (ours, theirs)}) == 1
    for name in ("n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "vf_coef", "ent_coef", "max_grad_norm"):
        assert getattr(ours, name) == getattr(theirs, name), name


def test_time_shares_are_of_the_whole():
    shares = bench_recurrent.time_shares(SMALL)
    assert sum(shares.values()) == pytest.approx(1) and min(shares.values()) > 0 and REST in shares


def test_a_bound_is_of_one_minibatch():
    found = bench_recurrent.bound(SMALL, repeats=2)
    assert min(found.bare, found.cores) > 0 and found.update > found.cores / 10


def test_episodes_end_as_often_as_said():
    noise = Noise(replace(SMALL, slots=200))
    noise.reset()
    ended = np.mean([noise.step(np.zeros(200))[2] for _ in range(200)])
    assert ended == pytest.approx(1 / 5, rel=0.05)
