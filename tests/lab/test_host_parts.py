"""The lab host's parts, each by itself: what is due when, what is written, what is read, and when a look is news."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import psutil
import pytest

from netsim.lab import procfs
from netsim.lab.channel import Channel
from netsim.lab.children import Child
from netsim.lab.outbox import Outbox
from netsim.lab.owners import APART, QUIET, Owners
from netsim.lab.ports import FEW, Lookup, Question, question
from netsim.lab.reports import Reports
from netsim.lab.sampling import BURST, IDLE, Sampler
from netsim.lab.timers import Timers
from netsim.model.address import Address
from netsim.model.commands import StartEndpoint
from netsim.model.events import KernelSocket, Owner


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def run(self, timers: Timers, until: float) -> None:
        """Let every timer fire at its time."""
        while (wait := timers.wait()) is not None and self.now + wait <= until:
            self.now += wait
            timers.run()
        self.now = until


# --- timers


def test_timers_fire_in_order_and_once() -> None:
    clock = Clock()
    timers, fired = Timers(clock), list[str]()
    timers.after(0.2, lambda: fired.append("second"))
    timers.after(0.1, lambda: fired.append("first"))
    timers.after(0.15, lambda: fired.append("never")).cancel()
    timers.after(0.2, lambda: fired.append("third"))
    assert timers.wait() == pytest.approx(0.1)
    clock.run(timers, 1)
    clock.run(timers, 2)
    assert fired == ["first", "second", "third"]
    assert timers.wait() is None


def test_a_timer_that_a_timer_cancels_does_not_fire() -> None:
    clock = Clock()
    timers, fired = Timers(clock), list[int]()
    timers.after(0.1, lambda: later.cancel())
    later = timers.after(0.1, lambda: fired.append(1))
    timers.after(0.1, lambda: timers.after(0, lambda: fired.append(2)) and None)
    clock.run(timers, 1)
    assert fired == [2]


# --- when the kernel is looked at


def a_socket(port: int, **fields: object) -> KernelSocket:
    return KernelSocket(
        **{  # type: ignore[arg-type]
            "transport": "tcp",
            "state": "TIME_WAIT",
            "local": Address("127.0.0.1", port),
            "remote": None,
            "inode": 0,
            "receive_queue": 0,
            "send_queue": 0,
            **fields,
        }
    )


class Kernel:
    """A sampler on a list of sockets that a test changes."""

    def __init__(self, *, blind: bool = False) -> None:
        self.clock = Clock()
        self.timers = Timers(self.clock)
        self.looks: list[float] = []
        self.sockets: tuple[KernelSocket, ...] = ()
        self.told: list[tuple[KernelSocket, ...]] = []
        self.busy, self.cost, self.blind = True, 0.0, 0
        self.sampler = Sampler(
            None if blind else self.dump, lambda: frozenset({8888}), self.told.append, self.timers, lambda: self.busy,
            self.look_blindly,
        )  # fmt: skip

    def look_blindly(self) -> None:
        self.blind += 1

    def dump(self, ports: frozenset[int]) -> tuple[KernelSocket, ...]:
        assert ports == {8888}
        self.looks.append(round(self.clock.now, 6))
        self.clock.now += self.cost
        return self.sockets


def test_activity_makes_a_burst_of_looks_and_then_one_a_second() -> None:
    kernel = Kernel()
    kernel.sampler.stir()
    kernel.clock.run(kernel.timers, 3)
    assert kernel.looks == pytest.approx([*BURST, BURST[-1] + IDLE, BURST[-1] + 2 * IDLE])
    assert kernel.told == []


def test_more_activity_begins_the_burst_anew() -> None:
    kernel = Kernel()
    kernel.sampler.stir()
    kernel.clock.run(kernel.timers, 0.003)
    kernel.sampler.stir()
    kernel.clock.run(kernel.timers, 0.0045)
    assert kernel.looks == pytest.approx([0.001, 0.002, 0.004])


def test_when_nobody_lives_and_nothing_is_there_it_does_not_look() -> None:
    kernel = Kernel()
    kernel.busy = False
    kernel.sockets = (a_socket(8888),)
    kernel.sampler.stir()
    kernel.clock.run(kernel.timers, 5)
    assert len(kernel.looks) == len(BURST) + 4  # somebody has to see TIME_WAIT end
    kernel.sockets = ()
    kernel.clock.run(kernel.timers, 20)
    assert len(kernel.looks) == len(BURST) + 5
    assert kernel.told[-1] == ()


def test_a_timer_that_runs_down_is_no_news_but_comes_along() -> None:
    kernel = Kernel()
    for expires, queue in ((900, 0), (800, 0), (700, 1)):
        kernel.sockets = (a_socket(8888, timer="timewait", expires_ms=expires, receive_queue=queue),)
        kernel.sampler.look()
    assert [[each.expires_ms for each in told] for told in kernel.told] == [[900], [700]]


def test_slow_looks_are_fewer() -> None:
    """At most a quarter of the time, whatever the machine has for sockets."""
    kernel = Kernel()
    kernel.cost = 0.03
    kernel.sampler.stir()
    kernel.clock.run(kernel.timers, 1)
    between = [after - before for before, after in zip(kernel.looks[1:], kernel.looks[2:], strict=False)]
    assert min(between) >= 0.03 * 4 - 1e-6


def test_a_look_that_fails_is_left_out() -> None:
    kernel = Kernel()
    kernel.sockets = (a_socket(8888),)
    kernel.sampler.look()
    kernel.dump = None  # type: ignore[assignment]

    def fail(ports: frozenset[int]) -> tuple[KernelSocket, ...]:
        raise OSError("no memory")

    kernel.sampler._dump = fail
    kernel.sampler.look()
    assert len(kernel.told) == 1
    assert kernel.sampler.sockets == kernel.sockets


def test_without_sock_diag_a_look_is_somebody_else_s() -> None:
    kernel = Kernel(blind=True)
    kernel.sampler.look()
    kernel.sampler.stir()
    kernel.clock.run(kernel.timers, BURST[-1])
    assert kernel.blind == 1 + len(BURST)
    assert kernel.told == []


# --- when psutil is asked


class Asked:
    """Owners with a worker that answers when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        self.timers = Timers(self.clock)
        self.at: list[float] = []
        self.told: list[tuple[Owner, ...]] = []
        self.answer: tuple[Owner, ...] = ()
        self.busy = False
        monkeypatch.setattr("netsim.lab.owners.Worker", lambda answered: self)
        empty = Question(frozenset(), frozenset(), frozenset(), False)
        self.owners = Owners(lambda: empty, self.told.append, self.timers, self.clock, lambda: None)

    def ask(self, question: Question) -> None:
        self.at.append(round(self.clock.now, 6))
        self.busy = True

    def take(self) -> tuple[Owner, ...]:
        self.busy = False
        return self.answer

    def reply(self) -> None:
        if self.busy:
            self.owners.take()


