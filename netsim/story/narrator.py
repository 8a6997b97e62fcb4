"""The narrator: one true sentence about what just happened and why, of at most 77 columns.

It says only what was observed: what a call returned, what the kernel's states and queues are now.
"""

from __future__ import annotations

from collections.abc import Iterable

from netsim.model.address import Conversation
from netsim.model.events import (
    AnyEvent,
    CallReturned,
    CallSlept,
    CallStarted,
    CommandRefused,
    EndpointStarted,
    ExtraLineRan,
    KernelSocket,
    ProcessExited,
    ProcessSlept,
    ProcessSpun,
    ProgramEnded,
)
from netsim.model.views import listener, unread_bytes, waiting
from netsim.model.world import Endpoint, World
from netsim.story.callers import WIDTH, side
from netsim.story.calls import opening, plural, speaker
from netsim.story.errors import ending, explain
from netsim.story.gate_narrator import narrate_gate
from netsim.story.own import came_to, port_of, spins, waits, welcome

ASKING = frozenset(("getsockname", "getpeername", "getsockopt", "settimeout", "setblocking", "detach"))
SIGKILL = 9  # signal(7); the number, because this room asks no system


def narrate(world: World) -> str:
    """What the why line says about the world now; never longer than WIDTH."""
    sentence = _sentence(world)
    return sentence if len(sentence) <= WIDTH else sentence[: WIDTH - 2].rstrip() + " …"


def _sentence(world: World) -> str:
    if world.ended is not None:
        return ending(world.ended.reason)
    if world.gate != "none":
        told = narrate_gate(world)
        if told is not None:
            return told
    event = _telling(world.since)
    if event is None:
        return welcome(world) or _started(world) or came_to(world) or _opening(world)
    if isinstance(event, CommandRefused):
        return event.why
    endpoint = world.endpoints.get(event.who)
    if endpoint is None:
        return _opening(world)
    match event:
        case CallReturned(error=None):
            return _returned(event, endpoint, world)
        case CallReturned(error=error) if error is not None:
            return _port_in_time_wait(event, world) or explain(error, event.name, port_of(event, world))
        case CallSlept():
            return _slept(endpoint, world)
        case ProcessSlept():
            return waits(endpoint, speaker(endpoint, world))
        case ProcessSpun():
            return spins(speaker(endpoint, world))
        case ExtraLineRan():
            if event.error is not None:
                return explain(event.error, "", _port(world))
            return f"One line more than the program has was run in it: {event.source}"
        case ProgramEnded():
            return _program_ended(event, endpoint, world)
        case ProcessExited():
            return _exited(event, endpoint, world)
    return _opening(world)


Telling = (
    CallReturned | CallSlept | ProcessSlept | ProcessSpun | ExtraLineRan | ProgramEnded | ProcessExited | CommandRefused
)  # fmt: skip


def _telling(since: Iterable[AnyEvent]) -> Telling | None:
    """The event of this step that matters most to a person: the last call's outcome, or how a program ended.

    A program that ends well after its last call has said all with that call; so has a call under an extra line.
    """
    best: Telling | None = None
    for event in since:
        match event:
            case CallReturned(error=None, name=name) if name in ASKING and isinstance(best, CallReturned):
                pass  # what a library asks behind its back is no outcome
            case CallReturned() | CallSlept() | CommandRefused():
                best = event
            case ProcessSpun():
                best = event
            case ProcessSlept():
                asked = isinstance(best, CallReturned) and best.error is None and best.name in ASKING
                if best is None or asked or isinstance(best, ProcessSlept | ProcessSpun):
                    best = event
            case ExtraLineRan():
                if event.error is not None or not isinstance(best, CallReturned):
                    best = event
            case ProgramEnded():
                if event.error is not None and not (isinstance(best, CallReturned) and best.error is not None):
                    best = event
            case ProcessExited():
                if event.status < 0 or best is None:
                    best = event
            case CallStarted(name=name):
                best = best if name in ASKING else None
            case _:
                pass
    return best


def _started(world: World) -> str:
    """What there is to say of a process that was started in this step: again, or one client more."""
    started = [event.who for event in world.since if isinstance(event, EndpointStarted)]
    endpoint = world.endpoints.get(started[-1]) if started else None
    if endpoint is None:
        return ""
    if endpoint.former_pids:
        return f"The same program again, in a new process: PID {endpoint.pid}, was {endpoint.former_pids[-1]}."
    if endpoint.role == "client" and endpoint.number > 1:
        return f"One more client: the same program, in a process of its own, PID {endpoint.pid}."
    return ""


