"""Sixteen numbers of a row looked at at once: which of them are a number, or at most one, and which is the least.

Rows that are looked at this way are a multiple of LANES long.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from mlmonster_env.sim.compiled import small

LANES = 16
MOST = 2**31 - 1
_NUMBER = ir.IntType(32)
_WIDE = ir.IntType(64)


def whole_lanes(length: int) -> int:
    """The least multiple of LANES that is no less than a length."""
    return -(-length // LANES) * LANES


def _lanes_at(context, builder, kind, array, first):
    """The lanes of an array that begin at an index."""
    data = make_array(kind)(context, builder, array).data
    place = builder.bitcast(builder.gep(data, [first]), ir.VectorType(_NUMBER, LANES).as_pointer())
    lanes = builder.load(place)
    lanes.align = 4
    return lanes


def _everywhere(builder, number):
    """A number in each of the lanes."""
    lanes = ir.VectorType(_NUMBER, LANES)
    alone = builder.insert_element(
        ir.Constant(lanes, ir.Undefined), builder.trunc(number, _NUMBER), ir.Constant(_NUMBER, 0)
    )
    return builder.shuffle_vector(
        alone, ir.Constant(lanes, ir.Undefined), ir.Constant(ir.VectorType(_NUMBER, LANES), [0] * LANES)
    )


def _as_bits(builder, truths):
    """A bit for each of the lanes."""
    return builder.zext(builder.bitcast(truths, ir.IntType(LANES)), _WIDE)


def _compared(comparison):
    """A function that tells which lanes of an array, from an index on, compare with a number in some way."""

    def codegen(context, builder, signature, arguments):
        array, first, number = arguments
        lanes = _lanes_at(context, builder, signature.args[0], array, first)
        return _as_bits(builder, builder.icmp_signed(comparison, lanes, _everywhere(builder, number)))

    return codegen


@intrinsic
def lanes_at_most(typingctx, array, first, number):
    """Which of the numbers from `first` on are at most `number`: a bit for each of LANES."""
    return types.int64(array, types.int64, types.int64), _compared("<=")


@intrinsic
def lanes_equal(typingctx, array, first, number):
    """Which of the numbers from `first` on are `number`: a bit for each of LANES."""
    return types.int64(array, types.int64, types.int64), _compared("==")


@intrinsic
def least_of_lanes(typingctx, array, first, but):
    """The least of LANES numbers from `first` on; the one at `but` does not count, and no number is above MOST."""

    def codegen(context, builder, signature, arguments):
        array, first, but = arguments
        lanes = _lanes_at(context, builder, signature.args[0], array, first)
        each = ir.Constant(ir.VectorType(_NUMBER, LANES), list(range(LANES)))
        passed = builder.icmp_signed("==", each, _everywhere(builder, builder.sub(but, first)))
        lanes = builder.select(passed, ir.Constant(lanes.type, [MOST] * LANES), lanes)
        kind = ir.FunctionType(_NUMBER, [lanes.type])
        least = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.smin.v{LANES}i32")
        return builder.sext(builder.call(least, [lanes]), _WIDE)

    return types.int64(array, types.int64, types.int64), codegen


@small
def places_at_most(row, number):
    """The places whose number is at most `number`."""
    bits = lanes_at_most(row, 0, number)
    for first in range(LANES, row.shape[0], LANES):
        bits |= lanes_at_most(row, first, number) << first
    return bits


@small
def places_equal(row, number):
    """The places whose number is `number`."""
    bits = lanes_equal(row, 0, number)
    for first in range(LANES, row.shape[0], LANES):
        bits |= lanes_equal(row, first, number) << first
    return bits


@small
def least_of_places(row, but):
    """The least number of all places except `but`."""
    least = least_of_lanes(row, 0, but)
    for first in range(LANES, row.shape[0], LANES):
        least = min(least, least_of_lanes(row, first, but))
    return least
