"""One Monte Carlo by three backends: the same cells, and margins that agree as closely as each backend states."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bitline.core.errors import ConfigError, SimulationError
from bitline.core.executor import Result
from bitline.core.executors import executor
from bitline.core.figures import COUNTED, MODELLED, SIMULATED
from bitline.core.samples import Samples, collect
from bitline.core.store import MemoryStore, complete
from spice.characterise import Conditions, part
from spice.fits_compact import fit_compact
from spice.read_snm import UNITS, BatchReadSnm, CompactReadSnm, SharedReadSnm
from spice.sram import SHIFTS, SramMonteCarlo

CONDITION = {"corner": "fs", "temperature": 60.0, "vdd": 1.5, "seed": 7, "variation": "full"}
MARGINS = ("read_snm", "read_snm_q0", "read_snm_q1")


def run(task, samples, workers=1):
    outcomes = dict(executor(workers).map(task, range(samples)))
    assert all(isinstance(outcome, Result) for outcome in outcomes.values()), outcomes
    return [outcomes[index].record for index in range(samples)]


def columns(records, names):
    return np.array([[record[name] for name in names] for record in records])


def collect_samples(task, count):
    store = MemoryStore()
    complete(task, count, store, executor(1))
    return collect(store, count)


@pytest.fixture(scope="module")
def model():
    return fit_compact(corner="fs")


@pytest.fixture(scope="module")
def shared():
    return run(SharedReadSnm(**CONDITION), 40)


@pytest.fixture
def file(model, tmp_path):
    path = tmp_path / "fs.npz"
    model.save(path)
    return path


def test_a_record_has_a_unit_for_every_field(shared):
    assert set(shared[0]) - {"absent"} <= set(UNITS)
    assert {name for name in UNITS if name.startswith("dtoxe")} <= set(shared[0])


def test_the_library_and_the_program_agree_to_a_nanovolt(shared):
    batch = run(BatchReadSnm(**CONDITION), 5)
    assert (columns(batch, SHIFTS) == columns(shared[:5], SHIFTS)).all()
    np.testing.assert_allclose(columns(batch, MARGINS), columns(shared[:5], MARGINS), rtol=0, atol=1e-9)


def test_the_compact_cell_agrees_within_its_stated_error(shared, model, file):
    compact = run(CompactReadSnm(**CONDITION, model=file), 40)
    assert (columns(compact, SHIFTS) == columns(shared, SHIFTS)).all()
    error = columns(compact, MARGINS) - columns(shared, MARGINS)
    coarse = 0.1e-3  # of the sweep's steps, which the held-out samples have half as large
    assert np.sqrt(np.mean(error**2)) < 2 * model.residuals["read_snm"].rms + coarse
    assert np.abs(error).max() < 2 * model.residuals["read_snm"].maximum + 3 * coarse


def test_the_lean_sweep_agrees_with_the_full_characterisation(shared):
    full = run(SramMonteCarlo(**CONDITION), 5)
    assert (columns(full, SHIFTS) == columns(shared[:5], SHIFTS)).all()
    np.testing.assert_allclose(columns(full, MARGINS), columns(shared[:5], MARGINS), rtol=0, atol=0.2e-3)


@pytest.mark.parametrize("backend", ["shared", "batch", "compact"])
def test_a_cell_that_lost_a_lobe_stays_in_the_spread_as_a_bound(backend, file):
    """Some cells are taken their stored 1, whatever the backend says of it."""
    kind = {"shared": SharedReadSnm, "batch": BatchReadSnm, "compact": CompactReadSnm}[backend]
    task = kind(**CONDITION | {"variation": "vth"}, **({"model": file} if backend == "compact" else {}))

    class Skewed(kind):
        def prepare(self):
            bench = super().prepare()

            def margins(shifts):
                zero, one = bench.margins(shifts)
                return zero, math.nan if shifts["pull_up_left"]["vth"] > 0 else one

            return replace(bench, margins=margins)

    task = Skewed(**vars(task))
    records = run(task, 6)
    lost = [record for record in records if record["dvth_pull_up_left"] > 0]
    assert 0 < len(lost) < 5
    for record in records:
        assert np.isnan(record["read_snm"]) == np.isnan(record["read_snm_q1"]) == (record in lost)
        assert record["absent"].startswith("no read_snm: the cell has one state only") == (record in lost)
        assert record["read_snm_q0"] > 0
    samples = Samples(6, {name: np.array([record[name] for record in records]) for name in records[0]})
    settings = {"backend": backend, "variation": "vth"} | ({"model": str(file)} if backend == "compact" else {})
    known = dict.fromkeys(MARGINS, 0.2)
    found = part("read-snm", settings).figures(known, samples)
    assert (found["read_snm_bounded"].value, found["read_snm_bounded"].kind) == (len(lost), COUNTED)
    survivors = np.array([record["read_snm"] for record in records if record not in lost])
    assert found["read_snm_mean"].value < survivors.mean()
    assert (found["read_snm_mean"].kind, found["failed_samples"].value) == (MODELLED, 0)
    assert "read_snm_lowest" not in found


def test_a_nominal_cell_without_states_says_so():
    task = SharedReadSnm(vdd=0.3, variation="none")
    with pytest.raises(SimulationError, match=r"no read_snm.*one state only"):
        task.run(task.prepare(), 0)


def test_workers_give_the_same_bits(shared):
    assert run(SharedReadSnm(**CONDITION), 12, workers=2) == shared[:12]


def test_another_corners_model_is_refused(file):
    with pytest.raises(ConfigError, match="corner is fs, wanted is tt"):
        CompactReadSnm(model=file).prepare()


def test_backends_are_settings_of_the_part(file):
    found = {}
    at = Conditions("sky130", "fs", 60.0, 1.5, 7)
    for backend, settings in (("shared", {}), ("batch", {}), ("compact", {"model": str(file)})):
        named = part("read-snm", {"backend": backend, "variation": "full", **settings})
        samples = collect_samples(named.monte_carlo(at), 3)
        nominal = named.nominal(at)
        found[backend] = named.figures(nominal.run(nominal.prepare(), 0), samples)
    means = [found[backend]["read_snm_mean"].value for backend in found]
    assert means == pytest.approx([means[0]] * 3, abs=0.5e-3)
    assert found["shared"]["read_snm_mean"].kind == SIMULATED
    assert found["compact"]["read_snm_mean"].kind == MODELLED
    assert found["compact"]["read_snm_error_rms"].value > 0
    assert "read_snm_error_rms" not in found["shared"]


def test_a_backend_that_is_none_or_lacks_its_model_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'compact'"):
        part("read-snm", {"backend": "compct"})
    with pytest.raises(ConfigError, match="bitline compact FILE"):
        part("read-snm", {"backend": "compact"})
