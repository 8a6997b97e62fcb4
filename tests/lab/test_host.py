"""The lab host: what it does for each command, and in which order it tells what happened."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from netsim.lab import sources
from netsim.lab.children import process_name
from netsim.lab.client import LabClient
from netsim.model.commands import Kill
from netsim.model.events import (
    CallReturned,
    CallSlept,
    CallStarted,
    CommandAccepted,
    EndpointStarted,
    ExtraLineRan,
    LabStarted,
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


# --- the beginning


def test_the_lab_says_first_what_it_is(lab: Lab, free_port: int) -> None:
    lab.wait(LabStarted)
    started = lab.started
    assert (started.net, started.port) == ("host", free_port)
    assert started.system == f"{os.uname().sysname} {os.uname().release}"
    assert started.python == sys.version.split()[0]
    assert started.sock_diag == sys.platform.startswith("linux")
    assert 0 < started.at < 5


def test_an_endpoint_is_a_process_of_its_own(lab: Lab) -> None:
    server, client = lab.begin("server"), lab.begin("client1")
    assert server.pid != client.pid
    assert psutil.Process(server.pid).name() == "netsim-server"
    assert psutil.Process(client.pid).name() == "netsim-client1"
    assert os.getsid(server.pid) == server.pid  # nobody's Ctrl-C is for it


def test_what_is_run_is_what_is_shown(lab: Lab, free_port: int) -> None:
    started = lab.begin("client1")
    written = (Path(sources.FOLDER) / "tcp_client.py").read_text()
    assert written.count("8888") == 2
    assert "\n".join(started.source) + "\n" == written.replace("8888", str(free_port))
    assert (started.role, started.transport, started.number, started.program) == ("client", "tcp", 1, "tcp_client.py")


@pytest.mark.parametrize("which", ["lab", "odd"])
def test_nothing_leaks_into_a_program_and_its_first_socket_is_3(which: str, request: pytest.FixtureRequest) -> None:
    lab: Lab = request.getfixturevalue(which)
    server = lab.begin("server")
    files = {int(name): os.readlink(f"/proc/{server.pid}/fd/{name}") for name in os.listdir(f"/proc/{server.pid}/fd")}
    assert sorted(files)[:3] == [0, 1, 2]
    assert files[0] == "/dev/null"
    assert [number for number in files if 3 <= number < 30] == []
    assert len(files) == 4  # and the channel
    returned = lab.step_past("server", "bind")
    assert returned.socket is not None
    assert returned.socket.fd == 3


@pytest.mark.parametrize(
    ("who", "name"),
    [("server", "netsim-server"), ("client12", "netsim-client12"), ("udpclient3", "netsim-udpclie3")],
)
def test_a_process_has_its_number_in_its_name(who: str, name: str) -> None:
    assert process_name(who) == name
    assert len(name) <= 15


# --- the order of events


@linux
def test_the_order_of_a_call(lab: Lab) -> None:
    lab.begin("server")
    lab.step_past("server", "setsockopt")
    start = len(lab.seen)
    lab.step("server")  # bind: a socket appears in the kernel's list
    kinds = lab.kinds(start)
    assert kinds[:5] == ["CommandAccepted", "CallStarted", "CallReturned", "SocketsObserved", "ProgramStopped"]
    accepted, started, returned = lab.seen[start], lab.seen[start + 1], lab.seen[start + 2]
    assert isinstance(accepted, CommandAccepted)
    assert (accepted.kind, accepted.who) == ("Step", "server")
    assert isinstance(started, CallStarted)
    assert isinstance(returned, CallReturned)
    assert started.name == returned.name == "bind"
    assert [event.at for event in lab.seen] == sorted(event.at for event in lab.seen)


@linux
def test_the_kernel_is_looked_at_before_a_call(odd: Lab) -> None:
    """What has changed between two looks belongs before the call: the stub does it just before it reports."""
    lab = odd
    lab.begin("server")
    lab.step("server", 3)
    lab.settle()
    # Between the order to step and the report of the call, the socket begins to listen: no call has done that.
    lab.extra(
        "server",
        "def report(kind, *, real=report, **fields):\n"
        "    if kind == 'CallStarted': names['s'].listen(3)\n"
        "    real(kind, **fields)",
    )
    lab.wait(ExtraLineRan)
    lab.wait(ProgramStopped)
    start = len(lab.seen)
    lab.step("server")
    kinds = lab.kinds(start)
    assert kinds[:4] == ["CommandAccepted", "CallStarted", "SocketsObserved", "CallReturned"]


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
        seen = lab.wait(SocketsObserved, seconds=3)
        assert mine[1] in {each.local.port for each in seen.sockets}
    lab.wait(SocketsObserved, seconds=3)


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
    lab.wait(SocketsObserved, lambda event: not event.sockets, seconds=3)


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
    assert 0.02 <= slept.at - call.at < 2
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
