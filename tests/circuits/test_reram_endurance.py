import numpy as np
import pytest

from bitline.core.errors import ConfigError, ModelRangeError
from bitline.core.figures import ESTIMATED, OWN_DATA
from circuits.reram_endurance import EnduranceLaw, load_endurance


def test_the_law_closes_the_window_and_never_turns_it_round() -> None:
    law = load_endurance()
    assert law.kind == ESTIMATED
    n = np.geomspace(1, law.most, 200)
    on, off = law.window(n, 50e-6, 5e-6)
    assert (on[0], off[0]) == pytest.approx((50e-6, 5e-6), rel=1e-4)
    assert np.all(np.diff(on) < 0)
    assert np.all(on >= off)
    assert on[-1] == off[-1]


def test_the_law_is_a_power_of_the_cycles() -> None:
    law = EnduranceLaw(n_on=1e3, n_off=1e3, p_on=0.1, p_off=0.2)
    on, off = law.window(1e6, 1.0, 1e-3)
    assert on == pytest.approx(1001**-0.1)
    assert off == pytest.approx(1e-3 * 1001**0.2)


def test_a_file_is_interpolated_over_the_logarithm_of_cycles(tmp_path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("# chip 3\ncycles,g_on (uS),g_off (uS)\n1,40,2\n1e4,30,6\n")
    found = load_endurance(str(path))
    assert found.kind == OWN_DATA
    assert "own.csv" in found.source
    on, off = found.window(100.0, 1.0, 0.5)  # what the new device had is the file's to say
    assert (on, off) == (pytest.approx(35e-6), pytest.approx(4e-6))


@pytest.mark.parametrize("cycles", [0.5, 1e12, np.nan])
def test_cycles_beyond_what_is_known_are_refused(cycles: float) -> None:
    with pytest.raises(ModelRangeError, match="cycles"):
        load_endurance().window(cycles, 1.0, 0.5)


def test_a_file_says_nothing_before_its_first_line(tmp_path) -> None:
    path = tmp_path / "late.csv"
    path.write_text("cycles,g_on (uS),g_off (uS)\n1e5,40,2\n1e6,30,6\n")
    found = load_endurance(str(path))
    assert found.window(1e5, 1.0, 0.5)[0] == pytest.approx(40e-6)
    with pytest.raises(ModelRangeError, match=r"covers 100000 to 1e.06 cycles, not 1"):
        found.window(1.0, 1.0, 0.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "first line"),
        ("n,g_on (uS),g_off (uS)\n1,2,1\n", "first line"),
        ("cycles,g_on (uS),g_off (uS)\n1,2\n", "2: 2 values"),
        ("cycles,g_on (uS),g_off (uS)\n1,x,1\n", "2: column 'g_on .us.' is 'x'"),
        ("cycles,g_on (uS),g_off (uS)\n10,2,1\n5,2,1\n", "3: cycles"),
        ("cycles,g_on (uS),g_off (uS)\n1,2,3\n", "2: g_on is not above g_off"),
        ("cycles,g_on (uS),g_off (uS)\n1,3,2\n", "1 lines"),
    ],
)
def test_a_wrong_file_names_its_line(tmp_path, text: str, said: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_endurance(str(path))
