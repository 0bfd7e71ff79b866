"""A recording is a match: saved, loaded and played back it comes out the same, to the bit."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlmonster_env.contract import CONTROLS
from mlmonster_env.data import Bestiary
from mlmonster_env.envs.battle import Battle
from mlmonster_env.scenarios import named
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.legal import random_orders
from mlmonster_env.sim.recording import Recording
from tests.sim.grounds import bundled

SCENARIOS = ("skirmish-2v2", "duel", "pack-3", "raid-4v2", "mirror-v1:all", "mirror-v1:held-out:contact")


def actions(battle: Battle, random: np.random.Generator) -> Any:
    """Legal actions for all slots, or random vectors."""
    count = CONTROLS[battle.control]
    if not count:
        return random.uniform(-1, 1, (battle.num_slots, 4))
    orders = np.zeros(battle.num_slots, np.int32)
    random_orders(
        battle.arena.words, battle.matches, battle.units, np.zeros((battle.num_slots, count), np.int8), orders
    )
    return orders


def played(
    control: str, scenario: str, mode: str = "renewal", steps: int = 60, seed: int = 5, **options: Any
) -> Battle:
    """Four matches under random orders, some of them the second of their row."""
    battle = Battle(4, control, scenario=scenario, bestiary=bundled(mode), record=True, **options)
    battle.reset(np.arange(5, 9))
    random = np.random.default_rng(5)
    for step in range(steps):
        if step == steps // 3:
            battle.begin(np.array([1, 3]))
        battle.step(actions(battle, random))
    return battle


@cache
def recorded() -> Recording:
    return played("combat", "skirmish-2v2", pack=True).recording(1)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("control", CONTROLS)
def test_a_recording_plays_back_to_the_same_digest(control, scenario, tmp_path):
    battle = played(control, scenario, pack=True, opponent="random")
    for match in range(4):
        recording = battle.recording(match)
        assert recording.digest == battle.arena.digest()[match]
        assert len(recording.orders) == (60 if match in (0, 2) else 40)
        path = tmp_path / "deep" / f"{match}.npz"
        recording.save(path)
        loaded = Recording.load(path)
        assert loaded.replayed_digest(bundled()) == recording.digest
        assert loaded.plan == recording.plan


@pytest.mark.parametrize("skills", ["fair", "free"])
@pytest.mark.parametrize("mode", ["renewal", "pre-renewal"])
def test_both_modes_and_both_ways_of_skills_play_back(mode, skills, tmp_path):
    recording = played("skill", "mirror-v1", mode, skills=skills, both_sides=True).recording(3)
    recording.save(tmp_path / "a.npz")
    loaded = Recording.load(tmp_path / "a.npz")
    assert (loaded.mode, loaded.skills) == (mode, skills)
    assert loaded.replayed_digest() == recording.digest


@pytest.mark.parametrize("opponent", ["stock", "idle", "random"])
def test_every_opponent_plays_back(opponent):
    recording = played("movement", "skirmish-3v3", opponent=opponent).recording(2)
    assert recording.replayed_digest(bundled()) == recording.digest


def test_an_opponent_that_is_a_function_plays_back():
    def rival(seen):
        return seen["action_mask"].argmax(1)

    recording = played("combat", "skirmish-3v3", opponent=rival).recording(0)
    assert recording.controls == (("combat", (0,)), ("combat", (3, 4, 5)))
    assert recording.replayed_digest(bundled()) == recording.digest


def test_other_orders_are_another_match():
    recording = recorded()
    other = replace(recording, orders=np.zeros_like(recording.orders))
    assert other.replayed_digest(bundled()) != recording.digest
    assert replace(recording, seed=recording.seed + 1).replayed_digest(bundled()) != recording.digest


def test_play_goes_step_by_step_and_watching_does_not_matter():
    recording = recorded()
    digests = [arena.digest()[0] for arena in recording.play(bundled())]
    assert len(digests) == len(recording.orders) + 1
    assert digests[-1] == recording.digest
    watched = [arena.digest()[0] for arena in recording.play(bundled(), observed=True)]
    assert watched == digests


def test_a_replay_can_be_asked_what_happened():
    recording = recorded()
    dealt = sum(int(arena.events.damage_dealt.sum()) for arena in list_of(recording))
    final = list(recording.play(bundled()))[-1]
    assert dealt == int(final.units[0, f.DAMAGE_DEALT].sum()) > 0


def list_of(recording: Recording):
    """The arena after each step."""
    steps = recording.play(bundled(), observed=True)
    next(steps)
    return steps


@pytest.mark.parametrize("ticks", [1, 2, 3, 5])
def test_scenes_show_the_whole_match(ticks):
    recording = recorded()
    scenes = list(recording.scenes(bundled(), ticks))
    assert scenes[0].clock_ms < 200
    assert len(scenes) == 1 - (-len(recording.orders) * recording.ticks // ticks)
    passed = np.diff([scene.clock_ms for scene in scenes[:-1]])
    assert set(passed.tolist()) == {100 * ticks}  # a decision need not be a multiple of it
    final = list(recording.play(bundled()))[-1].scene(0)
    assert (scenes[-1].clock_ms, scenes[-1].units) == (final.clock_ms, final.units)


def test_a_long_recording_of_many_short_matches_keeps_only_what_is_needed():
    battle = Battle(2, "combat", scenario="skirmish-1v1", bestiary=bundled(), record=True)
    battle.reset(np.arange(2))
    random = np.random.default_rng(0)
    for step in range(1300):
        if step and step % 100 == 0:
            battle.begin(np.array([0]))
        if step and step % 130 == 0:
            battle.begin(np.array([1]))
        battle.step(actions(battle, random))
    for match in range(2):
        recording = battle.recording(match)
        assert len(recording.orders) in (100, 130)
        assert recording.replayed_digest(bundled()) == recording.digest


def test_nothing_is_recorded_unless_asked_for():
    battle = Battle(1, "combat", bestiary=bundled())
    with pytest.raises(RuntimeError, match="record=True"):
        battle.recording()


def test_another_bestiary_is_an_error_that_names_both():
    recording = recorded()
    other = bundled("pre-renewal")
    with pytest.raises(ValueError, match=f"{recording.bestiary[:12]}.*{other.content_hash[:12]}.*expected"):
        recording.replayed_digest(other)
    changed = replace(recording, bestiary="0" * 64)
    with pytest.raises(ValueError, match=r"000000000000.*expected the same files"):
        changed.replayed_digest(Bestiary.load())


def wrong_file(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / "match.npz"
    recorded().save(path)
    if kind == "text":
        path.write_text("not a recording at all\n")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "cut off":
        path.write_bytes(path.read_bytes()[:300])
    elif kind == "damaged":
        kept = bytearray(path.read_bytes())
        kept[97] ^= 0xFF  # within the packed bytes, so that they cannot be unpacked
        path.write_bytes(bytes(kept))
    elif kind == "one array":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif kind == "other arrays":
        np.savez(path, states=np.zeros(3))
    elif kind == "no orders":
        with np.load(path) as kept:
            told = kept["told"]
        np.savez(path, told=told, units=np.zeros(1, np.int32))
    return path


WRONG = [
    "other arrays",
    "text",
    "empty",
    "cut off",
    "damaged",
    "one array",
    "no orders",
]


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_file_is_an_error_that_names_it(kind, tmp_path):
    path = wrong_file(tmp_path, kind)
    with pytest.raises(ValueError, match=r"match\.npz.*expected"):
        Recording.load(path)


def test_a_file_of_another_format_is_an_error_that_says_so(tmp_path):
    path = tmp_path / "match.npz"
    recorded().save(path)
    with np.load(path) as kept:
        told, units, orders = kept["told"].tobytes(), kept["units"], kept["orders"]
    later = told.replace(b'"format": 1', b'"format": 7')
    np.savez(path, told=np.frombuffer(later, np.uint8), units=units, orders=orders)
    with pytest.raises(ValueError, match=r"match\.npz.*format"):
        Recording.load(path)


def test_a_plan_of_numbers_of_any_kind_can_be_written_down(tmp_path):
    told: dict[str, Any] = {"hazard_percent": np.float32(8), "random_walk": np.bool_(False)}
    battle = Battle(1, scenario=replace(named("duel"), **told), record=True)
    battle.reset(np.zeros(1, np.int64))
    battle.step(np.ones(1, np.int32))
    battle.recording().save(tmp_path / "duel.npz")
    assert Recording.load(tmp_path / "duel.npz").plan == named("duel")


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Recording.load(tmp_path / "nowhere.npz")
