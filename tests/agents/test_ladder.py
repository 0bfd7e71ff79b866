"""Ladders: who stands where, what is drawn, and three of whom no ladder is true."""

from dataclasses import replace

import numpy as np
import pytest

from agents.judge import ladder
from agents.judge.__main__ import main
from agents.judge.ladder import ladder_table, plot_ladder, standings
from agents.judge.matches import MatchResult, NoEvidenceError, Void
from agents.judge.players import player_of

NAMES = ("stock", "rusher", "kiter", "camper")
REFS = {name: player_of(name).ref for name in NAMES}


def result(first, second, rate, pairs=200):
    random = np.random.default_rng(0)
    scores = random.choice([1.0, 0.0], (pairs, 2), p=[rate, 1 - rate])
    seeds = np.arange(pairs)
    void = () if pairs else (Void((1,), 0, "it broke"),)
    return MatchResult(REFS[first], REFS[second], "made up", "mage", seeds, scores.reshape(-1, 2), (), (), {}, void)


RING = [
    result("rusher", "kiter", 0.7), result("kiter", "camper", 0.7), result("camper", "rusher", 0.7),
    result("rusher", "stock", 0.6), result("kiter", "stock", 0.6), result("camper", "stock", 0.6),
]  # fmt: skip


def test_three_of_whom_each_beats_the_next_are_pointed_out(tmp_path):
    found = standings(RING, "made up")
    assert len(found.warnings()) == 1
    names = found.warnings()[0].removeprefix("no ladder is true of these: ").split(" beats ")
    assert names[0] == names[3] and set(names) == {"rusher", "kiter", "camper"}
    assert "rusher beats kiter beats camper beats rusher" in " beats ".join([*names, *names[1:]])
    plot_ladder(found, tmp_path / "ring.png")
    plot_ladder(standings(RING[3:], "made up"), tmp_path / "plain.png")
    assert (tmp_path / "ring.png").stat().st_size > 0 and (tmp_path / "plain.png").stat().st_size > 0


def test_the_stock_ai_stands_at_nought():
    found = standings([result("rusher", "stock", 0.8), result("camper", "stock", 0.3)], "made up")
    assert [rating.player for rating in found.ladder.ratings] == [REFS[n].digest for n in ("rusher", "stock", "camper")]
    assert found.ladder[REFS["stock"].digest].elo == 0.0 and ladder_table(found).row_count == 3


def test_nothing_valid_is_no_rung():
    with pytest.raises(NoEvidenceError, match="it broke"):
        standings([result("rusher", "stock", 0.8), result("camper", "stock", 0.3, pairs=0)], "made up")


def test_everybody_meets_everybody_once(monkeypatch):
    met = []

    def plays(one, other, scenario, seeds, **_):
        met.append((one.ref.name, other.ref.name))
        return result("rusher", "stock", 0.6, len(seeds))

    monkeypatch.setattr(ladder, "play", plays)
    players = [player_of(name) for name in ("rusher", "stock", "rusher")]
    ladder.everybody(players, "made up", "mage", 4)
    assert met == [("rusher", "stock"), ("rusher", "random"), ("stock", "random")]


def test_a_picture_that_cannot_be_drawn_is_refused_before_anything_is_played(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("agents.judge.__main__.everybody", lambda *_: pytest.fail("it was played"))
    words = ["ladder", "rusher", "--archetype", "mage", "--plot", str(tmp_path / "new" / "ladder.xyz")]
    assert main(words) == 2
    assert "ladder.xyz, expected a name that ends in one of" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_dollars_in_a_name_are_no_formula(tmp_path):
    names = {REFS["rusher"].digest: r"runs$\frac$x", REFS["stock"].digest: "stock"}
    found = replace(standings([result("rusher", "stock", 0.8)], "of $\\frac$"), names=names)
    plot_ladder(found, tmp_path / "ladder.png")
    assert (tmp_path / "ladder.png").stat().st_size > 0
