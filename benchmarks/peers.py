"""Other simulators, where they are installed (`make bench-setup`)."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

MISSING = "not installed: make bench-setup"


def badcrossbar() -> Callable[[Any, Any, float], Any] | None:
    """Bit-line currents (A) of g[word_line, bit_line] (S) and v[batch, word_line] (V) with wires (ohm a segment).

    Joksas and Mehonic, "badcrossbar: A Python tool for computing and plotting currents and voltages in passive crossbar
    arrays", SoftwareX 12, 2020.
    """
    said = io.StringIO()  # that its drawings need cairo, which its solutions do not
    with warnings.catch_warnings(), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            from badcrossbar import compute
        except ImportError:
            return None
    logging.getLogger("badcrossbar").setLevel(logging.WARNING)

    def currents(g: Any, v: Any, r_wire: float) -> Any:
        return compute(v.T, 1 / g, r_wire, node_voltages=False, all_currents=False).currents.output

    return currents


def aihwkit_lightning(sizes: tuple[int, ...], bits: int) -> Callable[[Any], Any] | None:
    """An MLP of aihwkit-lightning's analog layers with so many bits of its converters, without wires or noise.

    Args:
        sizes: inputs, neurons of each hidden layer, outputs.
        bits: of inputs and outputs.
    """
    with contextlib.redirect_stdout(io.StringIO()):  # it says that it goes without triton
        try:
            from aihwkit_lightning.nn import AnalogLinear
            from aihwkit_lightning.simulator.configs import TorchInferenceRPUConfig
        except ImportError:
            return None
    import torch

    config = TorchInferenceRPUConfig()
    config.forward.inp_res = config.forward.out_res = 2**bits - 2
    config.forward.out_bound = 12.0
    config.pre_post.input_range.enable = True
    layers: list[torch.nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [AnalogLinear(inputs, outputs, rpu_config=config), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1]).eval()

    def infer(x: Any) -> Any:
        with torch.inference_mode():
            return network(x)

    return infer
