"""What each cell of the port table means, for this row: short sentences, the most telling one first.

Law: said is what the row and the kernel's list show; each sentence is true alone, of at most 77 columns, and the first
one is enough.
"""

from __future__ import annotations

from math import ceil
from typing import Literal, NamedTuple

from netsim.model.kernel import ANY_HOST
from netsim.model.views import server_ports, unacknowledged_bytes, unread_bytes
from netsim.model.world import Row, World
from netsim.story.calls import plural

WIDTH = 77
SYSTEM_PORTS = 1024  # below: bind() is EACCES for an ordinary user, unless ip_unprivileged_port_start is lowered
Column = Literal["port", "address", "state", "peer", "pid", "program", "user"]
COLUMNS: tuple[Column, ...] = ("port", "state", "peer", "pid", "program")  # of the lab's table

_STATES = {
    "LISTEN": "LISTEN: the kernel takes calls for this port; accept() hands them out.",
    "SYN_SENT": "SYN_SENT: connect() has sent its SYN, and no answer to it has come yet.",
    "SYN_RECV": "SYN_RECV: a SYN came and was answered; the handshake's last ACK is missing.",
    "ESTABLISHED": "ESTABLISHED: the handshake is done at this end; bytes may go both ways.",
    "FIN_WAIT1": "FIN_WAIT1: this end has closed; its FIN is not acknowledged yet.",
    "FIN_WAIT2": "FIN_WAIT2: our FIN is acknowledged; the other end has not closed yet.",
    "CLOSE_WAIT": "CLOSE_WAIT: the other end has closed; this one has not called close() yet.",
    "CLOSING": "CLOSING: both ends closed at once; our FIN is not acknowledged yet.",
    "LAST_ACK": "LAST_ACK: both ends have closed; the last ACK, of our FIN, is missing.",
    "TIME_WAIT": "TIME_WAIT: closed by both; the end that closed first waits for stray packets.",
    "CLOSE": "CLOSE: a TCP socket without a connection: neither listening nor connected.",
}
_NO_STATE = "UDP has no states: nothing is opened, so nothing can be half open or closed."
_CLOSED_BY_ITS_PROCESS = frozenset({"FIN_WAIT1", "FIN_WAIT2", "CLOSING", "LAST_ACK"})


class Around(NamedTuple):
    """What is to be known of a row beside it. `alive`: whether the process that had it before is still there.

    `sockets`: how many the kernel has with just these addresses; `secret`: why a process can't be seen.
    """

    serves: bool = False  # its port is one on which somebody is (or was) reached
    both_protocols: bool = False  # the same port number is in use by the other protocol, too
    sockets: int = 1
    alive: bool | None = None
    unread: int = 0
    unsent: int = 0
    seconds: int | None = None  # TIME_WAIT: what is left
    queues: bool = True  # the kernel could be asked for them
    secret: str = "A process has it that the lab may not look into: another user's, most likely."


def explain(world: World, row: Row, column: Column) -> tuple[str, ...]:
    """What this value means for this row of the lab's table; never empty."""
    return explain_cell(row, column, _around(world, row))


def explain_cell(row: Row, column: Column, around: Around) -> tuple[str, ...]:
    """The same for a row of any port table."""
    match column:
        case "port":
            return _port(row, around)
        case "address":
            return (_address(row),)
        case "state":
            return _state(row, around)
        case "peer":
            return (_peer(row),)
        case "pid":
            return _pid(row, around)
        case "program":
            return _program(row, around)
        case "user":
            return (_user(row),)


def _around(world: World, row: Row) -> Around:
    key = row.key
    address = (key.transport, key.port, key.host, key.peer)
    alike = [
        each
        for each in world.kernel
        if (each.transport, each.local.port, each.local.host, each.remote) == address
        and (not row.inode or each.inode == row.inode)
    ]
    rows = [slot.row.key for slot in world.slots if slot.row is not None]
    alive = any(each.pid == row.former_pid and each.status != "ended" for each in world.endpoints.values())
    is_waiting = key.transport == "udp" and any(each.receive_queue for each in alike)
    return Around(
        serves=key.port in server_ports(world, key.transport),
        both_protocols=any(each.port == key.port and each.transport != key.transport for each in rows),
        sockets=sum((each.transport, each.port, each.host, each.peer) == address for each in rows),
        alive=alive if row.former_pid is not None else None,
        unread=1 if is_waiting else sum(map(unread_bytes, alike)),
        unsent=sum(map(unacknowledged_bytes, alike)),
        seconds=None if row.expires_at is None else max(0, ceil(row.expires_at - world.at)),
        queues=world.kernel_complete,
    )


