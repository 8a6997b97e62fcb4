"""The composition root: it reads the command line and introduces the rooms to each other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from netsim import __version__

USAGE_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run netsim with these arguments (the process's own by default); returns the exit status."""
    options = _parser().parse_args(argv)
    # The lab is started before Textual is imported, so that the two start-ups overlap.
    from netsim.lab.client import LabClient
    from netsim.session import Session
    from netsim.story.director import OPENING

    def make_lab() -> LabClient:
        return LabClient(net="host", port=options.port)

    session = Session(make_lab, OPENING)
    try:
        if options.plain:
            from netsim.text.plain import Plain

            return Plain(session, sys.stdout).run(sys.stdin)
        from netsim.tui.run import run

        return run(session, animation=not options.no_animation)
    finally:
        session.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="netsim",
        description="Two real programs talk through real sockets; you press a key and one thing happens.",
        epilog="In the app, ? shows the keys. Everything listens on loopback only.",
    )
    parser.add_argument("--net", choices=("auto", "host"), default="auto", help="host: this machine's own loopback")
    parser.add_argument("--port", type=_port, default=8888, help="the server's port, 1 to 65535 (default: 8888)")
    parser.add_argument("--plain", action="store_true", help="line by line, for pipes and screen readers")
    parser.add_argument("--no-animation", action="store_true", help="packets appear without moving")
    parser.add_argument("--version", action="version", version=f"netsim {__version__}")
    return parser


def _port(text: str) -> int:
    """A port number a server can have; raises ArgumentTypeError with what to do."""
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a whole number from 1 to 65535, for example 8888")
    return int(text)
