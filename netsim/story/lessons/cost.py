"""Lesson 8: what it costs: the same five bytes by UDP and by TCP, in packets, bytes, calls and microseconds."""

from __future__ import annotations

import re

from netsim.model.decode import decode
from netsim.model.packet import Packet
from netsim.model.wire import Segment
from netsim.model.world import World
from netsim.story.deeds import let_come, open_gate, run, run_out, run_to, start, start_to, wait
from netsim.story.director import UDP_PAIR
from netsim.story.lesson import GATE, PRIVATE, Answer, Ask, Claim, Fresh, Lesson, Mistake, Seen, Step
from netsim.story.sights import called, endpoint, flags, packets, printed

UDP_CLIENT, UDP_SERVER = "udpclient1", "udpserver"
MESSAGE = b"hello"
RACER = "client1"


def _udp(seen: Seen) -> tuple[Packet, ...]:
    return packets(seen.here, UDP_CLIENT)


def _tcp(seen: Seen) -> tuple[Packet, ...]:
    return packets(seen.here, "client1")


def _bytes(found: tuple[Packet, ...]) -> int:
    """Bytes on the wire: the packets whole, from the first byte of the IP header."""
    if not found or not all(packet.raw for packet in found):
        raise LookupError("the packets' bytes are not known")
    return sum(len(packet.raw) for packet in found)


def _calls(seen: Seen, *programs: str) -> int:
    """How many of their lines with socket calls have run."""
    return sum(len(endpoint(seen.here, who).marks) for who in programs)


def _tcp_calls(seen: Seen) -> int:
    return _calls(seen, "client1", "server")


def _udp_calls(seen: Seen) -> int:
    return _calls(seen, UDP_CLIENT, UDP_SERVER)


def _before_message(seen: Seen) -> list[str]:
    """What flew before the packet that carries the message."""
    found = [flags(packet) for packet in _tcp(seen)]
    return found[: next(index for index, packet in enumerate(_tcp(seen)) if packet.length)]


def _both_have_said_goodbye(world: World) -> bool:
    return {packet.sender for packet in packets(world) if "FIN" in packet.flags} == {"client", "server"}


def _carrier(found: tuple[Packet, ...]) -> Packet:
    """The packet with the message."""
    return next(packet for packet in found if packet.length)


def _readable(seen: Seen) -> tuple[bool, bool]:
    """Whether the message stands in the packet as it was sent: UDP's, TCP's."""
    return MESSAGE in _carrier(_udp(seen)).raw, MESSAGE in _carrier(_tcp(seen)).raw


def _numbers(seen: Seen) -> tuple[int, int]:
    """What number the server's SYN-ACK began at, and what the client's ACK of it says."""
    answer, reply = decode(_tcp(seen)[1].raw), decode(_tcp(seen)[2].raw)
    if not isinstance(answer, Segment) or not isinstance(reply, Segment):
        raise LookupError("the handshake's packets can't be read")
    return answer.seq, reply.ack


def _from_server(found: tuple[Packet, ...]) -> int:
    return sum(packet.sender == "server" for packet in found)


# --- the race


def _times(seen: Seen, way: str) -> tuple[int, int, int]:
    """Within what a quarter, half and three quarters of the messages were answered: µs, as race.py printed them."""
    world = seen.labs.get("race", seen.here)
    line = rf"^{way}: a quarter within (\d+), half within (\d+), three quarters within (\d+)$"
    found = re.search(line, printed(world, RACER), re.MULTILINE)
    if found is None:
        raise LookupError(f"the race has printed no {way}")
    quarter, half, most = (int(number) for number in found.groups())
    return quarter, half, most


def _fastest(seen: Seen, way: str) -> int:
    """What the fastest quarter took at most: whatever else the machine does only makes the others slower."""
    return _times(seen, way)[0]


def _took(seen: Seen, way: str) -> str:
    return ", ".join(str(microseconds) for microseconds in _times(seen, way))


def _is_longer_by(seen: Seen, least: float, most: float) -> bool:
    """Whether TCP took so many times as long as UDP: at least, and less than."""
    return least <= _fastest(seen, "by_tcp") / max(_fastest(seen, "by_udp"), 1) < most


def _has_ended(world: World) -> bool:
    return RACER in world.endpoints and endpoint(world, RACER).status == "ended"


