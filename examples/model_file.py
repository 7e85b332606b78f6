"""The bridge from spice to crossbar and nn: characterise a part, fit its models, evaluate one, save and load."""

from __future__ import annotations

from pathlib import Path

from bitline.cli.characterise import Work, characterise, fit
from bitline.core.errors import ModelRangeError
from bitline.core.model_file import ModelFile
from spice.characterise import Conditions


def main() -> None:
    """Fit a model file of the 1T1R cell."""
    cell = characterise(Work("reram", Conditions(seed=7), samples=14, settings={"device": "stanford_pku"}))
    fit([cell]).save(Path("model.json"))

    models = ModelFile.load(Path("model.json"))
    read = models["reram.read_iv"]
    print(f"made by ngspice {models.provenance['ngspice']} with seed {models.provenance['seed']}")
    for volts in (0.2, 0.4):
        print(f"cell of 20 uS at {volts} V: {float(read(volts, 20e-6)) * 1e6:.3f} uA")
    print(f"residual {read.residual.rms:.1e} rms over {read.residual.samples} points that the fit did not see")

    sigma = models["reram.programming_sigma"]
    print(f"spread at 20 uS: {float(sigma(20e-6)) * 1e6:.2f} uS, {sigma.origin}: {sigma.source}")
    try:
        read(0.2, 100e-6)
    except ModelRangeError as error:  # a model never extrapolates in silence
        print(f"refused: {error}")


if __name__ == "__main__":
    main()
