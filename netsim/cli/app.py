"""`netsim` itself: the main screen, or plain mode where there is no screen."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netsim.cli.workshop import Workshop
    from netsim.files.desk import Tape
    from netsim.files.recording import Recorder
    from netsim.session import Session

USAGE_ERROR = 2


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the main screen, and of netsim as a whole."""
    add_net_options(parser)
    parser.add_argument("--plain", action="store_true", help="line by line, for pipes and screen readers")
    parser.add_argument("--record", metavar="FILE", help="write all that happens to a new file, for netsim replay")
    add_screen_options(parser)
    parser.add_argument(
        "--kiosk", action="store_true",
        help="for strangers over ssh (sshd's ForceCommand): no file is written or read, no shell, no other command",
    )  # fmt: skip


def add_net_options(parser: argparse.ArgumentParser) -> None:
    """Which net, and which port in it."""
    parser.add_argument(
        "--net", choices=("auto", "private", "host"), default="auto",
        help="private: a net of its own, where real packets are held (Linux); host: this machine's own loopback; "
             "auto (the default): private where it works",
    )  # fmt: skip
    parser.add_argument("--port", type=port_number, default=8888, help="the server's port, 1 to 65535 (default: 8888)")


def add_screen_options(parser: argparse.ArgumentParser) -> None:
    """How the screen looks."""
    parser.add_argument("--no-animation", action="store_true", help="packets appear without moving")
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII only")
    parser.add_argument("--theme", choices=("dark", "light", "contrast"), default="dark",
                        help="for the terminal's background; contrast: for a projector (in the app: t)")  # fmt: skip
    parser.add_argument("--mouse", action="store_true", help="the wheel moves through the table; over ssh it costs")


def run(options: argparse.Namespace) -> int:
    """The main screen, or plain mode where there is no screen."""
    prepare_terminal(kiosk=options.kiosk)
    if options.net == "host" and (problem := port_problem(options.port)):
        print(problem, file=sys.stderr)
        return USAGE_ERROR
    plain = options.plain
    if not plain and (reason := no_screen()):
        print(f"netsim: {reason}, so this is plain mode (netsim --plain): one line after the other.", file=sys.stderr)
        plain = True
    if not plain and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the screen has a handler: no traceback of half a start
    recorder = None
    if options.record is not None:
        recorder = new_recorder(options.record)
        if recorder is None:
            return USAGE_ERROR
    gc.disable()  # importing makes no garbage, and looking for it costs a tenth of the start; the screen enables it
    # The lab is started before all else is imported, so that the start-ups overlap.
    from netsim.cli.workshop import Workshop

    workshop = Workshop(options.net, options.port)
    workshop.prepare_lab()

    from netsim.session import Session
    from netsim.story.director import OPENING

    session = Session(workshop.first_lab, OPENING)
    tape = start_tape(session, recorder, options.record) if recorder else None
    try:
        if plain:
            from netsim.text.plain import Plain

            gc.enable()
            return Plain(session, sys.stdout).run(sys.stdin)
        return show(session, options, workshop, tape)
    finally:
        session.close()
        workshop.close()


def new_recorder(name: str) -> Recorder | None:
    """A new file for a recording; None where there can be none, and the person has been told why."""
    from pathlib import Path

    from netsim.files.recording import Recorder
    from netsim.text.charset import visible

    if not name:
        print("netsim: a recording needs the name of a new file: --record lesson.jsonl", file=sys.stderr)
        return None
    try:
        return Recorder(Path(name))
    except FileExistsError:
        what = f"{visible(name)} exists already, and a recording never writes over a file"
        print(f"netsim: {what}: choose another name, or move it away first.", file=sys.stderr)
    except OSError as error:
        print(f"netsim: {visible(name)} can't be written: {error.strerror or error}.", file=sys.stderr)
    return None


def start_tape(session: Session, recorder: Recorder, name: str) -> Tape:
    """From now on every event is in the file as soon as it is shown."""
    from pathlib import Path

    from netsim.files.desk import Tape

    return Tape(session, recorder, Path(name))


def show(session: Session, options: argparse.Namespace, workshop: Workshop | None, tape: Tape | None = None) -> int:
    """The main screen of a session, with what it needs of other rooms; returns the exit status."""
    _import_asyncio()
    from netsim.tui.keeper import Keeper

    keeper = Keeper()  # before Textual is imported: it has looked at the terminal by the time that takes
    from netsim.files.desk import Desk
    from netsim.tui.page import Tools
    from netsim.tui.run import run as run_screen

    return run_screen(
        session,
        animation=not options.no_animation,
        ascii_only=options.ascii or not writes_unicode(),
        theme=options.theme,
        mouse=options.mouse,
        tools=Tools(
            workshop.make_lab,
            workshop.make_machine,
            kiosk=options.kiosk,
            files=None if options.kiosk else Desk(session, tape),
            run_aside=workshop.run_aside,
            free_port=workshop.free_port,
        )
        if workshop
        else None,
        kill_now=workshop.kill_now if workshop else None,
        keeper=keeper,
    )


def _import_asyncio() -> None:
    """asyncio, which would bring in OpenSSL for connections that netsim never makes; it does without where none is."""
    if "ssl" not in sys.modules:
        sys.modules["ssl"] = None  # type: ignore[assignment]  # an import of it fails now
        import asyncio  # noqa: F401

        del sys.modules["ssl"]


def prepare_terminal(*, kiosk: bool = False) -> None:
    """What Textual reads of the environment when it is imported; to be called before."""
    if "SSH_CONNECTION" in os.environ or "SSH_TTY" in os.environ:
        # Milliseconds: a line may cut a key's escape sequence in two, and the halves would be other keys.
        os.environ.setdefault("ESCDELAY", "400")
    if kiosk:  # some of Textual's names write files or import modules; a server may be set to let clients send such
        for name in [name for name in os.environ if name.startswith(("TEXTUAL", "PYTHON"))]:
            del os.environ[name]


def no_screen() -> str:
    """Why the main screen can't be shown here, "" if it can."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return "this is not a terminal"
    if os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return f"a terminal of type {os.environ.get('TERM', '')!r} can't draw a screen"
    return ""


def writes_unicode() -> bool:
    """Whether what is written reaches the terminal as UTF-8; else the marks are drawn in ASCII."""
    return (getattr(sys.__stderr__, "encoding", None) or "").lower().replace("-", "") == "utf8"


def forget_output() -> None:
    """No more can be written (`| head`, a full disk): without this Python complains once more as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def port_problem(port: int) -> str:
    """Why the port can't be had on the machine's own loopback, and what to type instead; "" if it can."""
    from netsim.lab.preflight import problem_with

    problem = problem_with(port)
    if problem is None:
        return ""
    from netsim.text.charset import visible

    instead = f" Port {problem.free} is free: netsim --net host --port {problem.free}" if problem.free else ""
    match problem.kind:
        case "EADDRINUSE":
            whose = f" by {visible(problem.holder)}" if problem.holder else ""
            return f"netsim: port {port} is in use{whose}.{instead}"
        case "EACCES":
            return f"netsim: ports below 1024 are for the system, and this user may not have {port}.{instead}"
        case _:
            return f"netsim: port {port} can't be had: {problem.message}.{instead}"


def port_number(text: str) -> int:
    """A port number a server can have; raises ArgumentTypeError with what to do."""
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 1 to 65535, such as 8888")
    return int(text)
