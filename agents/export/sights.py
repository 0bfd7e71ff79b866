"""What a model sees as it plays: states for comparisons, from matches and never made up."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from agents.bundle.ports import MEMORY
from agents.evaluation import minds_of
from agents.judge.mirror import by_start
from agents.judge.patterns import Shown, show
from agents.learners.pattern_data import LEAST
from agents.seeds import A_SEED, REPORTS
from mlmonster_env.envs.battle import MASK, Array, Battle
from mlmonster_env.envs.vector import by_block
from mlmonster_env.scenarios import USUAL
from policies.actors import STRATEGY
from policies.policy import Policy

MATCHES = 32  # of each start, played side by side
STEPS = 60  # over which states are spread
MOST_STEPS = 2000  # after which nothing more is waited for
SHOWN = 128  # matches that patterns are cut from
TRIES = 20


class NoSightsError(Exception):
    """Play gave too few different states."""


@dataclass
class Sights:
    """Rows that a model saw, by input; with what it remembered just before, where it remembers."""

    given: dict[str, Array]

    def __len__(self) -> int:
        return len(next(iter(self.given.values())))

    def rows(self, chosen: Any) -> dict[str, Array]:
        """Some of them."""
        return {name: rows[chosen] for name, rows in self.given.items()}


def from_play(policy: Policy, count: int, seed: int = 0) -> Sights:
    """So many different rows, the model playing greedily against the stock AI; where it chooses, only with a choice.

    A threat model looks on while its picks are played; a model of patterns is shown matches between styles.
    """
    random = np.random.default_rng(seed)
    if policy.card.kind == STRATEGY:
        return _windows(policy, count, random)
    plays = [_Play(policy, plan, REPORTS + seed * A_SEED + number * MATCHES) for number, plan in _starts()]
    kept = _Kept(policy, count)
    for _ in range(MOST_STEPS):
        for play in plays:
            seen = play.seen()
            able = np.flatnonzero(play.battle.alive & _has_choice(seen))
            most = max(1, count // (STEPS * len(plays)))
            chosen = random.permutation(able)[:most]
            kept.add({name: seen[name][chosen] for name in kept.names})
            if kept.full:
                return kept.sights()
            play.step(seen)
    raise NoSightsError(f"{MOST_STEPS} steps of play gave {kept.count} different states, expected {count}")


class _Play:
    """Matches of one start that never end: as one is over the next begins."""

    def __init__(self, policy: Policy, plan: Any, seed: int, matches: int = MATCHES) -> None:
        mind, control, blocks = minds_of(policy)
        self.policy = policy
        self.battle = Battle(
            matches, control, archetype=policy.card.archetype, scenario=plan, pack=True, observe=blocks
        )
        self.battle.reset(seed + np.arange(matches))
        self.memory = np.zeros((self.battle.num_slots, policy.memory_size), np.float32)
        self._mind: Callable[[dict[str, Array]], Array] | None = None if policy.memory_size else mind  # type: ignore[assignment]

    def seen(self) -> dict[str, Array]:
        """What all slots see, and remember."""
        blocks = by_block(self.battle.observe())
        return {**blocks, MEMORY: self.memory}

    def step(self, seen: dict[str, Array], forget: bool = True) -> None:
        """One decision of every slot; whoever begins another match remembers nothing, unless told otherwise."""
        if self._mind is None:
            actions, self.memory = self.policy.think(seen, self.memory)
        else:
            actions = self._mind(seen)
        _, terminated, truncated = self.battle.step(actions)
        if (ended := np.flatnonzero(terminated | truncated)).size:
            self.battle.begin(ended)
            if forget:
                self.memory[np.isin(self.battle.matches, ended)] = 0.0


class _Kept:
    """Different rows of what a model takes."""

    def __init__(self, policy: Policy, count: int) -> None:
        self.names = (*policy.card.blocks, *((MEMORY,) if policy.memory_size else ()))
        self._parts: list[dict[str, Array]] = []
        self._known: set[bytes] = set()
        self._count = count

    @property
    def count(self) -> int:
        return len(self._known)

    @property
    def full(self) -> bool:
        return self.count >= self._count

    def add(self, rows: dict[str, Array]) -> None:
        """Keep those that are new."""
        fresh = []
        for number in range(len(rows[self.names[0]])):
            told = b"".join(np.ascontiguousarray(rows[name][number]).tobytes() for name in self.names)
            if told not in self._known and not self.full:
                self._known.add(told)
                fresh.append(number)
        if fresh:
            self._parts.append({name: np.asarray(rows[name][fresh], np.float32) for name in self.names})

    def sights(self) -> Sights:
        return Sights({name: np.concatenate([part[name] for part in self._parts]) for name in self.names})


def _starts() -> list[tuple[int, Any]]:
    return [(number, plan) for number, (_, plan) in enumerate(by_start(USUAL))]


def _has_choice(seen: dict[str, Array]) -> Array:
    if MASK not in seen:
        return np.ones(len(seen["state"]), np.bool_)
    return np.asarray((np.asarray(seen[MASK]) > 0).sum(1) > 1)


def _windows(policy: Policy, count: int, random: np.random.Generator) -> Sights:
    shown = _shown(policy.card.archetype)
    if not shown.tape.can_be_drawn_from:
        raise NoSightsError(f"{SHOWN} matches between styles show nobody for {LEAST} frames, expected somebody")
    kept = _Kept(policy, count)
    for _ in range(TRIES):
        kept.add({"history": shown.tape.draw(random, count).history})
        if kept.full:
            return kept.sights()
    raise NoSightsError(f"{SHOWN} matches between styles gave {kept.count} different histories, expected {count}")


@lru_cache(maxsize=1)
def _shown(archetype: str) -> Shown:
    """Matches between styles, which do not depend on the model."""
    return show(archetype, SHOWN)


def rollout_play(policy: Policy, seed: int, matches: int) -> _Play:
    """Matches in which a memory is followed."""
    return _Play(policy, USUAL, REPORTS + (1 << 40) + seed * A_SEED, matches)
