"""What holds for every test."""

from hypothesis import settings

# Kernels compile at their first call, which takes seconds; a deadline would fail the first example for that alone.
settings.register_profile("mlmonster", deadline=None)
settings.load_profile("mlmonster")
