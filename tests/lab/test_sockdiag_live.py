"""sock_diag on the live kernel: what it says of real sockets, checked against ss, /proc/net/tcp and TCP_INFO."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from netsim.lab import sockdiag
from netsim.lab.sockdiag import SockDiag
from netsim.model.address import Address
from netsim.model.events import Counters, KernelSocket

pytestmark = pytest.mark.needs_sock_diag


class Pair:
    """A listener on `port`, a client of it, and what accept() gave, if it was called. IPv4 if nothing else is said."""

    def __init__(self, port: int) -> None:
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(5)
        self.client = socket.create_connection(("127.0.0.1", port))
        self._accepted: socket.socket | None = None

    @property
    def accepted(self) -> socket.socket:
        if self._accepted is None:
            self._accepted, _ = self.listener.accept()
        return self._accepted

    def close(self) -> None:
        for each in (self.client, self._accepted, self.listener):
            if each is not None:
                each.close()


@pytest.fixture
def diag() -> Iterator[SockDiag]:
    with SockDiag() as diag:
        yield diag


@pytest.fixture
def pair(free_port: int) -> Iterator[Pair]:
    made = Pair(free_port)
    yield made
    made.close()


def eventually(diag: SockDiag, port: int, wanted: dict[str, int]) -> tuple[KernelSocket, ...]:
    """The port's sockets once there are as many in each state as `wanted` says."""
    until = time.monotonic() + 60.0
    while True:
        found = diag.dump(frozenset((port,)))
        states = [each.state for each in found]
        if {state: states.count(state) for state in set(states)} == wanted:
            return found
        assert time.monotonic() < until, states


_SS = {
    "ESTAB": "ESTABLISHED", "UNCONN": "CLOSE", "FIN-WAIT-1": "FIN_WAIT1", "FIN-WAIT-2": "FIN_WAIT2",
}  # fmt: skip
Line = tuple[str, int, int, str, str]


def by_ss(port: int, flag: str) -> set[Line]:
    """What ss says of the port: state, queues, addresses."""
    lines = subprocess.run(["ss", f"-{flag}anH"], capture_output=True, text=True, check=True).stdout.splitlines()
    found = set()
    for state, receive, send, local, remote in (line.split()[:5] for line in lines):
        if f":{port}" in (local[local.rindex(":") :], remote[remote.rindex(":") :]):
            found.add((_SS.get(state, state.replace("-", "_")), int(receive), int(send), local, remote))
    return found


def by_us(sockets: tuple[KernelSocket, ...]) -> set[Line]:
    return {
        (each.state, each.receive_queue, each.send_queue, str(each.local), str(each.remote or f"{_any(each)}:*"))
        for each in sockets
    }


def _any(each: KernelSocket) -> str:
    return "[::]" if ":" in each.local.host else "0.0.0.0"


def by_proc(port: int) -> set[tuple[str, int, int, int]]:
    """What /proc/net/tcp says of the port: state, ports, inode (proc_pid_net(5))."""
    names = ("", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
             "LAST_ACK", "LISTEN")  # fmt: skip
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        here, there = (int(each.split(":")[1], 16) for each in fields[1:3])
        if port in (here, there):
            found.add((names[int(fields[3], 16)], here, there, int(fields[9])))
    return found


def check(found: tuple[KernelSocket, ...], port: int) -> None:
    """The same as the kernel's other two mouths say."""
    assert by_us(found) == by_ss(port, "t")
    ours = {(each.state, each.local.port, each.remote.port if each.remote else 0, each.inode) for each in found}
    assert ours == by_proc(port)


@pytest.mark.needs_ss
def test_a_listener_with_one_waiting(diag: SockDiag, pair: Pair, free_port: int) -> None:
    found = eventually(diag, free_port, {"LISTEN": 1, "ESTABLISHED": 2})
    check(found, free_port)
    listener, waiting, client = found
    assert (listener.receive_queue, listener.send_queue, listener.remote) == (1, 5, None)
    assert waiting.inode == 0  # nobody has accepted it
    assert client.inode != 0


@pytest.mark.needs_ss
def test_an_established_connection_and_its_counters(diag: SockDiag, pair: Pair, free_port: int) -> None:
    pair.accepted.send(b"Connection received")
    found = eventually(diag, free_port, {"LISTEN": 1, "ESTABLISHED": 2})
    check(found, free_port)
    _, server, client = found
    assert (client.receive_queue, client.inode) == (19, _inode(pair.client))
    for end, each in ((pair.client, client), (pair.accepted, server)):
        assert each.counters == tcp_info(end)
    assert client.counters is not None
    assert (client.counters.segs_out, client.counters.segs_in, client.counters.bytes_received) == (3, 2, 19)


def _inode(end: socket.socket) -> int:
    return Path(f"/proc/self/fd/{end.fileno()}").stat().st_ino


def tcp_info(end: socket.socket) -> Counters:
    """The same counters as the process itself gets them: getsockopt(2), struct tcp_info in linux/tcp.h."""
    info = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)

    def field(at: int, size: int) -> int:
        return int.from_bytes(info[at : at + size], sys.byteorder)

    return Counters(
        segs_out=field(136, 4), segs_in=field(140, 4), data_segs_out=field(156, 4), data_segs_in=field(152, 4),
        bytes_sent=field(200, 8), bytes_acked=field(120, 8), bytes_received=field(128, 8), retransmits=field(100, 4),
    )  # fmt: skip


