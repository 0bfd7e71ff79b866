"""Names in the server's files and the numbers that the server gives them."""

RENEWAL, PRE_RENEWAL = "renewal", "pre-renewal"

SIZES = {"Small": 0, "Medium": 1, "Large": 2}

RACES = {
    "Formless": 0,
    "Undead": 1,
    "Brute": 2,
    "Plant": 3,
    "Insect": 4,
    "Fish": 5,
    "Demon": 6,
    "Demihuman": 7,
    "Angel": 8,
    "Dragon": 9,
    "Player_Human": 10,
    "Player_Doram": 11,
}
PLAYER_RACES = frozenset({10, 11})

ELEMENTS = {
    "Neutral": 0,
    "Water": 1,
    "Earth": 2,
    "Fire": 3,
    "Wind": 4,
    "Poison": 5,
    "Holy": 6,
    "Dark": 7,
    "Ghost": 8,
    "Undead": 9,
}
# Skills may also take the element of the caster's weapon, of its enchantment, or any.
WEAPON_ELEMENT, ENDOWED_ELEMENT, RANDOM_ELEMENT = -1, -2, -3
SKILL_ELEMENTS = {**ELEMENTS, "Weapon": WEAPON_ELEMENT, "Endowed": ENDOWED_ELEMENT, "Random": RANDOM_ELEMENT}
ELEMENT_LEVELS = 4

CLASSES = {"Normal": 0, "Boss": 1, "Guardian": 2, "Battlefield": 4, "Event": 5}

MODES = {
    "CanMove": 0x1,
    "Looter": 0x2,
    "Aggressive": 0x4,
    "Assist": 0x8,
    "CastSensorIdle": 0x10,
    "NoRandomWalk": 0x20,
    "NoCast": 0x40,
    "CanAttack": 0x80,
    "CastSensorChase": 0x200,
    "ChangeChase": 0x400,
    "Angry": 0x800,
    "ChangeTargetMelee": 0x1000,
    "ChangeTargetChase": 0x2000,
    "TargetWeak": 0x4000,
    "RandomTarget": 0x8000,
    "IgnoreMelee": 0x10000,
    "IgnoreMagic": 0x20000,
    "IgnoreRanged": 0x40000,
    "Mvp": 0x80000,
    "IgnoreMisc": 0x100000,
    "KnockBackImmune": 0x200000,
    "TeleportBlock": 0x400000,
    "FixedItemDrop": 0x1000000,
    "Detector": 0x2000000,
    "StatusImmune": 0x4000000,
    "SkillImmune": 0x8000000,
}

# Mode bits that a class brings with it.
CLASS_MODES = {
    CLASSES["Normal"]: 0,
    CLASSES["Boss"]: MODES["Detector"] | MODES["StatusImmune"] | MODES["KnockBackImmune"],
    CLASSES["Guardian"]: MODES["StatusImmune"],
    CLASSES["Battlefield"]: MODES["StatusImmune"] | MODES["SkillImmune"],
    CLASSES["Event"]: MODES["FixedItemDrop"],
}

AI_TYPES = {
    "01": 0x81,
    "02": 0x83,
    "03": 0x1089,
    "04": 0x3885,
    "05": 0x2085,
    "06": 0,
    "07": 0x108B,
    "08": 0x7085,
    "09": 0x3095,
    "10": 0x84,
    "11": 0x84,
    "12": 0x2085,
    "13": 0x308D,
    "17": 0x91,
    "19": 0x3095,
    "20": 0x3295,
    "21": 0x3695,
    "24": 0xA1,
    "25": 0x1,
    "26": 0xB695,
    "27": 0x8084,
    "Abr_Passive": 0x21,
    "Abr_Offensive": 0xA5,
}

SKILL_STATES = ("any", "idle", "walk", "dead", "loot", "attack", "angry", "chase", "follow", "anytarget")

SKILL_TARGETS = (
    "target", "randomtarget", "self", "friend", "master",
    "around1", "around2", "around3", "around4", "around5", "around6", "around7", "around8",
)  # fmt: skip

SKILL_CONDITIONS = (
    "always", "onspawn", "myhpltmaxrate", "myhpinrate", "mystatuson", "mystatusoff", "friendhpltmaxrate",
    "friendhpinrate", "friendstatuson", "friendstatusoff", "attackpcgt", "attackpcge", "slavelt", "slavele",
    "closedattacked", "longrangeattacked", "skillused", "afterskill", "casttargeted", "rudeattacked",
    "masterhpltmaxrate", "masterattacked", "alchemist", "mobnearbygt", "groundattacked", "damagedgt", "trickcasting",
)  # fmt: skip

