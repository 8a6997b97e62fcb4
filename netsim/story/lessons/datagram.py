"""Lesson 3: a datagram: no connection, no answer, and bytes instead of text."""

from __future__ import annotations

from netsim.story.deeds import deliver, deliver_all, extra, run, start_to
from netsim.story.director import UDP_PAIR
from netsim.story.lesson import GATE, Answer, Ask, Claim, Lesson, Mistake, Seen, Step
from netsim.story.sights import endpoint, error_of, error_text, mark, on_port, packets, printed, result

CLIENT, SERVER = "udpclient1", "udpserver"
SEND = "s.sendto(b'hello', ('127.0.0.1', {port}))"


def _returned(seen: Seen) -> str:
    return mark(seen.here, CLIENT, "s.sendto(").text


def _data(seen: Seen) -> list[bytes]:
    """What the client's datagrams since the step began carried."""
    before = {packet.number for packet in seen.start.packets}
    mine = (packet for packet in packets(seen.here, CLIENT) if packet.sender == "client" and not packet.icmp)
    return [packet.data for packet in mine if packet.number not in before]


def _icmp(seen: Seen) -> list[str]:
    return [packet.icmp for packet in seen.here.packets if packet.icmp and packet.fate == "delivered"]


def _size(seen: Seen, name: str) -> int:
    return int(result(seen.kept[name], CLIENT))


