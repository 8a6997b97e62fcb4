"""decode: what headers say, told from bytes by hand, by tshark, and by whatever hypothesis throws at it."""

from __future__ import annotations

import ipaddress
import random
import struct
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netsim.model.address import Address
from netsim.model.decode import decode
from netsim.model.wire import About, Datagram, Decoded, Fragment, Icmp, Malformed, Other, Segment, TcpOption
from tests.model import wire_bytes

CLIENT, SERVER = ("127.0.0.1", 51324), ("127.0.0.1", 8888)
CLIENT6, SERVER6 = ("::1", 51324), ("::1", 8888)

# What Linux 6.18 sent on its loopback: a SYN with MSS 1460, SACK permitted, timestamps, window scale 10.
KERNELS_SYN = bytes.fromhex(
    "4500003c25f34000400616c77f0000017f000001"
    "880a22b8ea07a04c00000000a002faf081b00000"
    "020405b40402080a137c84c6000000000103030a"
)  # fmt: skip


def test_a_syn_of_the_kernels() -> None:
    found = decode(KERNELS_SYN)
    assert isinstance(found, Segment)
    assert (found.ip.version, found.ip.hops, found.ip.transport_at, found.ip.end) == (4, 64, 20, 60)
    assert found.source == Address("127.0.0.1", 34826)
    assert found.destination == Address("127.0.0.1", 8888)
    assert (found.seq, found.ack, found.window, found.flags) == (0xEA07A04C, 0, 64240, {"SYN"})
    assert found.options == (
        TcpOption(2, 40, b"\x05\xb4"),
        TcpOption(4, 44, b""),
        TcpOption(8, 46, bytes.fromhex("137c84c600000000")),
        TcpOption(3, 57, b"\x0a"),
    )
    assert found.options_whole
    assert (found.payload_at, found.length, found.payload) == (60, 0, b"")
    assert found.end_seq == 0xEA07A04D


@pytest.mark.parametrize(("source", "destination", "at"), [(CLIENT, SERVER, 40), (CLIENT6, SERVER6, 60)])
def test_data(source: tuple[str, int], destination: tuple[str, int], at: int) -> None:
    found = decode(wire_bytes.tcp(source, destination, "PSH ACK FIN", seq=2**32 - 2, ack=7, payload=b"hello"))
    assert isinstance(found, Segment)
    assert (found.source, found.destination) == (Address(*source), Address(*destination))
    assert (found.flags, found.length, found.payload, found.payload_at) == ({"PSH", "ACK", "FIN"}, 5, b"hello", at)
    assert found.end_seq == 4  # around the corner: five bytes and the FIN


@pytest.mark.parametrize(("source", "destination"), [(CLIENT, SERVER), (CLIENT6, SERVER6)])
def test_a_datagram(source: tuple[str, int], destination: tuple[str, int]) -> None:
    found = decode(wire_bytes.udp(source, destination, b"hi"))
    assert isinstance(found, Datagram)
    assert (found.source, found.destination, found.length, found.payload) == (
        Address(*source), Address(*destination), 2, b"hi",
    )  # fmt: skip


def test_an_empty_datagram_is_one() -> None:
    found = decode(wire_bytes.udp(CLIENT, SERVER))
    assert isinstance(found, Datagram)
    assert (found.length, found.payload) == (0, b"")


@pytest.mark.parametrize(
    ("packet", "about"),
    [
        (wire_bytes.udp(CLIENT, SERVER, b"hi"), About("udp", Address(*CLIENT), Address(*SERVER))),
        (wire_bytes.tcp(CLIENT, SERVER, "SYN", seq=77), About("tcp", Address(*CLIENT), Address(*SERVER), 77)),
        (wire_bytes.udp(CLIENT, SERVER)[:28], About("udp", Address(*CLIENT), Address(*SERVER))),  # RFC 792: 8 bytes
        (wire_bytes.udp(CLIENT, SERVER)[:27], None),
        (wire_bytes.ip("127.0.0.1", "127.0.0.1", 47, bytes(8)), None),
        (b"", None),
        (b"\x45", None),
    ],
)
def test_an_icmp_error_quotes_a_packet(packet: bytes, about: About | None) -> None:
    found = decode(wire_bytes.icmp("127.0.0.1", "127.0.0.1", 3, 3, packet))
    assert isinstance(found, Icmp)
    assert (found.kind, found.code, found.about) == (3, 3, about)


