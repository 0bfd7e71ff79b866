"""Per-level values of a skill, as the server extends them beyond the levels that a file gives."""

STORED_LEVELS = 13  # the server keeps this many and computes those above

Stored = tuple[int, ...]  # always STORED_LEVELS long


def same_for_all(value: int) -> Stored:
    """One value at every level."""
    return (value,) * STORED_LEVELS


def extend(old: Stored, given: dict[int, int]) -> Stored:
    """`old` with the levels in `given` (at least one) replaced and those above the highest filled up.

    If the values up to there grow in equal steps, in some rhythm of levels, they go on growing; else the last stays.
    """
    values = list(old)
    for level, value in given.items():
        values[level - 1] = value
    count = max(given)
    for rhythm in range(1, count // 2 + 1):
        growth = values[count - 1] - values[count - 1 - rhythm]
        if all(values[i] - values[i - rhythm] == growth for i in range(rhythm, count)):
            _grow(values, count, rhythm, growth)
            return tuple(values)
    values[count:] = [values[count - 1]] * (STORED_LEVELS - count)
    return tuple(values)


def _grow(values: list[int], count: int, rhythm: int, growth: int) -> None:
    for i in range(count, STORED_LEVELS):
        values[i] = values[i - rhythm] + growth
        if values[i] < 1 and values[i - 1] >= 0:  # a falling value stays at 1 instead of turning negative
            values[i], growth, rhythm = 1, 0, 1


def at_levels(stored: Stored, count: int) -> tuple[int, ...]:
    """Values at levels 1 to `count`; above the stored ones the server continues with half of the last two growths."""
    if count <= STORED_LEVELS:
        return stored[:count]
    before, middle, last = stored[-3:]
    if last <= 1:
        return stored + (last,) * (count - STORED_LEVELS)
    beyond = range(1, count - STORED_LEVELS + 1)
    return stored + tuple(
        last + _half((extra + 1) * (middle - before)) + _half(extra * (last - middle)) for extra in beyond
    )


def _half(value: int) -> int:
    return value // 2 if value >= 0 else -(-value // 2)
