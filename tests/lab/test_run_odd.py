"""Programs in odd files, and ones that are stepped, fork, or leave their calls to a library: each runs as by python."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netsim.cli.run import Program, opening
from netsim.lab import own_programs
from netsim.model.commands import RunToLine, StepLine
from netsim.model.events import CommandRefused
from netsim.story import goals, towards
from netsim.story.director import OPENING
from netsim.story.goals import Do
from netsim.story.narrator import narrate
from tests.lab.ownkit import Outcome, Run, Story, drawn, run_of, script, under_python

pytestmark = [pytest.mark.usefixtures("no_leaks"), pytest.mark.needs_namespaces]

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
        step = towards.advance(run.world, goals.restart(run.world))
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
