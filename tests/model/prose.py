"""Packets as lines that a person can check: "client SYN seq=0", "server 19 bytes seq=1 ack=1 'Connection received'"."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from netsim.model.events import AnyEvent
from netsim.model.inference import Ledger, infer
from netsim.model.packet import Packet
from tests.model.made import Made

HANDSHAKE = ["client SYN seq=0", "server SYN-ACK seq=0 ack=1", "client ACK ack=1"]
_ORDER = ("SYN", "FIN", "RST", "ACK")


def inferred(events: Iterable[AnyEvent]) -> list[Packet]:
    """All packets that these events show, in order."""

    def further(so_far: tuple[Ledger, list[Packet]], event: AnyEvent) -> tuple[Ledger, list[Packet]]:
        ledger, packets = infer(so_far[0], event)
        return ledger, [*so_far[1], *packets]

    start: tuple[Ledger, list[Packet]] = (Ledger(), [])
    return reduce(further, events, start)[1]


def prose(packet: Packet, *, clients: tuple[int, ...] = ()) -> str:
    """One line. With `clients`, which of them it is about, if there are several: "client 2 SYN seq=0"."""
    who: str = packet.sender
    if len(clients) > 1:
        number = clients.index(packet.conversation.client.port) + 1
        who = f"client {number}" if packet.sender == "client" else f"server to {number}"
    words = [who]
    if packet.length or packet.transport == "udp":
        words.append(f"{packet.length} bytes")
    names = [each for each in _ORDER if each in packet.flags]
    if names == ["ACK"] and packet.length:
        names = []
    if names[:1] == ["FIN"] or (names[:1] == ["RST"] and packet.ack is None):
        names = names[:1]
    words += ["-".join(names)] if names else []
    if packet.seq is not None and names != ["ACK"]:
        words.append(f"seq={packet.seq}")
    if packet.ack is not None:
        words.append(f"ack={packet.ack}")
    if packet.data:
        words.append(repr(packet.data[:20].decode()))
    return " ".join(words) + (f" ({packet.fate})" if packet.fate != "delivered" else "")


def told(packets: Iterable[Packet]) -> list[str]:
    """All of them; clients are numbered as they come."""
    packets = list(packets)
    clients = tuple(dict.fromkeys(packet.conversation.client.port for packet in packets))
    return [prose(packet, clients=clients) for packet in packets]


def after_handshake(made: Made) -> list[str]:
    """The lines for everything after the handshake, which comes first and once."""
    lines = told(inferred(made.events))
    assert lines[:3] == HANDSHAKE
    assert "client SYN seq=0" not in lines[3:]
    return lines[3:]
