"""What holds of inference whatever is seen and whatever is missed: parts of real sessions, in any order."""

from __future__ import annotations

from collections import Counter
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from netsim.model.events import AnyEvent, CallReturned, SocketsObserved
from netsim.model.inference import Ledger, infer
from netsim.model.packet import Packet
from tests.model.prose import inferred
from tests.model.test_inference import EXPECTED, recording

recorded = cache(recording)
names = st.sampled_from(sorted(EXPECTED))


@st.composite
def parts(draw: st.DrawFn) -> tuple[str, list[AnyEvent]]:
    """Some of a session's events, in their order; calls and lists of sockets are left out alike."""
    name = draw(names)
    events = recorded(name)
    kept = draw(st.lists(st.booleans(), min_size=len(events), max_size=len(events)))
    return name, [event for event, keep in zip(events, kept, strict=True) if keep]


@st.composite
def fewer_looks(draw: st.DrawFn) -> tuple[str, list[AnyEvent]]:
    """All of a session's calls, but only some of its lists."""
    name = draw(names)
    events = recorded(name)
    kept = draw(st.lists(st.booleans(), min_size=len(events), max_size=len(events)))
    return name, [e for e, keep in zip(events, kept, strict=True) if keep or not isinstance(e, SocketsObserved)]


def check(name: str, packets: list[Packet]) -> None:
    assert all(packet.because for packet in packets)
    limit = most(recorded(name))
    assert all(size <= limit for size in sizes(packets).values())
    for packet in packets:
        assert packet.seq is None or packet.seq >= 0
        assert packet.ack is None or packet.ack >= 1
    for conversation in {packet.conversation for packet in packets if packet.transport == "tcp"}:
        check_order([packet for packet in packets if packet.conversation == conversation])


def sizes(packets: list[Packet]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for packet in packets:
        found[str(packet.conversation), packet.sender] += packet.length
    return found


def most(events: list[AnyEvent]) -> int:
    """The most bytes that the kernel counts for an end, repeats among them, or that calls sent."""
    by_kernel = [
        each.counters.bytes_sent
        for event in events
        if isinstance(event, SocketsObserved)
        for each in event.sockets
        if each.counters is not None
    ]
    return max([*by_kernel, sum(e.size or 0 for e in events if isinstance(e, CallReturned) and "send" in e.name)])


def check_order(packets: list[Packet]) -> None:
    """Nothing is acknowledged before it was sent, nothing is sent twice, nothing comes after a RST."""
    sent = {"client": 0, "server": 0}
    for packet in packets:
        peer = "server" if packet.sender == "client" else "client"
        if packet.fate == "delivered" and packet.ack is not None:
            assert packet.ack <= sent[peer] or "RST" in packet.flags
        if packet.fate == "delivered" and packet.seq is not None:
            assert packet.seq == sent[packet.sender] or "RST" in packet.flags or _is_repeat(packet)
            sent[packet.sender] = max(
                sent[packet.sender], packet.seq + packet.length + ("SYN" in packet.flags) + ("FIN" in packet.flags)
            )
        assert "RST" not in packet.flags or packet is packets[-1]


def _is_repeat(packet: Packet) -> bool:
    return "sent again" in packet.because


@settings(max_examples=4000, deadline=None)
@given(parts())
def test_any_part_of_a_session_shows_only_what_it_can_justify(part: tuple[str, list[AnyEvent]]) -> None:
    check(part[0], inferred(part[1]))


@settings(max_examples=4000, deadline=None)
@given(fewer_looks())
def test_fewer_looks_show_no_more(part: tuple[str, list[AnyEvent]]) -> None:
    name, events = part
    packets = inferred(events)
    check(name, packets)
    for key, count in beginnings_and_ends(packets).items():
        assert count <= beginnings_and_ends(inferred(recorded(name)))[key]


def beginnings_and_ends(packets: list[Packet]) -> Counter[tuple[str, str, bool]]:
    return Counter(
        (str(packet.conversation), packet.sender, "SYN" in packet.flags)
        for packet in packets
        if packet.flags & {"SYN", "FIN"} and packet.fate == "delivered"
    )


@settings(max_examples=800, deadline=None)
@given(st.data(), names)
def test_whatever_comes_nothing_is_raised(data: st.DataObject, name: str) -> None:
    events = list(recorded(name)) + list(recorded(data.draw(names)))
    ledger = Ledger()
    for event in data.draw(st.permutations(events))[:60]:
        ledger, packets = infer(ledger, event)
        assert all(packet.because for packet in packets)
