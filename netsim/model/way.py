"""The way to the process: how the kernel finds the socket that a packet is for, and from there the fd and the PID.

Law: the candidates are the kernel's own list at the moment that is shown; each that drops out says by which number.
Linux looks among the connections first, by all four numbers, and only then for a listener (inet_hashtables.c,
__inet_lookup_skb; udp.c, __udp4_lib_lookup).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from netsim.model.address import Address, Transport
from netsim.model.events import KernelSocket
from netsim.model.kernel import ANY_HOST, kernel_socket, same_address, same_peer, sockets
from netsim.model.packet import Packet
from netsim.model.rows import program_name
from netsim.model.world import Row, World

# Why a socket is not (or is) the one, in the order in which the kernel asks.
Verdict = Literal["protocol", "port", "host", "peer", "listener", "newer", "no SYN", "chosen"]
# How the way ends: at a process, or where there is none (yet, any more), or nobody has the port.
End = Literal["process", "half open", "queue", "kernel", "unknown", "nobody"]
Step = Literal["address", "protocol", "port", "four-tuple", "socket", "fd", "process"]
STEPS: tuple[Step, ...] = ("address", "protocol", "port", "four-tuple", "socket", "fd", "process")
_OUT_AT: dict[Verdict, Step] = {
    "protocol": "protocol", "port": "port", "host": "port", "peer": "four-tuple", "listener": "four-tuple",
    "newer": "four-tuple", "no SYN": "four-tuple",
}  # fmt: skip
_WAITING = frozenset({"ESTABLISHED", "CLOSE_WAIT"})


class Owner(Struct, frozen=True):
    """A process that has the socket open; `fd` None where that is not known (it is no program of ours)."""

    pid: int
    name: str
    fd: int | None = None


class Candidate(Struct, frozen=True):
    """One socket of the net, and what the kernel's look-up says of it."""

    socket: KernelSocket
    verdict: Verdict
    owners: tuple[Owner, ...]
    former_pid: int | None = None  # who had it, where nobody has

    @property
    def is_out_at(self) -> Step | None:
        """The step at which it drops out; None for the one that is chosen."""
        return _OUT_AT.get(self.verdict)


class Way(Struct, frozen=True, kw_only=True):
    """The look-up for one packet. `source` and `destination` are the numbers that the kernel looks with.

    For an ICMP error those are the quoted packet's, the other way round: it is for the socket that had sent that.
    `chosen` has several where the kernel picks one of equals. `covered`: as if the ports could not be read.
    """

    packet: Packet
    transport: Transport
    source: Address
    destination: Address
    candidates: tuple[Candidate, ...]
    chosen: tuple[Candidate, ...]
    end: End
    is_error: bool = False  # an ICMP error
    covered: bool = False

    def left_after(self, step: Step) -> tuple[Candidate, ...]:
        """The candidates that are still possible after a step."""
        place = STEPS.index(step)
        if self.covered:
            place = min(place, STEPS.index("protocol"))
        outs = (each.is_out_at for each in self.candidates)
        return tuple(
            each for each, out in zip(self.candidates, outs, strict=True) if out is None or STEPS.index(out) > place
        )

    @property
    def processes(self) -> tuple[Owner, ...]:
        """Every process that would be possible with the ports covered: those that have a socket of the protocol."""
        found: dict[int, Owner] = {}
        for each in self.left_after("protocol"):
            for owner in each.owners:
                found.setdefault(owner.pid, owner)
        return tuple(found.values())


