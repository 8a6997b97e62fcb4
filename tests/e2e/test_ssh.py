"""netsim over a real ssh: it looks and works as it does here, and a line that is cut leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator

import psutil
import pytest

from tests.e2e.netsim_terminal import ARMED, QUICKLY, Netsim, tells_every_call
from tests.e2e.ssh_server import Near, Proxy, SshServer, ssh_server, wait_until

pytestmark = [pytest.mark.as_root, pytest.mark.needs_sshd]

PROMPT = "THERE> "
# No byte can come to a terminal whose line is cut. What stays on is harmless to a shell, and `reset` puts it back.
LEFT_BY_A_CUT = {"alternate screen", "bracketed paste", "hidden cursor"}
LEFT_BY_SHELLS = {"line settings (echo, line editing, signals)", "bracketed paste"}  # ssh's, bash's


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with ssh_server() as serving:
        yield serving


class OverSsh(Netsim, Near):
    """netsim, typed to a shell at the far end of `ssh -tt`."""

    def __init__(self, server: SshServer, port: int, *options: str, line: int | None = None) -> None:
        Near.__init__(
            self,
            server,
            server.command(port=line),
            env={"LANG": "C.UTF-8", "LC_ALL": None, "SSH_AUTH_SOCK": None},
        )
        self.port = port
        self.wait_for(r"[$#>] $|[$#>]$")
        self.type(f"PS1='{PROMPT}'; clear\r")
        self.wait_for(f"^{PROMPT.strip()}$")
        self.type(f"{server.netsim} --port {port} {' '.join(options)}\r")
        self.wait_for_start()


def netsims(server: SshServer) -> list[int]:
    """The user's netsim itself, not what it has started."""
    return [pid for pid, command in server.running().items() if str(server.netsim) in command]


def test_the_main_story_by_keys(server: SshServer, free_port: int) -> None:
    with OverSsh(server, free_port, QUICKLY) as netsim:
        here = " netsim   private net · packets held · 127.0.0.1"
        assert netsim.lines()[0].startswith(here), "the far end has a private net, as this one"
        head = netsim.screen.buffer[1][3]
        assert re.fullmatch("[0-9a-f]{6}", head.fg), f"{head.fg}: not 256 colours"
        assert head.fg != "56b4e9", "true colours, which nobody has said that this terminal has"
        tells_every_call([*netsim.walk_the_story()])
        assert netsim.bytes_during(2) < 600  # nothing but TIME_WAIT's countdown
        netsim.press("q")
        netsim.wait_quiet()
        netsim.press("q")
        netsim.wait_for_shell(PROMPT)
        assert netsim.left_behind() <= LEFT_BY_SHELLS
        netsim.type("exit\r")
        assert netsim.wait_for_end() == 0
        assert server.all_gone(), server.running()


def asleep(netsim: OverSsh) -> None:
    netsim.press("c")
    netsim.wait_for("ESTABLISHED")
    netsim.wait_quiet()


def animated(netsim: OverSsh) -> None:
    netsim.press("c")


def in_a_page(netsim: OverSsh) -> None:
    netsim.press("w")
    netsim.wait_gone(r"^ SPACE +server: ask")


def kill_client(server: SshServer, netsim: OverSsh) -> None:
    netsim.kill(signal.SIGKILL)


def end_client(server: SshServer, netsim: OverSsh) -> None:
    netsim.kill(signal.SIGTERM)


def kill_session(server: SshServer, netsim: OverSsh) -> None:
    """sshd's process for this connection, as when the far machine's administrator throws somebody out."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.name() == "sshd" and process.uids().real == server.uid:
                process.kill()


def close_terminal(server: SshServer, netsim: OverSsh) -> None:
    netsim.hang_up()


@pytest.mark.parametrize(
    ("cut", "moment"),
    [
        (kill_client, asleep),
        (kill_client, in_a_page),
        (end_client, animated),
        (kill_session, asleep),
        (kill_session, in_a_page),
        (close_terminal, animated),
    ],
)
def test_a_cut_leaves_nothing(
    server: SshServer, free_port: int, cut: Callable[[SshServer, OverSsh], None], moment: Callable[[OverSsh], object]
) -> None:
    net = "private" if moment is in_a_page else "host"
    with OverSsh(server, free_port, "--net", net) as netsim:
        moment(netsim)
        assert len(server.running()) > 4
        cut(server, netsim)
        if cut is close_terminal:
            assert server.all_gone(), server.running()
        else:
            netsim.wait_for_end()
            assert server.all_gone(), server.running()
            left = netsim.left_behind()
            if cut is kill_client:  # nobody was left to put them back; a shell does it for the one that it started
                left.discard("line settings (echo, line editing, signals)")
            assert left <= LEFT_BY_A_CUT
        wait_until(lambda: is_unserved(free_port), "the port to be free")


def is_unserved(port: int) -> bool:
    """Whether a server may have it; the kernel may keep it a minute longer, for a connection that is over."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            server.bind(("127.0.0.1", port))
            server.listen()
            return True
    return False


