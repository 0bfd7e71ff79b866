"""How often each snapshot of a pool is met, by how the learner does against it."""

from collections.abc import Callable, Mapping

Rates = Mapping[str, float]  # what the learner wins of late against each, a draw being half
LEAST = 0.02  # nobody is forgotten: a share of the evenly divided


def uniform(rates: Rates) -> dict[str, float]:
    """All as often."""
    return dict.fromkeys(rates, 1.0)


def prioritised(rates: Rates) -> dict[str, float]:
    """More of those to whom one loses: by the square of what is lost."""
    return {name: (1.0 - rate) ** 2 + LEAST for name, rate in rates.items()}


def curriculum(rates: Rates) -> dict[str, float]:
    """More of those of one's own strength, from whom most is learnt: by what is won times what is lost."""
    return {name: 4.0 * rate * (1.0 - rate) + LEAST for name, rate in rates.items()}


MATCHMAKING: dict[str, Callable[[Rates], dict[str, float]]] = {
    "uniform": uniform,
    "prioritised": prioritised,
    "curriculum": curriculum,
}
