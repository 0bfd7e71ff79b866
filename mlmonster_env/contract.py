"""Every name, index and formula that crosses a wall; nothing else knows one. `docs/contract.md` is generated from here.

A state formula takes plain numbers and gives one; kernels compile it, and whoever reads a live server calls it as is.
What comes out is clipped to [0, 1] afterwards. A share or mean of nothing is 0.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numba.extending import register_jitable

VERSION = 1

ARCHETYPES: tuple[str, ...] = ("aggressive", "defensive", "support", "mage", "tank", "ranged")
MODES: tuple[str, ...] = ("renewal", "pre-renewal")
MODEL_TYPES: tuple[str, ...] = (
    "combat_dqn", "movement_ppo", "skill_dqn", "threat_assessment", "team_coordination", "spatial_vit",
    "temporal_transformer", "pattern_recognition", "soft_actor_critic",
)  # fmt: skip

# What a learner may order, by kind of control.
COMBAT_ACTIONS: tuple[str, ...] = (
    "idle", "attack", "move closer", "move away", "move randomly", "use harm", "use help", "use field",
    "change target", "flee to spawn",
)  # fmt: skip
IDLE, ATTACK, MOVE_CLOSER, MOVE_AWAY, MOVE_RANDOMLY, USE_HARM, USE_HELP, USE_FIELD, CHANGE_TARGET, FLEE = range(10)
MOVES: tuple[tuple[int, int], ...] = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 0))
MOVE_NAMES: tuple[str, ...] = (
    "north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west", "stay",
)  # fmt: skip
STAY = 8
SKILL_SLOTS = 8
NO_SKILL = SKILL_SLOTS
SIGNALS: tuple[str, ...] = ("attack target", "retreat", "form up", "defend leader", "flank")
ATTACK_TARGET, RETREAT, FORM_UP, DEFEND_LEADER, FLANK = range(5)
CONTINUOUS: tuple[str, ...] = ("dx", "dy", "engage", "ability")
USE_STOCK_AI = 255  # what a service answers when it must not decide; never learned

CONTROLS: dict[str, int] = {
    "combat": len(COMBAT_ACTIONS),
    "movement": len(MOVES),
    "skill": SKILL_SLOTS + 1,
    "pack": len(SIGNALS),
    "continuous": 0,
}  # discrete actions of each kind of control; 0: a box of len(CONTINUOUS) numbers in [-1, 1]
NOTHING_TO_DO: dict[str, int] = {"combat": IDLE, "movement": STAY, "skill": NO_SKILL, "pack": 0, "continuous": 0}

# Blocks beside the state.
STATE_SIZE = 64
SIGHT = 14  # cells
LARGEST_PACK = 64  # living units of a side, called ones too
GRID_CELLS = 32
GRID_CHANNELS: tuple[str, ...] = (
    "walls", "allies", "enemies", "threat", "hazards", "own ground", "items", "target",
)  # fmt: skip
ENTITY_ROWS = 12  # six nearest enemies, then six nearest allies
ENTITY_KIND_ROWS = 6
ENTITY_FEATURES: tuple[str, ...] = (
    "present", "enemy", "0.5 + dx/28", "0.5 + dy/28", "distance/14", "hp share", "level/250", "attack range/14",
    "targets me", "is my target", "casts", "casts at me", "walks", "bad statuses/5", "player", "leader",
)  # fmt: skip
SKILL_FEATURES: tuple[str, ...] = (
    "present", "offered", "castable now", "delay left share", "rate/10000", "harm", "help", "field", "reach/14",
    "cast time/5 s", "splash/7", "weapon", "magic", "damage ratio/1000", "delay/30 s", "on itself",
)  # fmt: skip
HISTORY = 90
BLOCKS: dict[str, tuple[int, ...]] = {
    "state": (STATE_SIZE,),
    "grid": (len(GRID_CHANNELS), GRID_CELLS, GRID_CELLS),
    "entities": (ENTITY_ROWS, len(ENTITY_FEATURES)),
    "skills": (SKILL_SLOTS, len(SKILL_FEATURES)),
    "history": (HISTORY, STATE_SIZE),
}  # and "action_mask", as long as the control has actions
LATENT = 256
ADDED_BLOCKS: dict[str, tuple[int, ...]] = {"latent": (LATENT,)}  # of any range; no environment makes them by itself
SHAPES: dict[str, tuple[int, ...]] = {**BLOCKS, **ADDED_BLOCKS}

# What a unit did and suffered in one step: the rows of `arena.events`.
EVENTS: dict[str, str] = {
    "damage_dealt": "hit points that its blows, spells and ground took from enemies",
    "damage_taken": "hit points lost, whoever took them",
    "damage_blocked": "damage that its guards, shields and wards kept away",
    "spell_damage": "the part of damage_dealt that was magic",
    "focus_damage": "the part of damage_dealt that fell on somebody whom an ally also was after",
    "healing_done": "hit points that its healing skills offered",
    "healing_effective": "those of them that somebody really needed",
    "healed": "hit points that came back to it",
    "kills": "enemies that it killed",
    "spell_kills": "those of them that died, or were knocked out, by magic",
    "deaths": "its own death",
    "knock_outs": "lives that it took from enemies who had another one",
    "knocked_out": "lives that it lost and had another one",
    "allies_died": "other members of its side that died",
    "allies_protected": "enemies that let an ally go to turn on it, and those that it killed while they were after one",
    "attacks": "normal attacks begun",
    "hits": "blows and strikes that arrived at an enemy",
    "hits_taken": "blows and strikes that arrived at it",
    "combo_hits": "hits on somebody who was stunned",
    "casts": "skills used",
    "buffs": "good statuses put on itself or allies",
    "statuses_inflicted": "statuses put on enemies",
    "aggro_ms": "milliseconds under the eyes of enemies, summed over them",
    "alive_ms": "milliseconds lived",
    "hazard_ms": "milliseconds on hazardous ground or under enemy ground skills",
    "steps": "cells walked",
    "items_picked": "items picked up",
    "items_dropped": "items dropped",
    "order_changes": "1 if this order differs from the one before",
    "attack_orders": "1 if this order was to fight",
}
# What holds at the end of the step.
MEASURES: dict[str, str] = {
    "distance": "cells to the nearest living enemy, 0 where there is none",
    "hp_share": "hit points left over the most it can have, 0 for the dead",
    "alive": "1 while it lives",
    "lives": "lives left, this one included",
    "max_hp": "the most hit points that it can have",
    "per_hp": "one over max_hp",
    "percent_per_hp": "a hundred over max_hp",
    "hurt": "hit points lost in the last three seconds",
    "hurt_lately": "`hurt` over the most it can have",
    "distance_before": "what `distance` was at the beginning of the step",
    "hp_share_before": "what `hp_share` was at the beginning of the step",
    "alive_before": "1 if it lived at the beginning of the step",
}


class Temperament(NamedTuple):
    """What an archetype is like: constants of the state's last slice, and the distance that it prefers, in cells."""

    primary: float
    secondary: float
    risk: float
    aggression: float
    defence: float
    support: float
    preferred: int


