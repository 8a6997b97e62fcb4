"""A client that netsim did not start: what space does for it, what is said of it, and what no key can make it do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from netsim.model import events as e
from netsim.model.address import Conversation
from netsim.model.commands import ReleasePacket
from netsim.model.world import World
from netsim.story import goals
from netsim.story.director import next_action
from netsim.story.goals import Do, Stuck
from netsim.story.narrator import WIDTH, narrate
from netsim.story.packets import ROOM
from netsim.story.towards import advance
from tests.gated import LISTENER, NC, OURS, Gated, strangers_end, talk
from tests.script import at, ref, tcp


@pytest.fixture
def script() -> Gated:
    """nc calls, and its SYN is held; our client stands before connect()."""
    script = Gated()
    script.listening()
    script.stranger_calls()
    script.named()
    return script


def synchronized(script: Gated) -> None:
    """nc's SYN was delivered; the SYN-ACK is held."""
    script.release(1)
    script.kernel(LISTENER, strangers_end("SYN_SENT"), tcp("SYN_RECV", 8888, NC))
    script.hold("SYN ACK", sender="server", seq=0, ack=1, client=NC)


def connected(script: Gated) -> None:
    """The SYN-ACK was delivered, too; nc's ACK is held."""
    synchronized(script)
    script.release(2)
    script.kernel(LISTENER, strangers_end("ESTABLISHED"), tcp("SYN_RECV", 8888, NC))
    script.hold("ACK", seq=1, ack=1, client=NC)


def accepted(script: Gated) -> None:
    """The server has accepted nc."""
    connected(script)
    script.release(3)
    script.kernel(replace(LISTENER, receive_queue=1), strangers_end("ESTABLISHED"), tcp("ESTABLISHED", 8888, NC))
    script.ready("server", 3)
    script.call("server", "accept", socket=ref(3, 501, 8888), accepted=ref(4, 777, 8888, NC))
    script.stop("server", script.line("server", "conn.send"), s=3, conn=4)
    script.kernel(LISTENER, strangers_end("ESTABLISHED"), tcp("ESTABLISHED", 8888, NC, inode=777))


def label(script: Gated) -> str:
    return next_action(script.world).label


class TestTheHandshake:
    def test_the_syn(self, script: Gated) -> None:
        action = next_action(script.world)
        assert (action.commands, action.target) == ((ReleasePacket(number=1),), "packet 1")
        assert action.label == "deliver nc's SYN to port 8888; the kernel will answer it"
        assert narrate(script.world) == f"nc (PID 41299) calls, from port {NC}: its SYN waits at the gate."

    @pytest.mark.parametrize("name", ["a_rather_long_name", "a name as long as that of no program that there is", "x"])
    def test_a_long_name_leaves_the_space_line_whole(self, name: str) -> None:
        script = Gated()
        script.listening()
        script.stranger_calls()
        script.named(name=name)
        assert len(label(script)) <= ROOM
        assert label(script).startswith(("deliver another program's SYN to", f"deliver {name}'s SYN to"))

    def test_the_answer(self, script: Gated) -> None:
        synchronized(script)
        assert label(script) == f"deliver the SYN-ACK to nc, port {NC}; its end will be open"
        assert narrate(script.world) == "The kernel answered the SYN by itself. The server program knows nothing yet."

    def test_its_end_is_open(self, script: Gated) -> None:
        connected(script)
        assert label(script) == "deliver nc's ACK to port 8888; the server's end will be open too"
        told = "The SYN-ACK has arrived: nc (PID 41299) is connected; the kernel answers."
        assert narrate(script.world) == told

    def test_it_may_talk_at_once(self, script: Gated) -> None:
        connected(script)
        script.hold("PSH ACK", seq=1, ack=1, payload=b"hello", client=NC)
        assert narrate(script.world) == "The SYN-ACK has arrived: nc (PID 41299) is connected, and sent 5 bytes."

    def test_accept_takes_it(self, script: Gated) -> None:
        connected(script)
        script.release(3)
        script.kernel(replace(LISTENER, receive_queue=1), strangers_end("ESTABLISHED"), tcp("ESTABLISHED", 8888, NC))
        script.ready("server", 3)
        assert label(script) == f"server: accept() takes the connection, :{NC}, nc (PID 41299)"
        accepted(script)
        assert narrate(script.world) == "accept() sent nothing. It took nc's connection: fd 4, still port 8888."


