"""What the compiled skill table holds: one row of integers for each (skill, level) that a world uses."""

# What the skill does at the end of its cast.
NOTHING, STRIKE, AREA, HEAL, GIVE_STATUS, SUMMON, CALL_SLAVES, TELEPORT, TRANSFORM, EMOTION, SELF_DESTRUCT, \
    DISPEL, WARP_TO, RUN_AWAY, SUICIDE, KNOCK_BACK, CLEAR_AREAS, DRAW_IN, REVENGE, \
    FORGET_TARGET, CURE, BREAK_CAST, CLEAR_BUFFS, HURT, DRAW_LOTS, ALL_LOTS = range(26)  # fmt: skip
# WARP_TO: the caster is at the chosen cell at once. FORGET_TARGET: it lets its target go.
# CURE: ends stun, sleep, freeze and stone; the undead get the statuses instead, after FIRST_MS.
# BREAK_CAST: takes AMOUNT percent of hp too, and gives half to the caster.
# HURT: takes AMOUNT points, past all guards. DRAW_LOTS: does one of the LOTS rows behind; as a lot, draws AMOUNT more.
# ALL_LOTS: does every one of them, in order.

# SUMMON, as FORMULA_ARGUMENT says: slaves, who follow their caller; others around it, who follow nobody; such others on
# its very cell; or a plant on the chosen cell, which is its caller's and goes after FIRST_MS.
SLAVES, OTHERS, HEIRS, PLANT = range(4)

# How it is aimed: at any unit, at an enemy to harm it, at a cell, at an enemy without harming it.
AIM_SUPPORT, AIM_HARM, AIM_GROUND, AIM_AFFLICT = range(4)

NO_DAMAGE, WEAPON, MAGIC, MISC = range(4)

# Where a strike's or a status' square lies.
AT_TARGET, AT_SELF, AT_GROUND = range(3)
AT_UNHOLY = 3  # whom a status falls on: the target, if it is undead or a demon

# Base damage before ratio and defence.
BASE_ATTACK = 0  # weapon: attack roll; magic: magic attack roll
BASE_CASTER_HP = 1  # the caster's current hp
BASE_TARGET_HP_PERCENT = 2  # percent of the target's current hp
BASE_FIXED = 3  # FORMULA_ARGUMENT points
BASE_TARGET_MAX_HP_PERCENT = 4
BASE_CASTER_LOST_HP = 5  # the caster's missing hp
BASE_HEAL = 6  # what a heal of this level would give
BASE_MAGIC_AS_WEAPON = 7  # weapon attack roll, treated as magic (earthquake)
BASE_RANDOM = 8  # uniform 1..FORMULA_ARGUMENT
# Renewal: mean of weapon and magic attack rolls; pre-renewal: their sum, less weapon defence. The element counts twice.
BASE_ATTACK_AND_MAGIC = 9
BASE_FULL_ATTACK = 10  # the base attack and the most of the weapon's, no roll
BASE_TRAP = 11  # FORMULA_ARGUMENT x dex x (3 + level/100) x (1 + int/35); pre-renewal: x (dex + AMOUNT)(100 + int)/200
BASE_SPEAR = 12  # the attack roll and the square of a tenth of the str; the small take 25% more, the large 25% less
BASE_SOUL = 13  # the attack roll; 500..999 and 5 x level x int more in the end, also from a blow that misses
BASE_ACID = 14  # the attack roll less the target's soft defence
BASE_LEAST_ATTACK = 15  # the least of the weapon's attack, no roll

