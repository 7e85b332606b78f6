"""Failures of the sense amplifier: a tail of its offset against the normal one that its thresholds give."""

import numpy as np
import pytest
from scipy.stats import norm

from bitline.core.errors import ConfigError
from bitline.core.executors.in_process import InProcess
from bitline.core.store import MemoryStore
from spice.characterise import Conditions
from spice.rare.methods import estimate
from spice.rare.part import Failure, checked_settings
from spice.rare.parts import sense_amp
from spice.rare.varied_latch import VariedLatch, variables
from spice.sense_amp import SenseBench


def limit_state(asked, store=None):
    return sense_amp.limit_state(asked, InProcess(), MemoryStore() if store is None else store, lambda _points: None)


def test_a_tail_of_the_offset_is_about_the_normal_one_of_its_thresholds():
    store = MemoryStore()
    found = estimate(limit_state(Failure({"offset": -0.1}, Conditions(), "vth"), store), seed=1)
    assert found.method == "mixture importance sampling"
    assert not found.warnings
    assert found.simulations <= 200
    records = [outcome.record for _, outcome in sorted(dict(store.outcomes()).items())]
    scores, offsets = (np.array([record[name] for record in records]) for name in ("scores", "offset"))
    mean, *slopes = np.linalg.lstsq(np.column_stack([np.ones(len(scores)), scores]), offsets)[0]
    tail = norm.sf((mean + 0.1) / np.linalg.norm(slopes))
    assert np.linalg.norm(slopes) == pytest.approx(16.5e-3, rel=0.05)  # 16 to 17 mV, dominated by the NFET pair
    assert found.probability == pytest.approx(tail, rel=0.25)
    assert (offsets < -0.1).sum() > 10


def test_either_side_has_its_own_margin():
    asked = Failure({"offset": -0.1}, Conditions(), "vth", above={"offset": 0.08})
    low, high = limit_state(asked).margins(np.zeros((1, 9)))[0]
    offset = -0.1 + 0.1 * low
    assert offset == pytest.approx(-0.0484, abs=5e-4)
    assert 0.08 - 0.08 * high == pytest.approx(offset, abs=1e-9)


def test_full_variation_widens_the_offset_by_the_oxide():
    """An oxide 1.1 % thicker shifts a latch NFET about as far as its threshold's sigma does."""
    latch = VariedLatch(Conditions(), SenseBench(), "full")
    names = [variable.name for variable in latch.variables]
    assert len(names) > 18
    points = {name: np.eye(len(names))[names.index(name)] for name in ("dvth_mn_int", "dtoxe_mn_int")}
    nominal = latch.offset(np.zeros(len(names)))
    shifts = {name: latch.offset(point) - nominal for name, point in points.items()}
    assert shifts["dvth_mn_int"] == pytest.approx(11.9e-3, rel=0.05)
    assert shifts["dtoxe_mn_int"] == pytest.approx(12.1e-3, rel=0.1)
    assert latch.offset(np.zeros(len(names))) == nominal  # nothing of an earlier point stays


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(ConfigError, match="nothing varies"):
        variables("sky130", "none")
    with pytest.raises(ConfigError, match="no corner 'tf'"):
        limit_state(Failure({"offset": -0.1}, Conditions(corner="tf"), "vth"))
    with pytest.raises(ConfigError, match="no setting 'sensing_time'"):
        checked_settings("sense_amp", {"sensing_time": 1e-10})
