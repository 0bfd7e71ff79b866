"""How every command ends: with its status, and with one line where Ctrl-C ends it."""

import sys
from collections.abc import Callable
from typing import NoReturn

INTERRUPTED = 130


def end_with(main: Callable[[], int | None]) -> NoReturn:
    """Run a command and end the process with its status."""
    try:
        status = main()
    except KeyboardInterrupt:
        print("stopped by SIGINT", file=sys.stderr)
        status = INTERRUPTED
    sys.exit(status)
