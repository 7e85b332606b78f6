"""What would stop a study, found before it starts rather than after its characterisation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bitline.cli.arrays import tile_parts
from bitline.cli.characterise import Work
from bitline.cli.study import Study
from bitline.core.errors import ConfigError
from circuits.variation import load_spread
from nn.datasets import load as load_data
from spice.characterise import part
from spice.engine import engine


def check(study: Study, works: Sequence[Work], compared: Sequence[Work]) -> None:
    """See that ngspice, the netlists and the data of a study are there.

    Args:
        study: the settings.
        works: what it characterises and fits.
        compared: what it characterises beside.

    Raises:
        BitlineError: something is missing or wrong, as the study or the commands that mend it name it.
    """
    engine()
    for work in works:
        fewest = part(work.name, work.settings).fewest
        if work.samples < fewest:
            raise ConfigError(f"{work.name}.samples = {work.samples}: its fit needs at least {fewest}")
    for work in (*works, *compared):
        part(work.name, work.settings).netlists(work.conditions)
    if study.target == "reram" and study.array.variation:
        load_spread(study.reram.spread).sigma(np.array([study.array.g_min, study.array.g_max]))
    if study.target == "reram":
        tile_parts(study)
    load_data(study.network.data)
