"""The way to the process, told: what the packet says at each step, what the kernel makes of it, and why.

Law: from the socket on the packet says nothing: file number and PID are the kernel's own knowledge.
"""

from __future__ import annotations

from typing import NamedTuple, assert_never

from netsim.model.address import Address
from netsim.model.way import STEPS, Candidate, Owner, Step, Way
from netsim.story.calls import plural

PROTOCOL_NUMBERS = {"tcp": 6, "udp": 17}
NO_FIELD = "-"  # the packet says nothing of it
COVERED = "covered"


class Told(NamedTuple):
    """One step. `says`: what stands in the packet; `found`: what the kernel has then; `why`: one to three sentences."""

    says: str
    found: str
    why: str


def short(address: Address) -> str:
    """ ":8888", with its host where that is not this machine's usual one."""
    return f":{address.port}" if address.host in ("127.0.0.1", "::1", "0.0.0.0", "::") else str(address)


def told(way: Way, step: Step) -> Told:
    """What is shown and said of a step."""
    if way.covered and STEPS.index(step) >= STEPS.index("port"):
        return _covered(way, step)
    match step:
        case "address":
            return _address(way)
        case "protocol":
            return _protocol(way)
        case "port":
            return _port(way)
        case "four-tuple":
            return _four_tuple(way)
        case "socket":
            return _socket(way)
        case "fd":
            return _fd(way)
        case "process":
            return Told(NO_FIELD, _process(way), _ending(way))
        case _:
            assert_never(step)


def _address(way: Way) -> Told:
    host = way.destination.host
    here = "this machine itself" if _is_loopback(host) else "an address of this net"
    are = "is" if len(way.candidates) == 1 else "are"
    why = f"{host} is {here}: the right machine, and {_sockets(way.candidates)} {are} possible in it."
    if way.packet.fate == "delivered":
        why += " The packet was delivered before: these are the sockets that there are in the moment that is shown."
    return Told(host, here, why)


def _protocol(way: Way) -> Told:
    name, number = way.transport.upper(), PROTOCOL_NUMBERS[way.transport]
    left = way.left_after("protocol")
    other = "UDP" if way.transport == "tcp" else "TCP"
    why = f"The kernel hands it to {name}. {name}'s port {way.destination.port} and {other}'s are two different ports."
    if way.is_error:
        why = (
            f"ICMP has no ports of its own. It quotes the {name} packet that could not be delivered: the kernel looks "
            f"for the socket that had sent that one."
        )
        return Told(f"ICMP, about {name}", _sockets(left), why)
    return Told(f"{number} = {name}", _sockets(left), why)


def _port(way: Way) -> Told:
    left = way.left_after("port")
    which = "source port of the quoted packet" if way.is_error else "destination port"
    if not left:
        why = f"The {which} is {way.destination.port}, and no {way.transport.upper()} socket has it."
        return Told(str(way.destination.port), "nobody", why)
    one = len(left) == 1
    whom = "caller" if way.packet.sender == "server" else "service"
    why = f"The {which} finds the {whom}: {_sockets(left)} of this machine {'has' if one else 'have'} port "
    why += f"{way.destination.port}." + ("" if one else " One number, and not yet one socket: the other end decides.")
    return Told(str(way.destination.port), _sockets(left), why)


def _four_tuple(way: Way) -> Told:
    says = f"{short(way.source)} > {short(way.destination)}"
    if not way.chosen:
        return Told(says, "nobody", _nobody(way))
    if len(way.chosen) > 1:
        why = f"{len(way.chosen)} sockets fit equally well. "
        why += (
            "The kernel picks one by a hash of the four numbers (SO_REUSEPORT)."
            if way.transport == "tcp"
            else "Which one gets the datagram is the kernel's choice (SO_REUSEADDR, SO_REUSEPORT)."
        )
        return Told(says, f"one of {len(way.chosen)}", why)
    chosen = way.chosen[0]
    if chosen.socket.remote is not None and chosen.socket.remote.port:
        others = sum(each.verdict == "peer" for each in way.candidates)
        why = f"Connections are asked first, and this one has all four numbers: it comes from {short(way.source)}."
        if others:
            why += (
                f" {plural(others, 'other connection')} on this port {'has' if others == 1 else 'have'} another peer."
            )
        if any(each.verdict == "listener" for each in way.candidates):
            why += " So the listener is not asked." if way.transport == "tcp" else ""
        return Told(says, f"the connection with {short(way.source)}", why)
    if way.transport == "udp":
        why = "This socket is not connected: it takes datagrams from everybody, so the sender's numbers do not matter."
        return Told(says, "open to everybody", why)
    made = any(each.verdict == "newer" for each in way.candidates)
    why = "No connection has these four numbers, so the listener is asked: a SYN is what it waits for."
    if made:
        why = "When this SYN came no connection had these four numbers, so the listener was asked; it made one of it."
    return Told(says, "the listener", why)


