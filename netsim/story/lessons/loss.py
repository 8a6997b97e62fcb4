"""Lesson 7: loss: one packet of each kind is thrown away, and somebody notices, or nobody does."""

from __future__ import annotations

from netsim.model.events import KernelSocket
from netsim.model.packet import Packet
from netsim.model.views import end_of
from netsim.model.world import World
from netsim.story.deeds import deliver, deliver_all, drop, extra, run, run_to, start, start_to, through, wait
from netsim.story.lesson import GATE, Answer, Ask, Claim, Lesson, Mistake, Seen, Step
from netsim.story.sights import endpoint, kernels, mark, packets, printed, states

GREETING = 19  # bytes of 'Connection received'


def _data(world: World, who: str = "client1") -> list[Packet]:
    """The packets with data that the server (or the UDP client) sent, copies too."""
    return [packet for packet in packets(world, who) if packet.length and not packet.icmp]


def _copies(world: World, who: str = "client1") -> list[Packet]:
    return [packet for packet in _data(world, who) if packet.repeats]


def _kept(world: World) -> int:
    """Bytes that the kernel keeps at the server's end until they are acknowledged."""
    return _servers_end(world).send_queue


def _at_the_loss(world: World) -> str:
    """What was seen right after the drop. A person may think so long before it that the timer has gone off already:
    the kernel can't tell a packet that is held from one that is lost."""
    already = len(_copies(world))  # the gate shows one at most: the newest copy lay under the held packet
    sent = "sent again already, while the packet was held" if already else "no copy sent yet"
    return f"right after the loss: {_kept(world)} bytes kept, {sent}"


def _servers_end(world: World) -> KernelSocket:
    found = end_of(world, packets(world)[0].conversation, "server")
    if found is None:
        raise LookupError("the server's end is not there")
    return found


def _calls(seen: Seen, who: str) -> int:
    """How many of the program's lines have run: what it did, if it did something."""
    return len(endpoint(seen.here, who).marks)


def _moved(seen: Seen, who: str) -> bool:
    return endpoint(seen.here, who).marks != endpoint(seen.start, who).marks


