"""The 8T cell: reading it leaves its margin alone, which is what the port is for."""

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from spice.batch import run_batch
from spice.characterise import Conditions, part
from spice.eight_t import UNITS, EightTMonteCarlo, EightTNominal, figures
from spice.sram import SramNominal


def nominal(**conditions):
    task = EightTNominal(Conditions(**conditions))
    return task.run(task.prepare(), 0)


@pytest.fixture(scope="module")
def typical():
    return nominal()


def test_a_read_leaves_the_hold_margin(typical):
    task = SramNominal()
    six = task.run(task.prepare(), 0)
    assert typical["read_snm"] == pytest.approx(typical["hold_snm"], abs=1e-6)
    assert typical["read_snm"] == pytest.approx(six["hold_snm"], abs=1e-3)
    assert typical["read_snm"] > 2 * six["read_snm"]


def test_the_port_conducts_for_a_0_only(typical):
    assert typical["read_current"] > 1e8 * typical["port_leakage"]
    assert typical["read_current"] > 1e8 * typical["closed_leakage"] > 0
    # two equal transistors in series carry less than one and more than a third of it; 0.42 um gives about 220 uA
    assert 70e-6 < typical["read_current"] < 220e-6


def test_heat_slows_and_leaks(typical):
    hot = nominal(temperature=125.0)
    assert hot["read_current"] < typical["read_current"]
    assert hot["port_leakage"] > 50 * typical["port_leakage"]


def test_mismatch_is_drawn_for_all_eight(typical):
    task = EightTMonteCarlo(Conditions(seed=2))
    context = task.prepare()
    records = [task.run(context, index) for index in range(20)]
    assert set(records[0]) | set(typical) <= set(UNITS)
    for name in ("read_current", "hold_snm", "dvth_read_gate", "dvth_read_driver"):
        assert np.std([record[name] for record in records]) > 0
    assert task.run(context, 5)["read_current"] == records[5]["read_current"]
    both = np.array(
        [[record["read_current"], record["dvth_read_gate"] + record["dvth_read_driver"]] for record in records]
    )
    assert np.corrcoef(both.T)[0, 1] < -0.8


def test_the_exported_netlist_gives_the_same_in_plain_ngspice(typical):
    found = run_batch(part("eight-t").netlists(Conditions())["read-0"])
    assert -found["vrbl#branch"][0] == pytest.approx(typical["read_current"], rel=1e-6)


def test_an_unknown_port_is_named():
    with pytest.raises(ConfigError, match="nmos_tiny"):
        part("eight-t", {"port": "nmos_tiny"}).netlists(Conditions())


def test_figures_are_the_record(typical):
    assert figures(typical)["read_snm"].value == typical["read_snm"]
