"""What each cell of a port table means: true for its row, short enough for the why row, and never empty."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest
from msgspec.structs import replace

from netsim.model.address import Address
from netsim.model.events import TcpState
from netsim.model.machine import MachinePorts, MachineRow
from netsim.model.machine_rows import rows_of
from netsim.model.world import Row, RowKey, World
from netsim.story.cells import COLUMNS, WIDTH, Around, Column, explain, explain_cell
from netsim.story.machine_cells import explain_on_machine, hidden, machine_of
from tests.script import at, ref, tcp
from tests.worlds import build, had, program, udp

SERVER = program("server", sockets=(ref(3, 30, 8888), ref(4, 31, 8888, 51324)))
CLIENT = program("client1", sockets=(ref(3, 41, 51324, 8888),))
KERNEL = (
    tcp("LISTEN", 8888, inode=30, receive=3, send=5),
    tcp("ESTABLISHED", 8888, 51324, inode=31, receive=5),
    tcp("ESTABLISHED", 8888, 51338),
    tcp("ESTABLISHED", 51324, 8888, inode=41, send=5),
    tcp("SYN_RECV", 8888, 51400),
    tcp("FIN_WAIT2", 8888, 51500),
    tcp("TIME_WAIT", 51600, 8888, expires_ms=57_000),
)
WORLD = build(
    SERVER,
    CLIENT,
    program("udpserver", sockets=(ref(3, 50, 8888, transport="udp"),)),
    kernel=(*KERNEL, udp(8888, inode=50, host="0.0.0.0")),
    remembered={**had(8888, 41233, remote=51500), **had(51600, 41240, remote=8888, name="client")},
)


def row_of(world: World, local: int, remote: int | None = None, transport: str = "tcp") -> Row:
    peer = at(remote) if remote else None
    rows = [slot.row for slot in world.slots if slot.row]
    (row,) = [row for row in rows if (row.key.port, row.key.peer, row.key.transport) == (local, peer, transport)]
    return row


def said(column: Column, local: int, remote: int | None = None, transport: str = "tcp", world: World = WORLD) -> str:
    return " ".join(explain(world, row_of(world, local, remote, transport), column))


@pytest.mark.parametrize(
    ("column", "local", "remote", "words"),
    [
        ("peer", 8888, None, "A listener has no peer"),
        ("peer", 8888, 51324, "The other end, 127.0.0.1:51324."),
        ("port", 8888, None, "8888/tcp and 8888/udp are two ports"),
        ("port", 8888, None, "127.0.0.1: reached from this machine only"),
        ("port", 8888, 51338, "accept() opens no new one"),
        ("port", 51324, 8888, "The kernel chose 51324 in connect()"),
        ("state", 8888, None, "accept() hands them out"),
        ("state", 8888, 51338, "no process has accepted it yet"),
        ("state", 51600, 8888, "57 s more"),
        ("pid", 8888, None, "PID 41233 has this socket open"),
        ("pid", 8888, 51338, "No PID: not accepted."),
        ("pid", 8888, 51400, "No PID: half open."),
        ("pid", 8888, 51500, "No PID: 41233 has closed it."),
        ("pid", 51600, 8888, "No PID: 41240 closed it."),
        ("pid", 51600, 8888, "The program that had it was client."),
        ("program", 8888, None, "3 connections wait for accept(); with backlog 5 Linux lets 6 wait."),
        ("program", 8888, 51324, "5 bytes came and were acknowledged; the program has not read them yet."),
        ("program", 51324, 8888, "5 bytes sent, not acknowledged"),
        ("program", 51600, 8888, "57 s more"),
    ],
)
def test_rows_of_the_lab(column: Column, local: int, remote: int | None, words: str) -> None:
    assert words in said(column, local, remote)


def test_udp() -> None:
    assert "no states" in said("state", 8888, transport="udp")
    assert "each datagram says where it goes" in said("peer", 8888, transport="udp")
    assert "0.0.0.0: reached by every IPv4 address" in said("port", 8888, transport="udp")
    assert "No datagram waits" in said("program", 8888, transport="udp")
    world = build(
        program("udpserver", sockets=(ref(3, 50, 8888, transport="udp"),)), kernel=(udp(8888, inode=50, receive=768),)
    )
    assert "A datagram waits in this socket" in said("program", 8888, transport="udp", world=world)


def test_who_is_gone_and_who_came_instead() -> None:
    world = build(
        program("server", pid=41302, former_pids=(41233,), sockets=(ref(3, 60, 8888),)),
        kernel=(tcp("LISTEN", 8888, inode=60, send=5), tcp("FIN_WAIT1", 8888, 51324)),
        remembered={**had(8888, 41233), **had(8888, 41233, remote=51324)},
    )
    assert "41233 had this port, now 41302 has it" in said("pid", 8888, world=world)
    assert "No PID: 41233 is gone." in said("pid", 8888, 51324, world=world)


@pytest.mark.parametrize(
    ("waiting", "backlog", "words"),
    [
        (0, 5, "Nobody waits for accept(); with backlog 5 Linux lets 6 wait."),
        (1, 5, "1 connection waits for accept()"),
        (6, 5, "6 wait, backlog 5: the queue is full"),
        (1, 0, "1 wait, backlog 0: the queue is full"),
    ],
)
def test_the_accept_queue(waiting: int, backlog: int, words: str) -> None:
    row = replace(row_of(WORLD, 8888), waiting=waiting, backlog=backlog)
    assert words in explain(WORLD, row, "program")[0]


def test_ports_below_1024() -> None:
    row = Row(key=RowKey(80, "tcp", "0.0.0.0"), state="LISTEN", pids=(1,))
    assert explain(WORLD, row, "port")[0].startswith("Ports below 1024")


def test_fork_and_shared_ports_are_two_things() -> None:
    forked = replace(row_of(WORLD, 8888), pids=(41233, 41301))
    assert "fork() handed it on" in explain(WORLD, forked, "pid")[0]
    sibling = explain_cell(row_of(WORLD, 8888), "pid", Around(sockets=2))
    assert "SO_REUSEPORT" in sibling[0]


STATES = (*get_args(TcpState), "")
PEERS = (None, at(51324), Address("fe80:1234:1234:1234:1234:1234:1234:1234", 65535))
AROUND = (
    Around(),
    Around(serves=True, both_protocols=True, sockets=123, alive=True, unread=9**9, unsent=9**9, seconds=60),
    Around(alive=False, queues=False),
)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::", "::1", "fe80:1234:1234:1234:1234:1234:1234:1234"])
@pytest.mark.parametrize("state", STATES)
def test_every_cell_has_a_sentence_that_fits(state: str, host: str) -> None:
    transport = "tcp" if state else "udp"
    owners = (("process", (4194301,)), ("process", (4194301, 4194302)), ("kernel", ()), ("unknown", ()))
    for peer, former, (whose, pids), (waiting, backlog) in itertools.product(
        PEERS, (None, 4194303), owners, ((0, 0), (128, 4096), (65536, 65535))
    ):
        row = Row(
            key=RowKey(65535 if waiting else 80, transport, host, peer),  # type: ignore[arg-type]
            state=state, pids=pids, former_pid=former, whose=whose, waiting=waiting, backlog=backlog,  # type: ignore[arg-type]
            name="x" * 15, user="u" * 32,
        )  # fmt: skip
        for column, around in itertools.product(get_args(Column), AROUND):
            sentences = explain_cell(row, column, around)
            assert sentences
            for sentence in sentences:
                assert len(sentence) <= WIDTH, sentence
                assert sentence.endswith("."), sentence


def test_the_lab_has_no_cell_without_a_meaning() -> None:
    for slot in WORLD.slots:
        for column in COLUMNS:
            assert slot.row is not None
            assert explain(WORLD, slot.row, column)


# --- the machine's


def on_machine(row: MachineRow, column: Column, *others: MachineRow, complete: bool = True) -> str:
    rows, _ = rows_of(MachinePorts(1, (row, *others)), {}, 0.0)
    (shown,) = [each for each in rows if (each.key.host, each.key.port) == (row.local.host, row.local.port)]
    machine = machine_of(rows, queues=row.held is not None, complete=complete)
    return " ".join(explain_on_machine(shown, column, machine, 10.0))


def test_on_the_machine_a_hidden_process_says_whose_it_is() -> None:
    hidden_row = MachineRow("tcp", Address("0.0.0.0", 22), None, "LISTEN", held=True, owner="root")
    assert on_machine(hidden_row, "pid").startswith("root's process has it")
    assert on_machine(replace(hidden_row, held=None, owner=""), "pid").startswith("No process that this user may see")
    assert "only your own" in on_machine(replace(hidden_row, held=None, owner=""), "pid", complete=False)
    assert "No PID: not accepted" in on_machine(replace(hidden_row, held=False, owner="", state="ESTABLISHED"), "pid")


def test_on_the_machine_other_columns_speak_too() -> None:
    row = MachineRow("tcp", at(51324), at(8888), "ESTABLISHED", 7, "curl", "ada", held=True, receive=2)
    assert "It runs as ada." in on_machine(row, "pid")
    assert on_machine(row, "program").startswith("2 bytes came")
    assert "ada: the user whose process has it" in on_machine(row, "user")
    assert "The kernel chose 51324" in on_machine(row, "port")
    listener = MachineRow("tcp", at(8888), None, "LISTEN", 7, "server", "ada", held=True)
    both = MachineRow("udp", Address("0.0.0.0", 8888), None, "", 8, "x", "ada", held=True)
    assert "are two ports" in on_machine(listener, "port", both)
    waiting = MachineRow("tcp", at(51325), at(8888), "TIME_WAIT", held=False, expires_ms=30_000)
    assert "20 s more" in on_machine(waiting, "program")


def test_how_many_are_hidden() -> None:
    rows = [Row(key=RowKey(port, "tcp", "::"), state="LISTEN", whose="unknown") for port in (1, 2)]
    assert hidden(rows).startswith("2 rows with ?")
    assert hidden(rows[:1], briefly=True) == "1 hidden (?): another user's"
    assert hidden([]) == ""


def test_what_root_can_t_see_is_not_said_to_be_another_users() -> None:
    rows = [Row(key=RowKey(port, "tcp", "::"), state="LISTEN", whose="unknown") for port in (1, 2)]
    said = [hidden(rows, by_root=True), hidden(rows, briefly=True, by_root=True)]
    said += explain_on_machine(rows[0], "pid", machine_of(rows, queues=True, complete=True, by_root=True), 0.0)
    assert "not even by root" in " ".join(said[2:])
    assert not any("another user" in each or "sudo" in each or "this user" in each for each in said)
