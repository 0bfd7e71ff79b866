"""Whole-number arithmetic written in a data file: names, + - * // %, comparisons (0 or 1) and a few functions."""

import ast
import operator
from collections.abc import Callable, Mapping

OPERATORS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
COMPARISONS: Mapping[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def evaluate(text: str, names: Mapping[str, int], functions: Mapping[str, Callable[..., int]]) -> int:
    """The value of an expression; ValueError says what is not allowed in it."""
    try:
        return _value(ast.parse(text, mode="eval").body, names, functions)
    except (SyntaxError, ZeroDivisionError, TypeError, RecursionError) as error:
        raise ValueError(f"a number or arithmetic over {', '.join(names)} ({error})") from error


def _value(node: ast.expr, names: Mapping[str, int], functions: Mapping[str, Callable[..., int]]) -> int:
    match node:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            return value
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names, functions)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_value(left, names, functions), _value(right, names, functions))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
            return int(COMPARISONS[type(op)](_value(left, names, functions), _value(right, names, functions)))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in functions:
            return functions[name](*(_value(arg, names, functions) for arg in args))
    allowed = ", ".join((*names, *functions))
    raise ValueError(f"whole numbers, {allowed}, + - * // % and comparisons, not {ast.unparse(node)!r}")
