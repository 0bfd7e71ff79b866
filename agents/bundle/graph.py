"""What may stand in a model.onnx: weights inside, operators that exports have, the ports that its manifest tells."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, TensorProto, numpy_helper

from agents.bundle.errors import BundleError
from agents.bundle.manifest import Manifest
from agents.bundle.ports import Port

# What the nine types come out with, in either precision, optimized or not; tests hold that none is missing or idle.
OPERATORS = frozenset(
    (
        "Abs", "Add", "ArgMax", "Cast", "Clip", "Concat", "Conv", "Div", "Einsum", "Exp", "Expand", "Gather",
        "GatherElements", "Gemm", "Greater", "LayerNormalization", "MatMul", "Mul", "Pow", "ReduceMax", "ReduceMean",
        "ReduceSum", "Relu", "Reshape", "Shape", "Sigmoid", "Slice", "Softmax", "Split", "Sqrt", "Squeeze", "Sub",
        "Tanh", "Transpose", "Unsqueeze", "Where",
    )
)  # fmt: skip
DOMAINS = ("", "ai.onnx")
OPSETS = range(18, 24)  # of the standard domain
FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
SCALARS = (AttributeProto.FLOAT, AttributeProto.INT, AttributeProto.STRING, AttributeProto.FLOATS, AttributeProto.INTS)


def parse(model: bytes, where: str) -> onnx.ModelProto:
    """A model in bytes; nothing outside of them is looked at."""
    try:
        return onnx.load_model_from_string(model)
    except (DecodeError, ValueError, TypeError) as error:
        raise BundleError("bad model", f"{where} is no ONNX model: {error}") from error


def check(model: onnx.ModelProto, manifest: Manifest, where: str) -> None:
    """BundleError unless a model is as exports are, and what its manifest tells of."""
    _check_operators(model, where)
    for tensor in model.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
            raise BundleError("external data", f"{where} keeps {tensor.name!r} in another file, expected it inside")
        if tensor.data_type in FLOATS:
            if not np.isfinite(_numbers(tensor, where)).all():
                raise BundleError("not finite", f"{where} holds {tensor.name!r}, in which a number is not finite")
    _check_ports(model.graph.input, manifest.inputs, "input", where)
    _check_ports(model.graph.output, manifest.outputs, "output", where)
    names = [entry.key for entry in model.metadata_props]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BundleError("other model", f"{where} says twice what its {twice[0]} is, expected it once")
    told = {entry.key: entry.value for entry in model.metadata_props}
    expected = metadata(manifest)
    for name in sorted(set(told) | set(expected)):
        if told.get(name) != expected.get(name):
            raise BundleError(
                "other model", f"{where} says of {name} {told.get(name)!r}, its manifest {expected.get(name)!r}"
            )


def metadata(manifest: Manifest) -> dict[str, str]:
    """What a model says of itself to whoever has the file alone."""
    model = manifest.model
    ports = (*manifest.inputs, *manifest.outputs)
    return {
        "model_type": model.model_type, "archetype": model.archetype, "size": model.size, "control": model.control,
        "kind": model.kind, "blocks": ",".join(model.blocks), "contract": str(manifest.contract),
        "schema_hash": manifest.schema_hash, "precision": manifest.precision, "memory_size": str(model.memory_size),
        "weights": model.digest, **{f"port.{port.name}": port.meaning for port in ports},
    }  # fmt: skip


def _numbers(tensor: onnx.TensorProto, where: str) -> np.ndarray[Any, np.dtype[Any]]:
    try:
        return numpy_helper.to_array(tensor)
    except Exception as error:  # the reader's own errors are of many kinds
        raise BundleError("bad model", f"{where} holds {tensor.name!r}, which cannot be read: {error}") from error


def _check_operators(model: onnx.ModelProto, where: str) -> None:
    for opset in model.opset_import:
        if opset.domain not in DOMAINS:
            raise BundleError("unknown domain", f"{where} imports {opset.domain!r}, expected standard operators alone")
        if opset.version not in OPSETS:
            last = OPSETS.stop - 1
            raise BundleError(
                "unknown opset", f"{where} is of opset {opset.version}, expected {OPSETS.start} to {last}"
            )
    if len(model.opset_import) != 1:
        found = ", ".join(str(opset.version) for opset in model.opset_import) or "none"
        raise BundleError("unknown opset", f"{where} imports opsets {found}, expected one, of standard operators")
    if model.functions or model.training_info or model.graph.sparse_initializer or model.graph.quantization_annotation:
        raise BundleError("unknown parts", f"{where} holds more than a graph: functions, training or sparse numbers")
    for node in model.graph.node:
        if node.domain not in DOMAINS:
            raise BundleError(
                "unknown domain", f"{where} has {node.domain}.{node.op_type}, expected standard operators"
            )
        if node.op_type not in OPERATORS:
            raise BundleError(
                "unknown operator", f"{where} has {node.op_type}, expected {', '.join(sorted(OPERATORS))}"
            )
        for attribute in node.attribute:
            if attribute.type not in SCALARS:
                kind = AttributeProto.AttributeType.Name(attribute.type)
                told = f"{node.op_type}.{attribute.name}, a {kind}, expected numbers and texts"
                raise BundleError("unknown attribute", f"{where} has {told}")


def _check_ports(found: Iterable[onnx.ValueInfoProto], told: tuple[Port, ...], what: str, where: str) -> None:
    shown = [_shown(value, where) for value in found]
    expected = [(port.name, TYPES[port.type], port.shape) for port in told]
    if shown != expected:
        raise BundleError(f"other {what}s", f"{where} has {what}s {shown}, its manifest tells of {expected}")


def _shown(value: onnx.ValueInfoProto, where: str) -> tuple[str, int, tuple[int, ...]]:
    """Name, type and shape of a row; the first dimension must be of any length."""
    tensor = value.type.tensor_type
    dimensions = tensor.shape.dim
    if not dimensions or not dimensions[0].dim_param:
        raise BundleError("fixed batch", f"{where}: {value.name} has a batch of a fixed size, expected one of any size")
    return value.name, tensor.elem_type, tuple(dimension.dim_value for dimension in dimensions[1:])
