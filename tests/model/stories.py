"""What happens in each recorded or live session: the calls that real processes make, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.model.stage import Stage

SOL_SOCKET, SO_REUSEADDR, SOCK_DGRAM, AF_INET, SHUT_WR = 1, 2, 2, 2, 1  # Linux's numbers
GREETING = b"Connection received"


def _server(stage: Stage, *, backlog: int = 5, reuse: bool = True) -> None:
    stage.start("server")
    stage.call("server", "s", "socket")
    if reuse:
        stage.call("server", "s", "setsockopt", SOL_SOCKET, SO_REUSEADDR, 1)
    stage.call("server", "s", "bind", ("127.0.0.1", stage.port))
    stage.call("server", "s", "listen", backlog)


def _client(stage: Stage, who: str = "client1", *, connect: bool = True) -> None:
    stage.start(who)
    stage.call(who, "s", "socket")
    if connect:
        stage.call(who, "s", "connect", ("127.0.0.1", stage.port))


def _connection(stage: Stage) -> None:
    _server(stage)
    _client(stage)
    stage.call("server", "s", "accept")


def main_story(stage: Stage) -> None:
    """The server greets, the client says hello and closes first."""
    _connection(stage)
    stage.call("server", "conn", "send", GREETING)
    stage.call("client1", "s", "recv", 1024)
    stage.call("client1", "s", "send", b"hello")
    stage.call("server", "conn", "recv", 1024)
    stage.call("client1", "s", "close")
    stage.call("server", "conn", "recv", 1024)
    stage.call("server", "conn", "close")


def simple_pair(stage: Stage) -> None:
    """The server sleeps in accept(), greets and closes first."""
    _server(stage, reuse=False)
    _client(stage, connect=False)
    stage.call("server", "s", "accept")
    stage.call("client1", "s", "connect", ("127.0.0.1", stage.port))
    stage.call("server", "conn", "send", GREETING)
    stage.call("server", "conn", "close")
    stage.call("client1", "s", "recv", 1024)
    stage.call("client1", "s", "close")


def refused(stage: Stage) -> None:
    """Nothing listens."""
    _client(stage)


def killed_unread(stage: Stage) -> None:
    """The server is killed with bytes unread."""
    _connection(stage)
    stage.call("client1", "s", "send", b"hello")
    stage.kill("server")
    stage.call("client1", "s", "recv", 1024)


def restart(stage: Stage) -> None:
    """The server is killed and started again; the client still sends to the old one."""
    _connection(stage)
    stage.kill("server")
    _server(stage)
    stage.call("client1", "s", "send", b"hello")
    stage.call("client1", "s", "send", b"again")


def unaccepted(stage: Stage) -> None:
    """The client connects and closes before anyone accepts."""
    _server(stage)
    _client(stage)
    stage.call("client1", "s", "close")
    stage.call("server", "s", "accept")
    stage.call("server", "conn", "close")


def forgotten(stage: Stage) -> None:
    """The server is killed while two connections wait for accept()."""
    _server(stage)
    _client(stage)
    _client(stage, "client2")
    stage.call("client2", "s", "close")
    stage.kill("server")


def overrun(stage: Stage) -> None:
    """A backlog of 0 lets one wait; the second client's SYN is ignored until somebody accepts."""
    _server(stage, backlog=0)
    _client(stage)
    _client(stage, "client2")
    stage.settle(1.3)
    stage.call("server", "s", "accept")
    stage.settle(1.3)


def half_close(stage: Stage) -> None:
    """The client says that it will send nothing more, and still receives."""
    _connection(stage)
    stage.call("client1", "s", "shutdown", SHUT_WR)
    stage.call("server", "conn", "send", GREETING)
    stage.call("client1", "s", "recv", 1024)
    stage.call("server", "conn", "close")
    stage.call("client1", "s", "close")


def hundred_kilobytes(stage: Stage) -> None:
    """One send, several segments; the kernel's timer is faster than the delayed ACK."""
    _connection(stage)
    stage.call("client1", "s", "sendall", b"x" * 100_000)
    stage.call("server", "conn", "recv", 200_000)
    stage.call("client1", "s", "close")
    stage.call("server", "conn", "close")


def linger(stage: Stage) -> None:
    """SO_LINGER 0: close() without a goodbye."""
    _connection(stage)
    stage.call("server", "conn", "linger0")
    stage.call("server", "conn", "close")
    stage.call("client1", "s", "recv", 1024)


def closed_unread(stage: Stage) -> None:
    """The client closes without having read the greeting."""
    _connection(stage)
    stage.call("server", "conn", "send", GREETING)
    stage.call("server", "conn", "close")
    stage.call("client1", "s", "close")


def ping_pong(stage: Stage) -> None:
    """Both run freely, without a stop: three questions, three answers."""
    _server(stage)
    _client(stage, connect=False)
    stage.begin("server", "s", "accept")
    stage.begin("client1", "s", "connect", ("127.0.0.1", stage.port))
    for i in range(3):
        stage.begin("client1", "s", "send", b"ping %d" % i)
        stage.begin("client1", "s", "recv", 100)
        stage.begin("server", "conn", "recv", 100)
        stage.begin("server", "conn", "send", b"pong %d!" % i)
    stage.settle(0.1)


def datagrams(stage: Stage) -> None:
    """UDP to an open port, to one who sleeps in recvfrom(), to a closed port, and from a connected socket."""
    there = ("127.0.0.1", stage.port)
    stage.start("udpserver", "udp")
    stage.call("udpserver", "s", "socket", AF_INET, SOCK_DGRAM)
    stage.call("udpserver", "s", "bind", there)
    stage.start("udpclient1", "udp")
    stage.call("udpclient1", "s", "socket", AF_INET, SOCK_DGRAM)
    for text in (b"hello", b"hello again", b""):
        stage.call("udpclient1", "s", "sendto", text, there)
    for _ in range(4):
        stage.call("udpserver", "s", "recvfrom", 1024)
    stage.call("udpclient1", "s", "sendto", b"awake?", there)
    stage.call("udpserver", "s", "close")
    stage.call("udpclient1", "s", "sendto", b"gone?", there)
    stage.call("udpclient1", "s", "connect", there)
    stage.call("udpclient1", "s", "send", b"one")
    stage.call("udpclient1", "s", "send", b"two")


# By the name of the recording; those that end in "_free" are recorded with calls that wait for nobody.
STORIES: Mapping[str, Callable[[Stage], None]] = {
    "main": main_story,
    "main_free": main_story,
    "simple_pair": simple_pair,
    "refused": refused,
    "killed_unread": killed_unread,
    "restart": restart,
    "unaccepted": unaccepted,
    "forgotten": forgotten,
    "overrun": overrun,
    "half_close": half_close,
    "hundred_kilobytes": hundred_kilobytes,
    "linger": linger,
    "closed_unread": closed_unread,
    "ping_pong_free": ping_pong,
    "datagrams": datagrams,
}
