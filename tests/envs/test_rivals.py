"""Opponents that are objects: what a battle shows them, when they forget, what they yield, and going on to the bit."""

from typing import Any

import numpy as np
import pytest

from mlmonster_env.contract import ATTACK, CONTROLS, IDLE, NO_SKILL
from mlmonster_env.envs.battle import MASK, Battle
from mlmonster_env.envs.monster import MonsterEnv
from mlmonster_env.envs.rivals import RewindingRival, Rival, SeatedRival, YieldingRival
from mlmonster_env.envs.sb3 import ArenaVecEnv
from mlmonster_env.envs.shards import ShardedVecEnv
from mlmonster_env.envs.vector import MonsterVectorEnv
from mlmonster_env.sim import fields as f
from policies.storage import read_tree, write_tree
from tests.envs.play import differences, trajectory

SEES = ("state", MASK)


class Drummer:
    """Attacks at every third decision of a match; yields the matches that it is told to."""

    def __init__(self, control: str = "combat", blocks: tuple[str, ...] = SEES, yielded: tuple[int, ...] = ()) -> None:
        self.control = control
        self.blocks = blocks
        self.yielded = yielded
        self.beats = np.zeros(0, np.int64)
        self.forgotten: list[list[int]] = []
        self.seats: list[tuple[int, int]] = []
        self.seen: dict[str, Any] = {}

    def sit(self, matches: int, members: int) -> None:
        self.seats.append((matches, members))
        self.beats = np.zeros(matches * members, np.int64)

    def __call__(self, seen: dict[str, Any]) -> Any:
        self.seen = seen
        self.beats += 1
        if self.control != "combat":
            return np.full(len(self.beats), NO_SKILL)
        return np.where((self.beats % 3 == 0) & (seen[MASK][:, ATTACK] != 0), ATTACK, IDLE)

    def forget(self, slots: Any) -> None:
        self.forgotten.append(slots.tolist())
        self.beats[slots] = 0

    def yields(self, matches: Any) -> Any:
        return np.isin(matches, self.yielded)

    def state(self) -> dict[str, Any]:
        return {"beats": self.beats.copy()}

    def set_state(self, state: dict[str, Any]) -> None:
        self.beats[:] = state["beats"]


def battle(rival: Any, matches: int = 4, **more: Any) -> Battle:
    arguments = {"pack": True, "scenario": "mirror-v1:contact", "archetype": "aggressive", "observe": SEES}
    made = Battle(matches, "combat", opponent=rival, **{**arguments, **more})
    made.reset(np.arange(matches))
    return made


def attacks(seen: Any) -> Any:
    return np.where(seen[MASK][:, ATTACK] != 0, ATTACK, IDLE)


def play(env: Any, seen: Any, steps: int) -> tuple[Any, list[Any]]:
    told = []
    for _ in range(steps):
        seen, rewards, dones, _ = env.step(attacks(seen))
        told.append((seen["state"].copy(), rewards.copy(), dones.copy()))
    return seen, told


def test_a_rival_is_told_by_what_it_can_do():
    assert isinstance(Drummer(), Rival) and isinstance(Drummer(), SeatedRival) and isinstance(Drummer(), YieldingRival)
    assert not isinstance(Drummer(), RewindingRival)
    assert not isinstance(attacks, Rival)


@pytest.mark.parametrize(("control", "blocks"), [("combat", ("entities", MASK)), ("skill", ("skills", "state"))])
def test_a_rival_has_orders_and_sights_of_its_own(control, blocks):
    rival = Drummer(control, blocks)
    played = battle(rival)
    played.step(np.full(played.num_slots, IDLE))
    assert set(rival.seen) == set(blocks) and all(len(block) == 12 for block in rival.seen.values())
    if MASK in blocks:
        assert rival.seen[MASK].shape == (12, CONTROLS[control])
    assert rival.seats == [(4, 3)]


def test_a_rival_forgets_at_the_beginning_of_matches_and_only_then():
    rival = Drummer()
    played = battle(rival)
    assert rival.forgotten == [list(range(12))]
    played.step(np.full(played.num_slots, IDLE))
    played.begin(np.array([2, 0]))
    assert rival.forgotten[1:] == [[6, 7, 8, 0, 1, 2]]
    assert rival.beats.tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]


