"""What is said of the past: what came next, as it was observed."""

from __future__ import annotations

from itertools import pairwise

from netsim.files.recording import load
from netsim.files.replay import bundled
from netsim.model import events as e
from netsim.model.timeline import Timeline
from netsim.model.visible import moments
from netsim.story.hindsight import NO_ACTING, NO_ACTING_RECORDED, what_comes
from netsim.story.narrator import WIDTH
from tests.script import Script

LABEL = 72  # columns that the SPACE line has for it at 80


def what_came(events: list[e.AnyEvent]) -> list[str]:
    timeline = Timeline()
    for event in events:
        timeline.append(event)
    return [what_comes(timeline.at(one), timeline.between(one, other)) for one, other in pairwise(moments(events))]


def test_the_main_story_is_told_thing_by_thing() -> None:
    said = what_came(load(bundled()["handshake"]))
    assert said[:12] == [
        "socket() of the server returns",
        "setsockopt() of the server returns",
        "bind() of the server returns",
        "listen() of the server returns",
        "socket() of the client returns",
        "the SYN from the client comes to the gate",
        "the client sleeps in connect()",
        "the SYN is delivered",
        "the SYN-ACK from the server comes to the gate",
        "the SYN-ACK is delivered",
        "the ACK from the client comes to the gate",
        "connect() of the client returns",
    ]
    assert "the segment with 19 bytes is delivered" in said
    assert "the client ends" in said
    assert all(said)
    assert max(map(len, said)) <= LABEL


def test_other_things_that_can_happen() -> None:
    script = Script()
    script.open()
    for kind, add in {
        "connect() of the client fails": lambda: script.call("client1", "connect", error="ECONNREFUSED"),
        "the gate is opened": lambda: script.add(e.GateOpened(at=script.now)),
        "the gate is closed": lambda: script.add(e.GateClosed(at=script.now)),
        "the server ends": lambda: script.exit("server", -9),
        "a new process, PID 7: the server": lambda: script.start("server", pid=7),
        "the lab refuses to do it": lambda: script.add(
            e.CommandRefused(at=script.now, id=1, kind="Step", who="x", why="no")
        ),
        "the lab ends": lambda: script.add(e.LabEnded(at=script.now, reason="it was closed")),
        "a fresh lab": lambda: script.add(script.events[0]),
    }.items():
        script.accept("Step", "server")
        add()
        assert what_came(script.events)[-1] == kind


def test_nothing_is_said_of_nothing() -> None:
    assert what_comes(Script().world, []) == ""


def test_the_answers_to_keys_fit_their_row() -> None:
    assert max(len(NO_ACTING), len(NO_ACTING_RECORDED)) <= WIDTH
