"""Living in a net of one's own: everybody's 8888, port 80, strangers from outside, silence while nothing happens."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from netsim.model.commands import OpenGate, ReleasePacket
from netsim.model.events import (
    CopyCounted,
    OwnersObserved,
    PacketSeen,
    SocketsObserved,
)
from tests.lab.netkit import PORT, NetLab, by_proc, command_inside, in_our, what
from tests.processes import outliving

pytestmark = [pytest.mark.usefixtures("no_leaks"), pytest.mark.needs_namespaces]


def test_two_labs_have_the_same_port() -> None:
    with NetLab() as one, NetLab() as other:
        first, second = one.listen(), other.listen()
        assert first != second
        for lab, pid in ((one, first), (other, second)):
            lab.begin_connect()
            lab.held()
            lab.expect("client SYN_SENT", "server LISTEN")
            assert by_proc(pid) == ["client SYN_SENT", "server LISTEN"]
            assert not in_our("net", pid)
        one.release(1)
        one.expect("client SYN_SENT", "server LISTEN", "server SYN_RECV")
        assert by_proc(second) == ["client SYN_SENT", "server LISTEN"]


@pytest.mark.parametrize("port", [80, 443])
def test_low_ports_are_for_everybody(port: int) -> None:
    with NetLab(port) as lab:
        pid = lab.listen()
        assert by_proc(pid, port) == lab.told_states == ["server LISTEN"]


def test_ports_below_them_are_not(free_port: int) -> None:
    """As on any machine: an ordinary user meets EACCES, root does not."""
    with NetLab(free_port) as lab:
        lab.begin("server")
        lab.step_past("server", "setsockopt")
        error = lab.run_line("server", "s.bind(('127.0.0.1', 79))").error
        assert (error.name if error else None) == (None if psutil.Process().uids().effective == 0 else "EACCES")


STRANGER = """
import socket
s = socket.create_connection(("127.0.0.1", 8888))
print("connected", flush=True)
s.send(b"hello from outside")
other = socket.create_server(("127.0.0.1", 4711))
print("listening", flush=True)
input()
"""


def test_a_stranger_s_client_is_seen_with_its_pid_and_name() -> None:
    """From a second terminal: its packets are held, its sockets are told, on whatever port."""
    with NetLab() as lab:
        server = lab.listen()
        with subprocess.Popen(
            command_inside(server, sys.executable, "-c", STRANGER), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as stranger:
            for packet in ("SYN", "ACK+SYN", "ACK"):
                assert what(lab.pass_on()) == packet
            assert stranger.stdout is not None
            assert stranger.stdout.readline() == b"connected\n"
            data = lab.held()
            assert (what(data), data.raw.endswith(b"hello from outside")) == ("ACK+PSH", True)
            assert stranger.stdout.readline() == b"listening\n"
            lab.wait(OwnersObserved, lambda event: any(each.local.port == 4711 for each in event.owners))
            lab.settle()
            owners = next(each.owners for each in reversed(lab.seen) if isinstance(each, OwnersObserved))
            name = psutil.Process(stranger.pid).name()
            assert {(each.local.port == PORT, each.state, each.pid, each.name) for each in owners} == {
                (True, "LISTEN", server, "netsim-server"),
                (False, "LISTEN", stranger.pid, name),
                (False, "ESTABLISHED", stranger.pid, name),
            }
            assert lab.sockets is not None
            assert 4711 in {each.local.port for each in lab.sockets.sockets}
            stranger.communicate(b"\n")


def test_a_stranger_is_seen_where_nothing_else_lives() -> None:
    with NetLab() as lab:
        host = lab.processes()["netsim-host"].pid
        source = "import socket; s = socket.create_server(('127.0.0.1', 4711)); input()"
        with subprocess.Popen(command_inside(host, sys.executable, "-c", source), stdin=subprocess.PIPE) as stranger:
            assert [each.local.port for each in lab.wait(SocketsObserved).sockets] == [4711]
            assert [each.pid for each in lab.wait(OwnersObserved).owners] == [stranger.pid]
            stranger.communicate(b"\n")
        lab.wait(SocketsObserved, sockets=())


def test_a_held_syn_s_timer_is_told_when_it_is_set_and_else_nothing_is() -> None:
    """A countdown can be drawn from what is told; between two copies there is silence."""
    with NetLab() as lab:
        lab.listen()
        lab.begin_connect()
        lab.held()
        lab.expect("client SYN_SENT", "server LISTEN")
        lab.slept()
        due = lab.sockets.at + lab.row("SYN_SENT").expires_ms / 1000  # type: ignore[union-attr]
        for copies in (1, 2):
            start = len(lab.seen)
            copy = lab.wait(CopyCounted)
            assert (copy.number, copy.copies, copy.reason) == (1, copies, "held")
            assert -0.5 < copy.at - due < 10
            told = lab.wait(SocketsObserved)
            assert lab.row("SYN_SENT").expirations == copies
            due = told.at + lab.row("SYN_SENT").expires_ms / 1000
            assert lab.row("SYN_SENT").expires_ms > 1000  # the timeout has doubled
            assert not [
                each
                for each in lab.seen[start:]
                if not isinstance(each, CopyCounted | SocketsObserved | OwnersObserved)
            ]
        lab.settle()
        assert lab.quiet(0.8) == []


def test_five_thousand_packets_through_the_open_gate() -> None:
    """None is lost, each is seen, and the lab answers meanwhile."""
    with NetLab() as lab:
        lab.order(OpenGate())
        lab.begin("udpclient1")
        lab.run_line(
            "udpclient1", "import _socket as k; a, b = k.socket(2, 2), k.socket(2, 2); a.bind(('127.0.0.1', 0))"
        )
        to = lab.run_line("udpclient1", "a.getsockname()").result
        ran = lab.run_line("udpclient1", f"sum(b.sendto(b'x', {to}) and len(a.recv(9)) for i in range(5000))")
        assert ran.result == "5000"
        assert sum(isinstance(each, PacketSeen) for each in lab.seen) == 5000
        assert lab.kinds().count("PacketsMissed") == 0
        assert lab.refusal(ReleasePacket(number=5000)) == "Packet 5000 is not held any more."


def test_a_hundred_labs_leave_nothing() -> None:
    """Started, some of them used, and ended in turn by being closed and by being killed."""
    lived: set[psutil.Process] = set()  # a number of a namespace is used again, by labs of others too

    def live(number: int) -> None:
        with NetLab() as lab:
            assert lab.started.net == "private"
            if number % 10 == 0:
                pid = lab.listen()
                lab.begin_connect()
                lab.held()
                assert by_proc(pid) == ["client SYN_SENT", "server LISTEN"]
            those = lab.processes()
            assert os.readlink(f"/proc/{those['netsim-host'].pid}/ns/net") != os.readlink("/proc/self/ns/net")
            lived.update(those.values())
            if number % 2:
                lab.client.kill_now()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(live, range(100)))
    assert len(lived) >= 300  # a lab, its init and its host each; a namespace lives only as long as they
    assert outliving(lived) == []
