"""Which model is where: versions that never change, slots that point to them, and a history of every move."""

from agents.registry.checking import Broken, check
from agents.registry.errors import (
    NotAcceptedError,
    PublishError,
    RegistryError,
    SlotMovedError,
    UnknownVersionError,
)
from agents.registry.judging import Judge, gates
from agents.registry.records import STAGES, HistoryLine, ModelName, ModelScore, ModelSlot, ModelVersion
from agents.registry.registry import Registry
from agents.registry.sweeping import Swept, sweep

__all__ = [
    "STAGES",
    "Broken",
    "HistoryLine",
    "Judge",
    "ModelName",
    "ModelScore",
    "ModelSlot",
    "ModelVersion",
    "NotAcceptedError",
    "PublishError",
    "Registry",
    "RegistryError",
    "SlotMovedError",
    "Swept",
    "UnknownVersionError",
    "check",
    "gates",
    "sweep",
]
