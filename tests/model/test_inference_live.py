"""The stories once more, on the live kernel with tshark beside: what is inferred is what tshark sees on the wire."""

from __future__ import annotations

import os
import random
import select
import socket
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from netsim.model.packet import Packet
from tests.model.prose import inferred
from tests.model.stage import Stage
from tests.model.stories import STORIES

pytestmark = [pytest.mark.needs_sock_diag, pytest.mark.needs_tshark, pytest.mark.as_root]

WATCHED = ("main", "main_free", "simple_pair", "refused", "killed_unread", "restart", "half_close", "unaccepted")
_FLAGS = {0x01: "FIN", 0x02: "SYN", 0x04: "RST", 0x08: "PSH", 0x10: "ACK"}
_FIELDS = ("tcp.srcport", "tcp.dstport", "tcp.flags", "tcp.seq", "tcp.ack", "tcp.len", "udp.length")


class Line(NamedTuple):
    """A segment: who sent it, its flags, relative numbers as Wireshark shows them, payload bytes."""

    sender: str
    flags: frozenset[str]
    seq: int | None
    ack: int | None
    length: int


class Tshark:
    """tshark on `lo`. What it has seen so far is known by sending it a datagram and waiting until it shows that."""

    def __init__(self, ports: list[int], marker: int) -> None:
        expression = " or ".join([*(f"tcp port {port}" for port in ports), f"udp port {marker}"])
        fields = [word for field in _FIELDS for word in ("-e", field)]
        options = ["-i", "lo", "-l", "-n", "-Q", "-f", expression, "-T", "fields", "-E", "separator=,", *fields]
        self._process = subprocess.Popen(["tshark", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._marker, self._marks = marker, 0
        self._text = b""
        self.rows: list[list[str]] = []

    def catch_up(self) -> bool:
        """Read until it has seen everything up to now; False if it does not capture at all."""
        self._marks += 1  # each mark has a length of its own
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            while self._process.poll() is None:
                probe.sendto(bytes(self._marks), ("127.0.0.1", self._marker))
                if self._read_to(str(8 + self._marks)):  # with the UDP header
                    return True
        return False

    def _read_to(self, mark: str) -> bool:
        """Take in what it tells, until a tenth of a second is silent; whether the mark was among it."""
        assert self._process.stdout is not None
        seen = False
        while not seen and select.select([self._process.stdout], [], [], 0.1)[0]:
            more = os.read(self._process.stdout.fileno(), 1 << 16)
            if not more:
                break
            *lines, self._text = (self._text + more).split(b"\n")
            for row in (line.decode().split(",") for line in lines):
                seen = seen or row[-1] == mark
                if not row[-1]:
                    self.rows.append(row)
        return seen

    def close(self) -> str:
        self._process.terminate()
        return self._process.communicate()[1].decode()

    def lines(self, port: int) -> list[Line]:
        found = []
        for source, destination, flags, seq, ack, length, _ in self.rows:
            if str(port) in (source, destination):
                names = frozenset(name for bit, name in _FLAGS.items() if int(flags, 16) & bit)
                sender = "client" if destination == str(port) else "server"
                found.append(Line(sender, names, int(seq), int(ack) if "ACK" in names else None, int(length)))
        return found


def play(name: str, port: int) -> Stage:
    """The stage after the story, with its processes still alive."""
    stage = Stage(port, orderly=not name.endswith("_free"))
    try:
        STORIES[name](stage)
    except BaseException:
        stage.close()
        raise
    return stage


@pytest.fixture(scope="module")
def seen() -> Iterator[Mapping[str, tuple[list[Line], list[Packet]]]]:
    """Each story's segments, as tshark saw them, and the packets inferred of them."""
    ports = dict(zip(WATCHED, random.sample(range(20_000, 30_000), len(WATCHED)), strict=True))
    tshark = Tshark(list(ports.values()), marker=random.randrange(30_000, 32_000))
    try:
        if not tshark.catch_up():
            pytest.skip(f"tshark can't capture here: {tshark.close().strip()}")
        with ThreadPoolExecutor(4) as pool:
            stages = dict(zip(ports, pool.map(play, ports, ports.values()), strict=True))
        assert tshark.catch_up()  # before the processes end, and their sockets with them
        packets = {name: inferred(stage.events) for name, stage in stages.items()}
        for stage in stages.values():
            stage.close()
        yield {name: (tshark.lines(port), packets[name]) for name, port in ports.items()}
    finally:
        tshark.close()


@pytest.mark.parametrize("name", WATCHED)
def test_tshark_saw_the_same(name: str, seen: Mapping[str, tuple[list[Line], list[Packet]]]) -> None:
    lines, packets = seen[name]
    assert lines
    assert [Line(each.sender, each.flags, each.seq, each.ack, each.length) for each in packets] == lines
