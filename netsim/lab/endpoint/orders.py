"""What happens while the program stands stopped: the host's orders are carried out until one lets it run on.

Between stops the host says one thing only: go, once for each call, when it has looked at the kernel before it.
"""

from __future__ import annotations

import ast
from types import CodeType, FrameType
from typing import Any

from .ahead import Ahead
from .channel import bounded, readable
from .describe import error_fields, value_text
from .files import Files
from .interrupts import EXTRA_LINE, Interrupts
from .judge import judge, judge_exit
from .lookup import Scope, scope_of_frame
from .reporter import Reporter
from .sockets import READERS
from .source import Site
from .streams import flush_streams

_RESULT = 2000  # characters of an extra line's result


class Stop:
    """Where the program stands: before `sites` on this line or, `leaving` a with statement, before its closes.

    `line` is the first of those that only run together: of a statement, for example.

    `names` are the frame's f_locals, read once: before Python 3.13 they are a copy that goes back to the function when
    it runs on, and reading them again would undo what an extra line has assigned.
    """

    def __init__(
        self, frame: FrameType, line: int, names: Any, sites: list[Site], leaving: ast.With | ast.AsyncWith | None,
        library: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.frame, self.line, self.names, self.sites, self.leaving = frame, line, names, sites, leaving
        self.library = library  # the call before which a library stands that this line has called
        self.scope: Scope = scope_of_frame(frame, names)

    def calls(self) -> list[tuple[object, dict[str, Any]]]:
        """The socket calls that are about to be made here, as CallAhead fields, each with what it comes from."""
        if self.library is not None:
            return [(self, self.library)]
        found: list[tuple[object, dict[str, Any] | None]] = [
            (item, judge_exit(item, self.line, self.scope, now=True))
            for item in reversed(self.leaving.items if self.leaving is not None else [])
        ]
        found += [(site, judge(site, self.scope, now=True)) for site in self.sites]
        return [(origin, call) for origin, call in found if call is not None]


class Watch:
    """A descriptor from which the next call will read, and whether it was said that this would not sleep."""

    def __init__(self, descriptor: int | None) -> None:
        self.descriptor = descriptor
        self.readable = False

    def look(self, reporter: Reporter) -> None:
        """Ask poll(2), and report its answer if that is news."""
        if self.descriptor is None:
            return
        now = readable(self.descriptor)
        if now != self.readable:
            self.readable = now
            reporter.send("ReadinessChanged", fd=self.descriptor, readable=now)


class Orders:
    """Takes the host's orders, in the main thread: at a stop (`stand`), and before a call (`wait_for_go`)."""

    def __init__(self, files: Files, reporter: Reporter, interrupts: Interrupts) -> None:
        self._files = files
        self._reporter = reporter
        self._interrupts = interrupts
        self._handler: Any = None  # SIGINT's, while it is ignored
        self._message: bytes | None = None
        self.until: int | None = None  # what it runs to: its next call (None), its next line (0), or this line
        self.stepping = True  # until this process turns out to be a forked child

    # --- before a call

    def wait_for_go(self) -> None:
        """Sleep until the host has looked at the kernel's state before the call."""
        while self._reporter.channel.receive()["do"] != "go":
            pass  # a poll that was on its way when the program was let run

    def take_message(self) -> bytes | None:
        """The message typed for the next send, once; None if there is none."""
        message, self._message = self._message, None
        return message

    # --- at a stop

    def stand(self, stop: Stop) -> None:
        """Report the stop; return when the program may run on."""
        self._message, self.until = None, None
        self._reporter.thread.quiet += 1
        self._handler = self._interrupts.ignore()
        try:
            flush_streams()
            watch: Watch | None = self._report(stop)
            while watch is not None:
                watch = self._carry_out(self._next_order(watch), stop, watch)
        finally:
            self._interrupts.restore(self._handler)
            self._reporter.thread.quiet -= 1

    def _next_order(self, watch: Watch) -> dict[str, Any]:
        channel = self._reporter.channel
        while watch.descriptor is not None and not watch.readable:
            if not channel.readable_before_message(watch.descriptor):
                break
            watch.look(self._reporter)
        return channel.receive()

    def _carry_out(self, order: dict[str, Any], stop: Stop, watch: Watch) -> Watch | None:
        """Do it; returns what is to be watched from now on, None if the program runs on."""
        match order["do"]:
            case "step":
                message = order.get("message")
                try:
                    self._message = None if message is None else message.encode("ascii")
                except UnicodeEncodeError as error:
                    # What the program's own line would raise, without losing the line to it.
                    self._report_extra(f"{value_text(message)}.encode('ascii')", "", error_fields(error))
                    return self._report(stop)
                return None
            case "line":
                self.until = 0
                return None
            case "to":
                self.until = order["line"]
                return None
            case "extra":
                self._run_extra(order["source"], stop)
                return self._report(stop) if self.stepping else None
            case "poll":
                watch.look(self._reporter)
        return watch

    def _report(self, stop: Stop) -> Watch:
        """Say where the program stands and what it has ahead; returns what is to be watched meanwhile."""
        here = stop.calls()
        ahead = Ahead(self._files)
        ahead.begin(here)
        ahead.walk(stop.frame, stop.scope, stop.leaving)
        self._reporter.send("ProgramStopped", line=stop.line, function=stop.frame.f_code.co_name, ahead=ahead.found)
        return Watch(here[0][1]["fd"] if here and here[0][1]["name"] in READERS else None)

    # --- a line that is not in the program

    def _run_extra(self, source: str, stop: Stop) -> None:
        """Run one line in the stopped frame, as if it were there: its calls are reported and wait for their go."""
        result = ""
        error: dict[str, Any] | None = None  # not the exception: it would keep itself, and its sockets, alive
        quiet, self._reporter.thread.quiet = self._reporter.thread.quiet, 0
        self._interrupts.restore(self._handler)
        try:
            value = eval(_compiled(source.strip()), stop.frame.f_globals, stop.names)
            result = "" if value is None else repr(value)
        except BaseException as raised:  # SystemExit, too: it is the line's end, not the program's
            error = error_fields(raised)
        finally:
            self._handler = self._interrupts.ignore()
            self._reporter.thread.quiet = quiet
        if self.stepping:
            flush_streams()
            self._report_extra(source, result, error)

    def _report_extra(self, source: str, result: str, error: dict[str, Any] | None) -> None:
        self._reporter.send("ExtraLineRan", source=bounded(source), result=_shortened(result), error=error)


def _shortened(result: str) -> str:
    return bounded(result if len(result) <= _RESULT else result[:_RESULT] + "...")


def _compiled(source: str) -> CodeType:
    try:
        return compile(source, EXTRA_LINE, "eval", dont_inherit=True)
    except SyntaxError:
        pass
    return compile(source, EXTRA_LINE, "exec", dont_inherit=True)
