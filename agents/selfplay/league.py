"""Who the matches of a run are played against: fixed players, and a pool of the model's past selves."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from agents.config.tree import SelfPlay
from agents.opponents.mix import STOCK, Mix, Part
from agents.opponents.model import READ, ModelRival
from agents.opponents.names import POOL, parts_of, player_of
from agents.selfplay.matchmaking import MATCHMAKING
from agents.selfplay.pool import Pool
from agents.selfplay.scorebook import Scorebook
from policies.policy import Card, Policy

FOLDER = "pool"  # in a run's
REFRESH = 64  # results between two looks at how often each is to be met


class League:
    """One for all shards of a run, each of which has a `seat`. It changes at boundaries of training alone.

    `opponents` is what the run was told: "pool", or a mix of which a pool is part.
    """

    def __init__(self, opponents: str, settings: SelfPlay, folder: Path, card: Card, device: str = "cpu") -> None:
        weights = parts_of(opponents, "opponents")
        if POOL not in weights:
            raise ValueError(f"opponents is {opponents!r}, expected a pool among them: pool, or mix:pool=4,stock=1")
        self.share = weights.pop(POOL)
        self.fixed = weights
        self.settings = settings
        self.pool = Pool(folder / FOLDER, settings.pool, device)
        self.scorebook = Scorebook(settings.recent)
        self.seats: list[Mix] = []
        self.taken = 0  # snapshots in the course of training, the untrained one apart
        self.done = 0.0  # share of the run's decisions
        self._card = card
        self._fresh = 0

    def seat(self, seed: int) -> Mix:
        """The opponent of one shard."""
        control = self._card.control
        players = {name: player_of(name, seed, control, what="opponents") for name in self.fixed}
        made = Mix(
            players, tuple(self.fixed.values()), seed, recruit=partial(self._recruit, seed), control=control,
            blocks=tuple(block for block in self._card.blocks if block != READ),
        )  # fmt: skip
        self.seats.append(made)
        return made

    @property
    def is_early(self) -> bool:
        """Whether the stock AI still plays the pool's part: past selves that cannot fight yet teach little."""
        return STOCK in self.fixed and self.done < self.settings.after

    @property
    def elo(self) -> float:
        """How strong the learner has been of late; the stock AI is at 0, or, where it is not met, the untrained one."""
        anchors = {one.name: one.elo for one in self.pool.snapshots if one.steps or STOCK not in self.fixed}
        return self.scorebook.elo({**anchors, STOCK: 0.0} if STOCK in self.fixed else anchors)

    def reach(self, steps: int, total: int) -> None:
        """So many decisions of so many were made; past selves are met from their share of them on."""
        was_early = self.is_early
        self.done = steps / total
        if was_early and not self.is_early:
            self._reweigh()

    def due(self, steps: int, total: int) -> bool:
        """Whether a snapshot is to be taken after so many decisions of so many."""
        return not self.pool.snapshots or steps * self.settings.snapshots // total > self.taken

    def admit(self, policy: Policy, steps: int, total: int) -> None:
        """Take a snapshot of the model into the pool."""
        elo = self.elo
        first = self.pool.names[0] if self.pool.snapshots and not self.pool.snapshots[0].steps else None
        if first in self.scorebook.played and STOCK in self.fixed:
            # Nothing was known of the untrained one when it was taken; now its matches against the learner tell.
            self.pool.rate(first, elo - self.scorebook.ahead(first))
        self.pool.add(policy, steps, elo)
        self.taken = steps * self.settings.snapshots // total
        self.done = steps / total
        self._reweigh()

    def note(self, results: Iterable[tuple[str, float]]) -> None:
        """Matches that are over, in order: against whom, and what the learner scored."""
        for opponent, score in results:
            self.scorebook.note(opponent, (score,))
            self._fresh += 1
        if self._fresh >= REFRESH:
            self._reweigh()

    def weights(self) -> dict[str, float]:
        """How often everybody is met beside the others; all together are 1."""
        if self.is_early:
            weights = {**self.fixed, STOCK: self.fixed[STOCK] + self.share}
        else:
            told = MATCHMAKING[self.settings.matchmaking]({name: self.scorebook.rate(name) for name in self.pool.names})
            whole = sum(told.values()) or 1.0
            weights = {**self.fixed, **{name: self.share * weight / whole for name, weight in told.items()}}
        total = sum(weights.values())
        return {name: weight / total for name, weight in weights.items()}

    def needed(self) -> list[str]:
        """The snapshots of the pool, and those who left it and are still being played against."""
        playing = {seat.names[number] for seat in self.seats for number in seat.labels.tolist() if number >= 0}
        return sorted({*self.pool.names, *(playing - set(self.fixed))})

    def rows(self) -> list[dict[str, Any]]:
        """Everybody as a line of opponents.csv."""
        elo = {STOCK: 0.0, **{one.name: one.elo for one in self.pool.snapshots}}
        return [
            {
                "opponent": name, "matches": self.scorebook.played.get(name, 0),
                "win_rate": self.scorebook.rate(name), "elo": elo.get(name, ""), "weight": weight,
            }
            for name, weight in self.weights().items()
        ]  # fmt: skip

    def line(self) -> str:
        """For people."""
        if self.is_early:
            return f"Elo {self.elo:+.0f} of late; past selves are met after {self.settings.after:.0%} of the decisions"
        rates = {name: self.scorebook.rate(name) for name in self.pool.names}
        hardest = min(rates, key=lambda name: rates[name])
        steps = next(one.steps for one in self.pool.snapshots if one.name == hardest)
        told = f"{len(rates)} past selves, Elo {self.elo:+.0f} of late"
        return f"{told}; the hardest of them, of {steps / 1e6:.2f} M decisions, is beaten in {rates[hardest]:.0%}"

    def state(self) -> dict[str, Any]:
        """All that `set_state` needs to go on to the bit, but for what the seats remember, which the battles keep."""
        return {
            "pool": self.pool.state(), "scorebook": self.scorebook.state(), "taken": self.taken, "fresh": self._fresh,
            "done": self.done,
        }  # fmt: skip

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` told of the same run."""
        self.pool.set_state(state["pool"])
        self.scorebook.set_state(state["scorebook"])
        self.taken, self._fresh = int(state["taken"]), int(state["fresh"])
        self.done = float(state.get("done", self.taken / self.settings.snapshots))  # older states do not tell it

    def _reweigh(self) -> None:
        weights = self.weights()
        for seat in self.seats:
            seat.weigh(weights)
        self.scorebook.keep(weights)
        self._fresh = 0

    def _recruit(self, seed: int, name: str) -> Part:
        return ModelRival(self.pool.policy(name), seed, deterministic=False, unread=READ in self._card.blocks)
