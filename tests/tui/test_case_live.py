"""`w`: the whole case on real processes; each claim of it is proved beside netsim, by psutil, ps and ss."""

from __future__ import annotations

import queue
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest

from netsim.cli.workshop import Workshop
from netsim.story.case import Case
from netsim.story.case_counts import attempts, listening, servers, shares
from netsim.story.case_record import HERE, THERE, is_alive, is_gone
from netsim.text.case import draw_case, sentence
from netsim.text.charset import UNICODE
from netsim.text.lines import plain
from netsim.tui.case_run import CaseRun
from netsim.tui.page import Tools

WAIT = 60.0  # seconds; never waited for in a good run
LAST = 16


@pytest.fixture(autouse=True)
def _commands_have_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """ss looks at every process of the machine: where many others are at work it may take long."""
    monkeypatch.setattr("netsim.lab.aside.PATIENCE", WAIT)


class Live:
    """The case on real labs, its orders carried out on this thread."""

    def __init__(self, net: str, port: int) -> None:
        self.workshop = Workshop(net, port)
        self._deeds: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        tools = Tools(self.workshop.make_lab, self.workshop.make_machine, run_aside=self.workshop.run_aside,
                      free_port=self.workshop.free_port)  # fmt: skip
        other = self.workshop.free_port(port + 2) or 0
        self.run = CaseRun(tools, net, port, other, held=net == "private", soon=self._deeds.put, changed=lambda: None)
        self.finish()

    @property
    def case(self) -> Case:
        return self.run.case

    def finish(self) -> None:
        """The step is done."""
        while not self.case.is_done:
            self._deeds.get(timeout=WAIT)()

    def settle(self, condition: Callable[[], object]) -> None:
        """What psutil tells comes a little later."""
        while not condition():
            self._deeds.get(timeout=WAIT)()

    def press(self) -> str:
        """space, and what is said then. Every step is drawn."""
        assert self.run.press()
        self.finish()
        assert not self.case.trouble
        for size in ((80, 24), (200, 50)):
            assert len(draw_case(self.case, *size, UNICODE, now=self.run.clock(HERE))) == size[1]
        return sentence(self.case)

    def close(self) -> None:
        self.run.close()
        self.workshop.close()


@contextmanager
def live(net: str, port: int) -> Iterator[Live]:
    case = Live(net, port)
    try:
        yield case
    finally:
        case.close()


def is_there(pid: int) -> bool:
    """By psutil, which is asked outside of every lab."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def by_ps(*pids: int) -> set[int]:
    """Those of them that ps lists."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "-p", ",".join(map(str, pids))], capture_output=True, text=True, check=False
    )
    return {int(word) for word in listed.stdout.split()}


def claim_the_restarts(live: Live) -> None:
    assert "Two numbers" in sentence(live.case)
    assert live.press().startswith("Even")
    first = live.case.pid()
    assert is_there(first)
    assert "Predict" in live.press()
    assert not is_there(first)
    assert any(deed.flag in ("FIN", "RST") and deed.step == live.case.step for deed in live.case.record.deeds)
    assert live.press().startswith("Same door")
    assert live.press() == "Twelve servers, twelve PIDs, one port. Which number goes on the poster?"
    every = servers(live.case, 1)
    pids = [each.pid for each in every]
    assert len(set(pids)) == 12
    assert by_ps(*pids) == {live.case.pid()}
    answers = [live.case.record.probe_of(pid) for pid in pids]
    assert [is_gone(each) for each in answers if each] == [True] * 11 + [False]
    assert [each.said for each in attempts(live.case, 1)] == ["Connection received"] * 12
    assert {each.port for each in attempts(live.case, 1)} == {live.case.port}
    assert live.case.proofs[1].output.split() == [str(live.case.pid()), "netsim-server"]


