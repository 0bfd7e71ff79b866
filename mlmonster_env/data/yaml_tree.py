"""YAML as plain text trees: mappings, lists and strings, with line numbers, nothing guessed about types.

The server decides by field what a scalar is ("08" is the name of an AI type, not a number), so none is converted here.
"""

from typing import TypeAlias

import yaml

from mlmonster_env.data.errors import DataError

MAX_DEPTH = 32  # of mappings and lists in one another; the server's files need 6
NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class YamlMap(dict[str, "YamlNode"]):
    """A mapping that knows the line it starts in and the keys that were given more than once."""

    __slots__ = ("line", "repeated")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.repeated: tuple[str, ...] = ()


YamlNode: TypeAlias = YamlMap | list["YamlNode"] | str | None


def parse_yaml(content: bytes, file: str) -> YamlNode:
    """The one document in `content`; raises DataError naming `file` and line for anything that is not plain YAML."""
    try:
        return _build(yaml.parse(content, Loader=yaml.CSafeLoader), file)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        raise DataError(file, f"line {line}", "the YAML", problem, "well-formed YAML") from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise DataError(file, "", "the YAML", str(error), "well-formed YAML in UTF-8") from error


def _build(events: "yaml.parser._EventStream", file: str) -> YamlNode:  # type: ignore[name-defined]
    root: YamlNode = None
    documents = 0
    parents: list[tuple[YamlMap | list[YamlNode], str | None]] = []
    parent: YamlMap | list[YamlNode] | None = None
    key: str | None = None
    for event in events:
        kind = event.__class__
        node: YamlNode
        if kind is yaml.ScalarEvent:
            value = event.value
            if parent.__class__ is YamlMap and key is None:
                key = value
                continue
            node = None if not event.style and value in NULLS else value  # quoted, it is a text
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            line = event.start_mark.line + 1
            if parent.__class__ is YamlMap and key is None:
                raise DataError(file, f"line {line}", "a key", "a list or mapping", "a name")
            if len(parents) >= MAX_DEPTH:
                raise DataError(file, f"line {line}", "the YAML", f"{MAX_DEPTH + 1} levels", f"at most {MAX_DEPTH}")
            node = YamlMap(line) if kind is yaml.MappingStartEvent else []
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            parent, key = parents.pop()
            continue
        elif kind is yaml.AliasEvent:
            raise DataError(file, f"line {event.start_mark.line + 1}", "a value", f"*{event.anchor}", "no YAML aliases")
        else:
            documents += kind is yaml.DocumentStartEvent
            if documents > 1:
                line = event.start_mark.line + 1
                raise DataError(file, f"line {line}", "the YAML", "a second document", "one document")
            continue
        if parent is None:
            root = node
        elif isinstance(parent, YamlMap):
            if key in parent:
                parent.repeated += (str(key),)
            else:
                parent[str(key)] = node
            key = None
        else:
            parent.append(node)
        if kind is not yaml.ScalarEvent:
            assert isinstance(node, YamlMap | list)
            parents.append((parent, key))  # type: ignore[arg-type]
            parent, key = node, None
    return root
