"""A graph in half precision where that does no harm: the products of its weights.

Converters that are at hand cast every input to half precision first, and every result of what is to be kept in single
precision back to half: a state of [0, 1] would lose what its scale, of up to a hundred, then makes large. Here what is
multiplied by a weight is cast for that alone, and everything else (scales, masks, norms, softmaxes, sums, what is
carried from moment to moment) is computed as in training.
"""

import math
from collections.abc import Collection

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PRODUCTS = ("Conv", "Einsum", "Gemm", "MatMul")
MOST = float(np.finfo(np.float16).max)


def halved(model: onnx.ModelProto, spared: Collection[str] = ()) -> onnx.ModelProto:
    """The same graph, its weights and their products in half precision; inputs and outputs stay what they are.

    Products by the names of `spared` stay in single precision too.
    """
    made: onnx.ModelProto = onnx.ModelProto.FromString(model.SerializeToString())
    graph = made.graph
    weights = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}
    halves: dict[str, TensorProto] = {}
    casts: dict[str, str] = {}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if not _weights_of(node, weights) or node.name in spared:
            nodes.append(node)
            continue
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


def half_share(model: onnx.ModelProto) -> float:
    """How much of a graph's weights is in half precision."""
    counts = {TensorProto.FLOAT: 0, TensorProto.FLOAT16: 0}
    for tensor in model.graph.initializer:
        if tensor.data_type in counts:
            counts[tensor.data_type] += math.prod(tensor.dims)
    return counts[TensorProto.FLOAT16] / max(1, sum(counts.values()))


def products(model: onnx.ModelProto) -> dict[str, int]:
    """Names of the nodes that multiply by weights, and by how many."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT}
    sizes = {
        node.name: sum(math.prod(weights[name].dims) for name in _weights_of(node, weights))
        for node in model.graph.node
    }
    return {name: size for name, size in sizes.items() if size}


def _weights_of(node: onnx.NodeProto, weights: dict[str, TensorProto]) -> list[str]:
    """What a node multiplies by; nothing if it is no product of weights."""
    return [name for name in node.input if name in weights] if node.op_type in PRODUCTS else []


def _half(tensor: TensorProto) -> TensorProto:
    """Weights in half precision; what is too large for it becomes the largest there is."""
    told = numpy_helper.to_array(tensor)
    return numpy_helper.from_array(np.clip(told, -MOST, MOST).astype(np.float16), f"{tensor.name}.half")


def _cast(name: str, result: str, to: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [name], [result], f"cast/{result}", to=to)
