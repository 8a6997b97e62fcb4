"""Lesson 4: the handshake, and who makes it: with the simplest pair of programs."""

from __future__ import annotations

from netsim.model.commands import StartEndpoint
from netsim.model.world import World
from netsim.story.deeds import deliver, deliver_all, extra, run, run_out, run_to, through
from netsim.story.lesson import GATE, Answer, Ask, Claim, Lesson, Mistake, Seen, Step
from netsim.story.sights import (
    endpoint,
    error_of,
    flags,
    has_run,
    line_of,
    listening,
    on_port,
    packets,
    printed,
    queue,
    sleeps_in,
    states,
)

PAIR = (
    StartEndpoint(who="server", program="simple_server.py", role="server", transport="tcp"),
    StartEndpoint(who="client1", program="simple_client.py", role="client", transport="tcp"),
)
MISSING = {
    "accept": ("socket.socket().accept()", "EINVAL"),
    "send": ("socket.socket().send(b'hello')", "EPIPE"),
    "recv": ("socket.socket().recv(1024)", "ENOTCONN"),
}


def _in_order(world: World, who: str, calls: tuple[str, ...]) -> bool:
    lines = [line_of(world, who, call) for call in calls]
    return lines == sorted(lines) and all(has_run(world, who, call) for call in calls)


def _held(seen: Seen) -> list[str]:
    return [flags(packet) for packet in seen.here.packets if packet.fate == "held"]


def _server_has_not_moved(seen: Seen) -> bool:
    before, now = endpoint(seen.start, "server"), endpoint(seen.here, "server")
    return now.status == "stopped" and now.line == before.line and now.marks == before.marks


def _is_connected(seen: Seen) -> bool:
    return has_run(seen.here, "client1", "s.connect(") and _server_has_not_moved(seen)


def _both(seen: Seen) -> str:
    return " and ".join(state or "none" for state in states(seen.here))


def _three(seen: Seen) -> list[tuple[str, int | None, int | None]]:
    return [(flags(packet), packet.seq, packet.ack) for packet in packets(seen.here)][:3]


def _errors(seen: Seen) -> str:
    return ", ".join(f"{call}() {error_of(seen.kept[call], 'client1').name}" for call in MISSING)


def _time_wait(seen: Seen) -> list[str]:
    return [socket.state for socket in on_port(seen.here, seen.port) if socket.remote is not None]


