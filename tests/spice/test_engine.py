import ctypes.util
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from bitline.core.errors import ConfigError, ConvergenceError, NetlistError, SimulationError
from circuits.netlist import Netlist
from circuits.technology import load_technology
from spice import batch
from spice import engine as engine_module
from spice.engine import engine

DIVIDER = Netlist("divider", "v1 a 0 1\nr1 a b 1k\nr2 b 0 3k")
RC = Netlist("rc", "v1 a 0 dc 0 ac 1 pulse(0 1 0 1f 1f 1 2)\nr1 a c 1k\nc1 c 0 1p", (".tran 1p 5n",))
BSIM3 = "v1 a 0 1.8\nm1 a a 0 0 n w=0.21u l=0.15u\n.model n nmos level=49 version=3.2 tox=4.1n vth0=0.6"
BSIM4 = "v1 a 0 1.8\nm1 a a 0 0 n w=1u l=0.15u\n.model n nmos level=54 version=4.5 toxe=4.1n vth0=0.6"


@pytest.fixture
def ng():
    return engine()


@pytest.fixture
def inverter_follows():
    """Afterwards the engine still runs a good circuit."""
    yield
    ng = engine()
    ng.load(DIVIDER)
    assert ng.run("op")["b"][0] == pytest.approx(0.75)


def test_operating_point_and_sweep_obey_kirchhoff(ng):
    ng.load(DIVIDER)
    assert ng.run("op")["b"] == pytest.approx([0.75])
    swept = ng.run("dc v1 0 2 0.5")
    assert swept["v-sweep"] == pytest.approx([0, 0.5, 1, 1.5, 2])
    assert swept["b"] == pytest.approx(0.75 * swept["a"])
    assert swept["v1#branch"] == pytest.approx(-swept["a"] / 4e3)


def test_transient_and_ac_follow_the_formula(ng):
    ng.load(RC)
    swept = ng.run("tran 1p 5n")
    expected = 1 - np.exp(-swept["time"] / 1e-9)
    assert np.max(np.abs(swept["c"] - expected)) < 2e-3
    spectrum = ng.run("ac lin 1 1e9 1e9")
    assert spectrum["c"][0] == pytest.approx(1 / (1 + 2j * np.pi), rel=1e-6)


def test_measure_returns_its_line_and_a_miss_raises(ng):
    ng.load(RC)
    ng.command("tran 1p 5n")
    (line,) = [line for line in ng.command("meas tran t50 when v(c)=0.5") if "t50" in line]
    assert float(line.split("=")[1]) == pytest.approx(np.log(2) * 1e-9, rel=2e-3)
    with pytest.raises(SimulationError, match="never"):
        ng.command("meas tran never when v(c)=2")
    ng.clear()


def test_alter_holds_until_the_circuit_is_loaded_again(ng):
    ng.load(DIVIDER)
    ng.alter("r1", "resistance", 3e3)
    assert ng.run("op")["b"][0] == pytest.approx(0.5)
    assert ng.run("op")["b"][0] == pytest.approx(0.5)
    ng.load(DIVIDER)
    assert ng.run("op")["b"][0] == pytest.approx(0.75)


def test_alter_keeps_every_bit_of_the_value(ng):
    ng.load(DIVIDER)
    value = 1.0 + 2.0**-40
    ng.alter("v1", "dc", value)
    assert ng.run("op")["a"][0] == value


@pytest.mark.parametrize("card", [BSIM3, BSIM4])
def test_delvto_is_a_shift_of_the_threshold(ng, card):
    ng.load(Netlist("shifted", card))
    ng.alter("m1", "delvto", 0.05)
    shifted = ng.run("op")["v1#branch"]
    ng.load(Netlist("card", card.replace("vth0=0.6", "vth0=0.65")))
    assert shifted == pytest.approx(ng.run("op")["v1#branch"], rel=1e-3)
    ng.load(Netlist("unshifted", card))
    assert ng.run("op")["v1#branch"] != pytest.approx(shifted, rel=1e-3)


