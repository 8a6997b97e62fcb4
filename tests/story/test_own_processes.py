"""A person's own programs as processes: children, threads, signals, and what they wait for."""

from __future__ import annotations

import pytest

from netsim.model import events as e
from netsim.story import goals, towards
from netsim.story.director import next_action
from netsim.story.goals import Stuck
from netsim.story.narrator import WIDTH, narrate
from tests.own_script import OwnScript, opened


def test_each_forked_child_is_told_of_by_its_own_number() -> None:
    script = opened()
    script.accept("Step", "server")
    script.fork("server", 42011)
    assert narrate(script.world) == "fork(): PID 42011 is a child, with all open files. It runs on by itself."
    for number, pid in enumerate((42011, 42012), 1):
        who = f"server.{number}"
        if number > 1:
            script.fork("server", pid, number)
        script.start_call(who, "recv", line=5, pid=pid)
        script.add(e.CallSlept(at=script.now, who=who, pid=pid, inner_pid=pid - 42000, call=1, syscall="recvfrom"))
        assert narrate(script.world) == f"Child {pid} sleeps in recv(): the kernel wakes it when bytes come."


def test_an_exit_status_that_nobody_knows_is_not_told_as_0() -> None:
    script = opened()
    script.accept("Step", "server")
    script.fork("server", 4194304)
    script.add(e.ProcessExited(at=script.now, who="server.1", pid=4194304, inner_pid=9, status=None))
    told = narrate(script.world)
    assert told == "Child 4194304 (PID 4194304) has ended; its exit status is not known here."
    assert script.world.endpoints["server.1"].exit_status is None
    assert script.world.endpoints["server.1"].status == "ended"


@pytest.mark.parametrize("where", ["line", "sleep", "spin"])
def test_one_that_a_signal_has_stopped_is_told_and_not_stepped(where: str) -> None:
    script = opened()
    script.accept("Step", "server")
    {"sleep": lambda: script.fall_asleep("server", "read", 9, 0), "spin": lambda: script.spin("server", 9)}.get(
        where, lambda: script.stand("server", 9)
    )()
    script.accept("Step", "client1")
    script.exit_own("client1")
    script.add(e.ProcessPaused(at=script.now, **script.of("server"), signal="SIGSTOP"))
    script.kernel()
    assert narrate(script.world) == "The server is stopped by SIGSTOP. In a shell: kill -CONT 42001"
    action = next_action(script.world)
    assert (action.label, action.commands, action.types) == (
        "the server is stopped by SIGSTOP; kill -CONT 42001", (), False
    )  # fmt: skip
    assert isinstance(towards.advance(script.world, goals.Close("server")), Stuck)
    script.add(e.ProcessContinued(at=script.now, **script.of("server")))
    assert narrate(script.world) == "SIGCONT: the server goes on from where it was."
    assert next_action(script.world).label != action.label


def test_a_call_of_another_thread_is_told_as_its_own() -> None:
    script = opened()
    script.accept("Step", "server")
    script.fall_asleep("server", "poll", 9)
    script.thread_call("server", 2, 7, "recv", line=5)
    assert narrate(script.world) == "Thread 2 of the server sleeps in recv(): the kernel will wake it."
    script.accept("Step", "client1")
    script.thread_call("server", 2, 8, "recv", line=5, size=4)
    said = "Thread 2 of the server: recv() took the 4 bytes from the kernel. No packet was needed."
    assert narrate(script.world) == said.replace(" of the server", "")  # as long a name as there is room for
    script.thread_call("server", 1, 9, "recv", line=5, size=0)
    script.thread_call("server", 1, 10, "recv", line=5)  # that it waits again is no news
    assert "end of the stream" in narrate(script.world)


def test_a_threads_sleep_is_never_the_main_ones() -> None:
    script = opened()
    script.accept("Step", "server")
    script.start_call("server", "accept", line=9)
    script.thread_call("server", 1, 7, "recv", line=5)
    assert script.world.endpoints["server"].status == "running"
    assert "accept" not in narrate(script.world)


def test_one_that_spins_keeps_nobody_waiting() -> None:
    script = opened()
    script.accept("Step", "server")
    script.spin("server", 8)
    assert narrate(script.world) == "The server runs on and on, without a call or a sleep: i interrupts it."
    assert next_action(script.world).who == "client1"
    assert isinstance(towards.advance(script.world, goals.Close("server")), Stuck)
    script.accept("Step", "client1")
    script.exit_own("client1")
    assert next_action(script.world).label == "the server runs without a stop; i interrupts it"


@pytest.mark.parametrize(
    ("syscall", "fd", "words"),
    [
        ("read", 0, "The client waits in input() for a line (read): T types one."),
        ("read", 5, "The client sleeps in read(), which is no socket call."),
        ("clock_nanosleep", None, "The client sleeps for a while (clock_nanosleep): a timer wakes it."),
        ("futex", None, "The client sleeps (futex): it waits for a thread, a lock or a queue."),
        ("epoll_wait", 4, "The client sleeps (epoll_wait) until one of its sockets is ready."),
        ("wait4", None, "The client sleeps (wait4) until a child process ends."),
        (None, None, "The client sleeps, but in no socket call; in which can't be read here."),
    ],
)
def test_what_it_waits_for(syscall: str | None, fd: int | None, words: str) -> None:
    script = OwnScript()
    script.start_own("client1")
    script.accept("Step", "client1")
    script.fall_asleep("client1", syscall, 3, fd)
    assert narrate(script.world) == words
    assert len(words.replace("client", "udp client 2")) <= WIDTH
    assert towards.advance(script.world, goals.Close("client1")) == Stuck(words)
