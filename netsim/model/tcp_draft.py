"""A connection while packets are being told of it: every packet goes through here, and the connection remembers it."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from netsim.model.address import Role
from netsim.model.ledger import Connection, Side, Told
from netsim.model.packet import Fate, Flag, Packet
from netsim.model.tcp import acknowledgement, other


class Draft:
    """The connection so far, and the packets that this event shows. Lives within one call of `infer`."""

    def __init__(self, connection: Connection, at: float) -> None:
        self.connection = connection
        self.packets: list[Packet] = []
        self._at = at

    def side(self, role: Role) -> Side:
        """The end that `role` names, as it is now."""
        return self.connection.side(role)

    def told(self, role: Role) -> Told:
        """What packets tell of that end's sending."""
        return self.side(role).told

    def change(self, **changes: object) -> None:
        """Change the connection's own fields."""
        self.connection = replace(self.connection, **changes)

    def syn(self, because: str, fate: Fate = "delivered") -> None:
        """The client's SYN; each further one is a repeat of it."""
        self._packet("client", ("SYN",), 0, None, because, fate=fate)
        arrived = self.connection.syn_arrived or fate == "delivered"
        self.change(syns=self.connection.syns + 1, syn_arrived=arrived)

    def syn_ack(self, because: str) -> None:
        """The server's SYN-ACK."""
        self._packet("server", ("SYN", "ACK"), 0, 1, because)
        self.change(syn_ack=True)
        self._mark("server", acked=1)

    def ack(self, role: Role, number: int | None, because: str) -> None:
        """A segment with nothing but an acknowledgement; `number` None: where it stopped can't be known."""
        self._packet(role, ("ACK",), acknowledgement(self.side(role)), number, because)
        told = self.told(role)
        self._mark(role, acks=told.acks + 1, acked=max(told.acked, number or 0))

    def data(
        self, role: Role, size: int, data: bytes, because: str, *, segments: int = 1, push: bool, fin: bool = False
    ) -> None:
        """The stream's next `size` bytes, in one arrow even if they took several segments."""
        flags: list[Flag] = ["ACK", *(("PSH",) if push else ()), *(("FIN",) if fin else ())]
        number = acknowledgement(self.side(other(role)))
        self._packet(role, flags, 1 + self.told(role).sent, number, because, length=size, data=data)
        told = self.told(role)
        self._mark(role, sent=told.sent + size, segments=told.segments + segments, acked=max(told.acked, number))
        if fin:
            self._mark(role, fin=True, fin_alone=False)

    def repeat(self, role: Role, count: int, size: int, seq: int | None, because: str) -> None:
        """`count` segments that were sent already, in one arrow."""
        self._packet(role, ("ACK",), seq, acknowledgement(self.side(other(role))), because, length=size)
        told = self.told(role)
        self._mark(role, repeats=told.repeats + count, repeated=told.repeated + size)

    def fin(self, role: Role, because: str) -> None:
        """A FIN without data. It acknowledges what came before, as every segment after the SYN does."""
        number = acknowledgement(self.side(other(role)))
        self._packet(role, ("FIN", "ACK"), acknowledgement(self.side(role)), number, because)
        self._mark(role, fin=True, acked=max(self.told(role).acked, number))

    def rst(self, role: Role, because: str, *, answers: bool) -> None:
        """The RST that ends it. `answers`: to a segment that no socket wants; such a one carries no acknowledgement."""
        number = None if answers else acknowledgement(self.side(other(role)))
        flags: tuple[Flag, ...] = ("RST",) if answers else ("RST", "ACK")
        self._packet(role, flags, acknowledgement(self.side(role)), number, because)
        self.change(reset=True, over=True)

    def refuse(self, because: str) -> None:
        """The RST for a SYN to a port where nothing listens (RFC 9293, 3.5.2).

        Its number on the wire is 0, relative to nothing, as there was no SYN of that side; Wireshark shows 1.
        """
        self._packet("server", ("RST", "ACK"), 1, 1, because)
        self.change(reset=True, over=True)

    def _mark(self, role: Role, **changes: object) -> None:
        side = self.side(role)
        told = replace(side.told, **changes)
        chunks = side.chunks
        while chunks and chunks[0].start + chunks[0].size <= told.sent:
            chunks = chunks[1:]
        changed = replace(side, told=told, chunks=chunks)
        self.change(**{role: changed})

    def _packet(
        self,
        role: Role,
        flags: Iterable[Flag],
        seq: int | None,
        ack: int | None,
        because: str,
        *,
        length: int = 0,
        data: bytes = b"",
        fate: Fate = "delivered",
    ) -> None:
        self.packets.append(
            Packet(
                number=0,  # given by `infer`
                at=self._at,
                conversation=self.connection.conversation,
                sender=role,
                flags=frozenset(flags),
                seq=seq,
                ack=ack,
                length=length,
                data=data,
                fate=fate,
                because=because,
            )
        )
