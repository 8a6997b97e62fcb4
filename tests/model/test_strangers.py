"""Clients that netsim did not start: whose a conversation is, when the focus follows, what is known of the caller."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from netsim.model import events as e
from netsim.model.address import Address, Conversation
from netsim.model.fold import fold_all
from netsim.model.strangers import is_strangers, next_stranger, stranger, strangers
from netsim.model.views import conversation_in_focus, conversation_shown, shown_pair
from netsim.model.world import Focus, World
from tests.gated import CURL, LISTENER, NC, OURS, Gated, strangers_end, talk
from tests.script import HERE, Script, at, ref, tcp


@pytest.fixture
def script() -> Gated:
    """The server stands before accept(), our client before connect()."""
    script = Gated()
    script.listening()
    return script


def on(client: int = NC) -> Focus:
    return Focus("tcp", 1, "client", talk(client))


class TestWhose:
    def test_a_caller_whose_socket_is_none_of_ours_is_a_stranger(self, script: Gated) -> None:
        script.stranger_calls()
        assert is_strangers(script.world, talk(NC))
        assert strangers(script.world) == (talk(NC),)

    def test_our_own_client_is_none_at_any_moment(self, script: Gated) -> None:
        script.connecting()
        worlds = [fold_all(World(), script.events[:number]) for number in range(len(script.events) + 1)]
        assert not any(world.focus.stranger for world in worlds)
        assert [is_strangers(world, talk()) for world in worlds if world.packets] == [False] * 3

    def test_nor_when_its_socket_is_closed_and_the_kernels_list_is_from_before(self, script: Gated) -> None:
        script.connecting()
        script.kernel(LISTENER, tcp("ESTABLISHED", 51324, 8888, inode=601), tcp("ESTABLISHED", 8888, 51324))
        script.come_back("client1", "connect", socket=ref(3, 601, 51324, 8888))
        script.call("client1", "close", socket=ref(3, 601, 51324, 8888))
        assert not is_strangers(script.world, talk())
        script.kernel(LISTENER, tcp("FIN_WAIT2", 51324, 8888), tcp("CLOSE_WAIT", 8888, 51324))
        assert not is_strangers(script.world, talk())
        script.exit("client1")
        script.kernel(LISTENER)
        assert not is_strangers(script.world, talk())

    @pytest.mark.parametrize(("error", "named"), [("ECONNREFUSED", False), ("ECONNRESET", True)])
    def test_nor_when_it_was_refused_before_anybody_saw_its_port(self, script: Gated, error: str, named: bool) -> None:
        for client in (40001, 40002):
            script.begin("client1", "connect", socket=ref(3, 601))
            script.hold("SYN", seq=0, client=client)
            script.hold("RST ACK", sender="server", client=client)
            script.come_back("client1", "connect", socket=ref(3, 601), error=error)
            script.stop("client1", script.line("client1", ".connect"), s=3)
        assert is_strangers(script.world, talk(40001)) == named
        script.stranger_calls()
        assert is_strangers(script.world, talk(NC))

    def test_nor_when_its_process_was_started_anew(self, script: Gated) -> None:
        script.connecting()
        script.exit("client1", -9)
        script.kernel(LISTENER, tcp("FIN_WAIT1", 51324, 8888))
        script.start("client1", pid=41277)
        assert not is_strangers(script.world, talk())

    def test_nor_when_it_was_refused_before_anyone_saw_its_port(self, script: Gated) -> None:
        script.begin("client1", "connect", socket=ref(3, 601))
        script.hold("SYN", seq=0)
        script.come_back("client1", "connect", socket=ref(3, 601), error="ECONNREFUSED")
        script.stop("client1", script.line("client1", ".recv"), s=3)
        assert not is_strangers(script.world, talk())
        script.stranger_calls()
        assert is_strangers(script.world, talk(NC))
        assert not is_strangers(script.world, talk())

    def test_while_our_client_may_be_calling_nothing_is_said(self, script: Gated) -> None:
        script.begin("client1", "connect", socket=ref(3, 601))
        script.hold("SYN", seq=0, client=NC)
        assert not is_strangers(script.world, talk(NC))
        script.kernel(LISTENER, OURS, strangers_end("SYN_SENT"))
        assert is_strangers(script.world, talk(NC))

    def test_where_only_psutil_can_be_asked_it_decides(self, script: Gated) -> None:
        script.add(e.SocketsObserved(at=script.now, sockets=(), complete=False))
        assert strangers(script.world) == ()
        script.named()
        assert strangers(script.world) == (talk(NC),)
        assert stranger(script.world, talk(NC)).pids == (41299,)

    def test_in_the_host_net_the_kernels_sockets_tell(self) -> None:
        script = Script()
        script.open()
        script.call("server", "socket", socket=ref(3, 501))
        script.call("server", "listen", socket=ref(3, 501, 8888))
        script.kernel(LISTENER, tcp("ESTABLISHED", 8888, NC), strangers_end("ESTABLISHED"))
        assert strangers(script.world) == (talk(NC),)
        assert script.world.focus.stranger is None
        script.call("server", "accept", socket=ref(3, 501, 8888), accepted=ref(4, 777, 8888, NC))
        assert script.world.focus == on()


class TestFocus:
    def test_it_follows_to_the_held_syn_with_the_first_look_at_the_sockets(self, script: Gated) -> None:
        script.stranger_calls()
        world = script.world
        assert world.focus == on()
        assert conversation_in_focus(world) == talk(NC)
        client, server = shown_pair(world)
        assert client is None
        assert server is world.endpoints["server"]
        assert conversation_shown(world, "udp") is None

    def test_it_stays_where_a_packet_is_held(self, script: Gated) -> None:
        script.connecting()
        script.stranger_calls(OURS)
        assert script.world.focus.stranger is None
        assert strangers(script.world) == (talk(NC),)

    def test_it_goes_with_what_is_delivered(self, script: Gated) -> None:
        script.connecting()
        number = script.stranger_calls(OURS)
        script.release(1)
        assert script.world.focus.stranger is None
        script.hold("SYN ACK", sender="server", seq=0, ack=1)
        script.release(number)
        assert script.world.focus == on()
        script.hold("SYN ACK", sender="server", seq=0, ack=1, client=NC)
        assert script.world.focus == on()
        script.release(3)
        assert script.world.focus == Focus()

    def test_whoever_turns_away_is_left_in_peace_until_another_packet_comes(self, script: Gated) -> None:
        number = script.stranger_calls()
        script.add(e.FocusMoved(at=script.now, who="client1"))
        script.kernel(LISTENER, replace(strangers_end("SYN_SENT"), timer="retransmit", expires_ms=900))
        script.named()
        script.add(e.CopyCounted(at=script.now, number=number, copies=1, reason="held"))
        assert script.world.focus == Focus()
        script.hold("SYN", seq=0, client=CURL)
        assert script.world.focus == on(NC)  # the oldest

    def test_our_client_that_is_stepped_has_it_again(self, script: Gated) -> None:
        script.stranger_calls()
        script.accept("Step", "server")
        assert script.world.focus == on()  # a server is everybody's
        script.accept("Step", "client1")
        assert script.world.focus == Focus()

    def test_accept_turns_to_whose_connection_it_took(self, script: Gated) -> None:
        script.add(e.GateOpened(at=script.now))
        script.kernel(LISTENER, tcp("ESTABLISHED", 8888, NC), strangers_end("ESTABLISHED"))
        assert script.world.focus == Focus()
        script.call("server", "accept", socket=ref(3, 501, 8888), accepted=ref(4, 777, 8888, NC))
        assert script.world.focus == on()

    def test_the_servers_pane_and_back(self, script: Gated) -> None:
        script.stranger_calls()
        script.add(e.FocusMoved(at=script.now, who="server"))
        assert script.world.focus == replace(on(), role="server")
        script.add(e.FocusMoved(at=script.now, who="", stranger=talk(NC)))
        assert script.world.focus == on()

    def test_what_was_shown_stays_when_the_stranger_has_gone(self, script: Gated) -> None:
        script.stranger_calls()
        script.named()
        script.kernel(LISTENER)
        world = script.world
        assert world.focus == on()
        assert strangers(world) == (talk(NC),)
        known = stranger(world, talk(NC))
        assert (known.name, known.pids, known.holds, known.socket) == ("nc", (41299,), False, None)
        script.release(1)  # the SYN is on its way all the same
        script.add(e.FocusMoved(at=script.now, who="client1"))
        assert strangers(script.world) == ()


class TestWhatIsKnown:
    def test_first_the_socket_then_the_process(self, script: Gated) -> None:
        script.stranger_calls()
        known = stranger(script.world, talk(NC))
        assert (known.name, known.pids, known.holds) == ("", (), True)
        assert known.socket == strangers_end("SYN_SENT")
        script.named()
        known = stranger(script.world, talk(NC))
        assert (known.name, known.pids, known.holds) == ("nc", (41299,), True)

    def test_a_closed_socket_was_the_process_s(self, script: Gated) -> None:
        script.stranger_calls()
        script.named()
        script.kernel(LISTENER, strangers_end("FIN_WAIT1", inode=0))
        known = stranger(script.world, talk(NC))
        assert (known.name, known.pids, known.holds) == ("nc", (41299,), False)

    def test_several_come_in_the_order_in_which_they_called_and_the_key_goes_round(self, script: Gated) -> None:
        script.stranger_calls(client=CURL, inode=901)
        script.stranger_calls(strangers_end("SYN_SENT", client=CURL, inode=901))
        assert strangers(script.world) == (talk(CURL), talk(NC))
        assert next_stranger(script.world) == talk(NC)
        script.add(e.FocusMoved(at=script.now, who="", stranger=talk(NC)))
        assert next_stranger(script.world) == talk(CURL)
        script.add(e.FocusMoved(at=script.now, who="client1"))
        assert next_stranger(script.world) == talk(CURL)

    def test_there_is_none(self, script: Gated) -> None:
        assert next_stranger(script.world) is None

    def test_time_wait_is_nobody_to_turn_to(self, script: Gated) -> None:
        script.add(e.GateOpened(at=script.now))
        script.kernel(LISTENER, tcp("TIME_WAIT", NC, 8888, expires_ms=60_000))
        assert strangers(script.world) == ()

    def test_a_call_to_another_port_is_one_too_while_it_is_held(self, script: Gated) -> None:
        there = Conversation("tcp", at(NC), at(9999))
        script.add(e.PacketHeld(at=script.now, number=1, raw=b"", conversation=there, sender="client"))
        script.kernel(LISTENER, tcp("LISTEN", 9999, inode=910), tcp("SYN_SENT", NC, 9999, inode=911))
        assert conversation_in_focus(script.world) == there


class TestUdp:
    @pytest.fixture
    def script(self) -> Gated:
        script = Gated()
        script.listening()
        script.start("udpserver")
        script.call("udpserver", "bind", socket=ref(3, 801, 8888, transport="udp"))
        script.stop("udpserver", script.line("udpserver", "recvfrom"), s=3)
        script.accept("Step", "server")
        return script

    @pytest.mark.parametrize(("local", "peer"), [(HERE, at(8888)), (HERE, None), ("0.0.0.0", None)])
    def test_a_datagram_of_a_stranger(self, script: Gated, local: str, peer: Address | None) -> None:
        server = e.KernelSocket("udp", "CLOSE", at(8888), None, 801, 0, 0)
        theirs = e.KernelSocket("udp", "CLOSE", at(NC, local), peer, 900, 0, 0)
        assert script.world.focus.transport == "tcp"
        script.hold_datagram(b"psst", client=NC)
        script.kernel(LISTENER, server, theirs)
        assert script.world.focus == Focus("udp", 1, "client", talk(NC, "udp"))
        assert stranger(script.world, talk(NC, "udp")).socket == theirs
        script.release(1)
        assert strangers(script.world) == (talk(NC, "udp"),)

    def test_its_sender_may_be_gone_before_anyone_looks(self, script: Gated) -> None:
        script.hold_datagram(b"psst", client=NC)
        assert script.world.focus.stranger == talk(NC, "udp")
        assert not stranger(script.world, talk(NC, "udp")).holds

    def test_our_own_datagram_is_ours(self, script: Gated) -> None:
        script.start("udpclient1")
        script.call("udpclient1", "socket", socket=ref(3, 802, transport="udp"))
        script.begin("udpclient1", "sendto", socket=ref(3, 802, transport="udp"))
        script.hold_datagram(b"hello", client=40113)
        assert not is_strangers(script.world, talk(40113, "udp"))
        script.kernel(LISTENER, e.KernelSocket("udp", "CLOSE", at(40113, "0.0.0.0"), None, 802, 0, 0))
        script.come_back("udpclient1", "sendto", socket=ref(3, 802, 40113, transport="udp"), size=5)
        assert not is_strangers(script.world, talk(40113, "udp"))
        assert script.world.focus.stranger is None


def test_a_recording_keeps_whom_one_turned_to() -> None:
    turned = e.FocusMoved(at=1.0, who="", stranger=talk(NC))
    assert e.decode(e.encode(turned)) == turned
    assert e.decode(b'{"type":"FocusMoved","at":1.0,"who":"server"}') == e.FocusMoved(at=1.0, who="server")
