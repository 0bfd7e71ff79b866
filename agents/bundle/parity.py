"""What was compared before a bundle was written: the schema of parity.json, and what of it is a failure."""

import json

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.bundle.agreement import LIMITS, Agreement, Limit
from agents.bundle.errors import BundleError
from agents.bundle.manifest import Precision

LEAST_STATES = 2000
LEAST_PAIRS = 2  # fewer have no interval
BATCH_ROWS = 128  # that are computed one by one and together
ROLLOUT_STEPS = 500


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Recall(_Told):
    """A model that remembers, beside itself, each with a memory of its own that is never cleared."""

    steps: int
    monsters: int
    agreement: Agreement
    worst_early: float  # of the first hundred steps
    worst_late: float  # of the last hundred


class Outcomes(_Told):
    """The same matches, or the same styles to be named, by either: each a number from 0 to 1 in pairs."""

    what: str
    scenario: str
    pairs: int
    reference: float  # the mean of the trained model
    reference_interval: tuple[float, float]  # 95%
    found: float  # of the exported one
    difference: float
    difference_interval: tuple[float, float]  # of the pairs, so wide that over all 54 models it errs once in twenty
    changed: int  # pairs that came out otherwise


class Parity(_Told):
    """Everything that was compared with the trained model; half precision as a processor that has it computes."""

    precision: Precision
    scenario: str  # that the states are from
    states: int  # different ones, from play; of those with a mask only with a choice
    here: Agreement  # state by state, by the processor that exported it
    agreement: Agreement  # state by state
    batches: Agreement  # each row alone against all of them in one batch
    rollout: Recall | None  # None where nothing is remembered
    outcomes: Outcomes

    def failures(self) -> list[str]:
        """What is not good enough, in words; nothing where all is well."""
        found = []
        if self.states < LEAST_STATES:
            found.append(f"states: {self.states}, expected {LEAST_STATES} at least")
        for name, compared in (("here", self.here), ("states", self.agreement)):
            if compared.rows != self.states >= LEAST_STATES:
                found.append(f"{name}: {compared.rows} rows compared, expected all {self.states} states")
        if self.outcomes.pairs < LEAST_PAIRS:
            found.append(f"outcomes: {self.outcomes.pairs} pairs, expected {LEAST_PAIRS} at least")
        found += [f"states, here: {told}" for told in self.here.failures(LIMITS[self.precision])]
        found += number_failures(self.agreement, self.batches, self.rollout, LIMITS[self.precision])
        low, high = self.outcomes.difference_interval
        if not low <= 0.0 <= high:
            found.append(
                f"{self.outcomes.what}: {self.outcomes.found:.1%} instead of {self.outcomes.reference:.1%}, "
                f"a difference of {low:+.1%} to {high:+.1%} over {self.outcomes.pairs} pairs"
            )
        return found

    def as_bytes(self) -> bytes:
        """As it is written."""
        return (json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True) + "\n").encode()


def number_failures(agreement: Agreement, batches: Agreement, rollout: Recall | None, limit: Limit) -> list[str]:
    """What of the numbers is beyond a limit, in words."""
    found = [f"states: {told}" for told in agreement.failures(limit)]
    found += [f"batch of 1 against {BATCH_ROWS}: {told}" for told in batches.failures(limit)]
    if rollout is not None:
        found += [f"{rollout.steps} steps in a row: {told}" for told in rollout.agreement.failures(limit)]
        if rollout.steps < ROLLOUT_STEPS:
            found.append(f"{rollout.steps} steps in a row, expected {ROLLOUT_STEPS} at least")
    return found


def parsed(text: bytes, where: str) -> Parity:
    """The report in a file's bytes; BundleError if it is none."""
    try:
        return Parity.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BundleError("bad parity report", f"{where} at {place}: {first['msg']}") from error
