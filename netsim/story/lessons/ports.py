"""Lesson 2: ports: who claims one, who is given one, and who says which are free."""

from __future__ import annotations

from netsim.model.decode import decode
from netsim.model.wire import Segment
from netsim.model.world import World
from netsim.story.deeds import extra, open_gate, run, run_to, runs, start, start_to
from netsim.story.lesson import GATE, PROC, Answer, Ask, Claim, Lesson, Mistake, Seen, Step, port_beside
from netsim.story.sights import (
    endpoint,
    error_of,
    error_text,
    flags,
    has_run,
    listen_row,
    listening,
    packets,
    port_of,
    result,
    tried,
)

CALL = "socket.socket().connect(('127.0.0.1', {port}))"
RANGE = "open('/proc/sys/net/ipv4/ip_local_port_range').read().split()"
LIMIT = "int(open('/proc/sys/net/ipv4/ip_unprivileged_port_start').read())"
RIGHTS = "[line.split()[1] for line in open('/proc/self/status') if line.startswith('CapEff')][0]"
BIND_SERVICE = 10  # linux/capability.h: CAP_NET_BIND_SERVICE


def _refused(world: World) -> bool:
    return error_of(world, "client1").name == "ECONNREFUSED"


def _said(seen: Seen, name: str) -> str:
    """The result of the client's line that was kept under this name."""
    return result(seen.kept[name], "client1")


def _picked(seen: Seen) -> int:
    return port_of(seen.here, "client1")


def _range(seen: Seen) -> tuple[int, int]:
    first, last = _said(seen, "range").strip("[]").replace("'", "").split(", ")
    return int(first), int(last)


def _is_picked(seen: Seen) -> bool:
    return has_run(seen.here, "client1", "s.connect(") and _picked(seen) not in (
        0,
        seen.port,
        endpoint(seen.here, "client1").pid,
    )


def _chosen(seen: Seen) -> int:
    return int(_said(seen, "zero"))


def _two_bytes(seen: Seen) -> str:
    syn = next(packet for packet in packets(seen.here) if flags(packet) == "SYN")
    header = decode(syn.raw)
    if not isinstance(header, Segment):
        raise LookupError("no TCP segment")
    at = header.ip.transport_at + 2  # RFC 9293, 3.1: source port, then destination port, two bytes each
    return syn.raw[at : at + 2].hex(" ")


def _limit(seen: Seen) -> int:
    return int(_said(seen, "limit"))


def _has_right(seen: Seen) -> bool:
    return bool(int(_said(seen, "rights").strip("'"), 16) >> BIND_SERVICE & 1)


def _denied(seen: Seen, port: int = 22) -> bool:
    return tried(seen.kept[str(port)], "client1") == "EACCES"


def _low(seen: Seen) -> str:
    said = ", ".join(f"port {port} {tried(seen.kept[port], 'client1') or 'granted'}" for port in ("22", "80"))
    return f"limit {_limit(seen)}, {'with' if _has_right(seen) else 'without'} the right: {said}"


def _limit_of_queue(seen: Seen) -> int:
    return listen_row(seen.here, seen.port).backlog


