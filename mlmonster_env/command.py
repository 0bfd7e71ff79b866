"""How every command ends: with its status, with one line where Ctrl-C ends it, quietly where nobody reads on.

What its words mean is told here too, where several commands have the same.
"""

import argparse
import io
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

INTERRUPTED = 130
UNREAD = 141  # what a shell tells of a program that ended since nobody read on


def end_with(main: Callable[[], int | None]) -> NoReturn:
    """Run a command and end the process with its status."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout is sys.__stdout__:
        sys.stdout = _watched(sys.stdout)
    try:
        status = _status(main)
    except KeyboardInterrupt:
        print("stopped by SIGINT", file=sys.stderr)
        status = INTERRUPTED
    except BrokenPipeError:  # of the errors: nobody reads them either
        _let_go(sys.stderr.fileno())
        status = UNREAD
    sys.exit(status)


def at_least(least: int) -> Callable[[str], int]:
    """The type of an option that is a whole number, and no smaller one."""

    def whole(text: str) -> int:
        if (number := int(text)) < least:
            raise argparse.ArgumentTypeError(f"{text}, expected {least} at least")
        return number

    return whole


class _Stdout(io.FileIO):
    """The process's output: ends the command where its reader is gone, which is no error of a file of its own."""

    def write(self, told: Any) -> int:
        try:
            return super().write(told)
        except BrokenPipeError:
            _let_go(self.fileno())
            raise SystemExit(UNREAD) from None


def _status(main: Callable[[], int | None]) -> int | None:
    try:
        return main()
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()


def _watched(stdout: io.TextIOWrapper) -> io.TextIOWrapper:
    stdout.flush()
    file = _Stdout(stdout.fileno(), "w", closefd=False)
    unbuffered = isinstance(stdout.buffer, io.RawIOBase)  # python -u
    return io.TextIOWrapper(
        file if unbuffered else io.BufferedWriter(file),
        stdout.encoding,
        stdout.errors,
        line_buffering=stdout.line_buffering,
        write_through=stdout.write_through,
    )


def _let_go(descriptor: int) -> None:
    """What is buffered still goes nowhere, or the interpreter would stumble over it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
