"""TCP's, UDP's and ICMP's headers, field by field (RFC 9293, 768, 792, 4443), and what they carry."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from netsim.model import wire
from netsim.model.checksums import pseudo_header, verify
from netsim.model.dissect_ip import Carried
from netsim.model.reader import Reader, StopReadingError

_FLAGS = ("ae", "cwr", "ece", "urg", "ack", "push", "reset", "syn", "fin")  # Wireshark's names, from the left
_FLAG_NAMES = {"push": "PSH", "reset": "RST"}
_TCP_SIZE, _UDP_SIZE = 20, 8
_OPTIONS = {2: "mss", 3: "wscale", 4: "sack_perm", 5: "sack", 8: "timestamp"}
_SIZES = {2: 4, 3: 3, 4: 2, 8: 10}  # RFC 9293, 3.2; RFC 7323, 2.2 and 3.2; RFC 2018, 2
_ICMP_KINDS = {
    4: {0: "echo reply", 3: "destination unreachable", 4: "source quench", 5: "redirect", 8: "echo request",
        11: "time exceeded", 12: "parameter problem"},
    6: {1: "destination unreachable", 2: "packet too big", 3: "time exceeded", 4: "parameter problem",
        128: "echo request", 129: "echo reply"},
}  # fmt: skip
_UNREACHABLE = {
    4: {0: "net", 1: "host", 2: "protocol", 3: "port", 4: "must be fragmented"},
    6: {0: "no route", 1: "forbidden", 3: "address", 4: "port"},
}
_ERRORS = {4: frozenset({3, 4, 5, 11, 12}), 6: frozenset({1, 2, 3, 4})}
_ECHOES = {4: frozenset({0, 8}), 6: frozenset({128, 129})}


class Numbers(NamedTuple):
    """What the packets before this one tell of it: None where it is not known.

    `seq`, `ack`: relative to the first numbers of either side. `shift`: how far the sender's window is shifted.
    """

    seq: int | None = None
    ack: int | None = None
    shift: int | None = None


def read_tcp(reader: Reader, carried: Carried, numbers: Numbers) -> None:
    """The TCP segment that begins here."""
    start = reader.at
    reader.begin("TCP")
    reader.number("tcp.srcport", 16)
    reader.number("tcp.dstport", 16)
    reader.number("tcp.seq_raw", 32, relative=numbers.seq)
    ack = reader.number("tcp.ack_raw", 32, relative=numbers.ack)
    size = reader.number("tcp.hdr_len", 4, lambda words: f"{words * 4} bytes") * 4
    flags = _flags(reader)
    window = reader.number("tcp.window_size_value", 16)
    if numbers.shift is not None and "SYN" not in flags:
        reader.amend("tcp.window_size_value", relative=window << numbers.shift)
    reader.number("tcp.checksum", 16, _hex)
    reader.number("tcp.urgent_pointer", 16)
    if size < _TCP_SIZE or start + size > reader.limit:
        raise StopReadingError("header length")
    _verify(reader, "tcp.checksum", carried, start, carried.end, 16)
    first = None if numbers.ack is None else (ack - numbers.ack) & 0xFFFF_FFFF
    limit, reader.limit = reader.limit, start + size
    with reader.group("tcp.options"):
        _options(reader, first)
    reader.amend("tcp.options", shown=f"{size - _TCP_SIZE} bytes")
    reader.limit = limit
    _payload(reader, "tcp.payload", carried.end)


def _flags(reader: Reader) -> set[str]:
    found = []
    with reader.group("tcp.flags"):
        reader.number("tcp.flags.res", 3)
        for flag in _FLAGS:
            name = _FLAG_NAMES.get(flag, flag.upper())
            if reader.number(f"tcp.flags.{flag}", 1, lambda bit: "1 = set" if bit else "0"):
                found.append(name)
    reader.amend("tcp.flags", shown=" ".join(found) or "none")
    return set(found)


def _options(reader: Reader, first: int | None) -> None:
    """The options up to the limit. `first`: the other side's first sequence number, of which SACK speaks."""
    while reader.left:
        kind = reader.raw[reader.at]
        size = reader.raw[reader.at + 1] if reader.left > 1 else 0
        if kind == 0:
            reader.number("tcp.options.eol", 8, "end")
            reader.content("tcp.options.padding", reader.left)
        elif kind == 1:
            reader.number("tcp.options.nop", 8, "no operation")
        elif 2 <= size <= reader.left:
            with reader.group(f"tcp.options.{_OPTIONS.get(kind, 'unknown')}"):
                reader.number("tcp.option_kind", 8)
                reader.number("tcp.option_len", 8)
                shown = _option(reader, kind, size, first)
            reader.amend(f"tcp.options.{_OPTIONS.get(kind, 'unknown')}", shown=shown)
        else:
            reader.content("tcp.options.bad", reader.left)