LESSON = Lesson(
    number=3,
    name="datagram",
    title="A datagram",
    question="Must somebody be there before one may send?",
    opening=(UDP_PAIR[1],),
    steps=(
        Step(
            text=(
                "This time there is only one program: a client for UDP. It makes a socket, and its next line sends "
                "'hello' to port {port}. No server is running; nobody has that port."
            ),
            label="the client makes its socket",
            do=(run(CLIENT),),
            view="table",
            shows=(
                Claim(
                    sentence="There is a client with a socket, and nobody on the port.",
                    holds=lambda seen: (
                        len(endpoint(seen.here, CLIENT).sockets) == 1 and not on_port(seen.here, seen.port, "udp")
                    ),
                    saw=lambda seen: f"{len(on_port(seen.here, seen.port, 'udp'))} sockets on {seen.port}/udp",
                ),
            ),
        ),
        Step(
            text="It sends: s.sendto(b'hello', ('127.0.0.1', {port})). There was no connect() before it.",
            ask=Ask(
                "sendto() where nobody listens: what comes of it?",
                (
                    Answer(
                        "an error",
                        lambda seen: not mark(seen.here, CLIENT, "s.sendto(").ok,
                        "The kernel does not know yet whether anybody is there. UDP does not ask first.",
                    ),
                    Answer(
                        "it waits for somebody",
                        lambda seen: endpoint(seen.here, CLIENT).status == "asleep",
                        "UDP waits for nobody: what was sent is sent.",
                    ),
                    Answer("the number 5", lambda seen: _returned(seen) == "→ 5"),
                ),
            ),
            label="the client sends a datagram to nobody",
            do=(run(CLIENT),),
            shows=(
                Claim(
                    sentence="sendto() returned 5, at once: the kernel took five bytes.",
                    holds=lambda seen: _returned(seen) == "→ 5" and endpoint(seen.here, CLIENT).status == "stopped",
                    saw=lambda seen: f"sendto() {_returned(seen)}, without a connection",
                    rows=("P3",),
                ),
            ),
            after="5 means: handed over to the kernel. It does not mean delivered, and certainly not read.",
        ),
        Step(
            text=(
                "Now the datagram arrives at the machine, and nobody has the port. The kernel there sends a note back: "
                "an ICMP message. We deliver both."
            ),
            label="deliver the datagram, and the note",
            do=(deliver_all(),),
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="The note said: port unreachable. The program was not told.",
                    holds=lambda seen: (
                        _icmp(seen) == ["port unreachable"]
                        and endpoint(seen.here, CLIENT).status == "stopped"
                        and endpoint(seen.here, CLIENT).error is None
                    ),
                    saw=lambda seen: f"ICMP: {', '.join(_icmp(seen)) or 'none'}; the client still stands",
                    rows=("P3",),
                ),
            ),
            after=(
                "The kernel got the note, but a UDP socket that is not connected has nobody in particular to be told "
                "of."
            ),
        ),
        Step(
            text=(
                "Now a server comes: another program makes a UDP socket and binds port {port}. It calls no listen() "
                "and no accept(): UDP has neither. The client sends once more."
            ),
            label="a server binds {port}; the client sends again",
            do=(
                *start_to(SERVER, "udp_server.py", "recvfrom"),
                extra(CLIENT, SEND),
                deliver(),
                run(SERVER),
            ),
            shows=(
                Claim(
                    sentence="One packet, and the program has it: no handshake before, no ACK after.",
                    holds=lambda seen: len(seen.flown) == 1 and "hello" in printed(seen.here, SERVER),
                    saw=lambda seen: (
                        f"{len(seen.flown)} packet; the server printed {printed(seen.here, SERVER).strip()!r}"
                    ),
                    rows=("P3",),
                ),
            ),
        ),
        Step(
            text=(
                "Can the server answer? There is no connection, but recvfrom() gave it the sender's address, addr. We "
                "run a line more in the server that sends there, and one in the client that receives."
            ),
            label="the server answers with a datagram",
            do=(
                extra(SERVER, "s.sendto(b'hi', addr)"),
                deliver(),
                extra(CLIENT, "s.recvfrom(1024)"),
            ),
            shows=(
                Claim(
                    sentence="The answer came back to the client's port. UDP goes both ways.",
                    holds=lambda seen: result(seen.here, CLIENT) == f"(b'hi', ('127.0.0.1', {seen.port}))",
                    saw=lambda seen: f"recvfrom() returned {result(seen.here, CLIENT)}",
                    rows=("P3",),
                ),
            ),
        ),
        Step(
            text=(
                "One thing more: a b stands before 'hello' in the program. Without it, 'hello' is a Python string, and "
                "a string is made of characters. A network carries bytes. We send a string."
            ),
            ask=Ask(
                "s.sendto('hello', ...), without the b: what comes of it?",
                (
                    Answer(
                        "5, the same as before",
                        lambda seen: endpoint(seen.here, CLIENT).extra_error is None,
                        "Python does not guess how characters are to be written as bytes. There are several ways.",
                    ),
                    Answer("a TypeError", lambda seen: error_of(seen.here, CLIENT).type == "TypeError"),
                    Answer(
                        "an error from the kernel",
                        lambda seen: error_of(seen.here, CLIENT).errno is not None,
                        "The kernel never saw it: Python stopped it before.",
                    ),
                ),
            ),
            label="send a string instead of bytes",
            do=(extra(CLIENT, "s.sendto('hello', ('127.0.0.1', {port}))", keep="str"),),
            shows=(
                Claim(
                    sentence="A string can't be sent, and no packet flew.",
                    holds=lambda seen: error_of(seen.here, CLIENT).type == "TypeError" and not seen.flown,
                    saw=lambda seen: error_text(seen.kept["str"], CLIENT),
                    rows=("A5",),
                ),
            ),
        ),
        Step(
            text=(
                "encode() turns characters into bytes, and needs to know how. ASCII has a byte for each of 128 "
                "characters; UTF-8 has some for every character there is. We try the letter é with both, and send it."
            ),
            ask=Ask(
                "The letter é as UTF-8: how many bytes?",
                (
                    Answer(
                        "one: a letter is a byte",
                        lambda seen: _size(seen, "sent") == 1,
                        "So it is for the letters a to z. A byte has 256 values, and there are over 100,000 "
                        "characters.",
                    ),
                    Answer("two", lambda seen: _size(seen, "sent") == 2),
                    Answer(
                        "four: every character has four",
                        lambda seen: _size(seen, "sent") == 4,
                        "That is another way of writing, UTF-32. UTF-8 takes one to four, as many as are needed.",
                    ),
                ),
            ),
            label="encode é as ASCII, then as UTF-8, and send it",
            do=(
                extra(CLIENT, "'é'.encode('ascii')", keep="ascii"),
                extra(CLIENT, "s.sendto('é'.encode('utf-8'), ('127.0.0.1', {port}))", keep="sent"),
                deliver(),
            ),
            shows=(
                Claim(
                    sentence="ASCII has no é: that is an error, before anything is sent.",
                    holds=lambda seen: error_of(seen.kept["ascii"], CLIENT).type == "UnicodeEncodeError",
                    saw=lambda seen: error_of(seen.kept["ascii"], CLIENT).type,
                    rows=("A5",),
                ),
                Claim(
                    sentence="UTF-8 makes two bytes of it.",
                    holds=lambda seen: _size(seen, "sent") == 2,
                    saw=lambda seen: f"sendto() returned {_size(seen, 'sent')}",
                    rows=("A5",),
                ),
            ),
        ),
        Step(
            text="And these are the two bytes as they went over the wire.",
            label="look into the packet",
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="The packet carries c3 a9, which is é for those who know it is UTF-8.",
                    holds=lambda seen: packets(seen.here, CLIENT)[-1].data == "é".encode(),
                    saw=lambda seen: f"data {packets(seen.here, CLIENT)[-1].data.hex(' ')}",
                    rows=("A5",),
                ),
            ),
            after="The packet does not say what its bytes mean. Both programs must have agreed on that beforehand.",
        ),
    ),
    point="UDP sends at once, to whoever may be there: a successful sendto() means handed over, and nothing more.",
    mistake=Mistake(
        "sendto() came back without an error, so it has arrived.",
        "It came back before the packet had arrived anywhere, and so it did when nobody was there.",
    ),
    small_print=(
        "A UDP socket can be given one partner with connect(), which sends nothing. Then the kernel knows whom the "
        "note "
        "is for, and the call after it fails with ECONNREFUSED."
    ),
)
