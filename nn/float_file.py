"""A float graph as a file: an .npz of a JSON header and the layers' arrays; every number comes back as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.errors import BitlineError, ConfigError
from nn import folder, layers
from nn.archive import Arrays, read_arrays, write_arrays
from nn.float_graph import FloatGraph, FloatNode
from nn.layer import Layer

_SCHEMA = "bitline float graph 1"
_HEADER = "float graph"


def save_floats(graph: FloatGraph, path: Path | str) -> None:
    """Write a float graph; the file appears whole or not at all."""
    arrays: Arrays = {}
    header = {"schema": _SCHEMA, "graph": _encoded(graph, "", arrays)}
    write_arrays(Path(path), {_HEADER: np.array(json.dumps(header)), **arrays})


def load_floats(path: Path | str) -> FloatGraph:
    """Read a float graph.

    Raises:
        ConfigError: there is no such file, it is damaged, or it is no float graph of a known schema.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; a float graph is written by nn.float_file.save_floats")
    arrays = read_arrays(path)
    if _HEADER not in arrays:
        raise ConfigError(f"{path}: no float graph: the key {_HEADER!r} is missing")
    try:
        header = json.loads(str(arrays[_HEADER]))
        if header["schema"] != _SCHEMA:
            raise ConfigError(f"its schema is {header['schema']!r}, this version reads {_SCHEMA!r}")
        graph: FloatGraph = _decoded(header["graph"], arrays)
    except (KeyError, TypeError, ValueError, BitlineError) as error:
        raise ConfigError(f"{path}: not a float graph this version reads ({error})") from error
    return graph


def _encoded(value: Any, place: str, arrays: Arrays) -> Any:
    """A value as JSON has it; arrays go into `arrays`, by their place in the graph."""
    match value:
        case np.ndarray():
            arrays[place] = value
            return {"array": place}
        case FloatGraph():
            nodes = [
                {"name": node.name, "inputs": node.inputs, "layer": _encoded(node.layer, f"{place}{node.name}", arrays)}
                for node in value.nodes
            ]
            return {"nodes": nodes, "output": value.output}
        case Layer():
            held = {entry.name: getattr(value, entry.name) for entry in fields(value)}
            kind = f"{type(value).__module__.rpartition('.')[2]}.{type(value).__name__}"
            return {"kind": kind, "held": {k: _encoded(v, f"{place}.{k}", arrays) for k, v in held.items()}}
        case Mapping():
            return {"map": {key: _encoded(each, f"{place}.{key}", arrays) for key, each in value.items()}}
        case tuple() | list():
            return [_encoded(each, f"{place}.{k}", arrays) for k, each in enumerate(value)]
        case _:
            return value.item() if isinstance(value, np.generic) else value


def _decoded(value: Any, arrays: Arrays) -> Any:
    match value:
        case {"array": place}:
            return arrays[place]
        case {"nodes": nodes, "output": output}:
            parts = (FloatNode(n["name"], _decoded(n["layer"], arrays), tuple(n["inputs"])) for n in nodes)
            return FloatGraph(tuple(parts), output)
        case {"kind": kind, "held": held}:
            return _class(kind)(**{key: _decoded(each, arrays) for key, each in held.items()})
        case {"map": held}:
            return {key: _decoded(each, arrays) for key, each in held.items()}
        case list():
            return tuple(_decoded(each, arrays) for each in value)
        case _:
            return value


def _class(kind: str) -> type[Layer]:
    module, _, name = kind.partition(".")
    if module not in folder.names(layers):
        raise folder.unknown("layer", module, folder.names(layers))
    found = getattr(folder.part(layers, module), name, None)
    if not (isinstance(found, type) and issubclass(found, Layer)):
        raise ConfigError(f"the layer {kind!r} is not known")
    return found
