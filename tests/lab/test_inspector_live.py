"""A whole session of real packets: tshark finds the same in every field, and the way leads to who has the socket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from netsim.model.commands import CloseGate, OpenGate
from netsim.model.events import PacketSeen, ReadinessChanged
from netsim.model.fold import fold_all
from netsim.model.inspected import opened
from netsim.model.packet import Packet
from netsim.model.way import way_of
from netsim.model.world import World
from netsim.story.packets import packet_name
from tests.lab.netkit import NetLab
from tests.model.tshark import compare, read

pytestmark = [pytest.mark.usefixtures("no_leaks"), pytest.mark.needs_namespaces]

REFUSED = "__import__('socket').socket({family}).connect_ex(({host!r}, 9))"
UNREACHABLE = "__import__('socket').socket({family}, 2).sendto(b'anybody?', ({host!r}, 9))"


@pytest.fixture(scope="module")
def session() -> Iterator[World]:
    """Handshake, data both ways, close, reset, UDP, port unreachable: over IPv4, and what can be over IPv6."""
    with NetLab() as lab:
        lab.order(OpenGate())
        lab.listen()
        lab.begin("client1")
        lab.step_past("client1", "connect")
        lab.step_past("server", "accept")
        lab.step_past("server", "send")
        lab.step_past("client1", "recv")
        lab.step_past("client1", "send")
        lab.step_past("server", "recv")
        lab.step_past("client1", "close")
        lab.step_past("server", "close")
        lab.begin("client2", number=2)
        for family, host in ((2, "127.0.0.1"), (10, "::1")):
            lab.run_line("client2", REFUSED.format(family=family, host=host))
            lab.run_line("client2", UNREACHABLE.format(family=family, host=host))
        lab.begin("udpserver")
        lab.step_past("udpserver", "bind")
        lab.begin("udpclient1")
        lab.step_past("udpclient1", "sendto")
        lab.settle()
        yield fold_all(World(), lab.seen)


def kinds(packets: tuple[Packet, ...]) -> set[str]:
    return {f"{packet_name(packet)} by the {packet.sender}" for packet in packets}


@pytest.mark.needs_tshark
def test_tshark_agrees_in_every_field(session: World, tmp_path: Path) -> None:
    assert kinds(session.packets) >= {
        "SYN by the client", "SYN-ACK by the server", "ACK by the client", "ACK by the server", "RST by the server",
        "19 bytes by the server", "5 bytes by the client", "FIN by the client", "FIN by the server",
        "datagram by the client", "ICMP message by the server",
    }  # fmt: skip
    found = [opened(session, packet) for packet in session.packets]
    told = read(tmp_path, [packet.raw for packet in session.packets])
    assert len(told) == len(found) >= 20
    fields = relative = 0
    for one, (places, values) in zip(found, told, strict=True):
        assert one is not None
        assert (one.problem, one.missing) == ("", 0)
        fields += compare(one, places, values)
        relative += sum(field.relative is not None for field in one.fields)
    assert fields > 25 * len(found)
    assert relative > 20
    assert {one.layers[0].kind for one in found if one is not None} == {"IPv4", "IPv6"}


def test_every_checksum_is_right_at_the_gate(session: World) -> None:
    """On the wire of the loopback they are left unfilled; the gate's queue fills them in before it shows a packet."""
    checks = [field.check for packet in session.packets for field in checked(session, packet)]
    assert checks
    assert set(checks) == {"right"}


def checked(world: World, packet: Packet) -> list:  # type: ignore[type-arg]
    found = opened(world, packet)
    assert found is not None
    return [field for field in found.fields if field.check and not found.layers[field.layer].quoted]


def test_the_window_is_scaled_as_the_handshake_said(session: World) -> None:
    first = next(packet for packet in session.packets if packet_name(packet) == "ACK")
    found = opened(session, first)
    assert found is not None
    window = found.named("tcp.window_size_value")
    assert window is not None
    assert isinstance(window.raw, int)
    assert window.relative is not None
    assert window.relative > window.raw


def test_the_way_leads_to_who_has_the_socket() -> None:
    """Three clients on one port; the first is accepted. Each one's bytes are held, and their ways end differently."""
    with NetLab() as lab:
        server = lab.listen()
        lab.begin_connect()
        syn = lab.held()
        world = fold_all(World(), lab.seen)
        way = way_of(world, world.packets[-1])
        assert (world.packets[-1].number, way.end) == (syn.number, "process")
        owner = way.chosen[0].owners[0]
        assert owner.pid == server
        assert is_fd(owner.pid, owner.fd, way.chosen[0].socket.inode)

        lab.order(OpenGate())
        lab.wait(PacketSeen, sender="client")
        lab.wait(ReadinessChanged, who="server", readable=True)
        lab.step_past("server", "accept")
        for number in (2, 3):
            lab.begin(f"client{number}", number=number)
            lab.step_past(f"client{number}", "connect")
        lab.settle()
        lab.order(CloseGate())
        ends = {}
        for number in (1, 2, 3):
            lab.extra(f"client{number}", "s.send(b'for whom?')")
            lab.settle()
            world = fold_all(World(), lab.seen)
            way = way_of(world, world.packets[-1])
            assert world.packets[-1].length == 9
            assert sum(each.verdict == "listener" for each in way.candidates) == 1
            assert sum(each.verdict == "peer" for each in way.candidates) == 2
            ends[number] = way.end
            for each in way.chosen[0].owners:
                assert is_fd(each.pid, each.fd, way.chosen[0].socket.inode)
        assert ends == {1: "process", 2: "queue", 3: "queue"}
        covered = way_of(world, world.packets[-1], covered=True)
        assert len(covered.processes) == 4


def is_fd(pid: int, fd: int | None, inode: int) -> bool:
    """Whether the machine, asked from outside of the lab, says so too."""
    return os.readlink(f"/proc/{pid}/fd/{fd}") == f"socket:[{inode}]"
