"""A session goes on with another one's lab: what happened there, and what comes."""

from __future__ import annotations

from netsim.model.events import AnyEvent
from netsim.session import Session
from tests.labs import Labs
from tests.script import Script


def test_it_goes_on_with_the_other_lab() -> None:
    labs = Labs()
    mine, other = Session(labs), Session(labs)
    heard: list[AnyEvent] = []
    woken: list[bool] = []
    mine.subscribe(heard.append)
    mine.attach(lambda: woken.append(True))
    other.attach(lambda: None)
    script = Script()
    script.start("server")
    for event in script.events:
        labs[1].deliver(event)
    other.drain()

    mine.take_over(other)

    assert labs[0].closed
    assert not labs[1].closed
    assert mine.world == script.world
    assert heard == script.events
    assert woken
    script.start("client1")
    labs[1].deliver(script.events[-1])
    assert mine.drain() == 1
    assert "client1" in mine.world.endpoints or heard[-1] == script.events[-1]


def test_beginning_again_leaves_it_for_a_fresh_one() -> None:
    labs = Labs()
    mine, other = Session(labs), Session(labs)
    mine.attach(lambda: None)
    other.attach(lambda: None)
    mine.take_over(other)
    mine.restart_lab()
    assert labs[1].closed
    assert len(labs) == 3
    labs[1].deliver(Script().events[0])
    assert mine.drain() == 0
    labs[2].deliver(Script().events[0])
    assert mine.drain() == 1
