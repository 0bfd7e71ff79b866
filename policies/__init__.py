"""Networks: feature extractors, policies, sizes. Knows `mlmonster_env` and nothing of `rewards` or `agents`."""

from policies.policy import Policy, Session

__all__ = ["Policy", "Session"]
