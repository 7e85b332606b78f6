"""Where samples run: one file an executor, found by its name."""

from __future__ import annotations

from bitline.core.errors import ConfigError
from bitline.core.executor import Executor


def executor(workers: int) -> Executor:
    """The executor for this number of workers: in this process for 1, else one process each.

    Raises:
        ConfigError: fewer than one worker.
    """
    if workers < 1:
        raise ConfigError(f"workers = {workers}: at least 1 is needed")
    if workers == 1:
        from bitline.core.executors.in_process import InProcess

        return InProcess()
    from bitline.core.executors.process_pool import ProcessPool

    return ProcessPool(workers)