TEMPERAMENTS: dict[str, Temperament] = {
    "aggressive": Temperament(0.0, 0.2, 0.9, 1.0, 0.2, 0.1, 1),
    "defensive": Temperament(0.2, 0.4, 0.3, 0.4, 0.9, 0.4, 2),
    "support": Temperament(0.4, 0.6, 0.2, 0.2, 0.6, 1.0, 8),
    "mage": Temperament(0.6, 1.0, 0.4, 0.7, 0.3, 0.3, 8),
    "tank": Temperament(0.8, 0.2, 0.6, 0.6, 1.0, 0.6, 1),
    "ranged": Temperament(1.0, 0.0, 0.4, 0.8, 0.3, 0.2, 9),
}

Formula = TypeVar("Formula", bound=Callable[..., float])


class StateEntry(NamedTuple):
    """One number of the state vector."""

    place: int
    name: str
    group: str
    formula: Callable[..., Any] | None  # None: reserved, always 0


# Where each number of the state stands.
(
    # self
    HP_SHARE, SP_SHARE, LEVEL, CAN_MOVE_NOW, STRENGTH, ROWS_READY, BAD_STATUSES, RESERVED_7, ARCHETYPE,
    ARCHETYPE_MARGIN, EXCHANGE, RESERVED_11,
    # surroundings
    OPEN_GROUND, HEMMED_IN, ITEMS_NEAR, ENEMY_GROUND, PLAYERS_IN_VIEW, MONSTERS_IN_VIEW, FROM_SPAWN, LEVEL_GAP,
    TIME_OF_DAY, BALANCE_BY_COUNT,
    # pack
    PACK_SIZE, COHESION, ALLIES_HP, LEADER_LIVES, GATHERED, RESERVED_27, ALLIES_READY, HALF,
    # tactics
    ENEMIES_IN_RANGE, NEAREST_ENEMY, TARGETED_BY, HURT_IN_3_S, TARGET_HP, TARGET_KIND, TARGET_CASTS,
    AT_PREFERRED, WAYS_OUT, BALANCE_BY_HP, JUST_NOTICED, POSTURE,
    # time
    HURT_IN_10_S, DELAYS_LEFT, IN_COMBAT, ACCURACY, RESERVED_46, AGE, RESERVED_48, HEALED_IN_10_S, FICKLENESS,
    MOMENTUM,
    # goals
    PRIMARY_GOAL, SECONDARY_GOAL, PROGRESS, HP_URGENCY, SP_URGENCY, RISK, ASSISTS, WANDERS, AGGRESSION, DEFENCE,
    SUPPORT, OTHER_HALF,
) = range(STATE_SIZE)  # fmt: skip
STATE: dict[int, StateEntry] = {}
RESERVED: tuple[int, ...] = (RESERVED_7, RESERVED_11, RESERVED_27, RESERVED_46, RESERVED_48)
GROUPS: tuple[tuple[str, int, int], ...] = (
    ("self", 0, 12), ("surroundings", 12, 22), ("pack", 22, 30), ("tactics", 30, 42), ("time", 42, 52),
    ("goals", 52, 64),
)  # fmt: skip


