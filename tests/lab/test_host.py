"""The lab host: what it does for each command, and in which order it tells what happened."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from netsim.lab import sources
from netsim.lab.children import process_name
from netsim.lab.client import LabClient
from netsim.model.events import (
    CallReturned,
    CallStarted,
    CommandAccepted,
    EndpointStarted,
    ExtraLineRan,
    LabStarted,
    ProgramStopped,
)
from tests.lab.hostkit import STUB, Lab

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
    assert 0 < started.at < 60


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
