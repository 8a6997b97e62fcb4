"""Lesson 1: what a socket is, before a single packet is sent."""

from __future__ import annotations

from netsim.model.views import conversation_of
from netsim.story.deeds import extra, open_gate, run, run_to, start
from netsim.story.lesson import PROC, Answer, Ask, Claim, Lesson, Mistake, Seen, Step
from netsim.story.sights import endpoint, has_run, kernels, mark, result, socket

LINK = "__import__('os').readlink('/proc/self/fd/' + str(s.fileno()))"


def _pids(seen: Seen) -> str:
    return f"server PID {endpoint(seen.here, 'server').pid}, client PID {endpoint(seen.here, 'client1').pid}"


def _two_processes(seen: Seen) -> bool:
    pids = {endpoint(seen.here, who).pid for who in ("server", "client1")}
    return len(pids) == 2 and all(not endpoint(seen.here, who).sockets for who in ("server", "client1"))


def _one_socket_each(seen: Seen) -> bool:
    one, other = socket(seen.here, "server"), socket(seen.here, "client1")
    return one.inode != other.inode and all(len(endpoint(seen.here, who).sockets) == 1 for who in ("server", "client1"))


def _fds(seen: Seen) -> str:
    here = seen.here
    return f"server fd {socket(here, 'server').fd}, client fd {socket(here, 'client1').fd}; {_packets(seen)}"


def _packets(seen: Seen) -> str:
    count = len(seen.here.packets)
    return {0: "no packet", 1: "1 packet"}.get(count, f"{count} packets")


def _next_number(seen: Seen) -> bool:
    return result(seen.kept["opened"], "client1") == str(socket(seen.here, "client1").fd + 1)


def _kinds(seen: Seen) -> tuple[str, ...]:
    return tuple(socket(seen.here, who).transport for who in ("server", "client1", "udpserver", "udpclient1"))


def _one_conversation(seen: Seen) -> bool:
    client = conversation_of(seen.here, endpoint(seen.here, "client1"))
    mine, theirs = kernels(seen.here, "client1"), kernels(seen.here, "server", 1)
    pids = {endpoint(seen.here, who).pid for who in ("server", "client1")}
    return client is not None and mine.local == theirs.remote and mine.remote == theirs.local and len(pids) == 2


def _ends(seen: Seen) -> str:
    mine, theirs = kernels(seen.here, "client1"), kernels(seen.here, "server", 1)
    return (
        f"client fd {socket(seen.here, 'client1').fd} {mine.local} to {mine.remote}; "
        f"server fd {socket(seen.here, 'server', 1).fd} {theirs.local} to {theirs.remote}"
    )