def _opening(world: World) -> str:
    running = [endpoint for endpoint in world.endpoints.values() if endpoint.status != "ended"]
    for_udp = [endpoint for endpoint in running if endpoint.transport == "udp"]
    if any(not endpoint.marks for endpoint in for_udp):
        if len(for_udp) == 1:
            return "One more program, for UDP."
        port = _port(world)
        return f"Two more programs, for UDP. Port {port} of UDP is not port {port} of TCP."
    if not running:
        return "A lab of real processes and real sockets is starting."
    if len(running) == 1:
        return "One program is running and stopped; the other is starting."
    return "Two programs, two PIDs, and no way to talk yet. Press space to begin."


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
            return "shutdown(): this side sends no more, and its FIN says so. It can still receive."
        case name:
            return f"{name}() returned {event.result}."


def _started_again(endpoint: Endpoint, port: int) -> str:
    return f"Started again: PID {endpoint.pid}, was {endpoint.former_pids[-1]}. The port is the same, {port}."


def _connected(event: CallReturned, world: World) -> str:
    if event.error is None and event.name == "connect_ex" and event.result != "0":
        return f"connect_ex() returned {event.result}: an error number instead of an exception."
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
    head = f"{event.name}() returned {event.result}: the kernel took {size}."
    peer = _peer(event, world)
    if event.size and peer is not None and unread_bytes(peer) >= event.size:
        if endpoint.role == "client":
            return f"{head} The server has not read them."
        caller = side(world, Conversation("tcp", peer.local, peer.remote or peer.local), "client")
        return caller.fit(f"{head} @who has not read them.")
    return head


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


def _port_in_time_wait(event: CallReturned, world: World) -> str:
    """Why a bind is refused although nobody listens: what an old connection has left behind."""
    if event.name != "bind" or event.error is None or event.error.name != "EADDRINUSE":
        return ""
    there = [each for each in world.kernel if each.local.port == port_of(event, world) and each.transport == "tcp"]
    if any(each.state == "LISTEN" for each in there) or not any(each.state == "TIME_WAIT" for each in there):
        return ""
    return f"Port {port_of(event, world)} is in TIME_WAIT: without SO_REUSEADDR nobody may bind it again yet."


def _slept(endpoint: Endpoint, world: World) -> str:
    call = endpoint.call.name if endpoint.call else "a call"
    who = speaker(endpoint, world)
    match call:
        case "accept":
            return f"{opening(who)} sleeps in accept(): the kernel wakes it when somebody connects."
        case "connect":
            return _unanswered(who, world)
        case "recvfrom":
            return f"{opening(who)} sleeps in recvfrom(): a datagram will wake it."
        case "recv" | "recv_into" | "recvmsg":
            return f"{opening(who)} sleeps in {call}(): the kernel wakes it when bytes come."
        case _:
            return f"{opening(who)} sleeps in {call}(): the kernel will wake it."


def _unanswered(who: str, world: World) -> str:
    server = world.endpoints.get("server")
    queue = listener(world, server) if server is not None else None
    if queue is not None and queue.receive_queue > queue.send_queue:
        full = f"{queue.receive_queue} wait, backlog {queue.send_queue}"
        return f"The queue is full ({full}): the kernel ignores this SYN."
    return f"{opening(who)} sleeps in connect(): the kernel waits for an answer to its SYN."


def _program_ended(event: ProgramEnded, endpoint: Endpoint, world: World) -> str:
    if event.error is None:
        return f"{opening(speaker(endpoint, world))}'s program has come to its end."
    if event.error.name in ("EAI_AGAIN", "EAI_NONAME"):  # asked before there was a socket
        return explain(event.error, "connect", _port(world))
    message = f": {event.error.message}" if event.error.message else "."
    return f"{opening(speaker(endpoint, world))} ended with {event.error.type}{message}"


def _exited(event: ProcessExited, endpoint: Endpoint, world: World) -> str:
    who = speaker(endpoint, world)
    if event.status == -SIGKILL:
        goodbye = [packet for packet in world.packets if f"packet {packet.number}" in world.changed]
        if any("RST" in packet.flags for packet in goodbye):
            return f"{opening(who)} was killed with bytes unread: the kernel sends an RST, no goodbye."
        if any("FIN" in packet.flags for packet in goodbye):
            return f"{opening(who)} was killed. The kernel says goodbye for it, with a FIN."
        return f"{opening(who)} (PID {event.pid}) was killed: the kernel closes its sockets for it."
    if event.status < 0:
        return f"{opening(who)} (PID {event.pid}) was ended by signal {-event.status}."
    return f"{opening(who)} (PID {event.pid}) has ended, and its PID with it."


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


def _port(world: World) -> int:
    return world.lab.port if world.lab else 8888
