"""What a call that came back has come to, in one sentence: its result and what the kernel shows of it, or its error.

Law: only what was observed; who else than a program's main thread has made the call is named where there is room.
"""

from __future__ import annotations

from collections.abc import Callable

from netsim.model.address import Conversation
from netsim.model.events import CallError, CallReturned, CallStarted, KernelSocket
from netsim.model.views import unread_bytes, waiting
from netsim.model.world import Endpoint, Row, World
from netsim.story.callers import WIDTH, fitting, side
from netsim.story.calls import opening, plural, speaker, the
from netsim.story.errors import explain
from netsim.story.own import port_of


def returned(event: CallReturned, endpoint: Endpoint, world: World) -> str:
    """The sentence about a call of this program's."""
    if event.error is None:
        told = _returned(event, endpoint, world)
    else:
        told = (
            _port_left_behind(event, endpoint, world)
            or _not_in_this_net(event, world)
            or _port_of_another(event, endpoint, world)
            or _port_of_a_listener(event, endpoint, world)
            or _explain(event, event.error, world)
        )
    return fitting(*(f"{whose}{told}" for whose in _by_whom(event, endpoint, world)), told)


def is_private(world: World) -> bool:
    """Whether the lab has a net of its own, or one that is not known yet."""
    return world.lab is None or world.lab.net == "private"


def _by_whom(event: CallReturned, endpoint: Endpoint, world: World) -> tuple[str, ...]:
    """Who else than a program's main thread has made the call, to be put before, the longest first; () if that has."""
    who = speaker(endpoint, world)
    if event.thread:
        return f"Thread {event.thread} of {the(who)}: ", f"Thread {event.thread}: "
    return (f"{opening(who)}: ",) if endpoint.forked_from else ()


def _returned(event: CallReturned, endpoint: Endpoint, world: World) -> str:
    fd = event.socket.fd if event.socket else 0
    port = port_of(event, world)
    match event.name:
        case "socket":
            return f"socket(): the kernel made an endpoint. To the program it is file number {fd}."
        case "setsockopt" if endpoint.own is not None:
            return f"An option of the socket fd {fd} was set. No packet was needed."
        case "setsockopt":
            return "An option of the socket: a port just closed may be bound again at once."
        case "bind":
            if endpoint.transport == "udp" and endpoint.former_pids:
                return _started_again(endpoint, port)
            return f"bind(): port {port} is claimed. Clients could know this number beforehand."
        case "listen":
            if endpoint.former_pids:
                return _started_again(endpoint, port)
            return f"listen(): from now on the kernel may take calls for {port}, even unattended."
        case "connect" | "connect_ex":
            return _connected(event, world)
        case "accept":
            return _accepted(event, port, world)
        case "send" | "sendall" | "sendmsg":
            return _sent(event, endpoint, world)
        case "sendto":
            return "UDP: one packet, no handshake, no ACK. Nothing tells the sender it arrived."
        case "recv" | "recv_into" | "recvmsg":
            if event.size == 0:
                return f"{event.name}() returned b'': not an empty message, but the end of the stream."
            took = plural(event.size or 0, "byte")
            return f"{event.name}() took the {took} from the kernel. No packet was needed."
        case "recvfrom" | "recvfrom_into":
            took = plural(event.size or 0, "byte")
            return f"{event.name}() took one datagram of {took}, and learned who sent it."
        case "close":
            return _closed(event, endpoint, world)
        case "shutdown":
            return _SHUTDOWNS.get(_arguments(event, world), _SHUTDOWNS["SHUT_WR"])
        case "setblocking" | "settimeout":
            return _patience(event, fd, world)
        case name:
            return f"{name}() returned {event.result}."


# By the argument, as the lab names it (shutdown(2)).
_SHUTDOWNS = {
    "SHUT_RD": "shutdown(): this side reads no more. Nothing is sent for that.",
    "SHUT_WR": "shutdown(): this side sends no more; its FIN says so. It can still receive.",
    "SHUT_RDWR": "shutdown(): this side neither sends nor reads any more; its FIN says so.",
}


