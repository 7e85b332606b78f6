"""What is kept of a chip is what the chip did."""

from dataclasses import replace

import numpy as np
import pytest
from ideal_arrays import IdealFactory
from small_networks import convolutional, images

from bitline.core.errors import ConfigError
from circuits.tile import TileConfig
from crossbar.tile import crossbar_factory
from nn.targets.reram import Target
from nn.trace import Traced, size, trace

EVERYTHING = ("inputs", "codes", "tiles")
NOISY = TileConfig(rows=36, cols=16, weight_bits=4, read_noise=0.05)


@pytest.fixture(scope="module")
def graph():
    return convolutional()


def test_a_trace_has_the_studys_own_codes_noise_included(graph):
    x = images(30)
    program = Target(crossbar_factory(NOISY), seed=3, batch=8, trace=12).compile(graph, x)
    study = program.run(x, 2).trace
    kept = trace(program, x, 2, Traced(("*",), 12, EVERYTHING))
    assert {name.partition("/")[0] for name in kept} == {"stem", "depthwise", "pointwise", "fc"}
    for layer in program.layers:
        for quantity in ("inputs", "codes"):
            assert np.array_equal(kept[f"{layer.name}/{quantity}"], study[f"{layer.name}_{quantity}"])
    assert not np.array_equal(trace(program, x, 3, Traced(("fc",), 12, ("codes",)))["fc/codes"], study["fc_codes"])


def test_the_codes_of_tiles_add_up_to_those_of_the_layer(graph):
    x = images(10)
    program = Target(crossbar_factory(NOISY), seed=3, batch=4).compile(graph, x)
    kept = trace(program, x, 0, Traced(("depthwise", "fc"), 7, EVERYTHING))
    depthwise, fc = (next(each for each in program.layers if each.name == name) for name in ("depthwise", "fc"))
    parts = [kept[f"depthwise/tile_{k}_{k}_codes"] for k in range(len(depthwise.tiles))]
    assert [part.shape for part in parts] == [(7, 3, 3, 4)] * 2
    assert np.array_equal(np.concatenate(parts, axis=-1) + depthwise.bias, kept["depthwise/codes"])
    rows = [kept[f"fc/tile_{k}_0_codes"] for k in range(len(fc.tiles))]
    assert len(rows) == 2
    assert np.array_equal(sum(rows) + fc.bias, kept["fc/codes"])


def test_currents_are_what_the_codes_were_made_of(graph):
    quiet = replace(NOISY, read_noise=0.0, r_wire_wl=5.0, r_wire_bl=5.0)
    x = images(6)
    program = Target(crossbar_factory(quiet), seed=3).compile(graph, x)
    kept = trace(program, x, 0, Traced(("stem",), 4, ("tiles", "currents")))
    currents = kept["stem/tile_0_0_currents"]  # image, y, x, plane, bit line
    assert currents.shape == (4, 3, 3, 8, 16)
    lsb = quiet.lsb(program.layers[0].full_scale)
    levels = (currents[..., 0::2] - currents[..., 1::2]) / lsb
    codes = np.rint(levels) @ np.eye(8)
    summed = np.tensordot(codes, 2 ** np.arange(8), axes=([3], [0]))
    away = np.abs(levels - np.rint(levels)).max(axis=3) < 0.499
    assert away.mean() > 0.9
    assert np.array_equal(summed[away], kept["stem/tile_0_0_codes"][away])


@pytest.mark.parametrize("quantities", [("inputs",), ("codes",), ("tiles",), ("currents",), ("codes", "currents")])
def test_its_size_is_known_before(graph, quantities):
    x = images(6)
    factory = crossbar_factory(NOISY)
    program = Target(factory, seed=3).compile(graph, x)
    what = Traced(("stem", "depthwise", "pointwise"), 5, quantities)
    kept = trace(program, x, 0, what)
    assert sum(part.nbytes for part in kept.values()) == size(what, graph, factory, 8 * 16)


def test_what_cannot_be_kept_is_told(graph):
    program = Target(IdealFactory(), 1).compile(graph, images(3))
    with pytest.raises(ConfigError, match=r"no layer 'stam' is on arrays.*'stem'"):
        trace(program, images(3), 0, Traced(("stam",), 1, ("codes",)))
    with pytest.raises(ConfigError, match="no currents to keep"):
        trace(program, images(3), 0, Traced(("stem",), 1, ("currents",)))