@pytest.mark.usefixtures("inverter_follows")
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("v1 a 0 1\n\nm1 a a 0 0 nowhere w=1u l=1u", "m1 a a 0 0 nowhere"),
        ("v1 a 0 1\nx1 a b nowhere", "nowhere"),
        ("v1 a 0 {absent}\nr2 a 0 1k", r"v1 a 0 \{absent\}"),
        ("v1 a 0 1\nr2 a 0 1k colour=3", "r2 a 0 1k colour=3"),
        ("v1 a 0 1\nb1 a c i=exp(v(c)\nr2 c 0 1k", "b1 a c i=exp"),
        ("v1 a 0 1\n.subckt half a b\nr2 a 0 1k", "subckt half"),
        ("v1 a 0 1\n.include /no/such/card\nr2 a 0 1k", "/no/such/card"),
        ("v1 a 0 1\n.model n nmos level=999\nm1 a a 0 0 n w=1u l=1u", "(?i)illegal value for level"),
    ],
)
def test_an_unreadable_netlist_names_its_line(ng, text, named):
    with pytest.raises(NetlistError, match=named) as raised:
        ng.load(Netlist("broken", text))
    assert "'broken'" in str(raised.value)
    with pytest.raises(SimulationError, match="no circuit is loaded"):
        ng.run("op")


@pytest.mark.usefixtures("inverter_follows")
@pytest.mark.parametrize(
    ("text", "analysis", "last_word"),
    [
        ("v1 a 0 1\nv2 a 0 2\nr2 a 0 1k", "op", "op simulation"),
        ("v1 a 0 1\nr1 a c 1\nb1 c 0 v=v(c)*v(c)+1", "op", "trouble with node"),
        ("v1 a 0 1\nr1 a c 1\nb1 c 0 v=v(c)*v(c)+1", "tran 1n 10n", "trouble with node"),
    ],
)
def test_a_circuit_without_solution_carries_ngspices_last_lines(ng, text, analysis, last_word):
    ng.load(Netlist("hopeless", text))
    with pytest.raises(ConvergenceError, match="'hopeless'") as raised:
        ng.run(analysis)
    assert any(last_word in line for line in raised.value.log)
    assert last_word in str(raised.value)


@pytest.mark.usefixtures("inverter_follows")
@pytest.mark.parametrize("analysis", ["dc vx 0 1 0.1", "frobnicate", "op; quit"])
def test_a_refused_analysis_is_no_convergence_error(ng, analysis):
    ng.load(DIVIDER)
    with pytest.raises(SimulationError) as raised:
        ng.run(analysis)
    assert not isinstance(raised.value, ConvergenceError)


@pytest.mark.usefixtures("inverter_follows")
def test_altering_what_is_not_there_raises(ng):
    ng.load(DIVIDER)
    with pytest.raises(SimulationError, match="r9"):
        ng.alter("r9", "resistance", 1.0)
    with pytest.raises(SimulationError, match="colour"):
        ng.alter("r1", "colour", 1.0)


def test_benign_chatter_is_no_error(ng):
    ng.load(Netlist("chatter", BSIM4.replace("vth0", "nosuchparameter=3 vth0")))
    assert ng.run("op")["v1#branch"][0] < 0
    ng.load(Netlist("low", "v1 a 0 1\nr1 a 0 0"))  # ngspice warns and takes 1 mOhm
    assert ng.run("op")["v1#branch"] == pytest.approx([-1000])


def test_an_interrupt_comes_after_ngspice_returned(ng):
    ng.load(RC)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        ng.run("tran 1p 200n")
    timer.join()
    ng.load(DIVIDER)
    assert ng.run("op")["b"][0] == pytest.approx(0.75)


def test_memory_stays_while_circuits_run_and_reload(ng):
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def work(times):
        for count in range(times):
            if count % 10 == 0:
                ng.load(DIVIDER)
            ng.alter("r1", "resistance", 1e3 + count)
            ng.run("dc v1 0 1 0.01")

    work(500)
    before = resident()
    work(2000)
    assert resident() - before < 4e6  # kept plots would take 2000 x 101 x 4 x 8 = 6.5 MB


