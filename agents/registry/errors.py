"""Why the registry refuses, in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agents.judge.gates import GateVerdict


class RegistryError(Exception):
    """Something that the registry does not do, and why."""


class UnknownVersionError(RegistryError):
    """There is no such version."""


class SlotMovedError(RegistryError):
    """Somebody else moved the slot since it was looked at; nothing was changed."""


class NotAcceptedError(RegistryError):
    """The gates did not accept the candidate; nothing was moved."""

    def __init__(self, told: str, verdicts: "Sequence[GateVerdict]" = ()) -> None:
        super().__init__(told)
        self.verdicts = tuple(verdicts)


class PublishError(RegistryError):
    """Files of the published view that do not follow their slots; a publisher that is run again repairs them.

    Where a slot was to be moved, it has moved: the message begins with where it points to now.
    """
