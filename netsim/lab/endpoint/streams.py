"""The program's standard output and error: ordinary text files whose bytes become reports instead of going to 1 and 2.

They are line buffered, as in a terminal: a line is one report, a very long text several.
"""

from __future__ import annotations

import sys
from codecs import getincrementaldecoder
from io import BufferedWriter, RawIOBase, TextIOWrapper
from typing import Any

from .channel import bounded
from .interrupts import Interrupts
from .reporter import Reporter

_CHUNK = 4096  # bytes of text in one report, at most


class ReportedFile(RawIOBase):
    """A file that can only be written to, unbuffered; every write is reported, in chunks of up to 4 kB."""

    def __init__(self, reporter: Reporter, stream: str, descriptor: int) -> None:
        self._reporter = reporter
        self._stream = stream
        self._descriptor = descriptor
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self.name = f"<{stream}>"
        self.mode = "wb"

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """The real one, for programs that this one starts: what they write goes to the lab by a pipe."""
        return self._descriptor

    def write(self, data: Any, /) -> int:
        with memoryview(data).cast("B") as view:
            for start in range(0, len(view), _CHUNK):
                text = self._decoder.decode(view[start : start + _CHUNK])
                if text:
                    self._reporter.send("ProgramPrinted", stream=self._stream, text=bounded(text))
            return len(view)


class Text(TextIOWrapper):
    """The text file above it. An interrupt that was put off while we were at it is raised here, with all of it written.

    A program that prints and prints is hardly ever found in its own lines.
    """

    interrupts: Interrupts

    def write(self, text: str, /) -> int:
        count = super().write(text)
        self.interrupts.raise_pending_here()
        return count


def replace_streams(reporter: Reporter, interrupts: Interrupts) -> None:
    """Make print() and all that writes to sys.stdout or sys.stderr report what it writes."""
    Text.interrupts = interrupts
    Text.__name__ = Text.__qualname__ = "TextIOWrapper"
    Text.__module__ = "_io"
    sys.stdout = sys.__stdout__ = _text_file(reporter, "stdout", 1)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _text_file(reporter, "stderr", 2)  # type: ignore[misc]


def flush_streams() -> None:
    """Report half lines, too. A program may have closed its streams, or put something else in their place."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass


def _text_file(reporter: Reporter, stream: str, descriptor: int) -> TextIOWrapper:
    file = ReportedFile(reporter, stream, descriptor)
    # Half characters are written as \udc80 where Python would raise an error: what can be shown is shown.
    text = Text(BufferedWriter(file), "utf-8", "backslashreplace", line_buffering=True)
    text.mode = "w"  # type: ignore[misc]  # as Python's own has it
    return text
