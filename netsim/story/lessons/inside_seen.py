"""What lesson 9 looks at: a packet's fields, two packets beside each other, and the way from a packet to a process.

Law: questions to the world and no words of the lesson's; what is not there raises LookupError.
"""

from __future__ import annotations

from netsim.model.address import Transport
from netsim.model.dissect import dissect
from netsim.model.fields import Dissection, Field
from netsim.model.packet import Packet
from netsim.model.way import Candidate, Way, way_of
from netsim.model.way import Step as Place
from netsim.model.world import World
from netsim.story.fields import MEANINGS
from netsim.story.lesson import Seen
from netsim.story.sights import endpoint, kernels, listening, on_port, packets, port_of

SENDER = "client2"
ASKER = "udpclient1"
TRANSPORTS: tuple[Transport, ...] = ("tcp", "udp")
OF_EACH_PACKET = {"ip.id", "ip.checksum"}  # the number of the packet, and the sum that has it in it

# --- the server's sockets


def servers_sockets(seen: Seen) -> range:
    """Their indexes, by fd."""
    return range(len(endpoint(seen.here, "server").sockets))


def four_on_one_port(seen: Seen) -> bool:
    """Whether there are four, all with the lab's port, and one listens."""
    ports = [port_of(seen.here, "server", index) for index in servers_sockets(seen)]
    return ports == [seen.port] * 4 and listening(seen.here).local.port == seen.port


def servers_ports(seen: Seen) -> str:
    """How many sockets, and their ports."""
    ports = [str(port_of(seen.here, "server", index)) for index in range(4)]
    return f"{len(servers_sockets(seen))} sockets, local ports {', '.join(ports)}"


# --- the packet in which client 2 says hello


def hello(world: World) -> Packet:
    """That packet."""
    found = [packet for packet in packets(world, SENDER) if packet.length and packet.sender == "client"]
    if not found:
        raise LookupError("client 2 has said nothing yet")
    return found[0]


def fields(seen: Seen) -> Dissection:
    """All that is in it."""
    return dissect(hello(seen.here).raw)


def field(seen: Seen, name: str) -> Field:
    """One field of it."""
    found = fields(seen).named(name)
    if found is None:
        raise LookupError(f"the packet has no {name}")
    return found


def place(seen: Seen, name: str) -> str:
    """Where a field stands, and its bytes."""
    found = field(seen, name)
    return f"bytes {found.start}-{found.end - 1}: {fields(seen).raw[found.start : found.end].hex(' ')}"


def count(seen: Seen) -> str:
    """How many bytes and fields it has."""
    return f"{len(fields(seen).raw)} bytes, {len(fields(seen).leaves)} fields that cover them"


def is_whole(found: Dissection) -> bool:
    """Whether its fields cover every bit of it, each once."""
    at = 0
    for leaf in found.leaves:
        first, behind = leaf.span
        if first != at:
            return False
        at = behind
    return at == 8 * len(found.raw)


def no_pid(seen: Seen) -> bool:
    """Whether every bit of the packet belongs to a field that is known, and none of those is a PID."""
    names = [leaf.name for leaf in fields(seen).leaves]
    return is_whole(fields(seen)) and all(name in MEANINGS and "pid" not in name for name in names)


def kinds(found: Dissection) -> list[str]:
    """What lies around what."""
    return [layer.kind for layer in found.layers]


def layers(found: Dissection) -> str:
    """What lies around what: kind, first byte, last byte."""
    return ", ".join(f"{each.kind} {each.start} to {each.start + each.length - 1}" for each in found.layers)


def are_in(seen: Seen, layer: str, *names: str) -> bool:
    """Whether these fields are in the layer of this kind."""
    return all(fields(seen).layers[field(seen, name).layer].kind == layer for name in names)


def in_layer(seen: Seen, layer: int) -> list[str]:
    """The names of the fields of a layer, 0 for the outermost."""
    return [leaf.name for leaf in fields(seen).leaves if leaf.layer == layer]


def addresses_in_ip(seen: Seen) -> bool:
    """Whether the IP header has both addresses, and no port."""
    return (
        are_in(seen, "IPv4", "ip.src", "ip.dst")
        and field(seen, "ip.dst").raw == 0x7F000001
        and not any("port" in name for name in in_layer(seen, 0))
    )


def ports_in_tcp(seen: Seen) -> bool:
    """Whether the TCP header has both ports, and no address."""
    return (
        are_in(seen, "TCP", "tcp.srcport", "tcp.dstport")
        and field(seen, "tcp.dstport").raw == seen.port
        and field(seen, "tcp.dstport").length == 2
        and not any(name.startswith("ip") for name in in_layer(seen, 1))
    )


# --- one packet from two processes


def datagram(seen: Seen, name: str) -> Packet:
    """The packet that one of the two sent."""
    found = [each for each in seen.kept[name].packets if each.transport == "udp" and not each.icmp]
    if not found:
        raise LookupError("no datagram was seen")
    return found[-1]


def sent_by(seen: Seen, name: str) -> Dissection:
    """All that is in it."""
    return dissect(datagram(seen, name).raw)


