"""The composition root: it reads the command line and introduces the rooms to each other."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from netsim import __version__
from netsim.text.charset import visible

USAGE_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run netsim with these arguments (the process's own by default); returns the exit status."""
    options = _parser().parse_args(argv)
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    """The main screen, or plain mode where there is no screen."""
    if options.net == "host" and (problem := _port_problem(options.port)):
        print(problem, file=sys.stderr)
        return USAGE_ERROR
    plain = options.plain
    if not plain and (reason := _no_screen()):
        print(f"netsim: {reason}, so this is plain mode (netsim --plain): one line after the other.", file=sys.stderr)
        plain = True
    # The lab is started before Textual is imported, so that the two start-ups overlap.
    from netsim.lab.client import LabClient
    from netsim.session import Session
    from netsim.story.director import OPENING

    def make_lab() -> LabClient:
        return LabClient(net=options.net, port=options.port)

    session = Session(make_lab, OPENING)
    try:
        if plain:
            from netsim.text.plain import Plain

            return Plain(session, sys.stdout).run(sys.stdin)
        from netsim.tui.run import run

        ascii_only = options.ascii or not _writes_unicode()
        return run(session, animation=not options.no_animation, ascii_only=ascii_only, light=options.theme == "light")
    finally:
        session.close()


def _no_screen() -> str:
    """Why the main screen can't be shown here, "" if it can."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return "this is not a terminal"
    if os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return f"a terminal of type {os.environ.get('TERM', '')!r} can't draw a screen"
    return ""


def _writes_unicode() -> bool:
    """Whether what is written reaches the terminal as UTF-8; else the marks are drawn in ASCII."""
    return (getattr(sys.__stderr__, "encoding", None) or "").lower().replace("-", "") == "utf8"


def _port_problem(port: int) -> str:
    """Why the port can't be had on the machine's own loopback, and what to type instead; "" if it can."""
    from netsim.lab.preflight import problem_with

    problem = problem_with(port)
    if problem is None:
        return ""
    instead = f" Port {problem.free} is free: netsim --net host --port {problem.free}" if problem.free else ""
    match problem.kind:
        case "EADDRINUSE":
            whose = f" by {visible(problem.holder)}" if problem.holder else ""
            return f"netsim: port {port} is in use{whose}.{instead}"
        case "EACCES":
            return f"netsim: ports below 1024 are for the system, and this user may not have {port}.{instead}"
        case _:
            return f"netsim: port {port} can't be had: {problem.message}.{instead}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="netsim",
        description="Two real programs talk through real sockets; you press a key and one thing happens.",
        epilog="In the app, ? shows the keys. Everything listens on loopback only.",
    )
    parser.add_argument(
        "--net", choices=("auto", "private", "host"), default="auto",
        help="private: a net of its own, where real packets are held (Linux); host: this machine's own loopback; "
             "auto (the default): private where it works",
    )  # fmt: skip
    parser.add_argument("--port", type=_port, default=8888, help="the server's port, 1 to 65535 (default: 8888)")
    parser.add_argument("--plain", action="store_true", help="line by line, for pipes and screen readers")
    parser.add_argument("--no-animation", action="store_true", help="packets appear without moving")
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII only")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark", help="for the terminal's background")
    parser.add_argument("--version", action="version", version=f"netsim {__version__}")
    return parser


def _port(text: str) -> int:
    """A port number a server can have; raises ArgumentTypeError with what to do."""
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a whole number from 1 to 65535, for example 8888")
    return int(text)
