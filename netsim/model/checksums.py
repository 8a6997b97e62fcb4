"""The Internet checksum (RFC 1071): computed over what it covers, and compared with what stands in the header."""

from __future__ import annotations

from netsim.model.fields import Check


def ones_sum(*parts: bytes) -> int:
    """The sum of the 16-bit words in ones' complement; each part of an odd size is taken with a zero byte behind it."""
    total = 0
    for part in parts:
        if len(part) % 2:
            part += b"\0"
        total += sum(int.from_bytes(part[at : at + 2], "big") for at in range(0, len(part), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def pseudo_header(source: bytes, destination: bytes, protocol: int, length: int) -> bytes:
    """What TCP's, UDP's and ICMPv6's checksums cover besides (RFC 9293, 3.1; RFC 768; RFC 8200, 8.1)."""
    size = 2 if len(source) == 4 else 4
    between = b"\0" + bytes([protocol]) if len(source) == 4 else b"\0\0\0" + bytes([protocol])
    if len(source) == 4:
        return source + destination + between + (length & 0xFFFF).to_bytes(size, "big")
    return source + destination + length.to_bytes(size, "big") + between


def verify(covered: bytes, at: int, *, pseudo: bytes = b"", zero_means_unused: bool = False) -> tuple[Check, int]:
    """What the checksum at offset `at` of the covered bytes is worth, and what it would have to be.

    A sender that leaves the work to its network card writes the pseudo header's sum alone there (Linux:
    CHECKSUM_PARTIAL); on the loopback no card ever completes it.
    """
    found = int.from_bytes(covered[at : at + 2], "big")
    expected = ~ones_sum(pseudo, covered[:at] + b"\0\0" + covered[at + 2 :]) & 0xFFFF
    if zero_means_unused:
        if found == 0:
            return "unused", expected or 0xFFFF
        expected = expected or 0xFFFF  # RFC 768: a sum of zero is sent as all ones
    if found == expected or {found, expected} == {0, 0xFFFF}:  # ones' complement has two zeros
        return "right", expected
    return ("unfilled" if pseudo and found == ones_sum(pseudo) else "wrong"), expected