def test_one_thread_and_an_untouched_working_directory(ng, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - no Path for a process's own tasks
    for card in (BSIM3, BSIM4):
        ng.load(Netlist("card", card))
        ng.run("dc v1 0 1.8 0.01")
    assert len(os.listdir("/proc/self/task")) == before  # noqa: PTH208
    assert list(tmp_path.iterdir()) == []


def test_a_start_up_file_of_the_users_changes_nothing(tmp_path):
    (tmp_path / ".spiceinit").write_text("alias op echo hijacked\n")
    program = (
        "from spice.engine import engine; from circuits.netlist import Netlist\n"
        f"e = engine(); e.load(Netlist('t', {BSIM3!r})); print(repr(float(e.run('op')['v1#branch'][0])))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(Path(engine_module.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    ng = engine()
    ng.load(Netlist("t", BSIM3))
    assert float(said.stdout) == ng.run("op")["v1#branch"][0]
    assert said.stderr == ""
    ng.command("alias op echo hijacked")  # what the file would have done
    try:
        with pytest.raises(SimulationError):
            ng.run("op")
    finally:
        ng.command("unalias op")


def test_a_missing_library_says_what_to_install(monkeypatch):
    monkeypatch.delenv("NGSPICE_LIBRARY_PATH", raising=False)
    assert engine_module.find_library()
    monkeypatch.setattr(engine_module, "_LIBRARIES", ("libnothing.so.0",))
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    with pytest.raises(ConfigError, match="apt-get install libngspice0"):
        engine_module.find_library()


def test_a_library_of_ones_own_is_respected(monkeypatch, ng):
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", ng.library)
    assert engine_module.find_library() == ng.library
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", "/no/such/libngspice.so")
    with pytest.raises(ConfigError, match=r"/no/such/libngspice\.so"):
        engine_module.find_library()


def test_batch_and_engine_agree_to_the_bit(ng):
    technology = load_technology("sky130")
    device = technology.device("pull_down").line("1", "d", "d", "0", "0")
    swept = Netlist("diode", f"vd d 0 0\n{device}\n{technology.cards('tt')}", (".dc vd 0 1.8 0.1",))
    for netlist in (RC, swept):
        alone = batch.run_batch(netlist)
        ng.load(netlist)
        shared = ng.run(netlist.analyses[0].removeprefix("."))
        assert set(alone) == set(shared)
        for name, vector in shared.items():
            np.testing.assert_array_equal(alone[name], vector, err_msg=name)


def test_batch_heeds_no_setting_of_the_users(tmp_path, monkeypatch):
    (tmp_path / ".spiceinit").write_text("set filetype=ascii\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SPICE_ASCIIRAWFILE", "1")
    monkeypatch.chdir(tmp_path)
    assert batch.run_batch(RC)["c"][-1] == pytest.approx(1 - np.exp(-5), abs=2e-3)


def test_batch_gives_complex_vectors(ng):
    spectrum = batch.run_batch(Netlist("rc", RC.text, (".ac lin 1 1e9 1e9",)))
    ng.load(RC)
    np.testing.assert_array_equal(spectrum["c"], ng.run("ac lin 1 1e9 1e9")["c"])


def test_batch_reports_what_went_wrong(monkeypatch):
    hopeless = Netlist("hopeless", "v1 a 0 1\nr1 a c 1\nb1 c 0 v=v(c)*v(c)+1", (".op",))
    with pytest.raises(ConvergenceError, match="'hopeless'"):
        batch.run_batch(hopeless)
    with pytest.raises(SimulationError, match="nowhere"):
        batch.run_batch(Netlist("broken", "v1 a 0 1\nx1 a nowhere", (".op",)))
    with pytest.raises(SimulationError, match="stopped after"):
        batch.run_batch(Netlist("long", RC.text, (".tran 1f 1",)), timeout=0.5)
    with pytest.raises(SimulationError, match="one analysis"):
        batch.run_batch(DIVIDER)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ConfigError, match="apt-get install ngspice"):
        batch.run_batch(RC)


def test_a_raw_file_cut_short_is_noticed(tmp_path):
    from spice.raw import read_raw

    header = b"Title: t\nFlags: real\nNo. Variables: 1\nNo. Points: 3\nVariables:\n\t0\ttime\ttime\nBinary:\n"
    raw = tmp_path / "out.raw"
    raw.write_bytes(header + np.arange(3.0).tobytes())
    assert read_raw(raw)[0]["time"].tolist() == [0, 1, 2]
    raw.write_bytes(header + np.arange(3.0).tobytes()[:-1])
    with pytest.raises(SimulationError, match="cut short"):
        read_raw(raw)
    raw.write_bytes(header.replace(b"No. Points: 3\n", b"") + np.arange(3.0).tobytes())
    with pytest.raises(SimulationError, match="broken header"):
        read_raw(raw)
    raw.write_bytes(b"nonsense")
    with pytest.raises(SimulationError, match="not a binary raw file"):
        read_raw(raw)


def test_versions_agree(ng):
    assert ng.version == batch.version().split(".")[0]