def test_a_frozen_line_is_given_up_at_both_ends(server: SshServer, free_port: int) -> None:
    with Proxy(server.port) as line, OverSsh(server, free_port, "--net", "host", line=line.port) as netsim:
        netsim.press("a")  # it plays by itself: it goes on writing into a line that takes nothing
        netsim.wait_for(r"step [1-9]")
        line.freeze()
        wait_until(lambda: not server.running(), "the far end to give up")  # ClientAliveInterval x CountMax
        assert netsim.wait_for_end() == 255  # and the near one
        assert netsim.left_behind() <= LEFT_BY_A_CUT
        assert is_unserved(free_port)


def test_a_line_that_is_cut_in_between(server: SshServer, free_port: int) -> None:
    with Proxy(server.port) as line, OverSsh(server, free_port, "--net", "host", line=line.port) as netsim:
        asleep(netsim)
        line.cut()
        assert netsim.wait_for_end() == 255
        assert netsim.left_behind() <= LEFT_BY_A_CUT
        assert server.all_gone(), server.running()


def kill_netsim(server: SshServer) -> None:
    for pid in netsims(server):
        os.kill(pid, signal.SIGKILL)


def test_netsim_killed_under_a_shell_gives_the_terminal_back(server: SshServer, free_port: int) -> None:
    with OverSsh(server, free_port, "--net", "host") as netsim:
        kill_netsim(server)
        netsim.wait_for_shell(PROMPT)
        netsim.wait_until(lambda: not netsim.modes & {"1049"}, "the screen of before")
        netsim.type("stty -a\r")
        netsim.wait_for(r"[^-]icanon")
        netsim.type("exit\r")
        assert netsim.wait_for_end() in {0, 137}
        assert netsim.left_behind() <= LEFT_BY_SHELLS
        assert server.all_gone(), server.running()


def test_netsim_killed_as_the_only_command_ends_the_line(server: SshServer, free_port: int) -> None:
    """The kernel hangs up the terminal of a session whose leader dies: whoever would put it back comes too late."""
    with server.terminal(str(server.netsim), "--net", "host", "--port", str(free_port)) as terminal:
        terminal.wait_for(r"SPACE +\S")
        terminal.wait_quiet()
        kill_netsim(server)
        assert terminal.wait_for_end() == 255  # ssh's word for: it did not end, it was ended
        assert terminal.left_behind() <= LEFT_BY_A_CUT
        assert server.all_gone(), server.running()


def test_a_key_that_the_line_cuts_in_two_is_still_one_key(server: SshServer, free_port: int) -> None:
    with OverSsh(server, free_port, QUICKLY) as netsim:
        netsim.type("\x1b")
        netsim.bytes_during(0.2)  # longer than what splits a key of a terminal on this machine
        netsim.type("[6~")  # page down: what space does
        netsim.wait_for("step 1")
        netsim.wait_quiet(ARMED)
        assert "no key here" not in netsim.text()


def test_stopped_and_gone_on_with(server: SshServer, free_port: int) -> None:
    with OverSsh(server, free_port, "--net", "host") as netsim:
        asleep(netsim)
        before = netsim.text()
        assert not {"1000", "1003", "1004"} & netsim.modes  # neither the mouse nor the focus is reported
        netsim.press("ctrl+z")
        netsim.wait_for_shell("Stopped")
        netsim.wait_for_shell(PROMPT)
        assert not {"1049"} & netsim.modes
        netsim.type("fg\r")
        netsim.wait_until(lambda: netsim.text() == before, "the same screen")


def test_without_a_shell_there_is_nowhere_to_stop_to(server: SshServer, free_port: int) -> None:
    with server.terminal(str(server.netsim), "--net", "host", "--port", str(free_port), "--mouse") as terminal:
        terminal.wait_for(r"SPACE +\S")
        terminal.wait_quiet(ARMED)
        assert "1000" in terminal.modes
        terminal.press("ctrl+z")
        terminal.wait_for("without one here")
        terminal.press("space")
        terminal.wait_for("step 1")
        terminal.press("ctrl+c", "ctrl+c")
        assert terminal.wait_for_end() == 0
        assert terminal.left_behind() == set()
