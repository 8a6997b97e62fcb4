"""What the lab tells of the kernel's sockets and of their owners, checked against ss and psutil; and of sleep."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from netsim.lab.client import LabClient
from netsim.model.commands import Kill
from netsim.model.events import (
    CallReturned,
    CallSlept,
    CallStarted,
    EndpointStarted,
    OwnersObserved,
    ProcessExited,
    ProgramStopped,
    ReadinessChanged,
    SocketsObserved,
)
from tests.lab.hostkit import STUB, Lab, changed_lab

pytestmark = pytest.mark.usefixtures("no_leaks")
linux = pytest.mark.needs_sock_diag


@pytest.fixture
def lab(free_port: int) -> Iterator[Lab]:
    """A lab as it is."""
    with Lab(LabClient(free_port)) as lab:
        yield lab


@pytest.fixture
def odd(free_port: int) -> Iterator[Lab]:
    """A lab with an endpoint that a test can make do anything."""
    with Lab(LabClient(free_port, endpoint=STUB)) as lab:
        yield lab


def port_of(lab: Lab) -> int:
    return lab.started.port


def listening(lab: Lab) -> EndpointStarted:
    """A server that sleeps in accept()."""
    server = lab.begin("server")
    lab.step_past("server", "listen")
    lab.step_into_sleep("server")
    return server


def connected(lab: Lab) -> None:
    """A server and a client, connected and standing before their first words."""
    listening(lab)
    lab.begin("client1")
    lab.step_past("client1", "connect")
    lab.settle()


@linux
def test_a_conversation(lab: Lab) -> None:
    """From bind to TIME_WAIT: every state is told, after the call that made it, and ss agrees."""
    port = port_of(lab)
    connected(lab)
    assert states(lab) == ["ESTABLISHED", "ESTABLISHED", "LISTEN"] == ss(port)
    lab.step_past("server", "send")
    lab.settle()
    assert lab.sockets is not None
    assert [each.receive_queue for each in lab.sockets.sockets if each.remote and each.remote.port == port] == [19]
    lab.step_past("client1", "recv")
    lab.step_past("client1", "send")
    lab.step_past("client1", "close")
    lab.settle()
    assert states(lab) == ["CLOSE_WAIT", "FIN_WAIT2", "LISTEN"] == ss(port)
    lab.step_past("server", "close")
    lab.settle()
    assert states(lab) == ["LISTEN", "TIME_WAIT"] == ss(port)
    lab.send(Kill(who="server"))
    lab.wait(ProcessExited)
    lab.settle()
    assert states(lab) == ["TIME_WAIT"] == ss(port)


def states(lab: Lab) -> list[str]:
    assert lab.sockets is not None
    return sorted(each.state for each in lab.sockets.sockets)


def ss(port: int) -> list[str]:
    """The states of every TCP socket with that port, as iproute2 sees them."""
    told = subprocess.run(
        ["ss", "-tanH", f"( sport = :{port} or dport = :{port} )"], capture_output=True, text=True, check=True
    )
    spelled = {
        "ESTAB": "ESTABLISHED", "UNCONN": "CLOSE", "FIN-WAIT-1": "FIN_WAIT1", "FIN-WAIT-2": "FIN_WAIT2",
        "SYN-RECV": "SYN_RECV", "SYN-SENT": "SYN_SENT", "CLOSE-WAIT": "CLOSE_WAIT", "LAST-ACK": "LAST_ACK",
        "TIME-WAIT": "TIME_WAIT",
    }  # fmt: skip
    states = (line.split()[0] for line in told.stdout.splitlines())
    return sorted(spelled.get(state, state) for state in states)


@linux
def test_datagrams(lab: Lab) -> None:
    """One waits in the kernel until it is read; the client's port is nobody's any more once it has closed."""
    port = port_of(lab)
    lab.begin("udpserver")
    lab.step_past("udpserver", "bind")
    lab.begin("udpclient1")
    lab.step_past("udpclient1", "sendto")
    lab.settle()
    assert lab.sockets is not None
    rows = {each.local.port == port: each for each in lab.sockets.sockets}
    assert {each.transport for each in rows.values()} == {"udp"}
    assert rows[True].receive_queue > 0
    assert rows[False].local.port > 1024
    lab.step_past("udpclient1", "close")
    lab.step_past("udpserver", "recvfrom")
    lab.settle()
    assert [(each.local.port, each.receive_queue) for each in lab.sockets.sockets] == [(port, 0)]
    owners = next(event.owners for event in reversed(lab.seen) if isinstance(event, OwnersObserved))
    assert [(each.local.port, each.state, each.name) for each in owners] == [(port, "", "netsim-udpserve")]


def test_without_sock_diag_psutil_stands_in(free_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = """
from netsim.lab import sockdiag
def dump(ports=None): raise OSError(95, "not here")
sockdiag.dump = dump
"""
    with Lab(changed_lab(refuse, free_port, tmp_path, monkeypatch, endpoint=None)) as lab:
        connected(lab)
        assert not lab.started.sock_diag
        assert lab.sockets is not None
        assert not lab.sockets.complete
        assert states(lab) == ["ESTABLISHED", "ESTABLISHED", "LISTEN"]
        lab.step_past("server", "send")
        lab.settle()
        assert [event.readable for event in lab.seen if isinstance(event, ReadinessChanged)] == [True]
        lab.step_past("client1", "close")
        lab.step_past("server", "close")
        lab.settle()
        assert states(lab) == ["LISTEN", "TIME_WAIT"]
        assert lab.quiet(2.2) == []
        owners = next(event.owners for event in reversed(lab.seen) if isinstance(event, OwnersObserved))
        assert [each.pid is None for each in owners] == [False, True]


@linux
def test_idle_there_is_nothing_to_tell(lab: Lab) -> None:
    """Not while TIME_WAIT's timer runs down either; and a stranger's connection is seen all the same."""
    port = port_of(lab)
    connected(lab)
    lab.step_past("server", "send")
    lab.step_past("client1", "close")
    lab.step_past("server", "close")
    lab.settle()
    assert states(lab) == ["LISTEN", "TIME_WAIT"]
    assert lab.quiet(2.5) == []
    with socket.create_connection(("127.0.0.1", port)) as stranger:
        mine = stranger.getsockname()
        seen = lab.wait(SocketsObserved)
        assert mine[1] in {each.local.port for each in seen.sockets}
    lab.wait(SocketsObserved)


@linux
def test_the_end_of_time_wait_is_seen_when_nobody_lives(lab: Lab) -> None:
    """As long as the kernel has something, the lab looks."""
    port = port_of(lab)
    listening(lab)
    lab.end("server")
    lab.settle()
    assert states(lab) == []
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", port))
        stranger.listen()
        assert lab.quiet(1.5) == []  # nothing lives, nothing is looked at
        lab.begin("server")
        assert states(lab) == ["LISTEN"]
        lab.end("server")
    lab.wait(SocketsObserved, lambda event: not event.sockets)


@linux
def test_a_stranger_that_was_there_first_is_told(free_port: int) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", free_port))
        stranger.listen()
        # Uncontained, because out of a user namespace nobody outside can be looked at, not even of the same user.
        with Lab(LabClient(free_port, containment="none")) as lab:
            assert [each.state for each in lab.wait(SocketsObserved).sockets] == ["LISTEN"]
            owners = lab.wait(OwnersObserved).owners
            assert [(each.pid, each.state) for each in owners] == [(os.getpid(), "LISTEN")]
            assert owners[0].name == psutil.Process().name()


def test_psutil_names_the_owners(lab: Lab) -> None:
    port = port_of(lab)
    connected(lab)
    told = next(event for event in reversed(lab.seen) if isinstance(event, OwnersObserved))
    asked = {
        (row.laddr, row.raddr or None, row.status, row.pid)
        for row in psutil.net_connections("inet")
        if row.laddr and (row.laddr.port == port or (row.raddr and row.raddr.port == port))
    }
    assert {
        (
            (each.local.host, each.local.port),
            (each.remote.host, each.remote.port) if each.remote else None,
            each.state,
            each.pid,
        )
        for each in told.owners
    } == asked
    assert {each.name for each in told.owners} == {"netsim-server", "netsim-client1"}
    lab.end("client1")
    lab.wait(OwnersObserved)


# --- sleep


@linux
def test_sleep_is_told_once_the_kernel_says_so(lab: Lab) -> None:
    lab.begin("server")
    lab.step_past("server", "listen")
    slept = lab.step_into_sleep("server")
    call = next(event for event in reversed(lab.seen) if isinstance(event, CallStarted))
    assert (slept.call, slept.syscall) == (call.call, "accept4")
    assert 0.02 <= slept.at - call.at < 20
    number = int(Path(f"/proc/{slept.pid}/syscall").read_text().split()[0])
    assert number == {"x86_64": 288, "aarch64": 242}[os.uname().machine]
    assert len([event for event in lab.seen if isinstance(event, CallSlept)]) == 1


def test_a_busy_call_does_not_sleep(odd: Lab) -> None:
    """One that computes, or that returns in time, is not asleep."""
    lab = odd
    lab.begin("server")
    lab.extra(
        "server", "import time\ndef spin(until=time.monotonic() + 0.4):\n    while time.monotonic() < until: pass"
    )
    lab.wait(ProgramStopped)
    lab.extra("server", "make_call(1, 'listen', None, spin)")
    lab.wait(CallReturned)
    assert not [event for event in lab.seen if isinstance(event, CallSlept)]
