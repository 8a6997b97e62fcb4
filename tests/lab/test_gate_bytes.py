"""What the gate says to the kernel, byte for byte, and what it makes of the kernel's answers. No kernel needed.

The native rule, table and chain are what `nft --debug=mnl` sends for `add rule inet netsim gate queue flags bypass to
0`, the route what `ip route replace local 127.0.0.1 ... rto_min 1000ms quickack 1` sends, plus the nested flag.
"""

from __future__ import annotations

import errno
import struct
import sys

import pytest

from netsim.lab import asking, loopback, netlink, nftables, packetqueue, routes
from netsim.lab.nftables import GateError, Installed
from netsim.lab.packetqueue import QueuedPacket

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the golden bytes are a little-endian machine's")

GOLDEN = {
    "table": (
        nftables.table("inet", 1),
        """
            20000000 000a 0506 01000000 00000000 01000000
            0b00 0100 6e657473696d00 00
        """,
    ),
    "chain": (
        nftables.chain("inet", 1),
        """
            4c000000 030a 0504 01000000 00000000 01000000
            0b00 0100 6e657473696d00 00
            0900 0300 6761746500 000000
            0b00 0700 66696c74657200 00
            1400 0480 0800 0100 00000001 0800 0200 00000000
        """,
    ),
    "rule, native": (
        nftables.rule("inet", 1, 0, "nft queue"),
        """
            5c000000 060a 050c 01000000 00000000 01000000
            0b00 0100 6e657473696d00 00
            0900 0200 6761746500 000000
            3000 0480 2c00 0180 0a00 0100 717565756500 0000
            1c00 0280 0600 0100 0000 0000 0600 0200 0001 0000 0600 0300 0001 0000
        """,
    ),
    "rule, xt": (
        nftables.rule("ip6", 4, 7, "xt NFQUEUE"),
        """
            64000000 060a 050c 04000000 00000000 0a000000
            0b00 0100 6e657473696d00 00
            0900 0200 6761746500 000000
            3800 0480 3400 0180 0b00 0100 74617267657400 00
            2400 0280 0c00 0100 4e46515545554500 0800 0200 00000003
            0c00 0300 0700 0100 0100 0000
        """,
    ),
    "queue, bind": (packetqueue.configuration(3, 4096)[0][1], "00 00 0003 0800 0100 01 00 0000"),
    "queue, copy": (packetqueue.configuration(3, 4096)[1][1], "00 00 0003 0900 0200 00001000 02 000000"),
    "queue, length": (packetqueue.configuration(3, 4096)[2][1], "00 00 0003 0800 0300 00001000"),
    "verdict": (
        packetqueue.verdict(3, 0x01020304, 1),
        "20000000 0103 0100 00000000 00000000 00 00 0003 0c00 0200 00000001 01020304",
    ),
    "route, IPv4": (
        routes.local_route("127.0.0.1/32", 1000),
        """
            02 20 00 00 ff 02 fe 02 00000000
            0800 0100 7f000001 0800 0400 01000000 0800 0700 7f000001
            1c00 0880 0800 0100 00200000 0800 0d00 e8030000 0800 0f00 01000000
        """,
    ),
    "route, IPv6": (
        routes.local_route("::1/128", 3000),
        """
            0a 80 00 00 ff 02 00 02 00000000
            1400 0100 00000000000000000000000000000001 0800 0400 01000000
            1c00 0880 0800 0100 00200000 0800 0d00 b80b0000 0800 0f00 01000000
        """,
    ),
}


@pytest.mark.parametrize(("made", "golden"), GOLDEN.values(), ids=GOLDEN.keys())
def test_golden_bytes(made: bytes, golden: str) -> None:
    assert made.hex(" ") == bytes.fromhex(golden).hex(" ")


# --- what the kernel answers


def error_message(number: int, sequence: int = 0) -> bytes:
    request = struct.pack("=IHHII", 16, 0x301, 1, sequence, 0)
    return netlink.message(netlink.NLMSG_ERROR, 0, sequence, struct.pack("=i", -number) + request)


def packet_message(id_: int, payload: bytes) -> bytes:
    header = asking.attribute(1, struct.pack(">IHB", id_, 0x0800, 1))
    return netlink.message(0x300, 0, 0, asking.netfilter(2, 0, header, asking.attribute(10, payload)))


def test_packets_are_read_out_of_messages() -> None:
    received = packet_message(7, b"E\x00\x00") + packet_message(8, b"")
    assert packetqueue.packets(received) == [QueuedPacket(7, 1, b"E\x00\x00"), QueuedPacket(8, 1, b"")]


def test_a_verdict_for_a_packet_that_has_gone_is_no_error() -> None:
    assert packetqueue.packets(error_message(errno.ENOENT)) == []
    with pytest.raises(PermissionError):
        packetqueue.packets(error_message(errno.EPERM))


# --- which way, and what if not


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of the kernel, in place of asking it; only the loopback is up."""
    monkeypatch.setattr(loopback, "interfaces_up", lambda: ("lo",))
    return []


def refuse(monkeypatch: pytest.MonkeyPatch, asked: list[str], refusals: dict[str, int]) -> None:
    def transact(family: str, _queue: int, way: str) -> None:
        asked.append(f"{family} {way}")
        for part, number in refusals.items():
            if part in asked[-1]:
                raise GateError(f"nft rule {family} ({way})", number)

    monkeypatch.setattr(nftables, "_transact", transact)


def test_the_native_expression_comes_first(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    refuse(monkeypatch, asked, {})
    assert nftables.install() == Installed("nft queue", ("inet",))
    assert asked == ["inet nft queue"]


def test_where_there_is_none_the_target(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    refuse(monkeypatch, asked, {"nft queue": errno.ENOENT})
    assert nftables.install() == Installed("xt NFQUEUE", ("ip", "ip6"))
    assert asked == ["inet nft queue", "ip xt NFQUEUE", "ip6 xt NFQUEUE"]


def test_a_kernel_without_ipv6(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    refuse(monkeypatch, asked, {"nft queue": errno.ENOENT, "ip6": errno.EAFNOSUPPORT})
    assert nftables.install() == Installed("xt NFQUEUE", ("ip",), (("ip6", errno.EAFNOSUPPORT),))


def test_neither(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    refuse(monkeypatch, asked, {"": errno.ENOENT})
    with pytest.raises(GateError) as refused:
        nftables.install()
    assert (refused.value.step, refused.value.errno) == ("nft rule ip (xt NFQUEUE)", errno.ENOENT)
    assert isinstance(refused.value.__cause__, GateError)
    assert refused.value.__cause__.step == "nft rule inet (nft queue)"


def test_not_allowed_is_not_tried_twice(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    refuse(monkeypatch, asked, {"nft queue": errno.EPERM})
    with pytest.raises(GateError, match=r"nft rule inet \(nft queue\): EPERM \(Operation not permitted\)"):
        nftables.install()
    assert asked == ["inet nft queue"]


def test_never_in_the_machines_own_net(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    refuse(monkeypatch, asked, {})
    monkeypatch.setattr(loopback, "interfaces_up", lambda: ("lo", "eth0", "wlan0"))
    with pytest.raises(GateError, match="not a private net: eth0, wlan0 is up: EBUSY"):
        nftables.install()
    assert asked == []
