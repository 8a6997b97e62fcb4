"""Inference of UDP from made-up lists and calls: what arrived, what was lost, and what nobody can tell."""

from __future__ import annotations

from netsim.model.address import Address
from netsim.model.events import SocketRef
from tests.model.made import HERE, Made, ref, udp
from tests.model.prose import inferred, told

SERVER, CLIENT = Address(HERE, 8888), Address(HERE, 40113)
OURS = ref(Address("0.0.0.0", 40113), None, 201, "udp")
THEIRS = ref(SERVER, None, 200, "udp")
SMALL = 832  # bytes of queue that a small datagram takes, as Linux counts them


def sends(made: Made, data: bytes, socket: SocketRef = OURS, peer: Address = SERVER, who: str = "client1") -> Made:
    return made.calls(who, "sendto", socket, size=len(data), data=data, peer=peer)


def receives(made: Made, data: bytes, peer: Address = CLIENT, room: int = 1024) -> Made:
    return made.calls("server", "recvfrom", THEIRS, str(room), size=len(data), data=data, peer=peer)


def lines(made: Made) -> list[str]:
    return told(inferred(made.events))


def test_a_queue_that_grew_says_that_it_arrived() -> None:
    made = sends(Made().sees(udp()), b"hello")
    assert lines(made) == []
    made.sees(udp(queue=SMALL))
    assert lines(made) == ["client 5 bytes 'hello'"]
    assert lines(receives(made, b"hello").sees(udp())) == ["client 5 bytes 'hello'"]  # once


def test_the_list_may_come_before_the_report_of_the_send() -> None:
    made = Made().sees(udp()).begins("client1", "sendto", OURS).sees(udp(queue=SMALL))
    assert lines(made) == []
    made.returns("client1", "sendto", OURS, size=5, data=b"hello", peer=SERVER)
    assert lines(made) == ["client 5 bytes 'hello'"]


def test_a_receive_says_it_before_the_send_is_reported() -> None:
    made = Made().sees(udp()).begins("server", "recvfrom", THEIRS).begins("client1", "sendto", OURS)
    made.returns("server", "recvfrom", THEIRS, call=1, size=5, data=b"hello", peer=CLIENT)
    assert lines(made) == []
    made.returns("client1", "sendto", OURS, size=5, data=b"hello", peer=SERVER)
    assert lines(made) == ["client 5 bytes 'hello'"]


def test_a_receive_from_a_stranger_is_told_at_once() -> None:
    made = receives(Made().sees(udp()), b"hello", peer=Address(HERE, 40999))
    assert lines(made) == ["client 5 bytes 'hello'"]


def test_a_receive_into_too_small_a_buffer_is_of_the_whole_datagram() -> None:
    made = receives(sends(Made().sees(udp()), b"hello"), b"hel", room=3)
    assert lines(made) == ["client 5 bytes 'hello'"]


def test_a_receive_with_room_to_spare_is_of_no_longer_one() -> None:
    made = receives(sends(Made().sees(udp()), b"hello again"), b"hello")
    assert lines(made) == ["client 5 bytes 'hello'"]  # of another send, which has not been reported


def test_to_a_port_that_nobody_has_it_is_lost() -> None:
    packets = inferred(sends(Made().sees(udp(port=9999)), b"hello").events)
    assert told(packets) == ["client 5 bytes 'hello' (lost)"]
    assert packets[0].because.startswith("no socket has port 8888/udp: the kernel answered with ICMP port unreachable")
    assert (packets[0].conversation.client, packets[0].conversation.server) == (CLIENT, SERVER)


def test_a_port_that_was_bound_since_the_list_is_not_nobodys() -> None:
    made = Made().sees().calls("server", "bind", THEIRS)
    assert lines(sends(made, b"hello")) == []
    assert lines(made.sees(udp(queue=SMALL))) == ["client 5 bytes 'hello'"]


def test_a_tcp_socket_or_one_connected_to_another_does_not_have_the_port() -> None:
    assert lines(sends(Made().sees(udp(remote=Address(HERE, 1))), b"hello")) == ["client 5 bytes 'hello' (lost)"]


