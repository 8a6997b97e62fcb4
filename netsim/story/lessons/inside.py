"""Lesson 9: inside a packet: what is in it, what is not, and how the kernel finds the process all the same."""

from __future__ import annotations

from netsim.model.commands import StartEndpoint
from netsim.model.world import World
from netsim.story.deeds import (
    close_gate,
    deliver_all,
    extra,
    let_come,
    open_gate,
    run,
    run_to,
    start,
    start_to,
    through,
)
from netsim.story.lesson import GATE, KERNEL_TABLE, Act, Answer, Ask, Claim, Lesson, Mistake, Step
from netsim.story.lessons import inside_seen as look
from netsim.story.lessons.inside_seen import ASKER, SENDER
from netsim.story.packets import held_packets
from netsim.story.sights import result

CLIENTS = ("client1", "client2", "client3")
OPENING = (
    StartEndpoint(who="server", program="hello_server.py", role="server", transport="tcp"),
    StartEndpoint(who="client1", program="hello_client.py", role="client", transport="tcp"),
)


def _holds_a_datagram(world: World) -> bool:
    return any(packet.transport == "udp" and not packet.icmp for packet in held_packets(world))


def _send_from_a_new_process(keep: str) -> tuple[Act, ...]:
    """A new UDP client takes the port beside the lab's, and sends hello from there; the packet is held."""
    return (
        start(ASKER, "udp_client.py"),
        run(ASKER),
        extra(ASKER, "s.bind(('127.0.0.1', {port+1}))"),
        extra(ASKER, "s.sendto(b'hello', ('127.0.0.1', {port}))", keep=keep),
        let_come("the packet is held", _holds_a_datagram, keep=keep),
    )


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
                    holds=look.four_on_one_port,
                    saw=look.servers_ports,
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
                        lambda seen: look.field(seen, "ip.dst").shown != "127.0.0.1",
                        "It must be: every router on the way reads it, to know where the packet goes next.",
                    ),
                    Answer(
                        "the server's port",
                        lambda seen: look.field(seen, "tcp.dstport").raw != seen.port,
                        "It must be: the machine that gets the packet has nothing but the packet to go by.",
                    ),
                    Answer("the server's PID", look.no_pid),
                    Answer(
                        "the text",
                        lambda seen: b"hello" not in look.hello(seen.here).raw,
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
                    holds=look.no_pid,
                    saw=look.count,
                    rows=("L1",),
                ),
                Claim(
                    sentence="First an IP header, in it a TCP header, in it the text.",
                    holds=lambda seen: look.kinds(look.fields(seen)) == ["IPv4", "TCP", "payload"],
                    saw=lambda seen: f"bytes: {look.layers(look.fields(seen))}",
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
                    holds=look.addresses_in_ip,
                    saw=lambda seen: look.place(seen, "ip.dst"),
                    rows=("L1",),
                    always=True,
                ),
                Claim(
                    sentence="The TCP header has the ports, and no address.",
                    holds=look.ports_in_tcp,
                    saw=lambda seen: look.place(seen, "tcp.dstport"),
                    rows=("L1",),
                    always=True,
                ),
                Claim(
                    sentence="The last five bytes are the text.",
                    holds=lambda seen: look.fields(seen).raw[-5:] == b"hello",
                    saw=lambda seen: f"{look.fields(seen).raw[-5:].hex(' ')}: {look.fields(seen).raw[-5:]!r}",
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
                        lambda seen: not look.got(seen),
                        "That one is for new clients: it takes their calls, and no bytes of a conversation.",
                    ),
                    Answer(
                        "the first connected one",
                        lambda seen: look.got_with_peer(seen, "client1"),
                        "That one belongs to client 1. The packet says from which port it comes, and that is another.",
                    ),
                    Answer("the one whose other end is client 2", lambda seen: look.got_with_peer(seen, SENDER)),
                    Answer(
                        "all three connected ones",
                        lambda seen: len(look.got(seen)) == 3,
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
                    holds=lambda seen: (look.left(seen, "port"), look.left(seen, "four-tuple")) == (4, 1),
                    saw=look.narrowed,
                    rows=("L2",),
                ),
                Claim(
                    sentence="That socket has the five bytes now, and no other.",
                    holds=look.five_bytes_in_one,
                    saw=look.bytes_of_each,
                    rows=("L2",),
                ),
                Claim(
                    sentence="The socket leads to a file number, and that to a process: the server.",
                    holds=look.leads_to_third_file,
                    saw=look.leads_to,
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
                        lambda seen: len(look.possible(seen)) == 1,
                        "The address is the machine's. All these programs run on one machine, and have the same.",
                    ),
                    Answer(
                        "two: the two servers",
                        lambda seen: len(look.possible(seen)) == 2,
                        "Nothing says that it is for a server. Clients get packets in just the same way.",
                    ),
                    Answer("five: all that have a TCP socket", lambda seen: len(look.possible(seen)) == 5),
                ),
            ),
            label="start another server; cover the ports",
            do=start_to("second", "second_server.py", "accept"),
            view="table",
            shows=(
                Claim(
                    sentence="Without ports each process that listens could be meant, and more.",
                    holds=lambda seen: look.listeners(seen) < look.possible(seen),
                    saw=look.possible_ones,
                    rows=("L3",),
                ),
                Claim(
                    sentence="With them it is one.",
                    holds=look.only_the_server,
                    saw=look.one_left,
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
                    holds=look.same_packet,
                    saw=look.differences,
                    rows=("W0",),
                    always=True,
                ),
                Claim(
                    sentence="UDP is no other: an IP header, in it a UDP header, in it the text.",
                    holds=lambda seen: look.kinds(look.sent_by(seen, "other")) == ["IPv4", "UDP", "payload"],
                    saw=lambda seen: f"bytes: {look.layers(look.sent_by(seen, 'other'))}",
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
                    holds=look.nobody_has_it_for_udp,
                    saw=look.of_both_kinds,
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
