"""Every name and number that crosses a wall; nothing else knows an index."""

ARCHETYPES: tuple[str, ...] = ("aggressive", "defensive", "support", "mage", "tank", "ranged")
MODES: tuple[str, ...] = ("renewal", "pre-renewal")
