"""A command as in another terminal: its output comes back, in the lab's net where it has one, and it ends with us."""

from __future__ import annotations

import subprocess
import sys
import threading
from queue import SimpleQueue

import psutil
import pytest

from netsim.lab.aside import Aside
from netsim.lab.client import LabClient
from netsim.lab.sources import load
from tests import processes
from tests.lab.hostkit import Lab, until

WAIT = 60.0


def ask(argv: list[str], inside: int = 0) -> str:
    answers: SimpleQueue[str] = SimpleQueue()
    Aside().run(argv, inside, answers.put)
    return answers.get(timeout=WAIT)


def test_what_it_printed_comes_back_errors_too() -> None:
    assert ask(["echo", "hello", "there"]) == "hello there\n"
    assert ask(["no-such-command-here"]) == "no-such-command-here: No such file or directory\n"
    assert "usage" in ask(["ps", "--no-such-option"]).lower()


@pytest.mark.needs_ss
@pytest.mark.needs_namespaces
@pytest.mark.usefixtures("no_leaks")
def test_inside_it_sees_the_lab_s_net() -> None:
    with Lab(LabClient(8888, net="private")) as lab:
        pid = lab.begin("server").pid
        lab.step("server", 4)
        row = ask(["ss", "-Htlnp"], pid)
        assert "127.0.0.1:8888" in row
        assert f"pid={pid}," in row
    assert ask(["ss", "-Htlnp"], pid) == f"PID {pid} is in no lab any more\n"


def test_it_is_ended_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netsim.lab.aside.PATIENCE", 10 * WAIT)
    aside, answered = Aside(), threading.Event()
    aside.run(["sleep", "60"], 0, lambda _text: answered.set())
    aside.kill_now()
    assert answered.wait(WAIT)  # long before it would be given up


def test_one_that_takes_too_long_is_ended_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netsim.lab.aside.PATIENCE", 0.1)
    assert ask(["sleep", "60"]) == "(ended by netsim: it took longer than 0.1 seconds)\n"


def test_it_ends_with_whoever_has_started_it() -> None:
    code = "from netsim.lab.aside import Aside; Aside().run(['sleep', '61'], 0, print); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as starter:
        children: list[psutil.Process] = []

        def sleeps() -> bool:
            children[:] = psutil.Process(starter.pid).children()
            return any(each.name() == "sleep" for each in children)

        until(sleeps)
        starter.kill()
        starter.wait()
        assert processes.outliving(children) == []


@pytest.mark.parametrize(("port", "second"), [(8888, 8889), (9300, 9301), (65535, 65534)])
def test_a_program_s_second_port_is_the_one_after_the_first(port: int, second: int) -> None:
    _, text = load("many_ports_server.py", port)
    assert f"(({port}, 'Connection received'), ({second}, 'The news'), (80," in text