# Statuses that a skill row's condition may name.
CONDITION_STATUSES = {
    "anybad": "anybad",
    "stone": "SC_STONE",
    "freeze": "SC_FREEZE",
    "stun": "SC_STUN",
    "sleep": "SC_SLEEP",
    "poison": "SC_POISON",
    "curse": "SC_CURSE",
    "silence": "SC_SILENCE",
    "confusion": "SC_CONFUSION",
    "blind": "SC_BLIND",
    "hiding": "SC_HIDING",
    "sight": "SC_SIGHT",
}
# What the server calls these statuses by number, where a condition is written so.
STATUS_NUMBERS = {
    -1: "anybad",
    0: "SC_STONE",
    1: "SC_FREEZE",
    2: "SC_STUN",
    3: "SC_SLEEP",
    4: "SC_POISON",
    5: "SC_CURSE",
    6: "SC_SILENCE",
    7: "SC_CONFUSION",
    8: "SC_BLIND",
    9: "SC_BLEEDING",
    24: "SC_HIDING",
}
STATUS_CONDITIONS = frozenset({"mystatuson", "mystatusoff", "friendstatuson", "friendstatusoff"})

# Skills whose values are ids of monsters.
CALLING_SKILLS = ("NPC_SUMMONSLAVE", "NPC_SUMMONMONSTER", "NPC_DEATHSUMMON", "NPC_METAMORPHOSIS", "NPC_TRANSFORMATION")

# The skill that calls a plant whatever its values are, and the plant's id at each level.
PLANTING_SKILL = "AM_CANNIBALIZE"
PLANTS = (1589, 1579, 1575, 1555, 1590)

SKILL_TYPES = ("None", "Weapon", "Magic", "Misc")
SKILL_TARGET_TYPES = ("Passive", "Attack", "Ground", "Self", "Support", "Trap")
SKILL_HITS = ("Normal", "Single", "Multi_Hit")
UNIT_TARGETS = (
    "Self", "Enemy", "Party", "GuildAlly", "Neutral", "SameGuild", "All", "WoS", "Guild", "NoGuild", "NoParty",
    "NoEnemy", "Ally", "Friend",
)  # fmt: skip

DAMAGE_FLAGS = (
    "NoDamage", "Splash", "SplashSplit", "IgnoreAtkCard", "IgnoreElement", "IgnoreDefense", "IgnoreFlee",
    "IgnoreDefCard", "Critical", "IgnoreLongCard", "SimpleDefense",
)  # fmt: skip

SKILL_FLAGS = (
    "IsQuest", "IsNpc", "IsWedding", "IsSpirit", "IsGuild", "IsSong", "IsEnsemble", "IsTrap", "TargetSelf",
    "NoTargetSelf", "PartyOnly", "GuildOnly", "NoTargetEnemy", "IsAutoShadowSpell", "IsChorus", "IgnoreBgReduction",
    "IgnoreGvgReduction", "DisableNearNpc", "TargetTrap", "IgnoreLandProtector", "AllowWhenHidden",
    "AllowWhenPerforming", "TargetEmperium", "IgnoreKagehumi", "AlterRangeVulture", "AlterRangeSnakeEye",
    "AlterRangeShadowJump", "AlterRangeRadius", "AlterRangeResearchTrap", "IgnoreHovering", "AllowOnWarg",
    "AllowOnMado", "TargetManHole", "TargetHidden", "IncreaseDanceWithWugDamage", "IgnoreWugBite", "IgnoreAutoGuard",
    "IgnoreCicada", "ShowScale", "IgnoreGtb", "Toggleable", "IgnoreNonCritAtkBonus",
)  # fmt: skip

UNIT_FLAGS = (
    "NoEnemy", "NoReiteration", "NoFootSet", "NoOverlap", "PathCheck", "NoPc", "NoMob", "Skill", "Dance", "Ensemble",
    "Song", "DualMode", "NoKnockback", "RangedSingleUnit", "CrazyWeedImmune", "RemovedByFireRain", "KnockbackGroup",
    "HiddenTrap",
)  # fmt: skip

# Weapon names of size_fix.yml, in the server's order: the rows of the size table.
WEAPONS = (
    "Fist", "Dagger", "1hSword", "2hSword", "1hSpear", "2hSpear", "1hAxe", "2hAxe", "Mace", "2hMace", "Staff", "Bow",
    "Knuckle", "Musical", "Whip", "Book", "Katar", "Revolver", "Rifle", "Gatling", "Shotgun", "Grenade", "Huuma",
    "2hStaff",
)  # fmt: skip
