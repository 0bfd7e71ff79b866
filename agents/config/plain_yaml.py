"""YAML as people write options in it: 3e-4 is a number, and nothing stands twice."""

import re
from typing import Any

import yaml

# YAML 1.1 wants a point and a sign in it, and reads all others as text.
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$")


class _Loader(yaml.SafeLoader):
    """Reads one document."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping, unless a key of it is given more than once."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+.0123456789"))


def load(text: str) -> Any:
    """What a text says; yaml.YAMLError where it is no YAML, or says something twice."""
    return yaml.load(text, Loader=_Loader)
