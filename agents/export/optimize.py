"""A graph made shorter by ONNX Runtime, without anything that belongs to one machine."""

import tempfile
from pathlib import Path

import onnx
import onnxruntime

from agents.bundle.graph import DOMAINS
from agents.bundle.network import CPU, QUIET


def optimized(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with constants folded and neighbours fused.

    Only the basic level: it stays within the standard's operators. Higher ones choose kernels and layouts for the
    processor at hand, which is left to whoever loads the model. To be done in single precision: a processor without
    half precision would have its casts written into the graph.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(path)
        options.log_severity_level = QUIET
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=list(CPU))
        made = onnx.load(path, load_external_data=False)
    standard = [opset for opset in made.opset_import if opset.domain in DOMAINS]
    del made.opset_import[:]
    made.opset_import.extend(standard)
    made.graph.ClearField("value_info")
    made.producer_name, made.producer_version = model.producer_name, model.producer_version
    return made
