"""A network's weights as a file: a torch state dict (.pt, .pth), or an .npz of the same arrays."""

from __future__ import annotations

import os
import pickle
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bitline.core.errors import ConfigError
from nn.archive import read_arrays, write_arrays

_WRAPPERS = ("state_dict", "model_state_dict", "model")  # under which training scripts keep the weights beside others
_PREFIX = "module."  # that torch.nn.DataParallel gives every name
_COUNTER = "num_batches_tracked"  # of a batch norm: of no use after training
_TOLD = 5
_ARCHIVE = b"PK\x03\x04"  # with which a zip archive begins


def load_checkpoint(module: torch.nn.Module, path: Path | str) -> None:
    """Give a module the weights of a file, in place.

    Args:
        module: the network that they belong to.
        path: .pt or .pth, a state dict, read without running any code (weights_only); or .npz, by the same names.

    Raises:
        ConfigError: the file can't be read, or its weights are not the network's: those missing, those left over and
            those of another shape are named.
    """
    path = Path(path)
    given, wanted = _read(path), module.state_dict()
    missing = [name for name in wanted if name not in given and not name.endswith(_COUNTER)]
    unexpected = [name for name in given if name not in wanted]
    shapes = [
        f"{name} {tuple(given[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in wanted
        if name in given and given[name].shape != wanted[name].shape
    ]
    faults = {"missing": missing, "not the network's": unexpected, "of another shape": shapes}
    if any(faults.values()):
        said = "; ".join(f"{what}: {_listed(names)}" for what, names in faults.items() if names)
        raise ConfigError(f"{path}: these weights don't fit the network ({said})")
    module.load_state_dict(wanted | given)


def save_checkpoint(module: torch.nn.Module, path: Path | str) -> None:
    """Write a module's weights as `load_checkpoint` reads them; the file appears whole or not at all.

    Raises:
        ConfigError: the name does not end in .pt, .pth or .npz, or the file can't be written.
    """
    path = Path(path)
    _check_suffix(path)
    weights = module.state_dict()
    if path.suffix == ".npz":
        write_arrays(path, {name: value.detach().numpy() for name, value in weights.items()})
        return
    partial = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            torch.save(weights, file)
        Path(partial).chmod(0o644)  # mkstemp's file is private
        Path(partial).replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: can't be written ({error.strerror})") from error
    finally:
        if partial:
            Path(partial).unlink(missing_ok=True)


def _read(path: Path) -> dict[str, torch.Tensor]:
    _check_suffix(path)
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    if path.suffix == ".npz":
        arrays = read_arrays(path)
        wrong = [name for name, value in arrays.items() if value.dtype.kind not in "fiub"]
        if wrong:
            raise ConfigError(f"{path}: these are no weights: {_listed(wrong)} hold {arrays[wrong[0]].dtype}")
        return {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}
    try:
        held: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        if cut_short(path):
            raise ConfigError(f"{path}: it is cut short, its end is missing; copy or save it again") from error
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(
            f"{path}: not a readable state dict ({said}); save one by torch.save(network.state_dict(), path)"
        ) from error
    if isinstance(held, Mapping):
        held = next((held[key] for key in _WRAPPERS if isinstance(held.get(key), Mapping)), held)
    if not isinstance(held, Mapping) or not all(isinstance(value, torch.Tensor) for value in held.values()):
        raise ConfigError(f"{path}: it holds no state dict; save one by torch.save(network.state_dict(), path)")
    wrapped = bool(held) and all(str(name).startswith(_PREFIX) for name in held)
    return {str(name)[len(_PREFIX) if wrapped else 0 :]: value for name, value in held.items()}


def cut_short(path: Path) -> bool:
    """Whether a file begins as a zip archive, as torch writes, and lacks the directory that stands at its end."""
    with path.open("rb") as file:
        return file.read(len(_ARCHIVE)) == _ARCHIVE and not zipfile.is_zipfile(path)


def _check_suffix(path: Path) -> None:
    if path.suffix not in (".pt", ".pth", ".npz"):
        raise ConfigError(f"{path}: weights are kept in .pt, .pth or .npz files")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(names[:_TOLD]) + more
