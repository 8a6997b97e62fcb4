"""The lab's client: what it costs, what it delivers, and how it says that the lab is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from netsim.lab import client as client_module
from netsim.lab import procfs
from netsim.lab.client import LabClient
from netsim.model.commands import Kill, RunExtraLine, StartEndpoint
from netsim.model.events import CommandRefused, LabEnded, LabStarted, ProgramPrinted
from netsim.session import Lab as LabProtocol
from tests.lab.hostkit import PATIENCE, STUB, Lab, until
from tests.processes import outliving

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.usefixtures("no_leaks")


@pytest.fixture
def lab(free_port: int) -> Iterator[Lab]:
    with Lab(LabClient(free_port, endpoint=STUB)) as lab:
        yield lab


def fake_lab(tmp_path: Path, text: str) -> Lab:
    """A lab that behaves as the text does; it may use os, sys and time."""
    (tmp_path / "__main__.py").write_text(f"import os, sys, time\n{text}\n")
    return Lab(LabClient())


def test_it_is_what_a_session_needs(free_port: int) -> None:
    client: LabProtocol = LabClient(free_port)
    client.close()


def test_its_import_is_cheap() -> None:
    program = (
        "import sys, netsim.lab.client; print(sorted(sys.modules.keys() & {'textual', 'psutil', 'asyncio', 'rich'}))"
    )
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_the_lab_starts_at_once_and_its_events_wait(free_port: int) -> None:
    client = LabClient(free_port)
    lab = Lab(client)
    assert client.pid is not None
    until(lambda: any(each.name() == "netsim-host" for each in psutil.Process(client.pid).children(recursive=True)))
    client.send(Kill(id=7, who="nobody"))
    with lab:
        assert isinstance(lab.wait(LabStarted), LabStarted)
        assert lab.wait(CommandRefused).id == 7
    assert type(lab.seen[0]) is LabStarted


def test_it_starts_from_anywhere(free_port: int, tmp_path: Path) -> None:
    """Also where neither the current folder nor PYTHONPATH nor an installation has netsim."""
    program = f"""
