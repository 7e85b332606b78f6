import pytest

from bitline.core.errors import ConfigError
from circuits.sense_amp import TRANSISTORS, SenseBench, sense_amp, subckt
from circuits.technology import load_technology


def test_each_transistor_is_in_the_subcircuit_once_with_its_size() -> None:
    technology = load_technology()
    lines = subckt(technology, 1e-15).splitlines()
    for name, role in TRANSISTORS.items():
        (line,) = [line for line in lines if line.split()[0] == name]
        assert technology.device(role).name in line.split()


def test_only_the_output_inverter_breaks_the_symmetry() -> None:
    # swap left and right: the latch maps onto itself, the inverter's input does not
    mirror = {"dint": "dint_bar", "dint_bar": "dint", "bl": "br", "br": "bl"}
    lines = [line.split() for line in subckt(load_technology(), 1e-15).splitlines()[1:-1]]
    circuit = {tuple(line[1:]) for line in lines}
    mirrored = {tuple(mirror.get(word, word) for word in line[1:]) for line in lines}
    assert {words[0] for words in circuit - mirrored} == {"dout"}


def test_bit_lines_keep_the_common_mode() -> None:
    bl, br = SenseBench(below_vdd=0.2).bit_lines(1.8, -0.1)
    assert br - bl == pytest.approx(-0.1)
    assert (bl + br) / 2 == pytest.approx(1.6)


def test_the_netlist_changes_with_its_conditions_and_only_then() -> None:
    technology = load_technology()
    first = sense_amp(technology, "tt", 1.8, 27.0, SenseBench())
    assert first.hash == sense_amp(technology, "tt", 1.8, 27.0, SenseBench()).hash
    others = (
        sense_amp(technology, "ss", 1.8, 27.0, SenseBench()),
        sense_amp(technology, "tt", 1.7, 27.0, SenseBench()),
        sense_amp(technology, "tt", 1.8, 28.0, SenseBench()),
        sense_amp(technology, "tt", 1.8, 27.0, SenseBench(c_internal=1e-15)),
    )
    assert len({first.hash, *(other.hash for other in others)}) == 5


def test_an_unknown_corner_is_an_error() -> None:
    with pytest.raises(ConfigError, match="ttt"):
        sense_amp(load_technology(), "ttt", 1.8, 27.0, SenseBench())
