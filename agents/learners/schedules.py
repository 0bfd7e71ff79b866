"""Numbers that change over training: functions of the share that remains, as Stable-Baselines3 asks for."""

import math
from collections.abc import Callable

Schedule = Callable[[float], float]


def schedule(value: float, curve: str = "constant", last: float = 0.0, warm_up: float = 0.0) -> Schedule:
    """Rises to `value` over a share `warm_up` of training, then goes along `curve` to `value * last`."""
    if curve not in ("constant", "linear", "cosine"):
        raise ValueError(f"curve is {curve!r}, expected constant, linear or cosine")
    if not 0.0 <= warm_up < 1.0:
        raise ValueError(f"warm_up is {warm_up}, expected 0 to below 1")

    def at(remaining: float) -> float:
        done = min(max(1.0 - remaining, 0.0), 1.0)
        if done < warm_up:
            return value * done / warm_up
        part = (done - warm_up) / (1.0 - warm_up)
        if curve == "linear":
            return value * (1.0 - part * (1.0 - last))
        if curve == "cosine":
            return value * (last + (1.0 - last) * 0.5 * (1.0 + math.cos(math.pi * part)))
        return value

    return at
