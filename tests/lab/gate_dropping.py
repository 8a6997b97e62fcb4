"""Scenarios: thrown away at the gate, and what comes back."""

from __future__ import annotations

import errno
import select
import socket
import time

from netsim.lab.gate import Drop, Open, Release, ReleaseAll
from netsim.model.happenings import CopyCounted, Dropped, Held
from netsim.model.wire import Datagram, Fragment, Icmp, Segment
from tests.lab.gate_lab import PORT, V4, V6, Lab, call, connect, received, scenario, states


@scenario
def dropped_syn_comes_back() -> None:
    lab = Lab()
    pair = call(V4)
    assert lab.step(Drop).number == 1
    copy = lab.held()
    assert (copy.number, copy.repeats, copy.copy_of, copy.seq) == (2, True, 1, 0)
    lab.wait(lambda: any(isinstance(each, CopyCounted) and each.number == 2 for each in lab.told))
    lab.obey(Drop(2))  # with a copy under it, which is on its way already
    assert lab.told[-2] == Dropped(2)
    waiting = lab.told[-1]
    assert isinstance(waiting, Held)
    assert (waiting.was_waiting, waiting.packet.copy_of, lab.gate.held) == (True, 2, (3,))
    for _ in range(3):
        lab.step()
    assert states() == "client ESTABLISHED, server ESTABLISHED, server LISTEN", pair


@scenario
def dropped_data_and_fin_come_back() -> None:
    lab = Lab(calm=False)
    for host in (V4, V6):
        client, server = connect(lab, host)
        client.send(b"hello")
        lost = lab.step(Drop)
        copy = lab.held()
        assert (copy.repeats, copy.copy_of, copy.seq) == (True, lost.number, 1)
        assert received(server) is None
        lab.obey(Release(copy.number))
        assert received(server) == b"hello"
        acknowledgement = lab.step(Drop)
        assert acknowledgement.sender == "server"
        again = lab.held()  # the data: it was delivered, but its sender does not know
        assert (again.repeats, again.copy_of) == (True, copy.number)
        lab.obey(Release(again.number))
        lab.step()
        assert received(server) is None
        client.close()
        fin = lab.step(Drop)
        copy = lab.held()
        assert (copy.repeats, copy.copy_of) == (True, fin.number)
        assert isinstance(copy.content, Segment)
        assert "FIN" in copy.content.flags
        lab.obey(Release(copy.number))
        assert received(server) == b""
        server.close()
        lab.run_free(lambda: "server" not in states())


@scenario
def calm_timers() -> None:
    """A lost segment comes back after about three seconds, on IPv4 and IPv6, and small ones come back one by one."""
    lab = Lab()
    assert [each for each in lab.prepared.skipped if each.errno != errno.ENOENT] == []
    ends = [connect(lab, host, port) for host, port in ((V4, 80), (V6, 8080))]
    since = time.monotonic()
    for client, _ in ends:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.send(b"first")
        client.send(b"second")
    lab.wait(lambda: len(lab.gate.held) == 4)
    lost = lab.gate.held
    for number in lost:
        lab.obey(Drop(number))
    lab.wait(lambda: len(lab.gate.held) == 2)
    took = time.monotonic() - since
    assert 2.9 < took < 30, took
    copies = [each.packet for each in lab.told if isinstance(each, Held)][-2:]
    copied = {each.copy_of: each.content.payload for each in copies if isinstance(each.content, Segment)}
    assert copied == {lost[0]: b"first", lost[2]: b"first"}
    lab.obey(Open())
    for _, server in ends:
        lab.wait(lambda server=server: select.select([server], [], [], 0)[0] != [])
        assert (received(server) or b"").startswith(b"first")


@scenario
def dropped_datagram_is_gone() -> None:
    lab = Lab()
    for host in (V4, V6):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as server, socket.socket(family, socket.SOCK_DGRAM) as client:
            server.bind((host, PORT))
            server.setblocking(False)
            client.sendto(b"lost", (host, PORT))
            assert isinstance(lab.step(Drop).content, Datagram)
            assert received(server) is None
            client.sendto(b"", (host, PORT))
            packet = lab.step()
            assert (packet.repeats, packet.sender) == (False, "client")
            assert received(server) == b""
            assert received(server) is None


@scenario
def unreachable_port_held() -> None:
    lab = Lab()
    for host in (V4, V6):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect((host, PORT))
            client.send(b"anybody?")
            datagram = lab.step()
            told_back = lab.held()
            assert isinstance(told_back.content, Icmp)
            assert (told_back.content.kind, told_back.content.code) == ((1, 4) if ":" in host else (3, 3))
            assert (told_back.conversation, told_back.sender) == (datagram.conversation, "server")
            assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            lab.obey(Release(told_back.number))
            assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


@scenario
def large_datagrams() -> None:
    """IPv4 is put together before the gate, IPv6 after it: its pieces are seen, all in the same conversation."""
    lab = Lab()
    for host, pieces in ((V4, 1), (V6, 3)):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as server, socket.socket(family, socket.SOCK_DGRAM) as client:
            server.bind((host, PORT))
            server.setblocking(False)
            client.sendto(b"x" * 4000, (host, PORT))
            lab.wait(lambda pieces=pieces: len(lab.gate.held) == pieces)
            packets = [each.packet for each in lab.told if isinstance(each, Held)][-pieces:]
            assert {each.sender for each in packets} == {"client"}
            assert {type(each.content) for each in packets} == {Datagram if pieces == 1 else Fragment}
            lab.obey(ReleaseAll())
            assert len(received(server) or b"") == 4000
