"""Settings of the BLAS that numpy brings, by environment: they count only before numpy is imported."""

from __future__ import annotations

import os
from pathlib import Path

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_SKYLAKE = {"AuthenticAMD", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"}


def choose(cpuinfo: Path = Path("/proc/cpuinfo")) -> None:
    """One thread, and kernels of the processor's width; what the user has set stays.

    Threads would change the bits and fight over the cores. OpenBLAS 0.3.31 does not know AMD's Zen 5 and falls back on
    its kernels for Haswell, of 256 bits; those for Skylake, of 512 bits, run there, at twice the speed.

    Args:
        cpuinfo: the kernel's description of the processor; no file says nothing.
    """
    for variable in _THREADS:
        os.environ.setdefault(variable, "1")
    try:
        words = set(cpuinfo.read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return
    if words >= _SKYLAKE:
        os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