def test_psutil_is_asked_once_things_have_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    asked.owners.stir()
    asked.clock.run(asked.timers, 0.02)
    asked.owners.stir()
    asked.clock.run(asked.timers, 5)
    assert asked.at == pytest.approx([0.02 + QUIET])


def test_psutil_is_asked_ten_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    while asked.clock.now < 1:
        asked.owners.stir()
        asked.clock.run(asked.timers, asked.clock.now + 0.01)
        asked.reply()
    asked.clock.run(asked.timers, 5)
    assert 8 <= len(asked.at) <= 11
    assert min(after - before for before, after in zip(asked.at, asked.at[1:], strict=False)) >= APART - 1e-6


def test_psutil_is_not_asked_while_it_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    asked.owners.stir()
    asked.clock.run(asked.timers, 0.1)
    asked.owners.stir()
    asked.clock.run(asked.timers, 2)
    assert len(asked.at) == 1
    asked.reply()
    asked.clock.run(asked.timers, 3)
    assert len(asked.at) == 2


def test_the_same_owners_are_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    one = (Owner("udp", Address("127.0.0.1", 1), None, "", 1, "x"),)
    for asked.answer in ((), one, one, ()):
        asked.busy = True
        asked.reply()
    assert asked.told == [one, ()]


# --- what psutil says


def ask(port: int, *, pids: set[int], whole: bool = False, sockets: tuple[KernelSocket, ...] = ()) -> Question:
    return question(frozenset({port}), pids, sockets, set(), whole)