@pytest.mark.needs_ss
def test_close_wait_and_fin_wait2(diag: SockDiag, pair: Pair, free_port: int) -> None:
    _ = pair.accepted
    pair.client.shutdown(socket.SHUT_WR)
    found = eventually(diag, free_port, {"LISTEN": 1, "CLOSE_WAIT": 1, "FIN_WAIT2": 1})
    check(found, free_port)
    _, server, _ = found
    assert server.receive_queue == 1  # the FIN
    assert server.counters is not None
    assert server.counters.bytes_received == 1


@pytest.mark.needs_ss
def test_fin_wait2_of_nobody_and_time_wait(diag: SockDiag, pair: Pair, free_port: int) -> None:
    _ = pair.accepted
    pair.client.close()
    found = eventually(diag, free_port, {"LISTEN": 1, "CLOSE_WAIT": 1, "FIN_WAIT2": 1})
    check(found, free_port)
    orphan = next(each for each in found if each.state == "FIN_WAIT2")
    assert (orphan.inode, orphan.counters, orphan.timer) == (0, None, "timewait")
    pair.accepted.close()
    found = eventually(diag, free_port, {"LISTEN": 1, "TIME_WAIT": 1})
    check(found, free_port)
    time_wait = found[-1]
    assert (time_wait.timer, time_wait.counters, time_wait.inode) == ("timewait", None, 0)
    assert 50_000 < time_wait.expires_ms <= 60_000


def test_a_backlog_that_is_full_leaves_syn_sent(diag: SockDiag, free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port), backlog=0), socket.socket() as first, socket.socket() as second:
        first.connect(("127.0.0.1", free_port))
        second.setblocking(False)
        second.connect_ex(("127.0.0.1", free_port))
        found = eventually(diag, free_port, {"LISTEN": 1, "ESTABLISHED": 2, "SYN_SENT": 1})
        listener = found[0]
        assert (listener.receive_queue, listener.send_queue) == (1, 0)
        waiting = next(each for each in found if each.state == "SYN_SENT")
        assert (waiting.timer, waiting.remote) == ("retransmit", Address("127.0.0.1", free_port))


@pytest.mark.needs_ss
def test_udp_and_what_waits_there(diag: SockDiag, free_port: int) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as server, socket.socket(type=socket.SOCK_DGRAM) as client:
        server.bind(("127.0.0.1", free_port))
        client.connect(("127.0.0.1", free_port))
        (connected, bound) = sorted(diag.dump(frozenset((free_port,))), key=lambda each: each.remote is None)
        assert (bound.state, bound.remote, bound.receive_queue, bound.counters) == ("CLOSE", None, 0, None)
        assert (connected.state, connected.remote) == ("ESTABLISHED", Address("127.0.0.1", free_port))
        client.send(b"hello")
        found = diag.dump(frozenset((free_port,)))
        assert max(each.receive_queue for each in found) > 5  # memory, not bytes of payload
        assert by_us(found) == by_ss(free_port, "u")


def test_ipv6_and_ipv4_in_it(diag: SockDiag, free_port: int) -> None:
    if not socket.has_dualstack_ipv6() or not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")
    address = ("::", free_port)
    with (
        socket.create_server(address, family=socket.AF_INET6, dualstack_ipv6=True) as listener,
        socket.create_connection(("127.0.0.1", free_port)),
    ):
        accepted, _ = listener.accept()
        with accepted:
            found = eventually(diag, free_port, {"LISTEN": 1, "ESTABLISHED": 2})
            assert {each.local.host for each in found} == {"::", "127.0.0.1"}
            server, client = (each for each in found if each.remote)
            assert (server.remote, client.remote) == (client.local, server.local)


def test_a_listener_on_any_address_counts_and_the_list_is_stable(diag: SockDiag, free_port: int) -> None:
    with socket.create_server(("0.0.0.0", free_port)):
        ports = frozenset((free_port,))
        assert [each.local.host for each in diag.dump(ports)] == ["0.0.0.0"]
        assert diag.dump(ports) == sockdiag.dump(ports) == diag.dump(ports)


def test_a_closed_one_can_not_be_asked() -> None:
    diag = SockDiag()
    diag.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        diag.dump()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_who_holds_an_end_is_asked_of_one_socket(diag: SockDiag, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET

    def end(address: tuple[object, ...]) -> tuple[bytes, int]:
        return socket.inet_pton(family, host), int(str(address[1]))

    def inode(of: socket.socket) -> int:
        return os.fstat(of.fileno()).st_ino

    with socket.create_server((host, 0), family=family) as listener:
        called = end(listener.getsockname())
        with socket.create_connection(listener.getsockname()[:2]) as client, listener.accept()[0] as accepted:
            mine = end(client.getsockname())
            assert diag.holder_of("tcp", mine, called) == inode(client)
            assert diag.holder_of("tcp", called, mine) == inode(accepted)
            assert diag.holder_of("tcp", called, (mine[0], 1)) == 0  # the listener is nobody's end
    with socket.socket(family, socket.SOCK_DGRAM) as one, socket.socket(family, socket.SOCK_DGRAM) as other:
        one.bind((host, 0))
        other.sendto(b"x", one.getsockname())
        mine, called = end(other.getsockname()), end(one.getsockname())
        assert diag.holder_of("udp", mine, called) == inode(other)
        assert diag.holder_of("udp", called, mine) == inode(one)
    assert diag.holder_of("udp", mine, called) == 0
