"""What the kernel's own list adds to psutil's table of the machine, and what ends or hides while it is looked at."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import psutil
import pytest

from netsim.lab import machine_kernel
from netsim.lab.machine import Machine
from netsim.lab.machine_table import Table
from netsim.model.address import Address
from tests.lab.test_machine import machine as machine
from tests.lab.test_machine import ports

pytestmark = pytest.mark.usefixtures("no_leaks")


@pytest.mark.needs_sock_diag
def test_what_the_kernel_adds(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=7) as listener:
        here = Address(*listener.getsockname())
        with socket.create_connection(listener.getsockname()) as client:
            there = Address(*client.getsockname())
            client.send(b"hello")
            table = ports(machine)
    rows = {(row.local, row.remote): row for row in table.rows}
    me = psutil.Process().username()
    assert (rows[here, None].held, rows[here, None].owner, rows[here, None].others) == (True, me, ())
    assert (rows[here, None].receive, rows[here, None].send) == (1, 7)
    assert (rows[here, there].held, rows[here, there].owner) == (False, "")  # nobody has accepted it
    assert rows[here, there].receive == 5


@pytest.mark.needs_sock_diag
def test_all_who_share_a_socket_and_each_of_those_who_share_a_port(machine: Machine) -> None:
    """psutil names one process of a fork; two sockets of one port are not one."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as one, socket.socket() as two:
        for each in (one, two):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            each.bind(("127.0.0.1", one.getsockname()[1]))
            each.listen()
        shared = two.fileno()
        command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        kept = (listener.fileno(), shared)
        with subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=kept) as child:
            here, both = Address(*listener.getsockname()), Address(*one.getsockname())
            rows = ports(machine).rows
            child.kill()
    (row,) = [row for row in rows if row.local == here]
    assert sorted([row.pid or 0, *row.others]) == sorted([os.getpid(), child.pid])
    found = [sorted([row.pid or 0, *row.others]) for row in rows if row.local == both]
    assert sorted(found) == sorted([[os.getpid()], sorted([os.getpid(), child.pid])])


@pytest.mark.needs_sock_diag
def test_time_wait_has_its_time_and_an_ipv4_peer_of_an_ipv6_socket_its_owner() -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        port = listener.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = listener.accept()
        there = Address(*client.getsockname())
        with accepted:
            table = Table()
            (row,) = [row for row in table.read().rows if row.remote == there]
            assert (row.local.host, row.pid, row.held) == ("127.0.0.1", os.getpid(), True)
            client.close()
        (left,) = [row for row in table.read().rows if row.local == there]
    assert (left.state, left.pid, left.held) == ("TIME_WAIT", None, False)
    assert 0 < left.expires_ms <= 60_000


def test_where_the_kernel_can_not_be_asked_there_is_psutils_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(machine_kernel, "SockDiag", refuse)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        table = Table().read()
        (row,) = [row for row in table.rows if row.local == Address(*listener.getsockname())]
    assert table.complete
    assert (row.pid, row.held, row.owner) == (os.getpid(), None, "")


def test_processes_that_end_while_they_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that psutil names is gone when its name is asked for; so is one that /proc had listed."""

    def gone(_self: psutil.Process) -> float:
        raise psutil.NoSuchProcess(os.getpid())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = Address(*listener.getsockname())
        monkeypatch.setattr(psutil.Process, "create_time", gone)
        (row,) = [row for row in Table().read().rows if row.local == here]
        assert (row.pid, row.name, row.user) == (os.getpid(), "", "")
        listdir = os.listdir
        monkeypatch.setattr(
            os, "listdir", lambda path: [*listdir(path), *(["4194303"] if path == "/proc" else ["999"])]
        )
        assert here in [row.local for row in Table().read().rows]


HOSTILE = r"\x1b]0;x\x07\n\xff\xe2\x80\xae)"


@pytest.mark.needs_sock_diag
def test_a_name_of_any_bytes_comes_through(machine: Machine) -> None:
    """What is not UTF-8 is no JSON either: the helper's answer would never come."""
    code = f"import socket, sys; open('/proc/self/comm', 'wb').write(b'{HOSTILE}'); "
    code += "s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        port = int(child.stdout.readline())
        table = ports(machine)
        child.kill()
    (row,) = [row for row in table.rows if row.local.port == port and row.state == "LISTEN"]
    assert row.name == "\x1b]0;x\x07\n\\xff\u202e)"
