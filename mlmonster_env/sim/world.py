"""What a kernel sees of one match: a pointer to the places and sizes of its arrays.

Kernels write `w.units[f.HP, u]`. Passing the arrays themselves would mean some eighty words and nine reference counts a
call, so a World is one address, and the arrays it gives out are not counted.
"""

import operator
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.imputils import lower_builtin, lower_getattr
from numba.core.types.containers import BaseTuple, Tuple, UniTuple
from numba.core.types.misc import CPointer
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, register_model
from numba.np import arrayobj
from numba.np.arrayobj import make_array, populate_array

Int32Array = np.ndarray[Any, np.dtype[np.int32]]

# Name, type and dimensions of each array, in the order in which their addresses lie.
ARRAYS = (
    ("units", types.int32, 2),  # [unit rows, units]: fields.SPECIES ..., all rows of a unit side by side
    ("match", types.int32, 1),  # [match columns]: fields.CLOCK ...
    ("journal", types.int32, 2),  # [records, fields.JOURNAL_WIDTH]; none where nobody asks
    ("scratch", types.int32, 1),  # [fields.SCRATCH_WIDTH]: no part of the match's state, as the next three
    ("due", types.int32, 1),  # [whole lanes of units]: before which moment no timer of a unit is due
    ("wake", types.int32, 1),  # [whole lanes of units]: before which moment no mind need be asked
    ("after", types.int32, 1),  # [whole lanes of units]: whom a mind at rest is after
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
BY_COLUMN = ("units",)  # the first index is the one that runs fastest in memory
# All others are the same for every match.
OF_MATCHES = ("units", "match", "journal", "scratch", "due", "wake", "after", "tally", "book")
CELLS_WORD = sum(1 + dimensions for name, _, dimensions in ARRAYS if name in OF_MATCHES)  # address of a match's map


def layout_of(name: str) -> Literal["C", "F"]:
    """How numba calls the order in which an array lies in memory."""
    return "F" if name in BY_COLUMN else "C"


class BareArray(types.Array):
    """An array that somebody else keeps alive, and that knows no indices from its end: below 0 lies something else."""

    def __init__(self, dtype: Any, dimensions: int, layout: Literal["C", "F"]) -> None:
        super().__init__(dtype, dimensions, layout, name=f"BareArray({dtype}, {dimensions}, {layout})")


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


def _never_negative(context: Any, builder: Any, kind: Any, index: Any) -> tuple[Any, Any]:
    """An index, or a tuple of them, as numba takes those that need no look at whether they count from the end."""
    if isinstance(kind, BaseTuple):
        parts = [
            _never_negative(context, builder, part_kind, part)
            for part_kind, part in zip(kind.types, cgutils.unpack_tuple(builder, index, len(kind)), strict=True)
        ]
        plain = Tuple([part_kind for part_kind, _ in parts])
        return plain, context.make_tuple(builder, plain, [part for _, part in parts])
    if isinstance(kind, types.Integer):
        return types.uintp, context.cast(builder, index, kind, types.intp)
    return kind, index


@lower_builtin(operator.getitem, BareArray, BaseTuple)
def get_from_bare_array(context, builder, signature, arguments):
    kind, index = _never_negative(context, builder, signature.args[1], arguments[1])
    plain = signature.replace(args=(signature.args[0], kind))
    return arrayobj.getitem_array_tuple(context, builder, plain, (arguments[0], index))


@lower_builtin(operator.getitem, BareArray, types.Integer)
def get_one_from_bare_array(context, builder, signature, arguments):
    kind, index = _never_negative(context, builder, signature.args[1], arguments[1])
    plain = signature.replace(args=(signature.args[0], kind))
    return arrayobj.getitem_arraynd_intp(context, builder, plain, (arguments[0], index))


@lower_builtin(operator.setitem, BareArray, types.Any, types.Any)
def set_in_bare_array(context, builder, signature, arguments):
    kind, index = _never_negative(context, builder, signature.args[1], arguments[1])
    plain = signature.replace(args=(signature.args[0], kind, signature.args[2]))
    return arrayobj.setitem_array(context, builder, plain, (arguments[0], index, arguments[2]))


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
                return BareArray(dtype, dimensions, layout_of(name))
        return None


def _give_out(name: str, dtype: Any, dimensions: int, place: int) -> None:
    array_type = BareArray(dtype, dimensions, layout_of(name))

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
        for length in shape[:-1] if name in BY_COLUMN else shape[:0:-1]:
            strides.append(builder.mul(strides[-1], length))
        if name not in BY_COLUMN:
            strides.reverse()
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
    matches: Sequence[Int32Array],
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
        lies = array.transpose(0, 2, 1) if name in BY_COLUMN else array
        if len(shape) != dimensions or array.dtype != np.dtype(str(dtype)) or not lies.flags.c_contiguous:
            raise ValueError(f"{name} is {array.dtype} of shape {array.shape}, expected contiguous {dtype}")
        words[:, place] = array.ctypes.data
        if of_matches:
            words[:, place] += np.arange(len(words)) * array.strides[0]
        words[:, place + 1 : place + 1 + dimensions] = shape
        place += 1 + dimensions
    return words