@pytest.mark.parametrize("several", [False, True])
def test_own_processes_are_asked_one_by_one_or_all_at_once(several: bool, free_port: int) -> None:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", free_port))
        tcp.listen()
        udp.bind(("127.0.0.1", free_port))
        pids = {os.getpid(), 2**22 + 1} | ({2**22 + n for n in range(2, 2 + FEW)} if several else set())
        found = Lookup().answer(ask(free_port, pids=pids))
    here, name = Address("127.0.0.1", free_port), psutil.Process().name()
    assert found == (
        Owner("tcp", here, None, "LISTEN", os.getpid(), name),
        Owner("udp", here, None, "", os.getpid(), name),
    )


def test_a_stranger_is_looked_for_once(free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    scans: list[int] = []
    really = psutil.net_connections

    def count(kind: str) -> object:
        scans.append(1)
        return really(kind)

    monkeypatch.setattr(psutil, "net_connections", count)
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", free_port))
        stranger.listen()
        inode = os.fstat(stranger.fileno()).st_ino
        seen = a_socket(free_port, state="LISTEN", inode=inode)
        lookup = Lookup()
        for _ in range(3):
            found = lookup.answer(ask(free_port, pids=set(), sockets=(seen,)))
            assert [each.pid for each in found] == [os.getpid()]
    assert len(scans) == 1
    assert lookup.answer(ask(free_port, pids=set())) == ()


def test_whole_means_that_rows_without_an_owner_are_there(free_port: int) -> None:
    """TIME_WAIT is nobody's: psutil has it, with no PID."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", free_port))
        server.listen()
        with socket.create_connection(("127.0.0.1", free_port)) as client:
            connection, _ = server.accept()
            client.close()
            connection.close()
    assert [(each.state, each.pid) for each in Lookup().answer(ask(free_port, pids=set(), whole=True))] == [
        ("TIME_WAIT", None)
    ]
    assert Lookup().answer(ask(free_port, pids={2**22 + n for n in range(FEW + 1)})) == ()


def test_an_ipv4_peer_of_an_ipv6_socket_is_an_ipv4_address(free_port: int) -> None:
    dual = socket.create_server(("::", free_port), family=socket.AF_INET6, dualstack_ipv6=True)
    with dual, socket.create_connection(("127.0.0.1", free_port)):
        connection, _ = dual.accept()
        with connection:
            found = Lookup().answer(ask(free_port, pids={os.getpid()}))
    assert {str(each.local.host) for each in found} == {"::", "127.0.0.1"}


# --- what is written


def test_lines_are_kept_in_order_for_a_pipe_that_is_full() -> None:
    read_end, write_end = os.pipe()
    outbox = Outbox(write_end)
    lines = [str(number).encode() * 2000 + b"\n" for number in range(200)]
    for line in lines:
        outbox.put(line)
    assert outbox.waiting
    assert not outbox.full
    got = b""
    while outbox.waiting:
        got += os.read(read_end, 65536)
        outbox.flush()
    os.close(write_end)
    while data := os.read(read_end, 65536):
        got += data
    os.close(read_end)
    assert got == b"".join(lines)


def test_the_outbox_is_full_until_half_of_it_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netsim.lab.outbox.FULL", 200_000)
    read_end, write_end = os.pipe()
    outbox = Outbox(write_end)
    while not outbox.full:
        outbox.put(b"x" * 10_000)
    gone = 0
    while outbox.full:
        gone += len(os.read(read_end, 10_000))
        outbox.flush()
    assert 90_000 <= gone <= 130_000
    os.close(write_end)
    os.close(read_end)


def test_nobody_to_read_is_an_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with pytest.raises(BrokenPipeError):
        Outbox(write_end).put(b"x\n")
    os.close(write_end)


# --- the channel


def test_lines_come_whole_however_they_were_sent() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    with theirs:
        assert channel.receive() == []
        theirs.sendall(b'{"a":1}\n{"b"')
        assert channel.receive() == [b'{"a":1}']
        assert not channel.has_input()
        theirs.sendall(b":2}\n")
        assert channel.has_input()
        assert channel.receive() == [b'{"b":2}']
    assert channel.receive() == []
    assert channel.ended
    channel.send(b"to nobody")
    channel.close()


def test_descriptors_come_along_and_are_not_inherited() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    read_end, write_end = os.pipe()
    with theirs:
        socket.send_fds(theirs, [b"one\n"], [read_end])
        socket.send_fds(theirs, [b"two\n"], [write_end])
        lines = channel.receive() + channel.receive()
        assert lines == [b"one", b"two"]
        first = channel.take_descriptor()
        assert first is not None
        assert not os.get_inheritable(first)
        assert os.fstat(first).st_ino == os.fstat(read_end).st_ino
    os.close(first)
    channel.close()  # and with it the second
    os.close(write_end)
    assert os.read(read_end, 1) == b""
    os.close(read_end)


def test_what_does_not_fit_is_sent_later() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    line = b"x" * 3_000_000
    channel.send(line)
    assert channel.waiting
    got = b""
    with theirs:
        while len(got) < len(line) + 1:
            got += theirs.recv(1 << 20)
            channel.flush()
    assert got == line + b"\n"
    assert not channel.waiting
    channel.close()


# --- the order around a call


class FakeHost:
    """Writes down what reports make a host do."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.inodes: set[int] = set()
        self.timers = Timers(Clock())
        self.sampler = self

    def now(self) -> float:
        return 1.0

    def emit(self, event: object) -> None:
        self.did.append(type(event).__name__)

    def look(self) -> None:
        self.did.append("look")

    def stir(self) -> None:
        pass


@pytest.mark.parametrize(
    ("thread", "forked", "expected"),
    [
        (0, False, ["CallStarted", "look", "go", "CallReturned", "look"]),
        (1, False, ["CallStarted", "look", "CallReturned", "look"]),
        (0, True, ["CallStarted", "look", "CallReturned", "look"]),
    ],
)
def test_a_call_is_told_then_the_kernel_is_looked_at_then_it_is_let_go(
    thread: int, forked: bool, expected: list[str]
) -> None:
    host = FakeHost()
    ours, theirs = socket.socketpair()
    with theirs:
        order = StartEndpoint(who="server", program="x.py", role="server", transport="tcp")
        child = Child("server", order, "", os.getpid(), Channel(ours))
        child.introduced, child.forked = True, forked
        child.tell = lambda **order: host.did.append(str(order["do"]))  # type: ignore[method-assign]
        reports = Reports(host)  # type: ignore[arg-type]
        about = {"who": "server", "pid": 1, "inner_pid": 1, "call": 1, "name": "bind", "line": 1, "thread": thread}
        ref = {"fd": 3, "inode": 4711, "transport": "tcp", "local": {"host": "127.0.0.1", "port": 4712}}
        started = {"type": "CallStarted", "arguments": "", "socket": None, **about}
        returned = {
            "type": "CallReturned", "result": "", "error": None, "microseconds": 1.5, "socket": ref, **about,
        }  # fmt: skip
        reports.take(child, json.dumps(started).encode())
        assert child.state == ("starting" if thread else "calling")
        reports.take(child, json.dumps(returned).encode())
        assert child.state == ("starting" if thread else "running")
        child.close()
    assert host.did == expected
    assert host.inodes == {4711}
    assert child.ports == {4712}


# --- what /proc says


@pytest.mark.needs_sock_diag
def test_a_process_and_its_end_by_its_pidfd() -> None:
    script = "import os, sys; sys.stdin.read()"
    for number, status in ((None, 0), (signal.SIGKILL, -9)):
        with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as process:
            pidfd = procfs.open_pidfd(process.pid)
            assert pidfd is not None
            assert procfs.machine_pid(pidfd) == process.pid
            if number:
                process.send_signal(number)
            else:
                assert process.stdin is not None
                process.stdin.close()
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            assert procfs.exit_status(process.pid, pidfd) == status  # while it is a zombie
            process.wait()
        assert procfs.exit_status(process.pid, pidfd) in (status, None)  # None: before Linux 6.15
        assert procfs.machine_pid(pidfd) is None
        assert procfs.asleep(process.pid) == (False, None)
        os.close(pidfd)
    assert procfs.open_pidfd(2**22 + 1) is None
