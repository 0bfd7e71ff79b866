"""What is seen of enemies and read of it: only what was in sight, of the right match, forgotten when it begins anew."""

from typing import Any

import numpy as np
import pytest

from agents.opponents import mix_of, opponent_of
from agents.reading import BLOCK, NetworkReader, Reading, ReadingBattle, battle_for
from mlmonster_env.contract import HISTORY, HP_SHARE, LATENT, SIGHT, STATE_SIZE
from mlmonster_env.envs.battle import MASK, Battle
from mlmonster_env.sim import fields as f
from mlmonster_env.sim.views import observe_states
from policies.pattern import PatternNetwork
from policies.sizes import TINY
from policies.storage import read_tree, write_tree
from tests.agents.minds import AtRandom, attacks
from tests.envs.play import differences
from tests.policies.models import model_of

SEES = ("state", BLOCK, MASK)


def sums(histories):
    """A reader that tells, of each enemy, how many frames were seen, their sum, and the newest's."""
    made = np.zeros((len(histories), LATENT), np.float32)
    made[:, 0] = histories.any(-1).sum(1)
    made[:, 1] = histories[..., 0].sum(1)
    made[:, 2] = histories[:, -1, 0]
    return made


def battle(matches=6, scenario="mirror-v1:contact", opponent: Any = "rusher", reader: Any = sums, **more: Any):
    rival = opponent_of(opponent, 1) if isinstance(opponent, str) else opponent
    made = ReadingBattle(
        matches, archetype="mage", scenario=scenario, opponent=rival, pack=True, observe=SEES, reader=reader, **more
    )
    made.reset(np.arange(matches) + 3)
    return made


def seen_by_hand(one: ReadingBattle) -> np.ndarray:
    """The state of every enemy who is in sight, zeros of the others: [matches, enemies, 64]."""
    units = one.arena.units
    own, foes = np.flatnonzero(one.scenario.sides == one.side), np.flatnonzero(one.scenario.sides != one.side)
    frames = np.zeros((one.num_matches, len(foes), STATE_SIZE), np.float32)
    for match in range(one.num_matches):
        for place, foe in enumerate(foes):
            at = units[match]
            near = [
                max(abs(at[f.X, foe] - at[f.X, mine]), abs(at[f.Y, foe] - at[f.Y, mine])) <= SIGHT
                for mine in own
                if at[f.ALIVE, mine]
            ]
            if at[f.ALIVE, foe] and any(near):
                state = np.zeros((1, STATE_SIZE), np.float32)
                observe_states(one.arena.words, np.array([match]), np.array([foe]), state)
                frames[match, place] = state[0]
    return frames


def test_frames_are_those_of_enemies_in_sight_after_each_decision():
    one = battle(4, "mirror-v1", every=1)
    past = np.zeros((4, one.reading.enemies, HISTORY, STATE_SIZE), np.float32)
    mind, counted = AtRandom(1), set()
    for _ in range(HISTORY + 20):
        _, terminated, truncated = one.step(mind(one.observe()))
        past = np.concatenate([past[:, :, 1:], seen_by_hand(one)[:, :, None]], 2)
        expected = past.reshape(-1, HISTORY, STATE_SIZE)
        found = one.reading.histories(np.arange(len(expected)))
        assert np.allclose(found, expected, atol=5e-4)
        counted |= set((past.any(-1).sum(-1) > 0).sum(1).tolist())
        ended = np.flatnonzero(terminated | truncated)
        one.begin(ended)
        past[ended] = 0
    assert 0 in counted and one.reading.enemies in counted and np.abs(past[..., HP_SHARE]).max() > 0


def test_a_latent_is_the_mean_over_enemies_that_were_seen():
    reading = Reading(3, 2, every=2, reader=sums)
    frames = np.zeros((3, STATE_SIZE), np.float32)
    frames[:, 0] = (0.5, 0.25, 1.0)
    reading.note(np.array([0, 1, 4]), frames)
    assert not reading.latents.any()
    reading.note(np.array([0]), frames[:1])
    assert reading.latents[:, :3].tolist() == [[1.5, 0.625, 0.25], [0, 0, 0], [1, 1, 0]]
    reading.begin(np.array([0]))
    assert not reading.latents[0].any() and reading.latents[2].any()
    for _ in range(HISTORY):
        reading.note(np.zeros(0, np.int64), frames[:0])
    assert not reading.latents.any()


def test_it_is_read_every_so_many_decisions_and_shown_to_every_slot():
    one = battle(every=4)
    members = one.num_slots // one.num_matches
    before = one.observe()[BLOCK]
    assert before.shape == (one.num_slots, LATENT) and not before.any()
    for step in range(1, 13):
        one.step(attacks(one.observe()))
        now = one.observe()[BLOCK]
        assert np.array_equal(now, before) == (step % 4 != 0)
        assert np.array_equal(now, np.repeat(one.reading.latents, members, 0))
        assert np.array_equal(one.observe(np.array([2, 5]))[BLOCK], now[[2, 5]])
        before = now
    one.begin(np.array([1]))
    now = one.observe()[BLOCK].reshape(one.num_matches, members, LATENT)
    assert not now[1].any() and now[[0, 2, 3, 4, 5], :, 0].all()


