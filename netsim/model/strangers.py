"""Strangers: clients that are no programs of ours, and what the packets, the kernel and the table know of them.

Law: a caller is a stranger only where that is certain; one that a program of ours may just be making is nobody's yet.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from netsim.model.address import Address, Conversation, Transport
from netsim.model.events import KernelSocket
from netsim.model.kernel import end_of, same_address, same_peer, sockets
from netsim.model.packet import Packet
from netsim.model.views import (
    clients,
    conversation_of,
    held_packets,
    local_of,
    packets_of,
    same_conversation,
    server_ports,
)
from netsim.model.world import Holder, Row, RowKey, World

TRANSPORTS: tuple[Transport, ...] = ("tcp", "udp")
OVER = ("LISTEN", "TIME_WAIT")  # states of sockets that nobody talks over


class Stranger(Struct, frozen=True, kw_only=True):
    """A client that netsim did not start, as far as it is known from outside.

    `pids`: the processes that have its socket, or had it where `holds` is False; () if that can't be known. `name`:
    of the first of them, "" likewise. `socket`: the calling end as the kernel has it now. `unlisted`: it may have one,
    but there are too many to tell them all.
    """

    conversation: Conversation
    pids: tuple[int, ...] = ()
    name: str = ""
    holds: bool = True
    socket: KernelSocket | None = None
    unlisted: bool = False


def stranger(world: World, conversation: Conversation) -> Stranger:
    """What is known of the caller."""
    socket = calling_end(world, conversation)
    holders = _holders(world, conversation, socket)
    row = _row(world, socket) if socket is not None else None
    unlisted = socket is None and world.sockets_left_out > 0
    holds = unlisted or (row is not None and row.whose != "kernel")
    pids = row.pids if row is not None and row.pids else tuple(holder.pid for holder in holders[-1:])
    name = next((holder.name for holder in reversed(holders) if holder.pid in pids), "")
    return Stranger(conversation=conversation, pids=pids, name=name, holds=holds, socket=socket, unlisted=unlisted)


def calling_end(world: World, conversation: Conversation) -> KernelSocket | None:
    """The kernel's entry for the end that called, connected or (UDP) just bound; None when there is none."""
    end = end_of(world, conversation, "client")
    if end is None and conversation.transport == "udp":
        udp = (each for each in sockets(world) if each.transport == "udp" and same_peer(each.remote, None))
        return next((each for each in udp if same_address(each.local, conversation.client)), None)
    return end


def is_strangers(world: World, conversation: Conversation) -> bool:
    """Whether its caller is certainly no program of ours."""
    return _caller(world, conversation) == "stranger"


def strangers(world: World) -> tuple[Conversation, ...]:
    """The strangers' conversations that live, in the order in which they came, and the one in focus in any case.

    It lives while a packet of it is held, or the kernel has one of its ends and that is not in TIME_WAIT.
    """
    found: dict[tuple[Transport, Address], Conversation] = {}
    for conversation in _alive(world):
        name = conversation.transport, conversation.client
        if name not in found and is_strangers(world, conversation):
            found[name] = conversation
    shown = world.focus.stranger
    if shown is not None and not any(same_conversation(shown, each) for each in found.values()):
        found[shown.transport, shown.client] = shown
    first = _first_packets(world.packets)
    return tuple(sorted(found.values(), key=lambda each: (first.get(_flow(each), len(world.packets)), each)))


def next_stranger(world: World) -> Conversation | None:
    """The stranger after the one in focus (that again, if it is the only one), or the first; None if there is none."""
    shown = world.focus.stranger
    everyone = strangers(world)
    if shown is None:
        return everyone[0] if everyone else None
    place = next(index for index, each in enumerate(everyone) if same_conversation(each, shown))
    return everyone[(place + 1) % len(everyone)]


# --- whose is it?


