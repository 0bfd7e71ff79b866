"""Ways to play by rule, from what slots see alone."""

import numpy as np

from agents.opponents import STYLES, Style
from mlmonster_env.contract import ATTACK, IDLE, NO_SKILL, USE_FIELD, USE_HARM, USE_HELP
from policies.masks import MASK


def takes_offers(seen: dict[str, np.ndarray]) -> np.ndarray:
    """Under skill orders: whatever is on offer is taken, which is what the stock AI does."""
    legal = seen[MASK][:, :NO_SKILL]
    return np.where(legal.any(1), legal.argmax(1), NO_SKILL)


def attacks(seen: dict[str, np.ndarray]) -> np.ndarray:
    """Under combat orders: attack, and use what is on offer."""
    legal = seen[MASK]
    chosen = np.where(legal[:, ATTACK], ATTACK, IDLE)
    for action in (USE_HARM, USE_HELP, USE_FIELD):
        chosen = np.where(legal[:, action], action, chosen)
    return chosen


def idles(seen: dict[str, np.ndarray]) -> np.ndarray:
    """Under combat orders: nothing."""
    return np.full(len(seen["state"]), IDLE)


class AtRandom:
    """Any legal order."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)

    def __call__(self, seen: dict[str, np.ndarray]) -> np.ndarray:
        return np.asarray((self.random.random(seen[MASK].shape) * seen[MASK]).argmax(1))


def make_rival(seed: int = 0) -> Style:
    """A rival of one's own, as somebody would name it by its Python path."""
    return Style(STYLES["rusher"], seed)


class Plainest:
    """A rival with no more than it must have, and `act` for a mix: the first legal order. It counts its calls."""

    control = "combat"
    blocks = ("state", MASK)

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, seen: dict[str, np.ndarray]) -> np.ndarray:
        self.calls += 1
        return np.asarray(seen[MASK].argmax(1))

    def act(self, seen: dict[str, np.ndarray], slots: np.ndarray) -> np.ndarray:
        return self(seen)

    def forget(self, slots: np.ndarray) -> None:
        """Nothing is remembered."""

    def state(self) -> dict[str, int]:
        return {"calls": self.calls}

    def set_state(self, state: dict[str, int]) -> None:
        self.calls = state["calls"]


def make_plainest(seed: int = 0) -> Plainest:
    return Plainest()


class Blind:
    """A rival that sees the state and no mask: it always attacks."""

    control = "combat"
    blocks = ("state",)

    def __call__(self, seen: dict[str, np.ndarray]) -> np.ndarray:
        return np.full(len(seen["state"]), ATTACK)

    def forget(self, slots: np.ndarray) -> None:
        pass

    def state(self) -> dict[str, np.ndarray]:
        return {}

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        pass


def make_blind(seed: int = 0) -> Blind:
    """It, as somebody would name it by its Python path."""
    return Blind()


def make_broken(seed: int = 0) -> Blind:
    """A maker that makes nothing."""
    raise RuntimeError("the weights are gone")
