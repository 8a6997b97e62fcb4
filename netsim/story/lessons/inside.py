"""Lesson 9: inside a packet: what is in it, what is not, and how the kernel finds the process all the same."""

from __future__ import annotations

from netsim.model.commands import StartEndpoint
from netsim.model.dissect import dissect
from netsim.model.fields import Dissection, Field
from netsim.model.packet import Packet
from netsim.model.way import Step as Place
from netsim.model.way import Way, way_of
from netsim.model.world import World
from netsim.story.deeds import close_gate, deliver_all, extra, open_gate, run, run_to, start, through
from netsim.story.fields import MEANINGS
from netsim.story.lesson import (
    GATE,
    KERNEL_TABLE,
    Act,
    Answer,
    Ask,
    Claim,
    Lesson,
    Mistake,
    Seen,
    Step,
)
from netsim.story.sights import endpoint, kernels, listening, on_port, packets, port_of, result

CLIENTS = ("client1", "client2", "client3")
SENDER = "client2"
ASKER = "udpclient1"
OPENING = (
    StartEndpoint(who="server", program="hello_server.py", role="server", transport="tcp"),
    StartEndpoint(who="client1", program="hello_client.py", role="client", transport="tcp"),
)
OF_EACH_PACKET = {"ip.id", "ip.checksum"}  # the number of the packet, and the sum that has it in it


def _hello(world: World) -> Packet:
    """The packet in which client 2 says hello."""
    return next(packet for packet in packets(world, SENDER) if packet.length and packet.sender == "client")


def _fields(seen: Seen) -> Dissection:
    return dissect(_hello(seen.here).raw)


def _field(seen: Seen, name: str) -> Field:
    found = _fields(seen).named(name)
    if found is None:
        raise LookupError(f"the packet has no {name}")
    return found


def _has(seen: Seen, name: str, value: str) -> bool:
    return _field(seen, name).shown == value


def _place(seen: Seen, name: str) -> str:
    """Where a field stands, and its bytes."""
    field = _field(seen, name)
    return f"bytes {field.start}-{field.end - 1}: {_fields(seen).raw[field.start : field.end].hex(' ')}"


def _is_whole(found: Dissection) -> bool:
    """Whether its fields cover every bit of it, each once."""
    at = 0
    for leaf in found.leaves:
        first, behind = leaf.span
        if first != at:
            return False
        at = behind
    return at == 8 * len(found.raw)


def _no_pid(seen: Seen) -> bool:
    """Whether every bit of the packet belongs to a field that is known, and none of those is a PID."""
    names = [leaf.name for leaf in _fields(seen).leaves]
    return _is_whole(_fields(seen)) and all(name in MEANINGS and "pid" not in name for name in names)


def _layers(found: Dissection) -> list[tuple[str, int, int]]:
    """What lies around what: kind, first byte, last byte."""
    return [(layer.kind, layer.start, layer.start + layer.length - 1) for layer in found.layers]


def _layers_text(found: Dissection) -> str:
    return ", ".join(f"{kind} {first} to {last}" for kind, first, last in _layers(found))


def _within(found: Dissection, name: str) -> str:
    """In which layer a field is."""
    field = found.named(name)
    return found.layers[field.layer].kind if field else ""


# --- one packet from two processes


def _send_from_a_new_process(keep: str) -> tuple[Act, ...]:
    """A new UDP client takes the port beside the lab's, and sends hello from there; the packet is held."""
    return (
        start(ASKER, "udp_client.py"),
        run(ASKER),
        extra(ASKER, "s.bind(('127.0.0.1', {port+1}))"),
        extra(ASKER, "s.sendto(b'hello', ('127.0.0.1', {port}))", keep=keep),
    )


def _datagram(seen: Seen, name: str) -> Packet:
    return next(each for each in reversed(seen.kept[name].packets) if each.transport == "udp" and not each.icmp)


def _different(seen: Seen) -> set[str]:
    """The fields in which the two processes' packets differ."""
    one, other = (dissect(_datagram(seen, name).raw).leaves for name in ("one", "other"))
    if [leaf.span for leaf in one] != [leaf.span for leaf in other]:
        raise ValueError("they have not the same fields")
    return {here.name for here, there in zip(one, other, strict=True) if here.raw != there.raw}


def _pid(seen: Seen, name: str) -> int:
    return endpoint(seen.kept[name], ASKER).pid


# --- the way


def _way(seen: Seen, *, covered: bool = False) -> Way:
    """The look-up for client 2's packet among the sockets that there are."""
    return way_of(seen.here, _hello(seen.here), covered=covered)


