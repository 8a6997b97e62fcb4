"""`netsim --kiosk` behind sshd's ForceCommand: whoever sits there looks for a way out, and finds none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netsim.tui.keymap import REGISTER
from tests.e2e.netsim_terminal import ARMED, ROOT
from tests.e2e.ssh_server import Near, SshServer, ssh_server
from tests.terminal import Terminal

SSH = (pytest.mark.as_root, pytest.mark.needs_sshd)
AROUND = ("/tmp", "/var/tmp", "/dev/shm")
LOCKED = [key.keys for key in REGISTER if key.locked and not key.keys.startswith("ctrl")]


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with ssh_server() as serving:
        yield serving


def files_of(server: SshServer) -> set[str]:
    """Everything that belongs to the user, wherever a user may write."""
    found = set()
    for top in (str(server.folder), *AROUND):
        for folder, folders, files in os.walk(top):
            for name in (*folders, *files):
                path = os.path.join(folder, name)
                if os.path.lexists(path) and os.lstat(path).st_uid == server.uid:
                    found.add(path)
    return found


def kiosk(server: SshServer, *asked: str, tty: bool = True, options: tuple[str, ...] = ()) -> list[str]:
    return server.command(*asked, port=server.kiosk_port, tty=tty, options=options)


def opened(terminal: Terminal) -> None:
    terminal.wait_for(r"SPACE +\S")
    terminal.wait_quiet(ARMED)


@pytest.fixture(name="_nothing_is_written")
def nothing_is_written(server: SshServer) -> Iterator[None]:
    before = files_of(server)
    yield
    assert server.all_gone(), server.running()
    assert files_of(server) == before


def shells(server: SshServer) -> list[str]:
    """What runs for the user and is neither netsim's nor sshd's own."""
    ours = ("netsim", "sshd:")
    return [command for command in server.running().values() if not any(word in command for word in ours)]


class TestOverSsh:
    pytestmark = [*SSH, pytest.mark.usefixtures("_nothing_is_written")]

    def test_no_key_leads_out(self, server: SshServer) -> None:
        with Near(server, kiosk(server)) as terminal:
            opened(terminal)
            terminal.press("space")
            terminal.wait_for("step 1")
            terminal.wait_quiet(ARMED)
            for key in (*LOCKED, "ctrl+z", "ctrl+d", "ctrl+l", "ctrl+q", "ctrl+s", "ctrl+r", "!", ":", "f1", "f5"):
                terminal.press(*(["escape"] if key == "ctrl+p" else []), key)
                terminal.bytes_during(0.15)
            terminal.type("\x1c\x1a\x03x")  # the keys by which a terminal that is not raw sends signals
            terminal.wait_quiet(ARMED)
            assert shells(server) == []
            terminal.press("escape", "?")
            terminal.wait_for("any key goes back")
            terminal.press("escape")
            terminal.press("ctrl+c", "ctrl+c")
            assert terminal.wait_for_end() == 0
            assert terminal.left_behind() == set()

    def test_the_palette_has_no_such_thing(self, server: SshServer) -> None:
        with Near(server, kiosk(server)) as terminal:
            opened(terminal)
            for words in ("record", "export", "screenshot", "shell"):
                terminal.press("ctrl+p")
                terminal.wait_for("what do you want to do")
                terminal.type(words)
                terminal.wait_quiet(0.4)
                terminal.press("enter", "escape")
                terminal.wait_gone("what do you want to do")
                terminal.press("escape")
                terminal.wait_quiet(0.4)
            assert shells(server) == []

    def test_what_is_saved_elsewhere_is_not_saved_here(self, server: SshServer) -> None:
        with Near(server, kiosk(server)) as terminal:
            opened(terminal)
            terminal.press("P")
            terminal.wait_quiet(0.5)
            for key in ("s", "enter", "f", "w", "space", "y"):
                terminal.press(key)
                terminal.wait_quiet(0.2)
            assert shells(server) == []

    def test_a_message_is_only_a_message(self, server: SshServer) -> None:
        message = "'); import os; os.system('touch /tmp/netsim-was-out') #$(touch /tmp/netsim-was-out)"
        with Near(server, kiosk(server)) as terminal:
            opened(terminal)
            terminal.press("o", "c")  # without packets held
            terminal.wait_for(r"connect\(.*ok")
            terminal.wait_quiet()
            for key in ("s", "u"):
                terminal.press(key)
                terminal.wait_for("enter sends it")
                terminal.type(message)
                terminal.press("enter")
                terminal.wait_gone("enter sends it")
                terminal.wait_quiet(ARMED)
            assert not Path("/tmp/netsim-was-out").exists()

    @pytest.mark.parametrize("asked", ["netsim shell -- touch out", "x; touch out $(touch out)"])
    def test_what_ssh_is_asked_to_run_is_not_run(self, server: SshServer, asked: str) -> None:
        with Near(server, kiosk(server, asked)) as terminal:
            opened(terminal)
            assert "private net" in terminal.lines()[0]
            assert shells(server) == []
            terminal.press("q")
            assert terminal.wait_for_end() == 0

    @pytest.mark.parametrize("subsystem", [(), ("-s", "sftp")])
    def test_without_a_terminal_it_is_plain_mode_and_no_more(
        self, server: SshServer, subsystem: tuple[str, ...]
    ) -> None:
        command = kiosk(server, *subsystem[1:], tty=False, options=subsystem[:1])
        typed = "!touch out\nshell\nrecord out\nsend $(touch out)\n\nquit\n"
        told = subprocess.run(command, input=typed, capture_output=True, text=True, timeout=120, check=False)
        assert told.returncode == 0, told.stderr
        assert told.stdout.startswith("netsim in a private net"), told.stdout
        assert told.stdout.count("There is no word") == 3

    def test_nothing_is_forwarded(self, server: SshServer) -> None:
        for option in (("-W", f"127.0.0.1:{server.port}"), ("-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:22")):
            command = kiosk(server, tty=False, options=option)
            refused = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
            )
            assert refused.returncode != 0
            assert "prohibited" in refused.stderr or "failed" in refused.stderr


@pytest.mark.parametrize("more", ["doctor", "shell", "run", "replay", "lesson", "ports"])
def test_no_other_command_beside_it(more: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "netsim", "--kiosk", more], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert told.returncode == 2
    assert "--kiosk is the screen alone" in told.stderr


@pytest.mark.usefixtures("no_leaks")
def test_what_is_in_the_environment_writes_no_file(tmp_path: Path, free_port: int) -> None:
    """sshd can be set to take names from the client (AcceptEnv, PermitUserEnvironment)."""
    written = tmp_path / "log"
    env = {"TEXTUAL_LOG": str(written), "TEXTUAL": "debug,devtools", "TEXTUAL_DRIVER": "os:system"}
    command = [sys.executable, "-m", "netsim", "--kiosk", "--net", "host", "--port", str(free_port)]
    with Terminal(command, env=env, cwd=ROOT) as terminal:
        opened(terminal)
        terminal.press("q")
        assert terminal.wait_for_end() == 0
    assert not written.exists()