def test_an_answer_belongs_to_the_same_conversation() -> None:
    made = receives(sends(Made().sees(udp(), udp(port=40113, inode=201)), b"hello"), b"hello")
    sends(made, b"you", THEIRS, CLIENT, "server").sees(udp(), udp(port=40113, inode=201, queue=SMALL))
    packets = inferred(made.events)
    assert told(packets) == ["client 5 bytes 'hello'", "server 3 bytes 'you'"]
    assert packets[0].conversation == packets[1].conversation


def test_a_full_buffer_loses_what_does_not_fit() -> None:
    made = sends(Made().sees(udp()), b"one").sees(udp(queue=SMALL))
    sends(made, b"two").wait(0.1).calls("server", "getsockname", THEIRS)
    packets = inferred(made.events)
    assert told(packets) == ["client 3 bytes 'one'", "client 3 bytes 'two' (lost)"]
    assert packets[1].because == "the queue of port 8888/udp did not grow: its buffer is full (832 bytes)"


def test_several_at_once_are_counted_by_what_one_takes() -> None:
    made = sends(Made().sees(udp()), b"one").sees(udp(queue=SMALL))
    for data in (b"two", b"six", b"ten"):
        sends(made, data)
    made.sees(udp(queue=3 * SMALL)).wait(0.1).calls("server", "getsockname", THEIRS)
    assert lines(made) == [
        "client 3 bytes 'one'",
        "client 3 bytes 'two'",
        "client 3 bytes 'six'",
        "client 3 bytes 'ten' (lost)",
    ]


def test_where_they_can_not_be_counted_receives_decide() -> None:
    made = Made().sees(udp())
    for data in (b"one", b"twenty", b"three"):
        sends(made, data)
    made.sees(udp(queue=2 * SMALL)).wait(0.1).calls("server", "getsockname", THEIRS)
    assert lines(made) == ["client 3 bytes 'one'"]  # one of them at least, the first
    receives(receives(made, b"one"), b"three")
    assert lines(made)[1:] == ["client 6 bytes 'twenty' (lost)", "client 5 bytes 'three'"]


def test_one_who_sleeps_in_a_receive_gets_it_without_a_queue() -> None:
    made = Made().sees(udp()).begins("server", "recvfrom", THEIRS)
    sends(made, b"hello").wait(0.1).sees(udp())
    assert lines(made) == []
    made.returns("server", "recvfrom", THEIRS, call=1, size=5, data=b"hello", peer=CLIENT)
    assert lines(made) == ["client 5 bytes 'hello'"]


def test_econnrefused_on_a_connected_socket_says_that_it_was_lost() -> None:
    connected = ref(CLIENT, SERVER, 201, "udp")
    made = Made().sees(udp()).calls("client1", "send", connected, size=3, data=b"one")
    made.calls("client1", "send", connected, error="ECONNREFUSED")
    packets = inferred(made.events)
    assert told(packets) == ["client 3 bytes 'one' (lost)"]
    assert packets[0].because == "send() failed with ECONNREFUSED: an ICMP port unreachable came back"


def test_what_leaves_this_machine_or_only_peeks_shows_nothing() -> None:
    made = sends(Made().sees(), b"hello", peer=Address("192.0.2.1", 53))
    made.calls("server", "recvfrom", THEIRS, "1024, MSG_PEEK", size=5, data=b"hello", peer=CLIENT)
    assert lines(made) == []


def test_with_states_alone_only_a_receive_says_it() -> None:
    made = sends(Made().sees(udp(), complete=False), b"hello").wait(1).calls("server", "getsockname", THEIRS)
    assert lines(made) == []
    assert lines(receives(made, b"hello")) == ["client 5 bytes 'hello'"]


def test_the_same_words_sent_again_to_one_who_sleeps_are_another_datagram() -> None:
    made = sends(Made().sees(), b"hello").sees(udp()).begins("server", "recvfrom", THEIRS)
    sends(made, b"hello").returns("server", "recvfrom", THEIRS, call=2, size=5, data=b"hello", peer=CLIENT)
    assert lines(made) == ["client 5 bytes 'hello' (lost)", "client 5 bytes 'hello'"]
