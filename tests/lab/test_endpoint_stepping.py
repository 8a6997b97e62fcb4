"""The endpoint stops a program before each line that has a socket call ahead, and nowhere else."""

from __future__ import annotations

import socket

import pytest

from netsim.model.events import (
    CallStarted,
    ProgramPrinted,
    ProgramStopped,
)
from tests.lab.endpoint_driver import Endpoint
from tests.lab.endpoint_programs import (
    program,
    stop_lines,
    tcp_server,
)


def test_the_server_on_the_screen_stops_before_each_of_its_socket_calls() -> None:
    with Endpoint(tcp_server()) as server:
        lines = [server.stopped().line]
        while lines[-1] != 10:  # accept
            lines.append(server.step().line)
        with socket.create_connection(("127.0.0.1", int(server.printed()))) as client:
            lines.append(server.step().line)
            lines.append(server.step().line)
            assert client.recv(100) == b"Connection received"
            client.sendall(b"hello")
            lines.append(server.step().line)  # the loop comes back to recv
            assert server.printed().endswith("hello\n")
        lines.append(server.step().line)
        lines.append(server.step().line)
    assert lines == [5, 6, 7, 8, 10, 11, 12, 12, 14, 10]


def test_nothing_on_the_line_has_run_when_it_stops() -> None:
    with Endpoint("import socket\nprint('before')\nprint('on it', socket.socket().fileno())\n") as endpoint:
        endpoint.stopped()
        assert endpoint.printed() == "before\n"
        assert not endpoint.all(CallStarted)
        endpoint.run()
        assert endpoint.printed() == "before\non it 3\n"


def test_a_program_without_socket_calls_runs_through() -> None:
    with Endpoint("for i in range(3):\n    print(i)\n") as endpoint:
        assert stop_lines(endpoint) == []
        assert endpoint.printed() == "0\n1\n2\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("for i in range(3):\n    s.send(b'x')\n", [7, 7, 7]),
        ("n = 0\nwhile n < 3:\n    n += len(s.recv(1))\n", [8, 8, 8]),
        ("while s.recv(1):\n    pass\n", [6, 6, 6, 6]),
        ("while True:\n    if not s.recv(1): break\n", [7, 7, 7, 7]),
        ("s.recv(1); s.send(b'x'); s.close()\n", [6]),
        ("if s.recv(1) == b'no':\n    s.send(b'x')\nelse:\n    s.close()\n", [6, 9]),
        ("try:\n    s.connect(('127.0.0.1', 1))\nexcept OSError:\n    s.close()\nelse:\n    s.recv(1)\n", [7, 9]),
        ("x = [s.recv(1) for i in range(3)]\nprint(x)\n", [6]),
        ("x = list(map(lambda n: s.recv(1), range(3)))\nprint(x)\n", []),
        ("f = lambda n=s.recv(1): s.recv(n)\nf(1)\n", [6]),
        ("while True:\n    x = [\n        s.recv(n) or exit()\n        for n in (1,)]\n", [7] * 4),
        ("while True:\n    s.recv(\n        1,\n    ) or exit()\n", [7] * 4),
        ("print(\n    'got',\n    s.recv(\n        1,\n    ),\n)\nprint('done')\n", [6]),
        ("for i in range(3):\n    s.sendall(\n        b'x'\n        b'y',\n    )\n", [7, 7, 7]),
        ("while True:\n    x = [\n        s.recv(n)\n        for n in (1, 1)]\n    if x[-1] == b'': break\n", [7, 7]),
        ("from contextlib import suppress\nwith suppress(OSError):\n    s.recv(1)\n", [8]),
        ("def f(x=s.recv(1)): pass\nf()\n", [6]),
        ("match s.recv(1):\n    case b'q': pass\n    case x if s.recv(1): pass\n", [6, 8]),
        ("class A:\n    got = s.recv(1)\n", [7]),
        ("f = open('/dev/null')\nf.close()\n", []),
        ("import queue\nq = queue.Queue()\nq.put(1)\nq.send = print\nq.send(1)\n", []),
        ("s.close()\ns.close()\n", [6]),
        ("send = s.send\nsend(b'x')\n", [7]),
        ("class O: pass\no = O()\no.socks = {'a': [s]}\no.socks['a'][0].send(b'x')\n", [9]),
        ("class O:\n    __slots__ = 'sock'\no = O()\no.sock = s\no.sock.send(b'x')\n", [10]),
        ("import os\na, b = socket.socketpair()\na.send(b'x')\nb.recv(1)\n", []),
    ],
)  # fmt: skip
def test_it_stops_at(text: str, lines: list[int]) -> None:
    given = "conn.sendall(b'xyz'); conn.shutdown(socket.SHUT_WR)"
    with Endpoint(program(text, pair=True).replace("server.accept()", f"server.accept(); {given}")) as endpoint:
        assert stop_lines(endpoint) == [3, 4, 5, *lines], endpoint.all(ProgramStopped)[-1]