def jitable(formula: Formula) -> Formula:
    """Let kernels compile a formula; called from Python it stays as it is."""
    return register_jitable(formula)  # type: ignore[no-any-return]


def entry(*places: int, names: tuple[str, ...] = ()) -> Callable[[Formula], Formula]:
    """Give a formula its place in the state vector; where several numbers are made alike, their places and names."""

    def place(formula: Formula) -> Formula:
        for index, name in zip(places, names or (formula.__name__,), strict=True):
            group = next(name for name, first, end in GROUPS if first <= index < end)
            STATE[index] = StateEntry(index, name, group, formula)
        return jitable(formula)

    return place


@jitable
def share(part: float, whole: float) -> float:
    """A part of a whole; 0 of nothing."""
    return part / whole if whole > 0 else 0.0


@entry(HP_SHARE)
def hp_share(hp: float, max_hp: float) -> float:
    return share(hp, max_hp)


@entry(SP_SHARE)
def sp_share(sp: float, max_sp: float) -> float:
    return sp / max_sp if max_sp > 0 else 1.0


@entry(LEVEL)
def level(own_level: float) -> float:
    return own_level / 250


@entry(CAN_MOVE_NOW)
def can_move_now(free_to_walk: float) -> float:
    return free_to_walk


@entry(STRENGTH)
def strength(base_attack: float, mean_attack: float) -> float:
    return math.log2(1 + base_attack + mean_attack) / 16


@entry(ROWS_READY)
def rows_ready(rows_off_delay: float, skill_rows: float) -> float:
    return share(rows_off_delay, skill_rows)


@entry(BAD_STATUSES)
def bad_statuses(count: float) -> float:
    return count / 5


@entry(ARCHETYPE)
def archetype(number: float) -> float:
    return number / 5


@entry(ARCHETYPE_MARGIN)
def archetype_margin(margin: float) -> float:
    return margin


@entry(EXCHANGE)
def exchange(dealt_in_10_s: float, taken_in_10_s: float) -> float:
    return share(dealt_in_10_s, dealt_in_10_s + taken_in_10_s)


@entry(OPEN_GROUND)
def open_ground(walkable_of_9_x_9: float) -> float:
    return walkable_of_9_x_9 / 81


@entry(HEMMED_IN)
def hemmed_in(blocked_neighbours: float) -> float:
    return blocked_neighbours / 8


@entry(ITEMS_NEAR)
def items_near(items: float) -> float:
    return items / 5


@entry(ENEMY_GROUND)
def enemy_ground(cells_of_5_x_5: float) -> float:
    return cells_of_5_x_5 / 25


@entry(PLAYERS_IN_VIEW)
def players_in_view(players: float) -> float:
    return players / 10


@entry(MONSTERS_IN_VIEW)
def monsters_in_view(monsters: float) -> float:
    return monsters / 20


