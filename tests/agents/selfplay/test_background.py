"""Matches between engines, written down: all of them, replayable, and the same whatever the number of processes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from minari.dataset.minari_dataset import MinariDataset

from agents.opponents.model import Temperature
from agents.opponents.names import parts_of
from agents.selfplay import background
from agents.selfplay.__main__ import main
from agents.selfplay.background import Order, play_matches
from mlmonster_env.sim.recording import Recording
from tests.agents.selfplay.test_pool import policy
from tests.agents.test_model_rival import policy as untrained

SMALL: dict[str, Any] = {"archetype": "mage", "scenario": "mirror-v1:contact"}


def test_every_match_is_written_and_can_be_replayed(tmp_path):
    order = Order(matches=12, first="mix:stock=1,rusher=1,random=1", second="mix:stock=1,kiter=1", **SMALL)
    summary = play_matches(order, tmp_path / "out", 1)
    assert summary.matches == 12 and summary.matches_a_second > 0
    files = sorted((tmp_path / "out" / "recordings").iterdir())
    assert len(files) == 12
    for file in files[::4]:
        recording = Recording.load(file)
        assert recording.replayed_digest() == recording.digest
    told = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert told["matches"] == 12 and set(told["by_engine"]) <= {"stock", "rusher", "random"}
    decisions = 0.0
    for name in told["datasets"]:
        data = MinariDataset(str(tmp_path / "out" / name))
        for episode in data:
            decisions += len(episode.rewards) / 3
            mask = episode.observations["action_mask"][:-1]
            assert mask[np.arange(len(mask)), episode.actions].all()
            assert np.isfinite(episode.rewards).all() and (episode.terminations | episode.truncations)[-1]
            assert len(episode.observations["state"]) == len(episode.rewards) + 1
    assert decisions == pytest.approx(sum(tally["decisions"] for tally in told["by_engine"].values()))


def test_stock_that_takes_offers_plays_as_the_stock_ai(tmp_path):
    """Under skill orders it is the stock AI: against itself neither side is the better one."""
    summary = play_matches(Order(matches=120, first="stock", second="stock", **SMALL), tmp_path / "out", 1)
    tally = summary.by_engine["stock"]
    assert abs((tally.won + tally.drawn / 2) / tally.matches - 0.5) < 0.16


def test_a_model_at_a_temperature_plays_otherwise_than_a_greedy_one(tmp_path):
    policy().save(tmp_path / "model")
    folders = {"greedy": None, "cold": Temperature(0.0, 0.0), "hot": Temperature(5.0, 0.5, 20)}
    digests = {}
    for name, heat in folders.items():
        order = Order(matches=6, first=str(tmp_path / "model"), second="stock", temperature=heat, **SMALL)
        play_matches(order, tmp_path / name, 1)
        digests[name] = [Recording.load(file).digest for file in sorted((tmp_path / name / "recordings").iterdir())]
    assert digests["greedy"] == digests["cold"] != digests["hot"]


def test_a_temperature_changes_in_the_course_of_a_match():
    heat = Temperature(2.0, 0.5, 10)
    assert heat.at(np.array([1, 6, 11, 50])).tolist() == [2.0, 1.25, 0.5, 0.5]


@pytest.mark.parametrize("algo", ["ppo", "ddqn"])
def test_scores_and_values_are_drawn_by_temperature(algo):
    one = untrained("combat_dqn", algo)
    random = np.random.default_rng(0)
    seen = {"state": random.random((400, 64), np.float32), "action_mask": np.ones((400, 10), np.int8)}
    lots = random.random(400)
    drawn = one.act(seen, lots=lots, temperature=np.full(400, 50.0))
    assert len(set(drawn.tolist())) == 10
    cold = one.act(seen, lots=lots, temperature=np.zeros(400))
    assert (cold == one.act(seen)).all()


def test_the_command_says_what_it_played_and_what_is_wrong(tmp_path, capsys):
    words = ["--archetype", "mage", "--matches", "4", "--scenario", "mirror-v1:contact", "--workers", "1"]
    assert main([*words, "--out", str(tmp_path / "out"), "--first", "rusher", "--second", "stock"]) == 0
    told = capsys.readouterr().out
    assert "matches/s" in told and "rusher" in told
    assert main([*words, "--out", str(tmp_path / "out")]) == 2
    assert "holds matches already" in capsys.readouterr().err
    for more, said in (
        (["--engines", "rushr"], "perhaps rusher"), (["--observe", "stat"], "perhaps state"),
        (["--temperature", "-1"], "expected 0 or more"), (["--matches", "0"], "matches is 0"),
    ):  # fmt: skip
        assert main([*words, "--out", str(tmp_path / "other"), *more]) == 2
        assert said in capsys.readouterr().err


WRONG = [
    (["--temperature-last", "0.5"], "--temperature-last is 0.5, expected a --temperature"),
    (["--temperature-last", "nan"], "--temperature-last is nan, expected a --temperature"),
    (["--temperature", "nan"], "goes from nan to nan, expected 0 or more"),
    (["--temperature", "inf"], "goes from inf to inf, expected 0 or more"),
    (["--temperature", "1", "--temperature-last", "nan"], "goes from 1.0 to nan, expected 0 or more"),
    (["--temperature", "1", "--temperature-last", "-2"], "goes from 1.0 to -2.0, expected 0 or more"),
    (["--temperature", "1", "--temperature-over", "0"], "--temperature-over is 0, expected at least 1 decision"),
    (["--seed", "-1"], "seed is -1, expected 0 to 2147483647"),
    (["--seed", str(2**31)], "seed is 2147483648, expected 0 to 2147483647"),
    (["--workers", "257"], "workers 257, expected at most 256 workers"),
    (["--matches", str(2**24)], "matches is 16,777,216, workers 1, expected at most"),
]


@pytest.mark.parametrize(("more", "said"), WRONG)
def test_a_wrong_temperature_or_seed_or_number_is_named(tmp_path, monkeypatch, capsys, more, said):
    def plays(shares, say):
        raise AssertionError("this is not to be played")

    monkeypatch.setattr(background, "_worked", plays)
    words = ["--archetype", "mage", "--matches", "2", "--workers", "1", "--out", str(tmp_path / "out")]
    assert main([*words, *more]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def played(out: Any, **more: Any) -> list[str]:
    """Digests of an order's matches, all of which can be replayed, in the order of their names."""
    order = Order(**{"first": "rusher", "second": "stock", "matches": 4, **SMALL, **more})
    play_matches(order, out, 1)
    recordings = [Recording.load(file) for file in sorted((out / "recordings").iterdir())]
    assert len(recordings) == order.matches
    assert all(recording.replayed_digest() == recording.digest for recording in recordings)
    return [recording.digest for recording in recordings]


