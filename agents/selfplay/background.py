"""Matches between engines, played by as many processes as there are cores and written down as they end."""

import json
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from agents.opponents.mix import Mix, Part
from agents.opponents.model import ModelRival, Temperature
from agents.opponents.names import opponent_of, parts_of, player_of
from agents.opponents.offers import TakesOffers
from agents.seeds import learnt_from
from mlmonster_env.contract import BLOCKS, CONTROLS
from mlmonster_env.dataset import EpisodeKeeper, new_storage
from mlmonster_env.envs.battle import MASK, Array, Battle
from mlmonster_env.envs.rivals import SeatedRival
from mlmonster_env.scenarios import USUAL
from policies.storage import write_text
from rewards.archetypes import for_archetype

AT_ONCE = 256  # matches in a batch
FEW_EPISODES = 512  # written together
SEED_BITS, WORKER_BITS, MATCH_BITS = 31, 8, 24  # of a match's own seed
RECORDINGS, TRANSITIONS, SUMMARY = "recordings", "transitions", "summary.json"
KNOWN_BLOCKS = (*BLOCKS, MASK)


@dataclass(frozen=True)
class Order:
    """What is to be played. `first` and `second` are engines: names of `opponent_of`, "mix:..." of several."""

    archetype: str
    matches: int
    first: str = "mix:stock=1,styles=1"
    second: str = "mix:stock=1,styles=1"
    scenario: str = USUAL
    observe: tuple[str, ...] = ("state", MASK)  # what is written of what is seen; `MASK` where there is one
    seed: int = 0
    temperature: Temperature | None = None  # of models; greedy where there is none
    recordings: bool = True
    decision_ms: int = 500


@dataclass
class Tally:
    """What came of one engine's matches."""

    matches: int = 0
    won: int = 0
    drawn: int = 0
    decisions: int = 0

    def add(self, other: "Tally") -> None:
        """Take another's into this one."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass
class Summary:
    """Everything that was played."""

    order: dict[str, Any]
    workers: int
    seconds: float = 0.0
    by_engine: dict[str, Tally] = field(default_factory=dict)
    datasets: list[str] = field(default_factory=list)

    @property
    def matches(self) -> int:
        return sum(tally.matches for tally in self.by_engine.values())

    @property
    def matches_a_second(self) -> float:
        return self.matches / self.seconds


def play_matches(order: Order, out: Path, workers: int, say: Callable[[int], None] = lambda played: None) -> Summary:
    """Play them all; `say` is told now and then how many are over. What is played does not depend on the speed.

    Each worker writes datasets of its own: OUT/transitions/ENGINE-WORKER, episodes of the first engine's monsters.
    """
    if order.matches < 1 or workers < 1:
        raise ValueError(f"matches is {order.matches}, workers {workers}, expected at least 1 of each")
    if workers > 1 << WORKER_BITS or order.matches // workers >= 1 << MATCH_BITS:
        most = f"{1 << WORKER_BITS} workers and {1 << MATCH_BITS:,} matches of each"
        raise ValueError(f"matches is {order.matches:,}, workers {workers}, expected at most {most}")
    if not 0 <= order.seed < 1 << SEED_BITS:
        raise ValueError(f"seed is {order.seed}, expected 0 to {(1 << SEED_BITS) - 1}")
    if any((out / name).exists() for name in (SUMMARY, TRANSITIONS, RECORDINGS)):
        raise ValueError(f"{out} holds matches already, expected another folder")
    engines = parts_of(order.first, "first", pool=False)
    for name in engines:  # each is played apart, so that they may give different orders
        opponent_of(name, what="first")
    opponent_of(order.second, what="second")
    out.mkdir(parents=True, exist_ok=True)
    counts = np.bincount(np.arange(order.matches) % workers, minlength=workers)
    folders = _folders(engines)
    shares = [_Share(order, engines, folders, out, number, int(count)) for number, count in enumerate(counts) if count]
    summary = Summary(asdict(order), len(shares))
    begun = perf_counter()
    try:
        for name, tally, dataset in _worked(shares, say):
            summary.by_engine.setdefault(name, Tally()).add(tally)
            summary.datasets.append(dataset)
    except BaseException:
        for name in (TRANSITIONS, RECORDINGS):
            shutil.rmtree(out / name, ignore_errors=True)
        raise
    summary.seconds = perf_counter() - begun
    told = {**asdict(summary), "matches": summary.matches, "matches_a_second": round(summary.matches_a_second, 2)}
    write_text(out / SUMMARY, json.dumps(told, indent=1) + "\n")
    return summary


@dataclass(frozen=True)
class _Share:
    """What one worker plays."""

    order: Order
    engines: dict[str, float]
    folders: dict[str, str]  # what each engine's dataset is called
    out: Path
    number: int
    matches: int


Told = tuple[str, Tally, str]


def _worked(shares: list[_Share], say: Callable[[int], None]) -> Iterator[Told]:
    if len(shares) == 1:
        yield from _work(shares[0])
        say(shares[0].matches)
        return
    done = 0
    # Ctrl-C ends those who work without a word; who gave the work out tells of it.
    silently = (signal.SIGINT, signal.SIG_DFL)
    with ProcessPoolExecutor(len(shares), get_context("spawn"), signal.signal, silently) as pool:
        for share, told in zip(shares, pool.map(_work, shares), strict=True):
            done += share.matches
            say(done)
            yield from told


def _work(share: _Share) -> list[Told]:
    """Play a worker's share, engine by engine."""
    torch.set_num_threads(1)
    random = np.random.default_rng([share.order.seed, share.number])
    names, weights = list(share.engines), np.array(list(share.engines.values()))
    drawn = random.choice(len(names), share.matches, p=weights / weights.sum())
    told, begun = [], 0
    for number, name in enumerate(names):
        count = int((drawn == number).sum())
        if count:
            told.append(_played(share, name, count, begun))
            begun += count
    return told


