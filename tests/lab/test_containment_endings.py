"""However the lab ends, everything in it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from netsim.lab.client import LabClient
from netsim.model.events import CallSlept
from tests.lab.endings import (
    CONTAINED,
    DAEMON,
    MODES,
    OTHER_PROGRAM,
    ROOT,
    a_client,
    a_lab,
    assert_gone,
    busy,
    daemon,
    modes,
)
from tests.lab.hostkit import PATIENCE, STUB, Lab, until

pytestmark = pytest.mark.usefixtures("no_leaks")


@modes(MODES)
@pytest.mark.parametrize("victim", ["netsim-lab", "netsim-init", "netsim-host"])
def test_sigkill_of_one_is_the_end_of_all(mode: str, victim: str, free_port: int) -> None:
    if (victim, mode) == ("netsim-init", "none"):
        return  # there is none
    with a_lab(free_port, mode) as lab:
        processes = busy(lab)
        if mode != "none":
            processes.append(daemon(lab, "client1", DAEMON))
        next(each for each in processes if each.name() == victim).kill()
        assert_gone(processes, free_port)


@modes(MODES)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("victim", ["netsim-lab", "netsim-init", "netsim-host"])
def test_a_plain_signal_ends_it_too(mode: str, victim: str, number: signal.Signals, free_port: int) -> None:
    if (victim, mode) == ("netsim-init", "none"):
        return  # there is none
    with a_lab(free_port, mode) as lab:
        processes = busy(lab)
        next(each for each in processes if each.name() == victim).send_signal(number)
        assert lab.wait_for_end().reason == f"The lab was ended by signal {number.name}."
        assert_gone(processes, free_port)


@modes(MODES)
def test_sigkill_of_an_endpoint_is_the_end_of_that_one(mode: str, free_port: int) -> None:
    with a_lab(free_port, mode) as lab:
        processes = busy(lab)
        server = next(each for each in processes if each.name() == "netsim-server")
        server.kill()
        assert_gone([server], free_port, all_of_it=False)
        assert lab.processes().keys() >= {"netsim-lab", "netsim-host", "netsim-client1"}


@modes(MODES)
def test_a_control_c_of_the_terminal_is_not_for_the_lab(mode: str, free_port: int) -> None:
    with a_lab(free_port, mode) as lab:
        processes = busy(lab)
        for each in processes:
            if each.name() in ("netsim-lab", "netsim-init", "netsim-host"):
                each.send_signal(signal.SIGINT)
        lab.step("client1")
        assert all(each.is_running() for each in processes)
        assert os.getsid(processes[0].pid) != os.getsid(0)


@modes(MODES)
def test_a_stopped_lab_is_closed_all_the_same(mode: str, free_port: int) -> None:
    """SIGSTOP: nobody in there can do anything about its end any more."""
    with a_lab(free_port, mode) as lab:
        processes = busy(lab)
        suspend(processes, "netsim-init", "netsim-host")
        lab.client.close()
        assert_gone(processes, free_port)


@modes(MODES)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_end_of_the_screen_is_the_end_of_all(mode: str, number: signal.Signals, free_port: int) -> None:
    program = """
        import sys, queue, time
        sys.path.append(sys.argv[1])
        from netsim.model.commands import StartEndpoint, Step
        from tests.lab.endings import a_client
        events = queue.Queue()
        client = a_client(int(sys.argv[2]), sys.argv[3])
        client.start(events.put)
        client.send(StartEndpoint(who="server", program="tcp_server.py", role="server", transport="tcp"))
        while True:
            event = events.get(timeout=60)
            if type(event).__name__ == "ProgramStopped":
                client.send(Step(who="server"))
            if type(event).__name__ == "CallSlept":
                print(client.pid, flush=True)
    """
    screen = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(ROOT), str(free_port), mode],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with screen:
        assert screen.stdout is not None
        outer = psutil.Process(int(screen.stdout.readline()))
        processes = [outer, *outer.children(recursive=True)]
        assert "netsim-server" in {each.name() for each in processes}
        screen.send_signal(number)
        assert_gone(processes, free_port)


@modes(MODES)
@pytest.mark.parametrize("source", [DAEMON, OTHER_PROGRAM])
def test_close_ends_daemons(mode: str, source: str, free_port: int) -> None:
    """Uncontained, too, as long as the outermost process lives to hunt them."""
    with a_lab(free_port, mode) as lab:
        processes = busy(lab)
        processes.append(daemon(lab, "client1", source))
        lab.client.close()
        assert_gone(processes, free_port)


@modes(CONTAINED)
def test_sigkill_of_the_outermost_ends_other_programs(mode: str, free_port: int) -> None:
    with a_lab(free_port, mode) as lab:
        processes = busy(lab)
        processes.append(daemon(lab, "client1", OTHER_PROGRAM))
        lab.client.kill_now()
        assert_gone(processes, free_port)


@modes(MODES)
def test_sigkill_of_the_outermost_ends_who_can_do_nothing(mode: str, free_port: int) -> None:
    """The guard and the host are stopped: only the kernel can end them (PR_SET_PDEATHSIG)."""
    with a_lab(free_port, mode) as lab:
        processes = busy(lab)
        suspend(processes, "netsim-init", "netsim-host")
        lab.client.kill_now()
        assert_gone(processes, free_port)


@modes(CONTAINED)
def test_the_end_of_the_screen_while_the_outermost_is_stopped(mode: str, free_port: int) -> None:
    """Then it is init that sees the pipe end."""
    with a_lab(free_port, mode) as lab:
        processes = busy(lab)
        suspend(processes, "netsim-lab", "netsim-host")
        # init itself stays a zombie for as long as its parent does nothing.
        others = [each for each in processes if each.name() not in ("netsim-lab", "netsim-init")]
        lab.client._closing = True  # or its LabEnded would be a failure
        assert lab.client._process is not None
        assert lab.client._process.stdin is not None
        lab.client._process.stdin.close()
        assert_gone(others, free_port)


def suspend(processes: list[psutil.Process], *names: str) -> None:
    for each in processes:
        if each.name() in names:
            each.suspend()


@modes(CONTAINED)
def test_init_reaps_what_is_orphaned(mode: str, free_port: int) -> None:
    with a_lab(free_port, mode) as lab:
        busy(lab)
        orphan = daemon(lab, "client1", OTHER_PROGRAM)
        init = lab.processes()["netsim-init"]
        until(lambda: orphan.parent() == init)  # who started it ends in its own time
        orphan.kill()
        orphan.wait(PATIENCE)  # a zombie would still be there
        lab.quiet(0.3)
        lab.step("client1")


def test_an_exception_in_the_host_is_told_and_ends_it(free_port: int) -> None:
    with Lab(LabClient(port="eight", endpoint=STUB)) as lab:  # type: ignore[arg-type]
        assert lab.client.pid is not None
        outer = psutil.Process(lab.client.pid)
        assert "status 1: ValueError: invalid literal for int" in lab.wait_for_end().reason
        assert_gone([outer], free_port)


@modes(MODES)
def test_nothing_of_ours_is_ignored_or_blocked_in_a_program(mode: str, free_port: int) -> None:
    """Also when the screen was started with SIGINT ignored, as a shell does for its background jobs."""
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        client = a_client(free_port, mode)
    finally:
        signal.signal(signal.SIGINT, ignored)
    with Lab(client) as lab:
        server = lab.begin("server")
        status = Path(f"/proc/{server.pid}/status").read_text()
        masks = dict(line.split(":\t") for line in status.splitlines() if line.startswith("Sig"))
        assert int(masks["SigBlk"], 16) == 0
        assert not int(masks["SigIgn"], 16) & (1 << (signal.SIGINT - 1))
        assert int(masks["SigCgt"], 16) & (1 << (signal.SIGINT - 1))  # Python's own handler: KeyboardInterrupt
        lab.step("server", 4)
        lab.step_into_sleep("server")
        assert [event for event in lab.seen if isinstance(event, CallSlept)]
