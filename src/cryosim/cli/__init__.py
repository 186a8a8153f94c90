"""The command line: parse, call the API, set the exit code; nothing else."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from .. import __version__
from ..errors import InputError
from . import result_commands as results
from . import shipped_commands as shipped
from . import simulation_commands as simulating
from . import study_commands as studies
from .exit_codes import BAD_INPUT
from .options import DISCLAIMER

__all__ = ["main"]

# What is imported lives on; to look through it all every few hundred objects takes a tenth of the
# time of a short command.
_OBJECTS_TO_COLLECTION = 100_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    0 when all goals are met, 1 when one failed, 2 for bad input or usage.
    """
    gc.set_threshold(_OBJECTS_TO_COLLECTION)
    options = _parser().parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        # A polite kill cleans up like Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except InputError as error:
        print(f"cryosim: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt as stop:
        print(f"cryosim: {str(stop) or 'stopped; nothing was written'}", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cryosim",
        description=f"Cryoablation iceball simulator. {DISCLAIMER}",
        epilog="Exit code: 0 all goals met, 1 a goal failed, 2 bad input or usage.",
    )
    parser.add_argument("--version", action="version", version=f"cryosim {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for group in (simulating, results, studies, shipped):
        group.add_commands(commands)
    return parser
