"""The rows of a kernel lane: a socket's name and state, and below it its facts, each a word left and a number right.

Law: a number never moves: it ends one column before the lane does, and what is too long is the word beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from netsim.model.address import Address, Role, Transport
from netsim.model.events import SocketRef
from netsim.model.views import port_role
from netsim.model.world import Endpoint, World
from netsim.text.charset import Charset
from netsim.text.layout import blank, fill, spread, wrapped
from netsim.text.lines import Line, Span
from netsim.text.marks import port

NAME, FACT, WHO = 1, 3, 5  # columns where a socket's name begins, what is known of it, and who waits at it
UNKNOWN = "not known here"


class Side(NamedTuple):
    """The kernel on one side: of which world, beside whose program, how wide, and when by the lab's clock.

    `endpoint` None: a stranger's, of which nothing but the kernel's socket is known.
    """

    world: World
    endpoint: Endpoint | None
    role: Role
    width: int
    charset: Charset
    now: float

    @property
    def who(self) -> str:
        """The endpoint's name in the lab, "" for a stranger."""
        return self.endpoint.who if self.endpoint else ""

    @property
    def sockets(self) -> tuple[SocketRef, ...]:
        """The process's sockets, as far as it reports them."""
        return self.endpoint.sockets if self.endpoint else ()

    @property
    def is_udp(self) -> bool:
        """Whether it is about UDP: there are no connections."""
        return self.endpoint is not None and self.endpoint.transport == "udp"

    def row(self, column: int, left: Sequence[Span], right: Sequence[Span] = ()) -> Line:
        """Something at a column and something at the right edge."""
        return fill(spread([Span(" " * column), *left], right, self.width - 1), self.width)

    def fact(self, word: str, value: Span) -> Line:
        """ "to read     19 bytes"."""
        return self.row(FACT, [Span(word)], [value])

    def text(self, *sentences: str) -> list[Line]:
        """Sentences, each in as many rows as it needs."""
        return [
            self.row(NAME, [Span(line)])
            for sentence in sentences
            for line in wrapped(self.charset.visible(sentence), self.width - NAME - 1, 4)
        ]

    def port(self, transport: Transport, address: Address) -> Span:
        """The address in its side's colour."""
        return port(self.world, transport, address, self.charset)

    def addresses(self, transport: Transport, local: Address, remote: Address | None) -> list[Span]:
        """Where the socket is, and its peer; the arrow points from who called to who was called."""
        if remote is None or not remote.port:
            return [self.port(transport, local)]
        arrow = self.charset.back if port_role(self.world, transport, local.port) == "server" else self.charset.to
        return [self.port(transport, local), Span(f" {arrow} "), self.port(transport, remote)]

    def gap(self, rows: int) -> list[Line]:
        """Empty rows."""
        return [blank(self.width)] * rows

    def as_many(self, lines: list[Line], height: int, column: int) -> list[Line]:
        """As many of the lines as there are rows for, and how many more there are."""
        if len(lines) <= height:
            return lines
        kept = lines[: max(0, height - 1)]
        return [*kept, self.row(column, [Span(f"+{len(lines) - len(kept)} more")])][: max(0, height)]
