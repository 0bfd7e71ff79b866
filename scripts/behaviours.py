"""Ways to play by rule, for measuring what a reward is worth: good play, and ways to be paid without it."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from agents.opponents.offers import takes_offers
from mlmonster_env.contract import (
    ATTACK,
    FLEE,
    IDLE,
    MOVE_AWAY,
    MOVE_CLOSER,
    MOVE_RANDOMLY,
    USE_FIELD,
    USE_HARM,
    USE_HELP,
)
from mlmonster_env.envs.battle import MASK, Array, Battle
from mlmonster_env.sim import fields as f

WOUNDED = 0.4  # of its hit points: where one who never ends a fight lets go
PAUSE = 4  # decisions between two blows of one who only nibbles


def act(behaviour: str, battle: Battle, step: int, random: np.random.Generator) -> Array:
    """What a behaviour does now, in every slot of a battle under combat orders ("stock": under skill orders).

    A behaviour is a name of `BEHAVIOURS`, or module:function of what slots see and which actions are legal.
    """
    if behaviour not in BEHAVIOURS:
        return np.asarray(function_of(behaviour)(battle.observe(), battle.action_masks()))
    return BEHAVIOURS[behaviour](battle, step, random)


def function_of(behaviour: str) -> Callable[[Any, Array], Array]:
    """What "module:function" names; ValueError if there is no such function."""
    module, _, name = behaviour.partition(":")
    try:
        found: Callable[[Any, Array], Array] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"behaviour is {behaviour!r}, which cannot be imported: {error}") from error
    if not callable(found):
        raise ValueError(f"behaviour is {behaviour!r}, expected a function of what slots see and their masks")
    return found


def stock(battle: Battle, step: int, random: np.random.Generator) -> Array:
    """As the stock AI: whatever skill is on offer is taken."""
    return takes_offers({MASK: battle.action_masks()})


def at_random(battle: Battle, step: int, random: np.random.Generator) -> Array:
    """Legal actions, each as likely."""
    legal = battle.action_masks()
    return np.asarray((random.random(legal.shape) * legal).argmax(1))


def winning(battle: Battle, step: int, random: np.random.Generator) -> Array:
    """Attack, and use what is on offer: as a pack it keeps its targets, which beats the stock AI."""
    legal = battle.action_masks()
    return _using(np.where(legal[:, ATTACK], ATTACK, IDLE), legal, (USE_HARM, USE_HELP, USE_FIELD))


def stalling(battle: Battle, step: int, random: np.random.Generator) -> Array:
    """Keep away until the time is over."""
    legal = battle.action_masks()
    return np.where(legal[:, MOVE_AWAY], MOVE_AWAY, np.where(legal[:, FLEE], FLEE, IDLE))


def kiting(battle: Battle, step: int, random: np.random.Generator) -> Array:
    """A blow now and then from where nobody strikes back, and away again."""
    legal = battle.action_masks()
    hurt = battle.arena.events.hurt_lately[battle.matches, battle.units] > 0
    strikes = legal[:, ATTACK] & (step % PAUSE == 0) & ~hurt
    return np.where(strikes, ATTACK, np.where(legal[:, MOVE_AWAY], MOVE_AWAY, IDLE))


def suicide(battle: Battle, step: int, random: np.random.Generator) -> Array:
    """Walk among the enemies and wait."""
    return np.where(battle.action_masks()[:, MOVE_CLOSER], MOVE_CLOSER, IDLE)


def healing(battle: Battle, step: int, random: np.random.Generator) -> Array:
    """Help whenever that is on offer, whoever needs it, and keep away meanwhile."""
    legal = battle.action_masks()
    return _using(np.where(legal[:, MOVE_AWAY], MOVE_AWAY, IDLE), legal, (USE_HELP,))


def milking(battle: Battle, step: int, random: np.random.Generator) -> Array:
    """Wound, but never end it: back off from whoever is badly hurt."""
    legal = battle.action_masks()
    target = battle.arena.units[battle.matches, f.TARGET, battle.units]
    left = battle.arena.events.hp_share[battle.matches, np.maximum(target, 0)]
    spared = (target >= 0) & (left < WOUNDED) & (legal[:, MOVE_AWAY] != 0)
    chosen = np.where(spared, MOVE_AWAY, np.where(legal[:, ATTACK], ATTACK, IDLE))
    return _using(chosen, legal, (USE_HELP, USE_FIELD))


def gathering(battle: Battle, step: int, random: np.random.Generator) -> Array:
    """Walk about: pick up what lies there, and drop it when knocked out."""
    return np.where(battle.action_masks()[:, MOVE_RANDOMLY], MOVE_RANDOMLY, IDLE)


def _using(chosen: Array, legal: Array, actions: tuple[int, ...]) -> Array:
    for action in actions:
        chosen = np.where(legal[:, action], action, chosen)
    return chosen


BEHAVIOURS: dict[str, Callable[[Battle, int, np.random.Generator], Array]] = {
    "stock": stock,
    "random": at_random,
    "winning": winning,
    "stalling": stalling,
    "kiting": kiting,
    "suicide": suicide,
    "healing": healing,
    "milking": milking,
    "gathering": gathering,
}
