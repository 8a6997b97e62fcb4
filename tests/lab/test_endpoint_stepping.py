"""The endpoint stops a program before each line that has a socket call ahead, and says which calls those are."""

from __future__ import annotations

import os
import socket
import textwrap
from pathlib import Path

import pytest

import netsim
from netsim.model.events import CallReturned, CallStarted, ProgramPrinted, ProgramStopped, ReadinessChanged
from tests.lab.endpoint_driver import Endpoint

PROGRAMS = Path(netsim.__file__).parent / "programs"

PAIR = """
import socket
server = socket.create_server(('127.0.0.1', 0))
s = socket.create_connection(server.getsockname())
conn, addr = server.accept()
"""  # three stops; a program that talks to itself: what it sends it can receive


def program(text: str, *, pair: bool = False) -> str:
    """A program's text; with `pair` its own lines begin at 6, and have s and conn, two ends of a connection."""
    return PAIR + textwrap.dedent(text).lstrip("\n") if pair else textwrap.dedent(text).lstrip("\n")


def stop_lines(endpoint: Endpoint) -> list[int]:
    """Run it to its end: the lines at which it stopped."""
    endpoint.run()
    return [stop.line for stop in endpoint.all(ProgramStopped)]


def ahead(stop: ProgramStopped) -> list[tuple[int, str, str, int | None]]:
    return [(call.line, call.name, call.target, call.fd) for call in stop.ahead]


def names_ahead(stop: ProgramStopped) -> list[str]:
    return [call.name for call in stop.ahead]


def tcp_server() -> str:
    """The server on the screen, on a port that the kernel picks and that it prints."""
    text = (PROGRAMS / "tcp_server.py").read_text().replace("8888", "0")
    return text.replace("s.listen(5)", "s.listen(5); print(s.getsockname()[1])")


# --- where it stops


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


# --- what is ahead


