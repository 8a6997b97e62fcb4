"""Recorded sessions and the packets that they show. `record.py` made the recordings; tshark saw the same packets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from netsim.model.events import AnyEvent, SocketsObserved, decode
from netsim.model.packet import Packet
from tests.model.prose import inferred, told

DATA = Path(__file__).parent / "data"

HANDSHAKE = ("client SYN seq=0", "server SYN-ACK seq=0 ack=1", "client ACK ack=1")
MAIN = (
    *HANDSHAKE,
    "server 19 bytes seq=1 ack=1 'Connection received'",
    "client ACK ack=20",
    "client 5 bytes seq=1 ack=20 'hello'",
    "server ACK ack=6",
    "client FIN seq=6 ack=20",
    "server ACK ack=7",
    "server FIN seq=20 ack=7",
    "client ACK ack=21",
)
EXPECTED: Mapping[str, tuple[str, ...]] = {
    "main": MAIN,
    "main_free": MAIN,
    "simple_pair": (
        *HANDSHAKE,
        "server 19 bytes seq=1 ack=1 'Connection received'",
        "client ACK ack=20",
        "server FIN seq=20 ack=1",
        "client ACK ack=21",
        "client FIN seq=1 ack=21",
        "server ACK ack=2",
    ),
    "refused": ("client SYN seq=0", "server RST-ACK seq=1 ack=1"),
    "killed_unread": (
        *HANDSHAKE,
        "client 5 bytes seq=1 ack=1 'hello'",
        "server ACK ack=6",
        "server RST-ACK seq=1 ack=6",
    ),
    "restart": (
        *HANDSHAKE,
        "server FIN seq=1 ack=1",
        "client ACK ack=2",
        "client 5 bytes seq=1 ack=2 'hello'",
        "server RST seq=2",
    ),
    "unaccepted": (
        *HANDSHAKE,
        "client FIN seq=1 ack=1",
        "server ACK ack=2",
        "server FIN seq=1 ack=2",
        "client ACK ack=2",
    ),
    "forgotten": (
        "client 1 SYN seq=0",
        "server to 1 SYN-ACK seq=0 ack=1",
        "client 1 ACK ack=1",
        "client 2 SYN seq=0",
        "server to 2 SYN-ACK seq=0 ack=1",
        "client 2 ACK ack=1",
        "client 2 FIN seq=1 ack=1",
        "server to 2 ACK ack=2",
        "server to 1 RST-ACK seq=1 ack=1",
        "server to 2 RST-ACK seq=1 ack=2",
    ),
    "overrun": (
        "client 1 SYN seq=0",
        "server to 1 SYN-ACK seq=0 ack=1",
        "client 1 ACK ack=1",
        "client 2 SYN seq=0 (lost)",
        "client 2 SYN seq=0 (lost)",
        "client 2 SYN seq=0",
        "server to 2 SYN-ACK seq=0 ack=1",
        "client 2 ACK ack=1",
    ),
    "half_close": (
        *HANDSHAKE,
        "client FIN seq=1 ack=1",
        "server ACK ack=2",
        "server 19 bytes seq=1 ack=2 'Connection received'",
        "client ACK ack=20",
        "server FIN seq=20 ack=2",
        "client ACK ack=21",
    ),
    "hundred_kilobytes": (
        *HANDSHAKE,
        "client 100000 bytes seq=1 ack=1 'xxxxxxxxxxxxxxxxxxxx'",
        "server ACK ack=32742",
        "client 34518 bytes ack=1",  # sent again: the kernel's probe is faster than the delayed ACK
        "server ACK ack=100001",
        "server ACK ack=100001",  # room to receive again
        "client FIN seq=100001 ack=1",
        "server ACK ack=100002",
        "server FIN seq=1 ack=100002",
        "client ACK ack=2",
    ),
    "linger": (*HANDSHAKE, "server RST-ACK seq=1 ack=1"),
    "closed_unread": (
        *HANDSHAKE,
        "server 19 bytes seq=1 ack=1 'Connection received'",
        "client ACK ack=20",
        "server FIN seq=20 ack=1",
        "client ACK ack=21",
        "client RST-ACK seq=1 ack=21",
    ),
    "ping_pong_free": (
        *HANDSHAKE,
        "client 6 bytes seq=1 ack=1 'ping 0'",
        "server ACK ack=7",
        "server 7 bytes seq=1 ack=7 'pong 0!'",
        "client ACK ack=8",
        "client 6 bytes seq=7 ack=8 'ping 1'",
        "server 7 bytes seq=8 ack=13 'pong 1!'",
        "client 6 bytes seq=13 ack=15 'ping 2'",
        "server 7 bytes seq=15 ack=19 'pong 2!'",
        "client ACK ack=22",
    ),
    "datagrams": (
        "client 5 bytes 'hello'",
        "client 11 bytes 'hello again'",
        "client 0 bytes",
        "client 6 bytes 'awake?'",
        "client 5 bytes 'gone?' (lost)",
        "client 3 bytes 'one' (lost)",
    ),
}
BECAUSE: Mapping[str, Mapping[int, str]] = {  # for some packets, by their place in the list: how they are justified
    "main": {
        0: "the kernel, client side, counts 2 segments out and 1 in",
        2: "the kernel, server side, counts 0 segments out and 2 in",
        3: "a send took 19 bytes, and the kernel, client side, counts 19 bytes received",
        4: "the kernel, client side, counts 3 segments out, 0 of them with data",
        7: "the client called close(), and the server's end is in CLOSE_WAIT: a FIN came in",
        8: "the client's end is in FIN_WAIT2: its FIN was acknowledged",
        9: "the server called close(), and the client's end is in TIME_WAIT: a FIN came in",
        10: "the client's end is in TIME_WAIT and the server's is gone: both FINs were acknowledged",
    },
    "refused": {1: "connect() failed with ECONNREFUSED: a RST came back"},
    "killed_unread": {
        5: "the server's process was killed with 5 bytes unread, and both ends vanished: the kernel sends a RST then"
    },
    "overrun": {
        3: "the client's end is in SYN_SENT: the accept queue is full (1 wait, limit 0), the kernel ignored the SYN",
    },
    "hundred_kilobytes": {
        3: "a send took 100000 bytes, and the kernel, server side, counts 100000 bytes received, in 3 segments",
        5: "the kernel, client side, counts 1 segment sent again",
    },
    "datagrams": {
        0: "a send took 5 bytes, and the queue of port 8888/udp grew",
        3: "recvfrom() returned its 6 bytes",
        4: "no socket has port 8888/udp: the kernel answered with ICMP port unreachable, which only a connected socket"
        " hears of",
    },
}


def recording(name: str) -> list[AnyEvent]:
    return [decode(line) for line in (DATA / f"{name}.jsonl").read_bytes().splitlines()]


def test_every_recording_is_expected_to_show_something() -> None:
    assert {path.stem for path in DATA.glob("*.jsonl")} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_these_packets_crossed(name: str) -> None:
    packets = inferred(recording(name))
    assert tuple(told(packets)) == EXPECTED[name]
    assert [packet.number for packet in packets] == list(range(1, len(packets) + 1))
    assert all(packet.evidence == "inferred" and packet.because for packet in packets)


@pytest.mark.parametrize("name", BECAUSE)
def test_and_this_is_why(name: str) -> None:
    packets = inferred(recording(name))
    assert {place: packets[place].because for place in BECAUSE[name]} == dict(BECAUSE[name])


@pytest.mark.parametrize("name", EXPECTED)
def test_packets_carry_what_every_segment_carries(name: str) -> None:
    for packet in inferred(recording(name)):
        assert len(packet.data) <= packet.length
        if packet.transport == "udp":
            assert (packet.flags, packet.seq, packet.ack) == (frozenset(), None, None)
        else:
            assert_tcp(packet)


def assert_tcp(packet: Packet) -> None:
    assert packet.flags
    assert packet.ack is None or "ACK" in packet.flags
    assert packet.flags != {"SYN", "ACK"} or packet.ack == 1
    assert "PSH" not in packet.flags or packet.length


def test_it_is_pure() -> None:
    events = recording("main")
    assert inferred(events) == inferred(events)


def as_psutil_has_it(event: AnyEvent) -> AnyEvent:
    """States alone, without what only the kernel itself tells."""
    if not isinstance(event, SocketsObserved):
        return event
    plain = tuple(
        replace(
            each, inode=int(each.inode > 0), counters=None, receive_queue=0, send_queue=0, timer="", expires_ms=0,
            expirations=0,
        )
        for each in event.sockets
        if each.transport == "udp" or each.state != "CLOSE"
    )  # fmt: skip
    return replace(event, sockets=plain, complete=False)


@pytest.mark.parametrize("name", EXPECTED)
def test_states_alone_show_a_part_of_it_and_nothing_else(name: str) -> None:
    packets = inferred(map(as_psutil_has_it, recording(name)))
    assert all(packet.because for packet in packets)
    rest = iter(EXPECTED[name])
    assert all(line in rest for line in told(packets))  # in the same order
    assert packets
