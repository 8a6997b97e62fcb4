"""Whose port it is, as psutil says: for own processes, for strangers, and for what nobody owns."""

from __future__ import annotations

import os
import socket

import psutil
import pytest

from netsim.lab.ports import FEW, Lookup, Question, question
from netsim.model.address import Address
from netsim.model.events import KernelSocket, Owner


def a_socket(port: int, **fields: object) -> KernelSocket:
    return KernelSocket(
        **{  # type: ignore[arg-type]
            "transport": "tcp",
            "state": "TIME_WAIT",
            "local": Address("127.0.0.1", port),
            "remote": None,
            "inode": 0,
            "receive_queue": 0,
            "send_queue": 0,
            **fields,
        }
    )


# --- what psutil says


def ask(port: int, *, pids: set[int], whole: bool = False, sockets: tuple[KernelSocket, ...] = ()) -> Question:
    return question(frozenset({port}), pids, sockets, set(), whole)


@pytest.mark.parametrize("several", [False, True])
def test_own_processes_are_asked_one_by_one_or_all_at_once(several: bool, free_port: int) -> None:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", free_port))
        tcp.listen()
        udp.bind(("127.0.0.1", free_port))
        pids = {os.getpid(), 2**22 + 1} | ({2**22 + n for n in range(2, 2 + FEW)} if several else set())
        found = Lookup().answer(ask(free_port, pids=pids))
    here, name = Address("127.0.0.1", free_port), psutil.Process().name()
    assert found == (
        Owner("tcp", here, None, "LISTEN", os.getpid(), name),
        Owner("udp", here, None, "", os.getpid(), name),
    )


def test_a_stranger_is_looked_for_once(free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    scans: list[int] = []
    really = psutil.net_connections

    def count(kind: str) -> object:
        scans.append(1)
        return really(kind)

    monkeypatch.setattr(psutil, "net_connections", count)
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", free_port))
        stranger.listen()
        inode = os.fstat(stranger.fileno()).st_ino
        seen = a_socket(free_port, state="LISTEN", inode=inode)
        lookup = Lookup()
        for _ in range(3):
            found = lookup.answer(ask(free_port, pids=set(), sockets=(seen,)))
            assert [each.pid for each in found] == [os.getpid()]
    assert len(scans) == 1
    assert lookup.answer(ask(free_port, pids=set())) == ()


def test_whole_means_that_rows_without_an_owner_are_there(free_port: int) -> None:
    """TIME_WAIT is nobody's: psutil has it, with no PID."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", free_port))
        server.listen()
        with socket.create_connection(("127.0.0.1", free_port)) as client:
            connection, _ = server.accept()
            client.close()
            connection.close()
    assert [(each.state, each.pid) for each in Lookup().answer(ask(free_port, pids=set(), whole=True))] == [
        ("TIME_WAIT", None)
    ]
    assert Lookup().answer(ask(free_port, pids={2**22 + n for n in range(FEW + 1)})) == ()


def test_an_ipv4_peer_of_an_ipv6_socket_is_an_ipv4_address(free_port: int) -> None:
    dual = socket.create_server(("::", free_port), family=socket.AF_INET6, dualstack_ipv6=True)
    with dual, socket.create_connection(("127.0.0.1", free_port)):
        connection, _ = dual.accept()
        with connection:
            found = Lookup().answer(ask(free_port, pids={os.getpid()}))
    assert {str(each.local.host) for each in found} == {"::", "127.0.0.1"}
