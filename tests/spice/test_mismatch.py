"""Local variation: its sigma on single devices, its draws, and a card a transistor."""

from dataclasses import replace

import numpy as np
import pytest

from bitline.core.errors import ConfigError, NetlistError
from bitline.core.seeds import stream
from circuits import cells
from circuits.netlist import Netlist
from circuits.own_cards import own_cards, own_model
from circuits.technology import load_technology
from spice import devices, mismatch
from spice.characterise import Conditions
from spice.engine import engine
from spice.sram import SramMonteCarlo, SramPoints

TECHNOLOGY = load_technology()
DEVICES = {name: TECHNOLOGY.device(name.rsplit("_", 1)[0]) for name in cells.DEVICES}

# Sigma of the extracted threshold (mV) and of the on-current (%) with every slope of SKY130
SPREAD = {"pull_down": (33.9, 5.5), "pass_gate": (38.8, 5.8), "pull_up": (41.8, 8.9)}


def test_a_seed_gives_the_same_thresholds_whatever_else_varies():
    found = []
    for variation in ("vth", "full"):
        varied = mismatch.variables(DEVICES, variation)
        scores = stream(3, "sram.mismatch", 5).standard_normal(len(varied))
        found.append({name: shift["vth"] for name, shift in mismatch.shifts(varied, scores).items()})
    assert found[0] == found[1] == mismatch.draw_vth(DEVICES, stream(3, "sram.mismatch", 5))
    assert len(mismatch.variables(DEVICES, "full")) == 12
    assert mismatch.variables(DEVICES, "none") == ()


def test_a_misspelt_variation_is_named():
    with pytest.raises(ConfigError, match="did you mean 'full'"):
        mismatch.variables(DEVICES, "ful")


def test_what_varies_has_the_technologys_slopes():
    periphery = {"n": TECHNOLOGY.device("nmos"), "p": TECHNOLOGY.device("pmos")}
    found = {variable.name: variable.sigma for variable in mismatch.variables(periphery, "full")}
    assert list(found) == ["dvth_n", "dvth_p", "dtoxe_n", "dtoxe_p", "dvoff_n", "dnfactor_p"]
    assert found["dvoff_n"] == pytest.approx(7e-9 / np.sqrt(0.65e-6 * 0.15e-6))
    card = TECHNOLOGY.card("nmos", "tt")
    values = mismatch.model_values(card, {"vth": 0.1, "toxe": 0.02, "voff": -0.01})
    assert values == {
        "toxe": pytest.approx(1.02 * card.parameters["toxe"]),
        "voff": pytest.approx(card.parameters["voff"] - 0.01),
    }
    with pytest.raises(NetlistError, match="voff"):
        mismatch.model_values(replace(card, parameters={"toxe": 4e-9}), {"voff": 0.01})


@pytest.fixture(scope="module")
def single_devices():
    """The figures of single devices at shifts of one of them."""
    conditions = Conditions()
    bench = own_cards(devices.netlist(TECHNOLOGY, conditions))
    running = engine()

    def measure(role, shift):
        running.load(bench)
        mismatch.apply_vth(running, {role: shift.get("vth", 0.0)})
        card = TECHNOLOGY.card(role, conditions.corner)
        mismatch.set_model(running, card, role, mismatch.model_values(card, shift))
        swept = running.run(bench.analyses[0].removeprefix("."))
        return devices._figures(TECHNOLOGY.device(role), swept["g"], np.abs(swept[f"vd_{role}#branch"]))

    return measure


@pytest.mark.parametrize("role", SPREAD)
def test_full_variation_has_the_published_spread(single_devices, role):
    """Slopes combined linearly: central differences over one sigma each way."""
    device, nominal = TECHNOLOGY.device(role), single_devices(role, {})
    variances = np.zeros(2)
    for parameter in device.mismatch:
        up, down = (single_devices(role, {parameter: sign * device.sigma(parameter)}) for sign in (1, -1))
        steps = [up["vth_cc"] - down["vth_cc"], (up["ion"] - down["ion"]) / nominal["ion"]]
        variances += (np.array(steps) / 2) ** 2
    sigma_vth, sigma_ion = np.sqrt(variances)
    assert sigma_vth * 1e3 == pytest.approx(SPREAD[role][0], rel=0.01)
    assert sigma_ion * 100 == pytest.approx(SPREAD[role][1], rel=0.03)
    assert sigma_vth > 1.05 * device.sigma("vth") or role == "pass_gate"


def test_a_thicker_oxide_weakens_and_altering_equals_a_card_written_so(single_devices):
    nominal, thick = single_devices("pull_down", {}), single_devices("pull_down", {"toxe": 0.05})
    assert thick["ion"] < nominal["ion"]
    assert thick["vth_cc"] > nominal["vth_cc"]
    card = TECHNOLOGY.card("pull_down", "tt")
    written = card.text.replace(f"+ tox = {card.parameters['tox']:g}", f"+ tox = {1.05 * card.parameters['tox']!r}")
    assert written != card.text
    bench = devices.netlist(TECHNOLOGY, Conditions())
    running = engine()
    running.load(Netlist(bench.title, bench.text.replace(card.text, written), bench.analyses))
    swept = running.run(bench.analyses[0].removeprefix("."))
    assert -swept["vd_pull_down#branch"][-1] == pytest.approx(thick["ion"], rel=1e-9)


