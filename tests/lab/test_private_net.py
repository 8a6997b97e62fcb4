"""A handshake held at each of its packets in a real lab, seen from inside and outside, told in the order of truth."""

from __future__ import annotations

import pytest

from netsim.lab.client import LabClient
from netsim.model.commands import CloseGate, DropPacket, OpenGate, ReleasePacket, RestartGate, Step
from netsim.model.events import CommandRefused, GateClosed, ProgramStopped, ReadinessChanged
from tests.lab.hostkit import Lab
from tests.lab.netkit import NetLab, by_proc, by_ss, what

pytestmark = [pytest.mark.usefixtures("no_leaks"), pytest.mark.needs_namespaces]


@pytest.mark.needs_ss
def test_a_handshake_held_at_each_of_its_packets() -> None:
    with NetLab() as lab:
        server = lab.listen()

        def expect(*states: str) -> None:
            lab.expect(*states)
            assert by_proc(server) == by_ss(server) == sorted(states)

        expect("server LISTEN")
        lab.begin_connect()
        syn = lab.held()
        assert (syn.number, syn.sender, what(syn), syn.seq, syn.ack) == (1, "client", "SYN", 0, None)
        expect("client SYN_SENT", "server LISTEN")
        assert lab.slept().syscall == "connect"
        lab.release(1)
        answer = lab.held()
        assert (answer.number, answer.sender, what(answer), answer.seq, answer.ack) == (2, "server", "ACK+SYN", 0, 1)
        expect("client SYN_SENT", "server LISTEN", "server SYN_RECV")
        assert not lab.has_returned("client1", "connect")
        lab.release(2)
        ack = lab.held()
        assert (ack.number, ack.sender, what(ack), ack.seq, ack.ack) == (3, "client", "ACK", 1, 1)
        expect("client ESTABLISHED", "server LISTEN", "server SYN_RECV")
        lab.wait(ProgramStopped, who="client1")
        lab.release(3)
        lab.wait(ReadinessChanged, who="server", readable=True)
        expect("client ESTABLISHED", "server ESTABLISHED", "server LISTEN")
        assert [each.inode for each in lab.sockets.sockets if each.state == "ESTABLISHED"].count(0) == 1  # type: ignore[union-attr]
        assert lab.row("LISTEN").receive_queue == 1  # both ESTABLISHED, and no process has the server's end
        lab.step_past("server", "accept")
        lab.settle()
        assert lab.all_held == [syn, answer, ack]  # accept() sent nothing
        assert 0 not in {each.inode for each in lab.sockets.sockets}  # type: ignore[union-attr]


def test_the_order_of_truth() -> None:
    """What was ordered, what happened, what the kernel has then, what it answers, what programs notice of it."""
    with NetLab() as lab:
        lab.listen()
        lab.begin("client1")
        lab.step_past("client1", "socket")
        lab.settle()
        start = len(lab.seen)
        lab.send(Step(who="client1"))
        lab.held()
        lab.slept()
        lab.release(1)
        lab.held()
        lab.release(2)
        lab.held()
        lab.wait(ProgramStopped)
        lab.release(3)
        lab.wait(ReadinessChanged)
        assert lab.story(start) == [
            "CommandAccepted Step",
            "CallStarted client1 connect",
            "PacketHeld 1 client SYN",
            "SocketsObserved client SYN_SENT, server LISTEN",
            "CallSlept client1",
            "CommandAccepted ReleasePacket",
            "PacketReleased 1",
            "SocketsObserved client SYN_SENT, server LISTEN, server SYN_RECV",
            "PacketHeld 2 server ACK+SYN",
            "CommandAccepted ReleasePacket",
            "PacketReleased 2",
            "SocketsObserved client ESTABLISHED, server LISTEN, server SYN_RECV",
            "PacketHeld 3 client ACK",
            "CallReturned client1 connect",
            "ProgramStopped client1",
            "CommandAccepted ReleasePacket",
            "PacketReleased 3",
            "SocketsObserved client ESTABLISHED, server ESTABLISHED, server LISTEN",
            "ReadinessChanged server",
        ]
        start = len(lab.seen)
        lab.step_past("server", "accept")
        lab.step_past("server", "send")
        lab.send(Step(who="client1"))  # recv()
        lab.slept()
        lab.release(4)
        lab.wait(ProgramStopped, who="client1")
        lines = lab.story(start)
        assert lines.index("PacketHeld 4 server ACK+PSH") < lines.index("CallReturned server send")
        released = lines.index("PacketReleased 4")
        assert lines[released - 1 : released + 2] == [
            "CommandAccepted ReleasePacket",
            "PacketReleased 4",
            "PacketHeld 5 client ACK",
        ]
        assert lines[-2:] == ["CallReturned client1 recv", "ProgramStopped client1"]


def test_orders_that_can_t_be_carried_out() -> None:
    with NetLab() as lab:
        lab.listen()
        assert lab.refusal(ReleasePacket(number=1)) == "There is no packet 1."
        lab.begin_connect()
        lab.held()
        lab.release(1)
        lab.held()
        for order in (ReleasePacket(number=1), DropPacket(number=1)):
            assert lab.refusal(order) == "Packet 1 is not held any more."
        assert lab.refusal(CloseGate()) == "The gate is closed already: each packet is held."
        assert lab.refusal(RestartGate()) == "The gate works: there is nothing to restart."
        lab.order(OpenGate())
        assert lab.refusal(OpenGate()) == "The gate is open already: packets pass."


def test_in_the_host_s_net_there_is_no_gate(free_port: int) -> None:
    with Lab(LabClient(free_port, "host")) as lab:
        for order in (ReleasePacket(number=1), DropPacket(number=1), OpenGate(), CloseGate(), RestartGate()):
            answer = lab.ask(order)
            assert isinstance(answer, CommandRefused)
            assert answer.why == "This net has no gate: packets can't be held here."


def test_the_open_gate_shows_what_passes() -> None:
    with NetLab() as lab:
        lab.listen()
        lab.begin_connect()
        lab.held()
        lab.slept()
        start = len(lab.seen)
        lab.order(OpenGate())
        lab.wait(ProgramStopped, who="client1")
        lab.settle()
        assert lab.told_states == ["client ESTABLISHED", "server ESTABLISHED", "server LISTEN"]
        assert [line for line in lab.story(start) if line.startswith(("Command", "Packet", "Gate", "Call"))] == [
            "CommandAccepted OpenGate", "PacketReleased 1", "GateOpened",
            "PacketSeen 2 server ACK+SYN", "PacketSeen 3 client ACK", "CallReturned client1 connect",
        ]  # fmt: skip
        lab.order(CloseGate())
        lab.wait(GateClosed)
        lab.step_past("server", "accept")
        lab.step_past("server", "send")
        assert [what(each) for each in lab.all_held] == ["SYN", "ACK+PSH"]
