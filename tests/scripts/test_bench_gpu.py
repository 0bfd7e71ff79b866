"""The benchmark on a GPU runs without one at a small size, and says so where there is none."""

import numpy as np
import pytest
import torch

from agents.catalog import TYPES
from scripts import bench_gpu

BUILT = list(TYPES)


@pytest.mark.parametrize("model_type", BUILT)
def test_every_type_takes_steps(model_type):
    seen = bench_gpu.train_a_while(model_type, "tiny", "cpu", 700, matches=8)
    assert seen.losses and all(np.isfinite(value) for value in seen.losses.values())
    assert seen.peak is None and seen.planned > 0 and seen.rows_a_second > 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here, which would be measured")
def test_without_a_gpu_it_says_so(capsys):
    bench_gpu.main()
    assert "no GPU" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
@pytest.mark.parametrize("model_type", BUILT)
def test_full_models_train_inside_the_planned_memory(model_type):
    seen = bench_gpu.train_a_while(model_type, "full", "cuda", bench_gpu.STEPS)
    assert seen.peak is not None and seen.peak <= seen.planned
