"""NeuRRAM, rung by rung: what each of its non-idealities takes of a network's accuracy, and what wins it back.

    python examples/neurram_ladder.py                                               # digits, in seconds
    python examples/neurram_ladder.py --data mnist --epochs 4 --images 1000
    python examples/neurram_ladder.py --data cifar10 --epochs 30 --noise-epochs 14 --images 400   # hours

docs/neurram.md has the numbers beside those of the publication, and what of the chip is not modelled.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from circuits.variation import load_spread
from crossbar.voltage_mode import VoltageModeConfig, voltage_factory
from nn.archive import read_arrays, write_arrays
from nn.calibration import Calibration
from nn.datasets import load
from nn.datasets.dataset import Dataset
from nn.graph import Graph
from nn.importers.torch_module import import_module
from nn.networks import find
from nn.quantise import Quantisation, quantise
from nn.statistics import accuracy_interval
from nn.targets.reram import Target
from nn.train import Training, logits, train
from nn.tuning.progressive import ChipTuning, tune_chip
from nn.tuning.tune import Tuning, tune

NETWORKS = {
    "digits": ("mlp", {"hidden": (32,)}, {}),
    "mnist": ("cnn", {"channels": (16, 32, 64), "depth": 1}, {"batch": 128}),
    "cifar10": (
        "resnet",
        {"widths": (16, 32, 64), "blocks": 3},  # ResNet-20, the chip's
        {"batch": 128, "weight_decay": 5e-4, "augment": ("mirror", "shift"), "precision": "bfloat16"},
    ),
}
CALIBRATION = 200  # training images, for ranges and for what chips are calibrated on
G_MAX = 39e-6  # the chip's 40 uS, as far as its published spread goes


@dataclass(frozen=True, eq=False)
class Rung:
    """One configuration: a graph on chips, fine-tuned to each of them where it says how."""

    name: str
    graph: Graph
    config: VoltageModeConfig
    calibration: Calibration = field(default_factory=Calibration)
    loop: ChipTuning | None = None

    def decided(self, data: Dataset, options: argparse.Namespace) -> Iterator[np.ndarray]:
        """The classes of the test images on every chip."""
        target = Target(voltage_factory(self.config), seed=options.seed, calibration=self.calibration)
        ranges = data.train_x[:CALIBRATION]
        program = target.compile(self.graph, ranges)
        for chip in range(options.chips):
            if self.loop is not None:
                graph = tune_chip(self.graph, data.train_x, data.train_y, target, chip, ranges, self.loop)
                program = target.compile(graph, ranges)
            yield program.run(data.test_x[: options.images], chip).logits.argmax(axis=1)


def trained(data: Dataset, options: argparse.Namespace) -> tuple[torch.nn.Module, torch.nn.Module]:
    """The float network trained without noise, and gone on from there with it.

    With noise it is trained as it is and then with batch norms folded into the weights: those are what cells hold, and
    norms are not estimated again on a chip.
    """
    plain = _trained("plain", data, options, Training(options.epochs, rate=5e-3, seed=options.seed))
    noise = Training(options.noise_epochs, rate=4e-3, weight_noise=options.noise, seed=options.seed + 1)
    noisy = _trained("noise", data, options, noise, plain)
    last = replace(noise, epochs=options.folded_epochs, rate=1e-3, seed=options.seed + 2)
    return plain, _trained("folded", data, options, last, folded(noisy))


def _trained(
    name: str, data: Dataset, options: argparse.Namespace, how: Training, start: torch.nn.Module | None = None
) -> torch.nn.Module:
    """A stage of the training, kept in a file from one call to the next, as is how far a stopped one has come."""
    model, arguments, training = NETWORKS[options.data]
    build = partial(find(model), data.train_x.shape[1:], len(data.class_names), **arguments)
    if start is not None:
        build = partial(deepcopy, start)
    file = Path(options.keep) / f"{options.data}_{name}.npz" if options.keep else None
    if file is not None and file.is_file():
        made: torch.nn.Module = build()
        made.load_state_dict({name: torch.from_numpy(value) for name, value in read_arrays(file).items()})
        return made.eval()
    how = replace(how, **training)
    started, told = time.monotonic(), f"{name}: {{:.0%}} trained, {{:.0f}} s"
    tell = partial(_tell, told, started)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    made = train(build, data.train_x, data.train_y, how, tell, file and file.with_suffix(".training"))
    if file is not None:
        write_arrays(file, {name: value.detach().numpy() for name, value in made.state_dict().items()})
    return made


def _tell(words: str, started: float, done: int, steps: int) -> None:
    print(words.format(done / steps, time.monotonic() - started), end="\r" if done < steps else "\n", file=sys.stderr)


def folded(network: torch.nn.Module) -> torch.nn.Module:
    """The network in evaluation without batch norms: they are in the weights and biases before them."""
    traced = torch.fx.symbolic_trace(network)
    for node in list(traced.graph.nodes):
        norm = traced.get_submodule(node.target) if node.op == "call_module" else None
        if isinstance(norm, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            before = traced.get_submodule(node.args[0].target)
            fuse = fuse_linear_bn_eval if isinstance(before, torch.nn.Linear) else fuse_conv_bn_eval
            traced.set_submodule(node.args[0].target, fuse(before, norm))
            node.replace_all_uses_with(node.args[0])
            traced.graph.erase_node(node)
    traced.recompile()
    traced.delete_all_unused_submodules()
    return traced


def disturbed(network: torch.nn.Module, images: np.ndarray, labels: np.ndarray, options: argparse.Namespace) -> float:
    """Accuracy in floats with noise of a tenth of a layer's largest weight, as the publication simulates."""
    shares = []
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(options.seed)
        for _ in range(options.chips):
            noisy = deepcopy(network)
            for value in noisy.parameters():
                if value.ndim > 1:
                    value.add_(0.1 * value.abs().max() * torch.randn_like(value))
            shares.append(np.mean(logits(noisy, images).argmax(axis=1) == labels))
    return float(np.mean(shares))


