"""Views: what can be asked of a world."""

from __future__ import annotations

from msgspec.structs import replace

from netsim.model import events as e
from netsim.model.address import Address, Conversation
from netsim.model.views import (
    conversation_of,
    datagrams_waiting,
    end_of,
    kernel_socket,
    listener,
    local_of,
    packets_of,
    pair_of,
    port_role,
    ports_of,
    server_ports,
    shown_pair,
    state_of,
    transports,
    unacknowledged_bytes,
    unowned_ends,
    unread_bytes,
    waiting,
)
from netsim.model.world import Focus
from tests.script import at, ref, tcp
from tests.worlds import build, datagram, had, packets, program, udp

LISTENER = tcp("LISTEN", 8888, inode=30, send=5)
SERVER = program("server", sockets=(ref(3, 30, 8888),))
TALK = Conversation("tcp", at(51324), at(8888))


class TestPairs:
    def test_the_pair_in_focus(self) -> None:
        world = build(SERVER, program("client1"), program("client2"), focus=Focus("tcp", 2))
        client, server = shown_pair(world)
        assert client is not None
        assert server is not None
        assert (client.who, server.who) == ("client2", "server")

    def test_the_other_transports_pair_is_its_first(self) -> None:
        world = build(SERVER, program("udpclient1"), program("client1"), focus=Focus("tcp", 2))
        assert [each and each.who for each in pair_of(world, "udp")] == ["udpclient1", None]
        assert [each and each.who for each in pair_of(world, "tcp")] == [None, "server"]
        assert transports(world) == ("tcp", "udp")
        assert transports(build()) == ()


class TestKernelSocket:
    def test_by_inode_before_the_process_knows_its_address(self) -> None:
        socket = tcp("SYN_SENT", 51324, 8888, inode=40)
        world = build(kernel=(LISTENER, socket))
        assert kernel_socket(world, ref(3, 40)) == socket
        assert local_of(world, ref(3, 40)) == at(51324)
        assert state_of(world, ref(3, 40)) == "SYN_SENT"

    def test_by_addresses_where_the_kernels_list_is_from_before_accept(self) -> None:
        queued = tcp("ESTABLISHED", 8888, 51324)
        world = build(kernel=(LISTENER, queued))
        assert kernel_socket(world, ref(4, 31, 8888, 51324)) == queued

    def test_never_another_process_s(self) -> None:
        """After a restart the old list still has the old process's listener on the same port."""
        world = build(kernel=(LISTENER,))
        assert kernel_socket(world, ref(3, 99, 8888)) is None
        assert kernel_socket(world, ref(3, 99)) is None

    def test_any_host_is_the_same_address(self) -> None:
        world = build(kernel=(udp(40113, host="0.0.0.0"),))
        assert kernel_socket(world, ref(3, 51, 40113, transport="udp")) is not None
        assert kernel_socket(world, ref(3, 51, 40113)) is None

    def test_psutil_where_the_kernel_cant_be_asked(self) -> None:
        owner = e.Owner("tcp", at(51324), at(8888), "ESTABLISHED", 41240, "python")
        world = build(kernel_complete=False, owners=(owner,))
        assert state_of(world, ref(3, 40, 51324, 8888)) == "ESTABLISHED"


class TestQueues:
    def test_a_fin_in_a_queue_is_not_a_byte(self) -> None:
        assert unread_bytes(tcp("ESTABLISHED", 1, 2, receive=5)) == 5
        assert [unread_bytes(tcp("CLOSE_WAIT", 1, 2, receive=n)) for n in (0, 1, 6)] == [0, 0, 5]
        assert [unacknowledged_bytes(tcp("FIN_WAIT1", 1, 2, send=n)) for n in (0, 1, 6)] == [0, 0, 5]
        assert unacknowledged_bytes(tcp("SYN_SENT", 1, 2, send=1)) == 0
        assert unacknowledged_bytes(tcp("ESTABLISHED", 1, 2, send=5)) == 5

    def test_a_listeners_queue_holds_no_bytes(self) -> None:
        assert unread_bytes(replace(LISTENER, receive_queue=3)) == 0
        assert unacknowledged_bytes(LISTENER) == 0

    def test_waiting_datagrams(self) -> None:
        socket = ref(3, 50, 8888, transport="udp")
        sent = (datagram(">", b"hello", number=1), datagram(">", b"you", number=2))

        def waits(receive: int, number: int = 2) -> tuple[int, bool]:
            return datagrams_waiting(
                build(kernel=(udp(8888, inode=50, receive=receive),), packets=sent[:number]), socket
            )

        assert waits(0) == (0, True)
        assert waits(832, 1) == (5, True)
        assert waits(832) == (3, True)
        assert waits(1664) == (3, False)
        assert waits(832, 0) == (0, False)


