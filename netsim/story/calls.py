"""Socket calls as the story sees them: which may sleep, whether they would now, and what the SPACE line calls them."""

from __future__ import annotations

from netsim.model.address import Conversation
from netsim.model.events import CallAhead, KernelSocket
from netsim.model.views import kernel_socket, local_of, unread_bytes, waiting
from netsim.model.world import Endpoint, World
from netsim.story.callers import side

READING = frozenset({"accept", "recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg"})
SENDING = frozenset({"send", "sendall", "sendto", "sendmsg"})
_EMPTY = frozenset({"EAGAIN", "TimeoutError"})  # what stands beside a line that has read nothing
CONNECTING = frozenset({"connect", "connect_ex", "create_connection"})


def is_ready(endpoint: Endpoint) -> bool:
    """It stands before a call that reads, and poll() has said that something is there for it."""
    ahead = endpoint.next_call
    return ahead is not None and ahead.name in READING and ahead.fd in endpoint.readable


def would_sleep(endpoint: Endpoint) -> bool:
    """It stands before a call that reads, and nothing is there for it."""
    ahead = endpoint.next_call
    return ahead is not None and ahead.name in READING and ahead.fd not in endpoint.readable


def speaker(endpoint: Endpoint, world: World) -> str:
    """What the bottom lines call a program: "server", "client", "client 2", "udp client", a fork by its PID."""
    if endpoint.forked_from:
        return f"child {endpoint.pid}"
    several = sum(each.role == "client" and each.transport == endpoint.transport for each in world.endpoints.values())
    number = f" {endpoint.number}" if endpoint.role == "client" and several > 1 else ""
    return ("udp " if endpoint.transport == "udp" else "") + endpoint.role + number


def the(who: str) -> str:
    """A speaker inside a sentence: "the client", and "client 2", whose number names it without an article."""
    return who if who[-1:].isdigit() else f"the {who}"


def opening(who: str) -> str:
    """A speaker that opens a sentence: "The client", "Client 2", "UDP client 2"."""
    if who[-1:].isdigit():
        return f"UDP{who[3:]}" if who.startswith("udp ") else who[0].upper() + who[1:]
    return f"The {who}"


def came_back_empty(endpoint: Endpoint) -> bool:
    """It stands before a call that reads, and came here before: then nothing was there, and it was not to wait."""
    mark = endpoint.marks.get(endpoint.line)
    return would_sleep(endpoint) and mark is not None and mark.text in _EMPTY


def describe(endpoint: Endpoint, world: World) -> str:
    """The SPACE line for running this stopped program on: who, and what the call will do."""
    who = speaker(endpoint, world)
    ahead = endpoint.next_call
    if ahead is None and endpoint.ahead:
        return f"{who}: run on to {endpoint.ahead[0].name}(), {endpoint.place(endpoint.ahead[0].line)}"
    if ahead is None and endpoint.own is not None:
        return f"{who}: run on; its own lines have no socket call ahead"
    if ahead is None:
        return f"{who}: run on to the end of the program"
    return f"{who}: {_deed(endpoint, ahead, world)}"


def _deed(endpoint: Endpoint, ahead: CallAhead, world: World) -> str:
    port = world.lab.port if world.lab else 8888
    socket = socket_of(endpoint, ahead.fd, world)
    if endpoint.own is not None and (told := _own_deed(endpoint, ahead, world)):
        return told
    match ahead.name:
        case "socket":
            return "ask the kernel for a socket"
        case "setsockopt":
            return "allow the port to be bound again soon (SO_REUSEADDR)"
        case "bind":
            return f"bind() claims port {port}"
        case "listen":
            return f"listen() lets the kernel take calls for port {port}"
        case "connect" | "connect_ex":
            return f"connect() calls port {port}"
        case "accept":
            return _accept_deed(endpoint, ahead, world)
        case "send" | "sendall" | "sendmsg":
            return f"{ahead.name}() hands its bytes to the kernel"
        case "sendto":
            return f"sendto() sends one datagram to port {port}"
        case "recv" | "recv_into" | "recvmsg":
            return _recv_deed(endpoint, ahead, socket)
        case "recvfrom" | "recvfrom_into":
            if ahead.fd in endpoint.readable:
                return f"{ahead.name}() takes the datagram from the kernel"
            return f"{ahead.name}(); no datagram has come, so {_wait(ahead)}"
        case "close":
            return f"close() gives fd {ahead.fd} back" if ahead.fd is not None else "close()"
        case "shutdown":
            return "shutdown() says that nothing more will be sent"
        case name:
            return f"{name}()"