@entry(FROM_SPAWN)
def from_spawn(cells: float) -> float:
    return cells / 30


@entry(LEVEL_GAP)
def level_gap(sum_of_enemy_levels: float, enemies: float, own_level: float) -> float:
    return 0.5 + (sum_of_enemy_levels / enemies - own_level) / 100 if enemies > 0 else 0.5


@entry(TIME_OF_DAY)
def time_of_day(part_of_day: float) -> float:
    return part_of_day


@entry(BALANCE_BY_COUNT)
def balance_by_count(own_side: float, enemies: float) -> float:
    return share(own_side, own_side + enemies)


@entry(PACK_SIZE)
def pack_size(own_side: float) -> float:
    return own_side / 12


@entry(COHESION)
def cohesion(mean_distance_to_centroid: float) -> float:
    return 1 - mean_distance_to_centroid / SIGHT


@entry(ALLIES_HP)
def allies_hp(sum_of_hp_shares: float, allies: float) -> float:
    return share(sum_of_hp_shares, allies)


@entry(LEADER_LIVES)
def leader_lives(leader: float) -> float:
    return leader


@entry(GATHERED)
def gathered(allies_within_3_cells_of_the_leader_or_centroid: float, allies: float) -> float:
    return share(allies_within_3_cells_of_the_leader_or_centroid, allies)


@entry(ALLIES_READY)
def allies_ready(allies_rows_off_delay: float, allies_rows: float) -> float:
    return share(allies_rows_off_delay, allies_rows)


@entry(HALF, OTHER_HALF, names=("half", "other_half"))
def half() -> float:
    return 0.5


@entry(ENEMIES_IN_RANGE)
def enemies_in_range(enemies: float) -> float:
    return enemies / 5


@entry(NEAREST_ENEMY)
def nearest_enemy(cells_or_14: float) -> float:
    return cells_or_14 / SIGHT


@entry(TARGETED_BY)
def targeted_by(units: float) -> float:
    return units / 5


@entry(HURT_IN_3_S)
def hurt_in_3_s(damage_in_3_s: float, max_hp: float) -> float:
    return share(damage_in_3_s, max_hp)


@entry(TARGET_HP)
def target_hp(hp: float, max_hp: float) -> float:
    return share(hp, max_hp)


@entry(TARGET_KIND)
def target_kind(has_target: float, target_is_player: float) -> float:
    return 0.5 * has_target + 0.5 * target_is_player


@entry(TARGET_CASTS)
def target_casts(casts: float, casts_at_me: float) -> float:
    return 0.5 * casts + 0.5 * casts_at_me


@entry(AT_PREFERRED)
def at_preferred(enemies: float, cells: float, preferred: float) -> float:
    return 1 - abs(cells - preferred) / SIGHT if enemies > 0 else 0.0


@entry(WAYS_OUT)
def ways_out(directions_with_3_free_steps_that_gain_distance: float) -> float:
    return directions_with_3_free_steps_that_gain_distance / 8


@entry(BALANCE_BY_HP)
def balance_by_hp(hp_of_own_side: float, hp_of_enemies: float) -> float:
    return share(hp_of_own_side, hp_of_own_side + hp_of_enemies)


@entry(JUST_NOTICED)
def just_noticed(ms_since_the_first_enemy_came_in_view: float) -> float:
    return 1 - ms_since_the_first_enemy_came_in_view / 3000


@entry(POSTURE)
def posture(in_motion: float, casting: float, offered: float) -> float:
    return 2 / 3 if casting > 0 else (1 / 3 if in_motion > 0 else offered)


@entry(HURT_IN_10_S)
def hurt_in_10_s(damage_in_10_s: float, max_hp: float) -> float:
    return share(damage_in_10_s, max_hp)


@entry(DELAYS_LEFT)
def delays_left(sum_of_delay_left_shares: float, skill_rows: float) -> float:
    return share(sum_of_delay_left_shares, skill_rows)


@entry(IN_COMBAT)
def in_combat(ms_since_combat_began: float) -> float:
    return ms_since_combat_began / 60_000


@entry(ACCURACY)
def accuracy(hits_of_last_8: float) -> float:
    return hits_of_last_8 / 8


@entry(AGE)
def age(ms_since_spawn: float) -> float:
    return ms_since_spawn / 120_000


