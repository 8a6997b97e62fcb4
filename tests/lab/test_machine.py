"""The helper outside the lab: the machine's ports, whether a PID is anybody, and that it ends with who started it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import psutil
import pytest
from msgspec.structs import replace

from netsim.lab import fresh, machine_table
from netsim.lab.machine import Machine
from netsim.lab.machine_helper import APART, Reader, serve
from netsim.lab.machine_table import Table
from netsim.lab.probing import probe
from netsim.model.address import Address
from netsim.model.machine import Answer, MachinePorts, MachineRow, Probed
from tests import processes
from tests.clock import Clock
from tests.lab.hostkit import until

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60.0

pytestmark = pytest.mark.usefixtures("no_leaks")
Kind = TypeVar("Kind")


@pytest.fixture
def machine() -> Iterator[Machine]:
    machine = Machine()
    yield machine
    machine.close()


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours that waits."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        yield process
        process.kill()


def wait(ask: Callable[[Callable[[Kind], None]], None]) -> Kind:
    """The answer to a question."""
    answers: SimpleQueue[Kind] = SimpleQueue()
    ask(answers.put)
    return answers.get(timeout=PATIENCE)


def ports(machine: Machine) -> MachinePorts:
    return wait(machine.ports)


def probed(machine: Machine, pid: int, started: float | None = None) -> Probed:
    return wait(lambda on_probed: machine.probe(pid, on_probed, started))


# --- ports


def test_the_machines_table_has_a_socket_of_ours_with_its_owner(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        here, there = (Address(*each.getsockname()) for each in (listener, client))
        table = ports(machine)
    me = psutil.Process()
    owner = {"pid": os.getpid(), "name": me.name(), "user": me.username()}
    assert (table.failure, table.complete) == ("", True)
    rows = {(row.local, row.remote, row.state): row for row in table.rows}
    assert psutils(rows[here, None, "LISTEN"]) == MachineRow("tcp", here, None, "LISTEN", **owner)
    assert psutils(rows[there, here, "ESTABLISHED"]) == MachineRow("tcp", there, here, "ESTABLISHED", **owner)
    assert rows[here, there, "ESTABLISHED"].pid is None  # not accepted: nobody's yet
    assert rows[here, there, "ESTABLISHED"].name == ""


def psutils(row: MachineRow) -> MachineRow:
    """The row without what the kernel's own list adds to it."""
    return replace(row, held=None, owner="", receive=0, send=0, expires_ms=0)


def test_udp_has_no_state(machine: Machine) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        here = Address(*bound.getsockname())
        (row,) = [row for row in ports(machine).rows if row.local == here and row.transport == "udp"]
    assert (row.state, row.remote, row.pid) == ("", None, os.getpid())


def test_rows_are_sorted(machine: Machine) -> None:
    rows = ports(machine).rows
    assert list(rows) == sorted(rows, key=machine_table._order)


def test_asked_again_within_a_second_the_same_table_comes_with_its_age(machine: Machine) -> None:
    for _ in range(100):
        begun = time.monotonic()
        first = ports(machine)
        with socket.create_server(("127.0.0.1", 0)):
            second = ports(machine)
        if time.monotonic() - begun + first.age < APART:  # a busy machine may have stood still in between
            break
    assert second.rows == first.rows
    assert 0 <= first.age <= second.age < 1


def test_it_is_read_once_a_second_at_most() -> None:
    clock, reads, answers = Clock(), [], SimpleQueue[Answer]()

    def read() -> MachinePorts:
        reads.append(clock.now)
        clock.now += 5  # a busy machine: it took so long
        return MachinePorts(0)

    reader = Reader(read, clock)
    ages = []
    for id_, later in enumerate((0.0, 0.5, 0.4, 0.2)):
        clock.now += later
        reader.answer(id_, answers.put)
        answer = answers.get(timeout=PATIENCE)
        assert isinstance(answer, MachinePorts)
        assert answer.id == id_
        ages.append(answer.age)
    assert reads == pytest.approx([100.0, 106.1])
    assert ages == [0.0, 0.5, 0.9, 0.0]


def test_a_table_that_can_not_be_read_is_told_and_tried_again() -> None:
    answers = SimpleQueue[Answer]()
    tables = iter([MachinePorts(0, complete=False)])

    def read() -> MachinePorts:
        clock.now += 2
        return next(tables) if clock.now > 103 else 1 // 0  # type: ignore[return-value]

    clock = Clock()
    reader = Reader(read, clock)
    reader.answer(1, answers.put)
    told = answers.get(timeout=PATIENCE)
    assert told == MachinePorts(
        1, failure="The table can't be read: ZeroDivisionError: integer division or modulo by zero."
    )
    clock.now += 2
    reader.answer(2, answers.put)
    assert answers.get(timeout=PATIENCE) == MachinePorts(2, complete=False)


