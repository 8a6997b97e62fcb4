"""The session: commands go down with an id, events come up in order, a fresh lab forgets the old one."""

from __future__ import annotations

from netsim.model import events as e
from netsim.model.commands import StartEndpoint, Step
from netsim.session import Session
from netsim.story.director import OPENING
from tests.labs import Labs
from tests.script import Script


def test_every_lab_is_asked_for_the_opening_first() -> None:
    labs = Labs()
    Session(labs, OPENING)
    assert [(command.id, command.who) for command in labs[0].sent] == [(1, "server"), (2, "client1")]
    assert all(isinstance(command, StartEndpoint) for command in labs[0].sent)


def test_events_wait_until_they_are_drained_and_wake_whoever_drains() -> None:
    labs, woken = Labs(), list[int]()
    session = Session(labs)
    session.attach(lambda: woken.append(1))
    for event in Script().events:
        labs[0].deliver(event)
    assert (len(woken), session.world.lab) == (1, None)
    assert session.drain() == 1
    assert session.world.lab is not None
    assert session.drain() == 0


def test_it_is_pending_until_every_command_has_its_answer_and_no_program_runs() -> None:
    labs, script = Labs(), Script()
    session = Session(labs)
    session.attach(lambda: None)
    script.open()
    for event in script.events:
        labs[0].deliver(event)
    session.drain()
    assert not session.pending
    number = session.dispatch(Step(who="server"))
    assert session.pending
    labs[0].deliver(e.CommandRefused(at=1.0, id=number, kind="Step", who="server", why="It runs."))
    session.drain()
    assert not session.pending
    number = session.dispatch(Step(who="server"))
    labs[0].deliver(e.CommandAccepted(at=1.0, id=number, kind="Step", who="server"))
    session.drain()
    assert session.pending  # accepted, and it runs
    labs[0].deliver(e.ProgramStopped(at=1.0, who="server", pid=1, inner_pid=1, line=6, function="<module>", ahead=()))
    session.drain()
    assert not session.pending


def test_a_lab_that_is_gone_is_waited_for_no_longer() -> None:
    labs = Labs()
    session = Session(labs)
    session.attach(lambda: None)
    session.dispatch(Step(who="server"))
    labs[0].deliver(e.LabEnded(at=1.0, reason="it was killed"))
    session.drain()
    assert not session.pending


def test_beginning_again_ends_the_old_lab_and_hears_nothing_more_of_it() -> None:
    labs = Labs()
    session = Session(labs, OPENING)
    session.attach(lambda: None)
    old = labs[0]
    for event in Script().events:
        old.deliver(event)
    session.restart_lab()
    old.deliver(e.LabEnded(at=1.0, reason="late"))
    session.drain()
    assert old.closed
    assert (len(session.timeline), session.world.ended) == (0, None)
    assert [command.who for command in labs[1].sent] == ["server", "client1"]


def test_the_persons_turn_is_an_event_like_any_other() -> None:
    labs, script = Labs(), Script()
    session, heard = Session(labs), list[e.AnyEvent]()
    session.subscribe(heard.append)
    session.attach(lambda: None)
    script.open()
    for event in script.events:
        labs[0].deliver(event)
    session.drain()
    session.focus("server")
    assert session.world.focus.role == "server"
    assert heard[-1] == e.FocusMoved(at=session.world.at, who="server")


def test_closing_and_killing_reach_the_lab() -> None:
    labs = Labs()
    session = Session(labs)
    session.kill_now()
    session.close()
    assert (labs[0].killed, labs[0].closed) == (True, True)
