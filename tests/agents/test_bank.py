"""Banks: pairs are played once, in chunks, gone on with, and never taken for what they are not."""

from dataclasses import replace

import numpy as np
import pytest

from agents.judge import bank as banks
from agents.judge.bank import Bank
from agents.judge.matches import FaultError, MatchResult, Void, play
from agents.judge.players import player_of
from policies.storage import DamagedError

SCENE = "mirror-v1:contact"
RUSHER, KITER = player_of("rusher"), player_of("kiter")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(banks, "CHUNK", 4)


class Counted:
    """Matches that come out by their seeds, and how many were asked for."""

    def __init__(self):
        self.seeds = []

    def __call__(self, one, other, scenario, seeds, *, archetype, record):
        assert not record
        self.seeds += seeds.tolist()
        scores = np.stack([seeds % 2, seeds % 3 == 0], 1).astype(float)
        digests = tuple((f"{seed:032x}", f"{seed + 1:032x}") for seed in seeds.tolist())
        return MatchResult(one.ref, other.ref, scenario, archetype, seeds, scores, digests, (), {})


def bank(folder, **more):
    return replace(Bank(folder, RUSHER, KITER, SCENE, "mage", 100), **more)


def quiet(text):
    pass


def test_pairs_are_played_once_and_gone_on_with(tmp_path):
    counted = Counted()
    few = bank(tmp_path).pairs(6, quiet, counted)
    assert counted.seeds == list(range(100, 108)) and few.shape == (6, 2)
    more = bank(tmp_path).pairs(10, quiet, counted)
    assert counted.seeds == list(range(100, 112))
    np.testing.assert_array_equal(more[:6], few)


def test_they_are_what_would_be_played(tmp_path):
    found = bank(tmp_path).pairs(4, quiet)
    expected = play(RUSHER, KITER, SCENE, np.arange(4) + 100, archetype="mage", record=False)
    np.testing.assert_array_equal(found, expected.scores)


def test_a_chunk_that_was_cut_off_is_no_chunk(tmp_path):
    (tmp_path / "00000000.writing").write_bytes(b"PK half of it")
    assert len(bank(tmp_path).pairs(4, quiet, Counted())) == 4


@pytest.mark.parametrize("harm", [lambda data: data[:60], lambda data: data[:-200] + bytes(100) + data[-100:]])
def test_damage_is_named(tmp_path, harm):
    bank(tmp_path).pairs(4, quiet, Counted())
    path = tmp_path / "00000000.npz"
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(DamagedError, match=r"00000000\.npz .*delete it"):
        bank(tmp_path).pairs(4, quiet, Counted())


@pytest.mark.parametrize(
    "change", [{"first": KITER}, {"scenario": "skirmish"}, {"archetype": "tank"}, {"first_seed": 5}]
)
def test_a_chunk_of_others_is_not_taken_for_ones_own(tmp_path, change):
    bank(tmp_path).pairs(4, quiet, Counted())
    with pytest.raises(DamagedError, match="or of other players"):
        bank(tmp_path, **change).pairs(4, quiet, Counted())


def test_a_fault_is_no_result(tmp_path):
    def plays(*arguments, **more):
        void = Void((100,), 0, "it broke", RUSHER.ref.digest)
        return replace(Counted()(*arguments, **more), void=(void,))

    with pytest.raises(FaultError, match="it broke"):
        bank(tmp_path).pairs(4, quiet, plays)
    assert not list(tmp_path.iterdir())