LESSON = Lesson(
    number=7,
    name="loss",
    title="Loss",
    question="A packet is lost. Who notices?",
    steps=(
        Step(
            text=(
                "First the two programs connect. We let every packet of the handshake through; the loss comes later, "
                "when there is something to lose."
            ),
            label="connect, and accept",
            do=(
                run_to("server", "accept"),
                through("client1", "connect"),
                deliver_all(),
                run("server"),
            ),
            shows=(
                Claim(
                    sentence="Both ends are open.",
                    holds=lambda seen: states(seen.here) == ("ESTABLISHED", "ESTABLISHED"),
                    saw=lambda seen: "client {}, server {}".format(*states(seen.here)),
                ),
            ),
        ),
        Step(
            text="The server sends its greeting. The packet is on the wire, and held there.",
            label="the server calls send()",
            do=(run("server"),),
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="send() came back already: for the program the work is done.",
                    holds=lambda seen: mark(seen.here, "server", "conn.send(").text == f"→ {GREETING}",
                    saw=lambda seen: f"send() {mark(seen.here, 'server', 'conn.send(').text}",
                ),
                Claim(
                    sentence="The kernel keeps those bytes until somebody says that they have come.",
                    holds=lambda seen: _kept(seen.here) == GREETING,
                    saw=lambda seen: f"{_kept(seen.here)} bytes sent and not acknowledged",
                    rows=("P2",),
                ),
            ),
        ),
        Step(
            text="Now we lose the packet: it is thrown away, as a full router or a bad wire would do it.",
            ask=Ask(
                "Who sends the 19 bytes again?",
                (
                    Answer(
                        "the server program",
                        lambda seen: _moved(seen, "server"),
                        "It does not even know. Its send() came back before the packet was lost.",
                    ),
                    Answer("the kernel", lambda seen: bool(_copies(seen.here)) and not _moved(seen, "server")),
                    Answer(
                        "nobody",
                        lambda seen: not _copies(seen.here),
                        "So it would be with UDP. But TCP promises that bytes arrive, or that there is an error.",
                    ),
                ),
            ),
            label="lose the packet, and wait some seconds",
            do=(
                drop(lambda packet: packet.length > 0, keep="lost"),
                wait("the kernel's timer goes off", lambda world: bool(_copies(world)), patience=15.0),
            ),
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="Nobody was told. The kernel kept the bytes, and its timer ran.",
                    holds=lambda seen: (
                        _data(seen.kept["lost"])[0].fate == "lost"
                        and _kept(seen.kept["lost"]) == GREETING
                        and _servers_end(seen.kept["lost"]).timer != ""
                    ),
                    saw=lambda seen: _at_the_loss(seen.kept["lost"]),
                    rows=("P2",),
                ),
                Claim(
                    sentence="The same bytes were sent again, with the same number in the stream.",
                    holds=lambda seen: (
                        _copies(seen.here)[-1].seq == _data(seen.here)[0].seq
                        and _copies(seen.here)[-1].data == _data(seen.here)[0].data
                    ),
                    saw=lambda seen: f"seq={_copies(seen.here)[-1].seq}, {_copies(seen.here)[-1].length} bytes, again",
                    rows=("P2",),
                ),
                Claim(
                    sentence="The server program did nothing in the meantime.",
                    holds=lambda seen: not _moved(seen, "server"),
                    saw=lambda seen: f"still {_calls(seen, 'server')} of its lines have run",
                ),
            ),
            after="No answer in time means to TCP: probably lost. It sends again, and waits longer each time.",
        ),
        Step(
            text="The copy is held now, as the first one was. We let it through, and the client reads.",
            label="deliver the copy; the client calls recv()",
            do=(deliver_all(), run("client1")),
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="The client got all the bytes, and each of them once.",
                    holds=lambda seen: mark(seen.here, "client1", "s.recv(").text == f"→ {GREETING}",
                    saw=lambda seen: f"recv() {mark(seen.here, 'client1', 's.recv(').text}",
                    rows=("P2",),
                ),
                Claim(
                    sentence="Its ACK came back, and the kernel threw its copy away.",
                    holds=lambda seen: _kept(seen.here) == 0,
                    saw=lambda seen: f"{_kept(seen.here)} bytes kept",
                ),
            ),
        ),
        Step(
            text="The same with UDP. A server waits on port {port}/udp, and a client sends it 'hello' as one datagram.",
            label="start a UDP server and a client, and send",
            do=(
                *start_to("udpserver", "udp_server.py", "recvfrom"),
                start("udpclient1", "udp_client.py"),
                run("udpclient1"),
                run("udpclient1"),
            ),
            shows=(
                Claim(
                    sentence="sendto() came back: 5 bytes.",
                    holds=lambda seen: mark(seen.here, "udpclient1", "s.sendto(").text == "→ 5",
                    saw=lambda seen: f"sendto() {mark(seen.here, 'udpclient1', 's.sendto(').text}",
                ),
            ),
        ),
        Step(
            text="We lose the datagram, too. And then?",
            ask=Ask(
                "Who sends the datagram again?",
                (
                    Answer(
                        "the client program",
                        lambda seen: _moved(seen, "udpclient1"),
                        "It could, if somebody had written it so: it would have to expect an answer, and count the "
                        "time. This one does not.",
                    ),
                    Answer(
                        "the kernel",
                        lambda seen: kernels(seen.here, "udpclient1").timer != "",
                        "That was TCP. For UDP the kernel keeps nothing of what was sent, and runs no timer.",
                    ),
                    Answer(
                        "nobody",
                        lambda seen: (
                            not _moved(seen, "udpclient1")
                            and kernels(seen.here, "udpclient1").timer == ""
                            and not _copies(seen.here, "udpclient1")
                        ),
                    ),
                ),
            ),
            label="lose the datagram",
            do=(drop(lambda packet: packet.transport == "udp"),),
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="The kernel keeps nothing of it, and no timer runs.",
                    holds=lambda seen: (
                        kernels(seen.here, "udpclient1").send_queue == 0
                        and kernels(seen.here, "udpclient1").timer == ""
                    ),
                    saw=lambda seen: (
                        f"{kernels(seen.here, 'udpclient1').send_queue} bytes kept, "
                        f"timer {kernels(seen.here, 'udpclient1').timer or 'none'}"
                    ),
                    rows=("P3",),
                ),
                Claim(
                    sentence="The server has nothing to read, and the client was told nothing.",
                    holds=lambda seen: (
                        kernels(seen.here, "udpserver").receive_queue == 0
                        and endpoint(seen.here, "udpclient1").error is None
                    ),
                    saw=lambda seen: f"{kernels(seen.here, 'udpserver').receive_queue} bytes wait at the server",
                    rows=("P3",),
                ),
            ),
            after="A call, a game or a film may want it so: what comes too late is of no use any more.",
        ),
        Step(
            text="Something arrives only if the program itself sends once more. We let it, and deliver that.",
            label="the client sends once more, by a line of its own",
            do=(
                extra("udpclient1", "s.sendto(b'hello', ('127.0.0.1', {port}))"),
                deliver(),
                run("udpserver"),
            ),
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="This one arrived: one datagram sent, one read. The lost one stays lost.",
                    holds=lambda seen: printed(seen.here, "udpserver").count("hello") == 1,
                    saw=lambda seen: f"the server printed {printed(seen.here, 'udpserver').strip()!r}",
                    rows=("P3",),
                ),
            ),
        ),
    ),
    point="TCP keeps what it sent until an ACK comes, and sends it again if none does. UDP sends once, and forgets.",
    mistake=Mistake(
        "Reliable means that nothing gets lost.",
        "Packets get lost all the same. Reliable means that somebody notices, and sends them again.",
    ),
    small_print=(
        "How long TCP waits follows from how long answers took so far; netsim slows the clocks of its private net "
        "down, so that a class can follow. And TCP gives up, too: after many copies without an answer the program "
        "gets ETIMEDOUT."
    ),
)
