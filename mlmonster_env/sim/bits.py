"""Sets of places as the bits of one number: which is the first, which the last."""

from numba.core import cgutils, types
from numba.extending import intrinsic


@intrinsic
def lowest_bit(typingctx, bits):
    """Place of the lowest bit that is set; `bits` are not 0."""

    def codegen(context, builder, signature, arguments):
        return builder.cttz(arguments[0], cgutils.true_bit)

    return types.int64(types.int64), codegen


@intrinsic
def highest_bit(typingctx, bits):
    """Place of the highest bit that is set; `bits` are not 0."""

    def codegen(context, builder, signature, arguments):
        zeros = builder.ctlz(arguments[0], cgutils.true_bit)
        return builder.sub(context.get_constant(types.int64, 63), zeros)

    return types.int64(types.int64), codegen
