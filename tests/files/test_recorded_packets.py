"""Every packet of the recordings that come with netsim: tshark agrees in all fields, and all of it can be looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

import netsim.recordings
from netsim.files.recording import load
from netsim.model.fold import fold_all
from netsim.model.inspected import messages, neighbours, opened
from netsim.model.way import STEPS, way_of
from netsim.model.world import World
from netsim.story.way import told
from netsim.text.charset import UNICODE
from netsim.text.inspected import View
from netsim.text.inspector import draw_inspector
from netsim.text.way import draw_way
from netsim.text.wrapping import draw_wrapping
from tests.model.tshark import compare, read

RECORDINGS = sorted(Path(netsim.recordings.__file__).parent.glob("*.jsonl"))
EACH = pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)


def recorded(path: Path) -> World:
    return fold_all(World(), load(path))


@pytest.mark.needs_tshark
@EACH
def test_tshark_agrees_in_every_field(path: Path, tmp_path: Path) -> None:
    world = recorded(path)
    with_bytes = [packet for packet in world.packets if packet.raw]
    told_by_tshark = read(tmp_path, [packet.raw for packet in with_bytes]) if with_bytes else []
    assert len(told_by_tshark) == len(with_bytes)
    for packet, (places, values) in zip(with_bytes, told_by_tshark, strict=True):
        found = opened(world, packet)
        assert found is not None
        assert (found.problem, found.missing) == ("", 0)
        assert compare(found, places, values) > 20


@EACH
def test_every_packet_can_be_looked_at(path: Path) -> None:
    world = recorded(path)
    for packet in world.packets:
        view = View(world, packet, neighbours(world, packet), opened(world, packet), mark="RECORDED")
        way = way_of(world, packet)
        pages = [
            draw_inspector(view, 80, 24, UNICODE),
            draw_way(view, way, len(STEPS) - 1, 80, 24, UNICODE),
            draw_wrapping(view, messages(world, packet), packet.conversation.transport, 0, 80, 24, UNICODE),
        ]
        assert all(len(page) == 24 for page in pages)
        assert all(told(way, step).found for step in STEPS)


def test_there_are_recordings_with_packets() -> None:
    assert sum(len(recorded(path).packets) for path in RECORDINGS) > 20
