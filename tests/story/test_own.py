"""A person's own programs: what space does with them, what is said of them, what the keys ask for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from netsim.model import events as e
from netsim.model.commands import StartEndpoint, Step
from netsim.story import goals, own
from netsim.story.director import new_client, next_action
from netsim.story.errors import explain
from netsim.story.goals import Do, Stuck
from netsim.story.narrator import WIDTH, narrate
from tests.own_script import OwnScript
from tests.script import at, ref, tcp

CONNECT = e.CallAhead("create_connection", 4, "socket")


def opened() -> OwnScript:
    script = OwnScript()
    script.start_own("server")
    script.start_own("client1", ahead=(CONNECT,))
    return script


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


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("setblocking", "False", "From now on calls on fd 4 never sleep: where they would have to, they fail."),
        ("setblocking", "True", "From now on calls on fd 4 sleep as long as it takes."),
        ("settimeout", "None", "From now on calls on fd 4 sleep as long as it takes."),
        ("settimeout", "2.5", "From now on calls on fd 4 sleep for 2.5 s at most."),
        ("shutdown", "SHUT_RD", "shutdown(): this side reads no more. Nothing is sent for that."),
        ("shutdown", "SHUT_WR", "shutdown(): this side sends no more; its FIN says so. It can still receive."),
        ("shutdown", "SHUT_RDWR", "shutdown(): this side neither sends nor reads any more; its FIN says so."),
    ],
)
def test_a_call_is_told_by_what_it_was_given(name: str, arguments: str, words: str) -> None:
    script = opened()
    script.accept("Step", "server")
    script.own_call("server", name, arguments, ref(4, 9, 5000))
    assert narrate(script.world) == words


# --- mistakes with addresses


@pytest.mark.parametrize(
    ("kind", "message", "words"),
    [
        ("TypeError", "'str' object cannot be interpreted as an integer",
         "A port is a number, and this is something else: int(...) makes one."),
        ("TypeError", "socket.bind() takes exactly one argument (2 given)",
         "An address is one value, a pair: bind((host, port))."),
        ("TypeError", "bind(): AF_INET address must be tuple, not str",
         "An address is one value, a pair: bind((host, port))."),
        ("TypeError", "of another kind", "TypeError: of another kind"),
        ("OverflowError", "bind(): port must be 0-65535.", "A port is a 16-bit number: 0 to 65535."),
    ],
)  # fmt: skip
def test_arguments_that_are_no_address(kind: str, message: str, words: str) -> None:
    assert explain(e.CallError(kind, None, None, message), "bind", 8888) == words


def test_another_net_is_advised_only_where_there_is_one() -> None:
    error = e.CallError("OSError", 101, "ENETUNREACH", "[Errno 101] Network is unreachable")
    told = [explain(error, "connect", 80, private=private) for private in (True, False)]
    assert told == [
        "No way leads to that address from here, so nothing was sent: try --net host.",
        "No way leads to that address from here, so nothing was sent.",
    ]


# --- who has the port that a bind is refused


def refused(*left: e.KernelSocket, former: int = 0) -> OwnScript:
    """A server that binds port 5000 while these are there; `former`: which process had the first of them, and ended."""
    script = OwnScript()
    script.start_own("server")
    if former:
        script.psutil(e.Owner("tcp", left[0].local, left[0].remote, "ESTABLISHED", former, "python"))
        script.kernel(replace(left[0], state="ESTABLISHED", inode=77))
        script.psutil()
    script.kernel(*left)
    script.accept("Step", "server")
    script.own_call("server", "bind", "('', 5000)", ref(3, 9), error="EADDRINUSE")
    return script


@pytest.mark.parametrize("state", ["FIN_WAIT1", "FIN_WAIT2", "CLOSING", "LAST_ACK"])
def test_an_old_connection_that_keeps_the_port_is_named_by_its_state(state: e.TcpState) -> None:
    old = tcp(state, 5000, 40000)
    assert narrate(refused(old).world) == f"An old connection ({state}) has port 5000: SO_REUSEADDR, or wait."
    told = narrate(refused(old, former=4194304).world)
    assert told == f"PID 4194304 is gone, its connection ({state}) stays: SO_REUSEADDR, or wait."
    assert len(told) <= WIDTH


def test_a_connection_that_a_process_still_has_keeps_the_port() -> None:
    script = refused(tcp("CLOSE_WAIT", 5000, 40000, inode=77))
    assert narrate(script.world) == "A process still has a connection on port 5000 (CLOSE_WAIT): end it first."
    script.psutil(e.Owner("tcp", at(5000), at(40000), "CLOSE_WAIT", 4194304, "python"))
    told = narrate(script.world)
    assert told == "PID 4194304 still has a connection on port 5000 (CLOSE_WAIT): end it first."


def test_who_listens_on_the_port_is_named() -> None:
    assert narrate(refused().world) == "Port 5000 is taken, by a socket that is not seen here: take another port."
    script = refused(tcp("LISTEN", 5000, inode=77))
    assert narrate(script.world) == "Port 5000 has a listener already: take another port."
    script.psutil(e.Owner("tcp", at(5000), None, "LISTEN", 4194304, "nginx"))
    assert narrate(script.world) == "PID 4194304 (nginx) listens on port 5000: end that one, or take another port."
    script.psutil(e.Owner("tcp", at(5000), None, "LISTEN", 42001, "python"))
    assert narrate(script.world) == "Port 5000 is this program's own already: another socket of it is bound."


# --- what a program forks


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


def test_while_it_is_started_again_nothing_else_is_offered() -> None:
    script = opened()
    for who in ("client1", "server"):
        script.exit_own(who)
    assert next_action(script.world).begin_again
    script.accept("StartEndpoint", "server")
    action = next_action(script.world)
    assert (action.begin_again, action.commands) == (False, ())
    assert action.label == "a process is starting, or ending ..."


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
    assert isinstance(goals.advance(script.world, goals.Close("server")), Stuck)
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
    assert isinstance(goals.advance(script.world, goals.Close("server")), Stuck)
    script.accept("Step", "client1")
    script.exit_own("client1")
    assert next_action(script.world).label == "the server runs without a stop; i interrupts it"


def test_the_end_offers_no_udp_of_netsims_own() -> None:
    script = OwnScript()
    script.start_own("server")
    script.accept("Step", "server")
    script.fall_asleep("server", "poll", 9)
    assert next_action(script.world).label == "nothing to step: the server sleeps; i interrupts it, b begins again"
    assert not next_action(script.world).commands
    script.exit_own("server")
    assert next_action(script.world).begin_again


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
    assert goals.advance(script.world, goals.Close("client1")) == Stuck(words)


def test_a_call_that_a_library_makes_by_the_way_is_not_the_news() -> None:
    script = opened()
    script.accept("Step", "server")
    script.own_call("server", "bind", "('', 5000)", ref(3, 9, 5000))
    script.own_call("server", "getsockname", "", ref(3, 9, 5000))
    assert narrate(script.world) == "bind(): port 5000 is claimed. Clients could know this number beforehand."


def test_an_error_names_the_port_that_was_called() -> None:
    script = opened()
    script.accept("Step", "client1")
    script.own_call("client1", "connect", "('localhost', 5055)", ref(3, 9), error="ECONNREFUSED")
    assert narrate(script.world) == "Refused: nobody listens on port 5055. The kernel answered RST at once."


# --- what is not there


def test_without_a_client_the_pane_says_how_to_call() -> None:
    script = OwnScript()
    script.start_own("server")
    script.own_call("server", "bind", "('', 5000)", ref(3, 9, 5000))
    script.kernel(tcp("LISTEN", 5000, inode=9))
    assert own.absent(script.world, "client") == ("No client here. In another terminal:", "nc 127.0.0.1 5000")
    assert own.absent(script.world, "server") == ("", "")
    assert new_client(script.world) is None
    stuck = goals.advance(script.world, goals.connect(script.world))
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
    step = goals.advance(script.world, goals.restart(script.world))
    assert isinstance(step, Do)
    assert isinstance(step.command, StartEndpoint)
    assert step.command.own == script.world.endpoints["server"].own


def test_a_datagram_is_not_for_tcp_programs() -> None:
    assert isinstance(goals.advance(opened().world, goals.Datagram("x")), Stuck)