def _socket(way: Way) -> Told:
    if not way.chosen:
        return Told(NO_FIELD, "none", _nobody(way))
    socket = way.chosen[0].socket
    state = f"  {socket.state}" if way.transport == "tcp" else ""
    if socket.inode:
        why = f"To the kernel a socket is a file without a name: this one has inode {socket.inode}. Its state and its "
        return Told(NO_FIELD, f"inode {socket.inode}{state}", why + "buffers are there, whatever the program does.")
    match way.end:
        case "half open":
            why = (
                "SYN_RECV: half a connection, kept by the kernel beside the listener. It becomes a socket with the ACK."
            )
        case "queue":
            why = "The socket is there, and takes bytes, but it is not a file yet: nobody has called accept() for it."
        case "process" | "unknown":
            return Told(
                NO_FIELD, f"a socket{state}", "The inode is not known here: the kernel's list could not be had."
            )
        case _:
            why = "The socket is no file any more: the program closed it, and the kernel ends the conversation alone."
    return Told(NO_FIELD, f"no inode{state}", why)


def _fd(way: Way) -> Told:
    owners = _owners(way)
    if not owners:
        return Told(NO_FIELD, "none", _ending(way))
    known = [owner for owner in owners if owner.fd is not None]
    if not known:
        return Told(NO_FIELD, "not known", "It is no program of ours: its file numbers are not to be seen from here.")
    text = ", ".join(f"fd {owner.fd} of {owner.name}" for owner in known[:3])
    why = (
        f"A process has a table of open files, and the socket is number {known[0].fd} in it. Another process may have "
    )
    return Told(NO_FIELD, text, why + "other things under that number.")


def _process(way: Way) -> str:
    owners = _owners(way)
    if not owners:
        return {"half open": "no PID yet", "queue": "no PID yet", "kernel": "no PID any more", "nobody": "nobody",
                "unknown": "not known", "process": ""}[way.end]  # fmt: skip
    return ", ".join(f"PID {owner.pid}  {owner.name}" for owner in owners[:3]) + (" .." if len(owners) > 3 else "")


def _ending(way: Way) -> str:
    """How the way ends."""
    lost = "This packet was lost, it never came so far. " if way.packet.fate == "lost" else ""
    match way.end:
        case "process":
            return lost + _in_a_process(way)
        case "half open":
            return lost + "No PID: the connection is half open, and nobody has accepted what is not there yet."
        case "queue":
            listener = next((each for each in way.candidates if each.socket.state == "LISTEN" and each.owners), None)
            who = f" to PID {listener.owners[0].pid}" if listener else ""
            return lost + f"No PID yet: the kernel keeps the connection and its bytes. accept() will give it{who}."
        case "kernel":
            former = way.chosen[0].former_pid
            who = f"PID {former} has let go of it" if former is not None else "its process has let go of it"
            return lost + f"No PID any more: {who}. The kernel takes the packet itself, and needs no program for that."
        case "unknown":
            return lost + "A process has it, but another user's: whose it is can't be seen from here."
        case "nobody":
            return lost + _nobody(way)
        case _:
            assert_never(way.end)


