"""What holds for every test of networks."""

import pytest
import torch


@pytest.fixture(autouse=True)
def same_weights():
    """Networks are drawn the same, whichever tests ran before."""
    torch.manual_seed(0)