# Bits of FLAGS.
SURE_HIT = 1 << 0
IGNORE_DEFENSE = 1 << 1
IGNORE_ELEMENT = 1 << 2
CRITICAL = 1 << 3  # the hits never miss and are worked out as critical ones
SPLIT = 1 << 4  # damage is shared out among the victims
HIT_FRIENDS = 1 << 5  # everybody in the area but the caster
HALF_HP_BONUS = 1 << 6  # x1.5 against a target below half of its hp (renewal sonic blow)
UNDEAD_BONUS = 1 << 7  # the ratio's UNDEAD_RATIO is added against undead elements
LINE = 1 << 8  # a line of AMOUNT cells towards the target (below 0: from it), SPLASH wide to each side, no square
CANNOT_KILL = 1 << 9
SHORT_RANGE = 1 << 10  # counts as melee however far off the victim is
LONG_RANGE = 1 << 11  # counts as ranged however near the victim is
LEVEL_RATIO = 1 << 12  # renewal: above level 99, the ratio is multiplied by the caster's level / 100
SIZE_HITS = 1 << 13  # one real hit more than the target's size (0 small, 1 medium, 2 large)
STATUS_FROM_THIRD = 1 << 14  # an area's statuses are tried from the third hit of such areas on its victim on only
LEVEL_CHANCE = 1 << 15  # the statuses' chances gain 100 for each level that the caster is above the target
ONE_STATUS = 1 << 16  # one of the row's statuses is drawn, the others are not tried
SPARES_UNDEAD_AND_DEMONS = 1 << 17
PERCENT_AMOUNT = 1 << 18  # AMOUNT is a percentage of the receiver's hp
HEAL_BY_VIT = 1 << 19  # AMOUNT grows by 2% for each vit of the receiver
STR_RATIO = 1 << 20  # three times the caster's str are added to the ratio
SPARES_FROZEN = 1 << 21
STR_INT_RATIO = 1 << 22  # the caster's str and int are added to the ratio
INT_VIT_RATIO = 1 << 23  # the caster's int and the target's vit are added to the ratio
CASTER_CHANCE = 1 << 24  # the statuses' chances gain 100 for each five points of the caster's level and int
SPARES_UNDEAD = 1 << 25  # a heal of everybody around gives the undead nothing
UNTIL_ONE_TAKES = 1 << 26  # the statuses are tried one after the other, from a drawn one on, until one takes
HEALS_THE_SPARED = 1 << 27  # an area gives those whom it spares FORMULA_ARGUMENT points, friend or foe
IGNORE_GUARD = 1 << 28  # no shield is held up against it
SPARES_BOSSES = 1 << 29  # those with the status immune mode get none of the statuses, and spring no such trap
DEFT = 1 << 30  # a point of dex above the target's adds 20 to the statuses' chances, 2 per mille to SUCCESS, 500 ms


# Who may be hurt, helped: for orders and masks.
KIND_HARM, KIND_HELP, KIND_FIELD = range(3)

# Columns.
(
    SKILL_ID, SKILL_LEVEL, EFFECT, AIM, REACH, KIND, DAMAGE, RATIO, HIT_BONUS, FLAGS, ELEMENT, HITS, SPLASH, CENTRE,
    KNOCKBACK,
    DRAIN,  # percent of the damage that heals the caster
    WAVES, WAVE_MS, FIRST_MS,  # strikes a cast, time between them, time from cast end to the first
    IMMEDIATE,  # 1: damage lands at once, not after the attack motion
    FORMULA, FORMULA_ARGUMENT, UNDEAD_RATIO,
    ADDED,  # weapon and magic: points for each hit on top of the ratio, before defence
    AREA_MS, AREA_INTERVAL, AREA_RADIUS,
    AREA_PULSE,  # see PULSE_* below
    AREA_LIMIT_HITS,  # hits after which the area is used up, 0 none
    AREA_DELAY_MS,  # from cast end to the first pulse; below 0, from cast end to when it is laid, in attack motions
    AMOUNT,  # summon: how many; line: cells; teleport: points healed before; heal and others: the effect's own number
    SELF_STATUS_ONLY_IF_HIT,
    STATUS,  # first of STATUS_SLOTS groups of STATUS_WIDTH columns
) = range(33)  # fmt: skip

