"""dissect beside scapy, which reads and builds packets by its own rules: the same values, the same checksums."""

from __future__ import annotations

import random

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet

from netsim.model.dissect import dissect
from netsim.model.fields import Dissection
from tests.model.test_decode import KERNELS_SYN, some_packet
from tests.model.test_dissect import SACK
from tests.model.tshark import as_told
from tests.model.wire_bytes import tcp

DICE = random.Random(9293)
PACKETS = [
    KERNELS_SYN,
    tcp(("::1", 1), ("::1", 2), "ACK", ack=9, options=SACK),
    *(some_packet(DICE) for _ in range(60)),
]
NAMES = {
    IP: {"ihl": "ip.hdr_len", "len": "ip.len", "id": "ip.id", "frag": "ip.frag_offset", "ttl": "ip.ttl",
         "proto": "ip.proto", "chksum": "ip.checksum", "tos": "ip.dsfield"},
    IPv6: {"tc": "ipv6.tclass", "fl": "ipv6.flow", "plen": "ipv6.plen", "nh": "ipv6.nxt", "hlim": "ipv6.hlim"},
    TCP: {"sport": "tcp.srcport", "dport": "tcp.dstport", "seq": "tcp.seq_raw", "ack": "tcp.ack_raw",
          "dataofs": "tcp.hdr_len", "window": "tcp.window_size_value", "chksum": "tcp.checksum",
          "urgptr": "tcp.urgent_pointer"},
    UDP: {"sport": "udp.srcport", "dport": "udp.dstport", "len": "udp.length", "chksum": "udp.checksum"},
    ICMP: {"type": "icmp.type", "code": "icmp.code", "chksum": "icmp.checksum", "id": "icmp.ident", "seq": "icmp.seq"},
}  # fmt: skip


@pytest.mark.parametrize("raw", PACKETS, ids=range(len(PACKETS)))
def test_as_scapy_reads_it(raw: bytes) -> None:
    found = dissect(raw)
    peer = IP(raw) if raw[0] >> 4 == 4 else IPv6(raw)
    compared = 0
    for layer, names in NAMES.items():
        if peer.haslayer(layer):
            for theirs, mine in names.items():
                assert number(found, mine) == peer[layer].getfieldval(theirs), mine
                compared += 1
    assert compared >= 9 or peer.version == 6
    version = "ip" if peer.version == 4 else "ipv6"
    assert (shown(found, f"{version}.src"), shown(found, f"{version}.dst")) == (peer.src, peer.dst)
    if peer.haslayer(TCP):
        assert number(found, "tcp.flags") == int(peer[TCP].flags)
        assert options(found) == peer[TCP].options
    payload = next((field.raw for field in found.fields if field.name in ("tcp.payload", "udp.payload")), b"")
    for layer in (TCP, UDP):
        if peer.haslayer(layer):
            assert bytes(peer[layer].payload) == payload


@pytest.mark.parametrize("raw", PACKETS, ids=range(len(PACKETS)))
def test_the_checksum_that_scapy_computes_is_the_expected_one(raw: bytes) -> None:
    spoilt = bytearray(raw)
    for field in dissect(raw).fields:
        if field.check:
            spoilt[field.start] ^= 0x55
    found = dissect(bytes(spoilt))
    built = rebuilt(bytes(spoilt))
    checked = [field for field in found.fields if field.check]
    assert checked
    for field in checked:
        assert field.check == "wrong"
        assert field.expected == int.from_bytes(built[field.start : field.end], "big"), field.name


def rebuilt(raw: bytes) -> bytes:
    """The same packet with the checksums that scapy computes."""
    peer = IP(raw) if raw[0] >> 4 == 4 else IPv6(raw)
    layer: Packet | None = peer
    while layer:
        for name in ("chksum", "cksum"):
            if name in layer.fields:
                layer.delfieldval(name)
        layer = layer.payload
    return bytes(peer)


def options(found: Dissection) -> list[tuple[str, object]]:
    """The TCP options in scapy's words."""
    told: list[tuple[str, object]] = []
    for field in found.fields:
        value = field.raw
        match field.name:
            case "tcp.options.mss_val":
                told.append(("MSS", value))
            case "tcp.options.sack_perm":
                told.append(("SAckOK", b""))
            case "tcp.options.wscale.shift":
                told.append(("WScale", value))
            case "tcp.options.nop":
                told.append(("NOP", None))
            case "tcp.options.timestamp.tsval":
                told.append(("Timestamp", (value,)))
            case "tcp.options.timestamp.tsecr":
                told[-1] = ("Timestamp", (*told[-1][1], value))  # type: ignore[misc]
            case "tcp.options.sack":
                told.append(("SAck", ()))
            case "tcp.options.sack_le" | "tcp.options.sack_re":
                told[-1] = ("SAck", (*told[-1][1], value))  # type: ignore[misc]
    return told


def number(found: Dissection, name: str) -> int:
    field = found.named(name)
    assert field is not None, name
    return as_told(field).number


def shown(found: Dissection, name: str) -> str:
    field = found.named(name)
    assert field is not None, name
    return field.shown
