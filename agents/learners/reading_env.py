"""Matches against known styles, in which what is read of the enemies is shown."""

from typing import Any

import numpy as np

from agents.learners.watched import WatchedVecEnv
from agents.opponents.mix import NOBODY, Mix
from agents.reading import Reading, ReadingBattle
from mlmonster_env.envs.battle import Array
from rewards.payment import Payment


class ReadingVecEnv(WatchedVecEnv):
    """A `WatchedVecEnv` whose opponent is a mix of `styles`; `labels` says of each match which of them is played now.

    Its `reading` has no reader before a learner gives it one. `every` is an argument of `ReadingBattle`.
    """

    battle_class = ReadingBattle
    battle: ReadingBattle

    def __init__(self, control: str, num_envs: int, payment: Payment, **arguments: Any) -> None:
        mix = arguments.get("opponent", "stock")
        if not isinstance(mix, Mix) or len(mix.names) < 2:
            told = f"a mix of {mix.names[0]} alone" if isinstance(mix, Mix) else repr(mix)
            raise ValueError(f"opponent is {told}, expected a mix of two styles or more: they are to be told apart")
        super().__init__(control, num_envs, payment, **arguments)
        self.styles = mix.names
        self._mix = mix

    @property
    def reading(self) -> Reading:
        """What was seen and read of the enemies."""
        return self.battle.reading

    @property
    def labels(self) -> Array:
        """Of each match, the number of the style that its enemies play; -1 where they are no style."""
        return np.where(self._mix.labels < len(self.styles), self._mix.labels, NOBODY)
