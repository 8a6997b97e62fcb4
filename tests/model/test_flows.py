"""flows: whose packet it is, which side sent it, and its relative numbers, with and without the beginning seen."""

from __future__ import annotations

import struct

import pytest

from netsim.model import flows
from netsim.model.address import Address, Conversation
from netsim.model.decode import decode
from netsim.model.flows import Flows, Place
from tests.model import wire_bytes

CLIENT, SERVER = ("127.0.0.1", 51324), ("127.0.0.1", 8888)
TCP = Conversation("tcp", Address(*CLIENT), Address(*SERVER))
UDP = Conversation("udp", Address(*CLIENT), Address(*SERVER))


def place(known: Flows, packet: bytes) -> Place:
    return known.place(decode(packet))


def test_a_syn_that_was_not_seen() -> None:
    known = Flows()
    assert place(known, wire_bytes.tcp(SERVER, CLIENT, "SYN ACK", seq=10, ack=1)) == Place(TCP, "server", 0, None)
    assert place(known, wire_bytes.tcp(CLIENT, SERVER, "ACK", seq=1, ack=11)) == Place(TCP, "client", None, 1)


def test_in_the_middle_the_higher_port_is_taken_for_the_client() -> None:
    assert place(Flows(), wire_bytes.tcp(SERVER, CLIENT, "ACK", seq=10, ack=1)) == Place(TCP, "server", None, None)
    assert place(Flows(), wire_bytes.tcp(CLIENT, SERVER, "ACK", seq=10, ack=1)) == Place(TCP, "client", None, None)


def test_the_next_life_of_a_four_tuple() -> None:
    known = Flows()
    place(known, wire_bytes.tcp(CLIENT, SERVER, "SYN", seq=5))
    place(known, wire_bytes.tcp(SERVER, CLIENT, "SYN ACK", seq=10, ack=6))
    assert place(known, wire_bytes.tcp(CLIENT, SERVER, "SYN", seq=5)) == Place(TCP, "client", 0)  # a copy
    assert place(known, wire_bytes.tcp(CLIENT, SERVER, "ACK", seq=6, ack=11)) == Place(TCP, "client", 1, 1)
    assert place(known, wire_bytes.tcp(CLIENT, SERVER, "SYN", seq=500)) == Place(TCP, "client", 0)
    assert place(known, wire_bytes.tcp(SERVER, CLIENT, "ACK", seq=10, ack=501)) == Place(TCP, "server", None, 1)


def test_both_call_at_once() -> None:
    known = Flows()
    place(known, wire_bytes.tcp(CLIENT, SERVER, "SYN", seq=5))
    assert place(known, wire_bytes.tcp(SERVER, CLIENT, "SYN", seq=10)) == Place(TCP, "server", 0)
    assert place(known, wire_bytes.tcp(CLIENT, SERVER, "SYN ACK", seq=5, ack=11)) == Place(TCP, "client", 0, 1)


def test_who_sends_the_first_datagram_calls() -> None:
    known = Flows()
    assert place(known, wire_bytes.udp(CLIENT, SERVER)) == Place(UDP, "client")
    assert place(known, wire_bytes.udp(SERVER, CLIENT)) == Place(UDP, "server")
    low = ("127.0.0.1", 53)
    assert place(known, wire_bytes.udp(low, CLIENT)).sender == "client"


@pytest.mark.parametrize("seen", [True, False])
def test_an_icmp_error_comes_from_the_other_side(*, seen: bool) -> None:
    known, datagram = Flows(), wire_bytes.udp(CLIENT, SERVER, b"hi")
    if seen:
        place(known, datagram)
    assert place(known, wire_bytes.icmp("127.0.0.1", "127.0.0.1", 3, 3, datagram)) == Place(UDP, "server")


def test_pieces_belong_to_the_first() -> None:
    known = Flows()

    def piece(offset: int, body: bytes, *, identification: int = 7) -> bytes:
        header = struct.pack(">BBHI", 17, 0, offset | 1, identification)
        return wire_bytes.ip("::1", "::1", 44, header + body)

    conversation = Conversation("udp", Address("::1", 51324), Address("::1", 8888))
    assert place(known, piece(8, bytes(8))) == Place()
    assert place(known, piece(0, struct.pack(">HHHH", 51324, 8888, 400, 0))) == Place(conversation, "client")
    assert place(known, piece(8, bytes(8))) == Place(conversation, "client")
    assert place(known, piece(8, bytes(8), identification=8)) == Place()


def test_others_have_no_conversation() -> None:
    assert place(Flows(), b"") == Place()
    assert place(Flows(), wire_bytes.ip("127.0.0.1", "127.0.0.1", 132, b"sctp")) == Place()
    assert place(Flows(), wire_bytes.icmp("127.0.0.1", "127.0.0.1", 8, 0, b"ping")) == Place()


def test_the_longest_unused_is_forgotten() -> None:
    known = Flows()
    place(known, wire_bytes.tcp(CLIENT, SERVER, "SYN", seq=5))
    place(known, wire_bytes.tcp(("127.0.0.1", 1), SERVER, "SYN", seq=5))
    for port in range(2, 2 + flows.FLOWS):
        place(known, wire_bytes.tcp(CLIENT, SERVER, "ACK", seq=6))
        place(known, wire_bytes.tcp(("127.0.0.1", port), SERVER, "SYN", seq=5))
    assert place(known, wire_bytes.tcp(CLIENT, SERVER, "ACK", seq=6)).seq == 1
    assert place(known, wire_bytes.tcp(("127.0.0.1", 1), SERVER, "ACK", seq=6)).seq is None