def test_icmpv6_port_unreachable() -> None:
    found = decode(wire_bytes.icmp("::1", "::1", 1, 4, wire_bytes.udp(CLIENT6, SERVER6, b"hi")))
    assert isinstance(found, Icmp)
    assert (found.kind, found.code, found.about) == (1, 4, About("udp", Address(*CLIENT6), Address(*SERVER6)))


def test_a_ping_quotes_nothing() -> None:
    found = decode(wire_bytes.icmp("127.0.0.1", "127.0.0.1", 8, 0, wire_bytes.udp(CLIENT, SERVER, b"hi")))
    assert isinstance(found, Icmp)
    assert found.about is None


def test_ipv6_behind_extension_headers() -> None:
    segment = wire_bytes.tcp(CLIENT6, SERVER6, "SYN")[40:]
    body = bytes([60, 0]) + bytes(6) + bytes([44, 1]) + bytes(14) + bytes([6, 0, 0, 0]) + bytes(4) + segment
    found = decode(wire_bytes.ip("::1", "::1", 0, body))
    assert isinstance(found, Segment)  # hop by hop, destination options, an atomic fragment
    assert found.ip.transport_at == 40 + 8 + 16 + 8


def test_ipv6_pieces() -> None:
    whole = struct.pack(">HHHH", 51324, 8888, 4008, 0) + b"x" * 4000
    first = decode(wire_bytes.ip("::1", "::1", 44, struct.pack(">BBHI", 17, 0, 1, 0xABCD) + whole[:1448]))
    later = decode(wire_bytes.ip("::1", "::1", 44, struct.pack(">BBHI", 17, 0, 1448, 0xABCD) + whole[1448:2000]))
    assert isinstance(first, Fragment)
    assert isinstance(later, Fragment)
    assert (first.identification, first.offset, first.more, first.source) == (0xABCD, 0, True, Address(*CLIENT6))
    assert (later.identification, later.offset, later.more, later.source) == (0xABCD, 1448, False, None)


def test_an_ipv4_piece() -> None:
    loopback = ipaddress.ip_address("127.0.0.1").packed
    found = decode(wire_bytes.ipv4_header(loopback, loopback, 17, 8, fragment=0x2003) + bytes(8))
    assert isinstance(found, Fragment)
    assert (found.offset, found.more, found.source) == (24, True, None)


def test_another_protocol() -> None:
    found = decode(wire_bytes.ip("127.0.0.1", "127.0.0.1", 132, b"sctp"))
    assert isinstance(found, Other)
    assert found.ip.protocol == 132


def test_options_that_lie() -> None:
    for options in (b"\x02\x00\x00\x00", b"\x02\x01\x00\x00", b"\x02\x05\x00\x00", b"\x01\x01\x01\x02"):
        found = decode(wire_bytes.tcp(CLIENT, SERVER, "SYN", options=options))
        assert isinstance(found, Segment)
        assert (found.options, found.options_whole) == ((), False)
    ended = decode(wire_bytes.tcp(CLIENT, SERVER, "SYN", options=b"\x01\x04\x02\x00"))
    assert isinstance(ended, Segment)
    assert (ended.options, ended.options_whole) == ((TcpOption(4, 41, b""),), True)


