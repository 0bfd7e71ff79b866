"""Networks that remember: features seen one after the other to features that know of those before."""

from policies.memory.core import MemoryCore
from policies.memory.lstm import LSTMCore
from policies.memory.transformer_xl import TransformerXLCore

__all__ = ["LSTMCore", "MemoryCore", "TransformerXLCore"]
