"""Typed reading of one entry's fields; every wrong one becomes a DataError that says where and what would be right."""

import re
from collections.abc import Collection, Mapping
from typing import TypeVar

from mlmonster_env.data.errors import UNPRINTABLE, DataError, one_of, plain
from mlmonster_env.data.yaml_tree import YamlMap, YamlNode

T = TypeVar("T")

INTEGER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]{1,8}|[0-9]{1,12})")
DECIMAL = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")
INT32 = (-(2**31), 2**31 - 1)


def to_integer(text: str) -> int | None:
    """The decimal or 0x number that `text` is, None if it is none."""
    text = text.strip(" \t")
    if not INTEGER.fullmatch(text):
        return None
    return int(text, 16 if "x" in text.lower() else 10)


class Report:
    """Takes wrong entries: raises the first (strict) or keeps them."""

    def __init__(self, strict: bool) -> None:
        self._strict = strict
        self.skipped: list[DataError] = []

    def wrong(self, error: DataError) -> None:
        if self._strict:
            raise error
        self.skipped.append(error)


class Names:
    """Keeps names apart: each belongs to one id, which may change its name."""

    def __init__(self) -> None:
        self._owners: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def claim(self, entry: "Entry", field: str, name: str, owner: int) -> None:
        """Give `name` to `owner`; raises DataError for `entry` if it is another's."""
        if self._owners.get(name, owner) != owner:
            raise entry.wrong(field, f"a name of its own; {self._owners[name]} has {name}")
        self._owners.pop(self._names.get(owner, name), None)
        self._owners[name] = owner
        self._names[owner] = name


class Entry:
    """A mapping of a YAML file with a name to call it by in errors."""

    def __init__(self, file: str, name: str, fields: YamlMap) -> None:
        self.file = file
        self.name = name
        self.fields = fields

    def __contains__(self, field: str) -> bool:
        return field in self.fields

    def wrong(self, field: str, expected: str) -> DataError:
        """The error for `field` as it stands."""
        return DataError(self.file, self.name, field, self.fields.get(field, "missing"), expected)

    def call(self, number: int, field: str) -> None:
        """Name the entry by its id and by what it says in `field`, if it says anything."""
        self.name = f"Id {number} ({plain(self.fields.get(field, 'a change to it'))}, {self.name})"

    def allow(self, known: Collection[str]) -> None:
        """Raise for a field that is not in `known`, or that stands twice."""
        for field in self.fields:
            if field not in known:
                raise DataError(self.file, self.name, "a field", field, one_of(field, known))
        if self.fields.repeated:
            raise DataError(self.file, self.name, self.fields.repeated[0], "given twice", "one value")

    def text(self, field: str) -> str | None:
        """A scalar with something to see in it; None if the field is absent."""
        if field not in self.fields:
            return None
        value = self.fields[field]
        if not isinstance(value, str) or not value.strip() or UNPRINTABLE.search(value):
            raise self.wrong(field, "a name of printable characters")
        return value

    def integer(self, field: str, low: int, high: int) -> int | None:
        """A whole number from `low` to `high`; None if the field is absent."""
        if field not in self.fields:
            return None
        value = self.fields[field]
        number = to_integer(value) if isinstance(value, str) else None
        if number is None or not low <= number <= high:
            raise self.wrong(field, f"a whole number from {low} to {high}")
        return number

    def number(self, field: str, low: float, high: float) -> float | None:
        """A decimal number from `low` to `high`; None if the field is absent."""
        if field not in self.fields:
            return None
        value = self.fields[field]
        if not isinstance(value, str) or not DECIMAL.fullmatch(value) or not low <= float(value) <= high:
            raise self.wrong(field, f"a number from {low} to {high}")
        return float(value)

    def choice(self, field: str, known: Mapping[str, T]) -> T | None:
        """What `known` has for the field's value, whatever its case; None if the field is absent."""
        value = self.text(field)
        if value is None:
            return None
        if value in known:
            return known[value]
        for name in known:
            if name.lower() == value.lower():
                return known[name]
        raise self.wrong(field, one_of(value, known))

    def flag(self, field: str) -> bool | None:
        """True or false; None if the field is absent."""
        if field not in self.fields:
            return None
        value = self.fields[field]
        if not isinstance(value, str) or value.lower() not in ("true", "false"):
            raise self.wrong(field, "true or false")
        return value.lower() == "true"

    def switches(self, field: str, known: Collection[str] | None) -> dict[str, bool]:
        """A mapping of names to true or false, spelt as in `known`; None knows any name."""
        inner = self.inner(field)
        if inner is None:
            return {}
        spelling = {name.lower(): name for name in known or inner.fields}
        result: dict[str, bool] = {}
        for name in inner.fields:
            if name.lower() not in spelling:
                raise DataError(self.file, self.name, field, name, one_of(name, spelling.values()))
            state = inner.flag(name)
            assert state is not None
            if spelling[name.lower()] in result:
                raise DataError(self.file, inner.name, name, "given twice", "one value")
            result[spelling[name.lower()]] = state
        return result

    def inner(self, field: str) -> "Entry | None":
        """A mapping inside this one; None if absent or empty."""
        value = self.fields.get(field)
        if value is None:
            return None
        if not isinstance(value, YamlMap):
            raise self.wrong(field, "a mapping")
        inner = Entry(self.file, f"{self.name}, {field}".removeprefix(", "), value)
        if value.repeated:
            raise DataError(self.file, inner.name, value.repeated[0], "given twice", "one value")
        return inner

    def rows(self, field: str) -> list["Entry"] | None:
        """A list of mappings; None if the field is absent or not a list."""
        value = self.fields.get(field)
        if not isinstance(value, list):
            return None
        return [self._row(field, index, row) for index, row in enumerate(value)]

    def _row(self, field: str, index: int, row: YamlNode) -> "Entry":
        if not isinstance(row, YamlMap):
            raise DataError(self.file, self.name, f"{field}[{index}]", row, "a mapping")
        entry = Entry(self.file, f"{self.name}, {field}[{index}]".removeprefix(", "), row)
        if row.repeated:
            raise DataError(self.file, entry.name, row.repeated[0], "given twice", "one value")
        return entry
