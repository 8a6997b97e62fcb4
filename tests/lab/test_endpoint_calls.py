"""The endpoint reports every socket call, before and after, as it really was; the program gets what it always gets."""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import subprocess
import textwrap
from pathlib import Path

import psutil
import pytest

from netsim.model.address import Address
from netsim.model.events import CallReturned, CallStarted, ProgramStopped, SocketRef
from tests.lab.endpoint_driver import PYTHON, Endpoint
from tests.lab.test_endpoint_stepping import program


def run(text: str, *, pair: bool = False) -> Endpoint:
    """Run a program to its end; it must not fail."""
    with Endpoint(program(text, pair=pair)) as endpoint:
        end = endpoint.run()
        assert end.error is None, end.traceback
    return endpoint


def names(endpoint: Endpoint) -> list[str]:
    return [call.name for call in endpoint.calls()]


def last(endpoint: Endpoint, name: str) -> tuple[CallStarted, CallReturned]:
    """The last call of this name, before and after."""
    returned = [call for call in endpoint.calls() if call.name == name][-1]
    started = next(call for call in endpoint.all(CallStarted) if call.call == returned.call)
    assert (started.name, started.line, started.thread) == (returned.name, returned.line, returned.thread)
    return started, returned


# --- what is reported agrees with what others see


def test_a_socket_is_described_as_psutil_and_the_kernel_see_it() -> None:
    text = """
        import socket
        s = socket.socket()
        s.bind(('127.0.0.1', 0))
        s.listen(5)
        conn, addr = s.accept()
        conn.close()
        """
    with Endpoint(program(text)) as server:
        server.stopped()
        server.step()
        _, created = last(server, "socket")
        assert created.socket is not None
        assert created.result == "fd 3"
        assert created.socket == SocketRef(fd=3, inode=created.socket.inode, transport="tcp")
        assert os.readlink(f"/proc/{server.pid}/fd/3") == f"socket:[{created.socket.inode}]"
        server.step()
        server.step()
        listening = server.calls()[-1].socket
        assert listening is not None
        assert listening.local is not None
        with socket.create_connection((listening.local.host, listening.local.port)) as client:
            server.step()
            started, accepted = last(server, "accept")
            assert accepted.accepted is not None
            assert accepted.result == f"fd {accepted.accepted.fd}" == "fd 4"
            assert started.socket == accepted.socket == listening
            host, port = client.getsockname()
            assert accepted.accepted.remote == Address(host, port)
            seen = {(each.fd, each.status): each for each in psutil.Process(server.pid).net_connections("tcp")}
            assert seen[3, "LISTEN"].laddr == (listening.local.host, listening.local.port)
            assert seen[4, "ESTABLISHED"].raddr == (host, port)
            inodes = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
            assert {str(listening.inode), str(accepted.accepted.inode)} <= inodes
            server.tell(do="step", message=None)
            server.wait_for(CallReturned, lambda call: call.name == "close")
        _, closed = last(server, "close")
        assert closed.socket == accepted.accepted  # as it was before
        assert not Path(f"/proc/{server.pid}/fd/4").exists()


@pytest.mark.needs_ss
def test_ss_shows_the_process_under_its_name() -> None:
    with Endpoint("import socket\ns = socket.create_server(('127.0.0.1', 0))\ns.accept()\n") as server:
        server.stopped()
        server.step()
        shown = subprocess.run([shutil.which("ss") or "ss", "-Hltnp"], capture_output=True, text=True, check=True)
        assert re.search(rf'"netsim-server",pid={server.pid},fd=3\b', shown.stdout)


def test_numbers_bytes_and_addresses_of_each_call() -> None:
    endpoint = run(
        """
        s.send(b'four'); conn.recv(2)
        buffer = bytearray(10)
        view = memoryview(buffer)[2:]
        conn.recv_into(view)
        s.sendall(bytearray(b'a' * 1000)); conn.recv(2000)
        s.sendmsg(part for part in (b'he', b'llo'))
        print(conn.recvmsg(100)[0], buffer)
        s.close()
        print(conn.recv(5))
        """,
        pair=True,
    )
    assert endpoint.printed() == "b'hello' bytearray(b'\\x00\\x00ur\\x00\\x00\\x00\\x00\\x00\\x00')\nb''\n"
    found = [(c.name, c.result, c.size, c.data) for c in endpoint.calls() if c.size is not None]
    assert found == [
        ("send", "4", 4, b"four"),
        ("recv", "b'fo'", 2, b"fo"),
        ("recv_into", "2", 2, b"ur"),
        ("sendall", "None", 1000, b"a" * 512),
        ("recv", f"b'{'a' * 36}'... (1000 bytes)", 1000, b"a" * 512),
        ("sendmsg", "5", 5, b"hello"),
        ("recvmsg", "(b'hello', [], 0, None)", 5, b"hello"),
        ("recv", "b''", 0, b""),
    ]


