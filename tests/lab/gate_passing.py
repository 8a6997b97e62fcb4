"""Scenarios: the open gate, what it loses, and its end."""

from __future__ import annotations

import errno
import os
import socket
import struct
from contextlib import suppress

from netsim.lab import nftables, privatenet
from netsim.lab.gate import Close, Drop, Open, Release, ReleaseAll
from netsim.lab.packetqueue import PacketQueue
from netsim.model import gate_rules
from netsim.model.gate_rules import NotHeldError
from netsim.model.happenings import Dropped, Held, Overran, Released, Seen
from netsim.model.wire import Segment
from tests.lab.gate_lab import PORT, V4, Lab, connect, received, scenario

AT_ONCE = 250  # packets: what a receive buffer of Linux's default size lets through


@scenario
def five_thousand_packets_through_the_open_gate() -> None:
    lab = Lab(is_open=True)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((V4, PORT))
    server.setblocking(False)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    wait, go_on = os.pipe()
    sender = os.fork()
    if not sender:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for number in range(5000):
                client.sendto(struct.pack(">I", number), (V4, PORT))
                if number % AT_ONCE == AT_ONCE - 1:
                    os.read(wait, 1)
        os._exit(0)
    numbers: list[int] = []

    def all_there() -> bool:
        while (datagram := received(server)) is not None:
            numbers.extend(struct.unpack(">I", datagram))
            if len(numbers) % AT_ONCE == 0:
                os.write(go_on, b"x")
        return len(numbers) == 5000

    lab.wait(all_there)
    os.waitpid(sender, 0)
    assert numbers == list(range(5000))
    assert lab.count(Seen) == len(lab.told) == 5000
    assert lab.gate.losses() == (0, 0)


@scenario
def large_sends_are_cut_into_the_segments_of_a_wire() -> None:
    lab = Lab(is_open=True)
    client, server = connect(lab, V4)
    lab.obey(Open())
    lab.told.clear()
    client.setblocking(False)
    size, got = 200_000, bytearray()
    left = memoryview(bytes(size))

    def sent_and_received() -> bool:
        nonlocal left
        with suppress(BlockingIOError):
            while left:
                left = left[client.send(left) :]
        got.extend(received(server) or b"")
        return len(got) == size

    lab.wait(sent_and_received)
    segments = [each.packet.content for each in lab.told if isinstance(each, Seen) and each.packet.sender == "client"]
    assert max(each.length for each in segments if isinstance(each, Segment)) <= 1460
    assert sum(each.length for each in segments if isinstance(each, Segment)) == size
    assert not any(each.packet.repeats for each in lab.told if isinstance(each, Seen))


def flood(packets: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for _ in range(packets):
            client.sendto(b"x", (V4, PORT))


@scenario
def losses_are_counted() -> None:
    """What the reader's buffer has no room for, everybody can count; what the queue is too short for, only root."""
    privatenet.unshare_private(pid=False)
    privatenet.prepare()
    nftables.install(0)
    small = PacketQueue(0, receive_buffer=8192)
    flood(100)
    lost = small.dropped().unread
    assert lost > 50
    assert len(small.read()) == 100 - lost
    small.close()
    short = PacketQueue(0, length=4)
    flood(10)
    assert len(short.read()) == 4
    assert short.dropped() == ((0, 6) if os.geteuid() == 0 else (0, None))


@scenario
def too_many_held() -> None:
    lab = Lab()
    for _ in range(2 * gate_rules.MOST_HELD // 256):
        flood(256)
        lab.obey(Close())
    assert len(lab.gate.held) == lab.gate.losses().too_many == lab.count(Overran) == gate_rules.MOST_HELD
    lab.obey(ReleaseAll())
    assert lab.count(Released) == gate_rules.MOST_HELD


@scenario
def queue_lost_and_restarted() -> None:
    lab = Lab()
    server, client = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    server.bind((V4, PORT))
    server.setblocking(False)
    client.sendto(b"held", (V4, PORT))
    lab.held()
    assert lab.gate.restart() == [Dropped(1, by="queue")]
    assert received(server) is None
    client.sendto(b"held again", (V4, PORT))
    assert lab.step().number == 2
    assert received(server) == b"held again"
    lab.gate.close()
    client.sendto(b"passed", (V4, PORT))
    assert received(server) == b"passed"  # the rule is there, and nobody reads the queue
    try:
        lab.gate.read()
        raise AssertionError("a closed queue was read")
    except OSError as error:
        assert error.errno == errno.EBADF  # noqa: PT017 - no pytest in here
    lab.gate.restart()
    client.sendto(b"third", (V4, PORT))
    assert lab.step().number == 3
    assert received(server) == b"third"


@scenario
def an_order_for_what_is_not_held_loses_nothing() -> None:
    lab = Lab()
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.sendto(b"x", (V4, PORT))  # comes in while the order is carried out
    for order in (Release(7), Drop(7)):
        try:
            lab.obey(order)
            raise AssertionError("what was never held was released")
        except NotHeldError:
            pass
    lab.obey(ReleaseAll())
    assert [type(each) for each in lab.told] == [Held, Released]
