"""Fields: a packet taken apart to its last bit, each part with the place where it stands in the bytes.

Law: the fields that have no parts of their own cover every bit of the bytes exactly once, whatever the bytes are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from msgspec import Struct

LayerKind = Literal["IPv4", "IPv6", "extension", "TCP", "UDP", "ICMP", "ICMPv6", "payload", "piece", "other", "unread"]
Check = Literal["", "right", "wrong", "unfilled", "unused", "unknown"]
_HEADERS: frozenset[LayerKind] = frozenset({"IPv4", "IPv6", "extension", "TCP", "UDP", "ICMP", "ICMPv6"})


class Layer(Struct, frozen=True):
    """One header, or what the last header carries. `quoted`: it is of the packet that an ICMP error quotes."""

    kind: LayerKind
    start: int  # the first byte, counted from the first of the outer IP header
    length: int
    quoted: bool = False

    @property
    def is_header(self) -> bool:
        """Whether it is a header: what a protocol adds to the message."""
        return self.kind in _HEADERS


class Field(Struct, frozen=True, kw_only=True):
    """One field. `name` is the one that Wireshark's display filters use ("tcp.dstport"), where there is one.

    Bits are counted as RFCs do, from the left: `first_bit` 0 is the most significant bit of byte `start`.
    `relative`: a sequence number counted from the connection's first one, a window with its scale; None if not known.
    `check`: only of a checksum: what came of computing it ("unfilled": offloading left it to the network card, which
    loopback has not; "unused": the sender did not compute it; "unknown": bytes are missing). `expected`: what it would
    have to be.
    """

    name: str
    layer: int  # its index in Dissection.layers
    start: int
    first_bit: int = 0
    bits: int
    raw: int | bytes  # the number in those bits; bytes where it is none (a message, padding, what can't be read)
    shown: str
    depth: int = 0
    has_parts: bool = False  # the fields behind it that are deeper are its parts
    relative: int | None = None
    check: Check = ""
    expected: int | None = None

    @property
    def length(self) -> int:
        """How many bytes it touches."""
        return (self.first_bit + self.bits + 7) // 8

    @property
    def end(self) -> int:
        """The byte behind it."""
        return self.start + self.length

    @property
    def is_whole_bytes(self) -> bool:
        """Whether it has its bytes to itself."""
        return self.first_bit == 0 and self.bits % 8 == 0

    @property
    def span(self) -> tuple[int, int]:
        """Its first bit and the bit behind its last one, counted from the packet's first."""
        first = self.start * 8 + self.first_bit
        return first, first + self.bits


class Dissection(Struct, frozen=True, kw_only=True, dict=True):
    """A packet taken apart. `problem`: what is malformed, because ...; "" if nothing is.

    `missing`: bytes that the headers speak of and that were not captured.
    """

    raw: bytes
    layers: tuple[Layer, ...]
    fields: tuple[Field, ...]
    problem: str = ""
    missing: int = 0

    @cached_property
    def leaves(self) -> tuple[Field, ...]:
        """The fields without parts, in the order of their bits."""
        return tuple(field for field in self.fields if not field.has_parts)

    def index_at(self, byte: int) -> int | None:
        """The index of the first field without parts that has something of this byte; None outside the packet."""
        for index, field in enumerate(self.fields):
            if not field.has_parts and field.start <= byte < field.end:
                return index
        return None

    def index_of(self, name: str) -> int | None:
        """The index of the first field of that name, None if there is none."""
        return next((index for index, field in enumerate(self.fields) if field.name == name), None)

    def named(self, name: str) -> Field | None:
        """The first field of that name, None if there is none."""
        index = self.index_of(name)
        return None if index is None else self.fields[index]

    def headers(self) -> Iterator[Layer]:
        """The headers that carry the message, outermost first, without those of a packet that is only quoted."""
        return (layer for layer in self.layers if layer.is_header and not layer.quoted)
