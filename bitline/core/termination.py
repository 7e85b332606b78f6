"""SIGTERM, as `timeout` and batch systems send it, taken as Ctrl-C is: what holds something lets go of it first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

TERMINATED = 128 + signal.SIGTERM  # the exit status, as shells have it


class Terminated(BaseException):
    """SIGTERM came; no error, so nothing that handles errors takes it for one."""


@contextmanager
def terminable() -> Iterator[None]:
    """Within, SIGTERM raises `Terminated` in the main thread, where this must be called."""
    before = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _raise(_number: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # `timeout` sends two; the second is not to interrupt the cleaning up
    raise Terminated
