"""Captions: whose call a packet came from, with its PID, and when it was nobody's."""

from __future__ import annotations

from netsim.files.recording import load
from netsim.files.replay import bundled
from netsim.model import events as e
from netsim.model.fold import fold_all
from netsim.model.world import World
from netsim.story.captions import captions
from tests.script import Script


def test_each_packet_of_the_main_story_has_its_step_its_call_and_its_pid() -> None:
    events = load(bundled()["handshake"])
    pids = {event.who: event.pid for event in events if isinstance(event, e.EndpointStarted)}
    client, server = (f"the {who.rstrip('1')}, PID {pids[who]}" for who in ("client1", "server"))
    kernel = "no system call: the kernel"
    wanted = [
        ("step 6", f"connect() of {client}"),
        ("step 7", f"{kernel} answered the SYN, for an end that no process has"),
        ("step 8", f"{kernel} acknowledged, for {client}"),
        ("step 11", f"send() of {server}"),
        ("step 12", f"{kernel} acknowledged, for {client}"),
        ("step 15", f"send() of {client}"),
        ("step 16", f"{kernel} acknowledged, for {server}"),
        ("step 19", f"close() of {client}"),
        ("step 20", f"{kernel} acknowledged, for {server}"),
        ("step 23", f"close() of {server}"),
        ("step 24", f"{kernel} acknowledged, for {client}, which has ended"),
    ]
    found = captions(events)
    assert [tuple(each.comment.split("; ")[1:3]) for each in found] == wanted
    assert [each.comment.split("; ")[0] for each in found] == [f"packet {number}" for number in range(1, 12)]
    assert {each.comment.split("; ")[3] for each in found[:-1]} == {"held at the gate, then delivered"}
    assert found[-1].comment.endswith("; held at the gate")
    held = [event for event in events if isinstance(event, e.PacketHeld)]
    assert [(each.at, each.raw, each.lab) for each in found] == [(event.at, event.raw, 1) for event in held]


def test_what_was_dropped_and_what_passed_says_so() -> None:
    events = load(bundled()["handshake"])
    first = next(index for index, event in enumerate(events) if isinstance(event, e.PacketReleased))
    events[first] = e.PacketDropped(at=events[first].at, number=1)
    assert captions(events)[0].comment.endswith("; held at the gate, then dropped: it is lost")
    held = next(event for event in events if isinstance(event, e.PacketHeld))
    seen = e.PacketSeen(at=held.at, number=1, raw=held.raw, conversation=held.conversation, sender=held.sender)
    events[events.index(held)] = seen
    assert "; seen at the open gate" in captions(events[: first - 1])[0].comment


def test_a_copy_is_the_kernel_s_alone() -> None:
    events = load(bundled()["handshake"])
    held = next(event for event in events if isinstance(event, e.PacketHeld))
    copy = e.PacketHeld(at=9.9, number=12, raw=held.raw, conversation=held.conversation, sender=held.sender,
                        repeats=True, copy_of=1)  # fmt: skip
    assert "no system call: the kernel sent it again, for the client, PID" in captions([*events, copy])[-1].comment


def test_the_second_lab_of_a_recording_is_another() -> None:
    events = load(bundled()["handshake"])
    found = captions(events + events)
    assert [each.lab for each in found] == [1] * 11 + [2] * 11
    assert [each.comment for each in found[:11]] == [each.comment for each in found[11:]]


def test_where_the_oldest_events_are_gone_the_rest_is_told() -> None:
    events = load(bundled()["handshake"])
    cut = 58
    assert len(captions(events[cut:], fold_all(World(), events[:cut]))) == 8


def test_inferred_packets_have_none() -> None:
    script = Script()
    script.open()
    assert captions(script.events) == []
