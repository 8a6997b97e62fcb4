"""Events leave here, in order, one write() each; a reader that stalls costs memory up to a limit, never an event.

Beyond the limit `full` asks the loop to stop taking in what makes events.
"""

from __future__ import annotations

import os
from collections import deque

FULL = 32 * 2**20  # bytes: hours of stepping, and little beside what the screen itself takes


class Outbox:
    """Lines to a non-blocking pipe. Raises BrokenPipeError from `put` and `flush` once nobody can read any more."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        os.set_blocking(descriptor, False)
        self._waiting: deque[bytes | memoryview] = deque()
        self._size = 0
        self._full = False

    @property
    def waiting(self) -> bool:
        """Whether there is something to flush when the pipe can be written again."""
        return bool(self._waiting)

    @property
    def full(self) -> bool:
        """Whether to take in no more for now: from the limit on, until half of it has gone."""
        self._full = self._size > (FULL // 2 if self._full else FULL)
        return self._full

    def put(self, line: bytes) -> None:
        """Send a line (with its newline) after those before it, at once if the pipe takes it."""
        self._waiting.append(line)
        self._size += len(line)
        if len(self._waiting) == 1:
            self.flush()

    def flush(self) -> None:
        """Write until the pipe is full or nothing waits."""
        while self._waiting:
            line = self._waiting[0]
            try:
                written = os.write(self.descriptor, line)
            except BlockingIOError:
                return
            self._size -= written
            if written < len(line):
                self._waiting[0] = memoryview(line)[written:]
            else:
                self._waiting.popleft()