def _patience(event: CallReturned, fd: int, world: World) -> str:
    """What a socket was told about waiting."""
    match _arguments(event, world):
        case "False" | "0" | "0.0":
            return f"From now on calls on fd {fd} never sleep: where they would have to, they fail."
        case "True" | "None" | "1" if event.name == "setblocking" or _arguments(event, world) == "None":
            return f"From now on calls on fd {fd} sleep as long as it takes."
        case seconds if event.name == "settimeout" and seconds:
            return f"From now on calls on fd {fd} sleep for {seconds} s at most."
    return f"{event.name}() returned {event.result}."


def _arguments(event: CallReturned, world: World) -> str:
    """What the call was given, as Python would write it."""
    for each in reversed(world.since):
        if isinstance(each, CallStarted) and (each.who, each.call) == (event.who, event.call):
            return each.arguments
    return ""


def _started_again(endpoint: Endpoint, port: int) -> str:
    return f"Started again: PID {endpoint.pid}, was {endpoint.former_pids[-1]}. The port is the same, {port}."


def _connected(event: CallReturned, world: World) -> str:
    if event.error is None and event.name == "connect_ex" and event.result != "0":
        return f"connect_ex() returned {event.result}: an error number instead of an exception."
    if event.socket is not None and event.socket.transport == "udp":
        return f"{event.name}(): the address is noted, nothing was sent. UDP knows no connection."
    server = world.endpoints.get("server")
    queue = len(waiting(world, server)) if server is not None else 0
    if queue > 1:
        return f"{queue} connections on one port, and no process holds any of the server's ends."
    if queue == 1:
        return "Connected, by the kernel alone. The server's end has no PID: no one accepted."
    return "connect() returned: the client's end is open."


def _accepted(event: CallReturned, port: int, world: World) -> str:
    taken = event.accepted
    told = f"accept() sent nothing. It took %s connection: fd {taken.fd if taken else 0}, still port {port}."
    if taken is not None and taken.local is not None and taken.remote is not None:
        caller = side(world, Conversation("tcp", taken.remote, taken.local), "client")
        named = told.replace("%s", caller.whose)
        if not caller.ours and len(named) <= WIDTH:
            return named
    return told.replace("%s", "a waiting")


def _sent(event: CallReturned, endpoint: Endpoint, world: World) -> str:
    if event.size == 0:
        return f"{event.name}() returned 0: no bytes, so no packet. TCP knows no empty message."
    size = plural(event.size or 0, "byte")
    head = f"{event.name}() returned {event.result}: {_took(size)}"
    peer = _peer(event, world)
    if event.size and peer is not None and unread_bytes(peer) >= event.size:
        if endpoint.role == "client":
            unread = "The server has not read them."
            return f"{head} {unread}" if len(head) + len(unread) < WIDTH else f"{event.name}(): {_took(size)} {unread}"
        caller = side(world, Conversation("tcp", peer.local, peer.remote or peer.local), "client")
        told = caller.fit(f"{head} @who has not read them.")
        return told if len(told) <= WIDTH else caller.fit(f"{event.name}(): {_took(size)} @who has not read them.")
    return head


def _took(size: str) -> str:
    return f"the kernel took {size}."


def _closed(event: CallReturned, endpoint: Endpoint, world: World) -> str:
    fd = event.socket.fd if event.socket else 0
    if endpoint.transport == "udp":
        return f"close(): fd {fd} is gone. UDP says no goodbye: nobody was connected."
    if event.socket is None or event.socket.remote is None:
        return f"close(): fd {fd} is gone, and its port is free."
    ends = {socket.state for socket in _both_ends(event, world)}
    if "TIME_WAIT" in ends:
        return "Both closed. The side that closed first keeps its port in TIME_WAIT for 60 s."
    if ends & {"FIN_WAIT1", "FIN_WAIT2", "LAST_ACK", "CLOSING"}:
        return f"close(): fd {fd} is gone at once. The kernel says goodbye alone, with a FIN."
    return f"close(): fd {fd} is gone at once."


