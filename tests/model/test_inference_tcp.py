"""Inference of TCP from made-up lists and calls: what is seldom seen, seen in part, or seen late."""

from __future__ import annotations

from tests.model.made import (
    CLIENTS,
    SERVERS,
    Count,
    Made,
    client,
    connected,
    listener,
    server,
)
from tests.model.prose import HANDSHAKE, after_handshake, inferred, told

# --- what is seen in part


def test_only_the_time_wait_was_seen_of_the_end() -> None:
    made = connected().calls("client1", "send", CLIENTS, size=5, data=b"hello").calls("client1", "close", CLIENTS)
    made.calls("server", "recv", SERVERS, size=5, data=b"hello").calls("server", "recv", SERVERS, size=0, data=b"")
    made.calls("server", "close", SERVERS).sees(listener(), client("TIME_WAIT"))
    assert after_handshake(made) == [
        "client 5 bytes seq=1 ack=1 'hello'",
        "client FIN seq=6 ack=1",
        "server FIN seq=1 ack=7",  # it acknowledges the other FIN too: a separate ACK can't be proved
        "client ACK ack=2",
    ]


def test_a_whole_connection_between_two_lists_is_known_from_its_calls() -> None:
    made = Made().sees(listener()).calls("client1", "connect", CLIENTS)
    assert told(inferred(made.events)) == []  # a list of the sockets is still to come
    assert told(inferred(made.sees(listener()).events)) == HANDSHAKE
    assert inferred(made.events)[0].because == "connect() returned: the handshake's three segments had crossed"


def test_a_list_that_shows_a_send_before_its_report_waits_for_it() -> None:
    seen = (
        client("ESTABLISHED", Count(3, 2, data_out=1, sent=5, acked=6)),
        server("ESTABLISHED", Count(1, 3, data_in=1, received=5), unread=5),
    )
    made = connected().begins("client1", "send", CLIENTS).sees(listener(), *seen)
    assert after_handshake(made) == []
    made.returns("client1", "send", CLIENTS, size=5, data=b"hello")
    assert after_handshake(made) == ["client 5 bytes seq=1 ack=1 'hello'", "server ACK ack=6"]


def test_a_send_that_sleeps_is_not_waited_for() -> None:
    seen = (
        client("ESTABLISHED", Count(3, 2, data_out=1, sent=5, acked=6)),
        server("ESTABLISHED", Count(1, 3, data_in=1, received=5), unread=5),
    )
    made = connected().begins("client1", "sendall", CLIENTS).sees(listener(), *seen).sleeps("client1")
    assert after_handshake(made) == ["client 5 bytes seq=1 ack=1", "server ACK ack=6"]


def test_bytes_of_nobodys_calls_are_told_a_little_later() -> None:
    seen = (
        client("ESTABLISHED", Count(3, 2, data_out=1, sent=5, acked=6)),
        server("ESTABLISHED", Count(1, 3, data_in=1, received=5), unread=5),
    )
    made = connected().sees(listener(), *seen)
    assert after_handshake(made) == []
    made.wait(0.1).calls("server", "getsockname", SERVERS)
    assert after_handshake(made) == ["client 5 bytes seq=1 ack=1", "server ACK ack=6"]


def test_a_torn_list_does_not_take_the_fin_for_a_byte() -> None:
    made = connected().calls("client1", "close", CLIENTS)
    made.sees(  # the server's state was read just before the FIN came, its counters just after
        listener(),
        client("FIN_WAIT1", Count(3, 1, acked=1), unsent=1),
        server("ESTABLISHED", Count(0, 3, received=1), unread=1),
    )
    assert after_handshake(made) == []
    made.sees(
        listener(),
        client("FIN_WAIT1", Count(3, 1, acked=1), unsent=1),
        server("CLOSE_WAIT", Count(0, 3, received=1), unread=1),
    )
    assert after_handshake(made) == ["client FIN seq=1 ack=1"]


def test_remains_of_connections_from_before_this_lab_show_nothing() -> None:
    assert told(inferred(Made().sees(client("TIME_WAIT")).sees(client("TIME_WAIT"), listener()).events)) == []


# --- acknowledgements


