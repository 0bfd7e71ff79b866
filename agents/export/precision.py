"""A graph in half precision where that does no harm: the products of its weights.

Converters that are at hand cast every input to half precision first, and every result of what is to be kept in single
precision back to half: a state of [0, 1] would lose what its scale, of up to a hundred, then makes large. Here what is
multiplied by a weight is cast for that alone, and everything else (scales, masks, norms, softmaxes, sums, what is
carried from moment to moment) is computed as in training.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PRODUCTS = ("Conv", "Einsum", "Gemm", "MatMul")
MOST = float(np.finfo(np.float16).max)


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph, its weights and their products in half precision; inputs and outputs stay what they are."""
    made = onnx.ModelProto.FromString(model.SerializeToString())
    graph = made.graph
    weights = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}
    halves: dict[str, TensorProto] = {}
    casts: dict[str, str] = {}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        nodes.append(node)
        if node.op_type not in PRODUCTS or not any(name in weights for name in node.input):
            continue
        nodes.pop()
        for place, name in enumerate(node.input):
            if name in weights:
                halves.setdefault(name, _half(weights[name]))
                node.input[place] = halves[name].name
            else:
                if name not in casts:
                    casts[name] = f"{name}.half"
                    nodes.append(_cast(name, casts[name], TensorProto.FLOAT16))
                node.input[place] = casts[name]
        result = node.output[0]
        node.output[0] = f"{result}.product"
        nodes += [node, _cast(node.output[0], result, TensorProto.FLOAT)]
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in (*graph.initializer, *halves.values()) if tensor.name in used]
    whole = helper.make_graph(nodes, graph.name, graph.input, graph.output, kept)
    graph.CopyFrom(whole)
    onnx.checker.check_model(made, full_check=True)
    return made


def _half(tensor: TensorProto) -> TensorProto:
    """Weights in half precision; what is too large for it becomes the largest there is."""
    told = numpy_helper.to_array(tensor)
    return numpy_helper.from_array(np.clip(told, -MOST, MOST).astype(np.float16), f"{tensor.name}.half")


def _cast(name: str, result: str, to: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [name], [result], f"cast/{result}", to=to)
