"""Lesson 12: failures: three ways of not getting through, and four names for where one wants to go."""

from __future__ import annotations

from collections.abc import Callable

from netsim.model.events import KernelSocket
from netsim.model.world import World
from netsim.story.deeds import deliver_all, drop, extra, kill, open_gate, run, start_to
from netsim.story.director import OPENING
from netsim.story.lesson import GATE, KERNEL_TABLE, PRIVATE, Act, Answer, Ask, Claim, Fresh, Lesson, Mistake, Seen, Step
from netsim.story.sights import (
    called,
    endpoint,
    error_of,
    flags,
    kernels,
    listen_rows,
    listening,
    mark,
    on_port,
    queue,
    result,
    sleeps_in,
    states,
)

CLIENT = "client1"
REFUSED = "111"  # ECONNREFUSED, as connect_ex() returns it on Linux


def _try(name: str, host: str, offset: str = "", family: str = "") -> Act:
    """The client tries to connect to `host`; connect_ex() returns 0 or the number of the error."""
    line = f"socket.socket({family}).connect_ex(({host!r}, {{port{offset}}}))"
    return extra(CLIENT, line, keep=name)


def _came(seen: Seen, name: str) -> str:
    """What that attempt returned."""
    return result(seen.kept[name], CLIENT)


def _ended_in(error: str) -> Callable[[Seen], bool]:
    def holds(seen: Seen) -> bool:
        program = endpoint(seen.here, CLIENT)
        return program.error is not None and program.error.name == error

    return holds


def _listeners(world: World, port: int) -> tuple[KernelSocket, ...]:
    return tuple(each for each in on_port(world, port) if each.state == "LISTEN")


def _hosts(world: World, port: int) -> list[str]:
    """The addresses on which somebody listens at a port, as the table has them."""
    return sorted(row.key.host for row in listen_rows(world, port))


def _name_of_machine(seen: Seen) -> str:
    return result(seen.kept["lookup"], CLIENT).strip("'")


