"""What importing the package promises."""

import subprocess
import sys


def test_windows_is_refused_in_words() -> None:
    """Not as a module that is missing somewhere below."""
    code = "import sys; sys.platform = 'win32'; import mlmonster_env"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert told.returncode == 1
    assert "ImportError: mlmonster locks its files as POSIX systems do, expected Linux" in told.stderr