def integers(floats: torch.nn.Module, data: Dataset, *, per_channel: bool = False) -> Graph:
    """8-bit weights, which stand for the chip's continuous ones, one scale a layer; 4-bit inputs and activations."""
    how = Quantisation(activation_bits=4, per_channel=per_channel, weight_range="max")
    return quantise(import_module(floats, data.train_x.shape[1:]), data.train_x[:500], how)


def rungs(plain: torch.nn.Module, noisy: torch.nn.Module, data: Dataset, options: argparse.Namespace) -> list[Rung]:
    """What is compared, one change at a time."""
    ideal = VoltageModeConfig(rows=128, cols=256, g_max=G_MAX, adc_bits=12, r_wire_wl=0.0, r_wire_bl=0.0)
    relaxed = replace(ideal, programming_sigma=load_spread("wan2022").sigma)
    later = replace(ideal, programming_sigma=load_spread("wan2022_1day").sigma)
    sensed = replace(relaxed, adc_bits=options.adc_bits, offset_sigma=10e-3, read_noise=0.01)
    wired = replace(sensed, r_wire_wl=1.0, r_wire_bl=1.0, r_driver=100.0)
    narrow = replace(wired, r_wire_wl=10.0, r_wire_bl=10.0, r_driver=1000.0)
    gain = Calibration("gain", images=CALIBRATION)
    first, aware = integers(plain, data), integers(noisy, data)
    found = [
        Rung("plain, on ideal cells, 12-bit converters", first, ideal),
        Rung("plain + relaxation", first, relaxed),
        Rung("plain + relaxation, a weight scale for every output", integers(plain, data, per_channel=True), relaxed),
        Rung("noise-trained, on ideal cells, 12-bit converters", aware, ideal),
        Rung("noise-trained + relaxation", aware, relaxed),
        Rung("noise-trained + relaxation of a day", aware, later),
        Rung(f"+ {options.adc_bits}-bit converters with offsets, read noise of 1 %", aware, sensed),
        Rung("+ wires of 1 Ohm a segment, drivers of 100 Ohm", aware, wired),
        Rung("  ten times these", aware, narrow),
        Rung("+ each chip calibrated by its own outputs", aware, wired, gain),
        Rung("plain, with all of that, not calibrated", first, wired),
        Rung("plain, with all of that, calibrated", first, wired, gain),
    ]
    if options.steps:
        how = Tuning(steps=options.steps, rate=1e-3, seed=options.seed)
        target = Target(voltage_factory(wired), seed=options.seed)
        tuned = tune(aware, data.train_x, data.train_y, how, target)
        found += [
            Rung("noise-trained and tuned on other chips with all of that", tuned, wired),
            Rung("+ each chip calibrated by its own outputs", tuned, wired, gain),
        ]
    if options.loop_steps:
        loop = ChipTuning(options.loop_steps, rate=1e-3, images=options.loop_images, seed=options.seed)
        found += [
            Rung("noise-trained, calibrated and fine-tuned in the loop, layer by layer", aware, wired, gain, loop),
            Rung("plain, calibrated and fine-tuned in the loop, layer by layer", first, wired, gain, loop),
        ]
    return found


def main() -> None:
    """Print the ladder as a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=list(NETWORKS), default="digits")
    parser.add_argument("--keep", default="", help="folder that keeps the float networks")
    parser.add_argument("--noise", type=float, default=0.15, help="of weights while training, of the largest")
    for name, default in (("epochs", 20), ("noise-epochs", 10), ("folded-epochs", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name, default in (("images", 300), ("chips", 4), ("steps", 50)):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name, default in (("loop-steps", 20), ("loop-images", 1000)):  # after every layer of each chip; 0 leaves it
        parser.add_argument(f"--{name}", type=int, default=default)
    for name, default in (("adc-bits", 6), ("seed", 7)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()

    data = load(options.data)
    images, labels = data.test_x[: options.images], data.test_y[: options.images]
    plain, noisy = trained(data, options)
    print("| | accuracy | 95 % interval |\n|---|---|---|")
    for name, each in (("plain", plain), ("noise-trained", noisy)):
        print(f"| {name}, in floats | {np.mean(logits(each, images).argmax(axis=1) == labels):.2%} | |")
        print(f"| {name}, in floats, weights with 10 % noise | {disturbed(each, images, labels, options):.2%} | |")
        right = integers(each, data).logits(images).argmax(axis=1) == labels
        print(f"| {name}, 8-bit weights, 4-bit activations | {np.mean(right):.2%} | |", flush=True)
    for rung in rungs(plain, noisy, data, options):
        found = accuracy_interval(np.stack([classes == labels for classes in rung.decided(data, options)]))
        print(f"| {rung.name} | {found.value:.2%} | {found.low:.2%} to {found.high:.2%} |", flush=True)


if __name__ == "__main__":
    main()
