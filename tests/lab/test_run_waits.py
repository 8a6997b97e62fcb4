"""Programs that fail, wait, spin, flood or ask for input: what is shown is what happens, and every way on is open."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from netsim.cli.run import Program, opening
from netsim.lab.procfs import is_paused
from netsim.model.commands import Interrupt, Kill, Step, StepLine, TypeLine
from netsim.model.events import CommandRefused, ProcessSpun
from netsim.story import goals, towards
from netsim.story.director import next_action
from netsim.story.goals import Stuck
from netsim.story.narrator import narrate
from tests.lab.ownkit import Outcome, Run, Story, drawn, run_of, script, under_python

pytestmark = [pytest.mark.usefixtures("no_leaks"), pytest.mark.needs_namespaces]

# What is on the server's side, what its error is, and how the sentence about that begins.
BROKEN = {
    "broken_order.py": "Line 4: Not connected: there is nobody to receive from.",
    "broken_twice.py": "Port 5008 is this program's own already: another socket of it is bound.",
    "broken_far.py": "No way leads to that address from here, so nothing was sent: try --net host.",
}


@pytest.fixture(scope="module")
def expected() -> dict[str, Outcome]:
    """What each of them does under `python`."""
    stories = [Story([[name]]) for name in BROKEN]
    return {name: outcome for name, (outcome,) in zip(BROKEN, under_python(*stories), strict=True)}


@pytest.mark.parametrize("name", BROKEN)
def test_what_fails_has_the_real_error_and_a_sentence(name: str, expected: dict[str, Outcome]) -> None:
    with Run(client=[name]) as run:
        run.play()
        assert BROKEN[name] in run.said
        found = run.outcome("client1")
        assert run.world.endpoints["client1"].error is not None
    assert found == expected[name]
    assert found.status == 1


def test_a_name_that_nobody_can_be_asked_for(tmp_path: Path) -> None:
    with run_of(tmp_path, "import socket\nsocket.create_connection(('example.org', 80))\n") as run:
        run.play()
        assert run.said[-1] == "No name server can be asked from here: take an address, or --net host."


def test_a_slip_after_the_connection() -> None:
    with Run(["echo_server.py"], ["broken_name.py"]) as run:
        run.play()
        assert run.outcome("client1") == ("", 1, "NameError: name 'mesage' is not defined")
        assert run.outcome("server").stdout.endswith("connected from 127.0.0.1\nbye\n")


# --- what they wait for

WAITS = {
    "time.sleep(60)": ("clock_nanosleep", "a timer wakes it"),
    "input()": ("read", "T types one"),
    "sys.stdin.readline()": ("read", "T types one"),
    "queue.Queue().get()": ("futex", "a thread, a lock or a queue"),
    "threading.Event().wait()": ("futex", "a thread, a lock or a queue"),
    "select.select([sys.stdin], [], [])": ("select", "one of its sockets"),
    "selectors.DefaultSelector().select()": ("epoll_wait", "one of its sockets"),
    "subprocess.run(['sleep', '60'])": ("wait4", "until a child process ends"),
    "signal.pause()": ("pause", "which is no socket call"),
    "t = threading.Thread(target=time.sleep, args=(60,), daemon=True); t.start(); t.join()": ("futex", "a thread, a"),
    "fcntl.lockf(file, fcntl.LOCK_EX)": ("fcntl", "another process has the lock on that file"),
    "fcntl.flock(file, fcntl.LOCK_EX)": ("flock", "another process has the lock on that file"),
    "os.mkfifo(fifo); open(fifo)": ("openat", "which is no socket call"),
}
SAME = {"select": "pselect6", "clock_nanosleep": "nanosleep", "epoll_wait": "epoll_pwait"}  # by machine and libc


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[Path]:
    """A file that is locked in both ways that there are."""
    with (tmp_path / "lock").open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        fcntl.flock(file, fcntl.LOCK_EX)
        yield tmp_path / "lock"


def test_who_sleeps_names_the_system_call_and_can_be_interrupted(tmp_path: Path, lock: Path) -> None:
    head = (
        "import fcntl, os, queue, select, selectors, signal, socket, subprocess, sys, threading, time\n"
        f"file, fifo = open({str(lock)!r}, 'w'), {str(tmp_path / 'fifo')!r}\n"
    )
    programs = [
        Program("client", str(tmp_path / script(tmp_path, f"{head}{waiting}\n", f"waiting{number}.py")), (), "")
        for number, waiting in enumerate(WAITS)
    ]
    with Run(commands=opening(programs, "tcp")) as run:
        for number, (waiting, (syscall, words)) in enumerate(WAITS.items(), 1):
            who = f"client{number}"
            run.session.dispatch(Step(who=who))
            run.until(lambda world, who=who: world.endpoints[who].status == "asleep")  # type: ignore[misc]
            client = run.world.endpoints[who]
            assert client.syscall in (syscall, SAME.get(syscall)), waiting
            assert client.line == 3
            assert words in narrate(run.world)
            assert str(client.syscall) in narrate(run.world)
            assert f"zzz {client.syscall}" in drawn(run.world)
            run.session.dispatch(Interrupt(who=who))
            run.until(lambda world, who=who: world.endpoints[who].status == "ended")  # type: ignore[misc]
            assert "KeyboardInterrupt" in run.world.endpoints[who].traceback


def test_one_that_spins_is_told_of_and_interrupted() -> None:
    with Run(["spinning.py"]) as run:
        run.press()
        run.settle()
        run.session.dispatch(Step(who="server"))
        run.until(lambda world: world.endpoints["server"].spins)
        assert any(isinstance(event, ProcessSpun) for event in run.events)
        assert not run.session.pending  # the others can be stepped all the same
        assert next_action(run.world).label == "the server runs without a stop; i interrupts it"
        assert narrate(run.world) == "The server runs on and on, without a call or a sleep: i interrupts it."
        assert isinstance(towards.advance(run.world, goals.Close("server")), Stuck)
        run.session.dispatch(Interrupt(who="server"))
        run.until(lambda world: world.endpoints["server"].status == "ended")
        assert run.outcome("server").status == 130


PAUSED = {
    "at a line": "pass",
    "in a loop": "while True: pass",
    "in a call": "socket.create_server(('127.0.0.1', 5021)).accept()",
    "in a sleep": "time.sleep(600)",
}


@pytest.mark.parametrize("text", PAUSED.values(), ids=PAUSED)
def test_one_that_a_signal_has_stopped_is_told_so_until_it_goes_on(text: str, tmp_path: Path) -> None:
    with run_of(tmp_path, f"import socket, time\n{text}\n") as run:
        if text != "pass":
            run.press_until(
                lambda world: world.endpoints["server"].status == "asleep" or world.endpoints["server"].spins
            )
        server = run.world.endpoints["server"]
        os.kill(server.pid, signal.SIGSTOP)
        run.until(lambda world: world.endpoints["server"].paused_by == "SIGSTOP")
        assert not run.world.endpoints["server"].spins
        assert is_paused(server.pid)
        assert narrate(run.world) == f"The server is stopped by SIGSTOP. In a shell: kill -CONT {server.pid}"
        assert next_action(run.world).label == f"the server is stopped by SIGSTOP; kill -CONT {server.pid}"
        assert not next_action(run.world).commands
        assert f"pid {server.pid}  SIGSTOP" in drawn(run.world)
        run.session.dispatch(StepLine(who="server"))
        run.until(lambda world: isinstance(run.events[-1], CommandRefused))
        os.kill(server.pid, signal.SIGCONT)
        run.until(lambda world: not world.endpoints["server"].paused_by)
        if "while" in text:
            run.until(lambda world: world.endpoints["server"].spins)
        assert run.world.endpoints["server"].status == server.status


@pytest.mark.parametrize("line", ["print('x' * 100)", "print('.', end='', flush=True)"])
def test_one_that_floods_is_followed_and_interrupted(line: str, tmp_path: Path) -> None:
    with run_of(tmp_path, f"import socket\nn = 0\nsocket.socket()\nwhile True:\n    {line}\n") as run:
        run.press_until(lambda world: world.endpoints["server"].spins)
        run.session.dispatch(Interrupt(who="server"))
        run.until(lambda world: world.endpoints["server"].status == "ended")
        assert not run.world.endpoints["server"].spins
        assert run.outcome("server").status == 130
        assert max(len(each) for each in (*run.world.endpoints["server"].printed, "")) <= 4000
        assert len(run.events) < 1000


def test_threads_that_outlive_the_program(tmp_path: Path) -> None:
    text = """
        import socket, threading, time
        s = socket.socket()
        release = threading.Event()
        threading.Thread(target=release.wait).start()
        print('main is done')
        """
    with run_of(tmp_path, text) as run:
        run.press_until(lambda world: world.endpoints["server"].syscall == "futex")
        assert not run.session.pending
        run.session.dispatch(Kill(who="server"))
        run.until(lambda world: world.endpoints["server"].status == "ended")


# --- input


def test_lines_are_typed_and_end() -> None:
    with Run(client=["guessing_client.py"], server=["echo_server.py"]) as run:
        run.press_until(lambda world: next_action(world).types)
        assert run.world.endpoints["client1"].reads_input
        assert " out >" in drawn(run.world)
        run.session.dispatch(TypeLine(who="client1", text="grüße"))
        run.until(lambda world: world.endpoints["client1"].status == "stopped")
        assert run.world.endpoints["client1"].printed == ("> grüße", "")
        run.press_until(lambda world: next_action(world).types)
        assert run.world.endpoints["client1"].printed[-2:] == ("< grüße", "> ")
        run.session.dispatch(TypeLine(who="client1", text="", end=True))
        run.until(lambda world: world.endpoints["client1"].status == "ended")
        assert run.outcome("client1").error == "EOFError: EOF when reading a line"
        run.session.dispatch(TypeLine(who="server", text="", end=True))
        run.session.dispatch(TypeLine(who="server", text="more"))
        run.until(lambda world: any(isinstance(event, CommandRefused) for event in run.events))
        refused = [event.why for event in run.events if isinstance(event, CommandRefused)]
        assert refused == ["server has had the end of its input: there is no more to come."]
