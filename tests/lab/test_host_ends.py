"""The lab host and processes that end, fork, or do what no endpoint should; and a screen that does not read."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from netsim.lab import procfs
from netsim.lab.client import LabClient
from netsim.model.commands import Kill, RunExtraLine, StartEndpoint, Step
from netsim.model.events import (
    CallReturned,
    CallSlept,
    CommandRefused,
    EndpointStarted,
    ExtraLineRan,
    ProcessExited,
    ProgramEnded,
    ProgramPrinted,
)
from tests.lab.hostkit import STUB, Lab, changed_lab, until

pytestmark = pytest.mark.usefixtures("no_leaks")
linux = pytest.mark.needs_sock_diag


@pytest.fixture
def lab(free_port: int) -> Iterator[Lab]:
    with Lab(LabClient(free_port, endpoint=STUB)) as lab:
        yield lab


def port_of(lab: Lab) -> int:
    return lab.started.port


def listening(lab: Lab) -> EndpointStarted:
    """A server that sleeps in accept()."""
    server = lab.begin("server")
    lab.step("server", 4)
    lab.step_into_sleep("server")
    return server


def connected(lab: Lab) -> None:
    """A server and a client, connected and standing before their first words."""
    listening(lab)
    lab.begin("client1")
    lab.step("client1", 2)
    lab.settle()


# --- ends


def test_the_last_words_come_before_the_end(lab: Lab) -> None:
    lab.begin("server")
    lab.extra(
        "server",
        "[report('ProgramPrinted', stream='stdout', text=str(i)) for i in range(2000)]\n"
        "os.write(2, b'raw')\n"
        "os._exit(7)",
    )
    ended = lab.wait(ProcessExited)
    assert ended.status == 7
    printed = [event.text for event in lab.seen if isinstance(event, ProgramPrinted) and event.stream == "stdout"]
    assert printed == [str(i) for i in range(2000)]
    assert "raw" in [event.text for event in lab.seen if isinstance(event, ProgramPrinted)]
    assert not [event for event in lab.seen if isinstance(event, ProgramEnded)]


@linux
def test_a_lot_that_was_said_at_once_comes_before_the_end(lab: Lab, tmp_path: Path) -> None:
    """More than the host reads in one go, and said while it could not read."""
    lab.begin("server")
    source = f"""