def test_what_a_rival_yields_is_played_by_the_stock_ai():
    part, stock = battle(Drummer(yielded=(1, 3))), battle("stock")
    led = part.arena.units[part.rival_matches, f.CONTROL, part.rival_units] != f.STOCK
    assert led.reshape(4, 3).all(1).tolist() == [True, False, True, False]
    for _ in range(60):
        for one in (part, stock):
            one.step(attacks(one.observe()))
    same = [a == b for a, b in zip(part.arena.digest(), stock.arena.digest(), strict=True)]
    assert same == [False, True, False, True]


def test_matches_that_were_yielded_or_not_play_back():
    played = battle(Drummer(yielded=(1,)), matches=2, record=True)
    for _ in range(40):
        played.step(attacks(played.observe()))
    for match, slots in ((0, 6), (1, 3)):
        recording = played.recording(match)
        assert len(recording.units) == slots
        assert recording.replayed_digest() == played.arena.digest()[match]


@pytest.mark.parametrize("yielded", [(), (0,)])
def test_a_battle_with_a_rival_goes_on_to_the_bit_through_a_file(tmp_path, yielded):
    def sharded(seed: int) -> ShardedVecEnv:
        arguments: dict[str, Any] = {"pack": True, "scenario": "mirror-v1:contact", "observe": SEES}
        made = ShardedVecEnv([ArenaVecEnv("combat", n, opponent=Drummer(yielded=yielded), **arguments) for n in (3, 2)])
        made.seed(seed)
        return made

    env = sharded(5)
    seen, _ = play(env, env.reset(), 50)
    write_tree(tmp_path / "kept", {"env": env.state(), "seen": dict(seen)})
    _, told = play(env, seen, 100)
    other = sharded(99)
    kept = read_tree(tmp_path / "kept")
    other.set_state(kept["env"])
    _, again = play(other, kept["seen"], 100)
    assert differences(told, again) == []
    assert any(done.any() for _, _, done in told)


def test_a_state_fits_only_a_battle_with_a_rival_or_without():
    with pytest.raises(ValueError, match="of a battle without a rival"):
        battle(Drummer()).set_state(battle("stock").state())
    with pytest.raises(ValueError, match="of a battle with a rival"):
        battle("stock").set_state(battle(Drummer()).state())


@pytest.mark.parametrize(
    ("rival", "words"),
    [
        (Drummer("combt"), ("control of the rival is 'combt'", "perhaps combat")),
        (Drummer(blocks=("stat",)), ("blocks of the rival is 'stat'", "perhaps state")),
        (Drummer(blocks=("history",)), ("blocks of the rival is 'history'", "state")),
        (Drummer(blocks=()), ("blocks of the rival is ()", "each once")),
    ],
)
def test_a_rival_that_asks_for_what_there_is_not_is_refused(rival, words):
    with pytest.raises(ValueError) as error:
        battle(rival)
    assert all(word in str(error.value) for word in words), error.value


class Gambler(Drummer):
    """Draws from a stream of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.rewind()

    def rewind(self) -> None:
        self.random = np.random.default_rng(0)

    def __call__(self, seen: dict[str, Any]) -> Any:
        return np.asarray((self.random.random(seen[MASK].shape) * seen[MASK]).argmax(1))


def test_a_rival_that_draws_is_rewound_when_its_battle_is_seeded():
    env = MonsterEnv(opponent=Gambler())
    assert differences(trajectory(env, 60, seed=3), trajectory(env, 60, seed=3)) == []


@pytest.mark.parametrize("seed", [3, [3, 8, 5]])
def test_a_rival_that_draws_is_rewound_when_its_batch_is_seeded(seed):
    env = MonsterVectorEnv(3, opponent=Gambler(), scenario="skirmish-1v1")

    def rollout() -> list[Any]:
        return [env.reset(seed=seed), *(env.step(np.full(3, ATTACK)) for _ in range(60))]

    assert differences(rollout(), rollout()) == []
