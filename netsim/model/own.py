"""A program of the person's own: which file, and all that `python FILE ARGUMENTS` would have around it."""

from __future__ import annotations

from msgspec import Struct


class OwnProgram(Struct, frozen=True):
    """`path`: absolute. `argv`: what the program finds in sys.argv, the name as it was typed first. `cwd`: where.

    `user`: as whom it runs, by name, "" if that has none.
    """

    path: str
    argv: tuple[str, ...]
    cwd: str
    user: str = ""