def way_of(world: World, packet: Packet, *, covered: bool = False) -> Way:
    """The way that this packet takes (or would take) among the sockets that the world has now."""
    source, destination = packet.conversation.client, packet.conversation.server
    if packet.sender == "server":
        source, destination = destination, source
    transport = packet.conversation.transport
    is_old_syn = _is_syn(packet) and packet.fate == "delivered"
    verdicts = [_verdict(each, transport, source, destination, is_old_syn=is_old_syn) for each in sockets(world)]
    _settle(list(sockets(world)), verdicts, transport, is_syn=_is_syn(packet))
    rows: dict[tuple[object, ...], Row] = {
        (row.key.transport, row.key.port, row.key.host, row.key.peer, row.inode): row for row in _rows(world)
    }
    candidates = tuple(
        sorted(
            (
                _candidate(world, socket, verdict, rows)
                for socket, verdict in zip(sockets(world), verdicts, strict=True)
            ),
            key=_place,
        )
    )
    chosen = tuple(each for each in candidates if each.verdict == "chosen")
    return Way(
        packet=packet, transport=transport, source=source, destination=destination, candidates=candidates,
        chosen=chosen, end=_end(world, chosen), is_error=bool(packet.icmp), covered=covered,
    )  # fmt: skip


def _is_syn(packet: Packet) -> bool:
    return "SYN" in packet.flags and "ACK" not in packet.flags


def _verdict(
    socket: KernelSocket, transport: Transport, source: Address, destination: Address, *, is_old_syn: bool
) -> Verdict:
    if socket.transport != transport:
        return "protocol"
    if socket.local.port != destination.port:
        return "port"
    if not same_address(socket.local, destination):
        return "host"
    if socket.remote is None or not socket.remote.port:
        return "chosen"  # for now: a connection may be found yet
    if not same_peer(socket.remote, source):
        return "peer"
    return "newer" if is_old_syn else "chosen"


def _settle(found: list[KernelSocket], verdicts: list[Verdict], transport: Transport, *, is_syn: bool) -> None:
    """A connection goes before a listener, a listener of just this address before one of any.

    A TCP listener takes nothing but a SYN, and a socket that is only bound takes nothing.
    """
    fit = [index for index, verdict in enumerate(verdicts) if verdict == "chosen"]
    connected = [index for index in fit if (remote := found[index].remote) is not None and remote.port]
    open_to_all = [index for index in fit if index not in connected]
    for index in open_to_all:
        verdicts[index] = "listener"
    if connected:
        return
    if transport == "tcp":
        open_to_all = [index for index in open_to_all if found[index].state == "LISTEN"]
        if not is_syn:
            for index in open_to_all:
                verdicts[index] = "no SYN"
            return
    exact = [index for index in open_to_all if found[index].local.host not in ANY_HOST]
    for index in exact or open_to_all:
        verdicts[index] = "chosen"


def _candidate(
    world: World, socket: KernelSocket, verdict: Verdict, rows: Mapping[tuple[object, ...], Row]
) -> Candidate:
    owners: dict[tuple[int, int | None], Owner] = {}
    for endpoint in world.endpoints.values():
        for ref in endpoint.sockets if endpoint.status != "ended" else ():
            if ref.transport == socket.transport and kernel_socket(world, ref) == socket:
                owners[endpoint.pid, ref.fd] = Owner(endpoint.pid, program_name(endpoint), ref.fd)
    row = rows.get((socket.transport, socket.local.port, socket.local.host, socket.remote, socket.inode))
    for pid in row.pids if row else ():
        if pid not in {known for known, _ in owners}:
            owners[pid, None] = Owner(pid, row.name if row else "")
    former = row.former_pid if row is not None and not owners else None
    return Candidate(socket, verdict, tuple(owners.values()), former)


def _rows(world: World) -> list[Row]:
    return [slot.row for slot in world.slots if slot.row is not None]


def _end(world: World, chosen: tuple[Candidate, ...]) -> End:
    if not chosen:
        return "nobody"
    first = chosen[0]
    if first.owners:
        return "process"
    if first.socket.inode or not world.kernel_complete:
        return "unknown"
    if first.socket.state == "SYN_RECV":
        return "half open"
    if first.socket.state in _WAITING and first.former_pid is None:
        return "queue"
    return "kernel"


def _place(candidate: Candidate) -> tuple[int, int, bool, str]:
    """The chosen one first, then those that came furthest; among these the listener first."""
    out = candidate.is_out_at
    furthest = -len(STEPS) if out is None else -STEPS.index(out)
    socket = candidate.socket
    return furthest, socket.local.port, socket.remote is not None, str(socket.remote)
