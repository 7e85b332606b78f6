import dataclasses

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from circuits.reram import (
    access_device,
    available,
    cell_subckt,
    held_cell_subckt,
    instance,
    load_device,
    read_cell_subckt,
)
from circuits.reram.benches import hysteresis
from circuits.technology import load_technology

DEVICES = pytest.mark.parametrize("name", available())


def test_the_devices_are_the_files_of_the_folder() -> None:
    assert available() == ["stanford_pku", "vteam"]


def test_an_unknown_device_is_an_error_that_suggests() -> None:
    with pytest.raises(ConfigError, match="did you mean 'vteam'"):
        load_device("vtem")


@DEVICES
def test_a_device_is_passive_and_odd(name: str) -> None:
    device = load_device(name)
    voltage = np.linspace(0.01, 1.5, 20)
    for state in (device.lrs, device.fresh, device.hrs):
        current = device.current(voltage, state)
        assert np.all(current > 0)
        assert np.all(np.diff(current) > 0)
        assert device.current(-voltage, state) == pytest.approx(-current)
        assert device.current(0.0, state) == 0.0


@DEVICES
def test_lrs_conducts_best_and_hrs_least(name: str) -> None:
    device = load_device(name)
    states = np.linspace(device.lrs, device.hrs, 50)
    assert np.all(np.diff(device.current(0.2, states)) < 0)


def test_stanford_pku_spans_the_published_conductances_at_small_signal() -> None:
    device = load_device("stanford_pku")
    assert device.current(1e-3, 0.29) / 1e-3 == pytest.approx(50e-6, rel=0.01)
    assert device.current(1e-3, 0.92) / 1e-3 == pytest.approx(5e-6, rel=0.01)


def test_vteam_spans_its_two_conductances() -> None:
    device = load_device("vteam")
    assert device.current(0.2, 1.0) / 0.2 == pytest.approx(50e-6)
    assert device.current(0.2, 0.0) / 0.2 == pytest.approx(5e-6)


@DEVICES
def test_the_cell_takes_the_access_transistor(name: str) -> None:
    technology, device = load_technology(), load_device(name)
    for text in (make(device, technology) for make in (read_cell_subckt, cell_subckt, held_cell_subckt)):
        (line,) = [line for line in text.splitlines() if line.startswith("maccess ")]
        assert line.split()[1:6] == ["mid", "gate", "bottom", "0", technology.device("access").name]


def test_without_an_access_device_the_nmos_serves() -> None:
    technology = load_technology()
    devices = {role: device for role, device in technology.devices.items() if role != "access"}
    plain = dataclasses.replace(technology, devices=devices)
    assert access_device(plain) == technology.device("nmos")


def test_an_instance_names_its_nodes_and_its_exact_state() -> None:
    line = instance(load_device("vteam"), "3_4", "wl3", "bl4", "gate", 1 / 3)
    assert line == f"x3_4 wl3 bl4 gate vteam_read_cell frozen={1 / 3!r}"


def test_parameters_reach_the_netlist() -> None:
    device = load_device("stanford_pku")
    cooler = dataclasses.replace(device, rth=1e3)
    assert hysteresis(device, 27.0).hash != hysteresis(cooler, 27.0).hash
    assert "1000.0*abs(" in hysteresis(cooler, 27.0).text
