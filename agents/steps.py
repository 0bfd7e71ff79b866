"""The numbered steps of what must not be left half done; tests listen to them, and die at each."""

from collections.abc import Callable

Listener = Callable[[str], None]
listeners: list[Listener] = []  # none, but in tests


def step(name: str) -> None:
    """A step such as "promote 3 moved" has been done."""
    for heard in listeners:
        heard(name)
