from dataclasses import replace

import numpy as np
import pytest

from bitline.core.errors import ConfigError, ModelRangeError
from circuits.faults import Faults
from circuits.mapping import Mapping
from circuits.reram_ageing import AGEINGS, CMO_HFOX, PowerLaw, load_ageing
from circuits.variation import SPREADS
from crossbar.tile import CrossbarArray, TileConfig

DAY = 86400.0
PLAIN = TileConfig(rows=32, cols=24, r_wire_wl=0, r_wire_bl=0, read_noise=0, adc_bits=12, input_bits=4, weight_bits=4)
DRIFT = PowerLaw("test", exponent=0.05, spread=0.0)


def tile(config, seed=1):
    rng = np.random.default_rng(seed)
    weights = rng.integers(-config.weight_max, config.weight_max + 1, (config.rows, config.outputs))
    array = CrossbarArray(config)
    array.program(weights, np.random.default_rng(seed))
    array.set_range(array.required_range(np.full((1, config.rows), 15)) * 2)
    return array, weights


def test_a_device_keeps_its_own_exponent():
    law = PowerLaw("test", exponent=0.05, spread=0.02, start=10.0)
    g, scores = np.full(5000, 2e-5), np.random.default_rng(0).standard_normal(5000)
    early, late = (law.aged(g, t, scores) for t in (1e3, 1e5))
    np.testing.assert_allclose(law.aged(g, 10.0, scores), g)
    nu = -np.log(late / g) / np.log(1e4)
    np.testing.assert_allclose(nu, -np.log(early / g) / np.log(1e2))  # one exponent, two times
    assert nu.mean() == pytest.approx(0.05, abs=4.5 * 0.02 / np.sqrt(5000))
    assert nu.std() == pytest.approx(0.02, rel=4.5 / np.sqrt(10000))


def test_published_relaxation_is_fixed_per_device():
    g, scores = np.full(4000, 3e-5), np.random.default_rng(0).standard_normal(4000)
    early, late = (CMO_HFOX.aged(g, t, scores) for t in (10.0, DAY))
    assert np.corrcoef(early, late)[0, 1] == pytest.approx(1.0)
    assert late.std() / early.std() == pytest.approx(
        CMO_HFOX.relaxation_sigma(DAY) / CMO_HFOX.relaxation_sigma(10.0), rel=1e-6
    )


def test_wan_2022_ends_at_its_spread_of_one_day():
    ageing = load_ageing("wan2022")
    g = np.linspace(5e-6, 39e-6, 8)
    first = SPREADS["wan2022"].sigma(g)
    np.testing.assert_allclose(first**2 + ageing.sigma(g, DAY) ** 2, SPREADS["wan2022_1day"].sigma(g) ** 2)
    np.testing.assert_allclose(ageing.sigma(g, 1.0), 0.0)
    assert (ageing.sigma(g, 3600.0) < ageing.sigma(g, DAY)).all()
    assert (ageing.aged(np.array([0.0, 45e-6]), DAY, np.zeros(2)) == [0.0, 45e-6]).all()


@pytest.mark.parametrize(("ageing", "time"), [("wan2022", 2 * DAY), ("wan2022", 0.1), ("cmo_hfox", 1e12)])
def test_times_beyond_the_publication_are_refused(ageing, time):
    config = replace(PLAIN, g_min=10e-6, g_max=38e-6, ageing=AGEINGS[ageing], t_elapsed=time)
    with pytest.raises(ModelRangeError, match="after programming"):
        tile(config)
    with pytest.raises(ModelRangeError, match="after programming"):
        DRIFT.aged(np.ones(1), 0.5, np.zeros(1))


def test_an_unknown_ageing_suggests_one():
    with pytest.raises(ConfigError, match="wan2022"):
        load_ageing("wan2023")


def test_a_tile_reads_its_cells_as_they_are_after_a_day():
    aged, weights = tile(replace(PLAIN, ageing=DRIFT, t_elapsed=DAY))
    x = np.random.default_rng(2).integers(0, 16, (50, 32))
    codes, _ = aged.mvm(x, np.random.default_rng(3))
    factor = DAY**-0.05
    np.testing.assert_allclose(codes * aged.scale, x @ weights * factor, atol=0.51 * 15 * aged.scale)
    assert factor < 0.6


def test_compensation_brings_the_mean_back_whatever_the_mapping():
    for mapping in (Mapping(), Mapping(scheme="offset", slice_bits=2), Mapping(scheme="offset", reference="digital")):
        config = replace(PLAIN, mapping=mapping, ageing=DRIFT, t_elapsed=DAY, drift_compensation=True)
        array, weights = tile(config)
        fresh, _ = tile(replace(PLAIN, mapping=mapping))
        x = np.random.default_rng(2).integers(0, 16, (50, 32))
        # the same drift everywhere is undone whole
        same = np.abs(array.mvm(x, np.random.default_rng(3))[0] - fresh.mvm(x, np.random.default_rng(3))[0])
        assert same.max() <= 1
        assert weights.shape == (32, array.cols)


def test_what_all_levels_lose_alike_cancels_in_pairs():
    still = replace(CMO_HFOX, sigma_start=0.0, sigma_slope=0.0)
    config = replace(PLAIN, g_min=10e-6, g_max=80e-6, ageing=still, t_elapsed=DAY, drift_compensation=True)
    array, _ = tile(config)
    assert array.lsb == pytest.approx(array.config.lsb(array.full_scale))
    assert (array.conductances < tile(replace(config, ageing=None))[0].conductances).all()


def test_stuck_cells_do_not_age_and_ageing_changes_no_other_draw():
    base = replace(PLAIN, faults=Faults(off_rate=0.1, on_rate=0.1), programming_sigma=lambda g: 0.05 * g)
    fresh, aged = (tile(replace(base, ageing=ageing, t_elapsed=DAY))[0] for ageing in (None, DRIFT))
    assert np.array_equal(fresh.fault_map, aged.fault_map)
    stuck = fresh.fault_map != 0
    assert np.array_equal(fresh.conductances[stuck], aged.conductances[stuck])
    np.testing.assert_allclose(aged.conductances[~stuck], fresh.conductances[~stuck] * DAY**-0.05)


def test_devices_differ_by_chip_and_not_by_time():
    law = PowerLaw("test", exponent=0.05, spread=0.02)
    one, later, other = (
        tile(replace(PLAIN, ageing=law, t_elapsed=t), seed)[0].conductances
        for t, seed in ((DAY, 1), (DAY**2, 1), (DAY, 2))
    )
    fresh = tile(PLAIN)[0].conductances
    np.testing.assert_allclose(np.log(later / fresh), 2 * np.log(one / fresh))
    assert np.abs(np.log(one / fresh) - np.log(other / fresh)).max() > 0.1
