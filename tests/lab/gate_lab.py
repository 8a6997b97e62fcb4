"""What a scenario needs: a private net with a gate in this very process, and sockets to send through it.

Nothing waits for a time to pass: it waits for packets, with a deadline, and reads the queue meanwhile.
"""

from __future__ import annotations

import errno
import select
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from netsim.lab import loopback, privatenet
from netsim.lab.gate import Close, Gate, Open, Order, Release
from netsim.lab.steps import StepError
from netsim.model.happenings import GatePacket, Happening, Held, Seen
from netsim.model.wire import Segment

SCENARIOS: dict[str, Callable[[], None]] = {}
NO_GATE = 77  # exit status: this machine allows none
PATIENCE = 60.0  # seconds; a kernel timer that has not fired by then will not
V4, V6 = "127.0.0.1", "::1"
PORT = 80  # an ordinary user may have it here

# /proc/net/tcp's state numbers (net/tcp_states.h)
STATES = {
    "01": "ESTABLISHED", "02": "SYN_SENT", "03": "SYN_RECV", "04": "FIN_WAIT1", "05": "FIN_WAIT2", "06": "TIME_WAIT",
    "07": "CLOSE", "08": "CLOSE_WAIT", "09": "LAST_ACK", "0A": "LISTEN", "0B": "CLOSING",
}  # fmt: skip


def scenario(function: Callable[[], None]) -> Callable[[], None]:
    SCENARIOS[function.__name__] = function
    return function


class Lab:
    """A private net with a gate, all of it in this process; `told` collects every happening."""

    def __init__(self, *, calm: bool = True, is_open: bool = False) -> None:
        try:
            privatenet.unshare_private(pid=False)
            if calm:
                self.prepared = privatenet.prepare()
            else:  # the kernel's own timers: data comes again after 0.2 s
                loopback.bring_up()
                Path("/proc/sys/net/ipv4/tcp_early_retrans").write_text("0")
                Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("80")
            self.gate = Gate.install(is_open=is_open)
        except StepError as error:
            print(f"there is no gate here: {error}", file=sys.stderr)
            sys.exit(NO_GATE)
        self.told: list[Happening] = []

    def wait(self, condition: Callable[[], bool]) -> None:
        """Read the gate until the condition holds; it is looked at after each thing that happened, or every 10 ms."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"it did not come; told so far: {self.story()}"
            select.select([self.gate], [], [], 0.01)
            self.told += self.gate.read()

    def held(self) -> GatePacket:
        """The newest held packet, waited for."""
        self.wait(lambda: bool(self.gate.held))
        return next(each.packet for each in reversed(self.told) if isinstance(each, Held))

    def step(self, order: Callable[[int], Order] = Release) -> GatePacket:
        """Wait for a held packet and release (or drop) the newest."""
        packet = self.held()
        self.obey(order(packet.number))
        return packet

    def obey(self, order: Order) -> None:
        self.told += self.gate.obey(order)

    def run_free(self, condition: Callable[[], bool]) -> None:
        """Let everything pass until the condition holds."""
        self.obey(Open())
        self.wait(condition)
        self.obey(Close())

    def count(self, kind: type) -> int:
        return sum(isinstance(each, kind) for each in self.told)

    def story(self) -> list[str]:
        return [told(each) for each in self.told]


def told(happening: Happening) -> str:
    """One happening in a few words: "Held 1 SYN client seq=0"."""
    if isinstance(happening, Held | Seen):
        packet, content = happening.packet, happening.packet.content
        words = [type(happening).__name__, str(packet.number), type(content).__name__]
        if isinstance(content, Segment):
            words[-1] = "+".join(sorted(content.flags))
            words += [packet.sender or "?", f"seq={packet.seq}", f"len={content.length}"]
        return " ".join(words + ([f"again {packet.copy_of}"] if packet.repeats else []))
    return repr(happening)


class Pair(NamedTuple):
    """A listening socket and a client's, connecting."""

    listener: socket.socket
    client: socket.socket
    name: str

    def accept(self) -> socket.socket:
        connection, _ = self.listener.accept()
        connection.setblocking(False)
        return connection


def call(host: str, port: int = PORT) -> Pair:
    """A server that listens and a client whose connect() is under way; both non-blocking."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    listener.setblocking(False)
    client = socket.socket(family)
    client.setblocking(False)
    assert client.connect_ex((host, port)) == errno.EINPROGRESS
    return Pair(listener, client, host)


def connect(lab: Lab, host: str, port: int = PORT) -> tuple[socket.socket, socket.socket]:
    """A connection, set up with the gate open: the client's end and the server's."""
    pair = call(host, port)
    lab.run_free(lambda: states(port).count("ESTABLISHED") == 2)
    connection = pair.accept()
    pair.listener.close()
    return pair.client, connection


def states(port: int = PORT) -> str:
    """The states of the sockets of this port from /proc/net/tcp and tcp6: "client SYN_SENT, server LISTEN"."""
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            _, local, remote, state, *_ = line.split()
            for side, address in (("server", local), ("client", remote)):
                if int(address.rpartition(":")[2], 16) == port:
                    found.append(f"{side} {STATES[state]}")
    return ", ".join(sorted(found))


def received(end: socket.socket) -> bytes | None:
    """What there is to read; None if nothing is."""
    try:
        return end.recv(65536)
    except BlockingIOError:
        return None
