"""Which files are the person's own code: the program, and the modules beside it. They alone are stepped.

Law: their lines are numbered on: the program's come first, then those of each module in the order in which they were
come to, below one line that names it. So one number says a line, here and for all who are told of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import CodeType

from .interrupts import FOLDER
from .source import Source, lines_of

_OTHERS = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}", f"{os.sep}lib{os.sep}python")
_LARGEST = 200_000  # bytes of a module that is stepped

# Is given the module's name, the number of the line that names it, and its text.
Found = Callable[[str, int, str], None]


class Files:
    """The program's source and its modules', each with its `first`: what is added to a line's number in its file."""

    def __init__(self, program: Source, lines: int, found: Found | None) -> None:
        self.program = program
        self._lines = lines  # so many are numbered
        self._found = found
        places = (os.path.abspath(program.path), os.path.realpath(program.path))
        self._folders = tuple({os.path.join(os.path.dirname(each), "") for each in places})
        self._known: dict[str, Source | None] = {program.path: program}

    def of(self, code: CodeType) -> Source | None:
        """The source of a code that runs, read when it is come to first; None if it is not the person's own."""
        name = code.co_filename
        if name in self._known:
            return self._known[name]
        source = self._read(name) if self._found is not None and name.startswith(self._folders) else None
        self._known[name] = source
        return source

    def known(self, name: str) -> Source | None:
        """The source of a file that was come to."""
        return self._known.get(name)

    def others(self, source: Source) -> list[Source]:
        """All that were come to but this one."""
        return [each for each in self._known.values() if each is not None and each is not source]

    def place(self, line: int) -> tuple[Source, int]:
        """The source in which a numbered line is, and its number there."""
        sources = [each for each in self._known.values() if each is not None and each.first < line]
        source = max(sources, key=lambda each: each.first, default=self.program)
        return source, line - source.first

    def _read(self, name: str) -> Source | None:
        from tokenize import open as open_source

        below = min((name[len(each) :] for each in self._folders if name.startswith(each)), key=len)
        if name.startswith(FOLDER) or any(each in os.sep + below for each in _OTHERS):
            return None
        try:
            if os.path.getsize(name) > _LARGEST:
                return None
            with open_source(name) as file:
                text = file.read()
            if not text.strip():
                return None  # a package's
            source = Source(text, name, self._lines + 1)
        except (OSError, SyntaxError, ValueError, RecursionError):  # no file, or no longer what was imported
            return None
        if self._found is not None:
            self._found(below, source.first, text)
        self._lines = source.first + len(lines_of(text))
        return source
