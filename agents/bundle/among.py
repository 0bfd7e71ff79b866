"""What lies among bundles and is none: the folder that the registry publishes into."""

import os
from collections.abc import Sequence
from pathlib import Path

VIEW = "production"
PUBLISHING = ".publishing.lock"  # lies in it since something was published
PASSED = "passed over, for the registry publishes into it"


def passed_over(paths: Sequence[Path]) -> list[Path]:
    """Which of these is not meant by who asks for everything, as by `models/*`; who asks for it alone means it."""
    found = [path for path in paths if path.name == VIEW and os.path.isfile(path / PUBLISHING)]
    return found if len(found) < len(paths) else []
