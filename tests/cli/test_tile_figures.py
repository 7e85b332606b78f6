from pathlib import Path

import pytest
from command import TINY

from bitline.cli.study import load_study
from bitline.cli.summary import headline, read_summary
from bitline.cli.tile_figures import tile_figures
from bitline.core.figures import ESTIMATED, MODELLED
from bitline.core.model_file import ModelFile
from crossbar.costs import tile_area
from nn.graph_file import load as load_graph
from nn.ops.linear import Linear


@pytest.fixture
def study(tmp_path):
    def made(more=""):
        path = Path(tmp_path / "tiny.toml")
        path.write_text(TINY + more)
        return load_study(path)

    return made


def test_a_runs_area_is_that_of_all_its_tiles(finished_run, study):
    from bitline.cli.arrays import tile_config

    summary = read_summary(finished_run)
    network = summary.figures["network"]
    shapes = [
        node.operator.weights.shape
        for node in load_graph(finished_run / "network" / "graph.npz").nodes
        if isinstance(node.operator, Linear)
    ]
    tiles = sum(-(-rows // 32) * -(-cols // 16) for rows, cols in shapes)
    assert tiles >= 3
    config = tile_config(study(), ModelFile.load(finished_run / "model.json"))
    for name, one in tile_area(config).items():
        figure = network[f"area_{name}"]
        assert figure.value == pytest.approx(tiles * one.value)
        assert (figure.unit, figure.kind) == ("m^2", ESTIMATED)
        assert one.source in figure.source
    total = network["area_per_chip"]
    assert total.value == pytest.approx(tiles * sum(one.value for one in tile_area(config).values()))
    assert "settling_time" not in network
    assert f"um^2 a chip ({ESTIMATED})" in headline(summary)


def test_settling_is_told_where_the_lines_have_time(finished_run, study):
    models, graph = ModelFile.load(finished_run / "model.json"), finished_run / "network" / "graph.npz"
    timed = "\n[array.timing]\nf_front = 5e6\n"
    figure = tile_figures(study(timed), models, graph)["settling_time"]
    # the front end is what is slow: half an LSB of 8 bits after ln 254 of its time constants
    assert figure.value == pytest.approx(5.537 / (2 * 3.14159 * 5e6), rel=0.02)
    assert figure.kind == MODELLED
    assert "t_read = 100 ns, an input, which is shorter" in figure.source
    fast = tile_figures(study(timed.replace("5e6", "5e8")), models, graph)["settling_time"]
    assert "which is longer" in fast.source
