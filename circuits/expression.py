"""Arithmetic of SPICE parameter expressions, evaluated without a simulator and without running code.

The grammar is what foundry parameter files use: numbers (with SPICE scale suffixes), names, `+ - * / **`, and the
functions listed in `FUNCTIONS`. Names are case-insensitive, as in ngspice. The expression is parsed with `ast` and only
these nodes are walked, so nothing in a file can be executed.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
from collections.abc import Callable, Mapping

from bitline.core.errors import NetlistError

_EXPONENTS = {"": 0, "t": 12, "g": 9, "meg": 6, "k": 3, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18}
_NUMBER = re.compile(r"(?<![\w.])((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(meg|[tgkmunpfa])?[a-z]*(?![\w.])")
_KEYWORD = re.compile(rf"\b({'|'.join(keyword.kwlist)})\b")  # "as" is a source's area here, and no name to `ast`
_MARK = "__name"
_MAX_DEPTH = 200

FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "exp": math.exp,
    "ln": math.log,
    "log": math.log,
    "log10": math.log10,
    "max": max,
    "min": min,
    "pow": math.pow,
    "sqrt": math.sqrt,
}

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}


class Scope:
    """Parameters by name, each a number or an expression in the others, evaluated on demand.

    Args:
        expressions: text of each parameter; looked up after `values`.
        values: numbers that override any expression of the same name.
        functions: further functions by lower-case name (a library's random draws, for example).
    """

    def __init__(
        self,
        expressions: Mapping[str, str],
        values: Mapping[str, float] | None = None,
        functions: Mapping[str, Callable[..., float]] | None = None,
    ) -> None:
        self._expressions = expressions
        self._values = dict(values or {})
        self._functions = FUNCTIONS | dict(functions or {})
        self._open: list[str] = []

    def evaluate(self, expression: str) -> float:
        """Value of `expression`; NetlistError for anything that is not arithmetic in known names."""
        text = strip_quotes(expression).lower()
        text = _KEYWORD.sub(rf"\1{_MARK}", _NUMBER.sub(_scaled, text))
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError) as error:
            raise NetlistError(f"cannot read the expression '{expression}'") from error
        try:
            value = float(self._walk(tree.body))
        except (ArithmeticError, ValueError, TypeError, RecursionError) as error:
            raise NetlistError(f"cannot evaluate the expression '{expression}': {error}") from error
        if not math.isfinite(value):
            raise NetlistError(f"cannot evaluate the expression '{expression}': it is not finite")
        return value

    def _walk(self, node: ast.expr) -> float:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return self._lookup(name.removesuffix(_MARK))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._walk(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._walk(operand)
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _BINARY:
                return _BINARY[type(operator)](self._walk(left), self._walk(right))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in self._functions:
                return self._functions[name](*(self._walk(argument) for argument in arguments))
            case _:
                raise NetlistError(f"'{ast.unparse(node)}' is not arithmetic that a model card may hold")

    def _lookup(self, name: str) -> float:
        if name not in self._values:
            if name not in self._expressions:
                raise NetlistError(f"parameter '{name}' is used but not defined")
            if name in self._open or len(self._open) > _MAX_DEPTH:
                raise NetlistError(f"parameter '{name}' is defined in terms of itself: {' -> '.join(self._open)}")
            self._open.append(name)
            self._values[name] = self.evaluate(self._expressions[name])
            self._open.pop()
        return self._values[name]


def strip_quotes(expression: str) -> str:
    """`expression` without the braces or quotes that SPICE puts round it."""
    text = expression.strip()
    while len(text) >= 2 and (text[0], text[-1]) in {("{", "}"), ("'", "'"), ('"', '"')}:
        text = text[1:-1].strip()
    return text


def _scaled(match: re.Match[str]) -> str:
    number, suffix = match.groups()
    value = float(number) * 10.0 ** _EXPONENTS[suffix or ""]
    return repr(value) if math.isfinite(value) else "1e999"  # which Python reads as infinity, and no name