@pytest.mark.parametrize(
    ("packet", "because"),
    [
        (b"", "no bytes"),
        (b"\x00" * 20, "version is 0"),
        (b"\x45" * 19, "IPv4 header is cut after 19"),
        (b"\x44" + KERNELS_SYN[1:], "header says that it has 16"),
        (b"\x46\x00\x00\x14" + KERNELS_SYN[4:], "its header alone 24"),
        (b"\x4f" + KERNELS_SYN[1:40], "IPv4 header is cut after 40"),
        (KERNELS_SYN[:39], "TCP header is cut after 19"),
        (KERNELS_SYN[:45], "TCP header is cut after 25"),  # within the options
        (KERNELS_SYN[:32] + b"\x40" + KERNELS_SYN[33:], "TCP header says that it has 16"),
        (KERNELS_SYN[:2] + b"\x00\x20" + KERNELS_SYN[4:], "TCP header is cut after 12"),
        (wire_bytes.udp(CLIENT, SERVER, b"hi", size=7), "UDP header says 7"),
        (wire_bytes.udp(CLIENT, SERVER, b"hi", size=11), "UDP header says 11 bytes, the IP header leaves it 10"),
        (wire_bytes.udp(CLIENT, SERVER)[:27], "UDP header is cut after 7"),
        (wire_bytes.icmp("::1", "::1", 1, 4, b"")[:-1], "ICMP header is cut"),
        (b"\x60" + bytes(38), "IPv6 header is cut after 39"),
        (wire_bytes.ip("::1", "::1", 60, b"\x06\x01" + bytes(13)), "extension header is cut"),
        (wire_bytes.ip("::1", "::1", 60, b"\x3c\x00" + bytes(6) + (b"\x3c\x00" + bytes(6)) * 9), "more than 8"),
    ],
)
def test_malformed(packet: bytes, because: str) -> None:
    found = decode(packet)
    assert isinstance(found, Malformed)
    assert because in found.because


def test_cut_in_the_payload() -> None:
    found = decode(wire_bytes.tcp(CLIENT, SERVER, "ACK", payload=b"hello")[:-2])
    assert isinstance(found, Segment)
    assert (found.length, found.payload) == (5, b"hel")


VALID = [
    KERNELS_SYN,
    wire_bytes.tcp(CLIENT6, SERVER6, "ACK", payload=b"hello", options=b"\x01\x01\x08\x0a" + bytes(8)),
    wire_bytes.udp(CLIENT, SERVER, b"hello"),
    wire_bytes.icmp("127.0.0.1", "127.0.0.1", 3, 3, wire_bytes.udp(CLIENT, SERVER, b"hi")),
    wire_bytes.icmp("::1", "::1", 1, 4, wire_bytes.tcp(CLIENT6, SERVER6, "SYN")),
    wire_bytes.ip("::1", "::1", 44, struct.pack(">BBHI", 17, 0, 1, 5) + bytes(20)),
]


@given(st.binary(max_size=200))
@example(b"\x60" + bytes(39))
def test_random_bytes_never_raise(packet: bytes) -> None:
    consistent(packet, decode(packet))


