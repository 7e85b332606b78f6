"""Products of tensors that are one of matrices: by letters, with a tensor added, or with a parameter on the left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bitline.core.array import IntArray
from bitline.core.errors import ConfigError
from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.layers.add import Add
from nn.layers.affine import Affine
from nn.layers.linear import Linear
from nn.layers.matmul import Matmul

TORCH_NAMES = ("einsum", "baddbmm", "matmul")
ONNX_NAMES = ("Einsum", "MatMul")


def spelt(assembly: Assembly, said: Operation) -> View | None:
    """A product of matrices; None where it is one as it is.

    Raises:
        ConfigError: letters that are no product of two computed tensors, or a product scaled by alpha or beta.
    """
    if said.kind in ("einsum", "Einsum"):
        return _by_letters(assembly, said)
    if said.kind == "baddbmm":
        return _added(assembly, said)
    held = said["self"] if said.kind == "matmul" else said["A"]
    return None if held is None or np.ndim(held) != 2 else _parameter_first(assembly, said, held)


def _parameter_first(assembly: Assembly, said: Operation, held: Any) -> View:
    """``W @ x``, as ``(x.T @ W.T).T``."""
    (view,) = said.views
    turned = assembly.moved(view, assembly.places(view).swapaxes(-2, -1), f"{said.name}.turned")
    output = (*said.output[:-2], said.output[-1], said.output[-2])
    product = assembly.layer(Linear, said.part("matmul", {"other": np.asarray(held).T}, (turned,), output, ""))
    return assembly.moved(product, assembly.places(product).swapaxes(-2, -1), f"{said.name}.back")


def _added(assembly: Assembly, said: Operation) -> View:
    """``c + a @ b``, c being a constant or not."""
    if any(said[key] not in (None, 1) for key in ("alpha", "beta")):
        raise ConfigError(f"{said.where}: alpha and beta other than 1 are not mapped")
    *first, a, b = said.views
    product = assembly.layer(Matmul, said.part("bmm", {}, (a, b), said.output, "product"))
    if first:
        return assembly.layer(Add, said.part("add", {}, (*first, product), said.output, ""))
    return assembly.layer(Affine, said.part("add", {"other": said["self"]}, (product,), said.output, ""))


def _by_letters(assembly: Assembly, said: Operation) -> View:
    """Letters in both tensors and the result count matrices, those in both tensors alone are summed over."""
    letters = str(said["equation"]).replace(" ", "")
    inputs, _, result = letters.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(said.views) or len(terms) != 2 or "." in letters or "->" not in letters:
        raise ConfigError(f"{said.where}: {letters!r} is mapped for two computed tensors, with all letters written")
    left, right = terms
    both = [letter for letter in left if letter in right]
    shared, summed = ([x for x in both if (x in result) == kept] for kept in (True, False))
    rows, columns = ([x for x in term if x not in both] for term in terms)
    if any(len(set(term)) < len(term) for term in (*terms, result)) or {*rows, *columns, *shared} != set(result):
        raise ConfigError(f"{said.where}: {letters!r} is no product of matrices")
    places = [assembly.places(view) for view in said.views]
    sizes = {
        letter: size
        for term, each in zip(terms, places, strict=True)
        for letter, size in zip(term, each.shape, strict=True)
    }
    matrices = [
        assembly.moved(view, _as_matrices(each, term, order), f"{said.name}.{side}")
        for view, each, term, order, side in zip(
            said.views,
            places,
            terms,
            ((shared, rows, summed), (shared, summed, columns)),
            ("left", "right"),
            strict=True,
        )
    ]
    shape = (*(sizes[x] for x in shared), *(math.prod(sizes[x] for x in group) for group in (rows, columns)))
    product = assembly.layer(Matmul, said.part("matmul", {}, matrices, shape, ""))
    order = [*shared, *rows, *columns]
    found = assembly.places(product).reshape([sizes[x] for x in order])
    return assembly.moved(product, found.transpose([order.index(x) for x in result]), f"{said.name}.back")


def _as_matrices(places: IntArray, term: str, groups: Sequence[Sequence[str]]) -> IntArray:
    """Places with the first group's axes as they are, each other group's as one."""
    shared, *others = groups
    moved = places.transpose([term.index(x) for group in groups for x in group])
    sizes = [math.prod(places.shape[term.index(x)] for x in group) for group in others]
    return moved.reshape(*moved.shape[: len(shared)], *sizes)
