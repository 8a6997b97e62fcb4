"""A terminal behind a slow line: bytes come at a rate, keys and bytes each take half a round trip, nothing is lost.

The line takes whatever the program writes at once and keeps it, as sshd and its socket do: the program can't see from
its end that the other end is behind.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from typing import NamedTuple

from tests.terminal import Terminal

SYNC_START, SYNC_END = b"\x1b[?2026h", b"\x1b[?2026l"
SLICE = 16  # bytes that arrive together


class Arriving(NamedTuple):
    """Some bytes on the line, and when the last of them is there."""

    at: float
    data: bytes


class SlowLine(Terminal):
    """`rate`: bytes a second; `round_trip`: seconds. A mixin of a class that knows what stands on the screen, too."""

    def __init__(self, *arguments: object, rate: float, round_trip: float, **options: object) -> None:
        self.rate, self.round_trip = rate, round_trip
        self.frame_begun = self.frame_ended = 0.0  # when the first byte of a frame came last, and the last of one
        self._free_at = 0.0  # when the line will have carried all that was written
        self._typed: deque[tuple[float, str]] = deque()
        self._on_the_line: deque[Arriving] = deque()
        super().__init__(*arguments, **options)  # type: ignore[arg-type]

    def type(self, text: str) -> None:
        """It is at the program's end half a round trip later."""
        self._typed.append((time.monotonic() + self.round_trip / 2, text))
        self._carry()

    def press_now(self, key: str) -> float:
        """Press a key; when that was."""
        pressed = time.monotonic()
        self.press(key)
        return pressed

    def _read(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while self._open:
            self._carry()
            now = time.monotonic()
            if self._on_the_line and self._on_the_line[0].at <= now:
                self._arrive(self._on_the_line.popleft())
                return True
            if now >= end or (self._at_end and not self._on_the_line):
                return False
            times = [end]
            if self._on_the_line:
                times.append(self._on_the_line[0].at)
            if self._typed:
                times.append(self._typed[0][0])
            select.select([] if self._at_end else [self._fd], [], [], max(0.0, min(times) - now))
        return False

    def _arrive(self, arriving: Arriving) -> None:
        self.bytes_written += len(arriving.data)
        if arriving.data.startswith(SYNC_START):
            self.frame_begun = arriving.at
        self._feed(self._decoder.decode(arriving.data))
        if arriving.data.endswith(SYNC_END):
            self.frame_ended = arriving.at

    def _carry(self) -> None:
        """Take what there is at both ends."""
        while self._typed and self._typed[0][0] <= time.monotonic():
            super().type(self._typed.popleft()[1])
        while not self._at_end and select.select([self._fd], [], [], 0)[0]:
            try:
                data = os.read(self._fd, 65536)
            except OSError:
                data = b""
            self._at_end = not data
            self._free_at = max(self._free_at, time.monotonic())
            for piece in pieces(data):
                self._free_at += len(piece) / self.rate
                self._on_the_line.append(Arriving(self._free_at + self.round_trip / 2, piece))


def pieces(data: bytes) -> list[bytes]:
    """Cut into slices; where a frame begins a slice begins, and where it ends one ends."""
    parts = data.replace(SYNC_START, b"\0" + SYNC_START).replace(SYNC_END, SYNC_END + b"\0").split(b"\0")
    found = []
    for part in parts:
        while part:
            size = SLICE if len(part) > SLICE + len(SYNC_END) else len(part)
            found.append(part[:size])
            part = part[size:]
    return found
