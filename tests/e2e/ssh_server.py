"""An OpenSSH server of the tests' own: on loopback, with an ordinary user made for it, who has this checkout's netsim.

Law: what was made (a user, files, a server) is gone afterwards. Only root can do this.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from tests.conftest import find_free_port
from tests.e2e.netsim_terminal import ROOT
from tests.processes import ENDING
from tests.terminal import PATIENCE, Terminal

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
ALIVE = 1  # seconds between two questions whether the other end still answers (ClientAliveInterval)
UNANSWERED = 5  # of them that may stay unanswered: a busy machine may stop an end for three seconds

CONFIG = """
Port {port}
Port {kiosk}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/key.pub
AllowUsers {user}
AuthenticationMethods publickey
KbdInteractiveAuthentication no
PasswordAuthentication no
UsePAM no
StrictModes no
PrintMotd no
PrintLastLog no
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
ClientAliveInterval {alive}
ClientAliveCountMax {unanswered}
Match LocalPort {kiosk}
    ForceCommand {netsim} --kiosk
    PermitTTY yes
    DisableForwarding yes
    PermitUserRC no
"""


class SshServer:
    """`user` may log in, with `key`, on `port`; on `kiosk_port` there is nothing but `netsim --kiosk`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="netsim-ssh-"))  # pytest's own folders are closed to others
        self.folder.chmod(0o755)
        self.user = f"netsim-{os.getpid()}"
        self.port, self.kiosk_port = find_free_port(), 0
        while self.kiosk_port in (0, self.port):
            self.kiosk_port = find_free_port()
        self.key = self.folder / "key"
        self.log = self.folder / "log"
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            run("useradd", "--create-home", "--home-dir", str(self.folder / "home"), "--shell", "/bin/bash", self.user)
            run("usermod", "-p", "*", self.user)  # no password, and yet not locked, as `!` would be
            self.uid = pwd.getpwnam(self.user).pw_uid
            self.netsim = install(self.folder, self.user)
            for name in ("host_key", "key"):
                run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name))
            self._serve()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server.wait()
        for pid in self.running():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.running(), "the user's processes to end")
        subprocess.run(["userdel", "--force", self.user], capture_output=True, check=False, env={"PATH": PATH})
        shutil.rmtree(self.folder, ignore_errors=True)

    def _serve(self) -> None:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it shuts up what has no privileges
        config = self.folder / "config"
        config.write_text(
            CONFIG.format(
                port=self.port, kiosk=self.kiosk_port, folder=self.folder, user=self.user, netsim=self.netsim,
                alive=ALIVE, unanswered=UNANSWERED,
            )
        )  # fmt: skip
        sshd = shutil.which("sshd", path=PATH)
        assert sshd is not None
        self._server = subprocess.Popen([sshd, "-D", "-f", str(config), "-E", str(self.log)], stdin=subprocess.DEVNULL)
        for port in (self.port, self.kiosk_port):
            wait_until(lambda: answers(port), f"sshd to answer on {port} (its words are in {self.log})")  # noqa: B023

    # --- who is there

    def running(self) -> dict[int, str]:
        """The user's processes, with their command lines; zombies do not run."""
        found = {}
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                if entry.name.isdigit() and entry.stat().st_uid == self.uid:
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                    if command and (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                        found[int(entry.name)] = command
        return found

    def all_gone(self) -> bool:
        """Whether nothing of the user runs any more, within the time that a busy machine may need."""
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not self.running(), "the user's processes to end", ENDING)
        return not self.running()

    # --- who comes

    def command(
        self, *remote: str, port: int | None = None, tty: bool = True, options: tuple[str, ...] = ()
    ) -> list[str]:
        """The near end's command line; `port`: another than the one for ordinary log-ins."""
        return [
            "ssh", "-F", "none", "-tt" if tty else "-T", "-i", str(self.key), "-p", str(port or self.port),
            "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={os.devnull}",
            "-o", "LogLevel=ERROR", "-o", f"ServerAliveInterval={ALIVE}", "-o", f"ServerAliveCountMax={UNANSWERED}",
            *options, f"{self.user}@127.0.0.1", *remote,
        ]  # fmt: skip

    def terminal(self, *remote: str, port: int | None = None, options: tuple[str, ...] = ()) -> Terminal:
        """The near terminal, 80x24, with `ssh -tt` in it; it says nothing of its colours (COLORTERM)."""
        return Near(self, self.command(*remote, port=port, options=options), env={"LANG": "C.UTF-8", "LC_ALL": None})


