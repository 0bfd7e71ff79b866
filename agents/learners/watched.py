"""The environment that is trained in: it keeps account of what matches were paid for and how they were played."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agents.behaviour import Behaviour
from agents.opponents.mix import Mix
from mlmonster_env.contract import CONTROLS
from mlmonster_env.envs.battle import MASK, Array
from mlmonster_env.envs.sb3 import ArenaVecEnv
from rewards.breakdown import Breakdown
from rewards.payment import Payment


@dataclass
class FinishedMatch:
    """A match that is over."""

    decisions: int
    outcome: int
    paid: float  # the mean of the side's members
    terms: dict[str, float] = field(default_factory=dict)
    behaviour: dict[str, float] = field(default_factory=dict)
    opponent: str = ""  # by name, where several are met

    @property
    def score(self) -> float:
        """1 won, 0.5 drawn, 0 lost."""
        return (self.outcome + 1) / 2


class WatchedVecEnv(ArenaVecEnv):
    """An `ArenaVecEnv` under an archetype's pay; `finished` holds the matches that ended since it was last emptied."""

    def __init__(self, control: str, num_envs: int, payment: Payment, **arguments: Any) -> None:
        super().__init__(control, num_envs, pack=True, **arguments)
        self.breakdown = Breakdown(self.battle, payment)
        self.behaviour = Behaviour(self.battle)
        self.finished: list[FinishedMatch] = []
        self._legal: Array | None = None

    def reset(self) -> Any:
        """Begin all matches anew."""
        self.behaviour.forget(np.arange(self.battle.num_matches))
        seen: Any = super().reset()
        self._legal = seen.get(MASK)
        return seen

    def step_wait(self) -> Any:
        """As ever; matches that end are noted down."""
        result = super().step_wait()
        seen: Any = result[0]
        self._legal = seen.get(MASK)
        return result

    def _played(self, ended: Array) -> None:
        self.behaviour.note(self._actions, self._legal)
        which = np.flatnonzero(ended)
        if not len(which):
            return
        slots = (which[:, None] * self.slots_a_match + np.arange(self.slots_a_match)).ravel()
        terms = {
            name: paid[slots].reshape(len(which), -1).mean(1) for name, paid in self.breakdown.episode_terms.items()
        }
        outcome = self.battle.outcome()[which]
        rival = self.battle.rival
        met = [rival.names[label] for label in rival.labels[which]] if isinstance(rival, Mix) else [""] * len(which)
        for i, told in enumerate(self.behaviour.close(ended)):
            parts = {name: float(values[i]) for name, values in terms.items()}
            self.finished.append(
                FinishedMatch(
                    int(self.battle.steps[which[i]]), int(outcome[i]), sum(parts.values()), parts, told, met[i]
                )
            )

    def state(self) -> dict[str, Any]:
        """All that `set_state` needs to go on from here to the bit."""
        return {
            "battle": super().state(),
            "behaviour": self.behaviour.state(),
            "terms": self.breakdown.episode_terms,
            "steps": self.breakdown.steps,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` told of an environment made alike."""
        super().set_state(state["battle"])
        self.behaviour.set_state(state["behaviour"])
        self.breakdown.go_on_from(state["terms"], state["steps"])
        self.finished.clear()
        if CONTROLS[self.battle.control]:
            self._legal = self.battle.action_masks()
