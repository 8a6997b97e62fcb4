"""Lines of styled spans: the one form in which everything drawn goes to the screen, to plain text and to pictures.

A style is a meaning ("client", "lost"), never a colour; who paints it decides what it looks like.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

Style = Literal[
    "",  # plain
    "bold",  # what changed since the last press
    "rule",  # rules and lifelines: the only thing that may be dim
    "head",  # role and column heads in rules
    "client",  # the client's addresses and name
    "server",  # the server's
    "client-bold",
    "server-bold",
    "next",  # reverse video: what SPACE will touch, and the SPACE cap; nothing else
    "lost",
    "key",  # a key's name in the bottom line
]


class Span(NamedTuple):
    """A run of text of one style; it has no newline and no control characters."""

    text: str
    style: Style = ""


Line = tuple[Span, ...]


def plain(line: Iterable[Span]) -> str:
    """The line's text alone."""
    return "".join(span.text for span in line)
