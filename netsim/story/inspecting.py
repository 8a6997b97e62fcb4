"""What is said of an inspected packet as a whole: which it is, what became of it, what its checksums are worth.

Law: of an inferred packet only that is said which the counters prove; the rest is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from netsim.model.address import Transport
from netsim.model.fields import Field
from netsim.model.inspected import neighbours
from netsim.model.packet import Packet
from netsim.model.views import conversation_shown, packets_of, pair_of
from netsim.model.world import World
from netsim.story.callers import side
from netsim.story.calls import plural, speaker
from netsim.story.packets import oldest_held, packet_name

NO_PACKET = "There is no packet yet: press space until one is sent, then enter opens it."


def packet_to_inspect(world: World) -> Packet | None:
    """The packet that space will deliver, else the newest: of those that are shown."""
    focused, other = _shown(world)
    here = focused or other
    held = oldest_held(world)
    return held if held in here else next(reversed(here), None)


def no_packet(world: World) -> str:
    """Why there is none to inspect, and what to press."""
    client, _ = pair_of(world, world.focus.transport)
    if client is None or not world.packets:
        return NO_PACKET
    return f"This {speaker(client, world)} has no packet yet: press space until it has sent one."


def _shown(world: World) -> tuple[tuple[Packet, ...], tuple[Packet, ...]]:
    """The packets of both ladders, that in focus first; where nobody is shown to whom one could belong, all."""
    transport = world.focus.transport
    other: Transport = "udp" if transport == "tcp" else "tcp"
    if pair_of(world, transport)[0] is None and conversation_shown(world, transport) is None:
        return world.packets, ()
    return packets_of(world, conversation_shown(world, transport)), packets_of(world, conversation_shown(world, other))


def fate(packet: Packet) -> str:
    """What has become of it, in a few words."""
    match packet.fate:
        case "held":
            words = "held"
        case "delivered":
            words = {"inferred": "inferred", "seen": "passed", "held": "delivered", "recorded": "delivered"}[
                packet.evidence
            ]
        case "lost":
            words = "lost"
        case _:
            assert_never(packet.fate)
    return words


def history(packet: Packet, world: World) -> str:
    """What there is to say of it besides its bytes, in one or two sentences; "" if nothing."""
    said = []
    if packet.repeats:
        of = f" of packet {packet.copy_of}" if packet.copy_of is not None else ""
        said.append(f"It is a copy{of}: no answer had come, so the kernel sent it again.")
    if packet.copies:
        times = "once" if packet.copies == 1 else f"{packet.copies} times"
        said.append(f"It was sent again {times}; those copies were taken off the wire.")
    again = next((each for each in neighbours(world, packet) if each.copy_of == packet.number), None)
    if packet.fate == "lost":
        said.append(f"It was lost; packet {again.number} is its copy." if again else "It was lost.")
    return " ".join(said)


def title(packet: Packet, world: World) -> str:
    """Which packet it is: "SYN  client > server, held"."""
    sender = side(world, packet.conversation, packet.sender).short.removeprefix("the ")
    receiver = side(world, packet.conversation, "server" if packet.sender == "client" else "client")
    return f"{packet_name(packet)}  {sender} > {receiver.short.removeprefix('the ')}, {fate(packet)}"


def place(packet: Packet, packets: Sequence[Packet]) -> tuple[int, int]:
    """The how manyth of how many packets of its conversation it is."""
    numbers = [each.number for each in packets]
    return (numbers.index(packet.number) + 1 if packet.number in numbers else 0), len(numbers)


def inferred(packet: Packet) -> list[tuple[str, str]]:
    """What is known of a packet whose bytes were not seen, as pairs of a name and a value."""
    source, destination = packet.conversation.client, packet.conversation.server
    if packet.sender == "server":
        source, destination = destination, source
    known = [
        ("source address", source.host),
        ("destination", destination.host),
        ("protocol", packet.conversation.transport.upper()),
        ("source port", str(source.port)),
        ("destination port", str(destination.port)),
    ]
    if packet.transport == "tcp" and not packet.icmp:
        flags = [flag for flag in ("SYN", "FIN", "RST", "PSH", "ACK") if flag in packet.flags]
        known.append(("flags", " ".join(flags) or "not known"))
        known.append(("sequence number", "not known" if packet.seq is None else f"{packet.seq}  (relative)"))
        known.append(("acknowledgment", "not known" if packet.ack is None else f"{packet.ack}  (relative)"))
    known.append(("message", packet.icmp or plural(packet.length, "byte")))
    return known


UNSEEN = (
    "No bytes were seen: this packet is inferred, from what the kernel counts.",
    "Window, options, checksums, raw numbers: not known, and nothing is made up.",
    "In a private net packets are held, and every bit is seen: netsim --net private",
)
UNREADABLE = "Only what stands in front of the damage can be read."


def checksum(field: Field) -> str:
    """What a checksum is worth."""
    match field.check:
        case "":
            return ""
        case "right":
            return "right: computed anew it is the same"
        case "wrong":
            return f"WRONG: it would have to be 0x{field.expected or 0:04x}"
        case "unfilled":
            return "not filled in: that is left to a network card"
        case "unused":
            return "not used: the sender did not compute it"
        case "unknown":
            return "can't be checked: bytes are missing"
        case _:
            assert_never(field.check)
