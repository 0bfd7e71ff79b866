"""mob_skill_db.txt: which monster uses which skill when; one row a line, 19 columns."""

from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache

from mlmonster_env.data.enums import (
    CALLING_SKILLS,
    CONDITION_STATUSES,
    MODES,
    SKILL_CONDITIONS,
    SKILL_STATES,
    SKILL_TARGETS,
    STATUS_CONDITIONS,
    STATUS_NUMBERS,
)
from mlmonster_env.data.errors import DataError, one_of, plain
from mlmonster_env.data.fields import INT32, Report, to_integer
from mlmonster_env.data.mob_db import Draft as MobDraft
from mlmonster_env.data.model import MobSkill
from mlmonster_env.data.skill_db import Draft as SkillDraft

COLUMNS = (
    "MobID", "Dummy", "State", "SkillID", "SkillLv", "Rate", "CastTime", "Delay", "Cancelable", "Target", "Condition",
    "ConditionValue", "val1", "val2", "val3", "val4", "val5", "Emotion", "Chat",
)  # fmt: skip

MAX_RATE = 10_000
MAX_LEVEL = 100
MAX_DELAY = 24 * 3600 * 1000
MAX_ROWS = 50  # of one monster
# Monster ids that stand for many.
ALL_BOSSES, ALL_NORMAL, ALL = -1, -2, -3

CANCELABLE = {"yes": True, "no": False, "1": True, "0": False}
TARGETS = {**{name: name for name in SKILL_TARGETS}, "around": "around4"}


class MobSkillRows:
    """Collects the rows of one or more files; later files add to the rows of earlier ones."""

    def __init__(self, monsters: Mapping[int, MobDraft], skills: Mapping[int, SkillDraft], report: Report) -> None:
        self._monsters = monsters
        self._skills = skills
        self._report = report
        # One lost monster may have many rows, and to look for what is near takes milliseconds.
        self._near = cache(lambda number: f"the id of a monster in mob_db, {one_of(str(number), map(str, monsters))}")
        self._rows: dict[int, list[MobSkill]] = {}
        self.unknown: Counter[str] = Counter()  # rows that name a skill which is in no skill_db

    def add_file(self, content: bytes, file: str) -> None:
        """Read all rows of `content`."""
        for number, line in enumerate(content.removeprefix(BOM_UTF8).splitlines(), 1):
            text = line.split(b"//", 1)[0]
            if text.strip():
                try:
                    self._add(_Row(file, number, text))
                except DataError as error:
                    self._report.wrong(error)

    def of(self, monster: int) -> tuple[MobSkill, ...]:
        """A monster's rows in the server's order: its own, then those for all of its kind."""
        is_boss = self._monsters[monster]["mode"] & MODES["StatusImmune"]
        kinds = (monster, ALL_BOSSES if is_boss else ALL_NORMAL, ALL)
        return tuple(row for kind in kinds for row in self._rows.get(kind, ()))[:MAX_ROWS]

    def highest_levels(self) -> dict[int, int]:
        """The highest level at which any monster uses a skill, by skill id."""
        levels: dict[int, int] = {}
        for rows in self._rows.values():
            for row in rows:
                levels[row.skill_id] = max(levels.get(row.skill_id, 1), row.level)
        return levels

    def _add(self, row: "_Row") -> None:
        monster = row.integer(0)
        if monster not in (ALL_BOSSES, ALL_NORMAL, ALL) and monster not in self._monsters:
            raise row.wrong(0, self._near(monster))
        if row.texts[1] == "clear":
            self._rows.pop(monster, None)
            return
        skill = row.integer(3)
        if skill not in self._skills:
            self.unknown[row.texts[1].rpartition("@")[2] or str(skill)] += 1
            return
        rows = self._rows.setdefault(monster, [])
        if len(rows) >= MAX_ROWS:
            raise row.wrong(0, f"at most {MAX_ROWS} rows for one monster")
        rows.append(self._parse(row, monster, self._skills[skill]))

    def _parse(self, row: "_Row", monster: int, skill: SkillDraft) -> MobSkill:
        condition = row.choice(10, SKILL_CONDITIONS)
        values = tuple(row.integer(i, default=0) for i in range(12, 17))
        for i, called in enumerate(values):
            if skill["name"] in CALLING_SKILLS and called and called not in self._monsters:
                raise row.wrong(12 + i, self._near(called))
        delay = row.integer(7)
        mode = self._monsters[monster]["mode"] if monster > 0 else None
        return MobSkill(
            state=row.choice(2, SKILL_STATES),
            skill=skill["name"],
            skill_id=skill["id"],
            level=min(max(row.integer(4), 1), MAX_LEVEL),
            rate=min(max(row.integer(5, 0), 1), MAX_RATE),
            cast_ms=row.integer(6, 0, MAX_DELAY),
            delay_ms=delay if 0 <= delay <= MAX_DELAY else MAX_DELAY,
            cancelable=CANCELABLE[row.choice(8, tuple(CANCELABLE))],
            target=_allowed_target(TARGETS[row.choice(9, tuple(TARGETS))], skill["target_type"] == "ground"),
            condition=condition,
            condition_value=_condition_value(row, condition),
            values=_mode_change(skill["name"], values, mode),
            emotion=row.integer(17, default=-1),
        )