# --- one column each


def _port(row: Row, around: Around) -> tuple[str, ...]:
    key = row.key
    said = []
    if key.port < SYSTEM_PORTS:
        said.append("Ports below 1024 are for system services: usually only root may bind them.")
    if around.both_protocols:
        said.append(f"{key.port}/tcp and {key.port}/udp are two ports: each protocol has 65,536 of its own.")
    if key.transport == "tcp" and key.peer is not None and around.serves:
        said.append("The listener's port once more: accept() opens no new one, the peer differs.")
    elif key.peer is not None and not around.serves:
        said.append(f"The kernel chose {key.port} in connect(), as the program had not: ephemeral.")
    elif not around.serves and key.port >= SYSTEM_PORTS and key.transport == "udp":
        said.append(f"The kernel chose {key.port} at the first sendto(), as no bind() had: ephemeral.")
    elif row.state == "LISTEN" or around.serves:
        said.append("A port is agreed on before the program starts, so that clients can know it.")
    if key.peer is None:
        said.append(_address(row))
    return tuple(said) or ("Two bytes in every packet, so from 0 to 65,535: which socket it is for.",)


def _address(row: Row) -> str:
    host = row.key.host
    if row.key.peer is not None:
        return _within(f"This end's address: {host}. With both ports and the peer's it names the connection.",
                       f"This end's address: {host}.")  # fmt: skip
    if host == "0.0.0.0":
        return "0.0.0.0: reached by every IPv4 address of this machine, from elsewhere too."
    if host in ANY_HOST:
        return "::, every address of this machine, of IPv6 and as a rule of IPv4 too."
    if host.startswith("127.") or host == "::1":
        return f"{host}: reached from this machine only. 0.0.0.0 would be every address."
    return _within(f"{host}: reached by this one address of the machine; 0.0.0.0 would be all.", f"Only by {host}.")


def _state(row: Row, around: Around) -> tuple[str, ...]:
    if row.key.transport == "udp":
        return (_NO_STATE,)
    said = [_STATES.get(row.state, f"{row.state}: as the kernel calls it.")]
    if row.state == "TIME_WAIT":
        said.append(_time_left(around))
    if row.whose == "kernel" and row.state == "ESTABLISHED" and row.former_pid is None:
        said.append("The kernel did the handshake by itself: no process has accepted it yet.")
    return tuple(said)


def _peer(row: Row) -> str:
    key = row.key
    if key.peer is None:
        if key.transport == "udp":
            return "An unconnected UDP socket has no peer: each datagram says where it goes."
        if row.state == "LISTEN":
            return "A listener has no peer: it takes calls from anyone. Each connection has one."
        return "No peer: neither listen() nor connect() was called on this socket."
    if key.transport == "udp":
        return _within(f"connect() on UDP sends nothing, it only fixes the peer: {key.peer}.", f"Peer: {key.peer}.")
    return _within(f"The other end, {key.peer}. Both ends' addresses name the connection.", f"Peer: {key.peer}.")


def _pid(row: Row, around: Around) -> tuple[str, ...]:
    if row.whose == "kernel":
        return _nobody(row, around)
    if row.whose == "unknown" or not row.pids:
        return (around.secret,)
    if len(row.pids) > 1:
        return (f"{len(row.pids)} processes have this one socket open: fork() handed it on to the child.",)
    if around.sockets > 1 and row.key.peer is None:
        option = "SO_REUSEPORT" if row.key.transport == "tcp" else "SO_REUSEADDR"
        return (f"One of {around.sockets} sockets on this port: each of them allowed that ({option}).",)
    if row.former_pid is not None:
        return (f"{row.former_pid} had this port, now {row.pids[0]} has it: new process, new PID.",)
    return (
        f"PID {row.pids[0]} has this socket open. The number was dealt when it started.",
        "A PID is in no packet: other machines know the port, and never the process.",
    )