def _race(*, private: bool) -> Step:
    """The race, in a lab of its own; where there is no private net the lesson's own lab makes room for it."""
    lab = "race" if private else "here"
    return Step(
        text=(
            "Now the time. Two other programs, which nobody stops at their calls: one sends hello, the other sends it "
            "back, forty times. By UDP; by TCP with a new connection each time; and over one that stays open. Other "
            "programs get in the way of some, so we compare the fastest quarter of each."
        ),
        ask=Ask(
            "Hello there and back: UDP, or TCP with a new connection each time?",
            (
                Answer(
                    "UDP takes longer",
                    lambda seen: _is_longer_by(seen, 0, 0.9),
                    "There is nothing that it would have to do and TCP would not.",
                ),
                Answer(
                    "they take about the same time",
                    lambda seen: _is_longer_by(seen, 0.9, 1.1),
                    "Each packet is work for the kernel, and TCP had many more of them.",
                ),
                Answer("TCP takes longer", lambda seen: _is_longer_by(seen, 1.1, float("inf"))),
            ),
        ),
        label="run the race, on this machine, now",
        do=(
            Fresh(words="a lab for the race", opening=(), lab=lab),
            open_gate(lab=lab),
            start(RACER, "race.py", lab=lab),
            wait("the race is over", _has_ended, patience=15.0, lab=lab),
        ),
        when=lambda seen: PRIVATE.is_there(seen) is private,
        shows=(
            Claim(
                sentence="With a connection each time TCP took longer.",
                holds=lambda seen: _fastest(seen, "by_tcp") > _fastest(seen, "by_udp"),
                saw=lambda seen: (
                    f"microseconds for 1/4, 1/2, 3/4 of them: UDP {_took(seen, 'by_udp')}; TCP {_took(seen, 'by_tcp')}"
                ),
                rows=("P4",),
                always=True,
            ),
            Claim(
                sentence="Connecting is what costs: an open one took less.",
                holds=lambda seen: _fastest(seen, "by_open_tcp") < _fastest(seen, "by_tcp"),
                saw=lambda seen: _took(seen, "by_open_tcp"),
                rows=("P4",),
                always=True,
            ),
        ),
    )


