"""The lab host: what it does for each command, and what it refuses, with a reason."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from netsim.lab.client import LabClient
from netsim.model.commands import Interrupt, Kill, RunExtraLine, StartEndpoint, Step
from netsim.model.events import (
    CommandAccepted,
    CommandRefused,
    EndpointStarted,
    ProcessExited,
    ProgramEnded,
    ProgramPrinted,
)
from tests.lab.hostkit import STUB, Lab

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


# --- refusals


def refused(lab: Lab, command: object) -> str:
    answer = lab.ask(command)  # type: ignore[arg-type]
    assert isinstance(answer, CommandRefused), answer
    assert answer.kind == type(command).__name__
    assert re.fullmatch(r".*\S.*\.", answer.why), answer.why
    return answer.why


def test_who_is_not_there_is_refused(lab: Lab) -> None:
    for command in (Step(who="x"), RunExtraLine(who="x", source="1"), Interrupt(who="x"), Kill(who="x")):
        assert refused(lab, command) == "There is no 'x' in the lab: start it first."


def test_who_lives_is_not_started_again_and_who_has_ended_is(lab: Lab) -> None:
    first = lab.begin("server")
    again = StartEndpoint(who="server", program="tcp_server.py", role="server", transport="tcp")
    assert refused(lab, again) == f"server is running already, as PID {first.pid}: end it first."
    assert lab.end("server").status == -9
    assert refused(lab, Step(who="server")) == "server has ended: start it again."
    assert refused(lab, Kill(who="server")) == "server has ended: start it again."
    second = lab.begin("server")
    assert second.pid != first.pid
    lab.step("server")


@pytest.mark.parametrize(
    "program", ["../cli.py", "/etc/passwd", "__init__.py", "nothing.py", "tcp_server", "", "tcp_server.py/", ".py"]
)
def test_only_a_plain_file_name_is_run(lab: Lab, program: str) -> None:
    why = refused(lab, StartEndpoint(who="server", program=program, role="server", transport="tcp"))
    assert why.startswith(f"There is no program {program!r}; there are ")
    assert "tcp_server.py" in why


@pytest.mark.parametrize("who", ["", "Server", "a b", "server.1", "x" * 33, "1"])
def test_a_name_is_a_plain_word(lab: Lab, who: str) -> None:
    why = refused(lab, StartEndpoint(who=who, program="tcp_server.py", role="server", transport="tcp"))
    assert "can't be an endpoint's name" in why


def test_who_sleeps_or_runs_takes_no_order(lab: Lab) -> None:
    listening(lab)
    why = "server sleeps in accept(): it takes no order until that returns or is interrupted."
    assert refused(lab, Step(who="server")) == why
    assert refused(lab, RunExtraLine(who="server", source="1")) == why
    lab.begin("client1")
    lab.extra("client1", "os.read(os.pipe()[0], 1)")
    assert refused(lab, Step(who="client1")) == "client1 runs: wait until it stops."


def test_who_stands_is_not_interrupted(lab: Lab) -> None:
    lab.begin("server")
    assert refused(lab, Interrupt(who="server")) == (
        "server is in no call that could be interrupted: it waits to be stepped."
    )


def test_an_interrupt_reaches_who_sleeps(lab: Lab) -> None:
    listening(lab)
    assert isinstance(lab.interrupt("server"), CommandAccepted)
    told = lab.wait(ProgramPrinted, stream="stderr")  # the stub lets it through, and Python says so on its way out
    assert "Traceback" in told.text
    assert lab.wait(ProcessExited).status in (1, -2)


def test_an_interrupt_is_a_control_c_for_the_program(free_port: int) -> None:
    """The endpoint as it is: the call ends with KeyboardInterrupt, and so does the program."""
    with Lab(LabClient(free_port)) as lab:
        lab.begin("server")
        lab.step_past("server", "listen")
        lab.step_into_sleep("server")
        start = len(lab.seen)
        assert isinstance(lab.interrupt("server"), CommandAccepted)
        ended = lab.wait(ProgramEnded)
        assert ended.error is not None
        assert ended.error.type == "KeyboardInterrupt"
        lab.wait(ProcessExited)
        kinds = [kind for kind in lab.kinds(start) if kind not in ("SocketsObserved", "OwnersObserved")]
        assert kinds[:2] == ["CommandAccepted", "CallReturned"]
        assert kinds[-2:] == ["ProgramEnded", "ProcessExited"]


def test_who_starts_takes_no_step(free_port: int, tmp_path: Path) -> None:
    silent = tmp_path / "silent.py"
    silent.write_text("import time\ntime.sleep(100)\n")
    with Lab(LabClient(free_port, endpoint=silent)) as lab:
        lab.ask(StartEndpoint(who="server", program="tcp_server.py", role="server", transport="tcp"))
        assert refused(lab, Step(who="server")).startswith("server is just starting")
        assert refused(lab, Interrupt(who="server"))
        assert lab.end("server").status == -9
        assert lab.kinds()[-3:] == ["CommandAccepted", "EndpointStarted", "ProcessExited"]


@pytest.mark.parametrize(
    ("line", "number", "kind"),
    [
        (b'{"type":"Dance","id":5,"who":"server"}', 5, "Dance"),
        (b'{"type":"Step","id":6}', 6, "Step"),
        (b'{"type":"Step","id":7,"who":"a","extra":1}', 7, "Step"),
        (b"nonsense", 0, ""),
        (b"[]", 0, ""),
        (b'{"id":"x","type":1,"who":2}', 0, ""),
    ],
)
def test_what_is_no_command_is_answered(lab: Lab, line: bytes, number: int, kind: str) -> None:
    process = lab.client._process
    assert process is not None
    assert process.stdin is not None
    os.write(process.stdin.fileno(), line + b"\n")
    answer = lab.wait(CommandRefused)
    assert (answer.id, answer.kind) == (number, kind)
    lab.begin("server")
