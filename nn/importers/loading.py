"""A network by what a user calls it: a shipped one's name, a function in a Python file, an exported file."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from bitline.core.errors import BitlineError, ConfigError
from bitline.core.suggest import suggestion
from nn import networks
from nn.float_graph import FloatGraph
from nn.importers.checkpoint import load_checkpoint
from nn.importers.onnx_model import import_onnx
from nn.importers.torch_module import import_exported, import_module
from nn.operator import Shape

_KINDS = "FILE.py:FUNCTION, FILE.pt2, FILE.onnx, or the name of a network that comes along"


@dataclass(frozen=True, eq=False)
class LoadedNetwork:
    """A network read.

    Args:
        graph: its layers.
        module: in evaluation mode; None for a file that holds the trained network as it is.
        source: what it was read from.
    """

    graph: FloatGraph
    module: torch.nn.Module | None
    source: str


def load_network(
    spec: str,
    input_shape: Shape,
    checkpoint: Path | str | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> LoadedNetwork:
    """Read a network.

    Args:
        spec: "file.py:name", a function or class that gives a torch.nn.Module; a program written by torch.export.save
            (.pt2); an ONNX file; or the name of a network in nn/networks. Python code of a file is run.
        input_shape: of an image, (height, width, channels).
        checkpoint: weights, see nn.importers.checkpoint; for a module.
        arguments: of the function, by name; a network of nn/networks needs "classes".

    Raises:
        ConfigError: there is no such network, it or its weights can't be read, or it can't be mapped.
    """
    suffix = Path(spec).suffix
    if suffix in (".onnx", ".pt2"):
        if checkpoint is not None or arguments:
            raise ConfigError(f"{spec}: an exported network has its weights; it takes neither checkpoint nor arguments")
        graph = import_onnx(spec, input_shape) if suffix == ".onnx" else _exported(Path(spec), input_shape)
        return LoadedNetwork(graph, None, spec)
    module = load_module(spec, input_shape, arguments)
    if checkpoint is not None:
        load_checkpoint(module, checkpoint)
    module.eval()
    try:
        return LoadedNetwork(import_module(module, input_shape), module, spec)
    except ConfigError as error:
        raise ConfigError(f"{spec}: {error}") from error


def load_module(spec: str, input_shape: Shape, arguments: Mapping[str, Any] | None = None) -> torch.nn.Module:
    """The module that a function of a file, or of nn/networks, builds; see `load_network`."""
    arguments = arguments or {}
    file, _, name = spec.rpartition(":")
    if file.endswith(".py"):
        with _importable(Path(file).parent):
            module = _called(_found(_run(Path(file)), name, spec), spec, (), arguments)
    elif spec in networks.available():
        module = _called(networks.find(spec), f"network {spec!r}", (input_shape,), arguments)
    elif spec.endswith(".py"):
        raise ConfigError(f"{spec}: which function gives the network? Say it as {spec}:FUNCTION")
    else:
        raise ConfigError(f"unknown network {spec!r}{suggestion(spec, networks.available())} (a network is {_KINDS})")
    if not isinstance(module, torch.nn.Module):
        raise ConfigError(f"{spec}: it gives a {type(module).__name__}, not a torch.nn.Module")
    return module


def _run(file: Path) -> ModuleType:
    """The file's module, which is kept under a name of its own."""
    if not file.is_file():
        raise ConfigError(f"{file}: no such file")
    name = f"bitline_network_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{file}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses and pickles look for their own module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's file raises
        del sys.modules[name]
        raise ConfigError(f"{file}: it can't be run ({type(error).__name__}: {error})") from error
    return module


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """A folder whose other files a user's file may import, as when it is run as a script."""
    place = str(folder.resolve())
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)


def _found(module: ModuleType, name: str, spec: str) -> Any:
    found = getattr(module, name, None)
    if found is None:
        public = [each for each, value in vars(module).items() if callable(value) and not each.startswith("_")]
        raise ConfigError(f"{spec}: the file has no {name!r}{suggestion(name, public)}")
    return found


def _called(builder: Any, spec: str, positional: tuple[Any, ...], arguments: Mapping[str, Any]) -> Any:
    if isinstance(builder, torch.nn.Module) and not arguments:
        return builder
    if not callable(builder):
        raise ConfigError(f"{spec}: it is a {type(builder).__name__}, not a function or class")
    try:
        return builder(*positional, **arguments)
    except BitlineError:
        raise
    except Exception as error:  # whatever the user's function raises
        said = f"{type(error).__name__}: {error}"
        raise ConfigError(f"{spec}: it can't be built with the arguments {dict(arguments)} ({said})") from error


def _exported(path: Path, input_shape: Shape) -> FloatGraph:
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    try:
        program = torch.export.load(path)
    except Exception as error:  # of many kinds, by what is wrong with the archive
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{path}: not a program of torch.export.save ({said}); damaged?") from error
    try:
        return import_exported(program, input_shape)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
