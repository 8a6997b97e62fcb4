"""The composition root: it reads the command line and introduces the rooms to each other. One module per command.

Law: a command's module has `add(commands)`, which is cheap (nothing but argparse is imported for it), and
`run(options, behind) -> int`, the exit status; `behind` is what stood behind `--`. Where only the screen is asked for
no command is imported: its lab should start at once.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from netsim import __version__
from netsim.cli import app

DESCRIPTION = """\
Two real programs talk through real sockets. You press a key, and one thing
happens; the screen shows what, where and why.

  netsim                     begin: space goes on, ? shows the keys, q quits
  netsim lesson              twelve lessons of five minutes: which there are
  netsim run --server a.py --client b.py
                             your own programs, line by line
  netsim replay handshake    a recorded session; runs nothing, on any machine
  netsim ports :8888         who has port 8888 on this machine?
  netsim shell -- ss -tanp   what the kernel says of the lab that runs now
  netsim doctor              what this machine allows, and what to do

Each command has a page of its own: netsim run --help"""
EPILOG = """\
Everything listens on loopback only, and ends when netsim ends. Without a
terminal (in a pipe) the same story is told line by line, as with --plain."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run netsim with these arguments (the process's own by default); returns the exit status."""
    # Started without them (`<&-`): as if there were nothing to read, and nobody to read.
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        status = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:  # `| head`: who read has had enough
        app.forget_output()
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        app.forget_output()
        print("netsim: what it writes to is full: no space is left there.", file=sys.stderr)
        return 1
    return status


def _run(argv: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = _screen_alone(arguments)
    return app.run(options) if options is not None else _run_any(arguments)


class _Unclear(Exception):
    """This parser does not know what to make of the arguments."""


class _ScreenParser(argparse.ArgumentParser):
    """Knows the screen's options and nothing else."""

    def error(self, message: str) -> NoReturn:
        raise _Unclear


def _screen_alone(arguments: list[str]) -> argparse.Namespace | None:
    """The options if these arguments ask for the screen and are in order; whatever else they are is not said here."""
    if "--" in arguments:
        return None
    parser = _ScreenParser(add_help=False)
    app.add_options(parser)
    try:
        options, unknown = parser.parse_known_args(arguments)
    except _Unclear:
        return None
    return None if unknown else options


def _run_any(arguments: list[str]) -> int:
    import shlex

    from netsim.cli import doctor, lesson, ports, replay, run, shell

    modules = {"doctor": doctor, "ports": ports, "run": run, "shell": shell, "lesson": lesson, "replay": replay}
    parser = argparse.ArgumentParser(
        prog="netsim", usage="netsim [options]\n       netsim COMMAND [options]", description=DESCRIPTION,
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    app.add_options(parser)
    parser.add_argument("--version", action="version", version=f"netsim {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", prog="netsim")
    for module in modules.values():
        module.add(commands)

    end = arguments.index("--") if "--" in arguments else len(arguments)
    options, unknown = parser.parse_known_args(arguments[:end])
    command = modules.get(options.command)
    takes_more = getattr(command, "TAKES_MORE", False)
    if options.kiosk and options.command:
        parser.error(f"--kiosk is the screen alone: type netsim --kiosk, or netsim {options.command} without it")
    if unknown:
        hint = f": put -- before it: netsim {options.command} -- {shlex.join(unknown)}" if takes_more else ""
        parser.error(f"unrecognized arguments: {shlex.join(unknown)}{hint}")
    if end < len(arguments) and not takes_more:
        parser.error("only shell and run take something behind --: netsim shell -- ss -tanp")
    behind = arguments[end + 1 :]
    return command.run(options, behind) if command is not None else app.run(options)
