"""bitline.core: samples that replay alone, on any executor, in a journal that a kill does not harm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bitline.core.errors import SimulationError
from bitline.core.executor import Record
from bitline.core.executors import executor
from bitline.core.samples import Group, collect, read_group, write_hdf5
from bitline.core.seeds import stream
from bitline.core.store import Journal, complete


@dataclass(frozen=True)
class Resistor:
    """Task: a resistor with spread; a sample depends on the fields and its index, on nothing else."""

    nominal: float
    seed: int

    def prepare(self) -> float:
        """What samples share, made once a worker."""
        return 0.05 * self.nominal

    def run(self, context: float, index: int) -> Record:
        """Draw resistor number `index`; an error is recorded as this sample's failure, and the others go on."""
        if index == 13:
            raise SimulationError("this one does not converge")
        return {"resistance": self.nominal + context * stream(self.seed, "resistor", index).standard_normal()}


def main() -> None:
    """Run some samples, stop, run the rest on two processes, and keep all of them as HDF5."""
    task, path = Resistor(1000.0, seed=7), Path("resistor.journal")
    with Journal(path, key="resistor 1000 7") as journal:
        complete(task, 20, journal, executor(1))
    with Journal(path, key="resistor 1000 7") as journal:  # the same key goes on, another one is refused
        print(f"{len(journal.done())} samples were there")
        complete(task, 50, journal, executor(2))
        samples = collect(journal, 50)
    print(f"mean {np.mean(samples.valid('resistance')):.1f} ohm of {samples.count}, {len(samples.failures)} failed")
    print(f"sample 13: {samples.failures[13]}")

    write_hdf5(Path("resistor.h5"), [Group("resistor", samples, {"resistance": "ohm"}, {"seed": 7})], {})
    again = read_group(Path("resistor.h5"), "resistor")
    alone = task.run(task.prepare(), 42)["resistance"]
    print(f"sample 42 alone equals sample 42 of the set: {alone == again.samples['resistance'][42]}")


if __name__ == "__main__":
    main()