LESSON = Lesson(
    number=8,
    name="cost",
    title="What it costs",
    question="Five bytes, by UDP and by TCP. What does each way cost?",
    opening=UDP_PAIR,
    steps=(
        Step(
            text=(
                "Two programs with one message: hello, five bytes. First by UDP, from the first call to the last. "
                "Packets pass by themselves in this lesson; we only count them."
            ),
            label="hello by UDP: socket, sendto, close",
            do=(open_gate(), run_to(UDP_SERVER, "recvfrom"), run_out(UDP_CLIENT), run(UDP_SERVER)),
            shows=(
                Claim(
                    sentence="One packet, and the other program has the message.",
                    holds=lambda seen: len(_udp(seen)) == 1 and "hello" in printed(seen.here, UDP_SERVER),
                    saw=lambda seen: (
                        f"{len(_udp(seen))} packet; the server printed {printed(seen.here, UDP_SERVER).strip()!r}"
                    ),
                    rows=("P4",),
                ),
            ),
        ),
        Step(
            text=(
                "Now by TCP: a client connects, sends the same hello and closes. The server accepts, reads to the end "
                "and closes, too. It sends nothing of its own."
            ),
            ask=Ask(
                "One message of 5 bytes by TCP, from open to closed: how many packets?",
                (
                    Answer(
                        "two: the message, and an ACK",
                        lambda seen: len(_tcp(seen)) == 2,
                        "That is the message alone. A connection has to be made before, and ended after.",
                    ),
                    Answer(
                        "three: the handshake",
                        lambda seen: len(_tcp(seen)) == 3,
                        "The handshake has three, but there is no message in any of them, and no end.",
                    ),
                    Answer(
                        "five: three, the message, and its ACK",
                        lambda seen: len(_tcp(seen)) == 5,
                        "Almost: then both sides say goodbye, each with a FIN, and each FIN is acknowledged.",
                    ),
                    Answer("more", lambda seen: len(_tcp(seen)) > 5),
                ),
            ),
            label="hello by TCP: socket, connect, send, close",
            do=(
                *start_to("server", "hello_server.py", "accept"),
                start("client1", "hello_client.py"),
                run_out("client1"),
                run_out("server"),
                let_come("both FINs have flown", _both_have_said_goodbye),  # the answer counts all the packets
            ),
            shows=(
                Claim(
                    sentence="TCP took more packets for the same message.",
                    holds=lambda seen: (
                        len(_tcp(seen)) > len(_udp(seen)) == 1 and printed(seen.here, "server").strip() == "hello"
                    ),
                    saw=lambda seen: f"{len(_tcp(seen))}: " + ", ".join(called(packet) for packet in _tcp(seen)),
                    rows=("P4",),
                ),
                Claim(
                    sentence="Three went before the message: it waited for a way there and back.",
                    holds=lambda seen: _before_message(seen) == ["SYN", "SYN-ACK", "ACK"],
                    saw=lambda seen: ", ".join(_before_message(seen)),
                    rows=("P4",),
                ),
                Claim(
                    sentence="TCP's two programs needed more calls, too.",
                    holds=lambda seen: _tcp_calls(seen) > _udp_calls(seen) > 0,
                    saw=lambda seen: f"lines with a call: TCP {_tcp_calls(seen)}, UDP {_udp_calls(seen)}",
                    rows=("P4",),
                ),
            ),
        ),
        Step(
            text=(
                "Each packet has headers, even if there is nothing in it. We add up all bytes that went over the wire, "
                "for these five."
            ),
            label="add the bytes up",
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="UDP: five bytes, and headers once.",
                    holds=lambda seen: 5 < _bytes(_udp(seen)) < _bytes(_tcp(seen)),
                    saw=lambda seen: f"{_bytes(_udp(seen))} bytes in {len(_udp(seen))} packet",
                    rows=("P4",),
                    always=True,
                ),
                Claim(
                    sentence="TCP: the same five, and many headers.",
                    holds=lambda seen: (
                        _bytes(_tcp(seen)) > _bytes(_udp(seen)) and sum(packet.length for packet in _tcp(seen)) == 5
                    ),
                    saw=lambda seen: f"{_bytes(_tcp(seen))} bytes in {len(_tcp(seen))} packets",
                    rows=("P4",),
                    always=True,
                ),
            ),
            after=(
                "With a long message that is little: the handshake and the goodbye come once, and packets are full. "
                "For the price you get order, copies of what was lost, and news of what has come."
            ),
        ),
        Step(
            text=(
                "TCP is often called the safer one. Suppose somebody on the way can read every packet. We look into "
                "the two that carry the message."
            ),
            ask=Ask(
                "Which of the two packets hides hello from who reads along?",
                (
                    Answer(
                        "TCP's",
                        lambda seen: _readable(seen) == (True, False),
                        "TCP makes sure that bytes arrive. Who else reads them is not its business.",
                    ),
                    Answer(
                        "UDP's",
                        lambda seen: _readable(seen) == (False, True),
                        "UDP does nothing at all with your bytes. So it does not hide them, either.",
                    ),
                    Answer("neither", lambda seen: _readable(seen) == (True, True)),
                    Answer(
                        "both",
                        lambda seen: _readable(seen) == (False, False),
                        "Hiding is the work of something on top: TLS, for example, which makes http into https.",
                    ),
                ),
            ),
            label="look into both packets",
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="hello can be read in both: neither of the two hides anything.",
                    holds=lambda seen: _readable(seen) == (True, True),
                    saw=lambda seen: (
                        f"UDP ends with {_carrier(_udp(seen)).raw[-5:].hex(' ')}, "
                        f"TCP with {_carrier(_tcp(seen)).raw[-5:].hex(' ')}"
                    ),
                    rows=("P5",),
                ),
            ),
        ),
        Step(
            text=(
                "One thing is true of it. In the handshake the server picks a number, and the client's ACK has to name "
                "that number plus one. Only who got the server's packet knows it."
            ),
            label="compare the numbers in the handshake",
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="The client's ACK named the server's number plus one.",
                    holds=lambda seen: _numbers(seen)[1] == (_numbers(seen)[0] + 1) & 0xFFFF_FFFF,
                    saw=lambda seen: "SYN-ACK seq {}, then ACK {}".format(*_numbers(seen)),
                    rows=("P5",),
                    always=True,
                ),
                Claim(
                    sentence="UDP asked for nothing: no packet came back before the message was taken.",
                    holds=lambda seen: _from_server(_udp(seen)) == 0 < _from_server(_tcp(seen)),
                    saw=lambda seen: f"from the server: UDP {_from_server(_udp(seen))}, TCP {_from_server(_tcp(seen))}",
                    rows=("P5",),
                ),
            ),
            after=(
                "So TCP's server knows that somebody answers at the client's address; UDP's must believe the packet. "
                "Who that somebody is, neither knows."
            ),
        ),
        _race(private=True),
        _race(private=False),
        Step(
            text=(
                "One thing this machine alone can't show. Here a way there and back takes microseconds; to a server "
                "far away it takes 50 milliseconds, say. So much passes in connect(), before TCP's first byte leaves. "
                "UDP's leaves at once."
            ),
        ),
    ),
    point=(
        "TCP costs packets, bytes and a way there and back before the first word. UDP costs next to nothing, "
        "and promises nothing: fine for what is urgent, like a call or a game."
    ),
    mistake=Mistake(
        "TCP is more secure.",
        "It only checks that somebody answers at the other end. The text could be read in its packet just as in UDP's.",
    ),
    small_print=(
        "In a net of netsim's own each packet goes through the program that counts it, which makes the times longer, "
        "and TCP's most. And it need not stay so: QUIC, which runs on UDP, is reliable and encrypts, and who calls "
        "a server again can send with the first packet."
    ),
)
