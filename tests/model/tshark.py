"""tshark as a peer: the same bytes, read by Wireshark's dissectors, each field with its place in the packet."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from netsim.model.fields import Dissection, Field

LINK_RAW = 101  # https://www.tcpdump.org/linktypes.html: the packet begins with its IP header
AS_DATA = ("tcp.port==0-65535,data", "udp.port==0-65535,data")  # no guesses at what the message could be
OPTIONS = ("ip.check_checksum", "tcp.check_checksum", "udp.check_checksum")


class Told(NamedTuple):
    """A field as tshark tells it: its bits, counted from the packet's first, and the number or the bytes in them."""

    name: str
    first_bit: int
    bits: int
    raw: bytes  # those bits as a number, without leading zeros

    @property
    def number(self) -> int:
        return int.from_bytes(self.raw, "big")


def write_pcap(path: Path, packets: Sequence[bytes]) -> None:
    records = b"".join(struct.pack("<IIII", 0, 0, len(each), len(each)) + each for each in packets)
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINK_RAW) + records)


def read(folder: Path, packets: Sequence[bytes]) -> list[tuple[list[Told], dict[str, list[str]]]]:
    """For each packet its fields with their places, and the values of all fields as text, by name."""
    pcap = folder / "packets.pcap"
    write_pcap(pcap, packets)
    command = ["tshark", "-r", str(pcap), "-T", "json", "-x"]
    command += [word for each in AS_DATA for word in ("-d", each)]
    command += [word for each in OPTIONS for word in ("-o", f"{each}:TRUE")]
    told = subprocess.run(command, capture_output=True, check=True).stdout
    found = json.loads(told, object_pairs_hook=list)
    return [_packet(each) for each in found]


def _packet(pairs: list[tuple[str, Any]]) -> tuple[list[Told], dict[str, list[str]]]:
    places: list[Told] = []
    values: dict[str, list[str]] = {}
    for key, value in _walk(pairs):
        if isinstance(value, str):
            values.setdefault(key, []).append(value)
        elif key.endswith("_raw") and len(value) == 5 and value[0] != "field length invalid!":
            places.append(_told(key.removesuffix("_raw"), *value))
    return places, values


def _walk(pairs: list[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for key, value in pairs:
        if isinstance(value, list) and value and isinstance(value[0], tuple):
            yield from _walk(value)
        else:
            yield key, value


def _told(name: str, text: str, start: int, length: int, mask: int, _kind: int) -> Told:
    """tshark gives a field that is not whole bytes as its value and the mask that cut it out of `length` bytes."""
    if not mask:
        return Told(name, start * 8, length * 8, bytes.fromhex(text))
    length = max(length, (mask.bit_length() + 7) // 8)  # of the TCP flags that share a byte it gives only that byte
    above = length * 8 - mask.bit_length()
    bits = mask.bit_count()
    value = int(text, 16)
    return Told(name, start * 8 + above, bits, value.to_bytes((bits + 7) // 8, "big"))


# --- compared with our own reading

# What tshark adds to the fields that are in the packet: sums, names for both directions, trees, hosts' names, analysis.
NOT_IN_THE_PACKET = frozenset({
    "frame", "raw", "ip", "ipv6", "tcp", "udp", "icmp", "icmpv6", "data", "ip.addr", "ip.host", "ip.src_host",
    "ip.dst_host", "ipv6.addr", "ipv6.host", "ipv6.src_host", "ipv6.dst_host", "ip.checksum_calculated",
    "tcp.checksum_calculated", "udp.checksum_calculated", "tcp.port", "udp.port", "tcp.seq", "tcp.ack", "tcp.flags.str",
    "icmp.ident_le", "icmp.seq_le", "tcp.window_size", "tcp.window_size_scalefactor",
    "tcp.options.wscale.multiplier", "ipv6.fraghdr",
})  # fmt: skip
# What is skipped here, as said: tshark looks into it, or says nothing of it.
OPAQUE = frozenset({
    "ip.opt", "ip.opt.nop", "ipv6.ext.nxt", "ipv6.ext.len", "ipv6.ext.data", "tcp.options.data", "tcp.options.bad",
    "trailer", "unread",
})  # fmt: skip
AGAIN = ("data.data", "tcp.segment_data")  # the message, once more (the second where it was sent before)
HALF_BYTES = {"ip.version": 0, "ipv6.version": 0, "ip.hdr_len": 4, "tcp.hdr_len": 0}  # tshark gives the whole byte
STATUS = {"right": "1", "wrong": "0", "unfilled": "0", "unknown": "2", "unused": "3"}


def as_told(field: Field) -> Told:
    raw = field.raw if isinstance(field.raw, bytes) else field.raw.to_bytes((field.bits + 7) // 8, "big")
    return Told(field.name, field.span[0], field.bits, raw)


def compare(found: Dissection, places: list[Told], values: dict[str, list[str]]) -> int:
    """All fields here are tshark's and all of tshark's are here, with the same bits; returns how many there are."""
    mine = {as_told(field) for field in found.fields}
    theirs = {in_its_bits(told) for told in places if told.name not in NOT_IN_THE_PACKET and not is_padding(told)}
    opaque = [field.span for field in found.fields if field.name in OPAQUE]
    mine = {told for told in mine if not within(told, opaque)}
    theirs = {told for told in theirs if not within(told, opaque)}
    theirs = {told for told in theirs if told.name not in AGAIN}
    mine = {told for told in mine if told.name not in AGAIN}
    if found.fields and found.layers[0].kind == "IPv6":
        theirs = {told for told in theirs if told.name != "ip.version"}
    assert mine == theirs, (
        f"{found.raw[:200].hex()}\nonly here: {sorted(mine - theirs)}\nonly tshark: {sorted(theirs - mine)}"
    )
    for name, key in (
        ("tcp.seq_raw", "tcp.seq"),
        ("tcp.ack_raw", "tcp.ack"),
        ("tcp.window_size_value", "tcp.window_size"),
    ):
        field = found.named(name)
        if field is not None and field.relative is not None:
            assert values[key][0] == str(field.relative)
    for name in ("ip", "tcp", "udp", "icmp", "icmpv6"):
        field = found.named(f"{name}.checksum")
        if field is not None and not found.layers[field.layer].quoted:
            assert values[f"{name}.checksum.status"][0] == STATUS[field.check]
    return len(mine)


def within(told: Told, spans: list[tuple[int, int]]) -> bool:
    return any(start <= told.first_bit and told.first_bit + told.bits <= end for start, end in spans)


def is_padding(told: Told) -> bool:
    """The kind of an option that is nothing but its kind."""
    return told.name == "tcp.option_kind" and told.number < 2


def in_its_bits(told: Told) -> Told:
    if told.name == "tcp.reset_cause":  # the bytes that a RST carries
        return told._replace(name="tcp.payload")
    if told.name not in HALF_BYTES or told.bits != 8:
        return told
    half = HALF_BYTES[told.name]
    value = told.number >> 4 if half == 0 else told.number & 0xF
    return Told(told.name, told.first_bit + half, 4, bytes([value]))
