"""What an archetype is paid for. Knows `mlmonster_env` and nothing of `policies` or `agents`."""
