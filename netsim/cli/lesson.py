"""`netsim lesson`: the lessons as plain text, and the proof that what they claim is so on this machine."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from netsim.cli.app import USAGE_ERROR, forget_output, port_number, writes_unicode

if TYPE_CHECKING:
    from netsim.cli.workshop import Workshop
    from netsim.lab.client import LabClient
    from netsim.lab.machine import Machine
    from netsim.story.lesson import Lesson
    from netsim.story.lesson_run import Run
    from netsim.text.charset import Charset

INTERRUPTED = 130  # as a shell has it
DESCRIPTION = """\
Twelve lessons of five minutes. Each asks first, then the kernel answers. On
the screen they are behind l; here they are plain text.

  netsim lesson                which there are
  netsim lesson handshake      run one (netsim lesson 4 is the same)
  netsim lesson --all          is all that they claim so on this machine?"""
EPILOG = """\
exit status: 0 all that it claims was seen; 1 a claim was not so; 3 something
could not be run here"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command's options."""
    lesson = commands.add_parser(
        "lesson", help="the lessons as plain text; without a name: which there are", description=DESCRIPTION,
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    lesson.add_argument("lesson", nargs="?", metavar="NAME|NUMBER", help="which one to run")
    lesson.add_argument("--all", action="store_true", help="run all of them and tell what was seen")
    lesson.add_argument(
        "--coverage", action="store_true", help="the same as a table: each fact, its lesson, what was seen"
    )
    lesson.add_argument("--words", action="store_true", help="without drawings, for screen readers")
    # Options of netsim itself, allowed here too; SUPPRESS: what stood before the command is kept.
    lesson.add_argument(
        "--net", choices=("auto", "private", "host"), default=argparse.SUPPRESS, help="in which kind of net"
    )
    lesson.add_argument("--port", type=port_number, default=argparse.SUPPRESS, help="the server's port")
    lesson.add_argument("--ascii", action="store_true", default=argparse.SUPPRESS, help="write ASCII only")


def run(options: argparse.Namespace, _behind: list[str]) -> int:
    """List the lessons, or run one or all of them."""
    from netsim.text.lesson_report import list_lines
    from netsim.text.lessons import all_lessons, find_lesson

    try:
        if options.all or options.coverage:
            return _run_all(options)
        if options.lesson is None:
            print("\n".join(list_lines(all_lessons())))
            print("\nnetsim lesson NAME runs one here; in the app, l does.", flush=True)
            return 0
        chosen = find_lesson(options.lesson)
        if chosen is None:
            names = ", ".join(lesson.name for lesson in all_lessons())
            print(f"netsim: there is no lesson {options.lesson!r}: there are {names}.", file=sys.stderr)
            return USAGE_ERROR
        return _run_one(options, chosen)
    except KeyboardInterrupt:  # the labs were ended on the way here
        print(file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        forget_output()
        return 1


class _Tools:
    """Labs and the machine's helper, from the workshop."""

    def __init__(self, workshop: Workshop, net: str) -> None:
        self._workshop, self._net = workshop, net
        self._chosen = workshop.port  # of the lesson's own lab: the second machine's server has the same one
        self._machine: Machine | None = None

    def _port(self) -> int:
        """A port that a server gets who allows no reuse: an earlier lesson may have left one in TIME_WAIT."""
        port: int | None = self._workshop.port
        if self._net == "private":
            return self._workshop.port
        while port is not None and not _can_be_bound(port):
            port = self._workshop.free_port(port)
        return port or self._workshop.port

    def make_lab(self, name: str) -> LabClient:
        """The lesson's own lab, in the kind of net that was asked for; a second one is a private net of its own."""
        from netsim.story.lesson import HERE

        if name != HERE:
            return self._workshop.make_lab("private", self._chosen)
        self._chosen = self._port()
        return self._workshop.make_lab(self._net, self._chosen)

    def prober(self) -> Machine:
        """The helper outside every lab."""
        if self._machine is None:
            self._machine = self._workshop.make_machine()
        return self._machine


def _run_one(options: argparse.Namespace, lesson: Lesson) -> int:
    from netsim.text import lesson as words
    from netsim.text.lessons import all_lessons

    print(words.title(lesson, len(all_lessons())))
    done = _go(options, lesson, quiet=False)
    print(f"\n{words.outcome(done)}", flush=True)
    return done.status


def _run_all(options: argparse.Namespace) -> int:
    from netsim.text import lesson as words
    from netsim.text.lesson_report import coverage_lines, report_lines
    from netsim.text.lessons import all_lessons

    runs = []
    for lesson in all_lessons():
        runs.append(_go(options, lesson, quiet=True))
        if not options.coverage:
            print(words.title(lesson, len(all_lessons())))
            print("\n".join(report_lines(runs[-1], _charset(options))), flush=True)
    if options.coverage:
        print("\n".join(coverage_lines(runs, _charset(options))), flush=True)
    statuses = {done.status for done in runs}
    return 1 if 1 in statuses else 3 if 3 in statuses else 0


def _go(options: argparse.Namespace, lesson: Lesson, *, quiet: bool) -> Run:
    from netsim.cli.workshop import Workshop
    from netsim.text.lesson_plain import Headless, say_to

    workshop = Workshop(options.net, options.port)
    tell = (lambda _line: None) if quiet else say_to(sys.stdout)
    guess = None if quiet or not (sys.stdin.isatty() and sys.stdout.isatty()) else _guess
    try:
        tools = _Tools(workshop, options.net)
        return Headless(lesson, tools, tell, _charset(options), guess, drawings=not options.words).go()
    finally:
        workshop.close()


def _can_be_bound(port: int) -> bool:
    """Whether nobody has the port on this machine's own loopback, and nothing of it is left in TIME_WAIT."""
    import socket

    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _charset(options: argparse.Namespace) -> Charset:
    from netsim.text.charset import ASCII, UNICODE

    return ASCII if options.ascii or not writes_unicode() else UNICODE


def _guess(answers: int) -> int | None:
    """What the person at the terminal predicts; None for enter alone."""
    while True:
        try:
            typed = input(f"    your guess, 1 to {answers}, or enter: ").strip()
        except EOFError:
            return None
        if not typed:
            return None
        if typed.isascii() and typed.isdigit() and 1 <= int(typed) <= answers:
            return int(typed) - 1
