"""What long work says of itself where standard error is no terminal."""

import re
import signal
import time

import pytest

from bitline.cli import terminal
from bitline.cli.terminal import counting, progress, working
from bitline.core.termination import Terminated, terminable


@pytest.fixture
def lines(monkeypatch, capsys):
    """What was said, a line each; lines come every 0.05 s."""
    monkeypatch.setattr(terminal, "EVERY", 0.05)

    def said():
        return capsys.readouterr().err.splitlines()

    return said


def test_progress_tells_now_and_then_with_an_estimate_and_at_the_end(lines):
    with progress("a stage", 10, done=2, starting="compiling") as advance:
        time.sleep(0.12)
        advance(2)
        time.sleep(0.12)
        advance(6)
    told = lines()
    assert told[0] == "a stage (compiling): 2 of 10 after 0:00:00"
    assert any(re.fullmatch(r"a stage: 4 of 10 after 0:00:00, 0:00:0[01] left", line) for line in told)
    assert told[-1] == "a stage: 10 done, 2 of them before"
    time.sleep(0.12)
    assert lines() == []  # nothing is told once it has ended


def test_short_work_tells_its_end_alone_and_failed_work_nothing(capsys):
    with progress("a stage", 3) as advance:
        advance(3)
    assert capsys.readouterr().err == "a stage: 3 done\n"
    with pytest.raises(ValueError, match="no"), progress("a stage", 3):
        raise ValueError("no")
    assert capsys.readouterr().err == ""


def test_lines_get_rarer(monkeypatch, lines):
    monkeypatch.setattr(terminal, "EVERY", 0.01)
    moments = iter([0.0, *(100.0 + k for k in range(99))])
    monkeypatch.setattr(terminal.time, "monotonic", lambda: next(moments))
    with working("thinking"):  # the first wait is already a tenth of 100 s
        time.sleep(0.1)
    assert lines() == []


def test_work_of_unknown_length_tells_how_far_it_is(lines):
    with counting("yield", "simulations") as count:
        count(3)
        time.sleep(0.08)
    with working("thinking"):
        time.sleep(0.08)
    assert lines() == ["yield: 3 simulations after 0:00:00", "thinking ... 0:00:00"]


def test_sigterm_is_raised_once_and_handled_as_before_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    with terminable():
        with pytest.raises(Terminated):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)  # the second, as `timeout` sends, does not interrupt the cleaning up
    assert signal.getsignal(signal.SIGTERM) == before
