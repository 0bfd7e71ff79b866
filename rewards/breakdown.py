"""Who was paid what for what: the terms of each step and of each episode, and a file of them."""

import csv
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np

from mlmonster_env.envs.battle import Battle
from mlmonster_env.sim.deeds import Events
from rewards.payment import Payment
from rewards.terms import Array

HEAD = ("episode", "slot", "steps", "outcome", "return")


class Breakdown:
    """A payment that remembers: put in the place of a battle's reward, it pays the same and keeps the terms."""

    def __init__(self, battle: Battle, payment: Payment) -> None:
        self.payment = payment
        self._battle = battle
        self._step = np.zeros((len(payment.parts), battle.num_slots), np.float32)
        self._episode = np.zeros((len(payment.parts), battle.num_slots), np.float64)
        self.steps = np.zeros(battle.num_slots, np.int64)
        battle.reward = self

    def __call__(self, events: Events) -> Array:
        """What every unit is paid; the terms of the battle's slots are kept."""
        fresh = (self._battle.steps == 1)[self._battle.matches]
        total, terms = self.payment.total_and_terms(events)
        paid = np.array(list(terms.values()), np.float32).reshape(len(terms), *total.shape)
        self.steps = np.where(fresh, 1, self.steps + 1)
        self._step = paid[:, self._battle.matches, self._battle.units]
        self._episode = np.where(fresh, 0.0, self._episode) + self._step
        return total

    @property
    def step_terms(self) -> dict[str, Array]:
        """What each slot was paid by each term in the last step."""
        return dict(zip(self.payment.parts, self._step, strict=True))

    @property
    def episode_terms(self) -> dict[str, Array]:
        """What each slot was paid by each term since its match began."""
        return dict(zip(self.payment.parts, self._episode, strict=True))

    def go_on_from(self, episode_terms: Mapping[str, Array], steps: Array) -> None:
        """Take over what `episode_terms` and `steps` told of a breakdown made alike."""
        self._episode = np.array([episode_terms[name] for name in self.payment.parts], np.float64)
        self.steps = np.array(steps)

    def of_step(self, slot: int) -> dict[str, float]:
        """What a slot was paid in the last step, by term."""
        return {name: float(paid[slot]) for name, paid in self.step_terms.items()}

    def of_episode(self, slot: int) -> dict[str, float]:
        """What a slot was paid since its match began, by term."""
        return {name: float(paid[slot]) for name, paid in self.episode_terms.items()}


class BreakdownFile:
    """`reward_breakdown.csv`: a line for each slot of each match that ended."""

    def __init__(self, path: str | Path, terms: list[str]) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._terms = terms
        self._episodes = 0
        # Kept open, and each line written when it ends, so that whoever is killed leaves those of all that ended.
        self._file = Path(path).open("w", buffering=1, newline="", encoding="utf-8")  # noqa: SIM115
        self._writer = csv.writer(self._file)
        self._writer.writerow([*HEAD, *terms])

    def write(self, slot: int, steps: int, outcome: int, terms: dict[str, float]) -> None:
        """Add an episode."""
        paid = [terms[name] for name in self._terms]
        self._writer.writerow([self._episodes, slot, steps, outcome, f"{sum(paid):.6g}", *(f"{p:.6g}" for p in paid)])
        self._episodes += 1

    def close(self) -> None:
        """Write what is left and close the file."""
        self._file.close()

    def __enter__(self) -> "BreakdownFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