def test_datagrams_have_a_peer() -> None:
    endpoint = run(
        """
        import socket
        s = socket.socket(type=socket.SOCK_DGRAM)
        s.bind(('127.0.0.1', 0))
        t = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        t.sendto(b'hello', s.getsockname())
        t.sendto(b'', 0, s.getsockname())
        s.recvfrom(100)
        s.recvfrom_into(bytearray(9))
        """
    )
    started, created = last(endpoint, "socket")
    assert started.arguments == "AF_INET, SOCK_DGRAM"
    assert created.socket is not None
    assert created.socket.transport == "udp"
    _, bound = last(endpoint, "bind")
    _, sent = last(endpoint, "sendto")
    assert bound.socket is not None
    assert sent.socket is not None
    assert sent.peer == bound.socket.local
    assert sent.socket.local is not None
    assert sent.socket.local.port  # the kernel has picked one, and the wildcard address with it
    assert sent.socket.local.host == "0.0.0.0"
    _, received = last(endpoint, "recvfrom")
    assert received.peer == Address("127.0.0.1", sent.socket.local.port)
    assert (received.size, received.data) == (5, b"hello")
    _, received = last(endpoint, "recvfrom_into")
    assert (received.size, received.data, received.peer) == (0, b"", Address("127.0.0.1", sent.socket.local.port))


def test_ipv6() -> None:
    endpoint = run(
        """
        import socket
        server = socket.create_server(('::1', 0), family=socket.AF_INET6)
        s = socket.create_connection(server.getsockname()[:2])
        conn, addr = server.accept()
        """
    )
    _, accepted = last(endpoint, "accept")
    assert accepted.accepted is not None
    assert accepted.accepted.local is not None
    assert accepted.accepted.local.host == "::1"


# --- arguments and results as Python would write them


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


# --- errors


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


# --- all that the socket module can do works, and is reported once


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


# --- who made it, when, and how long it took


def test_a_call_waits_for_go() -> None:
    with Endpoint("import socket\ns = socket.socket()\ns.bind(('127.0.0.1', 0))\n") as endpoint:
        states: list[str] = []
        endpoint.before_go = lambda call: states.append(
            " ".join(str(each.laddr) for each in psutil.Process(endpoint.pid).net_connections("inet"))
        )
        endpoint.run()
        assert states == ["", ""]  # a socket that is not bound is in no table
        endpoint.before_go = lambda call: None

    with Endpoint("import socket\ns = socket.socket()\n") as endpoint:
        endpoint.stopped()
        endpoint.answers = False
        endpoint.tell(do="step", message=None)
        endpoint.wait_for(CallStarted)
        endpoint.tell(do="poll")  # it was on its way
        endpoint.wait_until_asleep(200)
        assert not os.path.exists(f"/proc/{endpoint.pid}/fd/3")
        endpoint.tell(do="go")
        assert endpoint.wait_for(CallReturned).result == "fd 3"


def test_the_time_is_that_of_the_call_alone() -> None:
    text = """
        s.settimeout(0.05)
        try: s.recv(1)
        except TimeoutError: s.close()
        """
    with Endpoint(program(text, pair=True)) as endpoint:
        endpoint.before_go = lambda call: endpoint.wait_until_asleep(200)
        endpoint.run()
        _, received = last(endpoint, "recv")
        assert 50_000 <= received.microseconds < 5_000_000
        _, created = last(endpoint, "socket")
        assert 0 < created.microseconds < 50_000


def test_threads_have_numbers_and_do_not_wait_for_go() -> None:
    text = """
        import threading
        def talk(sock):
            for i in range(50):
                sock.send(b'x')
        threads = [threading.Thread(target=talk, args=(each,)) for each in (s, conn, s)]
        for each in threads: each.start()
        for each in threads: each.join()
        s.close()
        """
    with Endpoint(program(text, pair=True)) as endpoint:
        endpoint.stopped()
        endpoint.step_to(13)
        calls = [call for call in endpoint.calls() if call.thread]
        assert {call.thread for call in calls} == {1, 2, 3}
        assert [call.name for call in calls] == ["send"] * 150
        assert {call.line for call in calls} == {9}
        assert len({call.call for call in endpoint.calls()}) == len(endpoint.calls())


def test_the_line_is_the_programs_even_when_a_library_makes_the_call() -> None:
    text = """
        import http.client
        try:
            http.client.HTTPConnection('127.0.0.1', server.getsockname()[1]).connect()
        except OSError as e:
            print(e)
        """
    with Endpoint(program(text, pair=True)) as endpoint:
        endpoint.run()
        assert last(endpoint, "connect")[1].line == 8


def test_nothing_is_stopped_or_reported_twice_in_a_line_of_several_calls() -> None:
    endpoint = run("s.send(b'x'); conn.send(conn.recv(1)); print(s.recv(1))\n", pair=True)
    assert names(endpoint)[8:] == ["send", "recv", "send", "recv"]
    assert len(endpoint.all(ProgramStopped)) == 4
