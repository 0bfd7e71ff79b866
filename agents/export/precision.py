"""A graph in half precision where that does no harm.

Converters that are at hand cast every input to half precision first, and every result of what is to be kept in single
precision back to half: a state of [0, 1] would lose what its scale, of up to a hundred, then makes large. Here a cast
stands only where a number goes from one side to the other.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from agents.export.graph import SINGLE

# Sums and exponentials; what they take in and give may be in half precision.
SINGLE_OPERATORS = ("LayerNormalization", "Softmax", "ReduceMean", "ReduceSum", "Exp", "Pow", "Sqrt", "ArgMax")
MOST, LEAST = float(np.finfo(np.float16).max), float(np.finfo(np.float16).smallest_subnormal)


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph, its wide products in half precision; inputs and outputs stay what they are."""
    made = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    graph = made.graph
    values = (*graph.input, *graph.output, *graph.value_info)
    floats = {value.name for value in values if value.type.tensor_type.elem_type == TensorProto.FLOAT}
    weights = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}
    returned = {value.name for value in graph.output}
    half: set[str] = set()  # values that are computed in half precision
    casts: dict[str, str] = {}  # from a value to itself in the other precision
    nodes: list[onnx.NodeProto] = []

    def other(name: str, to: int) -> str:
        """A value in the other precision, cast once."""
        if name not in casts:
            casts[name] = f"{name}.{TensorProto.DataType.Name(to).lower()}"
            nodes.append(helper.make_node("Cast", [name], [casts[name]], f"{SINGLE}/{casts[name]}", to=to))
        return casts[name]

    halves: dict[str, TensorProto] = {}
    for node in graph.node:
        in_half = not (node.name.startswith(f"{SINGLE}/") or node.op_type in SINGLE_OPERATORS)
        in_half = in_half and any(name in floats or name in weights for name in (*node.input, *node.output))
        for place, name in enumerate(node.input):
            if name in weights and in_half:
                halves.setdefault(name, _half(weights[name]))
                node.input[place] = halves[name].name
            elif name in floats and name not in weights and (name in half) != in_half:
                node.input[place] = other(name, TensorProto.FLOAT16 if in_half else TensorProto.FLOAT)
        if in_half:
            for attribute in node.attribute:
                if attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                    attribute.i = TensorProto.FLOAT16
        nodes.append(node)
        for place, name in enumerate(node.output):
            if not in_half or name not in floats:
                continue
            if name in returned:
                node.output[place] = f"{name}.float16"
                half.add(node.output[place])
                nodes.append(
                    helper.make_node("Cast", [node.output[place]], [name], f"{SINGLE}/{name}", to=TensorProto.FLOAT)
                )
            else:
                half.add(name)
    ordered = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    used = {name for node in ordered for name in node.input}
    kept = [tensor for tensor in (*graph.initializer, *halves.values()) if tensor.name in used]
    copies = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in kept]
    for field in ("node", "initializer", "value_info"):
        graph.ClearField(field)  # type: ignore[arg-type]
    graph.node.extend(ordered)
    graph.initializer.extend(copies)
    onnx.checker.check_model(made, full_check=True)
    return made


def _half(tensor: TensorProto) -> TensorProto:
    """Weights in half precision; what is too large for it becomes the largest there is."""
    told = numpy_helper.to_array(tensor)
    clipped = np.clip(told, -MOST, MOST)
    return numpy_helper.from_array(clipped.astype(np.float16), f"{tensor.name}.float16")
