"""Inference of TCP from made-up lists and calls: how connections end, who is who in them, and states alone."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from netsim.model.address import Address
from netsim.model.events import KernelSocket, LabStarted
from tests.model.made import (
    CALLING,
    CLIENT,
    CLIENTS,
    HERE,
    LISTENING,
    OPEN,
    SERVER,
    SERVERS,
    Count,
    Made,
    client,
    connected,
    listener,
    ref,
    server,
)
from tests.model.prose import HANDSHAKE, after_handshake, inferred, told

# --- ends


def test_both_close_at_once() -> None:
    made = connected().calls("client1", "close", CLIENTS).calls("server", "close", SERVERS)
    made.sees(
        listener(),
        client("CLOSING", Count(3, 2, acked=1, received=1), unsent=1),
        server("CLOSING", Count(1, 3, received=1), unsent=1),
    )
    made.sees(listener(), client("TIME_WAIT"), server("TIME_WAIT"))
    assert after_handshake(made) == [
        "client FIN seq=1 ack=1",
        "server FIN seq=1 ack=2",
        "client ACK ack=2",
    ]  # what the server's ACK of the client's FIN was, if not its own FIN, nothing shows


def test_econnreset_alone_is_reason_enough() -> None:
    made = connected().sees(listener())
    made.calls("client1", "recv", CLIENTS, error="ECONNRESET")
    packets = inferred(made.events)
    assert told(packets)[3:] == ["server RST-ACK seq=1 ack=1"]
    assert packets[-1].because == "recv() failed with ECONNRESET: a RST came in"


def test_both_gone_without_any_reason_is_no_packet() -> None:
    assert after_handshake(connected().sees(listener()).wait(1).sees(listener())) == []


def test_an_orphan_that_timed_out_sent_nothing() -> None:
    made = (
        connected()
        .calls("server", "close", SERVERS)
        .sees(
            listener(),
            client("CLOSE_WAIT", Count(3, 2, acked=1, received=1), unread=1),
            server("FIN_WAIT2", timer="timewait", expires_ms=60_000),
        )
    )
    before = after_handshake(made)
    assert before == ["server FIN seq=1 ack=1", "client ACK ack=2"]
    made.wait(60).sees(listener(), client("CLOSE_WAIT", Count(3, 2, acked=1, received=1), unread=1)).wait(1)
    assert after_handshake(made.sees(listener()).wait(1).sees(listener())) == before


@pytest.mark.parametrize("error", ["ETIMEDOUT", "ENETUNREACH", "EADDRNOTAVAIL", "EINPROGRESS", "EINTR"])
def test_other_failures_of_connect_show_no_packet(error: str) -> None:
    here = ref(Address("0.0.0.0", 51324), None, CALLING)
    assert inferred(Made().calls("client1", "connect", here, "('127.0.0.1', 8888)", error=error).events) == []


@pytest.mark.parametrize("arguments", ["('127.0.0.1', 8888)", "('localhost', 8888)", "('', 8888)"])
def test_a_refused_connect_names_its_address_in_its_arguments(arguments: str) -> None:
    here = ref(Address("0.0.0.0", 51324), None, CALLING)
    made = Made().calls("client1", "connect", here, arguments, error="ECONNREFUSED")
    packets = inferred(made.events)
    assert told(packets) == ["client SYN seq=0", "server RST-ACK seq=1 ack=1"]
    assert (packets[0].conversation.client, packets[0].conversation.server) == (CLIENT, SERVER)


def test_a_refused_connect_to_nobody_knows_where_shows_nothing() -> None:
    here = ref(Address("0.0.0.0", 51324), None, CALLING)
    for arguments in ("", "address", "('127.0...", "b'x'", "('192.0.2.1', 8888)"):
        assert inferred(Made().calls("client1", "connect", here, arguments, error="ECONNREFUSED").events) == []


# --- who is who


def test_several_clients_are_several_conversations() -> None:
    ends = [listener(waiting=3)]
    for port in (50001, 50002, 50003):
        there = Address(HERE, port)
        ends.append(client("ESTABLISHED", Count(2, 1, acked=1), local=there, inode=port))
        ends.append(server("ESTABLISHED", Count(0, 2), remote=there, inode=0))
    packets = inferred(Made().sees(*ends).events)
    assert [(p.conversation.client.port, p.sender) for p in packets] == [
        (port, who) for port in (50001, 50002, 50003) for who in ("client", "server", "client")
    ]


def test_the_listener_tells_who_is_the_server_even_when_it_is_gone() -> None:
    made = Made().sees(listener()).sees().sees(*OPEN)
    assert told(inferred(made.events)) == HANDSHAKE
    assert inferred(Made().sees(*OPEN).events) == []  # neither end is known to have called


def test_a_listener_on_any_address_has_it_too() -> None:
    made = Made().sees(listener(local=Address("::", 8888)), *OPEN)
    assert told(inferred(made.events)) == HANDSHAKE


def test_the_same_four_tuple_again_is_another_connection() -> None:
    made = connected().calls("client1", "close", CLIENTS).calls("server", "close", SERVERS)
    made.sees(listener(), client("TIME_WAIT"))
    first = len(inferred(made.events))
    made.sees(
        listener(), client("ESTABLISHED", Count(2, 1, acked=1), inode=901), server("ESTABLISHED", Count(0, 2), inode=0)
    )
    assert told(inferred(made.events))[first:] == HANDSHAKE


def test_a_servers_time_wait_gives_way_to_a_new_syn() -> None:
    made = connected().calls("server", "close", SERVERS).calls("client1", "close", CLIENTS)
    made.sees(listener(), server("TIME_WAIT"))
    first = len(inferred(made.events))
    again = client("SYN_SENT", Count(1, 0), inode=901)
    made.sees(listener(), again, server("TIME_WAIT"))
    assert len(inferred(made.events)) == first
    made.sees(
        listener(), client("ESTABLISHED", Count(2, 1, acked=1), inode=901), server("ESTABLISHED", Count(0, 2), inode=0)
    )
    assert told(inferred(made.events))[first:] == HANDSHAKE


def test_a_socket_of_two_processes_is_closed_when_the_last_one_closes_it() -> None:
    made = connected().began("server.1", "server").calls("server", "close", SERVERS)
    made.calls("server.1", "send", SERVERS, size=3, data=b"you").sees(
        listener(),
        client("ESTABLISHED", Count(3, 2, data_in=1, acked=1, received=3), unread=3),
        server("ESTABLISHED", Count(1, 3, data_out=1, sent=3, acked=3)),
    )
    made.calls("server.1", "close", SERVERS).sees(
        listener(),
        client("CLOSE_WAIT", Count(3, 3, data_in=1, acked=1, received=4), unread=4),
        server("FIN_WAIT1", Count(2, 3, data_out=1, sent=3, acked=3), unsent=1),
    )
    assert after_handshake(made) == [
        "server 3 bytes seq=1 ack=1 'you'",
        "client ACK ack=4",
        "server FIN seq=4 ack=1",
    ]


# --- without counters


def test_with_states_alone_calls_justify() -> None:
    made = Made().sees(_plain(listener()), complete=False).calls("client1", "connect", CLIENTS)
    assert told(inferred(made.events)) == HANDSHAKE
    made.calls("server", "accept", ref(SERVER, None, LISTENING), accepted=SERVERS, peer=CLIENT)
    made.calls("client1", "send", CLIENTS, size=5, data=b"hello")
    made.sees(*map(_plain, (listener(), *OPEN)), complete=False)
    assert after_handshake(made) == []  # that it was sent is no proof that it arrived
    made.calls("server", "recv", SERVERS, size=5, data=b"hello")
    assert after_handshake(made) == ["client 5 bytes seq=1 ack=1 'hello'"]
    made.calls("client1", "close", CLIENTS).calls("server", "recv", SERVERS, size=0, data=b"")
    assert after_handshake(made)[1:] == ["client FIN seq=6 ack=1"]
    made.calls("server", "close", SERVERS).sees(*map(_plain, (listener(), client("TIME_WAIT"))), complete=False)
    assert after_handshake(made)[2:] == ["server FIN seq=1 ack=7", "client ACK ack=2"]
    assert all(packet.because for packet in inferred(made.events))


def _plain(each: KernelSocket) -> KernelSocket:
    """As psutil knows it."""
    return replace(each, inode=1, receive_queue=0, send_queue=0, counters=None)


def test_nothing_is_inferred_where_a_gate_shows_the_packets() -> None:
    started = LabStarted(
        at=0.0, net="private", port=8888, system="", python="", contained=True, contained_because="", sock_diag=True,
        gate="nft",
    )  # fmt: skip
    assert inferred([started, *connected().events]) == []
