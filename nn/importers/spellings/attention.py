"""Attention with a mask: its products and softmax one by one, the mask added to the scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bitline.core.errors import ConfigError
from nn.importers.assembly import Assembly
from nn.importers.operation import Operation, View
from nn.layers.affine import Affine
from nn.layers.matmul import Matmul
from nn.layers.softmax import Softmax

TORCH_NAMES = ("scaled_dot_product_attention",)
ONNX_NAMES = ()


def spelt(assembly: Assembly, said: Operation) -> View | None:
    """``softmax(factor * q @ k.T + mask) @ v``; None without a mask.

    Raises:
        ConfigError: the mask is computed from the image, or heads share keys.
    """
    if said["enable_gqa"]:
        raise ConfigError(f"{said.where}: heads that share keys (enable_gqa) are not mapped")
    if len(said.views) != 3:
        raise ConfigError(f"{said.where} takes {len(said.views)} computed tensors; a mask must be a constant")
    if said["attn_mask"] is None and not said["is_causal"]:
        return None
    q, k, v = said.views
    keys = assembly.places(k).swapaxes(-2, -1)
    lead, (queries, width) = said.output[:-2], assembly.shape(q)[-2:]
    shape = (*lead, queries, keys.shape[-1])
    turned = assembly.moved(k, keys, f"{said.name}.keys")
    factor = float(said["scale"] or 1 / math.sqrt(width))
    scores = assembly.layer(Matmul, said.part("matmul", {}, (q, turned), shape, "scores"))
    scores = assembly.layer(Affine, said.part("mul", {"other": factor}, (scores,), shape, "scaled"))
    mask = _mask(said, queries, keys.shape[-1])
    masked = assembly.layer(Affine, said.part("add", {"other": mask}, (scores,), shape, "masked"))
    shares = assembly.layer(Softmax, said.part("softmax", {"dim": -1}, (masked,), shape, "shares"))
    return assembly.layer(Matmul, said.part("matmul", {}, (shares, v), said.output, ""))


def _mask(said: Operation, queries: int, keys: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What is added to the scores."""
    mask = said["attn_mask"]
    if said["is_causal"]:
        mask = np.tri(queries, keys, dtype=bool)
    if mask.dtype == bool:
        mask = np.where(mask, 0.0, -np.inf)
    found: np.ndarray[Any, np.dtype[np.float64]] = mask
    return found