import fcntl, time
fcntl.fcntl(2, fcntl.F_SETPIPE_SZ, 1 << 20)
os.write(1, b"here")
while not os.path.exists({str(tmp_path / "go")!r}): time.sleep(0.01)
[report('ProgramPrinted', stream='stdout', text=str(i) * 4500) for i in range(10, 20)]
os.write(2, b"x" * 300_000)
os._exit(7)
"""
    lab.extra("server", source)
    lab.wait(ProgramPrinted, text="here")
    host, server = lab.processes()["netsim-host"], lab.processes()["netsim-server"]
    host.suspend()
    (tmp_path / "go").touch()
    until(lambda: server.status() == psutil.STATUS_ZOMBIE)
    host.resume()
    assert lab.wait(ProcessExited).status == 7
    said = [event for event in lab.seen if isinstance(event, ProgramPrinted) and event.text != "here"]
    assert [event.text[:2] for event in said if event.stream == "stdout"] == [str(i) for i in range(10, 20)]
    assert sum(len(event.text) for event in said if event.stream == "stderr") == 300_000


def test_an_end_before_the_first_word(free_port: int, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import nothing_like_that\n")
    with Lab(LabClient(free_port, endpoint=broken)) as lab:
        lab.send(StartEndpoint(who="server", program="tcp_server.py", role="server", transport="tcp"))
        assert lab.wait(ProcessExited).status == 1
        assert lab.kinds()[-2:] == ["EndpointStarted", "ProcessExited"]
        printed = [event for event in lab.seen if isinstance(event, ProgramPrinted)]
        assert "nothing_like_that" in "".join(event.text for event in printed)
        started = next(event for event in lab.seen if isinstance(event, EndpointStarted))
        assert {event.pid for event in printed} == {started.pid}
        assert (started.pid != started.inner_pid) == lab.started.contained  # told by the kernel, not by the process


def test_a_report_that_is_none_is_that_process_s_end(lab: Lab) -> None:
    lab.begin("client1")
    lab.begin("server")
    lab.extra("server", 'wire.sendall(b\'{"type": "LabEnded", "reason": "ha"}\\n\')')
    assert lab.wait(ProcessExited).who == "server"
    lab.step("client1")


def test_what_one_says_of_another_is_told_as_its_own(lab: Lab) -> None:
    started = lab.begin("server")
    lab.extra("server", "who = 'client1'; report('ProgramPrinted', stream='stdout', text='x')")
    told = lab.wait(ProgramPrinted)
    assert (told.who, told.pid) == ("server", started.pid)


def test_a_program_that_closes_everything_can_still_be_killed(lab: Lab) -> None:
    lab.begin("server")
    lab.extra("server", "os.closerange(3, 300); os.write(1, b'closed'); os.read(os.pipe()[0], 1)")
    lab.wait(ProgramPrinted)
    answer = lab.ask(Step(who="server"))
    assert isinstance(answer, CommandRefused)
    assert lab.end("server").status == -9


def test_raw_output_is_reported(lab: Lab) -> None:
    lab.begin("server")
    lab.extra("server", 'os.system(\'echo out; echo err >&2; printf "\\\\303"; sleep 0.1; printf "\\\\244"\')')
    lab.wait(ExtraLineRan)
    lab.settle()
    for stream, text in (("stdout", "out\nä"), ("stderr", "err\n")):
        told = [event.text for event in lab.seen if isinstance(event, ProgramPrinted) and event.stream == stream]
        assert "".join(told) == text


# --- what a program forks


def test_a_fork_is_one_more_endpoint(lab: Lab) -> None:
    lab.begin("server")
    lab.step("server", 4)
    lab.extra(
        "server",
        "def child():\n"
        "    make_call(3, 'accept', names['s'], names['s'].accept, wait=False)\n"
        "    os._exit(5)\n"
        "fork(child)",
    )
    child = lab.wait(EndpointStarted, who="server.1")
    assert (child.role, child.program) == ("server", "tcp_server.py")
    slept = lab.wait(CallSlept, who="server.1")
    assert slept.pid == child.pid
    answer = lab.ask(Step(who="server.1"))
    assert isinstance(answer, CommandRefused)
    assert answer.why.startswith("server.1 was forked by a program")
    with socket.create_connection(("127.0.0.1", port_of(lab))):
        returned = lab.wait(CallReturned, who="server.1")
        assert returned.accepted is not None
    assert lab.wait(ProcessExited, who="server.1").status == 5
    lab.step_into_sleep("server")


def test_a_fork_can_be_killed_and_outlive_its_parent(lab: Lab) -> None:
    lab.begin("server")
    lab.extra("server", "def child():\n    while True: signal.pause()\nimport signal\nfork(child)\nfork(child)")
    first, second = lab.wait(EndpointStarted, who="server.1"), lab.wait(EndpointStarted, who="server.2")
    assert psutil.Process(first.pid).ppid() == psutil.Process(second.pid).ppid()
    lab.send(Kill(who="server.1"))
    assert lab.wait(ProcessExited, who="server.1").status == -9
    lab.end("server")
    assert psutil.Process(second.pid).is_running()
    lab.send(Kill(who="server.2"))
    assert lab.wait(ProcessExited, who="server.2").status in (-9, None)  # None: not to be known before Linux 6.15


# --- a screen that does not read


def flood(lab: Lab, number: int, done: Path) -> None:
    """Have the server say a lot, while nobody reads the events, and make a file when it has said it."""
    source = (
        f"for i in range({number}): report('ProgramPrinted', stream='stdout', text=str(i).ljust(200))\n"
        f"open({str(done)!r}, 'w')"
    )
    lab.send(RunExtraLine(who="server", source=source))


def assert_all_there(lab: Lab, number: int) -> None:
    lab.wait(ExtraLineRan)
    texts = [int(event.text) for event in lab.seen if isinstance(event, ProgramPrinted)]
    assert texts == list(range(number))
    lab.step("server")


def test_a_stalled_screen_holds_nobody_up_and_loses_nothing(lab: Lab, tmp_path: Path) -> None:
    """6 MB of events, which no pipe takes."""
    lab.begin("server")
    with lab.stalled():
        flood(lab, 20_000, tmp_path / "done")
        until((tmp_path / "done").exists)
        assert lab.processes()["netsim-host"].is_running()
    assert_all_there(lab, 20_000)


def test_when_too_much_waits_for_the_screen_the_programs_wait(
    free_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lower = "from netsim.lab import outbox\noutbox.FULL = 1_000_000"
    with Lab(changed_lab(lower, free_port, tmp_path, monkeypatch)) as lab:
        lab.begin("server")
        with lab.stalled():
            flood(lab, 20_000, tmp_path / "done")
            server = lab.processes()["netsim-server"]
            until(lambda: syscall(server.pid) in ("sendto", "write"))
            lab.quiet(1)  # four times as long as it all would take
            assert not (tmp_path / "done").exists()
            assert lab.processes()["netsim-host"].memory_info().rss < 60 * 2**20
        assert_all_there(lab, 20_000)


def test_a_stalled_screen_can_still_end_it(free_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lower = "from netsim.lab import outbox\noutbox.FULL = 1_000_000"
    with Lab(changed_lab(lower, free_port, tmp_path, monkeypatch)) as lab:
        lab.begin("server")
        processes = list(lab.processes().values())
        server = lab.processes()["netsim-server"]
        with lab.stalled():
            flood(lab, 20_000, tmp_path / "done")
            until(lambda: syscall(server.pid) in ("sendto", "write"))
            lab.client._closing = True  # or its LabEnded would be a failure
            assert lab.client._process is not None
            assert lab.client._process.stdin is not None
            lab.client._process.stdin.close()
            until(lambda: not [each for each in processes if running(each)])


def running(process: psutil.Process) -> bool:
    """Whether it lives; the outermost is our child and stays a zombie until it is closed."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def syscall(pid: int) -> str | None:
    return procfs.asleep(pid)[1]
