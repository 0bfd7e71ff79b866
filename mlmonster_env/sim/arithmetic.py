"""Integer arithmetic as the server's language has it."""

from mlmonster_env.sim.compiled import small


@small
def truncate(numerator: int, denominator: int) -> int:
    """Integer quotient rounded towards zero; `denominator` > 0."""
    if numerator >= 0:
        return numerator // denominator
    return -((-numerator) // denominator)


@small
def clamp(value: int, low: int, high: int) -> int:
    """`value` held between `low` and `high`, both included."""
    return min(max(value, low), high)