class TestUnowned:
    def test_what_no_process_holds(self) -> None:
        kernel = (
            LISTENER,
            tcp("SYN_RECV", 8888, 50003),
            tcp("ESTABLISHED", 8888, 50002),
            tcp("ESTABLISHED", 8888, 50001, inode=31),
            tcp("FIN_WAIT2", 8888, 50004),
            tcp("TIME_WAIT", 51324, 8888),
        )
        world = build(SERVER, kernel=kernel)
        assert [end.remote for end in unowned_ends(world, SERVER)] == [at(50002), at(50003), at(50004)]
        assert [end.remote for end in waiting(world, SERVER)] == [at(50002)]
        assert listener(world, SERVER) == LISTENER

    def test_a_client_that_has_closed_still_waits(self) -> None:
        world = build(SERVER, kernel=(LISTENER, tcp("CLOSE_WAIT", 8888, 50001, receive=1)))
        assert len(waiting(world, SERVER)) == 1

    def test_in_the_order_in_which_their_handshakes_were_done(self) -> None:
        kernel = (LISTENER, *(tcp("ESTABLISHED", 8888, port) for port in (50001, 50002, 50003)))
        shaken = [
            packet
            for number, port in enumerate((50003, 50001))
            for packet in packets("> SYN seq=0", "> ACK ack=1", first=2 * number + 1, client=port)
        ]
        world = build(SERVER, kernel=kernel, packets=tuple(shaken))
        assert [end.remote and end.remote.port for end in waiting(world, SERVER)] == [50003, 50001, 50002]

    def test_a_killed_servers_connections_are_still_its_ports(self) -> None:
        dead = program("server", status="ended", pid=41302, former_pids=(41233,))
        world = build(dead, kernel=(tcp("FIN_WAIT1", 9999, 51324),), remembered=had(9999, 41233))
        assert ports_of(world, dead) == {9999}
        assert len(unowned_ends(world, dead)) == 1
        assert server_ports(world, "tcp") == {8888, 9999}
        assert port_role(world, "tcp", 9999) == "server"
        assert port_role(world, "udp", 9999) == "client"


class TestConversations:
    def test_the_one_that_it_has(self) -> None:
        client = program("client1", sockets=(ref(3, 40, 51324, 8888),))
        assert conversation_of(build(client), client) == TALK

    def test_none_before_the_first(self) -> None:
        client = program("client1", sockets=(ref(3, 40),))
        assert conversation_of(build(client, packets=packets("> SYN seq=0")), client) is None

    def test_the_last_one_that_it_had(self) -> None:
        client = program("client1", status="ended")
        world = build(client, remembered={**had(50000, 41240, remote=8888), **had(51324, 41240, remote=8888)})
        assert conversation_of(world, client) == TALK

    def test_not_a_former_processs(self) -> None:
        client = program("client1", pid=41300, former_pids=(41240,))
        assert conversation_of(build(client, remembered=had(51324, 41240, remote=8888)), client) is None

    def test_a_refused_one_nobody_ever_saw_a_socket_of(self) -> None:
        client = program("client1", status="ended", results={"s.connect": "ECONNREFUSED"})
        refused = packets("> SYN seq=0", "< RST-ACK ack=1")
        assert conversation_of(build(client, packets=refused), client) == TALK
        others = had(51324, 41244, remote=8888)
        assert conversation_of(build(client, packets=refused, remembered=others), client) is None

    def test_an_unconnected_udp_sockets(self) -> None:
        anywhere = e.SocketRef(3, 51, "udp", Address("0.0.0.0", 40113))
        client = program("udpclient1", sockets=(anywhere,))
        sent = datagram(">", b"hello")
        world = build(client, packets=(sent,))
        conversation = conversation_of(world, client)
        assert conversation == sent.conversation
        assert packets_of(world, conversation) == (sent,)
        server = program("udpserver", sockets=(ref(3, 50, 8888, transport="udp"),))
        assert conversation_of(build(client, server), client) == Conversation(
            "udp", Address("0.0.0.0", 40113), at(8888)
        )
        gone = replace(client, sockets=())
        assert conversation_of(build(gone, packets=(sent,), remembered=had(40113, 41255, transport="udp")), gone)

    def test_its_packets_and_ends(self) -> None:
        mine, other = packets("> SYN seq=0"), packets("> SYN seq=0", first=2, client=50000)
        theirs, ours = tcp("SYN_RECV", 8888, 51324), tcp("SYN_SENT", 51324, 8888, inode=40)
        world = build(kernel=(LISTENER, theirs, ours), packets=mine + other)
        assert packets_of(world, TALK) == mine
        assert packets_of(world, None) == ()
        assert end_of(world, TALK, "client") == ours
        assert end_of(world, TALK, "server") == theirs
        assert end_of(world, replace(TALK, client=at(50000)), "server") is None