def test_what_is_told_is_of_the_match_that_is_played():
    mix = mix_of({"rusher": 1, "ambusher": 1, "stock": 1}, 3)
    one = battle(8, "skirmish-2v2", mix, every=2)
    heard: list[Any] = []
    one.reading.teller = lambda told: heard.append((told, mix.labels[told.matches].copy()))
    labels_of: dict[int, set[int]] = {}
    ended, steps = 0, 0
    while ended < 12 and steps < 400:
        _, terminated, truncated = one.step(attacks(one.observe()))
        done = np.flatnonzero(terminated | truncated)
        one.begin(done)
        ended, steps = ended + len(done), steps + 1
    for told, labels in heard:
        for fight, label in zip(told.fights.tolist(), labels.tolist(), strict=True):
            labels_of.setdefault(fight, set()).add(label)
        assert told.histories.any((1, 2)).all() and np.allclose(told.latents, sums(told.histories))
        assert told.enemies.max() < 2 and told.matches.max() < 8
    assert ended >= 12 and all(len(labels) == 1 for labels in labels_of.values())
    assert {label for labels in labels_of.values() for label in labels} == {0, 1, 2}


def test_it_goes_on_to_the_bit(tmp_path):
    network = PatternNetwork(None, TINY)

    def fresh():
        return battle(4, "mirror-v1", "styles", NetworkReader(network), every=3, max_episode_steps=40)

    def play(one, mind, steps):
        told = []
        for _ in range(steps):
            _, terminated, truncated = one.step(mind(one.observe()))
            one.begin(np.flatnonzero(terminated | truncated))
            told.append(one.observe())
        return told

    first, mind = fresh(), AtRandom(2)
    play(first, mind, 50)
    write_tree(tmp_path / "state", {"battle": first.state()})
    random = mind.random.bit_generator.state
    expected = play(first, mind, 60)
    second = fresh()
    second.set_state(read_tree(tmp_path / "state")["battle"])
    mind.random.bit_generator.state = random
    assert differences(expected, play(second, mind, 60)) == []
    assert differences(first.state(), second.state()) == [] and expected[-1][BLOCK].any()


def test_a_seed_is_a_way_to_read():
    one, told = battle(4, "mirror-v1:contact", "styles", every=4), []
    for steps in (30, 7, 30):
        one.reset(np.arange(4) + 9)
        for _ in range(steps):
            one.step(attacks(one.observe()))
        told.append(one.observe())
    assert differences(told[0], told[2]) == [] and told[0][BLOCK].any()


def test_without_a_reader_nothing_is_kept():
    one = battle(reader=None)
    for _ in range(20):
        one.step(attacks(one.observe()))
    assert not one.observe()[BLOCK].any() and not one.reading.histories(np.arange(18)).any()


def test_it_plays_as_any_battle_does():
    told: list[Any] = []
    for make in (Battle, ReadingBattle):
        one = make(4, archetype="tank", scenario="mirror-v1:contact", pack=True, observe=("state", MASK))
        one.reset(np.arange(4))
        for _ in range(30):
            seen: Any = one.observe()
            one.step(attacks(seen))
        told.append((one.observe(), one.arena.digest()))
    assert differences(told[0][0], told[1][0]) == [] and told[0][1] == told[1][1]


def test_what_a_network_reads_does_not_depend_on_how_many_it_reads(monkeypatch):
    histories = np.random.default_rng(0).random((9, HISTORY, STATE_SIZE)).astype(np.float32)
    histories[:, :40] = 0
    read = NetworkReader(PatternNetwork(None, TINY))
    whole = read(histories)
    monkeypatch.setattr("agents.reading.AT_ONCE", 4)
    assert np.allclose(read(histories), whole, atol=1e-5) and whole.shape == (9, LATENT)


def test_a_model_that_reads_nothing_plays_in_a_plain_battle():
    assert battle_for(model_of("values")) is Battle


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"observe": (BLOCK, "stat")}, "observe is 'stat', expected perhaps state"),
        ({"observe": ("state", BLOCK, BLOCK)}, "expected blocks, each once"),
        ({"both_sides": True}, "both_sides is True, expected False"),
        ({"every": 0}, "every is 0, expected at least 1 decision"),
    ],
)
def test_wrong_arguments_are_named(wrong, words):
    with pytest.raises(ValueError, match=words):
        ReadingBattle(2, scenario="duel", **wrong)


def test_no_plain_battle_shows_a_latent():
    with pytest.raises(ValueError, match="observe is 'latent', expected one of state"):
        Battle(2, scenario="duel", observe=("state", BLOCK))


def test_states_of_other_battles_are_refused():
    plain = Battle(4, archetype="mage", scenario="mirror-v1:contact", pack=True, observe=("state", MASK))
    plain.reset(np.arange(4))
    with pytest.raises(ValueError, match="of a battle in which nothing is read"):
        battle(4, opponent="stock").set_state(plain.state())
    with pytest.raises(ValueError, match=r"of frames \(6, 90, 64\), expected \(4, 90, 64\)"):
        Reading(2, 2).set_state(Reading(3, 2).state())
