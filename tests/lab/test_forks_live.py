"""What programs fork lives on as it does without us, where the lab's end ends it for certain; and who has the port."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from netsim.lab.client import LabClient
from netsim.model.commands import Kill, StartEndpoint
from netsim.model.events import CallSlept, EndpointStarted, LabStarted, ProcessExited, ProgramPrinted, ProgramStopped
from netsim.model.fold import fold_all
from netsim.model.world import Row, World
from tests.lab.hostkit import Lab, until
from tests.processes import runs

pytestmark = [pytest.mark.usefixtures("no_leaks")]


def forked(lab: Lab) -> tuple[int, int]:
    """The forking server waits in accept(), and so does its fork: both PIDs."""
    parent = lab.begin("server", "forking_server.py").pid
    lab.step("server", 4)
    until(lambda: any(isinstance(each, CallSlept) and each.who == "server.1" for each in lab.seen))
    started = next(each for each in lab.seen if isinstance(each, EndpointStarted) and each.forked_from)
    assert (started.who, started.forked_from) == ("server.1", "server")
    return parent, started.pid


def listeners(lab: Lab) -> list[Row]:
    world = fold_all(World(), list(lab.seen))
    return [slot.row for slot in world.slots if slot.row is not None and slot.row.state == "LISTEN"]


@pytest.mark.needs_namespaces
def test_the_row_has_both_and_the_child_keeps_the_port_when_its_parent_dies(free_port: int) -> None:
    with Lab(LabClient(free_port)) as lab:
        assert lab.wait(LabStarted).contained
        parent, child = forked(lab)
        assert {parent, child} <= {each.pid for each in psutil.process_iter()}
        until(lambda: [row.pids for row in listeners(lab)] == [tuple(sorted((parent, child)))])
        lab.send(Kill(who="server"))
        lab.wait(ProcessExited, who="server")
        until(lambda: [(row.pids, row.former_pid) for row in listeners(lab)] == [((child,), parent)])
        assert Path(f"/proc/{child}/comm").read_text() == "netsim-server\n"
        # the same name again, while the fork of the one before still has its output
        lab.send(StartEndpoint(who="server", program="simple_server.py", role="server", transport="tcp"))
        lab.wait(ProgramStopped, who="server")
        lab.send(Kill(who="server.1"))
        lab.wait(ProcessExited, who="server.1", pid=child)


def test_where_nothing_contains_it_the_child_dies_with_its_parent(free_port: int) -> None:
    with Lab(LabClient(free_port, containment="none")) as lab:
        assert not lab.wait(LabStarted).contained
        _, child = forked(lab)
        lab.send(Kill(who="server"))
        lab.wait(ProcessExited, pid=child)


@pytest.mark.needs_namespaces
def test_the_lab_s_end_ends_an_orphan(free_port: int) -> None:
    with Lab(LabClient(free_port)) as lab:
        _, child = forked(lab)
        process = psutil.Process(child)
        lab.send(Kill(who="server"))
        lab.wait(ProcessExited, who="server")
        assert process.is_running()
        lab.client.kill_now()
        until(lambda: not runs(process))


@pytest.mark.needs_namespaces
def test_siblings_on_one_port_have_a_row_each(free_port: int) -> None:
    with Lab(LabClient(free_port)) as lab:
        pids = []
        for who in ("server", "server2"):
            pids.append(lab.begin(who, "sharing_server.py").pid)
            lab.step(who, 5)
        until(lambda: sorted(row.pids for row in listeners(lab)) == sorted((pid,) for pid in pids))


@pytest.mark.needs_namespaces
def test_what_a_survivor_prints_is_still_heard(free_port: int, tmp_path: Path) -> None:
    """Its output is its parent's pipe; the end of the parent neither closes that nor ends the lab."""
    text = (
        "import os, time\nif os.fork() == 0:\n"
        f"    while not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.005)\n"
        "    os.write(1, b'I am still here\\n')\n"
    )
    with Lab(LabClient(free_port)) as lab:
        parent = lab.begin("server", "simple_server.py").pid
        lab.extra("server", f"exec({text!r})")
        lab.wait(EndpointStarted, forked_from="server")
        lab.send(Kill(who="server"))
        lab.wait(ProcessExited, who="server")
        (tmp_path / "go").touch()
        assert lab.wait(ProgramPrinted, pid=parent).text == "I am still here\n"
