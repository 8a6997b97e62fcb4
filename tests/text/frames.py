"""The moments of the main story, as worlds and scenes: what the screen has to show at each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from netsim.model.address import Address
from netsim.model.events import SocketRef
from netsim.model.world import Focus, World
from netsim.text.screen import Scene
from tests.script import ref, tcp
from tests.worlds import build, datagram, had, packets, program, udp

KEYS = (
    ("c", "connect"), ("s", "send"), ("x", "close"), ("u", "udp"), ("n", "client"), ("d", "drop"), ("f", "finish"),
    ("w", "why"), ("?", "help"),
)  # fmt: skip
BOUND = {"s = socket": "→ fd 3", "setsockopt": "ok", "s.bind": "ok"}
LISTENS = {**BOUND, "s.listen": "ok"}
GREETED = {**LISTENS, "accept": "→ fd 4", "conn.send": "→ 19"}
CONNECTED = {"s = socket": "→ fd 3", "s.connect": "ok"}
GREETING_READ = {**CONNECTED, "s.recv": "→ 19"}
LISTENER = tcp("LISTEN", 8888, inode=30, send=5)
HANDSHAKE = ("> SYN seq=0", "< SYN-ACK seq=0 ack=1", "> ACK ack=1")
DATA = (*HANDSHAKE, "< 19 bytes seq=1", "> ACK ack=20")
FD3 = ref(3, 40, 51324, 8888)
LISTENING = ref(3, 30, 8888)
ANYWHERE = Address("0.0.0.0", 40113)  # as sendto() binds a socket


class Frame(NamedTuple):
    """A world and what is drawn besides it."""

    world: World
    scene: Scene


Moment = Callable[[], Frame]


def start() -> Frame:
    """Two programs, and no port."""
    world = build(program("server"), program("client1"))
    return Frame(
        world,
        Scene(
            "Two programs, two PIDs, and no way to talk yet. Press space to begin.", "SPACE",
            "server: ask the kernel for a socket", KEYS, target="server",
        ),
    )  # fmt: skip


def syn() -> Frame:
    """The SYN is held."""
    server = program("server", stands="accept", results=LISTENS, sockets=(LISTENING,))
    client = program(
        "client1", stands="s.connect", status="asleep", results={"s = socket": "→ fd 3"}, sockets=(ref(3, 40),)
    )
    world = build(
        server, client, kernel=(LISTENER, tcp("SYN_SENT", 51324, 8888, inode=40, send=1)), step=6,
        packets=packets("> SYN seq=0 held", evidence="held"),
    )  # fmt: skip
    return Frame(
        world,
        Scene(
            "connect(): the kernel chose port 51324 and sent a SYN. The client sleeps.", "SPACE",
            "deliver the SYN to port 8888; the kernel will answer it", KEYS, target="packet 1",
        ),
    )  # fmt: skip


def syn_ack() -> Frame:
    """The kernel has answered; the SYN-ACK is held."""
    before = syn().world
    world = build(
        *before.endpoints.values(), step=7,
        kernel=(LISTENER, tcp("SYN_RECV", 8888, 51324), tcp("SYN_SENT", 51324, 8888, inode=40, send=1)),
        packets=packets("> SYN seq=0", "< SYN-ACK seq=0 ack=1 held", evidence="held"),
    )  # fmt: skip
    return Frame(
        world,
        Scene(
            "The kernel answered the SYN by itself. The server program knows nothing yet.", "SPACE",
            "deliver the SYN-ACK to port 51324; connect() will return", KEYS, target="packet 2",
        ),
    )  # fmt: skip


def queue() -> Frame:
    """Three clients are connected, and nobody has accepted them."""
    server = program("server", stands="accept", results=LISTENS, sockets=(LISTENING,))
    ports = (51324, 51338, 51350)
    clients = [
        program(f"client{number}", stands="s.recv", results=CONNECTED, sockets=(ref(3, 40 + number, port, 8888),))
        for number, port in enumerate(ports, 1)
    ]
    ours = [tcp("ESTABLISHED", port, 8888, inode=40 + number) for number, port in enumerate(ports, 1)]
    theirs = [tcp("ESTABLISHED", 8888, port) for port in ports]
    listener = tcp("LISTEN", 8888, inode=30, receive=3, send=5)
    shaken = [each for i, port in enumerate(ports) for each in packets(*HANDSHAKE, first=3 * i + 1, client=port)]
    world = build(server, *clients, kernel=(listener, *theirs, *ours), packets=tuple(shaken), step=13)
    return Frame(
        world,
        Scene(
            "Three connections on one port, all ESTABLISHED, and no process holds any.", "SPACE",
            "server: accept() takes the first, :51324", KEYS, target="server",
        ),
    )  # fmt: skip


def accepted() -> Frame:
    """The first of three connections is accepted, two wait."""
    before = queue().world
    server = program(
        "server", stands="conn.send", results={**LISTENS, "accept": "→ fd 4"},
        sockets=(LISTENING, ref(4, 31, 8888, 51324)),
    )  # fmt: skip
    clients = (before.endpoints[f"client{number}"] for number in (1, 2, 3))
    listener, taken, *rest = before.kernel
    world = build(
        server, *clients, packets=before.packets, step=14,
        kernel=(replace(listener, receive_queue=2), replace(taken, inode=31), *rest),
    )  # fmt: skip
    return Frame(
        world,
        Scene(
            "accept() sent nothing. It took a waiting connection: fd 4, still port 8888.", "SPACE",
            "server: send() hands its bytes to the kernel", KEYS, target="server",
        ),
    )  # fmt: skip


def data() -> Frame:
    """The greeting is acknowledged and not read."""
    server = program("server", stands="while data", results=GREETED, sockets=(LISTENING, ref(4, 31, 8888, 51324)))
    client = program("client1", stands="s.recv", results=CONNECTED, sockets=(FD3,))
    kernel = (
        LISTENER, tcp("ESTABLISHED", 8888, 51324, inode=31), tcp("ESTABLISHED", 51324, 8888, inode=40, receive=19)
    )  # fmt: skip
    world = build(server, client, kernel=kernel, packets=packets(*DATA), step=13)
    return Frame(
        world,
        Scene(
            "The ACK says: the kernel has 19 bytes. The client program has not read them.", "SPACE",
            "client: recv() takes the 19 bytes from the kernel", KEYS, target="client1",
        ),
    )  # fmt: skip


def datagram_sent() -> Frame:
    """UDP: one packet."""
    before = data().world
    server = program(
        "udpserver", stands="recvfrom", results={"s = socket": "→ fd 3", "s.bind": "ok"},
        sockets=(ref(3, 50, 8888, transport="udp"),),
    )  # fmt: skip
    client = program(
        "udpclient1", stands="s.close", results={"s = socket": "→ fd 3", "sendto": "→ 5"},
        sockets=(SocketRef(3, 51, "udp", ANYWHERE),),
    )  # fmt: skip
    kernel = (
        *before.kernel, udp(8888, inode=50, receive=832), udp(40113, inode=51, host="0.0.0.0"),
    )  # fmt: skip
    world = build(
        *before.endpoints.values(), server, client, kernel=kernel, step=15, focus=Focus("udp"),
        packets=(*before.packets, datagram(">", b"hello", number=6)),
    )  # fmt: skip
    return Frame(
        world,
        Scene(
            "UDP: one packet, no handshake, no ACK. Nothing tells the sender it arrived.", "SPACE",
            "udp server: recvfrom() takes the 5 bytes", KEYS, target="udpserver",
        ),
    )  # fmt: skip


def lost() -> Frame:
    """The client's bytes were dropped; its kernel keeps them."""
    server = program("server", stands="while data", results=GREETED, sockets=(LISTENING, ref(4, 31, 8888, 51324)))
    client = program("client1", stands="s.close", results={**GREETING_READ, "s.send": "→ 5"}, sockets=(FD3,))
    sender = tcp("ESTABLISHED", 51324, 8888, inode=40, send=5)
    kernel = (
        LISTENER, tcp("ESTABLISHED", 8888, 51324, inode=31), replace(sender, timer="retransmit", expires_ms=3000)
    )  # fmt: skip
    world = build(
        server,
        client,
        kernel=kernel,
        packets=packets(*DATA, "> 5 bytes seq=1 lost"),
        step=16,
        at=20.0,
        observed_at=20.0,
    )
    return Frame(
        world,
        Scene(
            "Lost. The kernel kept the client's 5 bytes; its timer will send them again.", "WAIT",
            "the kernel sends again in 2.1 s; space does nothing until then", KEYS, now=20.9,
        ),
    )  # fmt: skip


