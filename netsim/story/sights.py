"""Sights: the usual questions of claims and answers to a world, each with one plain answer.

Law: what is not there raises LookupError, which makes a claim false; nothing is made up in its place.
"""

from __future__ import annotations

from netsim.model.address import Address, Transport
from netsim.model.events import CallError, KernelSocket, SocketRef
from netsim.model.kernel import sockets
from netsim.model.packet import Packet
from netsim.model.views import conversation_of, end_of, kernel_socket, listener, packets_of, waiting
from netsim.model.world import Endpoint, Mark, Row, World
from netsim.story.packets import packet_name


def endpoint(world: World, who: str) -> Endpoint:
    """The program `who`."""
    return world.endpoints[who]


def line_of(world: World, who: str, text: str) -> int:
    """The number (from 1) of the first line of its program, behind its docstring, that has this text."""
    source = endpoint(world, who).source
    for number, line in enumerate(source, 1):
        if text in line and not line.startswith(('"""', "import", "from")):
            return number
    raise LookupError(f"{who} has no line with {text!r}")


def mark(world: World, who: str, text: str) -> Mark:
    """What stands beside the first line with this text once it was run: text "→ fd 3", "ok", "ECONNREFUSED"."""
    return endpoint(world, who).marks[line_of(world, who, text)]


def has_run(world: World, who: str, text: str) -> bool:
    """Whether the call on that line came back without an error."""
    return line_of(world, who, text) in endpoint(world, who).marks and mark(world, who, text).ok


def error_of(world: World, who: str) -> CallError:
    """The exception of the extra line that was run last, or else the one that ended the program."""
    found = endpoint(world, who).extra_error or endpoint(world, who).error
    if found is None:
        raise LookupError(f"no exception in {who}")
    return found


def error_text(world: World, who: str) -> str:
    """The same exception as Python writes it: its type and what it says."""
    error = error_of(world, who)
    return f"{error.type}: {error.message}"


def tried(world: World, who: str) -> str:
    """The error of the extra line that was run last, "EADDRINUSE" or "OverflowError"; "" if it went well."""
    error = endpoint(world, who).extra_error
    return (error.name or error.type) if error else ""


def sleeps_in(world: World, who: str) -> str:
    """The call in which it sleeps; "" if it does not."""
    found = endpoint(world, who)
    return found.call.name if found.status == "asleep" and found.call else ""


def socket(world: World, who: str, index: int = 0) -> SocketRef:
    """One of its open sockets, in the order of their fds."""
    return endpoint(world, who).sockets[index]


def kernels(world: World, who: str, index: int = 0) -> KernelSocket:
    """The kernel's entry for one of its open sockets."""
    found = kernel_socket(world, socket(world, who, index))
    if found is None:
        raise LookupError(f"the kernel lists no such socket of {who}")
    return found


def port_of(world: World, who: str, index: int = 0) -> int:
    """The local port of one of its open sockets, 0 if it has none."""
    ref = socket(world, who, index)
    known = kernel_socket(world, ref)
    local = known.local if known else ref.local
    return local.port if local else 0


def listening(world: World, who: str = "server") -> KernelSocket:
    """Its listening socket as the kernel has it."""
    found = listener(world, endpoint(world, who))
    if found is None:
        raise LookupError(f"{who} listens on no port")
    return found


def queue(world: World, who: str = "server") -> int:
    """How many connections wait for its accept()."""
    return len(waiting(world, endpoint(world, who)))


def states(world: World, who: str = "client1") -> tuple[str, str]:
    """The kernel's states of both ends of its conversation, the client's first; "" for an end that is not there."""
    conversation = conversation_of(world, endpoint(world, who))
    if conversation is None:
        return "", ""
    ends = (end_of(world, conversation, "client"), end_of(world, conversation, "server"))
    return (ends[0].state if ends[0] else "", ends[1].state if ends[1] else "")


def packets(world: World, who: str = "client1") -> tuple[Packet, ...]:
    """The packets of a client's conversation, the oldest first."""
    return packets_of(world, conversation_of(world, endpoint(world, who)))


def flags(packet: Packet) -> str:
    """ "SYN", "SYN-ACK", "ACK", "FIN-ACK", "RST-ACK"; "datagram"; "ICMP". PSH is left out."""
    if packet.icmp:
        return "ICMP"
    if packet.transport == "udp":
        return "datagram"
    return "-".join(flag for flag in ("SYN", "FIN", "RST", "ACK") if flag in packet.flags)


def called(packet: Packet) -> str:
    """What the arrow on the screen calls it: "SYN", "SYN-ACK", "ACK", "19 bytes", "FIN", "RST-ACK", "datagram"."""
    return flags(packet) if "RST" in packet.flags else packet_name(packet)


def on_port(world: World, port: int, transport: Transport = "tcp") -> tuple[KernelSocket, ...]:
    """Every socket of the kernel's whose local port is this."""
    return tuple(each for each in sockets(world) if each.local.port == port and each.transport == transport)


def rows(world: World, port: int, transport: Transport = "tcp") -> tuple[Row, ...]:
    """The rows of the port table with this local port."""
    return tuple(
        slot.row
        for slot in world.slots
        if slot.row and slot.row.key.port == port and slot.row.key.transport == transport
    )


def listen_rows(world: World, port: int) -> tuple[Row, ...]:
    """The table's rows of the sockets that listen on this port."""
    return tuple(row for row in rows(world, port) if row.state == "LISTEN")


def listen_row(world: World, port: int) -> Row:
    """The table's row of the listening socket."""
    found = listen_rows(world, port)
    if not found:
        raise LookupError(f"nobody listens on port {port}")
    return found[0]


def pids(row: Row) -> str:
    """Who has a row's socket: "PID 7", "PID 7 and 8", "no PID"."""
    return f"PID {' and '.join(map(str, row.pids))}" if row.pids else "no PID"


def lab_port(world: World) -> int:
    """The lab's port."""
    if world.lab is None:
        raise LookupError("there is no lab yet")
    return world.lab.port


def printed(world: World, who: str) -> str:
    """What it has written so far (its last lines)."""
    return "\n".join(endpoint(world, who).printed)


def result(world: World, who: str) -> str:
    """The result of the extra line that was run last, as Python writes it."""
    return endpoint(world, who).extra_result


def address(world: World, who: str, index: int = 0) -> Address:
    """The local address of one of its open sockets."""
    known = kernel_socket(world, socket(world, who, index))
    local = known.local if known else socket(world, who, index).local
    if local is None:
        raise LookupError(f"the socket of {who} has no address")
    return local
