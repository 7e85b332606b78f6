"""What would stop a study, found before it starts rather than after its characterisation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bitline.cli.arrays import tile_parts
from bitline.cli.characterise import Work
from bitline.cli.network import check_network
from bitline.cli.study import Study
from bitline.cli.voltage_mode import check_settings
from bitline.core.errors import ConfigError
from circuits.variation import load_spread
from spice.characterise import part
from spice.engine import engine

_SECTIONS = {"cim_column": "sram_cim"}  # of a study, by the part that it has settings of, where names differ


def check(study: Study, works: Sequence[Work], compared: Sequence[Work]) -> None:
    """See that ngspice, the netlists, the data and the network of a study are there.

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
            section = _SECTIONS.get(work.name, work.name)
            raise ConfigError(f"{section}.samples = {work.samples}: its fit needs at least {fewest}")
    for work in (*works, *compared):
        part(work.name, work.settings).netlists(work.conditions)
    if study.target == "reram" and study.array.variation:
        load_spread(study.reram.spread).sigma(np.array([study.array.g_min, study.array.g_max]))
    if study.target == "reram" and study.array.sensing == "voltage":
        check_settings(study)
    elif study.target == "reram":
        tile_parts(study)
    check_network(study)