LESSON = Lesson(
    number=2,
    name="ports",
    title="Ports",
    question="A machine has one address and many programs. How does a client find the one that it wants?",
    steps=(
        Step(
            text=(
                "The client wants to call port {port}. Nobody has that port yet: the server stands before its first "
                "line. Packets pass by themselves in this lesson. We run one line more in the client: a call to {port}."
            ),
            ask=Ask(
                "Nobody has port {port}. What does connect() get?",
                (
                    Answer("it is refused", lambda seen: _refused(seen.here)),
                    Answer(
                        "it waits until somebody has the port",
                        lambda seen: endpoint(seen.here, "client1").status == "asleep",
                        "The kernel does not keep callers for a port that nobody has. It says no at once.",
                    ),
                    Answer(
                        "it is connected to the kernel",
                        lambda seen: endpoint(seen.here, "client1").extra_error is None,
                        "The kernel answers for programs that listen. Here nobody does.",
                    ),
                ),
            ),
            label="one line more in the client: connect to port {port}",
            do=(open_gate(), extra("client1", CALL)),
            shows=(
                Claim(
                    sentence="Before anyone has the port, a call to it is refused.",
                    holds=lambda seen: _refused(seen.here),
                    saw=lambda seen: error_of(seen.here, "client1").message,
                    rows=("O1",),
                ),
            ),
        ),
        Step(
            text="Now the server runs its first lines, up to bind(('127.0.0.1', {port})). And we call again.",
            label="the server binds {port}; call again",
            do=(run_to("server", "listen"), extra("client1", CALL)),
            view="table",
            shows=(
                Claim(
                    sentence="bind() alone is not enough: the call is still refused.",
                    holds=lambda seen: has_run(seen.here, "server", "s.bind(") and _refused(seen.here),
                    saw=lambda seen: error_of(seen.here, "client1").message,
                    rows=("O1",),
                ),
            ),
            after="bind() says: this port is mine. listen() says: and I take calls.",
        ),
        Step(
            text=(
                "The server calls listen(), and the client its own socket() and connect(). Look at the client's "
                "program: it never calls bind()."
            ),
            ask=Ask(
                "Which port will the client's end have?",
                (
                    Answer(
                        "none",
                        lambda seen: _picked(seen) == 0,
                        "Without one no answer could find the client. Every end of a connection has a port.",
                    ),
                    Answer(
                        "{port}, the server's",
                        lambda seen: _picked(seen) == seen.port,
                        "That one is the server's end. The client needs one of its own.",
                    ),
                    Answer("one that the kernel picks", _is_picked),
                    Answer(
                        "its PID",
                        lambda seen: _picked(seen) == endpoint(seen.here, "client1").pid,
                        "A PID names a process, and can be larger than any port.",
                    ),
                ),
            ),
            label="listen(), and the client connects",
            do=runs("server", "client1", "client1"),
            view="table",
            shows=(
                Claim(
                    sentence="After listen() the same call works.",
                    holds=lambda seen: has_run(seen.here, "client1", "s.connect("),
                    saw=lambda seen: f"connected to port {seen.port}",
                    rows=("O1",),
                ),
                Claim(
                    sentence="The kernel picked a port for the client.",
                    holds=_is_picked,
                    saw=lambda seen: f"port {_picked(seen)}",
                    rows=("O3",),
                ),
            ),
            after="A port that is picked for one conversation is called ephemeral: it goes back when that is over.",
        ),
        Step(
            text="From where does it pick? The kernel has a range of ports for that, which we read.",
            label="read the kernel's range of ephemeral ports",
            do=(extra("client1", RANGE, keep="range"),),
            needs=(PROC,),
            view="table",
            shows=(
                Claim(
                    sentence="The client's port is out of that range.",
                    holds=lambda seen: _range(seen)[0] <= _picked(seen) <= _range(seen)[1],
                    saw=lambda seen: f"port {_picked(seen)}, range {_range(seen)[0]} to {_range(seen)[1]}",
                    rows=("O3",),
                ),
            ),
        ),
        Step(
            text=(
                "A server can leave the choice to the kernel, too: bind() to port 0 means: any that is free. We run "
                "two lines more in the client: a new socket is bound to port 0, and asked what it got."
            ),
            label="bind a new socket to port 0",
            do=(
                extra("client1", "(t := socket.socket()).bind(('127.0.0.1', 0))"),
                extra("client1", "t.getsockname()[1]", keep="zero"),
            ),
            view="table",
            shows=(
                Claim(
                    sentence="bind() to port 0 gave a real port, not port 0.",
                    holds=lambda seen: 0 < _chosen(seen) < 65536 and _chosen(seen) not in (seen.port, _picked(seen)),
                    saw=lambda seen: f"port {_chosen(seen)}",
                    rows=("O3", "O5"),
                ),
            ),
            after="So the kernel keeps the list of all ports: it gives them, refuses them, and takes them back.",
        ),
        Step(
            text=(
                "How large can a port be? A TCP header has two bytes for each of the two ports. We ask for port 65536, "
                "then for port -1."
            ),
            ask=Ask(
                "Two bytes: which is the largest port?",
                (
                    Answer(
                        "9999",
                        lambda seen: "0-9999" in error_text(seen.kept["large"], "client1"),
                        "That is four digits. Headers count in bytes: two of them make 256 times 256 values.",
                    ),
                    Answer("65535", lambda seen: "0-65535" in error_text(seen.kept["large"], "client1")),
                    Answer(
                        "65536",
                        lambda seen: "0-65536" in error_text(seen.kept["large"], "client1"),
                        "There are 65536 ports, but counting begins with 0.",
                    ),
                ),
            ),
            label="ask for port 65536, and for -1",
            do=(
                extra("client1", "socket.socket().bind(('127.0.0.1', 65536))", keep="large"),
                extra("client1", "socket.socket().bind(('127.0.0.1', -1))", keep="small"),
            ),
            shows=(
                Claim(
                    sentence="Python refuses 65536 and -1 before the kernel is even asked.",
                    holds=lambda seen: all(
                        error_of(seen.kept[name], "client1").type == "OverflowError" for name in ("large", "small")
                    ),
                    saw=lambda seen: error_text(seen.kept["large"], "client1"),
                    rows=("O2",),
                ),
            ),
        ),
        Step(
            text=(
                "And this is how it looks in the client's SYN, the first packet of its call: byte 2 and 3 of the "
                "header."
            ),
            label="look into the SYN",
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="The server's port stands in the header as two bytes.",
                    holds=lambda seen: bytes.fromhex(_two_bytes(seen)) == seen.port.to_bytes(2, "big"),
                    saw=lambda seen: f"{seen.port} is {_two_bytes(seen)} in hexadecimal",
                    rows=("O2",),
                ),
            ),
        ),
        Step(
            text=(
                "Ports below 1024 are for the system's own services: 22 for ssh, 80 for the web. Where that rule "
                "is kept, a program needs a special right for them. We let the client ask for port 22, then for 80."
            ),
            ask=Ask(
                "bind() to port 22: what does the kernel say here?",
                (
                    Answer(
                        "permission denied", _denied, "The rule is a setting. Here it is lowered, or we have the right."
                    ),
                    Answer(
                        "granted, or already in use",
                        lambda seen: not _denied(seen),
                        "That is how it is where the limit was lowered, and for the system's administrator, root.",
                    ),
                ),
            ),
            label="read the limit and the right; ask for 22 and 80",
            do=(
                extra("client1", LIMIT, keep="limit"),
                extra("client1", RIGHTS, keep="rights"),
                extra("client1", "socket.socket().bind(('127.0.0.1', 22))", keep="22"),
                extra("client1", "socket.socket().bind(('127.0.0.1', 80))", keep="80"),
            ),
            needs=(PROC,),
            shows=(
                Claim(
                    sentence="A port below the limit goes only to who has the right.",
                    holds=lambda seen: all(
                        _denied(seen, port) == (_limit(seen) > port and not _has_right(seen)) for port in (22, 80)
                    ),
                    saw=_low,
                    rows=("O5",),
                ),
            ),
            after=(
                "The limit is this net's own setting (ip_unprivileged_port_start): 1024 on most machines, 0 in many "
                "containers, and 80 in netsim's own nets. So a low port proves nothing about who is behind it."
            ),
        ),
        Step(
            text=(
                "A second service comes to the same machine: another program, on port {port+1}. One client calls "
                "{port} and "
                "another calls {port+1}. The address is the same for both; only the port differs."
            ),
            label="a second server on {port+1}, and a second client",
            do=(
                *start_to("server2", "second_server.py", "accept"),
                start("client2", "tcp_client.py"),
                run("client2"),
                extra("client2", "s.connect(('127.0.0.1', {port+1}))"),
                *runs("server", "server", "server2", "server2"),
                extra("client1", "s.recv(1024)", keep="one"),
                extra("client2", "s.recv(1024)", keep="other"),
            ),
            view="table",
            shows=(
                Claim(
                    sentence="Same address, two ports, two programs, two answers.",
                    holds=lambda seen: (
                        "Connection received" in _said(seen, "one")
                        and "The other service" in result(seen.kept["other"], "client2")
                        and listen_row(seen.here, seen.port).pids != listen_row(seen.here, port_beside(seen.port)).pids
                    ),
                    saw=lambda seen: f"{_said(seen, 'one')}, {result(seen.kept['other'], 'client2')}",
                    rows=("O4",),
                ),
            ),
        ),
        Step(
            text=(
                "A socket has more than an address: it has properties. The listening socket keeps a queue for callers, "
                "and listen(5) set its limit. Others are options, read with getsockopt() and set with setsockopt()."
            ),
            label="set an option of the client's socket",
            do=(
                extra("client1", "s.getsockname()", keep="name"),
                extra("client1", "s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)", keep="before"),
                extra("client1", "s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)"),
                extra("client1", "s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)", keep="after"),
            ),
            view="table",
            shows=(
                Claim(
                    sentence="The socket's address is an IP address and a port.",
                    holds=lambda seen: _said(seen, "name") == f"('127.0.0.1', {_picked(seen)})",
                    saw=lambda seen: _said(seen, "name"),
                    rows=("S3",),
                ),
                Claim(
                    sentence="The queue of the listening socket has the limit that listen() set.",
                    holds=lambda seen: _limit_of_queue(seen) == 5 and listening(seen.here).state == "LISTEN",
                    saw=lambda seen: (
                        f"at most {_limit_of_queue(seen)} may wait, {listening(seen.here).receive_queue} do"
                    ),
                    rows=("S3",),
                ),
                Claim(
                    sentence="The option was off, and now it is on.",
                    holds=lambda seen: _said(seen, "before") == "0" != _said(seen, "after"),
                    saw=lambda seen: f"SO_KEEPALIVE {_said(seen, 'before')}, then {_said(seen, 'after')}",
                    rows=("S3",),
                ),
            ),
        ),
    ),
    point="The address finds the machine, the port finds the program; and the kernel says who has which port.",
    mistake=Mistake(
        "Only servers have ports.",
        "Both ends have one. The server chooses its own, so that it can be known beforehand; the client takes any.",
    ),
    small_print=(
        "A client may call bind() too, and a server may leave the choice to the kernel and tell its port in another "
        "way. Linux lets two in the queue at listen(1): the limit counts one less than fit, as lesson 5 shows."
    ),
)
