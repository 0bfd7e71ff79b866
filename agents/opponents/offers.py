"""The stock AI by way of orders: under skill orders, whoever takes whatever is on offer plays as it does."""

from typing import Any

import numpy as np

from mlmonster_env.contract import NO_SKILL
from mlmonster_env.envs.battle import MASK, Array


def takes_offers(seen: dict[str, Array]) -> Array:
    """Skill orders that take what is on offer."""
    legal = np.asarray(seen[MASK][:, :NO_SKILL])
    return np.where(legal.any(1), legal.argmax(1), NO_SKILL)


class TakesOffers:
    """A rival that remembers nothing and draws nothing."""

    control = "skill"
    blocks: tuple[str, ...] = (MASK,)

    def sit(self, matches: int, members: int) -> None:
        """It needs no seat."""

    def __call__(self, seen: dict[str, Array]) -> Array:
        """Skill orders of all slots."""
        return takes_offers(seen)

    def act(self, seen: dict[str, Array], slots: Array) -> Array:
        """Skill orders of these slots."""
        return takes_offers(seen)

    def rewind(self) -> None:
        """There is nothing to go back to."""

    def forget(self, slots: Array) -> None:
        """There is nothing to forget."""

    def state(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Nothing."""
