"""The machine's table as rows: who has what, who had it, and that a row without a PID says why."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from netsim.model.address import Address
from netsim.model.machine import MachinePorts, MachineRow
from netsim.model.machine_rows import KEPT, Memory, changed_rows, ports_served, rows_of
from netsim.model.world import Row, RowKey
from tests.script import at

LISTENER = MachineRow("tcp", at(8888), None, "LISTEN", 41233, "server", "ada", held=True, receive=3, send=5)
CONNECTION = MachineRow("tcp", at(51324), at(8888), "ESTABLISHED", 41240, "curl", "ada", held=True, receive=12, send=7)
WAITING = MachineRow("tcp", at(51324), at(8888), "TIME_WAIT", held=False, expires_ms=57_000)


def rows(*told: MachineRow, memory: Memory | None = None, at: float = 0.0) -> tuple[tuple[Row, ...], Memory]:
    return rows_of(MachinePorts(1, told), memory or {}, at)


def one(told: MachineRow, memory: Memory | None = None, at: float = 0.0) -> Row:
    ((row,), _) = rows(told, memory=memory, at=at)
    return row


def test_a_listener_has_a_queue_and_a_connection_has_bytes() -> None:
    assert (one(LISTENER).waiting, one(LISTENER).backlog, one(LISTENER).unread) == (3, 5, 0)
    assert (one(CONNECTION).unread, one(CONNECTION).unsent, one(CONNECTION).waiting) == (12, 7, 0)
    assert one(replace(CONNECTION, state="CLOSE_WAIT")).unread == 11  # the peer's FIN counts as one


def test_time_wait_remembers_who_had_its_four_tuple() -> None:
    _, memory = rows(LISTENER, CONNECTION)
    row = one(WAITING, memory, at=10.0)
    assert (row.pids, row.former_pid, row.name, row.whose) == ((), 41240, "curl", "kernel")
    assert row.expires_at == 67.0
    stranger = one(replace(WAITING, local=at(51325)), memory)
    assert (stranger.former_pid, stranger.name, stranger.whose) == (None, "", "kernel")


def test_it_is_remembered_while_the_row_is_there_and_two_minutes_longer() -> None:
    _, memory = rows(CONNECTION)
    for now in (KEPT, 2 * KEPT, 3 * KEPT):  # in TIME_WAIT, or whatever comes of it
        ((row,), memory) = rows(WAITING, memory=memory, at=now)
        assert row.former_pid == 41240
    _, memory = rows(memory=memory, at=4 * KEPT)
    assert one(WAITING, memory, at=4 * KEPT).former_pid == 41240
    _, memory = rows(memory=memory, at=4 * KEPT + 1)
    assert memory == {}


def test_memory_does_not_grow_with_rows_that_come_and_go() -> None:
    memory: Memory = {}
    for number in range(300):
        _, memory = rows(replace(CONNECTION, local=at(30_000 + number)), memory=memory, at=float(number))
    assert len(memory) <= KEPT + 1


def test_a_restarted_server_shows_both() -> None:
    _, memory = rows(LISTENER)
    row = one(replace(LISTENER, pid=41302), memory)
    assert (row.former_pid, row.pids) == (41233, (41302,))
    _, memory = rows(replace(LISTENER, pid=41302), memory=memory)
    assert one(replace(LISTENER, pid=41305), memory).former_pid == 41302


def test_a_four_tuple_used_again_by_another_is_no_restart() -> None:
    _, memory = rows(CONNECTION)
    row = one(replace(CONNECTION, pid=50000, name="nc"), memory)
    assert (row.former_pid, row.pids, row.name) == (None, (50000,), "nc")
    _, memory = rows(replace(CONNECTION, pid=50000, name="nc"), memory=memory)
    assert one(WAITING, memory).former_pid == 50000


def test_a_pid_that_is_used_again_is_another_program() -> None:
    _, memory = rows(LISTENER)
    _, memory = rows(replace(LISTENER, name="other"), memory=memory)
    row = one(replace(LISTENER, pid=41302), memory)
    assert (row.former_pid, row.name) == (41233, "server")
    assert one(replace(LISTENER, pid=None, name="", held=False), memory).name == "other"


def test_all_processes_that_share_a_socket() -> None:
    row = one(replace(LISTENER, others=(41235, 41234)))
    assert row.pids == (41233, 41234, 41235)
    _, memory = rows(replace(LISTENER, others=(41234,)))
    assert one(replace(LISTENER, pid=41234), memory).former_pid == 41233  # the parent has closed it


def test_sockets_with_one_address_are_rows_of_their_own() -> None:
    both, _ = rows(LISTENER, replace(LISTENER, pid=41234))
    assert [(row.key.twin, row.pids) for row in both] == [(0, (41233,)), (1, (41234,))]


@pytest.mark.parametrize(
    ("held", "state", "whose"),
    [
        (False, "ESTABLISHED", "kernel"),  # not accepted
        (False, "TIME_WAIT", "kernel"),
        (True, "LISTEN", "unknown"),  # another user's
        (True, "FIN_WAIT2", "unknown"),  # after shutdown() a process has it still
        (None, "ESTABLISHED", "unknown"),
        (None, "LISTEN", "unknown"),
        (None, "", "unknown"),
        (None, "TIME_WAIT", "kernel"),
        (None, "SYN_RECV", "kernel"),
        (None, "LAST_ACK", "kernel"),
    ],
)
def test_no_pid_is_the_kernels_or_not_to_be_known(held: bool | None, state: str, whose: str) -> None:
    row = one(replace(CONNECTION, pid=None, name="", user="", held=held, state=state, owner="root" if held else ""))
    assert (row.whose, row.user) == (whose, "root" if held else "")


def test_the_labs_own_have_its_names() -> None:
    ((row,), _) = rows_of(MachinePorts(1, (LISTENER,)), {}, 0.0, {41233: "server (lab)"})
    assert row.name == "server (lab)"


def test_rows_stand_by_port_listeners_first() -> None:
    six = MachineRow("tcp", Address("::", 8888), None, "LISTEN", 1)
    accepted = MachineRow("tcp", at(8888), at(51324), "ESTABLISHED", 41233)
    datagrams = MachineRow("udp", at(8888), None, "", 41251)
    found, _ = rows(datagrams, accepted, CONNECTION, six, LISTENER)
    assert [(row.key.port, row.key.transport, row.key.host, row.state) for row in found] == [
        (8888, "tcp", "127.0.0.1", "LISTEN"), (8888, "tcp", "::", "LISTEN"), (8888, "tcp", "127.0.0.1", "ESTABLISHED"),
        (8888, "udp", "127.0.0.1", ""), (51324, "tcp", "127.0.0.1", "ESTABLISHED"),
    ]  # fmt: skip


def test_what_changed() -> None:
    before, memory = rows(LISTENER, CONNECTION)
    after, _ = rows(LISTENER, WAITING, replace(CONNECTION, local=at(51326)), memory=memory)
    assert changed_rows(before, after) == {
        RowKey(51324, "tcp", "127.0.0.1", at(8888)), RowKey(51326, "tcp", "127.0.0.1", at(8888)),
    }  # fmt: skip
    counted, _ = rows(LISTENER, replace(WAITING, expires_ms=1), memory=memory)
    assert changed_rows(rows(LISTENER, WAITING, memory=memory)[0], counted) == frozenset()  # what counts down only


def test_where_somebody_is_reached() -> None:
    found, _ = rows(LISTENER, CONNECTION, MachineRow("udp", at(53), None, "", 1), MachineRow("udp", at(9), at(53), ""))
    assert ports_served(found) == {("tcp", 8888), ("udp", 53)}
