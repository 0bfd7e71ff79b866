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
from numba.core.types.containers import BaseTuple, UniTuple
from numba.core.types.misc import CPointer, SliceType
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, register_model

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
    """An array that somebody else keeps alive, and that knows no slices and no indices from its end.

    Whole numbers for all axes name a number of it, and for the first axes alone what lies there, uncounted too.
    """

    def __init__(self, dtype: Any, dimensions: int, layout: Literal["C", "F"]) -> None:
        super().__init__(dtype, dimensions, layout, name=f"BareArray({dtype}, {dimensions}, {layout})")

    def copy(self, dtype: Any = None, ndim: Any = None, layout: Any = None, readonly: Any = None) -> "BareArray":  # type: ignore[override]
        """What numba takes a part of this array for."""
        return BareArray(dtype or self.dtype, self.ndim if ndim is None else ndim, layout or self.layout)  # type: ignore[arg-type]


@register_model(BareArray)
class BareArrayModel(models.StructModel):  # type: ignore[misc]
    """Where the numbers lie, and how many there are along each axis."""

    DATA, SHAPE = range(2)

    def __init__(self, manager: Any, array: BareArray) -> None:
        members = [("data", CPointer(array.dtype)), ("shape", UniTuple(types.intp, array.ndim))]
        super().__init__(manager, array, members)

    def traverse(self, builder: Any) -> list[Any]:
        """What is counted in here: numba would take each array apart at every use of it to see."""
        return []


def _indices(context: Any, builder: Any, array: BareArray, kind: Any, index: Any) -> list[Any]:
    """An index for each axis that is named, all 64 bits wide."""
    kinds = kind.types if isinstance(kind, BaseTuple) else (kind,)
    if not all(isinstance(part, types.Integer) for part in kinds):
        raise TypeError(f"{array} was given the index {kind}, expected whole numbers")
    parts = cgutils.unpack_tuple(builder, index, len(kinds)) if isinstance(kind, BaseTuple) else [index]
    return [context.cast(builder, part, part_kind, types.intp) for part, part_kind in zip(parts, kinds, strict=True)]


def _pointer(context: Any, builder: Any, kind: BareArray, array: Any, index: Sequence[Any]) -> Any:
    """A pointer to one number, in fewer instructions than numba's own way: two thousand of these are compiled."""
    axes = list(zip(_shape(builder, kind, array), index, strict=True))
    if context.enable_boundscheck:
        for axis, (length, part) in enumerate(axes):
            cgutils.do_boundscheck(context, builder, part, length, axis)
    if kind.layout == "F":
        axes.reverse()
    at = axes[0][1]
    for length, part in axes[1:]:
        at = builder.add(builder.mul(at, length, flags=("nsw",)), part, flags=("nsw",))
    return builder.gep(builder.extract_value(array, BareArrayModel.DATA), [at], inbounds=True)


def _shape(builder: Any, kind: BareArray, array: Any) -> list[Any]:
    return list(cgutils.unpack_tuple(builder, builder.extract_value(array, BareArrayModel.SHAPE), kind.ndim))


def _made_of(context: Any, builder: Any, kind: BareArray, data: Any, shape: Sequence[Any]) -> Any:
    """The array of so many numbers along each axis that begins at a pointer."""
    array = ir.Constant(context.get_value_type(kind), ir.Undefined)
    array = builder.insert_value(array, data, BareArrayModel.DATA)
    return builder.insert_value(array, cgutils.pack_array(builder, shape), BareArrayModel.SHAPE)


@lower_builtin(operator.getitem, BareArray, BaseTuple)
@lower_builtin(operator.getitem, BareArray, types.Integer)
@lower_builtin(operator.getitem, BareArray, SliceType)
def get_from_bare_array(context, builder, signature, arguments):
    kind, index_kind = signature.args
    array, index = arguments
    named = _indices(context, builder, kind, index_kind, index)
    left = kind.ndim - len(named)
    if left == 0:
        return builder.load(_pointer(context, builder, kind, array, named))
    if kind.layout != "C":
        raise TypeError(f"{kind} was given {len(named)} indices, expected {kind.ndim}: what is left lies apart")
    start = _pointer(context, builder, kind, array, [*named, *[context.get_constant(types.intp, 0)] * left])
    return _made_of(context, builder, signature.return_type, start, _shape(builder, kind, array)[-left:])


@lower_builtin(operator.setitem, BareArray, types.Any, types.Any)
def set_in_bare_array(context, builder, signature, arguments):
    kind, index_kind, value_kind = signature.args
    array, index, value = arguments
    place = _pointer(context, builder, kind, array, _indices(context, builder, kind, index_kind, index))
    builder.store(context.cast(builder, value, value_kind, kind.dtype), place)


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
            if offset > 0:
                bounds = [ir.Constant(ir.IntType(64), 0), ir.Constant(ir.IntType(64), types.intp.maxval)]
                value.set_metadata("range", builder.module.add_metadata(bounds))
            return value

        data = builder.inttoptr(word(0), context.get_data_type(dtype).as_pointer())
        return _made_of(context, builder, array_type, data, [word(1 + axis) for axis in range(dimensions)])


_word = 0
for _name, _dtype, _dimensions in ARRAYS:
    _give_out(_name, _dtype, _dimensions, _word)
    _word += 1 + _dimensions


@intrinsic
def rows_of(typingctx, array, first, count, column):
    """`count` rows of one column from `first` on, of an array whose columns lie side by side in memory."""

    def codegen(context, builder, signature, arguments):
        array, first, count, column = arguments
        data = _pointer(context, builder, signature.args[0], array, (first, column))
        return _made_of(context, builder, signature.return_type, data, [count])

    if not isinstance(array, BareArray) or array.layout != "F":
        raise TypeError(f"{array} has no rows side by side, expected one of {', '.join(BY_COLUMN)}")
    return BareArray(array.dtype, 1, "C")(array, types.intp, types.intp, types.intp), codegen


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
