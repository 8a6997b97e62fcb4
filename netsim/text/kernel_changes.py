"""Which of the kernel's numbers changed since the last press: told by what was sent, what arrived and what was read.

Law: bold only for a number that is another one now; a world does not remember the number before, its events do.
"""

from __future__ import annotations

from typing import NamedTuple

from netsim.model.address import Conversation, Role
from netsim.model.events import CallReturned, SocketRef
from netsim.model.packet import Packet
from netsim.model.views import packets_of
from netsim.model.world import World


class Changes(NamedTuple):
    """Of one end of a conversation: whether what it keeps for its peer and for its program is another number now."""

    to_send: bool = False
    to_read: bool = False


def changes_of(
    world: World, who: str, role: Role, conversation: Conversation, *, to_send: int, to_read: int
) -> Changes:
    """`who`, `role`: whose end, "" for a stranger's; `to_send`, `to_read`: the bytes that it keeps now."""
    packets = packets_of(world, conversation)
    calls = [each for each in world.since if isinstance(each, CallReturned) and each.who == who]
    sent = any(each.name.startswith("send") and each.size for each in calls)
    read = any(each.name.startswith("recv") and each.size for each in calls)
    left = any(_is_new(world, each) and each.length and each.sender == role for each in packets)
    came = any(
        _is_new(world, each) and each.length and each.sender != role and each.fate == "delivered" for each in packets
    )
    return Changes(
        to_send=(sent or left) if to_send else _are_acknowledged_now(world, packets, role),
        to_read=(came or read) if to_read else read and not came,
    )


def is_new_ref(world: World, who: str, ref: SocketRef) -> bool:
    """Whether the process has got this file number since the last press."""
    return any(
        isinstance(each, CallReturned)
        and each.who == who
        and (each.accepted == ref or (each.name == "socket" and each.socket is not None and each.socket.fd == ref.fd))
        for each in world.since
    )


def _are_acknowledged_now(world: World, packets: tuple[Packet, ...], role: Role) -> bool:
    """Whether bytes that were sent before the last press have been acknowledged since."""
    old = [each for each in packets if not _is_new(world, each)]
    reached = max((each.ack or 0 for each in old if each.sender != role and each.fate == "delivered"), default=0)
    return any(
        _is_new(world, each) and each.sender != role and each.fate == "delivered" and (each.ack or 0) > reached
        for each in packets
    ) and any(each.sender == role and each.length and (each.seq or 0) >= reached for each in old)


def _is_new(world: World, packet: Packet) -> bool:
    return f"packet {packet.number}" in world.changed