def _caller(world: World, conversation: Conversation) -> Literal["ours", "stranger", "unknown"]:
    for endpoint in world.endpoints.values():
        for ref in endpoint.sockets:
            if ref.transport == conversation.transport and same_address(local_of(world, ref), conversation.client):
                return "ours"
    socket = calling_end(world, conversation)
    holders = _holders(world, conversation, socket)
    if any(holder.pid in (each.pid, *each.former_pids) for holder in holders for each in world.endpoints.values()):
        return "ours"
    if holders or (socket is not None and socket.inode and world.kernel_complete):
        return "stranger"  # somebody has it, and of ours each has said what it has
    for client in clients(world, conversation.transport):
        had = conversation_of(world, client)
        if had is not None and same_conversation(had, conversation):
            return "ours"
    if _somebody_may_be_calling(world, conversation.transport) or _may_have_been_ours(world, conversation):
        return "unknown"
    return "stranger"


def _may_have_been_ours(world: World, conversation: Conversation) -> bool:
    """Whether it was refused, as a call of ours was whose port nobody has seen: too short for the table."""
    if conversation.transport != "tcp" or not any(each.refused for each in world.endpoints.values()):
        return False
    packets = packets_of(world, conversation)
    return any("RST" in packet.flags for packet in packets) and all(
        packet.flags == {"SYN"} if packet.sender == "client" else "RST" in packet.flags for packet in packets
    )


def _somebody_may_be_calling(world: World, transport: Transport) -> bool:
    """Whether a client of ours is in a call for which the kernel may just have chosen a port that nobody has told."""
    return any(
        client.status == "running"
        or (client.status == "asleep" and not any(local_of(world, ref) for ref in client.sockets))
        for client in clients(world, transport)
    )


def _holders(world: World, conversation: Conversation, socket: KernelSocket | None) -> tuple[Holder, ...]:
    """Who has had the calling end, by the table, the last one last."""
    row = _row(world, socket) if socket is not None else None
    if row is not None:
        return world.remembered.get(row.key, ())
    here, there = conversation.client, conversation.server
    for key, holders in world.remembered.items():
        if key.port == here.port and key.transport == conversation.transport:  # first what differs most often
            bound = key.peer is None and conversation.transport == "udp"
            if (bound or same_address(key.peer, there)) and same_address(Address(key.host, key.port), here):
                return holders
    return ()


def _row(world: World, socket: KernelSocket) -> Row | None:
    """The table's row of a socket."""
    key = RowKey(socket.local.port, socket.transport, socket.local.host, socket.remote)
    rows = (slot.row for slot in world.slots if slot.row is not None and slot.row.key.port == socket.local.port)
    return next((row for row in rows if row.key == key), None)


# --- which there are


def _alive(world: World) -> list[Conversation]:
    """The conversations of which something is held or listed, whoever called: of lists those with our servers."""
    found = [packet.conversation for packet in held_packets(world)]
    ports = {transport: server_ports(world, transport) for transport in TRANSPORTS}
    unconnected = set()
    for socket in sockets(world):
        if socket.state in OVER:
            continue
        if socket.remote is None or not socket.remote.port:
            unconnected.add((socket.transport, socket.local.port))
        elif socket.local.port in ports[socket.transport]:
            found.append(Conversation(socket.transport, socket.remote, socket.local))
        elif socket.remote.port in ports[socket.transport]:
            found.append(Conversation(socket.transport, socket.local, socket.remote))
    for flow, index in _first_packets(world.packets).items():
        if flow[0] == "udp" and flow in unconnected:
            found.append(world.packets[index].conversation)
    return found


def _first_packets(packets: tuple[Packet, ...]) -> dict[tuple[Transport, int], int]:
    """By transport and calling port: the place of the first packet. There may be thousands."""
    first: dict[tuple[Transport, int], int] = {}
    for index, packet in enumerate(packets):
        first.setdefault(_flow(packet.conversation), index)
    return first


def _flow(conversation: Conversation) -> tuple[Transport, int]:
    return conversation.transport, conversation.client.port
