"""What a kernel sees of one match: a pointer to the places and sizes of its arrays.

Kernels write `w.units[f.HP, u]`. Passing the arrays themselves would mean some eighty words and nine reference counts a
call, so a World is one address, and the arrays it gives out are not counted.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.imputils import lower_getattr
from numba.core.types.containers import UniTuple
from numba.core.types.misc import CPointer
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, register_model
from numba.np.arrayobj import make_array, populate_array

Int32Array = np.ndarray[Any, np.dtype[np.int32]]

# Name, type and dimensions of each array, in the order in which their addresses lie.
ARRAYS = (
    ("units", types.int32, 2),  # [unit rows, units]: fields.SPECIES ...
    ("match", types.int32, 1),  # [match columns]: fields.CLOCK ...
    ("journal", types.int32, 2),  # [records, fields.JOURNAL_WIDTH]; none where nobody asks
    ("scratch", types.int32, 1),  # [fields.SCRATCH_WIDTH]: no part of the match's state
    ("tally", types.int32, 2),  # [fields.TALLY_ROWS, units]; none where nobody asks what happened in a step
    ("book", types.int32, 2),  # [units, fields.BOOK_ROWS]; none where nobody observes
    ("cells", types.uint8, 2),  # [height, width]: bits fields.WALKABLE_CELL ...
    ("species", types.int32, 2),  # [species, columns]
    ("rows", types.int32, 3),  # [species, skill rows, columns]
    ("skills", types.int32, 2),  # [skills, skill_columns]
    ("statuses", types.int32, 2),  # [statuses, status_columns]
    ("elements", types.int32, 3),  # [level, attack, defence]: percent
    ("rules", types.int32, 1),  # [fields.RULES_WIDTH]
)
WORLD_WORDS = sum(1 + dimensions for _, _, dimensions in ARRAYS)
OF_MATCHES = ("units", "match", "journal", "scratch", "tally", "book")  # all others are the same for every match
CELLS_WORD = sum(1 + dimensions for name, _, dimensions in ARRAYS if name in OF_MATCHES)  # address of a match's map


class BareArray(types.Array):
    """An array that somebody else keeps alive."""

    def __init__(self, dtype: Any, dimensions: int) -> None:
        super().__init__(dtype, dimensions, "C", name=f"BareArray({dtype}, {dimensions})")


@register_model(BareArray)
class BareArrayModel(models.StructModel):  # type: ignore[misc]
    """Laid out as numba's arrays are, but nothing in it is counted."""

    def __init__(self, manager: Any, array: BareArray) -> None:
        members = [
            ("meminfo", types.voidptr),
            ("parent", types.voidptr),
            ("nitems", types.intp),
            ("itemsize", types.intp),
            ("data", CPointer(array.dtype)),
            ("shape", UniTuple(types.intp, array.ndim)),
            ("strides", UniTuple(types.intp, array.ndim)),
        ]
        super().__init__(manager, array, members)


class WorldType(types.Type):
    """The type of `w`."""

    def __init__(self) -> None:
        super().__init__(name="World")


world_type = WorldType()
register_model(WorldType)(models.OpaqueModel)


@infer_getattr
class WorldAttributes(AttributeTemplate):  # type: ignore[misc]
    """The types of a World's arrays."""

    key = WorldType

    def generic_resolve(self, world: WorldType, name: str) -> BareArray | None:
        for array, dtype, dimensions in ARRAYS:
            if name == array:
                return BareArray(dtype, dimensions)
        return None


def _give_out(name: str, dtype: Any, dimensions: int, place: int) -> None:
    array_type = BareArray(dtype, dimensions)

    @lower_getattr(WorldType, name)
    def view(context, builder, _, world):
        words = builder.bitcast(world, ir.IntType(64).as_pointer())

        def word(offset):
            value = builder.load(builder.gep(words, [ir.Constant(ir.IntType(64), place + offset)]))
            value.set_metadata("invariant.load", builder.module.add_metadata([]))
            return value

        array = make_array(array_type)(context, builder)
        size = context.get_abi_sizeof(context.get_data_type(dtype))
        shape = [word(1 + axis) for axis in range(dimensions)]
        strides = [context.get_constant(types.intp, size)]
        for length in shape[:0:-1]:
            strides.insert(0, builder.mul(strides[0], length))
        populate_array(
            array,
            data=builder.inttoptr(word(0), context.get_data_type(dtype).as_pointer()),
            shape=cgutils.pack_array(builder, shape),
            strides=cgutils.pack_array(builder, strides),
            itemsize=context.get_constant(types.intp, size),
            meminfo=None,
        )
        return array._getvalue()


_place = 0
for _name, _dtype, _dimensions in ARRAYS:
    _give_out(_name, _dtype, _dimensions, _place)
    _place += 1 + _dimensions


@intrinsic
def world_at(typingctx, address):
    """The World whose words lie at an address."""

    def codegen(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(world_type))

    return world_type(types.intp), codegen


def world_words(
    matches: tuple[Int32Array, ...],
    cells: np.ndarray[Any, np.dtype[np.uint8]],
    tables: tuple[Int32Array, ...],
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """One line of words for each match: addresses and sizes of its arrays. They must outlive every use of the words."""
    words = np.zeros((len(matches[0]), WORLD_WORDS), np.int64)
    place = 0
    arrays: tuple[np.ndarray[Any, Any], ...] = (*matches, cells, *tables)
    for (name, dtype, dimensions), array in zip(ARRAYS, arrays, strict=True):
        of_matches = name in OF_MATCHES
        shape = array.shape[1:] if of_matches or name == "cells" else array.shape
        if len(shape) != dimensions or array.dtype != np.dtype(str(dtype)) or not array.flags.c_contiguous:
            raise ValueError(f"{name} is {array.dtype} of shape {array.shape}, expected contiguous {dtype}")
        words[:, place] = array.ctypes.data
        if of_matches:
            words[:, place] += np.arange(len(words)) * array.strides[0]
        words[:, place + 1 : place + 1 + dimensions] = shape
        place += 1 + dimensions
    return words
