"""What the compiled status table holds: one row of integers for each status, row 0 being no status.

A row has flags and numbers, three sets of other statuses, four linear forms of resistance, and for each stat how the
status changes it.
"""

# Bits of FLAGS. The union over a unit's statuses says what the unit can do.
NO_MOVE = 1 << 0
NO_ATTACK = 1 << 1
NO_CAST = 1 << 2
NO_THINK = 1 << 3  # the mind stands still and forgets its target and its attacker
SURE_HIT = 1 << 4  # no attack can miss
ENDS_ON_DAMAGE = 1 << 5  # ends at any blow that is not the status' own, even one of no damage
BOSS_IMMUNE = 1 << 6  # not for those with the status immune mode
UNDEAD_IMMUNE = 1 << 7  # not for the undead element
BAD = 1 << 8  # counts for the condition "any bad status"
LASTS_DISPEL = 1 << 9
HIDDEN = 1 << 10  # only detectors can aim at its bearer
OUT_OF_REACH = 1 << 11  # nor do skills that are under way or strike an area hit it, and it strikes no normal blow
SHORT_SIGHT = 1 << 12  # sees one cell far
STRAYS = 1 << 13  # each walk goes to a random cell beside the unit instead
STOPS_WALK = 1 << 14  # starting it ends a walk, unless the unit cannot be pushed
STOPS_ATTACK = 1 << 15  # starting it ends the running attack, not the target
ENDS_ON_ATTACK = 1 << 16  # ends when its bearer attacks
ENDS_ON_WARP = 1 << 17  # ends when its bearer teleports
ENDS_WHEN_HIT = 1 << 18  # spent by the first damage that it raises
TAKES_ONE = 1 << 19  # every hit on it deals one point
FULL_ATTACK = 1 << 20  # the attack roll is its highest
BLOCKS_WEAPON = 1 << 21  # may ward off weapon damage, see `block_percent`
WEAK_TO_FIRE = 1 << 22  # fire damage is doubled and ends it
SLOW_FEET = 1 << 23  # no cell faster than SLOW_FEET_MS
PLAYERS_ONLY = 1 << 24  # fails on monsters
REPLACES_HIGHER = 1 << 25  # a lower value replaces a higher one
NEAR_DEATH = 1 << 26  # leaves one hit point and is over at once
STRIKES_BY_MAGIC = 1 << 27  # normal attacks become magic
REVEALS = 1 << 28  # ends the hiding and cloaking of all within as many cells as its value
UNDEAD_RACE_IMMUNE = 1 << 29
LUCKLESS_IMMUNE = 1 << 30  # not for those with no luk

SLOW_FEET_MS = 200
ENDLESS_MS = 1_000_000_000

# What periodic damage stops at.
KILLS, LEAVES_ONE, LEAVES_QUARTER = range(3)

# Elements are 0..9; NO_ELEMENT changes nothing, VALUE_ELEMENT takes tens (element) and ones (level) of the value.
NO_ELEMENT = -1
VALUE_ELEMENT = -2

