"""A very small server in a folder, for tests to read and to spoil."""

import struct
import zlib
from pathlib import Path

ATTRIBUTES = """
Header:
  Type: ATTRIBUTE_DB
  Version: 1
Body:
  - Level: 1
    Fire:
      Water: 50
      Earth: 150
Footer:
  Imports:
  - Path: db/import/attr_fix.yml
"""

SIZES = """
Header:
  Type: SIZE_FIX_DB
  Version: 1
Body:
  - Weapon: Dagger
    Large: 50
"""

SKILLS = """
Header:
  Type: SKILL_DB
  Version: 4
Footer:
  Imports:
  - Path: db/re/skill_db.yml
    Mode: Renewal
  - Path: db/pre-re/skill_db.yml
    Mode: Prerenewal
  - Path: db/import/skill_db.yml
"""

SKILL_ENTRIES = """
Header:
  Type: SKILL_DB
  Version: 4
Body:
  - Id: 5
    Name: SM_BASH
    Description: Bash
    MaxLevel: 10
    Type: Weapon
    TargetType: Attack
    Range: -1
    Hit: Single
    HitCount: 1
    Element: Weapon
    Duration2: 4500
    Status: Stun
  - Id: 28
    Name: AL_HEAL
    Description: Heal
    MaxLevel: 10
    Type: Magic
    TargetType: Support
    DamageFlags:
      NoDamage: true
    Range: 9
  - Id: 83
    Name: WZ_METEOR
    Description: Meteor Storm
    MaxLevel: 10
    Type: Magic
    TargetType: Ground
    DamageFlags:
      Splash: true
    Range: 9
    Element: Fire
    HitCount:
      - Level: 1
        Count: 1
      - Level: 2
        Count: 2
    Unit:
      Id: Dummyskill
      Interval: 1000
      Target: Enemy
      Flag:
        PathCheck: true
"""

MONSTERS = """
Header:
  Type: MOB_DB
  Version: 5
Footer:
  Imports:
  - Path: db/re/mob_db.yml
    Mode: Renewal
  - Path: db/pre-re/mob_db.yml
    Mode: Prerenewal
  - Path: db/import/mob_db.yml
"""

MONSTER_ENTRIES = """
Header:
  Type: MOB_DB
  Version: 5
Body:
  - Id: 1002
    AegisName: PORING
    Name: Poring
    Level: 3
    Hp: 60
    Attack: 8
    Attack2: 1
    Dex: 6
    AttackRange: 1
    SkillRange: 10
    ChaseRange: 12
    Size: Medium
    Race: Plant
    Element: Water
    ElementLevel: 1
    WalkSpeed: 400
    AttackDelay: 1872
    AttackMotion: 672
    DamageMotion: 480
    Ai: 02
  - Id: 1031
    AegisName: POPORING
    Name: Poporing
    Level: 30
    Hp: 524
    Ai: 21
    Class: Boss
    Modes:
      Mvp: true
"""

MOB_SKILLS = """// comment
1002,Poring@SM_BASH,attack,5,3,2000,0,5000,yes,target,always,0,,,,,,,
1031,Poporing@AL_HEAL,idle,28,1,500,800,5000,no,friend,friendhpltmaxrate,60,,,,,,6,
1031,Poporing@WZ_METEOR,attack,83,15,20000,800,5000,no,around,mystatuson,hiding,0x81,,,,,,
"""


def pack_maps(maps: dict[str, tuple[int, int, bytes]]) -> bytes:
    """A map cache of width, height and cell types by name."""
    body = b""
    for name, (width, height, cells) in maps.items():
        packed = zlib.compress(cells)
        body += struct.pack("<12shhi", name.encode(), width, height, len(packed)) + packed
    return struct.pack("<IHxx", 8 + len(body), len(maps)) + body


MAPS = pack_maps({"field": (3, 2, bytes([0, 1, 5, 3, 0, 0])), "town": (2, 2, bytes(4))})

FILES: dict[str, str | bytes] = {
    "attr_fix.yml": ATTRIBUTES,
    "size_fix.yml": SIZES,
    "skill_db.yml": SKILLS,
    "re/skill_db.yml": SKILL_ENTRIES,
    "pre-re/skill_db.yml": SKILL_ENTRIES,
    "mob_db.yml": MONSTERS,
    "re/mob_db.yml": MONSTER_ENTRIES,
    "pre-re/mob_db.yml": MONSTER_ENTRIES,
    "re/mob_skill_db.txt": MOB_SKILLS,
    "pre-re/mob_skill_db.txt": MOB_SKILLS,
    "map_cache.dat": MAPS,
}


def write_server(root: Path, changes: dict[str, str | bytes | None] | None = None) -> Path:
    """Write the small server's db folder under `root`, with `changes` by file name (None leaves one out)."""
    for name, content in {**FILES, **(changes or {})}.items():
        path = root / "db" / name
        if content is None:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root
