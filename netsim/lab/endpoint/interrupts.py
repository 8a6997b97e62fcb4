"""SIGINT is the program's: it never falls into our own code, where it would break a line or end the tracing.

In a call it ends the call; in the program's own lines it is raised there; in ours it waits until they are done; and
while the program stands stopped there is nothing to interrupt, and it is ignored.
"""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any

FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
EXTRA_LINE = "<stdin>"  # what an extra line is compiled as: the name that Python's own prompt uses


class Interrupts:
    """The handler of SIGINT. `in_call` is True exactly while the main thread is inside a system call of the program."""

    def __init__(self, path: str) -> None:
        self._programs = (path, EXTRA_LINE)
        self.pending = False
        self.in_call = False

    def install(self) -> None:
        """Take SIGINT over, whatever was inherited (a background job of a shell has it ignored)."""
        signal.signal(signal.SIGINT, self._handle)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])

    def ignore(self) -> Any:
        """Ignore SIGINT from now on, and one that has just come; returns what `restore` takes back."""
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.pending = False
        return handler

    def restore(self, handler: Any) -> None:
        """Handle SIGINT again as it was before `ignore`."""
        if handler is not None:  # None: set by something that is not Python
            signal.signal(signal.SIGINT, handler)

    def raise_pending(self) -> None:
        """Raise the KeyboardInterrupt that had to wait, if there is one."""
        if self.pending:
            self.pending = False
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self.in_call and self._is_ours(frame):
            self.pending = True
        else:
            signal.default_int_handler(number, frame)

    def _is_ours(self, frame: FrameType | None) -> bool:
        """Whether our code runs, or has called what runs; the program's frames are above our innermost ones."""
        while frame is not None and frame.f_code.co_filename not in self._programs:
            if frame.f_code.co_filename.startswith(FOLDER):
                return True
            frame = frame.f_back
        return False
