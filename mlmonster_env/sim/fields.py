"""Where everything about a match lies: rows of its unit array, columns of its match array, states of a mind.

A match is two int32 arrays: `units[row, unit]` and `match[column]`. Times are milliseconds since the match began; a
timer that does not run is NEVER. Units are numbers; NOBODY stands for none.
"""

NEVER = 2_000_000_000
NOBODY = -1
ON_ITS_OWN = -2  # MASTER of a summoned monster that follows nobody
ANYBODY = -2  # whom a mind is after that would take any prey

# States of the stock mind, numbered as the server numbers them.
IDLE, WALK, LOOT, DEAD, BERSERK, ANGRY, RUSH, FOLLOW, ANY, ANYTARGET = range(10)

# Mode bits of a monster.
CAN_MOVE = 0x1
LOOTER = 0x2
AGGRESSIVE_MODE = 0x4
ASSIST = 0x8
CAST_SENSOR_IDLE = 0x10
NO_RANDOM_WALK = 0x20
NO_CAST = 0x40
CAN_ATTACK = 0x80
CAST_SENSOR_CHASE = 0x200
CHANGE_CHASE = 0x400
ANGRY_MODE = 0x800
CHANGE_TARGET_MELEE = 0x1000
CHANGE_TARGET_CHASE = 0x2000
TARGET_WEAK = 0x4000
RANDOM_TARGET = 0x8000
IGNORE_MELEE = 0x10000
IGNORE_MAGIC = 0x20000
IGNORE_RANGED = 0x40000
MVP = 0x80000
IGNORE_MISC = 0x100000
KNOCKBACK_IMMUNE = 0x200000
TELEPORT_BLOCK = 0x400000
DETECTOR = 0x2000000
STATUS_IMMUNE = 0x4000000

STATUS_LIMIT = 10  # statuses at once on one unit; the one that ends soonest makes room
PATH_WORDS = 4  # int32 words of eight 4-bit directions
MAX_PATH = 32
FACING = MAX_PATH - 1  # the step of a path that keeps, unless the path is so long, which way its unit last went

# Rows of `units`.
(
    # who and where: ENTERED when it came to its square of the map
    SPECIES, SIDE, MASTER, ALIVE, X, Y, ENTERED, SPAWN_X, SPAWN_Y, HP, SP, MODE,
    # mind
    STATE, AGGRESSIVE, TARGET, ATTACKER, NORMAL_ATTACKER, RUDE, THINK_AT, WALK_AT, SKILL_CHECKED, LINKED, COULD_MOVE,
    # timers side by side, for the clock's sake: arrival at the next cell, end of a cast, next attack, regeneration
    STEP_AT, CAST_AT, ATTACK_AT, REGEN_AT,
    # attack: ATTACK_ON is whom the running attack is for, READY_AT when the delay is over
    ATTACK_ON, READY_AT, KEEP_ATTACKING,
    # walking: CHASED whom the walk is for
    STEP_MS, PATH_LENGTH, PATH_DONE, GOAL_X, GOAL_Y, NEW_GOAL, CHASED, CHASE_RANGE, HOLD_UNTIL,
    # casting: CAST_SKILL a row of the skill table, CAST_ROW the row of the monster's list
    CAST_SKILL, CAST_ROW, CAST_ON, CAST_X, CAST_Y, CAST_CANCELABLE, LAST_SKILL,
    # statuses and regeneration
    STATUS_COUNT, STATUS_FLAGS, STATUS_STATS, REBORN,
    # THROW: the number from which the dice of all skill rows follow, until the next check
    THROW,
    # orders: CONTROL says who decides, FRESH whether the mind has yet to act on it; DECLINED has a bit a skill row
    CONTROL, ORDER, FRESH, DECLINED,
    LIVES,
    # account of the match
    DAMAGE_DEALT, DAMAGE_TAKEN, ATTACKS, HITS, CASTS, KILLS,
    PATH,
) = range(63)  # fmt: skip
STATUS_ID = PATH + PATH_WORDS
STATUS_END = STATUS_ID + STATUS_LIMIT
STATUS_VALUE = STATUS_END + STATUS_LIMIT
SKILL_DELAY = STATUS_VALUE + STATUS_LIMIT  # then one row for each skill of a list, however many rows it has there


def unit_rows(skills: int) -> int:
    """Rows of `units` when no skill list of the world has more than so many skills."""
    return SKILL_DELAY + skills


