"""Modules of the person's own beside the program: they are stepped like the program itself; others' are not."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from netsim.model.commands import RunToLine, Step, StepLine
from netsim.model.events import ModuleRead
from netsim.story.director import next_action
from tests.lab.ownkit import Outcome, Run, Story, under_python

pytestmark = [pytest.mark.usefixtures("no_leaks"), pytest.mark.needs_namespaces]

PROGRAM = """
    from wire import Line, listen
    from pack.inner import ask
    import others

    server = listen(5040)
    line = Line(ask(5040))
    line.put("hello")
    others.shut(server)
    line.close()
    """
WIRE = """
    import socket

    def listen(port):
        return socket.create_server(("127.0.0.1", port))

    class Line:
        def __init__(self, sock):
            self.sock = sock

        def put(self, text):
            data = text.encode()
            self.sock.sendall(data)

        def close(self):
            self.sock.close()
    """
INNER = """
    import socket
    def ask(port):
        s = socket.socket()
        s.connect(("127.0.0.1", port))
        return s
    """
OTHERS = """
    def shut(sock):
        sock.close()
    """


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A program with a module, a package, and what somebody else has written."""
    files = {
        "mine.py": PROGRAM, "wire.py": WIRE, "pack/__init__.py": "", "pack/inner.py": INNER,
        "site-packages/others.py": OTHERS,
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text).lstrip("\n"))
    program = tmp_path / "mine.py"
    head = f"import sys; sys.path.append({str(tmp_path / 'site-packages')!r})\n"
    program.write_text(head + program.read_text())
    return tmp_path


def test_it_rests_in_them_and_says_where(folder: Path) -> None:
    ((expected,),) = under_python(Story([["mine.py"]], folder=str(folder)))
    with Run(["mine.py"], folder=folder) as run:
        run.play()
        server = run.world.endpoints["server"]
        assert run.outcome("server") == expected == Outcome("", 0, "")
        assert [each.module for each in run.events if isinstance(each, ModuleRead)] == ["wire.py", "pack/inner.py"]
        assert [server.place(line) for line in run.stops("server")] == [
            "line 1", "line 4 of wire.py", "line 3 of pack/inner.py", "line 4 of pack/inner.py", "line 12 of wire.py",
            "line 9", "line 15 of wire.py",
        ]  # fmt: skip
        assert [server.source[line - 1].strip() for line in run.stops("server")[1:]] == [
            'return socket.create_server(("127.0.0.1", port))', "s = socket.socket()",
            's.connect(("127.0.0.1", port))', "self.sock.sendall(data)", "others.shut(server)", "self.sock.close()",
        ]  # fmt: skip
        assert "mine.py has run to line 4 of wire.py, without a socket call on the way." in run.said
        assert {server.place(line): mark.text for line, mark in server.marks.items()} == {
            "line 4 of wire.py": "ok", "line 3 of pack/inner.py": "→ fd 4", "line 4 of pack/inner.py": "ok",
            "line 12 of wire.py": "ok", "line 9": "ok", "line 15 of wire.py": "ok",
        }  # fmt: skip


def test_line_by_line_into_them_and_to_a_line_of_theirs(folder: Path) -> None:
    with Run(["mine.py"], folder=folder) as run:
        places = []
        for _ in range(4):
            run.session.dispatch(StepLine(who="server"))
            run.settle()
            server = run.world.endpoints["server"]
            places.append(server.place(server.line))
        assert places == ["line 2", "line 1 of wire.py", "line 3 of wire.py", "line 6 of wire.py"]
        first = {name: first for first, name in server.modules}["wire.py"]
        run.session.dispatch(RunToLine(who="server", line=first + 11))
        run.settle()
        server = run.world.endpoints["server"]
        assert server.place(server.line) == "line 11 of wire.py"
        assert server.source[server.line - 1].strip() == "data = text.encode()"
        assert next_action(run.world).label == "server: run on to sendall(), line 12 of wire.py"
        run.play()
        assert run.outcome("server") == Outcome("", 0, "")


def test_what_cant_be_imported_fails_as_it_does_under_python(folder: Path) -> None:
    (folder / "wire.py").write_text("def listen(:\n")
    ((expected,),) = under_python(Story([["mine.py"]], folder=str(folder)))
    with Run(["mine.py"], folder=folder) as run:
        run.play()
        assert run.outcome("server") == expected
        assert expected.error.startswith("SyntaxError")


def test_a_program_of_which_only_a_library_calls_is_stepped_by_line_from_there(folder: Path) -> None:
    (folder / "site-packages/others.py").write_text("import socket\ndef make():\n    socket.socket().close()\n")
    head = (folder / "mine.py").read_text().partition("\n")[0]
    (folder / "plain.py").write_text(f"{head}\nimport others\nn = 1\nothers.make()\nn = 2\nn = 3\ninput()\n")
    with Run(["plain.py"], folder=folder) as run:
        for command in (Step(who="server"), StepLine(who="server"), StepLine(who="server")):
            run.settle()
            run.session.dispatch(command)
        run.settle()
        assert run.stops("server") == [1, 4, 5, 6]
        run.session.dispatch(Step(who="server"))
        run.until(lambda world: world.endpoints["server"].reads_input)
        assert run.world.endpoints["server"].line == 7