def _own_deed(endpoint: Endpoint, ahead: CallAhead, world: World) -> str:
    """Where the label would name a port or an option: of a person's own program they are known afterwards."""
    ref = next((ref for ref in endpoint.sockets if ref.fd == ahead.fd), None)
    local = local_of(world, ref) if ref is not None else None
    match ahead.name:
        case "setsockopt":
            return "setsockopt() sets an option of the socket"
        case "setblocking":
            return "setblocking() says whether its calls may sleep"
        case "settimeout":
            return "settimeout() says how long its calls may sleep"
        case "bind":
            return "bind() claims an address and a port"
        case "listen":
            return f"listen() lets the kernel take calls for port {local.port}" if local else "listen()"
        case "connect" | "connect_ex":
            if endpoint.transport == "udp":
                return f"{ahead.name}() notes an address; UDP sends nothing for it"
            return f"{ahead.name}() calls its server"
        case "create_connection":
            return "create_connection() makes a socket and calls its server"
        case "create_server":
            return "create_server() makes a socket, claims a port and listens"
        case "sendto":
            return "sendto() sends one datagram"
        case _:
            return ""


def _wait(ahead: CallAhead) -> str:
    """What a call does that finds nothing: for how long it sleeps is the socket's timeout."""
    if ahead.timeout is None:
        return "it will sleep"
    return f"it will sleep for {ahead.timeout:g} s at most" if ahead.timeout else "it fails at once: it may not wait"


def _accept_deed(endpoint: Endpoint, ahead: CallAhead, world: World) -> str:
    if not is_ready(endpoint):
        return f"accept(); nobody waits in the queue, so {_wait(ahead)}"
    queue = waiting(world, endpoint)
    if queue and queue[0].remote is not None:
        which = "the first" if len(queue) > 1 else "the connection"
        caller = side(world, Conversation("tcp", queue[0].remote, queue[0].local), "client")
        return f"accept() takes {which}, :{queue[0].remote.port}" + ("" if caller.ours else f", {caller.long}")
    return "accept() takes the connection that waits"


def _recv_deed(endpoint: Endpoint, ahead: CallAhead, socket: KernelSocket | None) -> str:
    if ahead.fd not in endpoint.readable:
        return f"{ahead.name}(); nothing has come, so {_wait(ahead)}"
    if socket is None:
        is_over = any(ref.fd == ahead.fd and ref.remote is not None for ref in endpoint.sockets)
        what = "is told that the connection is gone" if is_over else "takes what has come"
        return f"{ahead.name}() {what}"
    unread = unread_bytes(socket)
    if unread:
        return f"{ahead.name}() takes the {plural(unread, 'byte')} from the kernel"
    if socket.state in ("CLOSE_WAIT", "LAST_ACK", "CLOSING"):
        return f"{ahead.name}() finds the end: the other side has closed"
    return f"{ahead.name}() takes what has come"


def socket_of(endpoint: Endpoint, fd: int | None, world: World) -> KernelSocket | None:
    """The kernel's view of one of the program's sockets."""
    ref = next((ref for ref in endpoint.sockets if ref.fd == fd), None)
    return kernel_socket(world, ref) if ref else None


def plural(count: int, noun: str) -> str:
    """ "1 byte", "19 bytes"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