def restart() -> Frame:
    """The server was killed and started again."""
    server = program(
        "server", stands="accept", results=LISTENS, sockets=(ref(3, 33, 8888),), pid=41302, former_pids=(41233,)
    )
    client = program("client1", stands="s.send", results=GREETING_READ, sockets=(FD3,))
    kernel = (
        tcp("LISTEN", 8888, inode=33, send=5), tcp("FIN_WAIT1", 8888, 51324, send=1),
        tcp("ESTABLISHED", 51324, 8888, inode=40),
    )  # fmt: skip
    world = build(
        server, client, kernel=kernel, step=15, packets=packets(*DATA, "< FIN seq=20 held", evidence="held"),
        remembered={**had(8888, 41233), **had(8888, 41233, remote=51324)},
    )  # fmt: skip
    return Frame(
        world,
        Scene(
            "Killed and started again: new PID, same port. Only the old connection is lost.", "SPACE",
            "deliver the FIN: the kernel says goodbye for the dead process", KEYS, target="packet 6",
        ),
    )  # fmt: skip


def time_wait() -> Frame:
    """Both have closed; the client did first."""
    server = program("server", stands="accept", results={**GREETED, "conn.close": "ok"}, sockets=(LISTENING,))
    client = program(
        "client1", stands="s.close", status="ended", exit_status=0,
        results={**GREETING_READ, "s.send": "→ 5", "s.close": "ok"},
    )  # fmt: skip
    farewell = ("> 5 bytes seq=1", "< ACK ack=6", "> FIN seq=6", "< ACK ack=7", "< FIN seq=20", "> ACK ack=21")
    world = build(
        server, client, kernel=(LISTENER, tcp("TIME_WAIT", 51324, 8888, expires_ms=58000)), step=25, at=30.0,
        observed_at=30.0, packets=packets(*DATA, *farewell), remembered=had(51324, 41240, remote=8888, name="client"),
    )  # fmt: skip
    return Frame(
        world,
        Scene(
            "Closed by both. Who closed first (the client) leaves its port in TIME_WAIT.", "SPACE",
            "server: accept() again; the queue is empty, so it will sleep",
            (("r", "restart server"), ("n", "client"), ("b", "begin again"), ("l", "lessons"), ("w", "why ports")),
            target="server", now=31.2,
        ),
    )  # fmt: skip


ALL = {
    "start": start, "syn": syn, "syn_ack": syn_ack, "queue": queue, "data": data, "udp": datagram_sent, "lost": lost,
    "restart": restart, "time_wait": time_wait,
}  # fmt: skip
