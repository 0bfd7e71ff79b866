"""Styles that look for a fight."""

from agents.opponents.conditions import always, away, both, chance, either, in_front, mood, near, no, sees
from agents.opponents.prey import craft, nearness, prefers, weakness
from agents.opponents.style import ANY, Mood, Script
from mlmonster_env.contract import (
    ATTACK,
    CHANGE_TARGET,
    FLEE,
    MOVE_AWAY,
    MOVE_CLOSER,
    MOVE_RANDOMLY,
    USE_FIELD,
    USE_HARM,
    USE_HELP,
)

RUSHER = Script(
    "runs at the nearest enemy at once, and only ever forward",
    (
        (always, USE_HARM),
        (always, USE_FIELD),
        (prefers(nearness, margin=2.5), CHANGE_TARGET),
        (always, ATTACK),
        (always, MOVE_CLOSER),
        (always, MOVE_RANDOMLY),
    ),
)

FOCUS_FIRE = Script(
    "all of the pack strike the same enemy: the most wounded one that they see",
    (
        (prefers(weakness, margin=0.1), CHANGE_TARGET),
        (always, USE_HARM),
        (always, USE_HELP),
        (always, USE_FIELD),
        (always, ATTACK),
        (away(8), FLEE),
        (always, MOVE_RANDOMLY),
    ),
)

HEALER_FIRST = Script(
    "helps whenever it can, stays behind its allies, and goes for those who cast or strike from afar",
    (
        (always, USE_HELP),
        (prefers(craft, margin=0.3), CHANGE_TARGET),
        (always, USE_HARM),
        (always, USE_FIELD),
        (mood("waits"), MOVE_AWAY),
        (always, ATTACK),
        (away(5), FLEE),
        (always, MOVE_RANDOMLY),
    ),
    {"waits": Mood(comes=both(either(in_front, near(3)), sees), goes=no(sees), longest=3, rest=5)},
)

RANDOM_SKILL = Script(
    "takes what is on offer as the dice fall, and now and then does anything at all",
    (
        (chance(0.5), USE_HARM),
        (chance(0.5), USE_HELP),
        (chance(0.5), USE_FIELD),
        (chance(0.35), ANY),
        (always, ATTACK),
        (always, MOVE_RANDOMLY),
    ),
)
