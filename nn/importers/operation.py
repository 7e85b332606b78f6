"""What importers read of a framework's network: calls, and the numbers that they take and give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from bitline.core.array import IntArray
from nn.operator import Shape


@dataclass(frozen=True, eq=False)
class View:
    """Numbers of one node's result, perhaps moved.

    Args:
        node: the float node.
        shape: of its result, without the batch, in the framework's order of axes.
        places: what stands where, in the shape that the framework has, batch included: number p of image b is
            ``b * size + p``, p counted in the framework's order. None: the result as it is.
        name: of the last movement, for the node that it may become.
        last: said of what leaves numbers that only the network's output may have, see `Assembly.ending`.
    """

    node: str
    shape: Shape
    places: IntArray | None = None
    name: str = ""
    last: str = ""


@dataclass(frozen=True, eq=False)
class Operation:
    """One call in a framework's network.

    Args:
        kind: the operator, as in `nn.layer.Call`.
        arguments: likewise.
        views: what other operations compute, in order.
        output: shape of the result, with the batch, in the framework's order.
        name: where a user finds it.
        where: said in errors.
    """

    kind: str
    arguments: Mapping[str, Any]
    views: tuple[View, ...]
    output: Shape
    name: str
    where: str

    def __getitem__(self, argument: str) -> Any:
        """An argument; None where there is none."""
        return self.arguments.get(argument)

    def part(self, kind: str, arguments: Mapping[str, Any], views: Sequence[View], output: Shape, name: str) -> Self:
        """A step of this one, by an operator of torch's; its name is added to this one's, "" for the last."""
        named = f"{self.name}.{name}" if name else self.name
        return replace(self, kind=kind, arguments=arguments, views=tuple(views), output=output, name=named)
