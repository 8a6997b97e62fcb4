"""The composition root: it reads the command line and introduces the rooms to each other."""

from __future__ import annotations

import argparse
import gc
import os
import shlex
import sys
from collections.abc import Sequence

from netsim import __version__
from netsim.text.charset import visible
from netsim.text.shell import HELP as SHELL_HELP
from netsim.text.shell import STATUS as SHELL_STATUS

USAGE_ERROR = 2
NO_WAY_IN = 125  # of `shell`: its other statuses are the command's, and 126 and 127 as a shell has them


def main(argv: Sequence[str] | None = None) -> int:
    """Run netsim with these arguments (the process's own by default); returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    end = arguments.index("--") if "--" in arguments else len(arguments)  # behind it is what `shell` is to run
    parser = _parser()
    options, unknown = parser.parse_known_args(arguments[:end])
    if unknown:
        hint = f": put -- before it: netsim shell -- {shlex.join(unknown)}" if options.command == "shell" else ""
        parser.error(f"unrecognized arguments: {shlex.join(unknown)}{hint}")
    if end < len(arguments) and options.command != "shell":
        parser.error("only shell takes a command behind --: netsim shell -- ss -tanp")
    match options.command:
        case "doctor":
            return _doctor(as_json=options.json)
        case "shell":
            return _shell(options.lab, arguments[end + 1 :])
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
    gc.disable()  # importing makes no garbage, and looking for it costs a tenth of the start; the screen enables it
    # The lab is started before all else is imported, so that the start-ups overlap.
    from netsim.lab.client import LabClient

    started = [LabClient(net=options.net, port=options.port)]

    from netsim.session import Session
    from netsim.story.director import OPENING

    def make_lab() -> LabClient:
        return started.pop() if started else LabClient(net=options.net, port=options.port)

    session = Session(make_lab, OPENING)
    try:
        if plain:
            from netsim.text.plain import Plain

            gc.enable()
            return Plain(session, sys.stdout).run(sys.stdin)
        from netsim.tui.run import run

        ascii_only = options.ascii or not _writes_unicode()
        return run(session, animation=not options.no_animation, ascii_only=ascii_only, light=options.theme == "light")
    finally:
        session.close()


def _doctor(*, as_json: bool) -> int:
    """Say what this machine allows; 0 if netsim works at all."""
    from netsim.lab.capabilities import examine
    from netsim.text import doctor

    found = examine()
    try:
        print(doctor.as_json(found) if as_json else "\n".join(doctor.lines(found)), flush=True)
    except BrokenPipeError:  # `| head`; without this Python complains once more as it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0 if doctor.works(found) else 1


def _shell(pid: int | None, command: list[str]) -> int:
    """Become a shell, or a command, in the net of a running lab; returns only where that can't be done."""
    from netsim.lab import entering, running
    from netsim.lab.steps import StepError
    from netsim.text import shell as words

    choice = running.choose(pid)
    lab = choice.lab
    if lab is None and choice.has_nets:
        return _complain(words.no_lab(choice, pid, command), NO_WAY_IN)
    if lab is None or lab.net == "host":
        print(words.in_host_net(lab), file=sys.stderr, flush=True)
        if not command:
            return 0
    else:
        try:
            entering.enter(lab)
        except StepError as error:
            return _complain(words.no_way_in(lab, error.step, error.errno), NO_WAY_IN)
        if not command:
            print(words.intro(lab), file=sys.stderr, flush=True)
            command = entering.own_shell(words.prompt(lab))
    try:
        entering.execute(command)
    except FileNotFoundError as error:
        return _complain(words.not_run(command[0], str(error.strerror)), 127)
    except OSError as error:
        return _complain(words.not_run(command[0], str(error.strerror)), 126)


def _complain(text: str, status: int) -> int:
    print(text, file=sys.stderr)
    return status


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
    commands = parser.add_subparsers(title="other commands", dest="command", metavar="COMMAND")
    doctor = commands.add_parser("doctor", help="what this machine allows, and what to do about it")
    doctor.add_argument("--json", action="store_true", help="for programs and bug reports")
    shell = commands.add_parser(
        "shell", help="a shell inside a running lab's net", usage="netsim shell [--lab PID] [-- COMMAND...]",
        description=SHELL_HELP, epilog=SHELL_STATUS, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    shell.add_argument("--lab", type=int, metavar="PID", help="which lab: its PID, or that of anything in it")
    return parser


def _port(text: str) -> int:
    """A port number a server can have; raises ArgumentTypeError with what to do."""
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a whole number from 1 to 65535, for example 8888")
    return int(text)
