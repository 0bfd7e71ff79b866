"""What a pattern model is compared with: features that somebody thought of, and a logistic regression over them."""

import numpy as np
import torch
from torch import nn

from agents.learners.pattern_data import Windows
from mlmonster_env.contract import (
    CAN_MOVE_NOW,
    FROM_SPAWN,
    HISTORY,
    HP_SHARE,
    HURT_IN_3_S,
    NEAREST_ENEMY,
    POSTURE,
    SIGHT,
    TARGET_CASTS,
    TARGET_KIND,
    TARGETED_BY,
)
from mlmonster_env.envs.battle import Array

NEAR, FAR = 3 / SIGHT, 8 / SIGHT
RIDGE = 1e-3
ROUNDS = 60
LEAST_SPREAD = 1e-4


def features(histories: Array) -> Array:
    """Of each history [n, HISTORY, 64]: levels, spreads, extremes and changes of each entry, and shares of its time."""
    there = np.abs(histories).max(-1) > 0
    count = np.maximum(there.sum(1), 1)[:, None]
    middle = histories.sum(1) / count
    spread = np.sqrt(np.maximum((histories**2).sum(1) / count - middle**2, 0.0))
    least = np.where(there[..., None], histories, 1.0).min(1)
    steps = there[:, 1:] & there[:, :-1]
    changes = (np.abs(np.diff(histories, axis=1)) * steps[..., None]).sum(1) / np.maximum(steps.sum(1), 1)[:, None]
    distance, posture = histories[..., NEAREST_ENEMY], histories[..., POSTURE]
    closer = np.diff(distance, axis=1) * steps
    shares = [
        distance <= NEAR,
        (distance > NEAR) & (distance <= FAR),
        distance >= 1.0,
        histories[..., HP_SHARE] < 0.6,
        histories[..., HURT_IN_3_S] > 0,
        histories[..., TARGET_KIND] > 0,
        histories[..., TARGET_CASTS] > 0,
        histories[..., TARGETED_BY] > 0,
        histories[..., FROM_SPAWN] <= 1 / 30,
        (posture > 1 / 6) & (posture < 1 / 2),
        (posture > 1 / 2) & (posture < 5 / 6),
        histories[..., CAN_MOVE_NOW] > 0.5,
        np.pad(closer < 0, ((0, 0), (1, 0))),
        np.pad(closer > 0, ((0, 0), (1, 0))),
    ]
    of_time = np.stack([(share & there).sum(1) for share in shares], 1) / count
    parts = [middle, spread, least, histories.max(1), histories[:, -1], changes, of_time, count / HISTORY]
    return np.concatenate(parts, 1).astype(np.float32)


class PlainPatterns:
    """A logistic regression over `features`; called with histories it tells probabilities, as a model's teller does."""

    def __init__(self, windows: Windows, classes: int, ridge: float = RIDGE) -> None:
        x = torch.from_numpy(features(windows.history))
        self._middle, self._spread = x.mean(0), x.std(0).clamp(min=LEAST_SPREAD)
        x, styles = self._scaled(x), torch.from_numpy(windows.style)
        self._line = nn.Linear(x.shape[1], classes)
        with torch.no_grad():
            self._line.weight.zero_()
            self._line.bias.zero_()
        search = torch.optim.LBFGS(self._line.parameters(), max_iter=ROUNDS, line_search_fn="strong_wolfe")

        def loss() -> torch.Tensor:
            search.zero_grad()
            off = nn.functional.cross_entropy(self._line(x), styles) + ridge * (self._line.weight**2).sum()
            off.backward()  # type: ignore[no-untyped-call]
            return off

        search.step(loss)  # type: ignore[no-untyped-call]

    def __call__(self, histories: Array) -> Array:
        """[n, HISTORY, 64] to [n, classes]."""
        with torch.inference_mode():
            scores = self._line(self._scaled(torch.from_numpy(features(histories))))
            return np.asarray(torch.softmax(scores, -1).numpy())

    def _scaled(self, x: torch.Tensor) -> torch.Tensor:
        return ((x - self._middle) / self._spread).clamp(-5.0, 5.0)
