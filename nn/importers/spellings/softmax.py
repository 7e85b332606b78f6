"""Softmax along any axis: the axis becomes the last."""

from __future__ import annotations

from bitline.core.errors import ConfigError
from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.importers.spellings._along import along_last
from nn.layers.softmax import Softmax

TORCH_NAMES = ("softmax", "_softmax")
ONNX_NAMES = ("Softmax",)
_ONE_AXIS = 13  # operator set since which ONNX's is along one axis, and not along all that follow too


def spelt(assembly: Assembly, said: Operation) -> View | None:
    """The same along the last axis, moved back; None where it is the last.

    Raises:
        ConfigError: it is along the batch, or an older ONNX's over several axes.
    """
    (view,) = said.views
    rank = len(said.output)
    axis = int(next((said[key] for key in ("dim", "axis") if said[key] is not None), -1)) % rank
    if axis == rank - 1:
        return None
    if axis == 0:
        raise ConfigError(f"{said.where} is along the batch")
    if said["since_version"] is not None and said["since_version"] < _ONE_AXIS:
        raise ConfigError(
            f"{said.where} is over several axes, as before operator set {_ONE_AXIS}; onnx.version_converter brings the "
            "file there"
        )
    return along_last(assembly, Softmax, said.part("softmax", {"dim": -1}, (view,), said.output, ""), (axis,))
