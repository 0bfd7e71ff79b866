"""Opponents as rivals of a battle: eight scripted styles, mixes of them, and models."""

from agents.opponents.mix import Mix
from agents.opponents.model import ModelRival
from agents.opponents.names import KNOWN, STYLES, mix_of, opponent_of
from agents.opponents.style import Script, Style

__all__ = ["KNOWN", "STYLES", "Mix", "ModelRival", "Script", "Style", "mix_of", "opponent_of"]
