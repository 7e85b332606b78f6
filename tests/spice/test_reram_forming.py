import dataclasses
import re
import subprocess

import numpy as np
import pytest

from bitline.core.errors import ConfigError, SimulationError
from bitline.core.figures import PUBLISHED
from bitline.core.samples import Samples
from circuits.reram import load_device
from circuits.reram.forming import Ramp
from spice.characterise import Conditions, part
from spice.reram_forming import GATES, UNITS, FormingMonteCarlo, FormingNominal, figures

CONDITIONS = Conditions(seed=5)


@pytest.fixture(scope="module")
def nominal() -> dict:
    return FormingNominal(CONDITIONS).run(None, 0)


def test_a_pristine_device_conducts_next_to_nothing_and_forms_to_the_lrs(nominal: dict) -> None:
    device = load_device()
    new = device.pristine(1.9)
    assert new.current(0.2, new.fresh) < 0.05 * device.current(0.2, device.fresh)
    assert nominal["formed"] == 1
    assert nominal["ramp_state"][0] == pytest.approx(1.9)
    assert nominal["ramp_state"][-1] == pytest.approx(device.lrs, abs=0.01)
    assert nominal["g_formed"] == pytest.approx(device.current(0.2, device.lrs) / 0.2, rel=0.03)


def test_forming_takes_more_than_set(nominal: dict) -> None:
    assert 1.5 * 1.67 < nominal["v_form"] < 2 * 1.67
    assert nominal["form_energy"] > 0


def test_slow_hot_and_narrow_form_sooner(nominal: dict) -> None:
    assert np.all(np.diff(nominal["v_form_by_rate"]) > 0)
    assert np.all(np.diff(nominal["v_form_by_temperature"]) < 0)
    assert np.all(np.diff(nominal["v_form_by_pristine_gap"]) > 0)
    # the rate is exponential in the voltage, so that equal factors of the ramp are equal steps
    steps = np.diff(nominal["v_form_by_rate"])
    assert np.ptp(steps) < 0.1 * np.mean(steps)


def test_a_gate_below_threshold_lets_nothing_form(nominal: dict) -> None:
    assert nominal["formed_by_gate"].tolist() == [0] + [1] * (len(GATES) - 1)
    assert np.isnan(nominal["v_form_by_gate"][0])
    assert np.all(np.diff(nominal["compliance_by_gate"][1:]) > 0)


def test_the_overshoot_is_the_charge_of_the_wire(nominal: dict) -> None:
    wires, charge = nominal["swept_wire"], nominal["charge_by_wire"]
    assert wires[0] == 0
    assert np.all(np.diff(nominal["overshoot_by_wire"]) > 0)
    own = charge[0]  # of the transistor's own gate
    assert own < 0.02 * charge[-1]
    rise = np.ptp(nominal["runaway_mid"])
    added = (charge[2:] - own) / wires[2:]
    assert added == pytest.approx(rise * np.ones(len(added)), rel=0.1)


def test_the_transistor_bears_what_the_device_no_longer_takes(nominal: dict) -> None:
    assert nominal["v_gs"] == pytest.approx(1.0)
    assert nominal["v_ds"] == pytest.approx(nominal["ramp_mid"].max(), rel=1e-3)
    assert nominal["overdrive"] == pytest.approx(nominal["v_ds"] / 1.95)
    found = figures(nominal)
    assert found["v_limit"].kind == PUBLISHED
    assert found["pristine"].value == pytest.approx(1.9)
    looser = FormingNominal(CONDITIONS, v_limit=5.5)
    assert looser.measured(looser._simulate())["overdrive"] < 1


def test_a_model_without_a_pristine_state_says_so() -> None:
    with pytest.raises(ConfigError, match="vteam cannot be formed"):
        part("reram_forming", {"device": "vteam"})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"pristine": 1.2}, "its HRS"),
        ({"pristine": 2.5}, "2.06 nm"),
        ({"rate": 0.0}, "rate"),
        ({"c_node": -1e-15}, "c_node"),
        ({"v_limit": 0.0}, "v_limit"),
        ({"sigma": 0.5}, "sigma"),
    ],
)
def test_impossible_settings_are_errors(settings: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        part("reram_forming", settings)


def test_a_ramp_that_ends_too_low_says_so() -> None:
    with pytest.raises(SimulationError, match=r"does not form on a ramp up to 1\.5 V"):
        part("reram_forming", {"peak": 1.5}).nominal(CONDITIONS).run(None, 0)


def test_cells_form_at_their_own_voltage_and_replay(nominal: dict) -> None:
    task = FormingMonteCarlo(CONDITIONS)
    records = [task.run(None, index) for index in range(12)]
    pristine, v_form = (np.array([record[name] for record in records]) for name in ("pristine", "v_form"))
    assert np.corrcoef(pristine, v_form)[0, 1] > 0.95
    assert task.run(None, 7) == records[7]
    samples = Samples(12, {name: np.array([record[name] for record in records]) for name in records[0]})
    found = figures(nominal, samples)
    assert found["v_form_sigma"].value == pytest.approx(np.std(v_form, ddof=1))
    assert found["cells_not_formed"].value == 0
    samples.columns["formed"][:] = 0
    assert figures(nominal, samples)["cells_not_formed"].value == 12
    assert set(records[0]) <= set(UNITS)


def test_every_field_has_a_unit(nominal: dict) -> None:
    assert set(nominal) <= set(UNITS)


def test_plain_ngspice_gives_the_same_figures(nominal: dict, tmp_path) -> None:
    deck = tmp_path / "forming.cir"
    netlist = FormingNominal(CONDITIONS).netlist()
    deck.write_text(netlist.deck().replace("\n", "\n.options num_threads=1\n", 1))
    said = subprocess.run(["ngspice", "-b", deck], capture_output=True, text=True, check=True).stdout  # noqa: S607
    found = {name: float(value) for name, value in re.findall(r"^(v_form|i_peak) += +(\S+)", said, re.MULTILINE)}
    assert found["v_form"] == pytest.approx(nominal["v_form"], rel=1e-3)
    assert -found["i_peak"] == pytest.approx(nominal["peak_current"], rel=1e-3)


def test_only_a_pristine_device_has_a_speed_limit() -> None:
    device = load_device()
    assert not any("bspeed" in line for line in device.dynamics())
    bounded = dataclasses.replace(device, fastest=1e30)
    assert any("bspeed" in line for line in bounded.dynamics())
    assert device.pristine(1.9).fastest == pytest.approx(0.25 * 1e4)  # nm / ns: a hop each vibration


def test_the_ramp_ends_at_its_peak() -> None:
    assert Ramp(rate=2e6, peak=4.0).ends == pytest.approx(2e-6)
