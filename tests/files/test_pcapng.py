"""The exported file: tshark and capinfos read it without a complaint, and find in it what is known of each packet."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from netsim.files.pcapng import written
from netsim.files.recording import load
from netsim.files.replay import bundled
from netsim.model import events as e
from netsim.model.decode import decode
from netsim.model.wire import ACK, FIN, SYN, Segment
from netsim.story.captions import Caption, captions


def exported(path: Path, packets: list[Caption]) -> Path:
    path.write_bytes(written(packets))
    return path


def tshark(path: Path) -> list[dict[str, Any]]:
    """Each packet's layers; a complaint is a failure."""
    done = subprocess.run(
        ["tshark", "-r", path, "-T", "json", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"],
        capture_output=True, encoding="utf-8", errors="replace", check=True,  # it cuts long comments anywhere
    )  # fmt: skip
    complaints = [line for line in done.stderr.splitlines() if line and not line.startswith("Running as user")]
    assert complaints == []
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


def story() -> list[e.AnyEvent]:
    return load(bundled()["handshake"])


@pytest.mark.needs_tshark
class TestTshark:
    def test_fields_and_comments_agree(self, tmp_path: Path) -> None:
        packets = captions(story())
        found = tshark(exported(tmp_path / "story.pcapng", packets))
        assert len(found) == len(packets) == 11
        for packet, layers in zip(packets, found, strict=True):
            segment = decode(packet.raw)
            assert isinstance(segment, Segment)
            tcp, frame = layers["tcp"], layers["frame"]
            assert [tcp["tcp.srcport"], tcp["tcp.dstport"]] == [
                str(segment.source.port), str(segment.destination.port)
            ]  # fmt: skip
            assert int(tcp["tcp.flags"], 16) == segment.bits
            assert [int(tcp["tcp.seq_raw"]), int(tcp["tcp.ack_raw"])] == [segment.seq, segment.ack]
            assert int(tcp["tcp.len"]) == segment.length
            assert [layers["ip"]["ip.src"], layers["ip"]["ip.dst"]] == ["127.0.0.1", "127.0.0.1"]
            assert frame["frame.encap_type"] == "7"  # raw IP
            assert float(frame["frame.time_epoch"].removesuffix("Z").split(":")[-1]) == pytest.approx(packet.at)
            assert packet.comment in json.dumps(layers)
        kinds = [decode(packet.raw).bits & (SYN | ACK | FIN) for packet in packets]  # type: ignore[union-attr]
        assert kinds[:3] == [SYN, SYN | ACK, ACK]
        assert sum(bool(kind & FIN) for kind in kinds) == 2

    def test_capinfos_finds_nothing_wrong(self, tmp_path: Path) -> None:
        path = exported(tmp_path / "story.pcapng", captions(story()))
        done = subprocess.run(["capinfos", path], capture_output=True, text=True, check=True)
        for wanted in ("Raw IP", "nanoseconds (9)", "Capture application: netsim", "= lo", "packets:   11"):
            assert wanted in done.stdout
        assert "Strict time order:   True" in done.stdout

    def test_labs_are_interfaces_of_their_own(self, tmp_path: Path) -> None:
        found = tshark(exported(tmp_path / "two.pcapng", captions(story() + story())))
        ids = [layers["frame"]["frame.interface_id"] for layers in found]
        assert ids == ["0"] * 11 + ["1"] * 11

    @pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 255, 65_535])
    def test_odd_lengths_and_odd_letters(self, tmp_path: Path, size: int) -> None:
        packet = Caption(1, 0.1 + 0.2, b"\xff" * size, "é" * size)
        assert len(tshark(exported(tmp_path / "odd.pcapng", [packet, packet]))) == 2


def test_each_block_says_its_length_twice_and_ends_on_four_bytes() -> None:
    content = written(captions(story()))
    at, kinds = 0, []
    while at < len(content):
        kind, length = struct.unpack_from("<II", content, at)
        assert length % 4 == 0
        assert struct.unpack_from("<I", content, at + length - 4) == (length,)
        kinds.append(kind)
        at += length
    assert kinds == [0x0A0D0D0A, 1, *[6] * 11]
