"""All that the socket module can do works in an endpoint, is reported once, and looks like the stdlib's."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.lab.endpoint_driver import PYTHON, Endpoint
from tests.lab.endpoint_programs import (
    last,
    names,
    program,
    run,
)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("socket.create_server(('127.0.0.1', 0), backlog=3).close()", "socket setsockopt bind listen close"),
        ("with socket.socket() as t: pass", "socket close"),
        ("s.close(); s.close()", "close"),
        ("f = s.makefile('wb'); f.write(b'x'); f.flush(); s.close(); print(conn.recv(1)); f.close(); conn.recv(1)",
         "send recv close recv"),
        ("s.send(b'ab\\ncd'); f = conn.makefile('r'); print(f.readline()); s.close(); print(f.readline())",
         "send recv_into close recv_into"),
        ("t = s.dup(); t.send(b'x'); t.close()", "send close"),
        ("t = socket.socket(fileno=s.detach()); t.send(b'x'); print(t.family.name)", "detach send"),
        ("t = socket.fromfd(s.fileno(), socket.AF_INET, socket.SOCK_STREAM); t.send(b'x'); t.close()", "send close"),
        ("a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1)); a.close(); b.close()", ""),
        ("s.settimeout(0.01)\ntry: s.recv(1)\nexcept TimeoutError as e: print(e)", "settimeout recv"),
        ("s.setblocking(False)\ntry: s.recv(1)\nexcept BlockingIOError as e: print(e)", "setblocking recv"),
        ("print(s); repr(conn); str([s])", ""),
        ("import os\nwith open(__file__, 'rb') as f: print(s.sendfile(f) == os.fstat(f.fileno()).st_size)", "sendfile"),
        ("import io\nprint(s.sendfile(io.BytesIO(b'x' * 20000)))", "sendfile"),
        ("server.settimeout(5); t = socket.create_connection(addr := server.getsockname()); c, _ = server.accept()",
         "settimeout getsockname socket connect accept"),
        ("import selectors; x = selectors.DefaultSelector(); x.register(s, 1); s.send(b'x'); print(len(x.select(0)))",
         "send"),
        ("del s", "close"),
    ],
)  # fmt: skip
def test_the_stdlib_works_as_ever(text: str, calls: str, tmp_path: Path) -> None:
    source = program(text.replace("; ", "\n") + "\n", pair=True)
    path = tmp_path / "program.py"
    path.write_text(source)
    with Endpoint(source, str(path)) as endpoint:
        end = endpoint.run()
        assert end.error is None, end.traceback
        assert " ".join(call.name for call in endpoint.calls()[8:]) == calls
        numbers = [call.call for call in endpoint.calls()]
        assert numbers == list(range(1, len(numbers) + 1))
    # and a Python of its own says the same, but for the numbers that the kernel picks
    plain = subprocess.run([PYTHON, str(path)], capture_output=True, text=True, check=True)
    assert _without_numbers(endpoint.printed()) == _without_numbers(plain.stdout)


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+", "N", text)


def test_a_subclass_of_the_programs_own_is_reported_too() -> None:
    endpoint = run(
        """
        import socket
        class Chatty(socket.socket):
            def __init__(self):
                super().__init__(socket.AF_INET, socket.SOCK_STREAM)
                self.said = []
            def send(self, data):
                self.said.append(data)
                return super().send(data)
            def accept(self):
                fd, addr = self._accept()
                return socket.socket(fileno=fd), addr
        server = Chatty()
        server.bind(('127.0.0.1', 0))
        server.listen()
        s = Chatty()
        s.connect(server.getsockname())
        conn, addr = server.accept()
        s.send(b'x')
        print(conn.recv(1), s.said, type(s).__mro__[1].__name__, repr(s).split()[0], type(conn) is socket.socket)
        """
    )
    assert names(endpoint) == [
        "socket", "bind", "listen", "socket", "getsockname", "connect", "accept", "send", "recv",
    ]  # fmt: skip
    assert endpoint.printed() == "b'x' [b'x'] socket <__main__.Chatty True\n"


def test_the_class_looks_like_the_stdlibs() -> None:
    text = """
        import socket, _socket
        from socket import socket as s
        x = s()
        print(s.__module__, s.__name__, s.__qualname__, s is socket.socket, isinstance(x, _socket.socket))
        print(s.recv.__qualname__, s.recv.__doc__ == _socket.socket.recv.__doc__, s.__doc__)
        print(repr(x))
        import copy
        for use in ('x.color = 1', 'x.lisen(5)', 'x.accept(1)', 's(1, 2, 3, 4, 5)', 's(kind=1)', 'copy.copy(x)'):
            try:
                exec(use)
            except Exception as e:
                print(type(e).__name__, e)
        """
    endpoint = run(text)
    plain = subprocess.run([PYTHON, "-c", program(text)], capture_output=True, text=True, check=True).stdout
    assert endpoint.printed() == plain


def test_a_socket_that_nobody_has_any_more_is_closed_by_python_and_that_is_reported() -> None:
    with Endpoint(program("conn = None\nprint(s.recv(1))\n", pair=True)) as endpoint:
        endpoint.run()
        _, closed = last(endpoint, "close")
        _, accepted = last(endpoint, "accept")
        assert closed.socket == accepted.accepted
        assert (closed.line, closed.error) == (0, None)  # no line has asked for it
        assert endpoint.printed() == "b''\n"  # the other end sees it
        assert names(endpoint)[-2:] == ["close", "recv"]  # but the end of the program closes none


def test_what_closes_when_python_tidies_up_is_not_reported() -> None:
    text = "import socket\ndef f():\n    s = socket.socket()\n    1 / 0\n"
    endpoint = run(f"{text}try: f()\nexcept ArithmeticError: pass\n")
    assert names(endpoint) == ["socket", "close"]
    with Endpoint(f"{text}f()\n") as endpoint:
        endpoint.run()
        endpoint.wait_for_end()
        assert names(endpoint) == ["socket"]
