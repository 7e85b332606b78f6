"""Norms of groups, of single channels, and of several axes at once, by layer norm."""

from __future__ import annotations

import numpy as np

from bitline.core.errors import ConfigError
from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.importers.spellings._norm import by_channel, normalised

TORCH_NAMES = ("layer_norm", "group_norm", "instance_norm")
ONNX_NAMES = ("LayerNormalization", "GroupNormalization", "InstanceNormalization")
_BY_CHANNEL = 21  # operator set since which GroupNormalization has a factor for each channel, not each group


def spelt(assembly: Assembly, said: Operation) -> View | None:
    """The layer norm; None where it is one over the last axis already.

    Wu and He, "Group Normalization", ECCV 2018; Ulyanov, Vedaldi and Lempitsky, "Instance Normalization",
    arXiv:1607.08022, 2016.

    Raises:
        ConfigError: an instance norm has running statistics.
    """
    view, rank = said.views[0], len(said.output)
    if said.kind in ("layer_norm", "LayerNormalization"):
        return _of_axes(assembly, said)
    if said.kind in ("InstanceNormalization", "instance_norm"):
        if said["running_mean"] is not None and not said["use_input_stats"]:
            raise ConfigError(f"{said.where}: an instance norm with running statistics is not mapped; a batch norm is")
        groups = said.output[1]
    else:
        groups = int(said["num_groups"])
    gain, offset = (next((said[key] for key in keys if said[key] is not None), None) for keys in _GAINS)
    older = said.kind == "GroupNormalization" and said["since_version"] < _BY_CHANNEL
    if older and gain is not None and offset is not None:
        gain, offset = (np.repeat(each, said.output[1] // groups) for each in (gain, offset))
    epsilon = said["eps"] if said["eps"] is not None else said["epsilon"]
    if groups == said.output[1]:
        normal = normalised(assembly, said, view, range(2, rank), epsilon)
        return by_channel(assembly, said, normal, gain, offset)
    places = assembly.places(view)
    parted = places.reshape(len(places), groups, -1)
    inner = said.part(said.kind, {}, (), parted.shape, "normal")
    normal = normalised(assembly, inner, assembly.moved(view, parted, f"{said.name}.groups"), (2,), epsilon)
    normal = assembly.moved(normal, assembly.places(normal).reshape(said.output), f"{said.name}.channels")
    return by_channel(assembly, said, normal, gain, offset)


_GAINS = (("weight", "scale"), ("bias", "B"))


def _of_axes(assembly: Assembly, said: Operation) -> View | None:
    rank = len(said.output)
    if said.kind == "layer_norm":
        first, weight, bias, epsilon = rank - len(said["normalized_shape"]), said["weight"], said["bias"], said["eps"]
    else:
        first, weight, bias = (-1 if said["axis"] is None else said["axis"]) % rank, said["Scale"], said["B"]
        epsilon = 1e-5 if said["epsilon"] is None else said["epsilon"]
    if first == rank - 1:
        return None
    shape = said.output[first:]
    gain, offset = (each if each is None else np.broadcast_to(each, shape).ravel() for each in (weight, bias))
    return normalised(assembly, said, said.views[0], range(first, rank), epsilon, gain=gain, offset=offset)