LESSON = Lesson(
    number=4,
    name="handshake",
    title="The handshake",
    question="What happens between connect() and the first word, and who does it?",
    opening=PAIR,
    steps=(
        Step(
            text=(
                "This is the simplest pair of programs. The server: socket, bind, listen, accept, send, close. The "
                "client: socket, connect, recv, close. Is the order a matter of taste? We try three calls too early."
            ),
            label="in the client: accept(), send() and recv() on a new socket",
            do=tuple(extra("client1", line, keep=call) for call, (line, _) in MISSING.items()),
            shows=(
                Claim(
                    sentence="Each of them is an error: its turn had not come.",
                    holds=lambda seen: all(
                        error_of(seen.kept[call], "client1").name == name for call, (_, name) in MISSING.items()
                    ),
                    saw=_errors,
                    rows=("A3",),
                ),
            ),
            after=(
                "accept() without listen(); send() and recv() without a connection: the kernel names what is missing."
            ),
        ),
        Step(
            text="The server runs its first three lines, and stops before accept(). It does not call accept() for now.",
            label="the server: socket(), bind(), listen()",
            do=(run_to("server", "accept"),),
            view="table",
            shows=(
                Claim(
                    sentence="socket(), bind(), listen(), in this order, and the port is open.",
                    holds=lambda seen: (
                        _in_order(seen.here, "server", ("socket.socket(", "s.bind(", "s.listen("))
                        and listening(seen.here).state == "LISTEN"
                    ),
                    saw=lambda seen: f"{listening(seen.here).local} {listening(seen.here).state}",
                    rows=("A3", "A4"),
                ),
            ),
        ),
        Step(
            text="The client calls socket() and connect(). Packets are held until we deliver them, one at a time.",
            label="the client: socket(), connect()",
            do=(run_to("client1", "connect"), run("client1")),
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="connect() sent one packet, a SYN, and now the client sleeps.",
                    holds=lambda seen: (
                        _held(seen) == ["SYN"]
                        and sleeps_in(seen.here, "client1") == "connect"
                        and states(seen.here)[0] == "SYN_SENT"
                    ),
                    saw=lambda seen: f"held: {', '.join(_held(seen))}; the client's end is {states(seen.here)[0]}",
                    rows=("P2",),
                ),
            ),
            after="SYN is short for synchronize: it says from which number this side will count its bytes.",
        ),
        Step(
            text="We deliver the SYN. The server program still stands before accept().",
            ask=Ask(
                "Who answers the SYN?",
                (
                    Answer(
                        "the server program",
                        lambda seen: not _server_has_not_moved(seen),
                        "It has not moved: it stands where it stood, before accept().",
                    ),
                    Answer("the kernel", lambda seen: _held(seen) == ["SYN-ACK"] and _server_has_not_moved(seen)),
                    Answer(
                        "nobody, until accept()",
                        lambda seen: not _held(seen),
                        "accept() is not needed for that: since listen() the kernel may answer alone.",
                    ),
                ),
            ),
            label="deliver the SYN",
            do=(deliver(),),
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="The kernel answered with a SYN-ACK; the server program did not move.",
                    holds=lambda seen: _held(seen) == ["SYN-ACK"] and _server_has_not_moved(seen),
                    saw=lambda seen: f"held: {', '.join(_held(seen))}; the ends are {_both(seen)}",
                    rows=("P2",),
                ),
            ),
        ),
        Step(
            text="The client waits in connect(), or is about to call it. The server has not called accept().",
            ask=Ask(
                "Does connect() succeed before anyone calls accept()?",
                (
                    Answer("yes", _is_connected),
                    Answer(
                        "no, it waits for accept()",
                        lambda seen: sleeps_in(seen.here, "client1") == "connect",
                        "accept() takes a connection that is there already. The kernel makes connections without it.",
                    ),
                    Answer(
                        "no, it is refused",
                        lambda seen: error_of(seen.here, "client1").name == "ECONNREFUSED",
                        "It would be, without listen(). The server has called that.",
                    ),
                ),
            ),
            label="go on until connect() returns",
            do=(through("client1", "connect"),),
            shows=(
                Claim(
                    sentence="connect() succeeded, and no program had accepted anything.",
                    holds=_is_connected,
                    saw=lambda seen: f"the ends are {_both(seen)}; accept() was not called",
                    rows=("P2", "A3"),
                ),
            ),
        ),
        Step(
            text=(
                "The kernel, client side, has sent the third packet, an ACK. We deliver it, and the handshake is "
                "complete."
            ),
            label="deliver what is left of the handshake",
            do=(deliver_all(),),
            view="table",
            shows=(
                Claim(
                    sentence="Both ends are ESTABLISHED, and the server's has no process yet.",
                    holds=lambda seen: (
                        states(seen.here) == ("ESTABLISHED", "ESTABLISHED") and queue(seen.here) == 1
                        if seen.here.kernel_complete
                        else states(seen.here) == ("ESTABLISHED", "ESTABLISHED")
                    ),
                    saw=lambda seen: f"the ends are {_both(seen)}",
                    rows=("P2",),
                ),
            ),
            after="The connection waits in a queue of the kernel's. accept() will take it from there.",
        ),
        Step(
            text=(
                "Three packets: that is the three-way handshake. Each side tells its number, and each confirms the "
                "other's."
            ),
            label="look at the three packets",
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="SYN, SYN-ACK, ACK; each ack is the other's number plus one.",
                    holds=lambda seen: (
                        _three(seen)[:2] == [("SYN", 0, None), ("SYN-ACK", 0, 1)]
                        and _three(seen)[2][0] == "ACK"
                        and _three(seen)[2][2] == 1
                    ),
                    saw=lambda seen: ", ".join(name for name, _, _ in _three(seen)),
                    rows=("P2",),
                ),
            ),
        ),
        Step(
            text=(
                "Now the server accepts, greets, and closes; the client receives up to 1024 bytes, prints them, and "
                "closes too."
            ),
            label="accept(), send(), close(); recv(), close()",
            do=(
                run("server"),
                run("server"),
                deliver_all(),
                run("server"),
                run("client1"),
                run_out("client1"),
                deliver_all(),
            ),
            view="table",
            shows=(
                Claim(
                    sentence="The client printed the greeting, and both have closed.",
                    holds=lambda seen: (
                        "Connection received" in printed(seen.here, "client1")
                        and _in_order(seen.here, "server", ("s.accept(", "conn.send(", "conn.close("))
                        and _in_order(seen.here, "client1", ("s.connect(", "s.recv(", "s.close("))
                    ),
                    saw=lambda seen: f"printed {printed(seen.here, 'client1').strip()!r}",
                    rows=("A3", "A4"),
                ),
                Claim(
                    sentence="The server closed first: its end of the port is left in TIME_WAIT.",
                    holds=lambda seen: _time_wait(seen) == ["TIME_WAIT"],
                    saw=lambda seen: f"on port {seen.port}: {', '.join(_time_wait(seen)) or 'nothing left'}",
                    rows=("A4",),
                ),
            ),
            after="Who says goodbye first waits at the end. Lesson 11 is about that.",
        ),
    ),
    point="Since listen() the kernel makes the connections, with three packets; accept() only takes one that is there.",
    mistake=Mistake(
        "accept() does the handshake.",
        "The handshake was over before accept() was called; accept() sent no packet.",
    ),
    small_print=(
        "Other systems can be set to wait for accept(), and Linux can wait for the first data (TCP_DEFER_ACCEPT). The "
        "numbers start anywhere: netsim shows them from 0, and the raw ones when a packet is opened."
    ),
)
