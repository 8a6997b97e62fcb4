"""The words of the inspector: every field has a meaning, no field is a PID, and what is unknown is said to be."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from netsim.model.dissect import dissect
from netsim.model.fields import Check, Field
from netsim.story.fields import MACHINE, MEANINGS, SERVICE, meaning
from netsim.story.inspecting import checksum, history, inferred, packet_to_inspect, place, title
from tests.model.test_dissect import KINDS
from tests.script import ref
from tests.worlds import build, datagram, packet, packets, program


@pytest.mark.parametrize("name", MEANINGS)
def test_a_meaning_is_short_and_has_a_source(name: str) -> None:
    told = MEANINGS[name]
    assert len(told.title) <= 18
    assert told.what.endswith(".")
    assert len(told.what) <= 2 * 75
    assert re.fullmatch(r"RFC \d{3,4}, (section \d[\d.]*\d|section \d|[A-Z][A-Za-z ]+)", told.source)


def test_every_field_has_a_meaning() -> None:
    names = {field.name for raw in KINDS for field in dissect(raw).fields}
    assert names <= MEANINGS.keys()
    assert len(names) > 60


@given(st.sampled_from(KINDS), st.data())
def test_every_field_of_damaged_packets_has_one_too(raw: bytes, data: st.DataObject) -> None:
    spoilt = bytearray(raw[: data.draw(st.integers(1, len(raw)))])
    spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    for field in dissect(bytes(spoilt)).fields:
        assert meaning(field.name)


def test_the_stars_find_the_machine_and_the_service() -> None:
    stars = {name: told.star for name, told in MEANINGS.items() if told.star}
    assert stars == {
        "ip.src": MACHINE, "ip.dst": MACHINE, "ipv6.src": MACHINE, "ipv6.dst": MACHINE,
        "tcp.srcport": SERVICE, "tcp.dstport": SERVICE, "udp.srcport": SERVICE, "udp.dstport": SERVICE,
    }  # fmt: skip
    assert not any(re.search(r"\bpid\b", f"{name} {told.title}", re.IGNORECASE) for name, told in MEANINGS.items())


@pytest.mark.parametrize("check", ["right", "wrong", "unfilled", "unused", "unknown"])
def test_checksums_are_judged_in_words(check: Check) -> None:
    field = Field(name="tcp.checksum", layer=0, start=0, bits=16, raw=1, shown="0x0001", check=check, expected=0xABCD)
    assert checksum(field)
    assert ("0xabcd" in checksum(field)) == (check == "wrong")
    assert ("network card" in checksum(field)) == (check == "unfilled")


def test_which_packet_is_opened() -> None:
    delivered = packets("> SYN seq=0", "< SYN-ACK seq=0 ack=1")
    held = packets("> ACK ack=1 held", "< 19 bytes seq=1 held", first=3)
    assert packet_to_inspect(build()) is None
    client = program("client1", sockets=(ref(3, 40, 51324, 8888),))
    world = build(client, packets=(*delivered, *held))
    to_be_delivered = packet_to_inspect(world)
    assert to_be_delivered is not None
    assert to_be_delivered.number == 3
    newest = packet_to_inspect(build(client, packets=delivered))
    assert newest is not None
    assert newest.number == 2
    assert packet_to_inspect(build(program("client1"), packets=delivered)) is None  # they are another's


def test_titles_and_places() -> None:
    there = packets("> SYN seq=0", "< SYN-ACK seq=0 ack=1 lost", "> 5 bytes seq=1 held")
    world = build(program("client1", sockets=(ref(3, 51, 51324, 8888),)), packets=there)
    assert [title(each, world) for each in there] == [
        "SYN  client > server, passed", "SYN-ACK  server > client, lost", "5 bytes  client > server, held",
    ]  # fmt: skip
    assert place(there[1], there) == (2, 3)


def test_what_happened_to_it() -> None:
    lost, again = packets("> 5 bytes seq=1 lost", "> 5 bytes seq=1 held")
    again = replace(again, repeats=True, copy_of=1)
    piled = replace(packet("> SYN seq=0"), number=3, copies=2)
    world = build(program("client1"), packets=(lost, again, piled))
    assert history(lost, world) == "It was lost; packet 2 is its copy."
    assert history(again, world) == "It is a copy of packet 1: no answer had come, so the kernel sent it again."
    assert history(piled, world) == "It was sent again 2 times; those copies were taken off the wire."
    assert history(packet("> SYN seq=0"), build()) == ""


def test_an_inferred_packet_tells_what_is_known_and_no_more() -> None:
    known = dict(inferred(packet("< 19 bytes seq=1", evidence="inferred")))
    assert known["source port"] == "8888"
    assert known["destination port"] == "51324"
    assert known["sequence number"] == "1  (relative)"
    assert known["acknowledgment"] == "not known"
    assert known["message"] == "19 bytes"
    assert not {"window", "checksum", "options"} & known.keys()
    assert "flags" not in dict(inferred(datagram(">", b"hi")))
