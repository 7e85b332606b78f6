"""What all tests share: numba compiles afresh, so that no stale kernel of an earlier source answers."""

import os
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
if "PYTEST_XDIST_WORKER" not in os.environ:  # workers share the cache of whoever started them
    os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="bitline-numba-")
