"""Runs the program under bdb and lets it rest before each line that has a socket call ahead on it.

Only frames of the person's own files are traced, and of those the ones that have nothing to rest at only for their
exceptions; so everything else runs at full speed. Where it has been told to run to a line, every line of them is.
"""

from __future__ import annotations

import _socket
import ast
import bdb
import os
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from .ahead import HIDDEN
from .describe import ahead_fields
from .ending import without_ours
from .files import Files
from .orders import Orders, Stop
from .source import Group, Source


class Progress:
    """How far a frame is: the line before which it was last, and its way through the lines that run together there."""

    __slots__ = ("group", "line", "offsets", "rested")

    def __init__(self) -> None:
        self.line = 0
        self.group: Group | None = None
        self.offsets: set[int] = set()  # of the instructions at which a line of it began, on this way
        self.rested = False  # the program has, before these lines


class Stops(bdb.Bdb):
    """bdb always steps here; what it gets to see are the lines at which to rest.

    `own`: a person's own program rests before its first line, too; what it is and where it runs is said then.
    """

    def __init__(self, files: Files, orders: Orders, *, every_line: bool = False, own: bool = False) -> None:
        super().__init__()
        self._files = files
        self._orders = orders
        self._every_line = every_line
        self._stops: dict[Source, dict[int, Group]] = {}
        self._lines: dict[Source, dict[int, Group]] = {}  # all of them, once that is asked for
        self._until: int | None = None  # as in Orders
        self._target: Group | None = None  # the lines that it runs to, None if there are none
        self._first = own
        self._note: Callable[[int], None] = lambda line: None
        self._progress: dict[FrameType, Progress] = {}
        self._plain: dict[CodeType, bool] = {}
        self._next: Stop | None = None
        self.last_line = 0  # of the module's own, when it ended

    def trace_dispatch(self, frame: FrameType, event: str, arg: Any) -> Any:
        """The trace function (sys.settrace), for every frame's call and for what happens in those that are traced."""
        code = frame.f_code
        tracing: Any = None
        source = self._files.of(code)
        if source is not None and code.co_name not in HIDDEN:
            tracing = self.trace_dispatch
            if event == "line":
                self._note(source.first + frame.f_lineno)
                if self._until is None and not self._first and self._is_plain(code, source):
                    tracing = self._only_noting(source)  # the program's own: of such a function no line is traced
                elif self._rests(frame, source):
                    super().trace_dispatch(frame, event, arg)
            else:
                super().trace_dispatch(frame, event, arg)
                if event == "call" and self._until is None and not self._first and self._is_plain(code, source):
                    frame.f_trace_lines = False
                elif event == "return":
                    self._progress.pop(frame, None)
                    self._note_caller(frame)
        return tracing

    def _only_noting(self, source: Source) -> Any:
        """A trace function for lines at which nothing can be rested: many of them may run, so it does little."""
        note, first, dispatch = self._note, source.first, self.trace_dispatch

        def trace(frame: FrameType, event: str, arg: Any) -> Any:
            if event != "line":
                return dispatch(frame, event, arg)
            note(first + frame.f_lineno)
            return trace

        return trace

    def note_lines(self, descriptor: int) -> None:
        """From now on keep the number of the line that runs in this file's first bytes, for who looks from outside.

        By write(2): an mmap would be faster, but it takes a file number that is the program's (until Python 3.13).
        """
        order, write = sys.byteorder, os.pwrite

        def note(line: int) -> None:
            try:
                write(descriptor, line.to_bytes(4, order), 0)
            except OSError:  # the program has closed all it could
                self._note = lambda line: None

        self._note = note

    def stand_before_call(self, name: str, sock: _socket.socket, library: bool) -> None:
        """Rest before a call that a library makes for the program, at the program's line that has called the library.

        So it does before one of the program's own that its text did not show, as in `waiting.pop().close()`. Not on the
        way to a line: what was asked for is that line.
        """
        if self._until is not None:
            return
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and (self._files.of(frame.f_code) is None or frame.f_code.co_name in HIDDEN):
            frame = frame.f_back
        source = self._files.of(frame.f_code) if frame is not None else None
        if frame is None or source is None:
            return
        progress = self._progress.get(frame)
        if not library and progress is not None and progress.rested:
            return
        group = source.group_at(frame.f_lineno or 0)
        line = source.first + (group.first if group is not None else frame.f_lineno or 0)
        call = ahead_fields(name, line, "", sock if name != "socket" else None)
        self._stand(Stop(frame, line, frame.f_locals, [], None, call))

    def user_line(self, frame: FrameType) -> None:
        """bdb: the program has come to a line at which it rests."""
        stop, self._next = self._next, None
        if stop is not None:
            self._stand(stop)

    def _stand(self, stop: Stop) -> None:
        self._orders.stand(stop)
        self._until = self._orders.until
        if self._until is None:
            return
        if self._until:
            source, line = self._files.place(self._until)
            self._target = self._lines_all(source).get(source.runnable_from(line))
        frame: FrameType | None = stop.frame
        while frame is not None:
            if frame.f_trace is not None and self._files.of(frame.f_code) is not None:
                frame.f_trace, frame.f_trace_lines = self.trace_dispatch, True
            frame = frame.f_back

    def user_return(self, frame: FrameType, return_value: Any) -> None:
        """bdb: a traced function returns."""
        if frame.f_code is self._files.program.code:
            self.last_line = frame.f_lineno or 0

    def user_exception(self, frame: FrameType, exc_info: Any) -> None:
        """bdb: an exception passes through a traced frame. The program may print it: our frames are not in it."""
        without_ours(exc_info[2])

    def break_anywhere(self, frame: FrameType) -> bool:
        """bdb: whether to trace a frame; the others were sorted out before."""
        return True

    def break_here(self, frame: FrameType) -> bool:
        """bdb: there are no breakpoints."""
        return False

    def _rests(self, frame: FrameType, source: Source) -> bool:
        """Whether the program has to rest before this line now; if so, how is left in `_next`."""
        progress = self._progress.get(frame)
        if progress is None:
            progress = self._progress[frame] = Progress()
        line, before = frame.f_lineno, progress.line
        progress.line = line
        stops = self._stops_of(source) if self._until is None and not self._first else self._lines_all(source)
        group = stops.get(line)
        if group is None:
            progress.group, progress.rested = None, False
            return False
        offset = frame.f_lasti
        if not _begins(progress, group, offset):
            progress.offsets.add(offset)
            return False
        progress.group, progress.offsets, progress.rested = group, {offset}, False
        if self._until and group is not self._target:
            return False
        if self._first and _is_docstring(group):
            return False
        every = self._every_line or self._until is not None or self._first
        leaving = _left(group, line, before)
        sites = [] if leaving else source.sites_from(frame.f_code, offset, group)
        if not (sites or leaving or every):
            return False
        stop = Stop(frame, source.first + group.first, frame.f_locals, sites, leaving)
        if not every and not stop.calls():
            return False
        self._first, progress.rested = False, True
        self._next = stop
        return True

    def _stops_of(self, source: Source) -> dict[int, Group]:
        if source not in self._stops:
            self._stops[source] = source.stops(self._every_line)
        return self._stops[source]

    def _lines_all(self, source: Source) -> dict[int, Group]:
        if source not in self._lines:
            self._lines[source] = source.stops(True)
        return self._lines[source]

    def _note_caller(self, frame: FrameType) -> None:
        caller = frame.f_back
        while caller is not None:
            source = self._files.of(caller.f_code)
            if source is not None:
                self._note(source.first + (caller.f_lineno or 0))
                return
            caller = caller.f_back

    def _is_plain(self, code: CodeType, source: Source) -> bool:
        """Whether a function (or the module) has no line before which to rest."""
        if code not in self._plain:
            self._plain[code] = not any(line in self._stops_of(source) for _, _, line in code.co_lines())
        return self._plain[code]


def _begins(progress: Progress, group: Group, offset: int) -> bool:
    """Whether the lines that run together begin to run, anew or again; else they are under way.

    On one line an event is a beginning: the line was come to, or jumped back to. On several, lines follow each other
    forth and back (the arguments of a call, then the call), and only a jump to where it has been is the next turn of a
    loop. A comprehension jumps, too, from Python 3.12: that is no beginning.
    """
    if group is not progress.group:
        return True
    if group.has_comprehension:
        return False
    return group.first == group.last or offset in progress.offsets


def _is_docstring(group: Group) -> bool:
    unit = group.units[0]
    return isinstance(unit, ast.Expr) and isinstance(unit.value, ast.Constant)


def _left(group: Group, line: int, before: int) -> ast.With | ast.AsyncWith | None:
    """The with statement on these lines whose block has just ended: the line before was in the block."""
    for each in group.withs:
        if each.lineno <= line and each.body[0].lineno <= before <= (each.end_lineno or 0):
            return each
    return None
