"""Where frames leave the app: whether the terminal keeps up with them.

Law: counted on two threads, without a lock: each counter is moved by one of them alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO


class Outlet:
    """The file of Textual's writer thread; it knows whether the terminal has taken all that it was given.

    `emptied` is called, on that thread, when it has, if somebody has asked before whether it had.
    """

    def __init__(self, file: TextIO, emptied: Callable[[], None]) -> None:
        self._file = file
        self._emptied = emptied
        self._expected = self._taken = self._passed = 0  # writes: asked for, begun with, all passed on
        self._asked = False

    def begin(self) -> None:
        """A new writer's thread; the one before has ended, or has been given up."""
        self._expected = self._taken = self._passed = 0
        self._asked = False

    def expect(self) -> None:
        """One more write is on its way here."""
        self._expected += 1

    def is_behind(self) -> bool:
        """Whether the terminal still has something to take."""
        self._asked = self._passed != self._expected
        return self._asked and self._passed != self._expected  # looked at again: it may have been passed on meanwhile

    def write(self, data: str) -> int:
        """On the writer's thread, which waits here while the terminal has no room."""
        written = self._file.write(data)
        self._taken += 1
        return written

    def flush(self) -> None:
        """The same, as often as nothing more waits."""
        self._file.flush()
        self._passed = self._taken
        if self._asked:
            self._asked = False
            self._emptied()

    def fileno(self) -> int:
        """The terminal's."""
        return self._file.fileno()