def _is_taken(event: CallReturned) -> bool:
    return event.name == "bind" and event.error is not None and event.error.name == "EADDRINUSE"


def _port_left_behind(event: CallReturned, endpoint: Endpoint, world: World) -> str:
    """Why a bind is refused although nobody listens: what an old connection has left behind."""
    if not _is_taken(event) or endpoint.transport == "udp":
        return ""
    port = port_of(event, world)
    there = [each for each in world.kernel if each.local.port == port and each.transport == "tcp"]
    if not there or any(each.state == "LISTEN" for each in there):
        return ""
    old = min(there, key=lambda each: (each.inode != 0, each.state != "TIME_WAIT"))
    if old.state == "TIME_WAIT":
        return f"Port {port} is in TIME_WAIT: without SO_REUSEADDR nobody may bind it again yet."
    row = _row(world, lambda row: (row.key.port, row.key.peer, row.state) == (port, old.remote, old.state))
    if old.inode:
        who = f"PID {row.pids[0]}" if row is not None and row.pids else "A process"
        return f"{who} still has a connection on port {port} ({old.state}): end it first."
    former = row.former_pid if row is not None else None
    if former is None or any(each.pid == former and each.status != "ended" for each in world.endpoints.values()):
        return f"An old connection ({old.state}) has port {port}: SO_REUSEADDR, or wait."
    return f"PID {former} is gone, its connection ({old.state}) stays: SO_REUSEADDR, or wait."


def _port_of_a_listener(event: CallReturned, endpoint: Endpoint, world: World) -> str:
    """The process that has the port now, by what the table says of it; "" if the port is not in it."""
    if not _is_taken(event):
        return ""
    port, state = port_of(event, world), "LISTEN" if endpoint.transport == "tcp" else ""
    wanted = (port, endpoint.transport, None, state)
    row = _row(world, lambda row: (row.key.port, row.key.transport, row.key.peer, row.state) == wanted)
    if row is None:
        return ""
    if not row.pids:
        return f"Port {port} has a {'listener' if state else 'socket'} already: take another port."
    if endpoint.pid in row.pids:
        return f"Port {port} is this program's own already: another socket of it is bound."
    pid, has = row.pids[0], "listens on" if state else "has"
    return fitting(
        f"PID {pid} ({row.name}) {has} port {port}: end that one, or take another port.",
        f"PID {pid} {has} port {port}: end that one, or take another port.",
    )


def _row(world: World, fits: Callable[[Row], bool]) -> Row | None:
    return next((slot.row for slot in world.slots if slot.row is not None and fits(slot.row)), None)


def _port_of_another(event: CallReturned, endpoint: Endpoint, world: World) -> str:
    """What to type where somebody else on this machine has our server's port: in the host net there is only one."""
    if not _is_taken(event):
        return ""
    if (
        is_private(world)
        or endpoint.own is not None
        or any(
            each.role == "server" and each.transport == endpoint.transport and each.sockets and each.who != endpoint.who
            for each in world.endpoints.values()
        )
    ):
        return ""
    port = port_of(event, world)
    return f"Port {port} is another program's. q, then take another: netsim --port {port + 1}"


def _not_in_this_net(event: CallReturned, world: World) -> str:
    """Why an address can't be had that the machine may have."""
    if event.error is None or event.error.name != "EADDRNOTAVAIL" or event.name != "bind" or not is_private(world):
        return ""
    return "The lab's own net has 127.0.0.1 and ::1, no more: take one, or --net host."


def _explain(event: CallReturned, error: CallError, world: World) -> str:
    return explain(error, event.name, port_of(event, world), private=is_private(world))


def _both_ends(event: CallReturned, world: World) -> list[KernelSocket]:
    ref = event.socket
    if ref is None:
        return []
    return [socket for socket in world.kernel if {socket.local, socket.remote} == {ref.local, ref.remote}]


def _peer(event: CallReturned, world: World) -> KernelSocket | None:
    ref = event.socket
    if ref is None or ref.remote is None:
        return None
    return next((each for each in world.kernel if each.local == ref.remote and each.remote == ref.local), None)
