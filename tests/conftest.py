"""What holds for every test."""

import pytest
from hypothesis import settings

# Kernels compile at their first call, which takes seconds; a deadline would fail the first example for that alone.
settings.register_profile("mlmonster", deadline=None)
settings.load_profile("mlmonster")


@pytest.fixture(scope="session", autouse=True)
def _logs_below_the_tests_folder(tmp_path_factory):
    """Learners that are given no logger make a folder for one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SB3_LOGDIR", str(tmp_path_factory.mktemp("sb3")))
        yield