def test_own_cards_leave_the_circuit_as_it_is():
    whole = cells.write(TECHNOLOGY, "tt", 1.8, 27.0)
    own = own_cards(whole, lambda instance: "_".join(instance.split("_")[:3]))
    assert own.text.count(".model") == len(cells.DEVICES)
    assert own_model(TECHNOLOGY.device("pull_up").name, "pull_up_left") in own.text
    running, analysis = engine(), whole.analyses[0].removeprefix(".")
    curves = []
    for netlist in (whole, own):
        running.load(netlist)
        curves.append(running.run(analysis))
    for name, curve in curves[0].items():
        np.testing.assert_allclose(curve, curves[1][name], rtol=1e-9, atol=1e-18, err_msg=name)
    with pytest.raises(NetlistError, match=r"m1 is a 'nowhere'"):
        own_cards(Netlist("no cards", "m1 d g s b nowhere w=1u l=1u"))


def test_the_cell_in_full_variation_with_nominal_oxides_is_the_cell_with_thresholds_alone():
    wanted = ("read_snm", "write_margin_bl", "read_current")
    scores = np.random.default_rng(1).standard_normal(6)
    alone = SramPoints(variation="vth", wanted=wanted, points=scores[None])
    full = SramPoints(
        variation="full", wanted=wanted, points=np.array([[*scores, *np.ones(6)], [*scores, *np.zeros(6)]])
    )
    one, bench = alone.run(alone.prepare(), 0), full.prepare()
    thick, same = full.run(bench, 0), full.run(bench, 1)
    for name in set(one) - {"scores"}:
        assert same[name] == pytest.approx(one[name], rel=1e-6), name
    assert thick["read_current_left"] < 0.98 * one["read_current_left"]


def test_a_sample_in_full_variation_replays_alone():
    task = SramMonteCarlo(seed=4, variation="full")
    bench = task.prepare()
    task.run(bench, 0)
    after_another, alone = task.run(bench, 3), task.run(task.prepare(), 3)
    assert after_another.keys() == alone.keys()
    assert {f"dtoxe_{name}" for name in cells.DEVICES} < alone.keys()
    for name, value in alone.items():
        np.testing.assert_array_equal(value, after_another[name], err_msg=name)


def test_one_of_two_equal_instances_is_varied_alone():
    card = TECHNOLOGY.card("nmos", "tt")
    line = TECHNOLOGY.device("nmos").line("one", "d", "g", "0", "0")
    text = f""".options gmin=1e-15
{card.text}
.subckt half d g
{line}
.ends
.subckt other d g
{line}
.ends
vg g 0 1.8
va da 0 1.8
vb db 0 1.8
vc dc 0 1.8
xa da g half
xb db g half
xc dc g other"""
    varied = mismatch.Variation.of(TECHNOLOGY, "tt", {"one": "nmos"}, "full")
    bench, running = varied.netlist(Netlist("two halves", text, (".op",)), within=("half",)), engine()
    assert bench.text.count(".model") == 2  # the common card, and the copy that each half has for itself
    running.load(bench)
    before = running.run("op")
    varied.apply(running, {"one": {"vth": 0.0, "toxe": 0.05, "voff": 0.0}}, "m.xa.m{}".format)
    after = running.run("op")
    assert after["va#branch"][0] > 0.98 * before["va#branch"][0]  # currents into sources are negative
    for source in ("vb", "vc"):
        assert after[f"{source}#branch"][0] == pytest.approx(before[f"{source}#branch"][0], rel=1e-9)
    varied.apply(running, {"one": {"vth": 0.0, "toxe": 0.0, "voff": 0.0}}, "m.xa.m{}".format)
    assert running.run("op")["va#branch"][0] == pytest.approx(before["va#branch"][0], rel=1e-9)
    with pytest.raises(ConfigError, match="ful"):
        mismatch.variation_source("ful")


def test_shifts_of_none_are_zero_and_full_has_columns_of_every_parameter():
    none = mismatch.Variation.of(TECHNOLOGY, "tt", {"a": "nmos", "b": "pmos"}, "none")
    assert none.draw(stream(1, "any", 0)) == {"a": {"vth": 0.0}, "b": {"vth": 0.0}}
    full = mismatch.Variation.of(TECHNOLOGY, "tt", {"a": "nmos", "b": "pmos"}, "full")
    columns = full.columns(full.draw(stream(1, "any", 0)))
    assert {name: len(column) for name, column in columns.items()} == {"vth": 2, "toxe": 2, "voff": 1, "nfactor": 1}