def test_every_seed_that_is_allowed_plays_matches_of_its_own(tmp_path):
    told = [played(tmp_path / str(seed), seed=seed) for seed in (0, 1, 2**23, 2**23 + 1, 2**31 - 1)]
    assert len({digest for digests in told for digest in digests}) == 20
    names = {file.name for seed in tmp_path.iterdir() for file in (seed / "recordings").iterdir()}
    assert len(names) == 20 and len({len(name) for name in names}) == 1


def test_a_model_whose_numbers_are_none_is_named(tmp_path, capsys):
    spoilt = policy()
    for numbers in spoilt.actor.parameters():
        numbers.data.fill_(np.nan)
    spoilt.save(tmp_path / "spoilt")
    words = ["--archetype", "mage", "--matches", "1", "--workers", "1", "--first", str(tmp_path / "spoilt")]
    assert main([*words, "--out", str(tmp_path / "out")]) == 2
    assert "gave numbers that are not finite" in capsys.readouterr().err


def test_engines_whose_names_are_alike_have_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["runs/a", "runs-a", "runs-a-2"]
    for seed, name in enumerate(names):
        policy(seed).save(tmp_path / name)
    first = "mix:" + ",".join(names)
    summary = play_matches(Order(matches=12, first=first, second="stock", **SMALL), tmp_path / "out", 1)
    assert set(summary.by_engine) == set(names) and len(set(summary.datasets)) == 3
    told = [len(list(MinariDataset(str(tmp_path / "out" / name)))) for name in summary.datasets]
    members = [tally.matches * 3 for tally in summary.by_engine.values()]
    assert told == members