class _Row:
    def __init__(self, file: str, number: int, line: bytes) -> None:
        self.file = file
        self.number = number
        self.texts = line.decode("utf-8", "replace").split(",")
        if len(self.texts) != len(COLUMNS):
            found = f"{len(self.texts)} columns"
            raise DataError(file, f"line {number}", "the row", found, f"{len(COLUMNS)} columns ({', '.join(COLUMNS)})")

    def wrong(self, column: int, expected: str) -> DataError:
        entry = f"line {self.number} ({plain(self.texts[1])})"
        return DataError(self.file, entry, COLUMNS[column], self.texts[column], expected)

    def integer(self, column: int, low: int = INT32[0], high: int = INT32[1], default: int | None = None) -> int:
        text = self.texts[column]
        if not text.strip() and default is not None:
            return default
        number = to_integer(text)
        if number is None or not low <= number <= high:
            raise self.wrong(column, f"a whole number from {low} to {high}")
        return number

    def choice(self, column: int, known: tuple[str, ...]) -> str:
        text = self.texts[column].strip()
        if text not in known:
            raise self.wrong(column, one_of(text, known))
        return text


def _condition_value(row: _Row, condition: str) -> int | str:
    if condition in STATUS_CONDITIONS:
        text = row.texts[11].strip()
        if text in CONDITION_STATUSES:
            return CONDITION_STATUSES[text]
        number = to_integer(text)
        if number not in STATUS_NUMBERS:
            raise row.wrong(11, f"{one_of(text, CONDITION_STATUSES)}, or its number on the server")
        return STATUS_NUMBERS[number]
    return row.integer(11, default=0)


def _allowed_target(target: str, ground: bool) -> str:
    # Only ground skills can be aimed around somebody; the server takes the current target instead.
    return target if ground or not target.startswith("around") else "target"


def _mode_change(skill: str, values: tuple[int, ...], mode: int | None) -> tuple[int, int, int, int, int]:
    """The values of the two skills that change a monster's mode, as the server rewrites them when it loads the row."""
    first, second, third, fourth, fifth = values
    if mode is not None and skill == "NPC_EMOTION" and second == mode:
        second, fifth = 0, 1  # setting the mode it already has means: back to the original
    elif mode is not None and skill == "NPC_EMOTION_ON" and second:
        if not second & MODES["Aggressive"]:
            fourth |= MODES["Aggressive"]  # a passive mode to add also takes the aggressive one away
        third, second = third | second, 0
    return first, second, third, fourth, fifth


def skill_files(folder: str) -> Iterator[tuple[str, bool]]:
    """Names of the files that hold skill rows, in order, and whether a server cannot be without it."""
    yield f"db/{folder}/mob_skill_db.txt", True
    yield "db/import/mob_skill_db.txt", False
