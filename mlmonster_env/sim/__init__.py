"""The batch simulator: many matches at once, fought as a real map-server fights them."""

from mlmonster_env.sim.arena import Arena, Results, Snapshot
from mlmonster_env.sim.setup import Scenario

__all__ = ["Arena", "Results", "Scenario", "Snapshot"]
