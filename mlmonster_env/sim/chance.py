"""Each match's own stream of random numbers: a counter under a key, so no match feels another."""

import numpy as np

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import small


@small
def draw(w, bound):
    """A uniform integer from 0 to `bound` - 1."""
    match = w.match
    match[f.COUNTER] += 1
    key = np.uint64(np.uint32(match[f.KEY_LOW])) | (np.uint64(np.uint32(match[f.KEY_HIGH])) << np.uint64(32))
    bits = key + np.uint64(np.uint32(match[f.COUNTER])) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits = bits ^ (bits >> np.uint64(31))
    return np.int64(((bits >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@small
def draw_between(w, low, high):
    """A uniform integer from `low` up to but not including `high`; `low` itself where the span is empty."""
    if high <= low:
        return np.int64(low)
    return low + draw(w, high - low)