@entry(HEALED_IN_10_S)
def healed_in_10_s(healing_in_10_s: float, max_hp: float) -> float:
    return share(healing_in_10_s, max_hp)


@entry(FICKLENESS)
def fickleness(target_changes_in_10_s: float) -> float:
    return target_changes_in_10_s / 5


@entry(MOMENTUM)
def momentum(balance_by_hp_now: float, balance_by_hp_5_s_ago: float) -> float:
    return 0.5 + (balance_by_hp_now - balance_by_hp_5_s_ago) / 2


@entry(PRIMARY_GOAL, SECONDARY_GOAL, names=("primary_goal", "secondary_goal"))
def goal(temperament: float) -> float:
    return temperament


@entry(PROGRESS)
def progress(has_target: float, cells_to_target: float) -> float:
    return has_target * (1 - cells_to_target / SIGHT)


@entry(HP_URGENCY)
def hp_urgency(hp: float, max_hp: float) -> float:
    return 1 - share(hp, max_hp)


@entry(SP_URGENCY)
def sp_urgency(sp: float, max_sp: float) -> float:
    return 1 - sp / max_sp if max_sp > 0 else 0.0


@entry(RISK, AGGRESSION, DEFENCE, SUPPORT, names=("risk", "aggression", "defence", "support"))
def inclination(temperament: float) -> float:
    return temperament


@entry(ASSISTS, WANDERS, names=("assists", "wanders"))
def by_mode(mode_flag: float) -> float:
    return mode_flag


def state_names() -> list[str]:
    """What each of the 64 numbers is called; reserved ones are "reserved"."""
    return [STATE[i].name if i in STATE else "reserved" for i in range(STATE_SIZE)]


def free_to_act(states: Any) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Who could do anything but go on, told from state vectors [..., 64]: alive, no attack or cast under way."""
    state = np.asarray(states, np.float32)
    busy = (state[..., POSTURE] > 1 / 6) & (state[..., POSTURE] < 5 / 6)
    return np.asarray((state[..., HP_SHARE] > 0) & ~busy)


def derive_mask(states: Any, control: str) -> np.ndarray[Any, np.dtype[np.int8]]:
    """Which actions could be legal, told from state vectors [..., 64] alone: for a server that sends no mask.

    Wider than the truth where the state does not tell: of which kind an offered skill is, where walls stand.
    """
    if not CONTROLS.get(control):
        raise ValueError(f"control is {control!r}, expected {', '.join(c for c, n in CONTROLS.items() if n)}")
    state = np.asarray(states, np.float32)
    legal = np.zeros((*state.shape[:-1], CONTROLS[control]), np.int8)
    legal[..., NOTHING_TO_DO[control]] = 1
    alive = state[..., HP_SHARE] > 0
    offered = state[..., POSTURE] > 5 / 6
    casts = (state[..., POSTURE] > 1 / 2) & ~offered
    free = free_to_act(state)
    walks = free & (state[..., CAN_MOVE_NOW] > 0.5)
    if control == "pack":
        legal[alive] = 1
    elif control == "skill":
        legal[alive & (state[..., POSTURE] > 1 / 6) & ~casts] = 1
    elif control == "movement":
        legal[walks] = 1
    else:
        targeted = state[..., TARGET_KIND] > 0.25
        own_side = np.where(state[..., PACK_SIZE] < 1, state[..., PACK_SIZE] * 12, LARGEST_PACK)  # it counts to 12
        enemies = own_side * (1 / np.maximum(state[..., BALANCE_BY_COUNT], 1e-6) - 1)
        in_sight = (state[..., NEAREST_ENEMY] < 1) | (enemies > 0.5)
        beside = targeted & (state[..., PROGRESS] > 1 - 1.5 / SIGHT)
        legal[..., ATTACK] = free & (targeted | in_sight)
        legal[..., MOVE_CLOSER] = walks & (targeted | in_sight) & ~beside
        legal[..., MOVE_AWAY] = walks & in_sight
        legal[..., MOVE_RANDOMLY] = walks
        legal[..., USE_HARM : USE_FIELD + 1] = (free & offered)[..., None]
        far = state[..., PROGRESS] <= 0  # whoever is in sight then is somebody else
        legal[..., CHANGE_TARGET] = free & in_sight & ((enemies > 1.5) | ~targeted | far)
        legal[..., FLEE] = walks & (state[..., FROM_SPAWN] > 0)
    return legal
