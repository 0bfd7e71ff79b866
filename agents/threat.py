"""A pack that strikes whom a threat model names: it shows what the model's sight is worth in a fight."""

from dataclasses import dataclass

import numpy as np

from mlmonster_env.contract import (
    ATTACK,
    CHANGE_TARGET,
    ENTITY_FEATURES,
    ENTITY_KIND_ROWS,
    IDLE,
    USE_FIELD,
    USE_HARM,
    USE_HELP,
)  # fmt: skip
from mlmonster_env.envs.battle import MASK, Array
from policies.acting import Acting

BLOCKS = ("state", "entities", MASK)
PRESENT, HP, DISTANCE, MINE = (
    ENTITY_FEATURES.index(name) for name in ("present", "hp share", "distance/14", "is my target")
)
WORTH_CHANGING = 1.25  # times as dangerous a hit point as the present target
LEAST_HP = 0.05


@dataclass
class TargetPicker:
    """Attacks, takes every offer, and turns to another enemy when the model holds that one for more dangerous.

    Without a policy it keeps whatever target it has: what the picking is compared with.
    """

    policy: Acting | None

    def __call__(self, seen: dict[str, Array]) -> Array:
        """Combat actions of slots."""
        legal = np.asarray(seen[MASK]) != 0
        chosen = np.where(legal[:, ATTACK], ATTACK, IDLE)
        if self.policy is not None:
            chosen = np.where(self._turns(seen, self.policy) & legal[:, CHANGE_TARGET], CHANGE_TARGET, chosen)
        for action in (USE_HARM, USE_HELP, USE_FIELD):
            chosen = np.where(legal[:, action], action, chosen)
        return chosen

    def _turns(self, seen: dict[str, Array], policy: Acting) -> Array:
        """Whether somebody near is worth more than the present target, per hit point that is left of him."""
        enemies = seen["entities"][:, :ENTITY_KIND_ROWS]
        threat = policy.act({name: seen[name] for name in policy.card.blocks})[..., 0]
        here = enemies[..., PRESENT] > 0.5
        value = np.where(here, threat / np.maximum(enemies[..., HP], LEAST_HP), 0.0)
        mine = enemies[..., MINE] > 0.5
        present = np.where(mine, value, 0.0).max(1)
        near = enemies[..., DISTANCE] <= self._reach(enemies)
        best = np.where(near, value, 0.0).max(1)
        return np.asarray(mine.any(1) & (best > WORTH_CHANGING * present))

    def _reach(self, enemies: Array) -> Array:
        """How far another enemy may stand to be turned to: as far as the present target, and a little more."""
        mine = np.asarray(enemies[..., MINE] > 0.5)
        return np.asarray(np.where(mine, enemies[..., DISTANCE], 0.0).max(1, keepdims=True) + 2.5 / 14)
