"""What holds for every test of learners."""

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Networks as small as those of tests are slower on more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
