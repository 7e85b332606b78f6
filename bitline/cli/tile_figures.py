"""What a network's tiles take beside energy and time: area, and how long their outputs need to settle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bitline.cli.arrays import tile_config
from bitline.cli.study import Study
from bitline.core.figures import ESTIMATED, MODELLED, Figure
from bitline.core.model_file import ModelFile
from bitline.core.seeds import stream
from bitline.core.units import format_quantity
from circuits.tile import TileConfig
from crossbar.costs import NOT_IN_AREA, tile_area
from crossbar.tile import CrossbarArray, crossbar_factory
from nn.graph_file import load as load_graph
from nn.product import Product
from nn.product_inputs import products
from nn.tiling import Tile, block_tiles


def tile_figures(study: Study, models: ModelFile, graph: Path) -> dict[str, Figure]:
    """Area (m^2) of a chip by component, and with `array.timing` the slowest tile's settling time (s).

    A study of another target, or of tiles read by voltage, has none: its arrays are not these.

    Args:
        study: the settings.
        models: fitted.
        graph: file of the integer graph.
    """
    if study.target != "reram" or study.array.sensing == "voltage":
        return {}
    config = tile_config(study, models)
    return _area(config, sum(1 for _ in _tiles(graph, config))) | _settling(study, config, graph)


def _tiles(graph: Path, config: TileConfig) -> Iterator[tuple[str, Product, Tile]]:
    """Layer, operator and place of every tile of the network."""
    for name, operator, _ in products(load_graph(graph)):
        for tile in block_tiles(operator.matrices, config.rows, config.outputs):
            yield name, operator, tile


def _area(config: TileConfig, count: int) -> dict[str, Figure]:
    parts = {
        f"area_{name}": Figure(count * each.value, each.unit, each.kind, f"{count} tiles; {each.source}")
        for name, each in tile_area(config).items()
    }
    said = f"sum of its components; not in it: {NOT_IN_AREA}"
    return parts | {"area_per_chip": Figure(sum(each.value for each in parts.values()), "m^2", ESTIMATED, said)}


def _settling(study: Study, config: TileConfig, graph: Path) -> dict[str, Figure]:
    if config.timing is None:
        return {}
    factory, times = crossbar_factory(config), []
    for name, operator, tile in _tiles(graph, config):
        array: CrossbarArray = factory(*tile.shape, config.input_bits)
        cells = stream(study.seed, "chip.programming", 0, name, *tile.place)
        array.program(tile.weights(operator.matrices), cells)
        times.append(array.settling_time())
    slowest = max(times)
    longer = "longer" if config.t_read >= slowest else "shorter: what is missing is in the codes"
    said = (
        f"full scale to half an LSB, the slowest of {len(times)} tiles of chip 0; the latency has "
        f"t_read = {format_quantity(config.t_read, 's')}, an input, which is {longer}"
    )
    return {"settling_time": Figure(slowest, "s", MODELLED, said)}