class TestTalking:
    def test_the_server_sends(self, script: Gated) -> None:
        accepted(script)
        script.begin("server", "send", socket=ref(4, 777, 8888, NC))
        script.hold("PSH ACK", sender="server", seq=1, ack=1, payload=b"Welcome", client=NC)
        script.come_back("server", "send", socket=ref(4, 777, 8888, NC), size=7, result="7")
        assert label(script) == f"deliver the 7 bytes to nc, port {NC}, into its buffer"
        script.release(4)
        script.kernel(LISTENER, strangers_end("ESTABLISHED", receive=7), tcp("ESTABLISHED", 8888, NC, inode=777))
        script.hold("ACK", seq=1, ack=8, client=NC)
        assert narrate(script.world) == "The kernel has the 7 bytes for nc (PID 41299), and answers with an ACK."
        script.release(5)
        assert narrate(script.world) == "The ACK says: the kernel has 7 bytes. nc (PID 41299) has not read them."

    def test_it_sends_by_itself_and_that_is_told_though_a_call_of_ours_came_before(self, script: Gated) -> None:
        accepted(script)
        script.hold("PSH ACK", seq=1, ack=1, payload=b"hello", client=NC)
        assert narrate(script.world) == "nc (PID 41299) sent 5 bytes: they wait at the gate."
        script.drop(4)
        script.kernel(LISTENER, strangers_end("ESTABLISHED", send=5), tcp("ESTABLISHED", 8888, NC, inode=777))
        assert narrate(script.world) == "Lost. The kernel kept nc's 5 bytes; its timer will send them again."

    def test_it_closes(self, script: Gated) -> None:
        accepted(script)
        script.accept("Step", "server")
        script.hold("FIN ACK", seq=1, ack=1, client=NC)
        script.kernel(LISTENER, strangers_end("FIN_WAIT1", inode=0), tcp("ESTABLISHED", 8888, NC, inode=777))
        assert narrate(script.world) == "nc (PID 41299) has closed, or has ended: the kernel says so with a FIN."
        script.release(4)
        script.kernel(LISTENER, strangers_end("FIN_WAIT1", inode=0), tcp("CLOSE_WAIT", 8888, NC, inode=777))
        script.hold("ACK", sender="server", seq=1, ack=2, client=NC)
        told = "The FIN has arrived: the server's program will read the end of the stream."
        assert narrate(script.world) == told
        script.release(5)
        script.kernel(LISTENER, strangers_end("FIN_WAIT2", inode=0), tcp("CLOSE_WAIT", 8888, NC, inode=777))
        assert narrate(script.world) == "nc's FIN is acknowledged: it waits in FIN_WAIT2 for the other side's."

    def test_a_datagram(self, script: Gated) -> None:
        script.release(1)
        script.hold_datagram(b"psst", client=NC)
        udp = e.KernelSocket("udp", "CLOSE", at(NC), at(8888), 905, 0, 0)
        script.kernel(LISTENER, udp, e.KernelSocket("udp", "CLOSE", at(8888), None, 801, 0, 0))
        script.psutil(e.Owner("udp", at(NC), at(8888), "", 41301, "socat"))
        assert narrate(script.world) == "socat (PID 41301) sent a datagram of 4 bytes: it waits at the gate."
        assert label(script) == "deliver socat's datagram to port 8888; nobody will answer it"


class TestItsName:
    @pytest.mark.parametrize(("name", "pid"), [("n" * 15, 4194304), ("x", 2), ("漢字漢字漢", 4194304)])
    def test_a_long_one_fits(self, script: Gated, name: str, pid: int) -> None:
        script.psutil(e.Owner("tcp", at(NC), at(8888), "SYN_SENT", pid, name))
        told = [narrate(script.world)]
        connected(script)
        told.append(narrate(script.world))
        assert all(name in each and len(each) <= WIDTH and not each.endswith("…") for each in told)

    def test_one_that_is_not_known(self) -> None:
        script = Gated()
        script.listening()
        script.stranger_calls()
        assert narrate(script.world) == f"Another program calls, from port {NC}: its SYN waits at the gate."
        assert label(script) == "deliver another program's SYN to port 8888; the kernel will answer it"


class TestKeys:
    @pytest.mark.parametrize("make", [goals.close, lambda world: goals.send(world, "hi")])
    def test_it_can_t_be_told_what_to_do(self, script: Gated, make: Callable[[World], goals.Goal]) -> None:
        why = "nc is not ours: it does what it wants. 1 shows our client, tab the server."
        assert advance(script.world, make(script.world)) == Stuck(why)

    def test_the_server_beside_it_can(self, script: Gated) -> None:
        accepted(script)
        script.add(e.FocusMoved(at=script.now, who="server"))
        assert goals.send(script.world, "hi") == goals.Send("server", "hi")
        assert goals.close(script.world) == goals.Close("server")

    def test_connect_is_our_client_s(self, script: Gated) -> None:
        assert goals.connect(script.world) == goals.Connect("client1")

    def test_finish_delivers_what_is_held_or_wakes_the_server(self, script: Gated) -> None:
        goal = goals.finish(script.world)
        assert goal == goals.DeliverAll(1)
        assert advance(script.world, goal) == Do(ReleasePacket(number=1))
        script.begin("server", "accept", socket=ref(3, 501, 8888))
        script.sleep("server", "accept4")
        assert goals.finish(script.world) == goals.Finish("server", 3)


def test_space_goes_on_with_the_packet_in_focus_then_with_the_oldest(script: Gated) -> None:
    script = Gated()
    script.listening()
    script.connecting()
    number = script.stranger_calls(OURS)
    script.named()
    assert next_action(script.world).packet == 1
    script.add(e.FocusMoved(at=script.now, who="", stranger=talk(NC)))
    assert next_action(script.world).packet == number
    script.release(number)
    assert next_action(script.world).packet == 1


def test_a_call_to_a_port_of_nobody_of_ours_is_told_as_what_it_is(script: Gated) -> None:
    script = Gated()
    script.listening()
    there = Conversation("tcp", at(NC), at(9999))
    script.add(e.PacketHeld(at=script.now, number=1, raw=b"", conversation=there, sender="client"))
    script.kernel(LISTENER, tcp("SYN_SENT", NC, 9999, inode=911))
    assert label(script).startswith("deliver another program's ")
    assert " to port 9999" in label(script)
