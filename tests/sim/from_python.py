"""Kernels as Python calls them: compiled code alone can."""

from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

import numba


@cache
def from_python(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A function that passes all that it is given on to a kernel."""
    return numba.njit(error_model="numpy")(lambda *arguments: kernel(*arguments))  # type: ignore[no-any-return]


class FromPython:
    """A module whose kernels Python can call."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        return from_python(found) if isinstance(found, numba.core.dispatcher.Dispatcher) else found
