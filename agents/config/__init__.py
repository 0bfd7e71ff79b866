"""Training configuration: the typed tree, its defaults, and how both are read."""

from agents.config.read import resolve, resolved_from
from agents.config.tree import Budget, Config

__all__ = ["Budget", "Config", "resolve", "resolved_from"]
