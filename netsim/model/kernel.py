"""The kernel's list of sockets: which entry is meant by a process's socket, an address or one end of a conversation.

Law: the kernel's word where it can be had, psutil's where not; an entry is never taken for another process's socket.
"""

from __future__ import annotations

from typing import get_args

from netsim.model.address import Address, Conversation, Role
from netsim.model.events import KernelSocket, Owner, SocketRef, TcpState
from netsim.model.world import World

ANY_HOST = frozenset({"0.0.0.0", "::", ""})
_STATES: dict[str, TcpState] = {state: state for state in get_args(TcpState)}


def sockets(world: World) -> tuple[KernelSocket, ...]:
    """All sockets: as the kernel lists them; where it can't be asked, as psutil does (no inode, no queue, no timer)."""
    if world.kernel_complete:
        return world.kernel
    return tuple(_from_psutil(owner) for owner in world.owners)


def same_address(one: Address | None, other: Address | None) -> bool:
    """Whether two addresses can be the same end: equal ports, and equal hosts or one of them "any host"."""
    if one is None or other is None:
        return one is other
    return one.port == other.port and (one.host == other.host or one.host in ANY_HOST or other.host in ANY_HOST)


def same_peer(one: Address | None, other: Address | None) -> bool:
    """Like `same_address`, but port 0 is no peer at all."""
    one = one if one is not None and one.port else None
    other = other if other is not None and other.port else None
    return same_address(one, other)


def kernel_socket(world: World, ref: SocketRef) -> KernelSocket | None:
    """The kernel's entry for a process's socket: by inode, or by its addresses where the inode finds nothing.

    The inode finds nothing where psutil was asked, and when accept() has just given a connection to the process and
    the kernel's list is from before.
    """
    known = sockets(world)
    if ref.inode:
        for socket in known:
            if socket.inode == ref.inode:
                return socket
    if ref.local is None or not ref.local.port:
        return None
    for socket in known:
        another = ref.inode and socket.inode not in (0, ref.inode)
        if another or socket.transport != ref.transport:
            continue
        if same_address(socket.local, ref.local) and same_peer(socket.remote, ref.remote):
            return socket
    return None


def end_of(world: World, conversation: Conversation, role: Role) -> KernelSocket | None:
    """The kernel's entry for one end of a connection, whoever holds it; None when there is none (any more)."""
    local, remote = conversation.client, conversation.server
    if role == "server":
        local, remote = remote, local
    for socket in sockets(world):
        if socket.transport == conversation.transport and socket.remote is not None:
            if same_address(socket.local, local) and same_address(socket.remote, remote):
                return socket
    return None


def _from_psutil(owner: Owner) -> KernelSocket:
    return KernelSocket(
        transport=owner.transport,
        state=_STATES.get(owner.state, "CLOSE"),
        local=owner.local,
        remote=owner.remote,
        inode=0,
        receive_queue=0,
        send_queue=0,
    )