def test_a_delayed_ack_comes_after_its_data() -> None:
    made = connected().calls("client1", "send", CLIENTS, size=5, data=b"hello")
    made.sees(
        listener(),
        client("ESTABLISHED", Count(3, 1, data_out=1, sent=5, acked=1), unsent=5),
        server("ESTABLISHED", Count(0, 3, data_in=1, received=5), unread=5),
    )
    assert after_handshake(made) == ["client 5 bytes seq=1 ack=1 'hello'"]
    made.wait(0.03).sees(
        listener(),
        client("ESTABLISHED", Count(3, 2, data_out=1, sent=5, acked=6)),
        server("ESTABLISHED", Count(1, 3, data_in=1, received=5), unread=5),
    )
    assert after_handshake(made)[1:] == ["server ACK ack=6"]


def test_an_answer_carries_the_acknowledgement() -> None:
    made = connected().calls("client1", "send", CLIENTS, size=5, data=b"hello")
    made.calls("server", "recv", SERVERS, size=5, data=b"hello")
    made.calls("server", "send", SERVERS, size=3, data=b"you")
    made.sees(
        listener(),
        client("ESTABLISHED", Count(3, 2, data_out=1, data_in=1, sent=5, acked=6, received=3), unread=3),
        server("ESTABLISHED", Count(1, 3, data_out=1, data_in=1, sent=3, received=5)),
    )
    assert after_handshake(made) == ["client 5 bytes seq=1 ack=1 'hello'", "server 3 bytes seq=1 ack=6 'you'"]


def test_two_sends_in_one_segment_are_one_arrow() -> None:
    made = connected().calls("client1", "send", CLIENTS, size=3, data=b"one")
    made.calls("client1", "send", CLIENTS, size=3, data=b"two")
    made.sees(
        listener(),
        client("ESTABLISHED", Count(3, 2, data_out=1, sent=6, acked=7)),
        server("ESTABLISHED", Count(1, 3, data_in=1, received=6), unread=6),
    )
    assert after_handshake(made) == ["client 6 bytes seq=1 ack=1 'onetwo'", "server ACK ack=7"]


def test_two_sends_in_two_segments_are_two_arrows() -> None:
    made = connected().calls("client1", "send", CLIENTS, size=3, data=b"one")
    made.calls("client1", "send", CLIENTS, size=3, data=b"two")
    made.sees(
        listener(),
        client("ESTABLISHED", Count(4, 3, data_out=2, sent=6, acked=7)),
        server("ESTABLISHED", Count(2, 4, data_in=2, received=6), unread=6),
    )
    assert after_handshake(made) == [
        "client 3 bytes seq=1 ack=1 'one'",
        "server ACK ack=4",
        "client 3 bytes seq=4 ack=1 'two'",
        "server ACK ack=7",
    ]


def test_a_fin_on_the_last_data_is_no_segment_of_its_own() -> None:
    made = connected().calls("client1", "send", CLIENTS, size=5, data=b"hello").calls("client1", "close", CLIENTS)
    made.sees(
        listener(),
        client("FIN_WAIT1", Count(3, 1, data_out=1, sent=5, acked=1), unsent=6),
        server("CLOSE_WAIT", Count(0, 3, data_in=1, received=6), unread=6),
    )
    assert after_handshake(made) == ["client 5 bytes FIN seq=1 ack=1 'hello'"]


def test_where_several_acks_answer_one_arrow_only_the_last_number_is_known() -> None:
    made = connected().calls("client1", "sendall", CLIENTS, size=100_000, data=b"x" * 512)
    made.sees(
        listener(),
        client("ESTABLISHED", Count(5, 3, data_out=3, sent=100_000, acked=100_001)),
        server("ESTABLISHED", Count(2, 5, data_in=3, received=100_000), unread=100_000),
    )
    packets = inferred(made.events)[3:]
    assert [(packet.sender, packet.length, packet.ack) for packet in packets] == [
        ("client", 100_000, 1),
        ("server", 0, None),
        ("server", 0, 100_001),
    ]
    assert packets[0].because.endswith("in 3 segments")
    assert packets[1].because.endswith("how far it reached can't be known")


def test_a_window_update_is_told_where_both_ends_count_it() -> None:
    made = connected()
    made.sees(listener(), client("ESTABLISHED", Count(2, 1, acked=1)), server("ESTABLISHED", Count(1, 2)))
    assert after_handshake(made) == []  # sent, and not arrived yet
    made.sees(listener(), client("ESTABLISHED", Count(2, 2, acked=1)), server("ESTABLISHED", Count(1, 2)))
    assert after_handshake(made) == ["server ACK ack=1"]