def _in_a_process(way: Way) -> str:
    owners = _owners(way)
    first = owners[0]
    if len({owner.pid for owner in owners}) > 1:
        return "Several processes have this socket open (after a fork): who calls first gets it. One port, many PIDs."
    if way.chosen[0].socket.state == "LISTEN":
        return (
            f"Only now there is a PID: {first.pid}. It was found, not read: no byte of the packet says it. The kernel "
            f"answers the SYN without asking this program."
        )
    if way.is_error:
        return f"The kernel tells PID {first.pid} with an error, at its next call: and only if it has called connect()."
    return (
        f"Only now there is a PID: {first.pid}. It was found, not read: no byte of the packet says it. After a restart "
        f"the same packet finds another one."
    )


def _nobody(way: Way) -> str:
    """What the kernel does with a packet that is for no socket."""
    port = way.destination.port
    past = way.packet.fate == "delivered"
    if way.is_error:
        return "The socket that had sent the quoted packet is gone: nobody hears of the error."
    if way.transport == "udp":
        said = f"No socket has UDP port {port}{' now' if past else ''}: the kernel throws the datagram away, "
        return said + "and answers with ICMP: port unreachable."
    if "RST" in way.packet.flags:
        return "No connection has these four numbers (any more): a RST is thrown away, and never answered."
    if any(each.verdict == "no SYN" for each in way.candidates):
        return "The connection is gone, and a listener takes nothing but a SYN: the kernel would answer with a RST."
    now = " now" if past else ""
    return f"Nobody has port {port}{now}: the kernel answers with a RST. connect() gets ECONNREFUSED from that."


def _covered(way: Way, step: Step) -> Told:
    """The same without the ports: the look-up can't go on, and every process of the protocol is possible."""
    left = way.left_after("protocol")
    why = f"Without the port the kernel can't know whose it is: {_sockets(left)} of {_processes(len(way.processes))} "
    why += f"{'is' if len(left) == 1 else 'are'} possible here. "
    waiting = _waiting(left)
    if waiting:
        names = ", ".join(f"{owner.name} (PID {owner.pid})" for owner in waiting[:3])
        more = f" and {len(waiting) - 3} more" if len(waiting) > 3 else ""
        why += f"{'Listening' if way.transport == 'tcp' else 'Open to everybody'}: {names}{more}."
    if step == "port":
        return Told(COVERED, _sockets(left), why)
    if step == "process":
        return Told(NO_FIELD, f"one of {_processes(len(way.processes))}", why)
    return Told(COVERED if step == "four-tuple" else NO_FIELD, "?", why)


def _waiting(candidates: tuple[Candidate, ...]) -> list[Owner]:
    """The processes that wait for whoever calls: with a listening socket, or a UDP socket without a peer."""
    found: dict[int, Owner] = {}
    for each in candidates:
        peer = each.socket.remote
        if each.socket.state == "LISTEN" or (each.socket.transport == "udp" and not (peer and peer.port)):
            for owner in each.owners:
                found.setdefault(owner.pid, owner)
    return list(found.values())


def reason(candidate: Candidate, way: Way) -> str:
    """In a few words: why a candidate is (or is not) the one."""
    if way.covered:
        return f"it is {candidate.socket.transport.upper()}'s" if candidate.verdict == "protocol" else "possible"
    peer = candidate.socket.remote
    match candidate.verdict:
        case "protocol":
            return f"out: it is {candidate.socket.transport.upper()}'s"
        case "port":
            return "out: another port"
        case "host":
            return "out: another address"
        case "peer":
            return f"out: its peer is {short(peer)}" if peer is not None else "out: another peer"
        case "listener":
            return "out: connections first"
        case "newer":
            return "made of this SYN, later"
        case "no SYN":
            return "out: takes SYNs only"
        case "chosen":
            return "this one" if len(way.chosen) == 1 else "one of these"
        case _:
            assert_never(candidate.verdict)


def _owners(way: Way) -> list[Owner]:
    """Who has the chosen sockets open, each process and file number once."""
    found = {(owner.pid, owner.fd): owner for each in way.chosen for owner in each.owners}
    return list(found.values())


def _sockets(candidates: tuple[Candidate, ...]) -> str:
    return plural(len(candidates), "socket")


def _processes(count: int) -> str:
    return "1 process" if count == 1 else f"{count} processes"


def _is_loopback(host: str) -> bool:
    return host.startswith("127.") or host == "::1"
