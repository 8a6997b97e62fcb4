"""Gate without a kernel: nothing that happened is lost when the queue fails; and the modules of another system."""

from __future__ import annotations

import subprocess
import sys

import pytest

from netsim.lab import gate as gate_module
from netsim.lab.gate import Gate, Open, Release
from netsim.lab.nftables import GateError, Installed
from netsim.lab.packetqueue import Losses, PacketQueue, QueuedPacket
from netsim.model.gate_rules import GateRules
from netsim.model.happenings import CopyCounted, Dropped, Held, Opened, Overran, Released, Seen
from tests.model.gate_script import packet


class FakeQueue(PacketQueue):
    """A queue that hands out what the test puts in, and fails when it is told to."""

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self.waiting: list[bytes] = []
        self.verdicts: list[tuple[str, int]] = []
        self.given = 0
        self.fails = False
        self.lost = Losses(0, None)

    def fileno(self) -> int:
        return 7

    def close(self) -> None:
        self.waiting.clear()

    def read(self, most: int = 256) -> list[QueuedPacket]:
        if self.fails:
            raise OSError("the queue is gone")
        found = [QueuedPacket(self.given + number, 1, each) for number, each in enumerate(self.waiting[:most], 1)]
        del self.waiting[:most]
        self.given += len(found)
        return found

    def accept(self, id_: int) -> None:
        self._judge("accept", id_)

    def drop(self, id_: int) -> None:
        self._judge("drop", id_)

    def _judge(self, what: str, id_: int) -> None:
        if self.fails or (what, id_) == ("accept", 13):
            raise OSError("the queue is gone")
        self.verdicts.append((what, id_))

    def dropped(self) -> Losses:
        if self.fails:
            raise OSError("the queue is gone")
        return self.lost


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def gate(queue: FakeQueue, monkeypatch: pytest.MonkeyPatch) -> Gate:
    monkeypatch.setattr(gate_module, "PacketQueue", FakeQueue)
    return Gate(Installed("nft queue", ("inet",)), queue, GateRules())


def test_what_came_before_an_order_is_told_first(gate: Gate, queue: FakeQueue) -> None:
    queue.waiting += [packet("C SYN seq=0"), packet("C SYN seq=0"), packet("C udp len=1")]
    first, counted, second, released = gate.obey(Release(1))
    assert isinstance(first, Held)
    assert isinstance(second, Held)
    assert (counted, released) == (CopyCounted(1, 1, "held"), Released(1))
    assert queue.verdicts == [("accept", 1), ("drop", 2)]
    assert gate.held == (2,)


def test_many_packets_before_an_order(gate: Gate, queue: FakeQueue) -> None:
    queue.waiting += [packet("C udp len=1")] * 1000
    assert len(gate.obey(Release(1000))) == 1001


def test_nothing_that_happened_is_lost_with_the_queue(gate: Gate, queue: FakeQueue) -> None:
    gate.obey(Open())
    queue.waiting += [packet("C udp len=1")] * 13
    with pytest.raises(OSError, match="gone"):
        gate.read()  # the thirteenth can't be let pass
    assert [type(each) for each in gate.restart()] == [Seen] * 12


def test_of_what_was_to_be_released_the_rest_is_lost_with_the_queue(gate: Gate, queue: FakeQueue) -> None:
    queue.waiting += [packet("C udp len=1")] * 15
    gate.read()
    with pytest.raises(OSError, match="gone"):
        gate.obey(Open())
    assert gate.restart() == [
        *(Released(number) for number in range(1, 13)), *(Dropped(number, by="queue") for number in range(13, 16)),
    ]  # fmt: skip
    assert not gate.is_open


def test_a_restart_tells_what_is_gone(gate: Gate, queue: FakeQueue) -> None:
    queue.waiting += [packet("C udp len=1")] * 2
    queue.lost = Losses(3, 4)
    assert len(gate.read()) == 2
    assert gate.losses() == (3, 4)
    assert gate.restart() == [Dropped(1, by="queue"), Dropped(2, by="queue")]
    assert gate.held == ()
    assert gate.losses() == (3, 4)
    assert gate.fileno() == 7


def test_a_restart_that_fails_can_be_tried_again(gate: Gate, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_number: int) -> FakeQueue:
        raise GateError("queue 0: bind", 1)

    queue.waiting.append(packet("C udp len=1"))
    gate.read()
    monkeypatch.setattr(gate_module, "PacketQueue", refuse)
    queue.fails = True
    with pytest.raises(GateError):
        gate.restart()
    monkeypatch.setattr(gate_module, "PacketQueue", FakeQueue)
    assert gate.restart() == [Dropped(1, by="queue")]


def test_losses_of_the_rules_are_losses(gate: Gate, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netsim.model.gate_rules.MOST_HELD", 1)
    queue.waiting += [packet("C udp len=1")] * 3
    assert [type(each) for each in gate.read()] == [Held, Overran, Overran]
    assert gate.losses() == (0, 2)
    assert [type(each) for each in gate.obey(Open())] == [Released, Opened]
    queue.waiting += [packet("C udp len=1")] * 3
    assert [type(each) for each in gate.read()] == [Seen, Seen, Seen]


ELSEWHERE = """
import os, socket, sys
for name in ("AF_NETLINK", "AF_PACKET", "SOCK_CLOEXEC", "MSG_DONTWAIT", "if_nameindex"):
    if hasattr(socket, name):
        delattr(socket, name)
for name in ("geteuid", "getuid", "getegid", "getgid", "fork", "waitpid"):
    delattr(os, name)
sys.modules["fcntl"] = None
sys.platform = "win32"
from netsim.lab import asking, calm, gate, loopback, nftables, packetqueue, privatenet, routes, steps
from netsim.model import copies, decode, flows, gate_rules, happenings, wire
for action in (gate.Gate.install, packetqueue.PacketQueue):
    try:
        action()
    except nftables.GateError as error:
        print(error)
"""


def test_it_can_be_imported_elsewhere_and_says_what_is_missing() -> None:
    ended = subprocess.run([sys.executable, "-c", ELSEWHERE], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert [line.partition(" (")[0] for line in ended.stdout.splitlines()] == ["queue socket: EAFNOSUPPORT"] * 2
