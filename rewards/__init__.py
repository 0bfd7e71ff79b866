"""What an archetype is paid for: terms of what happens in a step, tables of weights, wrappers, breakdowns."""

from rewards.archetypes import WEIGHTS, for_archetype
from rewards.payment import Payment, Schedule
from rewards.terms import TERMS, Term

__all__ = ["TERMS", "WEIGHTS", "Payment", "Schedule", "Term", "for_archetype"]
