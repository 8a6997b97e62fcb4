"""Packets as the screen knows them, each with its evidence: where the knowledge of it comes from."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from netsim.model.address import Conversation, Role

Evidence = Literal["inferred", "seen", "held", "recorded"]
Fate = Literal["delivered", "held", "lost"]
Flag = Literal["SYN", "ACK", "FIN", "RST", "PSH"]


class Packet(Struct, frozen=True, kw_only=True):
    """One segment or datagram of a conversation.

    `sender` is the side that it left. `seq` and `ack` are relative (the SYN has seq 0), None where they can't be
    known. `length` counts payload bytes. `because` justifies an inferred packet: one sentence that names the counter,
    state or errno that shows it.
    """

    number: int  # from 1, in the order in which they became known in this lab
    at: float
    conversation: Conversation
    sender: Role
    flags: frozenset[Flag] = frozenset()  # empty for a datagram
    seq: int | None = None
    ack: int | None = None
    length: int = 0
    data: bytes = b""  # the payload's first bytes, where known
    evidence: Evidence = "inferred"
    fate: Fate = "delivered"
    because: str = ""
    icmp: str = ""  # what an ICMP error says: "port unreachable"
    lost_at: float | None = None
    copies: int = 0  # sent again by its sender's timer and not shown, while this one was held (or its answer was)
    repeats: bool = False  # a retransmission of packet `copy_of`
    copy_of: int | None = None
    raw: bytes = b""  # the whole IP packet, where it was held or seen

    @property
    def transport(self) -> str:
        """ "tcp" or "udp"."""
        return self.conversation.transport
