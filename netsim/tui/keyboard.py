"""What is typed: read by a thread that sleeps until there is something to read, or the bell says that it is over.

Law: an idle screen costs nothing. Textual's own reader wakes ten times a second to see whether it should end, and
whether the rest of an escape sequence is overdue; that can only be for a moment after something was typed.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
from codecs import getincrementaldecoder
from collections.abc import Callable

from textual import constants
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.message import Message

TICK = 0.05  # seconds between two looks whether the rest of an escape sequence is overdue
MARGIN = 0.2  # seconds beyond that delay in which it is still looked
MOST = 4096  # bytes that are read at once


class Bell:
    """Rung once, when the reader has to end."""

    def __init__(self) -> None:
        self._heard, self._rung = os.pipe()

    def fileno(self) -> int:
        """Readable from the ring on."""
        return self._heard

    def ring(self) -> None:
        """Wake the reader for good."""
        os.write(self._rung, b".")

    def close(self) -> None:
        """When the reader has ended."""
        os.close(self._heard)
        os.close(self._rung)


def read_keys(terminal: int, bell: Bell, take: Callable[[Message], None], *, debug: bool = False) -> None:
    """Hand on what is typed until the bell rings. Raises OSError where the terminal is gone."""
    parser = XTermParser(debug)
    decode = getincrementaldecoder("utf-8")("replace").decode
    sources = [bell.fileno(), terminal]
    look_until = 0.0
    try:
        while True:
            ready = select.select(sources, [], [], TICK if time.monotonic() < look_until else None)[0]
            if bell.fileno() in ready:
                return
            if terminal in ready:
                typed = os.read(terminal, MOST)
                if not typed:  # its end: SIGHUP is on its way, and reading on would give that again and again
                    sources.remove(terminal)
                if text := decode(typed):
                    for message in parser.feed(text):
                        take(message)
                look_until = time.monotonic() + constants.ESCAPE_DELAY + MARGIN
            for message in parser.tick():
                take(message)
    finally:
        with contextlib.suppress(EOFError, ParseError):
            for _ in parser.feed(""):
                pass
