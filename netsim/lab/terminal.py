"""The terminal, as the streams, their encoding and the environment tell of it; nothing is written to it or asked.

Colours are counted as the library counts them that paints the screen: COLORTERM first, then the end of TERM.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from netsim.lab.surroundings import safe
from netsim.model.capabilities import Colours, TerminalFacts

_TRUE_COLOUR = ("truecolor", "24bit")
_WITHOUT = ("dumb", "unknown")
_MANY = ("256color", "kitty", "direct")
_MARKS = "■×►◄→┤├│┬┴─•·"  # what the screen draws with


def look(environ: Mapping[str, str]) -> TerminalFacts:
    """The terminal of standard input and output. The encoding is standard error's: through that the screen is drawn."""
    inward, outward = sys.stdin, sys.stdout
    output = _is_terminal(outward)
    columns, rows = _size(outward) if output else (0, 0)
    encoding = (getattr(sys.__stderr__, "encoding", None) or "").lower()
    term, colorterm = environ.get("TERM", ""), environ.get("COLORTERM", "")
    return TerminalFacts(
        input=_is_terminal(inward),
        output=output,
        term=safe(term),
        columns=columns,
        rows=rows,
        colorterm=safe(colorterm),
        colours=colours(term, colorterm),
        no_color=bool(environ.get("NO_COLOR")),
        encoding=encoding,
        locale=safe(next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "")),
        unicode=_can_say(_MARKS, encoding),
        ssh=bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY")),
        multiplexer="tmux" if environ.get("TMUX") else "screen" if environ.get("STY") else "",
    )


def colours(term: str, colorterm: str) -> Colours:
    """How many colours these two promise; whether the terminal keeps it is not known. 0: not even that of moving."""
    term = term.strip().lower()
    if not term or term in _WITHOUT:
        return 0
    if colorterm.strip().lower() in _TRUE_COLOUR or term.endswith("-direct"):
        return 16777216
    return 256 if term.rpartition("-")[2] in _MANY else 16


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _size(stream: TextIO) -> tuple[int, int]:
    try:
        return tuple(os.get_terminal_size(stream.fileno()))  # type: ignore[return-value]
    except (OSError, ValueError):
        return 0, 0


def _can_say(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (LookupError, UnicodeError):
        return False
    return True