# Columns of `match`.
(
    CLOCK, NEXT_THINK, KEY_LOW, KEY_HIGH, COUNTER, SECOND_FIRST, OVER, WINNER, ENDED_AT, STATUS_AT, AREA_AT, EVENT_AT,
    MAP, START, PLACES, FIRST_CONTACT, TICKS, JOURNAL_LINES,
    ITEMS,
) = range(19)  # fmt: skip

# Items of a match: where each lies and who holds it, NOBODY while it lies on the ground, NO_ITEM where there is none.
ITEM_LIMIT = 4
I_X, I_Y, I_HOLDER, ITEM_WIDTH = range(4)
NO_ITEM = -3
EVENTS = ITEMS + ITEM_LIMIT * ITEM_WIDTH

# Pending events: damage under way, or news of an attack that the victim takes in after its flinch. The due times of
# all lie side by side, then the kinds of all, and so on, because the due times are looked through again and again.
EVENT_LIMIT = 24
# E_WHAT holds five small numbers: kind, flags, source, victim, reach, of so many bits each.
EVENT_FIELDS = 4
E_DUE, E_WHAT, E_DAMAGE, E_SKILL = range(0, EVENT_FIELDS * EVENT_LIMIT, EVENT_LIMIT)
KIND_BITS, FLAG_BITS, PLACE_BITS, REACH_BITS = 3, 5, 6, 11
MOST_PLACES = 1 << PLACE_BITS
FARTHEST = (1 << REACH_BITS) - 1
LAND_HIT, NEWS, STRIKE_AGAIN, SELF_KILL, PAIN, CARRY, GIFT = range(7)

# Bits of an event's flags: how the damage came.
CONNECTED, RANGED, NORMAL, FORCES_SWITCH, BY_MAGIC = 1, 2, 4, 8, 16

# Kinds of records in the journal: (ms, kind, unit, other unit or -1, amount).
J_ATTACK, J_CAST, J_HIT, J_STEP, J_DEATH, J_BECOME = range(6)
JOURNAL_WIDTH = 5

# Columns of `scratch`: what a match is being worked on for, for whoever samples it from outside; how many live; from
# when on a timer of a unit may be due; the last round of thinking, and in the midst of it whose turn it is.
PHASE, LIVING, TIMERS_FROM, ROUND, TURN, SCRATCH_WIDTH = range(6)
NOT_BEGUN = -2  # in TURN, as MOST_PLACES, where the round goes backwards
AT_REST, ON_TIMERS, ON_MINDS, ON_MOVEMENT, ON_RULES = range(5)

AREAS = EVENTS + EVENT_LIMIT * EVENT_FIELDS
(
    A_DUE, A_END, A_SKILL, A_OWNER, A_SIDE, A_X, A_Y, A_LEFT,
) = range(8)  # fmt: skip
AREA_WIDTH = 8
AREA_LIMIT = 8
MATCH_WIDTH = AREAS + AREA_LIMIT * AREA_WIDTH

# Columns of `rules`: what holds for every match of a world.
(
    RENEWAL, RANDOM_WALK, TIME_LIMIT, REGENERATION, MEMBERS, OPEN_MAP, FREE_SKILLS, DUEL, STARTING_LIVES,
    HAZARD_PER_MILLE, FIRST_LEADER, SECOND_LEADER, RULES_WIDTH,
) = range(13)  # fmt: skip

# Bits of a cell.
WALKABLE_CELL, SHOOTABLE_CELL, HAZARD_CELL = 1, 2, 4
OPEN_CELL = WALKABLE_CELL | SHOOTABLE_CELL

# Who decides for a unit: the stock mind, or orders of one kind.
STOCK, COMBAT_ORDERS, MOVES, SKILL_ORDERS, SIGNALS, VECTORS = range(6)

# Columns of `species`.
(
    LEVEL, MAX_HP, MAX_SP, STR, AGI, VIT, INT, DEX, LUK, ATTACK, ATTACK2, BATK, ATK_MIN, ATK_MAX, MATK_MIN, MATK_MAX,
    HIT, FLEE, DEF, DEF2, MDEF, MDEF2, RES, MRES, SPEED, ADELAY, AMOTION, DMOTION, RANGE, VIEW, CHASE, BASE_MODE, SIZE,
    RACE, ELEMENT, ELEMENT_LEVEL, DAMAGE_TAKEN_PERCENT, CLASS, IS_PLAYER, ROWS, EVENT_ROWS, MONSTER_ID, ARCHETYPE,
    MARGIN, MAX_SLAVES, SPECIES_WIDTH,
) = range(46)  # fmt: skip