def test_names_are_asked_for_once_in_a_processs_life(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    name = psutil.Process.name
    monkeypatch.setattr(psutil.Process, "name", lambda self: asked.append(self.pid) or name(self))
    table = Table()
    with socket.create_server(("127.0.0.1", 0)):
        for _ in range(3):
            assert any(row.pid == os.getpid() and row.name for row in table.read().rows)
        assert asked.count(os.getpid()) == 1
        # another process by our number: another start
        monkeypatch.setattr(psutil.Process, "create_time", lambda self: 1.0)
        table.read()
        assert asked.count(os.getpid()) == 2


def test_where_only_ones_own_may_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS."""

    def refuse(kind: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        table = Table().read()
        assert Address(*listener.getsockname()) in [row.local for row in table.rows if row.pid == os.getpid()]
    assert not table.complete


def test_without_psutil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert Table().read().failure.startswith("psutil can't be imported")


# --- probes


def test_somebody_is_there_and_stays_the_same(machine: Machine, child: subprocess.Popen[bytes]) -> None:
    first = probed(machine, child.pid)
    assert (first.errno, first.zombie, first.failure, first.same) == ("", False, "", None)
    assert first.started is not None
    assert first.name == "cat"
    assert probed(machine, child.pid, first.started).same is True
    assert probed(machine, child.pid, first.started - 0.01).same is False  # the number is another's now


def test_nobody_is_there_but_a_zombie_before_it_is_reaped(machine: Machine, child: subprocess.Popen[bytes]) -> None:
    started = probed(machine, child.pid).started
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    zombie = probed(machine, child.pid, started)
    assert (zombie.errno, zombie.zombie, zombie.same) == ("", True, True)
    child.wait()
    gone = probed(machine, child.pid, started)
    assert (gone.errno, gone.started, gone.same) == ("ESRCH", None, False)


@pytest.mark.as_user
def test_another_users_process_is_there_too() -> None:
    assert probe(7, 1).errno == "EPERM"
    assert probe(7, 1).started is not None


@pytest.mark.parametrize("pid", [0, -1, -(2**70)])
def test_groups_are_asked_of_nobody(pid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("a signal to a group"))
    assert "no PID" in probe(1, pid).failure


@pytest.mark.parametrize("pid", [2**22 + 1, 2**31 - 1, 2**31, 2**70])
def test_numbers_beyond_all_pids(pid: int) -> None:
    assert probe(1, pid).errno == "ESRCH"


def test_a_probe_does_not_wait_for_a_table() -> None:
    """One reading of a busy machine takes a second."""
    go, told = threading.Event(), SimpleQueue[Answer]()

    def read() -> MachinePorts:
        go.wait(PATIENCE)
        return MachinePorts(0)

    lines = [b'{"type":"ports","id":1}\n', b'{"type":"probe","id":2,"pid":1}\n']
    serve(lines, told.put, Reader(read).answer)
    assert isinstance(told.get(timeout=PATIENCE), Probed)
    go.set()
    assert told.get(timeout=PATIENCE) == MachinePorts(1, age=0.0)


# --- its life


def test_it_starts_with_the_first_question_outside_of_any_lab(machine: Machine) -> None:
    assert machine.pid is None
    probed(machine, 1)
    assert machine.pid is not None
    helper = psutil.Process(machine.pid)
    assert helper.ppid() == os.getpid()
    assert helper.name() == "netsim-machine"
    assert os.getsid(helper.pid) == helper.pid  # the terminal's Ctrl-C is not for it
    for name in ("user", "net", "pid"):
        assert os.readlink(f"/proc/{helper.pid}/ns/{name}") == os.readlink(f"/proc/self/ns/{name}")
    before = machine.pid
    ports(machine)
    assert machine.pid == before


def test_who_asks_does_not_wait(machine: Machine) -> None:
    """Answers come from another thread, in which one may ask again."""
    answers: SimpleQueue[tuple[Probed, threading.Thread]] = SimpleQueue()

    def again(first: Probed) -> None:
        machine.probe(first.pid, lambda second: answers.put((second, threading.current_thread())), first.started)

    machine.probe(os.getpid(), again)
    second, thread = answers.get(timeout=PATIENCE)
    assert second.same
    assert thread is not threading.main_thread()


def test_many_questions_each_get_their_own_answer(machine: Machine) -> None:
    answers: SimpleQueue[tuple[int, int]] = SimpleQueue()
    asked = range(1, 3001)  # more than the pipe takes at once
    for pid in asked:
        machine.probe(pid, lambda told, pid=pid: answers.put((pid, told.pid)))  # type: ignore[misc]
    assert [answers.get(timeout=PATIENCE) for _ in asked] == [(pid, pid) for pid in asked]


def test_one_that_was_killed_is_told_and_started_again(machine: Machine) -> None:
    probed(machine, 1)
    assert machine.pid is not None
    first = psutil.Process(machine.pid)
    first.suspend()
    answers: SimpleQueue[MachinePorts] = SimpleQueue()
    machine.ports(answers.put)
    first.kill()
    assert answers.get(timeout=PATIENCE).failure == "The helper ended with status -9."
    until(lambda: probed(machine, 1).failure == "")
    assert machine.pid != first.pid


def test_close_ends_it_at_once_and_no_answer_comes_after(machine: Machine) -> None:
    probed(machine, 1)
    assert machine.pid is not None
    helper = psutil.Process(machine.pid)
    helper.suspend()
    machine.ports(lambda _: pytest.fail("after the end"))
    helper.resume()
    machine.close()
    assert not helper.is_running()
    machine.close()
    machine.ports(lambda _: pytest.fail("after the end"))
    machine.kill_now()
    assert machine.pid is None


def test_one_that_hangs_is_killed() -> None:
    machine = Machine([sys.executable, "-c", "import signal; signal.pause()", "netsim"])
    machine.ports(lambda _: pytest.fail("after the end"))
    assert machine.pid is not None
    helper = psutil.Process(machine.pid)
    machine.kill_now()
    machine.close()
    assert not helper.is_running()


@pytest.mark.parametrize("said", ["nonsense", '{"type":"ports","id":"x"}', "{}", "[]", "\\xff"])
def test_one_that_speaks_another_language_is_ended(said: str) -> None:
    machine = Machine([sys.executable, "-c", f"import signal; print('{said}', flush=True); signal.pause()", "netsim"])
    assert ports(machine).failure == "The helper ended with status -9."
    machine.close()


def test_one_that_can_not_be_started() -> None:
    machine = Machine(["/nowhere/at/all"])
    assert "could not be started" in ports(machine).failure
    assert "could not be started" in probed(machine, 1).failure
    machine.close()


def test_a_question_it_does_not_know_ends_it() -> None:
    command = fresh.command("machine_helper", "0")
    ended = subprocess.run(command, input=b'{"type":"kill"}\n', capture_output=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 1


def test_nobody_reads_its_answers_any_more() -> None:
    command = fresh.command("machine_helper", "0")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as helper:
        assert helper.stdin
        assert helper.stdout
        assert helper.stderr
        helper.stdout.close()
        helper.stdin.write(b'{"type":"probe","id":1,"pid":1}\n')
        helper.stdin.flush()
        assert helper.wait(PATIENCE) == 0
        assert helper.stderr.read() == b""


# A screen that has asked once, and says the helper's PID. With "fork" a child of it keeps the pipe's end open.
SCREEN = """
import os, sys, signal, threading
sys.path.insert(0, {root!r})
from netsim.lab.machine import Machine
machine, came = Machine(), threading.Event()
def ask(): machine.probe(1, lambda _: came.set())
thread = threading.Thread(target=ask) if "thread" in {how!r} else None
thread.start() if thread else ask()
came.wait()
if "fork" in {how!r} and not os.fork():
    os.close(1)
    signal.pause()
print(machine.pid, flush=True)
signal.pause()
"""


@pytest.mark.parametrize("how", ["", "fork", "thread"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_the_screen(how: str, number: int) -> None:
    """By the end of its input; and where a child of the screen keeps that open, by PDEATHSIG."""
    code = SCREEN.format(root=str(ROOT), how=how)
    with subprocess.Popen(
        [sys.executable, "-c", code, "netsim"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as screen:
        assert screen.stdout
        helper = psutil.Process(int(screen.stdout.readline()))
        family = psutil.Process(screen.pid).children()
        screen.send_signal(number)
        screen.wait(PATIENCE)
        assert processes.outliving([helper]) == []
        for each in family:
            if each.is_running():
                each.kill()
