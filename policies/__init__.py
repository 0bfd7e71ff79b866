"""Networks: feature extractors, policies, sizes. Knows `mlmonster_env` and nothing of `rewards` or `agents`."""