# A status group: which, chance per 10,000, duration in ms, value, and whom (AT_TARGET or AT_SELF).
STATUS_SLOTS = 6
S_STATUS, S_CHANCE, S_DURATION, S_VALUE, S_WHOM = range(5)
STATUS_WIDTH = 5
SUCCESS = STATUS + STATUS_SLOTS * STATUS_WIDTH  # chance in percent that the skill works at all, 0 always
SCATTER = SUCCESS + 1  # each wave falls on a random cell at most so far from the centre
AREA_REACH = SCATTER + 1  # of AREA_RADIUS, the cells by which each enchanted cell reaches beyond itself
SPENDS = AREA_REACH + 1  # a status without which the target is spared, and which ends by the skill, 0 none
SPARED_UNDER = SPENDS + 1  # a status under which the target is spared, 0 none
LIFTS = SPARED_UNDER + 1  # a status that the skill only takes from a target that has it, 0 none
LOTS = LIFTS + 1  # how many rows behind this one are its lots
SHARE = LOTS + 1  # of a lot: its chance in percent
STANDS_FAST = SHARE + 1  # ground that forbids all other does not forbid this
AREA_SHAPE = STANDS_FAST + 1  # which cells of its square an area enchants, see SQUARE and others below
RING = AREA_SHAPE + 1  # added to the ratio against those beside the caster, and taken from it from four cells on
FRONT = RING + 1  # a line that does nobody harm does not strike its target all the same
AREA_CELL_HITS = FRONT + 1  # hits after which a cell of an area is used up, 0 none
THROUGH_WALLS = AREA_CELL_HITS + 1  # ground that lies behind walls too
GUARDED_AS = THROUGH_WALLS + 1  # what guards and plants take its damage for, 0 for what it is
CARRIES = GUARDED_AS + 1  # who is carried off CARRY_MS after a strike: see CARRIES_* below, 0 nobody
BOWLS = CARRIES + 1  # it pushes its victim on those beside, whom it strikes and pushes likewise, most of them twice
PAST_DEFENCE = BOWLS + 1  # weapon: points on top of what defence leaves, before the element
LUNGE = PAST_DEFENCE + 1  # so many cells the caster moves towards its target after the strike
AGAINST = LUNGE + 1  # a status against whose bearers the ratio is AGAINST_RATIO, 0 none
AGAINST_RATIO = AGAINST + 1
LEVEL_PART = AGAINST_RATIO + 1  # the level that LEVEL_RATIO divides by except against AGAINST, 0 for 100
SP_RATIO = LEVEL_PART + 1  # percent that each of the caster's sp adds to the ratio
PLAIN_DEFENCE = SP_RATIO + 1  # weapon: hard and soft defence are taken off as they stand
PASSAGE = PLAIN_DEFENCE + 1  # who comes to whom before the strike: see STAYS and others below
HURLED = PASSAGE + 1  # strikes that fly at one victim each, however their caster fares: see HURLED_* below, 0 none
RUNS = HURLED + 1  # rows of cells, SPLASH to each side, run from the caster one cell a wave and reach RUNS cells around
SKILL_WIDTH = RUNS + 1

# Shapes of ground: all cells; 29 of 81, arms of four cells with a body between them; arms alone, without the middle or
# with it; all but the four corners; a line of three or five cells across the way from the caster.
SQUARE, GRAND_CROSS, ARMS, PLUS, CUT, WALL = range(6)

CARRIES_ONE = 1  # the caster, to a random cell, and whom it struck beside it, by a chance that grows with its level
CARRIES_ALL = 2  # the caster to a random cell and all whom it struck to cells around that one

# Nobody; the target, straight towards the caster; or the caster, to the cell behind the target, or it does nothing.
STAYS, DRAWS, BEHIND = range(3)

HURLED_LEAPING = 1  # the first an attack motion late, each further one at any enemy around the last victim, past walls
HURLED_IN_SIGHT = 2  # a strike is lost while a wall stands between the two
HURLED_FROM_CELLS = 3  # so too, one for each cell within AMOUNT of the caster, whom they hold in place, WAVES at most
HURLED_PAST_WALLS = 4

# What an area does to those who stand in it.
(
    PULSE_NOTHING,
    PULSE_STRIKE,  # the row's strike, every AREA_INTERVAL, on every enemy inside
    PULSE_TRAP,  # the row's strike once, when the first enemy steps in, around its cell; then the area is gone
    PULSE_STATUS,  # gives the statuses to enemies inside
    PULSE_BLOCK_RANGED,  # no ranged weapon damage to those inside (pneuma)
    PULSE_BLOCK_MELEE,  # melee hits on those inside are swallowed, AREA_LIMIT_HITS of them (safety wall)
    PULSE_HEAL,  # heals everybody inside by AMOUNT
    PULSE_NO_AREAS,  # no other ground skill lives here (land protector)
    PULSE_FIRE_WALL,  # strike and knock back those who touch it, AREA_CELL_HITS times a cell
    PULSE_TRAIL,  # the row's strike on every enemy who steps in; its caster leaves AMOUNT such cells behind as it walks
) = range(10)  # fmt: skip