LESSON = Lesson(
    number=1,
    name="two-sockets",
    title="Two sockets",
    question="Two programs want to talk. What does each of them need before a word is said?",
    steps=(
        Step(
            text=(
                "Here are two real programs, a client and a server. Each runs in a process of its own, and each "
                "process has a number, its PID. Both stand still before their first line that has to do with the net."
            ),
            label="look at both",
            shows=(
                Claim(
                    sentence="Two processes, two PIDs, and no socket yet.",
                    holds=_two_processes,
                    saw=_pids,
                    rows=("S4",),
                ),
            ),
        ),
        Step(
            text=(
                "The next line of both is s = socket.socket(). It asks the kernel, the operating system's core, for "
                "a socket."
            ),
            ask=Ask(
                "Both call socket(). How many packets does that send?",
                (
                    Answer("none", lambda seen: not seen.here.packets, "A socket is made inside one machine."),
                    Answer(
                        "one, to say hello",
                        lambda seen: len(seen.here.packets) == 1,
                        "Hello to whom? Nobody has said yet who is to be talked to.",
                    ),
                    Answer(
                        "three, a handshake",
                        lambda seen: len(seen.here.packets) == 3,
                        "A handshake comes with connect(), and only for TCP. Nobody has called that.",
                    ),
                ),
            ),
            label="both programs call socket()",
            do=(run("server"), run("client1")),
            shows=(
                Claim(
                    sentence="Each program has a socket of its own, and no packet was sent.",
                    holds=lambda seen: _one_socket_each(seen) and not seen.here.packets,
                    saw=_fds,
                    rows=("S1", "S4"),
                ),
            ),
            after=(
                "A socket is the program's handle: whatever it wants of the net from now on, it asks through s. Both "
                "may have the same number: each process counts its own files."
            ),
        ),
        Step(
            text=(
                "The kernel keeps a socket as a file: one without a name on any disk. We run a few lines more in "
                "the client: one asks what its file number stands for, one opens an ordinary file and closes it, and "
                "one makes a second socket."
            ),
            label="look at the file number; open a file, close it; a second socket",
            do=(
                extra("client1", LINK, keep="link"),
                extra("client1", "(f := open('/dev/null')).fileno()", keep="opened"),
                extra("client1", "f.close()"),
                extra("client1", "(t := socket.socket()).fileno()", keep="again"),
                extra("client1", "t.close()"),
            ),
            needs=(PROC,),
            shows=(
                Claim(
                    sentence="The file number leads to a socket, not to a name on a disk.",
                    holds=lambda seen: (
                        result(seen.kept["link"], "client1") == f"'socket:[{socket(seen.here, 'client1').inode}]'"
                    ),
                    saw=lambda seen: f"fd {socket(seen.here, 'client1').fd} is {result(seen.kept['link'], 'client1')}",
                    rows=("S2",),
                ),
                Claim(
                    sentence="The file opened next got the next number: they are counted together.",
                    holds=_next_number,
                    saw=lambda seen: (
                        f"socket fd {socket(seen.here, 'client1').fd}, file fd {result(seen.kept['opened'], 'client1')}"
                    ),
                    rows=("S2",),
                    always=True,
                ),
                Claim(
                    sentence="close() gave that number back, and a new socket got it.",
                    holds=lambda seen: result(seen.kept["again"], "client1") == result(seen.kept["opened"], "client1"),
                    saw=lambda seen: f"socket fd {result(seen.kept['again'], 'client1')}",
                    rows=("S2",),
                    always=True,
                ),
            ),
            after="A file number is also called a file descriptor, or fd. Files and sockets are counted together.",
        ),
        Step(
            text="Has the client's socket a port by now? We ask it for its own address.",
            ask=Ask(
                "s.getsockname() of the client: which port will it say?",
                (
                    Answer(
                        "{port}",
                        lambda seen: result(seen.here, "client1").endswith(f", {seen.port})"),
                        "That is the number that the server is going to ask for. Nobody has asked yet.",
                    ),
                    Answer("0: none yet", lambda seen: result(seen.here, "client1").endswith(", 0)")),
                    Answer(
                        "its PID",
                        lambda seen: f", {endpoint(seen.here, 'client1').pid})" in result(seen.here, "client1"),
                        "Ports and PIDs are two different kinds of numbers. The lessons on ports show why.",
                    ),
                ),
            ),
            label="ask the client's socket for its address",
            do=(extra("client1", "s.getsockname()"),),
            view="table",
            shows=(
                Claim(
                    sentence="A new socket has no port, and the port table is empty.",
                    holds=lambda seen: result(seen.here, "client1").endswith(", 0)") and not seen.here.slots,
                    saw=lambda seen: f"getsockname() {result(seen.here, 'client1')}, {len(seen.here.slots)} rows",
                    rows=("S1",),
                ),
            ),
            after="So a socket is not a port. A port comes later: when one is asked for, or needed.",
        ),
        Step(
            text=(
                "There are two ways to talk. socket() alone makes a socket for TCP (SOCK_STREAM); for UDP one writes "
                "type=socket.SOCK_DGRAM. We start two programs more that do, and let them call socket() too."
            ),
            label="two programs for UDP call socket()",
            do=(
                start("udpserver", "udp_server.py"),
                start("udpclient1", "udp_client.py"),
                run("udpserver"),
                run("udpclient1"),
            ),
            shows=(
                Claim(
                    sentence="Two sockets are for TCP, two for UDP; and still no packet was sent.",
                    holds=lambda seen: _kinds(seen) == ("tcp", "tcp", "udp", "udp") and not seen.here.packets,
                    saw=lambda seen: f"{', '.join(_kinds(seen))}; {_packets(seen)}",
                    rows=("P1",),
                ),
            ),
            after="Which of the two is chosen when the socket is made, and can't be changed any more.",
        ),
        Step(
            text=(
                "Now the two TCP programs run on, until the client has read a greeting. Packets pass by themselves in "
                "this lesson. Watch what stands before the dot in each line: s. or conn."
            ),
            label="run on until the client has its greeting",
            do=(
                open_gate(),
                run_to("server", "accept"),
                run("client1"),
                run("server"),
                run("server"),
                run("client1"),
            ),
            shows=(
                Claim(
                    sentence="Through their sockets they called, were called, sent and received.",
                    holds=lambda seen: all(
                        has_run(seen.here, who, text)
                        for who, text in (
                            ("server", "s.listen("),
                            ("client1", "s.connect("),
                            ("server", "s.accept("),
                            ("server", "conn.send("),
                            ("client1", "s.recv("),
                        )
                    ),
                    saw=lambda seen: (
                        f"connect() {mark(seen.here, 'client1', 's.connect(').text}, "
                        f"accept() {mark(seen.here, 'server', 's.accept(').text}, "
                        f"send() {mark(seen.here, 'server', 'conn.send(').text}, "
                        f"recv() {mark(seen.here, 'client1', 's.recv(').text}"
                    ),
                    rows=("S1",),
                ),
                Claim(
                    sentence="Two PIDs, two file numbers, one conversation: each end names the other.",
                    holds=_one_conversation,
                    saw=_ends,
                    rows=("S4",),
                ),
            ),
            after="A conversation has two ends, and each end is a socket.",
        ),
    ),
    point="A socket is a program's handle for talking: a file without a name, and one end of a conversation.",
    mistake=Mistake(
        "A socket is a port.",
        "A socket was there before it had any port; and many sockets can share one port, as lesson 5 shows.",
    ),
    small_print=(
        "Not every system sees a socket as a file: Windows has handles for them that are not file numbers. And sockets "
        "of other families (AF_UNIX) have names in the file system and no ports at all."
    ),
)