# Stats that statuses change. TAKEN_* have the damage for a base, HEALED the healing.
STATS = (
    "str", "agi", "vit", "int", "dex", "luk",
    "hit", "flee", "def", "def2", "mdef", "mdef2",
    "atk",  # both ends of the weapon attack range
    "attack_percent",  # of 100; in renewal added to a skill's ratio, in pre-renewal a factor before defence
    "slow", "haste",  # percent of the walking time; the largest of each counts
    "attack_haste", "attack_slow",  # per mille of the attack delay; the largest haste counts, slows add up
    "taken_weapon_near", "taken_weapon_far", "taken_magic", "taken_misc_near", "taken_misc_far",
    "healed",
    "reflected_near",  # percent of melee weapon damage that returns to the attacker
    "magic_mirror",  # chance in percent that a spell strikes its caster
    "magic_dodge",  # chance in percent that a spell misses
    "revived",  # percent of hp that its bearer comes back with once
    "matk",  # both ends of the magic attack range
    "immune_element",  # 1 + the element whose damage does nothing
)  # fmt: skip
STAT_COUNT = 30
(
    STR, AGI, VIT, INT, DEX, LUK, HIT, FLEE, DEF, DEF2, MDEF, MDEF2, ATK, ATTACK_PERCENT, SLOW, HASTE, ATTACK_HASTE,
    ATTACK_SLOW, TAKEN_WEAPON_NEAR, TAKEN_WEAPON_FAR, TAKEN_MAGIC, TAKEN_MISC_NEAR, TAKEN_MISC_FAR, HEALED,
    REFLECTED_NEAR, MAGIC_MIRROR, MAGIC_DODGE, REVIVED, MATK, IMMUNE_ELEMENT,
) = range(STAT_COUNT)  # fmt: skip

# How a status changes one stat: x += FLAT + value * FLAT_PER_VALUE, at least LEAST if that is not 0; then
# x += x * (PERCENT + value * PERCENT_PER_VALUE) / 100; then x = x * SCALE / 1000 if SCALE is not 0. SET - 1, if SET is
# not 0, is the result whatever else is active.
MOD_FLAT, MOD_FLAT_PER_VALUE, MOD_LEAST, MOD_PERCENT, MOD_PERCENT_PER_VALUE, MOD_SCALE, MOD_SET = range(7)
MOD_WIDTH = 7

# Sets of statuses: SET_WORDS columns of SET_BITS statuses each.
SET_WORDS = 4
SET_BITS = 30

# Linear forms of resistance: one coefficient for each of these.
FORM_TERMS = ("str", "agi", "vit", "int", "dex", "luk", "mdef", "level", "source_level", "source_luk", "constant")
FORM_WIDTH = 11

# Which casts a status breaks off.
ANY_CAST, CANCELABLE_CAST = 1, 2

# Columns.
(
    FLAGS,
    FIXED_MS,  # duration whatever the skill says, 0 none
    VALUE_CYCLE,  # values above this begin at 1 again, 0 none
    SWITCH_VALUE, SWITCH_ROW,  # a value for which the mods of another row hold
    DEF_ELEMENT, DEF_ELEMENT_LEVEL,  # the bearer's element
    TICK_MS, TICK_FLAT, TICK_RANDOM, TICK_PER_MILLE, TICK_PER_MILLE_PER_VALUE, TICK_STOP,  # damage; negative heals
    NEXT_STATUS,  # what begins when the time is over
    STOPS_CAST,  # starting it breaks a cast off; ANY_CAST: cancelable or not
    HOLDS,  # 1: its bearer neither strikes nor sets out before it ends
    STAYS,  # 1: not ended by what clears the buffs
    RESISTED, LEVEL_ADVANTAGE, TIME_OWN, TIME_HALVED, TIME_DIVISOR, MIN_RATE, MIN_MS,
    ENDS,  # statuses that end when this one starts
) = range(25)  # fmt: skip
TOGGLES = ENDS + SET_WORDS  # statuses that end instead of this one starting
BLOCKED_BY = TOGGLES + SET_WORDS  # statuses under which this one fails
RATE_FORM = BLOCKED_BY + SET_WORDS  # part of 10,000 by which the chance shrinks
POINTS_FORM = RATE_FORM + FORM_WIDTH  # taken off the chance
TIME_FORM = POINTS_FORM + FORM_WIDTH  # part of 10,000 by which the duration shrinks, unless it is the chance's
LESS_MS_FORM = TIME_FORM + FORM_WIDTH  # taken off the duration
MODS = LESS_MS_FORM + FORM_WIDTH
STAT_MASK = MODS + STAT_COUNT * MOD_WIDTH  # bit s: the status changes stat s
STATUS_ROW_WIDTH = STAT_MASK + 1
