"""What results are told with: means over training seeds and 95% of them."""

import math
from collections.abc import Sequence
from statistics import mean, stdev

T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}  # of Student's t, by the number of seeds
Z_95 = 1.96


def over_seeds(values: Sequence[float], errors: Sequence[float]) -> tuple[float, float]:
    """The mean over training seeds and half its interval; with one seed alone that of its own standard error."""
    count = len(values)
    if count not in (1, *T_95):
        raise ValueError(f"there are {count} seeds, expected 1 to {max(T_95)}")
    return mean(values), Z_95 * errors[0] if count == 1 else T_95[count] * stdev(values) / math.sqrt(count)
