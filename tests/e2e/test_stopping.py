"""ctrl+z and fg, as a shell sees them: the terminal is the shell's meanwhile, and the lab is as it was."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests import processes
from tests.e2e.netsim_terminal import ARMED, ROOT
from tests.lab.hostkit import until
from tests.terminal import Terminal

pytestmark = pytest.mark.usefixtures("no_leaks")

PROMPT = "READY> "


class InShell(Terminal):
    """netsim, typed to an interactive shell."""

    def __init__(self, port: int, *, script: bool = False) -> None:
        super().__init__(["/bin/sh", "-i"], cwd=ROOT, env={"PS1": PROMPT, "ENV": None})
        self.wait_for(PROMPT.strip())
        netsim = f"{sys.executable} -m netsim --net host --no-animation --port {port}"
        self.type(f"sh -c '{netsim}; echo over'\n" if script else f"{netsim}\n")
        self.wait_for(r"^ SPACE +\S")
        self.wait_quiet(ARMED)

    @property
    def netsim(self) -> psutil.Process:
        for process in psutil.Process(self.pid).children(recursive=True):
            if "netsim" in process.cmdline():
                return process
        raise AssertionError("netsim is not there")

    def stop(self) -> str:
        """ctrl+z; what was on the screen before."""
        self.wait_quiet()
        before = self.text()
        self.press("ctrl+z")
        self.wait_for_shell("Stopped")
        self.wait_until(lambda: not self.left_behind(), "the terminal as it was")
        self.wait_quiet(0.1)
        until(lambda: self.netsim.status() == psutil.STATUS_STOPPED)
        return before

    def go_on(self) -> None:
        self.type("fg\n")
        self.wait_until(lambda: "1049" in self.modes, "the screen again")


@pytest.fixture
def shell(free_port: int, request: pytest.FixtureRequest) -> Iterator[InShell]:
    with InShell(free_port, script=getattr(request, "param", False)) as terminal:
        yield terminal


@pytest.mark.parametrize("shell", [False, True], indirect=True, ids=["alone", "in a script"])
def test_the_screen_comes_back_and_the_lab_is_alive(shell: InShell) -> None:
    shell.press("c")
    shell.wait_for("ESTABLISHED")
    for _ in range(2):
        before = shell.stop()
        shell.go_on()
        shell.wait_until(lambda: shell.text() == before, "the same screen")  # noqa: B023
    shell.press("space")
    shell.wait_for(r"accept\(\) sent nothing")


def test_a_message_that_is_being_typed_is_kept(shell: InShell) -> None:
    shell.press("s", *"a door")
    shell.wait_for("a door")
    shell.stop()
    shell.go_on()
    shell.wait_for(r"SEND +a door")
    shell.press("s")
    shell.wait_for("a doors")


def test_with_a_page_open(shell: InShell) -> None:
    shell.press("g")
    shell.wait_gone(r"^ SPACE +server: ask")
    before = shell.stop()
    shell.go_on()
    shell.wait_until(lambda: shell.text() == before, "the same page")


def test_another_size_meanwhile(shell: InShell) -> None:
    shell.stop()
    shell.resize(100, 30)
    shell.go_on()
    shell.wait_until(lambda: shell.lines()[0].endswith("? help") and len(shell.lines()[1]) == 100, "the new size")


def test_in_the_background_it_stays_stopped(shell: InShell) -> None:
    shell.stop()
    shell.type("bg\n")
    shell.wait_quiet(0.4)
    until(lambda: shell.netsim.status() == psutil.STATUS_STOPPED)
    assert shell.left_behind() == set()
    shell.go_on()
    shell.wait_for(r"^ SPACE +\S")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_ended_while_it_is_stopped_it_does_not_touch_the_terminal(shell: InShell, name: str) -> None:
    shell.stop()
    netsim = shell.netsim
    known = [netsim, *netsim.children(recursive=True)]
    written = shell.bytes_written
    netsim.send_signal(signal.Signals[name])
    netsim.send_signal(signal.SIGCONT)
    assert processes.outliving(known) == []
    shell.wait_quiet(0.1)
    assert shell.bytes_written == written
    assert shell.left_behind() == set()


def test_stopped_by_somebody_else_it_takes_the_terminal_anew(shell: InShell) -> None:
    before = shell.text()
    shell.netsim.send_signal(signal.SIGSTOP)
    shell.wait_until(lambda: "Stopped" in "".join(shell.screen.display), "the shell to say so")
    shell.type("fg\n")
    shell.wait_until(lambda: shell.text() == before, "the same screen")
    shell.press("s")
    shell.wait_for("enter sends it")  # a key is read at once: the line is not the shell's any more