def test_a_loop_on_one_line_stops_at_least_once() -> None:
    """How often depends on the line events that a version of Python has for it."""
    with Endpoint(
        program("for i in range(3): s.send(b'x')\nwhile conn.recv(1) and i: i -= 1\n", pair=True)
    ) as endpoint:
        assert set(stop_lines(endpoint)) == {3, 4, 5, 6, 7}
        assert [call.name for call in endpoint.calls()[8:]] == ["send"] * 3 + ["recv"] * 3


def test_a_function_of_its_own_is_stepped_into_and_the_librarys_are_not() -> None:
    text = program(
        """
        import socket, socketserver
        def talk(peer):
            peer.send(b'x')
            return peer.recv(1)
        def listen():
            return socketserver.TCPServer(('127.0.0.1', 0), None)
        server = listen()
        s = socket.create_connection(server.server_address)
        talk(s) if False else s.close()
        """
    )
    with Endpoint(text) as endpoint:
        stops = [endpoint.stopped(), endpoint.step()]
        assert [(stop.line, stop.function) for stop in stops] == [(8, "<module>"), (9, "<module>")]
        assert [call.name for call in endpoint.calls()][:3] == ["socket", "bind", "getsockname"]  # of the library's

    text = program("def talk(peer):\n    peer.send(b'x')\n    return conn.recv(1)\nprint(talk(s))\n", pair=True)
    with Endpoint(text) as endpoint:
        endpoint.run()
        assert [(stop.line, stop.function) for stop in endpoint.all(ProgramStopped)][3:] == [(7, "talk"), (8, "talk")]
        assert endpoint.printed() == "b'x'\n"


@pytest.mark.parametrize(
    ("text", "stops"),
    [
        ("with s:\n    print(1)\nprint(2)\n", [(6, "close")]),
        ("with s as t:\n    t.send(b'x')\n", [(7, "send"), (6, "close")]),
        ("with s, conn as t:\n    pass\n", [(6, "close close")]),
        ("with s:\n    s.close()\n", [(7, "close")]),
        ("for i in (s, conn):\n    with i:\n        continue\n", [(7, "close"), (7, "close")]),
        ("def f():\n    with s:\n        return conn.fileno()\nf()\n", [(7, "close")]),
        ("def f():\n    with s:\n        return s.send(b'x')\nf()\n", [(8, "send"), (7, "close")]),
        ("try:\n    with s:\n        1 / 0\nexcept ArithmeticError:\n    print(1)\n", [(7, "close")]),
        ("def f():\n    try:\n        return s.send(b'x')\n    finally:\n        s.close()\nf()\n",
         [(8, "send"), (10, "close")]),
        ("with socket.socket() as t:\n    t.listen()\n", [(6, "socket close"), (7, "listen"), (6, "close")]),
        ("with (\n    socket.socket()\n) as t:\n    print(1)\n", [(6, "socket close"), (6, "close")]),
    ],
)  # fmt: skip
def test_the_end_of_a_with_block_is_a_stop_where_it_closes_a_socket(text: str, stops: list[tuple[int, str]]) -> None:
    with Endpoint(program(text, pair=True)) as endpoint:
        endpoint.run()
        found = [
            (stop.line, " ".join(call.name for call in stop.ahead if call.line == stop.line))
            for stop in endpoint.all(ProgramStopped)[3:]
        ]
        assert found == stops


def test_every_line_can_be_a_stop() -> None:
    text = "import socket\nn = 0\nwhile n < 2:\n    n += 1\ns = socket.socket()\n"
    with Endpoint(text, every_line=True) as endpoint:
        assert stop_lines(endpoint) == [1, 2, 3, 4, 3, 4, 3, 5]


def test_threads_are_not_stepped() -> None:
    text = program(
        """
        import threading
        def echo():
            conn.send(conn.recv(10))
        thread = threading.Thread(target=echo)
        thread.start()
        s.send(b'hello')
        thread.join()
        print(s.recv(10))
        """,
        pair=True,
    )
    with Endpoint(text) as endpoint:
        assert stop_lines(endpoint)[3:] == [11, 13]
        assert endpoint.printed() == "b'hello'\n"
        assert {call.name for call in endpoint.calls() if call.thread == 1} == {"recv", "send"}


def test_an_exception_that_the_program_handles_does_not_end_the_stepping() -> None:
    text = "import socket\ns = socket.socket()\ntry:\n    s.recv(1)\nexcept OSError as e:\n    print(e)\ns.close()\n"
    with Endpoint(text) as endpoint:
        assert stop_lines(endpoint) == [2, 4, 7]
        assert endpoint.printed() == "[Errno 107] Transport endpoint is not connected\n"


def test_long_chains_and_deep_nesting_are_no_harm() -> None:
    branches = "".join(f"elif x == {i}:\n    pass\n" for i in range(900))
    chain = f"x = -1\nif x:\n    pass\n{branches}y = {'+'.join('1' * 1500)}\n"
    text = f"import socket; socket.socket()\n{chain}socket.socket()\n"
    with Endpoint(text) as endpoint:
        assert stop_lines(endpoint) == [1, 1806]


def test_output_comes_before_the_stop_that_follows_it() -> None:
    with Endpoint("import socket\nprint('half a line', end='')\nsocket.socket()\n") as endpoint:
        endpoint.stopped()
        assert [type(event) for event in endpoint.events] == [ProgramPrinted, ProgramStopped]