def _nobody(row: Row, around: Around) -> tuple[str, ...]:
    """Why the kernel has it and no process: by state, and by who had it before."""
    name = (
        (f"The program that had it was {row.name}.",) if row.former_pid is not None and 0 < len(row.name) < 40 else ()
    )
    return *_why_nobody(row, around), *name


def _why_nobody(row: Row, around: Around) -> tuple[str, ...]:
    had = row.former_pid
    match row.state:
        case "SYN_RECV":
            return ("No PID: half open. Only the kernel knows of it; accept() can't take it yet.",)
        case "TIME_WAIT" if had is not None:
            return (f"No PID: {had} closed it. What is left after close() is the kernel's.", _time_left(around))
        case "TIME_WAIT":
            return ("No PID: its process has closed it. What is left is the kernel's.", _time_left(around))
        case state if state in _CLOSED_BY_ITS_PROCESS:
            if had is None:
                return ("No PID: its process has closed it. The kernel says goodbye alone.",)
            gone = f"{had} is gone" if around.alive is False else f"{had} has closed it"
            return (f"No PID: {gone}. The kernel says goodbye without it.",)
        case "ESTABLISHED" | "CLOSE_WAIT" if had is None:
            return ("No PID: not accepted. It waits in the kernel until someone calls accept().",)
    if had is not None:
        return (f"No PID: {had} had it, and has it no longer. What is left is the kernel's.",)
    return ("No PID: no process has it open. It is the kernel's.",)


def _program(row: Row, around: Around) -> tuple[str, ...]:
    if row.whose == "unknown":
        return (around.secret,)
    if row.state == "LISTEN":
        return (_queue(row, around),)
    if row.state == "TIME_WAIT":
        return (_time_left(around),)
    who = "the program has not read" if row.pids else "no program has read"
    if row.key.transport == "udp":
        waits = f"A datagram waits in this socket: {who} it yet."
        return (waits if around.unread else "No datagram waits here; what UDP has sent it does not keep.",)
    said = []
    if around.unread:
        came = plural(around.unread, "byte")
        said.append(_within(f"{came} came and were acknowledged; {who} them yet.", f"{came} not read yet."))
    if around.unsent:
        left = plural(around.unsent, "byte")
        said.append(
            _within(f"{left} sent, not acknowledged: the kernel keeps them to send again.", f"{left} not acknowledged.")
        )
    if said or row.whose == "kernel":
        return (*said, *_nobody(row, around)) if row.whose == "kernel" else tuple(said)
    if not around.queues:
        return ("The program that has this socket open.",)
    return ("Both queues are empty: nothing unread, and everything sent is acknowledged.",)


def _queue(row: Row, around: Around) -> str:
    """A listener's accept queue. Linux lets one more wait than the backlog says."""
    if not around.queues or (not row.backlog and not row.waiting):
        return "It listens: the kernel keeps who has called in a queue, until accept()."
    if row.waiting > row.backlog:
        return f"{row.waiting} wait, backlog {row.backlog}: the queue is full, and further SYNs are ignored."
    if row.waiting:
        noun = "connection waits" if row.waiting == 1 else "connections wait"
        return f"{row.waiting} {noun} for accept(); with backlog {row.backlog} Linux lets {row.backlog + 1} wait."
    return f"Nobody waits for accept(); with backlog {row.backlog} Linux lets {row.backlog + 1} wait."


def _user(row: Row) -> str:
    if not row.user:
        return "No user: no process has it."
    whose = "whose process has it" if row.pids else "whose socket it is"
    return _within(f"{row.user}: the user {whose}. Others may not see into it, root may.", f"The user {whose}.")


def _time_left(around: Around) -> str:
    if around.seconds is None:
        return "The kernel keeps it for 60 s at most, so that late packets meet no new one."
    return f"The kernel keeps it {around.seconds} s more, so that late packets meet no new one."


def _within(*variants: str) -> str:
    """The first that fits; the last one cut, if none does."""
    return next((each for each in variants if len(each) <= WIDTH), variants[-1][:WIDTH])
