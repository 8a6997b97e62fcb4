"""SIGINT is the program's: it never falls into our own code, where it would break a line or end the tracing.

In a call it ends the call; in the program's own lines it is raised there; in ours it is put off, and comes again a
moment later, with no tracing until then: in a traced loop it would hardly ever find the program's own; and while the
program stands stopped there is nothing to interrupt, and it is ignored.
"""

from __future__ import annotations

import os
import signal
import sys
from _thread import get_ident, start_new_thread
from time import sleep
from types import FrameType
from typing import Any

FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
EXTRA_LINE = "<stdin>"  # what an extra line is compiled as: the name that Python's own prompt uses


_PAUSE = 0.001  # seconds until it comes again


class Interrupts:
    """The handler of SIGINT. `in_call` is True exactly while the main thread is inside a system call of the program."""

    def __init__(self, path: str) -> None:
        self._programs = (path, EXTRA_LINE)
        self._pending = False  # put off
        self._repeated = False  # the next one is the same again
        self._main = get_ident()
        self._paused = False  # the tracing
        self.tracer: Any = None  # the trace function that is paused, None while there is none
        self.in_call = False

    def install(self) -> None:
        """Take SIGINT over, whatever was inherited (a background job of a shell has it ignored)."""
        signal.signal(signal.SIGINT, self._handle)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])

    def ignore(self) -> Any:
        """Ignore SIGINT from now on, and one that was put off; returns what `restore` takes back."""
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.forget()
        return handler

    def restore(self, handler: Any) -> None:
        """Handle SIGINT again as it was before `ignore`."""
        self.forget()
        if handler is not None:  # None: set by something that is not Python
            signal.signal(signal.SIGINT, handler)

    def forget(self) -> None:
        """Drop what was put off."""
        self._pending = self._repeated = False
        self._trace_on()

    def raise_pending(self) -> None:
        """Raise the KeyboardInterrupt that was put off, if there is one."""
        if self._pending:
            self._pending = False
            self._trace_on()
            raise KeyboardInterrupt

    def raise_pending_here(self) -> None:
        """The same from code of ours that any thread comes to: only the main one is interrupted."""
        if self._pending and get_ident() == self._main:
            self.raise_pending()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        repeated, self._repeated = self._repeated, False
        if repeated and not self._pending:
            return  # the first one has been raised meanwhile
        if self.in_call or not self._is_ours(frame):
            self._pending = False
            self._trace_on()
            signal.default_int_handler(number, frame)
        elif not self._pending:
            self._pending = True
            self._trace_off()
            start_new_thread(self._repeat, (get_ident(),))

    def _repeat(self, main: int) -> None:
        """Send it again until it is raised: as a signal, because by then the program may sleep in a call of any kind.

        An exception out of a trace function would end the tracing; so our code can't hand on what it has put off.
        """
        sleep(_PAUSE)
        while self._pending:
            self._repeated = True
            signal.pthread_kill(main, signal.SIGINT)
            sleep(_PAUSE)

    def _trace_off(self) -> None:
        if self.tracer is not None and sys.gettrace() is not None:
            self._paused = True
            sys.settrace(None)

    def _trace_on(self) -> None:
        if self._paused:
            self._paused = False
            sys.settrace(self.tracer)

    def _is_ours(self, frame: FrameType | None) -> bool:
        """Whether our code runs, or has called what runs; the program's frames are above our innermost ones."""
        while frame is not None and frame.f_code.co_filename not in self._programs:
            if frame.f_code.co_filename.startswith(FOLDER):
                return True
            frame = frame.f_back
        return False