def _option(reader: Reader, kind: int, size: int, first: int | None) -> str:
    """What is in an option, behind its kind and length; returns it in short."""
    if _SIZES.get(kind, size) != size or (kind == 5 and (size - 2) % 8):
        reader.content("tcp.options.data", size - 2)
        return f"kind {kind}, with a length of {size} that it can't have"
    match kind:
        case 2:
            return str(reader.number("tcp.options.mss_val", 16, lambda number: f"{number} bytes"))
        case 3:
            shift = reader.number("tcp.options.wscale.shift", 8)
            return f"times {1 << min(shift, 14)}"  # RFC 7323, 2.3: more than 14 is taken as 14
        case 4:
            return "yes"
        case 5:
            edges = []
            for at in range((size - 2) // 4):
                name = "tcp.options.sack_re" if at % 2 else "tcp.options.sack_le"
                number = reader.number(name, 32)
                edges.append(number if first is None else (number - first) & 0xFFFF_FFFF)
                if first is not None:
                    reader.amend(name, relative=edges[-1])
            return " ".join(f"{left}-{right}" for left, right in zip(edges[::2], edges[1::2], strict=True))
        case 8:
            value = reader.number("tcp.options.timestamp.tsval", 32)
            echo = reader.number("tcp.options.timestamp.tsecr", 32)
            return f"{value} {echo}"
        case _:
            reader.content("tcp.options.data", size - 2)
            return f"kind {kind}"


def read_udp(reader: Reader, carried: Carried) -> None:
    """The UDP datagram that begins here."""
    start = reader.at
    reader.begin("UDP")
    reader.number("udp.srcport", 16)
    reader.number("udp.dstport", 16)
    size = reader.number("udp.length", 16, lambda length: f"{length} bytes")
    reader.number("udp.checksum", 16, _hex)
    if not _UDP_SIZE <= size <= carried.end - start:
        raise StopReadingError("length")
    _verify(reader, "udp.checksum", carried, start, start + size, 6)
    _payload(reader, "udp.payload", start + size)


def read_icmp(reader: Reader, carried: Carried, read_quoted: Callable[[Reader], None]) -> None:
    """The ICMP or ICMPv6 message that begins here."""
    start = reader.at
    version = carried.version
    name = "icmp" if version == 4 else "icmpv6"
    reader.begin("ICMP" if version == 4 else "ICMPv6")
    kind = reader.number(f"{name}.type", 8, lambda number: _named(number, _ICMP_KINDS[version]))
    codes = _UNREACHABLE[version] if kind == (3 if version == 4 else 1) else {}
    reader.number(f"{name}.code", 8, lambda number: _named(number, codes))
    reader.number(f"{name}.checksum", 16, _hex)
    if kind in _ECHOES[version]:
        ident, seq = ("ident", "seq") if version == 4 else ("echo.identifier", "echo.sequence_number")
        reader.number(f"{name}.{ident}", 16, _hex)
        reader.number(f"{name}.{seq}", 16)
    else:
        reader.number("icmp.unused" if version == 4 else "icmpv6.reserved", 32, lambda number: f"0x{number:08x}")
    _verify(reader, f"{name}.checksum", carried, start, carried.end, 2)
    if kind in _ERRORS[version]:
        read_quoted(reader)
    else:
        _payload(reader, "data.data", carried.end)


def _payload(reader: Reader, name: str, end: int) -> None:
    reader.end_layer()
    if end > reader.at:
        reader.begin("payload")
        reader.content(name, end - reader.at)


def _verify(reader: Reader, name: str, carried: Carried, start: int, end: int, at: int) -> None:
    if end > len(reader.raw):
        reader.amend(name, check="unknown")
        return
    protocol = wire.ICMPV6 if name.startswith("icmpv6") else carried.protocol
    pseudo = b"" if name.startswith("icmp.") else pseudo_header(
        carried.source, carried.destination, protocol, end - start
    )  # fmt: skip
    covered = reader.raw[start:end]
    check, expected = verify(covered, at, pseudo=pseudo, zero_means_unused=name.startswith("udp"))
    reader.amend(name, check=check, expected=expected)


def _hex(number: int) -> str:
    return f"0x{number:04x}"


def _named(number: int, names: dict[int, str]) -> str:
    return f"{number} = {names[number]}" if number in names else str(number)