def test_what_is_ahead_is_in_the_order_in_which_a_run_comes_to_it() -> None:
    with Endpoint(tcp_server()) as server:
        assert ahead(server.stopped()) == [
            (5, "socket", "socket", None),
            (6, "setsockopt", "s", None),
            (7, "bind", "s", None),
            (8, "listen", "s", None),
            (8, "getsockname", "s", None),
            (10, "accept", "s", None),
            (11, "send", "conn", None),
            (12, "recv", "conn", None),
            (14, "close", "conn", None),
        ]
        server.step_to(10)
        with socket.create_connection(("127.0.0.1", int(server.printed()))):
            assert ahead(server.step()) == [
                (11, "send", "conn", 4), (12, "recv", "conn", 4), (14, "close", "conn", 4), (10, "accept", "s", 3),
            ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "calls"),
    [
        # around the loop, then out of it
        ("for i in range(2):\n    s.send(b'x')\n    conn.recv(1)\ns.close()\n", 8, "recv8 send7 close9"),
        # nothing is behind an endless loop
        ("while True:\n    s.recv(1)\ns.close()\n", 7, "recv7"),
        ("while True:\n    if s.recv(1): break\ns.close()\n", 7, "recv7 close8"),
        ("while True:\n    for i in range(1):\n        s.recv(1)\n        break\n    s.send(b'')\ns.close()\n", 8,
         "recv8 send10"),
        # nor behind a return; but the caller goes on
        ("def f():\n    while True:\n        s.recv(1)\n        return\n    s.send(b'')\nf()\ns.close()\n", 8,
         "recv8 close12"),
        # inside an expression of the caller's, what comes after the call
        ("def f():\n    return s.send(b'x')\nprint(s.fileno(), f(), conn.recv(1))\n", 7, "send7 recv8"),
        ("def f():\n    s.send(b'x')\nfor i in range(2):\n    f()\n    conn.recv(1)\n", 7, "send7 recv10"),
        # into functions that are called
        ("def f(peer):\n    peer.shutdown(1)\ns.send(b'x')\nf(s)\ns.close()\n", 8, "send8 shutdown7 close10"),
        ("class A:\n    def go(self):\n        s.shutdown(1)\ns.send(b'x')\nA().go()\n", 9, "send9 shutdown8"),
        # both branches, and the handler after what usually happens
        ("s.send(b'x')\nif s:\n    s.recv(1)\nelse:\n    s.close()\n", 6, "send6 recv8 close10"),
        ("try:\n    s.send(b'x')\nexcept OSError:\n    s.close()\nelse:\n    s.recv(1)\nfinally:\n    conn.close()\n",
         7, "send7 recv11 close13 close9"),
        # the close at the end of a block
        ("with s:\n    s.send(b'x')\nconn.close()\n", 7, "send7 close6 close8"),
        ("with socket.socket() as t:\n    t.listen()\n", 6, "socket6 listen7 close6"),
        # what was bound to something else, or nothing yet
        ("c = None\ns.send(b'x')\nc = conn\nc.recv(1)\n", 7, "send7 recv9"),
        ("f = open('/dev/null')\ns.send(b'x')\nf.close()\n", 7, "send7"),
        ("s.send(b'x')\nlater.recv(1)\nlater().send(1)\n", 6, "send6 recv7"),
        ("s.send(b'x')\nwith open('/dev/null') as f:\n    f.read()\n", 6, "send6"),
        # what runs at another time, or can't be reached
        ("s.send(b'x')\nlater = lambda: s.recv(1)\n", 6, "send6"),
        ("def f():\n    s.send(b'x')\n    return\n    s.recv(1)\nconn.getpeername()\nf()\n", 10, "getpeername10 send7"),
        ("for i in range(2):\n    s.send(b'x')\n    conn.recv(1)\n    continue\n", 8, "recv8 send7"),
        ("for i in range(2):\n    s.send(b'x')\n    conn.recv(1)\n    break\n", 8, "recv8"),
        ("while s.send(b'x'):\n    conn.recv(1)\n    break\nelse:\n    s.close()\nconn.close()\n", 7,
         "recv7 close10 close11"),
        ("n = 1\nwhile n and s.send(b'x'):\n    n -= 1\n    conn.recv(1)\n", 9, "recv9 send7"),
        # on one line, and on several
        ("def f(peer): peer.send(b'x'); peer.recv(0)\nf(s)\nconn.close()\n", 6, "send6 recv6 close8"),
        ("def f(peer): peer.send(b'x')\nconn.getpeername()\nf(s)\nconn.close()\n", 6, "send6 close9"),
        ("s.send(b'x')\ndata = (\n    conn.recv(1)\n)\n", 6, "send6 recv7"),
        ("data = (\n    s.send(b'x')\n)\n", 6, "send6"),
        # a class is made by its __init__
        ("class A:\n    def __init__(self):\n        s.shutdown(1)\ns.send(b'x')\nA()\n", 9, "send9 shutdown8"),
    ],
)  # fmt: skip
def test_ahead_of_line(text: str, line: int, calls: str) -> None:
    with Endpoint(program(text, pair=True)) as endpoint:
        endpoint.stopped()
        stop = endpoint.step_to(line)
        assert " ".join(f"{call.name}{call.line}" for call in stop.ahead) == calls


def test_a_name_that_is_the_functions_own_is_not_the_modules() -> None:
    text = "t = conn\ndef f():\n    s.send(b'x')\n    t = server\n    t.close()\nf()\n"
    with Endpoint(program(text, pair=True)) as endpoint:
        endpoint.stopped()
        assert ahead(endpoint.step_to(8)) == [(8, "send", "s", 4), (10, "close", "t", None)]


def test_a_very_long_list_is_cut() -> None:
    with Endpoint(program("s.send(b'x'); " * 50 + "\n" + "s.send(b'y')\n" * 50, pair=True)) as endpoint:
        endpoint.stopped()
        assert names_ahead(endpoint.step_to(6)) == ["send"] * 60
    with Endpoint(program("s.send(b'x'); " * 100 + "\n", pair=True)) as endpoint:
        endpoint.stopped()
        assert len(endpoint.step_to(6).ahead) <= 60


