"""dissect: every bit of a packet is in one field, and Wireshark and scapy find the same fields in the same places."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netsim.model.decode import decode
from netsim.model.dissect import dissect
from netsim.model.dissect_transport import Numbers
from netsim.model.fields import Dissection, Field
from netsim.model.wire import Malformed, Segment
from tests.model import wire_bytes
from tests.model.test_decode import CLIENT, CLIENT6, KERNELS_SYN, SERVER, SERVER6, VALID, some_packet
from tests.model.tshark import compare, read

SACK = b"\x01\x01\x05\x12" + struct.pack(">IIII", 1000, 1010, 1020, 1030)
LOOPBACK = bytes([127, 0, 0, 1])
RECORD_ROUTE = b"\x01\x07\x07\x04\x00\x00\x00\x00"

KINDS = [
    *VALID,
    wire_bytes.tcp(CLIENT, SERVER, "ACK", seq=5, ack=900, options=SACK),
    wire_bytes.tcp(CLIENT, SERVER, "SYN", options=b"\x02\x04\xff\xd7\x04\x02\x01\x00"),
    wire_bytes.tcp(CLIENT, SERVER, "SYN ECE CWR AE URG", options=b"\x63\x04ab"),
    wire_bytes.udp(CLIENT6, SERVER6),
    wire_bytes.icmp("127.0.0.1", "127.0.0.1", 8, 0, b"ping"),
    wire_bytes.icmp("::1", "::1", 129, 0, b"pong"),
    wire_bytes.icmp("127.0.0.1", "127.0.0.1", 3, 3, wire_bytes.tcp(CLIENT, SERVER, "SYN")[:28]),
    wire_bytes.icmp("::1", "::1", 1, 4, wire_bytes.udp(CLIENT6, SERVER6, b"hi")),
    wire_bytes.ip("127.0.0.1", "127.0.0.1", 132, b"sctp"),
    wire_bytes.ipv4_header(LOOPBACK, LOOPBACK, 6, 20, options=RECORD_ROUTE)
    + wire_bytes.tcp(CLIENT, SERVER, "RST")[20:],
    wire_bytes.ip("::1", "::1", 60, b"\x11\x00" + bytes([1, 4, 0, 0, 0, 0]) + wire_bytes.udp(CLIENT6, SERVER6)[40:]),
    wire_bytes.udp(CLIENT, SERVER, b"hi") + b"behind it",
]


def shown(found: Dissection, name: str) -> str:
    field = found.named(name)
    assert field is not None, name
    return field.shown


def test_the_stars_of_a_syn_of_the_kernels() -> None:
    found = dissect(KERNELS_SYN)
    for name, start, length, text in (
        ("ip.src", 12, 4, "127.0.0.1"),
        ("ip.dst", 16, 4, "127.0.0.1"),
        ("tcp.srcport", 20, 2, "34826"),
        ("tcp.dstport", 22, 2, "8888"),
        ("tcp.flags", 32, 2, "SYN"),
        ("tcp.options.mss", 40, 4, "1460"),
        ("tcp.options.sack_perm", 44, 2, "yes"),
        ("tcp.options.timestamp", 46, 10, "326927558 0"),
        ("tcp.options.wscale", 57, 3, "times 1024"),
    ):
        field = found.named(name)
        assert field is not None
        assert (field.start, field.length, field.shown) == (start, length, text)
    assert [(layer.kind, layer.start, layer.length) for layer in found.layers] == [("IPv4", 0, 20), ("TCP", 20, 40)]
    syn = found.named("tcp.flags.syn")
    assert syn is not None
    assert (syn.start, syn.first_bit, syn.bits, syn.raw) == (33, 6, 1, 1)
    assert KERNELS_SYN[22:24] == b"\x22\xb8"
    assert [field.name for field in found.fields if field.check == "right"] == ["ip.checksum", "tcp.checksum"]


def test_relative_numbers_and_the_window() -> None:
    raw = wire_bytes.tcp(CLIENT, SERVER, "ACK", seq=5000, ack=900, window=512, options=SACK)
    found = dissect(raw, Numbers(seq=20, ack=1, shift=10))
    relative = {field.name: field.relative for field in found.fields if field.relative is not None}
    assert relative == {
        "tcp.seq_raw": 20,
        "tcp.ack_raw": 1,
        "tcp.window_size_value": 512 * 1024,
        "tcp.options.sack_le": 121,
        "tcp.options.sack_re": 131,
    }  # fmt: skip  (the last of each name)
    assert shown(found, "tcp.options.sack") == "101-111 121-131"
    syn = dissect(KERNELS_SYN, Numbers(seq=0, shift=10)).named("tcp.window_size_value")
    assert syn is not None
    assert syn.relative is None  # the window of a SYN is never scaled (RFC 7323, 2.2)


# The same kernel's, caught by a packet socket on the loopback itself: no network card comes to complete the checksum.
ON_THE_LOOPBACK = (
    bytes.fromhex("4500001e86b240004011b61a7f0000017f000001da7b22c3000afe1d6869"),
    bytes.fromhex(
        "4500003473d640004006c8eb7f0000017f0000018ed422c2178b95e8252ad30b"
        "80100040fe2800000101080a168bb11fd0e9f3ee"
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "name", "check"),
    [
        (KERNELS_SYN, "ip.checksum", "right"),
        (KERNELS_SYN, "tcp.checksum", "right"),
        (KERNELS_SYN[:36] + b"\x81\xb1" + KERNELS_SYN[38:], "tcp.checksum", "wrong"),
        (KERNELS_SYN[:8] + b"\x41" + KERNELS_SYN[9:], "ip.checksum", "wrong"),
        (ON_THE_LOOPBACK[0], "udp.checksum", "unfilled"),
        (ON_THE_LOOPBACK[1], "tcp.checksum", "unfilled"),
        (ON_THE_LOOPBACK[1], "ip.checksum", "right"),
        (KERNELS_SYN[:40] + b"\0" * 10, "tcp.checksum", "unknown"),
        (wire_bytes.udp(CLIENT, SERVER, b"odd"), "udp.checksum", "right"),
        (wire_bytes.udp(CLIENT, SERVER, b"odd")[:26] + b"\0\0odd", "udp.checksum", "unused"),
        (wire_bytes.udp(CLIENT6, SERVER6, b"odd"), "udp.checksum", "right"),
        (wire_bytes.icmp("127.0.0.1", "127.0.0.1", 8, 0, b"x"), "icmp.checksum", "right"),
        (wire_bytes.icmp("::1", "::1", 128, 0, b"x"), "icmpv6.checksum", "right"),
    ],
)
def test_checksums(raw: bytes, name: str, check: str) -> None:
    if check == "unknown":
        raw = raw[:32] + b"\x50" + raw[33:]  # twenty bytes of header, and thirty of the message missing
    field = dissect(raw).named(name)
    assert field is not None
    assert field.check == check


def test_cut_in_the_payload_and_behind_the_packet() -> None:
    whole = wire_bytes.tcp(CLIENT, SERVER, "ACK", payload=b"hello")
    assert (dissect(whole).missing, dissect(whole[:-2]).missing) == (0, 2)
    assert dissect(whole[:-2]).problem == ""
    behind = dissect(whole + b"xx")
    assert [(field.name, field.raw) for field in behind.fields[-2:]] == [("tcp.payload", b"hello"), ("trailer", b"xx")]


def test_what_stands_before_the_damage_is_read() -> None:
    found = dissect(KERNELS_SYN[:27])
    assert found.problem == "the TCP header is cut after 7 bytes"
    assert [field.name for field in found.leaves[-3:]] == ["tcp.srcport", "tcp.dstport", "unread"]
    lies = dissect(wire_bytes.tcp(CLIENT, SERVER, "SYN", options=b"\x04\x02\x02\x09"))
    assert lies.problem == "a TCP option has an impossible length"
    assert [field.name for field in lies.leaves[-3:]] == ["tcp.option_kind", "tcp.option_len", "tcp.options.bad"]


# --- whatever the bytes are


@given(st.binary(max_size=200))
@example(b"")
@example(b"\x60" + bytes(39))
def test_random_bytes_are_covered(raw: bytes) -> None:
    covered(raw, dissect(raw))


@given(st.sampled_from(KINDS), st.data())
def test_spoilt_and_cut_packets_are_covered(raw: bytes, data: st.DataObject) -> None:
    spoilt = bytearray(raw)
    for _ in range(data.draw(st.integers(0, 4))):
        spoilt[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(spoilt[: data.draw(st.integers(0, len(raw)))])
    covered(cut, dissect(cut))


@pytest.mark.parametrize("raw", KINDS)
def test_no_field_of_a_good_packet_is_unread(raw: bytes) -> None:
    found = dissect(raw)
    covered(raw, found)
    assert found.problem == ""
    quote_is_cut = len(raw) == 56 and raw[20] == 3
    assert any(field.name == "unread" for field in found.fields) is False or quote_is_cut


def covered(raw: bytes, found: Dissection) -> None:
    """Every bit once and in order; each field's number is in its bits; parts lie within; `decode` says the same."""
    at = 0
    for leaf in found.leaves:
        assert leaf.span[0] == at, leaf
        assert leaf.bits > 0
        at = leaf.span[1]
        assert leaf.raw == bits_of(raw, leaf), leaf
    assert at == len(raw) * 8
    for index, field in enumerate(found.fields):
        if field.has_parts:
            parts = found.fields[index + 1]
            assert parts.depth == field.depth + 1
            assert parts.span[0] == field.span[0]
    assert sum(layer.length for layer in found.layers) == len(raw)
    for field in found.fields:
        layer = found.layers[field.layer]
        assert layer.start <= field.start
        assert field.end <= layer.start + layer.length
    for byte in range(len(raw)):
        index = found.index_at(byte)
        assert index is not None
        assert found.fields[index].start <= byte < found.fields[index].end
    decoded = decode(raw)
    if isinstance(decoded, Malformed):
        assert found.problem == decoded.because
    else:
        assert bool(found.problem) == (isinstance(decoded, Segment) and not decoded.options_whole)
    outer = [field.name for field in found.fields if not found.layers[field.layer].quoted]
    stopped = "unread" in outer or "tcp.options.bad" in outer
    assert not stopped or found.problem


def bits_of(raw: bytes, field: Field) -> int | bytes:
    if isinstance(field.raw, bytes):
        return raw[field.start : field.end]
    whole = bin(int.from_bytes(b"\x01" + raw, "big"))[3:]
    return int(whole[slice(*field.span)], 2)


@pytest.mark.needs_tshark
def test_as_tshark_reads_it(tmp_path: Path) -> None:
    dice = random.Random(8888)
    # Of a piece tshark tells no port, and of eight quoted bytes no sequence number.
    packets = [raw for raw in KINDS if dissect(raw).layers[-1].kind != "piece" and len(raw) != 56]
    packets += [*(some_packet(dice) for _ in range(150))]
    packets += [with_a_flipped_bit(dice, packet) for packet in packets[:40]]
    told = read(tmp_path, packets)
    assert len(told) == len(packets)
    total = sum(compare(dissect(raw), *each) for raw, each in zip(packets, told, strict=True))
    assert total > 40 * len(packets) / 2


def with_a_flipped_bit(dice: random.Random, packet: bytes) -> bytes:
    """Its last byte is another: a checksum is wrong, unless nothing covers that byte."""
    return packet[:-1] + bytes([packet[-1] ^ 1 << dice.randrange(8)])
