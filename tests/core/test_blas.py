import os

import pytest

from bitline.core import blas

ZEN_5 = "vendor_id : AuthenticAMD\nflags : fpu avx2 avx512f avx512dq avx512cd avx512bw avx512vl\n"


@pytest.fixture(autouse=True)
def _bare(monkeypatch):
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_CORETYPE"):
        monkeypatch.setenv(variable, "")  # so that it is put back
        monkeypatch.delenv(variable)


@pytest.mark.parametrize(
    ("described", "kernels"),
    [
        (ZEN_5, "SkylakeX"),
        (ZEN_5.replace("avx512vl", ""), None),
        (ZEN_5.replace("AuthenticAMD", "GenuineIntel"), None),
        (None, None),
    ],
)
def test_wide_kernels_are_chosen_where_they_run_and_openblas_does_not_take_them(tmp_path, described, kernels):
    cpuinfo = tmp_path / "cpuinfo"
    if described is not None:
        cpuinfo.write_text(described)
    blas.choose(cpuinfo)
    assert os.environ.get("OPENBLAS_CORETYPE") == kernels
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


def test_what_the_user_has_set_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    (tmp_path / "cpuinfo").write_text(ZEN_5)
    blas.choose(tmp_path / "cpuinfo")
    assert (os.environ["OPENBLAS_CORETYPE"], os.environ["OMP_NUM_THREADS"]) == ("Haswell", "4")