LESSON = Lesson(
    number=12,
    name="failures",
    title="Failures",
    question="It does not work. What is it: refused, unanswered, or not accepted?",
    opening=(OPENING[1],),
    steps=(
        Step(
            text=(
                "There is a client, and no server: nobody has port {port}. The client makes its socket. Its next line "
                "is connect()."
            ),
            label="the client makes its socket",
            do=(run(CLIENT),),
            view="table",
            shows=(
                Claim(
                    sentence="Nobody listens on the port.",
                    holds=lambda seen: not _listeners(seen.here, seen.port),
                    saw=lambda seen: f"{len(_listeners(seen.here, seen.port))} sockets listen on {seen.port}",
                ),
            ),
        ),
        Step(
            text="Now it calls. The machine is there, the port is nobody's.",
            ask=Ask(
                "No server: when does connect() fail?",
                (
                    Answer("at once", _ended_in("ECONNREFUSED")),
                    Answer(
                        "after some minutes",
                        _ended_in("ETIMEDOUT"),
                        "So it is if nothing answers at all. Here somebody answers: the kernel, that nobody is there.",
                    ),
                    Answer(
                        "never: it waits for a server",
                        lambda seen: sleeps_in(seen.here, CLIENT) == "connect",
                        "Nothing waits for a server to be started: a client that comes too early has to try again.",
                    ),
                ),
            ),
            label="the client calls, and the answer comes",
            do=(run(CLIENT), deliver_all()),
            shows=(
                Claim(
                    sentence="The first answer was the last: connection refused.",
                    holds=_ended_in("ECONNREFUSED"),
                    saw=lambda seen: error_of(seen.here, CLIENT).message,
                    rows=("F1",),
                ),
                Claim(
                    sentence="One packet there, one back: SYN, and RST. No program was asked.",
                    holds=lambda seen: [flags(packet) for packet in seen.here.packets] == ["SYN", "RST-ACK"],
                    saw=lambda seen: ", ".join(called(packet) for packet in seen.here.packets) or "no packets",
                    rows=("F1",),
                ),
            ),
            after="Refused is good news: the machine is there and awake, only the service is not.",
        ),
        Step(
            text=(
                "The second failure: the SYN never arrives. A firewall that throws packets away looks just like this, "
                "and so does a machine that is switched off. The client starts once more, calls, and we lose its SYN."
            ),
            label="the client calls, and its SYN is lost",
            do=(*start_to(CLIENT, "tcp_client.py", "connect"), run(CLIENT), drop()),
            needs=(GATE, KERNEL_TABLE),
            shows=(
                Claim(
                    sentence="There is no error: connect() sleeps, for silence says nothing.",
                    holds=lambda seen: sleeps_in(seen.here, CLIENT) == "connect",
                    saw=lambda seen: f"the client is {endpoint(seen.here, CLIENT).status} in connect()",
                    rows=("F1",),
                ),
                Claim(
                    sentence="The kernel's timer runs: it will send the SYN again, and again.",
                    holds=lambda seen: (
                        kernels(seen.here, CLIENT).state == "SYN_SENT"
                        and kernels(seen.here, CLIENT).timer == "retransmit"
                    ),
                    saw=lambda seen: f"{kernels(seen.here, CLIENT).state}, timer {kernels(seen.here, CLIENT).timer}",
                    rows=("F1",),
                ),
            ),
            after="On most Linux machines it gives up after about two minutes. Then the error is ETIMEDOUT.",
        ),
        Step(
            text=(
                "The third failure: a server listens, but its program never accepts anybody. The client is started "
                "once more and connects; then it waits for a greeting."
            ),
            ask=Ask(
                "Nobody accepts. Where does the client hang?",
                (
                    Answer(
                        "in connect()",
                        lambda seen: sleeps_in(seen.here, CLIENT) == "connect",
                        "The kernel answers for a port that listens. connect() needs no accept().",
                    ),
                    Answer("in recv()", lambda seen: sleeps_in(seen.here, CLIENT) == "recv"),
                    Answer(
                        "nowhere: it gets an error",
                        lambda seen: endpoint(seen.here, CLIENT).error is not None,
                        "Nothing is wrong so far: a connection waits in the queue. It might be accepted any moment.",
                    ),
                ),
            ),
            label="a server that never accepts; the client calls",
            do=(
                kill(CLIENT),
                *start_to("server", "silent_server.py", "accept"),
                *start_to(CLIENT, "tcp_client.py", "connect"),
                run(CLIENT),
                deliver_all(),
                run(CLIENT),
            ),
            shows=(
                Claim(
                    sentence="connect() succeeded, and both ends are open.",
                    holds=lambda seen: (
                        mark(seen.here, CLIENT, "s.connect(").ok and states(seen.here) == ("ESTABLISHED", "ESTABLISHED")
                    ),
                    saw=lambda seen: "client {}, server {}".format(*states(seen.here)),
                    rows=("F1",),
                ),
                Claim(
                    sentence="The client hangs in recv(): its connection waits in the server's queue.",
                    holds=lambda seen: (
                        sleeps_in(seen.here, CLIENT) == "recv"
                        and queue(seen.here) == 1
                        and listening(seen.here).receive_queue == 1
                    ),
                    saw=lambda seen: (
                        f"asleep in {sleeps_in(seen.here, CLIENT)}(), {queue(seen.here)} waits for accept()"
                    ),
                    rows=("F1",),
                ),
            ),
            after="Three failures, three cures: start the service; find the firewall; look what the server is doing.",
        ),
        Step(
            text=(
                "Now the other half of many failures: the wrong address. A server listens three times: on 127.0.0.1, "
                "on 0.0.0.0, and on ::1, which is IPv6's name for this machine. From here on packets pass unheld."
            ),
            label="start a server on three addresses",
            do=(
                Fresh(opening=(OPENING[1],)),
                open_gate(),
                *start_to("server", "addresses.py", "accept"),
                run(CLIENT),
            ),
            needs=(PRIVATE,),
            view="table",
            shows=(
                Claim(
                    sentence="Port {port} is there twice, the port after it once, on 0.0.0.0.",
                    holds=lambda seen: (
                        _hosts(seen.here, seen.port) == ["127.0.0.1", "::1"]
                        and _hosts(seen.here, seen.port + 1) == ["0.0.0.0"]
                    ),
                    saw=lambda seen: f"{_hosts(seen.here, seen.port)} and {_hosts(seen.here, seen.port + 1)}",
                    rows=("F2",),
                ),
            ),
            after="0.0.0.0 is no machine's address. To bind() it means: any address that this machine has.",
        ),
        Step(
            text=(
                "A machine has more addresses than one. All that begin with 127 mean this machine. We try the two "
                "ports on 127.0.0.1, and then on 127.0.0.2."
            ),
            ask=Ask(
                "Who answers on 127.0.0.2?",
                (
                    Answer(
                        "both ports: it is the same machine",
                        lambda seen: _came(seen, "one at 2") == _came(seen, "every at 2") == "0",
                        "The same machine, but the first socket was bound to one of its addresses, and only to that.",
                    ),
                    Answer(
                        "the one on 0.0.0.0",
                        lambda seen: _came(seen, "one at 2") != "0" and _came(seen, "every at 2") == "0",
                    ),
                    Answer(
                        "neither",
                        lambda seen: _came(seen, "one at 2") != "0" and _came(seen, "every at 2") != "0",
                        "0.0.0.0 stands for every address that this machine has, and 127.0.0.2 is one of them.",
                    ),
                ),
            ),
            label="connect to both ports, on both addresses",
            do=(
                _try("one at 1", "127.0.0.1"),
                _try("every at 1", "127.0.0.1", "+1"),
                _try("one at 2", "127.0.0.2"),
                _try("every at 2", "127.0.0.2", "+1"),
            ),
            needs=(PRIVATE,),
            view="table",
            shows=(
                Claim(
                    sentence="On 127.0.0.1 both answer.",
                    holds=lambda seen: (_came(seen, "one at 1"), _came(seen, "every at 1")) == ("0", "0"),
                    saw=lambda seen: (
                        f"connect_ex(): {_came(seen, 'one at 1')} and {_came(seen, 'every at 1')}; 0 is yes"
                    ),
                    rows=("F2",),
                ),
                Claim(
                    sentence="On 127.0.0.2 only the socket on 0.0.0.0 does; the other port is refused.",
                    holds=lambda seen: (_came(seen, "one at 2"), _came(seen, "every at 2")) == (REFUSED, "0"),
                    saw=lambda seen: f"connect_ex(): {_came(seen, 'one at 2')} and {_came(seen, 'every at 2')}",
                    rows=("F2",),
                ),
            ),
            after="So a server on 127.0.0.1 is for this machine alone; one on 0.0.0.0 is for whoever reaches it.",
        ),
        Step(
            text=(
                "IPv6 has addresses of its own: ::1 is what 127.0.0.1 is in IPv4. We try both ports there. The socket "
                "on 0.0.0.0 is an IPv4 socket."
            ),
            label="connect to both ports on ::1",
            do=(
                _try("six", "::1", family="socket.AF_INET6"),
                _try("every at six", "::1", "+1", family="socket.AF_INET6"),
            ),
            needs=(PRIVATE,),
            view="table",
            shows=(
                Claim(
                    sentence="::1 answers where somebody bound ::1; 0.0.0.0 does not stand for it.",
                    holds=lambda seen: (_came(seen, "six"), _came(seen, "every at six")) == ("0", REFUSED),
                    saw=lambda seen: f"connect_ex(): {_came(seen, 'six')} and {_came(seen, 'every at six')}",
                    rows=("F2",),
                ),
            ),
        ),
        Step(
            text=(
                "Last, names. A name is looked up first, and an address comes out; only the address goes into the "
                "packet. localhost is one; this machine's own name, which gethostname() tells, is another."
            ),
            label="look both names up, and connect to the first",
            do=(
                extra(CLIENT, "socket.gethostbyname('localhost')", keep="localhost"),
                _try("by name", "localhost"),
                extra(CLIENT, "socket.gethostbyname(socket.gethostname())", keep="lookup"),
                extra(
                    CLIENT,
                    "socket.socket().connect_ex((socket.gethostbyname(socket.gethostname()), {port}))",
                    keep="by own name",
                ),
            ),
            needs=(PRIVATE,),
            view="table",
            shows=(
                Claim(
                    sentence="localhost is 127.0.0.1, so the server on 127.0.0.1 answers.",
                    holds=lambda seen: (
                        (result(seen.kept["localhost"], CLIENT), _came(seen, "by name")) == ("'127.0.0.1'", "0")
                    ),
                    saw=lambda seen: (
                        f"{result(seen.kept['localhost'], CLIENT)}, connect_ex(): {_came(seen, 'by name')}"
                    ),
                    rows=("F2",),
                ),
                Claim(
                    sentence="The machine's own name reaches it only if it means 127.0.0.1.",
                    holds=lambda seen: (_came(seen, "by own name") == "0") == (_name_of_machine(seen) == "127.0.0.1"),
                    saw=lambda seen: (
                        f"it means {_name_of_machine(seen) or 'no address'}: "
                        f"connect_ex() {_came(seen, 'by own name') or 'not tried'}"
                    ),
                    rows=("F2",),
                ),
            ),
            after="Often the name means 127.0.1.1, or a network card's address: then it works with localhost only.",
        ),
    ),
    point="Refused comes at once and is an answer; silence is no answer; not accepted means that the kernel said yes.",
    mistake=Mistake(
        "Refused, timed out and network down are one thing: it does not work.",
        "They are three findings about three places: no service there, no answer from there, no way to there.",
    ),
    small_print=(
        "A firewall may also answer for the machine, with an RST or an ICMP message: then refused does not mean that "
        "the port is nobody's. And an IPv6 socket on :: takes IPv4 callers too, unless IPV6_V6ONLY is set."
    ),
)
