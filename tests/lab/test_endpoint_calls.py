"""The endpoint reports every socket call, before and after, as it really was: as psutil, ss and /proc see it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import psutil
import pytest

from netsim.model.address import Address
from netsim.model.events import (
    CallReturned,
    CallStarted,
    ProgramStopped,
    SocketRef,
)
from tests.lab.endpoint_driver import Endpoint
from tests.lab.endpoint_programs import (
    last,
    names,
    program,
    run,
)


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
        created = [call.microseconds for call in endpoint.calls() if call.name == "socket"]
        assert 0 < min(created) < 50_000  # of several, one that was not held up


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