import sys, queue
sys.path.append({str(ROOT)!r})
from netsim.lab.client import LabClient
events = queue.Queue()
client = LabClient({free_port})
client.start(events.put)
print(type(events.get(timeout=60)).__name__)
client.close()
"""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "LabStarted"


def test_close_leaves_no_process_and_no_descriptor(free_port: int) -> None:
    before = descriptors()
    with Lab(LabClient(free_port, endpoint=STUB)) as lab:
        lab.begin("server")
        lab.step("server", 4)
        lab.step_into_sleep("server")
        processes = list(lab.processes().values())
        assert len(processes) >= 3
        lab.client.close()
        assert outliving(processes) == []
        seen = len(lab.seen)
        lab.client.close()
        lab.client.kill_now()
        lab.client.send(Kill(who="server"))
    assert len(lab.seen) == seen
    assert not [event for event in lab.seen if isinstance(event, LabEnded)]
    assert descriptors() == before


def test_close_from_the_thread_that_delivers(free_port: int) -> None:
    client = LabClient(free_port)
    closed = threading.Event()
    events: list[object] = []

    def on_event(event: object) -> None:
        events.append(event)
        if isinstance(event, CommandRefused):
            client.close()
            closed.set()

    for _ in range(500):
        client.send(Kill(who="nobody"))
    client.start(on_event)
    assert closed.wait(PATIENCE)
    client.close()
    assert len(events) == 2  # and none of the hundreds that have come by then


def test_a_lab_that_is_never_started_is_closed(free_port: int) -> None:
    client = LabClient(free_port)
    pid = client.pid
    client.close()
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_kill_now_ends_everything(lab: Lab) -> None:
    lab.begin("server")
    processes = list(lab.processes().values())
    lab.client.kill_now()
    assert outliving(processes) == []
    assert not [event for event in lab.seen if isinstance(event, LabEnded)]


def test_the_end_is_told_once_with_its_signal(lab: Lab) -> None:
    lab.wait(LabStarted)
    assert lab.client.pid is not None
    os.kill(lab.client.pid, signal.SIGKILL)
    ended = lab.wait_for_end()
    assert ended.reason == "The lab was ended by signal SIGKILL."
    assert ended.at >= lab.seen[-2].at
    lab.client.send(Kill(who="server"))  # no error
    assert not lab.quiet(0.2)


def test_the_end_of_the_host_is_told_with_its_signal(lab: Lab) -> None:
    lab.wait(LabStarted)
    lab.processes()["netsim-host"].kill()
    assert lab.wait_for_end().reason == "The lab was ended by signal SIGKILL."


def test_a_crash_is_told_with_the_last_words() -> None:
    with Lab(LabClient(port="eight")) as lab:  # type: ignore[arg-type]
        reason = lab.wait_for_end().reason
    assert reason.startswith("The lab ended with status 1: ValueError: invalid literal for int")


def test_a_net_that_is_none(free_port: int) -> None:
    with Lab(LabClient(free_port, net="public")) as lab:  # type: ignore[arg-type]
        reason = lab.wait_for_end().reason
    assert reason == "The lab ended with status 1: netsim: --net is one of auto, host, private, not public"


def test_a_lab_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    client = LabClient()
    assert client.pid is None
    with Lab(client) as lab:
        assert "No such file" in lab.wait_for_end().reason
        client.send(Kill(who="server"))


class TestFakes:
    """Labs that do what ours should never do."""

    @pytest.fixture(autouse=True)
    def _another_main(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client_module, "_HERE", tmp_path / "client.py")

    def test_what_is_no_event_ends_it(self, tmp_path: Path) -> None:
        with fake_lab(tmp_path, 'print(\'{"type": "Nonsense"}\', flush=True); time.sleep(60)') as lab:
            assert lab.wait_for_end().reason.startswith("The lab was ended: it sent what is no event (")
            assert lab.client.pid is not None
            until(lambda: not psutil.pid_exists(lab.client.pid or 0))

    def test_half_a_line_at_the_end_is_no_event(self, tmp_path: Path) -> None:
        with fake_lab(tmp_path, "os.write(1, b'{\"type\":'); sys.exit('that was all')") as lab:
            assert lab.wait_for_end().reason == "The lab ended with status 1: that was all"

    def test_a_status_above_128_is_a_signal(self, tmp_path: Path) -> None:
        with fake_lab(tmp_path, "os._exit(128 + 15)") as lab:
            assert lab.wait_for_end().reason == "The lab was ended by signal SIGTERM."

    def test_it_may_have_ended_before_its_events_are_asked_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        start = threading.Thread.start

        def start_and_let_it_run(thread: threading.Thread) -> None:
            """As it comes where ours is the thread that waits for a processor."""
            start(thread)
            if thread.name == "netsim-events":
                thread.join(PATIENCE)

        monkeypatch.setattr(threading.Thread, "start", start_and_let_it_run)
        with fake_lab(tmp_path, "sys.exit('that was all')") as lab:
            assert lab.wait_for_end().reason == "The lab ended with status 1: that was all"

    def test_a_flood_of_last_words_does_not_block_it(self, tmp_path: Path) -> None:
        with fake_lab(tmp_path, "sys.stderr.write('word\\n' * 100_000 + 'the last one'); sys.exit(3)") as lab:
            assert lab.wait_for_end().reason == "The lab ended with status 3: the last one"

    def test_words_that_come_after_the_events_have_ended(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        listen = LabClient._listen
        monkeypatch.setattr(LabClient, "_listen", lambda self: (time.sleep(0.2), listen(self)))
        with fake_lab(tmp_path, "sys.exit('the last one')") as lab:
            assert lab.wait_for_end().reason == "The lab ended with status 1: the last one"

    def test_sending_never_waits_for_a_lab_that_does_not_read(self, tmp_path: Path) -> None:
        with fake_lab(tmp_path, "os.write(1, b''); time.sleep(60)") as lab:
            begun = time.monotonic()
            for _ in range(300):
                lab.client.send(RunExtraLine(who="server", source="x" * 1000))
            assert time.monotonic() - begun < 30  # and not sixty: it was not read
            lab.client.kill_now()

    def test_what_did_not_fit_follows(self, tmp_path: Path) -> None:
        count = """
event = b'{"type":"ProgramPrinted","at":0.0,"who":"","pid":1,"inner_pid":1,"stream":"stdout","text":"%d"}\\n'
total = 0
while total < 300_000:
    total += len(os.read(0, 65536))
    os.write(1, event % total)
time.sleep(60)
"""
        with fake_lab(tmp_path, count) as lab:
            lab.client.send(RunExtraLine(who="server", source="x" * 300_000))
            lab.wait(ProgramPrinted, lambda event: int(event.text) > 300_000)
            lab.client.kill_now()

    def test_close_kills_what_does_not_end(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client_module, "CLOSING", 0.3)
        with fake_lab(tmp_path, "os.write(2, b'here')\nwhile True: time.sleep(60)") as lab:
            pid = lab.client.pid
            assert pid is not None
            begun = time.monotonic()
            lab.client.close()
            assert time.monotonic() - begun < 30  # and not sixty
            assert not psutil.pid_exists(pid)


def test_commands_are_numbered_by_who_sends_them(lab: Lab) -> None:
    lab.client.send(StartEndpoint(id=41, who="server", program="nothing.py", role="server", transport="tcp"))
    assert lab.wait(CommandRefused).id == 41


def descriptors() -> list[str]:
    return sorted(os.listdir("/proc/self/fd"))


def test_a_group_of_zombies_does_not_run() -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as child:
        assert procfs.group_runs(child.pid)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        os.killpg(child.pid, 0)  # still there to be asked about
        assert not procfs.group_runs(child.pid)
