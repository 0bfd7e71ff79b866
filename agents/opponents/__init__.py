"""Scripted opponents: eight styles of play, and mixes of them, as rivals of a battle."""

from agents.opponents.mix import Mix
from agents.opponents.names import KNOWN, STYLES, mix_of, opponent_of
from agents.opponents.style import Script, Style

__all__ = ["KNOWN", "STYLES", "Mix", "Script", "Style", "mix_of", "opponent_of"]
