import sys
from importlib.metadata import EntryPoint, EntryPoints

import numpy as np
import pytest

import nn.targets
from bitline.core.errors import ConfigError
from nn.targets import available, find

OTHER = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Target:
    speed: int = 1

    def compile(self, graph, calibration):
        return self
"""


def test_the_shipped_targets_are_found():
    assert {"integer", "reram"} <= set(available())


def test_a_file_dropped_into_the_folder_is_a_target(tmp_path, monkeypatch):
    (tmp_path / "sram_stream.py").write_text(OTHER)
    (tmp_path / "_helper.py").write_text("raise RuntimeError")
    monkeypatch.setattr(nn.targets, "__path__", [*nn.targets.__path__, str(tmp_path)])
    try:
        assert "sram-stream" in available()
        assert "-helper" not in available()
        assert find("sram-stream")(speed=3).speed == 3
    finally:
        sys.modules.pop("nn.targets.sram_stream", None)


def test_an_entry_point_of_another_package_is_a_target(tmp_path, monkeypatch):
    (tmp_path / "elsewhere_target.py").write_text(OTHER)
    monkeypatch.syspath_prepend(str(tmp_path))
    points = EntryPoints(
        [
            EntryPoint("soc", "elsewhere_target:Target", "bitline.targets"),
            EntryPoint("gone", "elsewhere_target:Missing", "bitline.targets"),
        ]
    )
    monkeypatch.setattr(nn.targets, "entry_points", lambda group: points.select(group=group))
    assert {"soc", "integer"} <= set(available())
    assert find("soc")().speed == 1
    with pytest.raises(ConfigError, match=r"'gone'.*can't be loaded"):
        find("gone")


def test_an_unknown_target_is_told_with_the_nearest():
    with pytest.raises(ConfigError, match="'rram'; did you mean 'reram'"):
        find("rram")


def test_the_integer_target_is_the_reference(graph, digits):
    program = find("integer")(batch=50).compile(graph, digits.train_x[:10])
    inference = program.run(digits.test_x, sample=3)
    assert np.array_equal(inference.logits, graph.logits(digits.test_x))
    assert program.logit_scale == graph.output_scale
    assert inference.cycles is None
    assert inference.counts["graph"]["mac"] == len(digits.test_x) * (64 * 24 + 24 * 10)
