"""From which seeds matches begin, by what they are played for: nobody is judged on matches that it has learnt from."""

A_SEED = 1 << 24  # matches that one seed of a run, or of judging, can begin before they are those of the next
_REGION = 1 << 48

# Below all of these is what is learnt from.
EVALUATIONS = 1 * _REGION
GATES = 3 * _REGION
GAUNTLETS = 4 * _REGION
LADDERS = 5 * _REGION
REPORTS = 6 * _REGION  # also what is compared of exports, and the banks of the study of gates
REAL_GATES = 7 * _REGION
ADVERSARIES = 8 * _REGION
COLLECTED = 11 * _REGION

_BEYOND = 1 << 62


def learnt_from(first: int) -> int:
    """Where matches that would be learnt from, from `first` on, begin: above all others if `first` is among these."""
    return first if first < EVALUATIONS else first | _BEYOND