class Near(Terminal):
    """The near end's terminal; what runs in it runs at the far end."""

    def __init__(self, server: SshServer, command: Sequence[str], **more: Any) -> None:
        self.server = server
        super().__init__(command, **more)

    def pids(self) -> list[int]:
        return [*super().pids(), *self.server.running()]


def install(folder: Path, user: str) -> Path:
    """This checkout's netsim and what it needs, copied to where everybody may read it; the command to start it.

    The Python of these tests may be in a home that is closed to the user, and then one of the same version is taken:
    compiled modules are for one version only.
    """
    library = folder / "lib"
    library.mkdir()
    for distribution in needed("netsim"):
        for file in distribution.files or ():
            place = Path(str(distribution.locate_file(file)))
            if not file.parts[0].startswith("..") and place.is_file():
                target = library / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(place, target)
    shutil.copytree(ROOT / "netsim", library / "netsim", dirs_exist_ok=True)
    python = python_of(user)
    run(python, "-m", "compileall", "-q", "-j", "2", str(library))
    command = folder / "netsim"
    command.write_text(
        f"#!{python}\nimport sys\nsys.path.insert(0, {str(library)!r})\n"
        "from netsim.cli import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
    )
    command.chmod(0o755)
    return command


def needed(name: str, extra: frozenset[str] = frozenset()) -> list[importlib.metadata.Distribution]:
    """What is installed of everything that a distribution needs to run, itself left out."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [name]
    while waiting:
        for requirement in importlib.metadata.requires(waiting.pop()) or ():
            other = re.match(r"[\w.-]+", requirement)
            if other is None or "extra ==" in requirement or other[0] in found:
                continue
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # for another system or Python
                found[other[0]] = importlib.metadata.distribution(other[0])
                waiting.append(other[0])
    return list(found.values())


def python_of(user: str) -> str:
    """A Python of this one's minor version that the user can run."""
    wanted = "{}.{}".format(*sys.version_info)
    for python in (os.path.realpath(sys.executable), f"/usr/bin/python{wanted}", f"/usr/local/bin/python{wanted}"):
        tried = subprocess.run(
            ["runuser", "-u", user, "--", python, "-c", "import sys; print('{}.{}'.format(*sys.version_info))"],
            capture_output=True, text=True, check=False, cwd="/", env={"PATH": PATH},
        )  # fmt: skip
        if tried.returncode == 0 and tried.stdout.strip() == wanted:
            return python
    raise AssertionError(f"{user} can run no Python {wanted}: install python{wanted} for all users")


class Proxy:
    """A line between the two ends that can be cut or frozen. Freezing: no byte and no end of file passes any more."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._target = port
        self._may_pass = threading.Event()
        self._may_pass.set()
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def freeze(self) -> None:
        self._may_pass.clear()

    def cut(self) -> None:
        """The line is gone, and both ends are told."""
        self._may_pass.set()
        for each in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            near, _ = self._listener.accept()
            far = socket.create_connection(("127.0.0.1", self._target))
            self._sockets += [near, far]
            for ends in ((near, far), (far, near)):
                self._threads.append(threading.Thread(target=self._carry, args=ends, daemon=True))
                self._threads[-1].start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._may_pass.wait()
                target.sendall(data)
            self._may_pass.wait()
            target.shutdown(socket.SHUT_WR)


def answers(port: int) -> bool:
    """Whether a server says something on this port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as asked:
        return bool(asked.recv(4))
    return False


def wait_until(so: Callable[[], object], what: str, timeout: float = PATIENCE) -> None:
    """Look again and again; who is waited for here has no descriptor of ours that could be waited on."""
    end = time.monotonic() + timeout
    while not so():
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout:g} s for {what}")
        time.sleep(0.02)


def run(*command: str) -> None:
    """A command that has to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": PATH})
    assert done.returncode == 0, f"{command}: {done.stderr}"


@contextlib.contextmanager
def ssh_server() -> Iterator[SshServer]:
    with SshServer() as server:
        yield server