# Bits of EVENT_ROWS: which events a species has a skill row for.
HAS_RUDE, HAS_RANGED, HAS_SKILL_USED, HAS_CAST_TARGETED, HAS_DAMAGED, HAS_SPAWN, HAS_DEATH = 1, 2, 4, 8, 16, 32, 64

# Columns of `rows`: one row of a monster's skill list.
(
    R_SKILL, R_STATE, R_RATE, R_CAST, R_DELAY, R_CANCEL, R_TARGET, R_CONDITION, R_VALUE, R_V1, R_V2, R_V3, R_V4, R_V5,
    R_GROUP, ROW_WIDTH,
) = range(16)  # fmt: skip

# Targets of a skill row; AROUND + n: a random cell within n of oneself, AROUND_TARGET + n: of the target.
ON_TARGET, ON_SELF, ON_FRIEND, ON_MASTER, ON_RANDOM = range(5)
AROUND = 10
AROUND_TARGET = 20

# Conditions of a skill row.
(
    ALWAYS, ON_SPAWN, MY_HP_BELOW, MY_HP_BETWEEN, MY_STATUS_ON, MY_STATUS_OFF, FRIEND_HP_BELOW, FRIEND_HP_BETWEEN,
    FRIEND_STATUS_ON, FRIEND_STATUS_OFF, ATTACKERS_ABOVE, ATTACKERS_FROM, SLAVES_BELOW, SLAVES_UP_TO, CLOSE_ATTACKED,
    RANGED_ATTACKED, SKILL_USED, AFTER_SKILL, CAST_TARGETED, RUDE_ATTACKED, MASTER_HP_BELOW, MASTER_ATTACKED, ALCHEMIST,
    GROUND_ATTACKED, DAMAGED_ABOVE, MOBS_NEARBY_ABOVE, TRICK_CASTING, NO_CONDITION,
) = range(28)  # fmt: skip

# Rows of `tally`: what a unit did in the present step, as contract.EVENTS says, then how things stand at its end.
(
    T_DEALT, T_TAKEN, T_BLOCKED, T_SPELL, T_FOCUS, T_HEALING, T_EFFECTIVE, T_HEALED, T_KILLS, T_SPELL_KILLS, T_DEATHS,
    T_KNOCK_OUTS, T_KNOCKED_OUT, T_ALLIES_DIED, T_PROTECTED, T_ATTACKS, T_HITS, T_HITS_TAKEN, T_COMBO, T_CASTS, T_BUFFS,
    T_STATUSES, T_AGGRO, T_ALIVE, T_HAZARD, T_STEPS, T_PICKED, T_DROPPED, T_ORDER_CHANGES, T_ATTACK_ORDERS, T_DISTANCE,
    T_MAX_HP, T_HURT, TALLY_ROWS,
) = range(34)  # fmt: skip

# Columns of `book`: what a unit remembers of the last ten seconds, in buckets of BUCKET_MS, and some moments. The
# number of the present bucket stands in BUCKET of unit 0.
BUCKET_MS = 500
BUCKET_TICKS = 5
BUCKETS = 20
(BUCKET, BORN_AT, NOTICED_AT, IN_VIEW, COMBAT_SINCE, COMBAT_LAST, LAST_TARGET, LAST_HITS, WINDOWS) = range(9)
B_TAKEN, B_DEALT, B_HEALED, B_TURNS, B_BALANCE = range(WINDOWS, WINDOWS + 5 * BUCKETS, BUCKETS)
BOOK_ROWS = WINDOWS + 5 * BUCKETS
COMBAT_PAUSE_MS = 10_000

# Constants of the server's minds, in milliseconds and cells.
THINK_MS = 100
SKILL_CHECK_MS = 1000
LINK_MS = 1000
IDLE_WALK_MS = 4000
UNLOCK_MS = 2000
ASSIST_CELLS = 11
SIGHT_CELLS = 14
FRIEND_CELLS = 8
SLAVE_CELLS = 2
DAMAGE_DELAY_CAP = 1000
LONGEST_WALK = 17
