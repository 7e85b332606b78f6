"""Failures of a read: margins from a cell's current and an amplifier's offset against reads of the whole column."""

from dataclasses import replace

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from bitline.core.executors.in_process import InProcess
from bitline.core.store import MemoryStore
from spice.characterise import Conditions
from spice.column_cycles import Column, read_value
from spice.mismatch import thresholds
from spice.rare.part import Failure
from spice.rare.parts import read_access
from spice.rare.read_swing import column_setting, nominal_swing, reading

SENSING = 150e-12


@pytest.fixture(scope="module")
def swing():
    return nominal_swing(Conditions(), SENSING)


@pytest.fixture(scope="module")
def drawn(swing):
    """Margins of the nominal read, what moves those of a 1, and points about the limit with their margins."""
    asked = Failure({"margin": 0.0}, Conditions(), "vth", settings={"sensing_time": SENSING})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_access, "nominal_swing", lambda _conditions, _sensing: swing)
        limit = read_access.limit_state(asked, InProcess(), MemoryStore(), lambda _points: None)
    strong = [4, 6, 7]  # the right pass gate and the latch's NFETs
    nominal, *ends = limit.margins(np.concatenate([np.zeros((1, 15)), np.eye(15)[strong]]))
    slopes = np.array([end[1] - nominal[1] for end in ends])
    direction = np.zeros(15)
    direction[strong] = -slopes / np.linalg.norm(slopes)
    far = nominal[1] / np.linalg.norm(slopes)
    points = np.stack([direction * (far + away) for away in (-0.4, 0.4)])
    return nominal, slopes, points, limit.margins(points)


def test_the_amplifier_and_the_weaker_side_decide(drawn):
    nominal, slopes, _, _ = drawn
    assert nominal[0] > nominal[1] > 0  # the amplifier leans to 0
    assert slopes[1] == pytest.approx(12e-3, rel=0.1)
    assert slopes[2] == pytest.approx(-12e-3, rel=0.1)
    assert -8e-3 < slopes[0] < -2e-3  # a pass gate that opens later


def test_the_whole_column_reads_as_the_margins_say(drawn):
    _, _, points, margins = drawn
    assert margins[0, 1] > 3e-3 > -3e-3 > margins[1, 1]
    column = Column(column_setting(Conditions()))
    access = reading(column, SENSING, 1)
    names = column.variation.devices
    for point, margin in zip(points, margins, strict=True):
        shifts = {name: device.sigma("vth") * score for (name, device), score in zip(names.items(), point, strict=True)}
        assert read_value(column.run(access, thresholds(shifts)), column.vdd, access)[0] == (margin[1] > 0)


def test_a_later_enable_and_a_stronger_cell_swing_further(swing):
    assert replace(swing, sensing=2 * SENSING).of(1.0) > 1.8 * swing.of(1.0)
    assert swing.of(0.9) < swing.of(1.0) < swing.of(1.1)
    assert swing.of(1.0) == pytest.approx(0.113, rel=0.05)
    assert 0 < min(swing.loss) < max(swing.loss) < 0.03  # moving lines ask for more than those that rest
    assert swing.bench.below_vdd == swing.of(1.0) / 2


def test_a_question_may_combine_figures_of_the_cell_and_the_amplifier(swing):
    asked = Failure(
        {"margin": 0.0, "read_snm": 0.15, "offset": -0.1}, Conditions(), "full", settings={"sensing_time": SENSING}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read_access, "nominal_swing", lambda _conditions, _sensing: swing)
        limit = read_access.limit_state(asked, InProcess(), MemoryStore(), lambda _points: None)
    assert len(limit.names) == len(set(limit.names)) == 39
    margins = limit.margins(np.zeros((1, 39)))[0]
    assert len(margins) == 5
    assert margins[2:4] == pytest.approx([0.297 / 0.15 - 1] * 2, rel=0.02)
    assert 0.4 < margins[4] < 0.52  # of -48 mV at rest; the lines' common mode at the sensing time is another
    assert limit.verdicts == [False]


@pytest.mark.parametrize(
    ("settings", "named"), [({}, "--sensing-time"), ({"sensing_time": -1e-12}, "above 0"), ({"ways": 4}, "no setting")]
)
def test_what_cannot_be_asked_is_refused(settings, named):
    asked = Failure({"margin": 0.0}, Conditions(), "vth", settings=settings)
    with pytest.raises(ConfigError, match=named):
        read_access.limit_state(asked, InProcess(), MemoryStore(), lambda _points: None)
