"""A stop says which socket calls are ahead: on the line, then in the order in which a run would come to them."""

from __future__ import annotations

import socket

import pytest

from tests.lab.endpoint_driver import Endpoint
from tests.lab.endpoint_programs import (
    ahead,
    names_ahead,
    program,
    tcp_server,
)


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