def _left(seen: Seen, step: Place) -> int:
    """How many sockets are still possible after so much of the way."""
    return len(_way(seen).left_after(step))


def _got(seen: Seen) -> list[int]:
    """The indexes (by fd) of the server's sockets that have bytes to read."""
    return [
        index
        for index, ref in enumerate(endpoint(seen.here, "server").sockets)
        if kernels(seen.here, "server", index).state != "LISTEN"
        and kernels(seen.here, "server", index).receive_queue
        and ref.remote is not None
    ]


def _got_with_peer(seen: Seen, who: str) -> bool:
    """Whether the one socket with bytes is the one whose peer is this client."""
    got = _got(seen)
    return len(got) == 1 and kernels(seen.here, "server", got[0]).remote == kernels(seen.here, who).local


def _possible(seen: Seen) -> set[int]:
    return {owner.pid for owner in _way(seen, covered=True).processes}


def _listeners(seen: Seen) -> set[int]:
    return {endpoint(seen.here, who).pid for who in ("server", "second")}


LESSON = Lesson(
    number=9,
    name="inside",
    title="Inside a packet",
    question="A packet comes in. How does the kernel know which program it is for?",
    opening=OPENING,
    steps=(
        Step(
            text=(
                "Three clients connect to one server, on port {port}, and it accepts all three. Packets pass by "
                "themselves so far."
            ),
            label="three clients connect, and are accepted",
            do=(
                open_gate(),
                run_to("server", "accept"),
                start("client2", "hello_client.py"),
                start("client3", "hello_client.py"),
                *(through(who, "connect") for who in CLIENTS),
                run("server"),
                extra("server", "second, addr2 = s.accept()"),
                extra("server", "third, addr3 = s.accept()"),
                close_gate(),
            ),
            view="table",
            shows=(
                Claim(
                    sentence="Four sockets of the server have one port: one listens, three talk.",
                    holds=lambda seen: (
                        len(endpoint(seen.here, "server").sockets) == 4
                        and {port_of(seen.here, "server", index) for index in range(4)} == {seen.port}
                        and listening(seen.here).local.port == seen.port
                    ),
                    saw=lambda seen: (
                        f"{len(endpoint(seen.here, 'server').sockets)} sockets, "
                        f"local ports {', '.join(str(port_of(seen.here, 'server', index)) for index in range(4))}"
                    ),
                ),
            ),
        ),
        Step(
            text=(
                "Client 2 says hello: s.send(b'hello'). The packet is held, and we open it up: every bit of it, one "
                "field after the other."
            ),
            ask=Ask(
                "Which of these is not in the packet?",
                (
                    Answer(
                        "the server's address",
                        lambda seen: not _has(seen, "ip.dst", "127.0.0.1"),
                        "It must be: every router on the way reads it, to know where the packet goes next.",
                    ),
                    Answer(
                        "the server's port",
                        lambda seen: _field(seen, "tcp.dstport").raw != seen.port,
                        "It must be: the machine that gets the packet has nothing but the packet to go by.",
                    ),
                    Answer("the server's PID", _no_pid),
                    Answer(
                        "the text",
                        lambda seen: b"hello" not in _hello(seen.here).raw,
                        "The text is what all the rest is for. It stands at the end, just as it was sent.",
                    ),
                ),
            ),
            label="client 2 sends hello; open the packet",
            do=(run(SENDER),),
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="Every bit of it belongs to a known field. None of these is a PID.",
                    holds=_no_pid,
                    saw=lambda seen: (
                        f"{len(_fields(seen).raw)} bytes, {len(_fields(seen).leaves)} fields that cover them"
                    ),
                    rows=("L1",),
                ),
                Claim(
                    sentence="First an IP header, in it a TCP header, in it the text.",
                    holds=lambda seen: [layer.kind for layer in _fields(seen).layers] == ["IPv4", "TCP", "payload"],
                    saw=lambda seen: f"bytes: {_layers_text(_fields(seen))}",
                    rows=("L1",),
                ),
            ),
        ),
        Step(
            text=(
                "Each header has its own job. The IP header belongs to the network layer: routers read it. The TCP "
                "header belongs to the transport layer: only the two machines at the ends need to read it."
            ),
            label="look where the address is, and where the port",
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="The IP header has the addresses, and no port.",
                    holds=lambda seen: (
                        _within(_fields(seen), "ip.src") == _within(_fields(seen), "ip.dst") == "IPv4"
                        and _field(seen, "ip.dst").raw == 0x7F000001
                        and not any("port" in leaf.name for leaf in _fields(seen).leaves if leaf.layer == 0)
                    ),
                    saw=lambda seen: _place(seen, "ip.dst"),
                    rows=("L1",),
                    always=True,
                ),
                Claim(
                    sentence="The TCP header has the ports, and no address.",
                    holds=lambda seen: (
                        _within(_fields(seen), "tcp.srcport") == _within(_fields(seen), "tcp.dstport") == "TCP"
                        and _field(seen, "tcp.dstport").raw == seen.port
                        and _field(seen, "tcp.dstport").length == 2
                        and not any(leaf.name.startswith("ip") for leaf in _fields(seen).leaves if leaf.layer == 1)
                    ),
                    saw=lambda seen: _place(seen, "tcp.dstport"),
                    rows=("L1",),
                    always=True,
                ),
                Claim(
                    sentence="The last five bytes are the text.",
                    holds=lambda seen: _fields(seen).raw[-5:] == b"hello",
                    saw=lambda seen: f"{_fields(seen).raw[-5:].hex(' ')}: {_fields(seen).raw[-5:]!r}",
                    rows=("L1",),
                ),
            ),
            after="The address finds the machine, the port finds the service on it.",
        ),
        Step(
            text=(
                "Now the packet is delivered, and the kernel has to find one socket for it. Four have the local port "
                "{port}, and all four are the server's."
            ),
            ask=Ask(
                "Four sockets have port {port}. Which of them gets the five bytes?",
                (
                    Answer(
                        "the one that listens",
                        lambda seen: not _got(seen),
                        "That one is for new clients: it takes their calls, and no bytes of a conversation.",
                    ),
                    Answer(
                        "the first connected one",
                        lambda seen: _got_with_peer(seen, "client1"),
                        "That one belongs to client 1. The packet says from which port it comes, and that is another.",
                    ),
                    Answer("the one whose other end is client 2", lambda seen: _got_with_peer(seen, SENDER)),
                    Answer(
                        "all three connected ones",
                        lambda seen: len(_got(seen)) == 3,
                        "Then every client's words would be in every conversation. A packet goes to one socket.",
                    ),
                ),
            ),
            label="client 2's hello reaches its socket",
            do=(run_to(SENDER, "close"), deliver_all()),  # where none is held it is sent only now
            needs=(KERNEL_TABLE,),
            view="table",
            shows=(
                Claim(
                    sentence="The server's port leaves four sockets, all four numbers leave one.",
                    holds=lambda seen: (_left(seen, "port"), _left(seen, "four-tuple")) == (4, 1),
                    saw=lambda seen: (
                        f"TCP: {_left(seen, 'protocol')} sockets, port {seen.port}: {_left(seen, 'port')}, "
                        f"from {_way(seen).source}: {_left(seen, 'four-tuple')}"
                    ),
                    rows=("L2",),
                ),
                Claim(
                    sentence="That socket has the five bytes now, and no other.",
                    holds=lambda seen: (
                        _got_with_peer(seen, SENDER) and kernels(seen.here, "server", _got(seen)[0]).receive_queue == 5
                    ),
                    saw=lambda seen: ", ".join(
                        f"from port {socket.remote.port}: {socket.receive_queue} bytes"
                        for socket in on_port(seen.here, seen.port)
                        if socket.remote is not None
                    ),
                    rows=("L2",),
                ),
                Claim(
                    sentence="The socket leads to a file number, and that to a process: the server.",
                    holds=lambda seen: (
                        [(owner.pid, owner.fd) for each in _way(seen).chosen for owner in each.owners]
                        == [(endpoint(seen.here, "server").pid, endpoint(seen.here, "server").sockets[2].fd)]
                    ),
                    saw=lambda seen: ", ".join(
                        f"fd {owner.fd} of PID {owner.pid}" for each in _way(seen).chosen for owner in each.owners
                    ),
                    rows=("L2",),
                ),
            ),
            after=(
                "So that is the way: the address, the port, the four numbers, the socket, the file number, the "
                "process. The PID comes last: it is looked up on this machine, and nobody had to send it."
            ),
        ),
        Step(
            text="The server reads from the socket that it has for client 2.",
            label="the server reads",
            do=(extra("server", "second.recv(1024)"),),
            shows=(
                Claim(
                    sentence="The text has come to the process.",
                    holds=lambda seen: result(seen.here, "server") == "b'hello'",
                    saw=lambda seen: f"recv() returned {result(seen.here, 'server')}",
                    rows=("L2",),
                ),
            ),
        ),
        Step(
            text=(
                "Now the same packet with its ports covered, as if there were none. Another server is started, too: it "
                "listens on port {port+1} of the same machine."
            ),
            ask=Ask(
                "With the ports covered: for how many programs could the packet be?",
                (
                    Answer(
                        "one: the address is enough",
                        lambda seen: len(_possible(seen)) == 1,
                        "The address is the machine's. All these programs run on one machine, and have the same.",
                    ),
                    Answer(
                        "two: the two servers",
                        lambda seen: len(_possible(seen)) == 2,
                        "Nothing says that it is for a server. Clients get packets in just the same way.",
                    ),
                    Answer("five: all that have a TCP socket", lambda seen: len(_possible(seen)) == 5),
                ),
            ),
            label="start another server; cover the ports",
            do=(start("second", "second_server.py"), run_to("second", "accept")),
            view="table",
            shows=(
                Claim(
                    sentence="Without ports each process that listens could be meant, and more.",
                    holds=lambda seen: _listeners(seen) < _possible(seen),
                    saw=lambda seen: (
                        f"{len(_way(seen, covered=True).left_after('process'))} sockets, "
                        f"{len(_possible(seen))} processes: PIDs {', '.join(map(str, sorted(_possible(seen))))}"
                    ),
                    rows=("L3",),
                ),
                Claim(
                    sentence="With them it is one.",
                    holds=lambda seen: (
                        {owner.pid for each in _way(seen).left_after("process") for owner in each.owners}
                        == {endpoint(seen.here, "server").pid}
                    ),
                    saw=lambda seen: (
                        f"{_left(seen, 'process')} socket, PID "
                        + ", ".join(str(owner.pid) for each in _way(seen).chosen for owner in each.owners)
                    ),
                    rows=("L3",),
                ),
            ),
        ),
        Step(
            text=(
                "And could the PID be hidden somewhere? A UDP client takes port {port+1} and sends hello. It is "
                "killed, and started again: another process, which does the same. We compare the two packets."
            ),
            label="the same datagram from two processes",
            do=(*_send_from_a_new_process("one"), deliver_all(), *_send_from_a_new_process("other")),
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="Two PIDs, and the same packet, but for its number and the sum over it.",
                    holds=lambda seen: _pid(seen, "one") != _pid(seen, "other") and _different(seen) <= OF_EACH_PACKET,
                    saw=lambda seen: (
                        f"PIDs {_pid(seen, 'one')} and {_pid(seen, 'other')}; "
                        f"other: {', '.join(sorted(_different(seen))) or 'nothing'}"
                    ),
                    rows=("W0",),
                    always=True,
                ),
                Claim(
                    sentence="UDP is no other: an IP header, in it a UDP header, in it the text.",
                    holds=lambda seen: (
                        [layer.kind for layer in dissect(_datagram(seen, "other").raw).layers]
                        == ["IPv4", "UDP", "payload"]
                    ),
                    saw=lambda seen: f"bytes: {_layers_text(dissect(_datagram(seen, 'other').raw))}",
                    rows=("L1",),
                ),
            ),
        ),
        Step(
            text=(
                "This datagram is on its way to port {port} of UDP. There is a server on port {port}, but that is "
                "TCP's. We deliver it."
            ),
            label="deliver a datagram to a port that nobody has",
            do=(deliver_all(),),
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="For UDP this port is nobody's: TCP and UDP do not share their ports.",
                    holds=lambda seen: (
                        way_of(seen.start, _datagram(seen, "other")).end == "nobody"
                        and len(on_port(seen.here, seen.port, "tcp")) > 0
                        and not on_port(seen.here, seen.port, "udp")
                    ),
                    saw=lambda seen: (
                        f"sockets on {seen.port}: {len(on_port(seen.here, seen.port, 'tcp'))} of TCP, "
                        f"{len(on_port(seen.here, seen.port, 'udp'))} of UDP"
                    ),
                    rows=("L3",),
                ),
                Claim(
                    sentence="No process gets it: the kernel throws it away, and sends a note back.",
                    holds=lambda seen: seen.here.packets[-1].icmp == "port unreachable",
                    saw=lambda seen: f"ICMP: {seen.here.packets[-1].icmp or 'none'}",
                    rows=("L3",),
                ),
            ),
        ),
    ),
    point=(
        "The address finds the machine, the port finds the service; which process that is, the kernel looks up in its "
        "own table."
    ),
    mistake=Mistake(
        "A packet is addressed to a program.",
        "It is addressed to a machine and a port. No field of it names a program, and a new process with the same port "
        "sent just the same packet.",
    ),
    small_print=(
        "Routers at home read ports, too: they put one address in the place of many, and tell the conversations apart "
        "by their ports. And with SO_REUSEPORT several sockets can be equals; then the kernel picks one of them."
    ),
)
