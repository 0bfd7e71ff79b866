"""Styles that mind where they stand."""

from agents.opponents.conditions import (
    always,
    away,
    below,
    both,
    chance,
    either,
    mood,
    near,
    no,
    rests,
    strikes_from,
    struck,
)
from agents.opponents.style import Mood, Script
from mlmonster_env.contract import ATTACK, FLEE, IDLE, MOVE_AWAY, MOVE_RANDOMLY, USE_FIELD, USE_HARM, USE_HELP

KITER = Script(
    "strikes from as far as it can; who comes close is left standing, between two rounds of blows if need be",
    (
        (either(mood("steps back"), mood("springs back")), MOVE_AWAY),
        (always, USE_HARM),
        (always, USE_HELP),
        (always, USE_FIELD),
        (always, ATTACK),
        (away(10), FLEE),
        (chance(0.5), MOVE_RANDOMLY),
        (always, IDLE),
    ),
    {
        # Once it struck from afar it is known to be able to.
        "far-reaching": Mood(comes=strikes_from(2), goes=no(always)),
        "steps back": Mood(comes=both(mood("far-reaching"), near(3)), goes=no(near(5)), longest=2, rest=1),
        "springs back": Mood(
            comes=both(no(mood("far-reaching")), near(2), struck), goes=no(near(5)), longest=1, rest=6
        ),
    },
)

CAMPER = Script(
    "walks up and down where it first stood until somebody comes near, fights him there, and goes back",
    (
        (away(9), FLEE),
        (mood("fights"), USE_HARM),
        (mood("fights"), USE_HELP),
        (mood("fights"), USE_FIELD),
        (mood("fights"), ATTACK),
        (away(4), FLEE),
        (always, USE_HELP),
        (chance(0.4), MOVE_RANDOMLY),
        (always, IDLE),
    ),
    {"fights": Mood(comes=either(near(6), struck), goes=no(either(near(8), struck)))},
)

COWARD = Script(
    "fights while it is whole, runs when it is hurt, and comes back only when it is healed",
    (
        (mood("fears"), USE_HELP),
        (both(mood("fears"), near(8)), MOVE_AWAY),
        (both(mood("fears"), away(1)), FLEE),
        (mood("fears"), IDLE),
        (always, USE_HARM),
        (always, USE_HELP),
        (always, USE_FIELD),
        (always, ATTACK),
        (chance(0.15), MOVE_RANDOMLY),
    ),
    {"fears": Mood(comes=below(0.6), goes=no(below(0.9)))},
)

AMBUSHER = Script(
    "waits unmoved until an enemy is close or strikes it, strikes back with everything, and slips away again",
    (
        (mood("strikes"), USE_HARM),
        (mood("strikes"), USE_FIELD),
        (mood("strikes"), USE_HELP),
        (mood("strikes"), ATTACK),
        (both(rests("strikes"), away(1)), FLEE),
        (both(rests("strikes"), near(8)), MOVE_AWAY),
        (always, IDLE),
    ),
    {"strikes": Mood(comes=either(near(4), struck), goes=no(either(near(7), struck)), longest=40, rest=6)},
)
