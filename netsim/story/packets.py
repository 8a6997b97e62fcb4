"""Packets as the story sees them: which is the next to be delivered, what that will do, and what a packet is called."""

from __future__ import annotations

from netsim.model.kernel import same_address, same_peer
from netsim.model.packet import Packet
from netsim.model.views import (
    CROWD,
    conversation_in_focus,
    end_of,
    packets_of,
    same_conversation,
    server_name,
)
from netsim.model.views import held_packets as held_packets
from netsim.model.world import World
from netsim.story.callers import UNKNOWN, Caller, client_of, side
from netsim.story.calls import plural

ROOM = 71  # columns of a label on the SPACE line of the smallest screen
_SOMEBODY = Caller(UNKNOWN, UNKNOWN)
_NOBODY = {
    "SYN": "; nobody listens: an RST answers",
    "SYN-ACK": "; nobody has it: an RST answers",
    "datagram": "; nobody has it: ICMP will say so",
}
_NO_READER = "; no program is left: an RST answers"
_CLOSED_THERE = ("FIN_WAIT1", "FIN_WAIT2", "CLOSING", "TIME_WAIT")


def oldest_held(world: World) -> Packet | None:
    """The held packet that is delivered next: of the conversation in focus, or else of ours, or else of all."""
    held = held_packets(world)
    conversation = conversation_in_focus(world)
    here = [packet for packet in held if conversation and same_conversation(packet.conversation, conversation)]
    if here or len(held) <= CROWD:
        return next(iter(here or held), None)
    return next((packet for packet in held if client_of(world, packet.conversation) is not None), held[0])


def is_of_a_crowd(world: World, packet: Packet) -> bool:
    """Whether it is one of so many strangers' packets, and one of our own conversations is in focus."""
    return (
        world.focus.stranger is None
        and len(held_packets(world)) > CROWD
        and client_of(world, packet.conversation) is None
    )


def packet_name(packet: Packet) -> str:
    """What a sentence calls it: "SYN", "SYN-ACK", "ACK", "FIN", "RST", "19 bytes", "datagram", "ICMP message"."""
    if packet.icmp:
        return "ICMP message"
    if packet.transport == "udp":
        return "datagram"
    if "SYN" in packet.flags:
        return "SYN-ACK" if "ACK" in packet.flags else "SYN"
    for flag in ("RST", "FIN"):
        if flag in packet.flags:
            return flag
    return plural(packet.length, "byte") if packet.length else "ACK"


def describe_delivery(packet: Packet, world: World) -> str:
    """The SPACE line for a held packet: what is delivered where, and, where there is room, what will come of it."""
    caller = side(world, packet.conversation, "client")
    callers = (caller,) if caller.ours else (caller, _SOMEBODY)
    told = [_delivery(packet, world, each, tells=tells) for each in callers for tells in (True, False)]
    return next((label for label in told if len(label) <= ROOM), told[-1])


def _delivery(packet: Packet, world: World, caller: Caller, *, tells: bool) -> str:
    """`caller`: what the client is called; `tells`: what will come of it, too."""
    there = packet.conversation.server if packet.sender == "client" else packet.conversation.client
    name = packet_name(packet)
    theirs = not caller.ours
    is_named = theirs or caller.short != "the client"  # of several
    whose = caller.whose if is_named and packet.sender == "client" else "the"
    start = f"deliver {whose} {name}{' (again)' if packet.repeats else ''}"
    if name == "FIN" and _sender_was_killed(packet, world):
        return f"{start}: the kernel says goodbye for the dead process"
    if finds_nobody(packet, world):
        return f"{start} to port {there.port}{_NOBODY.get(name, _NO_READER) if tells else ''}"
    to = f"{caller.short}, port {there.port}" if is_named and packet.sender == "server" else f"port {there.port}"
    return f"{start} to {to}" + (_consequence(packet, name, world, theirs=theirs) if tells else "")


def finds_nobody(packet: Packet, world: World) -> bool:
    """Whether a packet goes to a port where the kernel, asked now, has nobody to give it to.

    A SYN, a SYN-ACK, a datagram, or bytes for a connection that no process has open any more (tcp_rcv_state_process()
    in the kernel's net/ipv4/tcp_input.c: a socket that is dead and closed for reading answers new data with an RST).
    """
    if not world.kernel_complete or not world.observed_at:
        return False
    here, there = packet.conversation.client, packet.conversation.server
    if packet.sender == "server":
        here, there = there, here
    match packet_name(packet):
        case "SYN" if end_of(world, packet.conversation, "server") is None:
            return not any(each.state == "LISTEN" and same_address(each.local, there) for each in world.kernel)
        case "SYN-ACK":
            return end_of(world, packet.conversation, "client") is None
        case "datagram":
            bound = [each for each in world.kernel if each.transport == "udp" and same_address(each.local, there)]
            return not any(same_peer(each.remote, None) or same_peer(each.remote, here) for each in bound)
        case _ if packet.transport == "tcp" and packet.length:
            end = end_of(world, packet.conversation, "server" if packet.sender == "client" else "client")
            return end is None or (not end.inode and end.state in _CLOSED_THERE)
    return False


def _consequence(packet: Packet, name: str, world: World, *, theirs: bool) -> str:
    match name:
        case "SYN":
            return "; the kernel will answer it"
        case "SYN-ACK" if theirs:
            return "; its end will be open"
        case "SYN-ACK" if _is_there_already(packet, world):
            return "; an ACK answers it"
        case "SYN-ACK":
            return "; connect() will return"
        case "RST":
            return "; that is the end at once"
        case "datagram":
            return "; nobody will answer it"
        case "ICMP message":
            return ": nobody has the port asked for"
        case "FIN":
            return ": it says that no more will come"
        case "ACK" if _is_handshakes(packet, world):
            return "; the server's end will be open too"
        case "ACK":
            return ": it says what has arrived"
        case _ if _is_there_already(packet, world):
            return "; it has them: an ACK answers"
        case _:
            return ", into its buffer"


def _is_there_already(packet: Packet, world: World) -> bool:
    """Whether the same was delivered before: it was sent again because the answer to it was lost."""
    return packet.repeats and any(
        (each.sender, each.flags, each.seq, each.length, each.fate)
        == (packet.sender, packet.flags, packet.seq, packet.length, "delivered")
        for each in packets_of(world, packet.conversation)
        if each.number < packet.number
    )


def _is_handshakes(packet: Packet, world: World) -> bool:
    before = [each for each in packets_of(world, packet.conversation) if each.number < packet.number]
    return packet.sender == "client" and packet.ack == 1 and not any(each.length for each in before)


def _sender_was_killed(packet: Packet, world: World) -> bool:
    if packet.sender == "client":
        client = client_of(world, packet.conversation)
        return client is not None and client.killed_by > 0
    server = world.endpoints.get(server_name(packet.conversation.transport))
    return server is not None and bool(server.former_pids or server.killed_by)
