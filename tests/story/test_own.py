"""A person's own programs: what space does with them, what the keys ask for."""

from __future__ import annotations

import pytest

from netsim.model import events as e
from netsim.model.commands import StartEndpoint, Step
from netsim.story import goals, own, towards
from netsim.story.director import new_client, next_action
from netsim.story.goals import Do, Stuck
from netsim.story.narrator import narrate
from tests.own_script import CONNECT, OwnScript, opened
from tests.script import ref, tcp


def asleep_in_input() -> OwnScript:
    script = opened()
    script.accept("Step", "server")
    script.fall_asleep("server", "poll", 9)
    script.accept("Step", "client1")
    script.show("client1", "name: ")
    script.fall_asleep("client1", "read", 3, fd=0)
    return script


def test_at_first_it_is_said_as_whom_they_run() -> None:
    assert narrate(opened().world) == "Nothing has run yet. Your programs run as you (ann)."


def test_one_program_alone_needs_no_other_to_begin() -> None:
    script = OwnScript()
    script.start_own("server")
    assert next_action(script.world).commands == (Step(who="server"),)


def test_space_names_the_call_that_it_runs_on_to() -> None:
    script = opened()
    assert next_action(script.world).label == "server: run on; its own lines have no socket call ahead"
    script.accept("Step", "server")
    script.fall_asleep("server", "poll", 9)
    assert narrate(script.world) == "The server sleeps (poll) until one of its sockets is ready."
    assert next_action(script.world).label == "client: run on to create_connection(), line 4"
    script.accept("Step", "client1")
    script.stand("client1", 4, CONNECT)
    assert narrate(script.world) == "ask.py has run to line 4, without a socket call on the way."
    assert next_action(script.world).label == "client: create_connection() makes a socket and calls its server"


def test_who_waits_in_input_is_asked_for_a_line() -> None:
    script = asleep_in_input()
    assert script.world.endpoints["client1"].reads_input
    action = next_action(script.world)
    assert (action.label, action.types, action.who, action.commands) == (
        "client waits in input(): type a line", True, "client1", ()
    )  # fmt: skip
    script.accept("TypeLine", "client1")
    script.typed("client1", "bob")
    client = script.world.endpoints["client1"]
    assert (client.status, client.printed) == ("running", ("name: bob", ""))
    assert next_action(script.world).label == "the client runs; i interrupts it"


def test_a_line_typed_ahead_lets_nobody_run() -> None:
    script = opened()
    script.accept("TypeLine", "client1")
    script.typed("client1", "Bob")
    assert script.world.endpoints["client1"].status == "stopped"
    assert next_action(script.world).commands == (Step(who="client1"),)


def test_a_select_that_may_have_standard_input_in_it_is_offered_last() -> None:
    script = OwnScript()
    script.start_own("client1", text="import sys, select\nselect.select([sys.stdin], [], [])\n")
    script.accept("Step", "client1")
    script.fall_asleep("client1", "pselect6", 2)
    assert next_action(script.world).label == "type a line for the client"


@pytest.mark.parametrize(("text", "offered"), [("import threading\ninput()\n", True), ("input()\n", False)])
def test_who_sleeps_in_a_call_of_a_socket_reads_a_line_only_in_a_thread(text: str, offered: bool) -> None:
    script = OwnScript()
    script.start_own("server", text=text)
    script.accept("Step", "server")
    script.start_call("server", "accept", line=2)
    script.add(e.CallSlept(at=script.now, **script.of("server"), call=1, syscall="accept4"))
    assert next_action(script.world).types == offered


# --- sockets that do not wait

RECV = e.CallAhead("recv", 7, "conn", 4, timeout=0.0)


def asked_again(*whose: str) -> OwnScript:
    """Both stand before a recv(); these have been there before, and nothing had come."""
    script = opened()
    for who in ("server", "client1"):
        if who in whose:
            script.accept("Step", who)
            script.own_call(who, "recv", "10", ref(4, 9, 5000), error="EAGAIN")
        script.stand(who, 7, RECV)
    return script


@pytest.mark.parametrize(
    ("whose", "follows"), [((), "server"), (("server",), "client1"), (("client1",), "server"),
                           (("server", "client1"), "server"), (("client1", "server"), "server")],
)  # fmt: skip
def test_who_asks_again_and_again_lets_the_other_go(whose: tuple[str, ...], follows: str) -> None:
    assert next_action(asked_again(*whose).world).who == follows


@pytest.mark.parametrize(
    ("timeout", "words"),
    [
        (None, "server: recv(); nothing has come, so it will sleep"),
        (2.5, "server: recv(); nothing has come, so it will sleep for 2.5 s at most"),
        (0.0, "server: recv(); nothing has come, so it fails at once: it may not wait"),
    ],
)
def test_what_a_call_will_do_that_finds_nothing(timeout: float | None, words: str) -> None:
    script = OwnScript()
    script.start_own("server")
    script.stand("server", 7, e.CallAhead("recv", 7, "conn", 4, timeout))
    assert next_action(script.world).label == words
    assert len(words) <= 72


def test_while_it_is_started_again_nothing_else_is_offered() -> None:
    script = opened()
    for who in ("client1", "server"):
        script.exit_own(who)
    assert next_action(script.world).begin_again
    script.accept("StartEndpoint", "server")
    action = next_action(script.world)
    assert (action.begin_again, action.commands) == (False, ())
    assert action.label == "a process is starting, or ending ..."


def test_the_end_offers_no_udp_of_netsims_own() -> None:
    script = OwnScript()
    script.start_own("server")
    script.accept("Step", "server")
    script.fall_asleep("server", "poll", 9)
    assert next_action(script.world).label == "nothing to step: the server sleeps; i interrupts it, b begins again"
    assert not next_action(script.world).commands
    script.exit_own("server")
    assert next_action(script.world).begin_again


# --- what is not there


def test_without_a_client_the_pane_says_how_to_call() -> None:
    script = OwnScript()
    script.start_own("server")
    script.own_call("server", "bind", "('', 5000)", ref(3, 9, 5000))
    script.kernel(tcp("LISTEN", 5000, inode=9))
    assert own.absent(script.world, "client") == ("No client here. In another terminal:", "nc 127.0.0.1 5000")
    assert own.absent(script.world, "server") == ("", "")
    assert new_client(script.world) is None
    stuck = towards.advance(script.world, goals.connect(script.world))
    assert stuck == Stuck("No client here. In another terminal: nc 127.0.0.1 5000")


def test_one_more_client_is_one_more_of_theirs() -> None:
    script = opened()
    command = new_client(script.world)
    assert command is not None
    assert (command.who, command.number, command.program) == ("client2", 2, "ask.py")
    assert command.own == script.world.endpoints["client1"].own


def test_a_restart_starts_their_file_again() -> None:
    script = opened()
    script.exit_own("server")
    step = towards.advance(script.world, goals.restart(script.world))
    assert isinstance(step, Do)
    assert isinstance(step.command, StartEndpoint)
    assert step.command.own == script.world.endpoints["server"].own


def test_a_datagram_is_not_for_tcp_programs() -> None:
    assert isinstance(towards.advance(opened().world, goals.Datagram("x")), Stuck)
