"""What a processor with half precision makes of a graph, computed on one without.

ONNX Runtime drops the casts around a product where the processor at hand has no half precision, and computes it in
single: nothing but the weights is rounded then. Here every number that would be cast is rounded by arithmetic, which
nothing drops; sums inside a product are in single precision, as GPUs have them.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from agents.export.precision import MOST

SPLIT = np.float32(2**13 + 1)  # Veltkamp's: x * SPLIT - (x * SPLIT - x) has the 11 bits that half precision has
BEYOND = np.float32(MOST + 16)  # from here on half precision has infinity
CONSTANTS = {"round.split": SPLIT, "round.beyond": BEYOND, "round.infinite": np.float32(np.inf)}


def rounded(model: onnx.ModelProto) -> onnx.ModelProto:
    """A graph in single precision that gives what one in mixed precision gives where both are there."""
    made: onnx.ModelProto = onnx.ModelProto.FromString(model.SerializeToString())
    graph = made.graph
    halves = {name for node in graph.node if _lowers(node) for name in node.output}
    halves |= {tensor.name for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT16}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if _lowers(node) or (node.op_type == "Cast" and node.input[0] in halves):
            nodes += _rounding(node.input[0], node.output[0])
            continue
        if any(name in halves for name in node.input):
            halves.update(node.output)
        nodes.append(node)
    tensors = [_single(tensor) for tensor in graph.initializer]
    tensors += [numpy_helper.from_array(np.asarray(value), name) for name, value in CONSTANTS.items()]
    graph.CopyFrom(helper.make_graph(nodes, graph.name, graph.input, graph.output, tensors))
    return made


def _lowers(node: onnx.NodeProto) -> bool:
    return node.op_type == "Cast" and any(a.name == "to" and a.i == TensorProto.FLOAT16 for a in node.attribute)


def _rounding(name: str, result: str) -> list[onnx.NodeProto]:
    """Nodes that round a number to half precision; below its normal range they are a little kinder than it is."""
    split, beyond, infinite = CONSTANTS
    steps = [
        ("Mul", [name, split], "wide"), ("Sub", [f"{result}.wide", name], "rest"),
        ("Sub", [f"{result}.wide", f"{result}.rest"], "near"), ("Abs", [name], "size"),
        ("Less", [f"{result}.size", beyond], "fits"),
    ]  # fmt: skip
    made = [helper.make_node(kind, given, [f"{result}.{part}"]) for kind, given, part in steps]
    return [*made, helper.make_node("Where", [f"{result}.fits", f"{result}.near", infinite], [result])]


def _single(tensor: TensorProto) -> TensorProto:
    if tensor.data_type != TensorProto.FLOAT16:
        return tensor
    return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name)
