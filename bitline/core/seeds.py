"""Random streams that replay alone.

A stream is named by the study's seed and a key: the stage, the entity and the sample's index, and below that whatever
tells draws apart (layer, tile, cell). Two streams with different keys are independent, so cell 3 and chip 3 share
nothing, and any sample can be drawn again without those before it.
"""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, stage: str, *key: int | str) -> np.random.Generator:
    """The generator of one named stream.

    Args:
        seed: the study's seed, 0 or more.
        stage: what draws, as "sram.mismatch" or "reram.programming".
        key: what it draws for, as a sample's index or ("layer1", 0, 3); strings are hashed with CRC-32.

    Returns:
        A PCG64 generator seeded by ``SeedSequence(seed, spawn_key=(stage, *key))``.
    """
    words = tuple(zlib.crc32(part.encode()) if isinstance(part, str) else part for part in (stage, *key))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=words))