@given(st.sampled_from(VALID), st.data())
def test_spoilt_and_cut_packets_never_raise(packet: bytes, data: st.DataObject) -> None:
    spoilt = bytearray(packet)
    for _ in range(data.draw(st.integers(0, 4))):
        spoilt[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(spoilt[: data.draw(st.integers(0, len(packet)))])
    consistent(cut, decode(cut))


def consistent(packet: bytes, found: Decoded) -> None:
    """What is claimed of the bytes is in the bytes, and can be written down and read again."""
    match found:
        case Segment() | Datagram() | Icmp() | Fragment():
            assert packet[found.payload_at : found.ip.end][: len(found.payload)] == found.payload
            assert 0 < found.ip.transport_at <= found.payload_at <= len(packet)
        case Other():
            assert 0 < found.ip.transport_at <= len(packet)
        case Malformed():
            assert found.because
    if isinstance(found, Segment):
        assert found.length == found.ip.end - found.payload_at
        for option in found.options:
            assert packet[option.at] == option.kind
    assert msgspec.json.decode(msgspec.json.encode(found), type=Decoded) == found


FIELDS = (
    "ip.src", "ipv6.src", "tcp.srcport", "tcp.dstport", "udp.srcport", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags",
    "tcp.window_size_value", "tcp.len", "udp.length", "tcp.option_kind", "icmp.type", "icmpv6.type",
)  # fmt: skip


@pytest.mark.needs_tshark
def test_as_tshark_reads_it(tmp_path: Path) -> None:
    """Two hundred packets of all kinds: our reading and Wireshark's are the same."""
    dice = random.Random(8888)
    packets = [some_packet(dice) for _ in range(200)]
    pcap = tmp_path / "packets.pcap"
    link_raw = 101  # https://www.tcpdump.org/linktypes.html
    records = b"".join(struct.pack("<IIII", 0, 0, len(each), len(each)) + each for each in packets)
    pcap.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_raw) + records)
    command = ["tshark", "-r", str(pcap), "-T", "fields", "-E", "occurrence=a", "-E", "aggregator= "]
    command += ["-o", "tcp.analyze_sequence_numbers:FALSE", *(word for field in FIELDS for word in ("-e", field))]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(told) == len(packets)
    for packet, line in zip(packets, told, strict=True):
        assert as_fields(decode(packet)) == dict(zip(FIELDS, line.split("\t"), strict=True)), packet.hex()


def some_packet(dice: random.Random) -> bytes:
    host = dice.choice(["127.0.0.1", "127.9.9.9", "::1", "fe80::1:2"])
    source, destination = (host, dice.randrange(1, 65536)), (host, dice.choice([8888, 50007]))
    payload = dice.randbytes(dice.choice([0, 0, 1, 1448]))
    kind = dice.choice(["tcp", "tcp", "udp", "ping"])
    if kind == "udp":
        return wire_bytes.udp(source, destination, payload)
    if kind == "ping":
        return wire_bytes.icmp(host, host, 128 if ":" in host else 8, 0, payload)
    flags = " ".join(dice.sample(["FIN", "SYN", "RST", "PSH", "ACK", "ECE", "CWR"], dice.randrange(1, 5)))
    options = dice.choice([b"", b"\x02\x04\x05\xb4", b"\x01\x01\x08\x0a" + dice.randbytes(8), b"\x01\x03\x03\x0a"])
    seq, ack, window = dice.randrange(2**32), dice.randrange(2**32), dice.randrange(2**16)
    return wire_bytes.tcp(
        source, destination, flags, seq=seq, ack=ack, window=window, options=options, payload=payload
    )  # fmt: skip


def as_fields(found: Decoded) -> dict[str, str]:
    assert isinstance(found, Segment | Datagram | Icmp)
    told = dict.fromkeys(FIELDS, "")
    told["ip.src" if found.ip.version == 4 else "ipv6.src"] = found.ip.source
    match found:
        case Segment():
            told |= {"tcp.srcport": str(found.source.port), "tcp.dstport": str(found.destination.port)}
            told |= {"tcp.seq_raw": str(found.seq), "tcp.ack_raw": str(found.ack), "tcp.flags": f"0x{found.bits:04x}"}
            told |= {"tcp.window_size_value": str(found.window), "tcp.len": str(found.length)}
            told["tcp.option_kind"] = " ".join(option_kinds(found))
        case Datagram():
            told |= {"udp.srcport": str(found.source.port), "udp.length": str(found.length + 8)}
        case Icmp():
            told["icmp.type" if found.ip.version == 4 else "icmpv6.type"] = str(found.kind)
    return told


def option_kinds(found: Segment) -> list[str]:
    """tshark lists the padding too, which we leave out: one for each byte that no option takes."""
    kinds, at = [], found.ip.transport_at + 20
    for option in found.options:
        kinds += ["1"] * (option.at - at) + [str(option.kind)]
        at = option.at + 2 + len(option.data)
    return kinds
