"""Held packets: what space does with them, what is said of them, and how goals get past them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from netsim.model import events as e
from netsim.model.commands import DropPacket, ReleasePacket
from netsim.model.world import World
from netsim.story import goals
from netsim.story.director import next_action
from netsim.story.goals import Do, Reached, Stuck
from netsim.story.moments import MOMENTS, approach
from netsim.story.narrator import narrate
from netsim.story.towards import advance
from netsim.text.arrows import packet_label
from netsim.text.charset import UNICODE
from tests.gated import LISTENER, Gated
from tests.script import Script, at, ref, tcp


@pytest.fixture
def script() -> Gated:
    """Connecting: the client sleeps in connect(), its SYN is held, the server stands before accept()."""
    script = Gated()
    script.open()
    script.call("server", "socket", socket=ref(3, 501))
    script.call("server", "listen", socket=ref(3, 501, 8888))
    script.stop("server", script.line("server", "accept"), s=3)
    script.call("client1", "socket", socket=ref(3, 601))
    script.stop("client1", script.line("client1", ".connect"), s=3)
    script.begin("client1", "connect", socket=ref(3, 601))
    script.kernel(LISTENER, tcp("SYN_SENT", 51324, 8888, inode=601, send=1))
    script.hold("SYN", seq=0)
    script.sleep("client1", "connect")
    return script


def synchronized(script: Gated) -> None:
    """The SYN was delivered; the SYN-ACK is held."""
    script.release(1)
    script.kernel(LISTENER, tcp("SYN_SENT", 51324, 8888, inode=601), tcp("SYN_RECV", 8888, 51324))
    script.hold("SYN ACK", sender="server", seq=0, ack=1)


def label(world: World) -> str:
    return next_action(world).label


class TestTheHandshake:
    def test_the_syn_is_held_and_space_delivers_it(self, script: Gated) -> None:
        action = next_action(script.world)
        assert action.commands == (ReleasePacket(number=1),)
        assert action.target == "packet 1"
        assert action.label == "deliver the SYN to port 8888; the kernel will answer it"
        assert narrate(script.world) == "connect(): the kernel chose port 51324 and sent a SYN. The client sleeps."
        assert script.world.packets[0].fate == "held"

    def test_the_kernel_answers_by_itself(self, script: Gated) -> None:
        synchronized(script)
        assert [packet.fate for packet in script.world.packets] == ["delivered", "held"]
        assert label(script.world) == "deliver the SYN-ACK to port 51324; connect() will return"
        assert narrate(script.world) == "The kernel answered the SYN by itself. The server program knows nothing yet."

    def test_the_clients_end_is_open_before_its_ack_arrives(self, script: Gated) -> None:
        synchronized(script)
        script.release(2)
        script.kernel(LISTENER, tcp("ESTABLISHED", 51324, 8888, inode=601), tcp("SYN_RECV", 8888, 51324))
        script.hold("ACK", seq=1, ack=1)
        script.come_back("client1", "connect", socket=ref(3, 601, 51324, 8888))
        script.stop("client1", script.line("client1", ".recv"), s=3)
        assert narrate(script.world) == "connect() returned: the client's end is open. Its last ACK is not there yet."
        assert label(script.world) == "deliver the ACK to port 8888; the server's end will be open too"

    def test_both_ends_are_established_and_no_process_has_the_servers(self, script: Gated) -> None:
        synchronized(script)
        script.hold("ACK", seq=1, ack=1)
        script.release(3)
        script.kernel(
            replace(LISTENER, receive_queue=1),
            tcp("ESTABLISHED", 51324, 8888, inode=601),
            tcp("ESTABLISHED", 8888, 51324),
        )
        assert narrate(script.world) == "Both ends are ESTABLISHED. The server's end has no PID: no one accepted it."


class TestSeveralClients:
    def test_one_that_connects_is_called_by_its_number(self) -> None:
        script = Gated()
        script.listening()
        script.start("client2")
        script.accept("Step", "client1")
        script.connecting()
        assert narrate(script.world) == "connect(): the kernel chose port 51324 and sent a SYN. Client 1 sleeps."

    def test_each_is_called_by_its_number(self, script: Gated) -> None:
        script.start("client2")
        assert label(script.world) == "deliver client 1's SYN to port 8888; the kernel will answer it"
        synchronized(script)
        assert label(script.world) == "deliver the SYN-ACK to client 1, port 51324; connect() will return"
        script.release(2)
        script.come_back("client1", "connect", socket=ref(3, 601, 51324, 8888))
        script.accept("ReleasePacket", "")
        number = script.hold("PSH ACK", sender="server", seq=1, ack=1, payload=b"hello")
        mine = replace(tcp("ESTABLISHED", 51324, 8888, inode=601), receive_queue=5)
        script.kernel(LISTENER, mine, tcp("ESTABLISHED", 8888, 51324))
        script.release(number)
        assert narrate(script.world) == "The kernel has the 5 bytes for client 1, and answers with an ACK."
        script.release(script.hold("ACK", seq=1, ack=6))
        script.kernel(LISTENER, mine, tcp("FIN_WAIT2", 8888, 51324))
        script.release(script.hold("ACK", seq=1, ack=7))
        assert narrate(script.world) == "The server's FIN is acknowledged: it waits in FIN_WAIT2 for the other side's."


class TestNobodyThere:
    def test_a_syn_for_which_nobody_listens_is_answered_by_an_rst(self, script: Gated) -> None:
        script.kernel(tcp("SYN_SENT", 51324, 8888, inode=601, send=1))
        assert label(script.world) == "deliver the SYN to port 8888; nobody listens: an RST answers"
        script.release(1)
        script.hold("RST ACK", sender="server", seq=0, ack=1)
        assert narrate(script.world) == "Nobody listens on 8888: the kernel answers with an RST."

    def test_a_full_queue_ignores_it(self, script: Gated) -> None:
        script.release(1)
        assert narrate(script.world) == "The SYN has arrived, and the kernel ignores it: the queue is full."

    def test_nor_has_anybody_the_port_of_a_client_that_died_in_connect(self, script: Gated) -> None:
        synchronized(script)
        script.exit("client1", -9)
        script.kernel(LISTENER, tcp("SYN_RECV", 8888, 51324))
        assert label(script.world) == "deliver the SYN-ACK to port 51324; nobody has it: an RST answers"
        script.release(2)
        script.hold("RST", seq=1)
        script.kernel(LISTENER)
        assert narrate(script.world) == "Nobody has port 51324 any more: the kernel answers with an RST."

    def test_bytes_that_no_program_is_left_to_read_are_answered_by_an_rst(self, script: Gated) -> None:
        script.release(1)
        mine = tcp("CLOSE_WAIT", 51324, 8888, inode=601)
        data = script.hold("PSH ACK", seq=1, ack=21, payload=b"hello")
        script.kernel(LISTENER, mine, tcp("FIN_WAIT2", 8888, 51324, inode=502))  # a process has it: shutdown() alone
        assert label(script.world) == "deliver the 5 bytes to port 8888, into its buffer"
        script.kernel(LISTENER, mine, tcp("FIN_WAIT2", 8888, 51324))
        assert label(script.world) == "deliver the 5 bytes to port 8888; no program is left: an RST answers"
        script.release(data)
        script.kernel(LISTENER, mine)
        script.hold("RST", sender="server", seq=21)
        assert narrate(script.world) == "No program is left to read the 5 bytes: the kernel answers with an RST."

    def test_what_the_kernel_has_acknowledged_was_not_for_nobody(self, script: Gated) -> None:
        script.release(1)
        data = script.hold("PSH ACK", seq=1, ack=1, payload=b"hello")
        script.release(data)
        script.hold("ACK", sender="server", seq=1, ack=6)
        script.kernel(LISTENER)
        assert narrate(script.world) == "The kernel has the 5 bytes for the server, and answers with an ACK."

    def test_a_read_from_a_connection_that_is_gone_takes_nothing(self, script: Gated) -> None:
        script.come_back("client1", "connect", socket=ref(3, 601, 51324, 8888))
        script.stop("client1", script.line("client1", ".recv"), s=3)
        script.ready("client1", 3)
        script.release(1)
        script.kernel(LISTENER, tcp("ESTABLISHED", 51324, 8888, inode=601))
        assert label(script.world) == "client: recv() takes what has come"
        script.kernel(LISTENER)
        assert label(script.world) == "client: recv() is told that the connection is gone"

    def test_a_datagram_to_a_port_that_nobody_has_is_answered_by_icmp(self) -> None:
        script = Gated()
        script.open()
        script.start("udpclient1")
        script.call("udpclient1", "sendto", socket=ref(3, 802, 40113, transport="udp"), size=5, peer=at(8888))
        number = script.hold_datagram(b"hello", client=40113)
        mine = replace(tcp("CLOSE", 40113, inode=802), transport="udp")
        script.kernel(mine, replace(mine, local=at(8888), inode=801))
        assert label(script.world) == "deliver the datagram to port 8888; nobody will answer it"
        script.kernel(mine)
        assert label(script.world) == "deliver the datagram to port 8888; nobody has it: ICMP will say so"
        script.release(number)
        script.hold_icmp(number)
        assert narrate(script.world) == "Nobody has UDP port 8888: the kernel answers, by ICMP."
        script.release(number + 1)
        told = narrate(script.world)
        assert told == "ICMP: port unreachable. Only a connected UDP socket's program hears of it."


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (5, "send() returned 5. Nagle's rule: they wait for the ACK of those before."),
        (70_000, "send() returned 70000. They wait for the ACK of those before."),
    ],
)
def test_bytes_that_the_kernel_keeps_back_are_told_of(size: int, told: str) -> None:
    script = Gated()
    script.open()
    mine = ref(3, 601, 51324, 8888)
    script.call("client1", "send", socket=mine, result="5", size=5)
    script.hold("PSH ACK", seq=1, ack=1, payload=b"hello")
    script.kernel(LISTENER, tcp("ESTABLISHED", 51324, 8888, inode=601, send=5))
    assert narrate(script.world) == "send() returned 5: the kernel took 5 bytes. Nothing has arrived yet."
    script.accept("RunExtraLine", "client1")
    script.call("client1", "send", socket=mine, result=str(size), size=size)
    script.kernel(LISTENER, tcp("ESTABLISHED", 51324, 8888, inode=601, send=5 + size))
    assert narrate(script.world) == told


class TestLoss:
    def test_a_lost_ack_is_told_in_full(self, script: Gated) -> None:
        number = script.hold("ACK", seq=1, ack=1)
        script.drop(number)
        told = narrate(script.world)
        assert told == "Lost. Nobody resends an ACK by itself: the other side's timer asks for it."

    def test_a_killed_clients_goodbye_is_told_in_full(self, script: Gated) -> None:
        script.start("client2")
        script.accept("Kill", "client1")
        script.hold("FIN ACK", seq=1, ack=1)
        script.exit("client1", -9)
        assert narrate(script.world) == "Client 1 was killed. The kernel says goodbye for it, with a FIN."

    def test_a_kill_before_any_accept_is_told_as_that(self, script: Gated) -> None:
        script.accept("Kill", "server")
        script.hold("RST ACK", sender="server", seq=1, ack=1)
        script.exit("server", -9)
        assert narrate(script.world) == "The server was killed: nobody had accepted, so an RST, no goodbye."

    def test_where_it_had_several_connections_they_may_end_in_several_ways(self, script: Gated) -> None:
        script.come_back("server", "accept", socket=ref(3, 501, 8888))
        script.hold("SYN", client=51330, seq=0)
        script.accept("Kill", "server")
        script.hold("RST ACK", sender="server", seq=1, ack=1)
        script.exit("server", -9)
        told = narrate(script.world)
        assert told == "The server was killed: unread bytes, or no accept(), so an RST, no goodbye."
        script.hold("FIN ACK", sender="server", client=51330, seq=1, ack=1)
        assert narrate(script.world) == "The server was killed: a FIN where all was accepted and read, else an RST."

    def test_a_kill_with_bytes_unread_is_told_in_full(self, script: Gated) -> None:
        script.come_back("server", "accept", socket=ref(3, 501, 8888))
        script.accept("Kill", "server")
        script.hold("RST ACK", sender="server", seq=1, ack=1)
        script.exit("server", -9)
        told = narrate(script.world)
        assert told == "The server was killed with bytes unread: the kernel sends an RST, no goodbye."

    def test_copies_are_told_of_once_the_sentence_before_has_been_read(self, script: Gated) -> None:
        before = narrate(script.world)
        script.add(e.CopyCounted(at=script.now, number=1, copies=1, reason="held"))
        assert narrate(script.world) == before
        script.now += 10
        told = set()
        for copies in (2, 3):
            script.add(e.CopyCounted(at=script.now, number=1, copies=copies, reason="held"))
            script.kernel(LISTENER, tcp("SYN_SENT", 51324, 8888, inode=601, send=1))
            told.add(narrate(script.world))
        assert told == {"No answer came in time: the sender's kernel sent copies; the + counts them."}
        script.release(1)
        assert narrate(script.world) not in told

    def test_a_lost_syn_is_waited_for_with_a_countdown(self, script: Gated) -> None:
        script.drop(1)
        script.kernel(
            LISTENER, replace(tcp("SYN_SENT", 51324, 8888, inode=601, send=1), timer="retransmit", expires_ms=2100)
        )
        action = next_action(script.world)
        assert (action.cap, action.commands) == ("WAIT", ())
        assert action.label_at(script.world.observed_at) == (
            "the kernel sends again in 2.1 s; space does nothing until then"
        )
        assert narrate(script.world) == "Lost. The kernel has no answer to its SYN: its timer will send it again."

    def test_without_a_gate_a_lost_syn_stops_nobody(self, script: Gated) -> None:
        script.drop(1)
        script.kernel(
            LISTENER, replace(tcp("SYN_SENT", 51324, 8888, inode=601, send=1), timer="retransmit", expires_ms=2100)
        )
        script.ready("server", 3)
        assert next_action(replace(script.world, gate="none")).cap == "SPACE"

    def test_its_copy_is_told_as_what_it_is(self, script: Gated) -> None:
        script.drop(1)
        script.hold("SYN", seq=0, repeats=True, copy_of=1)
        assert label(script.world) == "deliver the SYN (again) to port 8888; the kernel will answer it"
        assert narrate(script.world) == "Here the SYN is again: no answer came, and the kernel's timer ran out."

    def test_what_was_delivered_before_does_not_do_it_again(self, script: Gated) -> None:
        synchronized(script)
        assert label(script.world).endswith("; connect() will return")
        script.release(2)
        script.kernel(LISTENER, tcp("ESTABLISHED", 51324, 8888, inode=601), tcp("SYN_RECV", 8888, 51324))
        script.hold("ACK", seq=1, ack=1)
        script.drop(3)
        script.hold("SYN ACK", sender="server", seq=0, ack=1, repeats=True, copy_of=2)
        again = "deliver the SYN-ACK (again) to port 51324; an ACK answers it"
        assert label(script.world) == again

    def test_a_lost_datagram_is_lost_for_good(self) -> None:
        script = Gated()
        script.open()
        script.start("udpserver")
        script.start("udpclient1")
        script.call("udpclient1", "sendto", socket=ref(3, 802, 40113, transport="udp"), size=5, peer=at(8888))
        script.hold_datagram(b"hello", client=40113)
        assert label(script.world) == "deliver the datagram to port 8888; nobody will answer it"
        script.drop(1)
        assert narrate(script.world) == "Lost, for good: UDP keeps no copy and has no timer. Nobody will ever know."
        assert next_action(script.world).cap == "SPACE"

    def test_copies_are_counted_under_the_held_packet(self, script: Gated) -> None:
        script.add(e.CopyCounted(at=script.now, number=1, copies=3, reason="held"))
        assert script.world.packets[0].copies == 3
        assert len(script.world.packets) == 1
        assert packet_label(script.world.packets[0], 30, UNICODE) == "SYN seq=0 +3 copies"
        assert packet_label(script.world.packets[0], 15, UNICODE) == "SYN seq=0 +3"
        assert packet_label(replace(script.world.packets[0], copies=1), 30, UNICODE) == "SYN seq=0 +1 copy"


class TestGoals:
    def test_finish_delivers_until_the_call_returns(self, script: Gated) -> None:
        goal = goals.finish(script.world)
        assert goal == goals.Finish("client1", 2)
        assert advance(script.world, goal) == Do(ReleasePacket(number=1))
        script.release(1)
        assert isinstance(advance(script.world, goal), Stuck)
        script.come_back("client1", "connect", socket=ref(3, 601, 51324, 8888))
        script.stop("client1", script.line("client1", ".recv"), s=3)
        assert advance(script.world, goal) == Reached()

    def test_to_send_the_packets_in_the_way_are_delivered_first(self, script: Gated) -> None:
        assert advance(script.world, goals.Send("client1", "hi")) == Do(ReleasePacket(number=1))


class TestMoments:
    def test_a_held_syn_is_the_first(self, script: Gated) -> None:
        assert approach(script.world, MOMENTS[0]) == Reached()

    def test_syn_recv_is_the_second(self, script: Gated) -> None:
        assert approach(script.world, MOMENTS[1]) == Do(ReleasePacket(number=1))
        synchronized(script)
        assert approach(script.world, MOMENTS[1]) == Reached()

    def test_a_lost_segment_is_dropped_as_soon_as_it_is_held(self, script: Gated) -> None:
        script.release(1)
        number = script.hold("PSH ACK", seq=1, ack=20, payload=b"hello")
        assert approach(script.world, MOMENTS[3]) == Do(DropPacket(number=number))
        script.drop(number)
        assert approach(script.world, MOMENTS[3]) == Reached()

    def test_where_nothing_can_be_held_it_says_so(self) -> None:
        script = Script()
        script.open()
        step = approach(script.world, MOMENTS[0])
        assert isinstance(step, Stuck)
        assert "netsim doctor" in step.why


def test_the_gate_opens_closes_fails_and_comes_back(script: Gated) -> None:
    for event, gate in (
        (e.GateOpened(at=9.0), "open"),
        (e.GateClosed(at=9.0), "closed"),
        (e.GateFailed(at=9.0, reason="its queue is gone"), "failed"),
        (e.GateRestarted(at=9.0), "closed"),
    ):
        script.add(event)
        assert script.world.gate == gate
        assert narrate(script.world)


def test_where_packets_are_seen_none_are_inferred(script: Gated) -> None:
    script.kernel(LISTENER, tcp("ESTABLISHED", 51324, 8888, inode=601), tcp("ESTABLISHED", 8888, 51324))
    assert {packet.evidence for packet in script.world.packets} == {"held"}


def test_before_the_call_returns_a_moment_with_packets_is_not_the_beginning(script: Gated) -> None:
    synchronized(script)
    script.add(e.GateOpened(at=script.now))
    script.accept("Step", "client1")
    synack = script.world.packets[-1]
    script.add(e.PacketSeen(at=script.now, number=3, raw=synack.raw, conversation=synack.conversation, sender="server"))
    assert narrate(script.world) == "The newest packet: SYN-ACK, from the server."


def test_who_is_killed_from_outside_is_told_of_though_the_gate_was_opened_last(script: Gated) -> None:
    script.add(e.GateOpened(at=script.now))
    assert narrate(script.world).startswith("The gate is open")
    script.exit("server", -9)
    script.hold("FIN ACK", sender="server", seq=1, ack=1)
    assert "gate" not in narrate(script.world)
    assert "server" in narrate(script.world)