def claim_many_ports(live: Live) -> None:
    live.press()
    pid = live.case.pid()
    had = [each.port for each in live.case.record.binds if each.pid == pid and not each.error]
    assert {row.key.port for row in listening(live.case) if row.pids == (pid,)} == set(had)
    assert {live.case.port, live.case.port + 1} <= set(had)
    if live.case.private:
        assert had == [8888, 8889, 80, 443]
    assert "look-ups" in live.press()
    assert len({each.said for each in attempts(live.case)}) == len(had)
    told = {int(port) for port in re.findall(rf"127\.0\.0\.1:(\d+) .*pid={pid},", live.case.proofs[2].output)}
    assert told == set(had)


def claim_many_pids(live: Live) -> None:
    assert live.press().startswith("fork() copied")
    parent, child = live.case.pid("server"), live.case.pid("server.1")
    assert psutil.Process(child).ppid() == parent
    (row,) = (row for row in listening(live.case) if row.key.port == live.case.port)
    assert set(row.pids) == {parent, child}
    assert all(f"pid={pid}," in live.case.proofs[3].output for pid in (parent, child))
    assert len([line for line in live.case.proofs[3].output.splitlines() if f":{live.case.port} " in line]) == 1
    live.press()
    assert set(shares(live.case)) <= {parent, child}
    assert sum(shares(live.case).values()) == len(live.case.record.attempts) - sum(
        each.step < live.case.step for each in live.case.record.attempts
    )
    assert "SO_REUSEPORT" in live.press()
    siblings = {live.case.pid("server"), live.case.pid("server2")}
    assert not is_there(child)
    assert {row.pids for row in listening(live.case)} == {(pid,) for pid in siblings}
    assert set(shares(live.case)) <= siblings


def claim_no_pid(live: Live) -> None:
    assert live.press().startswith("Both ends are ESTABLISHED")
    said = live.press()
    assert "FIN_WAIT2" in said
    assert ("LAST_ACK" in said) == live.case.private
    pid = live.case.pid()
    assert is_there(pid)
    assert live.press().endswith("for nobody.")
    assert not is_there(pid)
    rows = live.case.proofs[4].output.splitlines()
    assert len(rows) == 1
    assert rows[0].split()[0] == "TIME-WAIT"
    assert "pid=" not in rows[0]
    assert "EADDRINUSE" in live.press()
    assert [each.error for each in live.case.record.binds[-2:]] == ["EADDRINUSE", ""]


def claim_two_machines(live: Live) -> None:
    said = live.press()
    here, there = live.case.pid(lab=HERE), live.case.pid(lab=THERE)
    assert here != there
    assert by_ps(here, there) == {here, there}
    inside = [live.case.worlds[lab].endpoints["server"].inner_pid for lab in (HERE, THERE)]
    if live.case.private:
        assert {row.key.port for lab in (HERE, THERE) for row in listening(live.case, lab)} == {8888}
        assert f"PID {inside[1]}, out here {there}" in said
        assert inside[0] != inside[1]
        with open(f"/proc/{there}/status", encoding="ascii") as status:
            assert f"NSpid:\t{there}\t{inside[1]}\n" in status.read()
    else:
        assert said.startswith("No net can be set apart")
    assert f"pid={there}," in live.case.proofs[5].output
    live.press()
    assert [each.said for lab in (HERE, THERE) for each in attempts(live.case, lab=lab)] == ["Connection received"] * 2
    for pid in (here, there):
        answer = live.case.record.probe_of(pid)
        assert answer is not None
        assert is_alive(answer)


def claim_everything(live: Live) -> None:
    claim_the_restarts(live)
    claim_many_ports(live)
    claim_many_pids(live)
    claim_no_pid(live)
    claim_two_machines(live)
    live.press()
    assert live.case.step == LAST
    shown = "\n".join(plain(line) for line in draw_case(live.case, 80, 24, UNICODE, now=0.0))
    assert shown.count(" ok  ") == 5


@pytest.mark.needs_ss
@pytest.mark.needs_namespaces
@pytest.mark.usefixtures("no_leaks")
def test_the_whole_case_in_private_nets() -> None:
    with live("private", 8888) as case:
        claim_everything(case)


@pytest.mark.needs_ss
@pytest.mark.usefixtures("no_leaks")
def test_the_whole_case_on_the_machine_s_own_net(free_port: int) -> None:
    with live("host", free_port) as case:
        claim_everything(case)
