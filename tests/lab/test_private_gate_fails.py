"""The gate's reader fails while the lab lives: packets pass, that is told, and an order brings it back."""

from __future__ import annotations

from pathlib import Path

import pytest

from netsim.model.commands import CloseGate, DropPacket, OpenGate, ReleasePacket, RestartGate
from netsim.model.events import (
    GateFailed,
    GateOpened,
    GateRestarted,
    PacketDropped,
    PacketSeen,
    PacketsMissed,
    ProgramStopped,
)
from tests.lab.hostkit import changed_lab, until
from tests.lab.netkit import PORT, NetLab, what

pytestmark = [pytest.mark.usefixtures("no_leaks"), pytest.mark.needs_namespaces]

# Reading, and sending a verdict, is an error once there is a file of that name; the file goes with it.
BREAK = """
import os
from netsim.lab import packetqueue
def breaking(name, really):
    def method(self, *arguments):
        if os.path.exists(folder + "/" + name):
            os.unlink(folder + "/" + name)
            raise OSError(5, "broken")
        return really(self, *arguments)
    return method
folder = {folder!r}
packetqueue.PacketQueue.read = breaking("read", packetqueue.PacketQueue.read)
packetqueue.PacketQueue.accept = breaking("accept", packetqueue.PacketQueue.accept)
packetqueue.asking.ask = breaking("bind", packetqueue.asking.ask)
"""


class Breaking:
    """A lab whose gate can be broken."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        change = BREAK.format(folder=str(folder))
        self.lab = NetLab(client=changed_lab(change, PORT, folder, monkeypatch, endpoint=None, net="private"))

    def breaks(self, what: str) -> None:
        (self.folder / what).touch()


@pytest.fixture
def breaking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Breaking:
    return Breaking(tmp_path, monkeypatch)


def test_a_reader_that_fails_lets_packets_pass_and_is_restarted(breaking: Breaking) -> None:
    with breaking.lab as lab:
        lab.listen()
        lab.begin_connect()
        lab.held()
        breaking.breaks("read")
        failed = lab.wait(GateFailed)  # the next look at the queue, at the latest for a copy
        assert failed.reason == (
            "The gate's queue can't be read any more (EIO): packets pass unseen until the gate is restarted."
        )
        assert [each.by for each in lab.seen if isinstance(each, PacketDropped)] == ["queue"]
        lab.wait(ProgramStopped, who="client1")  # its SYN comes again and passes, and so does all the rest
        lab.expect("client ESTABLISHED", "server ESTABLISHED", "server LISTEN")
        assert len(lab.all_held) == 1
        for order in (ReleasePacket(number=1), DropPacket(number=1), OpenGate(), CloseGate()):
            assert lab.refusal(order) == "The gate has failed and packets pass: restart it first."
        lab.order(RestartGate())
        lab.wait(GateRestarted)
        lab.step_past("server", "accept")
        lab.step_past("server", "send")
        data = lab.held()
        assert (data.number, what(data)) == (2, "ACK+PSH")
        lab.release(2)


def test_a_restart_that_fails_can_be_tried_again(breaking: Breaking) -> None:
    with breaking.lab as lab:
        lab.order(OpenGate())
        lab.wait(GateOpened)
        lab.listen()
        breaking.breaks("read")
        lab.begin("client1")
        lab.step_past("client1", "socket")
        assert lab.kinds().count("GateFailed") == 1
        breaking.breaks("bind")
        lab.order(RestartGate())
        assert "(queue 0: bind: EIO)" in lab.wait(GateFailed).reason
        lab.order(RestartGate())
        lab.wait(GateRestarted)
        lab.wait(GateOpened)  # as it was
        lab.step_past("client1", "connect")
        seen = [what(each) for each in lab.seen if isinstance(each, PacketSeen) and not each.repeats]
        assert seen == ["SYN", "ACK+SYN", "ACK"]


def test_a_verdict_that_fails_is_no_delivery(breaking: Breaking) -> None:
    with breaking.lab as lab:
        lab.listen()
        lab.begin_connect()
        lab.held()
        breaking.breaks("accept")
        lab.order(ReleasePacket(number=1))
        lab.wait(GateFailed)
        assert [line for line in lab.story() if line.startswith(("Packet", "Gate"))] == [
            "PacketHeld 1 client SYN", "PacketDropped 1", "GateFailed",
        ]  # fmt: skip
        lab.order(RestartGate())
        again = lab.held()
        assert (again.number, what(again), again.repeats) == (2, "SYN", True)


def test_what_is_too_much_is_counted(breaking: Breaking) -> None:
    """More than the closed gate holds is thrown away, and told."""
    with breaking.lab as lab:
        lab.begin("udpclient1")
        lab.run_line("udpclient1", "import _socket; a = _socket.socket(2, 2)")
        lab.run_line("udpclient1", "[a.sendto(b'x', ('127.0.0.1', 9)) for i in range(2100)] and None")
        lab.wait(PacketsMissed, lambda event: event.unread + event.too_many >= 52)

        def counted() -> int:
            missed = next(each for each in reversed(lab.seen) if isinstance(each, PacketsMissed))
            return len(lab.all_held) + missed.too_many + missed.unread

        until(lambda: counted() >= 2100)  # they are told of bit by bit
        lab.settle()
        assert counted() == 2100
