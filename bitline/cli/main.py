"""The command line: one typer application, one file a group of commands, heavy imports inside the commands."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from typing import Annotated, NoReturn

from bitline.core import blas

blas.choose()  # before numpy is imported

import typer
from rich.text import Text

from bitline.cli.commands import (
    characterize,
    compact,
    diagnose,
    doctor,
    export,
    report,
    run,
    solve,
    storage,
    sweep,
    technology,
    write,
    yield_,
)
from bitline.cli.terminal import errors, note, say
from bitline.core.errors import BitlineError, ConfigError
from bitline.core.termination import TERMINATED, Terminated, terminable

app = typer.Typer(
    name="bitline",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        say(f"bitline {importlib.metadata.version('bitline')}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="say which bitline this is")
    ] = False,
) -> None:
    """A SPICE-driven simulator for compute-in-memory: from the transistor to the accuracy of a network."""


app.command("doctor")(doctor.doctor)
app.add_typer(technology.app, name="technology")
app.command("characterize")(characterize.characterize)
app.command("fit")(characterize.fit)
app.command("compact")(compact.compact)
app.command("solve")(solve.solve)
app.command("write")(write.write)
app.command("storage")(storage.storage)
app.add_typer(yield_.app, name="yield")
app.command("run")(run.run)
app.command("verify")(run.verify)
app.command("sweep")(sweep.sweep)
app.command("ablate")(sweep.ablate)
app.command("diagnose")(diagnose.diagnose)
app.add_typer(export.app, name="export")
app.command("report")(report.report)


def main() -> None:
    """Run the command line; an error of the user's is one message and exit status 1, never a traceback."""
    try:
        with terminable():
            _check_packages()
            app()
    except Terminated:  # of a command that keeps nothing to go on from
        note("stopped")
        sys.exit(TERMINATED)
    except BitlineError as error:
        _tell(str(error))
    except BrokenPipeError:  # the reader of a pipe went away, as `bitline ... | head` does
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:  # a disk that is full, a folder that may not be written
        _tell(f"{error.filename}: {error.strerror}" if error.filename else str(error))


def _tell(error: str) -> NoReturn:
    errors.print(Text.assemble(("error:", "bold red"), " ", error), soft_wrap=True)
    sys.exit(1)


def _check_packages() -> None:
    """Say so when another distribution's package of the same name hides one of ours."""
    home = Path(__file__).parents[2]
    for name in ("circuits", "spice", "crossbar", "nn"):
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin).parents[1] if spec is not None and spec.origin else None
        if found != home:
            raise ConfigError(
                f"the package {name!r} comes from {found}, not from bitline's {home}: "
                "another distribution has the same name; install bitline in a virtual environment of its own"
            )


if __name__ == "__main__":
    main()