def different(seen: Seen) -> set[str]:
    """The fields in which the two processes' packets differ."""
    one, other = (sent_by(seen, name).leaves for name in ("one", "other"))
    if [leaf.span for leaf in one] != [leaf.span for leaf in other]:
        raise ValueError("they have not the same fields")
    return {here.name for here, there in zip(one, other, strict=True) if here.raw != there.raw}


def pid(seen: Seen, name: str) -> int:
    """Which process that was."""
    return endpoint(seen.kept[name], ASKER).pid


def same_packet(seen: Seen) -> bool:
    """Whether two processes sent it, and it is the same but for what each packet has of its own."""
    return pid(seen, "one") != pid(seen, "other") and different(seen) <= OF_EACH_PACKET


def differences(seen: Seen) -> str:
    """The two processes, and the fields that differ."""
    fields_that_differ = ", ".join(sorted(different(seen))) or "nothing"
    return f"PIDs {pid(seen, 'one')} and {pid(seen, 'other')}; other: {fields_that_differ}"


def nobody_has_it_for_udp(seen: Seen) -> bool:
    """Whether the second datagram's port is nobody's, and somebody's for TCP."""
    return (
        way_of(seen.start, datagram(seen, "other")).end == "nobody"
        and len(on_port(seen.here, seen.port, "tcp")) > 0
        and not on_port(seen.here, seen.port, "udp")
    )


def of_both_kinds(seen: Seen) -> str:
    """How many sockets have the lab's port, of TCP and of UDP."""
    tcp, udp = (len(on_port(seen.here, seen.port, transport)) for transport in TRANSPORTS)
    return f"sockets on {seen.port}: {tcp} of TCP, {udp} of UDP"


# --- the way to the process


def way(seen: Seen, *, covered: bool = False) -> Way:
    """The look-up for client 2's packet among the sockets that there are."""
    return way_of(seen.here, hello(seen.here), covered=covered)


def left(seen: Seen, step: Place) -> int:
    """How many sockets are still possible after so much of the way."""
    return len(way(seen).left_after(step))


def narrowed(seen: Seen) -> str:
    """How many are left, step by step."""
    return (
        f"TCP: {left(seen, 'protocol')} sockets, port {seen.port}: {left(seen, 'port')}, "
        f"from {way(seen).source}: {left(seen, 'four-tuple')}"
    )


def owners(found: tuple[Candidate, ...]) -> list[tuple[int, int | None]]:
    """Who has these sockets: PID and file number."""
    return [(owner.pid, owner.fd) for each in found for owner in each.owners]


def leads_to(seen: Seen) -> str:
    """Where the way ends."""
    return ", ".join(f"fd {fd} of PID {pid}" for pid, fd in owners(way(seen).chosen))


def leads_to_third_file(seen: Seen) -> bool:
    """Whether it ends at the server's third socket: the one that listens is the first, and client 2's the third."""
    server = endpoint(seen.here, "server")
    return owners(way(seen).chosen) == [(server.pid, server.sockets[2].fd)]


def only_the_server(seen: Seen) -> bool:
    """Whether one process is left at its end, the server."""
    left_over = way(seen).left_after("process")
    return {pid for pid, _ in owners(left_over)} == {endpoint(seen.here, "server").pid}


def one_left(seen: Seen) -> str:
    """The socket and the process at its end."""
    return f"{left(seen, 'process')} socket, PID " + ", ".join(str(pid) for pid, _ in owners(way(seen).chosen))


def got(seen: Seen) -> list[int]:
    """The indexes (by fd) of the server's sockets that have bytes to read."""
    return [
        index
        for index, ref in enumerate(endpoint(seen.here, "server").sockets)
        if kernels(seen.here, "server", index).state != "LISTEN"
        and kernels(seen.here, "server", index).receive_queue
        and ref.remote is not None
    ]


def got_with_peer(seen: Seen, who: str) -> bool:
    """Whether the one socket with bytes is the one whose peer is this client."""
    found = got(seen)
    return len(found) == 1 and kernels(seen.here, "server", found[0]).remote == kernels(seen.here, who).local


def five_bytes_in_one(seen: Seen) -> bool:
    """Whether client 2's socket at the server has five bytes to read, and no other has any."""
    return got_with_peer(seen, SENDER) and kernels(seen.here, "server", got(seen)[0]).receive_queue == 5


def bytes_of_each(seen: Seen) -> str:
    """How many bytes each of the connected ones has to read."""
    ends = [(each.remote, each.receive_queue) for each in on_port(seen.here, seen.port)]
    return ", ".join(f"from port {remote.port}: {unread} bytes" for remote, unread in ends if remote is not None)


def possible(seen: Seen) -> set[int]:
    """The PIDs for which the packet could be if its ports were covered."""
    return {owner.pid for owner in way(seen, covered=True).processes}


def possible_ones(seen: Seen) -> str:
    """How many sockets those are, and the PIDs."""
    found = ", ".join(map(str, sorted(possible(seen))))
    sockets = len(way(seen, covered=True).left_after("process"))
    return f"{sockets} sockets, {len(possible(seen))} processes: PIDs {found}"


def listeners(seen: Seen) -> set[int]:
    """The PIDs of the two servers."""
    return {endpoint(seen.here, who).pid for who in ("server", "second")}