def _played(share: _Share, name: str, count: int, begun: int) -> Told:
    """All matches of one engine: half of them on either side, written as they end."""
    # No two matches have the same seed.
    first = learnt_from(share.order.seed << WORKER_BITS + MATCH_BITS) + (share.number << MATCH_BITS) + begun
    folder = share.out / TRANSITIONS / f"{share.folders[name]}-{share.number}"
    tally, storage, episodes = Tally(), None, 0
    for side, seeds in enumerate(np.array_split(first + np.arange(count), 2)):
        if not len(seeds):
            continue
        table = _Table(share, name, side, seeds)
        if storage is None:
            told = f"{share.order.archetype} under {name} against {share.order.second} in {share.order.scenario}"
            storage = new_storage(folder, table.battle, table.battle.control, told, table.shown)
        for some in table.play(tally, episodes):
            storage.update_episodes(some)
            episodes += len(some)
    return name, tally, str(folder.relative_to(share.out))


class _Table:
    """A batch of matches of one engine on one side, which goes on until all seeds are played."""

    def __init__(self, share: _Share, name: str, side: int, seeds: Array) -> None:
        order = share.order
        self.share = share
        self.seeds = seeds
        self.mind = _engine(name, int(seeds[0]), order)
        blocks = tuple(b for b in order.observe if b != MASK or CONTROLS[self.mind.control])
        self.kept = blocks
        rival = opponent_of(order.second, int(seeds[0]) + 1)
        _heat(rival, order)
        self.shown: dict[str, Any] = {  # which the environment of the dataset is to be made with
            "archetype": order.archetype, "scenario": order.scenario, "observe": blocks,
            "decision_ms": order.decision_ms,
        }  # fmt: skip
        self.battle = Battle(
            min(AT_ONCE, len(seeds)), self.mind.control, pack=True, side=side, opponent=rival, record=order.recordings,
            reward=for_archetype(order.archetype), **self.shown,
        )  # fmt: skip
        self.more = tuple(block for block in self.mind.blocks if block not in blocks)

    def play(self, tally: Tally, episodes: int) -> Iterator[list[Any]]:
        """Play all; episodes in lists of some hundreds. `episodes` is the number of the first."""
        battle, seeds = self.battle, self.seeds
        rows = battle.num_matches
        members = battle.num_slots // rows
        if isinstance(self.mind, SeatedRival):
            self.mind.sit(rows, members)
        battle.reset(seeds[:rows])
        self.mind.forget(np.arange(battle.num_slots))
        seed_of, following = seeds[:rows].copy(), rows
        going = np.ones(rows, np.bool_)
        keeper = EpisodeKeeper(battle)
        made: list[Any] = []
        while going.any():
            seen, alive = battle.observe(), battle.alive
            shown = seen if isinstance(seen, dict) else {self.kept[0]: seen}
            more = battle.see(self.more) if self.more else {}
            actions = self.mind({**shown, **more})
            rewards, terminated, truncated = battle.step(actions)
            keeper.note(seen, alive, actions, rewards)
            ended = np.flatnonzero((terminated | truncated) & going)
            if not len(ended):
                continue
            made += keeper.take(ended, terminated, episodes + len(made), self.share.order.seed)
            self._note(ended, seed_of, tally)
            fresh = ended[: len(seeds) - following]
            going[ended[len(fresh) :]] = False
            if len(fresh):
                seed_of[fresh] = seeds[following : following + len(fresh)]
                following += len(fresh)
                battle.begin(fresh, seed_of[fresh])
                self.mind.forget((fresh[:, None] * members + np.arange(members)).ravel())
                keeper.begin(fresh)
            if len(made) >= FEW_EPISODES:
                yield made
                episodes, made = episodes + len(made), []
        if made:
            yield made

    def _note(self, ended: Array, seed_of: Array, tally: Tally) -> None:
        outcome = self.battle.outcome()[ended]
        tally.add(Tally(
            len(ended), int((outcome > 0).sum()), int((outcome == 0).sum()), int(self.battle.steps[ended].sum()),
        ))  # fmt: skip
        if self.share.order.recordings:
            folder = self.share.out / RECORDINGS
            for match in ended.tolist():
                self.battle.recording(match).save(folder / f"{seed_of[match]:019d}-{self.battle.side}.npz")


def _engine(name: str, seed: int, order: Order) -> Part:
    """Who gives the orders of the first side; the stock AI does it by taking what is on offer."""
    player = player_of(name, seed, what="first")
    if player is None:
        return TakesOffers()
    _heat(player, order)
    return player


def _heat(player: Any, order: Order) -> None:
    """Let a player's models draw at the order's temperature, if it has one."""
    if order.temperature is None:
        return
    for model in player.players if isinstance(player, Mix) else [player]:
        if isinstance(model, ModelRival):
            model.deterministic, model.temperature = False, order.temperature


def _folders(names: Iterable[str]) -> dict[str, str]:
    """A name for a folder of each; of those that are alike in letters and digits the later ones have numbers."""
    told: dict[str, str] = {}
    for name in names:
        plain = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name).strip("-")
        alike = [plain, *(f"{plain}-{number}" for number in range(2, 2 + len(told)))]
        told[name] = next(one for one in alike if one not in told.values())
    return told
