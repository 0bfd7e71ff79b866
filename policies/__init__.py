"""Networks: feature extractors, policies, sizes. Knows `mlmonster_env` and nothing of `rewards` or `agents`."""

from policies.acting import Session
from policies.policy import Policy

__all__ = ["Policy", "Session"]
