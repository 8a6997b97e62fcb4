"""The composition root: it reads the command line and introduces the rooms to each other. One module per command.

Law: a command's module has `add(commands)`, which is cheap (nothing but argparse is imported for it), and
`run(options, behind) -> int`, the exit status; `behind` is what stood behind `--`.
"""

from __future__ import annotations

import argparse
import errno
import os
import shlex
import sys
from collections.abc import Sequence

from netsim.cli import app, doctor, lesson, ports, replay, run, shell

COMMANDS = {"doctor": doctor, "ports": ports, "run": run, "shell": shell, "lesson": lesson, "replay": replay}


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
        _forget_output()
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        _forget_output()
        print("netsim: what it writes to is full: no space is left there.", file=sys.stderr)
        return 1
    return status


def _forget_output() -> None:
    """Without this Python complains once more as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(argv: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    parser = _parser()
    options, unknown = parser.parse_known_args(arguments[:end])
    command = COMMANDS.get(options.command)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="netsim",
        description="Two real programs talk through real sockets; you press a key and one thing happens.",
        epilog="In the app, ? shows the keys. Everything listens on loopback only.",
    )
    app.add_options(parser)
    commands = parser.add_subparsers(title="other commands", dest="command", metavar="COMMAND")
    for module in COMMANDS.values():
        module.add(commands)
    return parser
