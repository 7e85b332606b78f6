"""One Monte Carlo by three backends: the same cells, and margins that agree as closely as each backend states."""

import numpy as np
import pytest

from bitline.core.errors import ConfigError
from bitline.core.executor import Result
from bitline.core.executors import executor
from spice.fits_compact import fit_compact
from spice.read_snm import UNITS, BatchReadSnm, CompactReadSnm, SharedReadSnm
from spice.sram import SHIFTS, SramMonteCarlo

CONDITION = {"corner": "fs", "temperature": 60.0, "vdd": 1.5, "seed": 7}
MARGINS = ("read_snm", "read_snm_q0", "read_snm_q1")


def run(task, samples, workers=1):
    outcomes = dict(executor(workers).map(task, range(samples)))
    assert all(isinstance(outcome, Result) for outcome in outcomes.values()), outcomes
    return [outcomes[index].record for index in range(samples)]


def columns(records, names):
    return np.array([[record[name] for name in names] for record in records])


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
    assert set(shared[0]) == set(UNITS)


def test_the_library_and_the_program_agree_to_a_nanovolt(shared):
    batch = run(BatchReadSnm(**CONDITION), 5)
    assert (columns(batch, SHIFTS) == columns(shared[:5], SHIFTS)).all()
    np.testing.assert_allclose(columns(batch, MARGINS), columns(shared[:5], MARGINS), rtol=0, atol=1e-9)


def test_the_compact_cell_agrees_within_its_stated_error(shared, model, file):
    compact = run(CompactReadSnm(**CONDITION, model=file), 40)
    assert (columns(compact, SHIFTS) == columns(shared, SHIFTS)).all()
    error = columns(compact, MARGINS) - columns(shared, MARGINS)
    coarse = 0.1e-3  # of the sweep's steps, which the held-out samples have half as large
    assert np.sqrt(np.mean(error**2)) < 2 * model.residual.rms + coarse
    assert np.abs(error).max() < 2 * model.residual.maximum + 3 * coarse


def test_the_lean_sweep_agrees_with_the_full_characterisation(shared):
    full = run(SramMonteCarlo(**CONDITION), 5)
    assert (columns(full, SHIFTS) == columns(shared[:5], SHIFTS)).all()
    np.testing.assert_allclose(columns(full, MARGINS), columns(shared[:5], MARGINS), rtol=0, atol=0.2e-3)


def test_workers_give_the_same_bits(shared):
    assert run(SharedReadSnm(**CONDITION), 12, workers=2) == shared[:12]


def test_another_corners_model_is_refused(file):
    with pytest.raises(ConfigError, match="corner is fs, wanted is tt"):
        CompactReadSnm(model=file).prepare()
