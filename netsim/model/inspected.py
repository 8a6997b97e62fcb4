"""A packet of the world, opened up: its fields with what the packets before it tell, and its message in its coats.

Law: without bytes there are no fields: of an inferred packet nothing is made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from netsim.model.address import Transport
from netsim.model.dissect import dissect
from netsim.model.dissect_transport import Numbers
from netsim.model.fields import Dissection, Layer
from netsim.model.packet import Packet
from netsim.model.views import packets_of
from netsim.model.world import World


def opened(world: World, packet: Packet) -> Dissection | None:
    """The packet's fields; None where its bytes were not seen."""
    if not packet.raw:
        return None
    return _dissected(packet.raw, Numbers(packet.seq, packet.ack, _shift(world, packet)))


def packet_numbered(world: World, number: int) -> Packet | None:
    """The packet of that number, None if there is none."""
    return next((packet for packet in reversed(world.packets) if packet.number == number), None)


def neighbours(world: World, packet: Packet) -> tuple[Packet, ...]:
    """The packets of its conversation, itself among them, oldest first."""
    return packets_of(world, packet.conversation)


class Wrapped(Struct, frozen=True):
    """A message in its coats. `coats`: the headers around it, outermost first."""

    packet: Packet
    message: bytes
    coats: tuple[Layer, ...]
    total: int  # bytes of the IP packet


def wrapped(packet: Packet) -> Wrapped | None:
    """The message that a packet carries, in its coats; None if it carries none, or its bytes were not seen."""
    if not packet.raw or not packet.length or packet.icmp:
        return None
    found = _dissected(packet.raw, Numbers())
    message = next((field.raw for field in found.fields if field.name in ("tcp.payload", "udp.payload")), None)
    if found.problem or found.missing or not isinstance(message, bytes):
        return None
    coats = tuple(found.headers())
    return Wrapped(packet, message, coats, sum(layer.length for layer in coats) + len(message))


def messages(world: World, chosen: Packet | None) -> dict[Transport, Wrapped | None]:
    """For TCP and UDP a message in its coats: of the chosen packet, else of the newest one that carries any.

    Where the other transport carried the same message too, that one is taken.
    """
    first = wrapped(chosen) if chosen is not None else None
    found: dict[Transport, Wrapped | None] = {"tcp": None, "udp": None}
    if first is not None:
        found[first.packet.conversation.transport] = first
    for transport in found:
        if found[transport] is None:
            found[transport] = _best(world.packets, transport, first.message if first else b"")
    return found


def _best(packets: Sequence[Packet], transport: Transport, message: bytes) -> Wrapped | None:
    newest = None
    for packet in reversed(packets):
        if packet.transport != transport or not packet.length:
            continue
        if newest is None:
            newest = wrapped(packet)
        if message and packet.data == message:
            return wrapped(packet) or newest
    return newest


def _shift(world: World, packet: Packet) -> int | None:
    """How far the sender's window is shifted: what its SYN said, if both sides' said something (RFC 7323, 2.2)."""
    shifts: dict[str, int | None] = {}
    for each in packets_of(world, packet.conversation):
        if each.number <= packet.number and "SYN" in each.flags and each.raw:
            field = _dissected(each.raw, Numbers()).named("tcp.options.wscale.shift")
            shifts[each.sender] = min(14, field.raw) if field is not None and isinstance(field.raw, int) else None
    if len(shifts) < 2:
        return None
    return shifts[packet.sender] if None not in shifts.values() else 0


@lru_cache(maxsize=256)
def _dissected(raw: bytes, numbers: Numbers) -> Dissection:
    return dissect(raw, numbers)
