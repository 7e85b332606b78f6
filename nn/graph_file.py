"""The integer graph as a file: an .npz of a JSON header and the operators' arrays, with a hash of its contents."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from bitline.core.errors import BitlineError, ConfigError
from nn import folder, ops
from nn.archive import read_arrays, write_arrays
from nn.graph import Graph, Node
from nn.operator import Operator

_SCHEMA = "bitline integer graph 1"
_HEADER, _HASH = "graph", "sha256"


def _kind(operator: Operator) -> str:
    return type(operator).__module__.rpartition(".")[2]


def _class(kind: str) -> type[Operator]:
    if kind not in folder.names(ops):
        raise folder.unknown("operator", kind, folder.names(ops))
    module = folder.part(ops, kind)
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Operator) and value.__module__ == module.__name__
    ]
    return found[0]


def _contents(graph: Graph) -> tuple[str, dict[str, np.ndarray[Any, Any]]]:
    """The header as canonical JSON, and the arrays by their names in the file."""
    nodes: list[dict[str, Any]] = []
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    for node in graph.nodes:
        values = {entry.name: getattr(node.operator, entry.name) for entry in fields(node.operator)}
        held = {key: value for key, value in values.items() if isinstance(value, np.ndarray)}
        arrays |= {f"{node.name}.{key}": value for key, value in held.items()}
        plain = {key: value for key, value in values.items() if key not in held}
        nodes.append(
            {
                "name": node.name,
                "operator": _kind(node.operator),
                "inputs": node.inputs,
                "fields": plain,
                "arrays": sorted(held),
            }
        )
    header = {
        "schema": _SCHEMA,
        "input_shape": graph.input_shape,
        "input_bits": graph.input_bits,
        "output": graph.output,
        "output_scale": graph.output_scale.hex(),
        "nodes": nodes,
    }
    return json.dumps(header, sort_keys=True), arrays


def _digest(header: str, arrays: dict[str, np.ndarray[Any, Any]]) -> str:
    digest = hashlib.sha256(header.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name], dtype="<i8")
        digest.update(f"{name}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def graph_hash(graph: Graph) -> str:
    """SHA-256 (hex) of what the graph computes and of its nodes' names, the same on any machine."""
    return _digest(*_contents(graph))


def save(graph: Graph, path: Path | str) -> str:
    """Write a graph; the file appears whole or not at all. Returns its hash."""
    header, arrays = _contents(graph)
    digest = _digest(header, arrays)
    write_arrays(Path(path), {_HEADER: np.array(header), _HASH: np.array(digest), **arrays})
    return digest


def load(path: Path | str) -> Graph:
    """Read a graph.

    Raises:
        ConfigError: there is no such file, it is damaged, or it is no graph of a known schema.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; an integer graph is written by nn.graph_file.save")
    held = read_arrays(path)
    if _HEADER not in held or _HASH not in held:
        raise ConfigError(f"{path}: no integer graph: the keys {_HEADER!r} and {_HASH!r} are missing")
    header, said = str(held.pop(_HEADER)), str(held.pop(_HASH))
    if _digest(header, held) != said:
        raise ConfigError(f"{path}: its contents do not match their hash; the file is damaged or was edited")
    try:
        return _graph(json.loads(header), held)
    except (KeyError, TypeError, ValueError, BitlineError) as error:
        raise ConfigError(f"{path}: not a graph this version reads ({error})") from error


def _graph(header: dict[str, Any], arrays: dict[str, np.ndarray[Any, Any]]) -> Graph:
    if header["schema"] != _SCHEMA:
        raise ConfigError(f"its schema is {header['schema']!r}, this version reads {_SCHEMA!r}")
    nodes = []
    for entry in header["nodes"]:
        held = {key: arrays[f"{entry['name']}.{key}"] for key in entry["arrays"]}
        operator = _class(entry["operator"])(**entry["fields"], **held)
        nodes.append(Node(entry["name"], operator, tuple(entry["inputs"])))
    return Graph(
        input_shape=tuple(header["input_shape"]),
        input_bits=header["input_bits"],
        nodes=tuple(nodes),
        output=header["output"],
        output_scale=float.fromhex(header["output_scale"]),
    )
