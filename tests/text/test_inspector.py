"""The inspector's three pages as lines: exact at every size, one thing lit, honest about what was not seen."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from netsim.model.inspected import messages, neighbours, opened
from netsim.model.packet import Packet
from netsim.model.way import STEPS, way_of
from netsim.model.world import World
from netsim.story.fields import NO_PID
from netsim.text.charset import ASCII, UNICODE, Charset, cells
from netsim.text.hexdump import bytes_a_row, width_for
from netsim.text.inspected import View
from netsim.text.inspector import draw_inspector
from netsim.text.lines import Line, plain
from netsim.text.way import draw_way
from netsim.text.wrapping import draw_wrapping
from tests.text.inspected import numbered, world

SIZES = ((80, 24), (100, 30), (120, 36), (160, 45), (200, 50))
BOTH = pytest.mark.parametrize("charset", [UNICODE, ASCII], ids=["unicode", "ascii"])
EVERY_SIZE = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


def view(there: World, number: int, name: str = "", **more: object) -> View:
    packet = numbered(there, number)
    found = opened(there, packet)
    cursor = (found.index_of(name) or 0) if found is not None and name else 0
    return View(there, packet, neighbours(there, packet), found, cursor, **more)  # type: ignore[arg-type]


def rows(lines: list[Line]) -> list[str]:
    return [plain(line) for line in lines]


def lit(lines: list[Line]) -> str:
    """All that is in reverse video above the SPACE line."""
    return "|".join(span.text for line in lines[:-2] for span in line if span.style == "next")


def exact(lines: list[Line], size: tuple[int, int], charset: Charset) -> None:
    assert len(lines) == size[1]
    for line in lines:
        assert cells(plain(line)) == size[0], plain(line)
        assert not charset.ascii or plain(line).isascii()


def all_pages(
    there: World, packet: Packet, size: tuple[int, int], charset: Charset, *, covered: bool
) -> list[list[Line]]:
    found = opened(there, packet)
    made = []
    for cursor in range(0, len(found.fields) if found else 1, 7):
        made.append(View(there, packet, neighbours(there, packet), found, cursor, covered=covered))
    pages = [draw_inspector(each, *size, charset) for each in made]
    way = way_of(there, packet, covered=covered)
    pages += [draw_way(made[0], way, step, *size, charset) for step in range(len(STEPS))]
    transport = packet.conversation.transport
    for coat in range(3):
        pages.append(draw_wrapping(made[0], messages(there, packet), transport, coat, *size, charset))
    return pages


@BOTH
@EVERY_SIZE
def test_every_page_has_its_size(size: tuple[int, int], charset: Charset) -> None:
    there = world()
    for packet in there.packets:
        for covered in (False, True):
            for page in all_pages(there, packet, size, charset, covered=covered):
                exact(page, size, charset)


@EVERY_SIZE
def test_one_thing_is_lit_and_it_is_to_be_seen(size: tuple[int, int]) -> None:
    there = world()
    for packet in there.packets:
        found = opened(there, packet)
        assert found is not None
        for cursor, field in enumerate(found.fields):
            lines = draw_inspector(View(there, packet, neighbours(there, packet), found, cursor), *size, UNICODE)
            shown = bytes.fromhex(lit(lines).replace("|", ""))
            assert shown == packet.raw[field.start : field.end]
            assert sum(row.split(UNICODE.bar)[-1].startswith(UNICODE.next) for row in rows(lines)) == 1
        for step in range(len(STEPS)):
            lines = draw_way(view(there, packet.number), way_of(there, packet), step, *size, UNICODE)
            assert lit(lines).strip() == f"{step + 1} {STEPS[step]}"


def test_the_port_of_the_syn() -> None:
    there = world()
    lines = draw_inspector(view(there, 1, "tcp.dstport"), 80, 24, UNICODE)
    text = rows(lines)
    assert lit(lines) == "22| |b8" or lit(lines) == "22 b8"
    assert text[0].startswith(" netsim   inspector · 1 of 4 · SYN  client → server, passed")
    assert any("►" in row and "destination port" in row and "8888" in row for row in text)
    assert "destination port bytes 22 to 23" in text[15]
    assert text[15].endswith("RFC 9293, section 3.1 ─")
    assert text[16].startswith(" 8888  0x22b8  finds the service")
    assert text[17].startswith(" 0010 0010  1011 1000")
    assert text[17].rstrip().endswith("in Wireshark: tcp.dstport")
    assert text[21].strip() == NO_PID
    assert text[22].startswith(" SPACE  the way from port 8888 to the process")


@pytest.mark.parametrize(
    ("number", "name", "value", "bits"),
    [
        (1, "tcp.flags.syn", "1 = set", ".... ..1."),
        (1, "ip.flags.df", "0 = no", ".0.. ...."),
        (1, "tcp.hdr_len", "40 bytes", "1010 ...."),
        (
            2,
            "tcp.ack_raw",
            "1  relative to the first;  raw 1000 = 0x000003e8",
            "0000 0000  0000 0000  0000 0011  1110 1000",
        ),
        (3, "tcp.window_size_value", "64512 bytes  raw 63, times 1024", "0000 0000  0011 1111"),
        (1, "tcp.checksum", "right: computed anew it is the same", ""),
        (4, "tcp.payload", '19 bytes  "Connection received"', ""),
        (6, "icmp.code", "3 = port", "0000 0011"),
    ],
)
def test_values_and_bits(number: int, name: str, value: str, bits: str) -> None:
    text = rows(draw_inspector(view(world(), number, name), 80, 24, UNICODE))
    assert value in text[16]
    assert bits in text[17]


def test_a_wrong_checksum_is_said_to_be() -> None:
    there = world()
    syn = numbered(there, 1)
    spoilt = replace(syn, raw=syn.raw[:-1] + b"\x0b")
    there = replace(there, packets=(spoilt, *there.packets[1:]))
    text = rows(draw_inspector(view(there, 1, "tcp.checksum"), 80, 24, UNICODE))
    assert "WRONG: it would have to be 0x" in text[16]


def test_malformed_bytes_are_shown_as_far_as_they_can_be_read() -> None:
    there = world()
    cut = replace(numbered(there, 1), raw=numbered(there, 1).raw[:27])
    there = replace(there, packets=(cut, *there.packets[1:]))
    text = "\n".join(rows(draw_inspector(view(there, 1, "unread"), 80, 24, UNICODE)))
    assert "Malformed: the TCP header is cut after 7 bytes." in text
    assert "destination port" in text


def test_with_the_port_covered_its_bytes_can_t_be_read() -> None:
    there = world()
    for number in range(1, 7):
        for size in ((80, 24), (200, 50)):
            lines = draw_inspector(view(there, number, "ip.ttl", covered=True), *size, UNICODE)
            listed = "\n".join(row for row in rows(lines)[1:-9])
            assert "?? ??" in listed
            assert "22 b8" not in listed
            assert "8888" not in listed
    pointed = draw_inspector(view(there, 1, "tcp.dstport", covered=True), 80, 24, UNICODE)
    assert "8888" not in "\n".join(rows(pointed))


def test_a_byte_that_is_pointed_at_stands_in_brackets() -> None:
    there = world()
    text = "\n".join(rows(draw_inspector(view(there, 1, "tcp.dstport", pointed=23), 80, 24, UNICODE)))
    assert "22[b8]" in text


def test_an_inferred_packet_has_no_bytes() -> None:
    there = world()
    because = "segs_out went from 1 to 2"
    packet = replace(numbered(there, 1), raw=b"", evidence="inferred", because=because)
    there = replace(there, packets=(packet, *there.packets[1:]))
    for size in SIZES:
        lines = draw_inspector(view(there, 1), *size, UNICODE)
        exact(lines, size, UNICODE)
        text = "\n".join(rows(lines))
        assert "INFERRED" in text
        assert "No bytes were seen" in text
        assert because in text
        assert "--net private" in text
        assert re.search(r"destination port +8888", text)
        assert "0000" not in text
    way = draw_way(view(there, 1), way_of(there, packet), 6, 80, 24, UNICODE)
    assert "PID 41233" in "\n".join(rows(way))  # the four numbers are known, and with them the way


def test_the_way_shows_every_candidate_and_why_not() -> None:
    there = world()
    way = way_of(there, numbered(there, 3))
    text = rows(draw_way(view(there, 3), way, STEPS.index("four-tuple"), 80, 24, UNICODE))
    assert "1 of 5 possible, as the kernel lists them now" in text[9]
    assert text[10].startswith("►8888/tcp   ESTABLISHED  :51324   41233 server fd 4   this one")
    assert [row[54:].strip() for row in text[11:15]] == [
        "out: connections first", "out: another port", "out: it is UDP's", "out: it is UDP's",
    ]  # fmt: skip
    past = rows(draw_way(view(there, 3, mark="the past"), way, 0, 80, 24, UNICODE))
    assert "as the kernel lists them at that moment" in past[9]
    assert "the past" in past[0]


def test_the_coats_are_drawn_to_scale() -> None:
    there = world(message=b"hello")
    text = rows(draw_wrapping(view(there, 4), messages(there, numbered(there, 4)), "tcp", 0, 80, 24, UNICODE))
    assert "one column is one byte" in text[0]
    begins = [row.index("hello") for row in text[2:5]] + [row.index("hello") for row in text[7:10]]
    assert len(set(begins)) == 1
    drawn = [(begins[0] - len(row[: begins[0]].rstrip("├┤─abcdefghijklmnopqrstuvwxyz. "))) for row in text[2:5]]
    assert drawn[0] <= begins[0]
    assert [begins[0] - row.index("├") for row in (text[3], text[4], text[8], text[9])] == [32, 52, 8, 28]
    assert [re.findall(r"\+\d+", row) for row in (text[3], text[4], text[8], text[9])] == [
        ["+32"],
        ["+20"],
        ["+8"],
        ["+20"],
    ]
    assert "Headers: 52 bytes with TCP, 28 with UDP: 24 more" in "\n".join(text)


def test_without_the_other_transport_it_is_said_how_to_get_it() -> None:
    there = world()
    there = replace(there, packets=there.packets[:4])
    text = "\n".join(
        rows(draw_wrapping(view(there, 4), messages(there, numbered(there, 4)), "tcp", 0, 80, 24, UNICODE))
    )
    assert "No UDP message with known bytes yet: on the main screen press u" in text
    assert "Headers:" not in text
    unseen = replace(there, gate="none", packets=())
    text = "\n".join(
        rows(draw_wrapping(view(there, 4)._replace(world=unseen), messages(unseen, None), "tcp", 0, 80, 24, UNICODE))
    )
    assert "netsim --net private" in " ".join(text.split())


def test_the_hexdump_is_as_wide_as_it_says() -> None:
    assert (bytes_a_row(width_for(8)), bytes_a_row(width_for(16)), bytes_a_row(width_for(16) - 1)) == (8, 16, 8)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=1500), st.sampled_from(SIZES), st.sampled_from([UNICODE, ASCII]), st.data())
def test_no_message_breaks_the_picture(
    message: bytes, size: tuple[int, int], charset: Charset, data: st.DataObject
) -> None:
    there = world(message=message)
    packet = data.draw(st.sampled_from(there.packets))
    if data.draw(st.booleans()):  # and damaged
        packet = replace(packet, raw=packet.raw[: data.draw(st.integers(1, len(packet.raw)))])
        there = replace(
            there, packets=tuple(packet if each.number == packet.number else each for each in there.packets)
        )
    found = opened(there, packet)
    assert found is not None
    cursor = data.draw(st.integers(0, len(found.fields) - 1))
    looked = View(there, packet, neighbours(there, packet), found, cursor)
    exact(draw_inspector(looked, *size, charset), size, charset)
    coats = messages(there, packet)
    exact(draw_wrapping(looked, coats, packet.conversation.transport, 0, *size, charset), size, charset)
    exact(draw_way(looked, way_of(there, packet), 3, *size, charset), size, charset)
