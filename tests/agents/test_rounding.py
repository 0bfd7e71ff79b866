"""Half precision by arithmetic is half precision."""

import numpy as np
import onnx
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from agents.bundle.network import Network
from agents.export.precision import halved
from agents.export.rounding import rounded

WEIGHTS = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)


def product():
    """Rows of 8 numbers times weights."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], "0/MatMul")], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])], [numpy_helper.from_array(WEIGHTS, "w")],
    )  # fmt: skip
    return halved(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10))


NETWORK = Network(rounded(product()).SerializeToString())


@given(st.lists(st.floats(-60000, 60000, width=32), min_size=8, max_size=8))
def test_a_product_is_rounded_before_and_after(row):
    x = np.array([row], np.float32)
    x[np.abs(x) < 1e-4] = 0.0  # below the normal range it differs, by less than 3e-8
    summed = x.astype(np.float16).astype(np.float32) @ WEIGHTS.astype(np.float16).astype(np.float32)
    told = NETWORK({"x": x})["y"]
    fits = np.abs(summed) < 65000
    np.testing.assert_allclose(told[fits], summed[fits].astype(np.float16).astype(np.float32), rtol=1e-3, atol=1e-6)
    exact = told[np.isfinite(told)]
    np.testing.assert_array_equal(exact, exact.astype(np.float16).astype(np.float32))


def test_what_is_too_large_is_infinite():
    assert not np.isfinite(NETWORK({"x": np.full((1, 8), 70000.0)})["y"]).any()
    assert np.isfinite(NETWORK({"x": np.full((1, 8), 2000.0)})["y"]).all()


def test_weights_alone_would_be_kinder():
    x = np.random.default_rng(1).random((64, 8), np.float32)
    exact = x @ WEIGHTS.astype(np.float16).astype(np.float32)
    assert np.abs(NETWORK({"x": x})["y"] - exact).max() > 1e-4
    onnx.checker.check_model(rounded(product()), full_check=True)
