"""However the lab ends, everything in it ends; and where namespaces are refused, it says so and goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from netsim.lab import containment, linux
from netsim.lab.client import LabClient
from netsim.model.events import CallSlept, LabStarted, ProgramPrinted
from tests.lab.hostkit import PATIENCE, STUB, Lab, inner_pids, is_root

ROOT = Path(__file__).parent.parent.parent
SECONDS = 2.0  # in which everything has to be gone
MODES = ["user+pid", "pid", "none"] if is_root() else ["user+pid", "none"]
CONTAINED = MODES[:-1]
namespaces = pytest.mark.needs_namespaces

pytestmark = pytest.mark.usefixtures("no_leaks")

# A child of a program that ignores what can be ignored, is its own session, and belongs to nobody.
DAEMON = """
import os, signal
if not os.fork():
    os.setsid()
    if not os.fork():
        [signal.signal(each, signal.SIG_IGN) for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
        os.closerange(3, 300)
        os.write(1, b'daemon %d ' % int(os.readlink('/proc/self')))
        while True: signal.pause()
    os._exit(0)
os.wait()
"""
# The same, but another program: what no PDEATHSIG reaches.
OTHER_PROGRAM = """
import os
if not os.fork():
    os.setsid()
    if not os.fork():
        os.write(1, b'daemon %d ' % int(os.readlink('/proc/self')))
        os.execvp('sleep', ['sleep', '1000'])
    os._exit(0)
os.wait()
"""


def modes(those: list[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "mode", [pytest.param(mode, marks=[] if mode == "none" else namespaces) for mode in those]
    )


@contextlib.contextmanager
def a_lab(port: int, mode: str) -> Iterator[Lab]:
    with Lab(LabClient(port, containment=mode, endpoint=STUB)) as lab:
        yield lab


def busy(lab: Lab) -> list[psutil.Process]:
    """Bring a lab to where a server sleeps in accept() and a client stands; returns all processes of the lab."""
    lab.begin("server")
    lab.begin("client1")
    lab.step("server", 4)
    lab.step_into_sleep("server")
    assert lab.client.pid is not None
    outer = psutil.Process(lab.client.pid)
    found = [outer, *outer.children(recursive=True)]
    names = {each.name() for each in found}
    assert names >= {"netsim-lab", "netsim-host", "netsim-server", "netsim-client1"}
    return found


def daemon(lab: Lab, who: str, source: str) -> psutil.Process:
    """Have a stopped program leave a process behind; returns it."""
    lab.extra(who, source)
    told = lab.wait(ProgramPrinted, lambda event: event.text.startswith("daemon "))
    return psutil.Process(int(told.text.split()[1]))


def assert_gone(processes: list[psutil.Process], port: int) -> None:
    _, alive = psutil.wait_procs(processes, timeout=SECONDS)
    assert not [f"{each.pid} {each.name()} {each.status()}" for each in alive]
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()


# --- what it says of itself


@modes(MODES)
def test_it_says_where_it_lives(mode: str, free_port: int) -> None:
    with a_lab(free_port, mode) as lab:
        server = lab.begin("server")
        assert lab.started.contained == (mode != "none")
        assert lab.started.contained_because == {
            "user+pid": "user and pid namespaces", "pid": "a pid namespace", "none": "not asked for",
        }[mode]  # fmt: skip
        numbers = inner_pids(server.pid)
        assert numbers[-1] == server.inner_pid
        if mode == "none":
            assert server.pid == server.inner_pid
        else:
            assert len(numbers) == len(inner_pids(os.getpid())) + 1
            assert inner_pids(lab.processes()["netsim-init"].pid)[-1] == 1
        same_user = os.readlink(f"/proc/{server.pid}/ns/user") == os.readlink("/proc/self/ns/user")
        assert same_user == (mode != "user+pid")
        assert psutil.Process(server.pid).uids() == psutil.Process().uids()
        assert os.readlink(f"/proc/{server.pid}/ns/net") == os.readlink("/proc/self/ns/net")


@namespaces
def test_unasked_it_is_contained(free_port: int) -> None:
    with Lab(LabClient(free_port)) as lab:
        assert lab.wait(LabStarted).contained


@namespaces
@pytest.mark.as_root
def test_root_stays_root_of_the_network() -> None:
    """In a user namespace it could not bind port 80 any more, nor see whose a stranger's socket is."""
    assert containment.choose("auto").because == "a pid namespace"


def refusing(monkeypatch: pytest.MonkeyPatch, refused: int, number: int) -> None:
    def unshare(flags: int) -> None:
        if flags & refused:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(linux, "unshare", unshare)


def test_a_refusal_names_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, linux.NEWUSER, 1)
    found = containment.choose("user+pid")
    assert (found.contained, found.because) == (False, "unshare(NEWUSER): EPERM")
    refusing(monkeypatch, linux.NEWUSER | linux.NEWPID, 28)
    expected = "unshare(NEWPID): ENOSPC; unshare(NEWUSER): ENOSPC" if is_root() else "unshare(NEWUSER): ENOSPC"
    assert containment.choose("auto").because == expected


@namespaces
def test_a_limit_of_the_machine_is_met_for_real() -> None:
    """user.max_user_namespaces, lowered in a user namespace of the test's own."""
    program = """
        import os, sys
        sys.path.append(sys.argv[1])
        from netsim.lab import containment, linux
        linux.unshare(linux.NEWUSER)
        for name, text in ("setgroups", "deny"), ("uid_map", f"0 {sys.argv[2]} 1"), ("gid_map", f"0 {sys.argv[3]} 1"):
            open(f"/proc/self/{name}", "w").write(text)
        open("/proc/sys/user/max_user_namespaces", "w").write("0")
        print(containment.choose("user+pid").because)
    """
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(ROOT), str(os.getuid()), str(os.getgid())],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.stdout.strip() == "unshare(NEWUSER): ENOSPC", told.stderr


@namespaces
def test_a_namespace_in_which_nothing_may_be_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ubuntu's AppArmor: unshare works, and the next step is refused; without a way back for that process."""
    really, me = linux.unshare, os.geteuid()

    def unshare(flags: int) -> None:
        really(flags)
        if flags & linux.NEWUSER:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{me} {me} 1")  # the kernel takes it once

    monkeypatch.setattr(linux, "unshare", unshare)
    found = containment.choose("user+pid")
    assert (found.contained, found.because) == (False, "/proc/self/uid_map: EPERM")
    with socket.socket():  # and we are where we were
        assert os.readlink("/proc/self/ns/user") == os.readlink(f"/proc/{os.getppid()}/ns/user")


# --- endings


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
        assert_gone([server], free_port)
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
        from pathlib import Path
        from netsim.lab.client import LabClient
        from netsim.model.commands import StartEndpoint, Step
        events = queue.Queue()
        client = LabClient(int(sys.argv[2]), containment=sys.argv[3], endpoint=Path(sys.argv[4]))
        client.start(events.put)
        client.send(StartEndpoint(who="server", program="tcp_server.py", role="server", transport="tcp"))
        while True:
            event = events.get(timeout=10)
            if type(event).__name__ == "ProgramStopped":
                client.send(Step(who="server"))
            if type(event).__name__ == "CallSlept":
                print(client.pid, flush=True)
    """
    screen = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(ROOT), str(free_port), mode, str(STUB)],
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
        assert not [each.name() for each in processes if each.is_running()]
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
        assert orphan.parent() == lab.processes()["netsim-init"]
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
        client = LabClient(free_port, containment=mode, endpoint=STUB)
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
