"""The section [trace] of a study: what layers did on its first chips, kept in run.h5."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from bitline.cli.fields import AsList, Section
from bitline.core.errors import ConfigError

if TYPE_CHECKING:
    from bitline.cli.study import Study
    from bitline.core.samples import Group, Samples
    from nn.study import AccuracyTask
    from nn.trace import Traced, TraceTask

QUANTITIES = ("inputs", "codes", "tiles", "currents")


class Trace(Section):
    """What is kept beside the few images of accuracy.trace_images; see nn.trace."""

    layers: Annotated[tuple[str, ...], AsList] = ()  # names of layers, "*" for all; none keeps nothing
    chips: Annotated[int, Field(ge=1)] = 1  # the first so many
    images: Annotated[int, Field(ge=1)] = 8  # of the test part, the first so many
    quantities: Annotated[tuple[str, ...], AsList] = ("inputs", "codes")  # and tiles: codes of each; currents: A
    limit_mb: Annotated[float, Field(gt=0, le=4096)] = 256.0  # 10^6 bytes before compression, of all chips


def trace_task(study: Study, task: AccuracyTask) -> TraceTask | None:
    """What a study asks to keep of its chips; None if it asks for nothing.

    Raises:
        ConfigError: a quantity or a layer that there is not, or more than the limit.
    """
    from nn.graph_file import load as load_graph
    from nn.trace import TraceTask, size

    asked = study.trace
    if not asked.layers:
        return None
    what = _traced(study)
    target: Any = task.target
    config = target.arrays.config
    currents = config.planes * config.cols if "currents" in what.quantities else 0
    needed = asked.chips * size(what, load_graph(Path(task.graph)), target.arrays, currents)
    if needed > asked.limit_mb * 1e6:
        raise ConfigError(
            f"trace: {asked.chips} chips and {what.images} images make {needed / 1e6:.3g} MB, above trace.limit_mb = "
            f"{asked.limit_mb:g}; ask for fewer layers, chips or images, or raise the limit"
        )
    return TraceTask(task, what)


def _traced(study: Study) -> Traced:
    from nn.trace import Traced

    asked = study.trace
    for quantity in asked.quantities:
        if quantity not in QUANTITIES:
            raise ConfigError(f"trace.quantities: there is no {quantity!r}; there are {', '.join(QUANTITIES)}")
    if study.target == "sram-cim" and "currents" in asked.quantities:
        raise ConfigError("trace.quantities: columns of sram-cim have no currents to keep; leave them out")
    if study.array.sensing == "voltage" and "currents" in asked.quantities:
        raise ConfigError("trace.quantities: bit lines read by voltage have no currents to keep; leave them out")
    images = asked.images if study.accuracy.images is None else min(asked.images, study.accuracy.images)
    return Traced(asked.layers, images, asked.quantities)  # type: ignore[arg-type] # checked above


def trace_groups(samples: Samples) -> list[Group]:
    """A group a layer, "trace/LAYER", whose columns have the chip first."""
    from bitline.core.samples import Group, Samples

    layers: dict[str, dict[str, Any]] = {}
    for name, column in samples.columns.items():
        layer, _, quantity = name.rpartition("/")
        layers.setdefault(layer, {})[quantity] = column
    return [
        Group(f"trace/{layer}", Samples(samples.count, columns, samples.failures), _units(columns))
        for layer, columns in layers.items()
    ]


def _units(columns: Mapping[str, Any]) -> dict[str, str]:
    return {name: "A" if name.endswith("_currents") else "1" for name in columns}
