"""How a side behaves: accounts of matches against sums made by hand."""

from typing import Any

import numpy as np
import pytest

from agents.behaviour import COLUMNS, SUMMED, Behaviour
from mlmonster_env.contract import ATTACK, CONTROLS, IDLE
from mlmonster_env.envs.battle import Battle
from policies.masks import MASK
from policies.storage import read_tree, write_tree
from tests.agents.minds import AtRandom, attacks, idles, takes_offers

SEEN = ("state", MASK)
MATCHES = 6


def battle_of(control: str = "combat", **more: Any) -> Battle:
    battle = Battle(MATCHES, control, scenario="mirror-v1:contact", pack=True, observe=SEEN, **more)
    battle.reset(np.arange(MATCHES))
    return battle


def play(battle: Battle, behaviour: Behaviour, mind: Any, steps: int = 400) -> list[dict[str, float]]:
    """Play every match to its end, once."""
    going, told = np.ones(MATCHES, np.bool_), []
    for _ in range(steps):
        seen: Any = battle.observe()
        actions = mind(seen)
        _, terminated, truncated = battle.step(actions)
        behaviour.note(actions, seen[MASK], going)
        ended = (terminated | truncated) & going
        told += behaviour.close(ended)
        going &= ~ended
        if not going.any():
            return told
    raise AssertionError("matches did not end")


@pytest.mark.parametrize("side", [0, 1])
def test_the_account_of_a_match_is_what_happened_in_it(side):
    battle = battle_of(side=side)
    behaviour, mind = Behaviour(battle), AtRandom()
    sums = {name: np.zeros(MATCHES) for name in SUMMED}
    chosen: list[list[int]] = [[] for _ in range(MATCHES)]
    going = np.ones(MATCHES, np.bool_)
    while going.any():
        seen: Any = battle.observe()
        actions = mind(seen)
        for slot in np.flatnonzero(seen[MASK].sum(1) > 1):
            if going[battle.matches[slot]]:
                chosen[battle.matches[slot]].append(int(actions[slot]))
        _, terminated, truncated = battle.step(actions)
        for match in np.flatnonzero(going):
            for name in SUMMED:
                sums[name][match] += battle.arena.events[name][match, battle.members].sum()
        behaviour.note(actions, seen[MASK], going)
        ended = (terminated | truncated) & going
        going &= ~ended
        for match, told in zip(np.flatnonzero(ended), behaviour.close(ended), strict=True):
            dealt, taken = sums["damage_dealt"][match], sums["damage_taken"][match]
            shares = np.bincount(chosen[match], minlength=10) / len(chosen[match])
            entropy = -sum(share * np.log(share) for share in shares if share) / np.log(10)
            alive = battle.alive.reshape(MATCHES, -1)[match]
            assert told["damage_ratio"] == pytest.approx(dealt / max(dealt + taken, 1))
            assert told["knock_outs"] == sums["kills"][match] + sums["knock_outs"][match]
            assert told["pick_ups"] == sums["items_picked"][match]
            assert told["survival"] == pytest.approx(alive.mean())
            assert told["action_entropy"] == pytest.approx(entropy)


@pytest.mark.parametrize(("control", "mind"), [("combat", attacks), ("combat", AtRandom()), ("skill", takes_offers)])
def test_shares_are_shares(control, mind):
    battle = battle_of(control)
    for told in play(battle, Behaviour(battle), mind):
        assert set(told) == set(COLUMNS)
        for name in ("damage_ratio", "survival", "attack_rate", "action_entropy"):
            assert 0.0 <= told[name] <= 1.0, name


def test_who_only_idles_has_one_way_to_play():
    battle = battle_of()
    for told in play(battle, Behaviour(battle), idles):
        assert told["action_entropy"] == told["attack_rate"] == told["damage_ratio"] == 0.0


def test_every_way_as_often_is_an_entropy_of_1():
    battle = battle_of()
    behaviour = Behaviour(battle)
    actions = np.arange(battle.num_slots) % CONTROLS["combat"]
    for turn in range(10):
        battle.step(np.full(battle.num_slots, IDLE))
        behaviour.note((actions + turn) % 10, None)
    for told in behaviour.close(np.ones(MATCHES, np.bool_)):
        assert told["action_entropy"] == pytest.approx(1.0)


def test_moments_without_a_choice_say_nothing_of_how_it_plays():
    battle = battle_of()
    behaviour = Behaviour(battle)
    battle.step(np.full(battle.num_slots, IDLE))
    forced = np.zeros((battle.num_slots, 10), np.int8)
    forced[:, ATTACK] = 1
    behaviour.note(np.full(battle.num_slots, ATTACK), forced)
    assert behaviour.choices.sum() == 0
    behaviour.note(np.full(battle.num_slots, ATTACK), np.ones_like(forced))
    assert behaviour.choices[:, ATTACK].tolist() == [3.0] * MATCHES


def test_means_are_over_all_matches():
    battle = battle_of()
    behaviour = Behaviour(battle)
    told = play(battle, behaviour, attacks)
    assert len(told) == MATCHES
    for name, value in behaviour.means().items():
        assert value == pytest.approx(np.mean([match[name] for match in told]))


def test_an_account_goes_on_from_where_it_was_written_down(tmp_path):
    battle = battle_of()
    first, second = Behaviour(battle), Behaviour(battle)
    mind = AtRandom(3)
    for step in range(30):
        seen: Any = battle.observe()
        actions = mind(seen)
        battle.step(actions)
        first.note(actions, seen[MASK])
        if step == 14:
            write_tree(tmp_path / "state", first.state())
            second.set_state(read_tree(tmp_path / "state"))
        elif step > 14:
            second.note(actions, seen[MASK])
    every = np.ones(MATCHES, np.bool_)
    assert first.close(every) == second.close(every)


def test_accounts_begin_anew():
    battle = battle_of()
    behaviour = Behaviour(battle)
    for _ in range(10):
        seen: Any = battle.observe()
        battle.step(attacks(seen))
        behaviour.note(attacks(seen), seen[MASK])
    assert behaviour.lived.all()
    behaviour.forget(np.array([1, 4]))
    kept = np.isin(np.arange(MATCHES), [1, 4], invert=True)
    assert np.array_equal(behaviour.lived > 0, kept) and np.array_equal(behaviour.choices.sum(1) > 0, kept)
    assert behaviour.close(np.zeros(MATCHES, np.bool_)) == []