def test_a_rival_that_neither_sits_nor_draws_plays_by_itself_and_in_a_mix(tmp_path):
    own = "tests.agents.minds:make_plainest"
    assert played(tmp_path / "alone", first=own) == played(tmp_path / "again", first=own)
    assert len(played(tmp_path / "mixed", first=f"mix:{own}=1,rusher=1", second=f"mix:{own}=1,stock=1")) == 4


@pytest.mark.slow
def test_two_processes_play_as_many_as_one(tmp_path):
    order = Order(matches=20, first="mix:stock=1,styles=1", second="styles", **SMALL)
    summary = play_matches(order, tmp_path / "two", 2)
    assert summary.matches == 20 and summary.workers == 2
    assert len(list((tmp_path / "two" / "recordings").iterdir())) == 20


def test_the_environment_of_a_dataset_shows_what_was_written(tmp_path):
    order = Order(matches=1, first="rusher", second="stock", decision_ms=1000, **SMALL)
    data = MinariDataset(str(tmp_path / "out" / play_matches(order, tmp_path / "out", 1).datasets[0]))
    env: Any = data.recover_environment()
    assert env.observation_space == data.observation_space and env.action_space == data.action_space
    assert env.unwrapped.battle.plan.first.archetype == "mage" and env.unwrapped.battle.ticks == 10


@pytest.mark.parametrize("what", ["first", "second"])
def test_a_pool_is_no_engine(tmp_path, what):
    with pytest.raises(ValueError, match=f"{what} is 'pool', and a pool belongs to the training of one model"):
        play_matches(Order(**{"matches": 1, what: "pool", **SMALL}), tmp_path / "out", 1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("engine", ["pol", "mix:stock=1,pol=2"])
def test_what_would_be_refused_is_not_offered(engine):
    for what in ("first", "second"):
        with pytest.raises(ValueError, match=f"{what} is '{engine}'") as told:
            play_matches(Order(**{"matches": 1, what: engine, **SMALL}), Path("nowhere"), 1)
        assert "pool" not in str(told.value)
    with pytest.raises(ValueError, match="perhaps pool"):
        parts_of(engine)  # for who trains one model there is one


def test_what_failed_leaves_no_recordings_for_the_next_order(tmp_path, monkeypatch):
    def breaks(shares, say):
        (shares[0].out / "recordings").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(background, "_worked", breaks)
    order = Order(matches=2, first="rusher", second="stock", **SMALL)
    with pytest.raises(KeyboardInterrupt):
        play_matches(order, tmp_path / "out", 1)
    assert not list((tmp_path / "out").iterdir())
    (tmp_path / "out" / "recordings").mkdir()
    with pytest.raises(ValueError, match="holds matches already"):
        play_matches(order, tmp_path / "out", 1)


def test_the_command_names_folders_as_they_are_called(tmp_path, capsys):
    model = tmp_path / "[best]"
    policy().save(model)
    words = ["--archetype", "mage", "--matches", "2", "--scenario", "mirror-v1:contact", "--workers", "1"]
    assert main([*words, "--engines", str(model), "--out", str(tmp_path / "[out]")]) == 0
    told = capsys.readouterr().out
    assert f"all in {tmp_path / '[out]'}\n" in told and "[best]" in told
