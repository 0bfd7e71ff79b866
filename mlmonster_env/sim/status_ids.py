"""The few statuses that kernels must know by name; all else about statuses is in their table."""

from mlmonster_env.sim.status_table import status_id

MILLENNIUMSHIELD = status_id("SC_MILLENNIUMSHIELD")
STONEWAIT = status_id("SC_STONEWAIT")
STONE = status_id("SC_STONE")
