"""Programs that fail, wait, spin, or come in odd files: what is shown is what happens, and every way on is open."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from netsim.cli.run import Program, opening
from netsim.lab import own_programs
from netsim.lab.procfs import is_paused
from netsim.model.commands import Interrupt, Kill, RunToLine, Step, StepLine, TypeLine
from netsim.model.events import CommandRefused, ProcessSpun
from netsim.model.world import World
from netsim.story import goals
from netsim.story.director import OPENING, next_action
from netsim.story.goals import Do, Stuck
from netsim.story.narrator import narrate
from netsim.text.charset import UNICODE
from netsim.text.grid import Grid
from netsim.text.lines import plain
from netsim.text.screen import Scene, draw_screen
from tests.lab.ownkit import Outcome, Run, Story, under_python

pytestmark = [pytest.mark.usefixtures("no_leaks"), pytest.mark.needs_namespaces]

# What is on the server's side, what its error is, and how the sentence about that begins.
BROKEN = {
    "broken_order.py": "Not connected: there is nobody to receive from.",
    "broken_twice.py": "Port 5008 is this program's own already: another socket of it is bound.",
    "broken_far.py": "No way leads to that address from here, so nothing was sent: try --net host.",
}


def script(folder: Path, text: str, name: str = "mine.py") -> str:
    (folder / name).write_text(textwrap.dedent(text).lstrip("\n"))
    return name


def run_of(folder: Path, text: str, *arguments: str) -> Run:
    return Run([script(folder, text), *arguments], folder=folder)


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
        assert isinstance(goals.advance(run.world, goals.Close("server")), Stuck)
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


# --- line by line, and to a line

STEPS = """
    import socket

    def twice(n):
        m = n * 2
        return m

    s = socket.socket()
    total = 0
    for i in range(3):
        total += twice(i)
    s.close()
    """


def test_one_line_after_the_other_also_into_functions(tmp_path: Path) -> None:
    with run_of(tmp_path, STEPS) as run:
        for _ in range(9):
            run.session.dispatch(StepLine(who="server"))
            run.settle()
        assert run.stops("server") == [1, 3, 7, 8, 9, 10, 4, 5, 9, 10]


LINES = {5: 5, 10: 10, 6: 7, 11: 11}  # in a function that has no call; in a loop; an empty one: the next; behind all


def test_it_runs_to_a_line(tmp_path: Path) -> None:
    with Run(client=[script(tmp_path, STEPS)], clients=len(LINES), folder=tmp_path) as run:
        for number, (line, stands) in enumerate(LINES.items(), 1):
            who = f"client{number}"
            run.session.dispatch(RunToLine(who=who, line=line))
            run.settle()
            assert run.stops(who) == [1, stands]
            run.session.dispatch(RunToLine(who=who, line=99))
            run.until(lambda world: isinstance(run.events[-1], CommandRefused))
        run.play()  # and goes on from there as if nothing had been
        assert [run.outcome(f"client{number}") for number in range(1, 5)] == [("", 0, "")] * 4


def test_netsims_own_programs_take_lines_too() -> None:
    with Run(commands=OPENING) as run:
        run.session.dispatch(RunToLine(who="server", line=8))
        run.until(lambda world: world.endpoints["server"].line == 8)
        assert [mark.text for mark in run.world.endpoints["server"].marks.values()] == ["→ fd 3", "ok", "ok"]


# --- a library's calls


def test_it_rests_before_each_call_that_a_library_makes() -> None:
    with Run(["socketserver_echo.py"], ["line_client.py", "5004", "one"]) as run:
        run.play()
    labels = [action.label.partition(", :")[0] for action in run.actions if action.who == "server"]
    assert labels == [
        "server: run on; its own lines have no socket call ahead",
        "server: ask the kernel for a socket",
        "server: bind() claims an address and a port",
        "server: listen() lets the kernel take calls for port 5004",
        "server: accept() takes the connection",
        "server: recv_into() takes the 4 bytes from the kernel",
        "server: sendall() hands its bytes to the kernel",
        "server: recv_into() finds the end: the other side has closed",
        "server: shutdown() says that nothing more will be sent",
        "server: close() gives fd 4 back",
        "server: close() gives fd 3 back",
    ]


UNSEEN = """
    import socket
    pair = [socket.socket(), socket.socket()]
    def last(): return pair.pop()
    last().bind(("127.0.0.1", 0))
    pair.pop().close()
    """


def test_it_rests_before_calls_that_its_text_does_not_show(tmp_path: Path) -> None:
    with run_of(tmp_path, UNSEEN) as run:
        run.play()
        assert run.stops("server") == [1, 2, 4, 5]


# --- what it forks

DAEMON = """
    import os, socket
    r, w = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            s = socket.create_server(('127.0.0.1', 5020))
            os.write(w, b'ready')
            conn, _ = s.accept()
            conn.sendall(b'daemon %d' % (os.getppid() == os.getpid()))
            os._exit(0)
        os._exit(0)
    os.wait()
    print(os.read(r, 10))
    print(socket.create_connection(('127.0.0.1', 5020)).recv(10))
    """


def test_a_daemon_lives_on_when_its_parent_has_ended(tmp_path: Path) -> None:
    with run_of(tmp_path, DAEMON) as run:
        run.play()
        assert run.outcome("server") == Outcome("b'ready'\nb'daemon 0'\n", 0, "")
        assert list(run.world.endpoints) == ["server", "server.1", "server.1.1"]


def test_children_are_told_apart_though_one_has_ended_before_the_next(tmp_path: Path) -> None:
    text = """
        import os, socket
        for n in range(3):
            if os.fork() == 0:
                socket.socket().close()
                os._exit(n)
            os.wait()
        """
    with run_of(tmp_path, text) as run:
        run.play()
        children = [each for each in run.world.endpoints.values() if each.forked_from]
        assert [(each.who, each.status) for each in children] == [(f"server.{n}", "ended") for n in (1, 2, 3)]
        assert len({each.pid for each in children}) == 3
        assert all(each.exit_status in (n, None) for n, each in enumerate(children))  # None: not before Linux 6.15


# --- the files

SELF = """
    import os, sys
    print(__name__, __file__, sys.argv, sys.path[0], os.getcwd(), __doc__, sys.stdin.isatty(), sys.flags.isolated)
    print([name for name in sorted(globals())], sys.modules['__main__'].__dict__ is globals())
    import helper
    sys.exit(helper.STATUS)
    """


def test_it_finds_around_it_what_python_gives_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = tmp_path / "there"
    there.mkdir()
    script(there, SELF)
    script(there, "STATUS = 5\n", "helper.py")
    (tmp_path / "link.py").symlink_to(there / "mine.py")
    monkeypatch.chdir(tmp_path)
    [[expected]] = under_python(Story([["link.py", "one", "two words"]], folder=str(tmp_path)))
    commands = opening([Program("server", "link.py", ("one", "two words"), "")], None)
    with Run(commands=commands) as run:
        run.play()
        assert run.outcome("server") == expected
    assert expected.status == 5


ODD = {
    "cookie.py": "# -*- coding: latin-1 -*-\nprint('grüße')\n".encode("latin-1"),
    "bom_and_crlf.py": b"\xef\xbb\xbfimport socket\r\nprint('b\xc3\xb6m')\r\n",
    "form_feed.py": b"import socket\n\x0c\nprint('after a form feed')\nsocket.socket().close()\n",
    "no_last_newline.py": b"print('no newline at the end')",
    "old_mac.py": b"print(1)\rprint(2)\r",
    "nothing_but_a_comment.py": b"#!/usr/bin/env python3\n",
    "empty.py": b"",
    "without_its_name": b"print('no .py')\n",
}


def test_odd_files_run(tmp_path: Path) -> None:
    for name, content in ODD.items():
        (tmp_path / name).write_bytes(content)
    expected = under_python(*(Story([[name]], folder=str(tmp_path)) for name in ODD))
    programs = [Program("client", str(tmp_path / name), (), "") for name in ODD]
    with Run(commands=opening(programs, "tcp")) as run:
        run.play()
        assert [[run.outcome(f"client{number}")] for number in range(1, len(ODD) + 1)] == expected
        assert run.stops("client3") == [1, 4]  # a form feed begins no line


def test_ten_thousand_lines_are_no_trouble(tmp_path: Path) -> None:
    body = "".join(f"def f{n}(x):\n    y = x + {n}\n    return y\n\n\n" for n in range(2000))
    text = f"import socket\n\n\n{body}s = socket.socket()\nprint(f1999(1))\ns.close()\n"
    (tmp_path / "mine.py").write_text(text)
    with Run(["mine.py"], folder=tmp_path) as run:
        assert len(run.world.endpoints["server"].source) > 10_000
        began = time.thread_time()
        drawn(run.world)
        assert time.thread_time() - began < 0.5
        run.play()
        assert run.stops("server") == [1, 10_004, 10_006]
        assert run.outcome("server").stdout == "2000\n"


def test_a_restart_takes_the_file_as_it_is_then(tmp_path: Path) -> None:
    with run_of(tmp_path, "import socket\nsocket.socket()\nprint('old')\n") as run:
        run.play()
        script(tmp_path, "import socket\nprint('new')\n")
        step = goals.advance(run.world, goals.restart(run.world))
        assert isinstance(step, Do)
        run.session.dispatch(step.command)
        run.until(lambda world: world.endpoints["server"].status == "stopped")
        run.play()
        assert run.outcome("server").stdout == "old\nnew\n"
        script(tmp_path, "import socket\nprint('newer'\n")
        run.session.dispatch(step.command)
        run.until(lambda world: len(world.endpoints["server"].former_pids) == 2 and not run.session.pending)
        assert run.world.endpoints["server"].error is not None
        assert run.world.endpoints["server"].error.type == "SyntaxError"
        (tmp_path / "mine.py").unlink()
        run.session.dispatch(step.command)
        run.until(lambda world: isinstance(run.events[-1], CommandRefused))
        assert "There is no file" in run.events[-1].why  # type: ignore[union-attr]


REFUSED = {
    "no file": (None, "There is no file "),
    "a folder": ("", "mine.py is a folder"),
    "binary": (b"\x7fELF\0\0\0", "mine.py is no text (it has null bytes)"),
    "no UTF-8": ("print('\xfc')\n".encode("latin-1"), "mine.py is not UTF-8: line 1 has the byte 0xfc."),
    "unknown encoding": (b"# coding: klingon\n", "mine.py: Python knows no such encoding"),
    "wrong encoding": (b"# coding: ascii\nprint('\xc3\xbc')\n", "mine.py is not in the encoding"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_program_is_refused_in_words(name: str, tmp_path: Path) -> None:
    content, words = REFUSED[name]
    path = tmp_path / "mine.py"
    if content == "":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(ValueError, match="^" + words.replace("(", r"\(").replace(")", r"\)")):
        own_programs.read(str(path))


def test_it_runs_as_the_person_and_at_first_nothing_of_it() -> None:
    with Run(["echo_server.py"]) as run:
        assert run.stops("server") == [2]
        user = subprocess.run([sys.executable, "-c", "import getpass; print(getpass.getuser())"],
                              capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
        assert narrate(run.world) == f"Nothing has run yet. Your programs run as you ({user})."
        status = Path(f"/proc/{run.world.endpoints['server'].pid}/status").read_text()
        assert f"Uid:\t{os.geteuid()}\t" in status


def drawn(world: World) -> str:
    grid = Grid.of(80, 24)
    assert grid is not None
    return "\n".join(plain(line) for line in draw_screen(world, grid, UNICODE, Scene(why=narrate(world))))
