"""How the world changes with what happens at the gate: packets held, seen, delivered, lost, copied.

Law: what is told of a packet is what its bytes say; where they say nothing that can be read, that is told.
"""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from netsim.model.decode import decode
from netsim.model.events import (
    CopyCounted,
    GateClosed,
    GateFailed,
    GateOpened,
    GateRestarted,
    PacketDropped,
    PacketHeld,
    PacketReleased,
    PacketSeen,
    PacketsLeftOut,
    PacketsMissed,
)
from netsim.model.focus import follow_held, turn_to_conversation
from netsim.model.forgetting import forget_packets
from netsim.model.packet import Packet
from netsim.model.wire import Datagram, Icmp, Segment
from netsim.model.world import World

GateEvent = (
    PacketHeld | PacketSeen | PacketReleased | PacketDropped | CopyCounted
    | GateOpened | GateClosed | GateFailed | GateRestarted | PacketsMissed
    | PacketsLeftOut
)  # fmt: skip

_ICMP_NAMES = {
    (3, 0): "net unreachable", (3, 1): "host unreachable", (3, 3): "port unreachable", (1, 4): "port unreachable",
}  # fmt: skip
DATA_KEPT = 512  # bytes of a payload


def fold_gate(world: World, event: GateEvent) -> World:
    """The world after an event of the gate."""
    match event:
        case PacketHeld() | PacketSeen():
            return _observe(world, event)
        case PacketReleased(number=number):
            delivered = next((packet for packet in reversed(world.packets) if packet.number == number), None)
            if delivered is not None:
                world = turn_to_conversation(world, delivered.conversation)
            return _change(world, number, fate="delivered")
        case PacketDropped(number=number):
            return _change(world, number, fate="lost", lost_at=event.at)
        case CopyCounted(number=number, copies=copies):
            return _change(world, number, copies=copies)
        case GateOpened():
            return replace(world, gate="open")
        case GateClosed() | GateRestarted():
            return replace(world, gate="closed")
        case GateFailed():
            return replace(world, gate="failed")
        case PacketsMissed(unread=unread, too_many=too_many):
            return replace(world, missed=unread + too_many)
        case PacketsLeftOut(count=count, ours=ours):
            return replace(world, packets_left_out=count, ours_left_out=ours)
        case _:
            assert_never(event)


def _observe(world: World, event: PacketHeld | PacketSeen) -> World:
    """One packet more, if it belongs to a conversation of the lab."""
    if event.conversation is None or event.sender is None:
        return world
    held = isinstance(event, PacketHeld)
    packet = Packet(
        number=event.number,
        at=event.at,
        conversation=event.conversation,
        sender=event.sender,
        seq=event.seq,
        ack=event.ack,
        evidence="held" if held else "seen",
        fate="held" if held else "delivered",
        repeats=event.repeats,
        copy_of=event.copy_of,
        raw=event.raw,
    )
    match decode(event.raw):
        case Segment(flags=flags, length=length, payload=payload):
            packet = replace(packet, flags=flags, length=length, data=payload[:DATA_KEPT])
        case Datagram(length=length, payload=payload):
            packet = replace(packet, length=length, data=payload[:DATA_KEPT])
        case Icmp(kind=kind, code=code):
            packet = replace(packet, icmp=_ICMP_NAMES.get((kind, code), f"type {kind} code {code}"))
        case _:
            pass
    world = replace(world, packets=(*world.packets, packet), changed=world.changed | {f"packet {packet.number}"})
    return forget_packets(follow_held(world) if held else world)


def _change(world: World, number: int, **changes: object) -> World:
    """The world with one packet changed. Held ones are among the newest: looked for from the end."""
    for index in range(len(world.packets) - 1, -1, -1):
        packet = world.packets[index]
        if packet.number == number:
            changed = replace(packet, **changes)
            packets = (*world.packets[:index], changed, *world.packets[index + 1 :])
            return replace(world, packets=packets, changed=world.changed | {f"packet {number}"})
    return world