def test_several_calls_on_a_line_are_listed_in_the_order_of_evaluation() -> None:
    with Endpoint(program("conn.send(s.getsockname()[0].encode()); s.send(s.recv(100))\n", pair=True)) as endpoint:
        endpoint.stopped()
        stop = endpoint.step_to(6)
        assert ahead(stop) == [
            (6, "getsockname", "s", 4), (6, "send", "conn", 5), (6, "recv", "s", 4), (6, "send", "s", 4),
        ]  # fmt: skip
        endpoint.run()
        assert [call.name for call in endpoint.calls()][-4:] == ["getsockname", "send", "recv", "send"]


def test_targets_are_looked_at_without_running_the_programs_code() -> None:
    text = program(
        """
        class Loud:
            @property
            def sock(self):
                print('touched')
                return s
            def __getattr__(self, name):
                print('touched')
                return s
            def __eq__(self, other):
                print('touched')
                return True
            __hash__ = None
        loud = Loud()
        s.send(b'x')
        loud.sock.recv(1) if False else None
        loud.other.recv(1) if False else None
        with s as loud.third: pass
        """,
        pair=True,
    )
    with Endpoint(text) as endpoint:
        endpoint.run()
        assert endpoint.printed() == ""


# --- readiness


def test_it_reports_when_reading_would_no_longer_sleep_and_when_it_would_again() -> None:
    text = tcp_server().replace("conn, addr = s.accept()", "conn, addr = s.accept()\n    conn.setblocking(False)")
    with Endpoint(text) as server:
        server.stopped()
        server.step_to(10)
        assert not server.all(ReadinessChanged)
        with socket.create_connection(("127.0.0.1", int(server.printed()))):
            change = server.wait_for(ReadinessChanged)
            assert (change.fd, change.readable) == (3, True)
            assert server.run_extra("other = s.accept()").error is None  # somebody else takes it
            server.tell(do="poll")
            server.tell(do="poll")
            assert server.run_extra("1").result == "1"
            assert [(each.fd, each.readable) for each in server.all(ReadinessChanged)] == [(3, True)]


def test_a_poll_reports_that_another_process_took_what_was_there(tmp_path: Path) -> None:
    orders = tmp_path / "orders"
    os.mkfifo(orders)
    text = f"""
        import os
        conn.send(b'x')
        if not os.fork():
            for order in open({str(orders)!r}):
                exec(order)
            os._exit(0)
        s.recv(1)
        """
    with Endpoint(program(text, pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(12)
        child = endpoint.wait_for_fork()
        assert endpoint.wait_for(ReadinessChanged).readable
        with orders.open("w", buffering=1) as child_orders:
            for order, readable in (("s.recv(1)", False), ("conn.send(b'y')", True), ("s.recv(1)", False)):
                child_orders.write(f"{order}\n")
                child.wait_for(CallReturned)
                endpoint.tell(do="poll")
                change = endpoint.wait_for(ReadinessChanged)
                assert (change.fd, change.readable) == (4, readable)
        endpoint.tell(do="poll")  # no news
        endpoint.run_extra("0")
        assert len(endpoint.all(ReadinessChanged)) == 5  # the first one was accept's


def test_only_the_call_on_the_line_itself_is_watched_and_only_if_it_reads() -> None:
    with Endpoint(program("conn.send(b'x')\ns.getsockname()\ns.recv(1)\n", pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(7)
        assert names_ahead(endpoint.all(ProgramStopped)[-1]) == ["getsockname", "recv"]
        endpoint.run_extra("0")
        assert not [event for event in endpoint.all(ReadinessChanged) if event.fd == 4]
        endpoint.step()
        assert endpoint.wait_for(ReadinessChanged).fd == 4


def test_output_comes_before_the_stop_that_follows_it() -> None:
    with Endpoint("import socket\nprint('half a line', end='')\nsocket.socket()\n") as endpoint:
        endpoint.stopped()
        assert [type(event) for event in endpoint.events] == [ProgramPrinted, ProgramStopped]
