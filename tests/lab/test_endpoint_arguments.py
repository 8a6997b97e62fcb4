"""Arguments and errors are reported as Python would write them."""

from __future__ import annotations

import errno
import textwrap

import pytest

from netsim.model.events import (
    CallStarted,
)
from tests.lab.endpoint_driver import Endpoint
from tests.lab.endpoint_programs import (
    last,
    program,
    run,
)


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("s.bind(('127.0.0.1', 0))", "('127.0.0.1', 0)"),
        ("s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)", "SOL_SOCKET, SO_REUSEADDR, 1"),
        ("s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)", "IPPROTO_TCP, TCP_NODELAY, True"),
        ("s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 9)", "IPPROTO_IP, IP_TTL, 9"),
        ("s.getsockopt(1, 4)", "SOL_SOCKET, SO_ERROR"),
        ("s.setsockopt(1, 13, b'\\1\\0\\0\\0\\0\\0\\0\\0')",
         r"SOL_SOCKET, SO_LINGER, b'\x01\x00\x00\x00\x00\x00\x00\x00'"),
        ("s.listen()", ""),
        ("s.settimeout(0.5)", "0.5"),
        ("s.setblocking(False)", "False"),
        ("socket.socket(socket.AF_INET, type=socket.SOCK_DGRAM)", "AF_INET, type=SOCK_DGRAM"),
        ("socket.socket(2, 1)", "2, 1"),
        ("socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))", "b'x', ('127.0.0.1', 9)"),
    ],
)  # fmt: skip
def test_arguments(line: str, arguments: str) -> None:
    endpoint = run(f"import socket\ns = socket.socket()\n{line}\n")
    started = [call for call in endpoint.all(CallStarted) if call.line == 3]
    assert started[-1].arguments == arguments


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("s.shutdown(socket.SHUT_RDWR)", "SHUT_RDWR"),
        ("s.recv(10, socket.MSG_PEEK | socket.MSG_DONTWAIT)", "10, MSG_PEEK|MSG_DONTWAIT"),
        ("s.send('text')", "'text'"),
        ("s.send(b'x' * 100_000)", f"b'{'x' * 36}'... (100000 bytes)"),
        ("s.send(memoryview(b'xyz'))", "memoryview(b'xyz')"),
        ("s.send(array('i', range(1000)))", "array('i', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,"),
        ("s.send(Bad())", "<Bad>"),
        ("s.connect(Bad(), 2)", "<Bad>, 2"),
        ("s.bind(['\\udc80' * 500])", "['\\udc80\\udc80"),
    ],
)
def test_arguments_of_calls_that_may_fail(line: str, arguments: str) -> None:
    text = f"""
        from array import array
        class Bad:
            def __repr__(self):
                raise ValueError
        try:
            {line}
        except (TypeError, OSError) as e:
            error = type(e)
        """
    with Endpoint(program(textwrap.dedent(text), pair=True)) as endpoint:
        end = endpoint.run()
        assert end.error is None, end.traceback
        started = [call for call in endpoint.all(CallStarted) if call.line == 11]
        assert started[-1].arguments.startswith(arguments)
        assert len(started[-1].arguments) <= 120


def test_an_error_is_reported_and_the_program_gets_it() -> None:
    endpoint = run(
        """
        import socket
        unused = socket.create_server(('127.0.0.1', 0))
        port = unused.getsockname()[1]
        unused.close()
        s = socket.socket()
        try:
            s.connect(('127.0.0.1', port))
        except ConnectionRefusedError as e:
            print(e)
        print(s.connect_ex(('127.0.0.1', port)))
        try:
            s.send('text')
        except TypeError as e:
            print(e)
        s.setblocking(False)
        try:
            s.connect(('no such host', 1))
        except socket.gaierror as e:
            print('gaierror')
        s.close()
        try:
            s.recv(1)
        except OSError as e:
            print(e.errno)
        """
    )
    refused = errno.ECONNREFUSED
    expected = (
        f"[Errno {refused}] Connection refused\n{refused}\na bytes-like object is required, not 'str'\ngaierror\n9\n"
    )
    assert endpoint.printed() == expected
    errors = {call.name: call.error for call in endpoint.calls() if call.error is not None and call.line < 17}
    assert errors["connect"] is not None
    assert (errors["connect"].type, errors["connect"].errno) == ("ConnectionRefusedError", refused)
    assert errors["connect"].name == "ECONNREFUSED"
    assert errors["connect"].message == f"[Errno {refused}] Connection refused"
    assert errors["send"] is not None
    assert (errors["send"].type, errors["send"].errno, errors["send"].name) == ("TypeError", None, None)
    _, resolved = last(endpoint, "connect")
    assert resolved.error is not None
    assert (resolved.error.name or "").startswith("EAI_")
    _, received = last(endpoint, "recv")
    assert received.socket is None  # it was closed
    assert received.error is not None
    assert received.error.name == "EBADF"
    assert all(call.size is None and call.result == "" for call in endpoint.calls() if call.error)
