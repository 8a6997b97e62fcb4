"""sock_diag in bytes: the requests, and what recorded and damaged answers are taken for."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from netsim.lab import netlink, sockdiag
from netsim.lab.sockdiag import SockDiag
from netsim.model.address import Address
from netsim.model.events import Counters

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the recorded bytes are little-endian")

RECORDED = Path(__file__).parent / "data" / "sockdiag_reply.hex"
DONE = netlink.message(netlink.NLMSG_DONE, 2, 0, bytes(4))


def recorded() -> list[bytes]:
    return [bytes.fromhex(line) for line in RECORDED.read_text().splitlines() if not line.startswith("#")]


class Scripted:
    """In the place of the netlink socket: answers each request with the next of `answers`."""

    def __init__(self, *answers: list[bytes]) -> None:
        self.sent: list[bytes] = []
        self._answers = list(answers)
        self._parts: list[bytes] = []
        self.closed = False

    def send(self, request: bytes) -> int:
        self.sent.append(request)
        self._parts = self._answers.pop(0) if self._answers else [DONE]
        return len(request)

    def recv(self, _: int) -> bytes:
        part = bytearray(self._parts.pop(0))
        sequence, offset = self.sent[-1][8:12], 0
        while offset < len(part):  # each message answers the request at hand, but those that say otherwise
            if part[offset + 8 : offset + 12] != b"\xff" * 4:
                part[offset + 8 : offset + 12] = sequence
            offset += int.from_bytes(part[offset : offset + 4], sys.byteorder)
        return bytes(part)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[SockDiag, Scripted]]:
    def make(*answers: list[bytes]) -> tuple[SockDiag, Scripted]:
        diag = SockDiag.__new__(SockDiag)
        script = Scripted(*answers)
        vars(diag).update(_socket=script, _sequence=0, _both_families_at_once=True)
        return diag, script

    return make


Make = Callable[..., tuple[SockDiag, Scripted]]


# --- bytes


@little_endian
def test_the_requests_are_these_bytes(scripted: Make) -> None:
    diag, script = scripted()
    diag.dump()
    no_id = "00" * 48
    assert [request.hex() for request in script.sent] == [
        # nlmsghdr: 76 bytes, TCPDIAG_GETSOCK, REQUEST|DUMP, number 1; no family, extension INFO; all states
        "4c000000" "1200" "0103" "01000000" "00000000" + "00000002" + no_id + "ffffffff" "00000000",
        # 72 bytes, SOCK_DIAG_BY_FAMILY; AF_INET, UDP; then AF_INET6
        "48000000" "1400" "0103" "02000000" "00000000" + "02110200" "ffffffff" + no_id,
        "48000000" "1400" "0103" "03000000" "00000000" + "0a110200" "ffffffff" + no_id,
    ]  # fmt: skip


@little_endian
def test_a_recorded_answer_is_read_as_ss_printed_it(scripted: Make) -> None:
    diag, _ = scripted(recorded())
    here = Address("127.0.0.1", 8888)
    listener, full, closing, first, second = diag.dump()
    assert (listener.state, listener.local, listener.remote) == ("LISTEN", here, None)
    assert (listener.receive_queue, listener.send_queue) == (2, 128)
    assert listener.counters is None
    assert (full.state, full.local, full.remote, full.inode) == ("ESTABLISHED", here, first.local, 0)
    assert full.receive_queue == 5
    assert full.counters == Counters(
        segs_out=1, segs_in=3, data_segs_out=0, data_segs_in=1, bytes_sent=0, bytes_acked=0, bytes_received=5,
        retransmits=0,
    )  # fmt: skip
    assert (closing.state, closing.remote, closing.receive_queue) == ("CLOSE_WAIT", second.local, 1)
    assert first.counters == Counters(
        segs_out=3, segs_in=2, data_segs_out=1, data_segs_in=0, bytes_sent=5, bytes_acked=6, bytes_received=0,
        retransmits=0,
    )  # fmt: skip
    assert (second.state, second.timer, second.counters, second.inode) == ("FIN_WAIT2", "timewait", None, 0)
    assert 59_000 < second.expires_ms <= 60_000


@little_endian
def test_ports_filter_by_either_end(scripted: Make) -> None:
    everything = scripted(recorded())[0].dump()
    peer = everything[-1].local.port
    assert scripted(recorded())[0].dump(frozenset((8888,))) == everything
    assert {each.local.port for each in scripted(recorded())[0].dump(frozenset((peer,)))} == {8888, peer}
    assert scripted(recorded())[0].dump(frozenset((1,))) == ()


@little_endian
def test_a_disturbed_answer_is_asked_for_once_more(scripted: Make) -> None:
    torn = bytearray(recorded()[0])
    torn[6] |= netlink.NLM_F_DUMP_INTR
    diag, script = scripted([bytes(torn), DONE], recorded())
    assert len(diag.dump()) == 5
    assert len(script.sent) == 4


@little_endian
def test_a_disturbed_answer_that_stays_so_is_taken(scripted: Make) -> None:
    torn = bytearray(recorded()[0])
    torn[6] |= netlink.NLM_F_DUMP_INTR
    diag, _ = scripted([bytes(torn), DONE], [bytes(torn), DONE])
    assert len(diag.dump()) == 1


@little_endian
def test_what_is_left_of_an_earlier_answer_is_passed_over(scripted: Make) -> None:
    stale = bytearray(recorded()[2])
    stale[8:12] = b"\xff" * 4
    diag, _ = scripted([bytes(stale) + recorded()[0], DONE])
    assert [each.state for each in diag.dump()] == ["LISTEN"]


@little_endian
def test_unknown_attributes_and_states_do_no_harm(scripted: Make) -> None:
    known = recorded()[2]
    attribute = (12).to_bytes(2, "little") + (99).to_bytes(2, "little") + b"whatever"
    longer = (len(known) + 12).to_bytes(4, "little") + known[4:] + attribute
    strange = bytearray(known)
    strange[17] = 99
    diag, _ = scripted([longer, bytes(strange), DONE])
    assert [each.receive_queue for each in diag.dump()] == [5]


@little_endian
def test_an_older_kernels_shorter_tcp_info_gives_no_counters(scripted: Make) -> None:
    head, attributes = recorded()[2][:88], list(netlink.attributes(memoryview(recorded()[2][88:])))
    short = b"".join(
        (4 + len(value)).to_bytes(2, "little") + kind.to_bytes(2, "little") + bytes(value) + bytes(-len(value) % 4)
        for kind, value in ((kind, value[:192] if kind == 2 else value) for kind, value in attributes)
    )
    whole = (len(head) + len(short)).to_bytes(4, "little") + head[4:] + short
    diag, _ = scripted([whole, DONE])
    (each,) = diag.dump()
    assert each.state == "ESTABLISHED"
    assert each.counters is None


def test_an_error_is_an_os_error_with_its_number(scripted: Make) -> None:
    refusal = netlink.message(netlink.NLMSG_ERROR, 0, 0, (-errno.EPERM).to_bytes(4, sys.byteorder, signed=True))
    diag, _ = scripted([refusal])
    with pytest.raises(PermissionError) as raised:
        diag.dump()
    assert raised.value.errno == errno.EPERM


@little_endian
def test_a_kernel_without_the_old_request_is_asked_by_family(scripted: Make) -> None:
    refusal = netlink.message(netlink.NLMSG_ERROR, 0, 0, (-errno.EINVAL).to_bytes(4, "little", signed=True))
    diag, script = scripted([refusal], recorded())
    assert len(diag.dump()) == 5
    assert [(request[4], request[16:18]) for request in script.sent[1:3]] == [(20, b"\x02\x06"), (20, b"\x0a\x06")]
    diag.dump()
    assert [request[4] for request in script.sent] == [18] + [20] * 8  # and not asked the old way again


def test_a_cut_off_message_is_an_os_error() -> None:
    with pytest.raises(OSError, match="half"):
        list(netlink.messages(netlink.message(20, 0, 1, bytes(72))[:-1]))
    with pytest.raises(OSError, match="half"):
        list(netlink.messages(b"\x10\x00"))


def test_without_netlink_it_is_an_os_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_NETLINK", raising=False)
    monkeypatch.setattr(sockdiag, "_shared", None)
    with pytest.raises(OSError, match="netlink"):
        sockdiag.dump()
