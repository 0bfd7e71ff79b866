"""Opponents as rivals of a battle: eight scripted styles, mixes of players, and models."""

from agents.opponents.mix import Mix
from agents.opponents.model import ModelRival, Temperature
from agents.opponents.names import KNOWN, STYLES, mix_of, opponent_of, parts_of
from agents.opponents.style import Script, Style

__all__ = [
    "KNOWN", "STYLES", "Mix", "ModelRival", "Script", "Style", "Temperature", "mix_of", "opponent_of", "parts_of",
]  # fmt: skip
