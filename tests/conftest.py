"""What all tests share: numba compiles afresh, so that no stale kernel of an earlier source answers."""

import os
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="bitline-numba-")
